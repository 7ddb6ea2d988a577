/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/skip.h"

#include "wasm/reader.h"
#include "wasm/valtype.h"

static const uint8_t *leb(const uint8_t *p)
{
	while (*p >= 0x80)
		p++;
	return p + 1;
}

static const uint8_t *lebs(const uint8_t *p, uint32_t count)
{
	while (count-- > 0)
		p = leb(p);
	return p;
}

static const uint8_t *number(const uint8_t *p, uint32_t *ret)
{
	struct reader r = {.at = p, .end = p + 10};

	*ret = 0;
	reader_u32(&r, ret);
	return r.at;
}

static const uint8_t *value_type(const uint8_t *p)
{
	return *p == TYPE_REF || *p == TYPE_REF_NULL ? leb(p + 1) : p + 1;
}

/* Empty (0x40), a value type, or an index. */
static const uint8_t *block_type(const uint8_t *p)
{
	return (*p & 0xc0) == 0x40 ? value_type(p) : leb(p);
}

static const uint8_t *types(const uint8_t *p)
{
	uint32_t count;

	p = number(p, &count);
	while (count-- > 0)
		p = value_type(p);
	return p;
}

static const uint8_t *try_table(const uint8_t *p)
{
	uint32_t count;

	p = number(block_type(p), &count);
	while (count-- > 0)
		p = lebs(p + 1, *p < 2 ? 2 : 1);
	return p;
}

static const uint8_t *memarg(const uint8_t *p)
{
	uint32_t flags;

	p = number(p, &flags);
	return lebs(p, flags & 0x40 ? 2 : 1);
}

/* table-like: an immediate a case. */
static const uint8_t *immediates(enum opcode_imm imm, const uint8_t *p)
{
	uint32_t count;

	switch (imm) {
	case IMM_UNKNOWN:
	case IMM_NONE:
		return p;
	case IMM_BLOCK:
		return block_type(p);
	case IMM_LABELS:
		p = number(p, &count);
		return lebs(p, count + 1);
	case IMM_TRY_TABLE:
		return try_table(p);
	case IMM_LABEL:
	case IMM_FUNC:
	case IMM_TYPE:
	case IMM_LOCAL:
	case IMM_GLOBAL:
	case IMM_TABLE:
	case IMM_ELEM:
	case IMM_DATA:
	case IMM_MEMORY:
	case IMM_I32:
	case IMM_I64:
	case IMM_HEAPTYPE:
	case IMM_TAG:
		return leb(p);
	case IMM_CALL_INDIRECT:
	case IMM_TYPE2:
	case IMM_TYPE_FIELD:
	case IMM_TYPE_N:
	case IMM_TYPE_DATA:
	case IMM_TYPE_ELEM:
	case IMM_TABLE2:
	case IMM_ELEM_TABLE:
	case IMM_DATA_MEMORY:
	case IMM_MEMORY2:
		return lebs(p, 2);
	case IMM_MEMARG:
		return memarg(p);
	case IMM_MEMARG_LANE:
		return memarg(p) + 1;
	case IMM_F32:
		return p + 4;
	case IMM_F64:
		return p + 8;
	case IMM_V128:
	case IMM_LANES16:
		return p + 16;
	case IMM_LANE:
	case IMM_FENCE:
		return p + 1;
	case IMM_SELECT_T:
		return types(p);
	case IMM_CAST_BRANCH:
		return lebs(p + 1, 3);
	}
	return p;
}

static bool is_far(const uint8_t *at)
{
	return *at == OP_FAR || *at == PREFIX_FAR_FD;
}

static const uint8_t *far_immediates(const struct instruction *i)
{
	const uint8_t *p = lebs(i->immediates + 1, *i->immediates & FAR_HAS_MEMORY ? 2 : 1);

	return opcode_info[i->opcode].imm == IMM_MEMARG_LANE ? p + 1 : p;
}

struct instruction instruction_at(const uint8_t *at)
{
	struct instruction i = {.at = at, .immediates = at + 1};
	uint32_t code;

	i.opcode = *at == OP_FAR ? opcode_far(at[1]) : opcode_base(*at);
	if (*at >= 0xfb) {
		i.immediates = number(at + 1, &code);
		i.opcode = opcode_prefixed(*at == PREFIX_FAR_FD ? 0xfd : *at, code);
	}
	i.next = is_far(at) ? far_immediates(&i)
			    : immediates(opcode_info[i.opcode].imm, i.immediates);
	return i;
}

struct instruction_access instruction_access(const struct instruction *i)
{
	struct reader r = {.at = i->immediates, .end = i->next};
	struct instruction_access access = {0};
	bool has_memory;

	reader_u32(&r, &access.align);
	if (is_far(i->at)) {
		/* One byte, whose top bit is no continuation. */
		access.align = *i->immediates;
		r.at = i->immediates + 1;
		has_memory = (access.align & FAR_HAS_MEMORY) != 0;
		access.align &= FAR_HAS_MEMORY - 1;
		if (*i->at == OP_FAR)
			access.align >>= FAR_ALIGN_SHIFT;
	} else {
		has_memory = (access.align & 0x40) != 0;
		access.align &= 0x3f;
	}
	if (has_memory)
		reader_u32(&r, &access.memory);
	reader_u64(&r, &access.offset);
	access.next = r.at;
	return access;
}
