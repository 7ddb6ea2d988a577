/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dockerfile.c: lines to instructions, and words of them to texts.
 *
 * A logical line goes on where the last character that is no blank is the escape character; comments and empty lines in between are
 * nothing. Directives ("# escape=`") stand above all else. The bodies of documents (<<WORD) are skipped, since stages
 * that are not ours may have them.
 *
 * Words are those of docker: quotes keep blanks together, single ones keep variables from being replaced, and ${NAME:-WORD} and its
 * kin are known.
 */
#include "image/dockerfile.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "base/text.h"

enum { NAME_MOST = 64, NESTING_MAX = 16, DOCUMENTS_MAX = 8 };

static const struct {
	const char *name, *remedy;
} table[] = {
#define INSTRUCTION(name, remedy) {#name, remedy},
#include "image/dockerfile.def"
#undef INSTRUCTION
};

const char *instruction_name(enum instruction_kind kind)
{
	return table[kind].name;
}

const char *instruction_remedy(enum instruction_kind kind)
{
	return table[kind].remedy;
}

/* -- Lines -------------------------------------------------------------------------------------------- */

struct lines {
	const char *at, *end;
	uint32_t number; /* of the line that was read last */
};

/* Without what ends it. */
static bool next_line(struct lines *lines, const char **ret, size_t *ret_size)
{
	const char *end;

	if (lines->at >= lines->end)
		return false;
	end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	end = end == NULL ? lines->end : end;
	*ret = lines->at;
	*ret_size = (size_t)(end - lines->at);
	if (*ret_size > 0 && end[-1] == '\r')
		--*ret_size;
	lines->at = end + 1;
	lines->number++;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void trim(const char **text, size_t *size)
{
	while (*size > 0 && is_blank((*text)[0])) {
		++*text;
		--*size;
	}
	while (*size > 0 && is_blank((*text)[*size - 1]))
		--*size;
}

/* "# name=value": what stands behind the name; NULL: it is no directive. */
static const char *directive(const char *line, size_t size, const char *name, size_t *ret_size)
{
	size_t length = strlen(name);

	trim(&line, &size);
	if (size == 0 || line[0] != '#')
		return NULL;
	line++;
	size--;
	trim(&line, &size);
	if (size < length || strncasecmp(line, name, length) != 0)
		return NULL;
	line += length;
	size -= length;
	trim(&line, &size);
	if (size == 0 || line[0] != '=')
		return NULL;
	line++;
	size--;
	trim(&line, &size);
	*ret_size = size;
	return line;
}

static int read_directives(struct dockerfile *file, struct lines *lines, struct err *err)
{
	struct lines ahead = *lines;
	const char *line, *value;
	size_t size, value_size;

	while (next_line(&ahead, &line, &size)) {
		value = directive(line, size, "escape", &value_size);
		if (value != NULL) {
			if (value_size != 1 || (value[0] != '\\' && value[0] != '`'))
				return err_set(err, -EINVAL,
					       "%s:%u: the escape character is \\ or `", file->path,
					       (unsigned)ahead.number);
			file->escape = value[0];
		} else if (directive(line, size, "syntax", &value_size) == NULL &&
			   directive(line, size, "check", &value_size) == NULL)
			return 0;
		*lines = ahead;
	}
	return 0;
}

/* -- Documents ------------------------------------------------------------------------------------------ */

struct document {
	char word[NAME_MOST];
	bool tabs; /* <<-: they do not count before its end */
};

/* Those that the line announces. */
static size_t find_documents(const char *rest, struct document found[DOCUMENTS_MAX])
{
	size_t count = 0;

	for (const char *at = strstr(rest, "<<"); at != NULL && count < DOCUMENTS_MAX;
	     at = strstr(at, "<<")) {
		struct document *d = &found[count];
		size_t size = 0;
		char quote = '\0';

		at += 2;
		d->tabs = *at == '-';
		at += d->tabs;
		if (*at == '"' || *at == '\'')
			quote = *at++;
		while (size + 1 < sizeof(d->word) &&
		       ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || *at == '_' ||
			(*at >= '0' && *at <= '9')))
			d->word[size++] = *at++;
		d->word[size] = '\0';
		if (size > 0 && (quote == '\0' || *at == quote))
			count++;
	}
	return count;
}

