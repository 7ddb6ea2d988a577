/* SPDX-License-Identifier: Apache-2.0 */
/* weave_code.c (fuzz): bodies; see weaver.h. */
#include "weaver.h"

/* -- Immediates -------------------------------------------------------------------------------- */

/* A type of the form this instruction is about, for the most part. */
static uint32_t pick_type(struct weaver *w, uint32_t opcode)
{
	enum form form = FUNC_FORM;
	uint32_t type = weaver_pick(w, TYPES);

	if (opcode >= OP_STRUCT_NEW && opcode <= OP_STRUCT_SET)
		form = STRUCT_FORM;
	else if (opcode >= OP_ARRAY_NEW && opcode <= OP_ARRAY_INIT_ELEM)
		form = ARRAY_FORM;
	for (uint32_t i = 0; type < TYPES && i < TYPES; i++)
		if (weaver_shapes[type].form != form)
			type = (type + 1) % TYPES;
	return type;
}

static uint32_t local_count(const struct weaver *w)
{
	return w->params + LOCALS + 2;
}

/* A label for values of these types, where there is one. */
static uint32_t label_for(struct weaver *w, const char *types)
{
	uint32_t first = weaver_pick(w, w->depth + 1);

	for (uint32_t i = 0; i <= w->depth; i++)
		if (strcmp(weaver_label_types(w, (first + i) % (w->depth + 1)), types) == 0)
			return (first + i) % (w->depth + 1);
	return first;
}

/* The kinds of the indices an instruction names, in their order: t a type, f a function, and so on. */
static const char *index_kinds(uint32_t imm)
{
	static const char *const kinds[] = {
		[IMM_LABEL] = "j",    [IMM_FUNC] = "f",         [IMM_CALL_INDIRECT] = "tT",
		[IMM_TYPE] = "t",     [IMM_TYPE2] = "tt",       [IMM_TYPE_FIELD] = "tn",
		[IMM_TYPE_N] = "tn",  [IMM_TYPE_DATA] = "td",   [IMM_TYPE_ELEM] = "te",
		[IMM_LOCAL] = "l",    [IMM_GLOBAL] = "g",       [IMM_TABLE] = "T",
		[IMM_TABLE2] = "TT",  [IMM_ELEM] = "e",         [IMM_ELEM_TABLE] = "eT",
		[IMM_DATA] = "d",     [IMM_DATA_MEMORY] = "dm", [IMM_MEMORY] = "m",
		[IMM_MEMORY2] = "mm", [IMM_TAG] = "c",          [IMM_FENCE] = "z",
	};

	return imm < ARRAY_SIZE(kinds) ? kinds[imm] : NULL;
}

/* table-like: a kind a case. */
static uint32_t pick_index(struct weaver *w, char kind, uint32_t opcode)
{
	switch (kind) {
	case 't':
		return pick_type(w, opcode);
	case 'f':
		return weaver_pick(w, w->funcs);
	case 'T':
		return weaver_pick(w, TABLES);
	case 'm':
		return weaver_pick(w, MEMORIES);
	case 'g':
		return weaver_pick(w, GLOBALS + w->imports);
	case 'c':
		return weaver_pick(w, TAGS + w->imports);
	case 'd':
		return weaver_pick(w, DATAS);
	case 'e':
		return weaver_pick(w, ELEMENTS);
	case 'l':
		return weaver_pick(w, local_count(w));
	case 'j':
		return weaver_pick(w, w->depth + 1);
	case 'n':
		return weaver_pick(w,
				   opcode == OP_ARRAY_NEW_FIXED
					   ? 6
					   : weaver_list_count(weaver_shape_of(w->imm[0])->params));
	default:
		return weaver_pick(w, 1);
	}
}

static void put_heap(struct weaver *w)
{
	uint8_t byte = weaver_next(w);

	if (byte < 128)
		BYTES(&w->code, byte % TYPES);
	else
		BYTES(&w->code, HEAP_EXN + byte % (HEAP_NOEXN - HEAP_EXN + 1));
}

static void put_memarg(struct weaver *w, uint32_t opcode)
{
	const struct opcode_info *info = &opcode_info[opcode];
	uint32_t align = 0, memory = weaver_pick(w, MEMORIES);
	uint8_t byte = weaver_next(w);

	while (1u << (align + 1) <= info->width)
		align++;
	/* Atomic accesses have one alignment. */
	if (info->kind != KIND_ATOMIC || byte >= 250)
		align = byte % (align + 1 + (byte >= 250));
	w->imm[0] = memory;
	bytes_leb(&w->code, align | (memory != 0 ? 0x40 : 0));
	if (memory != 0)
		bytes_leb(&w->code, memory);
	byte = weaver_next(w);
	bytes_leb(&w->code, byte < 240 ? byte : UINT64_C(1) << (byte - 200));
}

