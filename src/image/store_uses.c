/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_uses.c: the config.json of each container there is (runtime/state.h) names the root it has.
 *
 * A root is known by where it is, not by how it is written: links may lead to a store. Half a config.json is of somebody who
 * was killed before there was a container.
 */
#include "image/store_uses.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/places.h"
#include "image/store_parts.h"

/* The name in roots/ of the directory that lies there, or "". Where a container's own mounts hide it, the path alone is to be believed. */
static void name_of(const struct store *store, const char *path, char name[static 80])
{
	struct stat roots, above, here, there;
	char up[PATH_MAX + 4];
	char *real = realpath(path, NULL);
	const char *last = real != NULL ? strrchr(real, '/') : NULL;

	name[0] = '\0';
	if (last != NULL && strlen(last + 1) < 80) {
		snprintf(up, sizeof(up), "%.*s/.", (int)(last - real), real);
		if (fstatat(store->dir, STORE_ROOTS, &roots, 0) == 0 && stat(up, &above) == 0 &&
		    roots.st_dev == above.st_dev && roots.st_ino == above.st_ino &&
		    stat(real, &here) == 0 && lstat(real, &there) == 0 && S_ISDIR(there.st_mode))
			snprintf(name, 80, "%s", last + 1);
	}
	free(real);
}

static int add(struct store_uses *uses, const char *id, const char *root, struct err *err)
{
	struct store_use_of *use = buf_zero(&uses->items, sizeof(*use));

	if (use == NULL)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	snprintf(use->id, sizeof(use->id), "%s", id);
	snprintf(use->root, sizeof(use->root), "%s", root);
	return 0;
}

static int take_config(const struct store *store, struct store_uses *uses, const char *id,
		       const char *text, size_t size, struct err *err)
{
	struct json *json = NULL;
	const char *path;
	char name[80];
	int error = json_parse(&json, text, size, err);

	if (error != 0)
		return error < 0 ? error : 0;
	path = json_string(json_find(json_find(json_root(json), "root"), "path"), NULL);
	if (path != NULL && path[0] == '/') {
		name_of(store, path, name);
		if (name[0] != '\0')
			error = add(uses, id, name, err);
	}
	json_free(json);
	return error;
}

static int take_state(const struct store *store, struct store_uses *uses, int states,
		      const char *id, struct err *err)
{
	char path[300], *text;
	size_t size;
	int fd, error;

	snprintf(path, sizeof(path), "%s/config.json", id);
	fd = openat(states, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_set(err, -errno, "config.json of container '%s': %s", id,
					 strerror(errno));
	error = io_whole(fd, JSON_SIZE_MAX, &text, &size);
	close(fd);
	if (error != 0)
		return err_set(err, error, "config.json of container '%s': %s", id,
			       strerror(-error));
	error = take_config(store, uses, id, text, size, err);
	free(text);
	return error;
}

static int take_place(const struct store *store, struct store_uses *uses, const char *path,
		      struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = 0;
	struct stat st;
	DIR *dir;

	/* Others' containers have others' stores. */
	if (fd < 0 && (errno == ENOENT || errno == EACCES || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid()) {
		close(fd);
		return 0;
	}
	dir = fdopendir(fd);
	if (dir == NULL) {
		error = err_set(err, -errno, "%s: %s", path, strerror(errno));
		close(fd);
		return error;
	}
	for (struct dirent *e = readdir(dir); e != NULL && error == 0; e = readdir(dir))
		if (e->d_name[0] != '.' || (e->d_name[1] != '\0' && strcmp(e->d_name, "..") != 0))
			error = take_state(store, uses, fd, e->d_name, err);
	closedir(dir);
	return error;
}

int store_uses_read(const struct store *store, struct store_uses *ret, struct err *err)
{
	struct store_uses uses = {{0}};
	char path[PATH_MAX];
	int place, error = 0;

	for (unsigned i = 0; error == 0 && (place = places_states(i, geteuid(), path)) != -ENOENT;
	     i++)
		if (place == 0)
			error = take_place(store, &uses, path, err);
	if (error == 0)
		*ret = uses;
	else
		store_uses_deinit(&uses);
	return error;
}

void store_uses_deinit(struct store_uses *uses)
{
	buf_deinit(&uses->items);
}

const char *store_uses_find(const struct store_uses *uses, const char *root)
{
	for (size_t i = 0; i < BUF_COUNT(&uses->items, struct store_use_of); i++) {
		const struct store_use_of *use = BUF_ITEM(&uses->items, struct store_use_of, i);

		if (strcmp(use->root, root) == 0)
			return use->id;
	}
	return NULL;
}
