/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atomics.h: atomic accesses, from their rows in opcodes.def as numeric.h does it. See machine.h for the words used; no
 * include guard.
 *
 * An address that is not a multiple of the width traps, and before its bounds are looked at. Accesses that
 * are the usual case, to memory 0 with 32-bit addresses, find their bytes here; all others out of line.
 */

/* Where an access leads: the memory, and the address in it. */
struct atomic_place {
	const struct memory *memory;
	uint32_t index;
	uint64_t ea;
};

static const uint8_t *atomic_leb(const uint8_t *p, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned shift = 0;

	for (;; shift += 7) {
		value |= (uint64_t)(*p & 0x7f) << shift;
		if (*p++ < 0x80)
			break;
	}
	*ret = value;
	return p;
}

/* Reads the immediates behind the opcode. What lies beyond 64 bits is out of bounds at an aligned address, too. */
static COLD struct atomic_place atomic_find(const struct instance *in, const uint8_t *immediates,
					    slot address)
{
	struct atomic_place place = {.index = 0};
	uint32_t flags;
	uint64_t offset;
	const uint8_t *p = leb_u32(immediates, &flags);

	if (flags & 0x40)
		p = leb_u32(p, &place.index);
	atomic_leb(p, &offset);
	place.memory = in->memories[place.index];
	if (!place.memory->limits.is64)
		address = (uint32_t)address;
	if (__builtin_add_overflow(address, offset, &place.ea))
		place.ea = UINT64_MAX - 7;
	return place;
}

/* Behind the immediates. The flags are read as the number they are: padded, their first byte does not say whether a
 * memory follows. */
static const uint8_t *atomic_end(const uint8_t *p)
{
	uint32_t flags;

	p = leb_u32(p, &flags);
	return leb_skip(flags & 0x40 ? leb_skip(p) : p);
}

/* The bytes of an access, and the next instruction; or NULL. */
struct atomic_bytes {
	uint8_t *at;
	const uint8_t *next;
};

static COLD struct atomic_bytes atomic_bytes(const struct instance *in, const uint8_t *immediates,
					     slot address, uint32_t width)
{
	struct atomic_place place = atomic_find(in, immediates, address);

	if (place.ea % width != 0 || !memory_contains(place.memory, place.ea, width))
		return (struct atomic_bytes){NULL, NULL};
	return (struct atomic_bytes){place.memory->base + place.ea, atomic_end(immediates)};
}

/* Why there are none. */
static COLD enum trap atomic_trap(const struct instance *in, const uint8_t *immediates,
				  slot address, uint32_t width)
{
	return atomic_find(in, immediates, address).ea % width != 0 ? TRAP_UNALIGNED_ATOMIC
								    : TRAP_OUT_OF_BOUNDS_MEMORY;
}

/* Declares `at`, the bytes meant, and `next`. Here is what is usual: memory 0, 32 bits, an offset of one byte. */
#define ATOMIC_ACCESS(address, width)                                                     \
	uint64_t ea = (uint64_t)(uint32_t)(address) + pc[2];                              \
	const uint8_t *next = pc + 3;                                                     \
	uint8_t *at = mem + ea;                                                           \
	if (UNLIKELY(((pc[1] & 0xc0) | (pc[2] & 0x80) | in->memory->limits.is64 |         \
		      (ea & ((width) - 1))) != 0 ||                                       \
		     ea + (width) > mem_size)) {                                          \
		struct atomic_bytes bytes = atomic_bytes(in, pc + 1, (address), (width)); \
		if (UNLIKELY(bytes.at == NULL))                                           \
			TRAP(atomic_trap(in, pc + 1, (address), (width)));                \
		at = bytes.at;                                                            \
		next = bytes.next;                                                        \
	}

#define ATOMIC_LOAD(SEM, r, width)          \
	{                                   \
		ATOMIC_ACCESS(tos, width);  \
		CTYPE_##r result = SEM(at); \
		RET_##r(result);            \
	}
#define ATOMIC_STORE(SEM, b, width)           \
	{                                     \
		ATOMIC_ACCESS(sp[-1], width); \
		SEM(at, TOP_G_##b);           \
		DROP_NEXT(2, next);           \
	}
#define ATOMIC_CHANGE(SEM, b, width)                   \
	{                                              \
		ATOMIC_ACCESS(sp[-1], width);          \
		CTYPE_##b result = SEM(at, TOP_G_##b); \
		sp--;                                  \
		RET_##b(result);                       \
	}
#define ATOMIC_CMPXCHG(SEM, b, width)                               \
	{                                                           \
		ATOMIC_ACCESS(sp[-2], width);                       \
		CTYPE_##b result = SEM(at, DEEP_##b(1), TOP_G_##b); \
		sp -= 2;                                            \
		RET_##b(result);                                    \
	}

#define ATOMIC_i_i(SEM, w) ATOMIC_LOAD(SEM, i, w)
#define ATOMIC_i_l(SEM, w) ATOMIC_LOAD(SEM, l, w)
#define ATOMIC_ii_(SEM, w) ATOMIC_STORE(SEM, i, w)
#define ATOMIC_il_(SEM, w) ATOMIC_STORE(SEM, l, w)
#define ATOMIC_ii_i(SEM, w) ATOMIC_CHANGE(SEM, i, w)
#define ATOMIC_il_l(SEM, w) ATOMIC_CHANGE(SEM, l, w)
#define ATOMIC_iii_i(SEM, w) ATOMIC_CMPXCHG(SEM, i, w)
#define ATOMIC_ill_l(SEM, w) ATOMIC_CMPXCHG(SEM, l, w)
