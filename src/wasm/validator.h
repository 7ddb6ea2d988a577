/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validator.h: the state of checking one function body, shared by validate*.c.
 *
 *   validate.c          bodies, locals, the loop, instructions whose signature is in opcodes.def
 *   validate_run.c      the same for what is frequent and simple, fast
 *   validate_stack.c    the stack of operand types
 *   validate_control.c  blocks and branches, and the side table they leave for the interpreter
 *   validate_exceptions.c  the same for exceptions: throwing, and the table of who catches
 *   validate_rest.c     calls, variables, references, tables, memories
 *   validate_objects.c  structs, arrays, i31, casts
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

/* A list of types: of a block, a function. */
struct type_list {
	const uint32_t *words; /* borrowed from the types, or from the block whose value it is */
	uint16_t count;
	uint16_t slots;
};

/*
 * A block's type stays as its head gives it; the lists are made from it where they are needed. The first two
 * kinds are nearly all there are, and their number is how many results the block has.
 */
enum block_kind {
	BLOCK_EMPTY = 0, /* no parameters, no results */
	BLOCK_VALUE = 1, /* one result, of type `type` */
	BLOCK_INDEX,     /* what function type `type` says */
};

/* Small: one is made for every other branch. */
struct block {
	uint32_t type;
	uint8_t kind;    /* enum block_kind */
	uint8_t opcode;  /* BLOCK, LOOP, IF, ELSE, those of exceptions; END for the body itself */
	bool unreachable;
	uint32_t height; /* operands below the block's own */
	uint32_t slots;  /* the same in slots */
	uint32_t inits;  /* entries of `set_locals` when it began */
	uint32_t pc;     /* its first instruction, offset in the module */
	uint32_t side;   /* the next entry at that point; the one before is an IF's own */
	uint32_t fixups; /* entries that lead to the end, chained through `side` */
};

/* Locals of one type, up to an index. */
struct local_run {
	uint32_t end;
	uint32_t type;
};

/* Below the operands of every body, so that the two topmost can be looked at without a question. */
enum { OPERAND_GUARDS = 2 };

struct validate {
	struct decode *d;
	struct reader r;
	struct type_space space;
	struct image_func *func; /* being filled; stable: no function is added any more */
	const struct type_def *type;

	uint32_t *operands; /* types; owned */
	uint32_t height, room; /* the lowest OPERAND_GUARDS are never a block's */
	uint32_t slots, max_slots;
	struct buf blocks; /* struct block */
	struct block *top; /* the innermost; NULL behind the body's end */
	struct buf locals; /* uint32_t types: of the first, as many as the body can have use for */
	struct buf runs; /* struct local_run: of all that are declared */
	uint32_t local_count;
	bool has_map; /* slots differ from indices */
	bool has_memory32; /* the module has a memory 0, with 32-bit addresses */

	bool tracks_inits; /* some local has no default */
	struct buf set; /* uint8_t a local: it has been set */
	struct buf set_locals; /* uint32_t: which, in order, to undo at the end of a block */
	const uint8_t *at; /* the instruction */

	struct buf tries; /* struct try_mark: the tries whose body this is in */
	struct buf caught; /* struct try_mark: those of whose catches this is in */
	uint32_t most_caught; /* of the latter, at once */
};

/* A block that is part of a try: which block, which of the image's tries. Lists of them have their order of nesting. */
struct try_mark {
	uint32_t block;
	uint32_t try;
	uint32_t last; /* of its catches so far, or IMAGE_NONE */
};

/* Write a quickened opcode over the instruction. */
static inline void validate_quicken(const struct validate *v, const uint8_t *at, uint32_t opcode)
{
	((uint8_t *)(uintptr_t)v->d->base)[at - v->d->base] = (uint8_t)opcode;
}

int validate_malformed(struct validate *v) COLD;
#define validate_invalid(v, ...) decode_fail((v)->d, DECODE_INVALID, (v)->at, __VA_ARGS__)

/* validate_stack.c; `slow` functions carry what the inline ones leave. */
/* Room for `count` more operands. */
int validate_reserve(struct validate *v, uint32_t count) COLD;
int validate_push_slow(struct validate *v, uint32_t type) COLD;
int validate_pop_slow(struct validate *v, uint32_t type);
int validate_pop_any(struct validate *v, uint32_t *ret);
int validate_pop_ref(struct validate *v, uint32_t *ret);
int validate_pop_list(struct validate *v, const struct type_list *list);
int validate_push_list(struct validate *v, const struct type_list *list);
/* The top of the stack could be the list; it takes the list's types where it was unknown. */
int validate_top_list(struct validate *v, const struct type_list *list);
void validate_unreachable(struct validate *v);
/* Each of `count` types matches the other's. */
bool validate_types_match(const struct validate *v, const uint32_t *a, const uint32_t *b,
			  uint32_t count);

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

