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

int validate_reserve(struct validate *v, uint32_t count)
{
	uint32_t room = v->room != 0 ? v->room : FIRST_ROOM;
	uint32_t *operands;

	/* Not only at the end of the body: a call of two bytes may push a thousand values. */
	if (v->height + count > LIMIT_FRAME_SLOTS + OPERAND_GUARDS)
		return validate_invalid(v, "the frame needs over %d slots", LIMIT_FRAME_SLOTS);
	while (room - v->height < count)
		room *= 2;
	operands = realloc(v->operands, room * sizeof(*operands));
	if (operands == NULL)
		return decode_no_memory(v->d);
	v->operands = operands;
	v->room = room;
	return 0;
}

int validate_push_slow(struct validate *v, uint32_t type)
{
	TRY(validate_reserve(v, 1));
	return validate_push(v, type);
}

static int underflow(struct validate *v, const char *expected)
{
	return validate_invalid(v, "type mismatch: %s expected %s, found nothing on the stack",
				instruction(v), expected);
}

/* Take the top whatever it is, BOTTOM where the stack is polymorphic; false: there is nothing. */
static bool take(struct validate *v, uint32_t *ret)
{
	*ret = TYPE_BOTTOM;
	if (v->height == v->top->height)
		return v->top->unreachable;
	*ret = v->operands[--v->height];
	v->slots -= valtype_slots(*ret);
	return true;
}

int validate_pop_slow(struct validate *v, uint32_t type)
{
	uint32_t found;

	if (!take(v, &found))
		return underflow(v, valtype_name(type).text);
	if (type_matches(&v->space, found, type))
		return 0;
	return validate_invalid(v, "type mismatch: %s expected %s, found %s", instruction(v),
				valtype_name(type).text, valtype_name(found).text);
}

int validate_pop_any(struct validate *v, uint32_t *ret)
{
	return take(v, ret) ? 0 : underflow(v, "a value");
}

int validate_pop_ref(struct validate *v, uint32_t *ret)
{
	if (!take(v, ret))
		return underflow(v, "a reference");
	if (*ret == TYPE_BOTTOM)
		*ret = TYPE_BOTTOM_REF;
	if (valtype_is_ref(*ret))
		return 0;
	return validate_invalid(v, "type mismatch: %s expected a reference, found %s",
				instruction(v), valtype_name(*ret).text);
}

/* -- Lists ------------------------------------------------------------------------------- */

/*
 * A list may have a thousand types where the instruction that takes it has two bytes, so what a list
 * costs is what a hostile module can make validation cost. The usual case, the very types on the stack,
 * is one comparison of memory; where subtypes are, a pair like the last is not looked at again.
 */
static bool top_equals(const struct validate *v, const struct type_list *list)
{
	return list->count == 0 || (v->height - v->top->height >= list->count &&
				    memcmp(v->operands + v->height - list->count, list->words,
					   list->count * sizeof(uint32_t)) == 0);
}

bool validate_types_match(const struct validate *v, const uint32_t *a, const uint32_t *b,
			  uint32_t count)
{
	uint32_t last_a = TYPE_BOTTOM, last_b = TYPE_BOTTOM;

	if (memcmp(a, b, count * sizeof(uint32_t)) == 0)
		return true;
	for (uint32_t i = 0; i < count; i++) {
		if (a[i] == last_a && b[i] == last_b)
			continue;
		if (!type_matches(&v->space, a[i], b[i]))
			return false;
		last_a = a[i];
		last_b = b[i];
	}
	return true;
}

static int pop_list_slow(struct validate *v, const struct type_list *list)
{
	uint32_t own = v->height - v->top->height;
	uint32_t count = MIN(list->count, own);
	const uint32_t *words = list->words + (list->count - count);

	/* Whatever the block lacks it has in dead code. */
	if ((count == list->count || v->top->unreachable) &&
	    validate_types_match(v, v->operands + v->height - count, words, count)) {
		for (uint32_t i = 0; i < count; i++)
			v->slots -= valtype_slots(v->operands[--v->height]);
		return 0;
	}
	for (uint32_t i = list->count; i-- > 0;) /* to the one that does not fit */
		TRY(validate_pop(v, list->words[i]));
	return 0;
}

int validate_pop_list(struct validate *v, const struct type_list *list)
{
	if (UNLIKELY(!top_equals(v, list)))
		return pop_list_slow(v, list);
	v->height -= list->count;
	v->slots -= list->slots;
	return 0;
}

int validate_push_list(struct validate *v, const struct type_list *list)
{
	if (UNLIKELY(v->room - v->height < list->count))
		TRY(validate_reserve(v, list->count));
	memcpy(v->operands + v->height, list->words, list->count * sizeof(uint32_t));
	v->height += list->count;
	v->slots += list->slots;
	v->max_slots = MAX(v->max_slots, v->slots);
	return 0;
}

int validate_top_list(struct validate *v, const struct type_list *list)
{
	if (LIKELY(top_equals(v, list)))
		return 0;
	TRY(pop_list_slow(v, list));
	return validate_push_list(v, list);
}

void validate_unreachable(struct validate *v)
{
	v->height = v->top->height;
	v->slots = v->top->slots;
	v->top->unreachable = true;
}
