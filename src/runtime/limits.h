/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h: how much a guest may take: asked for on the command line, else by an annotation of its bundle, else what the node's
 * configuration gives; and never more than that allows.
 */
#ifndef RUNTIME_LIMITS_H
#define RUNTIME_LIMITS_H

#include "oci/spec.h"
#include "runtime/config.h"

enum limit {
	LIMIT_MEMORY, /* bytes */
	LIMIT_FUEL, /* instructions */
	LIMIT_TIME, /* ms */
	LIMIT_STACK, /* bytes */
	LIMIT_GRACE, /* ms */
	LIMITS,
};

struct limits {
	uint64_t of[LIMITS]; /* CONFIG_NONE: none */
	bool asked[LIMITS]; /* on the command line */
};

/* The annotations are skiff.memory, skiff.fuel, ...; others that begin so are a warning. -EINVAL, with the sentence. */
int limits_resolve(struct limits *limits, const struct oci_spec *spec, const struct config *config,
		   config_warn_fn *warn, void *env, struct err *err);

#endif
