/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_dockerfile.c: the last stage of a Dockerfile, which is FROM scratch, to a build.
 *
 * Stages before it are docker's: they compile. What is copied from one of them comes from a directory that stands for its root
 * (--from NAME=DIR). Instructions are done in their order, variables as docker has them: ENV before ARG, and an ARG of the file's
 * beginning counts in a stage that names it. All goes into one layer, where of one path the last counts.
 *
 * What cannot be done is refused by its name and line, with what to do instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "base/text.h"
#include "image/build.h"
#include "image/dockerfile.h"

struct stage {
	const char *base, *name; /* in the work's arena; name "": none */
	uint32_t line;
	size_t first; /* instruction behind its FROM */
};

struct work {
	struct build *build;
	const struct build_file_options *options;
	void (*note)(const char *path, const char *sentence);
	struct dockerfile file;
	struct arena arena; /* texts that the build does not keep */
	struct buf stages; /* struct stage */
	struct buf global,
		local; /* struct image_note: of ARGs before the first FROM, and of the stage */
	bool *used; /* by --build-arg */
	bool in_stage;
	const struct instruction *at;
	struct err *err;
};

struct flags { /* of COPY and ADD */
	const char *from;
	uint32_t mode, user, group;
};

/* -- Variables ------------------------------------------------------------------------------------- */

static const char *find_note(const struct buf *notes, const char *name)
{
	for (size_t i = BUF_COUNT(notes, struct image_note); i-- > 0;) {
		const struct image_note *note = BUF_ITEM(notes, struct image_note, i);

		if (strcmp(note->name, name) == 0)
			return note->value;
	}
	return NULL;
}

static const char *find_given(const struct work *w, const char *name)
{
	for (uint32_t i = w->options->argument_count; i-- > 0;) {
		if (strcmp(w->options->arguments[i].name, name) != 0)
			continue;
		w->used[i] = true;
		return w->options->arguments[i].value;
	}
	return NULL;
}

/* What docker sets of itself. */
static const char *find_platform(const struct work *w, const char *name)
{
	const struct image_platform *p = &w->build->platform;
	static _Thread_local char text[128];

	if (strcmp(name, "TARGETOS") == 0)
		return p->os;
	if (strcmp(name, "TARGETARCH") == 0)
		return p->architecture;
	if (strcmp(name, "TARGETVARIANT") == 0)
		return p->variant;
	if (strcmp(name, "TARGETPLATFORM") != 0)
		return strcmp(name, "BUILDOS") == 0 ? "linux" : NULL;
	image_platform_text(p, text);
	return text;
}

static const char *find_variable(void *context, const char *name)
{
	struct work *w = context;
	size_t size = strlen(name);
	const char *value;

	for (size_t i = 0; w->in_stage && i < BUF_COUNT(&w->build->variables, const char *); i++) {
		const char *text = *BUF_ITEM(&w->build->variables, const char *, i);

		if (strncmp(text, name, size) == 0 && text[size] == '=')
			return text + size + 1;
	}
	value = find_note(w->in_stage ? &w->local : &w->global, name);
	return value == NULL && !w->in_stage ? find_platform(w, name) : value;
}

/* The text with its quotes gone and its variables replaced, in the arena; NULL: *ret_error says. */
static const char *expand(struct work *w, const char *word, size_t size, int *ret_error)
{
	struct word_scope scope = {w->file.escape, find_variable, w};
	struct buf out = {0};
	const char *text = NULL;

	*ret_error = word_expand(word, size, &scope, &out, w->err);
	if (*ret_error == 0) {
		text = arena_string(&w->arena, (const char *)out.data, out.size - 1);
		*ret_error = text == NULL ? -ENOMEM : 0;
	}
	buf_deinit(&out);
	return text;
}

