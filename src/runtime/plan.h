/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h: what a container's process is told before it is one: a sealed memfd.
 *
 * The config.json goes as the text it came as, and is read again over there: a process that is about to be caged has no
 * data of whoever started it but this.
 */
#ifndef RUNTIME_PLAN_H
#define RUNTIME_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include "base/err.h"
#include "oci/spec.h"

/* What the process waits for once it is ready. */
enum plan_wait {
	PLAN_GOES, /* nothing */
	PLAN_WAITS, /* the word of whoever started it, who stays */
	PLAN_WAITS_AT_GATE, /* whoever comes to start it (gate.h) */
};

struct plan {
	const char *spec; /* text of config.json; borrowed, as are these */
	size_t spec_size;
	const char *terms; /* of terms.h; size 0: none */
	size_t terms_size;
	const char *id;
	const char *cache; /* directory; NULL: the default one; "": none */
	bool has_bundle; /* a descriptor of a directory comes along: relative paths begin there, and the root lies in it */
	bool has_template; /* a descriptor of a mount namespace comes along */
	bool in_users; /* it is born in its user namespace, and has rights nowhere else: an ordinary user's */
	enum plan_wait wait;
	/* One more process of a container: */
	pid_t beside; /* its first process, as the /proc in sight has it; 0: this is the first one */
	uint64_t beside_start; /* when that one started, as state.h has it */
	const char *process; /* text of its own `process`; NULL for the first one */
	size_t process_size;
	bool inherits; /* of that only what names the program: arguments, variables, directory, user, terminal */
	/* Of a plan that was read: where all that is borrowed lies. */
	const void *mapping;
	size_t mapping_size;
};

/* A descriptor, sealed; or a negative errno. */
int plan_write(const struct plan *plan, struct err *err);
/* Maps it, for good: what `ret` borrows lies in the mapping. */
int plan_read(struct plan *ret, int fd, struct err *err);

/*
 * What the process is to be: the container's spec, or for one more process that spec with its own `process`, and with the
 * namespaces of the first one. The caller owns it.
 */
int plan_spec(const struct plan *plan, struct oci_spec **ret, struct err *err);

#endif
