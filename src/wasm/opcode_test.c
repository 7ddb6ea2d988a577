/* SPDX-License-Identifier: Apache-2.0 */
/* opcode_test.c: that the table of instructions holds together, and that code can be walked by it. */
#include "wasm/opcode.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/skip.h"
#include "wasm/valtype.h"

struct row {
	const char *id;
	uint32_t prefix, code;
	uint32_t index;
	const char *text;
	uint32_t width;
};

static const struct row rows[] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) \
	{#ID, prefix, code, OP_##ID, text, width},
#include "wasm/opcodes.def"
#undef OP
};

struct quick {
	uint32_t code, base;
};

static const struct quick quicks[] = {
#define QUICK(ID, code, base) {code, OP_##base},
#include "wasm/quick.def"
#undef QUICK
};

static void indices_are_unique(void **state)
{
	bool seen[OPCODE_SPACE] = {false};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(rows[i].index < OPCODE_SPACE);
		if (seen[rows[i].index])
			fail_msg("%s: its opcode is taken", rows[i].id);
		seen[rows[i].index] = true;
	}
	for (uint32_t i = 0; i < OPCODE_SPACE; i++)
		assert_int_equal(opcode_info[i].imm != IMM_UNKNOWN, seen[i]);
}

static void prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].prefix == 0)
			assert_int_equal(rows[i].index, rows[i].code);
		else
			assert_int_equal(opcode_prefixed((uint8_t)rows[i].prefix, rows[i].code),
					 rows[i].index);
	}
	assert_int_equal(opcode_prefixed(0xfb, 32), OPCODE_SPACE);
	assert_int_equal(opcode_prefixed(0xfc, UINT32_MAX), OPCODE_SPACE);
	assert_int_equal(opcode_prefixed(0xfd, 288), OPCODE_SPACE);
	assert_int_equal(opcode_prefixed(0xfe, 80), OPCODE_SPACE);
	assert_int_equal(opcode_prefixed(0xfa, 0), OPCODE_SPACE);
}

static bool is_access(enum opcode_kind kind)
{
	return kind == KIND_LOAD || kind == KIND_STORE || kind == KIND_LOAD_LANE ||
	       kind == KIND_STORE_LANE || kind == KIND_ATOMIC;
}

/* The identifier is the text in capitals, but for what C and the text cannot share. */
static bool id_follows_text(const struct row *row)
{
	const char *id = row->id, *text = row->text;

	for (; *id != '\0' && *text != '\0'; id++, text++) {
		char wanted = *text == '.' || *text == ' ' ? '_' : (char)toupper(*text);

		if (*id != wanted)
			return false;
	}
	return *text == '\0' && (*id == '\0' || strcmp(id, "_T") == 0);
}

static void rows_make_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct opcode_info *info = &opcode_info[rows[i].index];

		if (!id_follows_text(&rows[i]))
			fail_msg("%s is called \"%s\"", rows[i].id, rows[i].text);
		assert_string_equal(opcode_text(rows[i].index), rows[i].text);
		assert_int_equal(info->width, rows[i].width);
		assert_int_equal(info->width & (info->width - 1u), 0);
		assert_true(info->feature < FEATURE_COUNT);
		assert_true(info->pops <= ARRAY_SIZE(info->type));
		assert_true(!is_access(info->kind) || info->width != 0);
		assert_int_equal(info->imm == IMM_MEMARG || info->imm == IMM_MEMARG_LANE,
				 info->width != 0);
		/* What the table describes in full has a body made from its kind, but for waiting. */
		assert_int_equal(info->regular,
				 info->kind <= KIND_CONST || info->feature == FEATURE_THREADS);
	}
}

