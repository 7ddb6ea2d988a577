/* SPDX-License-Identifier: Apache-2.0 */
#include "command/compose.h"

#include "base/io.h"
#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int compose_begin(struct compose *c)
{
	c->fd = memfd_create("skiff-config", MFD_CLOEXEC);
	if (c->fd < 0)
		return say(EXIT_BAD, NULL, "%s", strerror(errno));
	out_init(&c->out, c->fd);
	emit_init(&c->emit, &c->out);
	return EXIT_OK;
}

int compose_end(struct compose *c, int code, char **ret, size_t *ret_size)
{
	int error;

	if (out_flush(&c->out) < 0 && code == EXIT_OK)
		code = say(EXIT_BAD, NULL, "%s", strerror(ENOSPC));
	/* Another file or another word would be meant. */
	if (code == EXIT_OK && c->emit.replaced[0] != '\0')
		code = say(EXIT_USAGE, NULL,
			   "'%s' is not UTF-8, as all of a container's config.json is",
			   c->emit.replaced);
	if (code == EXIT_OK && (error = io_whole(c->fd, SIZE_MAX, ret, ret_size)) != 0)
		code = say(EXIT_BAD, NULL, "%s", strerror(-error));
	close(c->fd);
	return code;
}
