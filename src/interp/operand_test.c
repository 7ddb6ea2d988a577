/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operand_test.c: that the interpreter hands each instruction its operands, and its result on.
 *
 * For every row of opcodes.def with a signature of its own, functions are made that take the operands from
 * locals, from memory, and from other instructions (which leave floats and vectors in registers), and give the
 * result to the caller, to a local, and to memory. What comes out must be what the body in exec/semantics*.h
 * computes from the same operands. What the bodies compute is semantics_test.c's and the suite's matter.
 */
/* table-like: signatures are independent lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "exec/semantics.h"
#include "exec/semantics_names.h"
#include "exec/semantics_relaxed.h"
#include "exec/semantics_simd.h"
#include "interp/test_machine.h"
#include "wasm/opcode.h"

/* -- What should come out ------------------------------------------------------------------ */

/* A value of any type, as its slots. */
struct value {
	slot word[2];
};

enum { LANE_NUMBER = 1, OFFSET = 3, BYTES = 4096 };

static const uint8_t shuffle_lanes[16] = {31, 0, 30, 1, 29, 2, 28, 3, 16, 16, 15, 7, 9, 18, 4, 5};

/* One call: operands in, a copy of the memory to work on, what comes of it. */
struct expectation {
	struct value in[3], out;
	uint8_t *memory;
	enum trap trap;
};

static uint32_t arg_i(const struct value *v)
{
	return (uint32_t)v->word[0];
}

static uint64_t arg_l(const struct value *v)
{
	return v->word[0];
}

static float arg_f(const struct value *v)
{
	float f;

	memcpy(&f, v->word, sizeof(f));
	return f;
}

static double arg_d(const struct value *v)
{
	double d;

	memcpy(&d, v->word, sizeof(d));
	return d;
}

static v128 arg_v(const struct value *v)
{
	return (v128){v->word[0], v->word[1]};
}

#define CTYPE_i uint32_t
#define CTYPE_l uint64_t
#define CTYPE_f float
#define CTYPE_d double
#define CTYPE_v v128

#define GIVE(r, x)                                            \
	do {                                                  \
		CTYPE_##r result = (x);                       \
		memcpy(e->out.word, &result, sizeof(result)); \
	} while (0)
#define IN(k, t) arg_##t(&e->in[k])
#define WHERE (e->memory + (uint32_t)e->in[0].word[0] + OFFSET)

#define UNARY(SEM, a, r) GIVE(r, SEM(IN(0, a)))
#define BINARY(SEM, a, b, r) GIVE(r, SEM(IN(0, a), IN(1, b)))
#define TERNARY(SEM, a, b, c, r) GIVE(r, SEM(IN(0, a), IN(1, b), IN(2, c)))
#define MAYBE(r, call)                                        \
	do {                                                  \
		CTYPE_##r result = 0;                         \
		e->trap = (call);                             \
		memcpy(e->out.word, &result, sizeof(result)); \
	} while (0)

