/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c: open files and streams.
 *
 * Three ways to wait for a stream. One that we opened is non-blocking on the host's side: try, and poll where it says
 * EAGAIN. One that is shared with others (stdio) must keep its flags: it is asked not to wait for this one call
 * (RWF_NOWAIT: pipes), or, where the kernel cannot do that for its kind (terminals), polled first. Sockets are net.c's.
 */
#include "wasi/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "wasi/net.h"

enum {
	PARTS_MAX = 64,
	NO_WAIT = 8, /* RWF_NOWAIT; musl has neither it nor the calls */
};

static ssize_t result_of(ssize_t done)
{
	return done < 0 ? -errno : done;
}

/* -- Reading and writing --------------------------------------------------------------------------- */

/*
 * What poll() said there is room for: it goes without waiting, where a whole write might stop in the middle and not be
 * woken. A pipe that is ready takes PIPE_BUF bytes, a terminal at least this few.
 */
static ssize_t write_some(const struct desc *desc, const struct iovec *parts, uint32_t count)
{
	enum { TERMINAL_ROOM = 128 };
	size_t room = desc->type == DT_FIFO ? PIPE_BUF : TERMINAL_ROOM;

	while (count > 1 && parts->iov_len == 0) {
		parts++;
		count--;
	}
	if (count == 0)
		return 0;
	return result_of(write(desc->fd, parts->iov_base, MIN(parts->iov_len, room)));
}

/* Once, without waiting if that can be had; `polled`: poll() said it is ready. -EAGAIN: poll, then again. */
static ssize_t try_once(const struct desc *desc, const struct iovec *parts, uint32_t count,
			bool writes, bool polled)
{
	int n = (int)count;
	ssize_t done;

	if ((desc->flags & DESC_SHARED) == 0)
		return result_of(writes ? writev(desc->fd, parts, n) : readv(desc->fd, parts, n));
	if (polled && writes)
		return write_some(desc, parts, count);
	if (polled)
		return result_of(readv(desc->fd, parts, n));
	done = result_of(syscall(writes ? SYS_pwritev2 : SYS_preadv2, desc->fd, parts, (long)n, -1l,
				 -1l, (long)NO_WAIT));
	/* Not for this kind of file, or a kernel that does not know it. */
	if (done == -EOPNOTSUPP || done == -ENOSYS || done == -EINVAL)
		return -EAGAIN;
	return done;
}

/* Some bytes, or an error, waiting unless the guest does not want to. */
static ssize_t transfer(const struct desc *desc, const struct iovec *parts, uint32_t count,
			bool writes, const struct waiter *waiter)
{
	short events = writes ? POLLOUT : POLLIN;
	uint64_t deadline = desc->flags & DESC_NONBLOCK ? 0 : WAIT_FOREVER;
	bool polled = false;

	for (;;) {
		ssize_t done = try_once(desc, parts, count, writes, polled);
		int ready;

		if (done == -EINTR && !wait_must_end(waiter))
			continue;
		if (done != -EAGAIN)
			return done;
		/* Polled, and somebody else was faster; or ours, and never waits. */
		if (deadline == 0 && (polled || (desc->flags & DESC_SHARED) == 0))
			return -EAGAIN;
		ready = wait_one(waiter, desc->fd, events, deadline);
		if (ready <= 0)
			return ready == 0 ? -EAGAIN : ready;
		polled = true;
	}
}

ssize_t file_read(const struct desc *desc, const struct iovec *parts, uint32_t count,
		  const struct waiter *waiter)
{
	switch ((enum desc_kind)desc->kind) {
	case DESC_DIR:
		return -EISDIR;
	case DESC_FILE:
		return result_of(readv(desc->fd, parts, (int)count));
	case DESC_SOCKET:
		return net_receive(desc, parts, count, 0, NULL, NULL, waiter);
	case DESC_STREAM:
		break;
	}
	return transfer(desc, parts, count, false, waiter);
}

/* Take `done` bytes off the front: what is left. */
static uint32_t advance(struct iovec **parts, uint32_t count, size_t done)
{
	while (count > 0 && done >= (*parts)->iov_len) {
		done -= (*parts)->iov_len;
		(*parts)++;
		count--;
	}
	if (count > 0) {
		(*parts)->iov_base = (char *)(*parts)->iov_base + done;
		(*parts)->iov_len -= done;
	}
	return count;
}

static ssize_t write_stream(const struct desc *desc, const struct iovec *parts, uint32_t count,
			    const struct waiter *waiter)
{
	struct iovec copy[PARTS_MAX];
	struct iovec *left = copy;
	ssize_t all = 0;

	count = MIN(count, (uint32_t)PARTS_MAX);
	if (count != 0)
		memcpy(copy, parts, count * sizeof(*parts));
	do {
		ssize_t done = transfer(desc, left, count, true, waiter);

		if (done < 0)
			return all > 0 ? all : done;
		all += done;
		count = advance(&left, count, (size_t)done);
	} while (count > 0 && (desc->flags & DESC_NONBLOCK) == 0);
	return all;
}