static void skip_document(struct lines *lines, const struct document *document)
{
	const char *line;
	size_t size;

	while (next_line(lines, &line, &size)) {
		while (document->tabs && size > 0 && line[0] == '\t') {
			line++;
			size--;
		}
		if (size == strlen(document->word) && memcmp(line, document->word, size) == 0)
			return;
	}
}

/* -- Instructions ----------------------------------------------------------------------------------------- */

static int unknown(const struct dockerfile *file, const char *name, size_t size, uint32_t line,
		   struct err *err)
{
	struct text_nearest nearest;
	char upper[NAME_MOST];

	size = MIN(size, sizeof(upper) - 1);
	for (size_t i = 0; i < size; i++)
		upper[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
	upper[size] = '\0';
	text_nearest_init(&nearest, upper, size);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		text_nearest_offer(&nearest, table[i].name, strlen(table[i].name));
	if (nearest.best != NULL)
		return err_set(err, -EINVAL,
			       "%s:%u: there is no instruction '%s', did you mean '%s'?",
			       file->path, (unsigned)line, upper, nearest.best);
	return err_set(err, -EINVAL, "%s:%u: there is no instruction '%s'", file->path,
		       (unsigned)line, upper);
}

/* A logical line, terminated. */
static int add(struct dockerfile *file, const char *text, size_t size, uint32_t line,
	       struct err *err)
{
	struct instruction instruction = {.kind = INSTRUCTION_COUNT, .line = line};
	size_t name = 0;

	while (name < size && !is_blank(text[name]))
		name++;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strlen(table[i].name) == name && strncasecmp(text, table[i].name, name) == 0)
			instruction.kind = (enum instruction_kind)i;
	if (instruction.kind == INSTRUCTION_COUNT)
		return unknown(file, text, name, line, err);
	text += name;
	size -= name;
	trim(&text, &size);
	if (size == 0)
		return err_set(err, -EINVAL, "%s:%u: %s says nothing", file->path, (unsigned)line,
			       instruction_name(instruction.kind));
	instruction.rest = arena_string(&file->arena, text, size);
	if (instruction.rest == NULL ||
	    buf_put(&file->instructions, &instruction, sizeof(instruction)) == NULL)
		return -ENOMEM;
	return 0;
}

/* The line goes behind what is there; *ret_more: and the next one too. */
static int join(struct buf *logical, const char *line, size_t size, char escape, bool *ret_more)
{
	size_t cut = size;

	while (cut > 0 && is_blank(line[cut - 1]))
		cut--;
	*ret_more = cut > 0 && line[cut - 1] == escape;
	size = *ret_more ? cut - 1 : size;
	return size == 0 || buf_put(logical, line, size) != NULL ? 0 : -ENOMEM;
}

/* One logical line, blanks at its beginning cut off. 1: there is none. */
static int read_logical(const struct dockerfile *file, struct lines *lines, struct buf *logical,
			uint32_t *ret_line)
{
	bool goes_on = false;
	const char *line, *text;
	size_t size, length;

	logical->size = 0;
	while (next_line(lines, &line, &size)) {
		text = line;
		length = size;
		trim(&text, &length);
		if (length == 0 || text[0] == '#')
			continue;
		if (!goes_on)
			*ret_line = lines->number;
		/* What a line goes on with keeps the blanks in front of it. */
		if (join(logical, goes_on ? line : text,
			 goes_on ? size : (size_t)(line + size - text), file->escape, &goes_on) < 0)
			return -ENOMEM;
		if (!goes_on)
			return 0;
	}
	return goes_on ? 0 : 1;
}

