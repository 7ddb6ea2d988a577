/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/objects.h"

#include <stdlib.h>

#include "base/base.h"
#include "exec/func.h"

/* -- Layout ---------------------------------------------------------------------------------- */

static enum storage storage_of(uint32_t type)
{
	switch (type) {
	case TYPE_I8:
		return STORAGE_8;
	case TYPE_I16:
		return STORAGE_16;
	case TYPE_I32:
	case TYPE_F32:
		return STORAGE_32;
	case TYPE_I64:
	case TYPE_F64:
		return STORAGE_64;
	case TYPE_V128:
		return STORAGE_V128;
	}
	return STORAGE_REF;
}

static uint32_t shift_of(enum storage storage)
{
	switch (storage) {
	case STORAGE_8:
		return 0;
	case STORAGE_16:
		return 1;
	case STORAGE_32:
		return 2;
	case STORAGE_64:
	case STORAGE_REF:
		return 3;
	case STORAGE_V128:
		return 4;
	}
	return 0;
}

/* A place for one more field; `end` counts from behind the header, where an address is 0 modulo 16. */
static struct field place(uint32_t type, uint32_t *end)
{
	enum storage storage = storage_of(type);
	uint32_t size = 1u << shift_of(storage);
	uint32_t at = (uint32_t)align_up(*end, size);

	*end = at + size;
	return (struct field){(uint32_t)sizeof(struct object) + at, storage};
}

static void lay_out(struct type_info *info, const uint32_t *words, struct field *fields,
		    uint32_t *refs)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < info->count; i++) {
		fields[i] = place(FIELD_TYPE(words[i]), &end);
		if (fields[i].storage == STORAGE_REF)
			refs[info->ref_count++] = fields[i].at;
	}
	info->size = (uint32_t)sizeof(struct object) + end;
	if (info->form == FORM_ARRAY) {
		info->size = sizeof(struct object);
		info->storage = (uint8_t)fields[0].storage;
		info->shift = (uint8_t)shift_of((enum storage)fields[0].storage);
	}
}

struct type_info *type_info_new(const struct type_space *space, uint32_t id)
{
	const struct type_def *def = type_at(space, id);
	uint32_t count = def->form == FORM_FUNC ? 0 : def->params;
	size_t supers = align_up((def->depth + 1u) * sizeof(uint32_t), 8);
	size_t size = sizeof(struct type_info) + supers;
	struct type_info *info =
		calloc(1, size + count * (sizeof(struct field) + sizeof(uint32_t)));
	struct field *fields;
	uint32_t super = id;

	if (info == NULL)
		return NULL;
	fields = (struct field *)(void *)((uint8_t *)info + size);
	info->id = id;
	info->form = def->form;
	info->depth = def->depth;
	info->count = count;
	info->fields = fields;
	info->refs = (const uint32_t *)(const void *)(fields + count);
	for (uint32_t depth = def->depth + 1u; depth-- > 0; super = type_at(space, super)->super)
		info->supers[depth] = super;
	if (count != 0)
		lay_out(info, type_words(space, def), fields, (uint32_t *)(void *)(fields + count));
	else
		info->size = sizeof(struct object);
	return info;
}

/* -- Casts ----------------------------------------------------------------------------------- */

bool type_extends(struct registry *registry, uint32_t id, uint32_t wanted)
{
	const struct type_info *a = registry_info(registry, id);
	const struct type_info *b = registry_info(registry, wanted);

	if (a != NULL && b != NULL)
		return info_extends(a, b);
	return registry_extends(registry, id, wanted);
}

/* What an object or function is by its own type; 0 for an exception. */
static uint32_t form_of(const struct registry *registry, slot ref)
{
	const struct type_info *info;

	if (!ref_is_object(ref))
		return FORM_FUNC;
	info = registry_info(registry, object_of(ref)->type);
	return info != NULL && info->form != FORM_FUNC ? info->form : 0;
}

/* table-like: a heap type a case. The hierarchies are told apart by validation, not here. */
static bool is_abstract(const struct registry *registry, slot ref, uint32_t code)
{
	switch (code) {
	case HEAP_ANY:
	case HEAP_EXTERN:
	case HEAP_FUNC:
	case HEAP_EXN:
		return true;
	case HEAP_EQ:
		return !ref_is_host(ref);
	case HEAP_I31:
		return ref_is_i31(ref);
	case HEAP_STRUCT:
		return ref_is_object(ref) && form_of(registry, ref) == FORM_STRUCT;
	case HEAP_ARRAY:
		return ref_is_object(ref) && form_of(registry, ref) == FORM_ARRAY;
	}
	return false; /* the bottom types */
}

bool ref_is(struct registry *registry, const uint32_t *ids, slot ref, uint32_t heap)
{
	uint32_t id;

	if (!HEAP_IS_INDEX(heap))
		return is_abstract(registry, ref, heap & 0xff);
	if (!ref_is_pointer(ref))
		return false;
	id = ref_is_object(ref) ? object_of(ref)->type
				: ((const struct func *)(uintptr_t)ref)->type;
	return type_extends(registry, id, ids != NULL ? ids[heap] : heap);
}