#define PURE_i_i(SEM) UNARY(SEM, i, i)
#define PURE_l_l(SEM) UNARY(SEM, l, l)
#define PURE_f_f(SEM) UNARY(SEM, f, f)
#define PURE_d_d(SEM) UNARY(SEM, d, d)
#define PURE_v_v(SEM) UNARY(SEM, v, v)
#define PURE_i_l(SEM) UNARY(SEM, i, l)
#define PURE_l_i(SEM) UNARY(SEM, l, i)
#define PURE_i_f(SEM) UNARY(SEM, i, f)
#define PURE_i_d(SEM) UNARY(SEM, i, d)
#define PURE_l_f(SEM) UNARY(SEM, l, f)
#define PURE_l_d(SEM) UNARY(SEM, l, d)
#define PURE_f_i(SEM) UNARY(SEM, f, i)
#define PURE_f_l(SEM) UNARY(SEM, f, l)
#define PURE_d_i(SEM) UNARY(SEM, d, i)
#define PURE_d_l(SEM) UNARY(SEM, d, l)
#define PURE_f_d(SEM) UNARY(SEM, f, d)
#define PURE_d_f(SEM) UNARY(SEM, d, f)
#define PURE_v_i(SEM) UNARY(SEM, v, i)
#define PURE_i_v(SEM) UNARY(SEM, i, v)
#define PURE_l_v(SEM) UNARY(SEM, l, v)
#define PURE_f_v(SEM) UNARY(SEM, f, v)
#define PURE_d_v(SEM) UNARY(SEM, d, v)
#define PURE_ii_i(SEM) BINARY(SEM, i, i, i)
#define PURE_ll_l(SEM) BINARY(SEM, l, l, l)
#define PURE_ll_i(SEM) BINARY(SEM, l, l, i)
#define PURE_ff_f(SEM) BINARY(SEM, f, f, f)
#define PURE_ff_i(SEM) BINARY(SEM, f, f, i)
#define PURE_dd_d(SEM) BINARY(SEM, d, d, d)
#define PURE_dd_i(SEM) BINARY(SEM, d, d, i)
#define PURE_vv_v(SEM) BINARY(SEM, v, v, v)
#define PURE_vi_v(SEM) BINARY(SEM, v, i, v)
#define PURE_vvv_v(SEM) TERNARY(SEM, v, v, v, v)
#define PARTIAL_ii_i(SEM) MAYBE(i, SEM(&result, IN(0, i), IN(1, i)))
#define PARTIAL_ll_l(SEM) MAYBE(l, SEM(&result, IN(0, l), IN(1, l)))
#define PARTIAL_f_i(SEM) MAYBE(i, SEM(&result, IN(0, f)))
#define PARTIAL_f_l(SEM) MAYBE(l, SEM(&result, IN(0, f)))
#define PARTIAL_d_i(SEM) MAYBE(i, SEM(&result, IN(0, d)))
#define PARTIAL_d_l(SEM) MAYBE(l, SEM(&result, IN(0, d)))
#define LANE_v_i(SEM) GIVE(i, SEM(IN(0, v), LANE_NUMBER))
#define LANE_v_l(SEM) GIVE(l, SEM(IN(0, v), LANE_NUMBER))
#define LANE_v_f(SEM) GIVE(f, SEM(IN(0, v), LANE_NUMBER))
#define LANE_v_d(SEM) GIVE(d, SEM(IN(0, v), LANE_NUMBER))
#define LANE_vi_v(SEM) GIVE(v, SEM(IN(0, v), IN(1, i), LANE_NUMBER))
#define LANE_vl_v(SEM) GIVE(v, SEM(IN(0, v), IN(1, l), LANE_NUMBER))
#define LANE_vf_v(SEM) GIVE(v, SEM(IN(0, v), IN(1, f), LANE_NUMBER))
#define LANE_vd_v(SEM) GIVE(v, SEM(IN(0, v), IN(1, d), LANE_NUMBER))
#define SHUFFLE_vv_v(SEM) GIVE(v, SEM(IN(0, v), IN(1, v), shuffle_lanes))
#define LOAD_i_i(SEM) GIVE(i, SEM(WHERE))
#define LOAD_i_l(SEM) GIVE(l, SEM(WHERE))
#define LOAD_i_f(SEM) GIVE(f, SEM(WHERE))
#define LOAD_i_d(SEM) GIVE(d, SEM(WHERE))
#define LOAD_i_v(SEM) GIVE(v, SEM(WHERE))
#define STORE_ii_(SEM) SEM(WHERE, IN(1, i))
#define STORE_il_(SEM) SEM(WHERE, IN(1, l))
#define STORE_if_(SEM) SEM(WHERE, IN(1, f))
#define STORE_id_(SEM) SEM(WHERE, IN(1, d))
#define STORE_iv_(SEM) SEM(WHERE, IN(1, v))
#define LOAD_LANE_iv_v(SEM) GIVE(v, SEM(WHERE, IN(1, v), LANE_NUMBER))
#define STORE_LANE_iv_(SEM) SEM(WHERE, IN(1, v), LANE_NUMBER)

typedef void expect_fn(struct expectation *e);

