/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_find.c: from a module file to its artifact: by its identity, which reads nothing of it, else by its sample,
 * which reads and hashes it once more.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "artifact/cache_parts.h"
#include "base/base.h"

enum { HOUR = 60 * 60 };

/* Reading sets atime, but not everywhere, and listing reads, too: so nothing does but this, once an hour. */
static void note_use(int fd, const struct stat *st)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - MAX(st->st_atim.tv_sec, st->st_mtim.tv_sec) > HOUR)
		futimens(fd, times); /* where we may not, it is pruned early */
}

static int check_file(const struct cache *cache, int fd, bool use, struct err *err)
{
	const char *what;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ARTIFACT_FOREIGN, "it is no regular file");
	what = cache_trust_state(&st, cache->user);
	if (what != NULL)
		return err_set(err, ARTIFACT_FOREIGN, "it %s", what);
	if (use)
		note_use(fd, &st);
	return 0;
}

static int check_digest(const struct artifact *artifact, const char *name, struct err *err)
{
	uint8_t digest[SHA256_SIZE];

	cache_name_digest(name, digest);
	if (memcmp(digest, artifact->head->id.module, sizeof(digest)) != 0)
		return err_set(err, ARTIFACT_FOREIGN, "it is of another module than its name says");
	return 0;
}

/* Not to be held up by a pipe, nor given a terminal, nor led elsewhere. */
static int open_file(int dir, const char *name)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd = openat(dir, name, flags | O_NOATIME);

	return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd;
}

int cache_open_entry(struct cache *cache, const char *name, bool use, struct artifact *ret,
		     struct err *err)
{
	int fd = open_file(cache->dir, name);
	int error;

	if (fd < 0 && errno == ELOOP)
		return err_set(err, ARTIFACT_FOREIGN, "it is a link");
	if (fd < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	error = check_file(cache, fd, use, err);
	if (error != 0) {
		close(fd);
		return error;
	}
	error = artifact_open(ret, fd, err);
	if (error != 0)
		return error;
	error = check_digest(ret, name, err);
	if (error != 0)
		artifact_close(ret);
	return error;
}

/* -- Finding ------------------------------------------------------------------------------- */

static bool open_wanted(struct cache *cache, const struct artifact_id *id, struct artifact *ret)
{
	char name[CACHE_ENTRY_TEXT];
	struct err why;
	int error;

	cache_name_entry(name, id);
	error = cache_open_entry(cache, name, true, ret, &why);
	if (error == 0 && artifact_fits(ret, id, &why))
		return true;
	if (error == 0)
		artifact_close(ret);
	if (error != -ENOENT)
		cache_complain(cache, "'%s' in the cache is not used: %s", name, why.text);
	return false;
}

static bool find_identity(struct cache *cache, int fd, const struct stat *st,
			  struct artifact_id *id, struct artifact *ret)
{
	char link[CACHE_LINK_TEXT], target[CACHE_ENTRY_TEXT];
	ssize_t size;

	if (!cache_identity(fd, st, id, link))
		return false;
	size = readlinkat(cache->dir, link, target, sizeof(target));
	if (size != CACHE_ENTRY_TEXT - 1)
		return false;
	target[size] = '\0';
	if (!cache_name_is_entry(target))
		return false;
	cache_name_digest(target, id->module);
	return open_wanted(cache, id, ret);
}

static bool find_sample(struct cache *cache, int fd, const struct stat *st, struct artifact_id *id,
			struct artifact *ret)
{
	char link[CACHE_LINK_TEXT], target[CACHE_ENTRY_TEXT];
	bool rests = cache_identity_rests(st);

	/* Where the link leads does not matter: there may be several modules like this one. */
	if (!cache_sample(fd, st, id, link) ||
	    readlinkat(cache->dir, link, target, sizeof(target)) < 0 ||
	    !cache_digest(fd, st, id->module) || !open_wanted(cache, id, ret))
		return false;
	cache_link_identity(cache, fd, st, rests, id);
	return true;
}

enum cache_found cache_find(struct cache *cache, int fd, const struct stat *st,
			    const struct artifact_id *wanted, struct artifact *ret)
{
	struct artifact_id id = *wanted;

	if (cache->closed || st->st_size < CACHE_LEAST)
		return CACHE_USELESS;
	if (cache->dir < 0)
		return cache->could_be_made ? CACHE_UNKNOWN : CACHE_USELESS;
	if (find_identity(cache, fd, st, &id, ret) || find_sample(cache, fd, st, &id, ret))
		return CACHE_HIT;
	return CACHE_UNKNOWN;
}
