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
	uint32_t type; /* of the row: the engine's number */
	union extern_item item;
	struct store *store; /* the item's */
};

struct skiff_prelinked {
	struct skiff_engine *engine; /* counted */
	struct module *module; /* counted */
	struct system *wasi; /* counted; NULL: none of the imports is WASI's */
	uint32_t count;
	struct resolved imports[];
};

/* What imports of WASI are resolved with, from now on. */
void linker_set_wasi(struct skiff_linker *linker, struct system *system);

#endif
