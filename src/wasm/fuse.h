/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuse.h: mark the sequences of fuse.def in a validated body.
 *
 * Done when a function is first made, so that what never runs costs nothing, and not where fuel is
 * counted, which looks at each instruction.
 */
#ifndef WASM_FUSE_H
#define WASM_FUSE_H

#include <stdint.h>

/* Overwrites single bytes, each of which means the same before and after. Once a body, before it first runs. */
void fuse_body(uint8_t *code, const uint8_t *end);

#endif
