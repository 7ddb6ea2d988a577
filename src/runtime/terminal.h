/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h: the pseudo terminal of a container: the guest has the slave, whoever looks after it the master. */
#ifndef RUNTIME_TERMINAL_H
#define RUNTIME_TERMINAL_H

#include "base/err.h"
#include "oci/spec.h"

struct terminal {
	int master, slave; /* owned; -1: none */
};

#define TERMINAL_NONE ((struct terminal){-1, -1})

/* Of the size the process asks for, and its user's own, who is one of the container's. */
int terminal_open(struct terminal *ret, const struct oci_spec *container,
		  const struct oci_process *process, struct err *err);
void terminal_close(struct terminal *terminal);

/* The master goes to whoever listens at a unix socket, as runc hands it out: one message, with a name for it. */
int terminal_send(const struct terminal *terminal, const char *socket_path, struct err *err);

#endif
