/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weave.c (fuzz): the module around what is woven; see weave.h.
 *
 * It has the same items each time, some of every kind; chosen are the functions, their types, a global's
 * expression, whether anything is imported, and whether memory 0 has 32 or 64 bits.
 */
#include "weaver.h"

/* clang-format off */
/* table-like: the types above as bytes. */
static const uint8_t type_section[] = {
	TYPES - 1, /* a group counts once */
	FUNC_TYPE(0, 0), FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(5, I32, I64, F32, F64, V128, 2, I64, I32),
	SUB_TYPE(0, STRUCT_TYPE(2, I32, 1, I64, 1)),
	SUB_TYPE(1, POINT, STRUCT_TYPE(6, I32, 1, I64, 1, I8, 1, I16, 0, NULL_TO(POINT), 1, V128, 1)),
	ARRAY_TYPE(I8, 1), ARRAY_TYPE(I32, 1), ARRAY_TYPE(NULL_TO(POINT), 1), ARRAY_TYPE(FUNCREF, 1),
	0x4e, 2, STRUCT_TYPE(2, NULL_TO(NODE), 1, NULL_TO(WALK), 1),
		FUNC_TYPE(1, NULL_TO(NODE), 1, NULL_TO(NODE)),
	SUB_TYPE(0, FUNC_TYPE(0, 1, REF_TO(POINT))), SUB_TYPE(1, MAKER, FUNC_TYPE(0, 1, REF_TO(PIXEL))),
	STRUCT_TYPE(2, REF_TO(POINT), 1, I31REF, 0), ARRAY_TYPE(F64, 0),
	FUNC_TYPE(3, EXTERNREF, ANYREF, FUNCREF, 0), FUNC_TYPE(0, 2, I32, EXNREF), FUNC_TYPE(1, I32, 0),
	ARRAY_TYPE(ANYREF, 1),
};

static const uint8_t import_section[] = {3, IMPORT_FUNC('f', NUMBER), IMPORT_TAG('t', ERROR),
					 IMPORT_GLOBAL('g', I32, 0)};
/* The addresses of every other table and memory have 64 bits. */
static const uint8_t table_section[] = {6, FUNCREF, 0, 4, FUNCREF, 4, 4, EXTERNREF, 0, 3, ANYREF, 5, 2, 9,
					NULL_TO(NUMBER), 1, 2, 5, NULL_TO(POINT), 4, 3};
static const uint8_t memories_near[] = {4, 1, 1, 2, 5, 1, 2, 3, 1, 2, 7, 1, 2};
static const uint8_t memories_far[] = {4, 5, 1, 2, 1, 1, 2, 7, 1, 2, 3, 1, 2};
static const uint8_t tag_section[] = {3, 0, NOTHING, 0, ERROR, 0, REFS};
/* One more follows, whose value is chosen. */
static const uint8_t globals[] = {
	I32, 1, C32(3), END, I64, 1, C64(4), END, F32, 1, 0x43, 0, 0, 0x80, 0x3f, END,
	F64, 1, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, END,
	V128, 1, 0xfd, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, END,
	FUNCREF, 1, REF_NULL(FUNCREF), END, EXTERNREF, 1, REF_NULL(EXTERNREF), END,
	ANYREF, 1, C32(5), REF_I31, END, NULL_TO(POINT), 1, STRUCT_NEW_DEFAULT(PIXEL), END,
	EXNREF, 1, REF_NULL(EXNREF), END, I32, 0, C32(9), END,
};
static const uint8_t data_near[] = {2, 1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, C32(4), END, 1, 7};
static const uint8_t data_far[] = {2, 1, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, C64(4), END, 1, 7};
/* clang-format on */

/* -- The module -------------------------------------------------------------------------------- */

#define FIXED(buf, id, bytes) put_fixed(buf, id, bytes, sizeof(bytes))

static void put_fixed(struct buf *module, uint8_t id, const uint8_t *bytes, size_t size)
{
	BYTES(module, id);
	bytes_leb(module, size);
	bytes_put(module, bytes, size);
}

static void choose_functions(struct weaver *w, uint32_t bodies)
{
	static const uint8_t fixed[] = {NOTHING, WALK, MAKER2};

	if (w->imports)
		w->func_types[w->funcs++] = NUMBER;
	for (uint32_t i = 0; i < FIXED_FUNCS; i++)
		w->func_types[w->funcs++] = fixed[i];
	for (uint32_t i = 0; i < bodies; i++) {
		uint32_t type = weaver_choose(w, TYPES);

		while (weaver_shapes[type].form != FUNC_FORM)
			type = (type + 1) % TYPES;
		w->func_types[w->funcs++] = (uint8_t)type;
	}
}

static void put_functions(const struct weaver *w, struct buf *module)
{
	struct buf section = {0};

	bytes_leb(&section, w->funcs - w->imports);
	bytes_put(&section, w->func_types + w->imports, w->funcs - w->imports);
	bytes_section(module, 3, &section);
}

