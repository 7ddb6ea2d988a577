/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.h: a module brought to life. docs/abi.md fixes the fields compiled code reads.
 *
 * One block of zeros from the system: this struct, the arrays of pointers, then the state (globals,
 * dropped segments, table entries), then the functions. Its far end is touched only as functions are
 * first used, so a big module costs a small instance.
 */
#ifndef EXEC_INSTANCE_H
#define EXEC_INSTANCE_H

#include "exec/func.h"
#include "exec/memory.h"
#include "exec/table.h"

struct module;
struct store;
struct type_info;

struct global {
	union {
		slot cell[2]; /* a v128 takes both */
		v128 vector;
	};
	uint32_t type; /* the engine's numbering */
	uint32_t is_mutable;
	struct store *store;
};

struct tag {
	uint32_t type;
	uint32_t slots; /* an exception's values take */
	struct store *store;
	const uint32_t *params; /* their types; borrowed from the image, or owned by the store */
	uint32_t param_count;
	const uint32_t
		*ids; /* the numbering of `params`: the module's type_ids; NULL: the engine's */
};

struct instance {
	struct memory *memory; /* memory 0, or one of size 0: never NULL */
	struct global **globals;
	uintptr_t func_base;       /* + index * sizeof(struct func): a function defined here */
	struct func **imports;     /* imported functions */
	struct table **tables;
	const uint32_t *type_ids;  /* borrowed from the module */
	const struct image *image; /* the same */
	struct store *store;
	struct memory **memories;
	struct func *funcs;        /* those defined here, from the first on */
	struct tag **tags;
	uint8_t *dropped_datas; /* a byte a segment */
	uint8_t *dropped_elements;
	struct global *own_globals;
	struct table *own_tables;
	struct memory *own_memories;
	struct tag *own_tags;
	slot *own_entries; /* of the tables defined here, one after the other */
	struct module *module; /* counted */
	struct instance *next; /* in the store */
	size_t block;          /* bytes of this block */
	uint32_t imported_funcs;
	struct memory *shown_memory; /* the one exported as "memory", else memory 0; NULL: none */
	const struct type_info *const *type_infos; /* borrowed from the module; NULL: no GC in it */
	slot **elements; /* values of passive segments of expressions; owned; NULL: there are none */
};

/* What an instance is linked with: one entry an import, in their order, already of the right kind. */
union extern_item {
	struct func *func;
	struct table *table;
	struct memory *memory;
	struct global *global;
	struct tag *tag;
};

/*
 * Make an instance of the module, up to but without the start function. Outcomes: INSTANCE_TRAP (a
 * segment is out of bounds: *trap says so, and what was written before stays written). The module is referenced.
 */
enum { INSTANCE_TRAP = 1 };
int instance_new(struct instance **ret, struct store *store, struct module *module,
		 const union extern_item *imports, int *trap, struct err *err);
void instance_free(struct instance *instance);
/* Back to how instance_new() left it; what is imported stays as it is. */
int instance_reset(struct instance *instance, struct err *err);

/* Function by index, made if it is not. */
struct func *instance_func_slow(struct instance *instance, uint32_t index);
static inline struct func *instance_func(struct instance *instance, uint32_t index)
{
	struct func *func = &instance->funcs[index - instance->imported_funcs];

	if (index >= instance->imported_funcs && func->entry != NULL)
		return func;
	return instance_func_slow(instance, index);
}

#endif
