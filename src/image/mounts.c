/* SPDX-License-Identifier: Apache-2.0 */
#include "image/mounts.h"

#include "oci/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 64 /* looked at, at most */ };

void mounts_deinit(struct mounts *m)
{
	for (unsigned i = 0; i < REGISTRY_FROM_MAX; i++)
		digests_deinit(&m->blobs[i]);
}

const char *mounts_from(const struct mounts *m, const struct oci_digest *digest)
{
	for (unsigned i = 0; i < m->count; i++)
		if (digests_has(&m->blobs[i], digest))
			return m->paths[i];
	return NULL;
}

/* All that is here of what a name stands for; what cannot be read is no reason to fail. */
static void gather(struct contents *to, const struct store *store, const struct image_descriptor *d,
		   unsigned depth)
{
	struct image_index index;
	char *text = NULL;
	size_t size;

	if (!store_has(store, &d->digest) ||
	    store_blob_read(store, &d->digest, IMAGE_JSON_MAX, &text, &size, NULL) < 0)
		return;
	if (image_guess(text, size) == IMAGE_MANIFEST) {
		contents_add(to, text, size, NULL);
	} else if (depth == 0 && image_index_parse(&index, text, size, NULL) == 0) {
		for (uint32_t i = 0; i < index.count; i++)
			gather(to, store, &index.manifests[i], depth + 1);
		image_index_deinit(&index);
	}
	free(text);
}

static int take_shared(struct mounts *m, const char *path, const struct contents *theirs,
		       const struct contents *ours)
{
	int rc = 0;

	for (uint32_t i = 0; i < contents_count(ours) && rc >= 0; i++) {
		const struct oci_digest *digest = &contents_item(ours, i)->digest;

		if (digests_has(&theirs->seen, digest) && mounts_from(m, digest) == NULL)
			rc = digests_add(&m->blobs[m->count], digest);
	}
	if (rc < 0 || m->blobs[m->count].count == 0)
		return rc < 0 ? rc : 0;
	snprintf(m->paths[m->count++], sizeof(m->paths[0]), "%s", path);
	return 0;
}

int mounts_find(struct mounts *ret, const struct store *store, const struct contents *contents,
		const struct reference *to, struct err *err)
{
	struct image_index names;
	int rc = store_list(store, &names, err);

	*ret = (struct mounts){0};
	if (rc != 0)
		return rc;
	for (uint32_t i = 0; i < names.count && i < NAMES && rc == 0; i++) {
		const char *name = image_note(&names.manifests[i].notes, STORE_REF_NAME);
		struct contents theirs = {0};
		struct reference other;

		if (name == NULL || ret->count == REGISTRY_FROM_MAX ||
		    reference_parse(&other, name, NULL) < 0 || strcmp(other.host, to->host) != 0 ||
		    strcmp(other.path, to->path) == 0)
			continue;
		gather(&theirs, store, &names.manifests[i], 0);
		rc = take_shared(ret, other.path, &theirs, contents);
		contents_deinit(&theirs);
	}
	image_index_deinit(&names);
	if (rc == 0)
		return 0;
	mounts_deinit(ret);
	return err_set(err, rc, "no memory");
}
