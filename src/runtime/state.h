/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h: what is known of a container while nobody of ours runs: a directory each, in /run/skiff, or where an ordinary user has
 * such a thing.
 *
 *   ROOT/ID/state         lines "KEY VALUE", the first is "skiff-state 1"; written whole to a new file that takes the name
 *   ROOT/ID/config.json   as it was when the container was made
 *   ROOT/ID/gate          where one that was created waits to be started (gate.h)
 *
 * It is there before the container's process is, and goes after everything else of it: whatever is killed when,
 * there is a name for what is left. A process is named by its number and the time it started, so a number that was given out
 * again is nobody we know. Keys a later version adds are skipped by this one, and gone once it writes the state anew.
 */
#ifndef RUNTIME_STATE_H
#define RUNTIME_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define STATE_ID_MAX 255

/* Times are of the kernel: clock ticks since the machine started. */
struct state_process {
	pid_t pid; /* 0: none yet */
	uint64_t start;
};

/* What was done of its making; what became of it since is told by its process. */
enum state_phase {
	STATE_PLANNED, /* what `cgroup` names may be missing, or be somebody else's: nobody of ours is in it */
	STATE_CREATING, /* it is ours */
	STATE_CREATED, /* the process waits to be started */
	STATE_RUNNING, /* it was */
};

struct state {
	enum state_phase phase;
	char *bundle; /* owned: absolute; empty: only in memory */
	char *cgroup; /* owned: as cgroup_save() has it; empty: none */
	struct state_process init;
	bool kept; /* it was made, and stays until it is deleted: nobody takes its name over */
	int64_t created; /* seconds since 1970 */
	char *image; /* owned: what it was made of, as it was asked for; empty: a bundle. NULL is empty */
	bool has_ended; /* somebody saw it end, and kept what was to be seen: */
	int exit; /* the exit code */
	int64_t ended; /* seconds since 1970 */
	bool ran_out; /* of memory, and was killed for that */
};

/*
 * The directory of all, where base/places.h says, made if it is missing; it must be ours alone. A descriptor.
 */
int state_root(struct err *err);
/* An ID names a directory and a control group: -EINVAL with what is wrong. */
int state_check_id(const char *id, struct err *err);

/* -EEXIST: there is such a container. A descriptor of its directory. */
int state_make(int root, const char *id, struct err *err);
/* -ENOENT: there is none. */
int state_open(int root, const char *id, struct err *err);
int state_write(int dir, const struct state *state, struct err *err);
/* The same in two steps: the file, which nobody reads yet; its name. */
int state_prepare(int dir, const struct state *state, struct err *err);
int state_publish(int dir, struct err *err);
/* Is that still the directory of this ID. */
bool state_is_named(int root, const char *id, int dir);
/* -ENODATA: it was made and never written. Free it. */
int state_read(int dir, struct state *ret, struct err *err);
void state_deinit(struct state *state);
/* The config.json it is made from. */
int state_keep_config(int dir, const char *text, size_t size, struct err *err);
/* Gone is success. */
int state_remove(int root, const char *id, struct err *err);

/* The process as it is known now; start 0: there is no such process. */
struct state_process state_process_now(pid_t pid);
/* Is it there still, and not a later one of that number. */
bool state_is_alive(const struct state_process *process);

#endif
