/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_request.c: what was asked for to an image in the store.
 *
 *   module or Dockerfile, directories -> files -> is what it starts a module? -> layer, config, manifest -> index, if there are several
 *
 * One manifest for wasi/wasm, and no index around it, is what most engines take: an index without an entry for linux is refused by
 * those that look for one before they look at the image. Who builds an index is told so.
 */
#include "image/build_request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"

enum { MANIFESTS_MOST = 32, MODULE_MODE = 0755, PLATFORM_ROOM = 128 };

void build_request_deinit(struct build_request *r)
{
	for (size_t i = 0; i < BUF_COUNT(&r->stages, struct build_root); i++)
		close(BUF_ITEM(&r->stages, struct build_root, i)->dir);
	buf_deinit(&r->directories);
	buf_deinit(&r->with);
	buf_deinit(&r->arguments);
	buf_deinit(&r->stages);
	build_deinit(&r->build);
}

static int open_directory(const char *path, struct err *err)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? err_set(err, -errno, "open the directory '%s': %s", path, strerror(errno))
		       : dir;
}

/* A small file of text, terminated: the caller's. 1: it is not there. */
static int read_text(int dir, const char *path, char **ret, size_t *ret_size, struct err *err)
{
	int fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), error;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	error = fd < 0 ? -errno : io_whole(fd, IMAGE_JSON_MAX, ret, ret_size);
	if (fd >= 0)
		close(fd);
	return error < 0 ? err_set(err, error, "read '%s': %s", path, strerror(-error)) : 0;
}

/* -- Modules ------------------------------------------------------------------------------------------- */

/* The file is `fd` from now on. It stays open as long as we run. */
static int take_instead(struct build *build, struct layer_file *file, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file->source = build_text(build, path);
	file->root = AT_FDCWD;
	return file->source == NULL ? -ENOMEM : 0;
}

static bool is_module(int fd)
{
	char magic[4];

	return io_read_at(fd, magic, sizeof(magic), 0) == 0 && memcmp(magic, "\0asm", 4) == 0;
}

/* A descriptor of what the image starts; 1: nothing that we could look at. */
static int open_entry(struct build_request *r, struct layer_file **ret, struct err *err)
{
	const char *word;
	struct layer_file *file = (struct layer_file *)build_entry(&r->build, &word);
	int fd;

	if (file == NULL || file->source == NULL) {
		if (r->module != NULL)
			return err_set(err, -EINVAL,
				       "'%s' shall be started, and is no file of the image", word);
		r->note(r->file, word == NULL ? "the image has neither ENTRYPOINT nor CMD: whoever "
						"runs it has to say what"
					      : "what the image starts is not in it");
		return 1;
	}
	fd = layer_file_open(file);
	if (fd < 0)
		return err_set(err, fd, "open '%s': %s", file->source, strerror(-fd));
	*ret = file;
	return fd;
}

/* A Dockerfile may bring what is native: then its platform has to say so. */
static void note_native(const struct build_request *r, const struct layer_file *file)
{
	char sentence[ERR_MAX];

	if (strcmp(r->build.platform.architecture, "wasm") != 0)
		return;
	snprintf(sentence, sizeof(sentence),
		 "'%.200s' is no WebAssembly module, and the image is for wasi/wasm: "
		 "--platform linux/amd64, say, tells what it is for",
		 file->path);
	r->note(r->file, sentence);
}

/* Validate what it starts, and make it smaller if that was asked for. *ret: the module's descriptor, or -1. */
static int check_entry(struct build_request *r, int *ret, struct err *err)
{
	struct layer_file *file;
	int fd = open_entry(r, &file, err), error = 0, smaller;

	*ret = -1;
	if (fd == 1 || fd < 0)
		return fd < 0 ? fd : 0;
	if (r->module == NULL && !is_module(fd)) {
		note_native(r, file);
		close(fd);
		return 0;
	}
	error = module_check(fd, file->source, err);
	if (error == 0 && r->optimize) {
		error = module_optimize(fd, file->source, &smaller, err);
		if (error == 0) {
			close(fd);
			fd = smaller;
			error = module_check(fd, "what wasm-opt made of it", err);
		}
		if (error == 0)
			error = take_instead(&r->build, file, fd);
	}
	if (error < 0) {
		close(fd);
		return error;
	}
	*ret = fd;
	return 0;
}

