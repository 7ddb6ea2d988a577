/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_fail.c: the path of a value, and sentences that begin with it.
 *
 * A path is put together only when somebody is to be told: on the way down each function has its own link of the chain on its
 * stack, and nothing is allocated.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "oci/read.h"

#define PATH_ROOM 512u /* bytes of a path in a sentence: longer ones are cut */

static void place_text(const struct read_place *at, char text[PATH_ROOM])
{
	const struct read_place *chain[16];
	size_t depth = 0, end = 0;

	for (; at != NULL && depth < ARRAY_SIZE(chain); at = at->up)
		chain[depth++] = at;
	text[0] = '\0';
	while (depth > 0 && end < PATH_ROOM) {
		char *to = text + end;
		size_t room = PATH_ROOM - end;
		int length;

		at = chain[--depth];
		if (at->name == NULL)
			length = snprintf(to, room, "[%zu]", at->index);
		else if (at->is_key)
			length = snprintf(to, room, "[\"%s\"]", at->name);
		else
			length = snprintf(to, room, "%s%s", end > 0 ? "." : "", at->name);
		end += (size_t)length;
	}
}

int read_fail(struct reader *r, const struct read_place *at, const char *format, ...)
{
	char path[PATH_ROOM];
	va_list args;

	va_start(args, format);
	err_setv(r->err, -EINVAL, format, args);
	va_end(args);
	place_text(at, path);
	return err_prefix(r->err, -EINVAL, "%s", path[0] != '\0' ? path : "config.json");
}

int read_fail_field(struct reader *r, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_setv(r->err, -EINVAL, format, args);
	va_end(args);
	return err_prefix(r->err, -EINVAL, "%s", path);
}

static const char *kind_name(struct json_value value)
{
	switch (json_kind(value)) {
	case JSON_NONE:
		return "missing";
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return "true or false";
	case JSON_NUMBER:
		return "a number";
	case JSON_STRING:
		return "a string";
	case JSON_ARRAY:
		return "an array";
	case JSON_OBJECT:
		return "an object";
	}
	return "something else";
}

int read_fail_mistyped(struct reader *r, const struct read_place *at, const char *wanted,
		       struct json_value value)
{
	return read_fail(r, at, "must be %s, is %s", wanted, kind_name(value));
}

int read_fail_unknown(struct reader *r, const struct read_place *at)
{
	char path[PATH_ROOM];
	const char *copy;

	place_text(at, path);
	copy = arena_string(r->arena, path, strlen(path));
	if (copy == NULL || buf_put(&r->unknown, &copy, sizeof(copy)) == NULL)
		return -ENOMEM;
	return 0;
}
