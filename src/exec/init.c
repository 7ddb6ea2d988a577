/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/init.h"

#include <string.h>

#include "base/base.h"
#include "exec/ref.h"
#include "wasm/opcode.h"
#include "wasm/reader.h"

/* A value of any type; only vectors use the second word. */
struct value {
	slot word[2];
};

struct machine {
	struct instance *instance;
	struct reader r; /* over validated code: reads cannot fail */
	struct value stack[LIMIT_CONST_STACK];
	uint32_t height;
};

static uint32_t index_immediate(struct machine *m)
{
	uint32_t index = 0;

	reader_u32(&m->r, &index);
	return index;
}

static struct value global_value(const struct instance *instance, uint64_t index)
{
	const struct global *global = instance->globals[index];

	return (struct value){{global->cell[0], global->cell[1]}};
}

static struct value literal(struct machine *m, uint8_t opcode)
{
	struct value value = {{0, 0}};
	int32_t narrow = 0;
	int64_t wide = 0;
	size_t size;

	switch (opcode) {
	case OP_I32_CONST:
		reader_s32(&m->r, &narrow);
		value.word[0] = (uint32_t)narrow;
		return value;
	case OP_I64_CONST:
		reader_s64(&m->r, &wide);
		value.word[0] = (uint64_t)wide;
		return value;
	}
	if (opcode == 0xfd)
		index_immediate(m);
	size = opcode == OP_F32_CONST ? 4 : opcode == OP_F64_CONST ? 8 : 16;
	memcpy(value.word, reader_take(&m->r, size), size);
	return value;
}

static slot arithmetic(uint8_t opcode, slot a, slot b)
{
	switch (opcode) {
	case OP_I32_ADD:
		return (uint32_t)(a + b);
	case OP_I32_SUB:
		return (uint32_t)(a - b);
	case OP_I32_MUL:
		return (uint32_t)(a * b);
	case OP_I64_ADD:
		return a + b;
	case OP_I64_SUB:
		return a - b;
	}
	return a * b; /* i64.mul */
}

static struct value one(struct machine *m, uint8_t opcode)
{
	struct value value = {{0, 0}};

	switch (opcode) {
	case OP_GLOBAL_GET:
		return global_value(m->instance, index_immediate(m));
	case OP_REF_FUNC:
		value.word[0] = ref_from_func(instance_func(m->instance, index_immediate(m)));
		return value;
	case OP_REF_NULL:
		reader_s64(&m->r, &(int64_t){0});
		return value;
	case OP_I32_ADD:
	case OP_I32_SUB:
	case OP_I32_MUL:
	case OP_I64_ADD:
	case OP_I64_SUB:
	case OP_I64_MUL:
		m->height -= 2;
		value.word[0] = arithmetic(opcode, m->stack[m->height].word[0],
					   m->stack[m->height + 1].word[0]);
		return value;
	}
	return literal(m, opcode);
}

void init_run(struct instance *instance, uint32_t at, slot *ret)
{
	const uint8_t *module = image_module(instance->image);
	struct machine m;
	uint8_t opcode = OP_END;

	m.instance = instance;
	m.r = (struct reader){.at = module + at, .end = module + instance->image->bytes.count};
	m.height = 0;
	while (reader_byte(&m.r, &opcode) && opcode != OP_END) {
		struct value value = one(&m, opcode);

		m.stack[m.height++] = value;
	}
	invariant(m.height == 1);
	memcpy(ret, m.stack[0].word, sizeof(m.stack[0].word));
}

void init_value(struct instance *instance, const struct image_init *init, slot *ret)
{
	ret[0] = ret[1] = 0;
	switch ((enum image_init_kind)init->kind) {
	case INIT_NONE:
		return;
	case INIT_VALUE:
		ret[0] = init->value;
		return;
	case INIT_FUNC:
		ret[0] = ref_from_func(instance_func(instance, (uint32_t)init->value));
		return;
	case INIT_GLOBAL:
		memcpy(ret, instance->globals[init->value]->cell, 2 * sizeof(slot));
		return;
	case INIT_EXPR:
		init_run(instance, init->at, ret);
		return;
	}
}
