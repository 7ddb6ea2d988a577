/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_control.c: blocks and branches, and what they leave for the interpreter.
 *
 * The interpreter runs over the bytecode as it is. What it cannot see from there, where a branch leads and what
 * to carry along, lies in the side table: an entry for each place control may leave the straight line, in
 * the order of the code. A branch to a block's end is not known until that end: such entries hang in a
 * chain at their block, through their own `side` field, with the branch's place in `pc`.
 */
#include "wasm/validator.h"

/* -- The side table ---------------------------------------------------------------------- */

static struct image_side *side_at(struct validate *v, uint32_t entry)
{
	return DECODE_ITEM(v->d, struct image_side, side, entry);
}

static uint32_t side_count(const struct validate *v)
{
	return DECODE_COUNT(v->d, struct image_side, side);
}

static int side_add(struct validate *v, uint32_t *ret)
{
	*ret = side_count(v);
	return buf_zero(&v->d->side, sizeof(struct image_side)) == NULL ? decode_no_memory(v->d)
									: 0;
}

/* Entry `entry` of the branch at `from` leads to `to`, where the next entry is the next to be added. */
static void side_resolve(struct validate *v, uint32_t entry, uint32_t from, uint32_t to)
{
	struct image_side *side = side_at(v, entry);

	side->pc = (int32_t)(to - from);
	side->side = (int32_t)(side_count(v) - entry);
}

static void side_chain(struct validate *v, uint32_t entry, struct block *block)
{
	struct image_side *side = side_at(v, entry);

	side->pc = (int32_t)decode_offset(v->d, v->at);
	side->side = (int32_t)block->fixups;
	block->fixups = entry;
}

static void side_resolve_chain(struct validate *v, const struct block *block, uint32_t to)
{
	uint32_t entry = block->fixups;

	while (entry != IMAGE_NONE) {
		struct image_side *side = side_at(v, entry);
		uint32_t next = (uint32_t)side->side;

		side_resolve(v, entry, (uint32_t)side->pc, to);
		entry = next;
	}
}

/* -- Blocks ------------------------------------------------------------------------------ */

static uint32_t block_count(const struct validate *v)
{
	return (uint32_t)BUF_COUNT(&v->blocks, struct block);
}

static void find_top(struct validate *v)
{
	v->top =
		v->blocks.size != 0 ? BUF_ITEM(&v->blocks, struct block, block_count(v) - 1) : NULL;
}

/* The block's parameters are popped already and are pushed again as its own. */
static int open_block(struct validate *v, struct block *block)
{
	if (block_count(v) >= LIMIT_NESTING)
		return validate_invalid(v, "blocks nested more than %d deep", LIMIT_NESTING);
	block->height = v->height;
	block->slots = v->slots;
	block->inits = (uint32_t)BUF_COUNT(&v->set_locals, uint32_t);
	block->fixups = IMAGE_NONE;
	block->loop_pc = decode_offset(v->d, v->r.at);
	block->loop_side = side_count(v);
	if (buf_put(&v->blocks, block, sizeof(*block)) == NULL)
		return decode_no_memory(v->d);
	find_top(v);
	return validate_push_list(v, &block->params);
}

static struct type_list params_of(const struct validate *v, const struct type_def *type)
{
	return (struct type_list){type_words(&v->space, type), 0, type->params, type->param_slots};
}

static struct type_list results_of(const struct validate *v, const struct type_def *type)
{
	return (struct type_list){type_words(&v->space, type) + type->params, 0, type->results,
				  type->result_slots};
}

int validate_open_body(struct validate *v)
{
	struct block block = {.opcode = OP_END, .results = results_of(v, v->type)};

	return open_block(v, &block);
}

static enum opcode ref_form(uint32_t opcode)
{
	return opcode == OP_BLOCK ? OP_BLOCK_REF : opcode == OP_LOOP ? OP_LOOP_REF : OP_IF_REF;
}

/* Empty, one value type, or a type index. */
static int block_type(struct validate *v, struct block *block)
{
	const uint8_t *at = v->r.at;
	int64_t index;
	int err;

	if (at < v->r.end && *at == 0x40) {
		v->r.at++;
		return 0;
	}
	if (at < v->r.end && (*at & 0xc0) == 0x40) {
		if (*at == TYPE_REF || *at == TYPE_REF_NULL)
			validate_quicken(v, v->at, ref_form(block->opcode));
		err = decode_valtype(v->d, &v->r, &block->results.own);
		block->results.count = 1;
		block->results.slots = (uint16_t)valtype_slots(block->results.own);
		return err;
	}
	if (!reader_s33(&v->r, &index))
		return validate_malformed(v);
	if (index < 0)
		return decode_fail(v->d, DECODE_MALFORMED, at, "malformed block type");
	if (index >= v->space.count || type_at(&v->space, (uint32_t)index)->form != FORM_FUNC)
		return validate_invalid(v, "unknown type %lld of a block", (long long)index);
	err = decode_need(v->d, FEATURE_MULTI_VALUE, at);
	block->params = params_of(v, type_at(&v->space, (uint32_t)index));
	block->results = results_of(v, type_at(&v->space, (uint32_t)index));
	return err;
}

