/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads.h: guests that start threads of their own (wasi-threads).
 *
 * A guest is the store the embedder calls, and a store for each thread that was started from it, all with instances
 * of one module and one shared memory. They end together: by the first that traps, throws or exits, or by the
 * embedder's call ending any other way than by a return. That call's outcome is the guest's.
 */
#ifndef ENGINE_THREADS_H
#define ENGINE_THREADS_H

#include "engine/linker.h"

/* "wasi" "thread-spawn" of what is made of `pre` in the store; NULL: no memory. */
struct func *threads_spawn_func(struct store *store, const struct skiff_prelinked *pre,
				uint32_t type);
bool threads_is_spawn(struct skiff_name module, struct skiff_name name);

/*
 * The embedder's call into the store ended with `outcome`. Unless it returned and all is well, the guest's threads are
 * ended and waited for; what ended the guest first is what is told. Without threads it is `outcome`.
 */
int threads_outcome(struct store *store, int outcome, struct skiff_trap **trap, int *exit_code,
		    struct err *err);
/* End and wait for what runs beside the store, whatever came of it. */
void threads_end(struct store *store);
/* The same when the store is about to be freed. */
void threads_deinit(struct store *store);

/* Is this trap the one a core dump is written for: the first of the guest's. */
bool threads_may_dump(struct store *store);
/* Around asking the embedder's limiter, which is one for all. */
void threads_lock_limiter(const struct store *store);
void threads_unlock_limiter(const struct store *store);
/* Fuel that no thread has taken yet. */
uint64_t *threads_fuel(struct store *store);

#endif
