/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_exceptions.c: throwing and catching, and what they leave for whoever unwinds.
 *
 * A try costs nothing until something is thrown: then the place of the instruction that threw is looked up in the
 * image's tries (struct image_try), which are written here in the order of the code, each with its catches. Where a
 * catch goes on says an entry of the side table, so that it is found as branches find theirs: its `pc` is an offset in
 * the module, not a distance, for there is no instruction to count from.
 *
 *   try_table  one entry more, its own: over its clauses to its body. Then one a clause
 *   try        its own
 *   catch      two: where the code before it goes on (behind `end`), and where the exception does (behind the catch)
 *   rethrow    one that leads nowhere: `keep` is the local slot that holds the exception
 *
 * The instructions catch and rethrow need the exception while its catch block runs. Each nesting level of such blocks has a
 * local slot of its own, behind the declared ones.
 */
#include "wasm/validator.h"

void validate_start_tries(struct validate *v)
{
	v->tries.size = v->caught.size = 0;
	v->most_caught = 0;
}

/* -- Blocks that are part of a try ------------------------------------------------------- */

static uint32_t mark_count(const struct buf *marks)
{
	return (uint32_t)BUF_COUNT(marks, struct try_mark);
}

/* How many of them are `block` or around it. By halves: there may be as many as blocks. */
static uint32_t marks_within(const struct buf *marks, uint32_t block)
{
	uint32_t low = 0, high = mark_count(marks);

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (BUF_ITEM(marks, struct try_mark, middle)->block <= block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The try whose body the code of `block` is in, or IMAGE_NONE. */
static uint32_t try_within(const struct validate *v, uint32_t block)
{
	uint32_t count = marks_within(&v->tries, block);

	return count == 0 ? IMAGE_NONE : BUF_ITEM(&v->tries, struct try_mark, count - 1)->try;
}

/* The block that is opened next is part of this try. */
static int put_mark(struct validate *v, struct buf *marks, struct try_mark mark)
{
	mark.block = validate_block_count(v);
	return buf_put(marks, &mark, sizeof(mark)) == NULL ? decode_no_memory(v->d) : 0;
}

static struct try_mark take_mark(struct buf *marks)
{
	marks->size -= sizeof(struct try_mark);
	return *BUF_ITEM(marks, struct try_mark, mark_count(marks));
}

/* The block just closed belonged to a try: to which. The body of one ends at this instruction. */
static struct try_mark leave_part(struct validate *v, const struct block *block)
{
	struct try_mark mark;

	if (block->opcode != OP_TRY && block->opcode != OP_TRY_TABLE)
		return take_mark(&v->caught);
	mark = take_mark(&v->tries);
	DECODE_ITEM(v->d, struct image_try, tries, mark.try)->end = decode_offset(v->d, v->at);
	return mark;
}

void validate_end_try(struct validate *v, const struct block *block)
{
	leave_part(v, block);
}

/* -- Catches ----------------------------------------------------------------------------- */

/* Behind the others of the try. */
static int add_catch(struct validate *v, struct try_mark *mark, const struct image_catch *new)
{
	uint32_t index = DECODE_COUNT(v->d, struct image_catch, catches);

	if (buf_put(&v->d->catches, new, sizeof(*new)) == NULL)
		return decode_no_memory(v->d);
	if (mark->last == IMAGE_NONE)
		DECODE_ITEM(v->d, struct image_try, tries, mark->try)->first = index;
	else
		DECODE_ITEM(v->d, struct image_catch, catches, mark->last)->next = index;
	mark->last = index;
	return 0;
}

/* A tag; the values an exception of it has. */
static int tag(struct validate *v, uint32_t *ret, struct type_list *ret_values)
{
	TRY(validate_u32(v, ret));
	if (*ret >= DECODE_COUNT(v->d, uint32_t, tags))
		return validate_invalid(v, "unknown tag %u", *ret);
	*ret_values =
		validate_params_of(v, type_at(&v->space, *DECODE_ITEM(v->d, uint32_t, tags, *ret)));
	return 0;
}

/* May a clause with these values, and a reference behind them, lead to a label that takes `wanted`? */
static bool label_takes(const struct validate *v, const struct type_list *wanted,
			const struct type_list *values, bool ref)
{
	return wanted->count == values->count + ref &&
	       validate_types_match(v, values->words, wanted->words, values->count) &&
	       (!ref || type_matches(&v->space, TYPE_MAKE_REF(false, HEAP_ABSTRACT(HEAP_EXN)),
				     wanted->words[values->count]));
}

/* Where the clause goes on: as a branch to the block does, but from anywhere in the try. */
static int aim_clause(struct validate *v, struct block *block, uint32_t *ret)
{
	TRY(validate_side_add(v, ret));
	if (block->opcode == OP_LOOP)
		*validate_side(v, *ret) = (struct image_side){
			.pc = (int32_t)block->pc, .side = (int32_t)(block->side - *ret)};
	else
		validate_chain(v, block, *ret, 0);
	return 0;
}

/* A clause of try_table: 0 catch, 1 catch_ref, 2 catch_all, 3 catch_all_ref. */
static int clause(struct validate *v, struct try_mark *mark)
{
	struct image_catch new = {.tag = IMAGE_NONE, .next = IMAGE_NONE};
	struct type_list wanted, values = {&new.tag, 0, 0};
	struct block *block;
	uint32_t depth;
	uint8_t kind;

	if (!reader_byte(&v->r, &kind))
		return validate_malformed(v);
	if (kind > 3)
		return decode_fail(v->d, DECODE_MALFORMED, v->r.at - 1,
				   "malformed catch clause 0x%02x", kind);
	if (kind < 2)
		TRY(tag(v, &new.tag, &values));
	TRY(validate_u32(v, &depth));
	TRY(validate_label(v, depth, &block, &wanted));
	if (!label_takes(v, &wanted, &values, kind & 1))
		return validate_invalid(
			v,
			"type mismatch: label %u of a catch clause takes other values "
			"than the clause has",
			depth);
	TRY(aim_clause(v, block, &new.to));
	new.kind = kind & 1 ? CATCH_REF : CATCH_VALUES;
	new.height = (uint16_t)block->slots;
	return add_catch(v, mark, &new);
}

static int clauses(struct validate *v, struct try_mark *mark)
{
	uint32_t count;

	TRY(decode_count(v->d, &v->r, LIMIT_CATCHES, "catch clauses", &count));
	while (count-- > 0)
		TRY(clause(v, mark));
	return 0;
}

int validate_try(struct validate *v, uint32_t opcode)
{
	struct image_try new = {.first = IMAGE_NONE};
	struct try_mark mark = {.try = DECODE_COUNT(v->d, struct image_try, tries),
				.last = IMAGE_NONE};
	uint32_t entry;

	new.outer = try_within(v, UINT32_MAX);
	if (buf_put(&v->d->tries, &new, sizeof(new)) == NULL)
		return decode_no_memory(v->d);
	TRY(validate_side_add(v, &entry));
	/* Labels of clauses count from outside: the block is not open yet. */
	if (opcode == OP_TRY_TABLE)
		TRY(clauses(v, &mark));
	validate_side(v, entry)->pc = (int32_t)decode_offset(v->d, v->at);
	validate_land(v, entry, decode_offset(v->d, v->r.at));
	DECODE_ITEM(v->d, struct image_try, tries, mark.try)->begin = decode_offset(v->d, v->r.at);
	return put_mark(v, &v->tries, mark);
}

/* -- The older instructions -------------------------------------------------------------- */

static int not_in_try(struct validate *v, const char *what)
{
	return decode_fail(v->d, DECODE_MALFORMED, v->at, "%s without try", what);
}

/* The local slot of the catch block that `level` others are around. */
static uint16_t kept_slot(const struct validate *v, uint32_t level)
{
	return (uint16_t)(v->func->locals + level); /* too many: the body is refused at its end */
}

/* Begin the block that an exception with these values leads to; `before` is the part of the try it ends. */
static int open_catch(struct validate *v, uint32_t opcode, const struct block *before,
		      const struct type_list *values)
{
	struct block next = {.opcode = (uint8_t)opcode, .kind = before->kind, .type = before->type};

	v->height = before->height;
	v->slots = before->slots;
	TRY(validate_push_list(v, values));
	return validate_open_block(v, &next, values);
}

static int catch_(struct validate *v, uint32_t opcode)
{
	struct image_catch new = {.tag = IMAGE_NONE, .next = IMAGE_NONE, .kind = CATCH_KEEP};
	struct type_list values = {&new.tag, 0, 0};
	struct try_mark mark;
	struct block before;
	uint32_t jump;

	if (opcode == OP_CATCH)
		TRY(tag(v, &new.tag, &values));
	if (v->top->opcode != OP_TRY && v->top->opcode != OP_CATCH)
		return not_in_try(v, "catch");
	TRY(validate_close_block(v, &before));
	mark = leave_part(v, &before);
	TRY(validate_side_add(v, &jump));
	TRY(validate_side_add(v, &new.to));
	*validate_side(v, new.to) =
		(struct image_side){.pc = (int32_t)decode_offset(v->d, v->r.at), .side = 1};
	new.height = (uint16_t)before.slots;
	new.keep = kept_slot(v, mark_count(&v->caught));
	TRY(add_catch(v, &mark, &new));
	TRY(put_mark(v, &v->caught, mark));
	v->most_caught = MAX(v->most_caught, mark_count(&v->caught));
	TRY(open_catch(v, opcode, &before, &values));
	v->top->fixups = before.fixups;
	validate_chain(v, v->top, jump, decode_offset(v->d, v->at));
	return 0;
}

/* What the try does not catch, as it catches nothing, is thrown where the label's block is. */
static int delegate(struct validate *v)
{
	struct image_catch new = {.tag = IMAGE_NONE, .next = IMAGE_NONE, .kind = CATCH_DELEGATE};
	struct type_list ignored;
	struct block before, *block;
	struct try_mark mark;
	uint32_t depth;

	TRY(validate_u32(v, &depth));
	if (v->top->opcode != OP_TRY)
		return not_in_try(v, "delegate");
	TRY(validate_close_block(v, &before));
	mark = leave_part(v, &before);
	validate_land_chain(v, &before, decode_offset(v->d, v->r.at));
	/* Behind its end, so counted from outside. */
	TRY(validate_label(v, depth, &block, &ignored));
	new.to = try_within(v, (uint32_t)(block - BUF_ITEM(&v->blocks, struct block, 0)));
	return add_catch(v, &mark, &new);
}

static int rethrow(struct validate *v)
{
	struct type_list ignored;
	struct block *block;
	uint32_t depth, level, entry;

	TRY(validate_u32(v, &depth));
	TRY(validate_label(v, depth, &block, &ignored));
	if (block->opcode != OP_CATCH && block->opcode != OP_CATCH_ALL)
		return validate_invalid(v, "invalid rethrow label %u: that is no catch block",
					depth);
	level = marks_within(&v->caught,
			     (uint32_t)(block - BUF_ITEM(&v->blocks, struct block, 0))) -
		1;
	TRY(validate_side_add(v, &entry));
	*validate_side(v, entry) = (struct image_side){.side = 1, .keep = kept_slot(v, level)};
	validate_unreachable(v);
	return 0;
}

/* -- Throwing ---------------------------------------------------------------------------- */

static int throw_(struct validate *v)
{
	struct type_list values;
	uint32_t index;

	TRY(tag(v, &index, &values));
	TRY(validate_pop_list(v, &values));
	validate_unreachable(v);
	return 0;
}

static int throw_ref(struct validate *v)
{
	TRY(validate_pop(v, TYPE_MAKE_REF(true, HEAP_ABSTRACT(HEAP_EXN))));
	validate_unreachable(v);
	return 0;
}

int validate_exception(struct validate *v, uint32_t opcode)
{
	switch (opcode) {
	case OP_THROW:
		return throw_(v);
	case OP_THROW_REF:
		return throw_ref(v);
	case OP_CATCH:
	case OP_CATCH_ALL:
		return catch_(v, opcode);
	case OP_DELEGATE:
		return delegate(v);
	}
	return rethrow(v);
}
