/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root.c: layers of archives one over the other, and layers that are a module as a file beside them.
 *
 * A root has its name by the layers it is made of, and it has it when it is whole and on the disk. Until then it is roots/HEX.new, and
 * belongs to who has a lock on that directory; what a killed one left of it is of no use. The name is made of digests of what was
 * fetched and found right, not of what an image says it unpacks to: else an image could ask for another one's files.
 */
#include "image/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "image/layer.h"
#include "image/store_parts.h"

#define TITLE "org.opencontainers.image.title"
#define MODULE_NAME "app.wasm" /* of an artifact that does not say */

enum { NAME_ROOM = 128, TRIES = 64, FTW_DIRECTORIES = 16 };

/* -- Names ----------------------------------------------------------------------------------------- */

static bool is_safe(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("._-+", c) != NULL);
}

/* What its title has behind the last slash, as a name that needs no quotes anywhere. */
static void name_module(const struct image_descriptor *layer, char name[static NAME_ROOM])
{
	const char *title = image_note(&layer->notes, TITLE);
	const char *slash = title != NULL ? strrchr(title, '/') : NULL;
	size_t size = 0;

	if (slash != NULL)
		title = slash + 1;
	for (; title != NULL && *title != '\0' && size < NAME_ROOM - 1; title++)
		name[size++] = is_safe(*title) ? *title : '_';
	name[size] = '\0';
	if (size == 0 || name[0] == '.')
		strcpy(name, MODULE_NAME);
}

static int name_root(const struct image_manifest *manifest, struct ready *ret, struct err *err)
{
	struct oci_digest digest;
	struct hash hash;

	if (hash_begin(&hash, NULL) != 0)
		return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
	for (uint32_t i = 0; i < manifest->count; i++) {
		const struct image_descriptor *layer = &manifest->layers[i];

		hash_take(&hash, layer->digest.text, strlen(layer->digest.text));
		if (layer->type == IMAGE_LAYER_WASM)
			hash_take(&hash, ret->path, strlen(ret->path));
		hash_take(&hash, "\n", 1);
	}
	hash_end(&hash, &digest);
	snprintf(ret->root, sizeof(ret->root), "%.64s", oci_digest_hex(&digest));
	return 0;
}

/* -- What it consists of --------------------------------------------------------------------------- */

static bool is_archive(const struct image_descriptor *layer)
{
	return layer->type == IMAGE_LAYER_TAR || layer->type == IMAGE_LAYER_TAR_GZIP ||
	       layer->type == IMAGE_LAYER_TAR_ZSTD;
}

static int check_layer(const struct image_descriptor *layer, struct err *err)
{
	if (is_archive(layer) || layer->type == IMAGE_LAYER_WASM)
		return 0;
	if (layer->type == IMAGE_LAYER_FOREIGN)
		return err_set(err, -ENOTSUP,
			       "the layer %.19s may not be passed on by registries: nobody has it",
			       layer->digest.text);
	return err_set(err, -ENOTSUP,
		       "it has a layer of the type '%.200s', and skiff runs archives and modules: "
		       "it is made for another program",
		       layer->media_type);
}

/* Which of them is the module, if one is. */
static int check_layers(const struct image_manifest *manifest, struct ready *ret, struct err *err)
{
	char name[NAME_ROOM];
	uint32_t modules = 0;

	for (uint32_t i = 0; i < manifest->count; i++) {
		const struct image_descriptor *layer = &manifest->layers[i];
		int error = check_layer(layer, err);

		if (error != 0)
			return error;
		if (layer->type != IMAGE_LAYER_WASM)
			continue;
		if (++modules > 1)
			return err_set(err, -EINVAL,
				       "it has several modules as layers: an artifact has exactly "
				       "one");
		name_module(layer, name);
		ret->module = layer->digest;
		snprintf(ret->path, sizeof(ret->path), "/%s", name);
	}
	return 0;
}

/*
 * What layer `i`, the `nth` of its archives, unpacks to, as the config says; NULL: it does not say. Some list all layers, and some leave
 * out modules.
 */
static const struct oci_digest *expected_diff(const struct image_manifest *manifest,
					      const struct image_config *config, uint32_t i,
					      uint32_t nth)
{
	uint32_t at = config->diff_count == manifest->count ? i : nth;

	return at < config->diff_count ? &config->diff_ids[at] : NULL;
}

static int check_diff(const struct oci_digest *diff, const struct oci_digest *expected,
		      struct err *err)
{
	if (expected == NULL)
		return err_set(err, -EINVAL,
			       "the config has no diff_id for it: whoever built the image left it "
			       "out");
	if (oci_digest_is(diff, expected))
		return 0;
	return err_set(err, -EBADMSG, "it unpacks to %.19s, and the config says %.19s", diff->text,
		       expected->text);
}

/* -- Unpacking ------------------------------------------------------------------------------------- */

static int unpack_archive(const struct store *store, const struct image_descriptor *layer, int root,
			  struct layer_limits *left, struct oci_digest *diff, struct err *err)
{
	int fd = store_blob_open(store, &layer->digest, NULL, err), error;

	if (fd < 0)
		return fd;
	error = layer_unpack(fd, layer->type, root, left, diff, err);
	close(fd);
	return error;
}

static int copy_blob(int from, int root, const char *name)
{
	int to = openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	ssize_t n = to >= 0 ? 1 : -1;
	int error = 0;

	while (n > 0)
		n = sendfile(to, from, NULL, 1 << 20);
	if (n < 0)
		error = -errno;
	if (to >= 0)
		close(to);
	return error;
}

