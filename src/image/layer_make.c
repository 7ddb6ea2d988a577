/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_make.c: files to a layer: the same files to the same bytes.
 *
 *   sorted list -> tar (libarchive) -> digest of the tar -> gzip (libarchive) -> a blob of the store
 *
 * Nothing of the machine goes in: no names or numbers of its users, no times, no order of its directories, and in gzip's header neither
 * name nor time. What a file is (its bytes, whether it may be executed) is all that counts.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "image/layer_parts.h"

enum { CHUNK = 1 << 16 };

struct make {
	struct store_writer writer;
	struct hash hash; /* of the tar */
	struct archive *gzip, *tar; /* owned */
	struct archive_entry *entry; /* owned; used again and again */
	struct layer_tree tree; /* of the root that files come from */
	int64_t time;
	struct err *err;
	int error; /* with its sentence in err */
	uint8_t bytes[CHUNK];
};

/* -- The list -------------------------------------------------------------------------------------- */

struct item {
	struct layer_file file;
	size_t order; /* in which it was asked for */
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->file.path, ((const struct item *)b)->file.path);
}

static int by_path_and_order(const void *a, const void *b)
{
	size_t one = ((const struct item *)a)->order, other = ((const struct item *)b)->order;
	int paths = by_path(a, b);

	return paths != 0 ? paths : (one > other) - (one < other);
}

static int add(struct buf *items, const struct layer_file *file)
{
	struct item item = {*file, BUF_COUNT(items, struct item)};

	return buf_put(items, &item, sizeof(item)) != NULL ? 0 : -ENOMEM;
}

static int add_parents(struct buf *items, struct arena *arena, const char *path)
{
	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		struct layer_file dir = {.root = AT_FDCWD};

		dir.path = arena_string(arena, path, (size_t)(slash - path));
		if (dir.path == NULL || add(items, &dir) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void unite(struct buf *items)
{
	struct item *item = (struct item *)(void *)items->data;
	size_t count = BUF_COUNT(items, struct item), kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && by_path(&item[kept - 1], &item[i]) == 0)
			kept--;
		item[kept++] = item[i];
	}
	items->size = kept * sizeof(*item);
}

static int check_parents(const struct buf *items, struct err *err)
{
	const struct item *item = (const struct item *)(void *)items->data, *found;
	size_t count = BUF_COUNT(items, struct item);
	char parent[PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		struct item key = {.file.path = parent};
		const char *path = item[i].file.path;
		size_t size = (size_t)(strrchr(path, '/') - path);

		memcpy(parent, path, size);
		parent[size] = '\0';
		found = size == 0 ? NULL : bsearch(&key, item, count, sizeof(key), by_path);
		if (found != NULL && (found->file.source != NULL || found->file.link != NULL))
			return err_set(err, -ENOTDIR,
				       "'%s' shall be in the image, and '%s' too, which is no "
				       "directory",
				       path, found->file.path);
	}
	return 0;
}

/* Sorted, parents first, and no path twice; a parent that nobody asked for yields to who is asked for later. */
static int list_items(const struct layer_list *list, struct buf *ret, struct arena *arena,
		      struct err *err)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const char *path = list->files[i].path;

		if (path[0] != '/' || path[1] == '\0' || strlen(path) >= PATH_MAX)
			return err_set(err, -EINVAL, "'%s' is no path of a file in an image", path);
		if (add_parents(ret, arena, path) < 0)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < list->count; i++)
		if (add(ret, &list->files[i]) < 0)
			return -ENOMEM;
	if (list->count == 0)
		return 0;
	qsort(ret->data, BUF_COUNT(ret, struct item), sizeof(struct item), by_path_and_order);
	unite(ret);
	return check_parents(ret, err);
}

/* -- The archive ----------------------------------------------------------------------------------- */

/* What libarchive refused, if nobody found better words. */
static int refused(struct make *m, struct archive *archive)
{
	const char *why = archive_error_string(archive);

	if (m->error == 0)
		m->error = archive_errno(archive) == ENOMEM
				   ? -ENOMEM
				   : err_set(m->err, -EINVAL, "make the layer: %s",
					     why != NULL ? why : "libarchive failed");
	return m->error;
}

