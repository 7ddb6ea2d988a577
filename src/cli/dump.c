/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dump.h"

#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a standard stream is closed, open() gives its number: what is then said there would end up
 * in the dump. */
static int above_standard(int fd)
{
	int moved;

	if (fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (moved < 0)
		moved = -errno;
	close(fd);
	return moved;
}

int dump_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : above_standard(fd);
}

static bool is_empty_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

void dump_check(int fd, const char *path)
{
	if (is_empty_file(fd))
		say(EXIT_BAD, path, "the core dump could not be written");
}

void dump_close(int fd, const char *path)
{
	if (fd < 0)
		return;
	if (path != NULL && is_empty_file(fd))
		unlink(path);
	close(fd);
}
