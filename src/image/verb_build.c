/* SPDX-License-Identifier: Apache-2.0 */
/* verb_build.c: `skiff build`: a module, or the last stage of a Dockerfile, becomes an image in the store. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/text.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/build_request.h"
#include "image/prepare.h"
#include "image/verbs.h"

enum {
	TAG = 1,
	FILE_,
	ENTRYPOINT,
	CMD,
	ENV,
	LABEL,
	ANNOTATION,
	WORKDIR,
	USER,
	EXPOSE,
	DIR_,
	VOLUME,
	STOP_SIGNAL,
	FORMAT,
	PLATFORM,
	WITH,
	AS_LINUX,
	OPTIMIZE,
	CREATED,
	BUILD_ARG,
	FROM,
	QUIET,
};

const struct option build_options[] = {
	{TAG, 't', "tag", "NAME[:TAG]", "what the image is called; may be given several times"},
	{FILE_, 'f', "file", "FILE", "build the last stage of this Dockerfile"},
	{ENTRYPOINT, '\0', "entrypoint", "WORD|JSON",
	 "what it starts; may be given several times (default: the module)"},
	{CMD, '\0', "cmd", "WORD|JSON", "arguments, where whoever runs it gives none; the same"},
	{ENV, 'e', "env", "NAME=VALUE", "a variable; may be given several times"},
	{LABEL, 'l', "label", "NAME=VALUE", "a label of the image; may be given several times"},
	{ANNOTATION, '\0', "annotation", "NAME=VALUE",
	 "an annotation of its manifest; may be given several times"},
	{WORKDIR, 'w', "workdir", "PATH", "directory it starts in"},
	{USER, 'u', "user", "USER[:GROUP]", "who it runs as"},
	{EXPOSE, '\0', "expose", "PORT[/tcp|udp]",
	 "a port it listens on; may be given several times"},
	{VOLUME, '\0', "volume", "PATH", "a directory for data; may be given several times"},
	{STOP_SIGNAL, '\0', "stop-signal", "SIGNAL", "what asks it to end"},
	{DIR_, '\0', "dir", "HOST:GUEST",
	 "put a directory into the image; may be given several times"},
	{FORMAT, '\0', "format", "compat|artifact",
	 "files in a layer (default), or a CNCF wasm artifact"},
	{PLATFORM, '\0', "platform", "OS/ARCH", "what it is for (default: wasi/wasm)"},
	{WITH, '\0', "with", "OS/ARCH=IMAGE",
	 "make an index of this image and one of the store; may be given several times"},
	{AS_LINUX, '\0', "as-linux", NULL,
	 "make an index that has the module for linux/amd64 and linux/arm64, too"},
	{OPTIMIZE, 'O', "optimize", NULL, "have wasm-opt make the module smaller and faster"},
	{CREATED, '\0', "created", "TIME",
	 "2026-01-31T12:00:00Z, seconds since 1970, or 'now' (default: $SOURCE_DATE_EPOCH, or 0)"},
	{BUILD_ARG, '\0', "build-arg", "NAME=VALUE",
	 "an ARG of the Dockerfile; may be given several times"},
	{FROM, '\0', "from", "STAGE=DIR",
	 "a directory that stands for an earlier stage's root; may be given several times"},
	{QUIET, 'q', "quiet", NULL, "print the digest, and nothing but mistakes besides"},
	{0},
};
const char build_details[] =
	"FILE is a module, which becomes /NAME of an image that has nothing else, and which the "
	"image\n"
	"starts. DIR is the context of a Dockerfile (default: the current directory), whose last "
	"stage\n"
	"must be FROM scratch; COPY --from of an earlier stage takes what --from says.\n"
	"\n"
	"Prints digest, bytes and name. The same input gives the same digest.\n";

struct given {
	struct build_request request;
	struct buf tags; /* struct reference */
	const char *word; /* FILE or DIR */
	bool quiet;
};

/* -- Times ------------------------------------------------------------------------------------------- */

