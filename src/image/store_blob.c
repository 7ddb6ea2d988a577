/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_blob.c: contents by their digests.
 *
 * What comes is written to partial/ and hashed on the way; when all of it is there, right and on the disk, it takes its name in
 * blobs/ by one rename. A partial file of an expected digest has that digest's name, and the lock on it belongs to who writes: a second
 * one waits, and finds either the blob or a part to go on with, whose bytes are hashed again as nobody knows who wrote them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "image/store_parts.h"
#include "oci/store.h"

enum { PIECE = 128 * 1024, TRIES = 64 };

/* -- Reading --------------------------------------------------------------------------------------- */

bool store_has(const struct store *store, const struct oci_digest *digest)
{
	char name[STORE_READY_NAME];
	struct stat st;

	store_blob_path(digest, name);
	return fstatat(store->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

int store_blob_open(const struct store *store, const struct oci_digest *digest, uint64_t *ret_size,
		    struct err *err)
{
	char name[STORE_READY_NAME];
	struct stat st;
	int fd;

	store_blob_path(digest, name);
	fd = openat(store->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, -ENOENT,
			       "%s is not in the store '%s': pull or build its image again",
			       digest->text, store->path);
	if (fd < 0)
		return store_fail(store, -errno, digest->text, err);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return store_fail(store, -EINVAL, digest->text, err);
	}
	if (ret_size != NULL)
		*ret_size = (uint64_t)st.st_size;
	return fd;
}

static int check_content(const struct store *store, const struct oci_digest *digest,
			 const char *text, size_t size, struct err *err)
{
	struct oci_digest found;
	struct hash hash;
	char name[STORE_READY_NAME];

	if (hash_begin(&hash, digest) != 0)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	hash_take(&hash, text, size);
	hash_end(&hash, &found);
	if (oci_digest_is(&found, digest))
		return 0;
	store_blob_path(digest, name);
	return err_set(err, -EBADMSG,
		       "'%s/%s' is damaged, it holds %s: remove that file and pull or build its "
		       "image again",
		       store->path, name, found.text);
}

int store_blob_read(const struct store *store, const struct oci_digest *digest, size_t most,
		    char **ret, size_t *ret_size, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	int fd = store_blob_open(store, digest, NULL, err), error;

	if (fd < 0)
		return fd;
	error = io_whole(fd, most, &text, &size);
	close(fd);
	if (error == -EFBIG)
		return err_set(err, error, "%s has %zu bytes; more than %zu are not looked at",
			       digest->text, size, most);
	if (error != 0)
		return store_fail(store, error, digest->text, err);
	error = check_content(store, digest, text, size, err);
	if (error != 0) {
		free(text);
		return error;
	}
	*ret = text;
	*ret_size = size;
	return 0;
}

/* -- Writing --------------------------------------------------------------------------------------- */

static bool is_known(const struct store_writer *writer)
{
	return writer->expected.text[0] != '\0';
}

static void name_partial(struct store_writer *writer)
{
	static unsigned counter;
	char *colon;

	if (!is_known(writer)) {
		snprintf(writer->name, sizeof(writer->name), "new-%d-%u", (int)getpid(),
			 __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED));
		return;
	}
	memcpy(writer->name, writer->expected.text, sizeof(writer->name));
	colon = strchr(writer->name, ':');
	*colon = '-';
}

static void partial_path(const struct store_writer *writer, char path[static STORE_READY_NAME])
{
	snprintf(path, STORE_READY_NAME, STORE_PARTIAL "/%s", writer->name);
}

