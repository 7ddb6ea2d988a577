/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_add.c: put an artifact in: the directories, the file under a temporary name, its own name, the links.
 *
 * After each step, what readers see is whole: an entry has its name only when all of it is on the disk, and a link only after
 * the entry. Whoever is killed leaves at most a temporary file, which the next one to add the same module
 * takes over: it is locked while someone writes to it, and the kernel takes a lock from who dies.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "artifact/cache_parts.h"
#include "base/base.h"

/* Outcomes of writing an entry. REFUSED: whoever was to write it did not. */
enum { WRITTEN = 0, BUSY = 1, GONE = 2, REFUSED = 3 };

struct addition {
	const struct cache_writer *writer; /* borrowed, as are these */
	const struct artifact_id *id;
	int *ret_answer; /* of the writer, with REFUSED */
};

/* -- Directories --------------------------------------------------------------------------- */

static const char tag[] =
	"Signature: 8a477f597d28d172789f06886806bc55\n"
	"# WebAssembly modules, made ready by Skiff. All of it can be made again:\n"
	"# backups may leave it out, and 'skiff cache clear' empties it.\n";

/* For programs that make backups. Where it cannot be written, they take more than they need. */
static void put_tag(int dir)
{
	char temporary[CACHE_LINK_TEXT];
	int fd;

	if (faccessat(dir, "CACHEDIR.TAG", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	cache_name_temporary(temporary);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, tag, sizeof(tag) - 1) != sizeof(tag) - 1 ||
	    renameat(dir, temporary, dir, "CACHEDIR.TAG") < 0)
		unlinkat(dir, temporary, 0);
	close(fd);
}

static int make_one(const char *path, struct err *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return err_set(err, -errno, "make directory '%s': %s", path, strerror(errno));
}

/* All directories of the path; it is changed on the way. */
static int make_all(char *path, struct err *err)
{
	int error = 0;

	for (char *slash = strchr(path + 1, '/'); slash != NULL && error == 0;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		error = make_one(path, err);
		*slash = '/';
	}
	return error != 0 ? error : make_one(path, err);
}

static int make_directories(struct cache *cache, struct err *err)
{
	size_t size = strlen(cache->path);
	int error = make_all(cache->path, err);

	if (error != 0)
		return error;
	cache->path[size] = '/';
	cache_name_engine(cache->path + size + 1);
	error = make_one(cache->path, err);
	cache->path[size] = '\0';
	return error;
}

static int refused(const struct cache *cache, struct err *err)
{
	if (cache->complaint.text[0] != '\0')
		return err_set(err, -EPERM, "%s", cache->complaint.text);
	if (cache->path == NULL)
		return err_set(err, -ENOENT, "there is no cache directory: HOME is not set");
	return err_set(err, -EPERM, "the cache in '%s' cannot be used", cache->path);
}

static int make(struct cache *cache, struct err *err)
{
	int up, error;

	if (cache->dir >= 0)
		return 0;
	if (!cache_makeable(cache))
		return refused(cache, err);
	error = make_directories(cache, err);
	if (error != 0)
		return error;
	cache_enter(cache);
	if (cache->dir < 0)
		return refused(cache, err);
	up = openat(cache->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up >= 0) {
		put_tag(up);
		close(up);
	}
	return 0;
}

/* -- The file ------------------------------------------------------------------------------ */

static bool is_still(int dir, const char *name, int fd)
{
	struct stat there, ours;

	return fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &ours) == 0 &&
	       there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

/*
 * A file of that name, empty, that nobody else writes to: WRITTEN, BUSY, GONE or -errno. While we waited for the lock,
 * it may have become an artifact under its own name.
 */
static int open_temporary(int dir, const char *name, int *ret, struct err *err)
{
	for (int tries = 0; tries < 10; tries++) {
		int fd = openat(dir, name,
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
				0600);
		int error = errno;

		if (fd < 0 && error == ENOENT)
			return GONE;
		if (fd < 0)
			return err_set(err, -error, "make '%s': %s", name, strerror(error));
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			error = errno;
			close(fd);
			if (error == EWOULDBLOCK)
				return BUSY;
			return err_set(err, -error, "lock '%s': %s", name, strerror(error));
		}
		if (is_still(dir, name, fd) && ftruncate(fd, 0) == 0) {
			*ret = fd;
			return WRITTEN;
		}
		close(fd);
	}
	return err_set(err, -EAGAIN, "make '%s': others remove it each time", name);
}

/* What `write` has left behind: it may have been told what to write by a module that got the better of it. */
static int check_written(int fd, const struct artifact_id *id, struct err *err)
{
	struct artifact artifact;
	int error, own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return err_set(err, -errno, "open an artifact again: %s", strerror(errno));
	error = artifact_open(&artifact, own, err);
	if (error == 0) {
		if (!artifact_fits(&artifact, id, err))
			error = ARTIFACT_FOREIGN;
		else
			error = artifact_verify(&artifact, err);
		artifact_close(&artifact);
	}
	return error <= 0 ? error
			  : err_prefix(err, -EBADMSG, "what was written is no artifact of it");
}

