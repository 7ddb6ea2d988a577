/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml.h: a strict reader of TOML 1.0.
 *
 * toml_parse() turns a buffer into a tree that owns copies of all it needs: the buffer may go away. A place in the tree is
 * a `struct toml_value`, passed by value, borrowed from the tree. Looking for what is not there gives a value of kind
 * TOML_NONE, and every accessor takes that for an answer: a chain of toml_find() needs one test at its end.
 *
 * All of TOML but dates and times, which are refused by a sentence: nobody here asks for one. UTF-8 without byte order mark.
 */
#ifndef BASE_TOML_H
#define BASE_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TOML_SIZE_MAX (1u << 20) /* bytes of text; a tree takes at most 30 times as much */
#define TOML_DEPTH_MAX 64u /* tables and arrays in each other */
#define TOML_KEYS_MAX 1024u /* in one table: each is compared with those before it */

/* Outcomes of toml_parse(). */
enum { TOML_INVALID = 1 };

enum toml_kind {
	TOML_NONE, /* no such value */
	TOML_BOOL,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_STRING,
	TOML_ARRAY,
	TOML_TABLE,
};

struct toml;

struct toml_value {
	const struct toml *toml; /* borrowed; NULL: none */
	uint32_t node;
};

/* Both from 1, the column in bytes. */
struct toml_place {
	uint32_t line, column;
};

/*
 * Parse all of `text`. TOML_INVALID: it is not TOML or exceeds a limit, and *ret_place says where. -ENOMEM: no memory. The
 * caller owns *ret.
 */
int toml_parse(struct toml **ret, const char *text, size_t size, struct toml_place *ret_place,
	       struct err *err);
/* Accepts NULL; returns NULL. */
struct toml *toml_free(struct toml *toml);

/* A table, always. */
struct toml_value toml_root(const struct toml *toml);
enum toml_kind toml_kind(struct toml_value value);
/* "a string", "an integer", ... */
const char *toml_kind_name(enum toml_kind kind);
static inline bool toml_exists(struct toml_value value)
{
	return value.toml != NULL;
}
/* Where its key stands, or, in an array, the value; of a table that was never written itself, what first needed it. */
struct toml_place toml_place(struct toml_value value);

/* Elements of an array, keys of a table; 0 for other kinds. */
uint32_t toml_count(struct toml_value value);
/* The key `name` of a table. Walks the keys. */
struct toml_value toml_find(struct toml_value table, const char *name);
/* for (v = toml_first(array); toml_exists(v); v = toml_next(v)); the same for tables, in the order of the text. */
struct toml_value toml_first(struct toml_value value);
struct toml_value toml_next(struct toml_value value);

/*
 * Strings are terminated, but may hold NULs of their own: *ret_size (may be NULL) is the truth. NULL where the value has
 * no key, or is no string. Borrowed from the tree.
 */
const char *toml_name(struct toml_value value, size_t *ret_size);
const char *toml_string(struct toml_value value, size_t *ret_size);

/* False, and *ret untouched, where the value is of another kind. */
bool toml_bool(struct toml_value value, bool *ret);
bool toml_i64(struct toml_value value, int64_t *ret);
bool toml_double(struct toml_value value, double *ret);

#endif
