/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_stack.c: the stack of operand types.
 *
 * Behind an instruction that never returns, the stack is polymorphic: below the values pushed since, any type
 * can be popped (TYPE_BOTTOM). A block never reaches below its own height.
 */
#include <errno.h>
#include <stdlib.h>

#include "wasm/validator.h"

enum { FIRST_ROOM = 256 };

int validate_malformed(struct validate *v)
{
	return decode_fail(v->d, DECODE_MALFORMED, v->r.at, "%s", v->r.what);
}

static const char *instruction(const struct validate *v)
{
	uint32_t code, opcode = *v->at;

	if (opcode >= 0xfb && opcode <= 0xfe) {
		struct reader r = {.at = v->at + 1, .end = v->r.end};

		if (reader_u32(&r, &code))
			opcode = opcode_prefixed((uint8_t)opcode, code);
	}
	opcode = opcode_base(opcode);
	return opcode_text(opcode);
}

int validate_push_slow(struct validate *v, uint32_t type)
{
	uint32_t room = v->room != 0 ? v->room * 2 : FIRST_ROOM;
	uint32_t *operands = realloc(v->operands, room * sizeof(*operands));

	if (operands == NULL)
		return decode_no_memory(v->d);
	v->operands = operands;
	v->room = room;
	return validate_push(v, type);
}

static int underflow(struct validate *v, const char *expected)
{
	return validate_invalid(v, "type mismatch: %s expected %s, found nothing on the stack",
				instruction(v), expected);
}

/* Take the top whatever it is; BOTTOM where the stack is polymorphic. */
static int take(struct validate *v, const char *expected, uint32_t *ret)
{
	if (v->height == v->top->height) {
		if (!v->top->unreachable)
			return underflow(v, expected);
		*ret = TYPE_BOTTOM;
		return 0;
	}
	*ret = v->operands[--v->height];
	v->slots -= valtype_slots(*ret);
	return 0;
}

int validate_pop_slow(struct validate *v, uint32_t type)
{
	uint32_t found;
	int err = take(v, valtype_name(type).text, &found);

	if (err != 0 || type_matches(&v->space, found, type))
		return err;
	return validate_invalid(v, "type mismatch: %s expected %s, found %s", instruction(v),
				valtype_name(type).text, valtype_name(found).text);
}

int validate_pop_any(struct validate *v, uint32_t *ret)
{
	return take(v, "a value", ret);
}

int validate_pop_ref(struct validate *v, uint32_t *ret)
{
	int err = take(v, "a reference", ret);

	if (err != 0 || *ret == TYPE_BOTTOM || valtype_is_ref(*ret))
		return err;
	return validate_invalid(v, "type mismatch: %s expected a reference, found %s",
				instruction(v), valtype_name(*ret).text);
}

int validate_pop_list(struct validate *v, const struct type_list *list)
{
	const uint32_t *words = type_list_words(list);
	int err = 0;

	for (uint32_t i = list->count; err == 0 && i-- > 0;)
		err = validate_pop(v, words[i]);
	return err;
}

int validate_push_list(struct validate *v, const struct type_list *list)
{
	const uint32_t *words = type_list_words(list);
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < list->count; i++)
		err = validate_push(v, words[i]);
	return err;
}

int validate_top_list(struct validate *v, const struct type_list *list)
{
	int err = validate_pop_list(v, list);

	return err != 0 ? err : validate_push_list(v, list);
}

void validate_unreachable(struct validate *v)
{
	v->height = v->top->height;
	v->slots = v->top->slots;
	v->top->unreachable = true;
}
