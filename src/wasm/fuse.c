/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/fuse.h"

#include <string.h>

#include "base/base.h"
#include "wasm/skip.h"

enum { SEQUENCE_MOST = 4, OP_SEQUENCE_END = OPCODE_SPACE };

struct sequence {
	uint8_t code;
	uint16_t opcodes[SEQUENCE_MOST];
};

static const struct sequence sequences[] = {
#define FUSE(ID, code, first, second, third, fourth) \
	{code, {OP_##first, OP_##second, OP_##third, OP_##fourth}},
#include "wasm/fuse.def"
#undef FUSE
};

/* -- Walking --------------------------------------------------------------------------------------- */

/*
 * How far an instruction reaches, by its first byte: a start goes over every function it calls, so this must not cost
 * more than to validate it did. What is rare is left to instruction_at().
 */
enum reach {
	REACH_RARE,
	REACH_BYTE, /* the opcode alone */
	REACH_NUMBER, /* and a constant */
	REACH_INDEX, /* and an index or label */
	REACH_MEMARG,
};

#define IS(imm, what) ((int)(imm) == (int)IMM_##what)
#define REACH(imm)                                                                             \
	(IS(imm, NONE)                                                          ? REACH_BYTE   \
	 : IS(imm, I32) || IS(imm, I64)                                         ? REACH_NUMBER \
	 : IS(imm, LOCAL) || IS(imm, LABEL) || IS(imm, GLOBAL) || IS(imm, FUNC) ? REACH_INDEX  \
	 : IS(imm, MEMARG)                                                      ? REACH_MEMARG \
										: REACH_RARE)

enum {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) IMM_OF_##ID = IMM_##imm,
#include "wasm/opcodes.def"
#undef OP
};

static const uint8_t reaches[OPCODE_SPACE] = {
#define OP(ID, prefix, code, text, imm, sig, feature, kind, width) [OP_##ID] = REACH(IMM_##imm),
#include "wasm/opcodes.def"
#undef OP
#define QUICK(ID, code, base) [OP_##ID] = REACH(IMM_OF_##base),
#include "wasm/quick.def"
#undef QUICK
};

static const uint8_t *behind_number(const uint8_t *at)
{
	while (*at >= 0x80)
		at++;
	return at + 1;
}

/* Behind the instruction at `at`. */
static inline const uint8_t *behind(const uint8_t *at)
{
	switch ((enum reach)reaches[*at]) {
	case REACH_BYTE:
		return at + 1;
	case REACH_NUMBER:
	case REACH_INDEX:
		return behind_number(at + 1);
	case REACH_MEMARG:
		if (at[1] < 0x40) /* no memory is named */
			return behind_number(at + 2);
		break;
	case REACH_RARE:
		break;
	}
	return instruction_at(at).next;
}

/* May it be part of a sequence as it stands: short, but for constants. */
static inline bool is_short(const uint8_t *at, const uint8_t *next)
{
	switch ((enum reach)reaches[*at]) {
	case REACH_BYTE:
	case REACH_NUMBER:
		return true;
	case REACH_INDEX:
		return next - at == 2;
	case REACH_MEMARG:
		return next - at == 3;
	case REACH_RARE:
		break;
	}
	return false;
}

/* -- Matching ---------------------------------------------------------------------------------------- */

/* Where the sequence ends whose first instruction lies before `at`, or NULL. */
static const uint8_t *match(const struct sequence *s, const uint8_t *at, const uint8_t *end)
{
	for (int i = 1; i < SEQUENCE_MOST && s->opcodes[i] != OP_SEQUENCE_END; i++) {
		const uint8_t *next;

		if (at >= end || *at != s->opcodes[i])
			return NULL;
		next = behind(at);
		if (!is_short(at, next))
			return NULL;
		at = next;
	}
	return at;
}

/* Where the rows of each first opcode begin, plus 1; 0: there are none. They lie together. */
struct index {
	uint8_t rows[256];
};

static void make_index(struct index *index)
{
	memset(index, 0, sizeof(*index));
	for (size_t i = ARRAY_SIZE(sequences); i-- > 0;)
		index->rows[sequences[i].opcodes[0]] = (uint8_t)(i + 1);
}

/* The first sequence that fits here is marked; returns where to go on. */
static uint8_t *mark(const struct index *index, uint8_t *at, const uint8_t *end)
{
	const uint8_t *next = behind(at);
	size_t row = index->rows[*at];

	if (row == 0 || !is_short(at, next))
		return at + (next - at);
	for (size_t i = row - 1; i < ARRAY_SIZE(sequences) && sequences[i].opcodes[0] == *at; i++) {
		const uint8_t *last = match(&sequences[i], next, end);

		if (last != NULL) {
			__atomic_store_n(at, sequences[i].code, __ATOMIC_RELAXED);
			return at + (last - at);
		}
	}
	return at + (next - at);
}

void fuse_body(uint8_t *code, const uint8_t *end)
{
	struct index index;

	make_index(&index);
	while (code < end)
		code = mark(&index, code, end);
}
