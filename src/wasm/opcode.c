/* SPDX-License-Identifier: Apache-2.0 */
/* table-like: signatures and rows are independent. */
#include "wasm/opcode.h"

#include "wasm/valtype.h"

/* The signature letters of opcodes.def as operand count, operand types, result. */
#define SIG_ANY 0, {0}, 0, false
#define SIG__d 0, {0}, TYPE_F64, true
#define SIG__f 0, {0}, TYPE_F32, true
#define SIG__i 0, {0}, TYPE_I32, true
#define SIG__l 0, {0}, TYPE_I64, true
#define SIG__v 0, {0}, TYPE_V128, true
#define SIG_d_d 1, {TYPE_F64}, TYPE_F64, true
#define SIG_d_f 1, {TYPE_F64}, TYPE_F32, true
#define SIG_d_i 1, {TYPE_F64}, TYPE_I32, true
#define SIG_d_l 1, {TYPE_F64}, TYPE_I64, true
#define SIG_d_v 1, {TYPE_F64}, TYPE_V128, true
#define SIG_f_d 1, {TYPE_F32}, TYPE_F64, true
#define SIG_f_f 1, {TYPE_F32}, TYPE_F32, true
#define SIG_f_i 1, {TYPE_F32}, TYPE_I32, true
#define SIG_f_l 1, {TYPE_F32}, TYPE_I64, true
#define SIG_f_v 1, {TYPE_F32}, TYPE_V128, true
#define SIG_i_d 1, {TYPE_I32}, TYPE_F64, true
#define SIG_i_f 1, {TYPE_I32}, TYPE_F32, true
#define SIG_i_i 1, {TYPE_I32}, TYPE_I32, true
#define SIG_i_l 1, {TYPE_I32}, TYPE_I64, true
#define SIG_i_v 1, {TYPE_I32}, TYPE_V128, true
#define SIG_id_ 2, {TYPE_I32, TYPE_F64}, 0, true
#define SIG_if_ 2, {TYPE_I32, TYPE_F32}, 0, true
#define SIG_ii_ 2, {TYPE_I32, TYPE_I32}, 0, true
#define SIG_il_ 2, {TYPE_I32, TYPE_I64}, 0, true
#define SIG_iv_ 2, {TYPE_I32, TYPE_V128}, 0, true
#define SIG_l_d 1, {TYPE_I64}, TYPE_F64, true
#define SIG_l_f 1, {TYPE_I64}, TYPE_F32, true
#define SIG_l_i 1, {TYPE_I64}, TYPE_I32, true
#define SIG_l_l 1, {TYPE_I64}, TYPE_I64, true
#define SIG_l_v 1, {TYPE_I64}, TYPE_V128, true
#define SIG_v_d 1, {TYPE_V128}, TYPE_F64, true
#define SIG_v_f 1, {TYPE_V128}, TYPE_F32, true
#define SIG_v_i 1, {TYPE_V128}, TYPE_I32, true
#define SIG_v_l 1, {TYPE_V128}, TYPE_I64, true
#define SIG_v_v 1, {TYPE_V128}, TYPE_V128, true
#define SIG_dd_d 2, {TYPE_F64, TYPE_F64}, TYPE_F64, true
#define SIG_dd_i 2, {TYPE_F64, TYPE_F64}, TYPE_I32, true
#define SIG_ff_f 2, {TYPE_F32, TYPE_F32}, TYPE_F32, true
#define SIG_ff_i 2, {TYPE_F32, TYPE_F32}, TYPE_I32, true
#define SIG_ii_i 2, {TYPE_I32, TYPE_I32}, TYPE_I32, true
#define SIG_iv_v 2, {TYPE_I32, TYPE_V128}, TYPE_V128, true
#define SIG_ll_i 2, {TYPE_I64, TYPE_I64}, TYPE_I32, true
#define SIG_ll_l 2, {TYPE_I64, TYPE_I64}, TYPE_I64, true
#define SIG_vd_v 2, {TYPE_V128, TYPE_F64}, TYPE_V128, true
#define SIG_vf_v 2, {TYPE_V128, TYPE_F32}, TYPE_V128, true
#define SIG_vi_v 2, {TYPE_V128, TYPE_I32}, TYPE_V128, true
#define SIG_vl_v 2, {TYPE_V128, TYPE_I64}, TYPE_V128, true
#define SIG_vv_v 2, {TYPE_V128, TYPE_V128}, TYPE_V128, true
#define SIG_vvv_v 3, {TYPE_V128, TYPE_V128, TYPE_V128}, TYPE_V128, true

const struct opcode_info opcode_info[OPCODE_SPACE] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	[OP_##ID] = {IMM_##imm, KIND_##kind, FEATURE_##feature, width, SIG_##sig},
#include "wasm/opcodes.def"
#undef OP
};

/* -- Lanes --------------------------------------------------------------------------------- */

#define CONST_LANE(imm) \
	((imm) == IMM_I32 || (imm) == IMM_I64 ? LANE_CONST : (imm) == IMM_F32 ? LANE_F32 : LANE_F64)
#define NUMERIC_LANE(kind, imm, pops)                                      \
	((kind) == KIND_LOAD                             ? LANE_LOAD       \
	 : (kind) == KIND_STORE                          ? LANE_STORE      \
	 : (kind) == KIND_CONST                          ? CONST_LANE(imm) \
	 : (kind) != KIND_PURE && (kind) != KIND_PARTIAL ? LANE_SLOW       \
	 : (pops) == 2                                   ? LANE_BINARY     \
							 : LANE_UNARY)
/* `pops` is the first of what SIG_ expands to. */
#define LANE_OF(op, imm, kind, feature, pops, ...)   \
	((op) == OP_LOCAL_GET       ? LANE_LOCAL_GET \
	 : (op) == OP_LOCAL_SET     ? LANE_LOCAL_SET \
	 : (op) == OP_LOCAL_TEE     ? LANE_LOCAL_TEE \
	 : (feature) != FEATURE_MVP ? LANE_SLOW      \
				    : NUMERIC_LANE(kind, imm, pops))
#define LANE(...) LANE_OF(__VA_ARGS__)

#define PLAIN_0x00(...) __VA_ARGS__
#define PLAIN_0xfb(...)
#define PLAIN_0xfc(...)
#define PLAIN_0xfd(...)
#define PLAIN_0xfe(...)

const uint8_t opcode_lane[256] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PLAIN_##prefix(                                            \
		[OP_##ID] = LANE(OP_##ID, IMM_##imm, KIND_##kind, FEATURE_##feature, SIG_##sig), )
#include "wasm/opcodes.def"
#undef OP
};

/* table-like: a name a case. */
const char *opcode_text(uint32_t opcode)
{
	switch (opcode) {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	case OP_##ID:                                              \
		return text;
#include "wasm/opcodes.def"
#undef OP
	}
	return "?";
}

uint32_t opcode_base(uint32_t opcode)
{
	switch (opcode) {
#define QUICK(ID, code, base) \
	case OP_##ID:         \
		return OP_##base;
#include "wasm/quick.def"
#undef QUICK
	}
	return opcode;
}