/* The words of a line, each expanded: const char *. */
static int expand_words(struct work *w, const char *rest, struct buf *ret)
{
	const char *word;
	size_t size;
	int error = 0;

	while (error == 0 && (size = word_next(&rest, w->file.escape, &word)) > 0) {
		const char *text = expand(w, word, size, &error);

		if (text != NULL && buf_put(ret, &text, sizeof(text)) == NULL)
			error = -ENOMEM;
	}
	return error;
}

/* The same, of a line that may be a list in JSON. */
static int expand_list(struct work *w, const char *rest, struct buf *ret)
{
	struct buf words = {0};
	int error = 0;

	if (rest[0] != '[' || build_words(w->build, &words, rest, NULL) < 0) {
		buf_deinit(&words);
		return expand_words(w, rest, ret);
	}
	for (size_t i = 0; error == 0 && i < BUF_COUNT(&words, const char *); i++) {
		const char *word = *BUF_ITEM(&words, const char *, i);
		const char *text = expand(w, word, strlen(word), &error);

		if (text != NULL && buf_put(ret, &text, sizeof(text)) == NULL)
			error = -ENOMEM;
	}
	buf_deinit(&words);
	return error;
}

/* All of it as one text. */
static int expand_one(struct work *w, const char **ret)
{
	const char *rest = w->at->rest, *word;
	size_t size = word_next(&rest, w->file.escape, &word);
	int error;

	if (rest[strspn(rest, " \t")] != '\0')
		return err_set(w->err, -EINVAL, "it takes one word; quotes keep blanks in one");
	*ret = expand(w, word, size, &error);
	return error;
}

/* -- Names and values --------------------------------------------------------------------------------- */

/* NAME=VALUE, its parts expanded; NULL value: there is no '='. */
static int split(struct work *w, const char *word, size_t size, struct image_note *ret)
{
	const char *equals = memchr(word, '=', size);
	int error = 0;

	ret->name = expand(w, word, equals == NULL ? size : (size_t)(equals - word), &error);
	ret->value = NULL;
	if (error == 0 && equals != NULL)
		ret->value = expand(w, equals + 1, (size_t)(word + size - equals - 1), &error);
	if (error == 0 && ret->name[0] == '\0')
		return err_set(w->err, -EINVAL, "a name is missing: write NAME=VALUE");
	return error;
}

/* NAME VALUE..., as long as nobody wrote '='; and NAME = VALUE, which docker takes for this. */
static int split_blank(struct work *w, const char *word, size_t size, const char *rest,
		       struct image_note *ret)
{
	char sentence[ERR_MAX];
	int error = 0;

	rest += strspn(rest, " \t");
	if (rest[0] == '=' && rest[strspn(rest + 1, " \t") + 1] != '\0') {
		rest += 1 + strspn(rest + 1, " \t");
		snprintf(
			sentence, sizeof(sentence),
			"line %u: %s: there are blanks around '=': taken as they were meant, where "
			"docker would make the '=' a part of the value",
			(unsigned)w->at->line, instruction_name(w->at->kind));
		w->note(w->options->path, sentence);
	}
	ret->name = expand(w, word, size, &error);
	if (error == 0)
		ret->value = expand(w, rest, strlen(rest), &error);
	if (error == 0 && (ret->value[0] == '\0' || ret->name[0] == '\0'))
		return err_set(w->err, -EINVAL, "write NAME=VALUE");
	return error;
}

/* All of a line; what they say holds from the next line on. */
static int read_notes(struct work *w, struct buf *ret)
{
	const char *rest = w->at->rest, *word;
	struct image_note note;
	size_t size = word_next(&rest, w->file.escape, &word);
	int error = 0;

	if (memchr(word, '=', size) == NULL) {
		error = split_blank(w, word, size, rest, &note);
		return error < 0 || buf_put(ret, &note, sizeof(note)) != NULL ? error : -ENOMEM;
	}
	for (; error == 0 && size > 0; size = word_next(&rest, w->file.escape, &word)) {
		error = split(w, word, size, &note);
		if (error == 0 && note.value == NULL)
			return err_set(w->err, -EINVAL, "'%s' has no '=': write NAME=VALUE",
				       note.name);
		if (error == 0 && buf_put(ret, &note, sizeof(note)) == NULL)
			return -ENOMEM;
	}
	return error;
}

