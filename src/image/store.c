/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c: the directory itself: made, believed, locked.
 *
 * Everybody who uses a store holds its lock shared, so that whoever collects garbage, and holds it alone, knows that what no name
 * leads to is of use to nobody. What lies in a store was checked when it came and is not checked again when it is run: so it must
 * be ours or root's, and nobody else may write there.
 */
#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "base/json.h"
#include "command/exit.h"
#include "command/say.h"
#include "image/store_parts.h"
#include "oci/store.h"

static const char layout_text[] = "{\"imageLayoutVersion\": \"1.0.0\"}\n";
static const char index_text[] = "{\n"
				 "  \"schemaVersion\": 2,\n"
				 "  \"mediaType\": \"application/vnd.oci.image.index.v1+json\",\n"
				 "  \"manifests\": []\n"
				 "}\n";

int store_fail(const struct store *store, int error, const char *what, struct err *err)
{
	const char *help = "";

	if (error == -ENOSPC || error == -EDQUOT)
		help = "; 'skiff rmi --prune' removes what no image needs";
	else if (error == -EROFS || error == -EACCES || error == -EPERM)
		help = "; SKIFF_STORE may name another directory";
	return err_set(err, error, "%s in the store '%s': %s%s", what, store->path,
		       strerror(-error), help);
}

