/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/fuse.h"

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

/*
 * Behind the instruction at `at`, if it may be part of a sequence as it stands: that opcode, quickened or
 * not, and short. NULL: it may not.
 */
static const uint8_t *step(const uint8_t *at, uint32_t opcode)
{
	struct instruction i;

	if (*at != opcode)
		return NULL;
	i = instruction_at(at);
	switch (opcode_info[i.opcode].imm) {
	case IMM_NONE:
	case IMM_I32:
		return i.next;
	case IMM_LOCAL:
	case IMM_LABEL:
		return i.next - at == 2 ? i.next : NULL;
	case IMM_MEMARG:
		return i.next - at == 3 ? i.next : NULL;
	}
	return NULL;
}

/* Where the sequence that begins at `at` ends, or NULL. */
static const uint8_t *match(const struct sequence *s, const uint8_t *at, const uint8_t *end)
{
	for (int i = 0; i < SEQUENCE_MOST && s->opcodes[i] != OP_SEQUENCE_END; i++) {
		at = at < end ? step(at, s->opcodes[i]) : NULL;
		if (at == NULL)
			return NULL;
	}
	return at;
}

static bool begins_one(uint8_t opcode)
{
	return false
#define FUSE(ID, code, first, second, third, fourth) || opcode == OP_##first
#include "wasm/fuse.def"
#undef FUSE
		;
}

/* The first sequence that fits here is marked; returns where to go on. */
static uint8_t *mark(uint8_t *at, const uint8_t *end)
{
	for (size_t i = 0; begins_one(*at) && i < ARRAY_SIZE(sequences); i++) {
		const uint8_t *next = match(&sequences[i], at, end);

		if (next != NULL) {
			__atomic_store_n(at, sequences[i].code, __ATOMIC_RELAXED);
			return at + (next - at);
		}
	}
	return at + (instruction_at(at).next - at);
}

void fuse_body(uint8_t *code, const uint8_t *end)
{
	while (code < end)
		code = mark(code, end);
}
