/* SPDX-License-Identifier: Apache-2.0 */
/* weave_operands.c (fuzz): choices, and what they put on the stack; see weaver.h. */
#include "weaver.h"

const struct shape weaver_shapes[TYPES] = {
	[NOTHING] = {FUNC_FORM, "", ""},       [NUMBER] = {FUNC_FORM, "i", "i"},
	[MANY] = {FUNC_FORM, "ilfdv", "li"},   [POINT] = {STRUCT_FORM, "il", ""},
	[PIXEL] = {STRUCT_FORM, "ilbhDv", ""}, [BYTES8] = {ARRAY_FORM, "b", ""},
	[WORDS] = {ARRAY_FORM, "i", ""},       [POINTS] = {ARRAY_FORM, "D", ""},
	[FUNCS] = {ARRAY_FORM, "u", ""},       [NODE] = {STRUCT_FORM, "JK", ""},
	[WALK] = {FUNC_FORM, "J", "J"},        [MAKER] = {FUNC_FORM, "", "D!"},
	[MAKER2] = {FUNC_FORM, "", "E!"},      [STRICT] = {STRUCT_FORM, "D!z", ""},
	[CONSTANT] = {ARRAY_FORM, "d", ""},    [REFS] = {FUNC_FORM, "xyu", ""},
	[CAUGHT] = {FUNC_FORM, "", "ie"},      [ERROR] = {FUNC_FORM, "i", ""},
	[ANYS] = {ARRAY_FORM, "y", ""},
};

const char weaver_letters[] = "ilfdvuxyqzsre";
const uint8_t weaver_letter_bytes[] = {I32,    I64,   F32,    F64,  V128, FUNCREF, EXTERNREF,
				       ANYREF, EQREF, I31REF, 0x6b, 0x6a, EXNREF};
const char weaver_table_types[] = "uuxyBD";
static const char globals_are[] = "ilfdvuxyDei";

/* -- The choices ------------------------------------------------------------------------------- */

uint8_t weaver_next(struct weaver *w)
{
	return w->at < w->end ? *w->at++ : 0;
}

uint32_t weaver_choose(struct weaver *w, uint32_t count)
{
	return weaver_next(w) % count;
}

/* An index; one in fifty is too large. */
uint32_t weaver_pick(struct weaver *w, uint32_t count)
{
	uint8_t byte = weaver_next(w);

	return byte < 251 && count != 0 ? byte % count : count + byte % 3;
}

void weaver_put_opcode(struct weaver *w, uint32_t opcode)
{
	static const struct {
		uint32_t base;
		uint8_t prefix;
	} spaces[] = {{OPCODE_BASE_FE, 0xfe},
		      {OPCODE_BASE_FD, 0xfd},
		      {OPCODE_BASE_FC, 0xfc},
		      {OPCODE_BASE_FB, 0xfb}};
	struct woven mark = {(uint32_t)w->code.size, opcode};

	bytes_put(&w->marks, &mark, sizeof(mark));
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		if (opcode >= spaces[i].base) {
			BYTES(&w->code, spaces[i].prefix);
			bytes_leb(&w->code, opcode - spaces[i].base);
			return;
		}
	BYTES(&w->code, (uint8_t)opcode);
}

void weaver_put_signed(struct weaver *w, int64_t value)
{
	for (; value < -64 || value > 63; value >>= 7)
		BYTES(&w->code, (uint8_t)(value | 0x80));
	BYTES(&w->code, (uint8_t)(value & 0x7f));
}

void weaver_put_chosen(struct weaver *w, uint32_t count)
{
	while (count-- > 0)
		BYTES(&w->code, weaver_next(w));
}

void weaver_put_with(struct weaver *w, uint32_t opcode, uint32_t index)
{
	weaver_put_opcode(w, opcode);
	bytes_leb(&w->code, index);
}

/* -- Operands ---------------------------------------------------------------------------------- */

uint32_t weaver_letter_index(char letter)
{
	const char *found = strchr(weaver_letters, letter);

	if (letter == 'b' || letter == 'h')
		return 0;
	return found != NULL ? (uint32_t)(found - weaver_letters)
			     : LETTERS + (uint32_t)(letter - 'A');
}