/* In dead code, with nothing pushed since: whatever is popped is there. Who pops thousands need not go on. */
static inline bool validate_has_all(const struct validate *v)
{
	return v->top->unreachable && v->height == v->top->height;
}

/* validate.c: one instruction, with all care. */
int validate_instruction(struct validate *v);

/* validate_run.c: the instructions of a body, up to and with its last `end`. */
int validate_run(struct validate *v);

/* validate_control.c */
int validate_control(struct validate *v, uint32_t opcode);
int validate_open_body(struct validate *v);
/* Begin and leave a block: see there. */
int validate_open_block(struct validate *v, struct block *block, const struct type_list *params);
int validate_close_block(struct validate *v, struct block *ret);
/* A label, and the types of the values it takes; those borrow from the block. */
int validate_label(struct validate *v, uint32_t depth, struct block **ret,
		   struct type_list *ret_types);
int validate_side_add(struct validate *v, uint32_t *ret);

static inline uint32_t validate_block_count(const struct validate *v)
{
	return (uint32_t)BUF_COUNT(&v->blocks, struct block);
}

static inline struct type_list validate_params_of(const struct validate *v,
						  const struct type_def *type)
{
	return (struct type_list){type_words(&v->space, type), type->params, type->param_slots};
}

/* validate_exceptions.c */
void validate_start_tries(struct validate *v);
/* The head of a try or try_table behind its block type; the block is opened next. */
int validate_try(struct validate *v, uint32_t opcode);
/* At the end of a block that is part of a try. */
void validate_end_try(struct validate *v, const struct block *block);
/* The other instructions of exceptions. */
int validate_exception(struct validate *v, uint32_t opcode);

/*
 * The side table: an entry for each place control may leave the straight line, in the order of the code.
 * A branch to a block's end is not known until that end: such entries hang in a chain at their block,
 * through their own `side` field, with the branch's place in `pc`.
 */
static inline uint32_t validate_side_count(const struct validate *v)
{
	return DECODE_COUNT(v->d, struct image_side, side);
}

static inline struct image_side *validate_side(const struct validate *v, uint32_t entry)
{
	return DECODE_ITEM(v->d, struct image_side, side, entry);
}

/* Hang an entry of the branch at module offset `from` in the block's chain. */
static inline void validate_chain(const struct validate *v, struct block *block, uint32_t entry,
				  uint32_t from)
{
	struct image_side *side = validate_side(v, entry);

	side->pc = (int32_t)from;
	side->side = (int32_t)block->fixups;
	block->fixups = entry;
}

/* An entry that has its branch's place in `pc` leads to `to`, where the next entry is the next to be added. */
static inline void validate_land(const struct validate *v, uint32_t entry, uint32_t to)
{
	struct image_side *side = validate_side(v, entry);

	side->pc = (int32_t)(to - (uint32_t)side->pc);
	side->side = (int32_t)(validate_side_count(v) - entry);
}

static inline void validate_land_chain(const struct validate *v, const struct block *block,
				       uint32_t to)
{
	uint32_t next;

	for (uint32_t entry = block->fixups; entry != IMAGE_NONE; entry = next) {
		next = (uint32_t)validate_side(v, entry)->side;
		validate_land(v, entry, to);
	}
}

/* Fill the entry of the branch at `from` to `block`, which carries `keep` of the `above` slots the block has.
 * Does it leave all the others where they are? */
static inline bool validate_aim(const struct validate *v, struct block *block, uint32_t entry,
				uint32_t from, uint32_t keep, uint32_t above)
{
	struct image_side *side = validate_side(v, entry);

	side->keep = (uint16_t)keep;
	/* A return takes what is on top, whatever is below; in dead code the heights say nothing. */
	side->drop = (uint16_t)(block->opcode == OP_END || above < keep ? 0 : above - keep);
	if (block->opcode == OP_LOOP) {
		side->pc = (int32_t)(block->pc - from);
		side->side = (int32_t)(block->side - entry);
	} else {
		validate_chain(v, block, entry, from);
	}
	return side->drop == 0;
}

/* validate_rest.c */
int validate_rest(struct validate *v, uint32_t opcode);
/* A data segment that code may name. */
int validate_data_index(struct validate *v, uint32_t index);
int validate_memory_index(struct validate *v, uint32_t index, uint32_t *ret_address_type);

/* validate_objects.c */
int validate_objects(struct validate *v, uint32_t opcode);

/* Read an index immediate. */
static inline int validate_u32(struct validate *v, uint32_t *ret)
{
	return LIKELY(reader_u32(&v->r, ret)) ? 0 : validate_malformed(v);
}

#endif
