/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.c: the walk of path.h.
 *
 * What keeps a guest inside, whatever it writes in paths and links and whatever others do to the tree meanwhile:
 *
 * - The kernel is only ever given one name at a time, which is neither ".." nor has a slash, with O_NOFOLLOW (or a call
 *   that follows nothing). So each directory entered was then an entry of one that had been entered, back to the
 *   place or a mount's top. A directory that is moved out of the mount after it was entered is left only by
 *   its own entries: what lies in it now is reached, what lies above it is not. (openat2() does no better.)
 * - Going up never asks the kernel. It is going back to a descriptor kept, or beginning again further up, by text, as
 *   for a new path. The text is never compared with what the host thinks of it; it only decides where to go next.
 * - A link is its text, put before what is left of the path. It costs one of LINKS_MAX.
 *
 * Where it is: `text`, the guest's absolute path of a directory, and a descriptor of that. `base` is a directory above it
 * or the same, borrowed, from which can be begun again: the place or a mount's top. Of the directories between, the
 * last few are kept open. A directory that the host does not have, but the guest, because a mount lies somewhere
 * below, has the descriptor -1: in it, nothing but the way to that mount is found.
 */
#include "wasi/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/buf.h"

enum {
	KEPT_MAX = 16,   /* directories held open for ".." */
	LINKS_MAX = 40,  /* as Linux has it */
	TRIES_MAX = 100, /* for a name that is another thing each time it is looked at */
	RUNS_MAX = 40,   /* of the whole, where what a link said was gone a moment later */
};

/* FNV-1a. */
#define TRAIL_START UINT64_C(0xcbf29ce484222325)
#define TRAIL_FACTOR UINT64_C(0x100000001b3)

/* Outcomes of a step. */
enum { ARRIVED = 0, ONWARD = 1, AGAIN = 2 };

/* What to do with the last name. One of `opened` and `leaf` is set; both borrowed. */
struct goal {
	struct opened *opened;
	int flags;
	mode_t mode;
	struct leaf *leaf;
	bool follow;
};

struct walk {
	const struct place *from; /* borrowed */
	const struct goal *goal;  /* borrowed */
	struct buf text;
	uint32_t mount;
	unsigned
		crossed; /* mounts entered on the way from one around them: ".." leads out of these again */
	int base; /* borrowed from `from` or a mount */
	size_t base_size; /* of the text that leads to it */
	int kept[KEPT_MAX]; /* owned; oldest first, each the parent of the next; the last is where it stands */
	uint32_t kept_count; /* 0: it stands at the base */
	struct buf rest; /* of the path, from `at` on */
	size_t at;
	size_t own; /* as many bytes at the end of rest are the guest's; those before came of links */
	unsigned links;
	uint64_t trail; /* a digest of what they said */
	/* The name to be taken next. */
	char name[NAME_MAX + 1];
	bool linked; /* it came of a link */
	bool last;
	bool slash; /* slashes follow */
};

static const struct mount *mount_of(const struct walk *w)
{
	return &w->from->mounts->items[w->mount];
}

static size_t top_size(const struct walk *w)
{
	return strlen(mount_of(w)->guest);
}

/* The descriptor of where it stands. */
static int here(const struct walk *w)
{
	return w->kept_count > 0 ? w->kept[w->kept_count - 1] : w->base;
}

/* -- Directories kept -------------------------------------------------------------------------- */

static void close_kept(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Close the `count` oldest. */
static void forget(struct walk *w, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		close_kept(w->kept[i]);
	w->kept_count -= count;
	memmove(w->kept, w->kept + count, w->kept_count * sizeof(w->kept[0]));
}

static void keep(struct walk *w, int fd)
{
	if (w->kept_count == KEPT_MAX)
		forget(w, 1);
	w->kept[w->kept_count++] = fd;
}

/* openat() of the name, or of "." here: a descriptor, or -1 with errno. Where descriptors run out, those kept only
 * for ".." are given up. */
static int open_here(struct walk *w, const char *name, int flags)
{
	int fd;

	if (here(w) < 0) {
		errno = ENOENT;
		return -1;
	}
	fd = openat(here(w), name, flags, w->goal->mode);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && w->kept_count > 1) {
		forget(w, w->kept_count - 1);
		fd = openat(here(w), name, flags, w->goal->mode);
	}
	return fd;
}

