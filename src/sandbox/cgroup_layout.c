/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_layout.c: mountinfo and /proc/self/cgroup to a list of hierarchies.
 *
 * No path is taken for granted. A line of mountinfo may name a mount that something else lies on top of: a top counts
 * only if what is opened there is of the device the line names. Of several mounts of one hierarchy (bind mounts, a test's own)
 * that one is taken which can be written and shows our own group; of equals the first.
 *
 * mountinfo's fourth field is the directory of the hierarchy that is mounted; /proc/self/cgroup names our own group from the
 * hierarchy's root. So our own below the top is the one taken from the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"

/* A line of mountinfo that is one of ours; all fields end with a space or the line. */
struct mount_line {
	unsigned major, minor;
	const char *root, *point, *options, *super;
	bool unified;
};

/* strcspn() makes a set of its characters first, which for fields as short as these takes longer than the rest. */
static size_t size_until(const char *text, char one, char other)
{
	const char *end = text;

	while (*end != one && *end != other && *end != '\0')
		end++;
	return (size_t)(end - text);
}

static size_t field_size(const char *field)
{
	return size_until(field, ' ', '\n');
}

/* The n-th field after this one, or NULL. */
static const char *field_after(const char *field, unsigned n)
{
	while (n-- > 0) {
		field += field_size(field);
		if (*field != ' ')
			return NULL;
		field++;
	}
	return field;
}

static bool field_is(const char *field, const char *text)
{
	size_t size = strlen(text);

	return field_size(field) == size && memcmp(field, text, size) == 0;
}

/* id parent major:minor root point options [optional...] - type source super */
static bool parse_line(const char *line, struct mount_line *ret)
{
	const char *device = field_after(line, 2), *tail;
	char *end;

	if (device == NULL || (ret->root = field_after(device, 1)) == NULL ||
	    (ret->point = field_after(ret->root, 1)) == NULL ||
	    (ret->options = field_after(ret->point, 1)) == NULL)
		return false;
	tail = ret->options;
	do
		tail = field_after(tail, 1);
	while (tail != NULL && !field_is(tail, "-"));
	if (tail == NULL || (tail = field_after(tail, 1)) == NULL)
		return false;
	ret->unified = field_is(tail, "cgroup2");
	if (!ret->unified && !field_is(tail, "cgroup"))
		return false;
	ret->super = field_after(tail, 2);
	ret->major = (unsigned)strtoul(device, &end, 10);
	if (ret->super == NULL || *end != ':')
		return false;
	ret->minor = (unsigned)strtoul(end + 1, NULL, 10);
	return true;
}

static bool is_octal(const char *c, size_t left)
{
	return left >= 4 && c[0] == '\\' && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' &&
	       c[2] <= '7' && c[3] >= '0' && c[3] <= '7';
}

/* A field copied, with the kernel's \040 turned back. */
static char *copy_field(const char *field)
{
	size_t size = field_size(field), used = 0;
	char *text = malloc(size + 1);

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		if (is_octal(field + i, size - i)) {
			text[used++] = (char)((field[i + 1] - '0') << 6 |
					      (field[i + 2] - '0') << 3 | (field[i + 3] - '0'));
			i += 3;
		} else {
			text[used++] = field[i];
		}
	}
	text[used] = '\0';
	return text;
}

