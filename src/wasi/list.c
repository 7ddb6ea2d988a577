/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.c: directories, read with the kernel's own cookies.
 *
 * A file system's cookies (d_off) name a place that stays where it is while others add and remove entries, so they
 * are handed to the guest as they are; each call goes to its cookie first. The inode of ".." at a mount's top is
 * not the guest's business: it gets that of ".".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wasi/file.h"

enum { CHUNK = 4096 };

/* As the kernel writes it. */
struct raw_entry {
	uint64_t inode;
	int64_t next;
	uint16_t size;
	uint8_t type;
	char name[];
};

struct listing {
	const struct desc *desc;
	int fd;
	bool (*put)(void *env, const struct entry *entry);
	void *env;
};

static void complete(const struct listing *list, struct entry *entry)
{
	struct stat st;

	if (strcmp(entry->name, "..") == 0 && list->desc->path != NULL &&
	    list->desc->path[0] == '\0') {
		if (fstat(list->fd, &st) == 0)
			entry->inode = st.st_ino;
	} else if (entry->type == DT_UNKNOWN &&
		   fstatat(list->fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		entry->type = (uint8_t)((st.st_mode & S_IFMT) >> 12);
	}
}

/* Hand on what was read; false: enough. */
static bool put_all(const struct listing *list, const char *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		const struct raw_entry *raw = (const struct raw_entry *)(const void *)(bytes + at);
		struct entry entry = {
			.next = (uint64_t)raw->next,
			.inode = raw->inode,
			.name = raw->name,
			.name_size = (uint32_t)strlen(raw->name),
			.type = raw->type,
		};

		complete(list, &entry);
		if (!list->put(list->env, &entry))
			return false;
		at += raw->size;
	}
	return true;
}

static int put_alone(const struct listing *list, uint64_t cookie)
{
	_Alignas(struct raw_entry) char bytes[CHUNK];

	if (cookie > INT64_MAX)
		return -EINVAL;
	if (lseek(list->fd, (off_t)cookie, SEEK_SET) < 0)
		return -errno;
	for (;;) {
		long size = syscall(SYS_getdents64, list->fd, bytes, sizeof(bytes));

		if (size < 0)
			return -errno;
		if (size == 0 || !put_all(list, bytes, (size_t)size))
			return 0;
	}
}

/* Position and reading belong together, and the position is one for all threads. */
static int put_from(const struct listing *list, uint64_t cookie)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&list->desc->listing;
	int error;

	pthread_mutex_lock(lock);
	error = put_alone(list, cookie);
	pthread_mutex_unlock(lock);
	return error;
}

int file_list(const struct desc *desc, uint64_t cookie,
	      bool (*put)(void *env, const struct entry *entry), void *env)
{
	struct listing list = {.desc = desc, .fd = desc->fd, .put = put, .env = env};
	int error;

	if (desc->kind != DESC_DIR)
		return -ENOTDIR;
	error = put_from(&list, cookie);
	if (error != -EBADF)
		return error;
	/* Open for its path only: to read it takes another. */
	list.fd = openat(desc->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (list.fd < 0)
		return -errno;
	error = put_from(&list, cookie);
	close(list.fd);
	return error;
}
