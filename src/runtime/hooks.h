/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks.h: programs that a spec wants run at certain moments of a container's life.
 *
 *   prestart, createRuntime   by whoever makes the container, once its namespaces are there
 *   createContainer           by the container's process: in its namespaces but the mount one, of which it has a copy of the host's,
 *                             and the one of users, unless that is where it was born (launch.h)
 *   startContainer            by the same, in the container, as its user with its capabilities and the spec's filter
 *   poststart, poststop       by whoever made it, after the guest began, after all of it is gone
 *
 * Each gets the container's state as JSON on standard input, its own arguments and environment and nothing else of ours;
 * what it prints goes to our standard error. One after the other; the first that fails ends it.
 */
#ifndef RUNTIME_HOOKS_H
#define RUNTIME_HOOKS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"

/* What they are told of the container; strings are borrowed. */
struct hooks_state {
	const char *id;
	const char *status; /* "creating", "created", "running", "stopped" */
	const char *bundle; /* absolute; "": none */
	pid_t pid; /* as whoever runs them sees it; 0: none any more */
};

/* What a hook's process does before it becomes the hook's program: 0 or a negative errno with the sentence. NULL: nothing. */
typedef int (*hooks_prepare)(const struct oci_spec *spec, struct err *err);

/* 0, or a negative errno with the sentence, which names the hook: -ETIMEDOUT, -ECHILD (it failed), or why it was not run. */
int hooks_run(const struct oci_spec *spec, enum oci_hook_kind kind, const struct hooks_state *state,
	      hooks_prepare prepare, struct err *err);

/* Are there any the container's process has to wait for, once it has its namespaces. */
bool hooks_await_namespaces(const struct oci_spec *spec);
/* In the container's process. */
int hooks_create_container(const struct oci_spec *spec, const char *id, const char *bundle,
			   struct err *err);
int hooks_start_container(const struct oci_spec *spec, const char *id, const char *bundle,
			  struct err *err);

#endif
