/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_control.c: blocks and branches, and what they leave for the interpreter.
 *
 * The interpreter runs over the bytecode as it is. What it cannot see from there, where a branch leads and what
 * to carry along, lies in the side table (validator.h).
 */
#include "wasm/validator.h"

/* -- Blocks ------------------------------------------------------------------------------ */

int validate_side_add(struct validate *v, uint32_t *ret)
{
	*ret = validate_side_count(v);
	return buf_zero(&v->d->side, sizeof(struct image_side)) == NULL ? decode_no_memory(v->d)
									: 0;
}

static void find_top(struct validate *v)
{
	v->top = v->blocks.size != 0
			 ? BUF_ITEM(&v->blocks, struct block, validate_block_count(v) - 1)
			 : NULL;
}

static struct type_list results_of(const struct validate *v, const struct type_def *type)
{
	return (struct type_list){type_words(&v->space, type) + type->params, type->results,
				  type->result_slots};
}

/* The lists borrow from the block. */
static struct type_list params(const struct validate *v, const struct block *block)
{
	if (UNLIKELY(block->kind == BLOCK_INDEX))
		return validate_params_of(v, type_at(&v->space, block->type));
	return (struct type_list){&block->type, 0, 0};
}

static struct type_list results(const struct validate *v, const struct block *block)
{
	if (UNLIKELY(block->kind == BLOCK_INDEX))
		return results_of(v, type_at(&v->space, block->type));
	return (struct type_list){&block->type, block->kind,
				  (uint16_t)(block->kind * valtype_slots(block->type))};
}

static struct type_list label_types(const struct validate *v, const struct block *block)
{
	return block->opcode == OP_LOOP ? params(v, block) : results(v, block);
}

/* A function type as a block's, as simply as it can be said. */
static void set_type(const struct validate *v, struct block *block, uint32_t index,
		     uint32_t param_count)
{
	struct type_list list = results_of(v, type_at(&v->space, index));

	block->kind = BLOCK_INDEX;
	block->type = index;
	if (param_count == 0 && list.count <= 1) {
		block->kind = (uint8_t)list.count;
		block->type = list.count == 1 ? list.words[0] : 0;
	}
}

/* The block's parameters lie on top of the stack, `params` of them, and are its own from now on. */
int validate_open_block(struct validate *v, struct block *block, const struct type_list *params)
{
	if (validate_block_count(v) >= LIMIT_NESTING)
		return validate_invalid(v, "blocks nested more than %d deep", LIMIT_NESTING);
	block->height = v->height - params->count;
	block->slots = v->slots - params->slots;
	block->inits = (uint32_t)BUF_COUNT(&v->set_locals, uint32_t);
	block->fixups = IMAGE_NONE;
	block->pc = decode_offset(v->d, v->r.at);
	block->side = validate_side_count(v);
	if (buf_put(&v->blocks, block, sizeof(*block)) == NULL)
		return decode_no_memory(v->d);
	find_top(v);
	return 0;
}

int validate_open_body(struct validate *v)
{
	struct block block = {.opcode = OP_END};

	set_type(v, &block, v->func->type, 0);
	return validate_open_block(v, &block, &(struct type_list){0});
}

static enum opcode ref_form(uint32_t opcode)
{
	return opcode == OP_BLOCK ? OP_BLOCK_REF : opcode == OP_LOOP ? OP_LOOP_REF : OP_IF_REF;
}

/* Empty, one value type, or a type index. */
static int block_type(struct validate *v, struct block *block)
{
	const uint8_t *at = v->r.at;
	const struct type_def *type;
	int64_t index;

	if (at < v->r.end && *at == 0x40) {
		v->r.at++;
		return 0;
	}
	if (at < v->r.end && (*at & 0xc0) == 0x40) {
		/* What begins a try finds its body through the side table. */
		if ((*at == TYPE_REF || *at == TYPE_REF_NULL) && block->opcode <= OP_IF)
			validate_quicken(v, v->at, ref_form(block->opcode));
		block->kind = BLOCK_VALUE;
		return decode_valtype(v->d, &v->r, &block->type);
	}
	if (!reader_s33(&v->r, &index))
		return validate_malformed(v);
	if (index < 0)
		return decode_fail(v->d, DECODE_MALFORMED, at, "malformed block type");
	if (index >= v->space.count || type_at(&v->space, (uint32_t)index)->form != FORM_FUNC)
		return validate_invalid(v, "unknown type %lld of a block", (long long)index);
	type = type_at(&v->space, (uint32_t)index);
	set_type(v, block, (uint32_t)index, type->params);
	return decode_need(v->d, FEATURE_MULTI_VALUE, at);
}

