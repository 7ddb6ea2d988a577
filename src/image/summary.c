/* SPDX-License-Identifier: Apache-2.0 */
#include "image/summary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "image/digests.h"
#include "image/store_parts.h"
#include "oci/store.h"

enum { NESTED_MOST = 8 };

struct walk {
	const struct store *store; /* borrowed */
	struct summary *summary; /* borrowed */
	struct digests seen;
};

/* 1: it is there and was not counted yet. */
static int count(struct walk *w, const struct oci_digest *digest)
{
	int added = digests_add(&w->seen, digest), fd;
	uint64_t size;

	if (added <= 0)
		return added;
	fd = store_blob_open(w->store, digest, &size, NULL);
	if (fd < 0)
		return 0;
	close(fd);
	w->summary->size += size;
	return 1;
}

static int add_platform(struct walk *w, const struct image_platform *platform)
{
	char *place, text[SUMMARY_PLATFORM];
	struct buf *list = &w->summary->platforms;

	image_platform_text(platform, text);
	for (size_t i = 0; i < list->size; i += SUMMARY_PLATFORM)
		if (strcmp((const char *)list->data + i, text) == 0)
			return 0;
	place = buf_zero(list, SUMMARY_PLATFORM);
	if (place == NULL)
		return -ENOMEM;
	strcpy(place, text);
	return 0;
}

/* What cannot be read, or is no config of ours, has no platform that we know. */
static int look_at_config(struct walk *w, const struct image_descriptor *d)
{
	struct image_platform unknown = {"", "", "", ""};
	struct image_config config;
	char *text;
	size_t size;
	int error;

	if (d->type == IMAGE_CONFIG_WASM)
		unknown = (struct image_platform){"wasi", "wasm", "", ""};
	if (store_blob_read(w->store, &d->digest, IMAGE_JSON_MAX, &text, &size, NULL) != 0) {
		w->summary->damaged = true;
		return add_platform(w, &unknown);
	}
	error = image_config_parse(&config, text, size, NULL);
	free(text);
	if (error != 0)
		return error == -ENOMEM ? error : add_platform(w, &unknown);
	error = add_platform(w, config.platform.os[0] != '\0' ? &config.platform : &unknown);
	image_config_deinit(&config);
	return error;
}

static int look_at_manifest(struct walk *w, const char *text, size_t size,
			    const struct image_descriptor *d)
{
	struct image_manifest manifest;
	int error = image_manifest_parse(&manifest, text, size, NULL);

	if (error == -ENOMEM)
		return error;
	if (error != 0) {
		w->summary->damaged = true;
		return 0;
	}
	error = count(w, &manifest.config.digest);
	for (uint32_t i = 0; i < manifest.count && error >= 0; i++) {
		error = count(w, &manifest.layers[i].digest);
		if (!store_has(w->store, &manifest.layers[i].digest))
			w->summary->damaged = true;
	}
	if (error >= 0)
		error = d->has_platform ? add_platform(w, &d->platform)
					: look_at_config(w, &manifest.config);
	image_manifest_deinit(&manifest);
	return error < 0 ? error : 0;
}

static int look(struct walk *w, const struct image_descriptor *d, unsigned depth);

static int look_at_index(struct walk *w, const char *text, size_t size, unsigned depth)
{
	struct image_index index;
	int error = image_index_parse(&index, text, size, NULL);

	if (error == -ENOMEM)
		return error;
	if (error != 0) {
		w->summary->damaged = true;
		return 0;
	}
	for (uint32_t i = 0; i < index.count && error == 0; i++)
		if (store_has(w->store, &index.manifests[i].digest))
			error = look(w, &index.manifests[i], depth + 1);
	image_index_deinit(&index);
	return error;
}

/* Of builders, about the images beside them. */
static bool is_attestation(const struct image_descriptor *d)
{
	return d->has_platform && strcmp(d->platform.os, "unknown") == 0;
}

static int look(struct walk *w, const struct image_descriptor *d, unsigned depth)
{
	enum image_type type;
	char *text;
	size_t size;
	int counted = count(w, &d->digest), error = 0;

	if (counted < 0 || depth >= NESTED_MOST || is_attestation(d))
		return counted < 0 ? counted : 0;
	if (store_blob_read(w->store, &d->digest, IMAGE_JSON_MAX, &text, &size, NULL) != 0) {
		w->summary->damaged = true;
		return 0;
	}
	type = image_guess(text, size);
	if (type == IMAGE_INDEX)
		error = look_at_index(w, text, size, depth);
	else if (type == IMAGE_MANIFEST)
		error = look_at_manifest(w, text, size, d);
	else
		w->summary->damaged = true;
	free(text);
	return error;
}

int summary_make(const struct store *store, const struct image_descriptor *image,
		 struct summary *ret)
{
	struct walk w = {.store = store, .summary = ret};
	int error;

	*ret = (struct summary){.size = 0};
	error = look(&w, image, 0);
	digests_deinit(&w.seen);
	if (error != 0)
		summary_deinit(ret);
	return error;
}

void summary_deinit(struct summary *summary)
{
	buf_deinit(&summary->platforms);
}

/* -- As text --------------------------------------------------------------------------------------- */

void summary_name(const struct image_descriptor *image, char text[static REFERENCE_ROOM])
{
	const char *name = image_note(&image->notes, STORE_REF_NAME);
	struct reference reference;
	char whole[REFERENCE_ROOM];

	snprintf(text, REFERENCE_ROOM, "%s", name != NULL && name[0] != '\0' ? name : "-");
	if (name == NULL || reference_parse(&reference, name, NULL) != 0)
		return;
	reference_text(&reference, whole);
	if (strcmp(whole, name) ==
	    0) /* else the short form of another tool's would lead elsewhere */
		reference_short(&reference, text);
}

const char *summary_since(const struct image_descriptor *image)
{
	const char *text = image_note(&image->notes, STORE_SINCE);

	return text != NULL ? text : "";
}

void summary_when(const struct image_descriptor *image, char text[static 32])
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
	struct tm tm = {0};
	int64_t age;

	strcpy(text, "-");
	if (strptime(summary_since(image), "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL)
		return;
	age = (int64_t)time(NULL) - (int64_t)timegm(&tm);
	strcpy(text, "now");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (age >= units[i].seconds) {
			int64_t n = age / units[i].seconds;

			snprintf(text, 32, "%lld %s%s ago", (long long)n, units[i].name,
				 n == 1 ? "" : "s");
			return;
		}
}
