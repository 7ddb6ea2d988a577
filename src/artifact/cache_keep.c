/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_keep.c: what is in the cache, is it whole, and what of it has to go.
 *
 * Nothing is locked against those who add and start meanwhile: removing a file takes nothing from who has mapped it,
 * and what is missing is made again. Only names that the cache itself gives are ever touched.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "artifact/cache_parts.h"
#include "base/base.h"
#include "base/buf.h"

/* -- Walking ------------------------------------------------------------------------------- */

/* 0 goes on. */
typedef int name_fn(void *env, int dir, const char *name);

static int each_name(int dir, name_fn *fn, void *env)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *stream;
	int error = 0;

	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (stream == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (error == 0) {
		errno = 0;
		entry = readdir(stream);
		if (entry == NULL) {
			error = -errno;
			break;
		}
		error = fn(env, dir, entry->d_name);
	}
	closedir(stream);
	return error;
}

/* The folder of an engine; -1: it is none, or not to be trusted. */
static int open_engine(const struct cache *cache, int root, const char *name)
{
	struct stat st;
	int fd;

	if (!cache_name_is_engine(name))
		return -1;
	fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || cache_trust_state(&st, cache->user) != NULL)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* DIR; -1: there is none. Else -errno with the sentence. */
static int open_root(struct cache *cache, int *ret, struct err *err)
{
	int fd;

	if (cache->path == NULL)
		return err_set(err, -ENOENT, "there is no cache directory: HOME is not set");
	if (cache->complaint.text[0] != '\0' && cache->closed)
		return err_set(err, -EPERM, "%s", cache->complaint.text);
	fd = openat(AT_FDCWD, cache->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return err_set(err, -errno, "open '%s': %s", cache->path, strerror(errno));
	if (fd >= 0 && !cache_trust(fd, cache->path, cache->user, err)) {
		close(fd);
		return err_prefix(err, -EPERM, "the cache in '%s' is not used", cache->path);
	}
	*ret = fd;
	return 0;
}

/* -- Listing ------------------------------------------------------------------------------- */

struct collection {
	struct cache *cache;
	struct cache_entry entry; /* with the engine filled in */
	struct buf entries; /* owned: struct cache_entry */
};

static int64_t last_used(const struct stat *st)
{
	return (int64_t)MAX(st->st_atim.tv_sec, st->st_mtim.tv_sec);
}

static int collect_entry(void *env, int dir, const char *name)
{
	struct collection *c = env;
	struct stat st;

	if (!cache_name_is_entry(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	memcpy(c->entry.name, name, sizeof(c->entry.name));
	c->entry.bytes = (uint64_t)st.st_blocks * 512;
	c->entry.used = last_used(&st);
	return buf_put(&c->entries, &c->entry, sizeof(c->entry)) != NULL ? 0 : -ENOMEM;
}

static int collect_engine(void *env, int root, const char *name)
{
	struct collection *c = env;
	char ours[CACHE_ENGINE_TEXT];
	int dir = open_engine(c->cache, root, name);
	int error;

	if (dir < 0)
		return 0;
	cache_name_engine(ours);
	memcpy(c->entry.engine, name, sizeof(c->entry.engine));
	c->entry.is_ours = strcmp(name, ours) == 0;
	error = each_name(dir, collect_entry, c);
	close(dir);
	return error;
}

/* Last used first; names decide where that is the same, so that the order is always one. */
static int by_use(const void *left, const void *right)
{
	const struct cache_entry *a = left, *b = right;

	if (a->used != b->used)
		return a->used > b->used ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int collect(struct collection *c, int root, struct err *err)
{
	int error = root >= 0 ? each_name(root, collect_engine, c) : 0;

	if (error != 0)
		return err_set(err, error, "read '%s': %s", c->cache->path, strerror(-error));
	if (c->entries.size != 0)
		qsort(c->entries.data, BUF_COUNT(&c->entries, struct cache_entry),
		      sizeof(struct cache_entry), by_use);
	return 0;
}

static uint64_t module_bytes(struct cache *cache, const char *name)
{
	struct artifact artifact;
	uint64_t bytes;

	if (cache->dir < 0 || cache_open_entry(cache, name, false, &artifact, NULL) != 0)
		return 0;
	bytes = artifact.image->bytes.count;
	artifact_close(&artifact);
	return bytes;
}

static int hand_out(struct cache *cache, const struct buf *entries, cache_entry_fn *fn, void *env)
{
	int result = 0;

	for (size_t i = 0; i < BUF_COUNT(entries, struct cache_entry) && result == 0; i++) {
		struct cache_entry *entry = BUF_ITEM(entries, struct cache_entry, i);

		if (entry->is_ours)
			entry->module_bytes = module_bytes(cache, entry->name);
		result = fn(env, entry);
	}
	return result;
}

int cache_list(struct cache *cache, cache_entry_fn *fn, void *env, struct err *err)
{
	struct collection c = {.cache = cache};
	int root, error;

	error = open_root(cache, &root, err);
	if (error != 0)
		return error;
	error = collect(&c, root, err);
	if (error == 0)
		error = hand_out(cache, &c.entries, fn, env);
	if (root >= 0)
		close(root);
	buf_deinit(&c.entries);
	return error;
}

/* -- Verifying ----------------------------------------------------------------------------- */

int cache_verify(struct cache *cache, const struct cache_entry *entry, struct err *err)
{
	struct artifact artifact;
	int error;

	invariant(entry->is_ours);
	if (cache->dir < 0)
		return 0;
	error = cache_open_entry(cache, entry->name, false, &artifact, err);
	if (error == 0) {
		error = artifact_verify(&artifact, err);
		artifact_close(&artifact);
	}
	if (error == -ENOENT)
		return 0;
	if (error > 0 && unlinkat(cache->dir, entry->name, 0) < 0 && errno != ENOENT)
		return err_set(err, -errno, "it is damaged and cannot be removed: %s",
			       strerror(errno));
	return error;
}

/* -- Removing ------------------------------------------------------------------------------ */

struct pruning {
	struct cache *cache;
	const struct cache_limits *limits;
	struct cache_pruned *counts;
	int64_t now;
};

static int remove_entry(int root, const struct cache_entry *entry, struct err *err)
{
	char path[sizeof(entry->engine) + sizeof(entry->name)];

	memcpy(path, entry->engine, sizeof(entry->engine) - 1);
	path[sizeof(entry->engine) - 1] = '/';
	memcpy(path + sizeof(entry->engine), entry->name, sizeof(entry->name));
	if (unlinkat(root, path, 0) == 0 || errno == ENOENT)
		return 0;
	return err_set(err, -errno, "remove '%s': %s", path, strerror(errno));
}

/* From the last used to the first: what fits into the limits stays, and what is used before one that does not goes too. */
static int remove_entries(const struct pruning *p, int root, const struct buf *entries,
			  struct err *err)
{
	struct cache_pruned *n = p->counts;
	bool full = false;

	for (size_t i = 0; i < BUF_COUNT(entries, struct cache_entry); i++) {
		const struct cache_entry *entry = BUF_ITEM(entries, struct cache_entry, i);
		uint64_t age = p->now > entry->used ? (uint64_t)(p->now - entry->used) : 0;
		int error;

		full = full || entry->bytes > p->limits->bytes ||
		       n->kept_bytes > p->limits->bytes - entry->bytes || p->limits->bytes == 0;
		if (!full && age <= p->limits->seconds) {
			n->kept_count++;
			n->kept_bytes += entry->bytes;
			continue;
		}
		error = remove_entry(root, entry, err);
		if (error != 0)
			return error;
		n->count++;
		n->bytes += entry->bytes;
	}
	return 0;
}

/* Links that lead nowhere, and what writers left behind: also those whose clock was ahead. */
static int sweep_name(void *env, int dir, const char *name)
{
	const struct pruning *p = env;
	struct stat st;

	if (cache_name_is_link(name)) {
		if (faccessat(dir, name, F_OK, 0) < 0 && errno == ENOENT)
			unlinkat(dir, name, 0);
	} else if (cache_name_is_temporary(name) &&
		   fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		   llabs(p->now - (int64_t)st.st_mtim.tv_sec) > CACHE_TEMPORARY_SECONDS) {
		unlinkat(dir, name, 0);
	}
	return 0;
}

static int sweep_engine(void *env, int root, const char *name)
{
	const struct pruning *p = env;
	char ours[CACHE_ENGINE_TEXT];
	int dir = open_engine(p->cache, root, name);

	if (dir < 0)
		return sweep_name(env, root, name);
	each_name(dir, sweep_name, env);
	close(dir);
	cache_name_engine(ours);
	if (strcmp(name, ours) != 0)
		unlinkat(root, name, AT_REMOVEDIR); /* where it is empty */
	return 0;
}

static void set_stamp(int root)
{
	int fd = openat(root, "pruned",
			O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);

	if (fd < 0)
		return;
	futimens(fd, NULL);
	close(fd);
}

static int prune(struct pruning *p, int root, struct err *err)
{
	struct collection c = {.cache = p->cache};
	int error = collect(&c, root, err);

	if (error == 0)
		error = remove_entries(p, root, &c.entries, err);
	if (error == 0) {
		each_name(root, sweep_engine, p);
		set_stamp(root);
	}
	buf_deinit(&c.entries);
	return error;
}

int cache_prune(struct cache *cache, const struct cache_limits *limits, struct cache_pruned *ret,
		struct err *err)
{
	struct cache_pruned counts = {0};
	struct pruning p = {cache, limits, &counts, (int64_t)time(NULL)};
	int root, error;

	error = open_root(cache, &root, err);
	if (error == 0 && root >= 0) {
		error = prune(&p, root, err);
		close(root);
	}
	if (error == 0)
		*ret = counts;
	return error;
}