static int do_notes(struct work *w, bool variables)
{
	struct buf notes = {0};
	int error = read_notes(w, &notes);

	for (size_t i = 0; error == 0 && i < BUF_COUNT(&notes, struct image_note); i++) {
		const struct image_note *note = BUF_ITEM(&notes, struct image_note, i);
		size_t size = strlen(note->name) + strlen(note->value) + 2;
		char *text;

		if (!variables) {
			error = build_note(w->build, &w->build->labels, note->name, note->value);
			continue;
		}
		text = arena_alloc(&w->arena, size);
		if (text == NULL) {
			error = -ENOMEM;
			break;
		}
		snprintf(text, size, "%s=%s", note->name, note->value);
		error = build_variable(w->build, text, w->err);
	}
	buf_deinit(&notes);
	return error;
}

static int do_env(struct work *w)
{
	return do_notes(w, true);
}

static int do_label(struct work *w)
{
	return do_notes(w, false);
}

static int set_argument(struct work *w, const struct image_note *given)
{
	struct image_note note = *given;
	const char *value = find_given(w, note.name);

	if (value == NULL && note.value == NULL && w->in_stage) {
		value = find_note(&w->global, note.name);
		if (value == NULL)
			value = find_platform(w, note.name);
	}
	if (value != NULL)
		note.value = value;
	/* Named only: it is not set, and --build-arg might have done so. */
	if (note.value == NULL)
		return 0;
	return buf_put(w->in_stage ? &w->local : &w->global, &note, sizeof(note)) != NULL ? 0
											  : -ENOMEM;
}

static int do_arg(struct work *w)
{
	const char *rest = w->at->rest, *word;
	struct image_note note;
	size_t size;
	int error = 0;

	while (error == 0 && (size = word_next(&rest, w->file.escape, &word)) > 0) {
		error = split(w, word, size, &note);
		if (error == 0)
			error = set_argument(w, &note);
	}
	return error;
}

/* -- What runs -------------------------------------------------------------------------------------------- */

static int do_words(struct work *w, struct buf *list)
{
	if (w->at->rest[0] != '[')
		return err_set(
			w->err, -EINVAL,
			"without brackets it needs a shell, of which an image FROM scratch has "
			"none: write %s [\"/app.wasm\"], each word in double quotes",
			instruction_name(w->at->kind));
	list->size = 0;
	return build_words(w->build, list, w->at->rest, w->err);
}

static int do_entrypoint(struct work *w)
{
	return do_words(w, &w->build->entrypoint);
}

static int do_cmd(struct work *w)
{
	return do_words(w, &w->build->command);
}

static int do_text(struct work *w, const char **to)
{
	const char *text = NULL;
	int error = expand_one(w, &text);

	if (error == 0 && text[0] == '\0')
		return err_set(w->err, -EINVAL, "it says nothing");
	if (error == 0) {
		text = build_text(w->build, text);
		error = text == NULL ? -ENOMEM : 0;
	}
	if (error == 0)
		*to = text;
	return error;
}

static int do_user(struct work *w)
{
	return do_text(w, &w->build->user);
}

static int do_stopsignal(struct work *w)
{
	return do_text(w, &w->build->stop_signal);
}

static int do_maintainer(struct work *w)
{
	w->build->author = build_text(w->build, w->at->rest);
	return w->build->author != NULL ? 0 : -ENOMEM;
}

static int do_workdir(struct work *w)
{
	const char *text = NULL;
	char path[PATH_MAX];
	int error = do_text(w, &text);

	if (error == 0)
		error = build_path(w->build->directory, text, path, w->err);
	if (error == 0) {
		w->build->directory = build_text(w->build, path);
		error = w->build->directory == NULL ? -ENOMEM : 0;
	}
	return error == 0 ? build_file(w->build, &(struct layer_file){.path = path}, w->err)
			  : error;
}

