/* SPDX-License-Identifier: Apache-2.0 */
#include "image/contents.h"

#include "base/base.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

enum {
	THREADS = 3,
	THREADS_MAX = 32,
	TEXTS_MAX = 64 << 20 /* bytes of all manifests: they are kept in memory */
};

uint32_t contents_count(const struct contents *c)
{
	return (uint32_t)BUF_COUNT(&c->items, struct image_descriptor);
}

const struct image_descriptor *contents_item(const struct contents *c, uint32_t i)
{
	return BUF_ITEM(&c->items, struct image_descriptor, i);
}

void contents_deinit(struct contents *c)
{
	for (size_t i = 0; i < BUF_COUNT(&c->manifests, struct image_manifest); i++)
		image_manifest_deinit(BUF_ITEM(&c->manifests, struct image_manifest, i));
	buf_deinit(&c->manifests);
	buf_deinit(&c->items);
	digests_deinit(&c->seen);
}

static int check_again(const struct contents *c, const struct image_descriptor *d, struct err *err)
{
	for (uint32_t i = 0; i < contents_count(c); i++)
		if (oci_digest_is(&contents_item(c, i)->digest, &d->digest) &&
		    contents_item(c, i)->size != d->size)
			return err_set(err, -EBADMSG,
				       "its manifest gives %s two sizes, %" PRIu64 " and %" PRIu64,
				       d->digest.text, contents_item(c, i)->size, d->size);
	return 0;
}

static int add(struct contents *c, const struct image_descriptor *d, struct err *err)
{
	int added;

	if (d->type == IMAGE_LAYER_FOREIGN)
		return err_set(err, -ENOTSUP,
			       "its layer %s is foreign ('%s'): registries do not hand it out, and "
			       "nothing here could run it",
			       d->digest.text, d->media_type);
	/* INT64_MAX: what no file can have. */
	if (d->size > INT64_MAX - c->size)
		return err_set(err, -EFBIG, "its manifest says that %s has %" PRIu64 " bytes",
			       d->digest.text, d->size);
	added = digests_add(&c->seen, &d->digest);
	if (added == 0)
		return check_again(c, d, err);
	if (added < 0 || buf_put(&c->items, d, sizeof(*d)) == NULL)
		return err_set(err, -ENOMEM, "no memory");
	c->size += d->size;
	return 0;
}

int contents_add(struct contents *c, const char *text, size_t size, struct err *err)
{
	struct image_manifest manifest;
	int rc;

	if (size > TEXTS_MAX - c->texts)
		return err_set(err, -EFBIG,
			       "its manifests have more than %d MiB; choose one by --platform",
			       TEXTS_MAX >> 20);
	rc = image_manifest_parse(&manifest, text, size, err);
	if (rc != 0)
		return err_prefix(err, rc < 0 ? rc : -EINVAL, "its manifest");
	c->texts += size;
	if (buf_put(&c->manifests, &manifest, sizeof(manifest)) == NULL) {
		image_manifest_deinit(&manifest);
		return err_set(err, -ENOMEM, "no memory");
	}
	if (manifest.config.size > IMAGE_JSON_MAX)
		return err_set(err, -EFBIG,
			       "its config has %" PRIu64 " bytes; more than %u are refused",
			       manifest.config.size, IMAGE_JSON_MAX);
	rc = add(c, &manifest.config, err);
	for (uint32_t i = 0; i < manifest.count && rc == 0; i++)
		rc = add(c, &manifest.layers[i], err);
	return rc;
}

/* -- Work ------------------------------------------------------------------------------------------------ */

struct crew {
	const struct contents *contents;
	const struct contents_work *work;
	pthread_mutex_t lock; /* of the rest */
	uint32_t next;
	int rc;
	struct err err; /* of rc */
};

static const struct image_descriptor *take(struct crew *crew)
{
	const struct image_descriptor *item = NULL;

	pthread_mutex_lock(&crew->lock);
	if (crew->rc == 0 && crew->next < contents_count(crew->contents))
		item = contents_item(crew->contents, crew->next++);
	pthread_mutex_unlock(&crew->lock);
	return item;
}

static void *work(void *context)
{
	struct crew *crew = context;
	const struct image_descriptor *item;
	struct err err = {""};
	bool first;
	int rc;

	while ((item = take(crew)) != NULL) {
		rc = crew->work->one(crew->work->context, item, &err);
		if (rc >= 0)
			continue;
		pthread_mutex_lock(&crew->lock);
		first = crew->rc == 0;
		if (first) {
			crew->rc = rc;
			crew->err = err;
		}
		pthread_mutex_unlock(&crew->lock);
		if (first)
			crew->work->stop(crew->work->context);
	}
	return NULL;
}

int contents_each(const struct contents *contents, const struct contents_work *w, struct err *err)
{
	struct crew crew = {.contents = contents, .work = w};
	pthread_t threads[THREADS_MAX];
	unsigned wanted = w->threads > 0 ? MIN(w->threads, (unsigned)THREADS_MAX) : THREADS;
	unsigned count = 0;

	wanted = MIN(wanted, contents_count(contents));
	pthread_mutex_init(&crew.lock, NULL);
	/* This one is one of them. */
	while (count + 1 < wanted && pthread_create(&threads[count], NULL, work, &crew) == 0)
		count++;
	work(&crew);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&crew.lock);
	if (crew.rc < 0)
		err_set(err, crew.rc, "%s", crew.err.text);
	return crew.rc;
}
