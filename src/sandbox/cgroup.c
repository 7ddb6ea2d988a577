/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c: a group's directories: made, found again, joined, removed.
 *
 * Who else makes and removes directories there (other containers with the same parent, an engine) may do so at any moment.
 * So making the chain begins again where a parent vanished under it, and removing it stops where somebody else moved in.
 */
#include "sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"

enum { CHAIN_TRIES = 8 };

/* The text for a person: where the group is. */
static const char *tree_label(const struct cgroup_tree *tree)
{
	return tree->unified ? "cgroup2" : tree->name;
}

static struct cgroup *group_new(const struct cgroup_layout *layout)
{
	struct cgroup *group = calloc(1, sizeof(*group));

	if (group == NULL)
		return NULL;
	group->layout = layout;
	for (unsigned i = 0; i < CGROUP_TREES; i++)
		group->places[i].dir = group->places[i].join = -1;
	return group;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void cgroup_close(struct cgroup *group)
{
	for (unsigned i = 0; i < CGROUP_TREES; i++) {
		close_fd(&group->places[i].dir);
		close_fd(&group->places[i].join);
	}
}

void cgroup_free(struct cgroup *group)
{
	if (group == NULL)
		return;
	cgroup_close(group);
	for (unsigned i = 0; i < CGROUP_TREES; i++)
		free(group->places[i].path);
	free(group);
}

int cgroup_dir(struct cgroup *group, int tree)
{
	struct cgroup_place *place;

	if (tree < 0 || group->places[tree].path == NULL)
		return -ENOENT;
	place = &group->places[tree];
	if (place->dir < 0) {
		place->dir = openat(group->layout->trees[tree].fd, place->path,
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (place->dir < 0)
			return -errno;
	}
	return place->dir;
}

int cgroup_dir_of(struct cgroup *group, enum cgroup_controller controller)
{
	return cgroup_dir(group, group->layout->tree_of[controller]);
}

int cgroup_main_tree(const struct cgroup *group)
{
	static const enum cgroup_controller order[] = {CGROUP_FREEZER, CGROUP_PIDS, CGROUP_MEMORY};
	int unified = cgroup_layout_unified(group->layout);

	/* Beside v1 the v2 hierarchy may be somebody else's business; with a freezer in v1 that one holds all. */
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		int tree = group->layout->tree_of[order[i]];

		if (tree >= 0 && group->places[tree].path != NULL)
			return tree;
	}
	if (unified >= 0 && group->places[unified].path != NULL)
		return unified;
	for (int i = 0; i < (int)group->layout->count; i++)
		if (group->places[i].path != NULL)
			return i;
	return -1;
}

/* -- making ---------------------------------------------------------------------------------------- */

/* Remove so many components from the end, as far as they are empty. */
static void unmake_chain(int top, const char *path, uint32_t made)
{
	char copy[PATH_MAX];
	char *slash;

	if (strlen(path) >= sizeof(copy))
		return;
	strcpy(copy, path);
	while (made-- > 0) {
		if (unlinkat(top, copy, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return;
		slash = strrchr(copy, '/');
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

/* mkdir -p, once through: how many components at the end of the path are new. -ENOENT: a parent went away. */
static int make_chain_once(int top, char *path)
{
	int made = 0;

	for (char *end = path; *end != '\0';) {
		bool last;
		int r;

		end += *end == '/';
		end += strcspn(end, "/");
		last = *end == '\0';
		*end = '\0';
		r = mkdirat(top, path, 0755) < 0 ? -errno : 0;
		if (r == 0)
			made++;
		else if (r == -EEXIST)
			made = 0;
		else if (made > 0)
			unmake_chain(top, path, (uint32_t)made + 1);
		if (!last)
			*end = '/';
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return made;
}

static int make_chain(int top, char *path)
{
	int r = -ENOENT;

	/* Most often only the last one is missing. */
	if (mkdirat(top, path, 0755) == 0)
		return 1;
	if (errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	for (unsigned i = 0; r == -ENOENT && i < CHAIN_TRIES; i++)
		r = make_chain_once(top, path);
	return r;
}

/* "OWN/PATH" for a relative path. With v2 a group that has processes gives no controllers to those below: beside it. */
static char *place_path(const struct cgroup_tree *tree, const char *path, bool relative)
{
	size_t size = relative && tree->own != NULL ? strlen(tree->own) : 0;
	char *text;

	if (size > 0 && tree->unified) {
		const char *slash = strrchr(tree->own, '/');

		size = slash == NULL ? 0 : (size_t)(slash - tree->own);
	}
	text = malloc(size + strlen(path) + 2);
	if (text == NULL)
		return NULL;
	if (size > 0) {
		memcpy(text, tree->own, size);
		text[size++] = '/';
	}
	strcpy(text + size, path);
	return text;
}

static bool has_processes(int dir)
{
	char text[CGROUP_DIGITS];

	return cgroup_file_read(dir, "cgroup.procs", text, sizeof(text)) > 0;
}

static int place_make(struct cgroup *group, int tree, struct err *err)
{
	const struct cgroup_tree *t = &group->layout->trees[tree];
	struct cgroup_place *place = &group->places[tree];
	int made = make_chain(t->fd, place->path), r;

	if (made < 0)
		return err_set(err, made, "make the cgroup '/%s' in '%s': %s", place->path,
			       t->mount, strerror(-made));
	r = made == 0 ? cgroup_dir(group, tree) : 0;
	if (r >= 0 && made == 0 && has_processes(r))
		return err_set(err, -EBUSY,
			       "the cgroup '/%s' in '%s' already has processes: another container "
			       "uses it, or linux.cgroupsPath names a group that is not its own",
			       place->path, t->mount);
	place->made = (uint32_t)made;
	if (r >= 0) {
		if (t->unified)
			cgroup_hand_down(t, place->path);
		r = (t->controllers >> CGROUP_CPUSET & 1) != 0 && !t->unified
			    ? cgroup_fill_cpuset(t, place->path, (uint32_t)made)
			    : 0;
	}
	if (r < 0)
		return err_set(err, r, "set up the cgroup '/%s' in '%s': %s", place->path, t->mount,
			       strerror(-r));
	return 0;
}

void cgroup_unmake(struct cgroup *group)
{
	cgroup_close(group);
	for (uint32_t i = 0; i < group->layout->count; i++)
		if (group->places[i].path != NULL)
			unmake_chain(group->layout->trees[i].fd, group->places[i].path,
				     group->places[i].made);
}

static int group_make(struct cgroup *group, struct cgroup_notes *notes, struct err *err)
{
	const struct cgroup_layout *layout = group->layout;
	int r;

	if (layout->count == 0)
		return notes == NULL ? err_set(err, -ENOENT,
					       "no cgroup file system is mounted: mount one "
					       "(mount -t cgroup2 none /sys/fs/cgroup)")
				     : cgroup_note(notes, "no cgroup file system is mounted");
	for (int i = 0; i < (int)layout->count; i++) {
		struct cgroup_place *place = &group->places[i];
		struct err why;

		r = place_make(group, i, &why);
		if (r == 0)
			continue;
		if (notes == NULL || !cgroup_is_refusal(r)) {
			if (err != NULL)
				*err = why;
			return r;
		}
		unmake_chain(layout->trees[i].fd, place->path, place->made);
		close_fd(&place->dir);
		free(place->path);
		place->path = NULL;
		r = cgroup_note(notes, "%s: left out: %s", tree_label(&layout->trees[i]), why.text);
		if (r < 0)
			return r;
	}
	return 0;
}

/* How many components at the end are missing, the last one counted in any case: it is the container's own. */
static uint32_t count_missing(int top, const char *path)
{
	char copy[PATH_MAX];
	uint32_t count = 1;
	char *slash;

	if (strlen(path) >= sizeof(copy))
		return count;
	strcpy(copy, path);
	while ((slash = strrchr(copy, '/')) != NULL) {
		*slash = '\0';
		if (faccessat(top, copy, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			break;
		count++;
	}
	return count;
}

static int group_place(struct cgroup *group, const char *path, bool relative)
{
	for (uint32_t i = 0; i < group->layout->count; i++) {
		const struct cgroup_tree *tree = &group->layout->trees[i];
		struct cgroup_place *place = &group->places[i];

		place->path = place_path(tree, path, relative);
		if (place->path == NULL)
			return -ENOMEM;
		place->made = count_missing(tree->fd, place->path);
	}
	return 0;
}

int cgroup_plan(struct cgroup **ret, const struct cgroup_layout *layout, const char *written,
		const char *id, struct err *err)
{
	struct cgroup *group = group_new(layout);
	bool relative;
	char *path;
	int r;

	if (group == NULL)
		return -ENOMEM;
	r = cgroup_path(written, id, &path, &relative, err);
	if (r == 0) {
		r = group_place(group, path, relative);
		free(path);
	}
	if (r < 0)
		cgroup_free(group);
	else
		*ret = group;
	return r;
}

int cgroup_make(struct cgroup *group, struct cgroup_notes *notes, struct err *err)
{
	int r;

	for (uint32_t i = 0; i < group->layout->count; i++)
		group->places[i].made = 0;
	r = group_make(group, notes, err);
	if (r < 0) {
		cgroup_unmake(group);
		return r;
	}
	/* What is named as the container's own is removed with it, also where it was there before. */
	for (uint32_t i = 0; i < group->layout->count; i++)
		group->places[i].made = MAX(group->places[i].made, 1U);
	return 0;
}

int cgroup_create(struct cgroup **ret, const struct cgroup_layout *layout, const char *written,
		  const char *id, struct cgroup_notes *notes, struct err *err)
{
	struct cgroup *group = NULL;
	int r = cgroup_plan(&group, layout, written, id, err);

	if (r == 0)
		r = cgroup_make(group, notes, err);
	if (r < 0)
		cgroup_free(group);
	else
		*ret = group;
	return r;
}

/* -- as text --------------------------------------------------------------------------------------- */

int cgroup_save(const struct cgroup *group, struct buf *text)
{
	for (uint32_t i = 0; i < group->layout->count; i++) {
		const struct cgroup_place *place = &group->places[i];

		if (place->path == NULL)
			continue;
		if (!cgroup_put(text, group->layout->trees[i].name) || !cgroup_put(text, ":") ||
		    !cgroup_put_number(text, place->made) || !cgroup_put(text, ":/") ||
		    !cgroup_put(text, place->path) || !cgroup_put(text, "\n"))
			return -ENOMEM;
	}
	return 0;
}

static int load_line(struct cgroup *group, const char *line, size_t size)
{
	const char *made = memchr(line, ':', size), *path, *end = line + size;
	const struct cgroup_layout *layout = group->layout;
	char *after;

	if (made == NULL)
		return -EINVAL;
	path = memchr(made + 1, ':', (size_t)(end - made - 1));
	if (path == NULL || end - path < 3 || path[1] != '/')
		return -EINVAL;
	for (uint32_t i = 0; i < layout->count; i++) {
		const char *name = layout->trees[i].name;

		if (strlen(name) != (size_t)(made - line) ||
		    memcmp(name, line, (size_t)(made - line)) != 0)
			continue;
		free(group->places[i].path);
		group->places[i].path = strndup(path + 2, (size_t)(end - path - 2));
		group->places[i].made = (uint32_t)strtoul(made + 1, &after, 10);
		return group->places[i].path == NULL ? -ENOMEM : 0;
	}
	return 0;
}

int cgroup_load(struct cgroup **ret, const struct cgroup_layout *layout, const char *text,
		struct err *err)
{
	struct cgroup *group = group_new(layout);
	int r = group == NULL ? -ENOMEM : 0;

	while (r == 0 && *text != '\0') {
		size_t size = strcspn(text, "\n");

		r = load_line(group, text, size);
		if (r == -EINVAL)
			err_set(err, r, "the cgroups of a state file: '%.*s' is no NAME:MADE:/PATH",
				(int)MIN(size, 200U), text);
		text += size;
		text += *text == '\n';
	}
	if (r < 0) {
		cgroup_free(group);
		return r;
	}
	*ret = group;
	return 0;
}

/* -- joining --------------------------------------------------------------------------------------- */

/* Without its directory, which for most hierarchies nobody needs. With v2 it is where the process is born. */
static int open_join(struct cgroup *group, int tree)
{
	const struct cgroup_tree *t = &group->layout->trees[tree];
	const struct cgroup_place *place = &group->places[tree];
	const char *file = t->unified ? "cgroup.procs" : "tasks";
	char path[PATH_MAX];
	int dir;

	if (t->unified || place->dir >= 0) {
		dir = cgroup_dir(group, tree);
		return dir < 0 ? dir : cgroup_file_open(dir, file);
	}
	if (strlen(place->path) + strlen(file) + 2 > sizeof(path))
		return -ENAMETOOLONG;
	strcpy(stpcpy(stpcpy(path, place->path), "/"), file);
	return cgroup_file_open(t->fd, path);
}

int cgroup_prepare_join(struct cgroup *group, struct err *err)
{
	for (int i = 0; i < (int)group->layout->count; i++) {
		struct cgroup_place *place = &group->places[i];
		int fd;

		if (place->path == NULL || place->join >= 0)
			continue;
		fd = open_join(group, i);
		if (fd < 0) {
			cgroup_end_join(group);
			return err_set(err, fd, "open the cgroup '/%s' in '%s' to join it: %s",
				       place->path, group->layout->trees[i].mount, strerror(-fd));
		}
		place->join = fd;
	}
	return 0;
}

int cgroup_birth_fd(const struct cgroup *group)
{
	int unified = cgroup_layout_unified(group->layout);

	return unified < 0 ? -1 : group->places[unified].dir;
}

int cgroup_join(const struct cgroup *group, bool born, struct err *err)
{
	for (uint32_t i = 0; i < group->layout->count; i++) {
		const struct cgroup_place *place = &group->places[i];
		const struct cgroup_tree *tree = &group->layout->trees[i];

		if (place->join < 0 || (born && tree->unified))
			continue;
		if (write(place->join, "0", 1) < 0)
			return err_set(err, -errno, "join the cgroup '/%s' in '%s': %s",
				       place->path, tree->mount, strerror(errno));
	}
	return 0;
}

void cgroup_end_join(struct cgroup *group)
{
	for (unsigned i = 0; i < CGROUP_TREES; i++)
		close_fd(&group->places[i].join);
}

int cgroup_add(struct cgroup *group, pid_t pid, struct err *err)
{
	char text[CGROUP_DIGITS];
	size_t size = cgroup_digits(text, (uint64_t)pid);

	for (int i = 0; i < (int)group->layout->count; i++) {
		int r = cgroup_dir(group, i);

		if (group->places[i].path == NULL)
			continue;
		if (r >= 0)
			r = cgroup_file_write(r, "cgroup.procs", text, size);
		if (r < 0)
			return err_set(err, r, "move process %d to the cgroup '/%s' in '%s': %s",
				       (int)pid, group->places[i].path,
				       group->layout->trees[i].mount, strerror(-r));
	}
	return 0;
}
