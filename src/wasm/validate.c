/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate.c: the code section: locals, and the loop over a body's instructions.
 *
 * Most instructions have their whole rule in opcodes.def: how many operands of which types, which result,
 * which immediate. They take the short path here; locals, which are every third instruction of real
 * code, have theirs too. The rest goes to validate_control.c. What is frequent and right validate_run.c
 * has taken before it would come here.
 */
#include <errno.h>
#include <stdlib.h>

#include "wasm/validator.h"

/* -- Instructions with a signature in the table ------------------------------------------ */

/* What an access says of its place, as the shortest form has it. */
struct memarg {
	uint32_t align;
	uint32_t memory;
	uint64_t offset;
	bool is_far; /* not a 32-bit address of memory 0 */
};

/* What is atomic says its natural alignment, no less. */
static int exact_alignment(struct validate *v, const struct opcode_info *info, uint32_t flags)
{
	if (flags < 32 && UINT64_C(1) << flags == info->width)
		return 0;
	return validate_invalid(v, "atomic alignment must be natural: 2^%u, natural %u", flags,
				info->width);
}

static int memarg(struct validate *v, const struct opcode_info *info, uint32_t *ret_address,
		  struct memarg *ret)
{
	uint32_t flags, index = 0;
	uint64_t offset = 0;

	*ret_address = TYPE_I32;
	TRY(validate_u32(v, &flags));
	if (UNLIKELY(flags >= 0x40)) {
		if (flags >= 0x80 || !decode_has(v->d, FEATURE_MULTI_MEMORY))
			return decode_fail(v->d, DECODE_MALFORMED, v->at,
					   "malformed memop flags 0x%x", flags);
		flags &= 0x3f;
		TRY(validate_u32(v, &index));
	}
	if (UNLIKELY(!(v->r.at < v->r.end && *v->r.at < 0x80))) {
		if (!reader_u64(&v->r, &offset))
			return validate_malformed(v);
	} else {
		offset = *v->r.at++;
	}
	TRY(validate_memory_index(v, index, ret_address));
	if (UNLIKELY(offset > UINT32_MAX && *ret_address == TYPE_I32))
		return validate_invalid(v, "offset out of range: 0x%llx",
					(unsigned long long)offset);
	if (UNLIKELY(info->feature == FEATURE_THREADS))
		TRY(exact_alignment(v, info, flags));
	if (UNLIKELY(flags >= 32 || UINT64_C(1) << flags > info->width))
		return validate_invalid(
			v, "alignment must not be larger than natural: 2^%u, natural %u", flags,
			info->width);
	*ret = (struct memarg){flags, index, offset, index != 0 || *ret_address == TYPE_I64};
	return 0;
}

static uint8_t *write_number(uint8_t *to, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		*to++ = (uint8_t)(number | 0x80);
	*to++ = (uint8_t)number;
	return to;
}

/* Mark an access as far. What its byte of flags says then: opcode.h. */
static uint8_t far_flags(const struct validate *v, const struct opcode_info *info,
			 const struct memarg *arg)
{
	uint32_t opcode = (uint32_t)(info - opcode_info);
	uint32_t flags = arg->memory != 0 ? FAR_HAS_MEMORY : 0;

	validate_quicken(v, v->at, opcode < OPCODE_BASE_FB ? OP_FAR : PREFIX_FAR_FD);
	if (opcode < OPCODE_BASE_FB)
		return (uint8_t)(flags | arg->align << FAR_ALIGN_SHIFT | (opcode - OP_I32_LOAD));
	return (uint8_t)(flags | arg->align);
}

/*
 * The interpreter reads an access in its shortest form: one byte of flags, the memory if it is not memory 0, the
 * offset, the lane if there is one. A padded number, or memory 0 by name, is written so, and the rest of
 * its bytes become nops. `from` is behind the opcode, the reader behind the immediates, of which the last
 * `lanes` bytes are a lane.
 */
