/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasm_to_oci.c: `wasm-to-oci push FILE REF` and `wasm-to-oci pull REF`, as the tool of that name had them.
 *
 * It writes that tool's media types: an empty config and the module as the one layer. It reads these, the CNCF's artifacts and whatever has
 * one layer that is a module. What comes goes through the store, which resumes and checks; it gets no name there, and is collected in the
 * end. Options of the tool that were about signing are taken and of no effect; to be asked for a signature, or for TLS without
 * certificates, is refused.
 */
#include "image/wasm_to_oci.h"

#include "base/io.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/connection.h"
#include "image/pull.h"
#include "image/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_TYPE "application/vnd.wasm.config.v1+json"
#define LAYER_TYPE "application/vnd.wasm.content.layer.v1+wasm"

enum { OUT = 1, SIGN, IGNORED, TLS_CA, USE_HTTP, INSECURE, PROXY };

#define SHARED_ROWS                                                                         \
	{USE_HTTP, 0, "use-http", NULL, "http instead of https"},                           \
		{PROXY, 0, "proxy", "URL", "go by a proxy"},                                \
		{TLS_CA, 0, "tlscacert", "FILE", "the same as --cacert"},                   \
		{INSECURE, 0, "insecure", NULL, "refused: name the authority by --cacert"}, \
		{SIGN, 0, "sign", NULL, "refused: there are no signatures here"},           \
		{IGNORED, 0, "server", "URL",                                               \
		 "ignored, as the next three: they are about signing"},                     \
		{IGNORED, 'd', "dir", "DIR", "ignored"},                                    \
		{IGNORED, 't', "timeout", "TIME", "ignored"},                               \
		{IGNORED, 0, "log", "LEVEL", "ignored"}, CONNECTION_ROWS, {0}

static const struct option push_rows[] = {SHARED_ROWS};
static const struct option pull_rows[] = {
	{OUT, 'o', "out", "FILE", "where to; module.wasm if nothing is said"}, SHARED_ROWS};

struct task {
	struct connection connection;
	const char *words[2];
	unsigned count;
	const char *out;
	struct reference reference;
	struct oci_digest digest;
	uint64_t size;
};

static int failed(const struct task *t, const struct err *err)
{
	return say(EXIT_BAD, t->words[t->count - 1], "%s", err->text);
}

static int tell(const struct task *t, const char *what)
{
	struct out out;

	out_init(&out, STDOUT_FILENO);
	out_format(&out, "%s: %s\nSize: %" PRIu64 "\nDigest: %s\n", what, t->words[t->count - 1],
		   t->size, t->digest.text);
	return out_end(&out, EXIT_OK);
}

/* -- push ---------------------------------------------------------------------------------------------------- */

/* A module is mapped, hashed and sent from its file. */
static int look_at(int fd, struct image_descriptor *ret, struct err *err)
{
	struct stat st;
	void *bytes;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "not a file");
	ret->size = (uint64_t)st.st_size;
	bytes = st.st_size >= 8 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
				: MAP_FAILED;
	if (bytes == MAP_FAILED || memcmp(bytes, "\0asm", 4) != 0) {
		if (bytes != MAP_FAILED)
			munmap(bytes, (size_t)st.st_size);
		return err_set(err, -EINVAL, "this is no WebAssembly module");
	}
	hash_of(bytes, (size_t)st.st_size, &ret->digest);
	munmap(bytes, (size_t)st.st_size);
	return 0;
}

