/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_docker.c: manifest.json of docker's archives, a list of {Config, RepoTags, Layers}, to manifests.
 *
 * Configs and layers are files of any name in the archive. A layer is a tar whose digest its config knows; other tools pack them, and then
 * what they are is seen by how they begin, and whether they are what the config says is found out by who unpacks them. What is
 * made is a manifest of the OCI, the same for the same content.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "base/json.h"
#include "image/archive_parts.h"

enum { IMAGES_MAX = 256, TAGS_MAX = 256 };

struct part { /* config or layer of an image */
	struct oci_digest digest;
	uint64_t size;
	enum image_type type;
};

struct docker_image {
	struct archive_load *load; /* borrowed */
	size_t number; /* of the list */
	struct part config;
	struct part *layers; /* owned */
	uint32_t count;
	struct reference *names; /* owned */
	size_t name_count;
};

static int fail(const struct docker_image *image, const char *why)
{
	return err_set(image->load->err, -EINVAL, ARCHIVE_DOCKER_FILE ": [%zu].%s", image->number,
		       why);
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

/* -- Parts --------------------------------------------------------------------------------------------------- */

static int measure(const struct archive_load *load, struct part *part, uint8_t begin[static 4])
{
	int fd = store_blob_open(load->store, &part->digest, &part->size, load->err);

	if (fd < 0)
		return fd;
	memset(begin, 0, 4);
	if (part->size >= 4 && io_read_at(fd, begin, 4, 0) < 0)
		part->size = 0;
	close(fd);
	return 0;
}

static int find_part(const struct archive_load *load, struct json_value name, struct part *ret,
		     uint8_t begin[static 4])
{
	int rc = archive_file(load, json_string(name, NULL), &ret->digest);

	return rc < 0 ? rc : measure(load, ret, begin);
}

static int find_layer(struct docker_image *image, struct json_value name,
		      const struct oci_digest *diff)
{
	struct part layer = {.type = IMAGE_LAYER_TAR};
	uint8_t begin[4];
	int rc;

	if (json_string(name, NULL) == NULL)
		return fail(image, "Layers: each must be a string");
	rc = find_part(image->load, name, &layer, begin);
	if (rc < 0)
		return rc;
	if (!oci_digest_is(&layer.digest, diff)) {
		if (begin[0] == 0x1f && begin[1] == 0x8b)
			layer.type = IMAGE_LAYER_TAR_GZIP;
		else if (memcmp(begin, "\x28\xb5\x2f\xfd", 4) == 0)
			layer.type = IMAGE_LAYER_TAR_ZSTD;
		else
			return err_set(image->load->err, -EBADMSG,
				       "'%.100s' is not the layer %s that its config says it is",
				       json_string(name, NULL), diff->text);
	}
	image->layers[image->count++] = layer;
	return 0;
}

static int find_layers(struct docker_image *image, struct json_value list,
		       const struct image_config *config)
{
	uint32_t count = json_count(list);
	int rc = 0;

	if (json_kind(list) != JSON_ARRAY && json_kind(list) != JSON_NULL)
		return fail(image, "Layers: must be an array");
	if (count != config->diff_count)
		return err_set(image->load->err, -EINVAL,
			       ARCHIVE_DOCKER_FILE
			       ": [%zu].Layers: has %u entries, its config has %u",
			       image->number, count, config->diff_count);
	image->layers = calloc(count + 1, sizeof(*image->layers));
	if (image->layers == NULL)
		return no_memory(image->load->err);
	for (struct json_value v = json_first(list); rc == 0 && json_exists(v); v = json_next(v))
		rc = find_layer(image, v, &config->diff_ids[image->count]);
	return rc;
}

/* "DIGITS.json" is what its name says. */
static int check_config_name(const struct docker_image *image, const char *name)
{
	const char *hex = oci_digest_hex(&image->config.digest);

	if (strlen(name) != 64 + strlen(".json") || strcmp(name + 64, ".json") != 0 ||
	    strncmp(name, hex, 64) == 0)
		return 0;
	return err_set(image->load->err, -EBADMSG, "'%s' holds %s", name,
		       image->config.digest.text);
}

static int find_config(struct docker_image *image, struct json_value name, struct image_config *ret)
{
	struct archive_load *load = image->load;
	uint8_t begin[4];
	char *text;
	size_t size;
	int rc;

	if (json_string(name, NULL) == NULL)
		return fail(image, "Config: must be a string");
	image->config.type = IMAGE_CONFIG;
	rc = find_part(load, name, &image->config, begin);
	if (rc == 0)
		rc = check_config_name(image, json_string(name, NULL));
	if (rc == 0)
		rc = store_blob_read(load->store, &image->config.digest, IMAGE_JSON_MAX, &text,
				     &size, load->err);
	if (rc < 0)
		return rc;
	rc = image_config_parse(ret, text, size, load->err);
	free(text);
	return rc < 0 ? err_prefix(load->err, rc, "'%.100s'", json_string(name, NULL)) : 0;
}

/* -- Names ------------------------------------------------------------------------------------------------------ */

static int find_names(struct docker_image *image, struct json_value list)
{
	int rc = 0;

	if (!json_exists(list) || json_kind(list) == JSON_NULL)
		return 0;
	if (json_kind(list) != JSON_ARRAY || json_count(list) > TAGS_MAX)
		return fail(image, "RepoTags: must be an array, of not too many");
	image->names = calloc(json_count(list) + 1, sizeof(*image->names));
	if (image->names == NULL)
		return no_memory(image->load->err);
	for (struct json_value v = json_first(list); rc == 0 && json_exists(v); v = json_next(v)) {
		const char *name = json_string(v, NULL);

		if (name == NULL)
			return fail(image, "RepoTags: each must be a string");
		rc = reference_parse(&image->names[image->name_count++], name, image->load->err);
	}
	return rc < 0 ? err_prefix(image->load->err, rc, ARCHIVE_DOCKER_FILE) : 0;
}

/* -- The manifest --------------------------------------------------------------------------------------------------- */

static void emit_manifest(struct emit *e, const void *context)
{
	const struct docker_image *image = context;

	emit_open(e, NULL, '{');
	emit_u64(e, "schemaVersion", 2);
	emit_string(e, "mediaType", image_media_type(IMAGE_MANIFEST));
	archive_emit_descriptor(e, "config", image_media_type(image->config.type),
				&image->config.digest, image->config.size);
	emit_close(e, '}');
	emit_open(e, "layers", '[');
	for (uint32_t i = 0; i < image->count; i++) {
		archive_emit_descriptor(e, NULL, image_media_type(image->layers[i].type),
					&image->layers[i].digest, image->layers[i].size);
		emit_close(e, '}');
	}
	emit_close(e, ']');
	emit_close(e, '}');
}

static int put_manifest(struct docker_image *image, struct image_descriptor *ret)
{
	struct archive_load *load = image->load;
	char *text;
	size_t size;
	int rc = archive_json(emit_manifest, image, &text, &size, load->err);

	if (rc < 0)
		return rc;
	*ret = (struct image_descriptor){.media_type = image_media_type(IMAGE_MANIFEST),
					 .type = IMAGE_MANIFEST,
					 .size = size,
					 .artifact_type = ""};
	rc = store_blob_put(load->store, text, size, &ret->digest, load->err);
	free(text);
	return rc;
}

static int load_image(struct archive_load *load, size_t number, struct json_value entry)
{
	struct docker_image image = {.load = load, .number = number};
	struct image_descriptor descriptor;
	struct image_config config = {.diff_count = 0};
	int rc = find_config(&image, json_find(entry, "Config"), &config);

	if (rc == 0)
		rc = find_layers(&image, json_find(entry, "Layers"), &config);
	image_config_deinit(&config);
	if (rc == 0)
		rc = find_names(&image, json_find(entry, "RepoTags"));
	if (rc == 0)
		rc = put_manifest(&image, &descriptor);
	if (rc == 0)
		rc = archive_load_named(load, &descriptor, image.names, image.name_count);
	free(image.layers);
	free(image.names);
	return rc;
}

static int load_images(struct archive_load *load, struct json_value list)
{
	uint32_t count = json_count(list);
	size_t number = 0;
	int rc = 0;

	if (json_kind(list) != JSON_ARRAY || count == 0 || count > IMAGES_MAX)
		return err_set(load->err, -EINVAL,
			       ARCHIVE_DOCKER_FILE ": must be an array of 1 to %d images",
			       IMAGES_MAX);
	if (count > 1 && load->name != NULL)
		return err_set(load->err, -EINVAL,
			       "there are several images in it: --name is for one");
	for (struct json_value v = json_first(list); rc == 0 && json_exists(v); v = json_next(v))
		rc = load_image(load, number++, v);
	return rc;
}

int archive_docker_load(struct archive_load *load)
{
	struct json *json;
	int rc = json_parse(&json, load->docker.text, load->docker.size, load->err);

	if (rc != 0)
		return err_prefix(load->err, rc < 0 ? rc : -EINVAL, ARCHIVE_DOCKER_FILE);
	rc = load_images(load, json_root(json));
	json_free(json);
	return rc;
}
