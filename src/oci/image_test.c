/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_test.c: indexes, manifests and configs as tools write them, and what is wrong with those that nobody should: the sentence
 * begins with the path of the field. Texts have ' for ".
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "oci/image.h"
#include "oci/test_text.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX
#define OCI(what) "application/vnd.oci.image." what
#define DOCKER(what) "application/vnd.docker." what
#define DESCRIPTOR(type, rest) "{'mediaType':'" type "','digest':'" SHA "','size':7" rest "}"
#define CONFIG DESCRIPTOR(OCI("config.v1+json"), "")
#define MANIFEST(rest) "{'schemaVersion':2,'config':" CONFIG ",'layers':[" rest "]}"
#define INDEX(rest) "{'schemaVersion':2,'manifests':[" rest "]}"

/* A copy with quotes, and no byte behind it that a sanitizer would not see. */
static char *make(const char *text, size_t *size)
{
	char *copy;

	*size = strlen(text);
	copy = malloc(*size > 0 ? *size : 1);
	memcpy(copy, text, *size);
	test_quote(copy, *size);
	return copy;
}

static int parse_index(struct image_index *ret, const char *text, struct err *err)
{
	size_t size;
	char *copy = make(text, &size);
	int rc = image_index_parse(ret, copy, size, err);

	free(copy);
	return rc;
}

static int parse_manifest(struct image_manifest *ret, const char *text, struct err *err)
{
	size_t size;
	char *copy = make(text, &size);
	int rc = image_manifest_parse(ret, copy, size, err);

	free(copy);
	return rc;
}

static int parse_config(struct image_config *ret, const char *text, struct err *err)
{
	size_t size;
	char *copy = make(text, &size);
	int rc = image_config_parse(ret, copy, size, err);

	free(copy);
	return rc;
}

/* -- What there is ------------------------------------------------------------------------------------- */

static void test_types(void **state)
{
	(void)state;
	assert_int_equal(image_type(OCI("index.v1+json")), IMAGE_INDEX);
	assert_int_equal(image_type(DOCKER("distribution.manifest.list.v2+json")), IMAGE_INDEX);
	assert_int_equal(image_type(OCI("manifest.v1+json; charset=utf-8")), IMAGE_MANIFEST);
	assert_int_equal(image_type(DOCKER("distribution.manifest.v2+json")), IMAGE_MANIFEST);
	assert_int_equal(image_type(DOCKER("distribution.manifest.v1+prettyjws")),
			 IMAGE_MANIFEST_V1);
	assert_int_equal(image_type(DOCKER("container.image.v1+json")), IMAGE_CONFIG);
	assert_int_equal(image_type(DOCKER("image.rootfs.diff.tar.gzip")), IMAGE_LAYER_TAR_GZIP);
	assert_int_equal(image_type("application/vnd.wasm.content.layer.v1+wasm"),
			 IMAGE_LAYER_WASM);
	assert_int_equal(image_type("application/wasm"), IMAGE_LAYER_WASM);
	assert_int_equal(image_type(""), IMAGE_UNKNOWN);
	assert_int_equal(image_type("application/wasm2"), IMAGE_UNKNOWN);
	assert_int_equal(image_type("application/was"), IMAGE_UNKNOWN);
	assert_string_equal(image_media_type(IMAGE_INDEX), OCI("index.v1+json"));
	assert_string_equal(image_media_type(IMAGE_CONFIG), OCI("config.v1+json"));
	assert_string_equal(image_media_type(IMAGE_LAYER_TAR_GZIP), OCI("layer.v1.tar+gzip"));
	assert_string_equal(image_media_type(IMAGE_LAYER_WASM), "application/wasm");
	assert_null(image_media_type(IMAGE_UNKNOWN));
}