static void put_expression(struct weaver *w, char letter)
{
	static const uint8_t arithmetic[] = {OP_I32_ADD, OP_I32_SUB, OP_I32_MUL,
					     OP_I64_ADD, OP_I64_SUB, OP_I64_MUL};
	uint32_t index = weaver_letter_index(letter), wide = index == 1;

	if (weaver_next(w) < 5)
		weaver_put_wanted(w, weaver_choose(w, WANTED));
	if (index < 2) {
		weaver_put_constant(w, wide ? OP_I64_CONST : OP_I32_CONST);
		for (uint32_t i = weaver_choose(w, 4); i > 0; i--) {
			weaver_put_constant(w, wide ? OP_I64_CONST : OP_I32_CONST);
			weaver_put_opcode(w, arithmetic[3 * wide + weaver_choose(w, 3)]);
		}
	} else if (index < 5) {
		weaver_put_opcode(w, index == 2   ? OP_F32_CONST
				     : index == 3 ? OP_F64_CONST
						  : OP_V128_CONST);
		weaver_put_chosen(w, index == 2 ? 4 : index == 3 ? 8 : 16);
	} else if (index < LETTERS) {
		weaver_put_with(w, OP_REF_NULL, weaver_letter_bytes[index]);
	} else if (!weaver_choose(w, 2) || !weaver_put_object(w, index - LETTERS)) {
		weaver_put_with(w, OP_REF_NULL, index - LETTERS);
	}
	weaver_put_opcode(w, OP_END);
}

static void put_globals(struct weaver *w, struct buf *module)
{
	struct buf section = {0};
	char letter = weaver_any_letter(w);

	bytes_leb(&section, GLOBALS);
	bytes_put(&section, globals, sizeof(globals));
	weaver_put_letter_type(&section, letter);
	BYTES(&section, (uint8_t)weaver_choose(w, 2));
	put_expression(w, letter);
	bytes_put(&section, w->code.data, w->code.size);
	w->code.size = 0;
	w->marks.size = 0;
	bytes_section(module, 6, &section);
}

static void put_exports(const struct weaver *w, struct buf *module)
{
	const uint8_t counts[] = {(uint8_t)w->funcs, TABLES, MEMORIES, GLOBALS, TAGS};
	struct buf section = {0};
	uint8_t name = 'A';

	bytes_leb(&section, w->funcs + TABLES + MEMORIES + GLOBALS + TAGS);
	for (uint8_t kind = 0; kind < ARRAY_SIZE(counts); kind++)
		for (uint8_t i = 0; i < counts[kind]; i++)
			BYTES(&section, 1, name++, kind, i);
	bytes_section(module, 7, &section);
}

/* All functions are declared, so that each may be referred to. */
static void put_elements(const struct weaver *w, struct buf *module)
{
	struct buf section = {0};

	BYTES(&section, ELEMENTS, 1, 0, 2, 0, 1, 3, 0);
	bytes_leb(&section, w->funcs);
	for (uint8_t i = 0; i < w->funcs; i++)
		BYTES(&section, i);
	BYTES(&section, 5, ANYREF, 2, C32(7), REF_I31, END, STRUCT_NEW_DEFAULT(NODE), END);
	BYTES(&section, 5, NULL_TO(POINT), 2, REF_NULL(PIXEL), END, C32(1), C64(2),
	      STRUCT_NEW(POINT), END);
	bytes_section(module, 9, &section);
}

static void put_code(struct weaver *w, struct buf *module)
{
	struct buf section = {0}, size = {0};
	uint32_t count = w->funcs - w->imports, shift;

	bytes_leb(&section, count);
	for (uint32_t i = 0; i < FIXED_FUNCS; i++)
		BYTES(&section, BODY(0, UNREACHABLE, END));
	for (uint32_t i = FIXED_FUNCS; i < count; i++)
		weaver_put_body(w, &section, w->func_types[w->imports + i]);
	bytes_leb(&size, section.size);
	shift = (uint32_t)(module->size + 1 + size.size);
	buf_deinit(&size);
	for (uint32_t i = 0; i < BUF_COUNT(&w->marks, struct woven); i++)
		BUF_ITEM(&w->marks, struct woven, i)->offset += shift;
	bytes_section(module, 10, &section);
}

void weave(struct buf *ret_module, struct buf *ret_instructions, const uint8_t *choices,
	   size_t size)
{
	static const uint8_t data_count[] = {DATAS};
	struct weaver w = {.at = choices, .end = choices + size};
	uint8_t first = weaver_next(&w);

	w.imports = first & 1;
	w.far_first = first & 2;
	choose_functions(&w, 1 + (first >> 2) % BODIES_MOST);
	BYTES(ret_module, MODULE());
	FIXED(ret_module, 1, type_section);
	if (w.imports)
		FIXED(ret_module, 2, import_section);
	put_functions(&w, ret_module);
	FIXED(ret_module, 4, table_section);
	put_fixed(ret_module, 5, w.far_first ? memories_far : memories_near, sizeof(memories_near));
	FIXED(ret_module, 13, tag_section);
	put_globals(&w, ret_module);
	put_exports(&w, ret_module);
	put_elements(&w, ret_module);
	FIXED(ret_module, 12, data_count);
	put_code(&w, ret_module);
	put_fixed(ret_module, 11, w.far_first ? data_far : data_near, sizeof(data_near));
	buf_deinit(&w.code);
	*ret_instructions = w.marks;
	if (w.raw)
		ret_instructions->size = 0;
}
