/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_write.c: files of a layout into a tar, or into a directory; and the JSON in them.
 *
 * A tar has no time, no owner and no room for chance: the same files in the same order are the same bytes, in a file and through a
 * pipe. A file is written beside its place and takes it at the end; a directory that did not come to its end goes again.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "command/out.h"
#include "image/archive_parts.h"
#include "image/hash.h"
#include "oci/store.h"

enum { PIECE = 128 * 1024, TAR_BLOCK = 10240 };

struct archive_sink {
	struct archive *tar; /* owned; NULL: a directory, */
	int dir; /* owned: this one */
	int fd; /* owned: of the tar; standard output is not */
	const char *path; /* borrowed; NULL: standard output */
	char *scratch; /* owned: where it is written before it is whole; NULL: at its place */
	bool was_made; /* the directory */
	struct buf written; /* names of a directory, each with a NUL: what goes again if it fails */
};

/* -- JSON ------------------------------------------------------------------------------------------------ */

int archive_json(archive_emit_fn *fn, const void *context, char **ret, size_t *ret_size,
		 struct err *err)
{
	int fd = memfd_create("json", MFD_CLOEXEC), rc;
	struct out out;
	struct emit emit;

	if (fd < 0)
		return err_set(err, -errno, "memory: %s", strerror(errno));
	out_init(&out, fd);
	emit_init(&emit, &out);
	fn(&emit, context);
	rc = out_flush(&out);
	if (rc == 0)
		rc = io_whole(fd, IMAGE_JSON_MAX, ret, ret_size);
	close(fd);
	return rc < 0 ? err_set(err, rc, "put a manifest together: %s", strerror(-rc)) : 0;
}

void archive_emit_descriptor(struct emit *emit, const char *key, const char *media_type,
			     const struct oci_digest *digest, uint64_t size)
{
	emit_open(emit, key, '{');
	emit_string(emit, "mediaType", media_type);
	emit_string(emit, "digest", digest->text);
	emit_u64(emit, "size", size);
}

/* -- Opening ------------------------------------------------------------------------------------------------ */

/* What cannot be read is not taken for empty. */
static bool is_empty(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool found = dir == NULL;

	if (dir == NULL && fd >= 0)
		close(fd);
	while (!found && (entry = readdir(dir)) != NULL)
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (dir != NULL)
		closedir(dir);
	return !found;
}

static int open_folder(struct archive_sink *sink, struct err *err)
{
	sink->was_made = mkdir(sink->path, 0755) == 0;
	if (!sink->was_made && errno != EEXIST)
		return err_set(err, -errno, "make '%s': %s", sink->path, strerror(errno));
	sink->dir = open(sink->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sink->dir < 0)
		return err_set(err, -errno, "'%s': %s", sink->path, strerror(errno));
	if (sink->was_made || is_empty(sink->dir))
		return 0;
	return err_set(err, -EEXIST, "'%s' is not empty: name a new or an empty directory",
		       sink->path);
}