static void every_feature_is_used(void **state)
{
	/* Those that bring no instruction of their own. */
	static const enum feature none[] = {FEATURE_MUTABLE_GLOBALS, FEATURE_MULTI_VALUE,
					    FEATURE_EXTENDED_CONST, FEATURE_MULTI_MEMORY,
					    FEATURE_MEMORY64};
	bool used[FEATURE_COUNT] = {false};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		used[opcode_info[rows[i].index].feature] = true;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		assert_false(used[none[i]]);
		used[none[i]] = true;
	}
	for (int i = 0; i < FEATURE_COUNT; i++)
		assert_true(used[i]);
}

static void quickened(void **state)
{
	bool seen[256] = {false};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quicks); i++) {
		assert_true(quicks[i].code < 0xfb);
		assert_false(seen[quicks[i].code]);
		seen[quicks[i].code] = true;
		/* Not one of the specification's, so a module that contains it is refused. */
		assert_int_equal(opcode_info[quicks[i].code].imm, IMM_UNKNOWN);
		assert_int_not_equal(opcode_info[quicks[i].base].imm, IMM_UNKNOWN);
		assert_int_equal(opcode_base(quicks[i].code), quicks[i].base);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(opcode_base(rows[i].index), rows[i].index);
}

/* -- Walking ----------------------------------------------------------------------------- */

struct sample {
	uint8_t imm;
	uint32_t opcode;
	uint8_t size;
	uint8_t bytes[24];
};