/* -- Text -------------------------------------------------------------------------------------- */

/* The size of the text without its last name. */
static size_t parent_size(const struct walk *w)
{
	size_t size = w->text.size;

	while (size > 0 && w->text.data[size - 1] != '/')
		size--;
	return size > 0 ? size - 1 : 0;
}

static int add_name(struct walk *w)
{
	if (buf_put(&w->text, "/", 1) == NULL ||
	    buf_put(&w->text, w->name, strlen(w->name)) == NULL)
		return -ENOMEM;
	return 0;
}

/* Put bytes before the rest. They are no longer the guest's own. */
static int put_before(struct walk *w, const void *bytes, size_t size)
{
	size_t left = w->rest.size - w->at;

	if (size > w->at) {
		if (buf_add(&w->rest, size - w->at) == NULL)
			return -ENOMEM;
		memmove(w->rest.data + size, w->rest.data + w->at, left);
		w->at = size;
	}
	w->at -= size;
	memcpy(w->rest.data + w->at, bytes, size);
	w->own = MIN(w->own, left);
	return 0;
}

/* Take the next name off the rest: 1, 0 where none is left, -ENAMETOOLONG. */
static int take_name(struct walk *w)
{
	const char *rest = (const char *)w->rest.data;
	size_t end, after;

	while (w->at < w->rest.size && rest[w->at] == '/')
		w->at++;
	if (w->at == w->rest.size)
		return 0;
	for (end = w->at; end < w->rest.size && rest[end] != '/'; end++)
		;
	for (after = end; after < w->rest.size && rest[after] == '/'; after++)
		;
	if (end - w->at > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(w->name, rest + w->at, end - w->at);
	w->name[end - w->at] = '\0';
	w->linked = w->rest.size - w->at > w->own;
	w->slash = after > end;
	w->last = after == w->rest.size;
	w->at = end;
	return 1;
}

/* -- Up, across, and from the top ---------------------------------------------------------------- */

/* Stand at a mount's top. */
static void stand_at_top(struct walk *w, uint32_t mount)
{
	forget(w, w->kept_count);
	w->mount = mount;
	w->base = mount_of(w)->fd;
	w->base_size = w->text.size = top_size(w);
}

/* Is the place where the path began the directory of `size` bytes of the text, or above it? */
static bool place_leads_to(const struct walk *w, size_t size)
{
	const struct place *from = w->from;
	size_t top = top_size(w), length = strlen(from->path);

	if (w->mount != from->mount)
		return false;
	if (length == 0)
		return true;
	top += 1;
	return size >= top + length && memcmp(w->text.data + top, from->path, length) == 0 &&
	       (size == top + length || w->text.data[top + length] == '/');
}

/* Go to the directory of the first `size` bytes of the text, which lies in this mount, by walking there once more from
 * the place, or from the mount's top where the place does not lead there. What is left of the path comes after. */
static int begin_again(struct walk *w, uint32_t mount, size_t size)
{
	stand_at_top(w, mount);
	if (place_leads_to(w, size)) {
		w->base = w->from->fd;
		if (w->from->path[0] != '\0')
			w->base_size += 1 + strlen(w->from->path);
		w->text.size = w->base_size;
	}
	/* A "." at the end, as what was left may be nothing: then this is a directory's path, not a name in one. */
	if (put_before(w, "/.", 2) < 0)
		return -ENOMEM;
	return put_before(w, w->text.data + w->text.size, size - w->text.size);
}

/* ".." above the base. */
static int climb(struct walk *w)
{
	bool root = (mount_of(w)->flags & MOUNT_ROOT) != 0;
	size_t parent = parent_size(w);
	uint32_t around;

	if (w->text.size > top_size(w)) {
		/* A link may lead above where the path began, as long as it stays in the mount. */
		if (!root && !w->linked)
			return -EPERM;
		return begin_again(w, w->mount, parent);
	}
	if (w->crossed == 0)
		return root ? 0 : -EPERM;
	around = mounts_around(w->from->mounts, (const char *)w->text.data, parent);
	if (around == MOUNTS_NONE)
		return -EPERM;
	w->crossed--;
	return begin_again(w, around, parent);
}

static int go_up(struct walk *w)
{
	size_t parent = parent_size(w);

	if (w->kept_count == 0)
		return climb(w);
	close_kept(w->kept[--w->kept_count]);
	if (w->kept_count == 0 && parent > w->base_size)
		return begin_again(w, w->mount, parent); /* its descriptor was given up */
	w->text.size = parent;
	return 0;
}

/* Into a mount that lies in the one it stands in. */
static void cross(struct walk *w, uint32_t mount)
{
	stand_at_top(w, mount);
	w->crossed++;
}

/* -- Links ---------------------------------------------------------------------------------------- */

/* The name is a link with this text: ONWARD. */
static int follow(struct walk *w, const char *text, size_t size)
{
	if (size == 0)
		return -ENOENT;
	if (size >= PATH_MAX)
		return -ENAMETOOLONG;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	for (size_t i = 0; i < size; i++)
		w->trail = (w->trail ^ (uint8_t)text[i]) * TRAIL_FACTOR;
	w->text.size = parent_size(w);
	if (text[0] == '/') {
		if ((mount_of(w)->flags & MOUNT_ROOT) == 0)
			return -EPERM;
		stand_at_top(w, w->mount);
		w->crossed = 0;
	}
	return put_before(w, text, size) < 0 ? -ENOMEM : ONWARD;
}

/* Opening the name failed with `error`, -ELOOP or -ENOTDIR. Follow it if it is a link (ONWARD); AGAIN, if it is now
 * another thing than it was then. */
static int follow_after(struct walk *w, int error)
{
	char text[PATH_MAX];
	ssize_t size = readlinkat(here(w), w->name, text, sizeof(text));
	struct stat st;

	if (size >= 0)
		return follow(w, text, (size_t)size);
	if (errno == ENOENT || (errno == EINVAL && error == -ELOOP))
		return AGAIN;
	if (errno != EINVAL)
		return -errno;
	if (fstatat(here(w), w->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? AGAIN : -errno;
	return S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode) ? AGAIN : error;
}

/* -- Names ---------------------------------------------------------------------------------------- */

/* Into the directory of this name. */
static int step(struct walk *w)
{
	int fd = open_here(w, w->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		return errno == ENOTDIR ? follow_after(w, -ENOTDIR) : -errno;
	if (fd < 0 && !mounts_below(w->from->mounts, (const char *)w->text.data, w->text.size))
		return -ENOENT;
	keep(w, fd);
	return ONWARD;
}

/* The text below the mount's top. */
static char *text_below(const struct walk *w)
{
	size_t top = top_size(w), size;
	char *text;

	top += w->text.size > top; /* the slash */
	size = w->text.size - top;
	text = malloc(size + 1);
	if (text == NULL)
		return NULL;
	memcpy(text, w->text.data + top, size);
	text[size] = '\0';
	return text;
}

/* Opened as wanted: hand it out. Takes fd. -ELOOP: it is a link that is to be followed. */
static int arrive(struct walk *w, int fd, int flags, bool follows)
{
	char *path = NULL;
	mode_t mode = 0;
	int r = mounts_admit(mount_of(w), fd, flags, &mode);

	if (r == 0 && follows && S_ISLNK(mode))
		r = -ELOOP;
	if (r == 0 && S_ISDIR(mode)) {
		path = text_below(w);
		r = path == NULL ? -ENOMEM : 0;
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	*w->goal->opened = (struct opened){fd, w->mount, path, mode, NULL};
	return ARRIVED;
}

/* Under a read-only mount, where something is to be created or written: the error Linux has for it. 0 where it is no
 * more than an existing file that may be opened for reading. */
static int check_read_only(const struct walk *w, int flags)
{
	bool writes = OPEN_WRITES(flags) || (flags & O_TRUNC) != 0;
	struct stat st;

	if (here(w) < 0)
		return -ENOENT;
	if (fstatat(here(w), w->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT && (flags & O_CREAT) != 0 ? -EROFS : -errno;
	if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
		return -EEXIST;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if ((flags & O_DIRECTORY) != 0)
		return -ENOTDIR;
	return writes ? -EROFS : 0;
}

/* Does opening so change anything, or might it? */
static bool changes(int flags)
{
	return (flags & O_PATH) == 0 && (OPEN_WRITES(flags) || (flags & (O_CREAT | O_TRUNC)) != 0);
}

static int open_last_once(struct walk *w, int flags, bool follows)
{
	int r = 0, fd;

	if ((mount_of(w)->flags & MOUNT_READ_ONLY) != 0 && changes(flags)) {
		r = check_read_only(w, flags);
		flags &= ~(O_CREAT | O_EXCL);
	}
	if (r == 0) {
		fd = open_here(w, w->name, flags);
		r = fd < 0 ? -errno : arrive(w, fd, flags, follows);
	}
	if (follows && (r == -ELOOP || r == -ENOTDIR))
		return follow_after(w, r);
	return r;
}

static int open_last(struct walk *w)
{
	int flags = w->goal->flags;
	/* What ends with a slash is a directory: a link to one, too, even for O_NOFOLLOW. */
	bool follows = (flags & O_NOFOLLOW) == 0 || w->slash;
	int r = AGAIN;

	if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
		follows = false;
	if (w->slash && (flags & O_CREAT) != 0)
		return -EISDIR;
	flags |= O_NOFOLLOW | (w->slash ? O_DIRECTORY : 0);
	for (int i = 0; r == AGAIN && i < TRIES_MAX; i++)
		r = open_last_once(w, flags, follows);
	return r == AGAIN ? -EAGAIN : r;
}

/* The directory it stands in is the leaf's. */
static void hand_over(struct walk *w, bool is_top)
{
	struct leaf *leaf = w->goal->leaf;

	leaf->owned = w->kept_count > 0;
	leaf->fd = here(w);
	leaf->mount = w->mount;
	leaf->is_top = is_top;
	if (leaf->owned)
		w->kept_count--;
}

static int leave_last(struct walk *w)
{
	char text[PATH_MAX];
	ssize_t size;

	if (here(w) < 0)
		return -ENOENT;
	if (w->goal->follow) {
		size = readlinkat(here(w), w->name, text, sizeof(text));
		if (size >= 0)
			return follow(w, text, (size_t)size);
		if (errno != EINVAL && errno != ENOENT)
			return -errno;
	}
	hand_over(w, false);
	strcpy(w->goal->leaf->name, w->name);
	if (w->slash)
		strcat(w->goal->leaf->name, "/");
	return ARRIVED;
}

/* The path ends in the directory it stands in. */
static int end_here(struct walk *w)
{
	int fd;

	if (here(w) < 0)
		return -ENOENT;
	if (w->goal->leaf != NULL) {
		hand_over(w, w->text.size == top_size(w));
		strcpy(w->goal->leaf->name, ".");
		return ARRIVED;
	}
	fd = open_here(w, ".", w->goal->flags);
	return fd < 0 ? -errno : arrive(w, fd, w->goal->flags, false);
}

/* Take the name, which is no dots. */
static int enter(struct walk *w)
{
	uint32_t nested = MOUNTS_NONE;
	int r = add_name(w);

	if (r < 0)
		return r;
	if (mount_of(w)->has_nested)
		nested = mounts_find(w->from->mounts, (const char *)w->text.data, w->text.size);
	if (nested != MOUNTS_NONE) {
		cross(w, nested);
		return ONWARD;
	}
	if (w->last)
		return w->goal->leaf != NULL ? leave_last(w) : open_last(w);
	r = AGAIN;
	for (int i = 0; r == AGAIN && i < TRIES_MAX; i++)
		r = step(w);
	return r == AGAIN ? -EAGAIN : r;
}

/* -- The guest's own ------------------------------------------------------------------------------ */

/* Standing at a root: the number, where all that is left is "proc/self/fd/NUMBER". */
static bool names_own(const struct walk *w, uint32_t *ret)
{
	static const char front[] = "proc/self/fd/";
	const size_t size = sizeof(front) - 1;
	const char *rest = (const char *)w->rest.data + w->at;
	const char *end = (const char *)w->rest.data + w->rest.size;
	uint32_t number = 0;

	if (w->text.size != top_size(w) || (mount_of(w)->flags & MOUNT_ROOT) == 0)
		return false;
	while (rest < end && *rest == '/')
		rest++;
	if ((size_t)(end - rest) <= size || memcmp(rest, front, size) != 0)
		return false;
	for (rest += size; rest < end; rest++) {
		if (*rest < '0' || *rest > '9' || number > DESCS_MAX)
			return false;
		number = number * 10 + (uint32_t)(*rest - '0');
	}
	*ret = number;
	return true;
}

/* May it be opened so? */
static int check_own(const struct desc *desc, int flags)
{
	int status;

	if (desc->kind == DESC_DIR)
		return -EACCES;
	if (desc->flags & (DESC_LISTENS | DESC_CONNECTION))
		return -ENXIO; /* as Linux has it of all sockets; one that is a standard stream is taken */
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
		return -EEXIST;
	if (flags & O_NOFOLLOW)
		return -ELOOP;
	if (flags & O_PATH)
		return 0;
	status = fcntl(desc->fd, F_GETFL);
	if (status < 0)
		return -errno;
	if (OPEN_WRITES(flags) && !OPEN_WRITES(status))
		return -EACCES;
	return (flags & O_WRONLY) == 0 && (status & O_WRONLY) != 0 ? -EACCES : 0;
}

static int open_own(const struct walk *w, uint32_t number)
{
	struct opened *ret = w->goal->opened;
	struct desc *desc = w->from->descs != NULL ? descs_get(w->from->descs, number) : NULL;
	struct stat st;
	int r = desc == NULL ? -ENOENT : check_own(desc, w->goal->flags), fd = -1;

	if (r == 0) {
		fd = fcntl(desc->fd, F_DUPFD_CLOEXEC, 0);
		r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	}
	if (r == 0) {
		*ret = (struct opened){fd, w->mount, NULL, st.st_mode, desc};
		return ARRIVED;
	}
	if (fd >= 0)
		close(fd);
	desc_unref(desc);
	return r;
}

/* -- The walk ------------------------------------------------------------------------------------- */

static int begin(struct walk *w, const char *path)
{
	const struct place *from = w->from;

	w->text.size = w->rest.size = w->at = 0;
	w->links = w->crossed = 0;
	w->trail = TRAIL_START;
	w->mount = from->mount;
	if (buf_reserve(&w->text, top_size(w) + strlen(from->path) + strlen(path) + 2) < 0)
		return -ENOMEM;
	buf_put(&w->text, mount_of(w)->guest, top_size(w));
	if (from->path[0] != '\0') {
		buf_put(&w->text, "/", 1);
		buf_put(&w->text, from->path, strlen(from->path));
	}
	w->base = from->fd;
	w->base_size = w->text.size;
	w->own = strlen(path);
	return buf_put(&w->rest, path, w->own) == NULL ? -ENOMEM : 0;
}

static int run(struct walk *w, const char *path)
{
	int r = begin(w, path);
	uint32_t own;

	if (r == 0)
		r = ONWARD;
	while (r == ONWARD) {
		if (w->goal->opened != NULL && names_own(w, &own))
			return open_own(w, own);
		r = take_name(w);
		if (r <= 0)
			return r < 0 ? r : end_here(w);
		r = ONWARD;
		if (strcmp(w->name, ".") == 0)
			continue;
		if (strcmp(w->name, "..") != 0)
			r = enter(w);
		else if ((r = go_up(w)) == 0)
			r = ONWARD;
	}
	return r;
}

/*
 * Who swaps trees swaps a link and then removes what it led to (the volumes of Kubernetes). A walk that read the link
 * before that comes too late. It goes once more, and something is missing when links said the same as the time before: the
 * link having been swapped before anything was removed, they said another thing else.
 */
static int walk(const struct place *from, const char *path, const struct goal *goal)
{
	struct walk w = {.from = from, .goal = goal};
	uint64_t before = 0;
	int r = -ENOENT;

	for (int i = 0; i < RUNS_MAX; i++) {
		r = run(&w, path);
		forget(&w, w.kept_count);
		if (r != -ENOENT || w.links == 0 || w.trail == before)
			break;
		before = w.trail;
	}
	buf_deinit(&w.text);
	buf_deinit(&w.rest);
	return r;
}

int walk_open(const struct place *from, const char *path, int flags, mode_t mode,
	      struct opened *ret)
{
	struct goal goal = {.opened = ret, .flags = flags, .mode = mode};

	return walk(from, path, &goal);
}

int walk_leaf(const struct place *from, const char *path, bool follow, struct leaf *ret)
{
	struct goal goal = {.leaf = ret, .follow = follow};

	return walk(from, path, &goal);
}
