/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_collect.c: what no name leads to, and nobody uses, goes.
 *
 * With the lock held alone nobody is about to give a name to what is there. Names lead to manifests, these to configs and layers; what
 * is ready goes with the image, a root with the last that needs it, or with the last container in it. A name whose manifests cannot be
 * read stops it all: nobody knows what it would lead to. Order: ready, then roots, then blobs, so that whoever kills us in between
 * leaves nothing that is ready without its root, and roots get another name before they are taken to pieces.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "image/digests.h"
#include "image/store_parts.h"
#include "image/store_uses.h"
#include "oci/store.h"

enum {
	NESTED_MOST = 8, /* indexes in indexes */
	PARTIAL_SECONDS = 24 * 3600, /* so long a part of a blob waits to be gone on with */
	ROOT_DIGITS = 64,
};

#define GONE "gone" /* in roots/: what is taken to pieces */

struct collection {
	const struct store *store; /* borrowed */
	struct digests kept; /* blobs; those whose names are in ready/, too */
	struct digests
		followed; /* of them what was read, as whatever a name leads to by way of manifests */
	struct store_uses uses;
	struct buf roots; /* char[80] each: which ones what is ready needs */
	struct store_freed freed;
	bool parts; /* go, however young */
	int error; /* the first; then the rest is tried all the same */
	struct err *err;
};

/* -- What is kept ---------------------------------------------------------------------------------- */

static int keep_only(struct collection *c, const struct oci_digest *digest, struct err *err)
{
	int added = digests_add(&c->kept, digest);

	return added < 0 ? err_set(err, added, "%s", strerror(-added)) : 0;
}

static int keep_text(struct collection *c, const struct image_descriptor *d, unsigned depth,
		     struct err *err);

/* That it is kept already says nothing: an image may list another one's manifest among its layers. */
static int keep(struct collection *c, const struct image_descriptor *d, unsigned depth,
		struct err *err)
{
	int error = keep_only(c, &d->digest, err), added;

	/* Of an index often one platform is there only. */
	if (error != 0 || !store_has(c->store, &d->digest))
		return error;
	if (d->type != IMAGE_INDEX && d->type != IMAGE_MANIFEST && d->type != IMAGE_UNKNOWN)
		return 0;
	if (depth >= NESTED_MOST)
		return err_set(err, -ELOOP, "its indexes lead to indexes, more than %d deep",
			       NESTED_MOST);
	added = digests_add(&c->followed, &d->digest);
	if (added < 0)
		return err_set(err, added, "%s", strerror(-added));
	return added == 0 ? 0 : keep_text(c, d, depth, err);
}

static int keep_index(struct collection *c, const char *text, size_t size, unsigned depth,
		      struct err *err)
{
	struct image_index index;
	int error = image_index_parse(&index, text, size, err);

	if (error != 0)
		return error;
	for (uint32_t i = 0; i < index.count && error == 0; i++)
		error = keep(c, &index.manifests[i], depth + 1, err);
	image_index_deinit(&index);
	return error;
}

static int keep_manifest(struct collection *c, const char *text, size_t size, struct err *err)
{
	struct image_manifest manifest;
	int error = image_manifest_parse(&manifest, text, size, err);

	if (error != 0)
		return error;
	error = keep_only(c, &manifest.config.digest, err);
	for (uint32_t i = 0; i < manifest.count && error == 0; i++)
		error = keep_only(c, &manifest.layers[i].digest, err);
	image_manifest_deinit(&manifest);
	return error;
}

/*
 * What something is that an index leads to is the index's own word, and whoever wrote it may say of a layer that it was a manifest.
 * Its bytes are right: so it is none, and leads nowhere. What a name itself leads to was one when it got the name.
 */
static int keep_text(struct collection *c, const struct image_descriptor *d, unsigned depth,
		     struct err *err)
{
	enum image_type type = d->type;
	char *text;
	size_t size;
	int error = store_blob_read(c->store, &d->digest, IMAGE_JSON_MAX, &text, &size, err);

	/* Something large is no manifest. */
	if (error == -EFBIG && (depth > 0 || type == IMAGE_UNKNOWN))
		return 0;
	if (error != 0)
		return error;
	if (depth > 0 || type == IMAGE_UNKNOWN)
		type = image_guess(text, size);
	if (type == IMAGE_INDEX)
		error = keep_index(c, text, size, depth, err);
	else if (type == IMAGE_MANIFEST)
		error = keep_manifest(c, text, size, err);
	free(text);
	return error;
}

static int keep_named(struct collection *c, struct err *err)
{
	struct image_index index;
	int error = store_list(c->store, &index, err);

	if (error != 0)
		return error;
	for (uint32_t i = 0; i < index.count && error == 0; i++) {
		const char *name = image_note(&index.manifests[i].notes, STORE_REF_NAME);

		error = keep(c, &index.manifests[i], 0, err);
		if (error != 0)
			error = err_prefix(err, error,
					   "nothing was collected, as nobody knows what '%s' needs",
					   name != NULL ? name : index.manifests[i].digest.text);
	}
	image_index_deinit(&index);
	return error;
}

/* -- What goes ------------------------------------------------------------------------------------- */

static void failed(struct collection *c, int error, const char *what)
{
	if (c->error == 0)
		c->error = store_fail(c->store, error, what, c->err);
}

