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

/* Where a load or store says it goes. */
struct instruction_access {
	uint32_t align; /* a power of two's exponent */
	uint32_t memory;
	uint64_t offset;
	const uint8_t *next; /* behind it: of a lane access, the lane */
};

struct instruction_access instruction_access(const struct instruction *i);

#endif
