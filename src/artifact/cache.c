/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.c: which directory, and whether it is used.
 *
 * A start comes through here: one openat() and a look at each directory above, nothing else where all is well.
 */
#include "artifact/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "artifact/cache_parts.h"
#include "base/base.h"

#define ROOTS_CACHE "/var/lib/skiff/cache"

enum {
	OVERLAY = 0x794c7630, /* f_type of statfs(2) */
	SHOWN_MAX = 256, /* bytes of a path in a sentence */
};

void cache_complain(struct cache *cache, const char *format, ...)
{
	va_list args;

	if (cache->complaint.text[0] != '\0')
		return;
	va_start(args, format);
	err_setv(&cache->complaint, 0, format, args);
	va_end(args);
}

/* -- Which ----------------------------------------------------------------------------------- */

static int take_path(struct cache *cache, const char *front, const char *rest)
{
	size_t size = strlen(front), more = strlen(rest);

	cache->path = malloc(size + more + 1 + CACHE_ENGINE_TEXT);
	if (cache->path == NULL)
		return -ENOMEM;
	memcpy(cache->path, front, size);
	memcpy(cache->path + size, rest, more + 1);
	return 0;
}

static const char *absolute(const char *variable)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] == '/' ? value : NULL;
}

static int take_default(struct cache *cache)
{
	const char *base;

	/* Who started us may have other rights than we do, and says what he likes. */
	bool heard = getauxval(AT_SECURE) == 0;

	if (heard && getenv("SKIFF_CACHE") != NULL) {
		base = absolute("SKIFF_CACHE");
		return base != NULL ? take_path(cache, base, "") : 0;
	}
	if (cache->user == 0)
		return take_path(cache, ROOTS_CACHE, "");
	if (!heard)
		return 0;
	base = absolute("XDG_CACHE_HOME");
	if (base != NULL)
		return take_path(cache, base, "/skiff");
	base = absolute("HOME");
	return base != NULL ? take_path(cache, base, "/.cache/skiff") : 0;
}

/* -- Opening --------------------------------------------------------------------------------- */

/* Of a very long path the end tells most, and the reason after it must still fit. */
static const char *shown(const char *path)
{
	size_t size = strlen(path);

	return size > SHOWN_MAX ? path + size - SHOWN_MAX : path;
}

static void distrust(struct cache *cache, const struct err *why)
{
	cache->closed = true;
	cache_complain(cache, "the cache in '%s' is not used: %s", shown(cache->path), why->text);
}

/* `engine` is the path with the engine's folder. That there is nothing is no mistake. */
static COLD void not_opened(struct cache *cache, const char *engine, int error)
{
	struct stat st;

	if (error == ENOENT)
		return;
	cache->closed = true;
	if (error == ENOTDIR && lstat(engine, &st) == 0 && S_ISLNK(st.st_mode))
		cache_complain(cache, "the cache is not used: '%s' is a link", shown(engine));
	else if (cache->chosen)
		cache_complain(cache, "the cache is not used: '%s': %s", shown(engine),
			       strerror(error));
}

void cache_enter(struct cache *cache)
{
	size_t size = strlen(cache->path);
	bool trusted = true;
	struct err why;

	cache->path[size] = '/';
	cache_name_engine(cache->path + size + 1);
	cache->dir = openat(AT_FDCWD, cache->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cache->dir < 0)
		not_opened(cache, cache->path, errno);
	else
		trusted = cache_trust(cache->dir, cache->path, cache->user, &why);
	cache->path[size] = '\0';
	if (trusted)
		return;
	distrust(cache, &why);
	close(cache->dir);
	cache->dir = -1;
}

int cache_init(struct cache *cache, const char *path)
{
	int error;

	*cache = (struct cache){.dir = -1,
				.user = geteuid(),
				.limits = {CACHE_LIMIT_BYTES, CACHE_LIMIT_SECONDS},
				.chosen = path != NULL};
	error = path != NULL ? take_path(cache, path, "") : take_default(cache);
	if (error != 0 || cache->path == NULL) {
		cache->closed = true;
	} else if (cache->path[0] == '\0') {
		cache->closed = true;
		cache_complain(cache, "the cache is not used: its directory has no name");
	} else {
		cache_enter(cache);
		cache->could_be_made = cache->dir < 0 && cache_makeable(cache);
	}
	return error;
}

void cache_deinit(struct cache *cache)
{
	if (cache->dir >= 0)
		close(cache->dir);
	free(cache->path);
	cache->dir = -1;
	cache->path = NULL;
}

/* -- Making ---------------------------------------------------------------------------------- */

/* The lowest directory on the way to `path` that there is; the path is cut to it. -1 with errno. */
static int open_lowest(char *path)
{
	for (;;) {
		const char *name = path[0] != '\0' ? path : ".";
		int fd = openat(AT_FDCWD, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		char *slash = strrchr(path, '/');

		if (fd >= 0 || errno != ENOENT || path[0] == '\0')
			return fd;
		if (slash == NULL)
			slash = path;
		else if (slash == path && slash[1] != '\0')
			slash++;
		*slash = '\0';
	}
}

/* Containers lose their own layer when they end, and with it what a cache was made for. */
static bool is_passing(const struct cache *cache, int fd)
{
	struct statfs system;

	return !cache->chosen && cache->user == 0 && fstatfs(fd, &system) == 0 &&
	       (uint32_t)system.f_type == OVERLAY;
}

static bool lowest_serves(struct cache *cache, char *path)
{
	int fd = open_lowest(path);
	bool serves = false;
	struct err why;

	if (fd < 0)
		return false;
	/* Of root's own default we make the last two directories, not the tree of the system. */
	if (!cache->chosen && cache->user == 0 && strlen(path) < strlen("/var/lib"))
		serves = false;
	else if (is_passing(cache, fd) || faccessat(fd, ".", W_OK | X_OK, 0) < 0)
		serves = false;
	else if (cache_trust(fd, path[0] != '\0' ? path : ".", cache->user, &why))
		serves = true;
	else
		distrust(cache, &why);
	close(fd);
	return serves;
}

bool cache_makeable(struct cache *cache)
{
	char *path;
	bool serves;

	if (cache->closed)
		return false;
	path = strdup(cache->path);
	serves = path != NULL && lowest_serves(cache, path);
	free(path);
	return serves;
}