static void write_access(struct validate *v, const struct opcode_info *info, const uint8_t *from,
			 const struct memarg *arg, size_t lanes)
{
	uint8_t *to = (uint8_t *)(uintptr_t)from;
	uint8_t lane = v->r.at[-1];

	/* Atomic ones read any form; there is no far one of them. */
	if (arg->is_far && info >= &opcode_info[OPCODE_BASE_FE])
		return;
	*to++ = arg->is_far ? far_flags(v, info, arg) : (uint8_t)arg->align;
	if (arg->memory != 0)
		to = write_number(to, arg->memory);
	to = write_number(to, arg->offset);
	if (lanes != 0)
		*to++ = lane;
	while (to < v->r.at)
		*to++ = OP_NOP;
}

static int lanes(struct validate *v, uint32_t count, uint32_t limit)
{
	const uint8_t *lane = reader_take(&v->r, count);

	if (lane == NULL)
		return validate_malformed(v);
	for (uint32_t i = 0; i < count; i++)
		if (lane[i] >= limit)
			return validate_invalid(v, "invalid lane index %u, the limit is %u",
						lane[i], limit);
	return 0;
}

static const char *name_of(const struct opcode_info *info)
{
	return opcode_text((uint32_t)(info - opcode_info));
}

/* Lanes of a vector by the shape at the start of the name: "i8x16.", "f64x2.". */
static uint32_t lane_count(const struct opcode_info *info)
{
	const char *x = strchr(name_of(info), 'x');

	return x != NULL ? (uint32_t)atoi(x + 1) : 1;
}

static int take_bytes(struct validate *v, size_t size)
{
	return reader_take(&v->r, size) != NULL ? 0 : validate_malformed(v);
}

/* One byte, kept for an order of memory other than the only one there is. */
static int fence(struct validate *v)
{
	const uint8_t *byte = reader_take(&v->r, 1);

	if (byte == NULL)
		return validate_malformed(v);
	return *byte == 0 ? 0 : decode_fail(v->d, DECODE_MALFORMED, byte, "zero byte expected");
}

static int immediate(struct validate *v, const struct opcode_info *info, uint32_t *address)
{
	const uint8_t *from = v->r.at;
	struct memarg arg;
	int32_t narrow;
	int64_t wide;

	switch (info->imm) {
	case IMM_NONE:
		return 0;
	case IMM_MEMARG:
		TRY(memarg(v, info, address, &arg));
		write_access(v, info, from, &arg, 0);
		return 0;
	case IMM_I32:
		return LIKELY(reader_s32(&v->r, &narrow)) ? 0 : validate_malformed(v);
	case IMM_I64:
		return reader_s64(&v->r, &wide) ? 0 : validate_malformed(v);
	case IMM_F32:
		return take_bytes(v, 4);
	case IMM_F64:
		return take_bytes(v, 8);
	case IMM_V128:
		return take_bytes(v, 16);
	case IMM_LANES16:
		return lanes(v, 16, 32);
	case IMM_LANE:
		return lanes(v, 1, lane_count(info));
	case IMM_FENCE:
		return fence(v);
	case IMM_MEMARG_LANE:
		TRY(memarg(v, info, address, &arg));
		TRY(lanes(v, 1, 16u / info->width));
		write_access(v, info, from, &arg, 1);
		return 0;
	}
	invariant(false); /* IMM_UNKNOWN has been refused */
}

static int regular(struct validate *v, const struct opcode_info *info)
{
	uint32_t address = TYPE_I32;

	if (info->imm != IMM_NONE)
		TRY(immediate(v, info, &address));
	switch (info->pops) {
	case 3:
		TRY(validate_pop(v, info->type[2]));
		/* fall through */
	case 2:
		TRY(validate_pop(v, info->type[1]));
		/* fall through */
	case 1: /* the first operand of an access is its address */
		TRY(validate_pop(v, info->width != 0 ? address : info->type[0]));
	}
	return info->result != 0 ? validate_push(v, info->result) : 0;
}

/* -- Locals ------------------------------------------------------------------------------ */

static int note_set(struct validate *v, uint32_t index)
{
	if (v->set.data[index])
		return 0;
	v->set.data[index] = 1;
	return buf_put(&v->set_locals, &index, sizeof(index)) == NULL ? decode_no_memory(v->d) : 0;
}