#define BODY_FOR(ID, sig, kind)                        \
	static void expect_##ID(struct expectation *e) \
	{                                              \
		kind##_##sig(SEM_##ID);                \
	}
#define NO_BODY(ID, sig, kind)
#define WITH_PURE BODY_FOR
#define WITH_PARTIAL BODY_FOR
#define WITH_LANE BODY_FOR
#define WITH_SHUFFLE BODY_FOR
#define WITH_LOAD BODY_FOR
#define WITH_STORE BODY_FOR
#define WITH_ATOMIC NO_BODY /* the specification's suite has them all */
#define WITH_LOAD_LANE BODY_FOR
#define WITH_STORE_LANE BODY_FOR
#define WITH_CONST NO_BODY
#define WITH_CONTROL NO_BODY
#define WITH_VARIABLE NO_BODY
#define WITH_RUNTIME NO_BODY
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) WITH_##kind(ID, sig, kind)
#include "wasm/opcodes.def"
#undef OP
#undef BODY_FOR

struct row {
	uint16_t opcode;
	uint16_t code;
	uint8_t prefix;
	expect_fn *expect;
};

#define BODY_FOR(ID, sig, kind) expect_##ID
#undef NO_BODY
#define NO_BODY(ID, sig, kind) NULL
static const struct row rows[] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	{OP_##ID, code, prefix, WITH_##kind(ID, sig, kind)},
#include "wasm/opcodes.def"
#undef OP
};

/* -- Functions around one instruction ------------------------------------------------------ */

/* In which memory, of those a module has, and so: with which addresses. Near ones are those of memory 0. */
enum where { NEAR, OTHER, WIDE, OTHER_WIDE, PLACES };

static enum where where;

static bool is_wide(void)
{
	return where == WIDE || where == OTHER_WIDE;
}

static uint32_t memory_index(void)
{
	return where == OTHER || where == OTHER_WIDE ? 2 : 0;
}

/* Without alignment; the offset has as few bytes as it can have. */
static void put_memarg(struct buf *code, uint8_t offset)
{
	if (memory_index() != 0)
		BYTES(code, 0x40, (uint8_t)memory_index());
	else
		BYTES(code, 0);
	BYTES(code, offset);
}

/* Memories in front of the one used have one page too, and the other kind of addresses. */
static void put_memories(struct buf *module)
{
	struct buf section = {0};

	BYTES(&section, (uint8_t)(memory_index() + 1));
	for (uint32_t i = 0; i < memory_index(); i++)
		BYTES(&section, is_wide() ? 0 : 4, 1);
	BYTES(&section, is_wide() ? 4 : 0, 1);
	bytes_section(module, 5, &section);
}

/* Where operands come from and where the result goes. */
enum source { FROM_LOCALS, FROM_MEMORY, FROM_INSTRUCTIONS, SOURCES };
enum sink { TO_CALLER, TO_LOCAL, TO_TEE, TO_TEE_ONLY, TO_MEMORY, SINKS };

enum { OPERANDS_AT = 2048, RESULT_AT = 3072 }; /* in memory */

/* An address. */
static void put_const(struct buf *code, uint32_t value)
{
	BYTES(code, is_wide() ? 0x42 : 0x41, (uint8_t)(value & 127) | 128,
	      (uint8_t)(value >> 7 & 63));
}

static void put_load(struct buf *code, uint8_t type, uint32_t at)
{
	put_const(code, at);
	switch (type) {
	case TYPE_I32:
		BYTES(code, 0x28);
		break;
	case TYPE_I64:
		BYTES(code, 0x29);
		break;
	case TYPE_F32:
		BYTES(code, 0x2a);
		break;
	case TYPE_F64:
		BYTES(code, 0x2b);
		break;
	default:
		BYTES(code, 0xfd, 0);
	}
	put_memarg(code, 0);
}

static void put_store(struct buf *code, uint8_t type)
{
	switch (type) {
	case TYPE_I32:
		BYTES(code, 0x36);
		break;
	case TYPE_I64:
		BYTES(code, 0x37);
		break;
	case TYPE_F32:
		BYTES(code, 0x38);
		break;
	case TYPE_F64:
		BYTES(code, 0x39);
		break;
	default:
		BYTES(code, 0xfd, 11);
	}
	put_memarg(code, 0);
}

