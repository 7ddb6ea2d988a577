/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml.c: TOML 1.0 text to a tree.
 *
 * The tree is two blocks, as in json.c: an array of nodes, which name each other by index, and a pool in which every key
 * and string stands once, unescaped and terminated. What stands in the pool is never longer than its text (a key is
 * followed by a byte of its own, a string loses two quotes), so the pool is allocated once. Nodes stand in the
 * order in which they were first needed; a parent names its first and its last child, since a table may grow again later.
 *
 * No function calls itself: arrays and inline tables that are open stand on a stack. How deep a node lies is written in
 * it, and bounded, whether brackets or dots led there.
 */
#include "base/toml_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A key, or a part of one. */
struct key {
	uint32_t name, size; /* in the pool */
	size_t at; /* in the text */
};

struct reader {
	const char *text; /* borrowed */
	size_t size;
	size_t at;
	size_t line_at; /* where the line of `line_number` begins: at or before `at` */
	uint32_t line_number;
	struct toml *toml; /* borrowed */
	uint32_t node_room;
	uint32_t table; /* of the last header */
	uint32_t into; /* where the next value goes */
	struct key key; /* and its name, where that is a table */
	uint32_t depth;
	uint32_t open[TOML_DEPTH_MAX]; /* arrays and inline tables */
	struct toml_place *place; /* of an error */
	struct err *err;
};

/* -- Errors ------------------------------------------------------------------------------ */

/* Places are asked for in the order of the text, but for errors, after which nothing is. */
static struct toml_place place_of(struct reader *r, size_t at)
{
	size_t from = r->line_at;

	if (at < from) {
		from = 0;
		r->line_at = 0;
		r->line_number = 1;
	}
	for (const char *end; (end = memchr(r->text + from, '\n', at - from)) != NULL;) {
		from = (size_t)(end - r->text) + 1;
		r->line_at = from;
		r->line_number++;
	}
	return (struct toml_place){r->line_number, (uint32_t)(at - r->line_at + 1)};
}

