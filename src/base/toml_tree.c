/* SPDX-License-Identifier: Apache-2.0 */
/* toml_tree.c: what is in the tree. */
#include <stdlib.h>
#include <string.h>

#include "base/toml_parts.h"

struct toml *toml_free(struct toml *toml)
{
	if (toml != NULL) {
		free(toml->nodes);
		free(toml->pool);
		free(toml);
	}
	return NULL;
}

static const struct node *node_of(struct toml_value value)
{
	static const struct node none = {.kind = TOML_NONE};

	return value.toml != NULL ? &value.toml->nodes[value.node] : &none;
}

static struct toml_value nothing(void)
{
	return (struct toml_value){.toml = NULL};
}

struct toml_value toml_root(const struct toml *toml)
{
	return (struct toml_value){.toml = toml};
}

enum toml_kind toml_kind(struct toml_value value)
{
	return (enum toml_kind)node_of(value)->kind;
}

const char *toml_kind_name(enum toml_kind kind)
{
	static const char *const names[] = {"nothing",  "true or false", "an integer", "a float",
					    "a string", "an array",      "a table"};

	return names[kind];
}

struct toml_place toml_place(struct toml_value value)
{
	return node_of(value)->place;
}

uint32_t toml_count(struct toml_value value)
{
	const struct node *node = node_of(value);

	return node->kind >= TOML_ARRAY ? node->count : 0;
}

struct toml_value toml_first(struct toml_value value)
{
	if (toml_count(value) == 0)
		return nothing();
	return (struct toml_value){.toml = value.toml, .node = node_of(value)->first};
}

struct toml_value toml_next(struct toml_value value)
{
	uint32_t next = node_of(value)->next;

	if (next == 0)
		return nothing();
	return (struct toml_value){.toml = value.toml, .node = next};
}

struct toml_value toml_find(struct toml_value table, const char *name)
{
	size_t wanted = strlen(name), size = 0;

	if (toml_kind(table) != TOML_TABLE)
		return nothing();
	for (struct toml_value v = toml_first(table); toml_exists(v); v = toml_next(v)) {
		const char *text = toml_name(v, &size);

		if (size == wanted && memcmp(text, name, size) == 0)
			return v;
	}
	return nothing();
}

const char *toml_name(struct toml_value value, size_t *ret_size)
{
	const struct node *node = node_of(value);

	if (!node->member)
		return NULL;
	if (ret_size != NULL)
		*ret_size = node->name_size;
	return value.toml->pool + node->name;
}

const char *toml_string(struct toml_value value, size_t *ret_size)
{
	const struct node *node = node_of(value);

	if (node->kind != TOML_STRING)
		return NULL;
	if (ret_size != NULL)
		*ret_size = node->size;
	return value.toml->pool + node->start;
}

bool toml_bool(struct toml_value value, bool *ret)
{
	const struct node *node = node_of(value);

	if (node->kind == TOML_BOOL)
		*ret = node->yes;
	return node->kind == TOML_BOOL;
}

bool toml_i64(struct toml_value value, int64_t *ret)
{
	const struct node *node = node_of(value);

	if (node->kind == TOML_INTEGER)
		*ret = node->integer;
	return node->kind == TOML_INTEGER;
}

bool toml_double(struct toml_value value, double *ret)
{
	const struct node *node = node_of(value);

	if (node->kind == TOML_FLOAT)
		*ret = node->real;
	return node->kind == TOML_FLOAT;
}
