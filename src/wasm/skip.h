/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skip.h: walking over validated code an instruction at a time, quickened opcodes read as what they stand
 * for. For whoever is not in a hurry: fuel, backtraces, disassembly.
 */
#ifndef WASM_SKIP_H
#define WASM_SKIP_H

#include "wasm/opcode.h"

struct instruction {
	const uint8_t *at;
	const uint8_t *immediates;
	const uint8_t *next;
	uint32_t opcode; /* the original's number */
};

/* The instruction at `at`. The code is valid, so nothing is checked. */
struct instruction instruction_at(const uint8_t *at);

#endif
