/* SPDX-License-Identifier: Apache-2.0 */
/* base.h: the handful of words every file uses. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define COLD __attribute__((cold, noinline))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* A broken promise of our own code: never the guest's or the user's doing. Also in release builds. */
#define invariant(x) ((x) ? (void)0 : invariant_broken(#x, __FILE__, __LINE__))
_Noreturn void invariant_broken(const char *what, const char *file, int line);

static inline uint64_t align_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

#endif
