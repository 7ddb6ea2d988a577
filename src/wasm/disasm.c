/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disasm.c: a function's instructions as the text format spells them.
 *
 *   func 1 'fac' (type 0) (param i64) (result i64) locals: 2 i32, 1 v128
 *   0x00002f:   local.get 0
 *   0x000031:   if (result i64)
 *   0x000033:     i64.const 1
 *
 * Immediates are written so that an assembler would read the same bytes' meaning back: alignment and offset
 * where they are not the default, floats with as many digits as it takes, not-a-numbers with their
 * payload. Quickened opcodes do not show: instruction_at() reads them as what they stand for.
 *
 * Nothing depends on the locale but the decimal point printf writes, which is put right.
 */
#include "wasm/disasm.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wasm/body.h"
#include "wasm/opcode.h"
#include "wasm/skip.h"

enum {
	INDENT_MAX = 40, /* a million nested blocks are not a million columns */
};

struct disasm {
	const struct image *image;
	FILE *out;
	struct instruction i;
	struct reader r; /* its immediates */
};

/* -- Pieces ------------------------------------------------------------------------------ */

static uint32_t number(struct disasm *d)
{
	uint32_t n = 0;

	reader_u32(&d->r, &n);
	return n;
}

static uint8_t byte(struct disasm *d)
{
	uint8_t b = 0;

	reader_byte(&d->r, &b);
	return b;
}

static void put_numbers(struct disasm *d, uint32_t count)
{
	while (count-- > 0)
		fprintf(d->out, " %u", number(d));
}

/* A name from the module; what a terminal should not get becomes '?'. */
static void put_name(FILE *out, const uint8_t *name, uint32_t size)
{
	const char *at = (const char *)name;
	size_t n;

	for (size_t left = size; left > 0; at += n, left -= n) {
		uint32_t character = 0;

		n = text_utf8(at, left, &character);
		if (n == 0)
			n = 1;
		if (text_printable(character))
			fwrite(at, 1, n, out);
		else
			fputc('?', out);
	}
}

/* Function `index` is called so; nothing where it has no name. */
static void put_func_name(struct disasm *d, uint32_t index)
{
	struct image_bytes name = image_func_name(d->image, index);

	if (name.size == 0)
		return;
	fputs(" ;; ", d->out);
	put_name(d->out, image_module(d->image) + name.at, name.size);
}

/* " (param i32 i64)", nothing for an empty list. */
static void put_types(FILE *out, const char *what, const uint32_t *types, uint32_t count)
{
	if (count == 0)
		return;
	fprintf(out, " (%s", what);
	for (uint32_t i = 0; i < count; i++)
		fprintf(out, " %s", valtype_name(types[i]).text);
	fputc(')', out);
}

static void put_signature(const struct image *image, uint32_t index, FILE *out)
{
	struct type_space space = image_types(image);
	const struct type_def *type = type_at(&space, index);
	const uint32_t *words = type_words(&space, type);

	fprintf(out, " (type %u)", index);
	put_types(out, "param", words, type->params);
	put_types(out, "result", words + type->params, type->results);
}

/* -- Floats ------------------------------------------------------------------------------ */

/* printf's decimal point is the locale's, ours is a point. */
static void put_decimal(FILE *out, const char *text)
{
	bool point = false;

	for (; *text != '\0'; text++) {
		bool plain = strchr("0123456789+-e", *text) != NULL;

		if (plain)
			fputc(*text, out);
		else if (!point)
			fputc('.', out);
		point |= !plain;
	}
}

/* What is no number; false: it is one. `quiet` is the payload of the not-a-number that needs no payload. */
static bool put_special(FILE *out, bool negative, bool extreme, uint64_t payload, uint64_t quiet)
{
	if (!extreme)
		return false;
	fputs(negative ? " -" : " ", out);
	if (payload == 0)
		fputs("inf", out);
	else if (payload == quiet)
		fputs("nan", out);
	else
		fprintf(out, "nan:0x%" PRIx64, payload);
	return true;
}

static void put_f32(struct disasm *d)
{
	char text[64];
	uint32_t bits;
	float value;

	memcpy(&bits, d->r.at, sizeof(bits));
	memcpy(&value, &bits, sizeof(value));
	if (put_special(d->out, bits >> 31, (bits >> 23 & 0xff) == 0xff, bits & 0x7fffff, 0x400000))
		return;
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, (double)value);
		if (strtof(text, NULL) == value)
			break;
	}
	fputc(' ', d->out);
	put_decimal(d->out, text);
}

static void put_f64(struct disasm *d)
{
	const uint64_t quiet = UINT64_C(1) << 51;
	char text[64];
	uint64_t bits;
	double value;

	memcpy(&bits, d->r.at, sizeof(bits));
	memcpy(&value, &bits, sizeof(value));
	if (put_special(d->out, bits >> 63, (bits >> 52 & 0x7ff) == 0x7ff, bits & (quiet * 2 - 1),
			quiet))
		return;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	fputc(' ', d->out);
	put_decimal(d->out, text);
}

