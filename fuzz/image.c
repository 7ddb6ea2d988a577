/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c (fuzz): any bytes as an index, a manifest, a config, and as what the store says is ready.
 *
 * Beyond the sanitizers: of what was accepted every string is read to its last byte and what image.h promises is asked for; a text is
 * never both an index and a manifest; what is chosen of an index is one of it; ready files are read as they are written.
 */
#include "oci/image.h"
#include "oci/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sum; /* so that no reading is left out */

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void touch(const char *text)
{
	require(text != NULL);
	sum += strlen(text);
}

static void touch_digest(const struct oci_digest *digest)
{
	struct oci_digest again;

	require(oci_digest_parse(&again, digest->text, NULL) == 0 && oci_digest_is(digest, &again));
	require(strspn(oci_digest_hex(digest), "0123456789abcdef") ==
		strlen(oci_digest_hex(digest)));
}

static void touch_notes(const struct image_notes *notes)
{
	for (uint32_t i = 0; i < notes->count; i++) {
		touch(notes->items[i].name);
		touch(notes->items[i].value);
		if (i < 64)
			require(image_note(notes, notes->items[i].name) != NULL);
	}
}

static void touch_texts(const struct image_texts *texts)
{
	for (uint32_t i = 0; i < texts->count; i++)
		touch(texts->items[i]);
}

static void touch_platform(const struct image_platform *platform)
{
	char text[128];

	touch(platform->os);
	touch(platform->architecture);
	touch(platform->variant);
	touch(platform->os_version);
	image_platform_text(platform, text);
	require(text[0] != '\0' && memchr(text, '\0', sizeof(text)) != NULL);
}

static void touch_descriptor(const struct image_descriptor *d)
{
	touch(d->media_type);
	touch(d->artifact_type);
	require(d->type == image_type(d->media_type) && d->size <= INT64_MAX);
	require(strlen(d->media_type) < 128);
	touch_digest(&d->digest);
	touch_platform(&d->platform);
	touch_notes(&d->notes);
}

static void choose(const struct image_index *index)
{
	static const char *const wishes[] = {NULL, "wasi/wasm", "wasip2", "linux/arm64/v8",
					     "linux"};

	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		const struct image_descriptor *found;
		struct image_wish wish = {.given = false};
		struct err err = {""};
		char room[128];

		require(wishes[i] == NULL || image_wish_parse(&wish, wishes[i], room, &err) == 0);
		found = image_choose(index, &wish, &err);
		require((found == NULL) == (err.text[0] != '\0'));
		if (found == NULL)
			continue;
		require(found >= index->manifests && found < index->manifests + index->count);
		require(found->type == IMAGE_MANIFEST || found->media_type[0] == '\0');
		require(strcmp(found->platform.os, "unknown") != 0);
	}
}

/* Outcomes are the same for all of them. */
static bool accepted(int rc, const struct err *err)
{
	require(rc == 0 || (rc == -EINVAL && err->text[0] != '\0'));
	return rc == 0;
}

static bool try_index(const char *text, size_t size)
{
	struct image_index index = {.count = 0};
	struct err err = {""};

	if (!accepted(image_index_parse(&index, text, size, &err), &err))
		return false;
	require(index.count <= IMAGE_MANIFESTS_MAX);
	for (uint32_t i = 0; i < index.count; i++)
		touch_descriptor(&index.manifests[i]);
	touch_notes(&index.notes);
	choose(&index);
	image_index_deinit(&index);
	return true;
}

static bool try_manifest(const char *text, size_t size)
{
	struct image_manifest manifest = {.count = 0};
	struct err err = {""};

	if (!accepted(image_manifest_parse(&manifest, text, size, &err), &err))
		return false;
	require(manifest.count <= IMAGE_LAYERS_MAX);
	touch(manifest.media_type);
	touch(manifest.artifact_type);
	touch_descriptor(&manifest.config);
	for (uint32_t i = 0; i < manifest.count; i++)
		touch_descriptor(&manifest.layers[i]);
	touch_notes(&manifest.notes);
	image_manifest_deinit(&manifest);
	return true;
}

static void try_config(const char *text, size_t size)
{
	struct image_config config = {.diff_count = 0};
	struct err err = {""};

	if (!accepted(image_config_parse(&config, text, size, &err), &err))
		return;
	require(config.diff_count <= IMAGE_LAYERS_MAX);
	touch_platform(&config.platform);
	touch(config.created);
	touch(config.author);
	touch(config.user);
	touch(config.directory);
	touch(config.stop_signal);
	touch_texts(&config.variables);
	touch_texts(&config.entrypoint);
	touch_texts(&config.command);
	touch_texts(&config.ports);
	touch_texts(&config.volumes);
	touch_notes(&config.labels);
	for (uint32_t i = 0; i < config.diff_count; i++)
		touch_digest(&config.diff_ids[i]);
	image_config_deinit(&config);
}

static void try_ready(const char *bytes, size_t size)
{
	char *text = strndup(bytes, size);
	struct ready ready, again;
	struct buf put = {0};
	struct err err = {""};
	int rc;

	require(text != NULL);
	rc = store_ready_parse(&ready, text, &err);
	require(rc == 0 || (rc == -ENOENT && err.text[0] != '\0'));
	if (rc == 0) {
		touch_digest(&ready.manifest);
		touch_digest(&ready.config);
		require(strchr(ready.root, '/') == NULL && ready.root[0] != '.');
		require(store_ready_put(&ready, &put) == 0 && buf_put(&put, "", 1) != NULL);
		require(strcmp((const char *)put.data, text) == 0);
		require(store_ready_parse(&again, (const char *)put.data, NULL) == 0);
		require(strcmp(again.path, ready.path) == 0);
	}
	buf_deinit(&put);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	bool index = try_index(text, size);
	bool manifest = try_manifest(text, size);
	enum image_type guess = image_guess(text, size);

	require(!index || !manifest);
	require(!index || guess == IMAGE_INDEX || guess == IMAGE_UNKNOWN || guess == IMAGE_CONFIG);
	require(!manifest || guess != IMAGE_INDEX);
	try_config(text, size);
	try_ready(text, size);
	return 0;
}
