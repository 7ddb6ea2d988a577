/* SPDX-License-Identifier: Apache-2.0 */
/*
 * branch_hint.h: is the custom section of branch hints right?
 *
 * Hints bind nobody: a module with wrong ones is a good module, and decode() does not look at them. This is
 * for whoever wants to know.
 */
#ifndef WASM_BRANCH_HINT_H
#define WASM_BRANCH_HINT_H

#include "base/err.h"
#include "wasm/image.h"

/* Check every section of that name. 0, or DECODE_INVALID and what is wrong with the first that is. */
int branch_hint_check(const struct image *image, struct err *err);

#endif