static la_ssize_t to_blob(struct archive *gzip, void *context, const void *bytes, size_t size)
{
	struct make *m = context;

	/* Whoever frees a handle that failed is written to once more. */
	if (m->error == 0)
		m->error = store_write(&m->writer, bytes, size, m->err);
	if (m->error < 0)
		archive_set_error(gzip, -m->error, "the store");
	return m->error < 0 ? -1 : (la_ssize_t)size;
}

static la_ssize_t to_gzip(struct archive *tar, void *context, const void *bytes, size_t size)
{
	struct make *m = context;

	if (m->error == 0)
		hash_take(&m->hash, bytes, size);
	if (m->error == 0 && archive_write_data(m->gzip, bytes, size) == (la_ssize_t)size)
		return (la_ssize_t)size;
	archive_set_error(tar, EIO, "%s", "gzip");
	refused(m, m->gzip);
	return -1;
}

/* A block is as long as what is in it: no padding but the tar's own. */
static int open_both(struct make *m)
{
	m->gzip = archive_write_new();
	m->tar = archive_write_new();
	m->entry = archive_entry_new();
	if (m->gzip == NULL || m->tar == NULL || m->entry == NULL)
		return -ENOMEM;
	if (archive_write_set_format_raw(m->gzip) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(m->gzip) != ARCHIVE_OK ||
	    archive_write_set_filter_option(m->gzip, "gzip", "compression-level", "9") !=
		    ARCHIVE_OK ||
	    archive_write_set_filter_option(m->gzip, "gzip", "timestamp", NULL) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(m->gzip, 1) != ARCHIVE_OK ||
	    archive_write_open(m->gzip, m, NULL, to_blob, NULL) != ARCHIVE_OK)
		return refused(m, m->gzip);
	archive_entry_set_filetype(m->entry, AE_IFREG);
	if (archive_write_header(m->gzip, m->entry) != ARCHIVE_OK)
		return refused(m, m->gzip);
	if (archive_write_set_format_pax_restricted(m->tar) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(m->tar, 1) != ARCHIVE_OK ||
	    archive_write_open(m->tar, m, NULL, to_gzip, NULL) != ARCHIVE_OK)
		return refused(m, m->tar);
	return 0;
}

/* -- Files -------------------------------------------------------------------------------------------- */

