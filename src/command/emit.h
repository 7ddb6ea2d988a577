/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emit.h: write JSON, a member a line.
 *
 * `key` is NULL inside arrays. Bytes that are no UTF-8 become U+FFFD. A list opened with
 * emit_row() and all in it stay on one line.
 */
#ifndef COMMAND_EMIT_H
#define COMMAND_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out;

struct emit {
	struct out *out; /* borrowed */
	unsigned depth;
	unsigned row; /* depth from which on all is on one line; 0: none */
	bool started; /* something precedes in the open list */
	char replaced
		[48]; /* how the first text begins that had bytes which are no UTF-8; "": none had */
};

void emit_init(struct emit *e, struct out *out);
/* bracket: '{' or '['. */
void emit_open(struct emit *e, const char *key, char bracket);
void emit_row(struct emit *e, const char *key, char bracket);
/* bracket: '}' or ']'. */
void emit_close(struct emit *e, char bracket);
void emit_u64(struct emit *e, const char *key, uint64_t value);
/* As the caller has it written: one that JSON knows. */
void emit_number(struct emit *e, const char *key, const char *text);
void emit_bool(struct emit *e, const char *key, bool value);
void emit_null(struct emit *e, const char *key);
void emit_text(struct emit *e, const char *key, const char *bytes, size_t size);
/* The same, terminated. */
void emit_string(struct emit *e, const char *key, const char *text);

#endif