static void quicken_local(const struct validate *v, uint32_t opcode, uint32_t type)
{
	static const uint8_t map[] = {OP_LOCAL_GET_MAP, OP_LOCAL_SET_MAP, OP_LOCAL_TEE_MAP};
	static const uint8_t vector[] = {OP_LOCAL_GET_V128, OP_LOCAL_SET_V128, OP_LOCAL_TEE_V128};

	validate_quicken(v, v->at, (type == TYPE_V128 ? vector : map)[opcode - OP_LOCAL_GET]);
}

static uint32_t local_type(const struct validate *v, uint32_t index)
{
	const struct local_run *runs;
	size_t low = 0, high = BUF_COUNT(&v->runs, struct local_run);

	if (LIKELY(index < BUF_COUNT(&v->locals, uint32_t)))
		return *BUF_ITEM(&v->locals, uint32_t, index);
	runs = BUF_ITEM(&v->runs, struct local_run, 0);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (runs[middle].end <= index)
			low = middle + 1;
		else
			high = middle;
	}
	return runs[low].type;
}

static int local(struct validate *v, uint32_t opcode)
{
	uint32_t index, type;

	TRY(validate_u32(v, &index));
	if (UNLIKELY(index >= v->local_count))
		return validate_invalid(v, "unknown local %u", index);
	type = local_type(v, index);
	if (UNLIKELY(v->has_map))
		quicken_local(v, opcode, type);
	if (UNLIKELY(v->tracks_inits)) {
		if (opcode != OP_LOCAL_GET)
			TRY(note_set(v, index));
		else if (!v->set.data[index])
			return validate_invalid(v, "uninitialized local %u", index);
	}
	if (opcode == OP_LOCAL_GET)
		return validate_push(v, type);
	TRY(validate_pop(v, type));
	return opcode == OP_LOCAL_TEE ? validate_push(v, type) : 0;
}

/* -- The loop ---------------------------------------------------------------------------- */

static int prefixed(struct validate *v, uint8_t prefix, uint32_t *opcode)
{
	uint32_t code;

	TRY(validate_u32(v, &code));
	*opcode = opcode_prefixed(prefix, code);
	if (*opcode == OPCODE_SPACE || opcode_info[*opcode].imm == IMM_UNKNOWN)
		return decode_fail(v->d, DECODE_MALFORMED, v->at, "illegal opcode 0x%02x %u",
				   prefix, code);
	return 0;
}

int validate_instruction(struct validate *v)
{
	const struct opcode_info *info;
	uint32_t opcode;

	v->at = v->r.at;
	if (UNLIKELY(v->at >= v->r.end)) {
		reader_fail(&v->r, "unexpected end of the body: END opcode expected");
		return validate_malformed(v);
	}
	opcode = *v->r.at++;
	if (opcode - OP_LOCAL_GET <= OP_LOCAL_TEE - OP_LOCAL_GET)
		return local(v, opcode);
	if (opcode >= 0xfb)
		TRY(prefixed(v, (uint8_t)opcode, &opcode));
	info = &opcode_info[opcode];
	if (info->feature != FEATURE_MVP)
		TRY(decode_need(v->d, info->feature, v->at));
	if (LIKELY(info->regular))
		return regular(v, info);
	if (UNLIKELY(info->imm == IMM_UNKNOWN))
		return decode_fail(v->d, DECODE_MALFORMED, v->at, "illegal opcode 0x%02x", opcode);
	return validate_control(v, opcode);
}

/* -- Bodies ------------------------------------------------------------------------------ */

/*
 * Eight bytes can declare fifty thousand locals, but hardly use them: written out, so that the type is
 * found by index, are no more than the body has bytes (`most`). The others are found among the runs.
 */
static int write_out(struct validate *v, uint32_t count, uint32_t type, size_t most)
{
	size_t known = BUF_COUNT(&v->locals, uint32_t);
	uint32_t *locals;

	count = (uint32_t)MIN(count, most - MIN(most, known));
	if (count == 0)
		return 0;
	locals = buf_add(&v->locals, count * sizeof(*locals));
	if (locals == NULL)
		return decode_no_memory(v->d);
	for (uint32_t i = 0; i < count; i++)
		locals[i] = type;
	return 0;
}