static void test_index(void **state)
{
	struct image_index index;
	struct err err = {""};
	const struct image_descriptor *d;

	(void)state;
	assert_int_equal(
		parse_index(
			&index,
			"{'schemaVersion':2,'mediaType':'" OCI(
				"index.v1+json") "','manifests':[" DESCRIPTOR(OCI("manifest.v1+"
										  "json"),
									      ",'platform':{'"
									      "os':'linux','"
									      "architecture':'"
									      "arm','variant':'"
									      "v7',"
									      "'os.version':'6'"
									      ",'os.features':["
									      "'x']},'"
									      "annotations':{'"
									      "a':'b','a':'c',"
									      "'n':null},'urls'"
									      ":['x'],'data':'"
									      "e30=','"
									      "artifactType':'"
									      "x/y'") "," DESCRIPTOR("",
												     "") "],'annotations':{'z':'1'},'new':{'thing':[]}}",
			&err),
		0);
	assert_int_equal(index.count, 2);
	d = &index.manifests[0];
	assert_int_equal(d->type, IMAGE_MANIFEST);
	assert_string_equal(d->digest.text, SHA);
	assert_int_equal(d->size, 7);
	assert_true(d->has_platform);
	assert_string_equal(d->platform.os, "linux");
	assert_string_equal(d->platform.architecture, "arm");
	assert_string_equal(d->platform.variant, "v7");
	assert_string_equal(d->platform.os_version, "6");
	assert_string_equal(image_note(&d->notes, "a"), "c");
	assert_string_equal(image_note(&d->notes, "n"), "");
	assert_null(image_note(&d->notes, "b"));
	assert_string_equal(d->artifact_type, "x/y");
	d = &index.manifests[1];
	assert_int_equal(d->type, IMAGE_UNKNOWN);
	assert_string_equal(d->media_type, "");
	assert_false(d->has_platform);
	assert_string_equal(d->platform.os, "");
	assert_string_equal(image_note(&index.notes, "z"), "1");
	image_index_deinit(&index);
	assert_null(index.manifests);
	/* As Go writes an empty one. */
	assert_int_equal(parse_index(&index, "{'manifests':null,'annotations':null}", &err), 0);
	assert_int_equal(index.count, 0);
	image_index_deinit(&index);
	assert_int_equal(parse_index(&index,
				     "{'schemaVersion':2,'mediaType':'" DOCKER(
					     "distribution.manifest.list.v2+"
					     "json") "','manifests':"
						     "[" DESCRIPTOR(DOCKER("distribut"
									   "ion."
									   "manifest."
									   "v2+json"),
								    "") "]}",
				     &err),
			 0);
	assert_int_equal(index.manifests[0].type, IMAGE_MANIFEST);
	image_index_deinit(&index);
}

static void test_manifest(void **state)
{
	struct image_manifest m;
	struct err err = {""};

	(void)state;
	/* compat, docker's types */
	assert_int_equal(
		parse_manifest(
			&m,
			"{'schemaVersion':2,'mediaType':'" DOCKER("distribution.manifest.v2+json") "','config':" DESCRIPTOR(
				DOCKER("container.image.v1+json"),
				"") ",'layers':[" DESCRIPTOR(DOCKER("image.rootfs.diff.tar.gzip"),
							     "") "," DESCRIPTOR(DOCKER("image."
										       "rootfs."
										       "foreign."
										       "diff.tar."
										       "gzip"),
										"") "]}",
			&err),
		0);
	assert_int_equal(m.config.type, IMAGE_CONFIG);
	assert_int_equal(m.count, 2);
	assert_int_equal(m.layers[0].type, IMAGE_LAYER_TAR_GZIP);
	assert_int_equal(m.layers[1].type, IMAGE_LAYER_FOREIGN);
	assert_string_equal(m.artifact_type, "");
	image_manifest_deinit(&m);
}

