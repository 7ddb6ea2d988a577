/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_types.c: value types and the type section (specification: "Binary Format, Types").
 *
 * Every index read is replaced by its canonical one, so that from here on equal types are equal words. Inside
 * an open recursion group an index stays as it is: the group is not closed, nothing is equal to it yet.
 */
#include "wasm/decoder.h"

/* What a type needs beyond 1.0, by the byte that names it. */
static enum feature heap_feature(uint32_t code)
{
	switch (code) {
	case HEAP_FUNC:
	case HEAP_EXTERN:
		return FEATURE_REF_TYPES;
	case HEAP_EXN:
	case HEAP_NOEXN:
		return FEATURE_EXCEPTIONS;
	default:
		return FEATURE_GC;
	}
}

static bool is_heap_code(uint32_t code)
{
	return code >= HEAP_EXN && code <= HEAP_NOEXN;
}

static uint32_t canonical(const struct decode *d, uint32_t index)
{
	return DECODE_ITEM(d, struct type_def, types.defs, index)->canon;
}

int decode_heaptype(struct decode *d, struct reader *r, uint32_t *ret)
{
	const uint8_t *at = r->at;
	int64_t code;
	int err;

	if (!reader_s33(r, &code))
		return decode_fail(d, DECODE_MALFORMED, at, "%s", r->what);
	if (code < 0) {
		/* Only an index may be longer than it need be: codes are single bytes. */
		if (r->at != at + 1 || !is_heap_code((uint32_t)(code & 0x7f)))
			return decode_fail(d, DECODE_MALFORMED, at, "malformed heap type");
		*ret = HEAP_ABSTRACT((uint32_t)(code & 0x7f));
		return decode_need(d, heap_feature((uint32_t)(code & 0x7f)), at);
	}
	err = decode_need(d, FEATURE_FUNC_REFS, at);
	if (err != 0)
		return err;
	if (code >= d->type_limit)
		return decode_fail(d, DECODE_INVALID, at, "unknown type %lld", (long long)code);
	/* Of the open group only what is decoded has a definition; its canonical index is its own. */
	*ret = code < DECODE_COUNT(d, struct type_def, types.defs) ? canonical(d, (uint32_t)code)
								   : (uint32_t)code;
	return 0;
}

static int ref_of(struct decode *d, struct reader *r, uint8_t kind, uint32_t *ret)
{
	uint32_t heap;
	int err = decode_need(d, FEATURE_FUNC_REFS, r->at - 1);

	if (err == 0)
		err = decode_heaptype(d, r, &heap);
	if (err == 0)
		*ret = TYPE_MAKE_REF(kind == TYPE_REF_NULL, heap);
	return err;
}

/* A reference type; a plain 1.0 module may name funcref (for its tables). */
int decode_reftype(struct decode *d, struct reader *r, uint32_t *ret)
{
	const uint8_t *at = r->at;
	uint8_t kind;

	if (!reader_byte(r, &kind))
		return decode_fail(d, DECODE_MALFORMED, at, "%s", r->what);
	if (kind == TYPE_REF || kind == TYPE_REF_NULL)
		return ref_of(d, r, kind, ret);
	if (!is_heap_code(kind))
		return decode_fail(d, DECODE_MALFORMED, at, "malformed reference type 0x%02x",
				   kind);
	*ret = TYPE_MAKE_REF(true, HEAP_ABSTRACT(kind));
	return kind == HEAP_FUNC ? 0 : decode_need(d, heap_feature(kind), at);
}