static int add_locals(struct validate *v, uint32_t count, uint32_t type, size_t most)
{
	struct local_run run = {v->local_count + count, type};

	if (count == 0)
		return 0;
	v->local_count += count;
	v->tracks_inits |= !valtype_has_default(type);
	v->has_map |= type == TYPE_V128;
	if (buf_put(&v->runs, &run, sizeof(run)) == NULL)
		return decode_no_memory(v->d);
	return write_out(v, count, type, most);
}

static int param_locals(struct validate *v)
{
	v->locals.size = v->runs.size = 0;
	v->local_count = v->type->params;
	v->has_map = v->type->params != v->type->param_slots;
	v->tracks_inits = false;
	if (v->local_count == 0)
		return 0;
	if (buf_put(&v->locals, type_words(&v->space, v->type),
		    v->local_count * sizeof(uint32_t)) == NULL)
		return decode_no_memory(v->d);
	return 0;
}

/* All runs must be counted before a single local is believed: four billion take three bytes to claim. */
static int count_locals(struct validate *v)
{
	const uint8_t *at = v->r.at;
	uint64_t total = 0;
	uint32_t runs, count, type;

	TRY(validate_u32(v, &runs));
	while (runs-- > 0) {
		TRY(validate_u32(v, &count));
		TRY(decode_valtype(v->d, &v->r, &type));
		total += count;
		if (total > UINT32_MAX)
			return decode_fail(v->d, DECODE_MALFORMED, at,
					   "too many locals: over 2^32");
	}
	if (total + v->local_count > LIMIT_LOCALS)
		return decode_fail(v->d, DECODE_INVALID, at,
				   "too many locals: %llu, the limit is %d",
				   (unsigned long long)total + v->local_count, LIMIT_LOCALS);
	v->r.at = at;
	return 0;
}

static int declared_locals(struct validate *v)
{
	size_t most = v->local_count + reader_left(&v->r);
	uint32_t runs, count, type;

	TRY(count_locals(v));
	TRY(validate_u32(v, &runs));
	while (runs-- > 0) {
		TRY(validate_u32(v, &count));
		TRY(decode_valtype(v->d, &v->r, &type));
		TRY(add_locals(v, count, type, most));
	}
	return 0;
}

/* Parameters are set from the start, and so is what has a default. */
static int start_inits(struct validate *v)
{
	uint32_t from = v->type->params;
	uint8_t *set;

	v->set.size = v->set_locals.size = 0;
	if (!v->tracks_inits)
		return 0;
	set = buf_add(&v->set, v->local_count);
	if (set == NULL)
		return decode_no_memory(v->d);
	memset(set, 1, from);
	for (size_t i = 0; i < BUF_COUNT(&v->runs, struct local_run); i++) {
		const struct local_run *run = BUF_ITEM(&v->runs, struct local_run, i);

		memset(set + from, valtype_has_default(run->type), run->end - from);
		from = run->end;
	}
	return 0;
}

/* The slot of each local, for the interpreter, in functions where it is not the index. */
static int map_locals(struct validate *v)
{
	struct buf *maps = &v->d->local_slots;
	uint32_t slots = 0;
	uint16_t *map;

	if (BUF_COUNT(maps, uint16_t) + v->local_count > LIMIT_LOCAL_MAPS)
		return decode_fail(v->d, DECODE_INVALID, v->at,
				   "over %d locals in functions that have locals of type v128",
				   LIMIT_LOCAL_MAPS);
	v->func->local_map = (uint32_t)BUF_COUNT(maps, uint16_t);
	map = buf_add(maps, v->local_count * sizeof(*map));
	if (map == NULL)
		return decode_no_memory(v->d);
	for (uint32_t i = 0; i < v->local_count; i++) {
		map[i] = (uint16_t)MIN(slots, UINT16_MAX);
		slots += valtype_slots(local_type(v, i));
	}
	return 0;
}

static int place_locals(struct validate *v)
{
	uint32_t slots = v->type->param_slots, from = v->type->params;

	for (size_t i = 0; i < BUF_COUNT(&v->runs, struct local_run); i++) {
		const struct local_run *run = BUF_ITEM(&v->runs, struct local_run, i);

		slots += (run->end - from) * valtype_slots(run->type);
		from = run->end;
	}
	if (slots > LIMIT_FRAME_SLOTS)
		return decode_fail(v->d, DECODE_INVALID, v->at,
				   "locals need %u slots, the limit is %d", slots,
				   LIMIT_FRAME_SLOTS);
	v->func->locals = (uint16_t)slots;
	return v->has_map ? map_locals(v) : 0;
}

