/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_run.c: the fast lane of validation, and the loop over a body.
 *
 * Nearly all instructions are plain: locals, constants, accesses, arithmetic on numbers, and blocks and
 * branches that carry one value or none. What there is to check of those fits in registers, so this loop keeps
 * the reader and the operand stack in locals and knows no messages. Whatever is not plain, not frequent or
 * not right it leaves where it stands to validate_instruction(), which looks at it with all its care. So
 * the lanes can only accept, never refuse, and must accept nothing that would not pass there too.
 *
 * What costs here is the jump that is guessed wrong. So instructions that differ only in what they pop
 * and push share one lane, which does as opcode_effect says without asking; and each lane ends in a jump of
 * its own to the next, so that what usually follows what can be learned.
 *
 * All values taken here need one slot, so slots and operands move together.
 */
#include "wasm/validator.h"

/* No lane reads further from its instruction: one check of the end instead of one a byte. */
enum { LONGEST = 16 };

struct run {
	struct validate *v;
	uint32_t *top;         /* behind the topmost operand */
	const uint32_t *floor; /* the block's own operands begin here */
	uint32_t *high;        /* the highest `top` so far */
	const uint32_t *locals;
	uint32_t local_count; /* of those whose type is at hand */
	uint32_t more_slots; /* than operands: those below the lanes' values */
	bool has_memory;     /* memory 0, with 32-bit addresses */
};

#define LANE static inline __attribute__((always_inline)) const uint8_t *

/* -- Between the registers and the validator --------------------------------------------- */

static inline uint32_t height(const struct run *run)
{
	return (uint32_t)(run->top - run->v->operands);
}

static inline uint32_t slots(const struct run *run)
{
	return height(run) + run->more_slots;
}

static inline uint32_t offset(const struct run *run, const uint8_t *at)
{
	return decode_offset(run->v->d, at);
}

static inline void load(struct run *run, struct validate *v)
{
	uint32_t high;

	run->v = v;
	run->top = v->operands + v->height;
	run->floor = v->operands + v->top->height;
	run->more_slots = v->slots - v->height;
	high = v->max_slots - run->more_slots;
	run->high = v->operands + MIN(high, v->room);
	run->locals = (const uint32_t *)(const void *)v->locals.data; /* may be NULL */
	run->local_count = (uint32_t)BUF_COUNT(&v->locals, uint32_t);
	run->has_memory = v->has_memory32;
}

static inline void store(const struct run *run, const uint8_t *at)
{
	struct validate *v = run->v;
	uint32_t high = (uint32_t)(run->high - v->operands) + run->more_slots;

	v->height = height(run);
	v->slots = slots(run);
	v->max_slots = MAX(v->max_slots, high);
	v->r.at = at;
}

/* -- Operands ---------------------------------------------------------------------------- */

/* May the top be here? */
static inline bool fits(struct run *run, uint32_t *top)
{
	if (LIKELY(top <= run->high))
		return true;
	if (top > run->v->operands + run->v->room)
		return false;
	run->high = top;
	return true;
}

static inline bool push(struct run *run, uint32_t type)
{
	if (!fits(run, run->top + 1))
		return false;
	*run->top++ = type;
	return true;
}

/* `count` of 0 or 1 values of this type on top; no question asked, so no guess to go wrong. */
static inline bool tops(const struct run *run, uint32_t type, uint32_t count)
{
	return run->top - count >= run->floor && ((run->top[-1] ^ type) & (0u - count)) == 0;
}

static inline bool effect(struct run *run, const struct opcode_effect *effect)
{
	uint32_t *low = run->top - effect->pops;
	uint32_t *top = low + effect->pushes;

	if (low < run->floor || (((run->top[-1] ^ effect->type[1]) & effect->mask[1]) |
				 ((run->top[-2] ^ effect->type[0]) & effect->mask[0])) != 0)
		return false;
	if (!fits(run, top))
		return false;
	*low = effect->result;
	run->top = top;
	return true;
}

/* -- Immediates -------------------------------------------------------------------------- */

/*
 * How many bytes a number has, found by arithmetic, for behind the first byte lengths follow no pattern. Over
 * eight for what is longer than eight.
 */
static inline uint32_t leb_size(const uint8_t *p)
{
	uint64_t word = 0;

	if (*p < 0x80)
		return 1;
	for (int i = 0; i < 8; i++) /* one load, where the machine can */
		word |= (uint64_t)p[i] << 8 * i;
	word = ~word & UINT64_C(0x8080808080808080);
	return word != 0 ? (uint32_t)__builtin_ctzll(word) / 8 + 1 : 9;
}

