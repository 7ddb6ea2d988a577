/* SPDX-License-Identifier: Apache-2.0 */
#include "image/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int json_text_put(struct buf *to, const char *text)
{
	return buf_put(to, text, strlen(text)) != NULL ? 0 : -ENOMEM;
}

int json_text_line(struct buf *to, unsigned depth)
{
	int rc = json_text_put(to, "\n");

	while (rc == 0 && depth-- > 0)
		rc = json_text_put(to, "\t");
	return rc;
}

int json_text_string(struct buf *to, const char *bytes, size_t size)
{
	int rc = json_text_put(to, "\"");

	for (size_t i = 0; rc == 0 && i < size; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char escape[8];

		if (c == '"' || c == '\\')
			snprintf(escape, sizeof(escape), "\\%c", c);
		else if (c < ' ' || c == 127)
			snprintf(escape, sizeof(escape), "\\u%04x", c);
		else
			snprintf(escape, sizeof(escape), "%c", c);
		rc = json_text_put(to, escape);
	}
	return rc == 0 ? json_text_put(to, "\"") : rc;
}

static int put_list(struct buf *to, struct json_value value, unsigned depth)
{
	bool object = json_kind(value) == JSON_OBJECT;
	int rc = json_text_put(to, object ? "{" : "[");
	bool first = true;

	for (struct json_value v = json_first(value); rc == 0 && json_exists(v); v = json_next(v)) {
		size_t size;
		const char *name = json_name(v, &size);

		if (!first)
			rc = json_text_put(to, ",");
		first = false;
		rc = rc == 0 ? json_text_line(to, depth + 1) : rc;
		if (object && rc == 0)
			rc = json_text_string(to, name, size);
		if (object && rc == 0)
			rc = json_text_put(to, ": ");
		if (rc == 0)
			rc = json_text_value(to, v, depth + 1);
	}
	if (rc == 0 && !first)
		rc = json_text_line(to, depth);
	return rc == 0 ? json_text_put(to, object ? "}" : "]") : rc;
}

int json_text_value(struct buf *to, struct json_value value, unsigned depth)
{
	size_t size = 0;
	const char *text;
	bool truth = false;

	switch (json_kind(value)) {
	case JSON_BOOL:
		json_bool(value, &truth);
		return json_text_put(to, truth ? "true" : "false");
	case JSON_NUMBER:
		return json_text_put(to, json_number(value));
	case JSON_STRING:
		text = json_string(value, &size);
		return json_text_string(to, text, size);
	case JSON_ARRAY:
	case JSON_OBJECT:
		return put_list(to, value, depth);
	default:
		return json_text_put(to, "null");
	}
}
