/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_tree.c: where a path of an image lies below its root, and what of it lower layers brought.
 *
 * A path is walked one name at a time, each opened as what it is in a directory that is held open: the kernel follows no link. A link's
 * text is put in front of what is left of the path, and ".." goes back to the directory we came from: nothing a layer says leads
 * above the root. Everything of a layer is made, replaced and removed by one name in a directory that was found this way.
 *
 * No directory lies deeper than LAYER_DEPTH_MAX, since whoever makes one walked to it: so what removes a tree may hold
 * a descriptor for each level.
 *
 * A whiteout removes what lower layers brought: whatever is not in the table of what this layer did. A key is a digest of
 * the directory's identity and the name; a directory that went took its names with it, so a key never means another's: at
 * worst one of a new directory with an old number, in which all is of this layer anyway.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/sha256.h"
#include "image/layer_parts.h"

enum {
	LINKS_MAX = 40,
	STEPS_MAX = 4096,
	STEPS_FREE =
		64, /* so many of a walk are as good as an entry: a layer is free to make all of its walks long ones */
};

void layer_tree_init(struct layer_tree *tree, int root, struct layer_limits *left)
{
	*tree = (struct layer_tree){.root = root, .left = left, .at.fd = -1};
}

void layer_tree_deinit(struct layer_tree *tree)
{
	if (tree->at.fd >= 0)
		close(tree->at.fd);
	free(tree->brought);
	*tree = (struct layer_tree){.root = -1, .at.fd = -1};
}

/* -- Walking ---------------------------------------------------------------------------------------- */

struct walk {
	struct layer_tree *tree;
	int way[LAYER_DEPTH_MAX + 1]; /* owned, but the first: the root */
	unsigned depth; /* the last one's index: where we are */
	unsigned links, steps;
	bool make;
	char rest[PATH_MAX]; /* begins with a slash, or is empty */
};

static void go_up(struct walk *walk)
{
	if (walk->depth > 0)
		close(walk->way[walk->depth--]);
}

/* Cuts the next name off: 1; 0: there is none. */
static int next(struct walk *walk, char name[static NAME_MAX + 1])
{
	size_t from = strspn(walk->rest, "/"), size = strcspn(walk->rest + from, "/");

	if (size > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, walk->rest + from, size);
	name[size] = '\0';
	memmove(walk->rest, walk->rest + from + size, strlen(walk->rest + from + size) + 1);
	return size > 0;
}

static int follow(struct walk *walk, int link)
{
	char text[PATH_MAX];
	size_t left = strlen(walk->rest);
	ssize_t size = readlinkat(link, "", text, sizeof(text));

	if (size <= 0)
		return size < 0 ? -errno : -ENOENT;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if ((size_t)size + left >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + size, walk->rest, left + 1);
	memcpy(walk->rest, text, (size_t)size);
	while (text[0] == '/' && walk->depth > 0)
		go_up(walk);
	return 0;
}

/* Of what may be unpacked, where there is a limit. */
static int charge(struct walk *walk)
{
	struct layer_limits *left = walk->tree->left;

	if (left == NULL)
		return 0;
	if (left->entries == 0)
		return -EDQUOT;
	left->entries--;
	return 0;
}

