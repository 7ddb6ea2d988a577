/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h: values of WebAssembly as text, both ways.
 *
 *   i32 i64    decimal, signed or unsigned, or 0x and hexadecimal digits; written signed, decimal
 *   f32 f64    decimal or hexadecimal (0x1.8p3), inf, nan, nan:0xPAYLOAD; written as the
 *              shortest decimal that reads back as the same value
 *   v128       0x and up to 32 hexadecimal digits, the last of them being the lowest bits of lane
 *              0; written with all 32
 *   externref  a number below 2^62, or null; written "extern N"
 *   others     null; written "null", "func", "struct", "array", "exn" or "i31 N"
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include "skiff.h"

struct err;
struct out;

/* Outcomes of value_parse(). */
enum { VALUE_BAD = 1 };

/* `type` is a value type of skiff.h. */
int value_parse(struct skiff_val *ret, uint32_t type, const char *text, struct err *err);
/* A reference is one of the store's. */
void value_print(struct out *out, const struct skiff_store *store, const struct skiff_val *value);

#endif