static int do_volume(struct work *w)
{
	struct buf words = {0};
	int error = expand_list(w, w->at->rest, &words);

	for (size_t i = 0; error == 0 && i < BUF_COUNT(&words, const char *); i++)
		error = build_add(w->build, &w->build->volumes, *BUF_ITEM(&words, const char *, i),
				  true);
	buf_deinit(&words);
	return error;
}

static int do_expose(struct work *w)
{
	struct buf words = {0};
	int error = expand_words(w, w->at->rest, &words);

	for (size_t i = 0; error == 0 && i < BUF_COUNT(&words, const char *); i++) {
		/* A variable may hold several. */
		char *rest = arena_string(&w->arena, *BUF_ITEM(&words, const char *, i),
					  strlen(*BUF_ITEM(&words, const char *, i)));
		char *word;

		if (rest == NULL)
			error = -ENOMEM;
		while (error == 0 && (word = strsep(&rest, " \t")) != NULL)
			error = word[0] == '\0' ? 0 : build_port(w->build, word, w->err);
	}
	buf_deinit(&words);
	return error;
}

/* -- Files ------------------------------------------------------------------------------------------------ */

static bool parse_id(const char *text, size_t size, uint32_t *ret)
{
	char digits[16];
	uint64_t id;

	if (size == 4 && memcmp(text, "root", 4) == 0) {
		*ret = 0;
		return true;
	}
	if (size == 0 || size >= sizeof(digits))
		return false;
	memcpy(digits, text, size);
	digits[size] = '\0';
	if (strspn(digits, "0123456789") != size || !text_parse_u64(digits, &id) ||
	    id >= UINT32_MAX)
		return false;
	*ret = (uint32_t)id;
	return true;
}

static int read_owner(const struct work *w, const char *text, struct flags *ret)
{
	size_t size = strcspn(text, ":");
	bool has_group = text[size] == ':';

	if (!parse_id(text, size, &ret->user))
		return err_set(
			w->err, -EINVAL,
			"--chown=%s: an image FROM scratch knows no names: write numbers, as in "
			"--chown=1000:1000",
			text);
	ret->group = ret->user;
	if (has_group && !parse_id(text + size + 1, strlen(text + size + 1), &ret->group))
		return err_set(w->err, -EINVAL, "--chown=%s: the group is no number", text);
	return 0;
}

static int read_mode(const struct work *w, const char *text, struct flags *ret)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (text[0] < '0' || text[0] > '7' || *end != '\0' || mode == 0 || mode > 0777)
		return err_set(w->err, -EINVAL,
			       "--chmod=%s: write octal digits, as in --chmod=0755", text);
	ret->mode = (uint32_t)mode;
	return 0;
}

static int read_flag(struct work *w, const char *flag, struct flags *ret)
{
	const char *value = strchr(flag, '=');

	value = value == NULL ? "" : value + 1;
	if (strncmp(flag, "--chown=", 8) == 0)
		return read_owner(w, value, ret);
	if (strncmp(flag, "--chmod=", 8) == 0)
		return read_mode(w, value, ret);
	if (strncmp(flag, "--from=", 7) == 0 && w->at->kind == INSTRUCTION_COPY) {
		ret->from = value;
		return 0;
	}
	/* All is one layer, so nothing depends on what is below it. */
	if (strcmp(flag, "--link") == 0 || strcmp(flag, "--link=true") == 0 ||
	    strcmp(flag, "--link=false") == 0)
		return 0;
	return err_set(w->err, -EINVAL,
		       "'%.*s' is not known here; there are --chown, --chmod, --link%s",
		       (int)strcspn(flag, "="), flag,
		       w->at->kind == INSTRUCTION_COPY ? " and --from" : "");
}

