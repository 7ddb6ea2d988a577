/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_unpack.c: the entries of a layer's tar to files below a root.
 *
 * libarchive reads the tar and writes nothing: each entry is cleaned to a directory and a name, the directory is walked to
 * (layer_tree.c), and the name is made in it, instead of what bore it before. What no layer may say (a path with "..", a whiteout
 * of ".") is refused, since whoever says it wants something else; what it may say and we do not want (devices, set-id bits, foreign
 * attributes) is left out.
 *
 * Times of directories are set when all is there, since each entry changes those of its own.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "base/text.h"
#include "image/layer_parts.h"

const struct layer_limits layer_limits_default = {
	.bytes = 16ull << 30,
	.entries = 1000000,
	.ratio = 1000,
};

#define WHITEOUT ".wh."
#define WHITEOUT_OWN ".wh..wh." /* of aufs itself */
#define WHITEOUT_OPAQUE ".wh..wh..opq"

enum { TIMES_MOST = 4 << 20, NOBODY = 65534 };

struct unpack {
	struct layer_stream stream;
	struct layer_tree tree;
	struct archive *tar; /* owned */
	struct archive_entry *entry; /* borrowed from it */
	struct err *err;
	bool owners; /* root: they are kept */
	struct buf times; /* struct directory_time, each with its path behind it */
	/* Where the entry goes: all of it, and as cut in two. */
	char path[PATH_MAX], parent[PATH_MAX];
	const char *name; /* in path; "": the root itself */
};

struct directory_time {
	dev_t device;
	ino_t inode;
	struct timespec mtime;
	size_t size; /* of the path that follows, with its NUL */
};

/* -- Limits ----------------------------------------------------------------------------------------- */

static int limit_read(const char *name, bool (*parse)(const char *, uint64_t *), uint64_t *ret,
		      struct err *err)
{
	const char *text = getenv(name);

	if (text == NULL || text[0] == '\0')
		return 0;
	if (!parse(text, ret) || *ret == 0)
		return err_set(err, -EINVAL, "%s: '%s' is no number above 0", name, text);
	return 0;
}

int layer_limits_read(struct layer_limits *ret, struct err *err)
{
	struct layer_limits limits = layer_limits_default;
	int error = limit_read("SKIFF_UNPACK_BYTES", text_parse_size, &limits.bytes, err);

	if (error == 0)
		error = limit_read("SKIFF_UNPACK_ENTRIES", text_parse_u64, &limits.entries, err);
	if (error == 0)
		error = limit_read("SKIFF_UNPACK_RATIO", text_parse_u64, &limits.ratio, err);
	if (error == 0)
		*ret = limits;
	return error;
}

static int too_many(const struct unpack *u)
{
	return err_set(u->err, -EFBIG,
		       "the image has more files than are allowed: SKIFF_UNPACK_ENTRIES=NUMBER in "
		       "the environment raises the limit (%llu where it is not given)",
		       (unsigned long long)layer_limits_default.entries);
}

/* What the system refused, of the entry at hand. */
static int failed(const struct unpack *u, int error)
{
	const char *why = strerror(-error);

	if (error == -EDQUOT && u->tree.left->entries == 0)
		return too_many(u);
	if (error == -ENOSPC || error == -EDQUOT)
		return err_set(
			u->err, -ENOSPC,
			"no room for the layer's '%s': free some on that disk (skiff rmi), or "
			"let SKIFF_STORE name a directory elsewhere",
			u->path);
	if (error == -ENOTDIR)
		why = "a file is in the way, where a directory should be";
	else if (error == -ELOOP)
		why = "the links in its way lead in a circle";
	else if (error == -ENAMETOOLONG)
		why = "a name in its way is too long, or it lies too deep";
	return err_set(u->err, error, "the layer's '%s': %s", u->path, why);
}

static int refuse(const struct unpack *u, const char *path, const char *why)
{
	return err_set(u->err, -EINVAL, "the layer has '%s', and %s", path, why);
}

