/* SPDX-License-Identifier: Apache-2.0 */
/* disasm.h: a function as text. */
#ifndef WASM_DISASM_H
#define WASM_DISASM_H

#include <stdio.h>

#include "wasm/image.h"

/*
 * Write function `index`: a line with its name, type and locals, then an instruction a line with its offset in the
 * module. Returns 0, -EINVAL (there is no such function, or it is imported), or a negative errno when
 * writing failed.
 */
int disasm_func(const struct image *image, uint32_t index, FILE *out);

#endif
