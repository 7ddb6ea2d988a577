/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/init.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "exec/objects.h"
#include "exec/runtime.h"
#include "exec/store.h"
#include "wasm/opcode.h"
#include "wasm/reader.h"

/* A value of any type; only vectors use the second word. */
struct value {
	slot word[2];
};

enum { VALUES_HERE = 16 };

struct machine {
	struct instance *instance;
	struct reader r; /* over validated code: reads cannot fail */
	struct value *stack;
	uint32_t height, room;
	enum trap trap;
	struct value first[VALUES_HERE]; /* the stack, as long as that suffices */
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

/* -- Objects --------------------------------------------------------------------------------- */

/* The `count` topmost values as slots, as runtime functions want them; a vector's are two. */
static slot *as_slots(struct machine *m, uint32_t count, bool wide)
{
	slot *slots = m->stack[m->height - count].word;

	if (!wide)
		for (uint32_t i = 1; i < count; i++)
			slots[i] = m->stack[m->height - count + i].word[0];
	return slots;
}

/* A struct's operands may be of both widths: each value moves down to where the one before it ends. */
static slot *struct_slots(struct machine *m, const struct type_info *info)
{
	slot *slots = m->stack[m->height - info->count].word, *to = slots;

	for (uint32_t i = 0; i < info->count; i++) {
		struct value value = m->stack[m->height - info->count + i];

		*to++ = value.word[0];
		if (info->fields[i].storage == STORAGE_V128)
			*to++ = value.word[1];
	}
	return slots;
}

static slot struct_new(struct machine *m, bool is_default)
{
	struct instance *in = m->instance;
	uint32_t type = index_immediate(m);
	const struct type_info *info = in->type_infos[type];
	slot *fields = NULL, ref = 0;

	if (!is_default && info->count != 0) {
		fields = struct_slots(m, info);
		m->height -= info->count;
	}
	m->trap = runtime_struct_new(&in->store->thread, in, type, fields, &ref);
	return ref;
}

static slot array_new(struct machine *m, uint32_t opcode)
{
	struct instance *in = m->instance;
	struct thread *thread = &in->store->thread;
	uint32_t type = index_immediate(m), count;
	bool wide = in->type_infos[type]->storage == STORAGE_V128;
	slot ref = 0;

	switch (opcode) {
	case OP_ARRAY_NEW:
		m->height -= 2;
		m->trap = runtime_array_new(thread, in, type, m->stack[m->height].word,
					    (uint32_t)m->stack[m->height + 1].word[0], &ref);
		break;
	case OP_ARRAY_NEW_DEFAULT:
		m->height--;
		m->trap = runtime_array_new(thread, in, type, NULL,
					    (uint32_t)m->stack[m->height].word[0], &ref);
		break;
	default: /* array.new_fixed */
		count = index_immediate(m);
		m->trap =
			runtime_array_new_fixed(thread, in, type, count,
						count != 0 ? as_slots(m, count, wide) : NULL, &ref);
		m->height -= count;
	}
	return ref;
}

static slot object(struct machine *m)
{
	uint32_t opcode = opcode_prefixed(0xfb, index_immediate(m));

	switch (opcode) {
	case OP_STRUCT_NEW:
	case OP_STRUCT_NEW_DEFAULT:
		return struct_new(m, opcode == OP_STRUCT_NEW_DEFAULT);
	case OP_ARRAY_NEW:
	case OP_ARRAY_NEW_DEFAULT:
	case OP_ARRAY_NEW_FIXED:
		return array_new(m, opcode);
	case OP_REF_I31:
		return ref_from_i31((uint32_t)m->stack[--m->height].word[0]);
	}
	return m->stack[--m->height].word[0]; /* conversions move no bits */
}

/* -- Running --------------------------------------------------------------------------------- */

static struct value one(struct machine *m, uint8_t opcode)
{
	struct value value = {{0, 0}};

	switch (opcode) {
	case OP_GLOBAL_GET:
		return global_value(m->instance, index_immediate(m));
	case OP_REF_FUNC:
		value.word[0] = ref_from_func(instance_func(m->instance, index_immediate(m)));
		return value;
	case 0xfb:
		value.word[0] = object(m);
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

/* The values lie where the collector finds them, and may have to move for room. */
static void push(struct machine *m, struct gc_roots *roots, struct value value)
{
	if (m->height == m->room) {
		struct value *old = m->stack == m->first ? NULL : m->stack;
		struct value *stack = realloc(old, 2 * m->room * sizeof(*stack));

		if (stack == NULL) {
			m->trap = TRAP_OUT_OF_MEMORY;
			return;
		}
		if (old == NULL)
			memcpy(stack, m->first, sizeof(m->first));
		m->stack = stack;
		m->room *= 2;
	}
	m->stack[m->height++] = value;
	roots->slots = m->stack[0].word;
	roots->count = 2 * (uint64_t)m->height;
}

enum trap init_run(struct instance *instance, uint32_t at, slot *ret)
{
	const uint8_t *module = image_module(instance->image);
	struct machine m = {.instance = instance, .room = VALUES_HERE};
	struct gc_roots roots = {0};
	uint8_t opcode = OP_END;

	m.stack = m.first;
	m.r = (struct reader){.at = module + at, .end = module + instance->image->bytes.count};
	gc_roots_push(instance->store, &roots);
	while (m.trap == TRAP_NONE && reader_byte(&m.r, &opcode) && opcode != OP_END)
		push(&m, &roots, one(&m, opcode));
	gc_roots_pop(instance->store, &roots);
	invariant(m.trap != TRAP_NONE || m.height == 1);
	if (m.trap == TRAP_NONE)
		memcpy(ret, m.stack[0].word, sizeof(m.stack[0].word));
	if (m.stack != m.first)
		free(m.stack);
	return m.trap;
}

enum trap init_value(struct instance *instance, const struct image_init *init, slot *ret)
{
	ret[0] = ret[1] = 0;
	switch ((enum image_init_kind)init->kind) {
	case INIT_NONE:
		break;
	case INIT_VALUE:
		ret[0] = init->value;
		break;
	case INIT_FUNC:
		ret[0] = ref_from_func(instance_func(instance, (uint32_t)init->value));
		break;
	case INIT_GLOBAL:
		memcpy(ret, instance->globals[init->value]->cell, 2 * sizeof(slot));
		break;
	case INIT_EXPR:
		return init_run(instance, init->at, ret);
	}
	return TRAP_NONE;
}
