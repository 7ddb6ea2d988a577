/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_write.c: a build to blobs: layer, config, manifest, index.
 *
 * What is written depends on the build and on nothing else: members in one order, labels and ports sorted, no time but the build's own.
 * The shapes are those of docs/images.md: a config of the OCI whose diff_ids are those of its layers; a CNCF artifact, whose
 * only layer is the module itself; an index with a platform for each manifest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "command/emit.h"
#include "command/out.h"
#include "image/build.h"

#define WASM_CONFIG "application/vnd.wasm.config.v0+json"
#define WASM_LAYER "application/wasm"

/* -- Texts ------------------------------------------------------------------------------------------- */

struct text {
	struct emit emit;
	struct out out;
	int fd; /* owned */
};

static int text_begin(struct text *text, struct err *err)
{
	text->fd = memfd_create("skiff-image", MFD_CLOEXEC);
	if (text->fd < 0)
		return err_set(err, -errno, "write what describes the image: %s", strerror(errno));
	out_init(&text->out, text->fd);
	emit_init(&text->emit, &text->out);
	emit_open(&text->emit, NULL, '{');
	return 0;
}

/* Into the store, as what it is. */
static int text_end(struct text *text, struct build *build, const struct store *store,
		    struct image_descriptor *ret, struct err *err)
{
	char *bytes = NULL;
	size_t size;
	int error;

	emit_close(&text->emit, '}');
	error = out_flush(&text->out);
	if (error == 0)
		error = io_whole(text->fd, IMAGE_JSON_MAX, &bytes, &size);
	close(text->fd);
	if (error == -EFBIG)
		return err_set(err, error, "what describes the image has more than %u bytes",
			       IMAGE_JSON_MAX);
	if (error < 0)
		return err_set(err, error, "write what describes the image: %s", strerror(-error));
	error = store_blob_put(store, bytes, size, &ret->digest, err);
	ret->size = size;
	build->size += size;
	free(bytes);
	return error;
}

static void put_time(struct emit *e, const char *key, int64_t seconds)
{
	time_t t = seconds;
	struct tm parts;
	char text[64];

	gmtime_r(&t, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	emit_string(e, key, text);
}

static void put_list(struct emit *e, const char *key, const struct buf *list)
{
	if (list->size == 0)
		return;
	emit_row(e, key, '[');
	for (size_t i = 0; i < BUF_COUNT(list, const char *); i++)
		emit_string(e, NULL, *BUF_ITEM(list, const char *, i));
	emit_close(e, ']');
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A map of nothing, as Go writes its sets. */
static void put_set(struct emit *e, const char *key, const struct buf *list)
{
	if (list->size == 0)
		return;
	qsort(list->data, BUF_COUNT(list, const char *), sizeof(const char *), by_text);
	emit_open(e, key, '{');
	for (size_t i = 0; i < BUF_COUNT(list, const char *); i++) {
		emit_row(e, *BUF_ITEM(list, const char *, i), '{');
		emit_close(e, '}');
	}
	emit_close(e, '}');
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct image_note *)a)->name, ((const struct image_note *)b)->name);
}

static void put_notes(struct emit *e, const char *key, const struct buf *notes)
{
	if (notes->size == 0)
		return;
	qsort(notes->data, BUF_COUNT(notes, struct image_note), sizeof(struct image_note), by_name);
	emit_open(e, key, '{');
	for (size_t i = 0; i < BUF_COUNT(notes, struct image_note); i++) {
		const struct image_note *note = BUF_ITEM(notes, struct image_note, i);

		emit_string(e, note->name, note->value);
	}
	emit_close(e, '}');
}

static void put_present(struct emit *e, const char *key, const char *text)
{
	if (text[0] != '\0')
		emit_string(e, key, text);
}

static void put_platform(struct emit *e, const struct image_platform *platform)
{
	put_present(e, "architecture", platform->architecture);
	put_present(e, "os", platform->os);
	put_present(e, "os.version", platform->os_version);
	put_present(e, "variant", platform->variant);
}

static void put_descriptor(struct emit *e, const char *key, const struct image_descriptor *d)
{
	emit_open(e, key, '{');
	emit_string(e, "mediaType", d->media_type);
	emit_string(e, "digest", d->digest.text);
	emit_u64(e, "size", d->size);
	if (d->has_platform) {
		emit_open(e, "platform", '{');
		put_platform(e, &d->platform);
		emit_close(e, '}');
	}
	emit_close(e, '}');
}

/* -- Images ------------------------------------------------------------------------------------------- */

static void put_process(struct emit *e, const struct build *build)
{
	emit_open(e, "config", '{');
	put_present(e, "User", build->user);
	put_set(e, "ExposedPorts", &build->ports);
	put_list(e, "Env", &build->variables);
	put_list(e, "Entrypoint", &build->entrypoint);
	put_list(e, "Cmd", &build->command);
	put_set(e, "Volumes", &build->volumes);
	put_present(e, "WorkingDir", build->directory);
	put_notes(e, "Labels", &build->labels);
	put_present(e, "StopSignal", build->stop_signal);
	emit_close(e, '}');
}

static int put_config(struct build *build, const struct store *store,
		      const struct image_platform *platform, struct image_descriptor *ret,
		      struct err *err)
{
	struct text text;
	struct emit *e = &text.emit;
	int error = text_begin(&text, err);

