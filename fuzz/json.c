/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c (fuzz): any bytes through base/json.
 *
 * Beyond the sanitizers: a tree that was accepted is walked through every accessor, by parent and child
 * links only, and each string read to its last byte; a refusal must come with its sentence.
 */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void touch(struct json_value value)
{
	const char *text;
	size_t size;
	double d;
	uint64_t u;
	int64_t i;
	bool b;

	text = json_string(value, &size);
	require(text == NULL || text[size] == '\0');
	require(text == NULL || strlen(text) <= size);
	text = json_name(value, &size);
	require(text == NULL || text[size] == '\0');
	if (json_u64(value, &u) && u <= INT64_MAX)
		require(json_i64(value, &i) && (uint64_t)i == u);
	json_double(value, &d);
	json_bool(value, &b);
	json_find(value, "a");
}

/* Depth first; the stack is as deep as the reader allows. */
static void walk(struct json_value root)
{
	struct json_value stack[JSON_DEPTH_MAX + 1];
	size_t depth = 0;

	stack[depth++] = root;
	while (depth > 0) {
		struct json_value value = stack[--depth];

		touch(value);
		if (json_exists(json_next(value)))
			stack[depth++] = json_next(value);
		if (json_exists(json_first(value))) {
			require(depth <= JSON_DEPTH_MAX);
			stack[depth++] = json_first(value);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {""};
	struct json *json = NULL;
	int rc = json_parse(&json, (const char *)data, size, &err);

	if (rc == 0)
		walk(json_root(json));
	else
		require(json == NULL && strncmp(err.text, "line ", 5) == 0);
	json_free(json);
	return 0;
}