/* Those in front; *rest moves behind them. */
static int read_flags(struct work *w, const char **rest, struct flags *ret)
{
	*ret = (struct flags){0};
	while (strncmp(*rest, "--", 2) == 0) {
		const char *word, *flag;
		size_t size = word_next(rest, w->file.escape, &word);
		int error;

		flag = expand(w, word, size, &error);
		if (error == 0)
			error = read_flag(w, flag, ret);
		if (error < 0)
			return error;
		*rest += strspn(*rest, " \t");
	}
	return 0;
}

/* The stage of that name or number, if it is one of this file. */
static const struct stage *find_stage(const struct work *w, const char *name)
{
	size_t count = BUF_COUNT(&w->stages, struct stage);
	uint64_t number;

	if (name[0] >= '0' && name[0] <= '9' && text_parse_u64(name, &number) && number < count)
		return BUF_ITEM(&w->stages, struct stage, number);
	for (size_t i = 0; i < count; i++) {
		const struct stage *stage = BUF_ITEM(&w->stages, struct stage, i);

		if (strcasecmp(stage->name, name) == 0)
			return stage;
	}
	return NULL;
}

static int find_root(const struct work *w, const char *from, const struct build_root **ret)
{
	const struct stage *stage;

	*ret = w->options->context;
	if (from == NULL)
		return 0;
	for (uint32_t i = 0; i < w->options->stage_count; i++) {
		*ret = &w->options->stages[i];
		if (strcasecmp((*ret)->what, from) == 0)
			return 0;
	}
	stage = find_stage(w, from);
	if (stage == NULL)
		return err_set(
			w->err, -EINVAL,
			"there is no stage '%s', and of images nothing is copied: unpack it into "
			"a directory, and give --from %s=DIR",
			from, from);
	return err_set(
		w->err, -EINVAL,
		"stage '%s' (FROM %s, line %u) is docker's to be built: docker build --target "
		"%s --output type=local,dest=DIR . , and then skiff build --from %s=DIR ...",
		from, stage->base, (unsigned)stage->line, from, from);
}

/* What ADD does and COPY does not. */
static int check_added(const struct work *w, const char *source)
{
	static const char *const archives[] = {".tar",  ".tar.gz", ".tgz", ".tar.bz2",
					       ".tbz2", ".tar.xz", ".txz", ".tar.zst"};
	size_t size = strlen(source);

	if (strstr(source, "://") != NULL || strncmp(source, "git@", 4) == 0)
		return err_set(w->err, -EINVAL,
			       "'%s' is not fetched: download it into the context, and COPY it",
			       source);
	for (size_t i = 0; i < ARRAY_SIZE(archives); i++) {
		size_t length = strlen(archives[i]);

		if (size > length && strcmp(source + size - length, archives[i]) == 0)
			return err_set(
				w->err, -EINVAL,
				"'%s' is not unpacked: unpack it and COPY the directory, or COPY "
				"it as it is",
				source);
	}
	return 0;
}

static int copy_all(struct work *w, const struct buf *words, const struct flags *flags)
{
	size_t count = BUF_COUNT(words, const char *);
	const char *last = count < 2 ? "" : *BUF_ITEM(words, const char *, count - 1);
	struct build_copy copy = {.mode = flags->mode, .user = flags->user, .group = flags->group};
	const struct build_root *root;
	size_t size = strlen(last);
	char to[PATH_MAX];
	int error;

	if (count < 2)
		return err_set(w->err, -EINVAL, "it needs what is copied, and where to");
	error = find_root(w, flags->from, &root);
	if (error == 0)
		error = build_path(w->build->directory, last, to, w->err);
	copy.to = to;
	copy.is_directory = count > 2 || (size > 0 && last[size - 1] == '/') ||
			    strcmp(last, ".") == 0 ||
			    (size > 1 && strcmp(last + size - 2, "/.") == 0);
	for (size_t i = 0; error == 0 && i + 1 < count; i++) {
		const char *source = *BUF_ITEM(words, const char *, i);

		if (w->at->kind == INSTRUCTION_ADD)
			error = check_added(w, source);
		if (error == 0)
			error = build_copy(w->build, root, source, &copy, w->err);
		if (error > 1 && !copy.is_directory && strpbrk(source, "*?[") != NULL)
			error = err_set(w->err, -EINVAL,
					"'%s' is %d files, so '%s' has to end with a slash", source,
					error, last);
		error = error < 0 ? error : 0;
	}
	return error;
}