/* Twice an instruction that undoes itself. */
static void put_twice(struct buf *code, uint8_t type)
{
	for (int i = 0; i < 2; i++) {
		switch (type) {
		case TYPE_I32:
			BYTES(code, 0x41, 5, 0x73);
			break;
		case TYPE_I64:
			BYTES(code, 0x42, 5, 0x85);
			break;
		case TYPE_F32:
			BYTES(code, 0x8c);
			break;
		case TYPE_F64:
			BYTES(code, 0x9a);
			break;
		default:
			BYTES(code, 0xfd, 0x4d);
		}
	}
}

/* The address of an access is as wide as its memory's. */
static uint8_t operand_type(const struct opcode_info *info, uint8_t k)
{
	return k == 0 && info->width != 0 && is_wide() ? TYPE_I64 : info->type[k];
}

static void put_operands(struct buf *code, const struct opcode_info *info, enum source source)
{
	for (uint8_t k = 0; k < info->pops; k++) {
		if (source == FROM_MEMORY)
			put_load(code, operand_type(info, k), OPERANDS_AT + 16u * k);
		else
			BYTES(code, 0x20, k);
		if (source == FROM_INSTRUCTIONS)
			put_twice(code, operand_type(info, k));
	}
}

static void put_instruction(struct buf *code, const struct row *row, const struct opcode_info *info)
{
	if (row->prefix == 0) {
		BYTES(code, (uint8_t)row->code);
	} else {
		BYTES(code, row->prefix);
		bytes_leb(code, row->code);
	}
	switch (info->imm) {
	case IMM_MEMARG:
		put_memarg(code, OFFSET);
		break;
	case IMM_MEMARG_LANE:
		put_memarg(code, OFFSET);
		BYTES(code, LANE_NUMBER);
		break;
	case IMM_LANE:
		BYTES(code, LANE_NUMBER);
		break;
	case IMM_LANES16:
		bytes_put(code, shuffle_lanes, sizeof(shuffle_lanes));
		break;
	default:
		assert_int_equal(info->imm, IMM_NONE);
	}
}

static void put_result(struct buf *code, const struct opcode_info *info, enum sink sink)
{
	uint8_t local = info->pops;

	if (info->result == 0)
		return;
	if (sink == TO_LOCAL)
		BYTES(code, 0x21, local, 0x20, local);
	if (sink == TO_TEE)
		BYTES(code, 0x22, local);
	if (sink == TO_TEE_ONLY)
		BYTES(code, 0x22, local, 0x1a, 0x20, local);
	if (sink == TO_MEMORY) {
		/* The address has to lie below the value. */
		put_store(code, info->result);
		put_load(code, info->result, RESULT_AT);
	}
}

/* (operands) -> (result), memories of one page. */
static void put_module(struct buf *module, const struct row *row, enum source source,
		       enum sink sink)
{
	const struct opcode_info *info = &opcode_info[row->opcode];
	struct buf types = {0}, code = {0}, body = {0};

	BYTES(module, MODULE());
	BYTES(&types, 1, 0x60, info->pops);
	for (uint8_t k = 0; k < info->pops; k++)
		BYTES(&types, operand_type(info, k));
	if (info->result != 0)
		BYTES(&types, 1, info->result);
	else
		BYTES(&types, 0);
	bytes_section(module, 1, &types);
	BYTES(module, SECTION(3, 1, 0));
	put_memories(module);
	if (info->result != 0)
		BYTES(&body, 1, 1, info->result);
	else
		BYTES(&body, 0);
	if (info->result != 0 && sink == TO_MEMORY)
		put_const(&body, RESULT_AT);
	put_operands(&body, info, source);
	put_instruction(&body, row, info);
	put_result(&body, info, sink);
	BYTES(&body, 0x0b);
	BYTES(&code, 1);
	bytes_counted(&code, &body);
	bytes_section(module, 10, &code);
}

