/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c: RFC 8259 text to a flat tree.
 *
 * The tree is two blocks: an array of nodes in the order of the text, which name each other by index, and
 * a pool in which every name, string and number stands once, unescaped and terminated. An item of
 * the pool is never longer than its text (a string loses two quotes and gains a NUL, a number gains
 * one and is followed by a byte of its own or the end), so the pool is allocated once, one byte longer
 * than the text, and cut to size at the end; only the nodes grow.
 *
 * No function calls itself: open arrays and objects stand on a stack of JSON_DEPTH_MAX entries. The loop
 * in read_text() knows two moments: a value is due (read_value), or one has just ended
 * (read_separator).
 */
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { ROOM_TEXT = 64 * 1024 }; /* so much of a text is looked at to guess what it needs */

struct node {
	uint8_t kind;
	bool yes;       /* BOOL */
	bool member;    /* stands in an object, has a name */
	uint32_t next;  /* sibling; 0: none (node 0 is the root and nobody's sibling) */
	uint32_t name;  /* members: pool offset */
	uint32_t name_size;
	uint32_t start; /* STRING, NUMBER: pool offset; ARRAY, OBJECT: first child */
	uint32_t count; /* STRING, NUMBER: bytes; ARRAY, OBJECT: children */
};

struct json {
	struct node *nodes; /* owned */
	char *pool;         /* owned */
	uint32_t node_count;
	uint32_t pool_size;
};

/* An array or object whose end has not been seen. */
struct open {
	uint32_t node;
	uint32_t last; /* child */
};

struct reader {
	const char *text; /* borrowed */
	size_t size;
	size_t at;
	struct json *json; /* borrowed */
	uint32_t node_room;
	uint32_t name; /* of the member whose value is due */
	uint32_t name_size;
	uint32_t depth;
	struct open open[JSON_DEPTH_MAX];
	struct err *err;
};

/* -- Errors ------------------------------------------------------------------------------ */

