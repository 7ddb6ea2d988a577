/* SPDX-License-Identifier: Apache-2.0 */
/* feature.h: the proposals as bits. FEATURE_MVP (0) stands for "no proposal needed". */
#ifndef WASM_FEATURE_H
#define WASM_FEATURE_H

#include <stdint.h>

enum feature {
	FEATURE_MVP,
#define FEATURE(ID, name, on) FEATURE_##ID,
#include "wasm/feature.def"
#undef FEATURE
	FEATURE_COUNT
};

/* Bit of a feature; bit 0 is public bit 0, so MVP has none. */
#define FEATURE_BIT(f) ((f) == FEATURE_MVP ? UINT64_C(0) : UINT64_C(1) << ((f) - 1))

uint64_t feature_default(void);
const char *feature_name(enum feature feature); /* "" for MVP */

#endif