char weaver_any_letter(struct weaver *w)
{
	uint32_t index = weaver_choose(w, LOCALS);

	return index < LETTERS ? weaver_letters[index] : (char)('A' + (index - LETTERS));
}

void weaver_put_letter_type(struct buf *code, char letter)
{
	uint32_t index = weaver_letter_index(letter);

	if (index < LETTERS)
		BYTES(code, weaver_letter_bytes[index]);
	else
		BYTES(code, NULL_TO((uint8_t)(index - LETTERS)));
}

uint32_t weaver_list_count(const char *list)
{
	uint32_t count = 0;

	for (; *list != '\0'; list++)
		count += *list != '!';
	return count;
}

void weaver_put_constant(struct weaver *w, uint32_t opcode)
{
	static const int64_t values[] = {0,     1,         2,         -1,         65535,
					 65536, INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MIN};
	uint8_t byte = weaver_next(w);
	int64_t value = byte < 200 ? byte - 8 : values[byte % ARRAY_SIZE(values)];

	weaver_put_opcode(w, opcode);
	weaver_put_signed(w, opcode == OP_I32_CONST ? (int32_t)value : value);
}

/* An object, made for the purpose. */
bool weaver_put_object(struct weaver *w, uint32_t type)
{
	if (weaver_shapes[type].form == FUNC_FORM || type == STRICT)
		return false;
	if (weaver_shapes[type].form == ARRAY_FORM)
		weaver_put_constant(w, OP_I32_CONST);
	weaver_put_with(w,
			weaver_shapes[type].form == ARRAY_FORM ? OP_ARRAY_NEW_DEFAULT
							       : OP_STRUCT_NEW_DEFAULT,
			type);
	return true;
}

void weaver_put_operand(struct weaver *w, char letter)
{
	uint32_t index = weaver_letter_index(letter);
	bool fresh = weaver_choose(w, 2);

	if (fresh && index < 2) {
		weaver_put_constant(w, index == 0 ? OP_I32_CONST : OP_I64_CONST);
	} else if (letter == 'v' && (fresh || w->plain)) {
		weaver_put_opcode(w, OP_V128_CONST);
		for (int i = 0; i < 8; i++)
			BYTES(&w->code, weaver_next(w), 0);
	} else if (!fresh || index < LETTERS || !weaver_put_object(w, index - LETTERS)) {
		weaver_put_with(w, OP_LOCAL_GET, w->params + index);
	}
}

void weaver_put_operands(struct weaver *w, const char *list)
{
	for (; *list != '\0'; list++)
		if (*list == '!')
			weaver_put_opcode(w, OP_REF_AS_NON_NULL);
		else
			weaver_put_operand(w, *list);
}

/* -- What instructions without a signature want ------------------------------------------------ */

/*
 * Letters, and: 1 2 a reference to the type that is the first, second immediate · . its parameters or fields · , the
 * field that is the second immediate · * as many elements as that says · m n the address of the memory that is the
 * first, second; < the lesser of the two · t w > the same of tables · k the table's element · g the global's and o
 * the local's type · p the function's parameters · c the tag's · j the label's · ^ the results · ? any reference ·
 * $ the chosen type. Then, behind a colon, how many results; none: control does not come back.
 */
