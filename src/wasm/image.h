/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h: the module image, a validated module in one flat block.
 *
 * The block begins with `struct image`, then the module's bytes as they came, then the tables. It
 * holds offsets from its start and indices, no pointers: it can be copied, written to a file and mapped
 * read-only at any address by many processes. docs/module-image.md describes each field; whoever
 * changes a struct here raises IMAGE_VERSION.
 *
 * The bytes of function bodies differ from the original in one respect: the first byte of
 * some instructions is replaced by a quickened opcode (quick.def) of the same length. opcode_base() leads
 * back, so nothing is lost.
 *
 * Nothing in an image is checked again by its readers: only decode.c makes images.
 */
#ifndef WASM_IMAGE_H
#define WASM_IMAGE_H

#include "wasm/limits.h"
#include "wasm/types.h"

#define IMAGE_MAGIC 0x31464b53u /* "SKF1" */
#define IMAGE_VERSION 3
#define IMAGE_NONE UINT32_MAX /* no index */

/* Slots the interpreter keeps between a frame's locals and its operands (struct frame in exec/thread.h). */
#define FRAME_RECORD_SLOTS 5

struct image_span {
	uint32_t at; /* offset from the image's start */
	uint32_t count; /* of items */
};

/* A text or other run of the module's bytes; at = offset in the module. */
struct image_bytes {
	uint32_t at;
	uint32_t size;
};

struct image_limits {
	uint64_t min;
	uint64_t max; /* UINT64_MAX: none declared */
	uint8_t is64;
	uint8_t shared;
	uint8_t reserved[6];
};

/* A constant expression, taken apart where it is one instruction. */
enum image_init_kind {
	INIT_NONE, /* no expression: the default value */
	INIT_VALUE, /* a number of up to 64 bits in `value`, or the null reference (0) */
	INIT_FUNC, /* a reference to function `value` */
	INIT_GLOBAL, /* what global `value` holds */
	INIT_EXPR, /* anything else: run the instructions at `at` */
};

struct image_init {
	uint64_t value;
	uint32_t at; /* of the expression in the module */
	uint32_t kind;
};

/* Functions: imported ones first; `code` is 0 for those. Slots are the interpreter's 64-bit cells. */
struct image_func {
	uint32_t type; /* canonical index */
	uint32_t body; /* the declarations of its locals, offset in the module */
	uint32_t code; /* first instruction, offset in the module */
	uint32_t code_end; /* behind the last */
	uint32_t side; /* index of its first side table entry */
	uint32_t local_map; /* its slot map, into image.local_slots; IMAGE_NONE: slot = index */
	uint32_t fused; /* not 0: fuse.c has been over its code */
	uint16_t params; /* slots */
	uint16_t results; /* slots */
	uint16_t locals; /* slots, parameters and kept exceptions included */
	uint16_t frame; /* slots in all: locals, record, operands */
};

/* Where a branch leads, relative to the branch: see docs/abi.md, "Side table". */
struct image_side {
	int32_t pc; /* from the branch's first byte to the target */
	int32_t side; /* from this entry to the entry of the target's next branch */
	uint16_t keep; /* slots to carry over */
	uint16_t drop; /* slots below them to remove */
};

/*
 * Exceptions. A try is a stretch of code and who catches what is thrown there; tries lie in the order of the code.
 * docs/abi.md, "Exceptions".
 */
struct image_try {
	uint32_t begin; /* offsets in the module: of its first instruction */
	uint32_t end; /* behind its last */
	uint32_t outer; /* the innermost try around this one in its function, or IMAGE_NONE */
	uint32_t first; /* of its catches, asked in this order; IMAGE_NONE: none */
};

enum image_catch_kind {
	CATCH_VALUES, /* pushes the exception's values */
	CATCH_REF, /* and the exception */
	CATCH_KEEP, /* the same without, but keeps it in local slot `keep` */
	CATCH_DELEGATE, /* no handler: the search goes on at try `to`; IMAGE_NONE: in the caller */
};

struct image_catch {
	uint32_t tag; /* IMAGE_NONE: any, and no values are pushed */
	uint32_t next; /* of the same try, or IMAGE_NONE */
	uint32_t
		to; /* the side table entry that says where it goes on; `pc` there is an offset in the module */
	uint16_t height; /* slots of operands that stay */
	uint16_t keep;
	uint32_t kind; /* enum image_catch_kind */
};

struct image_table {
	struct image_limits limits;
	struct image_init init;
	uint32_t type;
	uint32_t reserved;
};

struct image_memory {
	struct image_limits limits;
};