static int open_source(struct layer_tree *tree, const struct layer_file *file)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(file->source, '/');
	size_t size = slash == NULL ? 0 : (size_t)(slash - file->source);
	struct layer_place place;
	int error, fd;

	if (file->root == AT_FDCWD) {
		fd = open(file->source, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (tree->root != file->root) {
		layer_tree_deinit(tree);
		layer_tree_init(tree, file->root, NULL);
	}
	memcpy(parent, file->source, size);
	parent[size] = '\0';
	error = layer_tree_open(tree, parent, false, &place);
	if (error < 0)
		return error;
	fd = openat(place.fd, slash == NULL ? file->source : slash + 1,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int layer_file_open(const struct layer_file *file)
{
	struct layer_tree tree;
	int fd;

	layer_tree_init(&tree, -1, NULL);
	fd = open_source(&tree, file);
	layer_tree_deinit(&tree);
	return fd;
}

static void describe(struct make *m, const struct layer_file *file, unsigned type, mode_t mode)
{
	archive_entry_clear(m->entry);
	/* No slash in front, as all layers have it. */
	archive_entry_set_pathname(m->entry, file->path + 1);
	archive_entry_set_filetype(m->entry, type);
	archive_entry_set_perm(m->entry, mode);
	archive_entry_set_uid(m->entry, file->user);
	archive_entry_set_gid(m->entry, file->group);
	archive_entry_set_mtime(m->entry, m->time, 0);
	archive_entry_set_size(m->entry, 0);
}

static int put_header(struct make *m)
{
	int got = archive_write_header(m->tar, m->entry);

	return got == ARCHIVE_OK || got == ARCHIVE_WARN ? 0 : refused(m, m->tar);
}

static int put_bytes(struct make *m, const struct layer_file *file, int fd, uint64_t size)
{
	while (size > 0) {
		ssize_t got = read(fd, m->bytes, MIN(size, sizeof(m->bytes)));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(m->err, got < 0 ? -errno : -ENODATA, "read '%s': %s",
				       file->source,
				       got < 0 ? strerror(errno) : "it became shorter meanwhile");
		if (archive_write_data(m->tar, m->bytes, (size_t)got) != got)
			return refused(m, m->tar);
		size -= (uint64_t)got;
	}
	return 0;
}

static int put_source(struct make *m, const struct layer_file *file)
{
	struct stat st;
	int fd = open_source(&m->tree, file), error = 0;

	if (fd < 0)
		return err_set(m->err, fd, "open '%s': %s", file->source, strerror(-fd));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		error = err_set(m->err, -EINVAL, "'%s' is no regular file", file->source);
	if (error == 0) {
		describe(m, file, AE_IFREG,
			 file->mode != 0 ? file->mode & 0777 : (st.st_mode & 0111 ? 0755 : 0644));
		archive_entry_set_size(m->entry, st.st_size);
		error = put_header(m);
	}
	if (error == 0)
		error = put_bytes(m, file, fd, (uint64_t)st.st_size);
	close(fd);
	return error;
}

static int put_file(struct make *m, const struct layer_file *file)
{
	if (file->source != NULL)
		return put_source(m, file);
	describe(m, file, file->link != NULL ? AE_IFLNK : AE_IFDIR,
		 file->link != NULL ? 0777
		 : file->mode != 0  ? file->mode & 01777
				    : 0755);
	if (file->link != NULL)
		archive_entry_set_symlink(m->entry, file->link);
	return put_header(m);
}

static int put_all(struct make *m, const struct buf *items)
{
	int error = open_both(m);

	for (size_t i = 0; error == 0 && i < BUF_COUNT(items, struct item); i++)
		error = put_file(m, &BUF_ITEM(items, struct item, i)->file);
	if (error == 0 && archive_write_close(m->tar) != ARCHIVE_OK)
		error = refused(m, m->tar);
	if (error == 0 && archive_write_close(m->gzip) != ARCHIVE_OK)
		error = refused(m, m->gzip);
	return error;
}

static int make(const struct store *store, struct make *m, const struct buf *items,
		struct image_descriptor *ret, struct oci_digest *diff)
{
	int error = hash_begin(&m->hash, NULL);

	if (error == 0)
		error = store_write_begin(store, &m->writer, NULL, UINT64_MAX, m->err);
	if (error < 0) {
		hash_drop(&m->hash);
		return error;
	}
	error = m->error = put_all(m, items);
	archive_write_free(m->tar);
	archive_write_free(m->gzip);
	archive_entry_free(m->entry);
	if (error < 0) {
		hash_drop(&m->hash);
		store_write_leave(&m->writer);
		return error;
	}
	hash_end(&m->hash, diff);
	*ret = (struct image_descriptor){
		.type = IMAGE_LAYER_TAR_GZIP,
		.media_type = image_media_type(IMAGE_LAYER_TAR_GZIP),
		.artifact_type = "",
		.size = m->writer.size,
	};
	error = store_write_end(&m->writer, &ret->digest, m->err);
	return error;
}

int layer_make(const struct store *store, const struct layer_list *list,
	       struct image_descriptor *ret, struct oci_digest *diff, struct err *err)
{
	struct make *m = calloc(1, sizeof(*m));
	/* Names are bytes; another locale would write others. */
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;
	struct arena arena = {0};
	struct buf items = {0};
	int error;

	if (m == NULL || plain == (locale_t)0) {
		free(m);
		return -ENOMEM;
	}
	before = uselocale(plain);
	m->err = err;
	m->time = list->time;
	layer_tree_init(&m->tree, -1, NULL);
	error = list_items(list, &items, &arena, err);
	if (error == 0)
		error = make(store, m, &items, ret, diff);
	layer_tree_deinit(&m->tree);
	buf_deinit(&items);
	arena_deinit(&arena);
	uselocale(before);
	freelocale(plain);
	free(m);
	return error;
}