static bool parse_seconds(const char *text, int64_t *ret)
{
	uint64_t seconds;

	/* Four digits of a year have to do. */
	if (text[0] < '0' || text[0] > '9' || !text_parse_u64(text, &seconds) ||
	    seconds > 253402300799)
		return false;
	*ret = (int64_t)seconds;
	return true;
}

static bool parse_time(const char *text, int64_t *ret)
{
	struct tm parts = {0};
	const char *end;

	if (strcmp(text, "now") == 0) {
		*ret = time(NULL);
		return true;
	}
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (end == NULL || *end != '\0' || parts.tm_year < 70)
		return parse_seconds(text, ret);
	*ret = timegm(&parts);
	return true;
}

static int read_epoch(struct build *build)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");

	if (text != NULL && text[0] != '\0' && !parse_seconds(text, &build->file_time))
		return say(EXIT_USAGE, NULL, "SOURCE_DATE_EPOCH: '%s' is no number of seconds",
			   text);
	build->created = build->file_time;
	return EXIT_OK;
}

/* -- Options ------------------------------------------------------------------------------------------- */

static int failed(int error, const struct err *err)
{
	return say(EXIT_USAGE, NULL, "%s", error == -ENOMEM ? strerror(ENOMEM) : err->text);
}

static int no_memory(void)
{
	return say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
}

static int take_tag(struct given *g, const char *text)
{
	struct reference reference;
	struct err err;

	if (reference_parse(&reference, text, &err) < 0)
		return say(EXIT_USAGE, NULL, "%s", err.text);
	if (reference.digest.text[0] != '\0')
		return say(EXIT_USAGE, NULL, "--tag %s: a digest is what comes of it", text);
	return buf_put(&g->tags, &reference, sizeof(reference)) != NULL ? EXIT_OK : no_memory();
}

/* NAME=VALUE, into notes. */
static int take_note(struct given *g, const struct options *o, struct buf *notes)
{
	const char *equals = strchr(o->value, '=');
	char *name;
	int error;

	if (equals == NULL || equals == o->value)
		return say(EXIT_USAGE, NULL, "--%s %s: write NAME=VALUE", o->name, o->value);
	name = strndup(o->value, (size_t)(equals - o->value));
	error = name == NULL ? -ENOMEM : build_note(&g->request.build, notes, name, equals + 1);
	free(name);
	return error == 0 ? EXIT_OK : no_memory();
}

static int take_stage(struct given *g, const char *text)
{
	const char *equals = strchr(text, '=');
	struct build_root root = {.dir = -1};
	char *name;

	if (equals == NULL || equals == text || equals[1] == '\0')
		return say(EXIT_USAGE, NULL, "--from %s: write STAGE=DIR", text);
	root.dir = open(equals + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root.dir < 0)
		return say(EXIT_BAD, NULL, "--from %s: %s", text, strerror(errno));
	name = strndup(text, (size_t)(equals - text));
	root.what = name == NULL ? NULL : build_text(&g->request.build, name);
	free(name);
	if (root.what == NULL || buf_put(&g->request.stages, &root, sizeof(root)) == NULL) {
		close(root.dir);
		return no_memory();
	}
	return EXIT_OK;
}

static int take_path(struct given *g, const struct options *o, const char **to)
{
	char path[PATH_MAX];
	struct err err;

	if (o->value[0] != '/')
		return say(EXIT_USAGE, NULL, "--%s %s: a path in an image begins with a slash",
			   o->name, o->value);
	if (build_path("/", o->value, path, &err) < 0)
		return say(EXIT_USAGE, NULL, "--%s: %s", o->name, err.text);
	*to = build_text(&g->request.build, path);
	return *to != NULL ? EXIT_OK : no_memory();
}

static int take_format(struct given *g, const char *text)
{
	if (strcmp(text, "compat") == 0)
		g->request.format = BUILD_COMPAT;
	else if (strcmp(text, "artifact") == 0)
		g->request.format = BUILD_ARTIFACT;
	else
		return say(EXIT_USAGE, NULL, "--format %s: there are compat and artifact", text);
	return EXIT_OK;
}

