/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h: what every benchmark program shares.
 *
 * A program is one C file that includes this header and defines run(). The same file is compiled
 * twice: freestanding to wasm32 (exports run, imports nothing) and natively (linked with
 * native_main.c). run(reps) does the same work `reps` times from the same beginning and returns a
 * hash of everything the last repetition computed; so the result does not depend on `reps` (but 0,
 * which gives 0), and two engines that ran different counts can still be compared.
 *
 * Floating point uses only operations IEEE 754 rounds exactly (no fused or reordered forms), so the
 * hash of the bits is the same everywhere.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#define NOINLINE __attribute__((noinline))

/* The compiler may not carry knowledge of memory across this point. */
#define FORGET() __asm__ volatile("" ::: "memory")

#ifdef __wasm__
__attribute__((export_name("run")))
#endif
uint32_t
run(uint32_t reps);

static inline uint32_t hash_u32(uint32_t hash, uint32_t value)
{
	hash = (hash ^ value) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

static inline uint32_t hash_f64s(uint32_t hash, const double *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		union {
			double number;
			uint64_t bits;
		} u = {.number = values[i]};
		hash = hash_u32(hash, (uint32_t)u.bits);
		hash = hash_u32(hash, (uint32_t)(u.bits >> 32));
	}
	return hash;
}

/* A generator with a fixed seed: the inputs are the same on every machine. */
static inline uint32_t random_next(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

#endif
