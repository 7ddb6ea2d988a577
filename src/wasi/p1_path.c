/* SPDX-License-Identifier: Apache-2.0 */
/* p1_path.c: what preview 1 does with names. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "wasi/file.h"
#include "wasi/p1_stat.h"
#include "wasi/tree.h"

/* A directory descriptor and a path below it, from the guest's numbers. */
struct named {
	struct desc *desc; /* AUTO_NAMED puts it back */
	struct place place;
	struct name name;
	char *joined; /* owned: of `name`, where it is not the guest's own text; or NULL */
	char *copy;   /* owned: of a text that other threads could change; or NULL */
};

static void named_cleanup(struct named *named)
{
	desc_unref(named->desc);
	free(named->joined);
	free(named->copy);
}
#define AUTO_NAMED __attribute__((cleanup(named_cleanup)))

/* Is there anything by the first name of this path. */
static bool begins_in(const struct place *place, const char *path, uint32_t size)
{
	char first[NAME_MAX + 1];
	struct stat st;
	uint32_t used = 0;

	while (used < size && path[used] != '/' && path[used] != '\0')
		used++;
	if (used == 0 || used > NAME_MAX)
		return false;
	memcpy(first, path, used);
	first[used] = '\0';
	return fstatat(place->fd, first, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "." or ".." first. */
static bool begins_with_dots(const char *path, uint32_t size)
{
	uint32_t dots = 0;

	while (dots < size && dots < 3 && path[dots] == '.')
		dots++;
	return (dots == 1 || dots == 2) && (dots == size || path[dots] == '/');
}

static bool goes_up(const char *path, uint32_t size)
{
	for (uint32_t i = 0; i + 1 < size; i++)
		if (path[i] == '.' && path[i + 1] == '.')
			return true;
	return false;
}

/* "../x" in the working directory, which is no end for the guest: from the mount's top, with the directory in front. */
static int begin_at_top(struct named *named)
{
	size_t front = strlen(named->place.path);

	named->joined = malloc(front + 1 + named->name.size);
	if (named->joined == NULL)
		return -ENOMEM;
	memcpy(named->joined, named->place.path, front);
	named->joined[front] = '/';
	memcpy(named->joined + front + 1, named->name.path, named->name.size);
	named->name.path = named->joined;
	named->name.size += front + 1;
	named->place.fd = named->place.mounts->items[named->place.mount].fd;
	named->place.path = "";
	return 0;
}

/*
 * A libc hands "/etc/hosts" and "etc/hosts" over alike, as "etc/hosts" in the preopen "." (system.c, preopen_workdir()).
 * Where it is known to make relative paths absolute, which then fit the working directory's other preopen, only
 * absolute ones arrive here. Else what begins with a name that only the guest's "/" has is one; what begins with
 * a name that the working directory has, or that nobody has, is not.
 */
static bool was_absolute(const struct p1 *p, const struct named *named, const struct place *top)
{
	const char *path = named->name.path;
	uint32_t size = (uint32_t)named->name.size;

	if (p->system->prepends)
		return true;
	return !begins_with_dots(path, size) && !begins_in(&named->place, path, size) &&
	       (begins_in(top, path, size) || path_is_own(top, path, size));
}

static int find_place(const struct p1 *p, struct named *named)
{
	const char *path = named->name.path;
	uint32_t size = (uint32_t)named->name.size;
	struct place top;
	const char *rest;

	if ((named->desc->flags & DESC_WORKDIR) == 0 || size == 0 || path[0] == '/')
		return 0;
	if (system_place(p->system, "/", &top, &rest) && was_absolute(p, named, &top)) {
		top.descs = named->place.descs;
		named->place = top;
	} else if (named->place.path[0] != '\0' && goes_up(path, size))
		return begin_at_top(named);
	return 0;
}

static uint32_t take_name(const struct p1 *p, struct named *ret, uint32_t fd, uint64_t rights,
			  uint32_t path, uint32_t size)
{
	uint32_t error = p1_dir(p, fd, rights, &ret->desc, &ret->place);
	const char *text;

	if (error == P1_SUCCESS)
		error = p1_text(p, path, size, &text, &ret->copy);
	if (error != P1_SUCCESS)
		return error;
	ret->name = (struct name){&ret->place, text, size};
	return p1_error(find_place(p, ret));
}

/* -- Opening ------------------------------------------------------------------------------------------- */

struct request {
	uint32_t oflags;
	uint32_t fdflags;
	uint64_t rights;
	uint64_t inheriting;
	bool follow;
};

enum {
	READS = P1_R_FD_READ | P1_R_FD_READDIR,
	WRITES = P1_R_FD_WRITE | P1_R_FD_ALLOCATE | P1_R_FD_FILESTAT_SET_SIZE,
};

static int host_flags(const struct request *r)
{
	bool reads = r->rights & READS, writes = r->rights & WRITES;
	int flags = writes ? reads ? O_RDWR : O_WRONLY : O_RDONLY;

	flags |= r->oflags & P1_O_CREAT ? O_CREAT : 0;
	flags |= r->oflags & P1_O_DIRECTORY ? O_DIRECTORY : 0;
	flags |= r->oflags & P1_O_EXCL ? O_EXCL : 0;
	flags |= r->oflags & P1_O_TRUNC ? O_TRUNC : 0;
	flags |= r->fdflags & P1_FD_APPEND ? O_APPEND : 0;
	flags |= r->fdflags & P1_FD_DSYNC ? O_DSYNC : 0;
	flags |= r->fdflags & (P1_FD_SYNC | P1_FD_RSYNC) ? O_SYNC : 0;
	flags |= r->follow ? 0 : O_NOFOLLOW;
	return flags;
}

/* What the directory must allow for this. */
static uint64_t rights_for(const struct request *r)
{
	uint64_t rights = P1_R_PATH_OPEN;

	rights |= r->oflags & P1_O_CREAT ? P1_R_PATH_CREATE_FILE : 0;
	rights |= r->oflags & P1_O_TRUNC ? P1_R_PATH_FILESTAT_SET_SIZE : 0;
	return rights;
}

static bool is_fifo(const struct named *named)
{
	struct stat st;

	return tree_stat(&named->name, true, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Opening a FIFO to write waits for a reader. */
static int open_host(const struct p1 *p, const struct named *named, const struct request *r,
		     struct opened *ret)
{
	const struct name *name = &named->name;
	int error;

	for (;;) {
		error = path_open(name->from, name->path, name->size, host_flags(r), 0666, ret);
		if (error != -ENXIO || (r->fdflags & P1_FD_NONBLOCK) || !is_fifo(named))
			return error;
		error = file_pause(&p->waiter);
		if (error != 0)
			return error;
	}
}

/* The same open file under one more number, with no more rights than it has there. */
static int make_desc_of_own(struct desc **ret, const struct request *r, struct opened *opened)
{
	struct desc *own = opened->own, *desc;
	uint16_t flags = own->flags & (DESC_SHARED | DESC_APPEND | DESC_READ_ONLY | DESC_INHERITED);
	int error;

	close(opened->fd);
	flags |= r->fdflags & P1_FD_APPEND ? DESC_APPEND : 0;
	flags |= r->fdflags & P1_FD_NONBLOCK ? DESC_NONBLOCK : 0;
	error = desc_new(&desc, own->fd, own->type, flags);
	if (error != 0) {
		desc_unref(own);
		return error;
	}
	p1_give_rights(desc);
	desc->rights &= r->rights & own->rights;
	desc->inheriting = 0;
	/* Of one such by way of another, and again: there is no chain to be unwound. */
	desc->of = desc_ref(own->of != NULL ? own->of : own);
	desc_unref(own);
	*ret = desc;
	return 0;
}

/* What was opened becomes a descriptor; `opened` is used up in any case. */
static int make_desc(struct desc **ret, const struct named *named, const struct request *r,
		     struct opened *opened)
{
	const struct mount *mount = &named->place.mounts->items[opened->mount];
	uint16_t flags = 0;
	struct desc *desc;
	int error;

	if (opened->own != NULL)
		return make_desc_of_own(ret, r, opened);
	flags |= r->fdflags & P1_FD_APPEND ? DESC_APPEND : 0;
	flags |= r->fdflags & P1_FD_NONBLOCK ? DESC_NONBLOCK : 0;
	flags |= mount->flags & MOUNT_READ_ONLY ? DESC_READ_ONLY : 0;
	error = desc_new(&desc, opened->fd, (uint8_t)((opened->mode & S_IFMT) >> 12), flags);
	if (error != 0) {
		close(opened->fd);
		free(opened->path);
		return error;
	}
	desc->mount = opened->mount;
	desc->path = opened->path;
	p1_give_rights(desc);
	desc->rights &= r->rights & (named->desc->inheriting | P1_R_PATH_OPEN);
	desc->inheriting &= r->inheriting & named->desc->inheriting;
	*ret = desc;
	return 0;
}

static uint32_t check_request(const struct request *r, uint32_t lookup, const struct desc *dir)
{
	/* Of reading and writing, what was given up stays so. */
	uint64_t lost = r->rights & ~dir->inheriting & (P1_R_FD_READ | P1_R_FD_WRITE);

	if ((r->oflags & ~(uint32_t)P1_O_ALL) != 0 || (r->fdflags & ~(uint32_t)P1_FD_ALL) != 0 ||
	    (lookup & ~(uint32_t)P1_LOOKUP_FOLLOW) != 0)
		return P1_INVAL;
	return lost != 0 ? P1_NOTCAPABLE : P1_SUCCESS;
}

uint32_t p1_path_open(struct p1 *p, uint32_t fd, uint32_t lookup, uint32_t path, uint32_t size,
		      uint32_t oflags, uint64_t rights, uint64_t inheriting, uint32_t fdflags,
		      uint32_t ret)
{
	struct request r = {oflags, fdflags, rights, inheriting, lookup & P1_LOOKUP_FOLLOW};
	AUTO_NAMED struct named named = {.desc = NULL};
	struct opened opened;
	struct desc *desc;
	uint32_t error = take_name(p, &named, fd, rights_for(&r), path, size);
	int failed;

	if (error == P1_SUCCESS)
		error = check_request(&r, lookup, named.desc);
	if (error == P1_SUCCESS && p1_at(p, ret, 4) == NULL)
		error = P1_FAULT;
	if (error != P1_SUCCESS)
		return error;
	failed = open_host(p, &named, &r, &opened);
	if (failed == 0)
		failed = make_desc(&desc, &named, &r, &opened);
	if (failed != 0)
		return p1_error(failed);
	if (S_ISFIFO(opened.mode) && desc->of == NULL && (rights & READS) && !(rights & WRITES) &&
	    (fdflags & P1_FD_NONBLOCK) == 0)
		failed = file_await_writer(desc, &p->waiter);
	if (failed == 0)
		return p1_add(p, desc, ret);
	desc_unref(desc);
	return p1_error(failed);
}

/* -- Making and removing ---------------------------------------------------------------------------------- */

static uint32_t act(const struct p1 *p, uint32_t fd, uint64_t right, uint32_t path, uint32_t size,
		    int (*action)(const struct name *name))
{
	AUTO_NAMED struct named named = {.desc = NULL};
	uint32_t error = take_name(p, &named, fd, right, path, size);

	return error != P1_SUCCESS ? error : p1_error(action(&named.name));
}

uint32_t p1_path_create_directory(struct p1 *p, uint32_t fd, uint32_t path, uint32_t size)
{
	return act(p, fd, P1_R_PATH_CREATE_DIRECTORY, path, size, tree_make_dir);
}

uint32_t p1_path_remove_directory(struct p1 *p, uint32_t fd, uint32_t path, uint32_t size)
{
	return act(p, fd, P1_R_PATH_REMOVE_DIRECTORY, path, size, tree_remove_dir);
}

uint32_t p1_path_unlink_file(struct p1 *p, uint32_t fd, uint32_t path, uint32_t size)
{
	return act(p, fd, P1_R_PATH_UNLINK_FILE, path, size, tree_remove_file);
}

uint32_t p1_path_rename(struct p1 *p, uint32_t old_fd, uint32_t old, uint32_t old_size,
			uint32_t new_fd, uint32_t new, uint32_t new_size)
{
	AUTO_NAMED struct named from = {.desc = NULL};
	AUTO_NAMED struct named to = {.desc = NULL};
	uint32_t error = take_name(p, &from, old_fd, P1_R_PATH_RENAME_SOURCE, old, old_size);

	if (error == P1_SUCCESS)
		error = take_name(p, &to, new_fd, P1_R_PATH_RENAME_TARGET, new, new_size);
	return error != P1_SUCCESS ? error : p1_error(tree_rename(&from.name, &to.name));
}

uint32_t p1_path_link(struct p1 *p, uint32_t old_fd, uint32_t lookup, uint32_t old,
		      uint32_t old_size, uint32_t new_fd, uint32_t new, uint32_t new_size)
{
	AUTO_NAMED struct named from = {.desc = NULL};
	AUTO_NAMED struct named to = {.desc = NULL};
	uint32_t error = take_name(p, &from, old_fd, P1_R_PATH_LINK_SOURCE, old, old_size);

	if (error == P1_SUCCESS)
		error = take_name(p, &to, new_fd, P1_R_PATH_LINK_TARGET, new, new_size);
	if (error != P1_SUCCESS)
		return error;
	if (lookup & ~(uint32_t)P1_LOOKUP_FOLLOW)
		return P1_INVAL;
	return p1_error(tree_link(&from.name, lookup & P1_LOOKUP_FOLLOW, &to.name));
}

uint32_t p1_path_symlink(struct p1 *p, uint32_t target, uint32_t target_size, uint32_t fd,
			 uint32_t path, uint32_t size)
{
	AUTO_NAMED struct named named = {.desc = NULL};
	uint32_t error = take_name(p, &named, fd, P1_R_PATH_SYMLINK, path, size);
	const char *text;
	char *copy = NULL;

	if (error == P1_SUCCESS)
		error = p1_text(p, target, target_size, &text, &copy);
	if (error == P1_SUCCESS)
		error = p1_error(tree_symlink(text, target_size, &named.name));
	free(copy);
	return error;
}

/* -- Asking ---------------------------------------------------------------------------------------------------- */

uint32_t p1_path_readlink(struct p1 *p, uint32_t fd, uint32_t path, uint32_t size, uint32_t buffer,
			  uint32_t room, uint32_t ret)
{
	AUTO_NAMED struct named named = {.desc = NULL};
	uint32_t error = take_name(p, &named, fd, P1_R_PATH_READLINK, path, size);
	char *to = p1_at(p, buffer, room);
	ssize_t used;

	if (error != P1_SUCCESS)
		return error;
	if (to == NULL || p1_at(p, ret, 4) == NULL)
		return P1_FAULT;
	used = tree_read_link(&named.name, to, MIN(room, (uint32_t)PATH_MAX));
	if (used < 0)
		return p1_error((int)used);
	p1_put32(p, ret, (uint32_t)used);
	return P1_SUCCESS;
}

uint32_t p1_path_filestat_get(struct p1 *p, uint32_t fd, uint32_t lookup, uint32_t path,
			      uint32_t size, uint32_t ret)
{
	AUTO_NAMED struct named named = {.desc = NULL};
	uint32_t error = take_name(p, &named, fd, P1_R_PATH_FILESTAT_GET, path, size);
	struct stat st;
	int failed;

	if (error != P1_SUCCESS)
		return error;
	if (lookup & ~(uint32_t)P1_LOOKUP_FOLLOW)
		return P1_INVAL;
	failed = tree_stat(&named.name, lookup & P1_LOOKUP_FOLLOW, &st);
	return failed != 0 ? p1_error(failed) : p1_put_stat(p, &st, 0, ret);
}

uint32_t p1_path_filestat_set_times(struct p1 *p, uint32_t fd, uint32_t lookup, uint32_t path,
				    uint32_t size, uint64_t atim, uint64_t mtim, uint32_t flags)
{
	AUTO_NAMED struct named named = {.desc = NULL};
	struct timespec times[2];
	uint32_t error = take_name(p, &named, fd, P1_R_PATH_FILESTAT_SET_TIMES, path, size);

	if (error == P1_SUCCESS)
		error = p1_times_of(atim, mtim, flags, times);
	if (error != P1_SUCCESS)
		return error;
	if (lookup & ~(uint32_t)P1_LOOKUP_FOLLOW)
		return P1_INVAL;
	return p1_error(tree_set_times(&named.name, lookup & P1_LOOKUP_FOLLOW, times));
}