/* -- Immediates -------------------------------------------------------------------------- */

static void put_block(struct disasm *d)
{
	uint8_t kind = *d->r.at;
	uint32_t type;

	if (kind == 0x40) {
		d->r.at++;
	} else if ((kind & 0xc0) == 0x40) {
		type = body_valtype(&d->r);
		put_types(d->out, "result", &type, 1);
	} else {
		put_signature(d->image, number(d), d->out);
	}
}

static void put_try_table(struct disasm *d)
{
	static const char *const words[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
	uint32_t count;

	put_block(d);
	count = number(d);
	while (count-- > 0) {
		uint8_t kind = byte(d) & 3;

		fprintf(d->out, " (%s", words[kind]);
		put_numbers(d, kind < 2 ? 2 : 1);
		fputc(')', d->out);
	}
}

static void put_memarg(struct disasm *d)
{
	struct instruction_access access = instruction_access(&d->i);
	uint32_t natural = opcode_info[d->i.opcode].width;

	if (access.memory != 0)
		fprintf(d->out, " %u", access.memory);
	if (access.offset != 0)
		fprintf(d->out, " offset=%" PRIu64, access.offset);
	if (1u << (access.align & 31) != natural)
		fprintf(d->out, " align=%u", 1u << (access.align & 31));
	d->r.at = access.next;
}

static void put_integer(struct disasm *d, bool is_wide)
{
	int64_t wide = 0;
	int32_t narrow = 0;

	if (is_wide)
		reader_s64(&d->r, &wide);
	else if (reader_s32(&d->r, &narrow))
		wide = narrow;
	fprintf(d->out, " %" PRId64, wide);
}

static void put_v128(struct disasm *d)
{
	uint32_t lanes[4];

	memcpy(lanes, d->r.at, sizeof(lanes));
	fputs(" i32x4", d->out);
	for (size_t i = 0; i < ARRAY_SIZE(lanes); i++)
		fprintf(d->out, " 0x%08x", lanes[i]);
}

static void put_lanes(struct disasm *d, uint32_t count)
{
	while (count-- > 0)
		fprintf(d->out, " %u", byte(d));
}

/* A heap type alone: "func", "3"; as a reference: "(ref null func)". */
static void put_heaptype(struct disasm *d, bool as_ref, bool nullable)
{
	uint32_t heap = body_heaptype(&d->r);
	struct valtype_name name = valtype_name(TYPE_MAKE_REF(false, heap));

	/* The name of a reference that is not null is never a short one: "(ref func)". */
	if (as_ref)
		fprintf(d->out, " %s", valtype_name(TYPE_MAKE_REF(nullable, heap)).text);
	else
		fprintf(d->out, " %.*s", (int)strcspn(name.text + 5, ")"), name.text + 5);
}

static void put_heap_operand(struct disasm *d)
{
	bool nullable = d->i.opcode == OP_REF_TEST_NULL || d->i.opcode == OP_REF_CAST_NULL;

	put_heaptype(d, d->i.opcode != OP_REF_NULL, nullable);
}

static void put_cast_branch(struct disasm *d)
{
	uint8_t flags = byte(d);

	put_numbers(d, 1);
	put_heaptype(d, true, flags & 1);
	put_heaptype(d, true, flags & 2);
}

static void put_select(struct disasm *d)
{
	uint32_t count = number(d);

	fputs(" (result", d->out);
	while (count-- > 0)
		fprintf(d->out, " %s", valtype_name(body_valtype(&d->r)).text);
	fputc(')', d->out);
}

static void put_func(struct disasm *d)
{
	uint32_t index = number(d);

	fprintf(d->out, " %u", index);
	put_func_name(d, index);
}

static void put_call_indirect(struct disasm *d)
{
	uint32_t type = number(d);
	uint32_t table = number(d);

	if (table != 0)
		fprintf(d->out, " %u", table);
	put_signature(d->image, type, d->out);
}

/* The text names the memory or table first, where it is not the first one; the binary last. */
static void put_segment(struct disasm *d)
{
	uint32_t segment = number(d);
	uint32_t target = number(d);

	if (target != 0)
		fprintf(d->out, " %u", target);
	fprintf(d->out, " %u", segment);
}

/* Memories: not named where all are the first one. */
static void put_memories(struct disasm *d, uint32_t count)
{
	uint32_t first = number(d);
	uint32_t second = count > 1 ? number(d) : 0;

	if (first == 0 && second == 0)
		return;
	fprintf(d->out, " %u", first);
	if (count > 1)
		fprintf(d->out, " %u", second);
}

/* table-like: an immediate a case. */
static void put_immediates(struct disasm *d)
{
	switch ((enum opcode_imm)opcode_info[d->i.opcode].imm) {
	case IMM_UNKNOWN:
	case IMM_NONE:
	case IMM_FENCE:
		return;
	case IMM_BLOCK:
		put_block(d);
		return;
	case IMM_TRY_TABLE:
		put_try_table(d);
		return;
	case IMM_LABELS:
		put_numbers(d, number(d) + 1);
		return;
	case IMM_FUNC:
		put_func(d);
		return;
	case IMM_CALL_INDIRECT:
		put_call_indirect(d);
		return;
	case IMM_LABEL:
	case IMM_TYPE:
	case IMM_LOCAL:
	case IMM_GLOBAL:
	case IMM_TABLE:
	case IMM_ELEM:
	case IMM_DATA:
	case IMM_TAG:
		put_numbers(d, 1);
		return;
	case IMM_TYPE2:
	case IMM_TYPE_FIELD:
	case IMM_TYPE_N:
	case IMM_TYPE_DATA:
	case IMM_TYPE_ELEM:
	case IMM_TABLE2:
		put_numbers(d, 2);
		return;
	case IMM_ELEM_TABLE:
	case IMM_DATA_MEMORY:
		put_segment(d);
		return;
	case IMM_MEMORY:
		put_memories(d, 1);
		return;
	case IMM_MEMORY2:
		put_memories(d, 2);
		return;
	case IMM_MEMARG:
		put_memarg(d);
		return;
	case IMM_MEMARG_LANE:
		put_memarg(d);
		put_lanes(d, 1);
		return;
	case IMM_I32:
		put_integer(d, false);
		return;
	case IMM_I64:
		put_integer(d, true);
		return;
	case IMM_F32:
		put_f32(d);
		return;
	case IMM_F64:
		put_f64(d);
		return;
	case IMM_V128:
		put_v128(d);
		return;
	case IMM_LANES16:
		put_lanes(d, 16);
		return;
	case IMM_LANE:
		put_lanes(d, 1);
		return;
	case IMM_HEAPTYPE:
		put_heap_operand(d);
		return;
	case IMM_SELECT_T:
		put_select(d);
		return;
	case IMM_CAST_BRANCH:
		put_cast_branch(d);
		return;
	}
}

/* -- Lines ------------------------------------------------------------------------------- */

/* How an instruction changes the depth of what follows, and whether it stands to the left itself. */
static int depth_change(uint32_t opcode, bool *ret_left)
{
	switch (opcode) {
	case OP_BLOCK:
	case OP_LOOP:
	case OP_IF:
	case OP_TRY:
	case OP_TRY_TABLE:
		*ret_left = false;
		return 1;
	case OP_ELSE:
	case OP_CATCH:
	case OP_CATCH_ALL:
		*ret_left = true;
		return 0;
	case OP_END:
	case OP_DELEGATE:
		*ret_left = true;
		return -1;
	}
	*ret_left = false;
	return 0;
}

static void put_instruction(struct disasm *d, uint32_t indent)
{
	const char *text = opcode_text(d->i.opcode);

	d->r = (struct reader){.at = d->i.immediates, .end = d->i.next};
	/* "ref.test null": the null belongs to its operand. */
	fprintf(d->out, "0x%06x: %*s%.*s", (uint32_t)(d->i.at - image_module(d->image)),
		(int)(2 * MIN(indent, (uint32_t)INDENT_MAX)), "", (int)strcspn(text, " "), text);
	put_immediates(d);
	fputc('\n', d->out);
}

static void put_code(struct disasm *d, const struct image_func *func)
{
	const uint8_t *at = image_module(d->image) + func->code;
	const uint8_t *end = image_module(d->image) + func->code_end;
	uint32_t depth = 1;
	bool left;

	for (; at < end && !ferror(d->out); at = d->i.next) {
		int change;

		d->i = instruction_at(at);
		change = depth_change(d->i.opcode, &left);
		put_instruction(d, left ? depth - 1 : depth);
		depth += (uint32_t)change;
	}
}

static void put_locals(struct disasm *d, const struct image_func *func)
{
	struct body_locals locals = body_locals(d->image, func);
	const char *before = " locals: ";
	uint32_t count, type;

	while (body_next_run(&locals, &count, &type)) {
		fprintf(d->out, "%s%u %s", before, count, valtype_name(type).text);
		before = ", ";
	}
}

static void put_head(struct disasm *d, uint32_t index, const struct image_func *func)
{
	struct image_bytes name = image_func_name(d->image, index);

	fprintf(d->out, "func %u", index);
	if (name.size != 0) {
		fputs(" '", d->out);
		put_name(d->out, image_module(d->image) + name.at, name.size);
		fputc('\'', d->out);
	}
	put_signature(d->image, func->type, d->out);
	put_locals(d, func);
	fputc('\n', d->out);
}

int disasm_func(const struct image *image, uint32_t index, FILE *out)
{
	struct disasm d = {.image = image, .out = out};

	if (index < image->imported_funcs || index >= image->funcs.count)
		return -EINVAL;
	errno = 0;
	put_head(&d, index, image_func(image, index));
	put_code(&d, image_func(image, index));
	if (ferror(out))
		return errno != 0 ? -errno : -EIO;
	return 0;
}