/* The name of the hierarchy among its super options: "rw,xattr,name=systemd" -> "name=systemd". */
static char *tree_name(const struct mount_line *line)
{
	char *options = copy_field(line->super), *name, *word, *rest;

	if (options == NULL)
		return NULL;
	name = calloc(1, strlen(options) + 1);
	if (name == NULL || line->unified) {
		free(options);
		return name;
	}
	for (word = strtok_r(options, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		if (cgroup_controllers(word, ',') == 0 && strncmp(word, "name=", 5) != 0)
			continue;
		if (*name != '\0')
			strcat(name, ",");
		strcat(name, word);
	}
	free(options);
	return name;
}

/* The path of our own group in the hierarchy: "N:LIST:PATH". Copied, NULL: not listed. */
static char *own_path(const char *own, const char *name)
{
	size_t first = size_until(name, ',', ',');

	for (const char *line = own; line != NULL && *line != '\0';) {
		const char *list = strchr(line, ':');
		const char *path = list == NULL ? NULL : strchr(list + 1, ':');
		const char *next = strchr(line, '\n');

		if (path == NULL || (next != NULL && path > next))
			break;
		for (const char *word = list + 1; word <= path; word++) {
			size_t size = size_until(word, ',', ':');

			if (size == first && memcmp(word, name, size) == 0)
				return strndup(path + 1, size_until(path + 1, '\n', '\n'));
			word += size;
		}
		line = next == NULL ? NULL : next + 1;
	}
	return NULL;
}

/* `path` below `root`: what is left of it; NULL: it is not. Takes the path over. */
static char *below(char *path, const char *root)
{
	size_t size = strlen(root);
	const char *rest;
	char *copy;

	if (path == NULL)
		return NULL;
	if (size == 1)
		size = 0;
	rest = path + size;
	if (strncmp(path, root, size) != 0 || (*rest != '/' && *rest != '\0') ||
	    strstr(path, "/..") != NULL) {
		free(path);
		return NULL;
	}
	while (*rest == '/')
		rest++;
	copy = strdup(rest);
	free(path);
	return copy;
}

static int open_top(const struct mount_line *line, const char *point)
{
	/* musl's open() takes two calls. */
	int fd = openat(AT_FDCWD, point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || major(st.st_dev) != line->major ||
	    minor(st.st_dev) != line->minor) {
		close(fd);
		return -1;
	}
	return fd;
}

static void tree_deinit(struct cgroup_tree *tree)
{
	if (tree->fd >= 0)
		close(tree->fd);
	free(tree->mount);
	free(tree->name);
	free(tree->own);
	*tree = (struct cgroup_tree){.fd = -1};
}

/* Fill a tree from a line; false: it is hidden or incomplete, or (*ret_error) memory is out. */
static bool tree_init(struct cgroup_tree *tree, const struct mount_line *line, const char *own,
		      int *ret_error)
{
	char *root = copy_field(line->root);
	char offered[256];

	*tree = (struct cgroup_tree){.fd = -1, .unified = line->unified};
	tree->mount = copy_field(line->point);
	tree->name = tree_name(line);
	if (root == NULL || tree->mount == NULL || tree->name == NULL) {
		free(root);
		tree_deinit(tree);
		*ret_error = -ENOMEM;
		return false;
	}
	tree->own = below(own_path(own, tree->name), root);
	free(root);
	tree->fd = open_top(line, tree->mount);
	if (tree->fd < 0) {
		tree_deinit(tree);
		return false;
	}
	if (!tree->unified)
		tree->controllers = cgroup_controllers(tree->name, ',');
	else if (cgroup_file_read(tree->fd, "cgroup.controllers", offered, sizeof(offered)) >= 0)
		tree->controllers = cgroup_controllers(offered, ' ');
	return true;
}

/* How good a mount is for us. */
static int worth(const struct cgroup_tree *tree, bool writable)
{
	return 2 * writable + (tree->own != NULL);
}

static void place_controllers(struct cgroup_layout *layout)
{
	static const enum cgroup_controller always[] = {CGROUP_CPUACCT, CGROUP_DEVICES,
							CGROUP_FREEZER};
	int unified = cgroup_layout_unified(layout);

	memset(layout->tree_of, -1, sizeof(layout->tree_of));
	for (uint32_t i = 0; i < layout->count; i++)
		for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++)
			if ((layout->trees[i].controllers >> c & 1) != 0 &&
			    (layout->tree_of[c] < 0 || !layout->trees[i].unified))
				layout->tree_of[c] = (int)i;
	for (unsigned i = 0; i < ARRAY_SIZE(always); i++)
		if (layout->tree_of[always[i]] < 0)
			layout->tree_of[always[i]] = unified;
}

static uint32_t tree_find(const struct cgroup_layout *layout, const struct cgroup_tree *like)
{
	uint32_t i = 0;

	while (i < layout->count && (layout->trees[i].unified != like->unified ||
				     strcmp(layout->trees[i].name, like->name) != 0))
		i++;
	return i;
}

int cgroup_layout_parse(struct cgroup_layout *layout, const char *mountinfo, const char *own,
			struct err *err)
{
	int worths[CGROUP_TREES] = {0}, error = 0;

	*layout = (struct cgroup_layout){.count = 0};
	for (const char *text = mountinfo; error == 0 && *text != '\0';) {
		struct mount_line line;
		struct cgroup_tree tree;
		uint32_t i;

		if (parse_line(text, &line) && tree_init(&tree, &line, own, &error)) {
			int good = worth(&tree, strncmp(line.options, "rw", 2) == 0);

			i = tree_find(layout, &tree);
			if (i == CGROUP_TREES || (i < layout->count && worths[i] >= good)) {
				tree_deinit(&tree);
			} else {
				if (i < layout->count)
					tree_deinit(&layout->trees[i]);
				else
					layout->count++;
				layout->trees[i] = tree;
				worths[i] = good;
			}
		}
		text += size_until(text, '\n', '\n');
		text += *text == '\n';
	}
	if (error < 0) {
		cgroup_layout_deinit(layout);
		return err_set(err, error, "read the mounted cgroups: %s", strerror(-error));
	}
	place_controllers(layout);
	return 0;
}

int cgroup_layout_init(struct cgroup_layout *layout, struct err *err)
{
	struct buf mounts = {0}, own = {0};
	const char *name = "/proc/self/mountinfo";
	int r = cgroup_file_slurp(AT_FDCWD, name, &mounts);

	if (r == 0) {
		name = "/proc/self/cgroup";
		r = cgroup_file_slurp(AT_FDCWD, name, &own);
		if (r == -ENOENT) /* a kernel without cgroups */
			r = 0;
	}
	if (r < 0)
		err_set(err, r, "find the cgroups: read '%s': %s", name, strerror(-r));
	else
		r = cgroup_layout_parse(layout, (char *)mounts.data, (char *)own.data, err);
	buf_deinit(&mounts);
	buf_deinit(&own);
	return r;
}

void cgroup_layout_deinit(struct cgroup_layout *layout)
{
	for (uint32_t i = 0; i < layout->count; i++)
		tree_deinit(&layout->trees[i]);
	layout->count = 0;
}

int cgroup_layout_unified(const struct cgroup_layout *layout)
{
	for (uint32_t i = 0; i < layout->count; i++)
		if (layout->trees[i].unified)
			return (int)i;
	return -1;
}