/* Call it for each entry of a directory of the store. */
static void for_each(struct collection *c, const char *folder,
		     void (*fn)(struct collection *c, int dir, const char *name))
{
	int fd = openat(c->store->dir, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		if (errno != ENOENT)
			failed(c, -errno, folder);
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fn(c, fd, e->d_name);
	closedir(dir);
}

static void remove_file(struct collection *c, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (unlinkat(dir, name, 0) < 0) {
		failed(c, -errno, "remove a file");
		return;
	}
	if (st.st_nlink == 1)
		c->freed.bytes += (uint64_t)st.st_blocks * 512;
}

/* Of a root that something ready needs: its name, from the line "root HEX". */
static void keep_root_of(struct collection *c, int dir, const char *name)
{
	char text[8192], *line, *slot;
	int size = io_text(dir, name, text, sizeof(text));

	if (size < 0) {
		failed(c, size, "read what is ready");
		return;
	}
	line = strstr(text, "\nroot ");
	if (line == NULL)
		return;
	slot = buf_zero(&c->roots, ROOT_DIGITS + 1);
	if (slot != NULL)
		snprintf(slot, ROOT_DIGITS + 1, "%.*s", (int)strcspn(line + 6, "\n"), line + 6);
	else
		failed(c, -ENOMEM, "collect");
}

/* "HEX" or "HEX.PLATFORM"; what is not called so was on its way there. */
static void look_at_ready(struct collection *c, int dir, const char *name)
{
	struct oci_digest digest = {.text = "sha256:"};
	size_t digits = strcspn(name, ".");

	if (digits == ROOT_DIGITS || digits == 2 * ROOT_DIGITS) {
		snprintf(digest.text, sizeof(digest.text), "%s:%.*s",
			 digits == ROOT_DIGITS ? "sha256" : "sha512", (int)digits, name);
		if (digests_has(&c->kept, &digest)) {
			keep_root_of(c, dir, name);
			return;
		}
	}
	remove_file(c, dir, name);
}

static bool needs_root(const struct collection *c, const char *name)
{
	if (store_uses_find(&c->uses, name) != NULL)
		return true;
	for (size_t i = 0; i < c->roots.size; i += ROOT_DIGITS + 1)
		if (strcmp((const char *)c->roots.data + i, name) == 0)
			return true;
	return false;
}

static void look_at_root(struct collection *c, int dir, const char *name)
{
	int error;

	if (strcmp(name, GONE) == 0 || needs_root(c, name))
		return;
	error = tree_remove(dir, name, GONE, &c->freed.bytes);
	if (error != 0)
		failed(c, error, "remove a root");
	else
		c->freed.roots += strlen(name) == ROOT_DIGITS;
}

static void look_at_blob(struct collection *c, int dir, const char *name, const char *kind)
{
	struct oci_digest digest;
	char text[OCI_DIGEST_ROOM + 256];

	snprintf(text, sizeof(text), "%s:%s", kind, name);
	/* Another tool's file, that we know nothing of. */
	if (oci_digest_parse(&digest, text, NULL) != 0 || digests_has(&c->kept, &digest))
		return;
	remove_file(c, dir, name);
	c->freed.blobs++;
}

static void look_at_sha256(struct collection *c, int dir, const char *name)
{
	look_at_blob(c, dir, name, "sha256");
}

static void look_at_sha512(struct collection *c, int dir, const char *name)
{
	look_at_blob(c, dir, name, "sha512");
}

/* Parts that have a digest's name may be gone on with for some time. */
static void look_at_partial(struct collection *c, int dir, const char *name)
{
	int64_t now = (int64_t)time(NULL);
	struct stat st;

	if (!c->parts && strncmp(name, "sha", 3) == 0 &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtim.tv_sec <= now &&
	    now - st.st_mtim.tv_sec < PARTIAL_SECONDS)
		return;
	remove_file(c, dir, name);
}

/* -- All of it ------------------------------------------------------------------------------------- */

static void remove_leftover(struct collection *c)
{
	int roots = openat(c->store->dir, STORE_ROOTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (roots < 0)
		return;
	/* A scratch directory of one who was killed is emptied through another one. */
	error = tree_remove(roots, GONE, GONE ".too", &c->freed.bytes);
	if (error != 0)
		failed(c, error, "remove a root");
	close(roots);
}

static int collect(struct collection *c, struct err *err)
{
	int error = keep_named(c, err);

	if (error == 0)
		error = store_uses_read(c->store, &c->uses, err);
	if (error != 0)
		return error;
	unlinkat(c->store->dir, STORE_GARBAGE, 0);
	for_each(c, STORE_READY, look_at_ready);
	/* What is ready and could not be read needs a root that nobody knows. */
	if (c->error != 0)
		return c->error;
	remove_leftover(c);
	for_each(c, STORE_ROOTS, look_at_root);
	for_each(c, "blobs/sha256", look_at_sha256);
	for_each(c, "blobs/sha512", look_at_sha512);
	for_each(c, STORE_PARTIAL, look_at_partial);
	return c->error;
}

int store_collect(struct store *store, bool parts, struct store_freed *ret, struct err *err)
{
	struct collection c = {.store = store, .parts = parts, .err = err};
	int error;

	*ret = (struct store_freed){.later = true};
	if (flock(store->lock, LOCK_EX | LOCK_NB) == 0) {
		error = collect(&c, err);
		*ret = c.freed;
		digests_deinit(&c.kept);
		digests_deinit(&c.followed);
		store_uses_deinit(&c.uses);
		buf_deinit(&c.roots);
	} else if (errno == EWOULDBLOCK) {
		store_mark(store);
		error = 0;
	} else {
		error = store_fail(store, -errno, "take the lock", err);
	}
	/* It may have been lost on the way, whatever came of it. */
	if (flock(store->lock, LOCK_SH) < 0 && error == 0)
		error = store_fail(store, -errno, "take the lock", err);
	return error;
}