/* A descriptor of what the name is; of what is missing, once it is made. */
static int look(struct walk *walk, const char *name)
{
	int dir = walk->way[walk->depth], fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && walk->make) {
		if (walk->depth == LAYER_DEPTH_MAX)
			return -ENAMETOOLONG;
		fd = charge(walk);
		if (fd < 0)
			return fd;
		if (mkdirat(dir, name, 0755) < 0 || fchmodat(dir, name, 0755, 0) < 0)
			return -errno;
		fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

static int enter(struct walk *walk, const char *name)
{
	struct stat st;
	int fd = look(walk, name), error = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		error = -errno;
	else if (S_ISLNK(st.st_mode))
		error = follow(walk, fd);
	else if (!S_ISDIR(st.st_mode))
		error = -ENOTDIR;
	else if (walk->depth == LAYER_DEPTH_MAX)
		error = -ENAMETOOLONG;
	else {
		walk->way[++walk->depth] = fd;
		return 0;
	}
	close(fd);
	return error;
}

static int walk_all(struct walk *walk)
{
	char name[NAME_MAX + 1];
	int error;

	while ((error = next(walk, name)) > 0) {
		if (++walk->steps > STEPS_MAX)
			return -ELOOP;
		if (walk->steps % STEPS_FREE == 0 && (error = charge(walk)) < 0)
			return error;
		if (strcmp(name, "..") == 0)
			go_up(walk);
		else if (strcmp(name, ".") != 0)
			error = enter(walk, name);
		if (error < 0)
			return error;
	}
	return error;
}

/* The tree takes over where the walk has led. */
static int arrive(struct walk *walk, const char *path)
{
	struct layer_place *at = &walk->tree->at;
	struct stat st;
	int fd = fcntl(walk->way[walk->depth], F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return -errno;
	}
	if (at->fd >= 0)
		close(at->fd);
	*at = (struct layer_place){fd, walk->depth, st.st_dev, st.st_ino};
	memcpy(walk->tree->near_path, path, strlen(path) + 1);
	walk->tree->near = true;
	return 0;
}

int layer_tree_open(struct layer_tree *tree, const char *path, bool make, struct layer_place *ret)
{
	struct walk walk = {.tree = tree, .way = {tree->root}, .make = make};
	int error;

	if (!tree->near || strcmp(path, tree->near_path) != 0) {
		if (strlen(path) >= sizeof(walk.rest))
			return -ENAMETOOLONG;
		memcpy(walk.rest, path, strlen(path) + 1);
		error = walk_all(&walk);
		if (error == 0)
			error = arrive(&walk, path);
		while (walk.depth > 0)
			go_up(&walk);
		if (error < 0)
			return error;
	}
	*ret = tree->at;
	return 0;
}

/* -- What this layer brought ---------------------------------------------------------------------- */

#define ALL_OURS \
	"" /* in place of a name: there is nothing in the directory but what this layer brought */

static struct layer_key key_of(dev_t device, ino_t inode, const char *name)
{
	struct {
		uint64_t device, inode;
		char name[NAME_MAX + 1];
	} text = {.device = device, .inode = inode};
	size_t size = strnlen(name, NAME_MAX);
	uint8_t digest[SHA256_SIZE];
	struct layer_key key;

	memcpy(text.name, name, size);
	sha256(&text, sizeof(uint64_t) * 2 + size, digest);
	memcpy(&key, digest, sizeof(key));
	key.half[0] |= 1; /* zeros are no key */
	return key;
}

/* Its place in the table, or the free one where it would be. */
static struct layer_key *key_place(const struct layer_tree *tree, struct layer_key key)
{
	size_t i = key.half[1] & (tree->room - 1);

	while (tree->brought[i].half[0] != 0 && memcmp(&tree->brought[i], &key, sizeof(key)) != 0)
		i = (i + 1) & (tree->room - 1);
	return &tree->brought[i];
}

static bool was_brought(const struct layer_tree *tree, struct layer_key key)
{
	return tree->room > 0 && key_place(tree, key)->half[0] != 0;
}

bool layer_tree_brought(const struct layer_tree *tree, const struct layer_place *place,
			const char *name)
{
	return was_brought(tree, key_of(place->device, place->inode, name));
}

static int keys_grow(struct layer_tree *tree)
{
	struct layer_tree more = {.room = tree->room == 0 ? 1024 : tree->room * 2};

	more.brought = calloc(more.room, sizeof(*more.brought));
	if (more.brought == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < tree->room; i++) {
		if (tree->brought[i].half[0] != 0)
			*key_place(&more, tree->brought[i]) = tree->brought[i];
	}
	free(tree->brought);
	tree->brought = more.brought;
	tree->room = more.room;
	return 0;
}

static int key_add(struct layer_tree *tree, struct layer_key key)
{
	struct layer_key *at;

	if (tree->count >= tree->room / 2 && keys_grow(tree) < 0)
		return -ENOMEM;
	at = key_place(tree, key);
	if (at->half[0] == 0)
		tree->count++;
	*at = key;
	return 0;
}

int layer_tree_bring(struct layer_tree *tree, const struct layer_place *place, const char *name)
{
	return key_add(tree, key_of(place->device, place->inode, name));
}

/* -- Removing ----------------------------------------------------------------------------------------- */

static int remove_children(struct layer_tree *tree, int dir, const char *name, bool lower);

static int remove_one(struct layer_tree *tree, int dir, const char *name, bool keep, bool lower)
{
	struct stat st;
	int error;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Paths that went through it lead elsewhere now. The descriptor stays: somebody makes something there yet. */
	if (S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode))
		tree->near = false;
	if (!S_ISDIR(st.st_mode))
		return keep || unlinkat(dir, name, 0) == 0 ? 0 : -errno;
	error = remove_children(tree, dir, name, lower);
	if (error < 0 || keep)
		return error;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	/* Something of this layer is in it. */
	return lower && (errno == ENOTEMPTY || errno == EEXIST) ? 0 : -errno;
}

static int remove_children(struct layer_tree *tree, int dir, const char *name, bool lower)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = 0;
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *child;
	struct stat st;

	if (list == NULL) {
		error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	if (fstat(fd, &st) < 0)
		error = -errno;
	/* Once it has none of lower layers it gets none any more: who asks often does not make us look at all of ours each time. */
	if (error == 0 && lower && was_brought(tree, key_of(st.st_dev, st.st_ino, ALL_OURS))) {
		closedir(list);
		return 0;
	}
	while (error == 0 && (errno = 0, child = readdir(list)) != NULL) {
		if (strcmp(child->d_name, ".") == 0 || strcmp(child->d_name, "..") == 0)
			continue;
		error = remove_one(
			tree, fd, child->d_name,
			lower && was_brought(tree, key_of(st.st_dev, st.st_ino, child->d_name)),
			lower);
	}
	if (error == 0 && errno != 0)
		error = -errno;
	closedir(list);
	if (error == 0 && lower)
		error = key_add(tree, key_of(st.st_dev, st.st_ino, ALL_OURS));
	return error;
}

int layer_tree_remove(struct layer_tree *tree, const struct layer_place *place, const char *name,
		      bool lower)
{
	return remove_one(tree, place->fd, name, lower && layer_tree_brought(tree, place, name),
			  lower);
}

int layer_tree_opaque(struct layer_tree *tree, const struct layer_place *place)
{
	return remove_children(tree, place->fd, ".", true);
}