static inline const uint8_t *short_u32(const uint8_t *p, uint32_t *ret)
{
	uint32_t value = *p++;

	if (UNLIKELY(value >= 0x80)) {
		if (*p >= 0x80)
			return NULL;
		value = (value & 0x7f) | (uint32_t)*p++ << 7;
	}
	*ret = value;
	return p;
}

/* -- Lanes: each takes one instruction: where the next begins, or NULL with nothing changed ------ */

LANE take_local(struct run *run, const uint8_t *at)
{
	uint32_t pops = *at != OP_LOCAL_GET, pushes = *at != OP_LOCAL_SET;
	uint32_t index, type;
	const uint8_t *next = short_u32(at + 1, &index);

	if (next == NULL || index >= run->local_count)
		return NULL;
	type = run->locals[index];
	if (!tops(run, type, pops) || !fits(run, run->top - pops + pushes))
		return NULL;
	run->top -= pops;
	*run->top = type;
	run->top += pushes;
	return next;
}

LANE take_numeric(struct run *run, const uint8_t *at)
{
	return effect(run, &opcode_effect[*at]) ? at + 1 : NULL;
}

/* Of eight bytes no 64-bit number is too long; of five, a 32-bit one if the last only repeats the sign. */
LANE take_const_(struct run *run, const uint8_t *at)
{
	uint32_t size = leb_size(at + 1), type = opcode_effect[*at].result;

	if (UNLIKELY(size > 4) &&
	    (type == TYPE_I64 ? size > 8 : size > 5 || (at[5] > 0x07 && at[5] < 0x78)))
		return NULL;
	return push(run, type) ? at + 1 + size : NULL;
}

LANE take_f32(struct run *run, const uint8_t *at)
{
	return push(run, TYPE_F32) ? at + 5 : NULL;
}

LANE take_f64(struct run *run, const uint8_t *at)
{
	return push(run, TYPE_F64) ? at + 9 : NULL;
}

LANE take_access(struct run *run, const uint8_t *at)
{
	const struct opcode_effect *info = &opcode_effect[*at];
	uint32_t size = leb_size(at + 2);

	if (size > 4 || !run->has_memory || at[1] > info->align || !effect(run, info))
		return NULL;
	return at + 2 + size;
}

LANE take_drop(struct run *run, const uint8_t *at)
{
	if (run->top <= run->floor || run->top[-1] == TYPE_V128)
		return NULL;
	run->top--;
	return at + 1;
}

LANE take_select(struct run *run, const uint8_t *at)
{
	if (run->top - run->floor < 3 || run->top[-1] != TYPE_I32 || run->top[-2] != run->top[-3] ||
	    run->top[-2] - TYPE_F64 > TYPE_I32 - TYPE_F64)
		return NULL;
	run->top -= 2;
	return at + 1;
}

LANE take_global(struct run *run, const uint8_t *at)
{
	uint32_t pops = *at == OP_GLOBAL_SET;
	const struct image_global *global;
	uint32_t index;
	const uint8_t *next = short_u32(at + 1, &index);

	if (next == NULL || index >= DECODE_COUNT(run->v->d, struct image_global, globals))
		return NULL;
	global = DECODE_ITEM(run->v->d, struct image_global, globals, index);
	if (global->type == TYPE_V128 || pops > global->is_mutable)
		return NULL;
	if (!tops(run, global->type, pops) || !fits(run, run->top + 1 - pops))
		return NULL;
	run->top -= pops;
	*run->top = global->type;
	run->top += 1 - pops;
	return next;
}

LANE take_call(struct run *run, const uint8_t *at)
{
	struct validate *v = run->v;
	const struct type_def *type;
	const uint32_t *words;
	uint32_t index;
	const uint8_t *next = short_u32(at + 1, &index);

	if (next == NULL || index >= DECODE_COUNT(v->d, struct image_func, funcs))
		return NULL;
	type = type_at(&v->space, DECODE_ITEM(v->d, struct image_func, funcs, index)->type);
	words = type_words(&v->space, type);
	if (type->params != type->param_slots || type->results > 1 || type->result_slots > 1 ||
	    run->top - run->floor < type->params)
		return NULL;
	for (uint32_t i = 0; i < type->params; i++)
		if (run->top[(int32_t)i - type->params] != words[i])
			return NULL;
	if (!fits(run, run->top - type->params + type->results))
		return NULL;
	if (index < v->d->imported_funcs)
		validate_quicken(v, at, OP_CALL_IMPORT);
	run->top -= type->params;
	if (type->results != 0)
		*run->top++ = words[type->params];
	return next;
}

