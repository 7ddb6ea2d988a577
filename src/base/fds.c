/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fds.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel lays it out. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

enum { BLIND = 1024 }; /* so many are tried where no list is to be had */

/* A descriptor, of those that /proc lists. */
typedef void each_fn(int fd, int number);

static void mark_from(int fd, int first)
{
	if (fd >= first)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void close_inherited(int fd, int first)
{
	if (fd >= first && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
		close(fd);
}

static void close_other(int fd, int keep)
{
	if (fd != keep)
		close(fd);
}

/* What a directory of descriptors says, but its own; no memory is allocated, as somebody else's may be shared. */
static void each_listed(int dir, each_fn *fn, int number)
{
	_Alignas(struct entry) char entries[1024];
	long size;

	while ((size = syscall(SYS_getdents64, dir, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < size;) {
			const struct entry *entry =
				(const struct entry *)(const void *)(entries + at);
			int fd = 0;

			for (const char *c = entry->name; *c >= '0' && *c <= '9'; c++)
				fd = fd * 10 + (*c - '0');
			if (entry->name[0] != '.' && fd != dir)
				fn(fd, number);
			at += entry->size;
		}
	}
}

/* False: there is no list to be had. */
static bool each_of_ours(each_fn *fn, int number)
{
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return false;
	each_listed(dir, fn, number);
	close(dir);
	return true;
}

void fds_close_on_exec(int first)
{
	if (syscall(SYS_close_range, (unsigned)first, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
		each_of_ours(mark_from, first);
}

void fds_close_inherited(int first)
{
	each_of_ours(close_inherited, first);
}

void fds_close_but(int keep)
{
	if (syscall(SYS_close_range, (unsigned)keep + 1, ~0u, 0) == 0 &&
	    (keep == 0 || syscall(SYS_close_range, 0, (unsigned)keep - 1, 0) == 0))
		return;
	if (each_of_ours(close_other, keep))
		return;
	for (int fd = 0; fd < BLIND; fd++)
		close_other(fd, keep);
}