static int do_copy(struct work *w)
{
	const char *rest = w->at->rest;
	struct buf words = {0};
	struct flags flags;
	int error;

	if (w->at->has_document)
		return err_set(w->err, -EINVAL,
			       "a file whose text stands here (<<) is not built: put it into the "
			       "context");
	error = read_flags(w, &rest, &flags);
	if (error == 0)
		error = expand_list(w, rest, &words);
	if (error == 0)
		error = copy_all(w, &words, &flags);
	buf_deinit(&words);
	return error;
}

/* -- Stages ------------------------------------------------------------------------------------------------ */

static int set_platform(struct work *w, const char *text)
{
	struct image_wish wish;
	char room[128];
	int error = image_wish_parse(&wish, text, room, w->err);

	if (error < 0)
		return error;
	w->build->platform.os = build_text(w->build, wish.platform.os);
	w->build->platform.architecture = build_text(w->build, wish.platform.architecture);
	w->build->platform.variant = build_text(w->build, wish.platform.variant);
	return w->build->platform.os != NULL && w->build->platform.architecture != NULL &&
			       w->build->platform.variant != NULL
		       ? 0
		       : -ENOMEM;
}

/* FROM [--platform=P] BASE [AS NAME]. The platform counts if the base is scratch: so it is asked for later. */
static int read_from(struct work *w, struct stage *ret, const char **ret_platform)
{
	struct buf words = {0};
	const char **word;
	size_t count, at = 0;
	int error = expand_words(w, w->at->rest, &words);

	count = BUF_COUNT(&words, const char *);
	word = (const char **)(void *)words.data;
	*ret_platform = "";
	*ret = (struct stage){.name = "", .line = w->at->line};
	if (error == 0 && count > 0 && strncmp(word[0], "--platform=", 11) == 0)
		*ret_platform = word[at++] + 11;
	if (error == 0 && count == at + 3 && strcasecmp(word[at + 1], "AS") == 0)
		ret->name = word[at + 2];
	else if (error == 0 && count != at + 1)
		error = err_set(
			w->err, -EINVAL,
			"write FROM scratch, or FROM [--platform=OS/ARCHITECTURE] IMAGE AS NAME");
	if (error == 0)
		ret->base = word[at];
	buf_deinit(&words);
	return error;
}

static int add_stage(struct work *w, size_t index, const char **ret_platform)
{
	struct stage stage;
	int error = read_from(w, &stage, ret_platform);

	stage.first = index + 1;
	if (error == 0 && buf_put(&w->stages, &stage, sizeof(stage)) == NULL)
		return -ENOMEM;
	return error;
}

/* Where the sentence is about: "FILE:LINE: NAME: ". */
static int located(const struct work *w, int error)
{
	if (error == -ENOMEM)
		return error;
	return err_prefix(w->err, error, "%s:%u: %s", w->options->path, (unsigned)w->at->line,
			  instruction_name(w->at->kind));
}

/* All FROMs, and the ARGs before them. */
static int find_stages(struct work *w, const char **ret_platform)
{
	size_t count = BUF_COUNT(&w->file.instructions, struct instruction);
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		w->at = BUF_ITEM(&w->file.instructions, struct instruction, i);
		if (w->at->kind == INSTRUCTION_FROM)
			error = add_stage(w, i, ret_platform);
		else if (w->stages.size > 0)
			continue;
		else if (w->at->kind == INSTRUCTION_ARG)
			error = do_arg(w);
		else
			error = err_set(w->err, -EINVAL,
					"only ARG may stand before the first FROM");
		if (error < 0)
			return located(w, error);
	}
	if (w->stages.size == 0)
		return err_set(w->err, -EINVAL, "%s: there is no FROM in it", w->options->path);
	return 0;
}

