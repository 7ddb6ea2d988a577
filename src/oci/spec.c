/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.c: the doors of the reader, and questions about a spec that was read.
 *
 * Text to JSON tree to struct: the tree is freed before anybody sees the struct, which owns copies of what it needs. The
 * version is looked at before anything else: what another major version means by its fields is not ours to judge.
 */
#include "oci/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/read.h"

/* -- Reading ---------------------------------------------------------------------------------------------- */

static int check_version(struct reader *r, struct json_value root)
{
	const struct read_place at = READ_FIELD(NULL, "ociVersion");
	const char *version = json_string(json_find(root, "ociVersion"), NULL);
	size_t major;

	if (version == NULL || version[0] == '\0')
		return 0; /* missing or mistyped: told with the other fields */
	major = strspn(version, "0123456789");
	if (major == 0 || version[major] != '.' || version[major + 1] < '0' ||
	    version[major + 1] > '9')
		return read_fail(r, &at, "'%s' is not a version", version);
	if (major != 1 || version[0] != '1')
		return read_fail(r, &at, "version %s is not supported, only 1.x is", version);
	return 0;
}

static int read_tree(struct reader *r, enum read_level level, const struct json *tree)
{
	static const struct read_place process = READ_FIELD(NULL, "process");
	static const struct read_place linux_at = READ_FIELD(NULL, "linux");
	static const struct read_place resources = READ_FIELD(&linux_at, "resources");
	struct json_value root = json_root(tree);
	int rc;

	if (level == LEVEL_process) {
		r->spec->has_process = true;
		return read_object(r, level, root, &process, &r->spec->process);
	}
	if (level == LEVEL_resources) {
		r->is_update = true;
		return read_object(r, level, root, &resources, &r->spec->resources);
	}
	rc = check_version(r, root);
	return rc < 0 ? rc : read_object(r, LEVEL_spec, root, NULL, r->spec);
}

static int keep_unknown(struct reader *r)
{
	struct oci_strings *ret = &r->spec->unknown;
	size_t count = BUF_COUNT(&r->unknown, const char *);

	ret->items = arena_array(r->arena, count + 1, sizeof(*ret->items));
	if (ret->items == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(ret->items, r->unknown.data, r->unknown.size);
	ret->count = (uint32_t)count;
	return 0;
}

static int parse(struct oci_spec **ret, enum read_level level, const char *text, size_t size,
		 struct err *err)
{
	struct oci_spec *spec = calloc(1, sizeof(*spec));
	struct reader r = {.spec = spec, .err = err};
	struct json *tree = NULL;
	int rc = -ENOMEM;

	if (spec != NULL) {
		r.arena = &spec->arena;
		spec->process.scheduler_policy = -1;
		rc = json_parse(&tree, text, size, err);
		if (rc == JSON_INVALID)
			rc = -EINVAL;
	}
	if (rc == 0)
		rc = read_tree(&r, level, tree);
	if (rc == 0)
		rc = keep_unknown(&r);
	json_free(tree);
	buf_deinit(&r.unknown);
	if (rc == -ENOMEM)
		err_set(err, rc, "no memory");
	if (rc < 0)
		oci_spec_free(spec);
	else
		*ret = spec;
	return rc;
}

int oci_spec_parse(struct oci_spec **ret, const char *text, size_t size, struct err *err)
{
	return parse(ret, LEVEL_spec, text, size, err);
}

int oci_process_parse(struct oci_spec **ret, const char *text, size_t size, struct err *err)
{
	return parse(ret, LEVEL_process, text, size, err);
}

int oci_resources_parse(struct oci_spec **ret, const char *text, size_t size, struct err *err)
{
	return parse(ret, LEVEL_resources, text, size, err);
}

void oci_spec_free(struct oci_spec *spec)
{
	if (spec == NULL)
		return;
	arena_deinit(&spec->arena);
	free(spec);
}

/* -- Asking ------------------------------------------------------------------------------------------------- */

const char *oci_annotation(const struct oci_spec *spec, const char *key)
{
	size_t low = 0, high = spec->annotations.count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(key, spec->annotations.items[middle].key);

		if (order == 0)
			return spec->annotations.items[middle].value;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *oci_env(const struct oci_process *process, const char *name)
{
	size_t size = strlen(name);

	for (uint32_t i = 0; i < process->env.count; i++) {
		const char *variable = process->env.items[i];

		if (strncmp(variable, name, size) == 0 && variable[size] == '=')
			return variable + size + 1;
	}
	return NULL;
}

static bool says(const char *value, const char *word)
{
	return value != NULL && strcmp(value, word) == 0;
}

static bool ends_in(const char *text, const char *suffix)
{
	size_t size = strlen(text), suffix_size = strlen(suffix);

	return size >= suffix_size && strcasecmp(text + size - suffix_size, suffix) == 0;
}

/* What the smart variants go by: the name of the program. */
static bool is_called_wasm(const struct oci_spec *spec)
{
	const char *program = spec->process.args.count > 0 ? spec->process.args.items[0] : "";

	return ends_in(program, ".wasm") || ends_in(program, ".wat");
}

/* Names of crun's handlers that mean a wasm engine, ours too. */
static bool is_engine(const char *handler)
{
	static const char names[][10] = {"wasm", "wasmedge", "wasmer", "wasmtime", "wamr", "skiff"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(handler, names[i]) == 0)
			return true;
	}
	return false;
}

enum oci_handler oci_handler(const struct oci_spec *spec)
{
	const char *handler = oci_annotation(spec, "run.oci.handler");
	const char *variant = oci_annotation(spec, "module.wasm.image/variant");

	if (says(oci_annotation(spec, "io.kubernetes.cri.container-type"), "sandbox") ||
	    says(oci_annotation(spec, "io.kubernetes.cri-o.ContainerType"), "sandbox"))
		return OCI_HANDLER_NATIVE;
	if (says(handler, "wasm-smart"))
		return is_called_wasm(spec) ? OCI_HANDLER_WASM : OCI_HANDLER_ANY;
	if (handler != NULL)
		return is_engine(handler) ? OCI_HANDLER_WASM : OCI_HANDLER_NATIVE;
	if (says(variant, "compat") || (says(variant, "compat-smart") && is_called_wasm(spec)))
		return OCI_HANDLER_WASM;
	return OCI_HANDLER_ANY;
}

size_t oci_entry_path(const char *arg, const char **ret_function)
{
	size_t size = strcspn(arg, "#");

	*ret_function = arg[size] != '\0' && arg[size + 1] != '\0' ? arg + size + 1 : NULL;
	return size;
}
