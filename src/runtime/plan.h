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

#include "base/err.h"

struct plan {
	const char *spec; /* text of config.json; borrowed, as are these */
	size_t spec_size;
	const char *terms; /* of terms.h; size 0: none */
	size_t terms_size;
	const char *id;
	const char *cache; /* directory; NULL: the default one; "": none */
	bool has_bundle; /* a descriptor of a directory comes along: relative paths begin there, and the root lies in it */
	bool has_template; /* a descriptor of a mount namespace comes along */
	bool waits; /* ready is not yet go: create and start are two */
};

/* A descriptor, sealed; or a negative errno. */
int plan_write(const struct plan *plan, struct err *err);
/* Maps it, for good: what `ret` borrows lies in the mapping. */
int plan_read(struct plan *ret, int fd, struct err *err);

#endif