static int send_config(struct registry *registry, struct image_descriptor *ret, struct err *err)
{
	int fd = memfd_create("config", MFD_CLOEXEC), rc;

	*ret = (struct image_descriptor){.size = 2};
	hash_of("{}", 2, &ret->digest);
	rc = fd >= 0 ? io_write(fd, "{}", 2) : -errno;
	rc = rc < 0 ? err_set(err, rc, "%s", strerror(-rc))
		    : registry_send(registry, ret, fd, NULL, NULL, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int send_all(struct task *t, struct registry *registry, int fd,
		    const struct image_descriptor *module, struct err *err)
{
	static const char type[] = "application/vnd.oci.image.manifest.v1+json";
	struct image_descriptor config;
	char text[1024];
	int rc = send_config(registry, &config, err), size;

	if (rc >= 0)
		rc = registry_send(registry, module, fd, NULL, NULL, err);
	if (rc < 0)
		return rc;
	size = snprintf(text, sizeof(text),
			"{\"schemaVersion\":2,\"mediaType\":\"%s\","
			"\"config\":{\"mediaType\":\"" CONFIG_TYPE
			"\",\"digest\":\"%s\",\"size\":2},"
			"\"layers\":[{\"mediaType\":\"" LAYER_TYPE
			"\",\"digest\":\"%s\",\"size\":%" PRIu64 "}]}",
			type, config.digest.text, module->digest.text, module->size);
	hash_of(text, (size_t)size, &t->digest);
	t->size = module->size;
	return registry_send_manifest(
		registry, t->reference.tag[0] != '\0' ? t->reference.tag : t->digest.text, type,
		text, (size_t)size, err);
}

static int push_task(struct task *t)
{
	struct image_descriptor module = {.media_type = LAYER_TYPE};
	struct registry *registry = NULL;
	struct err err = {""};
	int fd = open(t->words[0], O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return say(EXIT_BAD, t->words[0], "%s", strerror(errno));
	if (look_at(fd, &module, &err) < 0) {
		close(fd);
		return say(EXIT_BAD, t->words[0], "%s", err.text);
	}
	t->connection.options.push = true;
	rc = registry_open(&registry, &t->reference, NULL, &t->connection.options, &err);
	if (rc == 0)
		rc = send_all(t, registry, fd, &module, &err);
	registry_close(registry);
	close(fd);
	return rc < 0 ? failed(t, &err) : tell(t, "Pushed");
}

/* -- pull ---------------------------------------------------------------------------------------------------- */

/* A manifest, if need be one of an index. */
static int get_manifest(struct sources *sources, const char *what, struct registry_manifest *ret,
			struct err *err)
{
	const struct image_wish wish = {.given = false};
	const struct image_descriptor *chosen;
	struct image_index index;
	int rc = sources_manifest(sources, what, ret, err);

	if (rc < 0 || ret->type == IMAGE_MANIFEST)
		return rc;
	rc = image_index_parse(&index, ret->text, ret->size, err);
	registry_manifest_deinit(ret);
	if (rc != 0)
		return rc < 0 ? rc : -EINVAL;
	chosen = image_choose(&index, &wish, err);
	rc = chosen != NULL ? sources_manifest(sources, chosen->digest.text, ret, err) : -ENOENT;
	image_index_deinit(&index);
	if (rc == 0 && ret->type != IMAGE_MANIFEST) {
		registry_manifest_deinit(ret);
		rc = err_set(err, -ENOTSUP, "its index leads to another index");
	}
	return rc;
}

static int find_module(const struct image_manifest *manifest, struct image_descriptor *ret,
		       struct err *err)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < manifest->count; i++)
		if (manifest->layers[i].type == IMAGE_LAYER_WASM) {
			*ret = manifest->layers[i];
			found++;
		}
	if (found == 1)
		return 0;
	return err_set(
		err, -EINVAL,
		found == 0
			? "no layer of it is a module: it is an image for containers (skiff pull)"
			: "it has several modules");
}

/* Beside it first, so that the name never has a part. */
static int copy_out(const struct store *store, const struct image_descriptor *module,
		    const char *path, struct err *err)
{
	char beside[PATH_MAX];
	uint64_t size = 0, at = 0;
	int from = store_blob_open(store, &module->digest, &size, err), to, rc = 0;

	if (from < 0)
		return from;
	snprintf(beside, sizeof(beside), "%s.new-%d", path, (int)getpid());
	to = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	rc = to < 0 ? -errno : 0;
	while (rc == 0 && at < size) {
		char bytes[64 << 10];
		size_t part = size - at < sizeof(bytes) ? (size_t)(size - at) : sizeof(bytes);

		rc = io_read_at(from, bytes, part, at);
		if (rc == 0)
			rc = io_write(to, bytes, part);
		at += part;
	}
	if (rc == 0 && rename(beside, path) < 0)
		rc = -errno;
	if (rc < 0 && to >= 0)
		unlink(beside);
	if (to >= 0)
		close(to);
	close(from);
	return rc == 0 ? 0 : err_set(err, rc, "'%s': %s", path, strerror(-rc));
}

static int get_module(struct task *t, struct sources *sources, const struct store *store,
		      struct err *err)
{
	const struct reference *ref = &t->reference;
	struct registry_manifest text;
	struct image_manifest manifest;
	struct image_descriptor module;
	int rc = get_manifest(sources, ref->digest.text[0] != '\0' ? ref->digest.text : ref->tag,
			      &text, err);

	if (rc < 0)
		return rc;
	rc = image_manifest_parse(&manifest, text.text, text.size, err);
	registry_manifest_deinit(&text);
	if (rc != 0)
		return rc < 0 ? rc : -EINVAL;
	rc = find_module(&manifest, &module, err);
	if (rc == 0)
		rc = sources_fetch(sources, &module, store, NULL, err);
	if (rc >= 0)
		rc = copy_out(store, &module, t->out, err);
	t->digest = module.digest;
	t->size = module.size;
	image_manifest_deinit(&manifest);
	return rc;
}

static int pull_task(struct task *t)
{
	struct store_freed freed;
	struct sources sources = {0};
	struct store store;
	struct err err = {""};
	int rc = store_open(&store, NULL, &err);

	if (rc < 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	rc = sources_init(&sources, &t->reference, &t->connection.options, &err);
	if (rc == 0)
		rc = get_module(t, &sources, &store, &err);
	sources_deinit(&sources);
	/* What came of it so far waits for the next try. */
	if (rc == 0)
		store_collect(&store, false, &freed, NULL);
	store_close(&store);
	return rc < 0 ? failed(t, &err) : tell(t, "Pulled");
}

/* -- The command line ------------------------------------------------------------------------------------------ */

static int parse_one(struct task *t, struct options *o, int id, unsigned words)
{
	switch (id) {
	case OUT:
		t->out = o->value;
		return EXIT_OK;
	case SIGN:
		return say(EXIT_USAGE, NULL, "--sign: there are no signatures here");
	case INSECURE:
		return say(EXIT_USAGE, NULL,
			   "--insecure: name the registry's authority by --cacert FILE instead");
	case TLS_CA:
		t->connection.options.ca_file = o->value;
		return EXIT_OK;
	case USE_HTTP:
		t->connection.options.plain_http = true;
		return EXIT_OK;
	case PROXY:
		t->connection.options.proxy = o->value;
		return EXIT_OK;
	case IGNORED:
		return EXIT_OK;
	case OPTIONS_WORD:
		if (t->count == words)
			return options_extra(o);
		t->words[t->count++] = o->value;
		return EXIT_OK;
	default:
		connection_take(&t->connection, o, id);
		return t->connection.code;
	}
}

static int run(const struct verb *verb, char **args, unsigned words, int (*work)(struct task *t))
{
	struct task t = {.out = "module.wasm"};
	struct options o;
	struct err err;
	int id, code = EXIT_OK;

	options_init(&o, verb, args);
	while (code == EXIT_OK && (id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP) {
			connection_deinit(&t.connection);
			return o.code;
		}
		code = parse_one(&t, &o, id, words);
	}
	if (code == EXIT_OK && t.count < words)
		code = options_missing(&o, t.count + 1 < words ? "a file" : "a reference");
	if (code == EXIT_OK)
		code = connection_ready(&t.connection);
	if (code == EXIT_OK && reference_parse(&t.reference, t.words[words - 1], &err) < 0)
		code = say(EXIT_USAGE, NULL, "%s", err.text);
	if (code == EXIT_OK)
		code = work(&t);
	connection_deinit(&t.connection);
	return code;
}

static int run_push(const struct verb *verb, char **args)
{
	return run(verb, args, 2, push_task);
}

static int run_pull(const struct verb *verb, char **args)
{
	return run(verb, args, 1, pull_task);
}

static const struct verb verbs[] = {
	{"push", "wasm-to-oci push", "[OPTIONS] FILE REFERENCE", "send a module to a registry",
	 run_push, push_rows, ""},
	{"pull", "wasm-to-oci pull", "[OPTIONS] REFERENCE", "get a module from a registry",
	 run_pull, pull_rows, ""},
};

static const char usage[] = "usage: wasm-to-oci push [OPTIONS] FILE REFERENCE, or "
			    "wasm-to-oci pull [OPTIONS] REFERENCE [--out FILE]";

static int show_usage(void)
{
	struct out out;

	out_init(&out, STDOUT_FILENO);
	out_format(
		&out,
		"%s\n\n'wasm-to-oci push --help' and 'wasm-to-oci pull --help' list the options.\n",
		usage);
	return out_end(&out, EXIT_OK);
}

int wasm_to_oci(char **args)
{
	if (args[0] != NULL && (strcmp(args[0], "--help") == 0 || strcmp(args[0], "-h") == 0))
		return show_usage();
	for (size_t i = 0; args[0] != NULL && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(args[0], verbs[i].name) == 0)
			return verbs[i].run(&verbs[i], args + 1);
	return say(EXIT_USAGE, NULL, "%s", usage);
}