static int read_instructions(struct dockerfile *file, struct lines *lines, struct buf *logical,
			     struct err *err)
{
	struct document documents[DOCUMENTS_MAX];
	uint32_t line = 0;
	int error;

	while ((error = read_logical(file, lines, logical, &line)) == 0) {
		const char *text = (const char *)logical->data;
		size_t size = logical->size, count = 0;
		struct instruction *last;

		trim(&text, &size);
		if (size == 0)
			continue;
		error = add(file, text, size, line, err);
		if (error < 0)
			return error;
		last = BUF_ITEM(&file->instructions, struct instruction,
				BUF_COUNT(&file->instructions, struct instruction) - 1);
		if (last->kind == INSTRUCTION_RUN || last->kind == INSTRUCTION_COPY ||
		    last->kind == INSTRUCTION_ADD)
			count = find_documents(last->rest, documents);
		last->has_document = count > 0;
		for (size_t i = 0; i < count; i++)
			skip_document(lines, &documents[i]);
	}
	return error < 0 ? error : 0;
}

int dockerfile_parse(struct dockerfile *ret, const char *path, const char *text, size_t size,
		     struct err *err)
{
	struct dockerfile file = {.escape = '\\', .path = path};
	struct buf logical = {0};
	struct lines lines;
	int error;

	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	if (size > DOCKERFILE_MAX || memchr(text, '\0', size) != NULL)
		return err_set(err, -EINVAL, "%s: this is no Dockerfile, but %s", path,
			       size > DOCKERFILE_MAX ? "something bigger" : "binary data");
	lines = (struct lines){.at = text, .end = text + size};
	error = read_directives(&file, &lines, err);
	if (error == 0)
		error = read_instructions(&file, &lines, &logical, err);
	buf_deinit(&logical);
	if (error < 0) {
		dockerfile_deinit(&file);
		return error;
	}
	*ret = file;
	return 0;
}

void dockerfile_deinit(struct dockerfile *file)
{
	buf_deinit(&file->instructions);
	arena_deinit(&file->arena);
}

/* -- Words ---------------------------------------------------------------------------------------------- */

size_t word_next(const char **at, char escape, const char **ret)
{
	const char *text = *at;
	unsigned brackets = 0; /* of ${, which blanks may stand in, too */
	char quote = '\0';

	while (is_blank(*text))
		text++;
	*ret = text;
	for (; *text != '\0' && (quote != '\0' || brackets > 0 || !is_blank(*text)); text++) {
		if (*text == escape && quote != '\'' && text[1] != '\0')
			text++;
		else if (quote == '\0' && text[0] == '$' && text[1] == '{')
			brackets++;
		else if (quote == '\0' && *text == '}' && brackets > 0)
			brackets--;
		else if (quote != '\0' && *text == quote)
			quote = '\0';
		else if (quote == '\0' && (*text == '"' || *text == '\''))
			quote = *text;
	}
	*at = text;
	return (size_t)(text - *ret);
}

struct expansion {
	const char *at, *end;
	const struct word_scope *scope;
	struct buf *ret;
	struct err *err;
	unsigned depth;
};

static int put(struct expansion *x, const char *bytes, size_t size)
{
	return size == 0 || buf_put(x->ret, bytes, size) != NULL ? 0 : -ENOMEM;
}

