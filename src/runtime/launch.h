/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.h: start the process of a container.
 *
 * It is this program again, executed from a descriptor in the role `skiff-init`, as the first process of its pid namespace
 * and in its control group from the first page on; so is one more process of a container that is there. What it does then is in
 * stage.h.
 *
 * Of root's containers that pid namespace belongs to the host's users, whatever user namespace the container has: its process
 * needs the host's rights until its files are opened, so that it cannot be born there, and a pid namespace gives whoever owns
 * it nothing that a guest could use. An ordinary user's is born in its user namespace, without which it could have none.
 */
#ifndef RUNTIME_LAUNCH_H
#define RUNTIME_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"
#include "runtime/message.h"
#include "runtime/plan.h"

struct cgroup;
struct terms;

/* It takes long until the container is ready: it waits for that path, in its view of files; NULL: who knows for what. */
typedef void launch_slow_fn(const char *path);

struct launch {
	struct plan plan; /* but for its terms */
	const struct terms *terms; /* what the guest gets beside the spec; NULL: nothing special */
	const struct oci_spec *spec; /* borrowed: plan.spec, read */
	int bundle; /* a directory; borrowed, as are these */
	int stdio[3];
	int template; /* a mount namespace to begin with; -1: our own */
	int gate; /* with PLAN_WAITS_AT_GATE; else -1 */
	struct cgroup *cgroup; /* NULL: ours */
	const int *more; /* further descriptors it gets */
	uint32_t more_count; /* at most LAUNCH_MORE_MOST */
	int stop; /* readable: it is not to be waited for any more; -1: none */
	launch_slow_fn *slow; /* called once, after some seconds; NULL: nobody is to know */
	message_note_fn *note; /* what the child has to tell; NULL: nobody wants to hear */
	void *note_env;
};

struct child {
	pid_t pid;
	int socket; /* owned */
	int module; /* owned: to be put into the cache; -1: it need not be. A process that decodes it says what it is */
	int stop; /* borrowed, of struct launch, as are these */
	launch_slow_fn *slow;
	message_note_fn *note;
	void *note_env;
};

#define CHILD_NONE ((struct child){.socket = -1, .module = -1, .stop = -1})

/* What the child finds where. */
enum {
	LAUNCH_PLAN_FD = 3,
	LAUNCH_SOCKET_FD,
	LAUNCH_BUNDLE_FD,
	LAUNCH_TEMPLATE_FD,
	LAUNCH_GATE_FD,
	LAUNCH_MORE_FD
};
enum { LAUNCH_MORE_MOST = 32 };

/* Where plan.in_users says so, the user namespace is made, or opened, too. */
int launch(struct child *ret, const struct launch *launch, struct err *err);
/* Is a container of this spec to be born in its user namespace: whoever asks is not root. */
bool launch_in_users(const struct oci_spec *spec);
/*
 * Until it is ready: 0; else the exit code (> 0) with its sentence, or a negative errno. -ECANCELED: `stop` said so: a file
 * system of the container's may never answer, and whoever waits is not to hang with it.
 */
int launch_wait_ready(struct child *child, struct err *err);
/* The same until its namespaces are there; it waits then for launch_on(). */
int launch_wait_namespaces(struct child *child, struct err *err);
int launch_on(struct child *child, struct err *err);
/* Of one that waits at the gate: until it no longer ends when we do. */
int launch_leave(struct child *child, struct err *err);
/* Until the guest begins; results are as above. */
int launch_go(struct child *child, struct err *err);
/* The word alone, for one that has no programs to run before its guest: nothing can go wrong that its end does not tell. */
int launch_let_go(struct child *child, struct err *err);
/* There is nothing more to be said to it. */
void child_hang_up(struct child *child);
void child_deinit(struct child *child);

#endif
