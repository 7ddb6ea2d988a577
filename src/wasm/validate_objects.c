/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_objects.c: structs, arrays, i31 and casts: one short rule an instruction (specification: "Validation,
 * Instructions, Aggregate Reference Instructions"). Casts that branch are in validate_control.c.
 */
#include "wasm/validator.h"

static uint32_t null_abstract(enum heap_code code)
{
	return TYPE_MAKE_REF(true, HEAP_ABSTRACT(code));
}

/* What a field is on the stack. */
static uint32_t unpacked(uint32_t field)
{
	uint32_t type = FIELD_TYPE(field);

	return type == TYPE_I8 || type == TYPE_I16 ? TYPE_I32 : type;
}

static bool is_packed(uint32_t field)
{
	return FIELD_TYPE(field) == TYPE_I8 || FIELD_TYPE(field) == TYPE_I16;
}

static int type_index(struct validate *v, enum type_form form, uint32_t *ret)
{
	uint32_t index;

	TRY(validate_u32(v, &index));
	if (index >= v->space.count)
		return validate_invalid(v, "unknown type %u", index);
	*ret = type_at(&v->space, index)->canon;
	if (type_at(&v->space, *ret)->form != form)
		return validate_invalid(v, "type mismatch: type %u is no %s type", index,
					form == FORM_STRUCT ? "struct" : "array");
	return 0;
}

static int pop_object(struct validate *v, uint32_t type)
{
	return validate_pop(v, TYPE_MAKE_REF(true, type));
}

static int push_object(struct validate *v, uint32_t type)
{
	return validate_push(v, TYPE_MAKE_REF(false, type));
}

/* -- Structs --------------------------------------------------------------------------------- */

static int struct_new(struct validate *v, bool is_default)
{
	const struct type_def *def;
	const uint32_t *fields;
	uint32_t type;

	TRY(type_index(v, FORM_STRUCT, &type));
	def = type_at(&v->space, type);
	fields = type_words(&v->space, def);
	if (is_default && !def->has_default)
		return validate_invalid(v, "not all fields of type %u have a default", type);
	for (uint32_t i = def->params; !is_default && i-- > 0 && !validate_has_all(v);)
		TRY(validate_pop(v, unpacked(fields[i])));
	return push_object(v, type);
}

static int struct_field(struct validate *v, uint32_t *ret_type, uint32_t *ret_field)
{
	const struct type_def *def;
	uint32_t index;

	TRY(type_index(v, FORM_STRUCT, ret_type));
	TRY(validate_u32(v, &index));
	def = type_at(&v->space, *ret_type);
	if (index >= def->params)
		return validate_invalid(v, "unknown field %u, the struct has %u", index,
					def->params);
	*ret_field = type_words(&v->space, def)[index];
	return 0;
}

/* Packed fields are read with a sign or without; others only as they are. */
static int check_packing(struct validate *v, uint32_t field, bool has_sign)
{
	if (is_packed(field) == has_sign)
		return 0;
	return validate_invalid(v, "type mismatch: the field is %spacked",
				is_packed(field) ? "" : "not ");
}

static int struct_get(struct validate *v, bool has_sign)
{
	uint32_t type, field;

	TRY(struct_field(v, &type, &field));
	TRY(check_packing(v, field, has_sign));
	TRY(pop_object(v, type));
	return validate_push(v, unpacked(field));
}

static int check_mutable(struct validate *v, uint32_t field)
{
	return field & FIELD_MUTABLE ? 0 : validate_invalid(v, "immutable field or array");
}

static int struct_set(struct validate *v)
{
	uint32_t type, field;

	TRY(struct_field(v, &type, &field));
	TRY(check_mutable(v, field));
	TRY(validate_pop(v, unpacked(field)));
	return pop_object(v, type);
}

/* -- Arrays ---------------------------------------------------------------------------------- */

static int array_index(struct validate *v, uint32_t *ret_type, uint32_t *ret_field)
{
	TRY(type_index(v, FORM_ARRAY, ret_type));
	*ret_field = type_words(&v->space, type_at(&v->space, *ret_type))[0];
	return 0;
}

static int pop_i32s(struct validate *v, uint32_t count)
{
	while (count-- > 0)
		TRY(validate_pop(v, TYPE_I32));
	return 0;
}

static int array_new(struct validate *v, bool is_default)
{
	uint32_t type, field;

	TRY(array_index(v, &type, &field));
	if (is_default && !valtype_has_default(FIELD_TYPE(field)))
		return validate_invalid(v, "the array's elements have no default");
	TRY(validate_pop(v, TYPE_I32));
	if (!is_default)
		TRY(validate_pop(v, unpacked(field)));
	return push_object(v, type);
}

static int array_new_fixed(struct validate *v)
{
	uint32_t type, field, count;

	TRY(array_index(v, &type, &field));
	TRY(validate_u32(v, &count));
	if (count > LIMIT_FIXED_ELEMENTS)
		return validate_invalid(v, "array.new_fixed of %u elements, the limit is %d", count,
					LIMIT_FIXED_ELEMENTS);
	while (count-- > 0 && !validate_has_all(v))
		TRY(validate_pop(v, unpacked(field)));
	return push_object(v, type);
}

/* A data segment is bytes: numbers and vectors may be made of it. */
static int data_of(struct validate *v, uint32_t field)
{
	uint32_t index;

	TRY(validate_u32(v, &index));
	TRY(validate_data_index(v, index));
	if (valtype_is_ref(FIELD_TYPE(field)))
		return validate_invalid(v, "type mismatch: elements of type %s cannot be data",
					valtype_name(FIELD_TYPE(field)).text);
	return 0;
}

static int element_of(struct validate *v, uint32_t field)
{
	uint32_t index, type;

	TRY(validate_u32(v, &index));
	if (index >= DECODE_COUNT(v->d, struct image_element, elements))
		return validate_invalid(v, "unknown elem segment %u", index);
	type = DECODE_ITEM(v->d, struct image_element, elements, index)->type;
	if (!type_matches(&v->space, type, FIELD_TYPE(field)))
		return validate_invalid(v, "type mismatch: a segment of %s, an array of %s",
					valtype_name(type).text,
					valtype_name(FIELD_TYPE(field)).text);
	return 0;
}

static int array_new_segment(struct validate *v, bool is_data)
{
	uint32_t type, field;

	TRY(array_index(v, &type, &field));
	TRY(is_data ? data_of(v, field) : element_of(v, field));
	TRY(pop_i32s(v, 2));
	return push_object(v, type);
}

static int array_init_segment(struct validate *v, bool is_data)
{
	uint32_t type, field;

	TRY(array_index(v, &type, &field));
	TRY(check_mutable(v, field));
	TRY(is_data ? data_of(v, field) : element_of(v, field));
	TRY(pop_i32s(v, 3));
	return pop_object(v, type);
}

static int array_get(struct validate *v, bool has_sign)
{
	uint32_t type, field;

	TRY(array_index(v, &type, &field));
	TRY(check_packing(v, field, has_sign));
	TRY(validate_pop(v, TYPE_I32));
	TRY(pop_object(v, type));
	return validate_push(v, unpacked(field));
}

static int array_set(struct validate *v)
{
	uint32_t type, field;

	TRY(array_index(v, &type, &field));
	TRY(check_mutable(v, field));
	TRY(validate_pop(v, unpacked(field)));
	TRY(validate_pop(v, TYPE_I32));
	return pop_object(v, type);
}

static int array_len(struct validate *v)
{
	TRY(validate_pop(v, null_abstract(HEAP_ARRAY)));
	return validate_push(v, TYPE_I32);
}

static int array_fill(struct validate *v)
{
	uint32_t type, field;

	TRY(array_index(v, &type, &field));
	TRY(check_mutable(v, field));
	TRY(validate_pop(v, TYPE_I32));
	TRY(validate_pop(v, unpacked(field)));
	TRY(validate_pop(v, TYPE_I32));
	return pop_object(v, type);
}

static int array_copy(struct validate *v)
{
	uint32_t to, to_field, from, from_field;

	TRY(array_index(v, &to, &to_field));
	TRY(array_index(v, &from, &from_field));
	TRY(check_mutable(v, to_field));
	if (!type_matches(&v->space, FIELD_TYPE(from_field), FIELD_TYPE(to_field)))
		return validate_invalid(v, "type mismatch: array.copy of %s to %s",
					valtype_name(FIELD_TYPE(from_field)).text,
					valtype_name(FIELD_TYPE(to_field)).text);
	TRY(pop_i32s(v, 2));
	TRY(pop_object(v, from));
	TRY(validate_pop(v, TYPE_I32));
	return pop_object(v, to);
}

/* -- i31, equality, conversion --------------------------------------------------------------- */

static int ref_eq(struct validate *v)
{
	TRY(validate_pop(v, null_abstract(HEAP_EQ)));
	TRY(validate_pop(v, null_abstract(HEAP_EQ)));
	return validate_push(v, TYPE_I32);
}

static int ref_i31(struct validate *v)
{
	TRY(validate_pop(v, TYPE_I32));
	return validate_push(v, TYPE_MAKE_REF(false, HEAP_ABSTRACT(HEAP_I31)));
}

static int i31_get(struct validate *v)
{
	TRY(validate_pop(v, null_abstract(HEAP_I31)));
	return validate_push(v, TYPE_I32);
}

/* Between the hierarchies of any and extern; null stays null. */
static int convert(struct validate *v, enum heap_code from, enum heap_code to)
{
	uint32_t type;

	TRY(validate_pop_ref(v, &type));
	if (!type_matches(&v->space, type, null_abstract(from)))
		return validate_invalid(v, "type mismatch: expected %s, found %s",
					valtype_name(null_abstract(from)).text,
					valtype_name(type).text);
	return validate_push(v, TYPE_MAKE_REF(valtype_is_nullable(type), HEAP_ABSTRACT(to)));
}

/* -- Casts ----------------------------------------------------------------------------------- */

static int test_or_cast(struct validate *v, bool is_cast, bool nullable)
{
	uint32_t heap, found, type;

	TRY(decode_heaptype(v->d, &v->r, &heap));
	type = TYPE_MAKE_REF(nullable, heap);
	TRY(validate_pop_ref(v, &found));
	if (found != TYPE_BOTTOM_REF &&
	    heap_top(&v->space, TYPE_HEAP(found)) != heap_top(&v->space, heap))
		return validate_invalid(v, "type mismatch: a cast of %s to %s",
					valtype_name(found).text, valtype_name(type).text);
	return validate_push(v, is_cast ? type : TYPE_I32);
}

/* table-like: an instruction a case. */
int validate_objects(struct validate *v, uint32_t opcode)
{
	switch (opcode) {
	case OP_REF_EQ:
		return ref_eq(v);
	case OP_STRUCT_NEW:
	case OP_STRUCT_NEW_DEFAULT:
		return struct_new(v, opcode == OP_STRUCT_NEW_DEFAULT);
	case OP_STRUCT_GET:
	case OP_STRUCT_GET_S:
	case OP_STRUCT_GET_U:
		return struct_get(v, opcode != OP_STRUCT_GET);
	case OP_STRUCT_SET:
		return struct_set(v);
	case OP_ARRAY_NEW:
	case OP_ARRAY_NEW_DEFAULT:
		return array_new(v, opcode == OP_ARRAY_NEW_DEFAULT);
	case OP_ARRAY_NEW_FIXED:
		return array_new_fixed(v);
	case OP_ARRAY_NEW_DATA:
	case OP_ARRAY_NEW_ELEM:
		return array_new_segment(v, opcode == OP_ARRAY_NEW_DATA);
	case OP_ARRAY_GET:
	case OP_ARRAY_GET_S:
	case OP_ARRAY_GET_U:
		return array_get(v, opcode != OP_ARRAY_GET);
	case OP_ARRAY_SET:
		return array_set(v);
	case OP_ARRAY_LEN:
		return array_len(v);
	case OP_ARRAY_FILL:
		return array_fill(v);
	case OP_ARRAY_COPY:
		return array_copy(v);
	case OP_ARRAY_INIT_DATA:
	case OP_ARRAY_INIT_ELEM:
		return array_init_segment(v, opcode == OP_ARRAY_INIT_DATA);
	case OP_REF_TEST:
	case OP_REF_TEST_NULL:
		return test_or_cast(v, false, opcode == OP_REF_TEST_NULL);
	case OP_REF_CAST:
	case OP_REF_CAST_NULL:
		return test_or_cast(v, true, opcode == OP_REF_CAST_NULL);
	case OP_ANY_CONVERT_EXTERN:
		return convert(v, HEAP_EXTERN, HEAP_ANY);
	case OP_EXTERN_CONVERT_ANY:
		return convert(v, HEAP_ANY, HEAP_EXTERN);
	case OP_REF_I31:
		return ref_i31(v);
	case OP_I31_GET_S:
	case OP_I31_GET_U:
		return i31_get(v);
	}
	invariant(false); /* every row of the prefix is above */
}
