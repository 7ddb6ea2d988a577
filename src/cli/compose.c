/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compose.h"

#include "base/io.h"
#include "cli/exit.h"
#include "cli/say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

static int take_text(int fd, char **ret, size_t *ret_size)
{
	struct stat st;
	int error = fstat(fd, &st) < 0 ? -errno : 0;

	*ret = error == 0 ? malloc((size_t)st.st_size + 1) : NULL;
	if (error == 0)
		error = *ret == NULL ? -ENOMEM : io_read_at(fd, *ret, (size_t)st.st_size, 0);
	*ret_size = error == 0 ? (size_t)st.st_size : 0;
	return error == 0 ? EXIT_OK : say(EXIT_BAD, NULL, "%s", strerror(-error));
}

int compose_end(struct compose *c, int code, char **ret, size_t *ret_size)
{
	if (out_flush(&c->out) < 0 && code == EXIT_OK)
		code = say(EXIT_BAD, NULL, "%s", strerror(ENOSPC));
	if (code == EXIT_OK)
		code = take_text(c->fd, ret, ret_size);
	close(c->fd);
	return code;
}
