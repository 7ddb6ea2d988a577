/* SPDX-License-Identifier: Apache-2.0 */
/*
 * constexpr.c: constant expressions, the few instructions that give globals, tables and segments their first
 * value (specification: "Validation, Constant Expressions").
 *
 * Nearly all are one instruction and an end; those come out taken apart (INIT_VALUE, INIT_FUNC,
 * INIT_GLOBAL) so that instantiation does not run anything for them. exec/init.c runs the others.
 */
#include "wasm/decoder.h"
#include "wasm/opcode.h"

enum { STACK_MAX = LIMIT_CONST_STACK };

struct expr {
	struct decode *d;
	uint32_t type[STACK_MAX];
	uint32_t height;
	uint32_t count; /* instructions so far */
	struct image_init init; /* what the last one was */
};

static int push(struct expr *e, uint32_t type, const uint8_t *at)
{
	if (e->height == STACK_MAX)
		return decode_fail(e->d, DECODE_INVALID, at,
				   "constant expression deeper than %d values", STACK_MAX);
	e->type[e->height++] = type;
	return 0;
}

static int push_init(struct expr *e, uint32_t type, enum image_init_kind kind, uint64_t value,
		     const uint8_t *at)
{
	e->init = (struct image_init){.kind = kind, .value = value};
	return push(e, type, at);
}

static int literal(struct expr *e, uint32_t opcode, const uint8_t *at)
{
	struct reader *r = &e->d->r;
	uint32_t type = TYPE_I32;
	const uint8_t *bytes;
	uint64_t value = 0;
	int32_t narrow;
	int64_t wide;

	switch (opcode) {
	case OP_I32_CONST:
		if (!reader_s32(r, &narrow))
			return decode_malformed(e->d);
		value = (uint32_t)narrow;
		break;
	case OP_I64_CONST:
		if (!reader_s64(r, &wide))
			return decode_malformed(e->d);
		value = (uint64_t)wide;
		type = TYPE_I64;
		break;
	default: /* f32.const, f64.const */
		type = opcode == OP_F32_CONST ? TYPE_F32 : TYPE_F64;
		bytes = reader_take(r, type == TYPE_F32 ? 4 : 8);
		if (bytes == NULL)
			return decode_malformed(e->d);
		memcpy(&value, bytes, type == TYPE_F32 ? 4 : 8);
	}
	return push_init(e, type, INIT_VALUE, value, at);
}

static int vector_literal(struct expr *e, const uint8_t *at)
{
	struct reader *r = &e->d->r;
	uint32_t sub;

	if (!reader_u32(r, &sub))
		return decode_malformed(e->d);
	if (opcode_prefixed(0xfd, sub) != OP_V128_CONST)
		return decode_fail(e->d, DECODE_INVALID, at, "constant expression required");
	if (reader_take(r, 16) == NULL)
		return decode_malformed(e->d);
	if (decode_need(e->d, FEATURE_SIMD, at) != 0)
		return DECODE_INVALID;
	return push_init(e, TYPE_V128, INIT_EXPR, 0, at);
}

static int global_get(struct expr *e, const uint8_t *at)
{
	struct decode *d = e->d;
	const struct image_global *global;
	uint32_t index;
	int err = 0;

	if (!reader_u32(&d->r, &index))
		return decode_malformed(d);
	if (index >= DECODE_COUNT(d, struct image_global, globals))
		return decode_fail(d, DECODE_INVALID, at, "unknown global %u", index);
	global = DECODE_ITEM(d, struct image_global, globals, index);
	if (global->is_mutable)
		return decode_fail(d, DECODE_INVALID, at,
				   "constant expression required: global %u is mutable", index);
	if (index >= d->imported_globals)
		err = decode_need(d, FEATURE_GC, at);
	return err != 0 ? err : push_init(e, global->type, INIT_GLOBAL, index, at);
}

static int ref_func(struct expr *e, const uint8_t *at)
{
	struct decode *d = e->d;
	uint32_t index;
	int err = decode_need(d, FEATURE_REF_TYPES, at);

	if (err != 0)
		return err;
	if (!reader_u32(&d->r, &index))
		return decode_malformed(d);
	if (index >= DECODE_COUNT(d, struct image_func, funcs))
		return decode_fail(d, DECODE_INVALID, at, "unknown function %u", index);
	err = decode_declare(d, index);
	if (err != 0)
		return err;
	return push_init(
		e, TYPE_MAKE_REF(false, DECODE_ITEM(d, struct image_func, funcs, index)->type),
		INIT_FUNC, index, at);
}