static bool is_named(const struct store_writer *writer, const char *path)
{
	struct stat there, ours;

	return fstatat(writer->store->dir, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(writer->fd, &ours) == 0 && there.st_dev == ours.st_dev &&
	       there.st_ino == ours.st_ino;
}

static void drop_file(struct store_writer *writer, bool unlinked)
{
	char path[STORE_READY_NAME];

	partial_path(writer, path);
	if (writer->fd >= 0 && unlinked)
		unlinkat(writer->store->dir, path, 0);
	if (writer->fd >= 0)
		close(writer->fd);
	writer->fd = -1;
}

/* The file, locked, and still of its name when the lock was got. */
static int open_partial(struct store_writer *writer, struct err *err)
{
	const struct store *store = writer->store;
	char path[STORE_READY_NAME], what[OCI_DIGEST_ROOM + 16];

	partial_path(writer, path);
	snprintf(what, sizeof(what), "fetches %.19s", writer->expected.text);
	for (int tries = 0; tries < TRIES; tries++) {
		int error;

		writer->fd =
			openat(store->dir, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (writer->fd < 0)
			return store_fail(store, -errno, "begin a blob", err);
		error = store_wait(store, writer->fd, LOCK_EX, what);
		if (error == 0 && is_named(writer, path))
			return 0;
		drop_file(writer, false);
		if (error != 0)
			return store_fail(store, error, "lock a blob", err);
		if (is_known(writer) && store_has(store, &writer->expected))
			return STORE_THERE;
	}
	return err_set(err, -EAGAIN, "others remove '%s' each time", path);
}

/* Those of an earlier try. */
static int take_earlier(struct store_writer *writer)
{
	uint8_t *piece = malloc(PIECE);
	int error = piece != NULL ? 0 : -ENOMEM;

	while (error == 0) {
		ssize_t n = pread(writer->fd, piece, PIECE, (off_t)writer->size);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			error = -errno;
		if (n > 0) {
			hash_take(&writer->hash, piece, (size_t)n);
			writer->size += (uint64_t)n;
		}
	}
	free(piece);
	if (error == 0 && lseek(writer->fd, (off_t)writer->size, SEEK_SET) < 0)
		error = -errno;
	return error;
}

static int begin_again(struct store_writer *writer)
{
	hash_drop(&writer->hash);
	writer->size = 0;
	writer->error = 0;
	if (ftruncate(writer->fd, 0) < 0 || lseek(writer->fd, 0, SEEK_SET) < 0)
		return -errno;
	return hash_begin(&writer->hash, is_known(writer) ? &writer->expected : NULL);
}

static int go_on(struct store_writer *writer, struct err *err)
{
	struct stat st;
	int error = hash_begin(&writer->hash, is_known(writer) ? &writer->expected : NULL);

	invariant(writer->fd >= 0);
	if (error == 0 && fstat(writer->fd, &st) < 0)
		error = -errno;
	/* Without a digest it is of somebody who had our number before. */
	if (error == 0)
		error = !is_known(writer) || (uint64_t)st.st_size > writer->most
				? begin_again(writer)
				: take_earlier(writer);
	if (error == 0)
		return 0;
	hash_drop(&writer->hash);
	drop_file(writer, true);
	return store_fail(writer->store, error, "go on with a blob", err);
}

int store_write_begin(const struct store *store, struct store_writer *ret,
		      const struct oci_digest *expected, uint64_t most, struct err *err)
{
	struct store_writer writer = {.store = store, .fd = -1, .most = most};
	int error;

	if (expected != NULL)
		writer.expected = *expected;
	*ret = writer;
	if (expected != NULL && store_has(store, expected))
		return STORE_THERE;
	name_partial(&writer);
	error = open_partial(&writer, err);
	/* It may have come between our look and our lock; then what we have is a new file of that name. */
	if (error == 0 && expected != NULL && store_has(store, expected)) {
		drop_file(&writer, true);
		error = STORE_THERE;
	}
	if (error == 0)
		error = go_on(&writer, err);
	if (error == 0)
		*ret = writer;
	return error;
}

int store_write_again(struct store_writer *writer, struct err *err)
{
	int error = begin_again(writer);

	return error == 0 ? 0 : store_fail(writer->store, error, "begin a blob again", err);
}

int store_write(struct store_writer *writer, const void *bytes, size_t size, struct err *err)
{
	if (writer->error == 0 && (size > writer->most || writer->size > writer->most - size))
		return err_set(err, -EFBIG, "%s: more than %llu bytes come",
			       is_known(writer) ? writer->expected.text : "a blob",
			       (unsigned long long)writer->most);
	if (writer->error == 0)
		writer->error = io_write(writer->fd, bytes, size);
	if (writer->error != 0)
		return store_fail(writer->store, writer->error, "write a blob", err);
	hash_take(&writer->hash, bytes, size);
	writer->size += size;
	return 0;
}

/* On the disk before it has a name: whoever finds the name believes the content. */
static int give_name(struct store_writer *writer, const struct oci_digest *digest)
{
	char path[STORE_READY_NAME], name[STORE_READY_NAME];
	int dir = writer->store->dir;

	/* Readable for whoever is let in: as a module it is linked into roots. */
	if (fchmod(writer->fd, 0444) < 0 || fsync(writer->fd) < 0)
		return -errno;
	partial_path(writer, path);
	store_blob_path(digest, name);
	return renameat(dir, path, dir, name) == 0 ? 0 : -errno;
}

int store_write_end(struct store_writer *writer, struct oci_digest *ret, struct err *err)
{
	struct oci_digest found;
	int error = writer->error;

	if (error != 0) {
		store_write_leave(writer);
		return store_fail(writer->store, error, "write a blob", err);
	}
	hash_end(&writer->hash, &found);
	if (is_known(writer) && !oci_digest_is(&found, &writer->expected)) {
		drop_file(writer, true);
		return err_set(err, -EBADMSG, "what came is %s, not %s (%llu bytes)", found.text,
			       writer->expected.text, (unsigned long long)writer->size);
	}
	error = give_name(writer, &found);
	drop_file(writer, error != 0);
	if (error != 0)
		return store_fail(writer->store, error, "write a blob", err);
	if (ret != NULL)
		*ret = found;
	return 0;
}

void store_write_leave(struct store_writer *writer)
{
	bool is_full = writer->error == -ENOSPC || writer->error == -EDQUOT;

	if (writer->fd < 0)
		return;
	hash_drop(&writer->hash);
	drop_file(writer, !is_known(writer) || is_full || writer->size == 0);
}

int store_blob_put(const struct store *store, const void *bytes, size_t size,
		   struct oci_digest *ret, struct err *err)
{
	struct store_writer writer;
	struct oci_digest digest;
	int error;

	hash_of(bytes, size, &digest);
	error = store_write_begin(store, &writer, &digest, size, err);
	if (error == 0 && writer.size > 0)
		error = store_write_again(&writer, err);
	if (error == 0)
		error = store_write(&writer, bytes, size, err);
	if (error == 0)
		error = store_write_end(&writer, NULL, err);
	store_write_leave(&writer);
	if (error < 0)
		return error;
	*ret = digest;
	return 0;
}