/* table-like: one or more of each kind of immediate. */
static const struct sample samples[] = {
	{IMM_NONE, OP_NOP, 1, {0x01}},
	{IMM_NONE, OP_I32_ADD, 1, {0x6a}},
	{IMM_NONE, OP_I32_TRUNC_SAT_F32_S, 2, {0xfc, 0x00}},
	{IMM_NONE, OP_I32_TRUNC_SAT_F32_S, 4, {0xfc, 0x80, 0x80, 0x00}},
	{IMM_NONE, OP_I8X16_RELAXED_SWIZZLE, 3, {0xfd, 0x80, 0x02}},
	{IMM_BLOCK, OP_BLOCK, 2, {0x02, 0x40}},
	{IMM_BLOCK, OP_LOOP, 2, {0x03, TYPE_I32}},
	{IMM_BLOCK, OP_IF, 3, {0x04, TYPE_REF_NULL, 0x05}},
	{IMM_BLOCK, OP_IF, 4, {0x04, TYPE_REF, 0x80, 0x01}},
	{IMM_BLOCK, OP_BLOCK, 2, {0x02, HEAP_FUNC}},
	{IMM_BLOCK, OP_BLOCK, 2, {0x02, 0x05}},
	{IMM_BLOCK, OP_BLOCK, 3, {0x02, 0xc0, 0x00}},
	{IMM_LABEL, OP_BR, 2, {0x0c, 0x03}},
	{IMM_LABEL, OP_BR_IF, 4, {0x0d, 0x83, 0x80, 0x00}},
	{IMM_LABELS, OP_BR_TABLE, 3, {0x0e, 0x00, 0x01}},
	{IMM_LABELS, OP_BR_TABLE, 6, {0x0e, 0x02, 0x01, 0x80, 0x01, 0x02}},
	{IMM_TRY_TABLE, OP_TRY_TABLE, 3, {0x1f, 0x40, 0x00}},
	{IMM_TRY_TABLE,
	 OP_TRY_TABLE,
	 14,
	 {0x1f, 0x40, 0x04, 0x00, 0x01, 0x02, 0x01, 0x80, 0x01, 0x02, 0x02, 0x01, 0x03, 0x01}},
	{IMM_FUNC, OP_CALL, 3, {0x10, 0x80, 0x01}},
	{IMM_CALL_INDIRECT, OP_CALL_INDIRECT, 4, {0x11, 0x80, 0x01, 0x00}},
	{IMM_TYPE, OP_CALL_REF, 2, {0x14, 0x01}},
	{IMM_TYPE2, OP_ARRAY_COPY, 4, {0xfb, 0x11, 0x01, 0x02}},
	{IMM_TYPE_FIELD, OP_STRUCT_GET, 4, {0xfb, 0x02, 0x01, 0x02}},
	{IMM_TYPE_N, OP_ARRAY_NEW_FIXED, 5, {0xfb, 0x08, 0x01, 0x80, 0x01}},
	{IMM_TYPE_DATA, OP_ARRAY_NEW_DATA, 4, {0xfb, 0x09, 0x01, 0x02}},
	{IMM_TYPE_ELEM, OP_ARRAY_NEW_ELEM, 4, {0xfb, 0x0a, 0x01, 0x02}},
	{IMM_LOCAL, OP_LOCAL_GET, 3, {0x20, 0x80, 0x01}},
	{IMM_GLOBAL, OP_GLOBAL_SET, 2, {0x24, 0x01}},
	{IMM_TABLE, OP_TABLE_GET, 2, {0x25, 0x01}},
	{IMM_TABLE, OP_TABLE_GROW, 3, {0xfc, 0x0f, 0x01}},
	{IMM_TABLE2, OP_TABLE_COPY, 4, {0xfc, 0x0e, 0x01, 0x02}},
	{IMM_ELEM, OP_ELEM_DROP, 3, {0xfc, 0x0d, 0x01}},
	{IMM_ELEM_TABLE, OP_TABLE_INIT, 4, {0xfc, 0x0c, 0x01, 0x02}},
	{IMM_DATA, OP_DATA_DROP, 3, {0xfc, 0x09, 0x01}},
	{IMM_DATA_MEMORY, OP_MEMORY_INIT, 4, {0xfc, 0x08, 0x01, 0x00}},
	{IMM_MEMORY, OP_MEMORY_GROW, 2, {0x40, 0x00}},
	{IMM_MEMORY2, OP_MEMORY_COPY, 4, {0xfc, 0x0a, 0x00, 0x00}},
	{IMM_MEMARG, OP_I32_LOAD, 3, {0x28, 0x02, 0x08}},
	{IMM_MEMARG, OP_I32_LOAD, 5, {0x28, 0x42, 0x01, 0x80, 0x01}},
	{IMM_MEMARG, OP_I32_ATOMIC_LOAD, 4, {0xfe, 0x10, 0x02, 0x00}},
	{IMM_MEMARG_LANE, OP_V128_LOAD8_LANE, 5, {0xfd, 0x54, 0x00, 0x00, 0x0f}},
	{IMM_I32, OP_I32_CONST, 6, {0x41, 0x80, 0x80, 0x80, 0x80, 0x78}},
	{IMM_I64, OP_I64_CONST, 2, {0x42, 0x7f}},
	{IMM_F32, OP_F32_CONST, 5, {0x43, 0xff, 0xff, 0xff, 0xff}},
	{IMM_F64, OP_F64_CONST, 9, {0x44, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
	{IMM_V128, OP_V128_CONST, 18, {0xfd, 0x0c}},
	{IMM_LANES16, OP_I8X16_SHUFFLE, 18, {0xfd, 0x0d}},
	{IMM_LANE, OP_I32X4_EXTRACT_LANE, 3, {0xfd, 0x1b, 0x03}},
	{IMM_HEAPTYPE, OP_REF_NULL, 2, {0xd0, HEAP_FUNC}},
	{IMM_HEAPTYPE, OP_REF_TEST, 4, {0xfb, 0x14, 0x80, 0x01}},
	{IMM_SELECT_T, OP_SELECT_T, 3, {0x1c, 0x01, TYPE_I32}},
	{IMM_SELECT_T, OP_SELECT_T, 5, {0x1c, 0x01, TYPE_REF_NULL, 0x80, 0x01}},
	{IMM_CAST_BRANCH, OP_BR_ON_CAST, 7, {0xfb, 0x18, 0x03, 0x00, 0x80, 0x01, HEAP_ANY}},
	{IMM_TAG, OP_THROW, 2, {0x08, 0x01}},
	{IMM_FENCE, OP_ATOMIC_FENCE, 3, {0xfe, 0x03, 0x00}},
};

static void lengths(void **state)
{
	bool seen[IMM_FENCE + 1] = {[IMM_UNKNOWN] = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		struct instruction found = instruction_at(s->bytes);

		assert_int_equal(found.opcode, s->opcode);
		assert_int_equal(opcode_info[found.opcode].imm, s->imm);
		assert_ptr_equal(found.at, s->bytes);
		if (found.next - found.at != s->size)
			fail_msg("%s, sample %zu: %td bytes", opcode_text(s->opcode), i,
				 found.next - found.at);
		seen[s->imm] = true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		assert_true(seen[i]);
}

/* A quickened instruction has the length of what it stands for. */
static void quickened_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quicks); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(samples); k++) {
			struct sample s = samples[k];
			struct instruction found;

			if (s.imm != opcode_info[quicks[i].base].imm || s.bytes[0] >= 0xfb ||
			    quicks[i].code == OP_FAR)
				continue;
			s.bytes[0] = (uint8_t)quicks[i].code;
			found = instruction_at(s.bytes);
			assert_int_equal(found.opcode, quicks[i].base);
			assert_int_equal(found.next - found.at, s.size);
		}
	}
}

