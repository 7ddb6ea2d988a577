/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validator.h: the state of checking one function body, shared by validate*.c.
 *
 *   validate.c          bodies, locals, the loop, instructions whose signature is in opcodes.def
 *   validate_run.c      the same for what is frequent and simple, fast
 *   validate_stack.c    the stack of operand types
 *   validate_control.c  blocks and branches, and the side table they leave for the interpreter
 *   validate_rest.c     calls, variables, references, tables, memories
 *
 * The algorithm is the specification's appendix "Validation Algorithm": a stack of types and a stack of
 * blocks. Beside each height in values a height in slots is kept (a v128 takes two), for the frame and the
 * side table. Everything is an array that grows: no recursion, whatever the nesting.
 */
#ifndef WASM_VALIDATOR_H
#define WASM_VALIDATOR_H

#include "wasm/decoder.h"
#include "wasm/opcode.h"

/* Return what is not success. */
#define TRY(call)                       \
	do {                            \
		int try_err = (call);   \
		if (try_err != 0)       \
			return try_err; \
	} while (0)

/* A list of types: of a block, a function. A single inline type lies in `own`. */
struct type_list {
	const uint32_t *words; /* borrowed from the types; NULL: `own` */
	uint32_t own;
	uint16_t count;
	uint16_t slots;
};

struct block {
	struct type_list params, results;
	uint32_t height;    /* operands below the block's own */
	uint32_t slots;     /* the same in slots */
	uint32_t inits;     /* entries of `set_locals` when it began */
	uint32_t opcode;    /* BLOCK, LOOP, IF, ELSE; END for the body itself */
	uint32_t loop_pc;   /* LOOP: first instruction, offset in the module */
	uint32_t loop_side; /* LOOP: the next entry at that point */
	uint32_t fixups;    /* entries that lead to the end, chained through `side` */
	uint32_t if_entry;  /* IF: the entry of its false side */
	bool unreachable;
};

struct validate {
	struct decode *d;
	struct reader r;
	struct type_space space;
	struct image_func *func; /* being filled; stable: no function is added any more */
	const struct type_def *type;

	uint32_t *operands; /* types; owned */
	uint32_t height, room;
	uint32_t slots, max_slots;
	struct buf blocks; /* struct block */
	struct block *top; /* the innermost; NULL behind the body's end */
	struct buf locals; /* uint32_t types */
	uint32_t local_count;
	bool has_map;      /* slots differ from indices */
	bool has_memory32; /* the module has a memory 0, with 32-bit addresses */

	bool tracks_inits;     /* some local has no default */
	struct buf set;        /* uint8_t a local: it has been set */
	struct buf set_locals; /* uint32_t: which, in order, to undo at the end of a block */
	const uint8_t *at;     /* the instruction */
};

static inline const uint32_t *type_list_words(const struct type_list *list)
{
	return list->words != NULL ? list->words : &list->own;
}

/* Write a quickened opcode over the instruction. */
static inline void validate_quicken(const struct validate *v, const uint8_t *at, enum opcode opcode)
{
	((uint8_t *)(uintptr_t)v->d->base)[at - v->d->base] = (uint8_t)opcode;
}

int validate_malformed(struct validate *v) COLD;
#define validate_invalid(v, ...) decode_fail((v)->d, DECODE_INVALID, (v)->at, __VA_ARGS__)

/* validate_stack.c; `slow` functions carry what the inline ones leave. */
int validate_push_slow(struct validate *v, uint32_t type) COLD;
int validate_pop_slow(struct validate *v, uint32_t type);
int validate_pop_any(struct validate *v, uint32_t *ret);
int validate_pop_ref(struct validate *v, uint32_t *ret);
int validate_pop_list(struct validate *v, const struct type_list *list);
int validate_push_list(struct validate *v, const struct type_list *list);
/* The top of the stack could be the list; it takes the list's types where it was unknown. */
int validate_top_list(struct validate *v, const struct type_list *list);
void validate_unreachable(struct validate *v);

static inline int validate_push(struct validate *v, uint32_t type)
{
	if (UNLIKELY(v->height == v->room))
		return validate_push_slow(v, type);
	v->operands[v->height++] = type;
	v->slots += 1 + (type == TYPE_V128);
	if (v->slots > v->max_slots)
		v->max_slots = v->slots;
	return 0;
}

static inline int validate_pop(struct validate *v, uint32_t type)
{
	if (LIKELY(v->height > v->top->height && v->operands[v->height - 1] == type)) {
		v->height--;
		v->slots -= 1 + (type == TYPE_V128);
		return 0;
	}
	return validate_pop_slow(v, type);
}

/* validate_run.c: as many instructions as are plain, from v->r.at on; stops before any it does not
 * take, a wrong one included. */
void validate_run(struct validate *v);

/* validate_control.c */
int validate_control(struct validate *v, uint32_t opcode);
int validate_open_body(struct validate *v);

/* validate_rest.c */
int validate_rest(struct validate *v, uint32_t opcode);
int validate_memory_index(struct validate *v, uint32_t index, uint32_t *ret_address_type);

/* Read an index immediate. */
static inline int validate_u32(struct validate *v, uint32_t *ret)
{
	return LIKELY(reader_u32(&v->r, ret)) ? 0 : validate_malformed(v);
}

#endif
