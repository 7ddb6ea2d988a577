/* SPDX-License-Identifier: Apache-2.0 */
/* build.c: describe an image: lists, notes, paths, each checked when it is said. */
#include "image/build.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/json.h"
#include "base/text.h"

void build_init(struct build *build)
{
	*build = (struct build){
		.directory = "",
		.user = "",
		.stop_signal = "",
		.author = "",
		.platform = {"wasi", "wasm", "", ""},
	};
}

void build_deinit(struct build *build)
{
	struct buf *lists[] = {
		&build->files, &build->entrypoint, &build->command, &build->variables,
		&build->ports, &build->volumes,    &build->labels,  &build->annotations,
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		buf_deinit(lists[i]);
	arena_deinit(&build->arena);
}

const char *build_text(struct build *build, const char *text)
{
	return arena_string(&build->arena, text, strlen(text));
}

/* -- Lists ------------------------------------------------------------------------------------------ */

int build_add(struct build *build, struct buf *list, const char *text, bool once)
{
	for (size_t i = 0; once && i < BUF_COUNT(list, const char *); i++)
		if (strcmp(*BUF_ITEM(list, const char *, i), text) == 0)
			return 0;
	text = build_text(build, text);
	return text != NULL && buf_put(list, &text, sizeof(text)) != NULL ? 0 : -ENOMEM;
}

int build_note(struct build *build, struct buf *notes, const char *name, const char *value)
{
	struct image_note note = {build_text(build, name), build_text(build, value)};

	if (note.name == NULL || note.value == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < BUF_COUNT(notes, struct image_note); i++) {
		struct image_note *old = BUF_ITEM(notes, struct image_note, i);

		if (strcmp(old->name, name) == 0) {
			old->value = note.value;
			return 0;
		}
	}
	return buf_put(notes, &note, sizeof(note)) != NULL ? 0 : -ENOMEM;
}

int build_variable(struct build *build, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	size_t size = equals == NULL ? 0 : (size_t)(equals - text) + 1;

	if (size < 2)
		return err_set(err, -EINVAL, "'%s' sets no variable: write NAME=VALUE", text);
	text = build_text(build, text);
	if (text == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < BUF_COUNT(&build->variables, const char *); i++) {
		const char **old = BUF_ITEM(&build->variables, const char *, i);

		if (strncmp(*old, text, size) == 0) {
			*old = text;
			return 0;
		}
	}
	return buf_put(&build->variables, &text, sizeof(text)) != NULL ? 0 : -ENOMEM;
}

static int add_words(struct build *build, struct buf *list, struct json_value words,
		     const char *text, struct err *err)
{
	int error = json_kind(words) == JSON_ARRAY ? 0 : -EINVAL;

	for (struct json_value v = json_first(words); error == 0 && json_exists(v);
	     v = json_next(v)) {
		size_t size;
		const char *word = json_string(v, &size);

		error = word == NULL || strlen(word) != size ? -EINVAL
							     : build_add(build, list, word, false);
	}
	return error == -EINVAL ? err_set(err, error, "%s: this is no list of words", text) : error;
}

int build_words(struct build *build, struct buf *list, const char *text, struct err *err)
{
	struct json *json;
	struct err why = {.text = ""};
	int error;

	if (text[0] != '[')
		return build_add(build, list, text, false);
	error = json_parse(&json, text, strlen(text), &why);
	if (error == JSON_INVALID)
		return err_set(err, -EINVAL, "%s: this is no list in JSON: %s", text, why.text);
	if (error < 0)
		return error;
	error = add_words(build, list, json_root(json), text, err);
	json_free(json);
	return error;
}

/* -- Ports -------------------------------------------------------------------------------------------- */

static bool parse_port(const char *text, size_t size, uint64_t *ret)
{
	char digits[8];

	if (size == 0 || size >= sizeof(digits) || text[0] < '0' || text[0] > '9')
		return false;
	memcpy(digits, text, size);
	digits[size] = '\0';
	return text_parse_u64(digits, ret) && *ret >= 1 && *ret <= 65535;
}

int build_port(struct build *build, const char *text, struct err *err)
{
	size_t size = strcspn(text, "/"), first_size = strcspn(text, "-/");
	const char *protocol = text[size] == '/' ? text + size + 1 : "tcp";
	uint64_t first, last;
	char port[32];
	int error = 0;

	if (!parse_port(text, first_size, &first) ||
	    (first_size == size
		     ? (last = first) == 0
		     : !parse_port(text + first_size + 1, size - first_size - 1, &last)) ||
	    last < first ||
	    (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 &&
	     strcmp(protocol, "sctp") != 0))
		return err_set(err, -EINVAL, "'%s' is no port: write 8080, 8080/udp or 8080-8090",
			       text);
	for (; error == 0 && first <= last; first++) {
		snprintf(port, sizeof(port), "%u/%s", (unsigned)first, protocol);
		error = build_add(build, &build->ports, port, true);
	}
	return error;
}

/* -- Paths and files ---------------------------------------------------------------------------------- */

/* One name more, or one less; false: there is no room. */
static bool go(char path[static PATH_MAX], size_t *used, const char *name, size_t size)
{
	if (size == 0 || (size == 1 && name[0] == '.'))
		return true;
	if (size == 2 && memcmp(name, "..", 2) == 0) {
		while (*used > 0 && path[*used - 1] != '/')
			--*used;
		*used -= *used > 0;
		return true;
	}
	if (size > NAME_MAX || *used + size + 2 > PATH_MAX)
		return false;
	path[(*used)++] = '/';
	memcpy(path + *used, name, size);
	*used += size;
	return true;
}

int build_path(const char *directory, const char *path, char ret[static PATH_MAX], struct err *err)
{
	const char *parts[] = {path[0] == '/' ? "" : directory, path};
	char clean[PATH_MAX];
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const char *at = parts[i]; *at != '\0'; at += *at == '/') {
			size_t size = strcspn(at, "/");

			if (!go(clean, &used, at, size))
				return err_set(err, -ENAMETOOLONG, "'%.200s' is too long a path",
					       path);
			at += size;
		}
	if (used == 0)
		clean[used++] = '/';
	clean[used] = '\0';
	memcpy(ret, clean, used + 1);
	return 0;
}