static int begin(struct validate *v, uint32_t opcode)
{
	struct block block = {.opcode = opcode};
	int err = block_type(v, &block);

	if (err == 0 && opcode == OP_IF)
		err = validate_pop(v, TYPE_I32);
	if (err == 0)
		err = validate_pop_list(v, &block.params);
	if (err == 0 && opcode == OP_IF)
		err = side_add(v, &block.if_entry);
	if (err == 0 && opcode == OP_IF)
		side_at(v, block.if_entry)->pc = (int32_t)decode_offset(v->d, v->at);
	return err != 0 ? err : open_block(v, &block);
}

/* Leave the innermost block: exactly its results are on the stack. */
static int close_block(struct validate *v, struct block *ret)
{
	int err = validate_pop_list(v, &v->top->results);

	if (err != 0)
		return err;
	if (v->height != v->top->height)
		return validate_invalid(v,
					"type mismatch: %u values remaining on the stack at the "
					"end of a block",
					v->height - v->top->height);
	*ret = *v->top;
	v->slots = ret->slots;
	while (BUF_COUNT(&v->set_locals, uint32_t) > ret->inits) {
		v->set_locals.size -= sizeof(uint32_t);
		v->set.data[*(uint32_t *)(void *)(v->set_locals.data + v->set_locals.size)] = 0;
	}
	v->blocks.size -= sizeof(struct block);
	find_top(v);
	return 0;
}

static int else_(struct validate *v)
{
	struct block block, next;
	uint32_t entry;
	int err;

	if (v->top->opcode != OP_IF)
		return decode_fail(v->d, DECODE_MALFORMED, v->at, "else without if");
	err = close_block(v, &block);
	if (err == 0)
		err = side_add(v, &entry);
	if (err != 0)
		return err;
	side_resolve(v, block.if_entry, (uint32_t)side_at(v, block.if_entry)->pc,
		     decode_offset(v->d, v->r.at));
	next = (struct block){.opcode = OP_ELSE, .params = block.params, .results = block.results};
	err = open_block(v, &next);
	if (err != 0)
		return err;
	v->top->fixups = block.fixups;
	side_chain(v, entry, v->top);
	return 0;
}

static bool same_lists(const struct validate *v, const struct type_list *a,
		       const struct type_list *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!type_matches(&v->space, type_list_words(a)[i], type_list_words(b)[i]))
			return false;
	return true;
}

static int end(struct validate *v)
{
	bool is_body = block_count(v) == 1;
	struct block block;
	uint32_t to;
	int err = close_block(v, &block);

	if (err != 0)
		return err;
	/* Branches out of the body go to its `end`, which returns. */
	to = decode_offset(v->d, is_body ? v->at : v->r.at);
	if (block.opcode == OP_IF) {
		if (!same_lists(v, &block.params, &block.results))
			return validate_invalid(v, "type mismatch: an if without else must leave "
						   "the stack as it found it");
		side_resolve(v, block.if_entry, (uint32_t)side_at(v, block.if_entry)->pc, to);
	}
	side_resolve_chain(v, &block, to);
	if (is_body) {
		validate_quicken(v, v->at, OP_RETURN_END);
		return 0;
	}
	return validate_push_list(v, &block.results);
}

/* -- Branches ---------------------------------------------------------------------------- */

static int label(struct validate *v, uint32_t depth, struct block **ret)
{
	if (depth >= block_count(v))
		return validate_invalid(v, "unknown label %u", depth);
	*ret = BUF_ITEM(&v->blocks, struct block, block_count(v) - 1 - depth);
	return 0;
}

static const struct type_list *label_types(const struct block *block)
{
	return block->opcode == OP_LOOP ? &block->params : &block->results;
}

/* Add the entry of a branch to `block`, with the label's values on the stack. */
static int branch_entry(struct validate *v, struct block *block, uint32_t *ret_drop)
{
	uint32_t keep = label_types(block)->slots;
	uint32_t above = v->slots - block->slots;
	struct image_side *side;
	uint32_t entry;
	int err = side_add(v, &entry);

	if (err != 0)
		return err;
	side = side_at(v, entry);
	side->keep = (uint16_t)keep;
	/* A return takes what is on top, whatever is below; in dead code the heights say nothing. */
	side->drop = (uint16_t)(block->opcode == OP_END || above < keep ? 0 : above - keep);
	*ret_drop = side->drop;
	if (block->opcode == OP_LOOP) {
		side->pc = (int32_t)(block->loop_pc - decode_offset(v->d, v->at));
		side->side = (int32_t)(block->loop_side - entry);
	} else {
		side_chain(v, entry, block);
	}
	return 0;
}

