/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver.h (fuzz): what the files of weave.h share.
 *
 *   weave.c           the module: the items it has each time, its functions, a global's value
 *   weave_code.c      bodies: which instruction is next, its immediates, blocks
 *   weave_operands.c  what instructions want on the stack
 *
 * Types are letters: those of opcodes.def, u funcref, x externref, y anyref, q eqref, z i31ref, s structref, r arrayref,
 * e exnref, and from A on a reference to type 0, 1, 2..., which may be null unless a '!' follows. b and h are i8 and i16.
 * Each letter has a local in each body, so that there is an operand for whatever an instruction wants.
 */
#ifndef FUZZ_WEAVER_H
#define FUZZ_WEAVER_H

#include <stdbool.h>
#include <string.h>

#include "wasm/code_bytes.h"
#include "wasm/opcode.h"
#include "wasm/valtype.h"
#include "weave.h"

enum {
	BODY_MOST = 4000, /* bytes, about */
	NESTING_MOST = 50,
	BODIES_MOST = 4,
	FIXED_FUNCS = 3,
	LIST_MOST = 8, /* a list of types, in letters, and its end */
};

/* -- What is in the module --------------------------------------------------------------------- */

enum {
	NOTHING,
	NUMBER,
	MANY,
	POINT,
	PIXEL, /* a POINT, and more */
	BYTES8,
	WORDS,
	POINTS,
	FUNCS,
	NODE, /* in one group with WALK */
	WALK,
	MAKER,
	MAKER2, /* a MAKER */
	STRICT, /* has no default */
	CONSTANT,
	REFS,
	CAUGHT,
	ERROR,
	ANYS,
	TYPES
};

enum form { FUNC_FORM, STRUCT_FORM, ARRAY_FORM };

/* Parameters or fields or element, and results. */
struct shape {
	enum form form;
	const char *params, *results;
};

extern const struct shape weaver_shapes[TYPES];

#define ANYREF 0x6e
#define NULL_TO(type) 0x63, type
#define REF_TO(type) 0x64, type

enum {
	TABLES = 6,
	MEMORIES = 4,
	TAGS = 3,
	GLOBALS = 12,
	DATAS = 2,
	ELEMENTS = 4,
	LETTERS = 13,
	LOCALS = LETTERS + TYPES
};

extern const char weaver_letters[LETTERS + 1];
extern const uint8_t weaver_letter_bytes[LETTERS];
extern const char weaver_table_types[TABLES + 1]; /* of their elements, in letters */

/* -- The choices ------------------------------------------------------------------------------- */

struct block {
	uint32_t opcode;
	char params[LIST_MOST], results[LIST_MOST];
	uint32_t height; /* values it has on the stack */
	bool lost; /* that is not known: dead code, or operands taken from wherever they were */
};

struct weaver {
	const uint8_t *at, *end;
	struct buf code;
	struct buf marks; /* struct woven: offsets in `code` */
	struct block blocks[NESTING_MOST + 1];
	uint32_t depth; /* of the innermost block; the body is 0 */
	uint32_t params; /* of the function: locals come behind */
	uint32_t funcs;
	uint8_t func_types[1 + FIXED_FUNCS + BODIES_MOST];
	bool imports, far_first;
	bool plain; /* no local is a vector or has no default: the validator's fast way */
	bool raw; /* nobody knows what the instructions are */
	uint32_t imm[3]; /* of the instruction being woven, in their order */
	char letter; /* a type it is about */
};

/* -- weave_operands.c ------------------------------------------------------------------------- */

uint8_t weaver_next(struct weaver *w);
uint32_t weaver_choose(struct weaver *w, uint32_t count);
uint32_t weaver_pick(struct weaver *w, uint32_t count);
void weaver_put_opcode(struct weaver *w, uint32_t opcode);
void weaver_put_with(struct weaver *w, uint32_t opcode, uint32_t index);
void weaver_put_chosen(struct weaver *w, uint32_t count);
void weaver_put_signed(struct weaver *w, int64_t value);
void weaver_put_constant(struct weaver *w, uint32_t opcode);
bool weaver_put_object(struct weaver *w, uint32_t type);
void weaver_put_operand(struct weaver *w, char letter);
void weaver_put_operands(struct weaver *w, const char *list);
uint32_t weaver_letter_index(char letter);
char weaver_any_letter(struct weaver *w);
void weaver_put_letter_type(struct buf *code, char letter);
uint32_t weaver_list_count(const char *list);
uint32_t weaver_tag_type(const struct weaver *w, uint32_t tag);
const char *weaver_label_types(const struct weaver *w, uint32_t label);
const struct shape *weaver_callee(const struct weaver *w, uint32_t func);
const struct shape *weaver_shape_of(uint32_t type);
char weaver_memory_address(const struct weaver *w, uint32_t memory);
void weaver_put_wish(struct weaver *w, char wish);
uint32_t weaver_result_count(const struct weaver *w, char rule);

/* An instruction without a signature, and what it wants in a language that is explained there. */
struct weaver_wants {
	uint16_t opcode;
	const char *wants;
};

enum { WANTED = 75 };

extern const struct weaver_wants weaver_wanted[WANTED];

/* -- weave_code.c ------------------------------------------------------------------------------ */

/* A function's body into `code`; its instructions are marked by their place there. */
void weaver_put_body(struct weaver *w, struct buf *code, uint32_t type);
/* The instruction of a row of weaver_wanted. */
void weaver_put_wanted(struct weaver *w, uint32_t row);

#endif
