/* SPDX-License-Identifier: Apache-2.0 */
/* state.h: a container's state as the runtime specification has it, in JSON: for hooks, and for who asks. */
#ifndef OCI_STATE_H
#define OCI_STATE_H

#include <sys/types.h>

#include "base/buf.h"
#include "oci/spec.h"

/* All is borrowed. */
struct oci_state {
	const char *id;
	const char *status; /* "creating", "created", "running", "stopped" */
	const char *bundle;
	pid_t pid; /* 0: none */
	const struct oci_pairs *annotations;
};

/* Appended, on one line; -ENOMEM. Bytes that are no UTF-8 are passed on as they are. */
int oci_state_put(const struct oci_state *state, struct buf *text);

#endif
