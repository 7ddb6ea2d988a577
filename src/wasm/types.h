/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types.h: a space of defined types, closed group by group, equal groups found.
 *
 * A recursion group is appended type by type with its references to itself as plain indices of the
 * space, then closed. Closing compares it with every earlier group of the same structural hash, member
 * by member and in full (a hash alone is never believed); references into the group itself compare
 * relative to its start, all others as indices, which are canonical already. A group seen before
 * becomes an alias: its definitions are overwritten by the first one's and `canon` names that one.
 *
 * The decoder builds the space of a module this way, the engine the space all modules share: there
 * equality of two types is equality of two numbers, and subtyping a walk up `super`.
 * (Specification: "Types", "Matching", "Rolling and unrolling".)
 */
#ifndef WASM_TYPES_H
#define WASM_TYPES_H

#include "base/buf.h"
#include "wasm/valtype.h"

enum type_form {
	FORM_FUNC = 0x60,
	FORM_STRUCT = 0x5f,
	FORM_ARRAY = 0x5e,
};

#define TYPE_NONE UINT32_MAX /* no supertype, no type */

/* Lies in images as it is: docs/module-image.md. */
struct type_def {
	uint8_t form; /* enum type_form */
	uint8_t is_final;
	uint8_t depth;        /* length of the chain of supertypes */
	uint8_t has_default;  /* a struct or array: all its fields have one */
	uint32_t super;       /* canonical index or TYPE_NONE */
	uint32_t
		jump; /* one further up, at half the way or so: types.c; TYPE_NONE: there is no supertype */
	uint32_t canon; /* the first type equal to this one */
	uint32_t group_first; /* of the canonical group */
	uint32_t group_size;
	uint32_t hash; /* structural, of this process: 0 in images */
	uint32_t first; /* into the words: parameters, then results; or fields */
	uint16_t params; /* count; of a struct or array: the fields */
	uint16_t results;
	uint16_t param_slots;
	uint16_t result_slots;
};

/* A field is a storage type with this bit set when it is mutable. */
#define FIELD_MUTABLE 0x80u
#define FIELD_TYPE(field) ((field) & ~FIELD_MUTABLE)

/* A space to read: of an image, or of the engine. All borrowed. */
struct type_space {
	const struct type_def *defs;
	const uint32_t *words;
	uint32_t count;
};

/* A space to build. Zero-initialised is empty. */
struct types {
	struct buf defs; /* struct type_def */
	struct buf words; /* uint32_t */
	struct buf table; /* uint32_t: open-addressed, first index of a group + 1, by hash; owned */
	uint32_t groups; /* in the table */
};

void types_deinit(struct types *types);
struct type_space types_space(const struct types *types);

/* Append a type of the open group; the words of its parameters, results or fields follow with
 * types_word(). NULL, or false: no memory. */
struct type_def *types_add(struct types *types, enum type_form form);
bool types_word(struct types *types, uint32_t word);

/* Close the group that began at index `first`. 0 with the canonical first index in *ret_first (`first`
 * itself for a new group), or -ENOMEM. With `drop` an alias is removed from the space again. */
int types_close(struct types *types, uint32_t first, bool drop, uint32_t *ret_first);

static inline const struct type_def *type_at(const struct type_space *space, uint32_t index)
{
	return &space->defs[index];
}

static inline const uint32_t *type_words(const struct type_space *space, const struct type_def *def)
{
	return space->words + def->first;
}

/* a <: b, both of this space. */
bool type_matches_slow(const struct type_space *space, uint32_t a, uint32_t b);
static inline bool type_matches(const struct type_space *space, uint32_t a, uint32_t b)
{
	return a == b || type_matches_slow(space, a, b);
}

/* Heap type a <: b. */
bool heap_matches(const struct type_space *space, uint32_t a, uint32_t b);

/* The top of the hierarchy a heap type is in: HEAP_ANY, HEAP_FUNC, HEAP_EXTERN, HEAP_EXN. */
uint32_t heap_top(const struct type_space *space, uint32_t heap);

/* May `sub` name `super` its supertype: form, not final, contents. Both already in the space. */
bool type_may_extend(const struct type_space *space, const struct type_def *sub,
		     const struct type_def *super);

/* "(func (param i32) (result i32))", "(sub final 2 (struct (field (mut i8))))": snprintf's rule. */
size_t type_text(const struct type_space *space, uint32_t index, char *text, size_t size);

#endif
