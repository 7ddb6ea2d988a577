/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.h: a store in a folder of its own, and small images in it. cmocka is included before. */
#ifndef IMAGE_TEST_STORE_H
#define IMAGE_TEST_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "image/store.h"

static char folder[64], store_at[96];
static struct err err;

static inline int begin(void **state)
{
	(void)state;
	/* Where fsync() costs nothing, if there is such a place: thousands are made. */
	strcpy(folder, "/dev/shm/store-test-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		strcpy(folder, "/tmp/store-test-XXXXXX");
		if (mkdtemp(folder) == NULL)
			return -1;
	}
	snprintf(store_at, sizeof(store_at), "%s/above/store", folder);
	return setenv("XDG_RUNTIME_DIR", folder, 1);
}

static inline int end(void **state)
{
	char command[192];

	(void)state;
	snprintf(command, sizeof(command), "chmod -R u+rwx '%s'; rm -rf '%s'", folder, folder);
	return system(command);
}

static inline void open_store(struct store *store)
{
	int error = store_open(store, store_at, &err);

	if (error != 0)
		fail_msg("store_open: %s", err.text);
	store->quiet = true;
}

static inline void put_text(const struct store *store, const char *text, struct oci_digest *ret)
{
	if (store_blob_put(store, text, strlen(text), ret, &err) != 0)
		fail_msg("store_blob_put: %s", err.text);
}

struct test_image {
	struct oci_digest layer, config;
	struct image_descriptor descriptor;
};

/* One that is told from others by `what`: of one layer, which is no archive. */
static inline void put_image(const struct store *store, const char *what, struct test_image *ret)
{
	char text[2048];

	*ret = (struct test_image){.descriptor.type = IMAGE_MANIFEST};
	snprintf(text, sizeof(text), "layer of %s", what);
	put_text(store, text, &ret->layer);
	snprintf(text, sizeof(text),
		 "{\"os\": \"wasi\", \"architecture\": \"wasm\", \"author\": \"%s\"}", what);
	put_text(store, text, &ret->config);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\": 2, \"mediaType\": "
		 "\"application/vnd.oci.image.manifest.v1+json\", "
		 "\"config\": {\"mediaType\": \"application/vnd.oci.image.config.v1+json\", "
		 "\"digest\": \"%s\", \"size\": 3}, "
		 "\"layers\": [{\"mediaType\": \"application/vnd.oci.image.layer.v1.tar\", "
		 "\"digest\": \"%s\", \"size\": 3}]}",
		 ret->config.text, ret->layer.text);
	put_text(store, text, &ret->descriptor.digest);
	ret->descriptor.size = strlen(text);
	ret->descriptor.media_type = "application/vnd.oci.image.manifest.v1+json";
	ret->descriptor.artifact_type = "";
}

static inline int name_image(const struct store *store, const char *name,
			     const struct test_image *image)
{
	struct reference reference;

	if (reference_parse(&reference, name, &err) != 0)
		fail_msg("%s", err.text);
	return store_name(store, &reference, &image->descriptor, &err);
}

static inline int unname(const struct store *store, const char *name)
{
	struct reference reference;

	if (reference_parse(&reference, name, &err) != 0)
		fail_msg("%s", err.text);
	return store_unname(store, &reference, &err);
}

#endif
