/* SPDX-License-Identifier: Apache-2.0 */
/* table-like: signatures and rows are independent. */
#include "wasm/opcode.h"

#include "wasm/valtype.h"

/* The signature letters of opcodes.def as operand count, operand types, result (0: none); USE makes of that
 * what a table needs. */
#define SIG_ANY(USE) USE##_ANY()
#define SIG__(USE) USE##_0(0)
#define SIG__d(USE) USE##_0(TYPE_F64)
#define SIG__f(USE) USE##_0(TYPE_F32)
#define SIG__i(USE) USE##_0(TYPE_I32)
#define SIG__l(USE) USE##_0(TYPE_I64)
#define SIG__v(USE) USE##_0(TYPE_V128)
#define SIG_d_d(USE) USE##_1(TYPE_F64, TYPE_F64)
#define SIG_d_f(USE) USE##_1(TYPE_F64, TYPE_F32)
#define SIG_d_i(USE) USE##_1(TYPE_F64, TYPE_I32)
#define SIG_d_l(USE) USE##_1(TYPE_F64, TYPE_I64)
#define SIG_d_v(USE) USE##_1(TYPE_F64, TYPE_V128)
#define SIG_f_d(USE) USE##_1(TYPE_F32, TYPE_F64)
#define SIG_f_f(USE) USE##_1(TYPE_F32, TYPE_F32)
#define SIG_f_i(USE) USE##_1(TYPE_F32, TYPE_I32)
#define SIG_f_l(USE) USE##_1(TYPE_F32, TYPE_I64)
#define SIG_f_v(USE) USE##_1(TYPE_F32, TYPE_V128)
#define SIG_i_d(USE) USE##_1(TYPE_I32, TYPE_F64)
#define SIG_i_f(USE) USE##_1(TYPE_I32, TYPE_F32)
#define SIG_i_i(USE) USE##_1(TYPE_I32, TYPE_I32)
#define SIG_i_l(USE) USE##_1(TYPE_I32, TYPE_I64)
#define SIG_i_v(USE) USE##_1(TYPE_I32, TYPE_V128)
#define SIG_id_(USE) USE##_2(TYPE_I32, TYPE_F64, 0)
#define SIG_if_(USE) USE##_2(TYPE_I32, TYPE_F32, 0)
#define SIG_ii_(USE) USE##_2(TYPE_I32, TYPE_I32, 0)
#define SIG_il_(USE) USE##_2(TYPE_I32, TYPE_I64, 0)
#define SIG_il_l(USE) USE##_2(TYPE_I32, TYPE_I64, TYPE_I64)
#define SIG_iii_i(USE) USE##_3(TYPE_I32, TYPE_I32, TYPE_I32, TYPE_I32)
#define SIG_iil_i(USE) USE##_3(TYPE_I32, TYPE_I32, TYPE_I64, TYPE_I32)
#define SIG_ill_i(USE) USE##_3(TYPE_I32, TYPE_I64, TYPE_I64, TYPE_I32)
#define SIG_ill_l(USE) USE##_3(TYPE_I32, TYPE_I64, TYPE_I64, TYPE_I64)
#define SIG_iv_(USE) USE##_2(TYPE_I32, TYPE_V128, 0)
#define SIG_l_d(USE) USE##_1(TYPE_I64, TYPE_F64)
#define SIG_l_f(USE) USE##_1(TYPE_I64, TYPE_F32)
#define SIG_l_i(USE) USE##_1(TYPE_I64, TYPE_I32)
#define SIG_l_l(USE) USE##_1(TYPE_I64, TYPE_I64)
#define SIG_l_v(USE) USE##_1(TYPE_I64, TYPE_V128)
#define SIG_v_d(USE) USE##_1(TYPE_V128, TYPE_F64)
#define SIG_v_f(USE) USE##_1(TYPE_V128, TYPE_F32)
#define SIG_v_i(USE) USE##_1(TYPE_V128, TYPE_I32)
#define SIG_v_l(USE) USE##_1(TYPE_V128, TYPE_I64)
#define SIG_v_v(USE) USE##_1(TYPE_V128, TYPE_V128)
#define SIG_dd_d(USE) USE##_2(TYPE_F64, TYPE_F64, TYPE_F64)
#define SIG_dd_i(USE) USE##_2(TYPE_F64, TYPE_F64, TYPE_I32)
#define SIG_ff_f(USE) USE##_2(TYPE_F32, TYPE_F32, TYPE_F32)
#define SIG_ff_i(USE) USE##_2(TYPE_F32, TYPE_F32, TYPE_I32)
#define SIG_ii_i(USE) USE##_2(TYPE_I32, TYPE_I32, TYPE_I32)
#define SIG_iv_v(USE) USE##_2(TYPE_I32, TYPE_V128, TYPE_V128)
#define SIG_ll_i(USE) USE##_2(TYPE_I64, TYPE_I64, TYPE_I32)
#define SIG_ll_l(USE) USE##_2(TYPE_I64, TYPE_I64, TYPE_I64)
#define SIG_vd_v(USE) USE##_2(TYPE_V128, TYPE_F64, TYPE_V128)
#define SIG_vf_v(USE) USE##_2(TYPE_V128, TYPE_F32, TYPE_V128)
#define SIG_vi_v(USE) USE##_2(TYPE_V128, TYPE_I32, TYPE_V128)
#define SIG_vl_v(USE) USE##_2(TYPE_V128, TYPE_I64, TYPE_V128)
#define SIG_vv_v(USE) USE##_2(TYPE_V128, TYPE_V128, TYPE_V128)
#define SIG_vvv_v(USE) USE##_3(TYPE_V128, TYPE_V128, TYPE_V128, TYPE_V128)

