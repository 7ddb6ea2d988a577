/* SPDX-License-Identifier: Apache-2.0 */
#include "image/json_copy.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static void copy_number(struct emit *e, const char *key, struct json_value value)
{
	char text[64];
	int64_t number;
	double real;

	if (json_i64(value, &number))
		snprintf(text, sizeof(text), "%lld", (long long)number);
	else if (json_double(value, &real))
		snprintf(text, sizeof(text), "%.17g", real);
	else
		snprintf(text, sizeof(text), "0"); /* beyond what a double holds */
	emit_number(e, key, text);
}

void json_copy(struct emit *e, const char *key, struct json_value value)
{
	enum json_kind kind = json_kind(value);
	const char *text;
	uint64_t number;
	size_t size;
	bool yes;

	if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
		emit_open(e, key, kind == JSON_OBJECT ? '{' : '[');
		for (struct json_value v = json_first(value); json_exists(v); v = json_next(v))
			json_copy(e, json_name(v, NULL), v);
		emit_close(e, kind == JSON_OBJECT ? '}' : ']');
	} else if (kind == JSON_STRING) {
		text = json_string(value, &size);
		emit_text(e, key, text, size);
	} else if (json_u64(value, &number)) {
		emit_u64(e, key, number);
	} else if (kind == JSON_NUMBER) {
		copy_number(e, key, value);
	} else if (json_bool(value, &yes)) {
		emit_bool(e, key, yes);
	} else {
		emit_null(e, key);
	}
}
