/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h: look after a container's process in the foreground: terminal, signals, its end.
 *
 * Signals that would end us go to the process instead; its end is ours.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <signal.h>
#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"
#include "runtime/limits.h"
#include "runtime/message.h"
#include "runtime/terminal.h"
#include "runtime/terms.h"

struct watch {
	sigset_t set; /* what we hear of by waiting for it */
	struct terminal terminal;
	const char *console_socket; /* borrowed: who listens there gets the terminal; NULL: we do */
	int stdio[3]; /* of the process */
	int stop; /* readable once there is a signal that ends us while there is nobody to pass it on to */
};

/* From here on such signals wait. */
void watch_begin(struct watch *ret, const char *console_socket);
/* The process's standard streams: a terminal, where it asks for one, or ours. */
int watch_terminal(struct watch *watch, const struct oci_spec *container,
		   const struct oci_process *process, struct err *err);
/* It is born, or will not be: `result` of its making, an exit code where a signal ended that. */
int watch_born(struct watch *watch, int result);
/* Until it has ended: its exit code. `other`: a pidfd of a process with which it ends too; -1: none. */
int watch_end(struct watch *watch, pid_t pid, int other);
/* Of one that nobody looks after. */
void watch_leave(struct watch *watch);

/* What a container's process has to say, and nothing fails by: a message_note_fn. */
void watch_note(void *env, enum message_kind kind, const char *sentence);
/* What the node's configuration has to say of a guest: limits, and what becomes of it without Landlock. -EINVAL, with the sentence. */
int watch_agree(struct terms *terms, struct limits *limits, const struct oci_spec *spec,
		const struct config *config, struct err *err);

/* The number of the process, in a file that is whole or not there. */
int watch_write_pid(const char *path, pid_t pid, struct err *err);

#endif
