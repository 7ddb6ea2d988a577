/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull.c: manifests first, all that is needed of them; then blobs, a few at a time; the name last.
 *
 * Whoever ends this in between leaves blobs and parts of blobs without a name, which the next try begins with.
 */
#include "image/pull.h"

#include "base/base.h"
#include "image/contents.h"
#include "image/sources.h"
#include "oci/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct puller {
	const struct store *store;
	const struct pull *pull;
	const struct reference *reference;
	struct registry_options options;
	struct sources sources;
	struct contents contents;
	atomic_bool news;
};

/* -- Manifests --------------------------------------------------------------------------------------------- */

int pull_keep(const struct store *store, const struct registry_manifest *manifest, struct err *err)
{
	struct store_writer writer;
	struct oci_digest got;
	int rc = store_write_begin(store, &writer, &manifest->digest, manifest->size, err);

	if (rc == STORE_THERE)
		return 0;
	/* Of a part that is there nothing is known that the whole would not tell. */
	if (rc == 0 && writer.size > 0)
		rc = store_write_again(&writer, err);
	else if (rc < 0)
		return rc;
	if (rc == 0)
		rc = store_write(&writer, manifest->text, manifest->size, err);
	if (rc == 0)
		return store_write_end(&writer, &got, err);
	store_write_leave(&writer);
	return rc;
}

/* One that an index leads to: of the store, or of the registry, by its digest. */
static int get_child(struct puller *p, const struct image_descriptor *d,
		     struct registry_manifest *ret, struct err *err)
{
	char platform[128];
	int rc;

	*ret = (struct registry_manifest){.digest = d->digest, .type = IMAGE_MANIFEST};
	if (store_has(p->store, &d->digest) && store_blob_read(p->store, &d->digest, IMAGE_JSON_MAX,
							       &ret->text, &ret->size, NULL) == 0)
		return 0;
	rc = sources_manifest(&p->sources, d->digest.text, ret, err);
	image_platform_text(&d->platform, platform);
	if (rc < 0)
		return err_prefix(err, rc, "its manifest for %s", platform);
	atomic_store(&p->news, true);
	if (ret->type == IMAGE_INDEX)
		rc = err_set(err, -ENOTSUP,
			     "its index leads to another index for %s, which is not followed",
			     platform);
	else if (ret->size != d->size)
		rc = err_set(err, -EBADMSG,
			     "its manifest for %s has %zu bytes, but the index says %" PRIu64,
			     platform, ret->size, d->size);
	if (rc < 0)
		registry_manifest_deinit(ret);
	return rc;
}

static int take_child(struct puller *p, const struct image_descriptor *d, struct err *err)
{
	struct registry_manifest child;
	int rc = get_child(p, d, &child, err);

	if (rc < 0)
		return rc;
	rc = contents_add(&p->contents, child.text, child.size, err);
	if (rc == 0)
		rc = pull_keep(p->store, &child, err);
	registry_manifest_deinit(&child);
	return rc;
}

static bool is_manifest(const struct image_descriptor *d)
{
	return d->type == IMAGE_MANIFEST || d->type == IMAGE_INDEX;
}

static int take_index(struct puller *p, const struct registry_manifest *m, struct err *err)
{
	const struct image_descriptor *chosen;
	struct image_index index;
	int rc = image_index_parse(&index, m->text, m->size, err);

	if (rc != 0)
		return rc < 0 ? rc : -EINVAL;
	if (p->pull->all) {
		for (uint32_t i = 0; i < index.count && rc == 0; i++)
			if (is_manifest(&index.manifests[i]))
				rc = take_child(p, &index.manifests[i], err);
	} else {
		chosen = image_choose(&index, &p->pull->wish, err);
		rc = chosen != NULL ? take_child(p, chosen, err) : -ENOENT;
	}
	image_index_deinit(&index);
	return rc;
}

/* A single manifest is what it is, unless its config says otherwise: prepare() looks at that. */
static int take_top(struct puller *p, const struct registry_manifest *m, struct err *err)
{
	int rc = m->type == IMAGE_INDEX ? take_index(p, m, err)
					: contents_add(&p->contents, m->text, m->size, err);

	if (rc < 0)
		return rc;
	if (!store_has(p->store, &m->digest))
		atomic_store(&p->news, true);
	return pull_keep(p->store, m, err);
}

