/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_inherit.c: what a new group needs from those above it before it is of use.
 *
 * Version 2: a controller is in a group only where the group's parent lists it in cgroup.subtree_control, and its parent
 * too, up to the top. The kernel refuses that in a group that has processes itself (EBUSY), below the top. It also does
 * for a moment after the last process left; so that is tried again, briefly. Those that can tell threads apart (cpu, cpuset,
 * pids) it does hand on from a group with processes, and then that is a group of threads, below which no process can be:
 * so such a group is not even asked. A controller that cannot be handed down is no error until a limit needs it: who sets
 * the limit says so.
 *
 * Version 1: the two files of a new cpuset are empty, and nobody can join before they say something.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"

enum { BUSY_MS = 4 };

/* Call for the top ("") and for each group on the way down, the last one excepted. */
static void each_parent(const struct cgroup_tree *tree, const char *path,
			bool (*visit)(int dir, uint32_t wanted), uint32_t wanted)
{
	char copy[PATH_MAX] = ".";
	const char *end = path;

	do {
		int dir = openat(tree->fd, copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		bool go_on = dir >= 0 && visit(dir, wanted);

		if (dir >= 0)
			close(dir);
		if (!go_on || (size_t)(end - path) >= sizeof(copy))
			return;
		end += *end == '/';
		end += strcspn(end, "/");
		memcpy(copy, path, (size_t)(end - path));
		copy[end - path] = '\0';
	} while (*end != '\0');
}

static const char *unified_name(unsigned controller)
{
	return controller == CGROUP_IO ? "io" : cgroup_controller_name(controller);
}

/* Only the top may have some and hand controllers on; it is no group that could have a type. */
static bool has_processes_of_its_own(int dir)
{
	char text[CGROUP_DIGITS];

	return cgroup_file_read(dir, "cgroup.procs", text, sizeof(text)) != 0 &&
	       cgroup_file_exists(dir, "cgroup.type");
}

static int enable(int dir, const char *text, size_t size)
{
	struct cgroup_budget budget = {.left = BUSY_MS};
	int r;

	do
		r = cgroup_file_write(dir, "cgroup.subtree_control", text, size);
	while (r == -EBUSY && cgroup_budget_sleep(&budget));
	return r;
}

static int enable_one(int dir, unsigned controller)
{
	char text[32] = "+";

	strcpy(text + 1, unified_name(controller));
	return enable(dir, text, strlen(text));
}

/* All at once, and where one of them fails one by one. False: nothing can be handed further down. */
static bool hand_on(int dir, uint32_t wanted)
{
	char text[512];
	uint32_t missing;
	size_t size = 0;
	bool any = false;
	int r;

	if (cgroup_file_read(dir, "cgroup.controllers", text, sizeof(text)) < 0)
		return false;
	missing = wanted & cgroup_controllers(text, ' ');
	if (missing == 0)
		return false;
	if (cgroup_file_read(dir, "cgroup.subtree_control", text, sizeof(text)) > 0) {
		missing &= ~cgroup_controllers(text, ' ');
		any = true;
	}
	if (missing == 0)
		return true;
	if (has_processes_of_its_own(dir))
		return any;
	for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++)
		if ((missing >> c & 1) != 0) {
			text[size++] = '+';
			size = (size_t)(stpcpy(text + size, unified_name(c)) - text);
			text[size++] = ' ';
		}
	r = enable(dir, text, size - 1);
	if (r == 0 || r == -EBUSY)
		return r == 0 || any;
	for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++)
		if ((missing >> c & 1) != 0 && enable_one(dir, c) == 0)
			any = true;
	return any;
}

void cgroup_hand_down(const struct cgroup_tree *tree, const char *path)
{
	int dir = openat(tree->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char text[512];
	bool have = dir >= 0 &&
		    cgroup_file_read(dir, "cgroup.controllers", text, sizeof(text)) >= 0 &&
		    (cgroup_controllers(text, ' ') & tree->controllers) == tree->controllers;

	if (dir >= 0)
		close(dir);
	if (!have)
		each_parent(tree, path, hand_on, tree->controllers);
}

/* -- cpuset of version 1 --------------------------------------------------------------------------- */

/* -ENOENT: mounted with noprefix; there they have other names, and are somebody's own affair. */
static int fill_file(int parent, int dir, bool is_new, const char *name)
{
	char text[CGROUP_LINE];
	int n = is_new ? 0 : cgroup_file_read(dir, name, text, sizeof(text));

	if (n == 0) {
		n = cgroup_file_read(parent, name, text, sizeof(text));
		if (n > 0)
			n = cgroup_file_write(dir, name, text, (size_t)n);
	}
	return n < 0 && n != -ENOENT ? n : 0;
}

/* How many names are at the end from here, this one counted. */
static uint32_t names_left(const char *path)
{
	uint32_t count = 1;

	while ((path = strchr(path, '/')) != NULL) {
		path++;
		count++;
	}
	return count;
}

int cgroup_fill_cpuset(const struct cgroup_tree *tree, const char *path, uint32_t made)
{
	int parent = tree->fd, r = 0;
	char copy[PATH_MAX];

	if (strlen(path) >= sizeof(copy))
		return -ENAMETOOLONG;
	strcpy(copy, path);
	for (char *name = copy; r == 0 && *name != '\0';) {
		char *end = name + strcspn(name, "/");
		bool last = *end == '\0', is_new = names_left(name) <= made;
		int dir;

		*end = '\0';
		dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (dir < 0) {
			r = -errno;
			break;
		}
		r = fill_file(parent, dir, is_new, "cpuset.cpus");
		if (r == 0)
			r = fill_file(parent, dir, is_new, "cpuset.mems");
		if (parent != tree->fd)
			close(parent);
		parent = dir;
		name = last ? end : end + 1;
	}
	if (parent != tree->fd)
		close(parent);
	return r;
}
