/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_run.c: the fast lane of validation.
 *
 * Nine of ten instructions are locals, constants, loads, stores and arithmetic on numbers. For those
 * everything there is to check fits in registers, so this loop keeps the reader and the operand stack in
 * locals and knows neither blocks nor messages. Whatever is not plain, not frequent or not right it
 * leaves where it stands: instruction() in validate.c looks at it again with all its care. So this file can
 * only accept, never refuse, and must accept nothing that would not pass there too.
 *
 * All values here take one slot, so slots and operands move together.
 */
#include "wasm/validator.h"

/* No instruction taken here is longer: one check of the end instead of one a byte. */
enum { LONGEST = 16 };

struct run {
	uint32_t *top;         /* behind the topmost operand */
	const uint32_t *floor; /* the block's own operands begin here */
	const uint32_t *locals;
	uint32_t local_count;
	bool has_memory; /* memory 0, with 32-bit addresses */
};

/* A number of up to four bytes, which cannot be malformed; NULL: a longer one. */
static inline const uint8_t *short_leb(const uint8_t *p)
{
	for (int i = 0; i < 4; i++)
		if (*p++ < 0x80)
			return p;
	return NULL;
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

/* Alignment and offset of an access to memory 0; NULL: not plain. */
static inline const uint8_t *short_memarg(const struct run *run, const struct opcode_info *info,
					  const uint8_t *p)
{
	if (!run->has_memory || *p > 3 || 1u << *p > info->width)
		return NULL;
	return short_leb(p + 1);
}

static inline bool top_is(const struct run *run, uint32_t type)
{
	return run->top > run->floor && run->top[-1] == type;
}

static inline bool two_are(const struct run *run, uint32_t below, uint32_t top)
{
	return run->top - run->floor >= 2 && run->top[-1] == top && run->top[-2] == below;
}

/* Take one instruction: where the next begins, or NULL with nothing changed. table-like. */
static inline __attribute__((always_inline)) const uint8_t *take(struct run *run, const uint8_t *at)
{
	const struct opcode_info *info = &opcode_info[*at];
	const uint8_t *next;
	uint32_t index;

	switch ((enum opcode_lane)opcode_lane[*at]) {
	case LANE_LOCAL_GET:
		next = short_u32(at + 1, &index);
		if (next == NULL || index >= run->local_count)
			return NULL;
		*run->top++ = run->locals[index];
		return next;
	case LANE_LOCAL_SET:
		next = short_u32(at + 1, &index);
		if (next == NULL || index >= run->local_count || !top_is(run, run->locals[index]))
			return NULL;
		run->top--;
		return next;
	case LANE_LOCAL_TEE:
		next = short_u32(at + 1, &index);
		if (next == NULL || index >= run->local_count || !top_is(run, run->locals[index]))
			return NULL;
		return next;
	case LANE_CONST:
		next = short_leb(at + 1);
		if (next != NULL)
			*run->top++ = info->result;
		return next;
	case LANE_F32:
		*run->top++ = TYPE_F32;
		return at + 5;
	case LANE_F64:
		*run->top++ = TYPE_F64;
		return at + 9;
	case LANE_UNARY:
		if (!top_is(run, info->type[0]))
			return NULL;
		run->top[-1] = info->result;
		return at + 1;
	case LANE_BINARY:
		if (!two_are(run, info->type[0], info->type[1]))
			return NULL;
		run->top--;
		run->top[-1] = info->result;
		return at + 1;
	case LANE_LOAD:
		next = short_memarg(run, info, at + 1);
		if (next == NULL || !top_is(run, TYPE_I32))
			return NULL;
		run->top[-1] = info->result;
		return next;
	case LANE_STORE:
		next = short_memarg(run, info, at + 1);
		if (next == NULL || !two_are(run, TYPE_I32, info->type[1]))
			return NULL;
		run->top -= 2;
		return next;
	case LANE_SLOW:
		break;
	}
	return NULL;
}

void validate_run(struct validate *v)
{
	const uint8_t *at = v->r.at, *end, *next;
	uint32_t *start, *high, *room;
	struct run run;

	/* No operands at all yet: whatever comes first makes room for them. */
	if (v->operands == NULL || v->has_map || v->tracks_inits || reader_left(&v->r) < LONGEST)
		return;
	start = high = v->operands + v->height;
	room = v->operands + v->room;
	run = (struct run){
		.top = start,
		.floor = v->operands + v->top->height,
		.locals = (const uint32_t *)(const void *)v->locals.data, /* may be NULL */
		.local_count = v->local_count,
		.has_memory = v->has_memory32,
	};
	end = v->r.end - LONGEST;
	while (at < end && run.top < room && (next = take(&run, at)) != NULL) {
		at = next;
		high = MAX(high, run.top);
	}
	v->max_slots = MAX(v->max_slots, v->slots + (uint32_t)(high - start));
	v->slots += (uint32_t)(run.top - start);
	v->height += (uint32_t)(run.top - start);
	v->r.at = at;
}
