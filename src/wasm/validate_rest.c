/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_rest.c: calls, variables, references, tables, memories: one short rule an instruction
 * (specification: "Validation, Instructions").
 */
#include "wasm/validator.h"

/* -- Calls ------------------------------------------------------------------------------- */

static int tail_results(struct validate *v, const struct type_list *results)
{
	const uint32_t *own = type_words(&v->space, v->type) + v->type->params;

	if (results->count != v->type->results)
		return validate_invalid(
			v, "type mismatch: a tail call must yield what the caller yields");
	if (validate_types_match(v, results->words, own, results->count))
		return 0;
	for (uint32_t i = 0; i < results->count; i++)
		if (!type_matches(&v->space, results->words[i], own[i]))
			return validate_invalid(
				v, "type mismatch: a tail call yields %s, the caller %s",
				valtype_name(results->words[i]).text, valtype_name(own[i]).text);
	return 0;
}

static int call_type(struct validate *v, const struct type_def *type, bool is_tail)
{
	const uint32_t *words = type_words(&v->space, type);
	struct type_list params = {words, type->params, type->param_slots};
	struct type_list results = {words + type->params, type->results, type->result_slots};

	TRY(validate_pop_list(v, &params));
	if (!is_tail)
		return validate_push_list(v, &results);
	TRY(tail_results(v, &results));
	validate_unreachable(v);
	return 0;
}

static int call(struct validate *v, bool is_tail)
{
	uint32_t index;

	TRY(validate_u32(v, &index));
	if (index >= DECODE_COUNT(v->d, struct image_func, funcs))
		return validate_invalid(v, "unknown function %u", index);
	if (!is_tail && index < v->d->imported_funcs)
		validate_quicken(v, v->at, OP_CALL_IMPORT);
	return call_type(
		v, type_at(&v->space, DECODE_ITEM(v->d, struct image_func, funcs, index)->type),
		is_tail);
}

static int table_index(struct validate *v, uint32_t index, const struct image_table **ret)
{
	if (index >= DECODE_COUNT(v->d, struct image_table, tables))
		return validate_invalid(v, "unknown table %u", index);
	*ret = DECODE_ITEM(v->d, struct image_table, tables, index);
	return 0;
}

static uint32_t address_type(const struct image_limits *limits)
{
	return limits->is64 ? TYPE_I64 : TYPE_I32;
}

static int call_indirect(struct validate *v, bool is_tail)
{
	const struct image_table *table;
	uint32_t type, index;

	TRY(decode_functype_index(v->d, &v->r, &type));
	TRY(validate_u32(v, &index));
	TRY(table_index(v, index, &table));
	if (index != 0)
		TRY(decode_need(v->d, FEATURE_REF_TYPES, v->at));
	if (!type_matches(&v->space, table->type, TYPE_FUNCREF))
		return validate_invalid(v, "type mismatch: table %u holds %s, not functions", index,
					valtype_name(table->type).text);
	TRY(validate_pop(v, address_type(&table->limits)));
	return call_type(v, type_at(&v->space, type), is_tail);
}

static int call_ref(struct validate *v, bool is_tail)
{
	uint32_t type;

	TRY(decode_functype_index(v->d, &v->r, &type));
	if (is_tail)
		TRY(decode_need(v->d, FEATURE_TAIL_CALL, v->at));
	TRY(validate_pop(v, TYPE_MAKE_REF(true, type)));
	return call_type(v, type_at(&v->space, type), is_tail);
}

/* -- Variables --------------------------------------------------------------------------- */

static int drop(struct validate *v)
{
	uint32_t type;

	TRY(validate_pop_any(v, &type));
	if (type == TYPE_V128)
		validate_quicken(v, v->at, OP_DROP_V128);
	return 0;
}

static int select_(struct validate *v)
{
	uint32_t a, b;

	TRY(validate_pop(v, TYPE_I32));
	TRY(validate_pop_any(v, &a));
	TRY(validate_pop_any(v, &b));
	if (valtype_is_ref(a) || valtype_is_ref(b))
		return validate_invalid(v,
					"type mismatch: select of references must name their type");
	if (a != b && a != TYPE_BOTTOM && b != TYPE_BOTTOM)
		return validate_invalid(v, "type mismatch: select between %s and %s",
					valtype_name(b).text, valtype_name(a).text);
	if (a == TYPE_BOTTOM)
		a = b;
	if (a == TYPE_V128)
		validate_quicken(v, v->at, OP_SELECT_V128);
	return validate_push(v, a);
}

static int select_typed(struct validate *v)
{
	uint32_t count, type;

	TRY(validate_u32(v, &count));
	if (count != 1)
		return validate_invalid(v, "invalid result arity: select names %u types", count);
	TRY(decode_valtype(v->d, &v->r, &type));
	TRY(validate_pop(v, TYPE_I32));
	TRY(validate_pop(v, type));
	TRY(validate_pop(v, type));
	if (type == TYPE_V128)
		validate_quicken(v, v->at, OP_SELECT_T_V128);
	return validate_push(v, type);
}

