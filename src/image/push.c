/* SPDX-License-Identifier: Apache-2.0 */
#include "image/push.h"

#include "image/contents.h"
#include "image/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct text { /* a manifest of the store */
	char *bytes; /* owned */
	size_t size;
	char media_type[128];
	struct oci_digest digest;
};

struct pusher {
	const struct store *store;
	const struct push *push;
	const struct reference *to;
	struct registry_options options;
	struct registry *registry; /* owned */
	struct contents contents;
	struct mounts mounts;
	struct buf children; /* struct text: what an index leads to */
	struct text top;
};

/* -- What is to be sent -------------------------------------------------------------------------------------- */

static int read_text(const struct pusher *p, const struct image_descriptor *d, struct text *ret,
		     struct err *err)
{
	enum image_type type;
	int rc;

	*ret = (struct text){.digest = d->digest};
	rc = store_blob_read(p->store, &d->digest, IMAGE_JSON_MAX, &ret->bytes, &ret->size, err);
	if (rc < 0)
		return rc;
	type = image_guess(ret->bytes, ret->size);
	/* As the index or the name calls it; a registry wants the two to be one. */
	snprintf(ret->media_type, sizeof(ret->media_type), "%s",
		 image_type(d->media_type) == type && type != IMAGE_UNKNOWN
			 ? d->media_type
			 : image_media_type(IMAGE_MANIFEST));
	return 0;
}

/* Everything of one platform is here, or the sentence says what can be done. */
static int check_here(const struct pusher *p, const struct image_descriptor *d, uint32_t first,
		      struct err *err)
{
	bool here = true;
	char platform[128];

	for (uint32_t i = first; i < contents_count(&p->contents); i++)
		here = here && store_has(p->store, &contents_item(&p->contents, i)->digest);
	if (here)
		return 0;
	image_platform_text(&d->platform, platform);
	return err_set(
		err, -ENOENT,
		"the contents for %s are not here; get them by `skiff pull --all-platforms`, "
		"or push one platform by --platform",
		platform);
}

static int take_child(struct pusher *p, const struct image_descriptor *d, struct err *err)
{
	uint32_t before = contents_count(&p->contents);
	struct text text;
	char platform[128];
	int rc;

	image_platform_text(&d->platform, platform);
	if (!store_has(p->store, &d->digest))
		return err_set(err, -ENOENT,
			       "the image for %s is not here; get it by `skiff pull "
			       "--all-platforms`, or push one platform by --platform",
			       platform);
	rc = read_text(p, d, &text, err);
	if (rc < 0)
		return rc;
	if (buf_put(&p->children, &text, sizeof(text)) == NULL) {
		free(text.bytes);
		return err_set(err, -ENOMEM, "no memory");
	}
	rc = contents_add(&p->contents, text.bytes, text.size, err);
	return rc == 0 ? check_here(p, d, before, err) : rc;
}

static int take_index(struct pusher *p, struct err *err)
{
	const struct image_descriptor *chosen;
	struct image_index index;
	int rc = image_index_parse(&index, p->top.bytes, p->top.size, err);

	if (rc != 0)
		return rc < 0 ? rc : -EINVAL;
	if (p->push->wish.given) {
		chosen = image_choose(&index, &p->push->wish, err);
		free(p->top.bytes);
		p->top.bytes = NULL;
		rc = chosen != NULL ? read_text(p, chosen, &p->top, err) : -ENOENT;
		if (rc == 0)
			rc = contents_add(&p->contents, p->top.bytes, p->top.size, err);
		if (rc == 0)
			rc = check_here(p, chosen, 0, err);
	} else {
		for (uint32_t i = 0; i < index.count && rc == 0; i++)
			rc = take_child(p, &index.manifests[i], err);
	}
	image_index_deinit(&index);
	return rc;
}