static int begin(struct validate *v, uint32_t opcode)
{
	struct block block = {.opcode = (uint8_t)opcode};
	struct type_list list;
	uint32_t entry;

	TRY(block_type(v, &block));
	if (opcode == OP_IF)
		TRY(validate_pop(v, TYPE_I32));
	list = params(v, &block);
	TRY(validate_top_list(v, &list));
	if (opcode == OP_IF) {
		TRY(validate_side_add(v, &entry));
		validate_side(v, entry)->pc = (int32_t)decode_offset(v->d, v->at);
	}
	if (opcode == OP_TRY || opcode == OP_TRY_TABLE)
		TRY(validate_try(v, opcode));
	return validate_open_block(v, &block, &list);
}

/* Forget which locals the block has set. */
static void undo_inits(struct validate *v, uint32_t inits)
{
	while (BUF_COUNT(&v->set_locals, uint32_t) > inits) {
		v->set_locals.size -= sizeof(uint32_t);
		v->set.data[*(uint32_t *)(void *)(v->set_locals.data + v->set_locals.size)] = 0;
	}
}

/* Leave the innermost block: exactly its results are on the stack, and stay. */
int validate_close_block(struct validate *v, struct block *ret)
{
	struct type_list list = results(v, v->top);

	TRY(validate_top_list(v, &list));
	if (v->height - list.count != v->top->height)
		return validate_invalid(v,
					"type mismatch: %u values remaining on the stack at the "
					"end of a block",
					v->height - list.count - v->top->height);
	*ret = *v->top;
	v->slots = ret->slots + list.slots;
	undo_inits(v, ret->inits);
	v->blocks.size -= sizeof(struct block);
	find_top(v);
	return 0;
}

static int else_(struct validate *v)
{
	struct block block, next;
	struct type_list list;
	uint32_t entry;

	if (v->top->opcode != OP_IF)
		return decode_fail(v->d, DECODE_MALFORMED, v->at, "else without if");
	TRY(validate_close_block(v, &block));
	TRY(validate_side_add(v, &entry));
	validate_land(v, block.side - 1, decode_offset(v->d, v->r.at));
	next = (struct block){.opcode = OP_ELSE, .kind = block.kind, .type = block.type};
	v->height = block.height;
	v->slots = block.slots;
	list = params(v, &next);
	TRY(validate_push_list(v, &list));
	TRY(validate_open_block(v, &next, &list));
	v->top->fixups = block.fixups;
	validate_chain(v, v->top, entry, decode_offset(v->d, v->at));
	return 0;
}

static bool same_lists(const struct validate *v, const struct type_list *a,
		       const struct type_list *b)
{
	return a->count == b->count && validate_types_match(v, a->words, b->words, a->count);
}

static int end_if(struct validate *v, const struct block *block, uint32_t to)
{
	struct type_list in = params(v, block), out = results(v, block);

	if (!same_lists(v, &in, &out))
		return validate_invalid(v, "type mismatch: an if without else must leave "
					   "the stack as it found it");
	validate_land(v, block->side - 1, to);
	return 0;
}

static int end(struct validate *v)
{
	bool is_body = validate_block_count(v) == 1;
	struct block block;
	uint32_t to;

	TRY(validate_close_block(v, &block));
	/* Branches out of the body go to its `end`, which returns. */
	to = decode_offset(v->d, is_body ? v->at : v->r.at);
	if (block.opcode == OP_IF)
		TRY(end_if(v, &block, to));
	if (block.opcode > OP_ELSE && !is_body)
		validate_end_try(v, &block);
	validate_land_chain(v, &block, to);
	if (is_body)
		validate_quicken(v, v->at, OP_RETURN_END);
	return 0;
}