/* A link, so that it is on the disk once; a file system that has none, or too many of this file already, gets a copy. */
static int put_module(const struct store *store, const struct ready *ready, int root,
		      struct err *err)
{
	char blob[STORE_READY_NAME];
	const char *name = ready->path + 1;
	int fd = store_blob_open(store, &ready->module, NULL, err), error = 0;

	if (fd < 0)
		return fd;
	store_blob_path(&ready->module, blob);
	if (unlinkat(root, name, 0) < 0 && errno == EISDIR)
		error = -EISDIR;
	if (error == 0 && linkat(store->dir, blob, root, name, 0) < 0)
		error = copy_blob(fd, root, name);
	close(fd);
	return error == 0 ? 0 : store_fail(store, error, "put the module", err);
}

static int fill(const struct store *store, const struct image_manifest *manifest,
		const struct image_config *config, const struct ready *ready, int root,
		struct err *err)
{
	struct layer_limits left;
	uint32_t archives = 0;
	int error = layer_limits_read(&left, err);

	for (uint32_t i = 0; i < manifest->count && error == 0; i++) {
		const struct image_descriptor *layer = &manifest->layers[i];
		struct oci_digest diff;

		if (layer->type == IMAGE_LAYER_WASM) {
			error = put_module(store, ready, root, err);
			continue;
		}
		error = unpack_archive(store, layer, root, &left, &diff, err);
		if (error == 0 && config != NULL)
			error = check_diff(&diff, expected_diff(manifest, config, i, archives),
					   err);
		if (error != 0)
			err_prefix(err, error, "layer %u of %u (%.19s)", i + 1, manifest->count,
				   layer->digest.text);
		archives++;
	}
	/* A root whose name outlives its content would be run as it is. */
	if (error == 0 && syncfs(root) < 0)
		error = store_fail(store, -errno, "unpack", err);
	return error;
}

/* -- Its directory --------------------------------------------------------------------------------- */

static bool is_there(int roots, const char *name)
{
	return faccessat(roots, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_named(int roots, const char *name, int fd)
{
	struct stat there, ours;

	return fstatat(roots, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &ours) == 0 &&
	       there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

static void discard(int roots, const char *fresh)
{
	char scratch[128];
	uint64_t ignored = 0;

	snprintf(scratch, sizeof(scratch), "%.90s-gone", fresh);
	tree_remove(roots, fresh, scratch, &ignored);
}

/* Ours, locked: what an earlier one left in it is gone, since that makes another directory of it. */
static int open_fresh(const struct store *store, int roots, const char *fresh, struct err *err)
{
	for (int tries = 0; tries < TRIES; tries++) {
		bool is_made = mkdirat(roots, fresh, 0755) == 0;
		int fd, error;

		if (!is_made && errno != EEXIST)
			return store_fail(store, -errno, "make a root", err);
		fd = openat(roots, fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return store_fail(store, -errno, "make a root", err);
		error = store_wait(store, fd, LOCK_EX, "unpacks the same image");
		/* Whoever runs in it enters it, whatever our umask is. */
		if (error == 0 && is_made && is_named(roots, fresh, fd) && fchmod(fd, 0755) == 0)
			return fd;
		if (error == 0 && is_named(roots, fresh, fd))
			discard(roots, fresh);
		close(fd);
		if (error != 0)
			return store_fail(store, error, "make a root", err);
	}
	return err_set(err, -EAGAIN, "others remove the root '%s' each time", fresh);
}

static int make_in(const struct store *store, int roots, const struct image_manifest *manifest,
		   const struct image_config *config, struct ready *ready, struct err *err)
{
	char fresh[96];
	int fd, error;

	snprintf(fresh, sizeof(fresh), "%.64s.new", ready->root);
	fd = open_fresh(store, roots, fresh, err);
	if (fd < 0)
		return fd;
	if (is_there(roots, ready->root)) { /* since we waited */
		discard(roots, fresh);
		close(fd);
		return 0;
	}
	error = fill(store, manifest, config, ready, fd, err);
	if (error == 0 && renameat(roots, fresh, roots, ready->root) < 0)
		error = store_fail(store, -errno, "name a root", err);
	if (error == 0 && fsync(roots) < 0 && errno != EINVAL)
		error = store_fail(store, -errno, "name a root", err);
	if (error != 0)
		discard(roots, fresh);
	close(fd);
	return error;
}

int root_make(const struct store *store, const struct image_manifest *manifest,
	      const struct image_config *config, struct ready *ret, struct err *err)
{
	int roots, error = check_layers(manifest, ret, err);

	if (error == 0)
		error = name_root(manifest, ret, err);
	if (error != 0)
		return error;
	roots = openat(store->dir, STORE_ROOTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (roots < 0)
		return store_fail(store, -errno, "open " STORE_ROOTS, err);
	if (!is_there(roots, ret->root))
		error = make_in(store, roots, manifest, config, ret, err);
	close(roots);
	return error;
}

/* -- What is in it --------------------------------------------------------------------------------- */

static int look(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	static const char magic[4] = {'\0', 'a', 's', 'm'};
	char first[4] = "";
	int fd;

	(void)at;
	if (kind != FTW_F || !S_ISREG(st->st_mode) || st->st_size < 8)
		return 0;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, first, sizeof(first), 0) != sizeof(first))
		first[0] = 'x';
	close(fd);
	return memcmp(first, magic, sizeof(magic)) == 0;
}

bool root_has_module(const struct store *store, const char *root)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/" STORE_ROOTS "/%s", store->path, root);

	return n < PATH_MAX && nftw(path, look, FTW_DIRECTORIES, FTW_PHYS | FTW_MOUNT) == 1;
}