/* What is there and no file (a pipe, a terminal, a device) stays where it is. */
static int open_file(struct archive_sink *sink, struct err *err)
{
	struct stat st;
	int error;

	if (stat(sink->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		sink->fd = open(sink->path, O_WRONLY | O_CLOEXEC);
	} else {
		if (asprintf(&sink->scratch, "%s.new-%d", sink->path, (int)getpid()) < 0) {
			sink->scratch = NULL;
			return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
		}
		sink->fd = open(sink->scratch, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	}
	if (sink->fd >= 0)
		return 0;
	error = errno;
	free(sink->scratch);
	sink->scratch = NULL;
	return err_set(err, -error, "'%s': %s", sink->path, strerror(error));
}

static int fail_tar(struct archive_sink *sink, struct err *err)
{
	int error = archive_errno(sink->tar);

	return err_set(err, error > 0 ? -error : -EIO, "write '%s': %s",
		       sink->path != NULL ? sink->path : "standard output",
		       error > 0 ? strerror(error) : archive_error_string(sink->tar));
}

static int open_tar(struct archive_sink *sink, struct err *err)
{
	sink->tar = archive_write_new();
	if (sink->tar == NULL)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	archive_write_set_format_pax_restricted(sink->tar);
	archive_write_add_filter_none(sink->tar);
	archive_write_set_bytes_per_block(sink->tar, TAR_BLOCK);
	archive_write_set_bytes_in_last_block(sink->tar, TAR_BLOCK);
	if (archive_write_open_fd(sink->tar, sink->path != NULL ? sink->fd : STDOUT_FILENO) ==
	    ARCHIVE_OK)
		return 0;
	return fail_tar(sink, err);
}

int archive_sink_open(struct archive_sink **ret, const char *path, bool is_directory,
		      struct err *err)
{
	struct archive_sink *sink = calloc(1, sizeof(*sink));
	int rc = 0;

	if (sink == NULL)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	*sink = (struct archive_sink){.dir = -1, .fd = -1, .path = path};
	if (is_directory)
		rc = open_folder(sink, err);
	else if (path != NULL)
		rc = open_file(sink, err);
	if (rc == 0 && !is_directory)
		rc = open_tar(sink, err);
	if (rc < 0)
		archive_sink_close(sink);
	else
		*ret = sink;
	return rc;
}

/* -- Files ------------------------------------------------------------------------------------------------------- */

/* `size` of a folder is 0. */
static int begin_entry(struct archive_sink *sink, const char *name, bool is_folder, uint64_t size,
		       struct err *err)
{
	struct archive_entry *entry = archive_entry_new();
	int result;

	if (entry == NULL)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, is_folder ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(entry, is_folder ? 0755 : 0644);
	archive_entry_set_size(entry, (int64_t)size);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	result = archive_write_header(sink->tar, entry);
	archive_entry_free(entry);
	return result == ARCHIVE_OK ? 0 : fail_tar(sink, err);
}

static int fail_file(struct archive_sink *sink, const char *name, int error, struct err *err)
{
	return err_set(err, -error, "write '%s/%s': %s", sink->path, name, strerror(error));
}

static int remember(struct archive_sink *sink, const char *name, struct err *err)
{
	if (buf_put(&sink->written, name, strlen(name) + 1) != NULL)
		return 0;
	return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

int archive_sink_folder(struct archive_sink *sink, const char *name, struct err *err)
{
	if (sink->tar != NULL)
		return begin_entry(sink, name, true, 0, err);
	if (mkdirat(sink->dir, name, 0755) < 0)
		return fail_file(sink, name, errno, err);
	return remember(sink, name, err);
}

/* A descriptor to write to, or of a tar, 0. */
static int begin_file(struct archive_sink *sink, const char *name, uint64_t size, int *ret,
		      struct err *err)
{
	*ret = -1;
	if (sink->tar != NULL)
		return begin_entry(sink, name, false, size, err);
	*ret = openat(sink->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (*ret < 0)
		return fail_file(sink, name, errno, err);
	return remember(sink, name, err);
}

static int put(struct archive_sink *sink, const char *name, int fd, const void *bytes, size_t size,
	       struct err *err)
{
	int rc;

	if (fd < 0)
		return archive_write_data(sink->tar, bytes, size) == (ssize_t)size
			       ? 0
			       : fail_tar(sink, err);
	rc = io_write(fd, bytes, size);
	return rc < 0 ? fail_file(sink, name, -rc, err) : 0;
}

static int end_file(struct archive_sink *sink, const char *name, int fd, int rc, struct err *err)
{
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = fail_file(sink, name, errno, err);
	return rc;
}

int archive_sink_text(struct archive_sink *sink, const char *name, const char *text, size_t size,
		      struct err *err)
{
	int fd, rc = begin_file(sink, name, size, &fd, err);

	if (rc == 0)
		rc = put(sink, name, fd, text, size, err);
	return end_file(sink, name, fd, rc, err);
}

/* Bytes from a descriptor; what they are a digest of. */
static int copy(struct archive_sink *sink, const char *name, int from, int to, struct hash *hash,
		struct err *err)
{
	char *piece = malloc(PIECE);
	int rc = piece != NULL ? 0 : err_set(err, -ENOMEM, "%s", strerror(ENOMEM));

	while (rc == 0) {
		ssize_t n = read(from, piece, PIECE);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			rc = err_set(err, -errno, "read %s: %s", name, strerror(errno));
		if (n <= 0)
			continue;
		hash_take(hash, piece, (size_t)n);
		rc = put(sink, name, to, piece, (size_t)n, err);
	}
	free(piece);
	return rc;
}

static int copy_blob(struct archive_sink *sink, const char *name, int from, int to,
		     const struct oci_digest *digest, struct err *err)
{
	struct oci_digest found;
	struct hash hash;
	int rc = hash_begin(&hash, digest);

	if (rc < 0)
		return err_set(err, rc, "%s", strerror(-rc));
	rc = copy(sink, name, from, to, &hash, err);
	hash_end(&hash, &found);
	if (rc == 0 && !oci_digest_is(&found, digest))
		rc = err_set(err, -EBADMSG,
			     "the store's %s is damaged: pull, build or load its image again",
			     name);
	return rc;
}

int archive_sink_blob(struct archive_sink *sink, const struct store *store,
		      const struct oci_digest *digest, struct err *err)
{
	char name[STORE_READY_NAME];
	uint64_t size;
	int from = store_blob_open(store, digest, &size, err), to, rc;

	if (from < 0)
		return from;
	store_blob_path(digest, name);
	rc = begin_file(sink, name, size, &to, err);
	if (rc == 0)
		rc = copy_blob(sink, name, from, to, digest, err);
	close(from);
	return end_file(sink, name, to, rc, err);
}

/* -- The end -------------------------------------------------------------------------------------------------------- */

int archive_sink_end(struct archive_sink *sink, struct err *err)
{
	if (sink->tar == NULL) {
		buf_deinit(&sink->written);
		sink->was_made = false;
		return 0;
	}
	if (archive_write_close(sink->tar) != ARCHIVE_OK)
		return fail_tar(sink, err);
	if (sink->scratch == NULL)
		return 0;
	if (rename(sink->scratch, sink->path) < 0)
		return err_set(err, -errno, "'%s': %s", sink->path, strerror(errno));
	free(sink->scratch);
	sink->scratch = NULL;
	return 0;
}

/* The last first: a folder when it is empty. */
static void remove_written(struct archive_sink *sink)
{
	const char *names = (const char *)sink->written.data;
	size_t end = sink->written.size;

	while (end > 0) {
		size_t begin = end - 1;

		while (begin > 0 && names[begin - 1] != '\0')
			begin--;
		if (unlinkat(sink->dir, names + begin, 0) < 0)
			unlinkat(sink->dir, names + begin, AT_REMOVEDIR);
		end = begin;
	}
	if (sink->was_made)
		rmdir(sink->path);
}

struct archive_sink *archive_sink_close(struct archive_sink *sink)
{
	if (sink == NULL)
		return NULL;
	if (sink->tar != NULL)
		archive_write_free(sink->tar);
	if (sink->dir >= 0)
		remove_written(sink);
	if (sink->scratch != NULL)
		unlink(sink->scratch);
	if (sink->dir >= 0)
		close(sink->dir);
	if (sink->fd >= 0)
		close(sink->fd);
	buf_deinit(&sink->written);
	free(sink->scratch);
	free(sink);
	return NULL;
}
