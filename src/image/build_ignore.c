/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_ignore.c: patterns of file names, and .dockerignore, which is a list of them.
 *
 * A pattern is matched by the set of places in the path that its beginning may end at, one token after the other: it takes length
 * times length, whatever stars are in it. Of a list the last pattern that matches a path, or a directory it lies in, decides; one
 * with '!' in front takes it back in.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "image/build.h"

struct rule {
	const char *pattern; /* in the arena */
	bool is_exception;
};

struct ignore {
	struct arena arena;
	struct buf rules; /* struct rule */
	bool has_exceptions;
};

/* -- Patterns -------------------------------------------------------------------------------------- */

struct match {
	const char *path;
	size_t size;
	bool now[PATH_MAX + 1],
		then[PATH_MAX + 1]; /* [i]: what was read of the pattern may be path[0..i) */
};

/* Is it in the class at `text`, behind its '['? *ret: what follows the class; NULL: it is none. */
static bool in_class(const char *text, char c, const char **ret)
{
	bool is_negated = *text == '^', found = false, first = true;

	text += is_negated;
	*ret = NULL;
	for (; *text != '\0' && (*text != ']' || first); first = false) {
		unsigned char from, to;

		text += *text == '\\' && text[1] != '\0';
		from = to = (unsigned char)*text++;
		if (*text == '-' && text[1] != '\0' && text[1] != ']') {
			text += text[1] == '\\' && text[2] != '\0' ? 2 : 1;
			to = (unsigned char)*text++;
		}
		found |= from <= (unsigned char)c && (unsigned char)c <= to;
	}
	if (*text == ']')
		*ret = text + 1;
	return found != is_negated && c != '/';
}

static void any(struct match *m, bool across)
{
	m->then[0] = m->now[0];
	for (size_t i = 1; i <= m->size; i++)
		m->then[i] = m->now[i] || (m->then[i - 1] && (across || m->path[i - 1] != '/'));
}

/* Any directories, or none. */
static void any_directories(struct match *m)
{
	bool reached = m->now[0];

	m->then[0] = m->now[0];
	for (size_t i = 1; i <= m->size; i++) {
		m->then[i] = m->now[i] || (reached && m->path[i - 1] == '/');
		reached |= m->now[i];
	}
}

/* One token of the pattern; what follows it. */
static const char *step(struct match *m, const char *pattern, bool deep)
{
	const char *rest = pattern + 1;
	char c = *pattern;

	if (deep && c == '*' && pattern[1] == '*' && pattern[2] == '/') {
		any_directories(m);
		return pattern + 3;
	}
	if (c == '*') {
		any(m, deep && pattern[1] == '*');
		return pattern + (deep && pattern[1] == '*' ? 2 : 1);
	}
	if (c == '\\' && pattern[1] != '\0')
		c = *rest++;
	m->then[0] = false;
	for (size_t i = 0; i < m->size; i++) {
		const char *behind = rest;
		bool fits = c == m->path[i];

		if (*pattern == '?')
			fits = m->path[i] != '/';
		else if (*pattern == '[')
			fits = in_class(pattern + 1, m->path[i], &behind);
		if (behind == NULL)
			return NULL;
		m->then[i + 1] = m->now[i] && fits;
		if (i + 1 == m->size)
			rest = behind;
	}
	return m->size == 0 ? NULL : rest;
}

bool pattern_match(const char *pattern, const char *path, bool deep)
{
	struct match m = {.path = path, .size = strlen(path), .now = {true}};

	if (m.size > PATH_MAX)
		return false;
	while (*pattern != '\0') {
		pattern = step(&m, pattern, deep);
		if (pattern == NULL)
			return false;
		memcpy(m.now, m.then, m.size + 1);
	}
	return m.now[m.size];
}

/* -- .dockerignore ------------------------------------------------------------------------------------ */

static int add_rule(struct ignore *ignore, const char *line, size_t size, struct err *err)
{
	struct rule rule = {0};
	char text[PATH_MAX], path[PATH_MAX];

	while (size > 0 && strchr(" \t\r", line[size - 1]) != NULL)
		size--;
	if (size > 0 && line[0] == '!') {
		rule.is_exception = ignore->has_exceptions = true;
		line++;
		size--;
	}
	while (size > 0 && strchr(" \t", line[0]) != NULL) {
		line++;
		size--;
	}
	if (size == 0)
		return 0;
	if (size >= sizeof(text))
		return err_set(err, -ENAMETOOLONG, "a line of .dockerignore is too long");
	memcpy(text, line, size);
	text[size] = '\0';
	if (build_path("/", text, path, err) < 0)
		return -ENAMETOOLONG;
	rule.pattern = arena_string(&ignore->arena, path + 1, strlen(path + 1));
	return rule.pattern != NULL && buf_put(&ignore->rules, &rule, sizeof(rule)) != NULL
		       ? 0
		       : -ENOMEM;
}

int ignore_parse(struct ignore **ret, const char *text, struct err *err)
{
	struct ignore *ignore = calloc(1, sizeof(*ignore));
	int error = 0;

	if (ignore == NULL)
		return -ENOMEM;
	while (error == 0 && text != NULL && *text != '\0') {
		size_t size = strcspn(text, "\n");

		if (text[0] != '#')
			error = add_rule(ignore, text, size, err);
		text += size + (text[size] == '\n');
	}
	if (error < 0) {
		ignore_free(ignore);
		return error;
	}
	*ret = ignore;
	return 0;
}

struct ignore *ignore_free(struct ignore *ignore)
{
	if (ignore != NULL) {
		buf_deinit(&ignore->rules);
		arena_deinit(&ignore->arena);
	}
	free(ignore);
	return NULL;
}

/* The path itself, or a directory it lies in. */
static bool is_below(const char *pattern, const char *path)
{
	char part[PATH_MAX];

	for (const char *at = path; at != NULL; at = strchr(at + 1, '/')) {
		size_t size = at == path ? strlen(path) : (size_t)(at - path);

		if (size >= sizeof(part))
			return false;
		memcpy(part, path, size);
		part[size] = '\0';
		if (pattern_match(pattern, part, true))
			return true;
	}
	return false;
}

bool ignore_has(const struct ignore *ignore, const char *path)
{
	bool has = false;

	for (size_t i = 0; ignore != NULL && i < BUF_COUNT(&ignore->rules, struct rule); i++) {
		const struct rule *rule = BUF_ITEM(&ignore->rules, struct rule, i);

		if (rule->is_exception == has && is_below(rule->pattern, path))
			has = !has;
	}
	return has;
}

bool ignore_has_exceptions(const struct ignore *ignore)
{
	return ignore != NULL && ignore->has_exceptions;
}