static int ref_null(struct expr *e, const uint8_t *at)
{
	uint32_t heap;
	int err = decode_need(e->d, FEATURE_REF_TYPES, at);

	if (err == 0)
		err = decode_heaptype(e->d, &e->d->r, &heap);
	return err != 0 ? err : push_init(e, TYPE_MAKE_REF(true, heap), INIT_VALUE, 0, at);
}

static int arithmetic(struct expr *e, uint32_t type, const uint8_t *at)
{
	int err = decode_need(e->d, FEATURE_EXTENDED_CONST, at);

	if (err != 0)
		return err;
	if (e->height < 2 || e->type[e->height - 1] != type || e->type[e->height - 2] != type)
		return decode_fail(e->d, DECODE_INVALID, at, "type mismatch: expected two %s",
				   valtype_name(type).text);
	e->height -= 2;
	return push_init(e, type, INIT_EXPR, 0, at);
}

/* -- Objects --------------------------------------------------------------------------------- */

static int pop(struct expr *e, uint32_t type, const uint8_t *at)
{
	struct type_space space = decode_types_space(e->d);

	if (e->height == 0 || !type_matches(&space, e->type[e->height - 1], type))
		return decode_fail(e->d, DECODE_INVALID, at, "type mismatch: expected %s, found %s",
				   valtype_name(type).text,
				   e->height == 0 ? "nothing"
						  : valtype_name(e->type[e->height - 1]).text);
	e->height--;
	return 0;
}

static int type_index(struct expr *e, enum type_form form, const uint8_t *at, uint32_t *ret)
{
	struct type_space space = decode_types_space(e->d);
	uint32_t index;

	if (!reader_u32(&e->d->r, &index))
		return decode_malformed(e->d);
	if (index >= e->d->type_limit)
		return decode_fail(e->d, DECODE_INVALID, at, "unknown type %u", index);
	*ret = type_at(&space, index)->canon;
	if (type_at(&space, *ret)->form != form)
		return decode_fail(e->d, DECODE_INVALID, at, "type mismatch: type %u is no %s type",
				   index, form == FORM_STRUCT ? "struct" : "array");
	return 0;
}

static uint32_t unpacked(uint32_t field)
{
	uint32_t type = FIELD_TYPE(field);

	return type == TYPE_I8 || type == TYPE_I16 ? TYPE_I32 : type;
}

static int push_object(struct expr *e, uint32_t type, const uint8_t *at)
{
	return push_init(e, TYPE_MAKE_REF(false, type), INIT_EXPR, 0, at);
}

static int no_default(struct expr *e, const uint8_t *at)
{
	return decode_fail(e->d, DECODE_INVALID, at, "a field or element has no default");
}

static int struct_new(struct expr *e, bool is_default, const uint8_t *at)
{
	struct type_space space = decode_types_space(e->d);
	const struct type_def *def;
	const uint32_t *fields;
	uint32_t type;
	int err = type_index(e, FORM_STRUCT, at, &type);

	if (err != 0)
		return err;
	def = type_at(&space, type);
	fields = type_words(&space, def);
	if (is_default && !def->has_default)
		return no_default(e, at);
	for (uint32_t i = def->params; err == 0 && !is_default && i-- > 0;)
		err = pop(e, unpacked(fields[i]), at);
	return err != 0 ? err : push_object(e, type, at);
}

/* array.new_fixed takes as many values as an immediate says, the others a value or none, and a length. */
static int array_new(struct expr *e, uint32_t opcode, const uint8_t *at)
{
	struct type_space space = decode_types_space(e->d);
	uint32_t type, field, count = 1;
	int err = type_index(e, FORM_ARRAY, at, &type);

	if (err != 0)
		return err;
	field = type_words(&space, type_at(&space, type))[0];
	if (opcode == OP_ARRAY_NEW_FIXED) {
		if (!reader_u32(&e->d->r, &count))
			return decode_malformed(e->d);
	} else {
		err = pop(e, TYPE_I32, at);
	}
	if (opcode == OP_ARRAY_NEW_DEFAULT) {
		count = 0;
		if (err == 0 && !valtype_has_default(FIELD_TYPE(field)))
			err = no_default(e, at);
	}
	while (err == 0 && count-- > 0)
		err = pop(e, unpacked(field), at);
	return err != 0 ? err : push_object(e, type, at);
}

static int ref_i31(struct expr *e, const uint8_t *at)
{
	int err = pop(e, TYPE_I32, at);

	return err != 0 ? err
			: push_init(e, TYPE_MAKE_REF(false, HEAP_ABSTRACT(HEAP_I31)), INIT_EXPR, 0,
				    at);
}

