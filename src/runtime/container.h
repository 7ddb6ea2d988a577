/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container.h: the life of a container, as whoever makes it sees it.
 *
 *   container_create()    name and state, control group, process, cage: everything but the guest's first instruction
 *   container_start()     that
 *   container_started()   hooks
 *   container_delete()    whatever is left goes: after any failure, and after the end
 *
 * Of one that is `kept`, in place of the last, container_ended(): what is known of it stays until somebody deletes it (known.h).
 *
 * Or, of one that is `detached`, container_create() and container_leave(): it waits to be started by whoever comes (known.h).
 */
#ifndef RUNTIME_CONTAINER_H
#define RUNTIME_CONTAINER_H

#include "runtime/bundle.h"
#include "runtime/launch.h"
#include "runtime/state.h"
#include "runtime/terms.h"
#include "sandbox/cgroup.h"

struct container {
	const char *id; /* borrowed, as are these: set by the caller */
	const struct bundle *bundle;
	const char *cache;
	int template;
	int stdio[3];
	int stop; /* to be readable when it is not to be made after all; -1: none */
	launch_slow_fn *slow; /* as in struct launch */
	bool detached; /* nobody stays with it */
	const struct terms *terms; /* NULL: nothing special */
	const int *more; /* descriptors that belong to it */
	uint32_t more_count;
	message_note_fn *note; /* as in struct launch */
	void *note_env;
	const char *image; /* see struct state; NULL: none */
	bool kept; /* from its start on its name and its end are known until it is deleted, whatever becomes of us */
	bool no_cgroup; /* it stays in ours: nothing is limited, and its pid namespace keeps it together */

	int root; /* these are ours: the directory of all states; 0: none is kept */
	int state_dir; /* the one of this container */
	struct state state;
	struct cgroup_layout layout;
	struct cgroup *cgroup; /* NULL: none */
	struct cgroup_notes notes; /* what an ordinary user did not get */
	struct child child; /* pid 0: none */
	bool was_born; /* there was such a process: hooks know of it */
};

/* 0; else an exit code (> 0) or a negative errno, with the sentence. Delete it in any case. */
int container_create(struct container *container, struct err *err);
/* One that is not detached. */
int container_start(struct container *container, struct err *err);
/* The hooks that run then: their failure is worth a warning. */
int container_started(const struct container *container, struct err *err);
/* Did the kernel end a process of it for want of memory; until it is deleted. */
bool container_ran_out(const struct container *container);
/* It stays as it is; what is ours of it is freed. */
void container_leave(struct container *container);
/*
 * It has ended with this code, and was waited for: everything of it goes but its state, which says so. What is ours of it is freed.
 */
int container_ended(struct container *container, int code, struct err *err);
/* The child, if it is there, is killed and waited for. `err` may be NULL. */
int container_delete(struct container *container, struct err *err);

#endif
