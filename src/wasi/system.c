/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wasi/net.h"
#include "wasi/path.h"

enum { FIRST_PREOPEN = 3 };

int system_new(struct system **ret)
{
	struct system *system = calloc(1, sizeof(*system));
	int error = 0;

	if (system == NULL)
		return -ENOMEM;
	system->refs = 1;
	system->max_threads = SYSTEM_THREADS;
	descs_init(&system->descs);
	policy_init(&system->policy);
	for (uint32_t i = 0; i < FIRST_PREOPEN && error == 0; i++) {
		error = system_stdio(system, i, (int)i);
		if (error == -EBADF)
			error = 0; /* it is closed for us, so it is for the guest */
	}
	if (error != 0)
		system_unref(system);
	else
		*ret = system;
	return error;
}

struct system *system_ref(struct system *system)
{
	__atomic_add_fetch(&system->refs, 1, __ATOMIC_RELAXED);
	return system;
}

void system_unref(struct system *system)
{
	if (system == NULL || __atomic_sub_fetch(&system->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	descs_deinit(&system->descs);
	mounts_deinit(&system->mounts);
	policy_deinit(&system->policy);
	wake_deinit(&system->stop.wake);
	buf_deinit(&system->args.bytes);
	buf_deinit(&system->env.bytes);
	free(system->workdir);
	free(system);
}

/* -- Strings ----------------------------------------------------------------------------------- */

static int add_string(struct strings *strings, const char *text)
{
	size_t size = strlen(text) + 1;

	/* The guest counts in 32 bits, and the strings share its memory with it. */
	if (size > INT32_MAX || strings->bytes.size + size > INT32_MAX)
		return -E2BIG;
	if (buf_put(&strings->bytes, text, size) == NULL)
		return -ENOMEM;
	strings->count++;
	return 0;
}

int system_arg(struct system *system, const char *arg)
{
	return add_string(&system->args, arg);
}

int system_env(struct system *system, const char *variable)
{
	const char *equals = strchr(variable, '=');

	if (equals == NULL || equals == variable)
		return -EINVAL;
	return add_string(&system->env, variable);
}

static size_t name_size(const char *variable)
{
	return (size_t)(strchr(variable, '=') - variable);
}

static uint32_t hash_name(const char *variable)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; variable[i] != '='; i++)
		hash = (hash ^ (uint8_t)variable[i]) * 16777619u;
	return hash;
}

/* The place of this name in a table of pointers with 2^n entries. */
static const char **find_name(const char **table, size_t mask, const char *variable)
{
	size_t size = name_size(variable);
	size_t i = hash_name(variable) & mask;

	while (table[i] != NULL &&
	       (name_size(table[i]) != size || memcmp(table[i], variable, size) != 0))
		i = (i + 1) & mask;
	return &table[i];
}

/* Of each name the last one stays, in its place: once over all, so that a large environment costs what it is long. */
static int drop_doubles(struct strings *env)
{
	char *text = (char *)env->bytes.data, *to = text;
	const char *end;
	size_t room = 4;
	const char **table;
	uint32_t count = 0;

	if (env->count < 2)
		return 0;
	end = text + env->bytes.size;
	while (room < 2 * (size_t)env->count)
		room *= 2;
	table = calloc(room, sizeof(*table));
	if (table == NULL)
		return -ENOMEM;
	for (const char *at = text; at < end; at += strlen(at) + 1)
		*find_name(table, room - 1, at) = at;
	for (const char *at = text; at < end;) {
		size_t size = strlen(at) + 1;
		const char **place = find_name(table, room - 1, at);

		/* What was moved lies before `at`, what was not at or behind it: the table's strings are whole. */
		if (*place == at) {
			memmove(to, at, size);
			*place = to;
			to += size;
			count++;
		}
		at += size;
	}
	free(table);
	env->bytes.size = (size_t)(to - text);
	env->count = count;
	return 0;
}

/* Shells, and Go's libc, look there; what the user says comes first. */
static int add_pwd(struct system *system)
{
	const char *at = (const char *)system->env.bytes.data;
	const char *end = system->env.count != 0 ? at + system->env.bytes.size : at;
	char *variable;
	int error;

	for (; at < end; at += strlen(at) + 1)
		if (strncmp(at, "PWD=", 4) == 0)
			return 0;
	if (asprintf(&variable, "PWD=%s", system->workdir) < 0)
		return -ENOMEM;
	error = add_string(&system->env, variable);
	free(variable);
	return error;
}

/* -- Descriptors ---------------------------------------------------------------------------------- */

int system_stdio(struct system *system, uint32_t number, int fd)
{
	struct desc *desc = NULL;
	int error = fd < 0 ? 0 : desc_new(&desc, fd, 0, DESC_SHARED);

	if (error == 0 && (desc != NULL || number < system->descs.room))
		error = descs_set(&system->descs, number, desc);
	if (error != 0)
		desc_unref(desc);
	return error;
}

int system_dir(struct system *system, const char *guest, int fd, unsigned flags)
{
	int index = mounts_add(&system->mounts, guest, fd, flags);

	return index < 0 ? index : 0;
}

