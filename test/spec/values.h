/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.h: values as the suite writes them, to and from values as the engine has them.
 *
 * The notation is the suite's FORMAT.md: {"type":T,"value":V}, bits as unsigned decimals in strings.
 */
#ifndef SPEC_VALUES_H
#define SPEC_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "skiff.h"

/* An argument. False: no value that an argument can have (a class of NaNs, an unknown type). */
bool values_parse(struct json_value text, struct skiff_val *ret);

/* Is the engine's value what the suite expects? False also where the expectation makes no sense. */
bool values_match(struct json_value expected, const struct skiff_val *found);

/* A list for a person, e.g. "[i32 5, f32 nan:canonical]"; cut to fit. */
void values_expected_text(struct json_value list, char *text, size_t size);
void values_found_text(const struct skiff_val *values, size_t count, char *text, size_t size);

#endif