	if (error < 0)
		return error;
	put_time(e, "created", build->created);
	put_present(e, "author", build->author);
	put_platform(e, platform);
	put_process(e, build);
	emit_open(e, "rootfs", '{');
	emit_string(e, "type", "layers");
	emit_row(e, "diff_ids", '[');
	emit_string(e, NULL, build->diff.text);
	emit_close(e, ']');
	emit_close(e, '}');
	emit_open(e, "history", '[');
	emit_open(e, NULL, '{');
	put_time(e, "created", build->created);
	emit_string(e, "created_by", "skiff build");
	emit_close(e, '}');
	emit_close(e, ']');
	ret->media_type = image_media_type(IMAGE_CONFIG);
	ret->type = IMAGE_CONFIG;
	return text_end(&text, build, store, ret, err);
}

static int put_manifest(struct build *build, const struct store *store,
			const struct image_descriptor *config, const struct image_descriptor *layer,
			struct image_descriptor *ret, struct err *err)
{
	struct text text;
	struct emit *e = &text.emit;
	int error = text_begin(&text, err);

	if (error < 0)
		return error;
	*ret = (struct image_descriptor){
		.media_type = image_media_type(IMAGE_MANIFEST),
		.type = IMAGE_MANIFEST,
		.artifact_type = "",
	};
	emit_u64(e, "schemaVersion", 2);
	emit_string(e, "mediaType", ret->media_type);
	put_descriptor(e, "config", config);
	emit_open(e, "layers", '[');
	put_descriptor(e, NULL, layer);
	emit_close(e, ']');
	put_notes(e, "annotations", &build->annotations);
	return text_end(&text, build, store, ret, err);
}

int build_compat(struct build *build, const struct store *store,
		 const struct image_platform *platform, struct image_descriptor *ret,
		 struct err *err)
{
	struct layer_list list = {
		.files = (const struct layer_file *)(void *)build->files.data,
		.count = (uint32_t)BUF_COUNT(&build->files, struct layer_file),
		.time = build->file_time,
	};
	struct image_descriptor config = {0}, manifest;
	int error = 0;

	if (build->layer.media_type == NULL) {
		error = layer_make(store, &list, &build->layer, &build->diff, err);
		build->size += build->layer.size;
	}
	if (error == 0)
		error = put_config(build, store, platform, &config, err);
	if (error == 0)
		error = put_manifest(build, store, &config, &build->layer, &manifest, err);
	if (error < 0)
		return error;
	manifest.has_platform = true;
	manifest.platform = *platform;
	*ret = manifest;
	return 0;
}

/* -- Artifacts ----------------------------------------------------------------------------------------- */

static int put_module(const struct store *store, int fd, struct image_descriptor *ret,
		      struct err *err)
{
	char *bytes;
	size_t size;
	int error = lseek(fd, 0, SEEK_SET) < 0 ? -errno : io_whole(fd, UINT32_MAX, &bytes, &size);

	if (error < 0)
		return err_set(err, error, "read the module: %s", strerror(-error));
	error = store_blob_put(store, bytes, size, &ret->digest, err);
	free(bytes);
	ret->media_type = WASM_LAYER;
	ret->type = IMAGE_LAYER_WASM;
	ret->size = size;
	return error;
}

int build_artifact(struct build *build, const struct store *store, int fd,
		   struct image_descriptor *ret, struct err *err)
{
	const struct image_platform platform = {"wasip1", "wasm", "", ""};
	struct image_descriptor config = {.media_type = WASM_CONFIG}, layer = {0}, manifest;
	struct text text;
	struct emit *e = &text.emit;
	int error = put_module(store, fd, &layer, err);

	if (error == 0)
		error = text_begin(&text, err);
	if (error < 0)
		return error;
	build->size += layer.size;
	put_time(e, "created", build->created);
	put_present(e, "author", build->author);
	put_platform(e, &platform);
	emit_row(e, "layerDigests", '[');
	emit_string(e, NULL, layer.digest.text);
	emit_close(e, ']');
	error = text_end(&text, build, store, &config, err);
	if (error == 0)
		error = put_manifest(build, store, &config, &layer, &manifest, err);
	if (error < 0)
		return error;
	manifest.has_platform = true;
	manifest.platform = platform;
	*ret = manifest;
	return 0;
}

/* -- Indexes ------------------------------------------------------------------------------------------- */

int build_index(struct build *build, const struct store *store,
		const struct image_descriptor *manifests, uint32_t count,
		struct image_descriptor *ret, struct err *err)
{
	struct image_descriptor index = {
		.media_type = image_media_type(IMAGE_INDEX),
		.type = IMAGE_INDEX,
		.artifact_type = "",
	};
	struct text text;
	struct emit *e = &text.emit;
	int error = text_begin(&text, err);

	if (error < 0)
		return error;
	emit_u64(e, "schemaVersion", 2);
	emit_string(e, "mediaType", index.media_type);
	emit_open(e, "manifests", '[');
	for (uint32_t i = 0; i < count; i++)
		put_descriptor(e, NULL, &manifests[i]);
	emit_close(e, ']');
	put_notes(e, "annotations", &build->annotations);
	error = text_end(&text, build, store, &index, err);
	if (error == 0)
		*ret = index;
	return error;
}
