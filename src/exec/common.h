/* SPDX-License-Identifier: Apache-2.0 */
/* common.h: what all stores of an engine share. Owned by the engine; everything here has its own lock. */
#ifndef EXEC_COMMON_H
#define EXEC_COMMON_H

#include "exec/func.h"
#include "exec/memory.h"
#include "exec/registry.h"

/*
 * What a tier is to the rest of exec: the entry its functions start with. Tiers do not know each other; the
 * engine chooses, and may put another entry into a function later.
 */
struct tier {
	func_entry *entry;
};

struct common {
	struct registry registry;
	struct memory_pool pool;
	struct tier tier;
	uint64_t stack_bytes;
	bool fuel;
	bool gc_always; /* collect before each object: for tests */
	uint64_t gc_bytes; /* limit of a store's objects */
};

#endif
