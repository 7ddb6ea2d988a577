/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/hang.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"

enum { ARGS = 6, DESCRIPTOR = -1, PAGE = 4096 };

/*
 * table-like: calls that a process comes to on its way into a cage, and where each has the name: an argument, or the descriptor
 * that is its first one.
 */
static const struct call {
	long number;
	int at;
} calls[] = {
#ifdef SYS_open_tree
	{SYS_open_tree, 1},
	{SYS_move_mount, 1},
	{SYS_fspick, 1},
#endif
#ifdef SYS_openat2
	{SYS_openat2, 1},
#endif
#ifdef SYS_open
	{SYS_open, 0},
	{SYS_stat, 0},
	{SYS_lstat, 0},
	{SYS_access, 0},
	{SYS_mkdir, 0},
#endif
#ifdef SYS_newfstatat
	{SYS_newfstatat, 1},
#endif
	{SYS_openat, 1},
	{SYS_statx, 1},
	{SYS_mkdirat, 1},
	{SYS_mknodat, 1},
	{SYS_faccessat, 1},
	{SYS_readlinkat, 1},
	{SYS_mount, 0},
	{SYS_umount2, 0},
	{SYS_chdir, 0},
	{SYS_execve, 0},
	{SYS_fstat, DESCRIPTOR},
	{SYS_fstatfs, DESCRIPTOR},
	{SYS_read, DESCRIPTOR},
	{SYS_pread64, DESCRIPTOR},
	{SYS_fchdir, DESCRIPTOR},
	{SYS_close, DESCRIPTOR},
};

/* "257 0xffffff9c 0x7ffd... ...", or "running". */
static bool what_it_does(pid_t pid, long *ret_number, unsigned long args[static ARGS])
{
	char name[64], text[256];

	snprintf(name, sizeof(name), "/proc/%d/syscall", (int)pid);
	if (io_text(AT_FDCWD, name, text, sizeof(text)) <= 0)
		return false;
	return sscanf(text, "%ld %lx %lx %lx %lx %lx %lx", ret_number, &args[0], &args[1], &args[2],
		      &args[3], &args[4], &args[5]) == 1 + ARGS;
}

/* Page by page: the next one may not be there. */
static bool text_of(pid_t pid, unsigned long address, char path[static PATH_MAX])
{
	size_t size = 0;

	while (size < PATH_MAX) {
		size_t part = MIN(PAGE - (address + size) % PAGE, PATH_MAX - size);
		struct iovec here = {path + size, part}, there = {(void *)(address + size), part};

		if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)part)
			return false;
		if (memchr(path + size, '\0', part) != NULL)
			return path[0] != '\0';
		size += part;
	}
	return false;
}

static bool link_of(pid_t pid, unsigned long descriptor, char path[static PATH_MAX])
{
	char link[64];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/%d/fd/%u", (int)pid, (unsigned)descriptor);
	size = readlink(link, path, PATH_MAX - 1);
	if (size <= 0)
		return false;
	path[size] = '\0';
	return true;
}

bool hang_path(pid_t pid, char path[static PATH_MAX])
{
	unsigned long args[ARGS];
	long number;

	if (!what_it_does(pid, &number, args))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct call *call = &calls[i];

		if (call->number != number)
			continue;
		if (call->at != DESCRIPTOR && text_of(pid, args[call->at], path))
			return true;
		/* By a descriptor alone, or with an empty name. */
		return call->at != 0 && link_of(pid, args[0], path);
	}
	return false;
}