int decode_valtype(struct decode *d, struct reader *r, uint32_t *ret)
{
	uint8_t kind = r->at < r->end ? *r->at : 0;
	int err;

	switch (kind) {
	case TYPE_I32:
	case TYPE_I64:
	case TYPE_F32:
	case TYPE_F64:
		r->at++;
		*ret = kind;
		return 0;
	case TYPE_V128:
		*ret = kind;
		return decode_need(d, FEATURE_SIMD, r->at++);
	}
	if (r->at < r->end && kind != TYPE_REF && kind != TYPE_REF_NULL && !is_heap_code(kind))
		return decode_fail(d, DECODE_MALFORMED, r->at, "malformed value type 0x%02x", kind);
	err = decode_reftype(d, r, ret);
	if (err == 0 && *ret == TYPE_FUNCREF)
		err = decode_need(d, FEATURE_REF_TYPES, r->at - 1);
	return err;
}

/* -- The type section -------------------------------------------------------------------- */

static int push_word(struct decode *d, uint32_t word)
{
	return types_word(&d->types, word) ? 0 : decode_no_memory(d);
}

static int value_list(struct decode *d, uint32_t limit, uint16_t *ret_count, uint16_t *ret_slots)
{
	uint32_t count, type, slots = 0;
	int err = decode_count(d, &d->r, limit, "parameters or results", &count);

	if (err != 0)
		return err;
	for (uint32_t i = 0; err == 0 && i < count; i++) {
		err = decode_valtype(d, &d->r, &type);
		if (err == 0) {
			slots += valtype_slots(type);
			err = push_word(d, type);
		}
	}
	*ret_count = (uint16_t)count;
	*ret_slots = (uint16_t)slots;
	return err;
}

static int field(struct decode *d)
{
	uint32_t type;
	uint8_t flag;
	int err = 0;

	if (d->r.at < d->r.end && (*d->r.at == TYPE_I8 || *d->r.at == TYPE_I16))
		type = *d->r.at++;
	else
		err = decode_valtype(d, &d->r, &type);
	if (err != 0)
		return err;
	if (!reader_byte(&d->r, &flag))
		return decode_malformed(d);
	if (flag > 1)
		return decode_fail(d, DECODE_MALFORMED, d->r.at - 1, "malformed mutability");
	return push_word(d, type | (flag ? FIELD_MUTABLE : 0));
}

/* The definition is found by index each time: appending may move it. */
static struct type_def *def_at(struct decode *d, uint32_t index)
{
	return DECODE_ITEM(d, struct type_def, types.defs, index);
}

static int func_type(struct decode *d, uint32_t index)
{
	uint16_t params, results, param_slots, result_slots;
	const uint8_t *at = d->r.at;
	int err = value_list(d, LIMIT_PARAMS, &params, &param_slots);

	if (err == 0)
		err = value_list(d, LIMIT_RESULTS, &results, &result_slots);
	if (err == 0 && results > 1)
		err = decode_need(d, FEATURE_MULTI_VALUE, at);
	if (err != 0)
		return err;
	def_at(d, index)->params = params;
	def_at(d, index)->results = results;
	def_at(d, index)->param_slots = param_slots;
	def_at(d, index)->result_slots = result_slots;
	return 0;
}

static int struct_type(struct decode *d, uint32_t index)
{
	uint32_t count;
	int err = decode_count(d, &d->r, LIMIT_FIELDS, "fields", &count);

	if (err != 0)
		return err;
	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = field(d);
	def_at(d, index)->params = (uint16_t)count;
	return err;
}

static int composite(struct decode *d, uint32_t index)
{
	const uint8_t *at = d->r.at;
	uint8_t form;
	int err;

	if (!reader_byte(&d->r, &form))
		return decode_malformed(d);
	if (form != FORM_FUNC && form != FORM_STRUCT && form != FORM_ARRAY)
		return decode_fail(d, DECODE_MALFORMED, at, "malformed type: form 0x%02x", form);
	def_at(d, index)->form = form;
	if (form == FORM_FUNC)
		return func_type(d, index);
	err = decode_need(d, FEATURE_GC, at);
	if (err != 0)
		return err;
	if (form == FORM_STRUCT)
		return struct_type(d, index);
	def_at(d, index)->params = 1;
	return field(d);
}