static int check_base(struct work *w, const struct stage *stage)
{
	w->at = BUF_ITEM(&w->file.instructions, struct instruction, stage->first - 1);
	if (strcmp(stage->base, "scratch") == 0)
		return 0;
	return located(
		w, err_set(w->err, -EINVAL,
			   "'%s': images are built FROM scratch here, the last stage above all; "
			   "let docker build this one, or write what it brings into a stage FROM "
			   "scratch",
			   stage->base));
}

static int do_instruction(struct work *w)
{
	static int (*const todo[])(struct work *) = {
		[INSTRUCTION_ADD] = do_copy,
		[INSTRUCTION_ARG] = do_arg,
		[INSTRUCTION_CMD] = do_cmd,
		[INSTRUCTION_COPY] = do_copy,
		[INSTRUCTION_ENTRYPOINT] = do_entrypoint,
		[INSTRUCTION_ENV] = do_env,
		[INSTRUCTION_EXPOSE] = do_expose,
		[INSTRUCTION_LABEL] = do_label,
		[INSTRUCTION_MAINTAINER] = do_maintainer,
		[INSTRUCTION_STOPSIGNAL] = do_stopsignal,
		[INSTRUCTION_USER] = do_user,
		[INSTRUCTION_VOLUME] = do_volume,
		[INSTRUCTION_WORKDIR] = do_workdir,
		[INSTRUCTION_COUNT] = NULL,
	};
	const char *remedy = instruction_remedy(w->at->kind);

	if (remedy != NULL)
		return err_set(w->err, -EINVAL, "it is not done here: %s", remedy);
	invariant(todo[w->at->kind] != NULL);
	return todo[w->at->kind](w);
}

static int do_stage(struct work *w, const char *platform)
{
	size_t count = BUF_COUNT(&w->file.instructions, struct instruction);
	const struct stage *stage =
		BUF_ITEM(&w->stages, struct stage, BUF_COUNT(&w->stages, struct stage) - 1);
	int error = check_base(w, stage);

	if (error == 0 && platform[0] != '\0' && (error = set_platform(w, platform)) < 0)
		return located(w, error);
	w->in_stage = true;
	for (size_t i = stage->first; error == 0 && i < count; i++) {
		w->at = BUF_ITEM(&w->file.instructions, struct instruction, i);
		error = do_instruction(w);
		if (error < 0)
			return located(w, error);
	}
	return error;
}

static void note_unused(const struct work *w)
{
	char sentence[ERR_MAX];

	for (uint32_t i = 0; i < w->options->argument_count; i++) {
		if (w->used[i])
			continue;
		snprintf(sentence, sizeof(sentence), "no ARG of it asks for --build-arg %s",
			 w->options->arguments[i].name);
		w->note(w->options->path, sentence);
	}
}

int build_dockerfile(struct build *build, const char *text, size_t size,
		     const struct build_file_options *options,
		     void (*note)(const char *path, const char *sentence), struct err *err)
{
	struct work w = {.build = build, .options = options, .note = note, .err = err};
	const char *platform = "";
	int error = dockerfile_parse(&w.file, options->path, text, size, err);

	if (error < 0)
		return error;
	w.used = calloc(options->argument_count + 1, sizeof(*w.used));
	error = w.used == NULL ? -ENOMEM : find_stages(&w, &platform);
	if (error == 0)
		error = do_stage(&w, platform);
	if (error == 0)
		note_unused(&w);
	free(w.used);
	buf_deinit(&w.stages);
	buf_deinit(&w.global);
	buf_deinit(&w.local);
	arena_deinit(&w.arena);
	dockerfile_deinit(&w.file);
	return error;
}