static int start_stack(struct validate *v)
{
	v->height = v->slots = v->max_slots = 0;
	if (v->room < OPERAND_GUARDS)
		TRY(validate_reserve(v, OPERAND_GUARDS));
	while (v->height < OPERAND_GUARDS)
		v->operands[v->height++] = TYPE_BOTTOM;
	return 0;
}

static int start_body(struct validate *v)
{
	v->blocks.size = 0;
	validate_start_tries(v);
	v->at = v->r.at;
	v->func->body = decode_offset(v->d, v->r.at);
	TRY(start_stack(v));
	TRY(param_locals(v));
	TRY(declared_locals(v));
	TRY(start_inits(v));
	TRY(place_locals(v));
	v->func->code = decode_offset(v->d, v->r.at);
	v->func->side = validate_side_count(v);
	return validate_open_body(v);
}

static int finish_body(struct validate *v)
{
	uint32_t locals = v->func->locals + v->most_caught;
	uint32_t frame = locals + FRAME_RECORD_SLOTS + 1 + v->max_slots;

	if (v->r.at != v->r.end)
		return decode_fail(v->d, DECODE_MALFORMED, v->r.at,
				   "section size mismatch: %zu bytes behind the end of the body",
				   reader_left(&v->r));
	if (frame > LIMIT_FRAME_SLOTS)
		return decode_fail(v->d, DECODE_INVALID, v->at,
				   "the frame needs %u slots, the limit is %d", frame,
				   LIMIT_FRAME_SLOTS);
	v->func->locals = (uint16_t)locals;
	v->func->frame = (uint16_t)frame;
	v->func->code_end = decode_offset(v->d, v->r.end);
	return 0;
}

static int body(struct validate *v, uint32_t index)
{
	v->d->function = index;
	v->func = DECODE_ITEM(v->d, struct image_func, funcs, index);
	v->type = type_at(&v->space, v->func->type);
	TRY(start_body(v));
	TRY(validate_run(v));
	return finish_body(v);
}

static int next_body(struct validate *v, uint32_t index)
{
	struct decode *d = v->d;
	uint32_t size;

	d->function = IMAGE_NONE;
	if (!reader_u32(&d->r, &size))
		return decode_malformed(d);
	if (size > reader_left(&d->r))
		return decode_fail(d, DECODE_MALFORMED, d->r.at,
				   "unexpected end: the body says it has %u bytes, %zu are left",
				   size, reader_left(&d->r));
	if (size > LIMIT_BODY_BYTES)
		return decode_fail(d, DECODE_INVALID, d->r.at,
				   "function body of %u bytes, the limit is %d", size,
				   LIMIT_BODY_BYTES);
	v->r = (struct reader){.at = d->r.at, .end = d->r.at + size};
	TRY(body(v, index));
	d->r.at += size;
	return 0;
}

int decode_section_code(struct decode *d, uint32_t count)
{
	uint32_t defined = DECODE_COUNT(d, struct image_func, funcs) - d->imported_funcs;
	struct validate v = {.d = d, .space = decode_types_space(d)};
	int err = 0;

	v.has_memory32 = DECODE_COUNT(d, struct image_memory, memories) != 0 &&
			 !DECODE_ITEM(d, struct image_memory, memories, 0)->limits.is64;
	if (count != defined)
		return decode_fail(d, DECODE_MALFORMED, d->r.at,
				   "function and code section have inconsistent lengths: %u and %u",
				   defined, count);
	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = next_body(&v, d->imported_funcs + i);
	if (err == 0)
		d->function = IMAGE_NONE;
	free(v.operands);
	buf_deinit(&v.blocks);
	buf_deinit(&v.locals);
	buf_deinit(&v.runs);
	buf_deinit(&v.set);
	buf_deinit(&v.set_locals);
	buf_deinit(&v.tries);
	buf_deinit(&v.caught);
	return err;
}
