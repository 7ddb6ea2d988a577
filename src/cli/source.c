/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any module the engine takes: endless input must end. */
#define STDIN_MAX ((size_t)1 << 31)

struct buffer {
	char *bytes; /* owned */
	size_t size;
	size_t room;
};

static int fail(int code, struct skiff_error *err)
{
	snprintf(err->text, sizeof(err->text), "%s", strerror(-code));
	return code;
}

static int make_room(struct buffer *b)
{
	size_t room = b->room == 0 ? 65536 : b->room * 2;
	char *bytes;

	if (b->size < b->room)
		return 0;
	if (b->size >= STDIN_MAX)
		return -EFBIG;
	bytes = realloc(b->bytes, room);
	if (bytes == NULL)
		return -ENOMEM;
	b->bytes = bytes;
	b->room = room;
	return 0;
}

/* What does not begin as a module is not read to its end: the engine needs no more to refuse it. */
static bool hopeless(const struct buffer *b)
{
	return b->size >= 4 && memcmp(b->bytes, "\0asm", 4) != 0;
}

static int read_all(struct buffer *b)
{
	while (!hopeless(b)) {
		int r = make_room(b);
		ssize_t n;

		if (r < 0)
			return r;
		n = read(STDIN_FILENO, b->bytes + b->size, b->room - b->size);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			b->size += (size_t)n;
	}
	return 0;
}

int source_open(struct skiff_module **ret, struct skiff_engine *engine, const char *path,
		struct skiff_error *err)
{
	struct buffer b = {0};
	int r;

	if (strcmp(path, "-") != 0)
		return skiff_module_open(ret, engine, path, err);
	r = read_all(&b);
	if (r == 0)
		r = skiff_module_new(ret, engine, b.bytes, b.size, err);
	else
		fail(r, err);
	free(b.bytes);
	return r;
}

const char *source_name(const char *path)
{
	return strcmp(path, "-") != 0 ? path : "standard input";
}
