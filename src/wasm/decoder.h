/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decoder.h: the state decoding shares among its files, and what those offer each other.
 *
 *   decode.c           the order of sections, custom sections, the finished image
 *   decode_types.c     types: the type section, value types, limits
 *   decode_items.c     imports, functions, tables, memories, globals, tags, exports, start
 *   decode_segments.c  elements and data
 *   constexpr.c        constant expressions
 *   validate*.c        function bodies
 *
 * Each function returns 0, an outcome of decode(), or -ENOMEM, with the sentence in d->err.
 */
#ifndef WASM_DECODER_H
#define WASM_DECODER_H

#include "base/buf.h"
#include "base/err.h"
#include "wasm/decode.h"
#include "wasm/feature.h"
#include "wasm/image.h"
#include "wasm/reader.h"

struct decode {
	struct reader r;     /* the section being read */
	const uint8_t *base; /* the module; borrowed from the block */
	const uint8_t *limit;
	const char *section; /* for messages: "header", "type section"; "": between sections */
	struct err *err;
	uint64_t features; /* allowed */
	uint64_t used;     /* needed so far */

	struct types types;
	uint32_t type_limit; /* types that may be named: those closed and the open group */
	struct buf imports, exports, funcs, tables, memories, globals, tags;
	struct buf elements, items, datas, sections, side, local_slots;
	struct buf tries, catches;
	uint32_t imported_funcs, imported_tables, imported_memories, imported_globals,
		imported_tags;
	uint32_t start;
	uint32_t function; /* whose body is read, for messages; IMAGE_NONE: none */
	bool has_data_count;
	uint32_t data_count;
	struct buf declared; /* a bit a function: a reference to it may be made in code */
	struct image_bytes names;
};

/* Refuse: the sentence says where (`at` in the module) and what. */
int decode_fail(struct decode *d, int outcome, const uint8_t *at, const char *format, ...)
	__attribute__((format(printf, 4, 5))) COLD;
int decode_no_memory(struct decode *d) COLD;
/* Pass on what the reader found. */
int decode_malformed(struct decode *d) COLD;

/* A vector's count: malformed if there cannot be as many of `what`, invalid over `limit`. */
int decode_count(struct decode *d, struct reader *r, uint32_t limit, const char *what,
		 uint32_t *ret);

/* Is the feature allowed? Notes that the module needs it; else refuses. */
int decode_need(struct decode *d, enum feature feature, const uint8_t *at);

static inline uint32_t decode_offset(const struct decode *d, const uint8_t *at)
{
	return (uint32_t)(at - d->base);
}

static inline bool decode_has(const struct decode *d, enum feature feature)
{
	return (d->features & FEATURE_BIT(feature)) == FEATURE_BIT(feature);
}

#define DECODE_COUNT(d, type, field) ((uint32_t)BUF_COUNT(&(d)->field, type))
#define DECODE_ITEM(d, type, field, i) BUF_ITEM(&(d)->field, type, i)

static inline struct type_space decode_types_space(const struct decode *d)
{
	return types_space(&d->types);
}

/* decode_types.c */
int decode_section_types(struct decode *d, uint32_t count);
int decode_valtype(struct decode *d, struct reader *r, uint32_t *ret);
int decode_heaptype(struct decode *d, struct reader *r, uint32_t *ret);
int decode_reftype(struct decode *d, struct reader *r, uint32_t *ret);
/* An index of a function type; the canonical one. */
int decode_functype_index(struct decode *d, struct reader *r, uint32_t *ret);

/* decode_items.c */
int decode_section_imports(struct decode *d, uint32_t count);
int decode_section_functions(struct decode *d, uint32_t count);
int decode_section_tables(struct decode *d, uint32_t count);
int decode_section_memories(struct decode *d, uint32_t count);
int decode_section_globals(struct decode *d, uint32_t count);
int decode_section_tags(struct decode *d, uint32_t count);
int decode_section_exports(struct decode *d, uint32_t count);
int decode_start(struct decode *d);
/* Code may make a reference to this function from here on. */
int decode_declare(struct decode *d, uint32_t func);
bool decode_is_declared(const struct decode *d, uint32_t func);

/* decode_segments.c */
int decode_section_elements(struct decode *d, uint32_t count);
int decode_section_datas(struct decode *d, uint32_t count);

/* constexpr.c: one expression that must yield `type`, up to and with its `end`. */
int decode_constexpr(struct decode *d, uint32_t type, struct image_init *ret);

/* validate.c */
int decode_section_code(struct decode *d, uint32_t count);

#endif
