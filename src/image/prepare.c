/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare.c: a digest to what oci/store.h calls ready.
 *
 * From an index to a manifest, from its layers to a root (root.c), and then a few lines that say so, which are there whole or not at
 * all. Whatever these name is in the store for as long as the image is.
 */
#include "image/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "image/root.h"
#include "image/store_parts.h"
#include "oci/store.h"

enum { NESTED_MOST = 8 };

struct preparation {
	const struct store *store; /* borrowed, as is this */
	const char *platform; /* as it was asked for, or NULL */
	char room[128]; /* for its parts */
	struct image_wish wish;
	struct ready ready;
	struct image_manifest manifest;
	struct image_config config;
	bool has_manifest, has_config;
};

/* -- Which manifest -------------------------------------------------------------------------------- */

static int missing(const struct preparation *p, const struct image_descriptor *d, struct err *err)
{
	char text[128];

	image_platform_text(&d->platform, text);
	return err_set(err, -ENOENT,
		       "its platform %s was not fetched to the store '%s': 'skiff pull --platform "
		       "%s' does",
		       text, p->store->path, text);
}

static int choose(struct preparation *p, const char *text, size_t size, struct oci_digest *ret,
		  struct err *err)
{
	const struct image_descriptor *found;
	struct image_index index;
	int error = image_index_parse(&index, text, size, err);

	if (error != 0)
		return error;
	found = image_choose(&index, &p->wish, err);
	if (found == NULL)
		error = -ENOENT;
	else if (!store_has(p->store, &found->digest))
		error = missing(p, found, err);
	else
		*ret = found->digest;
	image_index_deinit(&index);
	return error;
}

/* 1: *digest is the next one to be looked at. */
static int take(struct preparation *p, struct oci_digest *digest, struct err *err)
{
	char *text;
	size_t size;
	int error = store_blob_read(p->store, digest, IMAGE_JSON_MAX, &text, &size, err);

	if (error != 0)
		return error;
	switch (image_guess(text, size)) {
	case IMAGE_INDEX:
		error = choose(p, text, size, digest, err);
		if (error == 0)
			error = 1;
		break;
	case IMAGE_MANIFEST:
		error = image_manifest_parse(&p->manifest, text, size, err);
		p->has_manifest = error == 0;
		break;
	case IMAGE_MANIFEST_V1:
		error = err_set(err, -ENOTSUP,
				"its manifest is of docker's first version: whoever built it must "
				"push it again with a docker of this decade");
		break;
	default:
		error = err_set(err, -EINVAL, "%s is no manifest of an image", digest->text);
	}
	free(text);
	return error;
}

static int find_manifest(struct preparation *p, const struct oci_digest *digest, struct err *err)
{
	p->ready.manifest = *digest;
	for (int depth = 0; depth < NESTED_MOST; depth++) {
		int error = take(p, &p->ready.manifest, err);

		if (error != 1)
			return error;
	}
	return err_set(err, -EINVAL, "its indexes lead to indexes, more than %d deep", NESTED_MOST);
}

/* -- What it is ------------------------------------------------------------------------------------ */

/* Configs of artifacts may be of any form; what runs them takes nothing from there. */
static int read_config(struct preparation *p, struct err *err)
{
	char *text;
	size_t size;
	int error;

	p->ready.config = p->manifest.config.digest;
	if (p->manifest.config.type != IMAGE_CONFIG)
		return 0;
	error = store_blob_read(p->store, &p->ready.config, IMAGE_JSON_MAX, &text, &size, err);
	if (error != 0)
		return error;
	error = image_config_parse(&p->config, text, size, err);
	free(text);
	p->has_config = error == 0;
	return error == 0 ? 0 : err_prefix(err, error, "its config");
}

/* Of an image that is no index: is it the one that was asked for? */
static int check_platform(struct preparation *p, struct err *err)
{
	struct image_descriptor alone = {.media_type = "",
					 .type = IMAGE_MANIFEST,
					 .has_platform = true,
					 .artifact_type = ""};
	const struct image_index index = {.manifests = &alone, .count = 1};

	if (!p->wish.given || !p->has_config)
		return 0;
	alone.platform = p->config.platform;
	return image_choose(&index, &p->wish, err) != NULL ? 0 : -ENOENT;
}