/* -- Operands ------------------------------------------------------------------------------ */

static uint64_t seed = 88172645463325252u;

static uint64_t random_word(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* No NaN, in any reading: which one survives an addition is not the plumbing's matter. */
static uint64_t tame(uint64_t word)
{
	return word & ~UINT64_C(0x4000000040000000);
}

static struct value random_value(uint8_t type, bool is_address)
{
	struct value value = {{random_word(), 0}};
	float f = (float)(int32_t)random_word() / 256;
	double d = (double)(int64_t)random_word() / 256;

	switch (type) {
	case TYPE_I32:
		value.word[0] = is_address ? random_word() % 1024 : random_word() & UINT32_MAX;
		break;
	case TYPE_F32:
		memcpy(value.word, &f, sizeof(f));
		value.word[0] &= UINT32_MAX;
		break;
	case TYPE_F64:
		memcpy(value.word, &d, sizeof(d));
		break;
	case TYPE_V128:
		value.word[0] = tame(random_word());
		value.word[1] = tame(random_word());
		break;
	}
	if (random_word() % 8 == 0 && !is_address)
		value.word[0] = value.word[1] = 0;
	return value;
}

static bool is_access(const struct opcode_info *info)
{
	return info->imm == IMM_MEMARG || info->imm == IMM_MEMARG_LANE;
}

static size_t pass(slot *slots, const struct opcode_info *info, const struct value *in)
{
	size_t n = 0;

	for (uint8_t k = 0; k < info->pops; k++) {
		slots[n++] = in[k].word[0];
		if (info->type[k] == TYPE_V128)
			slots[n++] = in[k].word[1];
	}
	return n;
}

static size_t bytes_of(uint8_t type)
{
	return type == TYPE_V128 ? 16 : type == TYPE_I32 || type == TYPE_F32 ? 4 : 8;
}

static void compare(const struct row *row, const struct expectation *e, const slot *slots,
		    const uint8_t *bytes, enum sink sink)
{
	const struct opcode_info *info = &opcode_info[row->opcode];
	size_t size = info->result != 0 ? bytes_of(info->result) : 0;

	if (memcmp(slots, e->out.word, size) != 0)
		fail_msg("%s: %016llx %016llx, should be %016llx %016llx", opcode_text(row->opcode),
			 (unsigned long long)slots[1], (unsigned long long)slots[0],
			 (unsigned long long)e->out.word[1], (unsigned long long)e->out.word[0]);
	/* Whatever else is in memory stays. */
	if (sink == TO_MEMORY && size != 0)
		memcpy(e->memory + RESULT_AT, e->out.word, size);
	if (memcmp(bytes, e->memory, BYTES) != 0)
		fail_msg("%s: the memory differs", opcode_text(row->opcode));
}

static void call_once(const struct row *row, struct instance *in, enum source source,
		      enum sink sink)
{
	const struct opcode_info *info = &opcode_info[row->opcode];
	uint8_t *bytes = in->memories[memory_index()]->base;
	uint8_t copy[BYTES];
	struct expectation e = {.memory = copy};
	slot slots[8] = {0};
	enum trap trap;

	for (size_t i = 0; i < BYTES; i += 8) {
		uint64_t word = tame(random_word());

		memcpy(bytes + i, &word, sizeof(word));
	}
	for (uint8_t k = 0; k < info->pops; k++) {
		e.in[k] = random_value(info->type[k], k == 0 && is_access(info));
		if (source == FROM_MEMORY)
			memcpy(bytes + OPERANDS_AT + 16 * (size_t)k, e.in[k].word, 16);
	}
	memcpy(copy, bytes, BYTES);
	row->expect(&e);
	trap = machine_call(in, 0, slots, pass(slots, info, e.in),
			    info->result == TYPE_V128 ? 2 : info->result != 0);
	if (trap != e.trap)
		fail_msg("%s: %s, should be %s", opcode_text(row->opcode), trap_text(trap),
			 trap_text(e.trap));
	if (trap == TRAP_NONE)
		compare(row, &e, slots, bytes, sink);
}

static bool with_fuel;

static void each_row(enum source source, enum sink sink)
{
	struct machine m;
	unsigned count = 0;

	machine_open(&m, with_fuel);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf module = {0};
		struct instance *in;

		if (rows[i].expect == NULL)
			continue;
		assert_true(opcode_info[rows[i].opcode].regular);
		put_module(&module, &rows[i], source, sink);
		in = machine_load(&m, module.data, module.size);
		for (int n = 0; n < 20; n++)
			call_once(&rows[i], in, source, sink);
		instance_free(in);
		buf_deinit(&module);
		count++;
	}
	machine_close(&m);
	assert_int_equal(count, 414);
}