static void test_artifacts(void **state)
{
	struct image_manifest m;
	struct err err = {""};

	(void)state;
	/* wasm-to-oci: nothing but a module */
	assert_int_equal(
		parse_manifest(
			&m,
			"{'schemaVersion':2,'config':" DESCRIPTOR(
				"application/vnd.wasm.config.v1+json",
				"") ",'layers':[" DESCRIPTOR("application/"
							     "vnd.wasm.content.layer.v1+wasm",
							     ",'annotations':{'org.opencontainers."
							     "image.title':'a.wasm'}") "]}",
			&err),
		0);
	assert_string_equal(m.media_type, "");
	assert_int_equal(m.config.type, IMAGE_CONFIG_WASM);
	assert_int_equal(m.layers[0].type, IMAGE_LAYER_WASM);
	assert_string_equal(image_note(&m.layers[0].notes, "org.opencontainers.image.title"),
			    "a.wasm");
	image_manifest_deinit(&m);
	/* CNCF's */
	assert_int_equal(
		parse_manifest(
			&m,
			"{'schemaVersion':2,'mediaType':'" OCI(
				"manifest.v1+json") "','config':" DESCRIPTOR("application/"
									     "vnd.wasm.config.v0+"
									     "json",
									     "") ",'layers':"
										 "[" DESCRIPTOR(
											 "ap"
											 "pl"
											 "ic"
											 "at"
											 "io"
											 "n/"
											 "wa"
											 "s"
											 "m",
											 "") "]}",
			&err),
		0);
	assert_int_equal(m.config.type, IMAGE_CONFIG_WASM);
	assert_int_equal(m.layers[0].type, IMAGE_LAYER_WASM);
	image_manifest_deinit(&m);
	/* An artifact that has a type of its own, and a config that is empty. */
	assert_int_equal(
		parse_manifest(
			&m,
			"{'schemaVersion':2,'artifactType':'application/x','config':" DESCRIPTOR(
				"application/vnd.oci.empty.v1+json",
				"") ",'layers':null,'subject':" CONFIG ",'annotations':{'k':'v'}}",
			&err),
		0);
	assert_int_equal(m.config.type, IMAGE_CONFIG_EMPTY);
	assert_string_equal(m.artifact_type, "application/x");
	assert_int_equal(m.count, 0);
	assert_string_equal(image_note(&m.notes, "k"), "v");
	image_manifest_deinit(&m);
}

static void test_config(void **state)
{
	struct image_config c;
	struct err err = {""};

	(void)state;
	assert_int_equal(parse_config(&c,
				      "{'created':'2026-01-01T00:00:00Z','author':'me','os':'wasi',"
				      "'architecture':'wasm',"
				      "'variant':'v','os.version':'1','config':{'User':'www','"
				      "WorkingDir':'/w','StopSignal':"
				      "'SIGINT','Env':['A=b','C='],'Entrypoint':['/"
				      "a.wasm','x'],'Cmd':['y'],'ExposedPorts':"
				      "{'80/tcp':{},'53/udp':{}},'Volumes':{'/"
				      "data':{}},'Labels':{'k':'v'},'Healthcheck':{}},"
				      "'rootfs':{'type':'layers','diff_ids':['" SHA "','" SHA
				      "']},'history':[{}]}",
				      &err),
			 0);
	assert_string_equal(c.created, "2026-01-01T00:00:00Z");
	assert_string_equal(c.author, "me");
	assert_string_equal(c.platform.os, "wasi");
	assert_string_equal(c.platform.architecture, "wasm");
	assert_string_equal(c.platform.variant, "v");
	assert_string_equal(c.platform.os_version, "1");
	assert_string_equal(c.user, "www");
	assert_string_equal(c.directory, "/w");
	assert_string_equal(c.stop_signal, "SIGINT");
	assert_int_equal(c.variables.count, 2);
	assert_string_equal(c.variables.items[1], "C=");
	assert_int_equal(c.entrypoint.count, 2);
	assert_string_equal(c.command.items[0], "y");
	assert_int_equal(c.ports.count, 2);
	assert_string_equal(c.ports.items[1], "53/udp");
	assert_string_equal(c.volumes.items[0], "/data");
	assert_string_equal(image_note(&c.labels, "k"), "v");
	assert_int_equal(c.diff_count, 2);
	assert_string_equal(c.diff_ids[1].text, SHA);
	image_config_deinit(&c);
}