static int convert(struct expr *e, enum heap_code from, enum heap_code to, const uint8_t *at)
{
	bool nullable = e->height == 0 || valtype_is_nullable(e->type[e->height - 1]);
	int err = pop(e, TYPE_MAKE_REF(true, HEAP_ABSTRACT(from)), at);

	return err != 0
		       ? err
		       : push_init(e, TYPE_MAKE_REF(nullable, HEAP_ABSTRACT(to)), INIT_EXPR, 0, at);
}

static int object_instruction(struct expr *e, const uint8_t *at)
{
	uint32_t sub, opcode;
	int err;

	if (!reader_u32(&e->d->r, &sub))
		return decode_malformed(e->d);
	opcode = opcode_prefixed(0xfb, sub);
	if (opcode == OPCODE_SPACE || opcode_info[opcode].imm == IMM_UNKNOWN)
		return decode_fail(e->d, DECODE_MALFORMED, at, "illegal opcode 0xfb %u", sub);
	err = decode_need(e->d, FEATURE_GC, at);
	if (err != 0)
		return err;
	switch (opcode) {
	case OP_STRUCT_NEW:
	case OP_STRUCT_NEW_DEFAULT:
		return struct_new(e, opcode == OP_STRUCT_NEW_DEFAULT, at);
	case OP_ARRAY_NEW:
	case OP_ARRAY_NEW_DEFAULT:
	case OP_ARRAY_NEW_FIXED:
		return array_new(e, opcode, at);
	case OP_REF_I31:
		return ref_i31(e, at);
	case OP_ANY_CONVERT_EXTERN:
		return convert(e, HEAP_EXTERN, HEAP_ANY, at);
	case OP_EXTERN_CONVERT_ANY:
		return convert(e, HEAP_ANY, HEAP_EXTERN, at);
	}
	return decode_fail(e->d, DECODE_INVALID, at, "constant expression required, found %s",
			   opcode_text(opcode));
}

/* -- All of them ----------------------------------------------------------------------------- */

static int instruction(struct expr *e, uint8_t opcode, const uint8_t *at)
{
	switch (opcode) {
	case OP_I32_CONST:
	case OP_I64_CONST:
	case OP_F32_CONST:
	case OP_F64_CONST:
		return literal(e, opcode, at);
	case 0xfd:
		return vector_literal(e, at);
	case OP_GLOBAL_GET:
		return global_get(e, at);
	case OP_REF_FUNC:
		return ref_func(e, at);
	case OP_REF_NULL:
		return ref_null(e, at);
	case OP_I32_ADD:
	case OP_I32_SUB:
	case OP_I32_MUL:
		return arithmetic(e, TYPE_I32, at);
	case OP_I64_ADD:
	case OP_I64_SUB:
	case OP_I64_MUL:
		return arithmetic(e, TYPE_I64, at);
	case 0xfb:
		return object_instruction(e, at);
	}
	if (opcode_info[opcode].imm == IMM_UNKNOWN)
		return decode_fail(e->d, DECODE_MALFORMED, at, "illegal opcode 0x%02x", opcode);
	return decode_fail(e->d, DECODE_INVALID, at, "constant expression required, found %s",
			   opcode_text(opcode));
}

static int finish(struct expr *e, uint32_t type, uint32_t start, const uint8_t *at,
		  struct image_init *ret)
{
	struct type_space space = decode_types_space(e->d);

	if (e->height != 1 || !type_matches(&space, e->type[0], type))
		return decode_fail(
			e->d, DECODE_INVALID, at,
			"type mismatch: constant expression yields %u values%s%s, expected %s",
			e->height, e->height == 1 ? " of type " : "",
			e->height == 1 ? valtype_name(e->type[0]).text : "",
			valtype_name(type).text);
	*ret = e->init;
	ret->at = start;
	if (e->count > 1)
		ret->kind = INIT_EXPR;
	return 0;
}

int decode_constexpr(struct decode *d, uint32_t type, struct image_init *ret)
{
	uint32_t start = decode_offset(d, d->r.at);
	struct expr e;
	uint8_t opcode;
	int err;

	e.d = d;
	e.height = 0;
	e.count = 0;
	for (;;) {
		const uint8_t *at = d->r.at;

		if (!reader_byte(&d->r, &opcode))
			return decode_malformed(d);
		if (opcode == OP_END)
			return finish(&e, type, start, at, ret);
		err = instruction(&e, opcode, at);
		if (err != 0)
			return err;
		e.count++;
	}
}