int system_listen(struct system *system, int fd)
{
	struct desc *desc;
	int error = net_adopt(&desc, fd, &system->stop);
	int number = -EINVAL;

	if (error != 0)
		return error;
	desc->flags |= DESC_PREOPEN;
	if (desc->flags & DESC_LISTENS)
		number = descs_add(&system->descs, desc, FIRST_PREOPEN);
	if (number < 0) {
		desc->fd = -1; /* stays the caller's */
		desc_unref(desc);
		return number;
	}
	system->socket_count++;
	return 0;
}

static int preopen(struct system *system, uint32_t index)
{
	const struct mount *mount = &system->mounts.items[index];
	uint16_t flags = DESC_PREOPEN | DESC_SHARED;
	struct desc *desc;
	int error = desc_new(&desc, mount->fd, DT_DIR,
			     mount->flags & MOUNT_READ_ONLY ? flags | DESC_READ_ONLY : flags);

	if (error != 0)
		return error;
	desc->mount = index;
	desc->path = strdup("");
	desc->name = strdup(mount->given);
	if (desc->path != NULL && desc->name != NULL)
		error = descs_add(&system->descs, desc, FIRST_PREOPEN);
	else
		error = -ENOMEM;
	if (error < 0)
		desc_unref(desc);
	return error < 0 ? error : 0;
}

/* -- Places ------------------------------------------------------------------------------------- */

bool system_place(const struct system *system, const char *path, struct place *ret,
		  const char **ret_rest)
{
	const struct mounts *mounts = &system->mounts;
	uint32_t best = mounts_around(mounts, path, strcmp(path, "/") != 0 ? strlen(path) : 0);

	if (best == MOUNTS_NONE)
		return false;
	*ret = (struct place){
		.mounts = mounts, .mount = best, .fd = mounts->items[best].fd, .path = ""};
	path += strlen(mounts->items[best].guest);
	while (*path == '/')
		path++;
	*ret_rest = *path != '\0' ? path : ".";
	return true;
}

int system_workdir(struct system *system, const char *guest)
{
	char *copy;

	if (guest[0] == '\0')
		return -EINVAL;
	if (asprintf(&copy, "%s%s", guest[0] == '/' ? "" : "/", guest) < 0)
		return -ENOMEM;
	for (size_t size = strlen(copy); size > 0 && copy[size - 1] == '/'; size--)
		copy[size - 1] = '\0';
	free(system->workdir);
	system->workdir = copy[0] != '\0' ? copy : NULL;
	if (copy[0] == '\0')
		free(copy);
	return 0;
}

/* -- The working directory ----------------------------------------------------------------------------- */

static int open_workdir(const struct system *system, struct opened *ret)
{
	struct place place;
	const char *rest;

	if (!system_place(system, system->workdir, &place, &rest))
		return -ENOENT;
	return path_open(&place, rest, strlen(rest), O_RDONLY | O_DIRECTORY, 0, ret);
}

/* A preopen of this name for a directory that is open; takes fd and path in any case. */
static int preopen_opened(struct system *system, struct opened *opened, const char *name,
			  uint16_t flags)
{
	const struct mount *mount = &system->mounts.items[opened->mount];
	struct desc *desc;
	int error;

	flags |= mount->flags & MOUNT_READ_ONLY ? DESC_READ_ONLY : 0;
	error = desc_new(&desc, opened->fd, DT_DIR, DESC_PREOPEN | flags);
	if (error != 0) {
		close(opened->fd);
		free(opened->path);
		return error;
	}
	desc->mount = opened->mount;
	desc->path = opened->path;
	desc->name = strdup(name);
	error = desc->name != NULL ? descs_add(&system->descs, desc, FIRST_PREOPEN) : -ENOMEM;
	if (error < 0)
		desc_unref(desc);
	return error < 0 ? error : 0;
}

/*
 * A libc finds its working directory to be "/", and looks up a path in the last of the longest preopens that fit
 * it, relative or not. So the working directory is two more preopens behind all others: under its own name,
 * for absolute paths into it, and as ".", for relative ones. DESC_WORKDIR tells the face that absolute paths which no
 * other preopen fits arrive in "." too (p1_path.c).
 */
static int preopen_workdir(struct system *system, struct opened *opened)
{
	struct opened again = *opened;
	int error;

	if (mounts_find(&system->mounts, system->workdir, strlen(system->workdir)) != MOUNTS_NONE)
		return preopen_opened(system, opened, ".", DESC_WORKDIR);
	again.fd = fcntl(opened->fd, F_DUPFD_CLOEXEC, 0);
	again.path = strdup(opened->path);
	error = again.fd < 0 ? -errno : again.path == NULL ? -ENOMEM : 0;
	if (error == 0)
		error = preopen_opened(system, &again, system->workdir, 0);
	else
		free(again.path);
	if (error == 0)
		return preopen_opened(system, opened, ".", DESC_WORKDIR);
	close(opened->fd);
	free(opened->path);
	return error;
}

int system_seal(struct system *system)
{
	struct opened workdir;
	int error = 0;

	if (system->sealed)
		return 0;
	/* First what may fail for the user's doing: nothing is changed then. */
	if (system->workdir != NULL) {
		error = open_workdir(system, &workdir);
		if (error != 0)
			return error;
	}
	system->sealed = true;
	for (uint32_t i = 0; i < system->mounts.count && error == 0; i++)
		error = preopen(system, i);
	if (system->workdir != NULL && error == 0)
		error = preopen_workdir(system, &workdir);
	if (system->workdir != NULL && error == 0)
		error = add_pwd(system);
	return error == 0 ? drop_doubles(&system->env) : error;
}
