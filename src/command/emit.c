/* SPDX-License-Identifier: Apache-2.0 */
#include "command/emit.h"

#include "base/base.h"
#include "base/text.h"
#include "command/out.h"

#include <string.h>

void emit_init(struct emit *e, struct out *out)
{
	*e = (struct emit){.out = out};
}

static void put_line(struct emit *e)
{
	out_text(e->out, "\n");
	for (unsigned i = 0; i < e->depth; i++)
		out_text(e->out, "  ");
}

static void put_string(struct emit *e, const char *bytes, size_t size)
{
	const char *text = bytes, *end = bytes + size;

	out_text(e->out, "\"");
	while (size > 0) {
		uint32_t c;
		size_t length = text_utf8(bytes, size, &c);

		if (length == 0) {
			out_text(e->out, "\xef\xbf\xbd");
			if (e->replaced[0] == '\0')
				memcpy(e->replaced, text,
				       MIN((size_t)(end - text), sizeof(e->replaced) - 1));
			length = 1;
		} else if (c == '"' || c == '\\') {
			out_format(e->out, "\\%c", (char)c);
		} else if (!text_printable(c)) {
			out_format(e->out, "\\u%04x", c);
		} else {
			out_bytes(e->out, bytes, length);
		}
		bytes += length;
		size -= length;
	}
	out_text(e->out, "\"");
}

/* What stands before every value: comma, line, key. */
static void begin(struct emit *e, const char *key)
{
	if (e->started)
		out_text(e->out, ",");
	if (e->row == 0 && e->depth > 0)
		put_line(e);
	else if (e->started)
		out_text(e->out, " ");
	e->started = true;
	if (key == NULL)
		return;
	put_string(e, key, strlen(key));
	out_text(e->out, ": ");
}

void emit_open(struct emit *e, const char *key, char bracket)
{
	begin(e, key);
	out_bytes(e->out, &bracket, 1);
	e->depth++;
	e->started = false;
}

void emit_row(struct emit *e, const char *key, char bracket)
{
	emit_open(e, key, bracket);
	if (e->row == 0)
		e->row = e->depth;
}

void emit_close(struct emit *e, char bracket)
{
	bool in_row = e->row != 0;

	if (e->row == e->depth)
		e->row = 0;
	e->depth--;
	if (!in_row && e->started)
		put_line(e);
	out_bytes(e->out, &bracket, 1);
	e->started = true;
	if (e->depth == 0)
		out_text(e->out, "\n");
}

void emit_u64(struct emit *e, const char *key, uint64_t value)
{
	begin(e, key);
	out_format(e->out, "%llu", (unsigned long long)value);
}

void emit_number(struct emit *e, const char *key, const char *text)
{
	begin(e, key);
	out_text(e->out, text);
}

void emit_bool(struct emit *e, const char *key, bool value)
{
	begin(e, key);
	out_text(e->out, value ? "true" : "false");
}

void emit_null(struct emit *e, const char *key)
{
	begin(e, key);
	out_text(e->out, "null");
}

void emit_text(struct emit *e, const char *key, const char *bytes, size_t size)
{
	begin(e, key);
	put_string(e, bytes, size);
}

void emit_string(struct emit *e, const char *key, const char *text)
{
	emit_text(e, key, text, strlen(text));
}
