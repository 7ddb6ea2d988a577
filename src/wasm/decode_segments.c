/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_segments.c: element and data segments (specification: "Binary Format, Element Section" and
 * "Data Section").
 */
#include "wasm/decoder.h"

/* The three flag bits of an element segment. */
enum { ELEMENT_NOT_ACTIVE = 1, ELEMENT_EXPLICIT = 2, ELEMENT_EXPRS = 4 };

static int read_u32(struct decode *d, uint32_t *ret)
{
	return reader_u32(&d->r, ret) ? 0 : decode_malformed(d);
}

/* -- Elements ---------------------------------------------------------------------------- */

static int element_table(struct decode *d, uint32_t flags, struct image_element *element)
{
	const uint8_t *at = d->r.at;
	const struct image_table *table;
	int err = 0;

	if (flags & ELEMENT_EXPLICIT)
		err = read_u32(d, &element->table);
	if (err != 0)
		return err;
	if (element->table >= DECODE_COUNT(d, struct image_table, tables))
		return decode_fail(d, DECODE_INVALID, at, "unknown table %u", element->table);
	table = DECODE_ITEM(d, struct image_table, tables, element->table);
	return decode_constexpr(d, table->limits.is64 ? TYPE_I64 : TYPE_I32, &element->offset);
}

/* The type the segment says its elements have: a kind byte (0: functions) or a reference type. */
static int element_type(struct decode *d, uint32_t flags, struct image_element *element)
{
	bool non_null = (flags & ELEMENT_EXPRS) == 0;
	uint8_t kind;

	element->type = TYPE_MAKE_REF(!non_null, HEAP_ABSTRACT(HEAP_FUNC));
	if ((flags & (ELEMENT_NOT_ACTIVE | ELEMENT_EXPLICIT)) == 0)
		return 0;
	if (flags & ELEMENT_EXPRS)
		return decode_reftype(d, &d->r, &element->type);
	if (!reader_byte(&d->r, &kind))
		return decode_malformed(d);
	if (kind != 0)
		return decode_fail(d, DECODE_MALFORMED, d->r.at - 1,
				   "malformed element kind 0x%02x", kind);
	return 0;
}

static int function_item(struct decode *d, uint32_t *ret)
{
	const uint8_t *at = d->r.at;
	int err = read_u32(d, ret);

	if (err != 0)
		return err;
	if (*ret >= DECODE_COUNT(d, struct image_func, funcs))
		return decode_fail(d, DECODE_INVALID, at, "unknown function %u", *ret);
	return decode_declare(d, *ret);
}

static int expr_item(struct decode *d, struct image_element *element, uint32_t *ret)
{
	struct image_init init;
	int err = decode_constexpr(d, element->type, &init);

	if (err != 0)
		return err;
	if (init.kind == INIT_FUNC) {
		*ret = (uint32_t)init.value;
	} else if (init.kind == INIT_VALUE) {
		*ret = ITEM_NULL;
	} else {
		*ret = ITEM_EXPR | init.at;
		element->is_plain = false;
	}
	return 0;
}

static int element_items(struct decode *d, uint32_t flags, struct image_element *element)
{
	uint32_t item;
	int err = decode_count(d, &d->r, LIMIT_ELEMENTS, "elements", &element->count);

	if (err != 0)
		return err;
	element->first = DECODE_COUNT(d, uint32_t, items);
	element->is_plain = true;
	for (uint32_t i = 0; err == 0 && i < element->count; i++) {
		err = flags & ELEMENT_EXPRS ? expr_item(d, element, &item)
					    : function_item(d, &item);
		if (err == 0 && buf_put(&d->items, &item, sizeof(item)) == NULL)
			err = decode_no_memory(d);
	}
	return err;
}

/* The element type must fit the table; plain function indices fit any table of functions. */
static int element_fits(struct decode *d, const struct image_element *element, const uint8_t *at)
{
	struct type_space space = decode_types_space(d);
	uint32_t type = DECODE_ITEM(d, struct image_table, tables, element->table)->type;

	if (type_matches(&space, element->type, type))
		return 0;
	return decode_fail(d, DECODE_INVALID, at,
			   "type mismatch: elements of type %s for a table of %s",
			   valtype_name(element->type).text, valtype_name(type).text);
}

static int element(struct decode *d)
{
	const uint8_t *at = d->r.at;
	struct image_element element = {0};
	uint32_t flags;
	int err = read_u32(d, &flags);

	if (err == 0 && flags > 7)
		err = decode_fail(d, DECODE_MALFORMED, at, "malformed elements segment kind %u",
				  flags);
	if (err == 0 && flags != 0)
		err = decode_need(d, flags == ELEMENT_EXPLICIT ? FEATURE_REF_TYPES : FEATURE_BULK,
				  at);
	if (err != 0)
		return err;
	if ((flags & ELEMENT_NOT_ACTIVE) == 0)
		err = element_table(d, flags, &element);
	else
		element.mode = flags & ELEMENT_EXPLICIT ? MODE_DECLARED : MODE_PASSIVE;
	if (err == 0)
		err = element_type(d, flags, &element);
	if (err == 0)
		err = element_items(d, flags, &element);
	if (err == 0 && element.mode == MODE_ACTIVE)
		err = element_fits(d, &element, at);
	if (err == 0 && buf_put(&d->elements, &element, sizeof(element)) == NULL)
		err = decode_no_memory(d);
	return err;
}

int decode_section_elements(struct decode *d, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = element(d);
	return err;
}

/* -- Data -------------------------------------------------------------------------------- */

static int data_memory(struct decode *d, uint32_t flags, struct image_data *data)
{
	const uint8_t *at = d->r.at;
	const struct image_memory *memory;
	int err = 0;

	if (flags == 2)
		err = read_u32(d, &data->memory);
	if (err != 0)
		return err;
	if (data->memory >= DECODE_COUNT(d, struct image_memory, memories))
		return decode_fail(d, DECODE_INVALID, at, "unknown memory %u", data->memory);
	memory = DECODE_ITEM(d, struct image_memory, memories, data->memory);
	return decode_constexpr(d, memory->limits.is64 ? TYPE_I64 : TYPE_I32, &data->offset);
}

static int data(struct decode *d)
{
	const uint8_t *at = d->r.at;
	struct image_data data = {0};
	uint32_t flags, size;
	int err = read_u32(d, &flags);

	if (err == 0 && flags > 2)
		err = decode_fail(d, DECODE_MALFORMED, at, "malformed data segment kind %u", flags);
	if (err == 0 && flags != 0)
		err = decode_need(d, FEATURE_BULK, at);
	if (err == 0 && flags == 1)
		data.mode = MODE_PASSIVE;
	else if (err == 0)
		err = data_memory(d, flags, &data);
	if (err == 0)
		err = read_u32(d, &size);
	if (err != 0)
		return err;
	data.bytes = (struct image_bytes){decode_offset(d, d->r.at), size};
	if (reader_take(&d->r, size) == NULL)
		return decode_malformed(d);
	return buf_put(&d->datas, &data, sizeof(data)) == NULL ? decode_no_memory(d) : 0;
}

int decode_section_datas(struct decode *d, uint32_t count)
{
	const uint8_t *at = d->r.at;
	int err = 0;

	if (d->has_data_count && count != d->data_count)
		return decode_fail(d, DECODE_MALFORMED, at,
				   "data count and data section have inconsistent lengths");
	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = data(d);
	return err;
}