static int gather(struct pusher *p, const struct image_descriptor *what, struct err *err)
{
	int rc = read_text(p, what, &p->top, err);

	if (rc < 0)
		return rc;
	if (image_guess(p->top.bytes, p->top.size) == IMAGE_INDEX) {
		if (image_type(p->top.media_type) != IMAGE_INDEX)
			snprintf(p->top.media_type, sizeof(p->top.media_type), "%s",
				 image_media_type(IMAGE_INDEX));
		return take_index(p, err);
	}
	rc = contents_add(&p->contents, p->top.bytes, p->top.size, err);
	if (rc == 0)
		rc = check_here(p, what, 0, err);
	return rc;
}

/* -- Sending ------------------------------------------------------------------------------------------------- */

static int send_blob(void *context, const struct image_descriptor *blob, struct err *err)
{
	struct pusher *p = context;
	struct image_descriptor sent = *blob;
	struct progress_item *item;
	char what[64];
	int fd = store_blob_open(p->store, &blob->digest, &sent.size, err), rc;

	if (fd < 0)
		return fd;
	snprintf(what, sizeof(what), "push %.12s", oci_digest_hex(&blob->digest));
	item = progress_add(p->options.progress, what, blob->size);
	if (sent.size != blob->size)
		rc = err_set(err, -EBADMSG, "%s has another size than its manifest says",
			     blob->digest.text);
	else
		rc = registry_send(p->registry, blob, fd, mounts_from(&p->mounts, &blob->digest),
				   item, err);
	close(fd);
	progress_done(item, rc == REGISTRY_THERE     ? "there already"
			    : rc == REGISTRY_MOUNTED ? "mounted"
			    : rc == 0                ? "done"
						     : "not done");
	return rc;
}

static void stop(void *context)
{
	struct pusher *p = context;

	registry_stop(p->registry);
}

static int send_manifests(struct pusher *p, struct err *err)
{
	const struct text *top = &p->top;
	int rc = 0;

	for (size_t i = 0; i < BUF_COUNT(&p->children, struct text) && rc == 0; i++) {
		const struct text *t = BUF_ITEM(&p->children, struct text, i);

		rc = registry_send_manifest(p->registry, t->digest.text, t->media_type, t->bytes,
					    t->size, err);
	}
	if (rc < 0)
		return rc;
	return registry_send_manifest(p->registry,
				      p->to->tag[0] != '\0' ? p->to->tag : top->digest.text,
				      top->media_type, top->bytes, top->size, err);
}

static int push_with(struct pusher *p, const struct image_descriptor *what, struct err *err)
{
	const struct contents_work work = {
		.one = send_blob, .stop = stop, .context = p, .threads = p->options.jobs};
	int rc = gather(p, what, err);

	if (rc == 0 && p->to->digest.text[0] != '\0' &&
	    !oci_digest_is(&p->to->digest, &p->top.digest))
		rc = err_set(err, -EINVAL, "it is %s, which cannot be pushed as another digest",
			     p->top.digest.text);
	if (rc == 0)
		rc = mounts_find(&p->mounts, p->store, &p->contents, p->to, err);
	for (unsigned i = 0; i < p->mounts.count; i++)
		p->options.from[i] = p->mounts.paths[i];
	if (rc == 0)
		rc = registry_open(&p->registry, p->to, NULL, &p->options, err);
	if (rc == 0)
		rc = contents_each(&p->contents, &work, err);
	return rc == 0 ? send_manifests(p, err) : rc;
}

int push(struct store *store, const struct push *push, const struct image_descriptor *what,
	 const struct reference *to, struct oci_digest *ret, struct err *err)
{
	struct pusher p = {.store = store, .push = push, .to = to, .options = push->options};
	bool own = p.options.progress == NULL;
	int rc;

	if (own)
		p.options.progress = progress_begin(push->quiet);
	p.options.push = true;
	rc = push_with(&p, what, err);
	if (rc == 0) {
		*ret = p.top.digest;
		if (push->size != NULL)
			*push->size = p.contents.size;
	}
	registry_close(p.registry);
	mounts_deinit(&p.mounts);
	for (size_t i = 0; i < BUF_COUNT(&p.children, struct text); i++)
		free(BUF_ITEM(&p.children, struct text, i)->bytes);
	buf_deinit(&p.children);
	free(p.top.bytes);
	contents_deinit(&p.contents);
	if (own)
		progress_end(p.options.progress);
	return rc;
}
