/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_inspect.c: `skiff inspect REFERENCE`: what an image of the store consists of, as JSON: what the store knows of it, and
 * its index, manifests and configs as they are. Skiff hands on what is no file.
 */
#include "base/json.h"
#include "command/compose.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/json_copy.h"
#include "image/summary.h"
#include "image/verbs.h"
#include "oci/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JSON = 1, PLATFORM };
enum { NESTED_MOST = 8 };

const struct option inspect_options[] = {
	{JSON, '\0', "json", NULL, "an image is always shown as JSON"},
	{PLATFORM, '\0', "platform", "OS/ARCH", "only that one of several"},
	{0},
};
const char inspect_details[] = "REFERENCE is a name, or 4 digits or more of a digest. "
			       "docs/images.md describes the JSON.\n";

struct inspection {
	const struct store *store; /* borrowed, as are these */
	const struct image_descriptor *image;
	const char *platform; /* or NULL */
	struct image_wish wish;
	struct compose compose; /* what is shown is shown whole, or not at all */
	struct err *err;
};

/* -- Pieces ---------------------------------------------------------------------------------------- */

static int read_json(const struct inspection *i, const struct oci_digest *digest, struct json **ret)
{
	char *text;
	size_t size;
	int error = store_blob_read(i->store, digest, IMAGE_JSON_MAX, &text, &size, i->err);

	if (error != 0)
		return error;
	error = json_parse(ret, text, size, i->err);
	free(text);
	return error == 0 ? 0 : err_prefix(i->err, -EINVAL, "%s", digest->text);
}

/* Configs of artifacts may be anything, and anything may be missing: null then. */
static void put_config(struct inspection *i, const struct image_descriptor *config)
{
	struct json *json = NULL;

	if (!store_has(i->store, &config->digest) || read_json(i, &config->digest, &json) != 0) {
		emit_null(&i->compose.emit, "config");
		return;
	}
	json_copy(&i->compose.emit, "config", json_root(json));
	json_free(json);
}

static void put_layers(struct inspection *i, const struct image_manifest *manifest)
{
	struct emit *e = &i->compose.emit;

	emit_open(e, "layers", '[');
	for (uint32_t n = 0; n < manifest->count; n++) {
		const struct image_descriptor *layer = &manifest->layers[n];

		emit_row(e, NULL, '{');
		emit_string(e, "digest", layer->digest.text);
		emit_string(e, "mediaType", layer->media_type);
		emit_u64(e, "size", layer->size);
		emit_bool(e, "fetched", store_has(i->store, &layer->digest));
		emit_close(e, '}');
	}
	emit_close(e, ']');
}

/* What `skiff run` would take without further ado; of an index that depends on what is asked for. */
static void put_ready(struct inspection *i)
{
	struct ready ready;

	if (store_ready(i->store->dir, &i->image->digest, i->platform, &ready, NULL) == 0)
		emit_string(&i->compose.emit, "ready", ready.manifest.text);
	else
		emit_null(&i->compose.emit, "ready");
}

static void put_names(struct inspection *i, const struct image_index *all)
{
	emit_row(&i->compose.emit, "names", '[');
	for (uint32_t n = 0; n < all->count; n++) {
		const char *name = image_note(&all->manifests[n].notes, STORE_REF_NAME);

		if (name != NULL && oci_digest_is(&all->manifests[n].digest, &i->image->digest))
			emit_string(&i->compose.emit, NULL, name);
	}
	emit_close(&i->compose.emit, ']');
}

/* -- All of it ------------------------------------------------------------------------------------- */

static int put_image(struct inspection *i, const struct image_descriptor *d, const char *text,
		     size_t size)
{
	struct image_manifest manifest;
	struct json *json = NULL;
	char platform[SUMMARY_PLATFORM];
	int error = image_manifest_parse(&manifest, text, size, i->err);

	if (error != 0)
		return error;
	error = json_parse(&json, text, size, i->err);
	if (error == 0) {
		emit_open(&i->compose.emit, NULL, '{');
		emit_string(&i->compose.emit, "digest", d->digest.text);
		if (d->has_platform) {
			image_platform_text(&d->platform, platform);
			emit_string(&i->compose.emit, "platform", platform);
		}
		emit_bool(&i->compose.emit, "fetched", true);
		json_copy(&i->compose.emit, "manifest", json_root(json));
		put_config(i, &manifest.config);
		put_layers(i, &manifest);
		emit_close(&i->compose.emit, '}');
		json_free(json);
	}
	image_manifest_deinit(&manifest);
	return error;
}

static void put_missing(struct inspection *i, const struct image_descriptor *d)
{
	char platform[SUMMARY_PLATFORM];

	emit_row(&i->compose.emit, NULL, '{');
	emit_string(&i->compose.emit, "digest", d->digest.text);
	if (d->has_platform) {
		image_platform_text(&d->platform, platform);
		emit_string(&i->compose.emit, "platform", platform);
	}
	emit_bool(&i->compose.emit, "fetched", false);
	emit_close(&i->compose.emit, '}');
}

