/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terms.h: what a container's guest is given beside its config.json, as it goes along into the cage.
 *
 * On the way it is bytes of the plan (plan.h). Descriptors come along beside them, in order: those of `listen`, then the
 * core dump's.
 */
#ifndef RUNTIME_TERMS_H
#define RUNTIME_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "runtime/limits.h"

/* Texts, each ended by a NUL, one behind the other; borrowed. */
struct terms_list {
	const char *text;
	uint32_t size;
};

struct terms {
	uint64_t limits[LIMITS]; /* CONFIG_NONE: none */
	uint64_t features; /* proposals that are not as by default */
	uint32_t threads; /* at most; with has_threads */
	enum config_word landlock; /* what becomes of it where there is none */
	bool has_threads;
	bool reactor;
	bool dumps; /* there is a descriptor for a core dump */
	const char *invoke, *argv0; /* NULL: none; borrowed */
	struct terms_list allow; /* of --allow-net; none: everyone, where it has a network */
	struct terms_list listen; /* addresses; an empty one stands for a descriptor */
};

/* Nothing special. */
void terms_init(struct terms *terms);
/* Of all lists: for (t = terms_first(list); t != NULL; t = terms_next(list, t)). */
const char *terms_first(const struct terms_list *list);
const char *terms_next(const struct terms_list *list, const char *text);

/* 0 or -ENOMEM. */
int terms_write(const struct terms *terms, struct buf *ret);
/* What it borrows lies in `bytes`. Size 0: as terms_init(). */
int terms_read(struct terms *ret, const char *bytes, size_t size, struct err *err);

#endif
