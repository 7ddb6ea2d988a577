/* SPDX-License-Identifier: Apache-2.0 */
/* values.c: values between the embedder's structs and the guest's slots. */
#include <string.h>

#include "engine/engine.h"
#include "exec/objects.h"

struct skiff_ref skiff_ref_from_func(struct skiff_func *func)
{
	return (struct skiff_ref){ref_from_func(func_in(func))};
}

struct skiff_func *skiff_ref_to_func(struct skiff_ref ref)
{
	return ref_is_func(ref.word) ? (struct skiff_func *)(uintptr_t)ref.word : NULL;
}

struct skiff_ref skiff_ref_from_host(uint64_t object)
{
	return (struct skiff_ref){ref_from_host(object)};
}

bool skiff_ref_to_host(struct skiff_ref ref, uint64_t *ret)
{
	if (!ref_is_host(ref.word))
		return false;
	*ret = ref_to_host(ref.word);
	return true;
}

struct skiff_ref skiff_ref_from_i31(uint32_t value)
{
	return (struct skiff_ref){ref_from_i31(value)};
}

bool skiff_ref_to_i31(struct skiff_ref ref, int32_t *ret)
{
	if (!ref_is_i31(ref.word))
		return false;
	*ret = (int32_t)ref_to_i31_s(ref.word);
	return true;
}

/* An object that is there: its type's description, NULL for an exception. */
static const struct type_info *info_of(const struct store *store, slot ref)
{
	const struct type_info *info =
		registry_info(&store->common->registry, object_of(ref)->type);

	return info != NULL && info->form != FORM_FUNC ? info : NULL;
}

enum skiff_ref_kind skiff_ref_kind(const struct skiff_store *store, struct skiff_ref ref)
{
	const struct type_info *info;

	if (ref.word == 0)
		return SKIFF_REF_IS_NULL;
	if (ref_is_host(ref.word))
		return SKIFF_REF_IS_HOST;
	if (ref_is_i31(ref.word))
		return SKIFF_REF_IS_I31;
	if (!ref_is_object(ref.word))
		return SKIFF_REF_IS_FUNC;
	info = info_of(store_in(store), ref.word);
	if (info == NULL)
		return SKIFF_REF_IS_EXCEPTION;
	return info->form == FORM_STRUCT ? SKIFF_REF_IS_STRUCT : SKIFF_REF_IS_ARRAY;
}

void skiff_ref_keep(struct skiff_store *store, struct skiff_ref ref)
{
	gc_pin(store_in(store), ref.word);
}

void skiff_ref_release(struct skiff_store *store, struct skiff_ref ref)
{
	gc_unpin(store_in(store), ref.word);
}

struct signature func_signature(const struct func *func)
{
	const struct host_def *host = host_def_of(func);
	const struct instance *instance;

	if (host != NULL)
		return (struct signature){host->sig, NULL};
	if (func->code == NULL) { /* one of ours, of WASI */
		const struct host *own = func->of.host;

		return (struct signature){{own->types, own->types + own->param_count,
					   own->param_count, own->result_count},
					  NULL};
	}
	instance = func->of.instance;
	return (struct signature){
		externtype_of(instance->image, EXTERN_FUNC, func->index).func,
		instance->type_ids,
	};
}

/* The heap type a reference has by itself, in the engine's numbering; TYPE_NONE: it is no reference of the store. */
static uint32_t heap_of(const struct store *store, slot ref)
{
	if (ref_is_i31(ref))
		return HEAP_ABSTRACT(HEAP_I31);
	if (ref_is_host(ref))
		return HEAP_ABSTRACT(HEAP_ANY);
	if (ref_is_func(ref)) {
		const struct func *func = (const struct func *)(uintptr_t)ref;

		return store_of_func(func) == store ? func->type : TYPE_NONE;
	}
	if (!gc_is_object(store, ref))
		return TYPE_NONE;
	return info_of(store, ref) != NULL ? object_of(ref)->type : HEAP_ABSTRACT(HEAP_EXN);
}

/* What is of the hierarchy of any, an object of the host's too, is an extern seen from outside. */
bool ref_fits(struct store *store, slot ref, uint32_t type)
{
	uint32_t heap;

	if (ref == 0)
		return valtype_is_nullable(type);
	heap = heap_of(store, ref);
	if (heap == TYPE_NONE)
		return false;
	if (TYPE_HEAP(type) == HEAP_ABSTRACT(HEAP_EXTERN))
		return !ref_is_func(ref) && heap != HEAP_ABSTRACT(HEAP_EXN);
	return registry_matches(&store->common->registry, TYPE_MAKE_REF(false, heap), type);
}

static bool value_in(struct store *store, const struct signature *sig, uint32_t type,
		     const struct skiff_val *value, slot *slots)
{
	if (valtype_is_ref(type)) {
		slots[0] = value->of.ref.word;
		return valtype_is_ref(value->type) &&
		       ref_fits(store, slots[0],
				sig->ids != NULL ? registry_valtype(sig->ids, type) : type);
	}
	if (value->type != type)
		return false;
	switch (type) {
	case TYPE_I32:
	case TYPE_F32:
		slots[0] = value->of.i32;
		break;
	case TYPE_V128:
		memcpy(slots, value->of.v128, sizeof(value->of.v128));
		break;
	default:
		slots[0] = value->of.i64;
	}
	return true;
}

bool values_in(struct store *store, const struct signature *sig, const uint32_t *types,
	       uint32_t count, const struct skiff_val *values, slot *slots, struct err *err)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!value_in(store, sig, types[i], &values[i], slots)) {
			err_set(err, 0, "value %u is no %s", i, valtype_name(types[i]).text);
			return false;
		}
		slots += valtype_slots(types[i]);
	}
	return true;
}

void values_out(const uint32_t *types, uint32_t count, const slot *slots, struct skiff_val *values)
{
	for (uint32_t i = 0; i < count; i++) {
		struct skiff_val *value = &values[i];

		*value = (struct skiff_val){.type = types[i]};
		if (types[i] == TYPE_V128)
			memcpy(value->of.v128, slots, sizeof(value->of.v128));
		else if (types[i] == TYPE_I32 || types[i] == TYPE_F32)
			value->of.i32 = (uint32_t)slots[0];
		else
			value->of.i64 = slots[0];
		slots += valtype_slots(types[i]);
	}
}

void values_keep(struct store *store, const struct skiff_val *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (valtype_is_ref(values[i].type))
			gc_pin(store, values[i].of.ref.word);
}
