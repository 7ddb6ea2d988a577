/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semantics_atomics.h: the atomic accesses of the threads proposal, one body a row as in semantics.h:
 *
 *	load     T sem(const uint8_t *p)            store    void sem(uint8_t *p, T v)
 *	change   T sem(uint8_t *p, T v)             cmpxchg  T sem(uint8_t *p, T expected, T wanted)
 *
 * `p` is aligned to the width. All of them, of all threads, happen in one order (sequentially consistent), which is
 * what C's order of that name means for objects that are only reached through it; that other threads may reach
 * the same bytes by plain accesses at the same time is the guest's affair (docs/abi.md, "Shared memories").
 *
 * A change gives what was there before, zero-extended. Where the width is narrower than the type, of `v`, `expected` and
 * `wanted` the low bits count.
 */
#ifndef EXEC_SEMANTICS_ATOMICS_H
#define EXEC_SEMANTICS_ATOMICS_H

#include <stdint.h>

/* T: what the guest sees; M: what lies in memory. */
#define SEM_ATOMIC_LOAD(name, T, M)                                                      \
	static inline T sem_##name(const uint8_t *p)                                     \
	{                                                                                \
		return (T)__atomic_load_n((const M *)(const void *)p, __ATOMIC_SEQ_CST); \
	}
#define SEM_ATOMIC_STORE(name, T, M)                                      \
	static inline void sem_##name(uint8_t *p, T v)                    \
	{                                                                 \
		__atomic_store_n((M *)(void *)p, (M)v, __ATOMIC_SEQ_CST); \
	}
/*
 * gcc 12 loses the operand where the result goes to the same register (x = fetch_and(p, x)): it writes the old value there
 * before it has worked out the new one. The empty asm needs both, so they are two.
 */
#define SEM_ATOMIC_CHANGE(name, T, M, how)                                      \
	static inline T sem_##name(uint8_t *p, T v)                             \
	{                                                                       \
		M old = __atomic_##how((M *)(void *)p, (M)v, __ATOMIC_SEQ_CST); \
                                                                                \
		__asm__("" : "+r"(old) : "r"(v));                               \
		return (T)old;                                                  \
	}
#define SEM_ATOMIC_CMPXCHG(name, T, M)                                                             \
	static inline T sem_##name(uint8_t *p, T expected, T wanted)                               \
	{                                                                                          \
		M seen = (M)expected;                                                              \
                                                                                                   \
		__atomic_compare_exchange_n((M *)(void *)p, &seen, (M)wanted, 0, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST);                                     \
		return (T)seen;                                                                    \
	}

SEM_ATOMIC_LOAD(i32_atomic_load, uint32_t, uint32_t)
SEM_ATOMIC_LOAD(i64_atomic_load, uint64_t, uint64_t)
SEM_ATOMIC_LOAD(i32_atomic_load8_u, uint32_t, uint8_t)
SEM_ATOMIC_LOAD(i32_atomic_load16_u, uint32_t, uint16_t)
SEM_ATOMIC_LOAD(i64_atomic_load8_u, uint64_t, uint8_t)
SEM_ATOMIC_LOAD(i64_atomic_load16_u, uint64_t, uint16_t)
SEM_ATOMIC_LOAD(i64_atomic_load32_u, uint64_t, uint32_t)
SEM_ATOMIC_STORE(i32_atomic_store, uint32_t, uint32_t)
SEM_ATOMIC_STORE(i64_atomic_store, uint64_t, uint64_t)
SEM_ATOMIC_STORE(i32_atomic_store8, uint32_t, uint8_t)
SEM_ATOMIC_STORE(i32_atomic_store16, uint32_t, uint16_t)
SEM_ATOMIC_STORE(i64_atomic_store8, uint64_t, uint8_t)
SEM_ATOMIC_STORE(i64_atomic_store16, uint64_t, uint16_t)
SEM_ATOMIC_STORE(i64_atomic_store32, uint64_t, uint32_t)

/* The seven widths of one change. */
#define SEM_ATOMIC_CHANGES(op, how)                                           \
	SEM_ATOMIC_CHANGE(i32_atomic_rmw_##op, uint32_t, uint32_t, how)       \
	SEM_ATOMIC_CHANGE(i64_atomic_rmw_##op, uint64_t, uint64_t, how)       \
	SEM_ATOMIC_CHANGE(i32_atomic_rmw8_##op##_u, uint32_t, uint8_t, how)   \
	SEM_ATOMIC_CHANGE(i32_atomic_rmw16_##op##_u, uint32_t, uint16_t, how) \
	SEM_ATOMIC_CHANGE(i64_atomic_rmw8_##op##_u, uint64_t, uint8_t, how)   \
	SEM_ATOMIC_CHANGE(i64_atomic_rmw16_##op##_u, uint64_t, uint16_t, how) \
	SEM_ATOMIC_CHANGE(i64_atomic_rmw32_##op##_u, uint64_t, uint32_t, how)

SEM_ATOMIC_CHANGES(add, fetch_add)
SEM_ATOMIC_CHANGES(sub, fetch_sub)
SEM_ATOMIC_CHANGES(and, fetch_and)
SEM_ATOMIC_CHANGES(or, fetch_or)
SEM_ATOMIC_CHANGES(xor, fetch_xor)
SEM_ATOMIC_CHANGES(xchg, exchange_n)

SEM_ATOMIC_CMPXCHG(i32_atomic_rmw_cmpxchg, uint32_t, uint32_t)
SEM_ATOMIC_CMPXCHG(i64_atomic_rmw_cmpxchg, uint64_t, uint64_t)
SEM_ATOMIC_CMPXCHG(i32_atomic_rmw8_cmpxchg_u, uint32_t, uint8_t)
SEM_ATOMIC_CMPXCHG(i32_atomic_rmw16_cmpxchg_u, uint32_t, uint16_t)
SEM_ATOMIC_CMPXCHG(i64_atomic_rmw8_cmpxchg_u, uint64_t, uint8_t)
SEM_ATOMIC_CMPXCHG(i64_atomic_rmw16_cmpxchg_u, uint64_t, uint16_t)
SEM_ATOMIC_CMPXCHG(i64_atomic_rmw32_cmpxchg_u, uint64_t, uint32_t)

#endif
