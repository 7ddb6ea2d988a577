/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_remove.c: groups to nothing.
 *
 * A group can be removed when no process and no group is in it. A process that was killed leaves its group a moment before
 * or after its parent hears of it, so a busy group is tried again for as long as the caller allows. Groups that the container
 * made below its own go with it. Parents go only where we made them, and only while they are empty; the kernel decides that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"

enum { DEPTH = 32 };

static bool is_group(int dir, const struct dirent *entry)
{
	struct stat st;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return false;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* rmdir the group `name` and those in it; gone is 0. */
static int remove_tree(int parent, const char *name, unsigned depth)
{
	const struct dirent *entry;
	DIR *dir;
	int fd, r = 0;

	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EBUSY && errno != ENOTEMPTY) || depth == 0)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir)) != NULL)
		if (is_group(fd, entry)) {
			int one = remove_tree(fd, entry->d_name, depth - 1);

			r = r < 0 ? r : one;
		}
	closedir(dir);
	if (r < 0)
		return r;
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

static void remove_parents(int top, const char *path, uint32_t made)
{
	char copy[PATH_MAX];
	char *slash;

	if (strlen(path) >= sizeof(copy))
		return;
	strcpy(copy, path);
	while (made-- > 1 && (slash = strrchr(copy, '/')) != NULL) {
		*slash = '\0';
		if (unlinkat(top, copy, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return;
	}
}

int cgroup_delete(struct cgroup *group, unsigned budget, struct err *err)
{
	struct cgroup_budget left = {.left = budget, .step = 1};
	int result = 0;

	cgroup_close(group);
	for (uint32_t i = 0; i < group->layout->count; i++) {
		struct cgroup_place *place = &group->places[i];
		const struct cgroup_tree *tree = &group->layout->trees[i];
		int r;

		if (place->path == NULL || place->made == 0)
			continue;
		do
			r = remove_tree(tree->fd, place->path, DEPTH);
		while ((r == -EBUSY || r == -ENOTEMPTY) && cgroup_budget_sleep(&left));
		if (r == 0)
			remove_parents(tree->fd, place->path, place->made);
		else if (result == 0)
			result = err_set(err, r, "remove the cgroup '/%s' in '%s': %s%s",
					 place->path, tree->mount, strerror(-r),
					 r == -EBUSY ? " (processes are left in it)" : "");
	}
	return result;
}