int build_file(struct build *build, const struct layer_file *file, struct err *err)
{
	struct layer_file copy = *file;
	char path[PATH_MAX];
	int error = build_path("/", file->path, path, err);

	if (error < 0)
		return error;
	if (path[1] == '\0')
		return file->source == NULL && file->link == NULL
			       ? 0
			       : err_set(err, -EINVAL, "a file cannot be the root of an image");
	copy.path = build_text(build, path);
	copy.source = file->source == NULL ? NULL : build_text(build, file->source);
	copy.link = file->link == NULL ? NULL : build_text(build, file->link);
	if (copy.path == NULL || (copy.source == NULL) != (file->source == NULL) ||
	    (copy.link == NULL) != (file->link == NULL))
		return -ENOMEM;
	return buf_put(&build->files, &copy, sizeof(copy)) != NULL ? 0 : -ENOMEM;
}

const struct layer_file *build_find(const struct build *build, const char *path)
{
	for (size_t i = BUF_COUNT(&build->files, struct layer_file); i-- > 0;) {
		const struct layer_file *file = BUF_ITEM(&build->files, struct layer_file, i);

		if (strcmp(file->path, path) == 0)
			return file;
	}
	return NULL;
}

const struct layer_file *build_entry(const struct build *build, const char **ret_word)
{
	const struct buf *words = build->entrypoint.size > 0 ? &build->entrypoint : &build->command;
	char word[PATH_MAX], path[PATH_MAX];
	const struct layer_file *file;

	*ret_word = NULL;
	if (words->size == 0)
		return NULL;
	*ret_word = *BUF_ITEM(words, const char *, 0);
	/* What is behind a '#' is the function to be called, as runwasi has it. */
	snprintf(word, sizeof(word), "%.*s", (int)MIN(strcspn(*ret_word, "#"), PATH_MAX - 1),
		 *ret_word);
	if (build_path(build->directory, word, path, NULL) < 0)
		return NULL;
	file = build_find(build, path);
	if (file == NULL && build_path("/", word, path, NULL) == 0)
		file = build_find(build, path);
	return file;
}