/* -- Blocks and branches ----------------------------------------------------------------- */

/* A type of one byte: none, or that of a number. */
static inline bool short_type(uint8_t byte)
{
	return byte == 0x40 || (byte >= TYPE_F64 && byte <= TYPE_I32);
}

static inline bool has_room(const struct buf *buf, size_t size)
{
	return buf->room - buf->size >= size;
}

static inline uint32_t side_add(struct validate *v)
{
	uint32_t entry = validate_side_count(v);

	v->d->side.size += sizeof(struct image_side);
	return entry;
}

LANE take_block(struct run *run, const uint8_t *at)
{
	struct validate *v = run->v;

	/* The last block there may be needs a longer look. */
	if (!short_type(at[1]) || !has_room(&v->blocks, sizeof(struct block)) ||
	    v->blocks.size >= (LIMIT_NESTING - 1) * sizeof(struct block))
		return NULL;
	*++v->top = (struct block){
		.type = at[1],
		.kind = at[1] == 0x40 ? BLOCK_EMPTY : BLOCK_VALUE,
		.opcode = *at,
		.height = height(run),
		.slots = slots(run),
		.pc = offset(run, at + 2),
		.side = validate_side_count(v),
		.fixups = IMAGE_NONE,
	};
	v->blocks.size += sizeof(struct block);
	run->floor = run->top;
	return at + 2;
}

LANE take_if_(struct run *run, const uint8_t *at)
{
	struct validate *v = run->v;
	const uint8_t *next;
	uint32_t entry;

	if (!tops(run, TYPE_I32, 1) || !has_room(&v->d->side, sizeof(struct image_side)))
		return NULL;
	entry = side_add(v);
	run->top--;
	next = take_block(run, at);
	if (UNLIKELY(next == NULL)) {
		run->top++;
		v->d->side.size -= sizeof(struct image_side);
		return NULL;
	}
	*validate_side(v, entry) = (struct image_side){.pc = (int32_t)offset(run, at)};
	return next;
}

/* Is exactly what the block yields on the stack? */
static inline bool yields(const struct run *run, const struct block *block)
{
	return block->kind <= BLOCK_VALUE && run->top - block->kind == run->floor &&
	       tops(run, block->type, block->kind);
}

LANE take_else_(struct run *run, const uint8_t *at)
{
	struct validate *v = run->v;
	struct block *block = v->top;
	uint32_t entry;

	if (block->opcode != OP_IF || !yields(run, block) || block->type == TYPE_V128 ||
	    !has_room(&v->d->side, sizeof(struct image_side)))
		return NULL;
	entry = side_add(v);
	*validate_side(v, entry) = (struct image_side){0};
	validate_land(v, block->side - 1, offset(run, at + 1));
	validate_chain(v, block, entry, offset(run, at));
	block->opcode = OP_ELSE;
	block->unreachable = false;
	run->top = v->operands + block->height;
	return at + 1;
}

LANE take_end_(struct run *run, const uint8_t *at)
{
	struct validate *v = run->v;
	struct block *block = v->top;

	if (block->opcode > OP_ELSE || !yields(run, block))
		return NULL;
	if (block->opcode == OP_IF) {
		if (block->kind != BLOCK_EMPTY)
			return NULL;
		validate_land(v, block->side - 1, offset(run, at + 1));
	}
	validate_land_chain(v, block, offset(run, at + 1));
	v->top--;
	v->blocks.size -= sizeof(struct block);
	run->floor = v->operands + v->top->height;
	return at + 1;
}

/* The branch at `at`, by its label; false: not plain. */
static inline bool aim(struct run *run, const uint8_t *at, enum opcode plain)
{
	struct validate *v = run->v;
	struct block *block = v->top - at[1];
	uint32_t entry, keep;

	/* A label from 128 on has a second byte. */
	if (at[1] >= 0x80 || at[1] >= BUF_COUNT(&v->blocks, struct block) ||
	    !has_room(&v->d->side, sizeof(struct image_side)) || block->kind > BLOCK_VALUE ||
	    block->type == TYPE_V128)
		return false;
	keep = block->opcode == OP_LOOP ? 0 : block->kind;
	if (!tops(run, block->type, keep))
		return false;
	entry = side_add(v);
	if (validate_aim(v, block, entry, offset(run, at), keep, slots(run) - block->slots))
		validate_quicken(v, at, plain);
	return true;
}