static int global(struct validate *v, bool is_set)
{
	const struct image_global *global;
	uint32_t index;

	TRY(validate_u32(v, &index));
	if (index >= DECODE_COUNT(v->d, struct image_global, globals))
		return validate_invalid(v, "unknown global %u", index);
	global = DECODE_ITEM(v->d, struct image_global, globals, index);
	if (global->type == TYPE_V128)
		validate_quicken(v, v->at, is_set ? OP_GLOBAL_SET_V128 : OP_GLOBAL_GET_V128);
	if (!is_set)
		return validate_push(v, global->type);
	if (!global->is_mutable)
		return validate_invalid(v, "immutable global %u cannot be set", index);
	return validate_pop(v, global->type);
}

/* -- References -------------------------------------------------------------------------- */

static int ref_null(struct validate *v)
{
	uint32_t heap;

	TRY(decode_heaptype(v->d, &v->r, &heap));
	return validate_push(v, TYPE_MAKE_REF(true, heap));
}

static int ref_is_null(struct validate *v)
{
	uint32_t type;

	TRY(validate_pop_ref(v, &type));
	return validate_push(v, TYPE_I32);
}

static int ref_as_non_null(struct validate *v)
{
	uint32_t type;

	TRY(validate_pop_ref(v, &type));
	return validate_push(v, TYPE_MAKE_REF(false, TYPE_HEAP(type)));
}

static int ref_func(struct validate *v)
{
	uint32_t index;

	TRY(validate_u32(v, &index));
	if (index >= DECODE_COUNT(v->d, struct image_func, funcs))
		return validate_invalid(v, "unknown function %u", index);
	if (!decode_is_declared(v->d, index))
		return validate_invalid(v, "undeclared function reference %u", index);
	return validate_push(
		v, TYPE_MAKE_REF(false, DECODE_ITEM(v->d, struct image_func, funcs, index)->type));
}

/* -- Tables ------------------------------------------------------------------------------ */

static int table_get_set(struct validate *v, bool is_set)
{
	const struct image_table *table;
	uint32_t index;

	TRY(validate_u32(v, &index));
	TRY(table_index(v, index, &table));
	if (is_set)
		TRY(validate_pop(v, table->type));
	TRY(validate_pop(v, address_type(&table->limits)));
	return is_set ? 0 : validate_push(v, table->type);
}

static int table_size(struct validate *v)
{
	const struct image_table *table;
	uint32_t index;

	TRY(validate_u32(v, &index));
	TRY(table_index(v, index, &table));
	return validate_push(v, address_type(&table->limits));
}

static int table_grow_fill(struct validate *v, bool is_fill)
{
	const struct image_table *table;
	uint32_t index;

	TRY(validate_u32(v, &index));
	TRY(table_index(v, index, &table));
	TRY(validate_pop(v, address_type(&table->limits)));
	TRY(validate_pop(v, table->type));
	if (is_fill)
		return validate_pop(v, address_type(&table->limits));
	return validate_push(v, address_type(&table->limits));
}

static int table_copy(struct validate *v)
{
	const struct image_table *to, *from;
	uint32_t to_index, from_index;

	TRY(validate_u32(v, &to_index));
	TRY(validate_u32(v, &from_index));
	TRY(table_index(v, to_index, &to));
	TRY(table_index(v, from_index, &from));
	if (!type_matches(&v->space, from->type, to->type))
		return validate_invalid(v, "type mismatch: table.copy of %s to %s",
					valtype_name(from->type).text, valtype_name(to->type).text);
	/* The count has the narrower of both address types. */
	TRY(validate_pop(v, to->limits.is64 && from->limits.is64 ? TYPE_I64 : TYPE_I32));
	TRY(validate_pop(v, address_type(&from->limits)));
	return validate_pop(v, address_type(&to->limits));
}

static int element_index(struct validate *v, uint32_t index, const struct image_element **ret)
{
	if (index >= DECODE_COUNT(v->d, struct image_element, elements))
		return validate_invalid(v, "unknown elem segment %u", index);
	*ret = DECODE_ITEM(v->d, struct image_element, elements, index);
	return 0;
}

static int table_init(struct validate *v)
{
	const struct image_element *element;
	const struct image_table *table;
	uint32_t element_i, table_i;

	TRY(validate_u32(v, &element_i));
	TRY(validate_u32(v, &table_i));
	TRY(table_index(v, table_i, &table));
	TRY(element_index(v, element_i, &element));
	if (!type_matches(&v->space, element->type, table->type))
		return validate_invalid(v, "type mismatch: table.init of %s to %s",
					valtype_name(element->type).text,
					valtype_name(table->type).text);
	TRY(validate_pop(v, TYPE_I32));
	TRY(validate_pop(v, TYPE_I32));
	return validate_pop(v, address_type(&table->limits));
}

