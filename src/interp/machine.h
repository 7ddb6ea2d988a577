/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h: the registers of the interpreter, and how bodies reach operands.
 *
 *   pc        the instruction's opcode; of a prefixed one the last byte of its opcode
 *   sp        of a stack of n slots: base + n, where base is the slot behind the frame's record
 *   tos       the topmost slot; its place in memory, *sp, is stale. With an empty stack tos is junk, and
 *             *base is where that junk may be written, so pushing never asks
 *   fp        the locals
 *   side      the side table entry of the next branch
 *   mem, mem_size   memory 0 of the instance; read again after whatever could grow it
 *   in, th    instance and thread
 *
 * That is state G. tail.c knows two more states of the topmost value: F, a float or double in the low lane
 * of a vector register, and V, a v128 in it (its two slots in memory stale). Which state holds is in
 * no variable: an instruction goes on through the dispatch table of the state it leaves. X stands beside
 * these where loads and stores are written out: state G, with a far place (wasm/opcode.h).
 *
 * Bodies are written once against these words, which the including file defines:
 *   INSTR(ID) { body }        an instruction in state G
 *   NEXT(p)                   go on at p in state G
 *   TRAP(code)                end here
 *   UNWIND(p)                 thread->exception comes out of the instruction around p of thread->frame
 *   RET_i(x) ... RET_v(x)     go on at `next` with x as the topmost value
 */
#ifndef INTERP_MACHINE_H
#define INTERP_MACHINE_H

#include <string.h>

#include "base/base.h"
#include "exec/exception.h"
#include "exec/objects.h"
#include "exec/runtime.h"
#include "exec/semantics.h"
#include "exec/semantics_names.h"
#include "exec/semantics_relaxed.h"
#include "exec/semantics_simd.h"
#include "exec/store.h"
#include "interp/interp.h"
#include "wasm/opcode.h"

/* A v128 in two slots, aligned as slots are. */
typedef v128 v128_slots __attribute__((aligned(8), may_alias));

static inline float slot_f32(slot s)
{
	uint32_t low = (uint32_t)s;
	float f;

	memcpy(&f, &low, sizeof(f));
	return f;
}

static inline double slot_f64(slot s)
{
	double d;

	memcpy(&d, &s, sizeof(d));
	return d;
}

static inline slot f32_slot(float f)
{
	uint32_t low;

	memcpy(&low, &f, sizeof(low));
	return low;
}

static inline slot f64_slot(double d)
{
	slot s;

	memcpy(&s, &d, sizeof(s));
	return s;
}

static inline v128 load_v128(const slot *at)
{
	return *(const v128_slots *)(const void *)at;
}

static inline void store_v128(slot *at, v128 v)
{
	*(v128_slots *)(void *)at = v;
}

/*
 * LEB128 over validated code. One and two bytes are nearly all there are; the rest is unrolled, since a loop
 * with a variable shift would take registers that every instruction then has to save.
 */
static inline __attribute__((always_inline)) const uint8_t *leb_u32(const uint8_t *p, uint32_t *ret)
{
	uint32_t value = *p++;

	if (UNLIKELY(value >= 0x80)) {
		value = (value & 0x7f) | (uint32_t)*p << 7;
		if (*p++ >= 0x80) {
			value = (value & 0x3fff) | (uint32_t)*p << 14;
			if (*p++ >= 0x80) {
				value = (value & 0x1fffff) | (uint32_t)*p << 21;
				if (*p++ >= 0x80)
					value = (value & 0xfffffff) | (uint32_t)*p++ << 28;
			}
		}
	}
	*ret = value;
	return p;
}

static inline __attribute__((always_inline)) const uint8_t *leb_s32(const uint8_t *p, uint32_t *ret)
{
	uint32_t value;
	const uint8_t *next = leb_u32(p, &value);
	uint32_t unused = 32 - 7 * (uint32_t)MIN(next - p, 4);

	/* The sign is the top bit of the last byte; five bytes fill the word. */
	*ret = next - p < 5 ? (uint32_t)((int32_t)(value << unused) >> unused) : value;
	return next;
}

static COLD __attribute__((noinline, unused)) const uint8_t *leb_u64_long(const uint8_t *p,
									  uint64_t *ret)
{
	uint64_t value = 0;
	unsigned shift = 0;

	do {
		value |= (uint64_t)(*p & 0x7f) << shift;
		shift += 7;
	} while (*p++ >= 0x80);
	*ret = value;
	return p;
}

static inline __attribute__((always_inline)) const uint8_t *leb_u64(const uint8_t *p, uint64_t *ret)
{
	uint64_t value = *p;

	if (UNLIKELY(value >= 0x80)) {
		if (p[1] >= 0x80)
			return leb_u64_long(p, ret);
		*ret = (value & 0x7f) | (uint64_t)p[1] << 7;
		return p + 2;
	}
	*ret = value;
	return p + 1;
}

