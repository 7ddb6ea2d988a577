/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ref.h: what a reference is in a slot.
 *
 *   0              null, in every hierarchy
 *   ..0000         a pointer to a struct func
 *   ..1000         a pointer to an object of the store's heap: a struct, an array, an exception (gc.h)
 *   ...10          an object of the host: a number below 2^62, shifted
 *   ...1           an i31: its 31 bits, shifted
 *
 * Tables use two words more that never leave them (table.h): 0 there means "not made yet", so a fresh
 * table is a page of zeros, and null is TABLE_NULL.
 */
#ifndef EXEC_REF_H
#define EXEC_REF_H

#include <stdbool.h>

#include "exec/value.h"

struct func;

static inline slot ref_from_func(const struct func *func)
{
	return (slot)(uintptr_t)func;
}

static inline bool ref_is_pointer(slot ref)
{
	return ref != 0 && (ref & 7) == 0;
}

static inline bool ref_is_object(slot ref)
{
	return (ref & 15) == 8;
}

static inline bool ref_is_func(slot ref)
{
	return ref != 0 && (ref & 15) == 0;
}

static inline slot ref_from_i31(uint32_t value)
{
	return (uint32_t)(value << 1 | 1);
}

static inline bool ref_is_i31(slot ref)
{
	return (ref & 1) != 0;
}

static inline uint32_t ref_to_i31_u(slot ref)
{
	return (uint32_t)ref >> 1;
}

static inline uint32_t ref_to_i31_s(slot ref)
{
	return (uint32_t)((int32_t)(uint32_t)ref >> 1);
}

static inline slot ref_from_host(uint64_t object)
{
	return object << 2 | 2;
}

static inline bool ref_is_host(slot ref)
{
	return (ref & 3) == 2;
}

static inline uint64_t ref_to_host(slot ref)
{
	return ref >> 2;
}

#endif
