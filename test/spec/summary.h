/* SPDX-License-Identifier: Apache-2.0 */
/*
 * summary.h: count verdicts by group, list failures, say the end.
 *
 * Every command of the manifest is counted once: what a file did not get to is failed.
 */
#ifndef SPEC_SUMMARY_H
#define SPEC_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest.h"
#include "verdict.h"

struct tally {
	uint64_t passed;
	uint64_t failed;
	uint64_t open;
};

struct reason {
	char text[VERDICT_TEXT_MAX];
	uint64_t count;
};

struct group {
	char name[MANIFEST_NAME_MAX];
	struct tally tally;
	uint64_t commands;
	struct reason *reasons; /* owned */
	size_t reason_count;
};

/* Files or groups that may have open commands, and how many (see summary_expect). */
struct allowance {
	char name[MANIFEST_NAME_MAX];
	uint64_t count;
};

struct summary {
	bool verbose;
	struct group *groups; /* owned */
	size_t group_count;
	struct allowance *allowances; /* owned */
	size_t allowance_count;
	bool expects;                   /* allowances count */
	const struct manifest_row *row; /* the file being counted; borrowed */
	struct tally file;
	uint64_t listed; /* failures printed */
};

void summary_init(struct summary *summary, bool verbose);
void summary_deinit(struct summary *summary);

/*
 * Read which commands may be open. A line is "GROUP" (any number in all its files), "GROUP/NAME" (any number in
 * this file) or "GROUP/NAME COUNT"; '#' begins a comment. What is open beyond that is counted as
 * failed. 0 or a negative errno.
 */
int summary_expect(struct summary *summary, const char *path);

/* One file: begin, its verdicts, end. False from begin: no memory. */
bool summary_begin(struct summary *summary, const struct manifest_row *row);
/* `place` is ":LINE TYPE", or what else stands behind the file's name. */
void summary_add(struct summary *summary, const char *place, const struct verdict *verdict);
/* `trouble` (NULL: none) is how the file's process ended before its time, or at its end. */
void summary_end(struct summary *summary, const char *place, const char *trouble);

/* Print all groups and the last line; true: nothing failed. */
bool summary_print(const struct summary *summary);

#endif
