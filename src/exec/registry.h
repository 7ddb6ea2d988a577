/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h: the types of all modules of an engine, each once.
 *
 * A module's recursion groups are interned by full comparison (types.h): the numbers that come out are equal
 * exactly if the types are, across modules. They are what a function carries and an indirect call compares.
 * Types are never removed: an engine sees few different ones, and a number must not change its meaning
 * while compiled code holds it.
 *
 * Shared by threads: adding takes the lock, and so does every reading of the space, since
 * adding may move it. What objects and casts need of a type is its description (objects.h), which never moves: it is
 * found without the lock.
 */
#ifndef EXEC_REGISTRY_H
#define EXEC_REGISTRY_H

#include <pthread.h>

#include "wasm/image.h"

struct type_info;

/* Descriptions by number, in pieces that never move: piece k has REGISTRY_PIECE << k. */
enum { REGISTRY_PIECE_BITS = 6, REGISTRY_PIECES = 20 };

struct registry {
	pthread_mutex_t lock;
	struct types types;
	const struct type_info **infos[REGISTRY_PIECES]; /* owned, with what they hold */
};

/* The description of a type; NULL: it has none. */
static inline const struct type_info *registry_info(const struct registry *registry, uint32_t id)
{
	uint32_t n = id + (1u << REGISTRY_PIECE_BITS);
	uint32_t bits = 31 - (uint32_t)__builtin_clz(n);
	const struct type_info *const *piece = (const struct type_info *const *)__atomic_load_n(
		&registry->infos[bits - REGISTRY_PIECE_BITS], __ATOMIC_ACQUIRE);

	return piece != NULL ? __atomic_load_n(&piece[n - (1u << bits)], __ATOMIC_ACQUIRE) : NULL;
}

/* Describe these types. 0 or -ENOMEM. */
int registry_describe(struct registry *registry, const uint32_t *ids, uint32_t count);

int registry_init(struct registry *registry);
void registry_deinit(struct registry *registry);

/* The engine's number of each type of the image; `ids` has room for all. 0 or -ENOMEM. */
int registry_intern(struct registry *registry, const struct image *image, uint32_t *ids);

/* The number of a function type in the engine's own numbering; words are abstract or the engine's. */
int registry_func_type(struct registry *registry, const uint32_t *params, uint16_t param_count,
		       const uint32_t *results, uint16_t result_count, uint32_t *ret);

/* Value type of a module (indices through ids) in the engine's numbering. */
uint32_t registry_valtype(const uint32_t *ids, uint32_t type);

/* Is there a type of this number. */
bool registry_has(struct registry *registry, uint32_t id);

/* Is type `a` (a number) `b` or one of its subtypes. */
bool registry_extends(struct registry *registry, uint32_t a, uint32_t b);
/* Value types, in the engine's numbering. */
bool registry_matches(struct registry *registry, uint32_t a, uint32_t b);

/* A copy of the definition. */
struct type_def registry_def(struct registry *registry, uint32_t id);
/* Its word `i`: a parameter, then a result. */
uint32_t registry_word(struct registry *registry, uint32_t id, uint32_t i);
/* As text, e.g. "(func (param i32))"; snprintf's rule. */
size_t registry_text(struct registry *registry, uint32_t id, char *text, size_t size);

#endif