#define INFO_ANY() 0, {0}, 0, false
#define INFO_0(r) 0, {0}, r, true
#define INFO_1(a, r) 1, {a}, r, true
#define INFO_2(a, b, r) 2, {a, b}, r, true
#define INFO_3(a, b, c, r) 3, {a, b, c}, r, true

const struct opcode_info opcode_info[OPCODE_SPACE] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	[OP_##ID] = {IMM_##imm, KIND_##kind, FEATURE_##feature, width, SIG_##sig(INFO)},
#include "wasm/opcodes.def"
#undef OP
};

/* -- Lanes --------------------------------------------------------------------------------- */

#define CONST_LANE(imm) \
	((imm) == IMM_I32 || (imm) == IMM_I64 ? LANE_CONST : (imm) == IMM_F32 ? LANE_F32 : LANE_F64)
#define VARIABLE_LANE(op)                                                                   \
	((op) == OP_LOCAL_GET || (op) == OP_LOCAL_SET || (op) == OP_LOCAL_TEE ? LANE_LOCAL  \
	 : (op) == OP_GLOBAL_GET || (op) == OP_GLOBAL_SET                     ? LANE_GLOBAL \
	 : (op) == OP_DROP                                                    ? LANE_DROP   \
	 : (op) == OP_SELECT                                                  ? LANE_SELECT \
									      : LANE_SLOW)
#define CONTROL_LANE(op)                                   \
	((op) == OP_BLOCK || (op) == OP_LOOP ? LANE_BLOCK  \
	 : (op) == OP_IF                     ? LANE_IF     \
	 : (op) == OP_ELSE                   ? LANE_ELSE   \
	 : (op) == OP_END                    ? LANE_END    \
	 : (op) == OP_BR                     ? LANE_BR     \
	 : (op) == OP_BR_IF                  ? LANE_BR_IF  \
	 : (op) == OP_RETURN                 ? LANE_RETURN \
	 : (op) == OP_CALL                   ? LANE_CALL   \
					     : LANE_SLOW)
#define LANE(op, imm, kind, feature)                                         \
	((feature) != FEATURE_MVP                        ? LANE_SLOW         \
	 : (kind) == KIND_LOAD || (kind) == KIND_STORE   ? LANE_ACCESS       \
	 : (kind) == KIND_PURE || (kind) == KIND_PARTIAL ? LANE_NUMERIC      \
	 : (kind) == KIND_CONST                          ? CONST_LANE(imm)   \
	 : (kind) == KIND_VARIABLE                       ? VARIABLE_LANE(op) \
	 : (kind) == KIND_CONTROL                        ? CONTROL_LANE(op)  \
							 : LANE_SLOW)

#define PLAIN_0x00(...) __VA_ARGS__
#define PLAIN_0xfb(...)
#define PLAIN_0xfc(...)
#define PLAIN_0xfd(...)
#define PLAIN_0xfe(...)

const uint8_t opcode_lane[256] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PLAIN_##prefix([OP_##ID] = LANE(OP_##ID, IMM_##imm, KIND_##kind, FEATURE_##feature), )
#include "wasm/opcodes.def"
#undef OP
};

#define EFFECT_ANY() {0}, {0}, 0, 0, 0
#define EFFECT_0(r) {0}, {0}, 0, (r) != 0, r
#define EFFECT_1(a, r) {0, a}, {0, 0xff}, 1, (r) != 0, r
#define EFFECT_2(a, b, r) {a, b}, {0xff, 0xff}, 2, (r) != 0, r
#define EFFECT_3(a, b, c, r) EFFECT_ANY()
#define ALIGN(width) ((width) >= 8 ? 3 : (width) >= 4 ? 2 : (width) >= 2 ? 1 : 0)

const struct opcode_effect opcode_effect[256] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	PLAIN_##prefix([OP_##ID] = {SIG_##sig(EFFECT), ALIGN(width)}, )
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
#define FUSE(ID, code, first, second, third, fourth) \
	case OP_##ID:                                \
		return OP_##first;
#include "wasm/fuse.def"
#undef FUSE
	}
	return opcode;
}