static void put_labels(struct weaver *w)
{
	uint32_t count = weaver_choose(w, 4);

	bytes_leb(&w->code, count);
	while (count-- > 0)
		bytes_leb(&w->code, label_for(w, weaver_label_types(w, w->imm[0])));
	bytes_leb(&w->code, w->imm[0]);
}

static void put_indices(struct weaver *w, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		bytes_leb(&w->code, w->imm[i]);
}

/* table-like: an immediate a case. All but the indices, which `imm` has. */
static void put_immediates(struct weaver *w, uint32_t opcode)
{
	switch ((enum opcode_imm)opcode_info[opcode].imm) {
	case IMM_LABELS:
		put_labels(w);
		break;
	case IMM_MEMARG:
		put_memarg(w, opcode);
		break;
	case IMM_MEMARG_LANE:
		put_memarg(w, opcode);
		BYTES(&w->code, (uint8_t)weaver_pick(w, 16 / opcode_info[opcode].width));
		break;
	case IMM_LANE:
		BYTES(&w->code, (uint8_t)weaver_pick(w, 2));
		break;
	case IMM_F32:
		weaver_put_chosen(w, 4);
		break;
	case IMM_F64:
		weaver_put_chosen(w, 8);
		break;
	case IMM_V128:
		weaver_put_chosen(w, 16);
		break;
	case IMM_LANES16:
		for (int i = 0; i < 16; i++)
			BYTES(&w->code, (uint8_t)weaver_pick(w, 32));
		break;
	case IMM_HEAPTYPE:
		put_heap(w);
		break;
	case IMM_SELECT_T:
		bytes_leb(&w->code, 1);
		weaver_put_letter_type(&w->code, w->letter);
		break;
	case IMM_CAST_BRANCH:
		BYTES(&w->code, (uint8_t)weaver_pick(w, 4));
		bytes_leb(&w->code, label_for(w, "y"));
		BYTES(&w->code, HEAP_ANY);
		put_heap(w);
		break;
	default:
		put_indices(w, (uint32_t)strlen(index_kinds(opcode_info[opcode].imm) != NULL
							? index_kinds(opcode_info[opcode].imm)
							: ""));
		break;
	}
}

/* -- Instructions ------------------------------------------------------------------------------ */

/* What is behind does not run, or has on its stack nobody knows what. */
static void lose(struct weaver *w)
{
	w->blocks[w->depth].lost = true;
}

static void leave_values(struct weaver *w, uint32_t count)
{
	w->blocks[w->depth].height += count;
}

/* Operands are now and then what there is. */
static bool takes_what_there_is(struct weaver *w)
{
	if (weaver_next(w) < 220)
		return false;
	lose(w);
	return true;
}

static char letter_of(uint8_t type)
{
	for (uint32_t i = 0; i < LETTERS; i++)
		if (weaver_letter_bytes[i] == type)
			return weaver_letters[i];
	return 'i';
}

static void put_signature(struct weaver *w, const struct opcode_info *info)
{
	bool accesses = info->imm == IMM_MEMARG || info->imm == IMM_MEMARG_LANE;

	for (uint32_t i = 0; i < info->pops; i++)
		weaver_put_operand(w, i == 0 && accesses ? weaver_memory_address(w, w->imm[0])
							 : letter_of(info->type[i]));
}

/* Immediates are chosen before the operands, which depend on them, and written behind. */
static void weave_plain(struct weaver *w, uint32_t opcode, const char *wants)
{
	const struct opcode_info *info = &opcode_info[opcode];
	struct buf code = w->code, immediates;

	w->code = (struct buf){0};
	put_immediates(w, opcode);
	immediates = w->code;
	w->code = code;
	if (!takes_what_there_is(w)) {
		if (info->regular)
			put_signature(w, info);
		else
			for (; *wants != '\0' && *wants != ':'; wants++)
				weaver_put_wish(w, *wants);
	}
	weaver_put_opcode(w, opcode);
	bytes_put(&w->code, immediates.data, immediates.size);
	buf_deinit(&immediates);
}

/* The first from `first` on of `count` that fits; `first` if none does. */
typedef bool fits_fn(const struct weaver *w, uint32_t index);

