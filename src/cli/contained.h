/* SPDX-License-Identifier: Apache-2.0 */
/* contained.h: run a bundle in a container, in the foreground; or make one that waits to be started. */
#ifndef CLI_CONTAINED_H
#define CLI_CONTAINED_H

#include "runtime/terms.h"

#include <stdbool.h>
#include <stddef.h>

struct keep;

struct contained_plan {
	const char *bundle; /* a directory with a config.json; NULL: text is one */
	char *text; /* taken */
	size_t size;
	const char *id; /* NULL: made up */
	const struct config *config; /* the node's; borrowed; NULL: it is read */
	struct limits limits; /* what was asked for */
	struct terms
		terms; /* without limits and what the configuration says; zeros: nothing special */
	const int *sockets; /* of terms.listen; borrowed */
	uint32_t socket_count;
	const char *coredump; /* a path; NULL: none */
	const char *cache; /* as in guest_plan */
	bool no_cache;
	bool detached; /* make it, and leave it */
	/* Who listens there gets the terminal; NULL: we look after it, unless it is detached. */
	const char *console_socket;
	const char *pid_file; /* written when the process is there; NULL: none */
	/* Of what is only a text: */
	int root; /* taken: the directory its root.path is; -1: the root is an empty one */
	int lock; /* taken: closed when the container's state names that; -1 */
	const char
		*image; /* what it is made of, as `skiff ps` shows it; NULL: nothing to be shown */
	bool group; /* it has a control group */
	bool no_input; /* its standard input is empty */
	struct keep *keep; /* who called us is gone already; NULL: he waits. Borrowed */
};

/* The exit code, of the guest if it ran. */
int contained_run(struct contained_plan *plan);

#endif
