/* SPDX-License-Identifier: Apache-2.0 */
/* linker.h: what linking hands to instantiation. */
#ifndef ENGINE_LINKER_H
#define ENGINE_LINKER_H

#include "engine/engine.h"

/* An import: a host function any store can make its own, or an item of one store. */
struct resolved {
	struct host_def *host; /* counted; NULL: `item` */
	union extern_item item;
	struct store *store; /* the item's */
};

struct skiff_prelinked {
	struct skiff_engine *engine; /* counted */
	struct module *module; /* counted */
	uint32_t count;
	struct resolved imports[];
};

#endif
