/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p1.h: preview 1 of WASI over the system layer: the table of its functions, and what their bodies share.
 *
 * A body takes the guest's numbers as they are, checks pointers and rights, asks the system layer, and returns a
 * WASI errno. Guest memory is read before anything is done and written after; a pointer that leads out of it
 * is P1_FAULT, never a trap.
 */
#ifndef WASI_P1_H
#define WASI_P1_H

#include <string.h>

#include "exec/store.h"
#include "wasi/p1_abi.h"
#include "wasi/system.h"

/* A call of a guest's: what a body has to work with. */
struct p1 {
	struct thread *thread;
	struct system *system;
	struct memory *memory; /* the caller's; NULL: it has none */
	bool unstable;         /* the module name of the import was wasi_unstable */
	enum status status;    /* how the call ends; STATUS_OK unless a body says otherwise */
	struct waiter waiter;
};

/* -- The table ------------------------------------------------------------------------------------ */

/* Without pointers, so that processes share it: relocated pages are private. */
struct p1_row {
	char name[24];
	char params[10]; /* a letter each, i or I */
	uint8_t name_size;
	uint8_t param_count;
	bool returns; /* an errno */
};

extern const struct p1_row p1_rows[];
extern const uint32_t p1_row_count;

/* Call the body of a row with the slots of a frame. */
uint32_t p1_call(const struct p1_row *row, struct p1 *p, const slot *args);

/* Is this the module name of preview 1, new or old. */
bool p1_is_module(const char *name, size_t size, bool *ret_unstable);
/* NULL: no such function. */
const struct p1_row *p1_find(const char *name, size_t size);
/* NAME_v2 for NAME. */
const struct p1_row *p1_find_second(const struct p1_row *row);

/* A function of the store that calls this row. `type` is the engine's number for the row's type. NULL: no memory. */
struct func *p1_func(struct store *store, struct system *system, const struct p1_row *row,
		     bool unstable, uint32_t type);

/* -- Bodies: generated prototypes ----------------------------------------------------------------- */

/* P1_MAP(F, a, b, ...) is F(a) F(b) ..., up to 9. */
#define P1_MAP_0(F)
#define P1_MAP_1(F, a) F(a)
#define P1_MAP_2(F, a, ...) F(a) P1_MAP_1(F, __VA_ARGS__)
#define P1_MAP_3(F, a, ...) F(a) P1_MAP_2(F, __VA_ARGS__)
#define P1_MAP_4(F, a, ...) F(a) P1_MAP_3(F, __VA_ARGS__)
#define P1_MAP_5(F, a, ...) F(a) P1_MAP_4(F, __VA_ARGS__)
#define P1_MAP_6(F, a, ...) F(a) P1_MAP_5(F, __VA_ARGS__)
#define P1_MAP_7(F, a, ...) F(a) P1_MAP_6(F, __VA_ARGS__)
#define P1_MAP_8(F, a, ...) F(a) P1_MAP_7(F, __VA_ARGS__)
#define P1_MAP_9(F, a, ...) F(a) P1_MAP_8(F, __VA_ARGS__)
#define P1_NTH(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, n, ...) n
#define P1_COUNT(...) P1_NTH(_, ##__VA_ARGS__, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define P1_PASTE_(a, b) a##b
#define P1_PASTE(a, b) P1_PASTE_(a, b)
#define P1_MAP(F, ...) P1_PASTE(P1_MAP_, P1_COUNT(__VA_ARGS__))(F, ##__VA_ARGS__)

#define P1_TYPE_i , uint32_t
#define P1_TYPE_I , uint64_t
#define P1_TYPE(letter) P1_TYPE_##letter

#define P1(name, result, ...) uint32_t p1_##name(struct p1 *p P1_MAP(P1_TYPE, ##__VA_ARGS__));
#include "wasi/p1.def"
#undef P1

/* -- Guest memory ----------------------------------------------------------------------------------- */

/* `size` bytes of the guest's at `at`; NULL: not all of it is there. */
void *p1_at(const struct p1 *p, uint32_t at, uint64_t size);
/* Copy from there, once: what other threads of the guest write afterwards is not seen by whoever checked the copy. */
static inline void p1_read(void *to, const void *guest, size_t size)
{
	memcpy(to, guest, size);
	__asm__ volatile("" ::: "memory");
}
/* A text of the guest's: P1_FAULT, P1_NOMEM, P1_NAMETOOLONG. Where other threads could change it while it is looked at, *ret is
 * *ret_copy, the caller's to free; else *ret_copy is NULL. */
uint32_t p1_text(const struct p1 *p, uint32_t at, uint32_t size, const char **ret, char **ret_copy);
/* Numbers at any alignment; false: out of range. */
bool p1_get32(const struct p1 *p, uint32_t at, uint32_t *ret);
bool p1_put8(const struct p1 *p, uint32_t at, uint8_t value);
bool p1_put16(const struct p1 *p, uint32_t at, uint16_t value);
bool p1_put32(const struct p1 *p, uint32_t at, uint32_t value);
bool p1_put64(const struct p1 *p, uint32_t at, uint64_t value);

/* The guest's vectors as the host's. More than P1_PARTS are cut: reading and writing may do less than asked. P1_FAULT,
 * P1_INVAL (the sizes together exceed 32 bits). */
enum { P1_PARTS = 64 };
struct p1_parts {
	struct iovec items[P1_PARTS];
	uint32_t count;
};
uint32_t p1_get_parts(const struct p1 *p, uint32_t at, uint32_t count, struct p1_parts *ret);

/* -- Descriptors and errors ------------------------------------------------------------------------- */

/* The WASI errno of a -errno. */
uint32_t p1_error(int error);

/* A descriptor with these rights: P1_BADF, P1_NOTCAPABLE. The caller puts it back: AUTO_DESC. */
uint32_t p1_desc(const struct p1 *p, uint32_t fd, uint64_t rights, struct desc **ret);
/* The same, of a directory: P1_NOTDIR; *ret_place borrows from it. */
struct place;
uint32_t p1_dir(const struct p1 *p, uint32_t fd, uint64_t rights, struct desc **ret,
		struct place *ret_place);
/* Give the guest a number for it, and write that to `at`; takes the descriptor in any case. */
uint32_t p1_add(const struct p1 *p, struct desc *desc, uint32_t at);
/* What a descriptor of this kind can have of rights at most. */
uint64_t p1_rights_of(const struct desc *desc);
uint64_t p1_inheriting_of(const struct desc *desc);
/* All of them. What a read-only mount forbids, the system layer refuses. */
void p1_give_rights(struct desc *desc);
/* The same to all a guest begins with: the system is sealed, and preview 1 is its face. */
void p1_begin(struct system *system);

static inline void p1_desc_cleanup(struct desc **desc)
{
	desc_unref(*desc);
}
#define AUTO_DESC __attribute__((cleanup(p1_desc_cleanup)))

#endif
