/* SPDX-License-Identifier: Apache-2.0 */
/* leftover.h: containers whose maker was killed before it could clean up. */
#ifndef RUNTIME_LEFTOVER_H
#define RUNTIME_LEFTOVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "runtime/state.h"

struct cgroup;

/* Wait until it is so, as long as what was killed may take to be gone; 2 s. Is it. */
typedef bool leftover_is_fn(const void *env);
bool leftover_eventually(leftover_is_fn *is, const void *env);

/* Say so of a process that was killed in vain; -ETIMEDOUT. */
int leftover_does_not_end(pid_t pid, struct err *err);
/*
 * Kill what is in the group of container `id` that had come so far, and remove it; unless another container runs in it, whose it
 * is then. `root`: the directory of all states; 0: none is kept.
 */
int leftover_remove_group(struct cgroup *group, enum state_phase phase, int root, const char *id,
			  struct err *err);

/*
 * Remove what is left of a container: its processes, control group, state. 0: it is gone, or never was; -EBUSY: it lives, or its
 * maker does, or it is kept. A maker holds a lock on the state's directory (leftover_guard).
 */
int leftover_remove(int root, const char *id, struct err *err);

/* From now on, until the descriptor is closed or we end, it is no leftover. -EBUSY: somebody else says so. */
int leftover_guard(int state_dir, const char *id, struct err *err);

#endif