static int supertype(struct decode *d, uint32_t index)
{
	const uint8_t *at = d->r.at;
	uint32_t count, super;
	int err = decode_count(d, &d->r, 1, "supertypes", &count);

	if (err != 0 || count == 0)
		return err;
	if (!reader_u32(&d->r, &super))
		return decode_malformed(d);
	if (super >= index)
		return decode_fail(d, DECODE_INVALID, at,
				   "unknown type: supertype %u of type %u does not come before it",
				   super, index);
	if (def_at(d, super)->depth >= LIMIT_SUBTYPE_DEPTH)
		return decode_fail(d, DECODE_INVALID, at, "over %d supertypes in a chain",
				   LIMIT_SUBTYPE_DEPTH);
	def_at(d, index)->super = canonical(d, super);
	def_at(d, index)->depth = (uint8_t)(def_at(d, super)->depth + 1);
	return 0;
}

static int subtype(struct decode *d)
{
	uint32_t index = DECODE_COUNT(d, struct type_def, types.defs);
	uint8_t lead = d->r.at < d->r.end ? *d->r.at : 0;
	int err = 0;

	if (types_add(&d->types, FORM_FUNC) == NULL)
		return decode_no_memory(d);
	def_at(d, index)->is_final = lead != 0x50;
	if (lead == 0x50 || lead == 0x4f) {
		err = decode_need(d, FEATURE_GC, d->r.at++);
		if (err == 0)
			err = supertype(d, index);
	}
	return err != 0 ? err : composite(d, index);
}

/* Close the group that began at `first` and check what it says of its supertypes. */
static int close_group(struct decode *d, uint32_t first, const uint8_t *at)
{
	struct type_space space;
	uint32_t canon;

	if (types_close(&d->types, first, false, &canon) < 0)
		return decode_no_memory(d);
	space = decode_types_space(d);
	if (canon != first)
		return 0;
	for (uint32_t i = first; i < space.count; i++) {
		const struct type_def *def = type_at(&space, i);

		if (def->super != TYPE_NONE &&
		    !type_may_extend(&space, def, type_at(&space, def->super)))
			return decode_fail(d, DECODE_INVALID, at,
					   "sub type %u does not match its supertype %u", i,
					   def->super);
	}
	return 0;
}

static int group(struct decode *d)
{
	uint32_t first = DECODE_COUNT(d, struct type_def, types.defs);
	const uint8_t *at = d->r.at;
	uint32_t count = 1;
	int err = 0;

	if (at < d->r.end && *at == 0x4e) {
		d->r.at++;
		err = decode_count(d, &d->r, LIMIT_REC_GROUP, "types of a group", &count);
		if (err == 0)
			err = decode_need(d, FEATURE_GC, at);
	}
	/* Without recursive types a type could not name itself either. */
	d->type_limit = first + (decode_has(d, FEATURE_GC) ? count : 0);
	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = subtype(d);
	d->type_limit = first + count;
	return err != 0 ? err : close_group(d, first, at);
}

int decode_section_types(struct decode *d, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < count; i++) {
		err = group(d);
		if (err == 0 && d->type_limit > LIMIT_TYPES)
			err = decode_fail(d, DECODE_INVALID, d->r.at, "over %d types", LIMIT_TYPES);
	}
	return err;
}

int decode_functype_index(struct decode *d, struct reader *r, uint32_t *ret)
{
	const uint8_t *at = r->at;
	uint32_t index;

	if (!reader_u32(r, &index))
		return decode_fail(d, DECODE_MALFORMED, at, "%s", r->what);
	if (index >= d->type_limit)
		return decode_fail(d, DECODE_INVALID, at, "unknown type %u", index);
	index = canonical(d, index);
	if (def_at(d, index)->form != FORM_FUNC)
		return decode_fail(d, DECODE_INVALID, at, "type %u is not a function type", index);
	*ret = index;
	return 0;
}
