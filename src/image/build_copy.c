/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_copy.c: files of this machine to those of an image, as COPY of a Dockerfile means it.
 *
 * A source is a pattern below a root. It is walked to by layer_tree.c, whose rule is that of a container: links are resolved with
 * the root as their world, so that nothing outside of it is read, whatever a context brings. A source that is a link is followed; links in
 * a directory that is copied stay links. Names are sorted wherever a directory is read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "image/build.h"
#include "image/layer_parts.h"

enum { LINKS_MAX = 40 };

struct copying {
	struct build *build;
	const struct build_root *root;
	const struct build_copy *copy;
	struct layer_tree tree;
	struct err *err;
	bool has_pattern; /* what does not match is no mistake yet */
	int found;
};

static int failed(const struct copying *c, const char *path, int error)
{
	return err_set(c->err, error, "'%s' in %s: %s", path, c->root->what, strerror(-error));
}

/* -- Directories ------------------------------------------------------------------------------------ */

struct names {
	char **items; /* owned, each of them, too */
	size_t count;
};

static void names_deinit(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct names){0};
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_add(struct names *names, const char *name)
{
	char **more = reallocarray(names->items, names->count + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	names->items = more;
	more[names->count] = strdup(name);
	if (more[names->count] == NULL)
		return -ENOMEM;
	names->count++;
	return 0;
}

/* What is in the directory, sorted. */
static int list(struct copying *c, const char *path, struct names *ret)
{
	struct names names = {0};
	struct layer_place place;
	struct dirent *entry;
	int error = layer_tree_open(&c->tree, path, false, &place), fd;
	DIR *dir;

	if (error < 0)
		return error;
	fd = openat(place.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (error == 0 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = names_add(&names, entry->d_name);
	closedir(dir);
	if (error < 0) {
		names_deinit(&names);
		return error;
	}
	if (names.count > 0)
		qsort(names.items, names.count, sizeof(*names.items), by_text);
	*ret = names;
	return 0;
}

/* `path` and a name behind it, in place: where it ended; 0: there is no room. */
static size_t push(char path[static PATH_MAX], const char *name)
{
	size_t used = strlen(path), size = strlen(name);

	if (used + size + 2 > PATH_MAX)
		return 0;
	if (used > 0 && path[used - 1] != '/')
		path[used++] = '/';
	memcpy(path + used, name, size + 1);
	return used + size;
}

/* What the path itself is, and of a link its text. */
static int look(struct copying *c, const char *path, struct stat *ret, char text[static PATH_MAX])
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	struct layer_place place;
	ssize_t size;
	int error;

	memcpy(parent, path, slash == NULL ? 0 : (size_t)(slash - path));
	parent[slash == NULL ? 0 : slash - path] = '\0';
	/* "" and ".." are directories of their own. */
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		error = layer_tree_open(&c->tree, path, false, &place);
		return error == 0 && fstat(place.fd, ret) < 0 ? -errno : error;
	}
	error = layer_tree_open(&c->tree, parent, false, &place);
	if (error < 0)
		return error;
	if (fstatat(place.fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(ret->st_mode))
		return 0;
	size = readlinkat(place.fd, name, text, PATH_MAX);
	if (size < 0 || size == PATH_MAX)
		return size < 0 ? -errno : -ENAMETOOLONG;
	text[size] = '\0';
	return 0;
}

/* -- Copying ------------------------------------------------------------------------------------------- */

static int copy_children(struct copying *c, char from[static PATH_MAX], char to[static PATH_MAX],
			 unsigned depth);

static int put(struct copying *c, const struct layer_file *file)
{
	struct layer_file copy = *file;

	copy.root = c->root->dir;
	copy.user = c->copy->user;
	copy.group = c->copy->group;
	if (file->link == NULL)
		copy.mode = c->copy->mode;
	return build_file(c->build, &copy, c->err);
}

static int copy_child(struct copying *c, char from[static PATH_MAX], char to[static PATH_MAX],
		      unsigned depth)
{
	bool is_ignored = ignore_has(c->root->ignore, from);
	char text[PATH_MAX];
	struct stat st;
	int error = look(c, from, &st, text);

	if (error < 0)
		return failed(c, from, error);
	if (S_ISDIR(st.st_mode)) {
		if (is_ignored && !ignore_has_exceptions(c->root->ignore))
			return 0;
		error = is_ignored ? 0 : put(c, &(struct layer_file){.path = to});
		return error < 0 ? error : copy_children(c, from, to, depth + 1);
	}
	if (is_ignored)
		return 0;
	if (S_ISLNK(st.st_mode))
		return put(c, &(struct layer_file){.path = to, .link = text});
	if (!S_ISREG(st.st_mode))
		return err_set(c->err, -EINVAL,
			       "'%s' in %s is neither a file nor a directory nor a link", from,
			       c->root->what);
	return put(c, &(struct layer_file){.path = to, .source = from});
}

static int copy_children(struct copying *c, char from[static PATH_MAX], char to[static PATH_MAX],
			 unsigned depth)
{
	size_t from_end = strlen(from), to_end = strlen(to);
	struct names names;
	int error = depth > LAYER_DEPTH_MAX ? -ENAMETOOLONG : list(c, from, &names);

	if (error < 0)
		return failed(c, from, error);
	for (size_t i = 0; error == 0 && i < names.count; i++) {
		if (push(from, names.items[i]) == 0 || push(to, names.items[i]) == 0)
			error = failed(c, from, -ENAMETOOLONG);
		else
			error = copy_child(c, from, to, depth);
		from[from_end] = '\0';
		to[to_end] = '\0';
	}
	names_deinit(&names);
	return error;
}

/* A directory of the image already, or where one has to be. */
static bool is_directory(const struct copying *c)
{
	const struct build_copy *copy = c->copy;
	size_t size = strlen(copy->to);

	if (copy->is_directory || size == 0 || copy->to[size - 1] == '/')
		return true;
	for (size_t i = 0; i < BUF_COUNT(&c->build->files, struct layer_file); i++) {
		const struct layer_file *file = BUF_ITEM(&c->build->files, struct layer_file, i);

		if (strncmp(file->path, copy->to, size) == 0 &&
		    (file->path[size] == '/' ||
		     (file->path[size] == '\0' && file->source == NULL && file->link == NULL)))
			return true;
	}
	return false;
}

/* `path`: what was asked for; `from`: what it is, links having been followed. */
static int copy_source(struct copying *c, const char *path, char from[static PATH_MAX],
		       const struct stat *st)
{
	const char *slash = strrchr(path, '/');
	char to[PATH_MAX];
	int error;

	if (ignore_has(c->root->ignore, from) &&
	    !(S_ISDIR(st->st_mode) && ignore_has_exceptions(c->root->ignore)))
		return c->has_pattern ? 0
				      : err_set(c->err, -ENOENT,
						"'%s' is left out of %s by its .dockerignore", path,
						c->root->what);
	error = build_path("/", c->copy->to, to, c->err);
	if (error < 0)
		return error;
	c->found++;
	if (S_ISDIR(st->st_mode)) {
		error = put(c, &(struct layer_file){.path = to});
		return error < 0 ? error : copy_children(c, from, to, 0);
	}
	if (!S_ISREG(st->st_mode))
		return err_set(c->err, -EINVAL, "'%s' in %s is neither a file nor a directory",
			       path, c->root->what);
	if (is_directory(c) && push(to, slash == NULL ? path : slash + 1) == 0)
		return failed(c, path, -ENAMETOOLONG);
	return put(c, &(struct layer_file){.path = to, .source = from});
}

/* Put the link's text in the place of its name. */
static int follow(char from[static PATH_MAX], const char *text)
{
	char *slash = strrchr(from, '/');

	if (text[0] == '/') {
		text += strspn(text, "/");
		from[0] = '\0';
	} else {
		*(slash == NULL ? from : slash) = '\0';
	}
	return push(from, text) != 0 || text[0] == '\0' ? 0 : -ENAMETOOLONG;
}

static int copy_path(struct copying *c, const char *path)
{
	char from[PATH_MAX], text[PATH_MAX];
	struct stat st;
	int error;

	memcpy(from, path, strlen(path) + 1);
	error = look(c, from, &st, text);
	for (unsigned links = 0; error == 0 && S_ISLNK(st.st_mode); links++) {
		error = links == LINKS_MAX ? -ELOOP : follow(from, text);
		if (error == 0)
			error = look(c, from, &st, text);
	}
	if ((error == -ENOENT || error == -ENOTDIR) && c->has_pattern)
		return 0;
	if (error == -ENOENT)
		return err_set(c->err, error, "there is no '%s' in %s", path, c->root->what);
	return error < 0 ? failed(c, path, error) : copy_source(c, path, from, &st);
}

/* -- Patterns ---------------------------------------------------------------------------------------- */

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[\\") != NULL;
}

/* `path`: what was expanded of it; `rest`: the names that follow, without a slash in front. */
static int expand(struct copying *c, char path[static PATH_MAX], const char *rest, unsigned depth)
{
	size_t size = strcspn(rest, "/"), end = strlen(path);
	char name[NAME_MAX + 1];
	struct names names;
	int error;

	if (rest[0] == '\0')
		return copy_path(c, path);
	if (size > NAME_MAX || depth > LAYER_DEPTH_MAX)
		return failed(c, path, -ENAMETOOLONG);
	memcpy(name, rest, size);
	name[size] = '\0';
	rest += size + (rest[size] == '/');
	if (!is_pattern(name)) {
		if (push(path, name) == 0)
			return failed(c, path, -ENAMETOOLONG);
		error = expand(c, path, rest, depth + 1);
		path[end] = '\0';
		return error;
	}
	error = list(c, path, &names);
	/* What is not there, or is no directory, has no such names. */
	if (error == -ENOENT || error == -ENOTDIR)
		return 0;
	if (error < 0)
		return failed(c, path, error);
	for (size_t i = 0; error == 0 && i < names.count; i++) {
		if (!pattern_match(name, names.items[i], false))
			continue;
		error = push(path, names.items[i]) == 0 ? failed(c, path, -ENAMETOOLONG)
							: expand(c, path, rest, depth + 1);
		path[end] = '\0';
	}
	names_deinit(&names);
	return error;
}

/* Does it lead above where it begins? */
static bool climbs(const char *path)
{
	int depth = 0;

	for (const char *at = path; *at != '\0'; at += *at == '/') {
		size_t size = strcspn(at, "/");

		if (size == 2 && memcmp(at, "..", 2) == 0)
			depth--;
		else if (size > 0 && !(size == 1 && at[0] == '.'))
			depth++;
		if (depth < 0)
			return true;
		at += size;
	}
	return false;
}

int build_copy(struct build *build, const struct build_root *root, const char *pattern,
	       const struct build_copy *copy, struct err *err)
{
	struct copying c = {.build = build, .root = root, .copy = copy, .err = err};
	char clean[PATH_MAX], path[PATH_MAX] = "";
	int error;

	if (climbs(pattern))
		return err_set(err, -EINVAL, "'%s' lies outside of %s, where nothing is taken from",
			       pattern, root->what);
	error = build_path("/", pattern, clean, err);
	if (error < 0)
		return error;
	c.has_pattern = is_pattern(clean);
	layer_tree_init(&c.tree, root->dir, NULL);
	error = expand(&c, path, clean + 1, 0);
	layer_tree_deinit(&c.tree);
	if (error == 0 && c.found == 0)
		return err_set(err, -ENOENT, "nothing in %s is called '%s'", root->what, pattern);
	return error < 0 ? error : c.found;
}