const struct weaver_wants weaver_wanted[WANTED] = {
	{OP_UNREACHABLE, ""},
	{OP_NOP, ":0"},
	{OP_BR, "j"},
	{OP_BR_IF, "ji:j"},
	{OP_BR_TABLE, "ji"},
	{OP_RETURN, "^"},
	{OP_CALL, "p:p"},
	{OP_CALL_INDIRECT, ".w:."},
	{OP_RETURN_CALL, "p"},
	{OP_RETURN_CALL_INDIRECT, ".w"},
	{OP_CALL_REF, ".1:."},
	{OP_RETURN_CALL_REF, ".1"},
	{OP_REF_AS_NON_NULL, "?:1"},
	{OP_BR_ON_NULL, "j?:+"},
	{OP_BR_ON_NON_NULL, "j:-"},
	{OP_THROW, "c"},
	{OP_THROW_REF, "e"},
	{OP_RETHROW, ""},
	{OP_DROP, "$:0"},
	{OP_SELECT, "ddi:1"},
	{OP_SELECT_T, "$$i:1"},
	{OP_LOCAL_GET, ":1"},
	{OP_LOCAL_SET, "o:0"},
	{OP_LOCAL_TEE, "o:1"},
	{OP_GLOBAL_GET, ":1"},
	{OP_GLOBAL_SET, "g:0"},
	{OP_TABLE_GET, "t:1"},
	{OP_TABLE_SET, "tk:0"},
	{OP_REF_NULL, ":1"},
	{OP_REF_IS_NULL, "?:1"},
	{OP_REF_FUNC, ":1"},
	{OP_TABLE_GROW, "kt:1"},
	{OP_TABLE_SIZE, ":1"},
	{OP_TABLE_FILL, "tkt:0"},
	{OP_MEMORY_SIZE, ":1"},
	{OP_MEMORY_GROW, "m:1"},
	{OP_MEMORY_INIT, "nii:0"},
	{OP_DATA_DROP, ":0"},
	{OP_MEMORY_COPY, "mn<:0"},
	{OP_MEMORY_FILL, "mim:0"},
	{OP_TABLE_INIT, "wii:0"},
	{OP_ELEM_DROP, ":0"},
	{OP_TABLE_COPY, "tw>:0"},
	{OP_REF_EQ, "qq:1"},
	{OP_STRUCT_NEW, ".:1"},
	{OP_STRUCT_NEW_DEFAULT, ":1"},
	{OP_STRUCT_GET, "1:1"},
	{OP_STRUCT_GET_S, "1:1"},
	{OP_STRUCT_GET_U, "1:1"},
	{OP_STRUCT_SET, "1,:0"},
	{OP_ARRAY_NEW, ".i:1"},
	{OP_ARRAY_NEW_DEFAULT, "i:1"},
	{OP_ARRAY_NEW_FIXED, "*:1"},
	{OP_ARRAY_NEW_DATA, "ii:1"},
	{OP_ARRAY_NEW_ELEM, "ii:1"},
	{OP_ARRAY_GET, "1i:1"},
	{OP_ARRAY_GET_S, "1i:1"},
	{OP_ARRAY_GET_U, "1i:1"},
	{OP_ARRAY_SET, "1i.:0"},
	{OP_ARRAY_LEN, "r:1"},
	{OP_ARRAY_FILL, "1i.i:0"},
	{OP_ARRAY_COPY, "1i2ii:0"},
	{OP_ARRAY_INIT_DATA, "1iii:0"},
	{OP_ARRAY_INIT_ELEM, "1iii:0"},
	{OP_REF_TEST, "y:1"},
	{OP_REF_TEST_NULL, "y:1"},
	{OP_REF_CAST, "y:1"},
	{OP_REF_CAST_NULL, "y:1"},
	{OP_BR_ON_CAST, "y:1"},
	{OP_BR_ON_CAST_FAIL, "y:1"},
	{OP_ANY_CONVERT_EXTERN, "x:1"},
	{OP_EXTERN_CONVERT_ANY, "y:1"},
	{OP_REF_I31, "i:1"},
	{OP_I31_GET_S, "z:1"},
	{OP_I31_GET_U, "z:1"},
};

uint32_t weaver_tag_type(const struct weaver *w, uint32_t tag)
{
	static const uint8_t tags[] = {NOTHING, ERROR, REFS};

	if (w->imports)
		tag = tag == 0 ? 1 : tag - 1;
	return tag < TAGS ? tags[tag] : NOTHING;
}

const char *weaver_label_types(const struct weaver *w, uint32_t label)
{
	const struct block *block = &w->blocks[label <= w->depth ? w->depth - label : 0];

	return block->opcode == OP_LOOP ? block->params : block->results;
}

const struct shape *weaver_callee(const struct weaver *w, uint32_t func)
{
	return &weaver_shapes[func < w->funcs ? w->func_types[func] : NOTHING];
}

