/* SPDX-License-Identifier: Apache-2.0 */
/* linker.h: what linking hands to instantiation. */
#ifndef ENGINE_LINKER_H
#define ENGINE_LINKER_H

#include "engine/engine.h"
#include "wasi/p1.h"

/* An import: a host function or one of WASI's that any store can make its own, or an item of one store. */
struct resolved {
	struct host_def *host; /* counted, or NULL */
	const struct p1_row *row; /* or NULL; both: `item` */
	bool unstable; /* of the row: under which module name */
	bool spawns; /* it is "thread-spawn": threads.c */
	bool supplies; /* a shared memory that nobody offers: the first instance in a store gets a new one */
	uint32_t type; /* of the row or "thread-spawn": the engine's number */
	union extern_item item;
	struct memory *shared; /* the item, counted, if it is a shared memory */
	struct store *store; /* the item's; NULL: of a shared memory */
};

struct skiff_prelinked {
	uint32_t refs;
	struct skiff_engine *engine; /* counted */
	struct module *module; /* counted */
	struct system *wasi; /* counted; NULL: none of the imports is WASI's */
	uint32_t count;
	struct resolved imports[];
};

struct skiff_prelinked *prelinked_ref(const struct skiff_prelinked *pre);

/* instances.c: another instance of what `from` is one of, in another store of the same guest, up to but without the start
 * function. 0, -errno, or an outcome. */
int instances_make_another(struct instance **ret, struct store *store,
			   const struct skiff_prelinked *pre, const struct instance *from,
			   struct err *err);

/* What imports of WASI are resolved with, from now on. */
void linker_set_wasi(struct skiff_linker *linker, struct system *system);

#endif
