/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/containers.h"

#include "oci/store.h"
#include "runtime/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* -- IDs ---------------------------------------------------------------------------------------------- */

int containers_make_id(char id[static CONTAINERS_MADE_UP + 1], struct err *err)
{
	unsigned char bytes[CONTAINERS_MADE_UP / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_set(err, -errno, "random numbers: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* Those of engines are asked for by whole IDs: a part of one is nobody. */
static bool is_ours(int root, const char *id)
{
	struct state state = {0};
	int dir = state_open(root, id, NULL);
	bool ours = dir >= 0 && state_read(dir, &state, NULL) == 0 && state.image != NULL &&
		    state.image[0] != '\0';

	state_deinit(&state);
	if (dir >= 0)
		close(dir);
	return ours;
}

static int find_beginning(int root, const char *word, char id[static STATE_ID_MAX + 1],
			  struct err *err)
{
	size_t size = strlen(word), found = 0;
	int copy = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = copy >= 0 ? fdopendir(copy) : NULL;

	if (all == NULL)
		return err_set(err, -errno, "list the containers: %s", strerror(errno));
	for (struct dirent *entry; size > 0 && (entry = readdir(all)) != NULL;)
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, word, size) == 0 &&
		    is_ours(root, entry->d_name) && found++ == 0)
			snprintf(id, STATE_ID_MAX + 1, "%s", entry->d_name);
	closedir(all);
	if (found > 1)
		return err_set(err, -ENOTUNIQ,
			       "there are %zu containers '%.64s...': say more of it", found, word);
	return found == 1 ? 0 : err_set(err, -ENOENT, "there is no container '%.64s'", word);
}

int containers_open(struct known *ret, const char *word, char id[static STATE_ID_MAX + 1],
		    struct err *err)
{
	int root, error = state_check_id(word, err);

	if (error != 0)
		return error;
	strcpy(id, word);
	error = known_open(ret, id, err);
	if (error != -ENOENT)
		return error;
	root = state_root(err);
	error = root < 0 ? root : find_beginning(root, word, id, err);
	if (root >= 0)
		close(root);
	return error == 0 ? known_open(ret, id, err) : error;
}

bool containers_is_settled(const void *known)
{
	const struct known *k = known;

	return !state_is_named(k->root, k->id, k->dir) || leftover_guard(k->dir, k->id, NULL) == 0;
}

/* -- Logs --------------------------------------------------------------------------------------------- */

/* Beside the store. */
static int directory(char path[static PATH_MAX], struct err *err)
{
	int error = store_path(path, err);
	char *slash;

	if (error != 0)
		return error;
	for (size_t end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
		path[end - 1] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL || (size_t)(slash - path) + sizeof("/containers") > PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "the path of the containers' logs is too long");
	strcpy(slash, "/containers");
	return 0;
}

static int make_directory(char *path, struct err *err)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755); /* what is missing is told by the last one */
		*slash = '/';
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST
		       ? 0
		       : err_set(err, -errno, "make '%s': %s", path, strerror(errno));
}

/* A store may lie where everybody makes directories: whoever owns this one chooses what we write to. */
static int check_owner(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "'%s': %s", path, strerror(errno));
	if (st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	return err_set(err, -EPERM,
		       "'%s', where logs lie, belongs to another user or can be written by others: "
		       "let SKIFF_STORE name a directory in one of yours",
		       path);
}

static int open_directory(bool make, struct err *err)
{
	char path[PATH_MAX];
	int fd, error = directory(path, err);

	if (error == 0 && make)
		error = make_directory(path, err);
	if (error != 0)
		return error;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "'%s': %s", path, strerror(errno));
	error = check_owner(fd, path, err);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static void forget_in(int all, const char *id)
{
	static const char *const files[] = {"log", "log.1"};
	int dir = openat(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	for (size_t i = 0; dir >= 0 && i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(dir, files[i], 0);
	if (dir >= 0)
		close(dir);
	unlinkat(all, id, AT_REMOVEDIR);
}

/*
 * States are gone when the machine was started anew: then nobody asks for what lies here from before. What "before" is is told by a
 * clock that may have been set since; so whoever has a state keeps his log whatever it says.
 */
static void forget_lost(int all)
{
	int states = state_root(NULL), copy = openat(all, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct timespec now, up;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.' &&
		    fstatat(all, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_ctim.tv_sec < now.tv_sec - up.tv_sec - 1 &&
		    faccessat(states, entry->d_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			forget_in(all, entry->d_name);
	if (dir != NULL)
		closedir(dir);
	if (states >= 0)
		close(states);
}

int containers_log(const char *id, bool make, struct err *err)
{
	int all = open_directory(make, err), fd;

	if (all < 0)
		return all;
	if (make) {
		forget_lost(all);
		forget_in(all, id);
		mkdirat(all, id, 0700); /* told by opening it */
	}
	fd = openat(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fd = err_set(err, -errno,
			     errno == ENOENT
				     ? "container '%s' has no log: it was not made by `skiff "
				       "run --detach`"
				     : "the log of container '%s': %s",
			     id, strerror(errno));
	close(all);
	return fd;
}

void containers_forget_log(const char *id)
{
	int all = open_directory(false, NULL);

	if (all < 0)
		return;
	forget_in(all, id);
	close(all);
}

int containers_delete(struct known *known, bool force, struct err *warning, struct err *err)
{
	bool ours = known->state.image != NULL && known->state.image[0] != '\0';
	int error = known_delete(known, force, warning, err);

	if (error == 0 && ours)
		containers_forget_log(known->id);
	return error;
}

int containers_forget(const char *id, struct err *err)
{
	int error = known_forget(id, err);

	if (error == 0)
		containers_forget_log(id);
	return error;
}