/* -- Files ---------------------------------------------------------------------------------------------- */

static int add_module(struct build_request *r, struct err *err)
{
	const char *slash = strrchr(r->module, '/');
	const char *name = slash == NULL ? r->module : slash + 1;
	struct layer_file file = {.source = r->module, .root = AT_FDCWD, .mode = MODULE_MODE};
	char path[NAME_MAX + 2];
	struct stat st;

	if (stat(r->module, &st) < 0)
		return err_set(err, -errno, "%s: %s", r->module, strerror(errno));
	if (!S_ISREG(st.st_mode) || strlen(name) > NAME_MAX)
		return err_set(err, -EINVAL, "%s: a module is a file", r->module);
	snprintf(path, sizeof(path), "/%s", name);
	file.path = path;
	if (r->build.entrypoint.size == 0 &&
	    build_add(&r->build, &r->build.entrypoint, path, false) < 0)
		return -ENOMEM;
	return build_file(&r->build, &file, err);
}

/* HOST:GUEST */
static int add_directory(struct build_request *r, const char *text, struct err *err)
{
	const char *colon = strrchr(text, ':');
	struct build_copy copy = {.is_directory = true};
	struct build_root root;
	char path[PATH_MAX];

	memcpy(path, text, (size_t)(colon - text));
	path[colon - text] = '\0';
	root = (struct build_root){.dir = open_directory(path, err), .what = path};
	/* Files are read when the layer is made: it stays open until then. */
	if (root.dir < 0 || buf_put(&r->stages, &root, sizeof(root)) == NULL)
		return root.dir < 0 ? root.dir : -ENOMEM;
	BUF_ITEM(&r->stages, struct build_root, BUF_COUNT(&r->stages, struct build_root) - 1)
		->what = "";
	copy.to = colon + 1;
	/* An empty directory is one, too. */
	return MIN(build_copy(&r->build, &root, ".", &copy, err), 0);
}

/* -- Dockerfiles ------------------------------------------------------------------------------------------ */

/* Of the Dockerfile's own name, or else of the context. */
static int read_ignore(const struct build_request *r, const char *file, int context,
		       struct ignore **ret, struct err *err)
{
	char path[PATH_MAX], *text = NULL;
	size_t size;
	int found;

	if (snprintf(path, sizeof(path), "%s.dockerignore", file) >= (int)sizeof(path))
		return err_set(err, -ENAMETOOLONG, "'%.200s' is too long a path", file);
	found = read_text(AT_FDCWD, path, &text, &size, err);
	if (found == 1)
		found = read_text(context, ".dockerignore", &text, &size, err);
	if (found < 0)
		return found;
	found = ignore_parse(ret, text, err);
	free(text);
	return found < 0 ? err_prefix(err, found, "%s", r->context) : 0;
}

static int read_dockerfile(struct build_request *r, const struct build_root *context,
			   struct err *err)
{
	struct build_file_options options = {
		.path = r->file,
		.context = context,
		.arguments = (const struct image_note *)(void *)r->arguments.data,
		.argument_count = (uint32_t)BUF_COUNT(&r->arguments, struct image_note),
		.stages = (const struct build_root *)(void *)r->stages.data,
		.stage_count = (uint32_t)BUF_COUNT(&r->stages, struct build_root),
	};
	char *text;
	size_t size;
	int found = read_text(AT_FDCWD, r->file, &text, &size, err);

	if (found == 1)
		return err_set(err, -ENOENT, "there is no '%s': -f names another file", r->file);
	if (found < 0)
		return found;
	found = build_dockerfile(&r->build, text, size, &options, r->note, err);
	free(text);
	return found;
}