/* Far accesses keep which instruction they are in their byte of flags. */
static void far_accesses(void **state)
{
	static const struct {
		uint32_t opcode;
		struct instruction_access access;
		uint8_t size, lanes;
		uint8_t bytes[12];
	} fars[] = {
		{OP_I32_LOAD, {0, 0, 8, NULL}, 3, 0, {OP_FAR, 0x00, 0x08}},
		{OP_I32_LOAD, {2, 0, 8, NULL}, 3, 0, {OP_FAR, 0x40, 0x08}},
		{OP_I64_LOAD, {3, 1, 128, NULL}, 5, 0, {OP_FAR, 0xe1, 0x01, 0x80, 0x01}},
		{OP_I64_STORE32, {1, 130, 0, NULL}, 5, 0, {OP_FAR, 0xb6, 0x82, 0x01, 0x00}},
		{OP_V128_LOAD, {4, 0, 127, NULL}, 4, 0, {PREFIX_FAR_FD, 0x00, 0x04, 0x7f}},
		{OP_V128_STORE, {4, 5, 1, NULL}, 5, 0, {PREFIX_FAR_FD, 0x0b, 0x84, 0x05, 0x01}},
		{OP_V128_LOAD8_LANE,
		 {0, 2, UINT64_C(1) << 56, NULL},
		 14,
		 1,
		 {PREFIX_FAR_FD, 0x54, 0x80, 0x02, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}},
	};
	uint8_t bytes[16] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fars); i++) {
		struct instruction_access access;
		struct instruction found;

		memcpy(bytes, fars[i].bytes, sizeof(fars[i].bytes));
		bytes[12] = 0x01; /* ends the longest offset */
		bytes[13] = 0x0f;
		found = instruction_at(bytes);
		access = instruction_access(&found);
		assert_int_equal(found.opcode, fars[i].opcode);
		assert_int_equal(access.align, fars[i].access.align);
		assert_int_equal(access.memory, fars[i].access.memory);
		assert_true(access.offset == fars[i].access.offset);
		assert_int_equal(access.next + fars[i].lanes - bytes, found.next - found.at);
		assert_int_equal(found.next - found.at, fars[i].size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indices_are_unique), cmocka_unit_test(prefixes),
		cmocka_unit_test(rows_make_sense),    cmocka_unit_test(every_feature_is_used),
		cmocka_unit_test(quickened),          cmocka_unit_test(lengths),
		cmocka_unit_test(quickened_lengths),  cmocka_unit_test(far_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
