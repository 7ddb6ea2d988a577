/* SPDX-License-Identifier: Apache-2.0 */
/*
 * func.h: a function as something that can be called and referred to. docs/abi.md, "One way to call".
 *
 * Functions of an instance lie in one array at its end, zero until first used: `entry` 0 means not made
 * yet. So an instance with a thousand functions costs nothing for those it never calls. Whoever
 * calls compares `entry` with what it knows (the interpreter: its own) and leaves every other case, not
 * made included, to one slow path.
 */
#ifndef EXEC_FUNC_H
#define EXEC_FUNC_H

#include "exec/value.h"
#include "wasm/image.h"

struct thread;
struct instance;
struct func;
struct host;

/* How a call ended. */
enum status {
	STATUS_OK,
	STATUS_EXCEPTION, /* the exception is in the thread */
	STATUS_TRAP,      /* thread->trap says which */
	STATUS_EXIT,      /* thread->exit_code */
};

/* frame: arguments on entry, results on return; the slots above are the callee's. */
typedef enum status func_entry(struct thread *thread, struct func *self, slot *frame);

/* 64 bytes, a cache line. The layout is compiled code's too: docs/abi.md. */
struct func {
	func_entry *entry;
	union {
		struct instance *instance; /* borrowed: it outlives its functions */
		struct host *host;         /* counted in the store's list of functions */
	} of;
	const uint8_t *code;           /* first instruction; NULL: a host function */
	const struct image_side *side; /* its first side table entry */
	const uint16_t *local_map;     /* slot of each local, where they differ from the index */
	void *registers;               /* register entry of compiled code: later tiers */
	uint32_t type;                 /* the engine's number */
	uint32_t index;                /* in its module */
	uint16_t params, results;      /* slots */
	uint16_t locals, frame;        /* slots: see struct image_func */
};

_Static_assert(sizeof(struct func) == 64, "docs/abi.md");

#endif
