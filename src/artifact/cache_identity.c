/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_identity.c: is this file the one whose content is known, and which might it be?
 *
 * The identity is what the kernel says of a file without reading it. It stands for the content only where every change of
 * that sets ctime to the time it is, which nobody but the clock's owner can prevent: on the file systems of the table.
 * Not in the table, and why:
 *
 *   overlay                     device numbers are reused; a file copied up keeps none of what it had
 *   FUSE, NFS, SMB, 9P, virtiofs    a server says what it likes, and may say it late
 *   squashfs, EROFS, ISO 9660   images made reproducibly give other content the same times
 *   FAT, exFAT                  times count in steps of up to two seconds, and there is no ctime
 *
 * The one way to change a file that ctime does not follow at once is a shared mapping of it that was made earlier.
 * Linkers that write in this manner are done before their file has rested.
 *
 * The sample is the size and three pages of content. It resists no attack, and need not: what it finds is hashed.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <errno.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "artifact/cache_parts.h"
#include "base/base.h"
#include "base/io.h"

/* statfs(2)'s f_type: file systems that set ctime by the kernel's clock whenever content or metadata change, and number
 * inodes so that a new file of an old number has a later ctime. */
static const uint32_t keeps_promise[] = {
	0xef53, /* ext2, ext3, ext4 */
	0x58465342, /* XFS */
	0x9123683e, /* btrfs; its f_fsid tells subvolumes apart */
	0x01021994, /* tmpfs */
	0xf2f52010, /* F2FS */
	0xca451a4e, /* bcachefs */
	0x2fc12fc1, /* ZFS */
};

enum {
	PIECE = 4096, /* bytes of a sample at one place */
	CHUNK = 256 * 1024, /* bytes hashed at a time */
};

_Static_assert(CACHE_LEAST >= PIECE, "every file that is sampled has a piece");

/* -- Identity ------------------------------------------------------------------------------ */

static bool is_kept(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(keeps_promise); i++)
		if (keeps_promise[i] == type)
			return true;
	return false;
}

bool cache_identity(int fd, const struct stat *st, const struct artifact_id *id,
		    char name[static CACHE_LINK_TEXT])
{
	struct statfs system;
	uint64_t number = 0;

	if (fstatfs(fd, &system) < 0 || !is_kept((uint32_t)system.f_type))
		return false;
	memcpy(&number, &system.f_fsid, MIN(sizeof(number), sizeof(system.f_fsid)));
	cache_name_link(name, "at-",
			(uint64_t[]){
				(uint64_t)st->st_dev,
				number,
				(uint32_t)system.f_type,
				(uint64_t)st->st_ino,
				(uint64_t)st->st_size,
				(uint64_t)st->st_mtim.tv_sec,
				(uint64_t)st->st_mtim.tv_nsec,
				(uint64_t)st->st_ctim.tv_sec,
				(uint64_t)st->st_ctim.tv_nsec,
			},
			9, id);
	return true;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool cache_identity_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

/* In whole seconds, and so by up to one more. A time in the future, after a clock was set back, does not count. */
bool cache_identity_rests(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - CACHE_REST_SECONDS > st->st_mtim.tv_sec &&
	       now.tv_sec - CACHE_REST_SECONDS > st->st_ctim.tv_sec;
}

/* -- Content ------------------------------------------------------------------------------- */

bool cache_sample(int fd, const struct stat *st, const struct artifact_id *id,
		  char name[static CACHE_LINK_TEXT])
{
	uint64_t size = (uint64_t)st->st_size, hash = size, words[PIECE / sizeof(uint64_t)];
	uint64_t places[] = {0, (size - PIECE) / 2, size - PIECE};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (size < PIECE || io_read_at(fd, words, PIECE, places[i]) != 0)
			return false;
		for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
			hash = (hash ^ words[k]) * UINT64_C(0x9e3779b97f4a7c15);
			hash ^= hash >> 29;
		}
	}
	cache_name_link(name, "like-", (uint64_t[]){size, hash}, 2, id);
	return true;
}

bool cache_digest(int fd, const struct stat *st, uint8_t digest[static SHA256_SIZE])
{
	uint64_t size = (uint64_t)st->st_size, at = 0;
	uint8_t *chunk = malloc(CHUNK);
	struct sha256 sha;
	bool whole = chunk != NULL;

	sha256_init(&sha);
	while (whole && at < size) {
		size_t n = (size_t)MIN(size - at, CHUNK);

		whole = io_read_at(fd, chunk, n, at) == 0;
		if (whole)
			sha256_take(&sha, chunk, n);
		at += n;
	}
	whole = whole && pread(fd, chunk, 1, (off_t)size) == 0;
	if (whole)
		sha256_end(&sha, digest);
	free(chunk);
	return whole;
}
