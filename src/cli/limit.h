/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit.h: what --memory-limit, --memory-page-limit and --time-limit do to a store.
 *
 * Both structs must live as long as the store, a limit_time as long as the process.
 */
#ifndef CLI_LIMIT_H
#define CLI_LIMIT_H

#include "cli/signals.h"
#include "skiff.h"

#include <signal.h>
#include <stdbool.h>

struct limit_memory {
	uint64_t left; /* bytes that may still be taken, or that each memory may have */
	bool refused;  /* a growth was */
};

struct limit_time {
	struct signals_timer timer; /* first: what is found again when it fires */
	struct skiff_store *store; /* borrowed */
	volatile sig_atomic_t expired;
};

/* All memories and tables together. */
void limit_memory_init(struct limit_memory *limit, struct skiff_store *store, uint64_t bytes);
/* Each memory, as WasmEdge counts. */
void limit_memory_pages(struct limit_memory *limit, struct skiff_store *store, uint64_t pages);

/* Interrupt the store in `ms` milliseconds, by SIGALRM. 0 or a negative errno. */
int limit_time_start(struct limit_time *limit, struct skiff_store *store, uint64_t ms);
void limit_time_stop(struct limit_time *limit);

#endif
