/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml_parts.h: the tree of toml.h, as toml.c makes it and toml_tree.c reads it.
 *
 * What may be written twice is decided by `how` a table came to be:
 *
 *   IMPLICIT  a header [a.b] passed through it   a header may name it, once
 *   HEADER    a header named it                  headers may pass through
 *   DOTTED    a key a.b = led through it         further such keys, and headers, may pass through
 *   INLINE    { }                                closed
 *   ARRAY     = [ ]                              closed
 *   TABLES    [[a]]                              [[a]] adds to it; headers pass through its last table
 */
#ifndef BASE_TOML_PARTS_H
#define BASE_TOML_PARTS_H

#include "base/toml.h"

enum how { HOW_IMPLICIT, HOW_HEADER, HOW_DOTTED, HOW_INLINE, HOW_ARRAY, HOW_TABLES };

struct node {
	uint8_t kind, how;
	uint8_t depth; /* of the root: 0 */
	bool member; /* stands in a table, has a name */
	uint32_t next; /* sibling; 0: none (node 0 is the root and nobody's sibling) */
	uint32_t name, name_size; /* members: pool offset */
	struct toml_place place;
	union {
		bool yes;
		int64_t integer;
		double real;
		struct {
			uint32_t start, size; /* STRING: pool offset */
		};
		struct {
			uint32_t first, last, count; /* ARRAY, TABLE */
		};
	};
};

struct toml {
	struct node *nodes; /* owned */
	char *pool; /* owned */
	uint32_t node_count;
	uint32_t pool_size;
};

#endif