static int br(struct validate *v)
{
	struct block *block;
	uint32_t depth, drop;
	int err = validate_u32(v, &depth);

	if (err == 0)
		err = label(v, depth, &block);
	if (err == 0)
		err = validate_top_list(v, label_types(block));
	if (err == 0)
		err = branch_entry(v, block, &drop);
	if (err != 0)
		return err;
	if (drop == 0)
		validate_quicken(v, v->at, OP_BR_PLAIN);
	validate_unreachable(v);
	return 0;
}

static int br_if(struct validate *v)
{
	struct block *block;
	uint32_t depth, drop;
	int err = validate_u32(v, &depth);

	if (err == 0)
		err = label(v, depth, &block);
	if (err == 0)
		err = validate_pop(v, TYPE_I32);
	if (err == 0)
		err = validate_top_list(v, label_types(block));
	if (err == 0)
		err = branch_entry(v, block, &drop);
	if (err == 0 && drop == 0)
		validate_quicken(v, v->at, OP_BR_IF_PLAIN);
	return err;
}

/* One label of a br_table: its values must be on the stack, which stays as it is for the next. */
static int table_label(struct validate *v, uint32_t *arity)
{
	struct block *block;
	uint32_t depth, drop, height = v->height, slots = v->slots;
	int err = validate_u32(v, &depth);

	if (err == 0)
		err = label(v, depth, &block);
	if (err != 0)
		return err;
	if (*arity == UINT32_MAX)
		*arity = label_types(block)->count;
	if (label_types(block)->count != *arity)
		return validate_invalid(v,
					"type mismatch: labels of a br_table take %u and %u values",
					*arity, label_types(block)->count);
	err = branch_entry(v, block, &drop);
	if (err == 0)
		err = validate_pop_list(v, label_types(block));
	/* Nothing was written over the popped types: growing back restores them. */
	v->height = height;
	v->slots = slots;
	return err;
}

static int br_table(struct validate *v)
{
	uint32_t count, arity = UINT32_MAX;
	int err;

	if (!reader_count(&v->r, LIMIT_BR_TABLE, &count))
		return validate_malformed(v);
	err = validate_pop(v, TYPE_I32);
	for (uint32_t i = 0; err == 0 && i <= count; i++)
		err = table_label(v, &arity);
	if (err == 0)
		validate_unreachable(v);
	return err;
}

static int br_on_null(struct validate *v)
{
	struct block *block;
	uint32_t depth, drop, type;
	int err = validate_u32(v, &depth);

	if (err == 0)
		err = label(v, depth, &block);
	if (err == 0)
		err = validate_pop_ref(v, &type);
	if (err == 0)
		err = validate_top_list(v, label_types(block));
	if (err == 0)
		err = branch_entry(v, block, &drop);
	if (err != 0)
		return err;
	return validate_push(v, type == TYPE_BOTTOM ? TYPE_BOTTOM
						    : TYPE_MAKE_REF(false, TYPE_HEAP(type)));
}

/* The label takes the reference, without null, on top of the rest. */
static int br_on_non_null(struct validate *v)
{
	struct block *block;
	uint32_t depth, drop, type, wanted;
	int err = validate_u32(v, &depth);

	if (err == 0)
		err = label(v, depth, &block);
	if (err == 0)
		err = validate_pop_ref(v, &type);
	if (err != 0)
		return err;
	if (label_types(block)->count == 0)
		return validate_invalid(v, "type mismatch: label %u takes no value", depth);
	wanted = type_list_words(label_types(block))[label_types(block)->count - 1];
	if (type != TYPE_BOTTOM)
		type = TYPE_MAKE_REF(false, TYPE_HEAP(type));
	if (!valtype_is_ref(wanted) || !type_matches(&v->space, type, wanted))
		return validate_invalid(v, "type mismatch: label %u takes %s, found %s", depth,
					valtype_name(wanted).text, valtype_name(type).text);
	err = validate_push(v, wanted);
	if (err == 0)
		err = validate_top_list(v, label_types(block));
	if (err == 0)
		err = branch_entry(v, block, &drop);
	return err != 0 ? err : validate_pop(v, wanted);
}

static int return_(struct validate *v)
{
	struct type_list results = results_of(v, v->type);
	int err = validate_pop_list(v, &results);

	if (err == 0)
		validate_unreachable(v);
	return err;
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
	case OP_RETURN:
		return return_(v);
	}
	return validate_rest(v, opcode);
}