static int fail_at(struct reader *r, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail_at(struct reader *r, size_t at, const char *format, ...)
{
	va_list args;

	*r->place = place_of(r, at);
	va_start(args, format);
	err_setv(r->err, 0, format, args);
	va_end(args);
	return TOML_INVALID;
}

/* "expected X, found Y" at the place of reading. */
static int fail_expected(struct reader *r, const char *what)
{
	unsigned char c;

	if (r->at == r->size)
		return fail_at(r, r->at, "expected %s, found the end of the text", what);
	c = (unsigned char)r->text[r->at];
	if (c == '\n' || c == '\r')
		return fail_at(r, r->at, "expected %s, found the end of the line", what);
	if (c > 0x20 && c < 0x7f)
		return fail_at(r, r->at, "expected %s, found '%c'", what, c);
	return fail_at(r, r->at, "expected %s, found byte 0x%02x", what, c);
}

static int fail_memory(struct reader *r)
{
	return err_set(r->err, -ENOMEM, "no memory for the tree of %zu bytes of TOML", r->size);
}

static const char *name_of(const struct reader *r, const struct key *key)
{
	return r->toml->pool + key->name;
}

static int fail_twice(struct reader *r, const struct key *key)
{
	return fail_at(r, key->at, "'%s' is there already", name_of(r, key));
}

/* -- Bytes ------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_bare(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '-';
}

/* The byte at the place of reading; at the end NUL, which is no part of TOML's grammar. */
static char peek(const struct reader *r)
{
	return r->at < r->size ? r->text[r->at] : '\0';
}

static bool take(struct reader *r, char c)
{
	if (r->at == r->size || r->text[r->at] != c)
		return false;
	r->at++;
	return true;
}

static bool take_text(struct reader *r, const char *text)
{
	size_t size = strlen(text);

	if (r->size - r->at < size || memcmp(r->text + r->at, text, size) != 0)
		return false;
	r->at += size;
	return true;
}

static bool take_newline(struct reader *r)
{
	return take(r, '\n') || take_text(r, "\r\n");
}

static void skip_blanks(struct reader *r)
{
	while (take(r, ' ') || take(r, '\t'))
		;
}

static void put(struct reader *r, char c)
{
	r->toml->pool[r->toml->pool_size++] = c;
}

/* One character that stands for itself; not a control character but tab. It goes to the pool with `keep`. */
static int read_character(struct reader *r, bool keep)
{
	unsigned char c = (unsigned char)r->text[r->at];
	uint32_t code;
	size_t size = 1;

	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return fail_at(r, r->at, "control character 0x%02x", c);
	if (c >= 0x80) {
		size = text_utf8(r->text + r->at, r->size - r->at, &code);
		if (size == 0)
			return fail_at(r, r->at, "byte 0x%02x does not begin valid UTF-8", c);
	}
	for (; size > 0; size--, r->at++)
		if (keep)
			put(r, r->text[r->at]);
	return 0;
}

static int skip_comment(struct reader *r)
{
	int rc = 0;

	if (!take(r, '#'))
		return 0;
	while (rc == 0 && r->at < r->size && peek(r) != '\n' &&
	       !(peek(r) == '\r' && r->at + 1 < r->size && r->text[r->at + 1] == '\n'))
		rc = read_character(r, false);
	return rc;
}

/* Blanks, comments and ends of lines. */
static int skip_lines(struct reader *r)
{
	int rc;

	do {
		skip_blanks(r);
		rc = skip_comment(r);
	} while (rc == 0 && take_newline(r));
	return rc;
}

/* Nothing more but a comment. */
static int end_line(struct reader *r)
{
	int rc;

	skip_blanks(r);
	rc = skip_comment(r);
	if (rc != 0 || r->at == r->size || take_newline(r))
		return rc;
	return fail_expected(r, "the end of the line");
}

/* -- Strings ----------------------------------------------------------------------------- */

static void put_utf8(struct reader *r, uint32_t code)
{
	struct toml *toml = r->toml;

	toml->pool_size += (uint32_t)text_put_utf8(toml->pool + toml->pool_size, code);
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

static int read_unicode(struct reader *r, int digits)
{
	size_t start = r->at - 2;
	uint32_t code = 0;

	for (int i = 0; i < digits; i++, r->at++) {
		int digit = digit_value(peek(r));

		if (digit > 15)
			return fail_expected(r, digits == 4
							? "four hexadecimal digits after '\\u'"
							: "eight hexadecimal digits after '\\U'");
		code = code << 4 | (uint32_t)digit;
	}
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return fail_at(r, start, "there is no character of that number");
	put_utf8(r, code);
	return 0;
}

/* Behind a backslash. */
static int read_escape(struct reader *r)
{
	static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
	char c = peek(r);
	const char *found = c != '\0' ? strchr(names, c) : NULL;

	if (found != NULL) {
		r->at++;
		put(r, values[found - names]);
		return 0;
	}
	if (take(r, 'u'))
		return read_unicode(r, 4);
	if (take(r, 'U'))
		return read_unicode(r, 8);
	return fail_expected(r, "one of 'btnfr\"\\uU' after a backslash");
}

/* Behind a backslash in a string of several lines: at the end of a line it takes away what is blank up to the next word. */
static bool skip_fold(struct reader *r)
{
	size_t start = r->at;

	skip_blanks(r);
	if (!take_newline(r)) {
		r->at = start;
		return false;
	}
	do
		skip_blanks(r);
	while (take_newline(r));
	return true;
}

static int read_line_string(struct reader *r, char quote)
{
	size_t start = r->at++;
	int rc = 0;

	while (rc == 0 && !take(r, quote)) {
		if (r->at == r->size || peek(r) == '\n' || peek(r) == '\r')
			return fail_at(r, start, "a string that does not end in its line");
		if (quote == '"' && take(r, '\\'))
			rc = read_escape(r);
		else
			rc = read_character(r, true);
	}
	return rc;
}

/* Up to two quotes may stand before the closing three. */
static bool take_closing(struct reader *r, char quote)
{
	size_t count = 0;

	while (count < 5 && r->at + count < r->size && r->text[r->at + count] == quote)
		count++;
	if (count < 3)
		return false;
	r->at += count;
	for (; count > 3; count--)
		put(r, quote);
	return true;
}

static int read_text_string(struct reader *r, char quote)
{
	size_t start = r->at;
	int rc = 0;

	r->at += 3;
	take_newline(r);
	while (rc == 0 && !take_closing(r, quote)) {
		if (r->at == r->size)
			return fail_at(r, start, "a string that does not end");
		if (take_newline(r))
			put(r, '\n');
		else if (quote == '"' && take(r, '\\'))
			rc = skip_fold(r) ? 0 : read_escape(r);
		else
			rc = read_character(r, true);
	}
	return rc;
}

/* Three quotes. */
static bool begins_text(const struct reader *r)
{
	return r->size - r->at >= 3 && (memcmp(r->text + r->at, "\"\"\"", 3) == 0 ||
					memcmp(r->text + r->at, "'''", 3) == 0);
}

static int read_string(struct reader *r, uint32_t *ret_start, uint32_t *ret_size)
{
	char quote = peek(r);
	uint32_t start = r->toml->pool_size;
	bool three =
		r->size - r->at >= 3 && r->text[r->at + 1] == quote && r->text[r->at + 2] == quote;
	int rc = three ? read_text_string(r, quote) : read_line_string(r, quote);

	if (rc != 0)
		return rc;
	*ret_start = start;
	*ret_size = r->toml->pool_size - start;
	put(r, '\0');
	return 0;
}

/* -- Nodes ------------------------------------------------------------------------------- */

static struct node *node_at(const struct reader *r, uint32_t index)
{
	return &r->toml->nodes[index];
}

static int grow_nodes(struct reader *r)
{
	uint32_t room = r->node_room == 0 ? 32 : r->node_room * 2;
	struct node *nodes = realloc(r->toml->nodes, room * sizeof(*nodes));

	if (nodes == NULL)
		return fail_memory(r);
	r->toml->nodes = nodes;
	r->node_room = room;
	return 0;
}

/* Append the node to the children of `parent`; with `key`, under that name. Moves nodes. */
static int add_node(struct reader *r, uint32_t parent, const struct key *key, struct node node,
		    uint32_t *ret)
{
	uint32_t index = r->toml->node_count;
	size_t at = key != NULL ? key->at : r->at;
	struct node *above;

	if (index == r->node_room && grow_nodes(r) != 0)
		return -ENOMEM;
	above = node_at(r, parent);
	if (above->depth == TOML_DEPTH_MAX)
		return fail_at(r, at, "more than %u tables and arrays in each other",
			       TOML_DEPTH_MAX);
	if (key != NULL && above->count == TOML_KEYS_MAX)
		return fail_at(r, at, "more than %u keys in one table", TOML_KEYS_MAX);
	node.depth = above->depth + 1;
	node.place = place_of(r, at);
	if (key != NULL) {
		node.member = true;
		node.name = key->name;
		node.name_size = key->size;
	}
	if (above->count++ == 0)
		above->first = index;
	else
		node_at(r, above->last)->next = index;
	above->last = index;
	r->toml->nodes[r->toml->node_count++] = node;
	*ret = index;
	return 0;
}

/* 0: there is none, since the root is nobody's child. */
static uint32_t find_key(const struct reader *r, uint32_t table, const struct key *key)
{
	const struct node *t = node_at(r, table);

	for (uint32_t i = t->count > 0 ? t->first : 0; i != 0; i = node_at(r, i)->next)
		if (node_at(r, i)->name_size == key->size &&
		    memcmp(r->toml->pool + node_at(r, i)->name, name_of(r, key), key->size) == 0)
			return i;
	return 0;
}

/* -- Keys -------------------------------------------------------------------------------- */

static int read_part(struct reader *r, struct key *ret)
{
	ret->at = r->at;
	ret->name = r->toml->pool_size;
	if (begins_text(r))
		return fail_at(r, r->at, "a key of several lines");
	if (peek(r) == '"' || peek(r) == '\'')
		return read_string(r, &ret->name, &ret->size);
	if (!is_bare(peek(r)))
		return fail_expected(r, "a key");
	while (is_bare(peek(r)))
		put(r, r->text[r->at++]);
	ret->size = r->toml->pool_size - ret->name;
	put(r, '\0');
	return 0;
}

/* The dot behind a part, with blanks around it. */
static bool take_dot(struct reader *r)
{
	skip_blanks(r);
	if (!take(r, '.'))
		return false;
	skip_blanks(r);
	return true;
}

/* The name is known by now: it was its node's, and its place in the pool is free again. */
static void forget(struct reader *r, const struct key *key)
{
	r->toml->pool_size = key->name;
}

/* From a table to one that a header or a key passes through on its way. */
static int pass(struct reader *r, uint32_t *table, const struct key *key, enum how makes)
{
	uint32_t found = find_key(r, *table, key);
	struct node *node;

	if (found == 0)
		return add_node(r, *table, key, (struct node){.kind = TOML_TABLE, .how = makes},
				table);
	node = node_at(r, found);
	if (makes == HOW_IMPLICIT && node->kind == TOML_ARRAY && node->how == HOW_TABLES) {
		found = node->last;
		node = node_at(r, found);
	}
	if (node->kind != TOML_TABLE)
		return fail_at(r, key->at, "'%s' is %s, not a table", name_of(r, key),
			       toml_kind_name((enum toml_kind)node->kind));
	if (node->how == HOW_INLINE)
		return fail_at(r, key->at, "'%s' is a table that was closed with '}'",
			       name_of(r, key));
	if (makes == HOW_DOTTED && node->how != HOW_DOTTED)
		return fail_at(r, key->at, "'%s' is a table with a header of its own",
			       name_of(r, key));
	forget(r, key);
	*table = found;
	return 0;
}

/* All but the last part, which goes to *ret. */
static int read_path(struct reader *r, uint32_t *table, struct key *ret, enum how makes)
{
	int rc = read_part(r, ret);

	while (rc == 0 && take_dot(r)) {
		rc = pass(r, table, ret, makes);
		if (rc == 0)
			rc = read_part(r, ret);
	}
	return rc;
}

/* A key, and the '=' behind it: where the value goes. */
static int read_key(struct reader *r, uint32_t table)
{
	int rc = read_path(r, &table, &r->key, HOW_DOTTED);

	if (rc != 0)
		return rc;
	if (!take(r, '='))
		return fail_expected(r, "'=' after a key");
	if (find_key(r, table, &r->key) != 0)
		return fail_twice(r, &r->key);
	r->into = table;
	return 0;
}

/* -- Headers ----------------------------------------------------------------------------- */

static int open_table(struct reader *r, uint32_t above, const struct key *key)
{
	uint32_t found = find_key(r, above, key);

	if (found == 0)
		return add_node(r, above, key, (struct node){.kind = TOML_TABLE, .how = HOW_HEADER},
				&r->table);
	if (node_at(r, found)->kind != TOML_TABLE || node_at(r, found)->how != HOW_IMPLICIT)
		return fail_twice(r, key);
	node_at(r, found)->how = HOW_HEADER;
	node_at(r, found)->place = place_of(r, key->at);
	forget(r, key);
	r->table = found;
	return 0;
}

static int append_table(struct reader *r, uint32_t above, const struct key *key)
{
	uint32_t found = find_key(r, above, key);
	int rc = 0;

	if (found == 0)
		rc = add_node(r, above, key, (struct node){.kind = TOML_ARRAY, .how = HOW_TABLES},
			      &found);
	else if (node_at(r, found)->kind != TOML_ARRAY || node_at(r, found)->how != HOW_TABLES)
		return fail_twice(r, key);
	else
		forget(r, key);
	if (rc != 0)
		return rc;
	rc = add_node(r, found, NULL, (struct node){.kind = TOML_TABLE, .how = HOW_HEADER},
		      &r->table);
	if (rc == 0)
		node_at(r, r->table)->place = place_of(r, key->at);
	return rc;
}

/* [a.b] or [[a.b]]; at the bracket. */
static int read_header(struct reader *r)
{
	uint32_t above = 0;
	struct key key;
	bool two;
	int rc;

	r->at++;
	two = take(r, '[');
	skip_blanks(r);
	rc = read_path(r, &above, &key, HOW_IMPLICIT);
	if (rc != 0)
		return rc;
	if (!take_text(r, two ? "]]" : "]"))
		return fail_expected(r, two ? "']]' after a table's name"
					    : "']' after a table's name");
	rc = two ? append_table(r, above, &key) : open_table(r, above, &key);
	return rc == 0 ? end_line(r) : rc;
}

/* -- Numbers and words ------------------------------------------------------------------- */

/* Digits of a base, single underscores between them, to the free end of the pool; false: none, or badly parted. */
static bool take_digits(struct reader *r, int base, size_t *size)
{
	char *to = r->toml->pool + r->toml->pool_size;
	bool digit = false;

	for (; r->at < r->size; r->at++) {
		char c = r->text[r->at];

		if (c == '_' && digit && r->at + 1 < r->size &&
		    digit_value(r->text[r->at + 1]) < base) {
			digit = false;
			continue;
		}
		if (digit_value(c) >= base)
			break;
		to[(*size)++] = c;
		digit = true;
	}
	return digit;
}

/* What stands directly behind a number is part of it. */
static bool ends_word(const struct reader *r)
{
	char c = peek(r);

	return !is_bare(c) && c != '.' && c != '+' && c != ':';
}

static int fail_number(struct reader *r, size_t start)
{
	return fail_at(r, start, "not a number");
}

static int read_based(struct reader *r, struct node *node, int base)
{
	size_t start = r->at, size = 0;
	uint64_t number = 0;
	const char *digits = r->toml->pool + r->toml->pool_size;

	r->at += 2;
	if (!take_digits(r, base, &size) || !ends_word(r))
		return fail_number(r, start);
	for (size_t i = 0; i < size; i++) {
		if (number > (uint64_t)INT64_MAX / (unsigned)base)
			return fail_at(r, start, "a number beyond 2^63 - 1");
		number = number * (unsigned)base + (unsigned)digit_value(digits[i]);
		if (number > INT64_MAX)
			return fail_at(r, start, "a number beyond 2^63 - 1");
	}
	node->kind = TOML_INTEGER;
	node->integer = (int64_t)number;
	return 0;
}

/* Fraction and exponent behind the digits at the free end of the pool. False: not the form of one. */
static bool take_rest(struct reader *r, size_t *size)
{
	char *to = r->toml->pool + r->toml->pool_size;

	if (take(r, '.')) {
		to[(*size)++] = '.';
		if (!take_digits(r, 10, size))
			return false;
	}
	if (peek(r) == 'e' || peek(r) == 'E') {
		to[(*size)++] = r->text[r->at++];
		if (peek(r) == '+' || peek(r) == '-')
			to[(*size)++] = r->text[r->at++];
		if (!take_digits(r, 10, size))
			return false;
	}
	return true;
}

static bool is_date(const struct reader *r, size_t start)
{
	const char *text = r->text + start;
	size_t left = r->size - start, digits = 0;

	while (digits < left && is_digit(text[digits]))
		digits++;
	return digits < left &&
	       ((digits == 4 && text[digits] == '-') || (digits == 2 && text[digits] == ':'));
}

static int read_decimal(struct reader *r, struct node *node)
{
	char *text = r->toml->pool + r->toml->pool_size;
	size_t start = r->at, size = 0, whole;
	bool sign = peek(r) == '-' || peek(r) == '+';
	char *end;

	if (is_date(r, start))
		return fail_at(r, start, "a date or a time: nothing here takes one");
	if (sign)
		text[size++] = r->text[r->at++];
	if (!take_digits(r, 10, &size) || (text[sign] == '0' && size > (size_t)sign + 1))
		return fail_number(r, start);
	whole = size;
	if (!take_rest(r, &size) || !ends_word(r))
		return fail_number(r, start);
	text[size] = '\0';
	errno = 0;
	if (size == whole) {
		node->kind = TOML_INTEGER;
		node->integer = strtoll(text, &end, 10);
		return errno == 0 ? 0
				  : fail_at(r, start, "a number beyond the %s",
					    text[0] == '-' ? "least, -2^63" : "largest, 2^63 - 1");
	}
	node->kind = TOML_FLOAT;
	node->real = strtod(text, &end);
	return 0;
}

static int read_number(struct reader *r, struct node *node)
{
	static const struct {
		const char *begin;
		int base;
	} bases[] = {{"0x", 16}, {"0o", 8}, {"0b", 2}};

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		if (r->size - r->at >= 2 && memcmp(r->text + r->at, bases[i].begin, 2) == 0)
			return read_based(r, node, bases[i].base);
	return read_decimal(r, node);
}

/* true, false, inf, nan; false: none of these stands here. */
static bool read_word(struct reader *r, struct node *node)
{
	static const struct {
		const char *text;
		struct node node;
	} words[] = {
		{"true", {.kind = TOML_BOOL, .yes = true}},
		{"false", {.kind = TOML_BOOL, .yes = false}},
		{"inf", {.kind = TOML_FLOAT, .real = INFINITY}},
		{"+inf", {.kind = TOML_FLOAT, .real = INFINITY}},
		{"-inf", {.kind = TOML_FLOAT, .real = -INFINITY}},
		{"nan", {.kind = TOML_FLOAT, .real = NAN}},
		{"+nan", {.kind = TOML_FLOAT, .real = NAN}},
		{"-nan", {.kind = TOML_FLOAT, .real = -NAN}},
	};
	size_t start = r->at;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (take_text(r, words[i].text) && ends_word(r)) {
			*node = words[i].node;
			return true;
		}
		r->at = start;
	}
	return false;
}

/* -- Values ------------------------------------------------------------------------------ */

static int read_scalar(struct reader *r, struct node *node)
{
	char c = peek(r);

	if (c == '"' || c == '\'') {
		node->kind = TOML_STRING;
		return read_string(r, &node->start, &node->size);
	}
	if (read_word(r, node))
		return 0;
	if (is_digit(c) || c == '-' || c == '+')
		return read_number(r, node);
	return fail_expected(r, "a value");
}

/* A whole scalar, or the opening bracket of an array or inline table. */
static int read_value(struct reader *r)
{
	bool named = node_at(r, r->into)->kind == TOML_TABLE;
	const struct key *key = named ? &r->key : NULL;
	struct node node = {.kind = TOML_ARRAY, .how = HOW_ARRAY};
	size_t start = r->at;
	uint32_t index;
	int rc;

	if (peek(r) != '[' && peek(r) != '{') {
		rc = read_scalar(r, &node);
		if (rc == 0) {
			size_t end = r->at;

			r->at = start; /* where an element is said to stand */
			rc = add_node(r, r->into, key, node, &index);
			r->at = rc == 0 ? end : r->at;
		}
		return rc;
	}
	if (peek(r) == '{')
		node = (struct node){.kind = TOML_TABLE, .how = HOW_INLINE};
	rc = add_node(r, r->into, key, node, &index);
	if (rc != 0)
		return rc;
	r->at++;
	r->open[r->depth++] = index; /* there is room: it lies deeper than those before it */
	return 0;
}

/* What may stand between the items of the innermost array or inline table. */
static int skip_between(struct reader *r, bool array)
{
	if (array)
		return skip_lines(r);
	skip_blanks(r);
	return 0;
}

/* The beginning of an item: where it goes. */
static int begin_item(struct reader *r, bool array)
{
	uint32_t inner = r->open[r->depth - 1];
	int rc = array ? 0 : read_key(r, inner);

	if (rc != 0)
		return rc;
	if (array)
		r->into = inner;
	skip_blanks(r);
	return 0;
}

/* Behind a value or an opening bracket: close what closes, up to the next value or the end of all. */
static int read_separator(struct reader *r, bool opened, bool *ret_end)
{
	for (; r->depth > 0; opened = false) {
		bool array = node_at(r, r->open[r->depth - 1])->kind == TOML_ARRAY, comma = opened;
		int rc = skip_between(r, array);

		if (rc == 0 && !opened && take(r, ',')) {
			comma = true;
			rc = skip_between(r, array);
		}
		if (rc != 0)
			return rc;
		/* An inline table has no comma before its end. */
		if ((array || opened || !comma) && take(r, array ? ']' : '}')) {
			r->depth--;
			continue;
		}
		if (!comma)
			return fail_expected(r, array ? "',' or ']'" : "',' or '}'");
		*ret_end = false;
		return begin_item(r, array);
	}
	*ret_end = true;
	return 0;
}

/* key = value, and nothing behind it. */
static int read_pair(struct reader *r)
{
	bool end = false;
	int rc = read_key(r, r->table);

	skip_blanks(r);
	while (rc == 0 && !end) {
		uint32_t depth = r->depth;

		rc = read_value(r);
		if (rc == 0)
			rc = read_separator(r, r->depth > depth, &end);
	}
	return rc == 0 ? end_line(r) : rc;
}

static int read_text(struct reader *r)
{
	int rc = skip_lines(r);

	while (rc == 0 && r->at < r->size) {
		rc = peek(r) == '[' ? read_header(r) : read_pair(r);
		if (rc == 0)
			rc = skip_lines(r);
	}
	return rc;
}

int toml_parse(struct toml **ret, const char *text, size_t size, struct toml_place *ret_place,
	       struct err *err)
{
	struct reader r = {
		.text = text, .size = size, .line_number = 1, .place = ret_place, .err = err};
	int rc = 0;

	*ret_place = (struct toml_place){1, 1};
	if (size > TOML_SIZE_MAX)
		return err_set(err, TOML_INVALID, "%zu bytes are more than the %u allowed", size,
			       TOML_SIZE_MAX);
	r.toml = calloc(1, sizeof(*r.toml));
	if (r.toml == NULL)
		return fail_memory(&r);
	r.toml->pool = malloc(size + 1);
	if (r.toml->pool == NULL)
		rc = fail_memory(&r);
	if (rc == 0)
		rc = grow_nodes(&r);
	if (rc == 0) {
		r.toml->nodes[r.toml->node_count++] =
			(struct node){.kind = TOML_TABLE, .how = HOW_HEADER, .place = {1, 1}};
		rc = read_text(&r);
	}
	if (rc == 0)
		*ret = r.toml;
	else
		toml_free(r.toml);
	return rc;
}
