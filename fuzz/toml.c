/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml.c (fuzz): any bytes through base/toml.
 *
 * Beyond the sanitizers: a tree that was accepted is walked through every accessor, by parent and child links only: every
 * key is found again under its name, and is itself; a refusal must come with its sentence and a place in the text.
 */
#include "base/toml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void touch(struct toml_value value, struct toml_value parent)
{
	int kinds = 0;
	const char *text;
	size_t size;
	int64_t integer;
	double real;
	bool yes;

	text = toml_string(value, &size);
	require(text == NULL || (text[size] == '\0' && strlen(text) <= size));
	kinds += text != NULL;
	kinds += toml_bool(value, &yes);
	kinds += toml_i64(value, &integer);
	kinds += toml_double(value, &real);
	kinds += toml_kind(value) == TOML_ARRAY || toml_kind(value) == TOML_TABLE;
	require(kinds == 1 && toml_place(value).line > 0 && toml_place(value).column > 0);
	text = toml_name(value, &size);
	require((text != NULL) == (toml_kind(parent) == TOML_TABLE));
	if (text != NULL && strlen(text) == size)
		require(toml_find(parent, text).node == value.node);
}

/* Depth first; the stack is as deep as the reader allows. */
static void walk(struct toml_value root)
{
	struct toml_value stack[TOML_DEPTH_MAX + 2], parents[TOML_DEPTH_MAX + 2];
	size_t depth = 0;

	stack[0] = root;
	parents[depth++] = (struct toml_value){.toml = NULL};
	while (depth > 0) {
		struct toml_value value = stack[--depth], parent = parents[depth];

		touch(value, parent);
		if (toml_exists(toml_next(value))) {
			stack[depth] = toml_next(value);
			parents[depth++] = parent;
		}
		if (toml_exists(toml_first(value))) {
			require(depth <= TOML_DEPTH_MAX);
			stack[depth] = toml_first(value);
			parents[depth++] = value;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toml_place place = {0, 0};
	struct err err = {""};
	struct toml *toml = NULL;
	int rc = toml_parse(&toml, (const char *)data, size, &place, &err);

	if (rc == 0)
		walk(toml_root(toml));
	else
		require(toml == NULL && err.text[0] != '\0' && place.line > 0 && place.column > 0);
	toml_free(toml);
	return 0;
}