/* -- Branches ---------------------------------------------------------------------------- */

static int label(struct validate *v, uint32_t depth, struct block **ret)
{
	if (depth >= validate_block_count(v))
		return validate_invalid(v, "unknown label %u", depth);
	*ret = BUF_ITEM(&v->blocks, struct block, validate_block_count(v) - 1 - depth);
	return 0;
}

int validate_label(struct validate *v, uint32_t depth, struct block **ret,
		   struct type_list *ret_types)
{
	TRY(label(v, depth, ret));
	*ret_types = label_types(v, *ret);
	return 0;
}

/* Add the entry of a branch to `block`, with the label's values on the stack. */
static int branch_entry(struct validate *v, struct block *block, bool *ret_plain)
{
	struct type_list list = label_types(v, block);
	uint32_t entry;

	TRY(validate_side_add(v, &entry));
	*ret_plain = validate_aim(v, block, entry, decode_offset(v->d, v->at), list.slots,
				  v->slots - block->slots);
	return 0;
}

/* The label's values must be on the stack. */
static int branch_to(struct validate *v, struct block *block, bool *ret_plain)
{
	struct type_list list = label_types(v, block);

	TRY(validate_top_list(v, &list));
	return branch_entry(v, block, ret_plain);
}

static int br(struct validate *v)
{
	struct block *block;
	uint32_t depth;
	bool plain;

	TRY(validate_u32(v, &depth));
	TRY(label(v, depth, &block));
	TRY(branch_to(v, block, &plain));
	if (plain)
		validate_quicken(v, v->at, OP_BR_PLAIN);
	validate_unreachable(v);
	return 0;
}

static int br_if(struct validate *v)
{
	struct block *block;
	uint32_t depth;
	bool plain;

	TRY(validate_u32(v, &depth));
	TRY(label(v, depth, &block));
	TRY(validate_pop(v, TYPE_I32));
	TRY(branch_to(v, block, &plain));
	if (plain)
		validate_quicken(v, v->at, OP_BR_IF_PLAIN);
	return 0;
}

/*
 * One label of a br_table: its values must be on the stack, which stays as it is for the next. `last` are the
 * values of the label before: a label like it is not compared again.
 */
static int table_label(struct validate *v, struct type_list *last)
{
	uint32_t depth, height = v->height, slots = v->slots;
	struct type_list list;
	struct block *block;
	bool plain;

	TRY(validate_u32(v, &depth));
	TRY(label(v, depth, &block));
	list = label_types(v, block);
	if (last->words != NULL && list.count != last->count)
		return validate_invalid(v,
					"type mismatch: labels of a br_table take %u and %u values",
					last->count, list.count);
	TRY(branch_entry(v, block, &plain));
	if (list.words != last->words)
		TRY(validate_pop_list(v, &list));
	/* Nothing was written over the popped types: growing back restores them. */
	v->height = height;
	v->slots = slots;
	*last = list;
	return 0;
}

static int br_table(struct validate *v)
{
	struct type_list last = {0};
	uint32_t count;

	TRY(decode_count(v->d, &v->r, LIMIT_BR_TABLE, "labels of a br_table", &count));
	TRY(validate_pop(v, TYPE_I32));
	for (uint32_t i = 0; i <= count; i++)
		TRY(table_label(v, &last));
	validate_unreachable(v);
	return 0;
}

static int br_on_null(struct validate *v)
{
	struct block *block;
	uint32_t depth, type;
	bool plain;

	TRY(validate_u32(v, &depth));
	TRY(label(v, depth, &block));
	TRY(validate_pop_ref(v, &type));
	TRY(branch_to(v, block, &plain));
	return validate_push(v, TYPE_MAKE_REF(false, TYPE_HEAP(type)));
}

