/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opcode.h: opcodes.def as enum and table.
 *
 * An opcode's number is its dispatch index: a plain opcode is its byte, a prefixed one lies at its prefix's
 * base plus sub-opcode. So decoding is an addition, and one array of OPCODE_SPACE entries serves
 * names, properties and dispatch. Quickened opcodes (quick.def) use free bytes of the plain range.
 */
#ifndef WASM_OPCODE_H
#define WASM_OPCODE_H

#include "base/base.h"
#include "wasm/feature.h"

enum {
	OPCODE_BASE_00 = 0,
	OPCODE_BASE_FB = 256,
	OPCODE_BASE_FC = OPCODE_BASE_FB + 32,
	OPCODE_BASE_FD = OPCODE_BASE_FC + 32,
	OPCODE_BASE_FE = OPCODE_BASE_FD + 288,
	OPCODE_SPACE = OPCODE_BASE_FE + 80,
};

#define OPCODE_INDEX(prefix, code)                    \
	((prefix) == 0x00   ? OPCODE_BASE_00 + (code) \
	 : (prefix) == 0xfb ? OPCODE_BASE_FB + (code) \
	 : (prefix) == 0xfc ? OPCODE_BASE_FC + (code) \
	 : (prefix) == 0xfd ? OPCODE_BASE_FD + (code) \
			    : OPCODE_BASE_FE + (code))

enum opcode {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	OP_##ID = OPCODE_INDEX(prefix, code),
#include "wasm/opcodes.def"
#undef OP
#define QUICK(ID, code, base) OP_##ID = (code),
#include "wasm/quick.def"
#undef QUICK
#define FUSE(ID, code, first, second, third, fourth) OP_##ID = (code),
#include "wasm/fuse.def"
#undef FUSE
};

/*
 * Far accesses are loads and stores whose memory is not memory 0, or has 64-bit addresses. The validator
 * writes FAR over the opcode of a plain one, PREFIX_FAR_FD over the 0xfd of a vector's; the byte of flags
 * behind then holds, from the lowest bit: of a plain one five bits of opcode (from i32.load on) and two of
 * alignment; of a vector's the alignment; in either FAR_HAS_MEMORY if the index of a memory follows.
 */
enum {
	PREFIX_FAR_FD = 0xff,
	FAR_OPCODE = 0x1f,
	FAR_ALIGN_SHIFT = 5,
	FAR_HAS_MEMORY = 0x80,
};

/* The instruction a plain far access is, by its byte of flags. */
static inline uint32_t opcode_far(uint8_t flags)
{
	return OP_I32_LOAD + (flags & FAR_OPCODE);
}

enum opcode_imm {
	IMM_UNKNOWN, /* no instruction has this opcode */
	IMM_NONE,
	IMM_BLOCK,
	IMM_LABEL,
	IMM_LABELS,
	IMM_TRY_TABLE,
	IMM_FUNC,
	IMM_CALL_INDIRECT,
	IMM_TYPE,
	IMM_TYPE2,
	IMM_TYPE_FIELD,
	IMM_TYPE_N,
	IMM_TYPE_DATA,
	IMM_TYPE_ELEM,
	IMM_LOCAL,
	IMM_GLOBAL,
	IMM_TABLE,
	IMM_TABLE2,
	IMM_ELEM,
	IMM_ELEM_TABLE,
	IMM_DATA,
	IMM_DATA_MEMORY,
	IMM_MEMORY,
	IMM_MEMORY2,
	IMM_MEMARG,
	IMM_MEMARG_LANE,
	IMM_I32,
	IMM_I64,
	IMM_F32,
	IMM_F64,
	IMM_V128,
	IMM_LANES16,
	IMM_LANE,
	IMM_HEAPTYPE,
	IMM_SELECT_T,
	IMM_CAST_BRANCH,
	IMM_TAG,
	IMM_FENCE,
};

enum opcode_kind {
	KIND_PURE,
	KIND_PARTIAL,
	KIND_LOAD,
	KIND_STORE,
	KIND_LANE,
	KIND_SHUFFLE,
	KIND_ATOMIC,
	KIND_LOAD_LANE,
	KIND_STORE_LANE,
	KIND_CONST,
	KIND_CONTROL,
	KIND_VARIABLE,
	KIND_RUNTIME,
};

struct opcode_info {
	uint8_t imm;
	uint8_t kind;
	uint8_t feature;
	uint8_t width;
	uint8_t pops; /* of a regular instruction; operand types in order, then the result or 0 */
	uint8_t type[3];
	uint8_t result;
	bool regular; /* SIG is not ANY */
};

extern const struct opcode_info opcode_info[OPCODE_SPACE];

/* How validate_run.c takes a plain opcode. */
enum opcode_lane {
	LANE_SLOW, /* it does not */
	LANE_LOCAL,
	LANE_NUMERIC,
	LANE_CONST,
	LANE_F32,
	LANE_F64,
	LANE_ACCESS,
	LANE_DROP,
	LANE_SELECT,
	LANE_GLOBAL,
	LANE_BLOCK,
	LANE_IF,
	LANE_ELSE,
	LANE_END,
	LANE_BR,
	LANE_BR_IF,
	LANE_RETURN,
	LANE_CALL,
	LANE_COUNT,
};

extern const uint8_t opcode_lane[256];

/* What an opcode of a lane does to the operands, so that one piece of code does it for all of the lane. */
struct opcode_effect {
	uint8_t type[2]; /* of the two topmost operands, the top last */
	uint8_t mask[2]; /* 0xff where that matters */
	uint8_t pops;
	uint8_t pushes; /* 0 or 1 */
	uint8_t result;
	uint8_t align; /* of an access: the largest alignment, as a power of two */
};

extern const struct opcode_effect opcode_effect[256];

/* Its name in the text format; "?" for a number without an instruction. A function, since a table of
 * pointers would have to be relocated at every start. */
const char *opcode_text(uint32_t opcode);

/* The instruction a quickened opcode stands for; others are themselves. */
uint32_t opcode_base(uint32_t opcode);

/* Number of an opcode of a prefix, or OPCODE_SPACE if the sub-opcode is beyond its range. */
static inline uint32_t opcode_prefixed(uint8_t prefix, uint32_t code)
{
	switch (prefix) {
	case 0xfb:
		return code < 32 ? OPCODE_BASE_FB + code : OPCODE_SPACE;
	case 0xfc:
		return code < 32 ? OPCODE_BASE_FC + code : OPCODE_SPACE;
	case 0xfd:
		return code < 288 ? OPCODE_BASE_FD + code : OPCODE_SPACE;
	case 0xfe:
		return code < 80 ? OPCODE_BASE_FE + code : OPCODE_SPACE;
	}
	return OPCODE_SPACE;
}

#endif