static int take_created(struct given *g, const char *text)
{
	if (parse_time(text, &g->request.build.created))
		return EXIT_OK;
	return say(EXIT_USAGE, NULL,
		   "--created %s: write 2026-01-31T12:00:00Z, seconds since 1970, or now", text);
}

/* Those whose value goes into a list as it is. */
static int take_text(struct given *g, struct buf *list, const char *text)
{
	(void)g;
	return buf_put(list, &text, sizeof(text)) != NULL ? EXIT_OK : no_memory();
}

/* What says how the image runs, and has no place in an artifact. */
static int take_process(struct given *g, const struct options *o, int id)
{
	struct build *build = &g->request.build;
	const char *path;
	struct err err;
	int error = 0, code;

	g->request.only_compat = arena_string(&build->arena, o->name, strlen(o->name));
	switch (id) {
	case ENTRYPOINT:
		error = build_words(build, &build->entrypoint, o->value, &err);
		break;
	case CMD:
		error = build_words(build, &build->command, o->value, &err);
		break;
	case ENV:
		error = build_variable(build, o->value, &err);
		break;
	case LABEL:
		return take_note(g, o, &build->labels);
	case WORKDIR:
		return take_path(g, o, &build->directory);
	case USER:
		build->user = o->value;
		break;
	case EXPOSE:
		error = build_port(build, o->value, &err);
		break;
	case VOLUME:
		code = take_path(g, o, &path);
		return code == EXIT_OK && build_add(build, &build->volumes, path, true) < 0
			       ? no_memory()
			       : code;
	case STOP_SIGNAL:
		build->stop_signal = o->value;
		break;
	default:
		return take_text(g, &g->request.directories, o->value);
	}
	if (error == 0)
		return EXIT_OK;
	if (error != -ENOMEM)
		err_prefix(&err, 0, "--%s", o->name);
	return failed(error, &err);
}

static int take(struct given *g, const struct options *o, int id)
{
	struct build_request *r = &g->request;

	switch (id) {
	case TAG:
		return take_tag(g, o->value);
	case FILE_:
		r->file = o->value;
		return EXIT_OK;
	case ANNOTATION:
		return take_note(g, o, &r->build.annotations);
	case FORMAT:
		return take_format(g, o->value);
	case PLATFORM:
		r->platform = o->value;
		r->only_compat = "platform";
		return EXIT_OK;
	case WITH:
		return take_text(g, &r->with, o->value);
	case AS_LINUX:
		r->as_linux = true;
		r->only_compat = "as-linux";
		return EXIT_OK;
	case OPTIMIZE:
		r->optimize = true;
		return EXIT_OK;
	case CREATED:
		return take_created(g, o->value);
	case BUILD_ARG:
		return take_note(g, o, &r->arguments);
	case FROM:
		return take_stage(g, o->value);
	case QUIET:
		g->quiet = true;
		return EXIT_OK;
	case OPTIONS_WORD:
		if (g->word != NULL)
			return options_extra(o);
		g->word = o->value;
		return EXIT_OK;
	default:
		return take_process(g, o, id);
	}
}

/* A directory is a context, a file is a module, unless there is a Dockerfile. */
static int understand(struct given *g, const struct options *o)
{
	struct build_request *r = &g->request;
	struct stat st;
	bool is_context = r->file != NULL;

	if (g->word == NULL && !is_context)
		return options_missing(o, "FILE or DIR");
	if (g->word != NULL && !is_context)
		is_context = stat(g->word, &st) == 0 && S_ISDIR(st.st_mode);
	if (is_context)
		r->context = g->word != NULL ? g->word : ".";
	else
		r->module = g->word;
	if (!is_context && (r->arguments.size > 0 || r->stages.size > 0))
		return say(EXIT_USAGE, NULL,
			   "--build-arg and --from are for Dockerfiles; -f FILE, or a directory, "
			   "names one");
	return EXIT_OK;
}

/* -- Names and results ----------------------------------------------------------------------------------- */

