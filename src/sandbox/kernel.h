/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h: system calls about mounts that libc does not have, or not everywhere: a result or a negative errno.
 *
 * <sys/mount.h> and <linux/mount.h> do not go together in every libc: who includes this has the kernel's.
 */
#ifndef SANDBOX_KERNEL_H
#define SANDBOX_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int kernel_result(long r)
{
	return r < 0 ? -errno : (int)r;
}

static inline int kernel_open_tree(int dir, const char *path, unsigned flags)
{
	return kernel_result(syscall(SYS_open_tree, dir, path, flags));
}

/* What `from` is (a detached mount) is put at `to`, a descriptor of the place. */
static inline int kernel_move_mount(int from, int to)
{
	return kernel_result(syscall(SYS_move_mount, from, "", to, "",
				     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static inline int kernel_fsopen(const char *type)
{
	return kernel_result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

static inline int kernel_fsconfig(int fs, unsigned command, const char *key, const char *value)
{
	return kernel_result(syscall(SYS_fsconfig, fs, command, key, value, 0));
}

static inline int kernel_fsmount(int fs, unsigned attributes)
{
	return kernel_result(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
}

static inline int kernel_mount_setattr(int mount, unsigned flags, struct mount_attr *attr)
{
	return kernel_result(
		syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | flags, attr, sizeof(*attr)));
}

static inline int kernel_openat2(int dir, const char *path, uint64_t flags, uint64_t mode,
				 uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};

	return kernel_result(syscall(SYS_openat2, dir, path, &how, sizeof(how)));
}

/* What there was before these: one call for all, by names. */
static inline int kernel_mount(const char *source, const char *target, const char *type,
			       uint64_t flags, const char *data)
{
	return kernel_result(syscall(SYS_mount, source, target, type, (unsigned long)flags, data));
}

/* 1 or 0, or a negative errno; what the kernel knows by itself: the server of a file system is not asked, and may never answer. */
static inline int kernel_is_dir(int fd)
{
	const int dont_sync = 0x4000; /* AT_STATX_DONT_SYNC; musl has no struct statx either */
	const unsigned type = 1; /* STATX_TYPE */
	struct {
		uint32_t mask, block;
		uint64_t attributes;
		uint32_t links, uid, gid;
		uint16_t mode;
		uint64_t rest[28];
	} st;

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH | dont_sync, type, &st) < 0)
		return -errno;
	return S_ISDIR(st.mode);
}

/* Which mount a descriptor leads to; 0: a kernel before Linux 5.8 does not say. */
static inline uint64_t kernel_mount_id(int fd)
{
	const uint32_t wanted = 0x1000; /* STATX_MNT_ID */
	union {
		uint32_t mask;
		uint64_t words[32];
	} st;

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, wanted, &st) < 0 || !(st.mask & wanted))
		return 0;
	return st.words[18];
}

/* And all that lies on it, at once for us, for others when they leave it. */
static inline int kernel_umount(const char *path)
{
	const int detach = 2; /* MNT_DETACH, which only libc's header has */

	return kernel_result(syscall(SYS_umount2, path, detach));
}

#endif