static void operands_from_locals(void **state)
{
	(void)state;
	for (int sink = 0; sink < SINKS; sink++)
		each_row(FROM_LOCALS, (enum sink)sink);
}

static void operands_from_memory(void **state)
{
	(void)state;
	for (int sink = 0; sink < SINKS; sink++)
		each_row(FROM_MEMORY, (enum sink)sink);
}

static void operands_from_instructions(void **state)
{
	(void)state;
	for (int sink = 0; sink < SINKS; sink++)
		each_row(FROM_INSTRUCTIONS, (enum sink)sink);
}

static void operands_with_fuel(void **state)
{
	with_fuel = true;
	operands_from_locals(state);
	operands_from_memory(state);
	operands_from_instructions(state);
	with_fuel = false;
}

static void operands_far(void **state)
{
	for (where = OTHER; where < PLACES; where++) {
		operands_from_memory(state);
		with_fuel = true;
		operands_from_memory(state);
		with_fuel = false;
	}
	where = NEAR;
}

/* -- Bounds -------------------------------------------------------------------------------- */

static enum trap access_at(struct instance *in, slot at)
{
	slot slots[4] = {at};

	return machine_call(in, 0, slots, 3, 0);
}

/* The last byte that may be touched, and one more. */
static void check_end(struct instance *in, const struct opcode_info *info)
{
	slot last = 65536 - OFFSET - info->width;

	assert_int_equal(access_at(in, last), TRAP_NONE);
	assert_int_equal(access_at(in, last + 1), TRAP_OUT_OF_BOUNDS_MEMORY);
	assert_int_equal(access_at(in, 65536), TRAP_OUT_OF_BOUNDS_MEMORY);
	assert_int_equal(access_at(in, UINT32_MAX), TRAP_OUT_OF_BOUNDS_MEMORY);
	/* The upper half of an i32's slot means nothing, that of an i64's all. */
	assert_int_equal(access_at(in, UINT64_C(1) << 32 | last),
			 is_wide() ? TRAP_OUT_OF_BOUNDS_MEMORY : TRAP_NONE);
	/* Address and offset run over 64 bits: nothing wraps around. */
	if (is_wide())
		for (slot below = 0; below <= 32; below++)
			assert_int_equal(access_at(in, UINT64_MAX - below),
					 TRAP_OUT_OF_BOUNDS_MEMORY);
}

static void accesses_at_the_end(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m, with_fuel);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct opcode_info *info = &opcode_info[rows[i].opcode];
		struct buf module = {0};
		struct instance *in;

		if (rows[i].expect == NULL || !is_access(info))
			continue;
		put_module(&module, &rows[i], FROM_LOCALS, TO_CALLER);
		in = machine_load(&m, module.data, module.size);
		check_end(in, info);
		instance_free(in);
		buf_deinit(&module);
	}
	machine_close(&m);
}

static void far_accesses_at_the_end(void **state)
{
	for (where = OTHER; where < PLACES; where++) {
		accesses_at_the_end(state);
		with_fuel = true;
		accesses_at_the_end(state);
		with_fuel = false;
	}
	where = NEAR;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands_from_locals),
		cmocka_unit_test(operands_from_memory),
		cmocka_unit_test(operands_from_instructions),
		cmocka_unit_test(operands_with_fuel),
		cmocka_unit_test(operands_far),
		cmocka_unit_test(accesses_at_the_end),
		cmocka_unit_test(far_accesses_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