int store_wait(const struct store *store, int fd, int how, const char *what)
{
	const struct timespec while_quiet = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < 50; i++) {
		if (flock(fd, how | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&while_quiet, NULL);
	}
	if (!store->quiet)
		say(EXIT_OK, NULL, "waiting for another process, which %s", what);
	while (flock(fd, how) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int store_sync(const struct store *store, const char *name)
{
	int fd = openat(store->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Some file systems have nothing to do for a directory and say so. */
	if (fsync(fd) < 0 && errno != EINVAL)
		error = -errno;
	close(fd);
	return error;
}

void store_mark(const struct store *store)
{
	int fd = openat(store->dir, STORE_GARBAGE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			0600);

	if (fd >= 0)
		close(fd);
}

/* -- Making ---------------------------------------------------------------------------------------- */

/* All directories of the path. Only who uses the store looks into it: whatever lies unpacked there, others must not run. */
static int make_directories(const char *path, struct err *err)
{
	char part[PATH_MAX];
	mode_t above = geteuid() == 0 ? 0755 : 0700;
	size_t end = strlen(path);

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (size_t i = 1;; i++) {
		if (i < end && path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, i >= end ? 0700 : above) < 0 && errno != EEXIST)
			return err_set(err, -errno,
				       "make the directory '%s' of the store: %s; SKIFF_STORE may "
				       "name another",
				       part, strerror(errno));
		if (i >= end)
			return 0;
	}
}

static int open_directory(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (fd < 0 && errno == ENOENT) {
		error = make_directories(path, err);
		if (error != 0)
			return error;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd >= 0 ? fd
		       : err_set(err, -errno, "open the store '%s': %s", path, strerror(errno));
}

static bool is_ours(const char *name)
{
	static const char *const names[] = {
		".",         "..",        "oci-layout",     "index.json",
		"blobs",     STORE_LOCK,  STORE_INDEX_LOCK, STORE_PARTIAL,
		STORE_ROOTS, STORE_READY, STORE_GARBAGE};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "new.", 4) == 0;
}

/* Who mistypes SKIFF_STORE shall not find six directories more at home. */
static int check_fresh(const struct store *store, struct err *err)
{
	int fd = openat(store->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return store_fail(store, error, "look", err);
	}
	for (struct dirent *entry = readdir(dir); entry != NULL && error == 0; entry = readdir(dir))
		if (!is_ours(entry->d_name))
			error = err_set(err, -EEXIST,
					"'%s' is no store of images, and holds '%s': SKIFF_STORE "
					"must name a directory that is empty or missing",
					store->path, entry->d_name);
	closedir(dir);
	return error;
}

/* A text that is missing, at one go. */
static int put_file(const struct store *store, const char *name, const char *text)
{
	int fd = openat(store->dir, "new.file",
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644),
	    error;

	if (fd < 0)
		return -errno;
	error = io_write(fd, text, strlen(text));
	if (error == 0 && fsync(fd) < 0)
		error = -errno;
	close(fd);
	if (error == 0 && renameat(store->dir, "new.file", store->dir, name) < 0)
		error = -errno;
	if (error != 0)
		unlinkat(store->dir, "new.file", 0);
	return error;
}

static int make_file(const struct store *store, const char *name, const char *text)
{
	if (faccessat(store->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return errno == ENOENT ? put_file(store, name, text) : -errno;
}

static int make_layout(const struct store *store, struct err *err)
{
	static const char *const folders[] = {"blobs",       "blobs/sha256", "blobs/sha512",
					      STORE_PARTIAL, STORE_ROOTS,    STORE_READY};
	int index = store_lock_index(store, err), error = 0;

	if (index < 0)
		return index;
	for (size_t i = 0; i < ARRAY_SIZE(folders) && error == 0; i++)
		if (mkdirat(store->dir, folders[i], 0700) < 0 && errno != EEXIST)
			error = -errno;
	if (error == 0)
		error = make_file(store, "index.json", index_text);
	if (error == 0) /* the last one: where it is, the others are */
		error = make_file(store, "oci-layout", layout_text);
	close(index);
	return error == 0 ? 0 : store_fail(store, error, "make what belongs", err);
}

static bool is_layout(const char *text, size_t size)
{
	struct json *json = NULL;
	const char *version;
	bool is = json_parse(&json, text, size, NULL) == 0;

	version = is ? json_string(json_find(json_root(json), "imageLayoutVersion"), NULL) : NULL;
	is = version != NULL && strncmp(version, "1.", 2) == 0;
	json_free(json);
	return is;
}

static int check_layout(const struct store *store, struct err *err)
{
	char text[512];
	int size = io_text(store->dir, "oci-layout", text, sizeof(text)), error;

	if (size == -ENOENT) {
		error = check_fresh(store, err);
		return error == 0 ? make_layout(store, err) : error;
	}
	if (size < 0)
		return store_fail(store, size, "read oci-layout", err);
	if (!is_layout(text, (size_t)size))
		return err_set(err, -EINVAL,
			       "'%s/oci-layout' does not say version 1: SKIFF_STORE must name a "
			       "directory that is a store of images, empty or missing",
			       store->path);
	/* Its other parts may never have been there: an OCI layout of another tool is a store, too. */
	if (faccessat(store->dir, STORE_READY, F_OK, 0) == 0 &&
	    faccessat(store->dir, "index.json", F_OK, 0) == 0)
		return 0;
	return make_layout(store, err);
}

/* -- Opening --------------------------------------------------------------------------------------- */

static int take_lock(struct store *store, struct err *err)
{
	int error;

	store->lock =
		openat(store->dir, STORE_LOCK, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return store_fail(store, -errno, "open the lock", err);
	error = store_wait(store, store->lock, LOCK_SH, "removes what no image needs");
	return error == 0 ? 0 : store_fail(store, error, "take the lock", err);
}

int store_lock_index(const struct store *store, struct err *err)
{
	int fd = openat(store->dir, STORE_INDEX_LOCK, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			0600),
	    error;

	if (fd < 0)
		return store_fail(store, -errno, "open the lock of index.json", err);
	error = store_wait(store, fd, LOCK_EX, "writes index.json");
	if (error == 0)
		return fd;
	close(fd);
	return store_fail(store, error, "take the lock of index.json", err);
}

/* What is believed is where the descriptor leads, and called so. */
static void use_real_path(struct store *store)
{
	char *real = realpath(store->path, NULL);

	if (real == NULL)
		return;
	free(store->path);
	store->path = real;
}

static void release(struct store *store)
{
	if (store->lock >= 0)
		close(store->lock);
	if (store->dir >= 0)
		close(store->dir);
	free(store->path);
	*store = (struct store){.dir = -1, .lock = -1};
}

int store_open(struct store *ret, const char *path, struct err *err)
{
	struct store store = {.dir = -1, .lock = -1};
	char usual[PATH_MAX];
	int error = 0;

	if (path == NULL) {
		error = store_path(usual, err);
		path = usual;
	}
	if (error != 0)
		return error;
	if (path[0] == '\0' || strlen(path) >= PATH_MAX)
		return err_set(err, -EINVAL, "the store '%s' is no path of a directory", path);
	store.dir = open_directory(path, err);
	if (store.dir < 0)
		return store.dir;
	store.path = strdup(path);
	if (store.path == NULL) {
		release(&store);
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	use_real_path(&store);
	error = store_believe(store.dir, store.path, err);
	if (error == 0)
		error = take_lock(&store, err);
	if (error == 0)
		error = check_layout(&store, err);
	if (error == 0)
		*ret = store;
	else
		release(&store);
	return error;
}

void store_close(struct store *store)
{
	struct store_freed ignored;

	if (store->dir >= 0 && faccessat(store->dir, STORE_GARBAGE, F_OK, 0) == 0)
		store_collect(store, false, &ignored, NULL);
	release(store);
}
