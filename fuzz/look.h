/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look.h (fuzz): decode bytes as a module and look at whatever came of it.
 *
 * A refusal comes with its outcome and its sentence; an accepted module is looked into through every question the API
 * has, and each of its functions is disassembled.
 */
#ifndef FUZZ_LOOK_H
#define FUZZ_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void require(bool truth);

/* Of an engine with these features; the text of all functions goes to `out`. Was the module accepted? */
bool look(const uint8_t *bytes, size_t size, uint64_t features, FILE *out);

#endif