static int write_to(int fd, const struct addition *a, struct err *err)
{
	int answer = a->writer->write(a->writer->env, fd, err), error;

	if (answer != 0) {
		*a->ret_answer = answer;
		return REFUSED;
	}
	error = check_written(fd, a->id, err);
	if (error != 0)
		return error;
	if (fsync(fd) < 0)
		return err_set(err, -errno, "write an artifact: %s", strerror(errno));
	return 0;
}

/* Whole, and of the same. */
static bool is_there(struct cache *cache, const char *name, const struct artifact_id *id)
{
	struct artifact artifact;
	struct err ignored;
	bool whole;

	if (cache_open_entry(cache, name, false, &artifact, &ignored) != 0)
		return false;
	whole = artifact_fits(&artifact, id, &ignored) && artifact_verify(&artifact, &ignored) == 0;
	artifact_close(&artifact);
	return whole;
}

static int give_name(int dir, const char *temporary, const char *name, int fd, struct err *err)
{
	if (renameat(dir, temporary, dir, name) < 0)
		return errno == ENOENT
			       ? GONE
			       : err_set(err, -errno, "rename to '%s': %s", name, strerror(errno));
	fchmod(fd, 0400); /* nobody is to write to what is mapped */
	fsync(dir); /* else a power cut may lose it, and it is made again */
	return WRITTEN;
}

static int write_entry(struct cache *cache, const struct addition *a, struct err *err)
{
	char temporary[sizeof(CACHE_TEMPORARY) + CACHE_ENTRY_TEXT] = CACHE_TEMPORARY;
	char *name = temporary + strlen(CACHE_TEMPORARY);
	int dir = cache->dir, fd, error;

	invariant(dir >= 0);
	cache_name_entry(name, a->id);
	error = open_temporary(dir, temporary, &fd, err);
	if (error != WRITTEN)
		return error;
	if (is_there(cache, name, a->id)) {
		unlinkat(dir, temporary, 0);
	} else {
		error = write_to(fd, a, err);
		if (error == 0)
			error = give_name(dir, temporary, name, fd, err);
		if (error != WRITTEN)
			unlinkat(dir, temporary, 0);
	}
	close(fd); /* only now: who gets the lock looks for the name */
	return error;
}

/* -- All of it ----------------------------------------------------------------------------- */

/* Another build's cleaning may remove our directory while it is empty, and users all of it. */
static int make_entry(struct cache *cache, const struct addition *a, struct err *err)
{
	for (int tries = 0; tries < 3; tries++) {
		int error = make(cache, err);

		if (error == 0)
			error = write_entry(cache, a, err);
		if (error != GONE)
			return error;
		close(cache->dir);
		cache->dir = -1;
	}
	return err_set(err, -EAGAIN, "the directory is removed each time");
}

/* What was decoded some time ago may have changed since: hashed again, it is known to be the file's content now. */
static void link_entry(struct cache *cache, int fd, const struct stat *st,
		       const struct artifact_id *id)
{
	bool rests = cache_identity_rests(st);
	uint8_t digest[SHA256_SIZE];

	cache_link_sample(cache, fd, st, id);
	if (rests && cache_digest(fd, st, digest) && memcmp(digest, id->module, SHA256_SIZE) == 0)
		cache_link_identity(cache, fd, st, rests, id);
}

/* Between two times of cleaning a cache grows beyond its limits by what is added in that time. */
static void prune_if_due(struct cache *cache)
{
	int64_t now = (int64_t)time(NULL);
	struct cache_pruned pruned;
	struct stat st;

	invariant(cache->dir >= 0);
	if (fstatat(cache->dir, "../pruned", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    now - st.st_mtim.tv_sec > CACHE_PRUNE_SECONDS || st.st_mtim.tv_sec > now)
		cache_prune(cache, &cache->limits, &pruned, NULL);
}

int cache_add_written(struct cache *cache, const struct cache_writer *writer,
		      const struct artifact_id *id, int fd, const struct stat *st, struct err *err)
{
	int answer = 0;
	const struct addition addition = {writer, id, &answer};
	int error = cache->closed ? refused(cache, err) : make_entry(cache, &addition, err);

	if (error == REFUSED)
		return answer;
	if (error < 0)
		return err_prefix(err, error, "cache");
	if (error == BUSY)
		return 0;
	if (fd >= 0 && st != NULL)
		link_entry(cache, fd, st, id);
	prune_if_due(cache);
	return 0;
}

struct ready_image {
	const struct image *image;
	const struct artifact_id *id;
};

static int write_image(void *env, int fd, struct err *err)
{
	const struct ready_image *ready = env;
	int error = artifact_write(fd, ready->image, ready->id, err);

	return error == 0 ? 0 : err_prefix(err, error, "cache");
}

int cache_add(struct cache *cache, const struct image *image, const struct artifact_id *id, int fd,
	      const struct stat *st, struct err *err)
{
	struct ready_image ready = {image, id};
	const struct cache_writer writer = {write_image, &ready};

	return cache_add_written(cache, &writer, id, fd, st, err);
}