static inline __attribute__((always_inline)) const uint8_t *leb_s64(const uint8_t *p, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = *p++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (UNLIKELY(byte >= 0x80));
	if (shift < 64 && (byte & 0x40))
		value |= ~UINT64_C(0) << shift;
	*ret = value;
	return p;
}

static inline __attribute__((always_inline)) const uint8_t *leb_skip(const uint8_t *p)
{
	while (UNLIKELY(*p >= 0x80))
		p++;
	return p + 1;
}

/* -- Operands ---------------------------------------------------------------------------- */

/* The topmost value by type, in state G. */
#define TOP_G_i ((uint32_t)tos)
#define TOP_G_l (tos)
#define TOP_G_f slot_f32(tos)
#define TOP_G_d slot_f64(tos)
#define TOP_G_v ((v128){sp[-1], tos})
#define TOP_X_i TOP_G_i
#define TOP_X_l TOP_G_l
#define TOP_X_f TOP_G_f
#define TOP_X_d TOP_G_d
#define TOP_X_v TOP_G_v
#define TOP_F_f (((f32x4)vec)[0])
#define TOP_F_d (((f64x2)vec)[0])
#define TOP_V_v (vec)

/* A value in memory whose last slot is sp[-k]. */
#define DEEP_i(k) ((uint32_t)sp[-(k)])
#define DEEP_l(k) (sp[-(k)])
#define DEEP_f(k) slot_f32(sp[-(k)])
#define DEEP_d(k) slot_f64(sp[-(k)])
#define DEEP_v(k) load_v128(&sp[-(k) - 1])

#define SLOTS_i 1
#define SLOTS_l 1
#define SLOTS_f 1
#define SLOTS_d 1
#define SLOTS_v 2

#define CTYPE_i uint32_t
#define CTYPE_l uint64_t
#define CTYPE_f float
#define CTYPE_d double
#define CTYPE_v v128

/* Memory 0 may have grown or moved. */
#define RELOAD_MEMORY()                             \
	do {                                        \
		mem = in->memory->base;             \
		mem_size = memory_size(in->memory); \
	} while (0)

/*
 * Does an access of `width` bytes end behind memory 0? A shared one may have been grown by another thread since it was
 * looked at, so it is asked again before anything traps; its base stays.
 */
#define OUT_OF_BOUNDS(ea, width)                \
	(UNLIKELY((ea) + (width) > mem_size) && \
	 (mem_size = memory_size(in->memory), (ea) + (width) > mem_size))

/* The bytes of a memory. */
struct span {
	uint8_t *base;
	uint64_t size;
};

/*
 * Where a far access goes (opcode.h), whose immediates begin at p; NULL: out of bounds. Without an index it is far
 * because memory 0 has 64-bit addresses. With these, address and offset may run over.
 */
static inline __attribute__((always_inline)) uint8_t *far_place(const struct instance *in,
								struct span place, const uint8_t *p,
								slot address, uint32_t width,
								const uint8_t **ret_next)
{
	uint64_t offset, ea;

	if (*p++ & FAR_HAS_MEMORY) {
		const struct memory *memory;
		uint32_t index;

		p = leb_u32(p, &index);
		memory = in->memories[index];
		place = (struct span){memory->base, memory_size(memory)};
		address &= memory->address_mask;
	}
	*ret_next = leb_u64(p, &offset);
	if (UNLIKELY(__builtin_add_overflow(address, offset, &ea) || ea > place.size ||
		     width > place.size - ea))
		return NULL;
	return place.base + ea;
}

/* Remove k slots (k > 0) and go on at p. */
#define DROP_NEXT(k, p)    \
	do {               \
		sp -= (k); \
		tos = *sp; \
		NEXT(p);   \
	} while (0)

#define PUSH(value)            \
	do {                   \
		*sp++ = tos;   \
		tos = (value); \
	} while (0)

/* -- Casts ------------------------------------------------------------------------------- */

/* Is the reference, which is not null, of the heap type written at `at`. Objects against a type of their module go
 * without a call: the very type, or one look into the supertypes. */
static inline bool machine_ref_is(struct thread *th, struct instance *in, slot ref,
				  const uint8_t *at)
{
	uint32_t heap, yes;

	leb_s32(at, &heap);
	if (LIKELY((int32_t)heap >= 0) && ref_is_object(ref)) {
		uint32_t id = object_of(ref)->type;
		const struct type_info *info;

		if (id == in->type_ids[heap])
			return true;
		info = registry_info(&in->store->common->registry, id);
		return info_extends(info, in->type_infos[heap]);
	}
	if ((int32_t)heap < 0)
		heap = HEAP_ABSTRACT(heap & 0x7f);
	runtime_ref_test(th, in, heap, ref, &yes);
	return yes;
}

/* The first byte of an instruction behind the prefix 0xfb, from the last byte of its opcode. */
static inline const uint8_t *machine_fb_start(const uint8_t *pc)
{
	while (*pc != 0xfb)
		pc--;
	return pc;
}

#endif