static uint32_t first_that(const struct weaver *w, fits_fn *fits, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; first < count && i < count; i++)
		if (fits(w, (first + i) % count))
			return (first + i) % count;
	return first;
}

static bool yields_ours(const struct weaver *w, uint32_t func)
{
	return strcmp(weaver_callee(w, func)->results, w->blocks[0].results) == 0;
}

static bool type_yields_ours(const struct weaver *w, uint32_t type)
{
	return weaver_shapes[type].form == FUNC_FORM &&
	       strcmp(weaver_shapes[type].results, w->blocks[0].results) == 0;
}

static bool is_catch(const struct weaver *w, uint32_t label)
{
	uint32_t opcode = w->blocks[w->depth - label].opcode;

	return opcode == OP_CATCH || opcode == OP_CATCH_ALL;
}

static bool holds_functions(const struct weaver *w, uint32_t table)
{
	(void)w;
	return weaver_table_types[table] == 'u' || weaver_table_types[table] == 'A' + NUMBER;
}

static bool is_packed(const struct weaver *w, uint32_t field)
{
	const char *fields = weaver_shape_of(w->imm[0])->params;

	return field < strlen(fields) && strchr("bh", fields[field]) != NULL;
}

static bool is_mutable(const struct weaver *w)
{
	return w->imm[0] != CONSTANT && !(w->imm[0] == PIXEL && w->imm[1] == 3) &&
	       !(w->imm[0] == STRICT && w->imm[1] == 1);
}

/* table-like: an instruction a case. Chosen were indices within bounds; now such as make sense. */
static void mend_indices(struct weaver *w, uint32_t opcode)
{
	switch (opcode) {
	case OP_RETURN_CALL:
		w->imm[0] = first_that(w, yields_ours, w->imm[0], w->funcs);
		break;
	case OP_RETURN_CALL_INDIRECT:
	case OP_CALL_INDIRECT:
		w->imm[1] = first_that(w, holds_functions, w->imm[1], TABLES);
		if (opcode == OP_CALL_INDIRECT)
			break;
		__attribute__((fallthrough));
	case OP_RETURN_CALL_REF:
		w->imm[0] = first_that(w, type_yields_ours, w->imm[0], TYPES);
		break;
	case OP_RETHROW:
		w->imm[0] = first_that(w, is_catch, w->imm[0], w->depth + 1);
		break;
	case OP_STRUCT_GET_S:
	case OP_STRUCT_GET_U:
		w->imm[0] = PIXEL;
		w->imm[1] = 2 + w->imm[1] % 2;
		break;
	case OP_ARRAY_GET_S:
	case OP_ARRAY_GET_U:
		w->imm[0] = BYTES8;
		break;
	case OP_STRUCT_GET:
	case OP_ARRAY_GET:
		if (is_packed(w, w->imm[1]))
			w->imm[0] = opcode == OP_ARRAY_GET ? WORDS : POINT, w->imm[1] = 0;
		break;
	case OP_STRUCT_SET:
	case OP_ARRAY_SET:
	case OP_ARRAY_FILL:
		if (!is_mutable(w))
			w->imm[0] = opcode == OP_STRUCT_SET ? POINT : WORDS, w->imm[1] = 0;
		break;
	default:
		break;
	}
}

static void choose_indices(struct weaver *w, uint32_t opcode)
{
	const char *kinds = index_kinds(opcode_info[opcode].imm);

	memset(w->imm, 0, sizeof(w->imm));
	for (uint32_t i = 0; kinds != NULL && kinds[i] != '\0'; i++)
		w->imm[i] = pick_index(w, kinds[i], opcode);
	if (opcode_info[opcode].imm == IMM_LABELS)
		w->imm[0] = weaver_pick(w, w->depth + 1);
	w->letter = weaver_any_letter(w);
	if (weaver_next(w) < 240)
		mend_indices(w, opcode);
}

static void weave_regular(struct weaver *w, uint32_t opcode)
{
	const struct opcode_info *info = &opcode_info[opcode];

	if (info->imm == IMM_I32 || info->imm == IMM_I64) {
		weaver_put_constant(w, opcode);
		leave_values(w, 1);
		return;
	}
	choose_indices(w, opcode);
	weave_plain(w, opcode, "");
	if (info->result == 0)
		return;
	if (weaver_choose(w, 2) && (info->result != V128 || !w->plain))
		weaver_put_with(w, OP_LOCAL_SET,
				w->params + weaver_letter_index(letter_of(info->result)));
	else
		leave_values(w, 1);
}