static int add_dockerfile(struct build_request *r, struct err *err)
{
	struct build_root context = {.what = "the context"};
	struct ignore *ignore = NULL;
	char path[PATH_MAX];
	int error;

	if (r->file == NULL) {
		if (snprintf(path, sizeof(path), "%s/Dockerfile", r->context) >= (int)sizeof(path))
			return err_set(err, -ENAMETOOLONG, "'%.200s' is too long a path",
				       r->context);
		r->file = build_text(&r->build, path);
		if (r->file == NULL)
			return -ENOMEM;
	}
	context.dir = open_directory(r->context, err);
	if (context.dir < 0)
		return context.dir;
	error = read_ignore(r, r->file, context.dir, &ignore, err);
	context.ignore = ignore;
	if (error == 0)
		error = read_dockerfile(r, &context, err);
	ignore_free(ignore);
	/* As long as the request: its files are read later. */
	context.ignore = NULL;
	context.what = "";
	if (buf_put(&r->stages, &context, sizeof(context)) == NULL) {
		close(context.dir);
		return -ENOMEM;
	}
	return error;
}

/* -- Several platforms -------------------------------------------------------------------------------------- */

struct several {
	struct image_descriptor items[MANIFESTS_MOST];
	uint32_t count;
};

static int add_manifest(struct several *all, const struct image_descriptor *manifest,
			struct err *err)
{
	char text[128], other[128];

	image_platform_text(&manifest->platform, text);
	for (uint32_t i = 0; i < all->count; i++) {
		image_platform_text(&all->items[i].platform, other);
		if (strcmp(text, other) == 0)
			return err_set(err, -EINVAL, "the index would have %s twice", text);
	}
	if (all->count == MANIFESTS_MOST)
		return err_set(err, -E2BIG, "an index of %d platforms is enough", MANIFESTS_MOST);
	all->items[all->count++] = *manifest;
	return 0;
}

/* What a manifest in the store is for, its config says. */
static int read_platform(struct build_request *r, const struct store *store,
			 const struct image_descriptor *manifest, struct image_platform *ret,
			 struct err *err)
{
	struct image_manifest m;
	struct image_config config;
	char *text;
	size_t size;
	int error = store_blob_read(store, &manifest->digest, IMAGE_JSON_MAX, &text, &size, err);

	if (error < 0)
		return error;
	error = image_manifest_parse(&m, text, size, err);
	free(text);
	if (error < 0)
		return error;
	error = store_blob_read(store, &m.config.digest, IMAGE_JSON_MAX, &text, &size, err);
	image_manifest_deinit(&m);
	if (error < 0)
		return error;
	error = image_config_parse(&config, text, size, err);
	free(text);
	if (error < 0)
		return error;
	ret->os = build_text(&r->build, config.platform.os);
	ret->architecture = build_text(&r->build, config.platform.architecture);
	ret->variant = build_text(&r->build, config.platform.variant);
	ret->os_version = build_text(&r->build, config.platform.os_version);
	image_config_deinit(&config);
	return ret->os == NULL || ret->architecture == NULL || ret->variant == NULL ||
			       ret->os_version == NULL
		       ? -ENOMEM
		       : 0;
}

/* The manifest of that platform: of an index one of its own, else the image itself. */
static int choose(struct build_request *r, const struct store *store,
		  const struct image_descriptor *image, const struct image_wish *wish,
		  struct image_descriptor *ret, struct err *err)
{
	struct image_descriptor one = *image;
	struct image_index index = {.manifests = &one, .count = 1};
	const struct image_descriptor *chosen;
	bool is_index = image->type == IMAGE_INDEX;
	char *text;
	size_t size;
	int error = 0;

	if (is_index) {
		error = store_blob_read(store, &image->digest, IMAGE_JSON_MAX, &text, &size, err);
		if (error < 0)
			return error;
		error = image_index_parse(&index, text, size, err);
		free(text);
	} else {
		one.has_platform = true;
		error = read_platform(r, store, image, &one.platform, err);
	}
	if (error < 0)
		return error;
	chosen = image_choose(&index, wish, err);
	if (chosen == NULL) {
		error = -EINVAL;
	} else {
		*ret = (struct image_descriptor){.type = IMAGE_MANIFEST, .has_platform = true};
		ret->media_type = build_text(&r->build, chosen->media_type[0] != '\0'
								? chosen->media_type
								: image_media_type(chosen->type));
		ret->digest = chosen->digest;
		ret->size = chosen->size;
		error = ret->media_type == NULL
				? -ENOMEM
				: read_platform(r, store, chosen, &ret->platform, err);
	}
	if (is_index)
		image_index_deinit(&index);
	return error;
}