static int fail_at(struct reader *r, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail_at(struct reader *r, size_t at, const char *format, ...)
{
	size_t line = 1, start = 0;
	va_list args;

	for (size_t i = 0; i < at; i++) {
		if (r->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	va_start(args, format);
	err_setv(r->err, 0, format, args);
	va_end(args);
	return err_prefix(r->err, JSON_INVALID, "line %zu, column %zu", line, at - start + 1);
}

/* "expected X, found Y" at the place of reading. */
static int fail_expected(struct reader *r, const char *what)
{
	unsigned char c;

	if (r->at == r->size)
		return fail_at(r, r->at, "expected %s, found the end of the text", what);
	c = (unsigned char)r->text[r->at];
	if (c > 0x20 && c < 0x7f)
		return fail_at(r, r->at, "expected %s, found '%c'", what, c);
	return fail_at(r, r->at, "expected %s, found byte 0x%02x", what, c);
}

static int fail_memory(struct reader *r)
{
	return err_set(r->err, -ENOMEM, "no memory for the tree of %zu bytes of JSON", r->size);
}

/* -- Bytes ------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The byte at the place of reading; at the end NUL, which is no part of JSON's grammar. */
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

static void skip_space(struct reader *r)
{
	for (; r->at < r->size; r->at++) {
		char c = r->text[r->at];

		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return;
	}
}

static void put(struct reader *r, char c)
{
	r->json->pool[r->json->pool_size++] = c;
}

/* -- Strings ----------------------------------------------------------------------------- */

static void put_utf8(struct reader *r, uint32_t code)
{
	struct json *json = r->json;

	json->pool_size += (uint32_t)text_put_utf8(json->pool + json->pool_size, code);
}

static int read_hex4(struct reader *r, uint32_t *ret)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++, r->at++) {
		char c = peek(r);

		if (is_digit(c))
			code = code << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			code = code << 4 | (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			code = code << 4 | (uint32_t)(c - 'A' + 10);
		else
			return fail_expected(r, "four hexadecimal digits after '\\u'");
	}
	*ret = code;
	return 0;
}

/* Behind "\u": one code unit, or two that make a pair. */
static int read_unicode(struct reader *r)
{
	size_t start = r->at - 2;
	uint32_t code, low;
	int rc;

	rc = read_hex4(r, &code);
	if (rc != 0)
		return rc;
	if (code >= 0xdc00 && code <= 0xdfff)
		return fail_at(r, start, "a low surrogate without a high one before it");
	if (code >= 0xd800 && code <= 0xdbff) {
		if (!take(r, '\\') || !take(r, 'u'))
			return fail_at(r, start, "a high surrogate without a low one after it");
		rc = read_hex4(r, &low);
		if (rc != 0)
			return rc;
		if (low < 0xdc00 || low > 0xdfff)
			return fail_at(r, start, "a high surrogate without a low one after it");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(r, code);
	return 0;
}

/* Behind a backslash. */
static int read_escape(struct reader *r)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	char c = peek(r);
	const char *found = c != '\0' ? strchr(names, c) : NULL;

	if (found != NULL) {
		r->at++;
		put(r, values[found - names]);
		return 0;
	}
	if (take(r, 'u'))
		return read_unicode(r);
	return fail_expected(r, "one of '\"\\/bfnrtu' after a backslash");
}

/* One character that is not the closing quote. */
static int read_character(struct reader *r)
{
	unsigned char c = (unsigned char)r->text[r->at];
	uint32_t code;
	size_t size = 1;

	if (c == '\\') {
		r->at++;
		return read_escape(r);
	}
	if (c < 0x20)
		return fail_at(r, r->at, "control character 0x%02x in a string: escape it", c);
	if (c >= 0x80) {
		size = text_utf8(r->text + r->at, r->size - r->at, &code);
		if (size == 0)
			return fail_at(r, r->at, "byte 0x%02x does not begin valid UTF-8", c);
	}
	for (; size > 0; size--)
		put(r, r->text[r->at++]);
	return 0;
}

/* ASCII that means itself, to its end: of most strings all of it. */
static void read_plain(struct reader *r)
{
	const char *text = r->text;
	char *pool = r->json->pool;
	size_t at = r->at;
	uint32_t to = r->json->pool_size;

	while (at < r->size && text[at] >= ' ' && text[at] <= '~' && text[at] != '"' &&
	       text[at] != '\\')
		pool[to++] = text[at++];
	r->at = at;
	r->json->pool_size = to;
}

static int read_string(struct reader *r, uint32_t *ret_start, uint32_t *ret_size)
{
	uint32_t start = r->json->pool_size;
	size_t quote = r->at++;
	int rc;

	read_plain(r);
	while (!take(r, '"')) {
		if (r->at == r->size)
			return fail_at(r, quote, "a string that does not end");
		rc = read_character(r);
		if (rc != 0)
			return rc;
	}
	*ret_start = start;
	*ret_size = r->json->pool_size - start;
	put(r, '\0');
	return 0;
}

/* A member's name and its colon. */
static int read_name(struct reader *r)
{
	int rc;

	skip_space(r);
	if (peek(r) != '"')
		return fail_expected(r, "a name in quotes");
	rc = read_string(r, &r->name, &r->name_size);
	if (rc != 0)
		return rc;
	skip_space(r);
	return take(r, ':') ? 0 : fail_expected(r, "':' after a name");
}

/* -- Numbers and words ------------------------------------------------------------------- */

static int skip_digits(struct reader *r, const char *where)
{
	if (!is_digit(peek(r)))
		return fail_expected(r, where);
	while (is_digit(peek(r)))
		r->at++;
	return 0;
}

static int skip_number(struct reader *r)
{
	int rc = 0;

	take(r, '-');
	if (take(r, '0')) {
		if (is_digit(peek(r)))
			return fail_at(r, r->at, "a digit after a leading zero");
	} else {
		rc = skip_digits(r, "a digit after '-'");
	}
	if (rc == 0 && take(r, '.'))
		rc = skip_digits(r, "a digit after '.'");
	if (rc == 0 && (take(r, 'e') || take(r, 'E'))) {
		if (!take(r, '+'))
			take(r, '-');
		rc = skip_digits(r, "a digit in the exponent");
	}
	return rc;
}

/* Numbers are kept as text: which type they fit is for the asker to say. */
static int read_number(struct reader *r, struct node *node)
{
	size_t start = r->at;
	int rc = skip_number(r);

	if (rc != 0)
		return rc;
	node->kind = JSON_NUMBER;
	node->start = r->json->pool_size;
	node->count = (uint32_t)(r->at - start);
	memcpy(r->json->pool + node->start, r->text + start, node->count);
	r->json->pool_size += node->count;
	put(r, '\0');
	return 0;
}

static int read_word(struct reader *r, struct node *node)
{
	static const struct {
		const char *text;
		enum json_kind kind;
		bool yes;
	} words[] = {
		{"null", JSON_NULL, false},
		{"false", JSON_BOOL, false},
		{"true", JSON_BOOL, true},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t size = strlen(words[i].text);

		if (r->size - r->at < size || memcmp(r->text + r->at, words[i].text, size) != 0)
			continue;
		r->at += size;
		node->kind = (uint8_t)words[i].kind;
		node->yes = words[i].yes;
		return 0;
	}
	return fail_expected(r, "a value");
}

/* -- Values ------------------------------------------------------------------------------ */

/* Every value but the first of its array or object comes after a comma; within strings there may be some more. */
static uint32_t likely_nodes(const char *text, size_t size)
{
	uint32_t count = 1;

	for (size_t i = 0; i < size && i < ROOM_TEXT; i++)
		count += (text[i] == ',') + (text[i] == '[') + (text[i] == '{');
	return count;
}

/* At first as many as there will be: growing by steps would touch three times the memory. */
static int grow_nodes(struct reader *r)
{
	uint32_t room = r->node_room == 0 ? likely_nodes(r->text, r->size) : r->node_room * 2;
	struct node *nodes = realloc(r->json->nodes, room * sizeof(*nodes));

	if (nodes == NULL)
		return fail_memory(r);
	r->json->nodes = nodes;
	r->node_room = room;
	return 0;
}

/* Append the node and hang it under the innermost open array or object. */
static int add_node(struct reader *r, const struct node *node)
{
	struct json *json = r->json;
	uint32_t index = json->node_count;

	if (index == r->node_room) {
		int rc = grow_nodes(r);

		if (rc != 0)
			return rc;
	}
	json->nodes[json->node_count++] = *node;
	if (r->depth > 0) {
		struct open *open = &r->open[r->depth - 1];
		struct node *parent = &json->nodes[open->node];

		if (parent->count++ == 0)
			parent->start = index;
		else
			json->nodes[open->last].next = index;
		open->last = index;
	}
	return 0;
}

static int open_container(struct reader *r, struct node *node)
{
	uint32_t index = r->json->node_count;
	int rc;

	if (r->depth == JSON_DEPTH_MAX)
		return fail_at(r, r->at, "more than %u arrays and objects in each other",
			       JSON_DEPTH_MAX);
	node->kind = r->text[r->at] == '{' ? JSON_OBJECT : JSON_ARRAY;
	r->at++;
	rc = add_node(r, node);
	if (rc != 0)
		return rc;
	r->open[r->depth++] = (struct open){.node = index};
	return 0;
}

static bool in_object(const struct reader *r)
{
	return r->json->nodes[r->open[r->depth - 1].node].kind == JSON_OBJECT;
}

/* A whole scalar, or the opening bracket of an array or object. */
static int read_value(struct reader *r)
{
	struct node node = {.member = r->depth > 0 && in_object(r)};
	int rc;
	char c;

	if (node.member) {
		node.name = r->name;
		node.name_size = r->name_size;
	}
	skip_space(r);
	c = peek(r);
	if (c == '{' || c == '[')
		return open_container(r, &node);
	if (c == '"') {
		node.kind = JSON_STRING;
		rc = read_string(r, &node.start, &node.count);
	} else if (c == '-' || is_digit(c)) {
		rc = read_number(r, &node);
	} else {
		rc = read_word(r, &node);
	}
	return rc != 0 ? rc : add_node(r, &node);
}

/* A value has ended: close what closes, up to the next value's beginning or the end of all. */
static int read_separator(struct reader *r, bool *ret_end)
{
	while (r->depth > 0) {
		bool object = in_object(r);

		skip_space(r);
		if (take(r, object ? '}' : ']')) {
			r->depth--;
			continue;
		}
		if (!take(r, ','))
			return fail_expected(r, object ? "',' or '}'" : "',' or ']'");
		*ret_end = false;
		return object ? read_name(r) : 0;
	}
	skip_space(r);
	if (r->at < r->size)
		return fail_expected(r, "the end of the text");
	*ret_end = true;
	return 0;
}

/* Behind an opening bracket: is a first child due? */
static bool has_child(struct reader *r)
{
	skip_space(r);
	return peek(r) != (in_object(r) ? '}' : ']');
}

static int read_text(struct reader *r)
{
	bool end = false;

	while (!end) {
		uint32_t depth = r->depth;
		int rc = read_value(r);

		if (rc == 0 && r->depth > depth && has_child(r))
			rc = in_object(r) ? read_name(r) : 0;
		else if (rc == 0)
			rc = read_separator(r, &end);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int json_parse(struct json **ret, const char *text, size_t size, struct err *err)
{
	struct reader r = {.text = text, .size = size, .err = err};
	int rc;

	if (size > JSON_SIZE_MAX)
		return err_set(err, JSON_INVALID,
			       "line 1, column 1: %zu bytes are more than the %u allowed", size,
			       JSON_SIZE_MAX);
	r.json = calloc(1, sizeof(*r.json));
	if (r.json == NULL)
		return fail_memory(&r);
	r.json->pool = malloc(size + 1);
	rc = r.json->pool != NULL ? read_text(&r) : fail_memory(&r);
	if (rc != 0) {
		json_free(r.json);
		return rc;
	}
	*ret = r.json;
	return 0;
}

struct json *json_free(struct json *json)
{
	if (json != NULL) {
		free(json->nodes);
		free(json->pool);
		free(json);
	}
	return NULL;
}

/* -- Reading the tree -------------------------------------------------------------------- */

static const struct node *node_of(struct json_value value)
{
	static const struct node none = {.kind = JSON_NONE};

	return value.json != NULL ? &value.json->nodes[value.node] : &none;
}

static struct json_value nothing(void)
{
	return (struct json_value){.json = NULL};
}

struct json_value json_root(const struct json *json)
{
	return (struct json_value){.json = json};
}

enum json_kind json_kind(struct json_value value)
{
	return (enum json_kind)node_of(value)->kind;
}

uint32_t json_count(struct json_value value)
{
	const struct node *node = node_of(value);

	return node->kind >= JSON_ARRAY ? node->count : 0;
}

struct json_value json_first(struct json_value value)
{
	if (json_count(value) == 0)
		return nothing();
	return (struct json_value){.json = value.json, .node = node_of(value)->start};
}

struct json_value json_next(struct json_value value)
{
	uint32_t next = node_of(value)->next;

	if (next == 0)
		return nothing();
	return (struct json_value){.json = value.json, .node = next};
}

struct json_value json_find(struct json_value object, const char *name)
{
	struct json_value found = nothing();
	size_t wanted = strlen(name), size = 0;

	if (json_kind(object) != JSON_OBJECT)
		return found;
	for (struct json_value v = json_first(object); json_exists(v); v = json_next(v)) {
		const char *text = json_name(v, &size);

		if (size == wanted && memcmp(text, name, size) == 0)
			found = v;
	}
	return found;
}

const char *json_name(struct json_value value, size_t *ret_size)
{
	const struct node *node = node_of(value);

	if (!node->member)
		return NULL;
	if (ret_size != NULL)
		*ret_size = node->name_size;
	return value.json->pool + node->name;
}

const char *json_string(struct json_value value, size_t *ret_size)
{
	const struct node *node = node_of(value);

	if (node->kind != JSON_STRING)
		return NULL;
	if (ret_size != NULL)
		*ret_size = node->count;
	return value.json->pool + node->start;
}

bool json_bool(struct json_value value, bool *ret)
{
	const struct node *node = node_of(value);

	if (node->kind != JSON_BOOL)
		return false;
	*ret = node->yes;
	return true;
}

/* Digits to a number of at most `max`. */
static bool digits(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t number = 0;

	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (!is_digit(*text) || number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*ret = number;
	return true;
}

const char *json_number(struct json_value value)
{
	const struct node *node = node_of(value);

	return node->kind == JSON_NUMBER ? value.json->pool + node->start : NULL;
}

bool json_u64(struct json_value value, uint64_t *ret)
{
	const char *text = json_number(value);

	return text != NULL && digits(text, UINT64_MAX, ret);
}

bool json_i64(struct json_value value, int64_t *ret)
{
	const char *text = json_number(value);
	uint64_t number;

	if (text == NULL)
		return false;
	if (text[0] != '-') {
		if (!digits(text, INT64_MAX, &number))
			return false;
		*ret = (int64_t)number;
		return true;
	}
	if (!digits(text + 1, (uint64_t)INT64_MAX + 1, &number))
		return false;
	*ret = number == 0 ? 0 : -(int64_t)(number - 1) - 1;
	return true;
}

bool json_double(struct json_value value, double *ret)
{
	const char *text = json_number(value);
	double number;

	if (text == NULL)
		return false;
	number = strtod(text, NULL);
	if (!isfinite(number))
		return false;
	*ret = number;
	return true;
}