void weaver_put_wanted(struct weaver *w, uint32_t row)
{
	const char *wants = weaver_wanted[row].wants, *colon = strchr(wants, ':');

	choose_indices(w, weaver_wanted[row].opcode);
	weave_plain(w, weaver_wanted[row].opcode, wants);
	if (colon == NULL)
		lose(w);
	else
		leave_values(w, weaver_result_count(w, colon[1]));
}

/* -- Blocks ------------------------------------------------------------------------------------ */

static void put_block_type(struct weaver *w, struct block *block)
{
	uint8_t byte = weaver_next(w);

	block->params[0] = block->results[0] = '\0';
	if (byte < 80) {
		BYTES(&w->code, VOID);
	} else if (byte < 160) {
		block->results[0] = weaver_any_letter(w);
		block->results[1] = '\0';
		weaver_put_letter_type(&w->code, block->results[0]);
	} else {
		uint32_t type = pick_type(w, OP_BLOCK) % TYPES;

		strcpy(block->params, weaver_shapes[type].params);
		strcpy(block->results, weaver_shapes[type].results);
		BYTES(&w->code, (uint8_t)type);
	}
}

/* False: there is no label that fits. */
static bool put_catch(struct weaver *w)
{
	uint32_t kind = weaver_pick(w, 4), tag = weaver_pick(w, TAGS + w->imports), label;
	char types[2 * LIST_MOST] = "";

	if (kind < 2)
		strcpy(types, weaver_shapes[weaver_tag_type(w, tag)].params);
	if (kind & 1)
		strcat(types, "e");
	label = label_for(w, types);
	if (strcmp(weaver_label_types(w, label), types) != 0 && weaver_next(w) < 250)
		return false;
	BYTES(&w->code, (uint8_t)kind);
	if (kind < 2)
		bytes_leb(&w->code, tag);
	bytes_leb(&w->code, label);
	return true;
}

static void put_catches(struct weaver *w)
{
	struct buf code = w->code, clauses;
	uint32_t count = 0;

	w->code = (struct buf){0};
	for (uint32_t i = weaver_choose(w, 4); i > 0; i--)
		count += put_catch(w);
	clauses = w->code;
	w->code = code;
	bytes_leb(&w->code, count);
	bytes_put(&w->code, clauses.data, clauses.size);
	buf_deinit(&clauses);
}

static void open_block(struct weaver *w, uint32_t opcode)
{
	struct block block = {.opcode = opcode};
	struct buf code = w->code, immediates;

	if (w->depth == NESTING_MOST)
		return;
	w->code = (struct buf){0};
	put_block_type(w, &block);
	if (opcode == OP_TRY_TABLE)
		put_catches(w);
	immediates = w->code;
	w->code = code;
	if (!takes_what_there_is(w))
		weaver_put_operands(w, block.params);
	if (opcode == OP_IF)
		weaver_put_operand(w, 'i');
	weaver_put_opcode(w, opcode);
	bytes_put(&w->code, immediates.data, immediates.size);
	buf_deinit(&immediates);
	block.height = weaver_list_count(block.params);
	w->blocks[++w->depth] = block;
}

/* Give the results and nothing else. */
static void settle(struct weaver *w)
{
	struct block *block = &w->blocks[w->depth];

	if (block->lost || block->height > 20)
		weaver_put_opcode(w, OP_UNREACHABLE);
	else
		for (; block->height > 0; block->height--)
			weaver_put_opcode(w, OP_DROP);
	weaver_put_operands(w, block->results);
	block->lost = false;
	block->height = 0;
}

static void close_block(struct weaver *w)
{
	const struct block *block = &w->blocks[w->depth];

	settle(w);
	/* An if of other results than parameters has an else, which gives them as well. */
	if (block->opcode == OP_IF && strcmp(block->params, block->results) != 0) {
		weaver_put_opcode(w, OP_ELSE);
		weaver_put_opcode(w, OP_UNREACHABLE);
	}
	weaver_put_opcode(w, OP_END);
	w->depth--;
	leave_values(w, weaver_list_count(block->results));
}

/* The next part of an if or try. */
static void weave_part(struct weaver *w, uint32_t opcode)
{
	struct block *block = &w->blocks[w->depth];

	settle(w);
	weaver_put_opcode(w, opcode);
	if (opcode == OP_CATCH) {
		uint32_t tag = weaver_pick(w, TAGS + w->imports);

		bytes_leb(&w->code, tag);
		block->height = weaver_list_count(weaver_shapes[weaver_tag_type(w, tag)].params);
	} else if (opcode == OP_ELSE) {
		block->height = weaver_list_count(block->params);
	}
	block->opcode = opcode;
}

