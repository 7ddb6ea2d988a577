/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h: one run of one module, from the file to the exit code.
 *
 * Without a name to call it is the export "_start", if there is one. A module without "_start"
 * runs by its start section; one that has neither but exports functions needs a name, and is told
 * so before anything of it runs.
 */
#ifndef CLI_GUEST_H
#define CLI_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/* What the command line wants; all strings are borrowed from it. */
struct guest_plan {
	const char *file;
	const char *invoke; /* NULL: none given */
	char **args; /* of the guest, ends with NULL */
	const char *coredump; /* a path, or NULL */
	uint64_t features;
	uint64_t stack_bytes; /* 0: the engine's default */
	uint64_t fuel;
	uint64_t time_ms;
	uint64_t memory_bytes;
	bool has_fuel;
	bool has_time;
	bool has_memory;
};

/* Run it, print results and mistakes; the exit code. */
int guest_run(const struct guest_plan *plan);

#endif