/* The label takes the reference, without null, on top of the rest. */
static int br_on_non_null(struct validate *v)
{
	struct type_list list;
	struct block *block;
	uint32_t depth, type, wanted;
	bool plain;

	TRY(validate_u32(v, &depth));
	TRY(label(v, depth, &block));
	TRY(validate_pop_ref(v, &type));
	list = label_types(v, block);
	if (list.count == 0)
		return validate_invalid(v, "type mismatch: label %u takes no value", depth);
	wanted = list.words[list.count - 1];
	type = TYPE_MAKE_REF(false, TYPE_HEAP(type));
	if (!valtype_is_ref(wanted) || !type_matches(&v->space, type, wanted))
		return validate_invalid(v, "type mismatch: label %u takes %s, found %s", depth,
					valtype_name(wanted).text, valtype_name(type).text);
	TRY(validate_push(v, wanted));
	TRY(branch_to(v, block, &plain));
	return validate_pop(v, wanted);
}

/* The two types of a cast that branches: what comes, and what it is tested for. */
static int cast_types(struct validate *v, uint32_t flags, uint32_t *ret_from, uint32_t *ret_to)
{
	uint32_t from, to;

	TRY(decode_heaptype(v->d, &v->r, &from));
	TRY(decode_heaptype(v->d, &v->r, &to));
	*ret_from = TYPE_MAKE_REF(flags & 1, from);
	*ret_to = TYPE_MAKE_REF(flags & 2, to);
	if (type_matches(&v->space, *ret_to, *ret_from))
		return 0;
	return validate_invalid(v, "type mismatch: a cast from %s to %s, which is no subtype",
				valtype_name(*ret_from).text, valtype_name(*ret_to).text);
}

/* What is left of `from` when it is no `to`: without null if that would have been one. */
static uint32_t cast_rest(uint32_t from, uint32_t to)
{
	return valtype_is_nullable(to) ? TYPE_MAKE_REF(false, TYPE_HEAP(from)) : from;
}

/* The label takes the reference as it is known there, on top of the rest. */
static int br_on_cast(struct validate *v, bool on_failure)
{
	uint32_t depth, from, to, taken, other;
	struct block *block;
	uint8_t flags;
	bool plain;

	if (!reader_byte(&v->r, &flags))
		return validate_malformed(v);
	if (flags > 3)
		return decode_fail(v->d, DECODE_MALFORMED, v->at, "malformed cast flags 0x%x",
				   flags);
	TRY(validate_u32(v, &depth));
	TRY(label(v, depth, &block));
	TRY(cast_types(v, flags, &from, &to));
	taken = on_failure ? cast_rest(from, to) : to;
	other = on_failure ? to : cast_rest(from, to);
	TRY(validate_pop(v, from));
	if (label_types(v, block).count == 0)
		return validate_invalid(v, "type mismatch: label %u takes no value", depth);
	TRY(validate_push(v, taken));
	TRY(branch_to(v, block, &plain));
	/* The label's last type stands there now, where it takes less than is known. */
	v->height--;
	v->slots--;
	return validate_push(v, other);
}

static int return_(struct validate *v)
{
	struct type_list list = results_of(v, v->type);

	TRY(validate_pop_list(v, &list));
	validate_unreachable(v);
	return 0;
}

int validate_control(struct validate *v, uint32_t opcode)
{
	switch (opcode) {
	case OP_NOP:
		return 0;
	case OP_UNREACHABLE:
		validate_unreachable(v);
		return 0;
	case OP_BLOCK:
	case OP_LOOP:
	case OP_IF:
	case OP_TRY:
	case OP_TRY_TABLE:
		return begin(v, opcode);
	case OP_ELSE:
		return else_(v);
	case OP_END:
		return end(v);
	case OP_BR:
		return br(v);
	case OP_BR_IF:
		return br_if(v);
	case OP_BR_TABLE:
		return br_table(v);
	case OP_BR_ON_NULL:
		return br_on_null(v);
	case OP_BR_ON_NON_NULL:
		return br_on_non_null(v);
	case OP_BR_ON_CAST:
	case OP_BR_ON_CAST_FAIL:
		return br_on_cast(v, opcode == OP_BR_ON_CAST_FAIL);
	case OP_RETURN:
		return return_(v);
	case OP_THROW:
	case OP_THROW_REF:
	case OP_CATCH:
	case OP_CATCH_ALL:
	case OP_RETHROW:
	case OP_DELEGATE:
		return validate_exception(v, opcode);
	}
	return validate_rest(v, opcode);
}