static void weave_delegate(struct weaver *w)
{
	const struct block *block = &w->blocks[w->depth];

	settle(w);
	weaver_put_with(w, OP_DELEGATE, weaver_pick(w, w->depth));
	w->depth--;
	leave_values(w, weaver_list_count(block->results));
}

/* How the innermost block goes on. */
static void weave_next_part(struct weaver *w)
{
	uint32_t opcode = w->blocks[w->depth].opcode, choice = weaver_choose(w, 4);

	if (opcode == OP_IF && choice != 0)
		weave_part(w, OP_ELSE);
	else if (opcode == OP_TRY && choice == 3)
		weave_delegate(w);
	else if ((opcode == OP_TRY || opcode == OP_CATCH) && choice != 0)
		weave_part(w, choice == 1 ? OP_CATCH_ALL : OP_CATCH);
	else if (w->depth != 0)
		close_block(w);
}

/* -- Bodies ------------------------------------------------------------------------------------ */

static uint32_t any_regular(struct weaver *w)
{
	static uint16_t list[OPCODE_SPACE];
	static uint32_t count;

	if (count == 0)
		for (uint32_t i = 0; i < OPCODE_SPACE; i++)
			if (opcode_info[i].regular)
				list[count++] = (uint16_t)i;
	return list[(weaver_next(w) << 8 | weaver_next(w)) % count];
}

/* Bytes as they are, which may make immediates of what follows. */
static void put_raw(struct weaver *w)
{
	weaver_put_chosen(w, 1 + weaver_choose(w, 16));
	lose(w);
	w->raw = true;
}

static void weave_body(struct weaver *w)
{
	static const uint8_t heads[] = {OP_BLOCK, OP_LOOP,      OP_IF,
					OP_TRY,   OP_TRY_TABLE, OP_TRY_TABLE};

	while (w->at < w->end && w->code.size < BODY_MOST) {
		uint8_t byte = weaver_next(w);

		if (byte < 90)
			weave_regular(w, any_regular(w));
		else if (byte < 180)
			weaver_put_wanted(w, weaver_choose(w, WANTED));
		else if (byte < 215)
			open_block(w, heads[byte % ARRAY_SIZE(heads)]);
		else if (byte < 250)
			weave_next_part(w);
		else if (byte < 254)
			break;
		else
			put_raw(w);
	}
	while (w->depth != 0)
		close_block(w);
	settle(w);
	weaver_put_opcode(w, OP_END);
}

static void put_locals(struct weaver *w, struct buf *body)
{
	bytes_leb(body, LOCALS + 2);
	for (uint32_t i = 0; i < LOCALS; i++) {
		BYTES(body, 1);
		if (i >= LETTERS)
			BYTES(body, NULL_TO((uint8_t)(i - LETTERS)));
		else
			BYTES(body,
			      weaver_letters[i] == 'v' && w->plain ? I64 : weaver_letter_bytes[i]);
	}
	if (w->plain)
		BYTES(body, 1, NULL_TO(POINT), 1, NULL_TO(NUMBER));
	else
		BYTES(body, 1, REF_TO(POINT), 1, REF_TO(NUMBER));
}

void weaver_put_body(struct weaver *w, struct buf *code, uint32_t type)
{
	struct block block = {.opcode = OP_BLOCK};
	struct buf body = {0}, size = {0};
	uint32_t first = (uint32_t)BUF_COUNT(&w->marks, struct woven), shift;

	strcpy(block.results, weaver_shapes[type].results);
	w->params = weaver_list_count(weaver_shapes[type].params);
	w->plain = strchr(weaver_shapes[type].params, 'v') == NULL && weaver_choose(w, 2);
	w->blocks[0] = block;
	w->depth = 0;
	put_locals(w, &body);
	weave_body(w);
	bytes_leb(&size, body.size + w->code.size);
	shift = (uint32_t)(code->size + size.size + body.size);
	for (uint32_t i = first; i < BUF_COUNT(&w->marks, struct woven); i++)
		BUF_ITEM(&w->marks, struct woven, i)->offset += shift;
	bytes_put(code, size.data, size.size);
	bytes_put(code, body.data, body.size);
	bytes_put(code, w->code.data, w->code.size);
	buf_deinit(&size);
	buf_deinit(&body);
	w->code.size = 0;
}