/* PLATFORM=REFERENCE */
static int add_other(struct build_request *r, const struct store *store, const char *text,
		     struct several *all, struct err *err)
{
	const char *equals = strchr(text, '=');
	const struct image_descriptor *found;
	struct image_descriptor manifest;
	struct image_index index;
	struct image_wish wish;
	char name[PLATFORM_ROOM], room[128];
	int error;

	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	error = image_wish_parse(&wish, name, room, err);
	if (error == 0)
		error = store_find(store, equals + 1, &index, &found, err);
	if (error < 0)
		return err_prefix(err, error, "--with %s", text);
	error = choose(r, store, found, &wish, &manifest, err);
	image_index_deinit(&index);
	if (error == 0)
		error = add_manifest(all, &manifest, err);
	return error < 0 ? err_prefix(err, error, "--with %s", text) : 0;
}

/* -- Shapes -------------------------------------------------------------------------------------------------- */

static bool has_linux(const struct several *all)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].platform.os, "linux") == 0)
			return true;
	return false;
}

static void note_shape(const struct build_request *r, const struct several *all)
{
	char platform[128], sentence[ERR_MAX];
	const char *what, *machine = all->items[0].platform.architecture;

	invariant(all->count > 0 && machine != NULL);
	image_platform_text(&all->items[0].platform, platform);
	if (r->format == BUILD_ARTIFACT)
		what = "a CNCF wasm artifact: for runwasi's shims, Spin and wasmCloud; it has "
		       "no entrypoint, and ctr does not run it";
	else if (all->count > 1 && has_linux(all))
		what = "an index with an entry for linux: all engines take it, but each has to "
		       "be told the platform or the runtime where wasm is wanted";
	else if (all->count > 1)
		what = "an index without an entry for linux: containerd's CRI refuses it (no "
		       "match for platform); --as-linux or --with linux/amd64=REFERENCE adds one";
	else if (strcmp(machine, "wasm") != 0)
		what = "every engine takes it for a native program, and has to be told the "
		       "runtime if it is wasm";
	else
		what = "no index, which is what most engines take; Kubernetes with containerd "
		       "2.1 or later also needs use_local_image_pull = true, or --as-linux here";
	if (r->format == BUILD_COMPAT && all->count == 1)
		snprintf(sentence, sizeof(sentence), "one manifest for %s: %s", platform, what);
	else
		snprintf(sentence, sizeof(sentence), "%s", what);
	r->note(NULL, sentence);
}

/* The same module under the names of machines, for whoever looks for one of these before he looks at the image. */
static int add_linux(struct build_request *r, const struct store *store, struct several *all,
		     struct err *err)
{
	static const struct image_platform machines[] = {
		{"linux", "amd64", "", ""},
		{"linux", "arm64", "", ""},
	};
	struct image_descriptor manifest;
	int error = 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(machines); i++) {
		error = build_compat(&r->build, store, &machines[i], &manifest, err);
		if (error == 0)
			error = add_manifest(all, &manifest, err);
	}
	return error < 0 ? err_prefix(err, error, "--as-linux") : 0;
}

static int make_compat(struct build_request *r, const struct store *store, struct several *all,
		       struct err *err)
{
	struct image_descriptor manifest;
	int error = build_compat(&r->build, store, &r->build.platform, &manifest, err);

	if (error == 0)
		error = add_manifest(all, &manifest, err);
	if (error == 0 && r->as_linux)
		error = add_linux(r, store, all, err);
	return error;
}

static int make_artifact(struct build_request *r, const struct store *store, int module,
			 struct several *all, struct err *err)
{
	struct image_descriptor manifest;
	int error;

