/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c: the JSON of an image to the structs of image.h.
 *
 * It reads as read.c reads config.json, with its helpers: null is as good as missing, of two members with one name the last
 * counts, what is not known is skipped, and the sentence begins with the path of the field. All that is kept is copied into the arena
 * of what is being read; the tree goes away.
 *
 * One text has one meaning: what has the members of an index and those of a manifest is refused, since two readers of one
 * digest would run two different things.
 */
#include "oci/image.h"

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "oci/read.h"

enum { SHORT_MAX = 127, SCHEMA = 2, SCHEMA_V1 = 1 };

static const struct {
	uint8_t type;
	char name[64];
} types[] = {
#define TYPE(type, name) {IMAGE_##type, name},
#include "oci/image_types.def"
#undef TYPE
};

enum image_type image_type(const char *media_type)
{
	size_t size = strcspn(media_type, "; \t"); /* parameters are for HTTP */

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i].name) == size && memcmp(media_type, types[i].name, size) == 0)
			return types[i].type;
	return IMAGE_UNKNOWN;
}

const char *image_media_type(enum image_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

const char *image_note(const struct image_notes *notes, const char *name)
{
	for (uint32_t i = notes->count; i > 0; i--)
		if (strcmp(notes->items[i - 1].name, name) == 0)
			return notes->items[i - 1].value;
	return NULL;
}

/* -- Plain values ---------------------------------------------------------------------------------------- */

/* A member that is there, and not null. */
static bool find(struct json_value object, const char *name, struct json_value *ret)
{
	*ret = json_find(object, name);
	return json_exists(*ret) && json_kind(*ret) != JSON_NULL;
}

static int read_member(struct reader *r, struct json_value object, const struct read_place *at,
		       const char *name, const char **ret)
{
	struct read_place here = READ_FIELD(at, name);
	struct json_value value;

	*ret = "";
	return find(object, name, &value) ? read_text(r, value, &here, ret) : 0;
}

/*
 * A name that goes on from here: to the head of a request, to index.json, to terminals. Visible characters and spaces, and few
 * of them, so that it is a part of nothing else there, and leaves room for others.
 */
static int read_short(struct reader *r, struct json_value object, const struct read_place *at,
		      const char *name, const char **ret)
{
	struct read_place here = READ_FIELD(at, name);
	int rc = read_member(r, object, at, name, ret);

	if (rc == 0 && strlen(*ret) > SHORT_MAX)
		return read_fail(r, &here, "must have at most %d bytes, has %zu", SHORT_MAX,
				 strlen(*ret));
	for (const char *c = *ret; rc == 0 && *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			rc = read_fail(r, &here, "must be of visible characters of ASCII");
	return rc;
}

static int check_object(struct reader *r, struct json_value value, const struct read_place *at)
{
	return json_kind(value) == JSON_OBJECT ? 0 : read_fail_mistyped(r, at, "an object", value);
}

static int read_digest(struct reader *r, struct json_value value, const struct read_place *at,
		       struct oci_digest *ret)
{
	const char *text;
	struct err why;
	int rc = read_text(r, value, at, &text);

	if (rc < 0)
		return rc;
	rc = oci_digest_parse(ret, text, &why);
	return rc < 0 ? read_fail(r, at, "%s", why.text) : 0;
}

static int read_size(struct reader *r, struct json_value value, const struct read_place *at,
		     uint64_t *ret)
{
	if (json_kind(value) != JSON_NUMBER)
		return read_fail_mistyped(r, at, "a whole number", value);
	if (!json_u64(value, ret) || *ret > INT64_MAX)
		return read_fail(r, at, "must be a whole number that is not negative");
	return 0;
}

/* The text is cut, or holds a NUL: it is a name that nobody could ask for. */
static int read_name(struct reader *r, struct json_value member, const struct read_place *at,
		     const char **ret)
{
	size_t size = 0;
	const char *name = json_name(member, &size);

	if (strlen(name) != size)
		return read_fail(r, at, "a name in it holds a NUL character");
	*ret = arena_string(r->arena, name, size);
	return *ret == NULL ? -ENOMEM : 0;
}

/* Annotations or labels; a value of null is an empty one. */
static int read_notes(struct reader *r, struct json_value object, const struct read_place *at,
		      const char *name, struct image_notes *ret)
{
	struct read_place here = READ_FIELD(at, name);
	struct json_value map, item;
	struct image_notes notes = {0};
	int rc;

	if (!find(object, name, &map))
		return 0;
	rc = check_object(r, map, &here);
	if (rc < 0)
		return rc;
	notes.items = arena_array(r->arena, json_count(map), sizeof(*notes.items));
	if (notes.items == NULL)
		return -ENOMEM;
	for (item = json_first(map); rc == 0 && json_exists(item); item = json_next(item)) {
		struct image_note *note = &notes.items[notes.count++];
		struct read_place place = {.up = &here, .is_key = true};

		note->value = "";
		rc = read_name(r, item, &here, &note->name);
		place.name = note->name;
		if (rc == 0 && json_kind(item) != JSON_NULL)
			rc = read_text(r, item, &place, &note->value);
	}
	*ret = notes;
	return rc;
}

static int read_texts(struct reader *r, struct json_value object, const struct read_place *at,
		      const char *name, struct image_texts *ret)
{
	struct read_place here = READ_FIELD(at, name);
	struct oci_strings strings = {0};
	struct json_value value;
	int rc = 0;

	if (find(object, name, &value))
		rc = read_strings(r, value, &here, &strings);
	*ret = (struct image_texts){strings.items, strings.count};
	return rc;
}

/* Names are what counts of {"8080/tcp": {}}. */
static int read_names(struct reader *r, struct json_value object, const struct read_place *at,
		      const char *name, struct image_texts *ret)
{
	struct read_place here = READ_FIELD(at, name);
	struct json_value map, item;
	struct image_texts texts = {0};
	int rc;

	if (!find(object, name, &map))
		return 0;
	rc = check_object(r, map, &here);
	if (rc < 0)
		return rc;
	texts.items = arena_array(r->arena, json_count(map), sizeof(*texts.items));
	if (texts.items == NULL)
		return -ENOMEM;
	for (item = json_first(map); rc == 0 && json_exists(item); item = json_next(item))
		rc = read_name(r, item, &here, &texts.items[texts.count++]);
	*ret = texts;
	return rc;
}

/* -- Descriptors --------------------------------------------------------------------------------------------- */

static int read_platform(struct reader *r, struct json_value object, const struct read_place *at,
			 struct image_platform *ret)
{
	int rc = read_short(r, object, at, "os", &ret->os);

	if (rc == 0)
		rc = read_short(r, object, at, "architecture", &ret->architecture);
	if (rc == 0)
		rc = read_short(r, object, at, "variant", &ret->variant);
	if (rc == 0)
		rc = read_short(r, object, at, "os.version", &ret->os_version);
	return rc;
}

/* Which one of how big. */
static int read_content(struct reader *r, struct json_value object, const struct read_place *at,
			struct image_descriptor *ret)
{
	struct read_place digest = READ_FIELD(at, "digest"), size = READ_FIELD(at, "size");
	struct json_value value;
	int rc;

	if (!find(object, "digest", &value))
		return read_fail(r, &digest, "is missing");
	rc = read_digest(r, value, &digest, &ret->digest);
	if (rc < 0)
		return rc;
	if (!find(object, "size", &value))
		return read_fail(r, &size, "is missing");
	return read_size(r, value, &size, &ret->size);
}

static int read_descriptor(struct reader *r, struct json_value object, const struct read_place *at,
			   struct image_descriptor *ret)
{
	struct read_place place = READ_FIELD(at, "platform");
	struct json_value platform;
	int rc = check_object(r, object, at);

	if (rc == 0)
		rc = read_short(r, object, at, "mediaType", &ret->media_type);
	if (rc < 0)
		return rc;
	ret->type = image_type(ret->media_type);
	ret->platform = (struct image_platform){"", "", "", ""};
	rc = read_content(r, object, at, ret);
	if (rc == 0 && find(object, "platform", &platform)) {
		ret->has_platform = true;
		rc = check_object(r, platform, &place);
		if (rc == 0)
			rc = read_platform(r, platform, &place, &ret->platform);
	}
	if (rc == 0)
		rc = read_notes(r, object, at, "annotations", &ret->notes);
	if (rc == 0)
		rc = read_short(r, object, at, "artifactType", &ret->artifact_type);
	return rc;
}

struct descriptors {
	struct image_descriptor *items;
	uint32_t count;
};

/* null is an empty list, as Go writes those. */
static int read_descriptors(struct reader *r, struct json_value object, const char *name,
			    uint32_t most, struct descriptors *ret)
{
	struct read_place here = READ_FIELD(NULL, name);
	struct json_value list = json_find(object, name), item;
	int rc;

	if (!json_exists(list))
		return read_fail(r, &here, "is missing");
	if (json_kind(list) != JSON_NULL) {
		rc = read_check_array(r, list, &here);
		if (rc < 0)
			return rc;
	}
	if (json_count(list) > most)
		return read_fail(r, &here, "must have at most %u entries, has %u", most,
				 json_count(list));
	ret->items = arena_array(r->arena, json_count(list), sizeof(*ret->items));
	if (ret->items == NULL)
		return -ENOMEM;
	for (item = json_first(list); json_exists(item); item = json_next(item)) {
		struct read_place place = READ_ELEMENT(&here, ret->count);

		rc = read_descriptor(r, item, &place, &ret->items[ret->count]);
		if (rc < 0)
			return rc;
		ret->count++;
	}
	return 0;
}

/* -- The whole ------------------------------------------------------------------------------------------------- */

typedef int read_fn(struct reader *r, struct json_value root, void *to);

/* A text to a struct, of which `what` is told; the arena is part of it. */
static int read_whole(struct reader *r, const char *what, const char *text, size_t size,
		      read_fn *read, void *to)
{
	struct read_place place = READ_FIELD(NULL, what);
	struct json *json;
	int rc;

	if (size > IMAGE_JSON_MAX)
		return read_fail(r, &place, "%zu bytes are more than the %u allowed", size,
				 IMAGE_JSON_MAX);
	rc = json_parse(&json, text, size, r->err);
	if (rc != 0)
		return err_prefix(r->err, rc < 0 ? rc : -EINVAL, "%s", what);
	rc = check_object(r, json_root(json), &place);
	if (rc == 0)
		rc = read(r, json_root(json), to);
	json_free(json);
	if (rc == -ENOMEM)
		err_set(r->err, rc, "no memory for %s", what);
	if (rc < 0)
		arena_deinit(r->arena);
	return rc;
}

static int check_schema(struct reader *r, struct json_value root)
{
	struct read_place here = READ_FIELD(NULL, "schemaVersion");
	struct json_value value;
	uint64_t schema = 0;

	if (!find(root, "schemaVersion", &value))
		return 0;
	if (json_u64(value, &schema) && schema == SCHEMA_V1)
		return read_fail(
			r, &here,
			"1 is docker's form of before 2017, which nobody takes any more: build or "
			"push the image again with a newer tool");
	if (schema != SCHEMA)
		return read_fail(r, &here, "must be %d", SCHEMA);
	return 0;
}

/* What a text says it is must be what it was taken for; many say nothing. */
static int check_kind(struct reader *r, struct json_value root, enum image_type type,
		      const char **ret)
{
	struct read_place here = READ_FIELD(NULL, "mediaType");
	int rc = read_short(r, root, NULL, "mediaType", ret);

	if (rc == 0 && (*ret)[0] != '\0' && image_type(*ret) != type)
		rc = read_fail(r, &here, "'%s' is not %s", *ret,
			       type == IMAGE_INDEX ? "an index" : "a manifest");
	return rc;
}

/* A member that would make it something else as well. */
static int check_no_member(struct reader *r, struct json_value root, const char *name,
			   const char *what)
{
	struct read_place here = READ_FIELD(NULL, name);
	struct json_value value;

	if (!find(root, name, &value))
		return 0;
	return read_fail(r, &here, "does not belong into %s", what);
}

static int read_index(struct reader *r, struct json_value root, void *to)
{
	struct image_index *index = to;
	struct descriptors list = {0};
	const char *media_type;
	int rc = check_schema(r, root);

	if (rc == 0)
		rc = check_kind(r, root, IMAGE_INDEX, &media_type);
	if (rc == 0)
		rc = check_no_member(r, root, "config", "an index");
	if (rc == 0)
		rc = check_no_member(r, root, "layers", "an index");
	if (rc == 0)
		rc = read_descriptors(r, root, "manifests", IMAGE_MANIFESTS_MAX, &list);
	if (rc == 0)
		rc = read_notes(r, root, NULL, "annotations", &index->notes);
	index->manifests = list.items;
	index->count = list.count;
	return rc;
}

static int read_manifest(struct reader *r, struct json_value root, void *to)
{
	struct read_place place = READ_FIELD(NULL, "config");
	struct image_manifest *manifest = to;
	struct descriptors list = {0};
	struct json_value config;
	int rc = check_schema(r, root);

	if (rc == 0)
		rc = check_kind(r, root, IMAGE_MANIFEST, &manifest->media_type);
	if (rc == 0)
		rc = check_no_member(r, root, "manifests", "a manifest");
	if (rc == 0)
		rc = read_short(r, root, NULL, "artifactType", &manifest->artifact_type);
	if (rc == 0 && !find(root, "config", &config))
		rc = read_fail(r, &place, "is missing");
	if (rc == 0)
		rc = read_descriptor(r, config, &place, &manifest->config);
	if (rc == 0)
		rc = read_descriptors(r, root, "layers", IMAGE_LAYERS_MAX, &list);
	if (rc == 0)
		rc = read_notes(r, root, NULL, "annotations", &manifest->notes);
	manifest->layers = list.items;
	manifest->count = list.count;
	return rc;
}

/* What runs it: the member `config`. */
static int read_program(struct reader *r, struct json_value object, struct image_config *config)
{
	struct read_place at = READ_FIELD(NULL, "config");
	int rc = check_object(r, object, &at);

	if (rc == 0)
		rc = read_member(r, object, &at, "User", &config->user);
	if (rc == 0)
		rc = read_member(r, object, &at, "WorkingDir", &config->directory);
	if (rc == 0)
		rc = read_member(r, object, &at, "StopSignal", &config->stop_signal);
	if (rc == 0)
		rc = read_texts(r, object, &at, "Env", &config->variables);
	if (rc == 0)
		rc = read_texts(r, object, &at, "Entrypoint", &config->entrypoint);
	if (rc == 0)
		rc = read_texts(r, object, &at, "Cmd", &config->command);
	if (rc == 0)
		rc = read_names(r, object, &at, "ExposedPorts", &config->ports);
	if (rc == 0)
		rc = read_names(r, object, &at, "Volumes", &config->volumes);
	if (rc == 0)
		rc = read_notes(r, object, &at, "Labels", &config->labels);
	return rc;
}

static int read_diffs(struct reader *r, struct json_value object, struct image_config *config)
{
	struct read_place at = READ_FIELD(NULL, "rootfs"), here = READ_FIELD(&at, "diff_ids");
	struct json_value list, item;
	int rc = check_object(r, object, &at);

	if (rc < 0 || !find(object, "diff_ids", &list))
		return rc;
	rc = read_check_array(r, list, &here);
	if (rc < 0)
		return rc;
	if (json_count(list) > IMAGE_LAYERS_MAX)
		return read_fail(r, &here, "must have at most %d entries, has %u", IMAGE_LAYERS_MAX,
				 json_count(list));
	config->diff_ids = arena_array(r->arena, json_count(list), sizeof(*config->diff_ids));
	if (config->diff_ids == NULL)
		return -ENOMEM;
	for (item = json_first(list); json_exists(item); item = json_next(item)) {
		struct read_place place = READ_ELEMENT(&here, config->diff_count);

		rc = read_digest(r, item, &place, &config->diff_ids[config->diff_count]);
		if (rc < 0)
			return rc;
		config->diff_count++;
	}
	return 0;
}

static int read_config(struct reader *r, struct json_value root, void *to)
{
	struct image_config *config = to;
	struct json_value value;
	int rc = read_platform(r, root, NULL, &config->platform);

	if (rc == 0)
		rc = read_member(r, root, NULL, "created", &config->created);
	if (rc == 0)
		rc = read_member(r, root, NULL, "author", &config->author);
	if (rc == 0 && find(root, "config", &value))
		rc = read_program(r, value, config);
	if (rc == 0 && find(root, "rootfs", &value))
		rc = read_diffs(r, value, config);
	return rc;
}

int image_index_parse(struct image_index *ret, const char *text, size_t size, struct err *err)
{
	struct image_index index = {0};
	struct reader r = {.arena = &index.arena, .err = err};
	int rc = read_whole(&r, "the index", text, size, read_index, &index);

	if (rc == 0)
		*ret = index;
	return rc;
}

int image_manifest_parse(struct image_manifest *ret, const char *text, size_t size, struct err *err)
{
	struct image_manifest manifest = {0};
	struct reader r = {.arena = &manifest.arena, .err = err};
	int rc = read_whole(&r, "the manifest", text, size, read_manifest, &manifest);

	if (rc == 0)
		*ret = manifest;
	return rc;
}

int image_config_parse(struct image_config *ret, const char *text, size_t size, struct err *err)
{
	struct image_config config = {
		.user = "",
		.directory = "",
		.stop_signal = "",
	};
	struct reader r = {.arena = &config.arena, .err = err};
	int rc;

	/* Of an artifact it may be of no bytes at all. */
	rc = size == 0 ? read_whole(&r, "the config", "{}", 2, read_config, &config)
		       : read_whole(&r, "the config", text, size, read_config, &config);
	if (rc == 0)
		*ret = config;
	return rc;
}

void image_index_deinit(struct image_index *index)
{
	arena_deinit(&index->arena);
	*index = (struct image_index){0};
}

void image_manifest_deinit(struct image_manifest *manifest)
{
	arena_deinit(&manifest->arena);
	*manifest = (struct image_manifest){0};
}

void image_config_deinit(struct image_config *config)
{
	arena_deinit(&config->arena);
	*config = (struct image_config){0};
}

/* -- Guessing ------------------------------------------------------------------------------------------------------ */

static bool has(struct json_value root, const char *name, enum json_kind kind)
{
	return json_kind(json_find(root, name)) == kind;
}

static enum image_type guess_members(struct json_value root)
{
	bool is_index = has(root, "manifests", JSON_ARRAY);
	bool is_manifest = has(root, "layers", JSON_ARRAY);
	uint64_t schema = 0;

	if (is_index || is_manifest)
		return !is_manifest ? IMAGE_INDEX : !is_index ? IMAGE_MANIFEST : IMAGE_UNKNOWN;
	if (json_u64(json_find(root, "schemaVersion"), &schema) && schema == SCHEMA_V1)
		return IMAGE_MANIFEST_V1;
	if (has(root, "rootfs", JSON_OBJECT) || has(root, "architecture", JSON_STRING))
		return IMAGE_CONFIG;
	return IMAGE_UNKNOWN;
}

enum image_type image_guess(const char *text, size_t size)
{
	enum image_type type = IMAGE_UNKNOWN;
	struct json *json;
	const char *said;

	if (size > IMAGE_JSON_MAX || json_parse(&json, text, size, NULL) != 0)
		return IMAGE_UNKNOWN;
	said = json_string(json_find(json_root(json), "mediaType"), NULL);
	if (said != NULL)
		type = image_type(said);
	if (type == IMAGE_UNKNOWN)
		type = guess_members(json_root(json));
	json_free(json);
	return type;
}