static int elem_drop(struct validate *v)
{
	const struct image_element *element;
	uint32_t index;

	TRY(validate_u32(v, &index));
	return element_index(v, index, &element);
}

/* -- Memories ---------------------------------------------------------------------------- */

int validate_memory_index(struct validate *v, uint32_t index, uint32_t *ret_address_type)
{
	if (index >= DECODE_COUNT(v->d, struct image_memory, memories))
		return validate_invalid(v, "unknown memory %u", index);
	*ret_address_type =
		address_type(&DECODE_ITEM(v->d, struct image_memory, memories, index)->limits);
	return 0;
}

/* Without multi-memory the index is a reserved zero byte. */
static int memory_immediate(struct validate *v, uint32_t *ret_address_type)
{
	uint8_t byte = v->r.at < v->r.end ? *v->r.at : 0;
	uint32_t index;

	TRY(validate_u32(v, &index));
	if (!decode_has(v->d, FEATURE_MULTI_MEMORY) && byte != 0)
		return decode_fail(v->d, DECODE_MALFORMED, v->r.at - 1, "zero byte expected");
	return validate_memory_index(v, index, ret_address_type);
}

static int memory_size_grow(struct validate *v, bool is_grow)
{
	uint32_t address;

	TRY(memory_immediate(v, &address));
	if (is_grow)
		TRY(validate_pop(v, address));
	return validate_push(v, address);
}

static int memory_fill(struct validate *v)
{
	uint32_t address;

	TRY(memory_immediate(v, &address));
	TRY(validate_pop(v, address));
	TRY(validate_pop(v, TYPE_I32));
	return validate_pop(v, address);
}

static int memory_copy(struct validate *v)
{
	uint32_t to, from;

	TRY(memory_immediate(v, &to));
	TRY(memory_immediate(v, &from));
	TRY(validate_pop(v, to == TYPE_I64 && from == TYPE_I64 ? TYPE_I64 : TYPE_I32));
	TRY(validate_pop(v, from));
	return validate_pop(v, to);
}

int validate_data_index(struct validate *v, uint32_t index)
{
	if (!v->d->has_data_count)
		return decode_fail(v->d, DECODE_MALFORMED, v->at, "data count section required");
	if (index >= v->d->data_count)
		return validate_invalid(v, "unknown data segment %u", index);
	return 0;
}

static int memory_init(struct validate *v)
{
	uint32_t index, address;

	TRY(validate_u32(v, &index));
	TRY(memory_immediate(v, &address));
	TRY(validate_data_index(v, index));
	TRY(validate_pop(v, TYPE_I32));
	TRY(validate_pop(v, TYPE_I32));
	return validate_pop(v, address);
}

static int data_drop(struct validate *v)
{
	uint32_t index;

	TRY(validate_u32(v, &index));
	return validate_data_index(v, index);
}

/* table-like: an instruction a case. */
int validate_rest(struct validate *v, uint32_t opcode)
{
	switch (opcode) {
	case OP_CALL:
	case OP_RETURN_CALL:
		return call(v, opcode == OP_RETURN_CALL);
	case OP_CALL_INDIRECT:
	case OP_RETURN_CALL_INDIRECT:
		return call_indirect(v, opcode == OP_RETURN_CALL_INDIRECT);
	case OP_CALL_REF:
	case OP_RETURN_CALL_REF:
		return call_ref(v, opcode == OP_RETURN_CALL_REF);
	case OP_DROP:
		return drop(v);
	case OP_SELECT:
		return select_(v);
	case OP_SELECT_T:
		return select_typed(v);
	case OP_GLOBAL_GET:
	case OP_GLOBAL_SET:
		return global(v, opcode == OP_GLOBAL_SET);
	case OP_REF_NULL:
		return ref_null(v);
	case OP_REF_IS_NULL:
		return ref_is_null(v);
	case OP_REF_AS_NON_NULL:
		return ref_as_non_null(v);
	case OP_REF_FUNC:
		return ref_func(v);
	case OP_TABLE_GET:
	case OP_TABLE_SET:
		return table_get_set(v, opcode == OP_TABLE_SET);
	case OP_TABLE_SIZE:
		return table_size(v);
	case OP_TABLE_GROW:
	case OP_TABLE_FILL:
		return table_grow_fill(v, opcode == OP_TABLE_FILL);
	case OP_TABLE_COPY:
		return table_copy(v);
	case OP_TABLE_INIT:
		return table_init(v);
	case OP_ELEM_DROP:
		return elem_drop(v);
	case OP_MEMORY_SIZE:
	case OP_MEMORY_GROW:
		return memory_size_grow(v, opcode == OP_MEMORY_GROW);
	case OP_MEMORY_FILL:
		return memory_fill(v);
	case OP_MEMORY_COPY:
		return memory_copy(v);
	case OP_MEMORY_INIT:
		return memory_init(v);
	case OP_DATA_DROP:
		return data_drop(v);
	}
	return validate_objects(v, opcode);
}