/* What was asked for: by a digest it may be here. */
static int get_top(struct puller *p, struct registry_manifest *ret, struct err *err)
{
	const struct oci_digest *digest = &p->reference->digest;

	if (digest->text[0] == '\0')
		return sources_manifest(&p->sources, p->reference->tag, ret, err);
	*ret = (struct registry_manifest){.digest = *digest};
	if (store_has(p->store, digest) &&
	    store_blob_read(p->store, digest, IMAGE_JSON_MAX, &ret->text, &ret->size, NULL) == 0) {
		ret->type = image_guess(ret->text, ret->size);
		if (ret->type == IMAGE_INDEX || ret->type == IMAGE_MANIFEST) {
			snprintf(ret->media_type, sizeof(ret->media_type), "%s",
				 image_media_type(ret->type));
			return 0;
		}
		registry_manifest_deinit(ret);
	}
	return sources_manifest(&p->sources, digest->text, ret, err);
}

/* -- Blobs ------------------------------------------------------------------------------------------------- */

static int fetch(void *context, const struct image_descriptor *blob, struct err *err)
{
	struct puller *p = context;
	struct progress_item *item;
	char what[64];
	int rc;

	if (store_has(p->store, &blob->digest))
		return 0;
	snprintf(what, sizeof(what), "pull %.12s", oci_digest_hex(&blob->digest));
	item = progress_add(p->options.progress, what, blob->size);
	rc = sources_fetch(&p->sources, blob, p->store, item, err);
	atomic_store(&p->news, true);
	progress_done(item, rc == REGISTRY_THERE ? "there already" : rc == 0 ? "done" : "not done");
	return rc;
}

static void stop(void *context)
{
	struct puller *p = context;

	sources_stop(&p->sources);
}

static int check_room(const struct puller *p, struct err *err)
{
	struct statvfs fs;
	uint64_t needed = 0, room;
	char takes[24], left[24];

	for (uint32_t i = 0; i < contents_count(&p->contents); i++)
		if (!store_has(p->store, &contents_item(&p->contents, i)->digest))
			needed += contents_item(&p->contents, i)->size;
	if (fstatvfs(p->store->dir, &fs) < 0)
		return 0;
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (needed <= room)
		return 0;
	return err_set(
		err, -ENOSPC,
		"it takes %s, and where the store is ('%s') there are %s left; 'skiff rmi --prune' "
		"removes what no image needs",
		progress_amount(needed, takes), p->store->path, progress_amount(room, left));
}

static int get_blobs(struct puller *p, struct err *err)
{
	const struct contents_work work = {
		.one = fetch, .stop = stop, .context = p, .threads = p->options.jobs};
	int rc = check_room(p, err);

	return rc == 0 ? contents_each(&p->contents, &work, err) : rc;
}

/* -- The whole --------------------------------------------------------------------------------------------- */

static int give_name(struct puller *p, const struct registry_manifest *m, struct err *err)
{
	const struct image_descriptor descriptor = {.media_type = m->media_type,
						    .type = m->type,
						    .digest = m->digest,
						    .size = m->size,
						    .artifact_type = ""};
	struct oci_digest before;

	if (store_lookup(p->store->dir, p->reference, &before, NULL) == 0 &&
	    oci_digest_is(&before, &m->digest))
		return 0;
	atomic_store(&p->news, true);
	return store_name(p->store, p->reference, &descriptor, err);
}

static int pull_with(struct puller *p, struct oci_digest *ret, struct err *err)
{
	struct registry_manifest top = {0};
	int rc = get_top(p, &top, err);

	if (rc == 0)
		rc = take_top(p, &top, err);
	if (rc == 0)
		rc = get_blobs(p, err);
	if (rc == 0)
		rc = give_name(p, &top, err);
	if (rc == 0)
		*ret = top.digest;
	registry_manifest_deinit(&top);
	return rc;
}

int pull(struct store *store, const struct pull *pull, const struct reference *reference,
	 struct oci_digest *ret, struct err *err)
{
	struct puller p = {
		.store = store, .pull = pull, .reference = reference, .options = pull->options};
	bool own = p.options.progress == NULL;
	int rc;

	if (own)
		p.options.progress = progress_begin(pull->quiet);
	rc = sources_init(&p.sources, reference, &p.options, err);
	if (rc == 0)
		rc = pull_with(&p, ret, err);
	if (rc == 0 && pull->result != NULL)
		*pull->result =
			(struct pull_result){.size = p.contents.size, .news = atomic_load(&p.news)};
	contents_deinit(&p.contents);
	sources_deinit(&p.sources);
	if (own)
		progress_end(p.options.progress);
	return rc;
}