/* May the block's operands be dropped as if each took a slot? */
static inline bool drops_evenly(const struct run *run)
{
	return run->more_slots == run->v->top->slots - run->v->top->height;
}

/* Nothing behind is reached: the block's operands are gone. */
static inline void leave(struct run *run)
{
	run->v->top->unreachable = true;
	run->top = run->v->operands + run->v->top->height;
}

LANE take_br(struct run *run, const uint8_t *at)
{
	if (!drops_evenly(run) || !aim(run, at, OP_BR_PLAIN))
		return NULL;
	leave(run);
	return at + 2;
}

LANE take_br_if(struct run *run, const uint8_t *at)
{
	if (!tops(run, TYPE_I32, 1))
		return NULL;
	run->top--;
	if (aim(run, at, OP_BR_IF_PLAIN))
		return at + 2;
	run->top++;
	return NULL;
}

LANE take_return_(struct run *run, const uint8_t *at)
{
	const struct block *body = BUF_ITEM(&run->v->blocks, struct block, 0);

	if (body->kind > BLOCK_VALUE || !tops(run, body->type, body->kind) || !drops_evenly(run))
		return NULL;
	leave(run);
	return at + 1;
}

/* -- The loop ---------------------------------------------------------------------------- */

/* Locals that take two slots or must be set first are for the careful way. */
static int careful(struct validate *v)
{
	do
		TRY(validate_instruction(v));
	while (v->top != NULL);
	return 0;
}

/* What was taken reaches over the body's end. */
static int cut_off(struct validate *v, const uint8_t *at)
{
	v->at = at;
	v->r.at = v->r.end;
	reader_fail(&v->r, "unexpected end");
	return validate_malformed(v);
}

/* Behind this there is not enough left to read without asking. */
static const uint8_t *safe_end(const struct validate *v)
{
	const uint8_t *limit = v->d->limit;

	return (size_t)(limit - v->r.end) >= LONGEST ? v->r.end
	       : limit - v->d->base > LONGEST        ? limit - LONGEST
						     : v->d->base;
}

/* A lane: take, and on to the lane of the next instruction. */
#define TAKE(name)                    \
name:                                 \
	next = take_##name(&run, at); \
	if (UNLIKELY(next == NULL))   \
		goto slow;            \
	if (UNLIKELY(next >= end))    \
		goto edge;            \
	at = next;                    \
	goto *lanes[opcode_lane[*at]]

/* table-like: a lane a line. */
int validate_run(struct validate *v)
{
	static const void *const lanes[LANE_COUNT] = {
		[LANE_SLOW] = &&slow,     [LANE_LOCAL] = &&local,    [LANE_NUMERIC] = &&numeric,
		[LANE_CONST] = &&const_,  [LANE_F32] = &&f32,        [LANE_F64] = &&f64,
		[LANE_ACCESS] = &&access, [LANE_DROP] = &&drop,      [LANE_SELECT] = &&select,
		[LANE_GLOBAL] = &&global, [LANE_BLOCK] = &&block,    [LANE_IF] = &&if_,
		[LANE_ELSE] = &&else_,    [LANE_END] = &&end_,       [LANE_BR] = &&br,
		[LANE_BR_IF] = &&br_if,   [LANE_RETURN] = &&return_, [LANE_CALL] = &&call,
	};
	const uint8_t *at = v->r.at, *end = safe_end(v), *next;
	struct run run;

	if (v->has_map || v->tracks_inits)
		return careful(v);
	load(&run, v);
	goto slow;
	TAKE(local);
	TAKE(numeric);
	TAKE(const_);
	TAKE(f32);
	TAKE(f64);
	TAKE(access);
	TAKE(drop);
	TAKE(select);
	TAKE(global);
	TAKE(block);
	TAKE(if_);
	TAKE(else_);
	TAKE(end_);
	TAKE(br);
	TAKE(br_if);
	TAKE(return_);
	TAKE(call);
edge:
	if (next > v->r.end)
		return cut_off(v, at);
	at = next;
slow:
	store(&run, at);
	TRY(validate_instruction(v));
	if (v->top == NULL)
		return 0;
	load(&run, v);
	at = v->r.at;
	if (at >= end)
		goto slow;
	goto *lanes[opcode_lane[*at]];
}