	error = build_artifact(&r->build, store, module, &manifest, err);
	return error < 0 ? error : add_manifest(all, &manifest, err);
}

static int make(struct build_request *r, const struct store *store, int module,
		struct image_descriptor *ret, struct err *err)
{
	struct several all = {.count = 0};
	int error = r->format == BUILD_ARTIFACT ? make_artifact(r, store, module, &all, err)
						: make_compat(r, store, &all, err);

	for (size_t i = 0; error == 0 && i < BUF_COUNT(&r->with, const char *); i++)
		error = add_other(r, store, *BUF_ITEM(&r->with, const char *, i), &all, err);
	if (error < 0)
		return error;
	note_shape(r, &all);
	if (all.count > 1)
		return build_index(&r->build, store, all.items, all.count, ret, err);
	*ret = all.items[0];
	return 0;
}

static int check_format(const struct build_request *r, struct err *err)
{
	if (r->format != BUILD_ARTIFACT || (r->only_compat == NULL && r->module != NULL))
		return 0;
	return err_set(err, -EINVAL,
		       "an artifact is a module and nothing else: %s%s is for --format compat",
		       r->module == NULL ? "" : "--",
		       r->module == NULL ? "a Dockerfile" : r->only_compat);
}

static int check_with(const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');

	if (equals != NULL && equals != text && equals - text < PLATFORM_ROOM)
		return 0;
	return err_set(err, -EINVAL,
		       "--with %s: write PLATFORM=REFERENCE, as in linux/amd64=hello:native", text);
}

static int check_directory(const char *text, struct err *err)
{
	const char *colon = strrchr(text, ':');

	if (colon != NULL && colon != text && colon[1] == '/' && colon - text < PATH_MAX)
		return 0;
	return err_set(err, -EINVAL,
		       "--dir %s: write HOST:GUEST, a directory here and an absolute path in "
		       "the image",
		       text);
}

static int set_platform(struct build_request *r, struct err *err)
{
	struct image_wish wish;
	char room[128];
	int error;

	if (r->platform == NULL)
		return 0;
	error = image_wish_parse(&wish, r->platform, room, err);
	if (error < 0)
		return error;
	r->build.platform.os = build_text(&r->build, wish.platform.os);
	r->build.platform.architecture = build_text(&r->build, wish.platform.architecture);
	r->build.platform.variant = build_text(&r->build, wish.platform.variant);
	if (r->build.platform.os == NULL || r->build.platform.architecture == NULL ||
	    r->build.platform.variant == NULL)
		return -ENOMEM;
	/* Which machine this is shall not decide. */
	if (strchr(r->platform, '/') == NULL && strcmp(wish.platform.architecture, "wasm") != 0)
		return err_set(err, -EINVAL, "--platform %s: write OS/ARCHITECTURE", r->platform);
	return 0;
}

int build_request_check(struct build_request *r, struct err *err)
{
	int error = check_format(r, err);

	if (error == 0)
		error = set_platform(r, err);
	for (size_t i = 0; error == 0 && i < BUF_COUNT(&r->directories, const char *); i++)
		error = check_directory(*BUF_ITEM(&r->directories, const char *, i), err);
	for (size_t i = 0; error == 0 && i < BUF_COUNT(&r->with, const char *); i++)
		error = check_with(*BUF_ITEM(&r->with, const char *, i), err);
	return error;
}

int build_request_make(struct build_request *r, struct store *store, struct image_descriptor *ret,
		       struct err *err)
{
	int module = -1, error = build_request_check(r, err);

	for (size_t i = 0; error == 0 && i < BUF_COUNT(&r->directories, const char *); i++)
		error = add_directory(r, *BUF_ITEM(&r->directories, const char *, i), err);
	if (error == 0)
		error = r->module != NULL ? add_module(r, err) : add_dockerfile(r, err);
	/* The command line has the last word. */
	if (error == 0)
		error = set_platform(r, err);
	if (error == 0)
		error = check_entry(r, &module, err);
	if (error == 0)
		error = make(r, store, module, ret, err);
	if (module >= 0)
		close(module);
	return error;
}