static bool is_name(char c, bool first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static int expand_some(struct expansion *x);

/* The word behind an operator, up to the bracket that closes: where it ends. */
static const char *closing(const struct expansion *x)
{
	unsigned depth = 1;
	char quote = '\0';

	for (const char *at = x->at; at < x->end; at++) {
		if (*at == x->scope->escape && quote != '\'')
			at++;
		else if (quote != '\0')
			quote = *at == quote ? '\0' : quote;
		else if (*at == '"' || *at == '\'')
			quote = *at;
		else if (*at == '{')
			depth++;
		else if (*at == '}' && --depth == 0)
			return at;
	}
	return NULL;
}

/* ${NAME<operator>word}: at the operator. */
static int expand_operator(struct expansion *x, const char *name, const char *value)
{
	bool colon = x->at[0] == ':', is_set = value != NULL && !(colon && value[0] == '\0');
	char op = x->at[colon];
	struct expansion word = *x;
	const char *end;
	int error = 0;

	word.at += colon + 1;
	if (op == '\0' || strchr("-+?", op) == NULL)
		return err_set(x->err, -EINVAL,
			       "${%s...}: of operators there are :-, :+ and :?, each with or "
			       "without its colon",
			       name);
	end = closing(&word);
	if (end == NULL)
		return err_set(x->err, -EINVAL, "${%s...}: its closing bracket is missing", name);
	x->at = end + 1;
	word.end = end;
	word.depth++;
	if (word.depth > NESTING_MAX)
		return err_set(x->err, -EINVAL, "${%s...}: nested too deeply", name);
	if (op == '?' && !is_set)
		return err_set(x->err, -EINVAL, "${%s...}: it is not set", name);
	if (op == '+' ? is_set : op == '-' && !is_set)
		error = expand_some(&word);
	else if (op != '+' && value != NULL)
		error = put(x, value, strlen(value));
	return error;
}

/* At what is behind the '$'. */
static int expand_variable(struct expansion *x)
{
	bool bracket = x->at < x->end && *x->at == '{';
	char name[NAME_MOST];
	const char *value;
	size_t size = 0;

	x->at += bracket;
	while (x->at < x->end && size + 1 < sizeof(name) && is_name(*x->at, size == 0))
		name[size++] = *x->at++;
	name[size] = '\0';
	if (size == 0 && !bracket)
		return put(x, "$", 1);
	if (size == 0 || size + 1 == sizeof(name))
		return err_set(x->err, -EINVAL, "'$%s': this is no variable's name",
			       size == 0 ? "{" : name);
	value = x->scope->find(x->scope->context, name);
	if (!bracket)
		return value == NULL ? 0 : put(x, value, strlen(value));
	if (x->at == x->end)
		return err_set(x->err, -EINVAL, "${%s: its closing bracket is missing", name);
	if (*x->at != '}')
		return expand_operator(x, name, value);
	x->at++;
	return value == NULL ? 0 : put(x, value, strlen(value));
}

static int expand_single(struct expansion *x)
{
	const char *end = memchr(x->at, '\'', (size_t)(x->end - x->at));
	int error;

	if (end == NULL)
		return err_set(x->err, -EINVAL, "a single quote is not closed");
	error = put(x, x->at, (size_t)(end - x->at));
	x->at = end + 1;
	return error;
}

static int expand_double(struct expansion *x)
{
	int error = 0;

	while (error == 0 && x->at < x->end && *x->at != '"') {
		char c = *x->at++;

		if (c == '$')
			error = expand_variable(x);
		else if (c == x->scope->escape && x->at < x->end &&
			 (*x->at == '"' || *x->at == '$' || *x->at == x->scope->escape))
			error = put(x, x->at++, 1);
		else
			error = put(x, &c, 1);
	}
	if (error == 0 && x->at == x->end)
		return err_set(x->err, -EINVAL, "a double quote is not closed");
	x->at++;
	return error;
}

static int expand_some(struct expansion *x)
{
	int error = 0;

	while (error == 0 && x->at < x->end) {
		char c = *x->at++;

		if (c == '\'')
			error = expand_single(x);
		else if (c == '"')
			error = expand_double(x);
		else if (c == '$')
			error = expand_variable(x);
		else if (c == x->scope->escape && x->at < x->end)
			error = put(x, x->at++, 1);
		else
			error = put(x, &c, 1);
	}
	return error;
}

int word_expand(const char *word, size_t size, const struct word_scope *scope, struct buf *ret,
		struct err *err)
{
	struct expansion x = {.at = word, .end = word + size, .scope = scope, .ret = ret};
	int error;

	x.err = err;
	error = expand_some(&x);
	return error == 0 ? put(&x, "", 1) : error;
}
