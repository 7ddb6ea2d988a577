/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_save.c: images of the store as a layout: all their blobs, an index.json with their names, and for docker a manifest.json.
 *
 * Blobs are sorted by their digests, images by names, and files by what they are called, so that who saves the same gets the same. Of an
 * image of several platforms those go that are there.
 *
 * Docker's graph driver and dockers of old read manifest.json, where an image is one platform and has layers only. So of an index that
 * names this machine's linux, which is what they take, or else what would be run here, if all of it is there. Who knows index.json does
 * not look at it. What it has no form for is left out; where it is asked for by docker-archive, that is a failure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "image/archive_parts.h"
#include "oci/store.h"

static const char layout_text[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";

struct item { /* an image */
	struct image_index index; /* owned: what the name was found in */
	struct image_index platforms; /* owned */
	const struct image_descriptor *image; /* what goes */
	const struct image_descriptor *docker; /* that, or of an index one; NULL: none */
	struct image_manifest manifest; /* owned: of `docker` */
	char name[REFERENCE_ROOM]; /* whole; "": it has none */
	char tag[REFERENCE_ROOM]; /* as docker has it; "": none */
};

struct save {
	const struct store *store; /* borrowed */
	const struct archive_save *what; /* borrowed */
	struct item *items; /* owned; sorted by name and digest */
	size_t count;
	struct buf blobs; /* struct oci_digest */
	struct image_wish here; /* this machine's linux; in `room` */
	char room[128];
	struct err *err;
};

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

/* -- What goes ------------------------------------------------------------------------------------------- */

static int need(void *context, const struct image_descriptor *blob, struct err *err)
{
	struct save *save = context;
	int rc = archive_walk_check(save->store, blob, err);

	if (rc < 0)
		return rc;
	return buf_put(&save->blobs, &blob->digest, sizeof(blob->digest)) != NULL ? 0
										  : no_memory(err);
}

/* A blob that is read as `parse` says. */
static int read_index(struct save *save, const struct oci_digest *digest, struct image_index *ret)
{
	char *text;
	size_t size;
	int rc = store_blob_read(save->store, digest, IMAGE_JSON_MAX, &text, &size, save->err);

	if (rc < 0)
		return rc;
	rc = image_index_parse(ret, text, size, save->err);
	free(text);
	return rc;
}

static int read_manifest(struct save *save, const struct oci_digest *digest,
			 struct image_manifest *ret)
{
	char *text;
	size_t size;
	int rc = store_blob_read(save->store, digest, IMAGE_JSON_MAX, &text, &size, save->err);

	if (rc < 0)
		return rc;
	rc = image_manifest_parse(ret, text, size, save->err);
	free(text);
	return rc;
}

/* -- Of an index one ------------------------------------------------------------------------------------------- */

/* What is looked at need not go. */
static int need_there(void *context, const struct image_descriptor *blob, struct err *err)
{
	const struct save *save = context;

	return archive_walk_check(save->store, blob, err);
}

/* -ENOENT: there is none for it, or not all of that is in the store. */
static int choose(struct save *save, const struct image_index *index, const struct image_wish *wish,
		  const struct image_descriptor **ret)
{
	const struct image_descriptor *found = image_choose(index, wish, save->err);
	int rc = found != NULL ? archive_walk(save->store, found, need_there, save, save->err)
			       : -ENOENT;

	if (rc == 0)
		*ret = found;
	return rc;
}

static int choose_for_docker(struct save *save, const struct image_index *index,
			     const struct image_descriptor **ret)
{
	const struct image_wish any = {.given = false};
	int rc = choose(save, index, &save->here, ret);

	return rc == -ENOENT ? choose(save, index, &any, ret) : rc;
}

/* Of an image for several what goes, and what of it docker is told of. */
static int split(struct save *save, struct item *item)
{
	const struct archive_save *what = save->what;
	bool is_one = what->wish.given || what->format == ARCHIVE_DOCKER;
	enum image_type type;
	int rc = archive_walk_type(save->store, item->image, &type, save->err);

	if (rc == 0 && type != IMAGE_INDEX)
		item->docker = item->image;
	if (rc < 0 || type != IMAGE_INDEX)
		return rc;
	rc = read_index(save, &item->image->digest, &item->platforms);
	if (rc == 0 && what->wish.given)
		rc = choose(save, &item->platforms, &what->wish, &item->docker);
	else if (rc == 0)
		rc = choose_for_docker(save, &item->platforms, &item->docker);
	if (rc == 0 && is_one)
		item->image = item->docker;
	return rc == -ENOENT && !is_one ? 0 : rc;
}

/* -- What docker takes -------------------------------------------------------------------------------------------- */

static bool fits_docker(const struct image_manifest *manifest)
{
	bool fits = manifest->config.type == IMAGE_CONFIG;

	for (uint32_t i = 0; i < manifest->count; i++)
		fits = fits && manifest->layers[i].type >= IMAGE_LAYER_TAR &&
		       manifest->layers[i].type <= IMAGE_LAYER_TAR_ZSTD;
	return fits;
}

static int read_docker(struct save *save, struct item *item)
{
	enum image_type type;
	int rc = archive_walk_type(save->store, item->docker, &type, save->err);

	if (rc == 0 && type == IMAGE_MANIFEST)
		rc = read_manifest(save, &item->docker->digest, &item->manifest);
	if (rc < 0 || (type == IMAGE_MANIFEST && fits_docker(&item->manifest)))
		return rc;
	item->docker = NULL;
	if (save->what->format != ARCHIVE_DOCKER)
		return 0;
	return err_set(save->err, -EINVAL,
		       "it is an artifact, which docker-archive has no form for: take --format "
		       "oci-archive");
}

/* Docker takes no tag that has a digest behind it, and none that is but a digest. */
static void name_item(struct item *item)
{
	const char *name = image_note(&item->image->notes, STORE_REF_NAME);
	struct reference reference;

	if (name == NULL || reference_parse(&reference, name, NULL) < 0)
		return;
	reference_text(&reference, item->name);
	if (reference.tag[0] != '\0' && reference.digest.text[0] == '\0')
		reference_short(&reference, item->tag);
}

static int find_item(struct save *save, const char *word, struct item *item)
{
	int rc = store_find(save->store, word, &item->index, &item->image, save->err);

	if (rc < 0)
		return rc;
	name_item(item);
	rc = split(save, item);
	if (rc == 0 && item->docker != NULL)
		rc = read_docker(save, item);
	if (rc == 0)
		rc = archive_walk(save->store, item->image, need, save, save->err);
	return rc < 0 ? err_prefix(save->err, rc, "%s", word) : 0;
}

static int order_digests(const void *a, const void *b)
{
	return strcmp(((const struct oci_digest *)a)->text, ((const struct oci_digest *)b)->text);
}

static int order_items(const void *a, const void *b)
{
	const struct item *one = a, *other = b;
	int by_name = strcmp(one->name, other->name);

	return by_name != 0 ? by_name : strcmp(one->image->digest.text, other->image->digest.text);
}

static void free_item(struct item *item)
{
	image_index_deinit(&item->index);
	image_index_deinit(&item->platforms);
	image_manifest_deinit(&item->manifest);
}

/* Two words for one are one. */
static void sort_items(struct save *save)
{
	size_t kept = 0;

	qsort(save->items, save->count, sizeof(*save->items), order_items);
	for (size_t i = 0; i < save->count; i++) {
		if (kept > 0 && order_items(&save->items[kept - 1], &save->items[i]) == 0)
			free_item(&save->items[i]);
		else
			save->items[kept++] = save->items[i];
	}
	save->count = kept;
}

static int find_all(struct save *save)
{
	int rc = 0;

	save->items = calloc(save->what->count + 1, sizeof(*save->items));
	if (save->items == NULL)
		return no_memory(save->err);
	for (size_t i = 0; rc == 0 && i < save->what->count; i++)
		rc = find_item(save, save->what->words[i], &save->items[save->count++]);
	if (rc < 0)
		return rc;
	sort_items(save);
	if (save->blobs.size > 0)
		qsort(save->blobs.data, BUF_COUNT(&save->blobs, struct oci_digest),
		      sizeof(struct oci_digest), order_digests);
	return 0;
}

/* -- What is said of it -------------------------------------------------------------------------------------- */

static const char *type_of(const struct image_descriptor *image)
{
	return image->media_type[0] != '\0' ? image->media_type : image_media_type(IMAGE_MANIFEST);
}

/* No platform, though the store has it: containerd would leave out what is not this machine's; an image's config says it. */
static void emit_index(struct emit *e, const void *context)
{
	const struct save *save = context;

	emit_open(e, NULL, '{');
	emit_u64(e, "schemaVersion", 2);
	emit_string(e, "mediaType", image_media_type(IMAGE_INDEX));
	emit_open(e, "manifests", '[');
	for (size_t i = 0; i < save->count; i++) {
		const struct item *item = &save->items[i];

		archive_emit_descriptor(e, NULL, type_of(item->image), &item->image->digest,
					item->image->size);
		if (item->name[0] != '\0') {
			emit_open(e, "annotations", '{');
			emit_string(e, ARCHIVE_NAME_NOTE, item->name);
			emit_string(e, STORE_REF_NAME, item->name);
			emit_close(e, '}');
		}
		emit_close(e, '}');
	}
	emit_close(e, ']');
	emit_close(e, '}');
}

static void emit_path(struct emit *e, const char *key, const struct oci_digest *digest)
{
	char path[STORE_READY_NAME];

	store_blob_path(digest, path);
	emit_string(e, key, path);
}

static bool is_same(const struct item *a, const struct item *b)
{
	return a->docker != NULL && b->docker != NULL &&
	       oci_digest_is(&a->docker->digest, &b->docker->digest);
}

static bool is_first(const struct save *save, size_t number)
{
	for (size_t i = 0; i < number; i++)
		if (is_same(&save->items[i], &save->items[number]))
			return false;
	return true;
}

/* One entry for each image, with all of its names. */
static void emit_docker(struct emit *e, const void *context)
{
	const struct save *save = context;

	emit_open(e, NULL, '[');
	for (size_t i = 0; i < save->count; i++) {
		const struct image_manifest *manifest = &save->items[i].manifest;

		if (save->items[i].docker == NULL || !is_first(save, i))
			continue;
		emit_open(e, NULL, '{');
		emit_path(e, "Config", &manifest->config.digest);
		emit_open(e, "RepoTags", '[');
		for (size_t k = i; k < save->count; k++)
			if (save->items[k].tag[0] != '\0' &&
			    is_same(&save->items[k], &save->items[i]))
				emit_string(e, NULL, save->items[k].tag);
		emit_close(e, ']');
		emit_open(e, "Layers", '[');
		for (uint32_t k = 0; k < manifest->count; k++)
			emit_path(e, NULL, &manifest->layers[k].digest);
		emit_close(e, ']');
		emit_close(e, '}');
	}
	emit_close(e, ']');
}

/* -- Writing it --------------------------------------------------------------------------------------------------- */

static int put_json(struct save *save, struct archive_sink *sink, const char *name,
		    archive_emit_fn *fn)
{
	char *text;
	size_t size;
	int rc = archive_json(fn, save, &text, &size, save->err);

	if (rc < 0)
		return rc;
	rc = archive_sink_text(sink, name, text, size, save->err);
	free(text);
	return rc;
}

/* Each in the folder of its kind; blobs are sorted, so kinds come one after the other. */
static int put_blobs(struct save *save, struct archive_sink *sink)
{
	const struct oci_digest *blobs = BUF_ITEM(&save->blobs, struct oci_digest, 0);
	char folder[STORE_READY_NAME], last[STORE_READY_NAME] = "";
	int rc = archive_sink_folder(sink, "blobs", save->err);

	for (size_t i = 0; rc == 0 && i < BUF_COUNT(&save->blobs, struct oci_digest); i++) {
		if (i > 0 && oci_digest_is(&blobs[i - 1], &blobs[i]))
			continue;
		store_blob_path(&blobs[i], folder);
		*strrchr(folder, '/') = '\0';
		if (strcmp(folder, last) != 0)
			rc = archive_sink_folder(sink, strcpy(last, folder), save->err);
		if (rc == 0)
			rc = archive_sink_blob(sink, save->store, &blobs[i], save->err);
	}
	return rc;
}

/* Where there would be nothing in it docker had better say that it misses it than load nothing. */
static bool has_docker(const struct save *save)
{
	bool has = false;

	for (size_t i = 0; i < save->count; i++)
		has = has || save->items[i].docker != NULL;
	return has && save->what->format != ARCHIVE_LAYOUT;
}

static int put_all(struct save *save, struct archive_sink *sink)
{
	int rc = put_blobs(save, sink);

	if (rc == 0)
		rc = put_json(save, sink, ARCHIVE_INDEX_FILE, emit_index);
	if (rc == 0 && has_docker(save))
		rc = put_json(save, sink, ARCHIVE_DOCKER_FILE, emit_docker);
	if (rc == 0)
		rc = archive_sink_text(sink, ARCHIVE_LAYOUT_FILE, layout_text, strlen(layout_text),
				       save->err);
	return rc == 0 ? archive_sink_end(sink, save->err) : rc;
}

static int write_all(struct save *save)
{
	struct archive_sink *sink = NULL;
	int rc = archive_sink_open(&sink, save->what->path, save->what->format == ARCHIVE_LAYOUT,
				   save->err);

	if (rc == 0)
		rc = put_all(save, sink);
	archive_sink_close(sink);
	return rc;
}

int archive_save(const struct store *store, const struct archive_save *what, struct err *err)
{
	struct save save = {.store = store, .what = what, .err = err};
	int rc = image_wish_parse(&save.here, "linux", save.room, err);

	if (rc == 0)
		rc = find_all(&save);
	if (rc == 0)
		rc = write_all(&save);
	for (size_t i = 0; i < save.count; i++)
		free_item(&save.items[i]);
	free(save.items);
	buf_deinit(&save.blobs);
	return rc;
}