/* Artifacts say little: CNCF's platform, wasm-to-oci's nothing, in one way or another. */
static void test_config_bare(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		" {'config':null,'rootfs':null,'os':null}",
		"{'config':{},'rootfs':{}}",
		"{'config':{'Env':null,'Entrypoint':null,'Cmd':null,'Volumes':null,'ExposedPorts':"
		"null,"
		"'Labels':null,'User':''},'rootfs':{'type':'layers','diff_ids':null}}",
	};
	struct image_config c;
	struct err err = {""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(parse_config(&c, texts[i], &err), 0);
		assert_string_equal(c.platform.os, "");
		assert_string_equal(c.created, "");
		assert_string_equal(c.user, "");
		assert_string_equal(c.directory, "");
		assert_string_equal(c.stop_signal, "");
		assert_int_equal(c.entrypoint.count + c.command.count + c.diff_count, 0);
		image_config_deinit(&c);
	}
	assert_int_equal(
		parse_config(&c,
			     "{'architecture':'wasm','os':'wasip2','layerDigests':['" SHA "'],"
			     "'component':{'exports':['wasi:http/incoming-handler'],'imports':[]}}",
			     &err),
		0);
	assert_string_equal(c.platform.os, "wasip2");
	assert_int_equal(c.diff_count, 0);
	image_config_deinit(&c);
}

/* -- What is wrong ------------------------------------------------------------------------------------------ */

static const char *const bad_indexes[][2] = {
	{"", "the index: line 1, column 1: expected a value, found the end of the text"},
	{"[]", "the index: must be an object, is an array"},
	{"<html>", "the index: line 1, column 1: expected a value, found '<'"},
	{"{}", "manifests: is missing"},
	{"{'manifests':{}}", "manifests: must be an array, is an object"},
	{"{'manifests':[],'schemaVersion':3}", "schemaVersion: must be 2"},
	{"{'manifests':[],'schemaVersion':'2'}", "schemaVersion: must be 2"},
	{"{'manifests':[],'mediaType':7}", "mediaType: must be a string, is a number"},
	{"{'manifests':[],'mediaType':'" OCI("manifest.v1+json") "'}",
	 "mediaType: '" OCI("manifest.v1+json") "' is not an index"},
	{"{'manifests':[],'mediaType':'text/html'}", "mediaType: 'text/html' is not an index"},
	{"{'manifests':[],'layers':[]}", "layers: does not belong into an index"},
	{"{'manifests':[],'config':{}}", "config: does not belong into an index"},
	{INDEX("null"), "manifests[0]: must be an object, is null"},
	{INDEX(DESCRIPTOR("", "") ",7"), "manifests[1]: must be an object, is a number"},
	{INDEX("{}"), "manifests[0].digest: is missing"},
	{INDEX("{'digest':null}"), "manifests[0].digest: is missing"},
	/* They become parts of something else: the head of a request, a line of index.json. */
	{INDEX("{'mediaType':'application/json;\\r\\nX-Evil: 1'}"),
	 "manifests[0].mediaType: must be of visible characters of ASCII"},
	{INDEX("{'mediaType':'\\u00e9'}"),
	 "manifests[0].mediaType: must be of visible characters of ASCII"},
	{INDEX("{'digest':5}"), "manifests[0].digest: must be a string, is a number"},
	{INDEX("{'digest':'x','size':1}"),
	 "manifests[0].digest: 'x' is not a digest: it begins with neither sha256: nor sha512:"},
	{INDEX("{'digest':'sha256:../../x','size':1}"),
	 "manifests[0].digest: 'sha256:../../x' is not a digest: behind sha256: belong 64 digits, "
	 "0 to "
	 "9 and a to f"},
	{INDEX("{'digest':'" SHA "\\u0000','size':1}"),
	 "manifests[0].digest: holds a NUL character"},
	{INDEX("{'digest':'" SHA "'}"), "manifests[0].size: is missing"},
	{INDEX("{'digest':'" SHA "','size':'1'}"),
	 "manifests[0].size: must be a whole number, is a string"},
	{INDEX("{'digest':'" SHA "','size':-1}"),
	 "manifests[0].size: must be a whole number that is not negative"},
	{INDEX("{'digest':'" SHA "','size':1.5}"),
	 "manifests[0].size: must be a whole number that is not negative"},
	{INDEX("{'digest':'" SHA "','size':9223372036854775808}"),
	 "manifests[0].size: must be a whole number that is not negative"},
	{INDEX("{'digest':'" SHA "','size':1,'mediaType':[]}"),
	 "manifests[0].mediaType: must be a string, is an array"},
	{INDEX(DESCRIPTOR("", ",'artifactType':'a\\u007f'")),
	 "manifests[0].artifactType: must be of visible characters of ASCII"},
	{INDEX(DESCRIPTOR("", ",'platform':{'os':'\\u001b[2J'}")),
	 "manifests[0].platform.os: must be of visible characters of ASCII"},
	{INDEX(DESCRIPTOR("", ",'platform':'linux'")),
	 "manifests[0].platform: must be an object, is a string"},
	{INDEX(DESCRIPTOR("", ",'platform':{'os':1}")),
	 "manifests[0].platform.os: must be a string, is a number"},
	{INDEX(DESCRIPTOR("", ",'platform':{'architecture':1}")),
	 "manifests[0].platform.architecture: must be a string, is a number"},
	{INDEX(DESCRIPTOR("", ",'platform':{'variant':1}")),
	 "manifests[0].platform.variant: must be a string, is a number"},
	{INDEX(DESCRIPTOR("", ",'platform':{'os.version':1}")),
	 "manifests[0].platform.os.version: must be a string, is a number"},
	{INDEX(DESCRIPTOR("", ",'annotations':[]")),
	 "manifests[0].annotations: must be an object, is an array"},
	{INDEX(DESCRIPTOR("", ",'annotations':{'a':1}")),
	 "manifests[0].annotations[\"a\"]: must be a string, is a number"},
	{INDEX(DESCRIPTOR("", ",'annotations':{'a\\u0000b':'c'}")),
	 "manifests[0].annotations: a name in it holds a NUL character"},
	{INDEX(DESCRIPTOR("", ",'artifactType':{}")),
	 "manifests[0].artifactType: must be a string, is an object"},
	{"{'manifests':[],'annotations':7}", "annotations: must be an object, is a number"},
};

