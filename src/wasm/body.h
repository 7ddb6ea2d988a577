/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h: what a validated function body says besides its instructions: types, and the locals it declares.
 *
 * Indices come as the module has them, not canonical. The code is valid, so nothing is checked.
 */
#ifndef WASM_BODY_H
#define WASM_BODY_H

#include "wasm/image.h"
#include "wasm/reader.h"

/* A heap type, as in the upper 24 bits of a value type; a value type. */
uint32_t body_heaptype(struct reader *r);
uint32_t body_valtype(struct reader *r);

/* The declared locals, run by run; parameters are not among them. */
struct body_locals {
	struct reader r;
	uint32_t runs; /* left */
};

struct body_locals body_locals(const struct image *image, const struct image_func *func);
/* The next run; false: there is none. */
bool body_next_run(struct body_locals *locals, uint32_t *ret_count, uint32_t *ret_type);

#endif
