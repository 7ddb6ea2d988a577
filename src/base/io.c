/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>
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
