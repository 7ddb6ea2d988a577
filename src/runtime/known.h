/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.h: a container that was made before, found again by its ID: start it, signal it, let it stand still and go on, run one
 * more process in it, remove it.
 *
 * All that is known of it is its state (state.h) and what the kernel says of its process. Whoever made it may be gone, or
 * look after it still: then it is he who removes it, and we who ask only end its process.
 */
#ifndef RUNTIME_KNOWN_H
#define RUNTIME_KNOWN_H

#include "runtime/bundle.h"
#include "runtime/launch.h"
#include "runtime/state.h"
#include "sandbox/cgroup.h"

enum known_status {
	KNOWN_CREATING, /* somebody is about to make it, or was killed over it */
	KNOWN_CREATED,
	KNOWN_RUNNING,
	KNOWN_PAUSED,
	KNOWN_STOPPED,
};

struct known {
	const char *id; /* borrowed */
	int root, dir; /* owned: of all states, and of this one */
	struct state state;
	/* What it was made from; its directory is not opened. `spec` NULL: that is not known, and `damage` says why. */
	struct bundle bundle;
	struct err damage;
	struct cgroup_layout layout;
	struct cgroup *cgroup; /* owned; NULL: none */
	enum known_status status; /* when it was looked at */
};

/* -ENOENT: there is no such container. Zeros on failure; close it else. */
int known_open(struct known *ret, const char *id, struct err *err);
void known_close(struct known *known);
/* The IDs of all, sorted; free each, and the array. */
int known_list(char ***ret, size_t *ret_count, struct err *err);
/* "running" */
const char *known_status_name(enum known_status status);

/* The guest's first instruction, and the hooks that run then, whose failure is in `warning` and nowhere else. */
int known_start(struct known *known, struct err *warning, struct err *err);
/* `all`: not only its first process. */
int known_signal(struct known *known, int signal, bool all, struct err *err);
int known_pause(struct known *known, struct err *err);
int known_resume(struct known *known, struct err *err);
/*
 * Everything that is left of it goes. One that runs is not deleted (-EBUSY), unless by `force`, which ends it.
 * What poststop hooks say is in `warning`.
 */
int known_delete(struct known *known, bool force, struct err *warning, struct err *err);
/* One that cannot be opened, as its state is damaged: so nothing but that can be removed. */
int known_forget(const char *id, struct err *err);

/* One more process in it. Strings are borrowed. */
struct known_exec {
	const char *process; /* text of an OCI process */
	size_t process_size;
	bool inherits; /* see plan.h */
	const char *cache;
	int stdio[3];
	const struct terms *terms; /* as in struct launch, as is what follows */
	int stop;
	message_note_fn *note;
	void *note_env;
};
/* It runs; the child is ours to wait for. Results are those of launch_wait_ready(). */
int known_exec(struct known *known, const struct known_exec *exec, struct child *ret,
	       struct err *err);

#endif