static const char *const bad_manifests[][2] = {
	{"7", "the manifest: must be an object, is a number"},
	{"{}", "config: is missing"},
	{"{'config':7}", "config: must be an object, is a number"},
	{"{'config':{}}", "config.digest: is missing"},
	{"{'config':" CONFIG "}", "layers: is missing"},
	{"{'config':" CONFIG ",'layers':7}", "layers: must be an array, is a number"},
	{MANIFEST("{'digest':'" SHA "'}"), "layers[0].size: is missing"},
	{MANIFEST(CONFIG "," CONFIG ",[]"), "layers[2]: must be an object, is an array"},
	{"{'config':" CONFIG ",'layers':[],'manifests':[]}",
	 "manifests: does not belong into a manifest"},
	{"{'config':" CONFIG ",'layers':[],'mediaType':'" OCI("index.v1+json") "'}",
	 "mediaType: '" OCI("index.v1+json") "' is not a manifest"},
	{"{'config':" CONFIG ",'layers':[],'artifactType':7}",
	 "artifactType: must be a string, is a number"},
	{"{'config':" CONFIG ",'layers':[],'annotations':{'x':{}}}",
	 "annotations[\"x\"]: must be a string, is an object"},
	{"{'schemaVersion':1,'name':'library/hello','fsLayers':[]}",
	 "schemaVersion: 1 is docker's form of before 2017, which nobody takes any more: build or "
	 "push "
	 "the image again with a newer tool"},
	{"{'config':" CONFIG ",'layers':[]",
	 "the manifest: line 1, column 171: expected ',' or '}', found the end of the text"},
};

