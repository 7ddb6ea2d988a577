/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/env_file.h"

#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_ROOM = 65536, FILE_MAX = 64 << 20 /* endless input must end */ };

struct text {
	char *bytes; /* owned; a byte is left for a terminator */
	size_t size;
	size_t room;
};

static int make_room(struct text *t)
{
	size_t room = t->room == 0 ? FIRST_ROOM : t->room * 2;
	char *bytes;

	if (t->size + 1 < t->room)
		return 0;
	if (t->size >= FILE_MAX)
		return -EFBIG;
	bytes = realloc(t->bytes, room);
	if (bytes == NULL)
		return -ENOMEM;
	t->bytes = bytes;
	t->room = room;
	return 0;
}

static int read_all(struct text *t, int fd)
{
	for (;;) {
		int r = make_room(t);
		ssize_t n;

		if (r < 0)
			return r;
		n = read(fd, t->bytes + t->size, t->room - t->size - 1);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			t->size += (size_t)n;
	}
}

/* What is wrong with a line; NULL: nothing. */
static const char *mistake(const char *line, size_t size)
{
	size_t name = strcspn(line, "=");

	if (strlen(line) != size)
		return "it holds a zero byte";
	if (name == 0)
		return "the name is missing before '='";
	if (strcspn(line, " \t\v\f") < name)
		return "the name holds a blank";
	return NULL;
}

static int take_lines(struct text *t, const char *path, env_file_fn *fn, void *env)
{
	char *end = t->bytes + t->size;
	unsigned number = 1;

	*end = '\0';
	for (char *line = t->bytes, *next; line < end; line = next, number++) {
		char *stop = memchr(line, '\n', (size_t)(end - line));
		const char *wrong;
		int code;

		next = stop != NULL ? stop + 1 : end;
		stop = stop != NULL ? stop : end;
		if (stop > line && stop[-1] == '\r')
			stop--;
		*stop = '\0';
		line += strspn(line, " \t\v\f");
		if (line == stop || *line == '#')
			continue;
		wrong = mistake(line, (size_t)(stop - line));
		if (wrong != NULL)
			return say(EXIT_USAGE, path, "line %u: %s", number, wrong);
		code = fn(env, line);
		if (code != EXIT_OK)
			return code;
	}
	return EXIT_OK;
}

int env_file_read(const char *path, env_file_fn *fn, void *env)
{
	struct text t = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : read_all(&t, fd);
	int code;

	if (r < 0)
		code = say(EXIT_BAD, path, "read the file of --env-file: %s", strerror(-r));
	else
		code = take_lines(&t, path, fn, env);
	if (fd >= 0)
		close(fd);
	free(t.bytes);
	return code;
}