struct image_global {
	struct image_init init;
	uint32_t type;
	uint8_t is_mutable;
	uint8_t reserved[3];
};

struct image_import {
	struct image_bytes module;
	struct image_bytes name;
	uint32_t kind; /* enum extern_kind */
	uint32_t index; /* in the space of its kind */
};

struct image_export {
	struct image_bytes name;
	uint32_t kind;
	uint32_t index;
};

/* Kinds of items, as the format numbers them. */
enum extern_kind {
	EXTERN_FUNC,
	EXTERN_TABLE,
	EXTERN_MEMORY,
	EXTERN_GLOBAL,
	EXTERN_TAG,
};

enum image_mode {
	MODE_ACTIVE,
	MODE_PASSIVE,
	MODE_DECLARED, /* elements only: never used but to declare references */
};

/* An element: a function index, or one of these. */
#define ITEM_NULL UINT32_MAX
#define ITEM_EXPR 0x80000000u /* | offset in the module of a constant expression */

struct image_element {
	struct image_init offset; /* active ones */
	uint32_t mode;
	uint32_t table;
	uint32_t type;
	uint32_t first; /* into the items */
	uint32_t count;
	uint32_t is_plain; /* every item is a function or null */
};

struct image_data {
	struct image_init offset;
	struct image_bytes bytes;
	uint32_t mode;
	uint32_t memory;
};

struct image_section {
	uint32_t id;
	uint32_t count;
	struct image_bytes content;
	struct image_bytes name; /* of custom sections */
};

struct image {
	uint32_t magic;
	uint32_t version;
	uint64_t size; /* of the whole block */
	uint64_t features; /* proposals the module needs, FEATURE_BIT() */

	struct image_span bytes; /* the module */
	struct image_span types; /* struct type_def */
	struct image_span type_words;
	struct image_span imports;
	struct image_span exports;
	struct image_span funcs;
	struct image_span tables;
	struct image_span memories;
	struct image_span globals;
	struct image_span tags; /* uint32_t: canonical type index */
	struct image_span elements;
	struct image_span items; /* uint32_t */
	struct image_span datas;
	struct image_span sections;
	struct image_span side; /* struct image_side */
	struct image_span local_slots; /* uint16_t */
	struct image_span tries; /* struct image_try */
	struct image_span catches; /* struct image_catch */

	uint32_t imported_funcs;
	uint32_t imported_tables;
	uint32_t imported_memories;
	uint32_t imported_globals;
	uint32_t imported_tags;
	uint32_t start; /* function, or IMAGE_NONE */
	struct image_bytes names; /* content of the name section, size 0: none */
};

/* The items of a span: IMAGE_ITEMS(image, struct image_func, funcs)[i] */
#define IMAGE_ITEMS(image, type, span) \
	((const type *)(const void *)((const uint8_t *)(image) + (image)->span.at))

static inline const uint8_t *image_module(const struct image *image)
{
	return (const uint8_t *)image + image->bytes.at;
}

static inline const struct image_func *image_func(const struct image *image, uint32_t index)
{
	return &IMAGE_ITEMS(image, struct image_func, funcs)[index];
}

static inline struct type_space image_types(const struct image *image)
{
	return (struct type_space){
		.defs = IMAGE_ITEMS(image, struct type_def, types),
		.words = IMAGE_ITEMS(image, uint32_t, type_words),
		.count = image->types.count,
	};
}

/*
 * A block with room for a module of `size` bytes, to be filled at image_input() and handed to decode():
 * so a file is read to where it stays. NULL: no memory, or more than LIMIT_MODULE_BYTES.
 */
struct image *image_new(size_t size);
uint8_t *image_input(struct image *image);
void image_free(struct image *image);

/* Name of function `index` by the name section, else by its first export; size 0: none. */
struct image_bytes image_func_name(const struct image *image, uint32_t index);
/* The same from a name section alone (`names` lies in `module`), while there is no image yet. */
struct image_bytes image_name_lookup(const uint8_t *module, struct image_bytes names,
				     uint32_t index);
/* All functions the name section names, in its order; what is malformed there ends it. */
struct image_names {
	const uint8_t *module, *at, *end;
	uint32_t left;
};
void image_names_begin(struct image_names *names, const struct image *image);
bool image_names_next(struct image_names *names, uint32_t *index, struct image_bytes *ret);
/* The module's own name. */
struct image_bytes image_name(const struct image *image);

/* The function whose code holds this module offset, or IMAGE_NONE. */
uint32_t image_find_func(const struct image *image, uint32_t offset);

#endif