/* Of the module or its directory: app.wasm is app. */
static int name_by_itself(struct given *g)
{
	const char *word = g->request.module != NULL ? g->request.module : g->request.context;
	char path[PATH_MAX], name[NAME_MAX + 1], *end;
	struct reference reference;
	size_t size = 0;

	if (realpath(word, path) == NULL)
		return say(EXIT_BAD, word, "%s", strerror(errno));
	end = strrchr(path, '.');
	if (g->request.module != NULL && end != NULL && strcmp(end, ".wasm") == 0)
		*end = '\0';
	for (const char *c = strrchr(path, '/') + 1; *c != '\0' && size < NAME_MAX; c++)
		if (isalnum((unsigned char)*c) || (size > 0 && name[size - 1] != '-'))
			name[size++] =
				isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '-';
	while (size > 0 && name[size - 1] == '-')
		size--;
	name[size] = '\0';
	if (size == 0 || reference_parse(&reference, name, NULL) < 0)
		return say(EXIT_USAGE, NULL, "give the image a name: -t NAME");
	return buf_put(&g->tags, &reference, sizeof(reference)) != NULL ? EXIT_OK : no_memory();
}

static void note(const char *subject, const char *sentence)
{
	say_note(SAY_INFO, subject, "%s", sentence);
}

static int print(const struct given *g, const struct image_descriptor *image)
{
	char name[REFERENCE_ROOM];
	struct out out;

	out_init(&out, STDOUT_FILENO);
	if (g->quiet)
		out_format(&out, "%s\n", image->digest.text);
	for (size_t i = 0; !g->quiet && i < BUF_COUNT(&g->tags, struct reference); i++) {
		reference_short(BUF_ITEM(&g->tags, struct reference, i), name);
		out_format(&out, "%s %llu bytes %s\n", image->digest.text,
			   (unsigned long long)g->request.build.size, name);
	}
	return out_end(&out, EXIT_OK);
}

/* All names, and what running it takes. */
static int keep(const struct given *g, struct store *store, const struct image_descriptor *image)
{
	struct err err;

	for (size_t i = 0; i < BUF_COUNT(&g->tags, struct reference); i++)
		if (store_name(store, BUF_ITEM(&g->tags, struct reference, i), image, &err) < 0)
			return say(EXIT_BAD, NULL, "%s", err.text);
	/* What is no wasm is not run here; and what cannot be unpacked now is said again when it is run. */
	if (strcmp(g->request.build.platform.architecture, "wasm") == 0 &&
	    prepare(store, &image->digest, NULL, &err) < 0)
		say_note(SAY_INFO, NULL, "it is built, but not ready to run: %s", err.text);
	return print(g, image);
}

static int build(struct given *g)
{
	struct image_descriptor image;
	struct store store;
	struct err err = {.text = ""};
	int code, error = build_request_check(&g->request, &err);

	if (error < 0)
		return failed(error, &err);
	error = store_open(&store, NULL, &err);
	if (error < 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	error = build_request_make(&g->request, &store, &image, &err);
	if (error < 0)
		code = say(EXIT_BAD, NULL, "%s", error == -ENOMEM ? strerror(ENOMEM) : err.text);
	else
		code = keep(g, &store, &image);
	store_close(&store);
	return code;
}

int build_verb(const struct verb *verb, char **args)
{
	struct given g = {.request = {.note = note}};
	struct options o;
	int id, code;

	build_init(&g.request.build);
	options_init(&o, verb, args);
	code = read_epoch(&g.request.build);
	while (code == EXIT_OK && (id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP) {
			build_request_deinit(&g.request);
			buf_deinit(&g.tags);
			return o.code;
		}
		code = take(&g, &o, id);
	}
	if (!g.quiet)
		say_up_to(SAY_INFO);
	if (code == EXIT_OK)
		code = understand(&g, &o);
	if (code == EXIT_OK && g.tags.size == 0)
		code = name_by_itself(&g);
	if (code == EXIT_OK)
		code = build(&g);
	build_request_deinit(&g.request);
	buf_deinit(&g.tags);
	return code;
}
