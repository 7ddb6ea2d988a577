/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one call did: bytes, 0 to try again, or a negative errno. `none`: what a count of 0 means. */
static ssize_t done(ssize_t n, int none)
{
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? none : n;
}

int io_write(int fd, const void *bytes, size_t size)
{
	const char *from = bytes;

	while (size > 0) {
		ssize_t n = done(write(fd, from, size), -EIO);

		if (n < 0)
			return (int)n;
		from += n;
		size -= (size_t)n;
	}
	return 0;
}

int io_write_at(int fd, const void *bytes, size_t size, uint64_t at)
{
	const char *from = bytes;

	while (size > 0) {
		ssize_t n = done(pwrite(fd, from, size, (off_t)at), -EIO);

		if (n < 0)
			return (int)n;
		from += n;
		at += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

int io_read(int fd, void *bytes, size_t size)
{
	char *to = bytes;

	while (size > 0) {
		ssize_t n = done(read(fd, to, size), -ENODATA);

		if (n < 0)
			return (int)n;
		to += n;
		size -= (size_t)n;
	}
	return 0;
}

int io_read_at(int fd, void *bytes, size_t size, uint64_t at)
{
	char *to = bytes;

	while (size > 0) {
		ssize_t n = done(pread(fd, to, size, (off_t)at), -ENODATA);

		if (n < 0)
			return (int)n;
		to += n;
		at += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

int io_whole(int fd, size_t most, char **ret, size_t *ret_size)
{
	struct stat st;
	int error;

	*ret = NULL;
	*ret_size = 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_size = (size_t)st.st_size;
	if (*ret_size > most)
		return -EFBIG;
	*ret = malloc(*ret_size + 1);
	if (*ret == NULL)
		return -ENOMEM;
	(*ret)[*ret_size] = '\0';
	error = io_read_at(fd, *ret, *ret_size, 0);
	if (error != 0) {
		free(*ret);
		*ret = NULL;
	}
	return error;
}

int io_text(int dir, const char *path, char *text, size_t room)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), result;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, text, room - 1);
	while (n < 0 && errno == EINTR);
	result = n < 0 ? -errno : (int)n;
	close(fd);
	if (result >= 0)
		text[result] = '\0';
	return result;
}

int io_put_text(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), error = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	return error;
}