static bool is_for_wasm(const struct preparation *p)
{
	return p->ready.module.text[0] != '\0' || !p->has_config ||
	       strncmp(p->config.platform.architecture, "wasm", 4) == 0;
}

/* One for another machine may hold a module all the same: that is how engines get it that know no other platform. */
static int check_content(const struct preparation *p, struct err *err)
{
	const struct image_config *c = &p->config;
	const char *program = "";
	char text[128];

	if (is_for_wasm(p) || root_has_module(p->store, p->ready.root))
		return 0;
	if (c->entrypoint.count > 0)
		program = c->entrypoint.items[0];
	else if (c->command.count > 0)
		program = c->command.items[0];
	image_platform_text(&c->platform, text);
	return err_set(err, -ENOEXEC,
		       "it is an image for %s%s%.100s%s: there is no WebAssembly module in it, and "
		       "skiff runs no other programs",
		       text, program[0] != '\0' ? " that runs '" : "", program,
		       program[0] != '\0' ? "'" : "");
}

/* -- Saying so ------------------------------------------------------------------------------------- */

static int write_text(const struct store *store, const char *fresh, const struct buf *text)
{
	int fd = openat(store->dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600),
	    error;

	if (fd < 0)
		return -errno;
	error = io_write(fd, text->data, text->size);
	if (error == 0 && fsync(fd) < 0)
		error = -errno;
	close(fd);
	return error;
}

static int put_ready(const struct preparation *p, const char *path, const struct buf *text)
{
	static const char fresh[] = STORE_READY "/new";
	int error = write_text(p->store, fresh, text);

	if (error == 0 && renameat(p->store->dir, fresh, p->store->dir, path) < 0)
		error = -errno;
	if (error != 0)
		unlinkat(p->store->dir, fresh, 0);
	return error;
}

static int write_ready(const struct preparation *p, const struct oci_digest *digest,
		       struct err *err)
{
	char name[STORE_READY_NAME], path[STORE_READY_NAME + 16];
	struct buf text = {0};
	int error = store_ready_name(digest, p->platform, name, err), lock;

	if (error != 0)
		return error;
	snprintf(path, sizeof(path), STORE_READY "/%s", name);
	lock = store_lock_index(p->store, err);
	if (lock < 0)
		return lock;
	error = store_ready_put(&p->ready, &text);
	if (error == 0)
		error = put_ready(p, path, &text);
	close(lock);
	buf_deinit(&text);
	return error == 0 ? 0 : store_fail(p->store, error, "say that it is ready", err);
}

static bool is_ready(const struct preparation *p, const struct oci_digest *digest)
{
	struct ready ready;
	char path[sizeof(ready.root) + 16];

	if (store_ready(p->store->dir, digest, p->platform, &ready, NULL) != 0)
		return false;
	snprintf(path, sizeof(path), STORE_ROOTS "/%s", ready.root);
	return faccessat(p->store->dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make_ready(struct preparation *p, const struct oci_digest *digest, struct err *err)
{
	int error = find_manifest(p, digest, err);

	if (error == 0)
		error = read_config(p, err);
	if (error == 0)
		error = check_platform(p, err);
	if (error == 0)
		error = root_make(p->store, &p->manifest, p->has_config ? &p->config : NULL,
				  &p->ready, err);
	if (error == 0)
		error = check_content(p, err);
	/* A root that nothing leads to goes with the next collection. */
	if (error == -ENOEXEC)
		store_mark(p->store);
	return error == 0 ? write_ready(p, digest, err) : error;
}

int prepare(struct store *store, const struct oci_digest *digest, const char *platform,
	    struct err *err)
{
	struct preparation p = {.store = store, .platform = platform};
	int error = platform != NULL ? image_wish_parse(&p.wish, platform, p.room, err) : 0;

	if (error != 0)
		return error;
	if (is_ready(&p, digest))
		return 0;
	error = make_ready(&p, digest, err);
	if (p.has_manifest)
		image_manifest_deinit(&p.manifest);
	if (p.has_config)
		image_config_deinit(&p.config);
	return error;
}