/* -- Paths ------------------------------------------------------------------------------------------- */

/* Without slashes and dots that say nothing; "" is the root. */
static int clean(const struct unpack *u, const char *text, char ret[static PATH_MAX])
{
	size_t used = 0;

	for (const char *at = text; *at != '\0';) {
		size_t size = strcspn(at, "/");

		if (size == 2 && memcmp(at, "..", 2) == 0)
			return refuse(u, text, "no path of a layer may have '..'");
		if (size > NAME_MAX || used + size + 2 > PATH_MAX)
			return err_set(u->err, -EINVAL,
				       "the layer has a path of %zu bytes, which is too long: "
				       "'%.60s...'",
				       strlen(text), text);
		if (size > 0 && !(size == 1 && at[0] == '.')) {
			if (used > 0)
				ret[used++] = '/';
			memcpy(ret + used, at, size);
			used += size;
		}
		at += size + (at[size] == '/');
	}
	ret[used] = '\0';
	return 0;
}

/* The directory of a clean path goes to `parent`; its name is returned. */
static const char *cut(const char *path, char parent[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t size = slash == NULL ? 0 : (size_t)(slash - path);

	memcpy(parent, path, size);
	parent[size] = '\0';
	return slash == NULL ? path : slash + 1;
}

/* Is there a directory of a whiteout's name in its way? */
static bool lies_in_whiteout(const char *parent, const char *prefix)
{
	const char *at = parent;

	while (at != NULL) {
		if (strncmp(at, prefix, strlen(prefix)) == 0)
			return true;
		at = strchr(at, '/');
		at = at == NULL ? NULL : at + 1;
	}
	return false;
}

/* -- What is common to entries --------------------------------------------------------------------- */

static uint32_t id_of(int64_t id)
{
	return id >= 0 && id < UINT32_MAX ? (uint32_t)id : NOBODY;
}

static struct timespec time_of(struct archive_entry *entry)
{
	struct timespec t = {0};

	if (archive_entry_mtime_is_set(entry)) {
		t.tv_sec = archive_entry_mtime(entry);
		t.tv_nsec = archive_entry_mtime_nsec(entry);
	}
	/* What no file system has is not worth refusing an image. */
	if (t.tv_sec < 0 || t.tv_sec > UINT32_MAX)
		t.tv_sec = t.tv_sec < 0 ? 0 : UINT32_MAX;
	if (t.tv_nsec < 0 || t.tv_nsec > 999999999)
		t.tv_nsec = 0;
	return t;
}

/* Those of users, which mean nothing to the kernel. Where the file system has none of them, or has no room, they are left out. */
static void set_attributes(struct archive_entry *entry, int fd)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (name != NULL && strncmp(name, "user.", 5) == 0)
			(void)fsetxattr(fd, name, value, size, 0);
	}
}

