/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_walk.c: an image's descriptor to all the blobs it consists of.
 *
 * Digests lead from one to the next, so there are no circles; but who wrote an index chooses how often it names the same thing, so each
 * blob is looked at once, however often it is named.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/archive_parts.h"
#include "image/digests.h"

enum { NESTED_MOST = 8 }; /* indexes in indexes */

struct walk {
	const struct store *store; /* borrowed */
	archive_need_fn *need;
	void *context; /* of need */
	struct digests seen, missing; /* what was looked at; of these, what is not whole */
	struct err *err;
};

static int visit(struct walk *walk, const struct image_descriptor *d, unsigned depth);

int archive_walk_check(const struct store *store, const struct image_descriptor *blob,
		       struct err *err)
{
	uint64_t size = 0;
	int fd = store_blob_open(store, &blob->digest, &size, err);

	if (fd < 0)
		return fd;
	close(fd);
	if (size == blob->size)
		return 0;
	return err_set(err, -EBADMSG, "%s has %llu bytes, and is said to have %llu",
		       blob->digest.text, (unsigned long long)size, (unsigned long long)blob->size);
}

int archive_walk_type(const struct store *store, const struct image_descriptor *descriptor,
		      enum image_type *ret, struct err *err)
{
	char *text;
	size_t size;
	int rc;

	*ret = descriptor->type;
	if (descriptor->type != IMAGE_UNKNOWN || descriptor->media_type[0] != '\0')
		return 0;
	rc = store_blob_read(store, &descriptor->digest, IMAGE_JSON_MAX, &text, &size, err);
	if (rc < 0)
		return rc;
	*ret = image_guess(text, size);
	free(text);
	return 0;
}

static int need_all(struct walk *walk, const struct image_manifest *manifest)
{
	int rc = visit(walk, &manifest->config, NESTED_MOST);

	for (uint32_t i = 0; rc == 0 && i < manifest->count; i++) {
		rc = visit(walk, &manifest->layers[i], NESTED_MOST);
		if (rc == -ENOENT && manifest->layers[i].type == IMAGE_LAYER_FOREIGN)
			rc = 0;
	}
	return rc;
}

/* One is enough; if there is none, what is missing of the first is told. */
static int need_one(struct walk *walk, const struct image_index *index, unsigned depth)
{
	struct err first = {""};
	uint32_t whole = 0;

	for (uint32_t i = 0; i < index->count; i++) {
		int rc = visit(walk, &index->manifests[i], depth + 1);

		if (rc < 0 && rc != -ENOENT)
			return rc;
		whole += rc == 0;
		if (rc < 0 && first.text[0] == '\0' && walk->err != NULL)
			first = *walk->err;
	}
	if (whole > 0)
		return 0;
	return err_set(walk->err, -ENOENT, "nothing of an index is there: %s",
		       first.text[0] != '\0' ? first.text : "it is empty");
}

static int visit_index(struct walk *walk, const char *text, size_t size, unsigned depth)
{
	struct image_index index;
	int rc = image_index_parse(&index, text, size, walk->err);

	if (rc < 0)
		return rc;
	rc = need_one(walk, &index, depth);
	image_index_deinit(&index);
	return rc;
}

static int visit_manifest(struct walk *walk, const char *text, size_t size)
{
	struct image_manifest manifest;
	int rc = image_manifest_parse(&manifest, text, size, walk->err);

	if (rc < 0)
		return rc;
	rc = need_all(walk, &manifest);
	image_manifest_deinit(&manifest);
	return rc;
}

/* What it leads to, if it leads anywhere. */
static int visit_text(struct walk *walk, const struct image_descriptor *d, enum image_type type,
		      unsigned depth)
{
	char *text;
	size_t size;
	int rc = store_blob_read(walk->store, &d->digest, IMAGE_JSON_MAX, &text, &size, walk->err);

	if (rc < 0)
		return rc;
	rc = type == IMAGE_INDEX ? visit_index(walk, text, size, depth)
				 : visit_manifest(walk, text, size);
	free(text);
	if (rc < 0 && rc != -ENOENT)
		err_prefix(walk->err, rc, "%s", d->digest.text);
	return rc;
}

static int visit_once(struct walk *walk, const struct image_descriptor *d, unsigned depth)
{
	enum image_type type = IMAGE_UNKNOWN;
	int rc = walk->need(walk->context, d, walk->err);

	if (rc == 0 && depth < NESTED_MOST)
		rc = archive_walk_type(walk->store, d, &type, walk->err);
	if (rc < 0)
		return rc;
	if (depth + 1 == NESTED_MOST && type == IMAGE_INDEX)
		return err_set(walk->err, -EINVAL, "%s: more than %d indexes in each other",
			       d->digest.text, NESTED_MOST - 1);
	if (type == IMAGE_INDEX || type == IMAGE_MANIFEST || type == IMAGE_MANIFEST_V1)
		return visit_text(walk, d, type, depth);
	return 0;
}

static int visit(struct walk *walk, const struct image_descriptor *d, unsigned depth)
{
	int rc = digests_add(&walk->seen, &d->digest);

	if (rc == 0 && digests_has(&walk->missing, &d->digest))
		return err_set(walk->err, -ENOENT, "%s is not there, or not all of it",
			       d->digest.text);
	if (rc == 0)
		return 0;
	if (rc > 0)
		rc = visit_once(walk, d, depth);
	if (rc == -ENOENT && digests_add(&walk->missing, &d->digest) < 0)
		rc = -ENOMEM;
	return rc == -ENOMEM ? err_set(walk->err, rc, "%s", strerror(ENOMEM)) : rc;
}

int archive_walk(const struct store *store, const struct image_descriptor *descriptor,
		 archive_need_fn *need, void *context, struct err *err)
{
	struct walk walk = {.store = store, .need = need, .context = context, .err = err};
	int rc = visit(&walk, descriptor, 0);

	digests_deinit(&walk.seen);
	digests_deinit(&walk.missing);
	return rc;
}