ssize_t file_write(const struct desc *desc, const struct iovec *parts, uint32_t count,
		   const struct waiter *waiter)
{
	switch ((enum desc_kind)desc->kind) {
	case DESC_DIR:
		return -EISDIR;
	case DESC_FILE:
		return result_of(writev(desc->fd, parts, (int)count));
	case DESC_SOCKET:
		return net_send(desc, NULL, parts, count, NULL, waiter);
	case DESC_STREAM:
		break;
	}
	return write_stream(desc, parts, count, waiter);
}

static int check_offset(const struct desc *desc, uint64_t offset)
{
	if (desc->kind == DESC_DIR)
		return -EISDIR;
	return offset > INT64_MAX ? -EINVAL : 0;
}

ssize_t file_read_at(const struct desc *desc, const struct iovec *parts, uint32_t count,
		     uint64_t offset)
{
	int error = check_offset(desc, offset);

	return error != 0 ? error : result_of(preadv(desc->fd, parts, (int)count, (off_t)offset));
}

ssize_t file_write_at(const struct desc *desc, const struct iovec *parts, uint32_t count,
		      uint64_t offset)
{
	int error = check_offset(desc, offset);

	return error != 0 ? error : result_of(pwritev(desc->fd, parts, (int)count, (off_t)offset));
}

/* -- The rest ------------------------------------------------------------------------------------------ */

int file_seek(const struct desc *desc, int64_t offset, int whence, uint64_t *ret)
{
	off_t at;

	if (desc->kind == DESC_DIR)
		return -EISDIR;
	at = lseek(desc->fd, offset, whence);
	if (at < 0)
		return -errno;
	*ret = (uint64_t)at;
	return 0;
}

int file_advise(const struct desc *desc, uint64_t offset, uint64_t size, int advice)
{
	if (desc->kind == DESC_DIR)
		return -EBADF;
	if (offset > INT64_MAX || size > INT64_MAX)
		return -EINVAL;
	return -posix_fadvise(desc->fd, (off_t)offset, (off_t)size, advice);
}

int file_allocate(const struct desc *desc, uint64_t offset, uint64_t size)
{
	if (offset > INT64_MAX || size > INT64_MAX)
		return -EINVAL;
	return fallocate(desc->fd, 0, (off_t)offset, (off_t)size) < 0 ? -errno : 0;
}

int file_sync(const struct desc *desc, bool data_only)
{
	return (data_only ? fdatasync(desc->fd) : fsync(desc->fd)) < 0 ? -errno : 0;
}

int file_stat(const struct desc *desc, struct stat *ret)
{
	return fstat(desc->fd, ret) < 0 ? -errno : 0;
}

int file_set_size(const struct desc *desc, uint64_t size)
{
	if (desc->flags & DESC_READ_ONLY)
		return -EROFS;
	if (size > INT64_MAX)
		return -EINVAL;
	return ftruncate(desc->fd, (off_t)size) < 0 ? -errno : 0;
}

int file_set_times(const struct desc *desc, const struct timespec times[2])
{
	if (desc->flags & DESC_READ_ONLY)
		return -EROFS;
	return futimens(desc->fd, times) < 0 ? -errno : 0;
}

int file_set_flags(struct desc *desc, uint16_t flags)
{
	uint16_t mine = DESC_APPEND | DESC_NONBLOCK;
	uint16_t changed = (desc->flags ^ flags) & mine;

	if (changed & DESC_APPEND) {
		int status = fcntl(desc->fd, F_GETFL);

		if (status < 0)
			return -errno;
		status = flags & DESC_APPEND ? status | O_APPEND : status & ~O_APPEND;
		if (fcntl(desc->fd, F_SETFL, status) < 0)
			return -errno;
	}
	__atomic_xor_fetch(&desc->flags, changed, __ATOMIC_RELAXED);
	return 0;
}

int file_host_flags(const struct desc *desc)
{
	int status = fcntl(desc->fd, F_GETFL);

	return status < 0 ? -errno : status;
}

uint64_t file_available(const struct desc *desc)
{
	struct stat st;
	int bytes = 0;
	off_t at;

	if (desc->kind != DESC_FILE)
		return ioctl(desc->fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (uint64_t)bytes : 0;
	at = lseek(desc->fd, 0, SEEK_CUR);
	if (at < 0 || fstat(desc->fd, &st) < 0 || st.st_size <= at)
		return 0;
	return (uint64_t)(st.st_size - at);
}

/* -- FIFOs ------------------------------------------------------------------------------------------------ */

int file_await_writer(const struct desc *desc, const struct waiter *waiter)
{
	int ready = wait_one(waiter, desc->fd, POLLIN, WAIT_FOREVER);

	return ready < 0 ? ready : 0;
}

int file_pause(const struct waiter *waiter)
{
	enum { PAUSE = 10 * 1000 * 1000 };
	int ready = wait_one(waiter, -1, 0, wait_until(PAUSE));

	return ready < 0 ? ready : 0;
}