static const char *const bad_configs[][2] = {
	{"null", "the config: must be an object, is null"},
	{"{'os':[]}", "os: must be a string, is an array"},
	{"{'architecture':1}", "architecture: must be a string, is a number"},
	{"{'variant':1}", "variant: must be a string, is a number"},
	{"{'os.version':1}", "os.version: must be a string, is a number"},
	{"{'created':1}", "created: must be a string, is a number"},
	{"{'author':true}", "author: must be a string, is true or false"},
	{"{'config':[]}", "config: must be an object, is an array"},
	{"{'config':{'User':0}}", "config.User: must be a string, is a number"},
	{"{'config':{'WorkingDir':0}}", "config.WorkingDir: must be a string, is a number"},
	{"{'config':{'StopSignal':15}}", "config.StopSignal: must be a string, is a number"},
	{"{'config':{'Env':{}}}", "config.Env: must be an array, is an object"},
	{"{'config':{'Env':['A=b',null]}}", "config.Env[1]: must be a string, is null"},
	{"{'config':{'Env':['A=\\u0000']}}", "config.Env[0]: holds a NUL character"},
	{"{'config':{'Entrypoint':'/a.wasm'}}", "config.Entrypoint: must be an array, is a string"},
	{"{'config':{'Cmd':[7]}}", "config.Cmd[0]: must be a string, is a number"},
	{"{'config':{'ExposedPorts':['80']}}",
	 "config.ExposedPorts: must be an object, is an array"},
	{"{'config':{'Volumes':'/data'}}", "config.Volumes: must be an object, is a string"},
	{"{'config':{'Volumes':{'/\\u0000':{}}}}",
	 "config.Volumes: a name in it holds a NUL character"},
	{"{'config':{'Labels':['a']}}", "config.Labels: must be an object, is an array"},
	{"{'config':{'Labels':{'a':['b']}}}",
	 "config.Labels[\"a\"]: must be a string, is an array"},
	{"{'rootfs':'layers'}", "rootfs: must be an object, is a string"},
	{"{'rootfs':{'diff_ids':'x'}}", "rootfs.diff_ids: must be an array, is a string"},
	{"{'rootfs':{'diff_ids':['" SHA "','x']}}",
	 "rootfs.diff_ids[1]: 'x' is not a digest: it begins with neither sha256: nor sha512:"},
	{"{'rootfs':{'diff_ids':[null]}}", "rootfs.diff_ids[0]: must be a string, is null"},
};

static void test_bad(void **state)
{
	struct image_manifest manifest = {.count = 77};
	struct image_config config = {.diff_count = 77};
	struct image_index index = {.count = 77};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_indexes); i++) {
		assert_int_equal(parse_index(&index, bad_indexes[i][0], &err), -EINVAL);
		assert_string_equal(err.text, bad_indexes[i][1]);
		assert_int_equal(index.count, 77);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_manifests); i++) {
		assert_int_equal(parse_manifest(&manifest, bad_manifests[i][0], &err), -EINVAL);
		assert_string_equal(err.text, bad_manifests[i][1]);
		assert_int_equal(manifest.count, 77);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_configs); i++) {
		assert_int_equal(parse_config(&config, bad_configs[i][0], &err), -EINVAL);
		assert_string_equal(err.text, bad_configs[i][1]);
		assert_int_equal(config.diff_count, 77);
	}
}

/* -- Limits --------------------------------------------------------------------------------------------------- */

/* front, `count` times item with commas between, back */
static char *repeat(const char *front, const char *item, size_t count, const char *back)
{
	size_t room = strlen(front) + count * (strlen(item) + 1) + strlen(back) + 1, end;
	char *text = malloc(room);

	end = (size_t)sprintf(text, "%s", front);
	for (size_t i = 0; i < count; i++)
		end += (size_t)sprintf(text + end, "%s%s", i > 0 ? "," : "", item);
	strcpy(text + end, back);
	return text;
}