static int put_any(struct inspection *i, const struct image_descriptor *d, unsigned depth);

static int put_index(struct inspection *i, const char *text, size_t size, unsigned depth)
{
	const struct image_descriptor *only = NULL;
	struct image_index index;
	int error = image_index_parse(&index, text, size, i->err);

	if (error != 0)
		return error;
	if (i->platform != NULL) {
		only = image_choose(&index, &i->wish, i->err);
		error = only != NULL ? 0 : -ENOENT;
	}
	for (uint32_t n = 0; n < index.count && error == 0; n++)
		if (only == NULL || only == &index.manifests[n])
			error = put_any(i, &index.manifests[n], depth + 1);
	image_index_deinit(&index);
	return error;
}

static int put_any(struct inspection *i, const struct image_descriptor *d, unsigned depth)
{
	enum image_type type;
	char *text;
	size_t size;
	int error;

	if (!store_has(i->store, &d->digest) || depth > NESTED_MOST) {
		put_missing(i, d);
		return 0;
	}
	error = store_blob_read(i->store, &d->digest, IMAGE_JSON_MAX, &text, &size, i->err);
	if (error != 0)
		return error;
	type = image_guess(text, size);
	if (type == IMAGE_INDEX)
		error = put_index(i, text, size, depth);
	else if (type == IMAGE_MANIFEST)
		error = put_image(i, d, text, size);
	else
		put_missing(i, d);
	free(text);
	return error;
}

static int put_all(struct inspection *i, const struct image_index *all)
{
	const char *name = image_note(&i->image->notes, STORE_REF_NAME);
	struct emit *e = &i->compose.emit;
	struct summary summary;
	struct json *json;
	int error = summary_make(i->store, i->image, &summary);

	if (error != 0)
		return err_set(i->err, error, "%s", strerror(-error));
	emit_open(e, NULL, '{');
	if (name != NULL)
		emit_string(e, "reference", name);
	else
		emit_null(e, "reference");
	put_names(i, all);
	emit_string(e, "digest", i->image->digest.text);
	emit_string(e, "mediaType", i->image->media_type);
	emit_row(e, "platforms", '[');
	for (size_t n = 0; n < summary.platforms.size; n += SUMMARY_PLATFORM)
		emit_string(e, NULL, (const char *)summary.platforms.data + n);
	emit_close(e, ']');
	emit_u64(e, "size", summary.size);
	emit_string(e, "since", summary_since(i->image));
	put_ready(i);
	summary_deinit(&summary);
	error = read_json(i, &i->image->digest, &json);
	if (error != 0)
		return error;
	if (json_exists(json_find(json_root(json), "manifests")))
		json_copy(e, "index", json_root(json));
	json_free(json);
	emit_open(e, "images", '[');
	error = put_any(i, i->image, 0);
	emit_close(e, ']');
	emit_close(e, '}');
	return error;
}

static int show(struct inspection *i, const struct image_index *all)
{
	int code = compose_begin(&i->compose), error;
	char *text = NULL;
	size_t size;
	struct out out;

	if (code != EXIT_OK)
		return code;
	error = put_all(i, all);
	code = compose_end(&i->compose, EXIT_OK, &text, &size);
	if (error != 0)
		code = say(EXIT_BAD, NULL, "%s", i->err->text);
	if (code == EXIT_OK) {
		out_init(&out, STDOUT_FILENO);
		out_bytes(&out, text, size);
		code = out_end(&out, EXIT_OK);
	}
	free(text);
	return code;
}

static int inspect(const char *word, const char *platform)
{
	struct inspection i = {.platform = platform};
	struct image_index index;
	struct store store;
	struct err err;
	char room[128];
	int error = 0, code;

	i.err = &err;
	if (platform != NULL)
		error = image_wish_parse(&i.wish, platform, room, &err);
	if (error == 0)
		error = store_open(&store, NULL, &err);
	if (error != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	error = store_find(&store, word, &index, &i.image, &err);
	if (error == 0) {
		i.store = &store;
		code = show(&i, &index);
		image_index_deinit(&index);
	} else if (error == -ENOENT) {
		code = say(EXIT_BAD, NULL, "there is no file '%s', and %s", word, err.text);
	} else {
		code = say(EXIT_BAD, NULL, "%s", err.text);
	}
	store_close(&store);
	return code;
}

int inspect_verb(const struct verb *verb, char **args)
{
	const char *word = NULL, *platform = NULL;
	struct options o;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == PLATFORM)
			platform = o.value;
		else if (id == OPTIONS_WORD && word != NULL)
			return options_extra(&o);
		else if (id == OPTIONS_WORD)
			word = o.value;
	}
	if (word == NULL)
		return options_missing(&o, "REFERENCE");
	return inspect(word, platform);
}
