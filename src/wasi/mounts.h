/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.h: which directory of the host is seen where by the guest.
 *
 * A guest path belongs to the mount with the longest prefix of it. Mounts are added before the guest runs and never
 * change; a mount point need not exist in the mount below it.
 */
#ifndef WASI_MOUNTS_H
#define WASI_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum mount_flags {
	MOUNT_READ_ONLY = 1,
	/* Its paths are resolved as in a container's root: absolute links begin again at its top, ".." ends there. Without
	 * it such a path is refused with EPERM. */
	MOUNT_ROOT = 2,
};

struct mount {
	char *guest; /* owned; absolute, without "." and "..", doubled or final slashes; "/" is "" */
	char *given; /* owned; as mounts_add() got it: what the guest's libc is told */
	int fd; /* owned; O_PATH or more, a directory */
	unsigned flags; /* enum mount_flags */
	bool has_nested; /* another mount lies below this one */
	dev_t device; /* of its top; 0 where that is procfs, of which no file is taken on trust */
};

struct mounts {
	struct mount *items; /* owned */
	uint32_t count;
	bool no_openat2; /* the kernel has none (or a test says so): always walk */
};

#define MOUNTS_NONE UINT32_MAX

/* How a file is opened, of its flags. Not O_ACCMODE: musl's has O_PATH in it. */
#define OPEN_WRITES(flags) (((flags) & (O_WRONLY | O_RDWR)) != 0)

void mounts_deinit(struct mounts *mounts);
/* Takes fd on success. `guest` may be relative ("." is "/", "data" is "/data", as libc sees them); ".." is refused
 * with -EINVAL, a guest path twice with -EEXIST, what is no directory with -ENOTDIR. The index. */
int mounts_add(struct mounts *mounts, const char *guest, int fd, unsigned flags);
/* The mount whose guest path this absolute one is, exactly; MOUNTS_NONE. */
uint32_t mounts_find(const struct mounts *mounts, const char *guest, size_t size);
/* The mount an absolute path without "." and ".." lies in: that with the longest prefix of it; MOUNTS_NONE. */
uint32_t mounts_around(const struct mounts *mounts, const char *guest, size_t size);
/* Does a mount lie below this path? */
bool mounts_below(const struct mounts *mounts, const char *guest, size_t size);

/*
 * May a guest have this file that was opened under the mount with these flags? Its st_mode if so. -EACCES for what
 * of procfs would let it see or change the runtime around it (/proc/self/mem): regular files there are not opened for
 * writing, and read only if everybody may read them.
 */
int mounts_admit(const struct mount *mount, int fd, int flags, mode_t *ret);

#endif
