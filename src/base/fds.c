/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fds.h"

#include <fcntl.h>
#include <linux/close_range.h>
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

/* What a directory of descriptors says; no memory is allocated, as somebody else's may be shared. */
static void mark_listed(int dir, int first)
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
			if (fd >= first)
				fcntl(fd, F_SETFD, FD_CLOEXEC);
			at += entry->size;
		}
	}
}

void fds_close_on_exec(int first)
{
	int dir;

	if (syscall(SYS_close_range, (unsigned)first, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	mark_listed(dir, first);
	close(dir);
}
