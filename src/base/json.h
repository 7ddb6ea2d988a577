/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h: a strict reader of RFC 8259 text.
 *
 * json_parse() turns a buffer into a tree that owns copies of all it needs: the buffer may go away. A
 * place in the tree is a `struct json_value`, passed by value, borrowed from the tree. Looking for
 * what is not there gives a value of kind JSON_NONE, and every accessor takes that for an answer: a
 * chain of json_find() needs one test at its end.
 *
 * Strict: UTF-8 without byte order mark, no comments, no trailing commas, no lone surrogates. Of two members
 * with one name the last wins, as in Go's reader, which the container tools before and after us use:
 * two readers of one config.json must not see two different files.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define JSON_SIZE_MAX (16u << 20) /* bytes of text; a tree takes at most 12 times as much */
#define JSON_DEPTH_MAX 64u        /* arrays and objects open at once */

/* Outcomes of json_parse(). */
enum { JSON_INVALID = 1 };

enum json_kind {
	JSON_NONE, /* no such value */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json;

struct json_value {
	const struct json *json; /* borrowed; NULL: none */
	uint32_t node;
};

/*
 * Parse all of `text`. JSON_INVALID: it is not JSON or exceeds a limit, and the sentence begins with line and
 * column (in bytes, both from 1). -ENOMEM: no memory. The caller owns *ret.
 */
int json_parse(struct json **ret, const char *text, size_t size, struct err *err);
/* Accepts NULL; returns NULL. */
struct json *json_free(struct json *json);

struct json_value json_root(const struct json *json);
enum json_kind json_kind(struct json_value value);
static inline bool json_exists(struct json_value value)
{
	return value.json != NULL;
}

/* Elements of an array, members of an object (doubles counted); 0 for other kinds. */
uint32_t json_count(struct json_value value);
/* The last member called `name`. Walks the members: for objects of a person's size. */
struct json_value json_find(struct json_value object, const char *name);
/* for (v = json_first(array); json_exists(v); v = json_next(v)); the same for objects. */
struct json_value json_first(struct json_value value);
struct json_value json_next(struct json_value value);

/*
 * Strings are terminated, but may hold NULs of their own: *ret_size (may be NULL) is the truth. NULL where
 * the value is no member, or no string. Borrowed from the tree.
 */
const char *json_name(struct json_value value, size_t *ret_size);
const char *json_string(struct json_value value, size_t *ret_size);

/* False, and *ret untouched, where the value is of another kind or does not fit. The integer forms
 * take no fraction and no exponent; json_double() wants LC_NUMERIC to be "C" and gives no infinities. */
bool json_bool(struct json_value value, bool *ret);
bool json_u64(struct json_value value, uint64_t *ret);
bool json_i64(struct json_value value, int64_t *ret);
bool json_double(struct json_value value, double *ret);
/* As it was written; NULL where it is no number. Borrowed from the tree. */
const char *json_number(struct json_value value);

#endif
