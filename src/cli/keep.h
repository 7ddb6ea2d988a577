/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep.h: look after a container in the background: `skiff run --detach`.
 *
 *   who was called    keep_leave(): waits until the container runs, prints its ID and ends; or ends as the other one did
 *   its child         makes the container as in the foreground, then lets go of the terminal: keep_running(); writes down what the
 *                     container says, and how it ended
 *
 * Killed, it takes nothing along: the container goes on, and what it writes from then on is lost.
 */
#ifndef CLI_KEEP_H
#define CLI_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/log.h"
#include "cli/watch.h"

struct keep {
	const char *id; /* borrowed */
	bool removed; /* nothing stays when it has ended */
	uint64_t log_bytes; /* of a file; 0: as usual */
	int report; /* owned: to who was called; -1: there is nothing more to say */
	int ours[LOG_STREAMS], theirs[LOG_STREAMS]; /* owned: both ends of its streams; -1 */
	int input; /* owned: the container's; -1 */
	struct log log; /* owned */
};

/* True in who was called, at the end: with its exit code. */
bool keep_leave(struct keep *ret, const char *id, int *ret_code);
/* What the container's streams are to be; not where it has a terminal. */
int keep_streams(struct keep *keep, struct watch *watch, struct err *err);
/* The container has its name, and nothing runs: what it says has a place. */
int keep_log(struct keep *keep, struct err *err);
/* It was born, or will not be. */
void keep_born(struct keep *keep);
/* It runs: what we have to say from now on goes into the log, too. */
void keep_running(struct keep *keep);
/* Until it has ended, and all it said is written: its exit code. */
int keep_attend(struct keep *keep, struct watch *watch, pid_t pid);
void keep_close(struct keep *keep);

#endif