/* Root inside a user namespace has not all ids: what cannot be given away stays ours. */
static int set_owner(const struct unpack *u, int dir, const char *name)
{
	uint32_t user = id_of(archive_entry_uid(u->entry));
	uint32_t group = id_of(archive_entry_gid(u->entry));

	if (!u->owners || fchownat(dir, name, user, group, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return errno == EPERM || errno == EINVAL ? 0 : -errno;
}

/* -- Kinds of entries ------------------------------------------------------------------------------- */

static int put_data(struct unpack *u, int fd)
{
	uint64_t end = 0, written = 0, size = (uint64_t)MAX(archive_entry_size(u->entry), 0);
	const void *bytes;
	size_t count;
	la_int64_t at;
	int got, error;

	while ((got = archive_read_data_block(u->tar, &bytes, &count, &at)) == ARCHIVE_OK) {
		error = io_write_at(fd, bytes, count, (uint64_t)at);
		if (error < 0)
			return failed(u, error);
		written += count;
		end = MAX(end, (uint64_t)at + count);
	}
	if (got != ARCHIVE_EOF)
		return -EBADMSG;
	/* What a sparse file does not say was not counted when it was read. */
	size = MAX(size, end);
	if (size - MIN(size, written) > u->tree.left->bytes)
		return err_set(u->err, -EFBIG,
			       "the layer's '%s' has %llu bytes, more than are allowed: "
			       "SKIFF_UNPACK_BYTES=SIZE in the environment raises the limit",
			       u->path, (unsigned long long)size);
	u->tree.left->bytes -= size - MIN(size, written);
	return size == end || ftruncate(fd, (off_t)size) == 0 ? 0 : failed(u, -errno);
}

static int put_file(struct unpack *u, const struct layer_place *place)
{
	struct timespec t = time_of(u->entry), times[2] = {t, t};
	int fd = openat(place->fd, u->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int error;

	if (fd < 0)
		return failed(u, -errno);
	error = put_data(u, fd);
	if (error == 0) {
		error = set_owner(u, place->fd, u->name);
		set_attributes(u->entry, fd);
		if (error == 0 && (fchmod(fd, archive_entry_perm(u->entry) & 0777) < 0 ||
				   futimens(fd, times) < 0))
			error = -errno;
		if (error < 0)
			error = failed(u, error);
	}
	close(fd);
	return error;
}

static int put_link(struct unpack *u, const struct layer_place *place)
{
	const char *text = archive_entry_symlink(u->entry);
	struct timespec t = time_of(u->entry), times[2] = {t, t};
	int error;

	if (text == NULL || text[0] == '\0' || strlen(text) >= PATH_MAX)
		return refuse(u, u->path, "that link leads to nothing, or has too long a text");
	if (symlinkat(text, place->fd, u->name) < 0)
		return failed(u, -errno);
	error = set_owner(u, place->fd, u->name);
	/* A link's time is nothing to fail for. */
	(void)utimensat(place->fd, u->name, times, AT_SYMLINK_NOFOLLOW);
	return error < 0 ? failed(u, error) : 0;
}

/* Another name of what is there, by no link in its last part. */
static int put_hard_link(struct unpack *u)
{
	char path[PATH_MAX], parent[PATH_MAX];
	const char *text = archive_entry_hardlink(u->entry), *name;
	struct layer_place place, to;
	struct stat st;
	int from, error = clean(u, text, path);

	if (error < 0)
		return error;
	name = cut(path, parent);
	if (name[0] == '\0')
		return refuse(u, u->path, "a hard link leads to no directory");
	error = layer_tree_open(&u->tree, parent, false, &place);
	if (error == 0 && fstatat(place.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		error = -errno;
		/* Another name of what was left out. */
		if (error == -ENOENT && layer_tree_brought(&u->tree, &place, name))
			return u->tree.left->left_out++, 0;
	}
	if (error < 0)
		return err_set(u->err, -EINVAL,
			       "the layer has '%s', a hard link to '%s', which is not there",
			       u->path, text);
	if (S_ISDIR(st.st_mode))
		return refuse(u, u->path, "a hard link leads to no directory");
	from = fcntl(place.fd, F_DUPFD_CLOEXEC, 0);
	if (from < 0)
		return failed(u, -errno);
	to = place;
	error = layer_tree_open(&u->tree, u->parent, true, &to);
	/* Of itself there is nothing to be made. */
	if (error == 0 &&
	    !(place.device == to.device && place.inode == to.inode && strcmp(name, u->name) == 0)) {
		error = layer_tree_remove(&u->tree, &to, u->name, false);
		if (error == 0 && linkat(from, name, to.fd, u->name, 0) < 0)
			error = -errno;
	}
	close(from);
	if (error == 0)
		error = layer_tree_bring(&u->tree, &to, u->name);
	return error < 0 ? failed(u, error) : 0;
}

/* -- Directories --------------------------------------------------------------------------------------- */

static void times_apply(struct unpack *u)
{
	struct layer_place place;

	for (size_t i = 0; i < u->times.size;) {
		struct directory_time d;
		const char *path = (const char *)u->times.data + i + sizeof(d);

		memcpy(&d, u->times.data + i, sizeof(d));
		i += sizeof(d) + d.size;
		if (layer_tree_open(&u->tree, path, false, &place) == 0 &&
		    place.device == d.device && place.inode == d.inode)
			(void)utimensat(place.fd, ".", (struct timespec[]){d.mtime, d.mtime}, 0);
	}
	u->times.size = 0;
}

static int times_add(struct unpack *u, const struct layer_place *place)
{
	struct directory_time d = {
		.device = place->device,
		.inode = place->inode,
		.mtime = time_of(u->entry),
		.size = strlen(u->path) + 1,
	};

	/* Memory has an end; then some directories are as young as what was put in them last. */
	if (u->times.size > TIMES_MOST)
		times_apply(u);
	if (buf_reserve(&u->times, sizeof(d) + d.size) < 0)
		return -ENOMEM;
	buf_put(&u->times, &d, sizeof(d));
	buf_put(&u->times, u->path, d.size);
	return 0;
}

/* Made, unless it is there; `place`: the one it lies in, and then itself. */
static int directory_make(struct unpack *u, struct layer_place *place)
{
	struct stat st;
	int error;

	error = layer_tree_bring(&u->tree, place, u->name);
	if (error < 0)
		return error;
	if (fstatat(place->fd, u->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode)) {
		error = layer_tree_remove(&u->tree, place, u->name, false);
		if (error < 0)
			return error;
	}
	if (place->depth == LAYER_DEPTH_MAX)
		return -ENAMETOOLONG;
	if (mkdirat(place->fd, u->name, 0755) < 0 && errno != EEXIST)
		return -errno;
	return layer_tree_open(&u->tree, u->path, false, place);
}

static int put_directory(struct unpack *u, struct layer_place place)
{
	mode_t mode = archive_entry_perm(u->entry) & 01777;
	int error = u->name[0] == '\0' ? 0 : directory_make(u, &place), fd;

	if (error == 0)
		error = set_owner(u, place.fd, ".");
	if (error == 0 && fchmodat(place.fd, ".", u->owners ? mode : mode | 0700, 0) < 0)
		error = -errno;
	if (error == 0 && archive_entry_xattr_count(u->entry) > 0 &&
	    (fd = openat(place.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) {
		set_attributes(u->entry, fd);
		close(fd);
	}
	if (error == 0)
		error = times_add(u, &place);
	return error < 0 ? failed(u, error) : 0;
}

/* -- Whiteouts ------------------------------------------------------------------------------------------ */

static int take_away(struct unpack *u)
{
	const char *what = u->name + strlen(WHITEOUT);
	bool opaque = strcmp(u->name, WHITEOUT_OPAQUE) == 0;
	struct layer_place place;
	int error;

	if (!opaque && strncmp(u->name, WHITEOUT_OWN, strlen(WHITEOUT_OWN)) == 0)
		return 0;
	if (what[0] == '\0' || strcmp(what, ".") == 0 || strcmp(what, "..") == 0)
		return refuse(u, u->path, "a whiteout names a file");
	error = layer_tree_open(&u->tree, u->parent, false, &place);
	/* Where there is no such directory, nothing is in it. */
	if (error == -ENOENT || error == -ENOTDIR)
		return 0;
	if (error == 0)
		error = opaque ? layer_tree_opaque(&u->tree, &place)
			       : layer_tree_remove(&u->tree, &place, what, true);
	return error < 0 ? failed(u, error) : 0;
}

/* -- The tar ---------------------------------------------------------------------------------------------- */

/* Make what the entry is, by its name in its directory, where nothing of that name is any more. */
static int put_node(struct unpack *u, mode_t type)
{
	struct layer_place place;
	int error;

	if (u->name[0] == '\0' && type != AE_IFDIR)
		return refuse(u, archive_entry_pathname(u->entry),
			      "the root of an image is a directory");
	error = layer_tree_open(&u->tree, u->parent, true, &place);
	if (error < 0)
		return failed(u, error);
	if (type == AE_IFDIR)
		return put_directory(u, place);
	error = layer_tree_remove(&u->tree, &place, u->name, false);
	if (error == 0)
		error = layer_tree_bring(&u->tree, &place, u->name);
	if (error < 0)
		return failed(u, error);
	if (type == AE_IFREG)
		return put_file(u, &place);
	if (type == AE_IFLNK)
		return put_link(u, &place);
	u->tree.left->left_out++;
	return 0;
}

static int put_entry(struct unpack *u)
{
	const char *text = archive_entry_pathname(u->entry);
	int error;

	if (u->tree.left->entries == 0)
		return too_many(u);
	u->tree.left->entries--;
	if (text == NULL || text[0] == '\0')
		return err_set(u->err, -EINVAL, "the layer has a file without a name");
	error = clean(u, text, u->path);
	if (error < 0)
		return error;
	u->name = cut(u->path, u->parent);
	if (lies_in_whiteout(u->parent, WHITEOUT_OWN))
		return 0;
	if (lies_in_whiteout(u->parent, WHITEOUT))
		return refuse(u, u->path, "a whiteout is no directory");
	if (strncmp(u->name, WHITEOUT, strlen(WHITEOUT)) == 0)
		return take_away(u);
	if (archive_entry_hardlink(u->entry) != NULL && u->name[0] != '\0')
		return put_hard_link(u);
	return put_node(u, archive_entry_filetype(u->entry));
}

static la_ssize_t feed(struct archive *tar, void *context, const void **ret)
{
	struct unpack *u = context;
	ssize_t size = layer_stream_next(&u->stream, ret);

	if (size < 0)
		archive_set_error(tar, -(int)size, "the stream");
	return size < 0 ? ARCHIVE_FATAL : size;
}

/* libarchive gave up: because of what it read, or because it got nothing to read. */
static int tar_failed(struct unpack *u)
{
	const char *why = archive_error_string(u->tar);

	if (u->stream.error != 0)
		return u->stream.error;
	if (archive_errno(u->tar) == ENOMEM)
		return -ENOMEM;
	return err_set(u->err, -EBADMSG, "the layer is no whole tar archive: %s",
		       why != NULL ? why : "it is damaged");
}

static int put_all(struct unpack *u)
{
	int error = 0, got = ARCHIVE_OK;

	u->tar = archive_read_new();
	if (u->tar == NULL)
		return -ENOMEM;
	archive_read_support_format_tar(u->tar);
	if (archive_read_open(u->tar, u, NULL, feed, NULL) != ARCHIVE_OK)
		return tar_failed(u);
	while (error == 0) {
		got = archive_read_next_header(u->tar, &u->entry);
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			break;
		error = put_entry(u);
	}
	if (error == -EBADMSG || (error == 0 && got != ARCHIVE_EOF))
		return tar_failed(u);
	return error;
}

int layer_unpack(int fd, enum image_type type, int root, struct layer_limits *left,
		 struct oci_digest *diff, struct err *err)
{
	struct unpack *u = malloc(sizeof(*u));
	/* Names are bytes: in any other locale libarchive makes others of them. */
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;
	int error;

	if (u == NULL || plain == (locale_t)0) {
		free(u);
		return -ENOMEM;
	}
	before = uselocale(plain);
	u->tar = NULL;
	u->err = err;
	u->owners = geteuid() == 0;
	u->times = (struct buf){0};
	layer_tree_init(&u->tree, root, left);
	error = layer_stream_open(&u->stream, fd, type, left, err);
	if (error == 0)
		error = put_all(u);
	if (error == 0)
		error = layer_stream_end(&u->stream, diff);
	if (error == 0)
		times_apply(u);
	if (u->tar != NULL)
		archive_read_free(u->tar);
	layer_stream_close(&u->stream);
	layer_tree_deinit(&u->tree);
	buf_deinit(&u->times);
	uselocale(before);
	freelocale(plain);
	free(u);
	return error;
}