const struct shape *weaver_shape_of(uint32_t type)
{
	return &weaver_shapes[type < TYPES ? type : NOTHING];
}

char weaver_memory_address(const struct weaver *w, uint32_t memory)
{
	return (memory & 1) != w->far_first ? 'l' : 'i';
}

static char table_address(uint32_t table)
{
	return (table & 1) != 0 ? 'l' : 'i';
}

static char lesser(char a, char b)
{
	return a == 'l' && b == 'l' ? 'l' : 'i';
}

static char type_of_global(const struct weaver *w, uint32_t index)
{
	if (w->imports)
		index = index == 0 ? GLOBALS : index - 1;
	return index < sizeof(globals_are) - 1 ? globals_are[index] : 'i';
}

static char type_of_local(const struct weaver *w, uint32_t index)
{
	index -= w->params;
	if (index >= LOCALS)
		return 'i';
	return index < LETTERS ? weaver_letters[index] : (char)('A' + (index - LETTERS));
}

/* table-like: a letter a case. What a wish for one value stands for; 0: it is for a list. */
static char wish_letter(struct weaver *w, char wish)
{
	switch (wish) {
	case '1':
		return (char)('A' + w->imm[0] % TYPES);
	case '2':
		return (char)('A' + w->imm[1] % TYPES);
	case 'm':
		return weaver_memory_address(w, w->imm[0]);
	case 'n':
		return weaver_memory_address(w, w->imm[1]);
	case '<':
		return lesser(weaver_memory_address(w, w->imm[0]),
			      weaver_memory_address(w, w->imm[1]));
	case 't':
		return table_address(w->imm[0]);
	case 'w':
		return table_address(w->imm[1]);
	case '>':
		return lesser(table_address(w->imm[0]), table_address(w->imm[1]));
	case 'k':
		return w->imm[0] < TABLES ? weaver_table_types[w->imm[0]] : 'u';
	case 'g':
		return type_of_global(w, w->imm[0]);
	case 'o':
		return type_of_local(w, w->imm[0]);
	case '?':
		return (char)('A' + weaver_choose(w, TYPES));
	case '$':
		return w->letter;
	default:
		return strchr(".,*pcj^", wish) != NULL ? 0 : wish;
	}
}

static void put_field(struct weaver *w)
{
	const char *fields = weaver_shape_of(w->imm[0])->params;

	/* STRICT's first is the only one with a mark behind. */
	if (w->imm[0] == STRICT)
		weaver_put_operands(w, w->imm[1] == 0 ? "D!" : "z");
	else if (w->imm[1] < strlen(fields))
		weaver_put_operand(w, fields[w->imm[1]]);
}

void weaver_put_wish(struct weaver *w, char wish)
{
	char letter = wish_letter(w, wish);

	if (letter != 0)
		weaver_put_operand(w, letter);
	else if (wish == '.')
		weaver_put_operands(w, weaver_shape_of(w->imm[0])->params);
	else if (wish == ',')
		put_field(w);
	else if (wish == 'p')
		weaver_put_operands(w, weaver_callee(w, w->imm[0])->params);
	else if (wish == 'c')
		weaver_put_operands(w, weaver_shapes[weaver_tag_type(w, w->imm[0])].params);
	else if (wish == 'j')
		weaver_put_operands(w, weaver_label_types(w, w->imm[0]));
	else if (wish == '^')
		weaver_put_operands(w, w->blocks[0].results);
	else
		for (uint32_t i = 0; i < w->imm[1]; i++)
			weaver_put_operands(w, weaver_shape_of(w->imm[0])->params);
}

/* How many values an instruction leaves, by what stands behind the colon. */
uint32_t weaver_result_count(const struct weaver *w, char rule)
{
	uint32_t carried = weaver_list_count(weaver_label_types(w, w->imm[0]));

	switch (rule) {
	case 'j':
		return carried;
	case '+':
		return carried + 1;
	case '-':
		return carried - (carried != 0);
	case 'p':
		return weaver_list_count(weaver_callee(w, w->imm[0])->results);
	case '.':
		return weaver_list_count(weaver_shape_of(w->imm[0])->results);
	default:
		return (uint32_t)(rule - '0');
	}
}