static void test_counts(void **state)
{
	struct image_manifest manifest;
	struct image_config config;
	struct image_index index;
	struct err err;

	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		int expected = more > 0 ? -EINVAL : 0;
		char *text = repeat("{'manifests':[", DESCRIPTOR("", ""),
				    IMAGE_MANIFESTS_MAX + more, "]}");

		assert_int_equal(parse_index(&index, text, &err), expected);
		free(text);
		if (more == 0)
			image_index_deinit(&index);
		else
			assert_string_equal(err.text,
					    "manifests: must have at most 4096 entries, has 4097");
		text = repeat("{'config':" CONFIG ",'layers':[", CONFIG, IMAGE_LAYERS_MAX + more,
			      "]}");
		assert_int_equal(parse_manifest(&manifest, text, &err), expected);
		free(text);
		if (more == 0)
			image_manifest_deinit(&manifest);
		else
			assert_string_equal(err.text,
					    "layers: must have at most 512 entries, has 513");
		text = repeat("{'rootfs':{'diff_ids':[", "'" SHA "'", IMAGE_LAYERS_MAX + more,
			      "]}}");
		assert_int_equal(parse_config(&config, text, &err), expected);
		free(text);
		if (more == 0)
			image_config_deinit(&config);
		else
			assert_string_equal(
				err.text,
				"rootfs.diff_ids: must have at most 512 entries, has 513");
	}
}

static void test_sizes(void **state)
{
	size_t size = IMAGE_JSON_MAX;
	char *text = malloc(size + 1);
	struct image_config config;
	struct image_index index;
	struct err err;

	(void)state;
	memset(text, ' ', size + 1);
	memcpy(text, "{}", 2);
	assert_int_equal(image_config_parse(&config, text, size, &err), 0);
	image_config_deinit(&config);
	assert_int_equal(image_config_parse(&config, text, size + 1, &err), -EINVAL);
	assert_string_equal(err.text,
			    "the config: 4194305 bytes are more than the 4194304 allowed");
	assert_int_equal(image_guess(text, size + 1), IMAGE_UNKNOWN);
	/* Deep, and of a name that is long. */
	memset(text, '[', 100);
	assert_int_equal(image_index_parse(&index, text, 100, &err), -EINVAL);
	assert_non_null(strstr(err.text, "more than 64 arrays and objects in each other"));
	memset(text, 'x', 300);
	memcpy(text, "{\"manifests\":[],\"mediaType\":\"", 29);
	memcpy(text + 29 + 128, "\"}", 2);
	assert_int_equal(image_index_parse(&index, text, 29 + 130, &err), -EINVAL);
	assert_string_equal(err.text, "mediaType: must have at most 127 bytes, has 128");
	free(text);
}

static void test_guess(void **state)
{
	static const struct {
		const char *text;
		enum image_type type;
	} rows[] = {
		{"", IMAGE_UNKNOWN},
		{"[]", IMAGE_UNKNOWN},
		{"{}", IMAGE_UNKNOWN},
		{"{", IMAGE_UNKNOWN},
		{"{'mediaType':'" OCI("index.v1+json") "'}", IMAGE_INDEX},
		{"{'mediaType':'" DOCKER("distribution.manifest.v2+json") "'}", IMAGE_MANIFEST},
		{"{'mediaType':7,'manifests':[]}", IMAGE_INDEX},
		{"{'mediaType':'text/x','layers':[]}", IMAGE_MANIFEST},
		{"{'manifests':[],'layers':[]}", IMAGE_UNKNOWN},
		{"{'schemaVersion':1,'fsLayers':[]}", IMAGE_MANIFEST_V1},
		{"{'architecture':'wasm'}", IMAGE_CONFIG},
		{"{'rootfs':{}}", IMAGE_CONFIG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t size;
		char *copy = make(rows[i].text, &size);

		assert_int_equal(image_guess(copy, size), rows[i].type);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),    cmocka_unit_test(test_index),
		cmocka_unit_test(test_manifest), cmocka_unit_test(test_artifacts),
		cmocka_unit_test(test_config),   cmocka_unit_test(test_config_bare),
		cmocka_unit_test(test_bad),      cmocka_unit_test(test_counts),
		cmocka_unit_test(test_sizes),    cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
