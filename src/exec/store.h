/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h: owner of instances and of what the host made for them. One thread at a time is in it; nothing
 * here is locked.
 */
#ifndef EXEC_STORE_H
#define EXEC_STORE_H

#include "exec/common.h"
#include "exec/gc.h"
#include "exec/instance.h"
#include "exec/thread.h"

/* What a limiter is asked about beside items: the heap of objects, in bytes. */
#define EXTERN_HEAP 16

typedef bool store_limiter_fn(void *env, int kind, uint64_t now, uint64_t wanted);

/* A function of the host's. The engine puts its own struct around it. */
struct host {
	struct func func;
	struct store *store; /* borrowed: owns this */
	struct host *next; /* in the store */
	void (*release)(struct host *host);
	const uint32_t
		*types; /* borrowed from what is around it: parameters, then results, all numbers */
	uint8_t param_count, result_count;
};

/* A global, table, memory or tag made by the host. */
struct host_item {
	struct host_item *next;
	enum extern_kind kind;
	union {
		struct global global;
		struct table table;
		struct memory memory;
		struct tag tag;
		struct memory *shared; /* counted */
	} of;
	bool is_shared; /* a memory, and it is */
};

struct store {
	struct common *common; /* borrowed: the engine keeps it */
	struct thread thread;
	struct instance *instances;
	struct host *hosts;
	struct host_item *items;
	store_limiter_fn *limiter;
	void *limiter_env;
	void (*embedder)(void); /* the engine's: what its limiter asks, and with what */
	void *embedder_env;
	void (*on_trap)(struct store *store, const uint8_t *pc); /* while the frames still stand */
	int coredump_fd;
	struct gc_heap *heap; /* owned; NULL: no object was made yet */
	struct gc_roots *gc_roots; /* borrowed from C code that runs */
	struct threads *
		threads; /* the engine's: the guest this store is one thread of; NULL: the only one */
};

int store_new(struct store **ret, struct common *common, struct err *err);
void store_free(struct store *store);

/* The store a function belongs to. */
static inline struct store *store_of_func(const struct func *func)
{
	return func->code != NULL ? func->of.instance->store : func->of.host->store;
}

/* Asks the limiter. */
static inline bool store_may_grow(const struct store *store, int kind, uint64_t now,
				  uint64_t wanted)
{
	return store->limiter == NULL || store->limiter(store->limiter_env, kind, now, wanted);
}

int store_global(struct global **ret, struct store *store, uint32_t type, bool is_mutable);
int store_table(struct table **ret, struct store *store, uint32_t type,
		const struct image_limits *limits, slot init);
int store_memory(struct memory **ret, struct store *store, const struct image_limits *limits);
/* The types are copied; type and slots are the caller's to fill in. */
int store_tag(struct tag **ret, struct store *store, const uint32_t *params, uint32_t count);

#endif
