/* SPDX-License-Identifier: Apache-2.0 */
/* types_test.c: when types are equal, when one is below another, and how they read. */
#include "wasm/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

#define REF(index) TYPE_MAKE_REF(false, index)
#define REF_NULL(index) TYPE_MAKE_REF(true, index)
#define ABSTRACT(heap) TYPE_MAKE_REF(true, HEAP_ABSTRACT(HEAP_##heap))

/* A definition to add: form, supertype, finality, words. */
struct sample {
	enum type_form form;
	uint32_t super;
	bool is_final;
	uint16_t params, results;
	uint32_t words[4];
};

static uint32_t count(const struct types *types)
{
	return types_space(types).count;
}

static void add(struct types *types, const struct sample *s)
{
	struct type_def *def = types_add(types, s->form);

	assert_non_null(def);
	def->super = s->super;
	if (s->super != TYPE_NONE)
		def->depth =
			(uint8_t)(BUF_ITEM(&types->defs, struct type_def, s->super)->depth + 1);
	def->is_final = s->is_final;
	def->params = s->params;
	def->results = s->results;
	for (uint32_t i = 0; i < (uint32_t)s->params + s->results; i++)
		assert_true(types_word(types, s->words[i]));
}

/* A group of one. */
static uint32_t add_one(struct types *types, struct sample s)
{
	uint32_t first = count(types), canon = 0;

	add(types, &s);
	assert_int_equal(types_close(types, first, false, &canon), 0);
	return canon;
}

static uint32_t func(struct types *types, uint32_t param, uint32_t result)
{
	return add_one(types, (struct sample){FORM_FUNC, TYPE_NONE, true, 1, 1, {param, result}});
}

/* Chains as long as they may be, two that part in the middle: what is above what is what going up step by step finds. */
static void chains(void **state)
{
	enum { LONG = 64, PARTS = 21 };
	struct types types = {0};
	struct type_space space;
	uint32_t ids[2 * LONG - PARTS], n = 0;

	(void)state;
	for (uint32_t i = 0; i < LONG; i++, n++)
		ids[n] = add_one(
			&types,
			(struct sample){
				FORM_STRUCT, i != 0 ? ids[n - 1] : TYPE_NONE, false, 0, 0, {0}});
	for (uint32_t i = PARTS; i < LONG; i++, n++)
		ids[n] = add_one(&types, (struct sample){FORM_STRUCT,
							 i != PARTS ? ids[n - 1] : ids[PARTS - 1],
							 false,
							 1,
							 0,
							 {TYPE_I32}});
	space = types_space(&types);
	for (uint32_t a = 0; a < n; a++)
		for (uint32_t b = 0; b < n; b++) {
			uint32_t at = ids[a];

			while (at != TYPE_NONE && at != ids[b])
				at = type_at(&space, at)->super;
			assert_int_equal(heap_matches(&space, ids[a], ids[b]), at == ids[b]);
		}
	types_deinit(&types);
}

static void plain_types(void **state)
{
	struct types types = {0};
	uint32_t a = func(&types, TYPE_I32, TYPE_I64);

	(void)state;
	assert_int_equal(func(&types, TYPE_I32, TYPE_I64), a);
	assert_int_not_equal(func(&types, TYPE_I64, TYPE_I32), a);
	assert_int_not_equal(func(&types, TYPE_I32, TYPE_I32), a);
	/* (i32 i64) -> () and () -> (i32 i64) have the same words. */
	assert_int_not_equal(
		add_one(&types,
			(struct sample){FORM_FUNC, TYPE_NONE, true, 2, 0, {TYPE_I32, TYPE_I64}}),
		a);
	assert_int_not_equal(
		add_one(&types,
			(struct sample){FORM_FUNC, TYPE_NONE, false, 1, 1, {TYPE_I32, TYPE_I64}}),
		a);
	assert_int_not_equal(
		add_one(&types,
			(struct sample){FORM_STRUCT, TYPE_NONE, true, 2, 0, {TYPE_I32, TYPE_I64}}),
		a);
	assert_int_equal(count(&types), 7);
	types_deinit(&types);
}

/* An alias reads as the type it equals, and can be taken out of the space again. */
static void aliases(void **state)
{
	struct types types = {0};
	uint32_t a = func(&types, TYPE_I32, TYPE_F32), first = 0;
	struct type_space space;

	(void)state;
	func(&types, TYPE_I32, TYPE_F32);
	space = types_space(&types);
	assert_int_equal(space.count, 2);
	assert_int_equal(type_at(&space, 1)->canon, a);
	assert_int_equal(type_at(&space, 1)->first, type_at(&space, a)->first);
	add(&types, &(struct sample){FORM_FUNC, TYPE_NONE, true, 1, 1, {TYPE_I32, TYPE_F32}});
	assert_int_equal(types_close(&types, 2, true, &first), 0);
	assert_int_equal(first, a);
	assert_int_equal(count(&types), 2);
	assert_int_equal(func(&types, TYPE_F32, TYPE_F32), 2);
	types_deinit(&types);
}

/* An empty group is closed without being there. */
static void empty_group(void **state)
{
	struct types types = {0};
	uint32_t first = 7;

	(void)state;
	assert_int_equal(types_close(&types, 0, false, &first), 0);
	assert_int_equal(first, 0);
	assert_int_equal(count(&types), 0);
	types_deinit(&types);
}

/* Two types that refer to each other, in this order of fields. */
static uint32_t pair(struct types *types, uint32_t extra_a, uint32_t extra_b)
{
	uint32_t first = count(types), canon = 0;

	add(types,
	    &(struct sample){FORM_STRUCT, TYPE_NONE, true, 2, 0, {REF_NULL(first + 1), extra_a}});
	add(types,
	    &(struct sample){FORM_STRUCT, TYPE_NONE, true, 2, 0, {REF_NULL(first), extra_b}});
	assert_int_equal(types_close(types, first, false, &canon), 0);
	return canon;
}

static void recursive_groups(void **state)
{
	struct types types = {0};
	uint32_t a, b, self;

	(void)state;
	a = pair(&types, TYPE_I32, TYPE_I64);
	assert_int_equal(pair(&types, TYPE_I32, TYPE_I64), a);
	assert_int_not_equal(pair(&types, TYPE_I64, TYPE_I32), a); /* the order counts */
	/* The same members, but the reference leads out of the group into an equal one. */
	b = add_one(
		&types,
		(struct sample){FORM_STRUCT, TYPE_NONE, true, 2, 0, {REF_NULL(a + 1), TYPE_I32}});
	assert_int_not_equal(b, a);
	/* A type that names itself is not the type that names that one. */
	self = add_one(
		&types,
		(struct sample){FORM_STRUCT, TYPE_NONE, true, 1, 0, {REF_NULL(count(&types))}});
	b = add_one(&types, (struct sample){FORM_STRUCT, TYPE_NONE, true, 1, 0, {REF_NULL(self)}});
	assert_int_not_equal(b, self);
	assert_int_equal(
		add_one(&types,
			(struct sample){
				FORM_STRUCT, TYPE_NONE, true, 1, 0, {REF_NULL(count(&types))}}),
		self);
	types_deinit(&types);
}

/* A group of two equal types is not two groups of one, and not a group of three. */
static void group_sizes(void **state)
{
	const struct sample empty = {FORM_STRUCT, TYPE_NONE, true, 0, 0, {0}};
	struct types types = {0};
	uint32_t one = add_one(&types, empty), two = 0, three = 0, again = 0, first;

	(void)state;
	first = count(&types);
	add(&types, &empty);
	add(&types, &empty);
	assert_int_equal(types_close(&types, first, false, &two), 0);
	assert_int_equal(two, first);
	first = count(&types);
	for (int i = 0; i < 3; i++)
		add(&types, &empty);
	assert_int_equal(types_close(&types, first, false, &three), 0);
	assert_int_equal(three, first);
	first = count(&types);
	add(&types, &empty);
	add(&types, &empty);
	assert_int_equal(types_close(&types, first, false, &again), 0);
	assert_int_equal(again, two);
	assert_int_equal(add_one(&types, empty), one);
	types_deinit(&types);
}

/*
 * A collision by hand: give a group in the table the hash another one will have. If the hash alone were
 * believed they would be taken for equal.
 */
static void hashes_are_not_believed(void **state)
{
	struct types types = {0}, other = {0};
	uint32_t a = func(&types, TYPE_I32, TYPE_I32), b;
	struct type_space space;

	(void)state;
	func(&other, TYPE_F64, TYPE_F64);
	space = types_space(&other);
	BUF_ITEM(&types.defs, struct type_def, a)->hash = type_at(&space, 0)->hash;
	/* It must also stand where the other one is looked for. */
	for (size_t i = 0; i < BUF_COUNT(&types.table, uint32_t); i++)
		*BUF_ITEM(&types.table, uint32_t, i) = 0;
	*BUF_ITEM(&types.table, uint32_t,
		  type_at(&space, 0)->hash &(BUF_COUNT(&types.table, uint32_t) - 1)) = a + 1;
	b = func(&types, TYPE_F64, TYPE_F64);
	assert_int_not_equal(a, b);
	assert_int_equal(func(&types, TYPE_F64, TYPE_F64), b);
	types_deinit(&types);
	types_deinit(&other);
}

/* Many types: the table grows, and each is still found. */
static void many_types(void **state)
{
	struct types types = {0};
	uint32_t canon[500];

	(void)state;
	canon[0] = func(&types, TYPE_I32, TYPE_I32);
	for (uint32_t i = 1; i < ARRAY_SIZE(canon); i++) {
		canon[i] = func(&types, REF_NULL(canon[i - 1]), TYPE_I32);
		assert_int_equal(canon[i], i);
	}
	for (uint32_t i = 1; i < ARRAY_SIZE(canon); i++)
		assert_int_equal(func(&types, REF_NULL(canon[i - 1]), TYPE_I32), canon[i]);
	types_deinit(&types);
}

/* -- Subtyping --------------------------------------------------------------------------- */

static void abstract_heaps(void **state)
{
	static const struct {
		uint32_t sub, super;
	} below[] = {
		{ABSTRACT(NONE), ABSTRACT(I31)},        {ABSTRACT(NONE), ABSTRACT(STRUCT)},
		{ABSTRACT(NONE), ABSTRACT(ARRAY)},      {ABSTRACT(NONE), ABSTRACT(EQ)},
		{ABSTRACT(NONE), ABSTRACT(ANY)},        {ABSTRACT(I31), ABSTRACT(EQ)},
		{ABSTRACT(STRUCT), ABSTRACT(EQ)},       {ABSTRACT(ARRAY), ABSTRACT(ANY)},
		{ABSTRACT(EQ), ABSTRACT(ANY)},          {ABSTRACT(NOFUNC), ABSTRACT(FUNC)},
		{ABSTRACT(NOEXTERN), ABSTRACT(EXTERN)}, {ABSTRACT(NOEXN), ABSTRACT(EXN)},
	};
	static const uint32_t tops[] = {ABSTRACT(ANY), ABSTRACT(FUNC), ABSTRACT(EXTERN),
					ABSTRACT(EXN)};
	struct type_space space = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		assert_true(type_matches(&space, below[i].sub, below[i].super));
		assert_false(type_matches(&space, below[i].super, below[i].sub));
		assert_true(type_matches(&space, below[i].sub, below[i].sub));
	}
	for (size_t i = 0; i < ARRAY_SIZE(tops); i++)
		for (size_t k = 0; k < ARRAY_SIZE(tops); k++)
			assert_int_equal(type_matches(&space, tops[i], tops[k]), i == k);
	assert_false(type_matches(&space, ABSTRACT(STRUCT), ABSTRACT(ARRAY)));
	assert_false(type_matches(&space, ABSTRACT(NONE), ABSTRACT(FUNC)));
	assert_false(type_matches(&space, TYPE_I32, TYPE_I64));
	assert_false(type_matches(&space, TYPE_I32, ABSTRACT(ANY)));
	assert_true(type_matches(&space, TYPE_BOTTOM, TYPE_I32));
	assert_true(type_matches(&space, TYPE_BOTTOM_REF, REF(HEAP_ABSTRACT(HEAP_EXN))));
	assert_true(type_matches(&space, TYPE_BOTTOM_REF, TYPE_FUNCREF));
	assert_false(type_matches(&space, TYPE_BOTTOM_REF, TYPE_I32));
	assert_true(type_matches(&space, REF(HEAP_ABSTRACT(HEAP_FUNC)), TYPE_FUNCREF));
	assert_false(type_matches(&space, TYPE_FUNCREF, REF(HEAP_ABSTRACT(HEAP_FUNC))));
}

static void defined_types(void **state)
{
	struct types types = {0};
	struct type_space space;
	uint32_t base, middle, leaf, array, f;

	(void)state;
	base = add_one(&types, (struct sample){FORM_STRUCT, TYPE_NONE, false, 0, 0, {0}});
	middle = add_one(&types, (struct sample){FORM_STRUCT, base, false, 1, 0, {TYPE_I32}});
	leaf = add_one(&types,
		       (struct sample){FORM_STRUCT, middle, true, 2, 0, {TYPE_I32, TYPE_I8}});
	array = add_one(&types, (struct sample){FORM_ARRAY, TYPE_NONE, true, 1, 0, {TYPE_I16}});
	f = func(&types, TYPE_I32, TYPE_I32);
	space = types_space(&types);
	assert_true(type_matches(&space, REF(leaf), REF(base)));
	assert_true(type_matches(&space, REF(middle), REF_NULL(base)));
	assert_false(type_matches(&space, REF(base), REF(middle)));
	assert_false(type_matches(&space, REF_NULL(leaf), REF(leaf)));
	assert_true(type_matches(&space, REF(leaf), ABSTRACT(STRUCT)));
	assert_true(type_matches(&space, REF(array), ABSTRACT(EQ)));
	assert_true(type_matches(&space, REF(f), TYPE_FUNCREF));
	assert_false(type_matches(&space, REF(f), ABSTRACT(ANY)));
	assert_false(type_matches(&space, REF(array), ABSTRACT(STRUCT)));
	assert_true(type_matches(&space, ABSTRACT(NONE), REF_NULL(leaf)));
	assert_true(type_matches(&space, ABSTRACT(NOFUNC), REF_NULL(f)));
	assert_false(type_matches(&space, ABSTRACT(NONE), REF_NULL(f)));
	assert_false(type_matches(&space, ABSTRACT(STRUCT), REF_NULL(leaf)));
	types_deinit(&types);
}

static bool may_extend(const struct types *types, uint32_t sub, uint32_t super)
{
	struct type_space space = types_space(types);

	return type_may_extend(&space, type_at(&space, sub), type_at(&space, super));
}

static uint32_t one_field(struct types *types, enum type_form form, bool is_final, uint32_t field)
{
	return add_one(types, (struct sample){form, TYPE_NONE, is_final, 1, 0, {field}});
}

static void extending_fields(void **state)
{
	struct types types = {0};
	uint32_t any, eq, any_mutable, eq_mutable, last, two;

	(void)state;
	any = one_field(&types, FORM_STRUCT, false, ABSTRACT(ANY));
	eq = one_field(&types, FORM_STRUCT, false, ABSTRACT(EQ));
	any_mutable = one_field(&types, FORM_STRUCT, false, ABSTRACT(ANY) | FIELD_MUTABLE);
	eq_mutable = one_field(&types, FORM_STRUCT, false, ABSTRACT(EQ) | FIELD_MUTABLE);
	last = one_field(&types, FORM_STRUCT, true, ABSTRACT(ANY));
	two = add_one(
		&types,
		(struct sample){FORM_STRUCT, TYPE_NONE, false, 2, 0, {ABSTRACT(EQ), TYPE_I8}});
	assert_true(may_extend(&types, eq, any));
	assert_false(may_extend(&types, any, eq));
	assert_true(may_extend(&types, any, any));
	assert_false(may_extend(&types, eq_mutable, any_mutable)); /* written, it must be equal */
	assert_true(may_extend(&types, any_mutable, any_mutable));
	assert_false(may_extend(&types, any_mutable, any));
	assert_false(may_extend(&types, any, any_mutable));
	assert_false(may_extend(&types, eq, last));
	assert_true(may_extend(&types, last, any));
	assert_true(may_extend(&types, two, any));
	assert_false(may_extend(&types, any, two));
	assert_false(may_extend(&types, one_field(&types, FORM_ARRAY, false, ABSTRACT(ANY)), any));
	types_deinit(&types);
}

static uint32_t open_func(struct types *types, uint32_t param, uint32_t result)
{
	return add_one(types, (struct sample){FORM_FUNC, TYPE_NONE, false, 1, 1, {param, result}});
}

/* Parameters the other way round than results. */
static void extending_functions(void **state)
{
	struct types types = {0};
	uint32_t base, wider, narrower, result, none;

	(void)state;
	base = open_func(&types, ABSTRACT(EQ), ABSTRACT(EQ));
	wider = open_func(&types, ABSTRACT(ANY), ABSTRACT(EQ));
	narrower = open_func(&types, ABSTRACT(I31), ABSTRACT(EQ));
	result = open_func(&types, ABSTRACT(EQ), ABSTRACT(I31));
	none = add_one(&types, (struct sample){FORM_FUNC, TYPE_NONE, false, 0, 1, {ABSTRACT(EQ)}});
	assert_true(may_extend(&types, wider, base));
	assert_false(may_extend(&types, narrower, base));
	assert_true(may_extend(&types, result, base));
	assert_false(may_extend(&types, base, result));
	assert_false(may_extend(&types, none, base));
	assert_false(may_extend(&types, base, none));
	types_deinit(&types);
}

/* -- Text -------------------------------------------------------------------------------- */

static void assert_text(const struct types *types, uint32_t index, const char *expected)
{
	struct type_space space = types_space(types);
	char text[200], cut[8];

	assert_int_equal(type_text(&space, index, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(type_text(&space, index, cut, sizeof(cut)), strlen(expected));
	assert_memory_equal(cut, expected, sizeof(cut) - 1);
	assert_int_equal(cut[sizeof(cut) - 1], '\0');
	assert_int_equal(type_text(&space, index, NULL, 0), strlen(expected));
}

static void texts(void **state)
{
	struct types types = {0};
	uint32_t base;

	(void)state;
	assert_text(&types, func(&types, TYPE_I32, TYPE_FUNCREF),
		    "(func (param i32) (result funcref))");
	base = add_one(&types, (struct sample){FORM_STRUCT, TYPE_NONE, false, 0, 0, {0}});
	assert_text(&types, base, "(sub (struct))");
	assert_text(&types,
		    add_one(&types, (struct sample){FORM_STRUCT,
						    base,
						    true,
						    2,
						    0,
						    {TYPE_I8 | FIELD_MUTABLE, REF_NULL(base)}}),
		    "(sub final 1 (struct (field (mut i8)) (field (ref null 1))))");
	types_deinit(&types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_types),
		cmocka_unit_test(chains),
		cmocka_unit_test(aliases),
		cmocka_unit_test(empty_group),
		cmocka_unit_test(recursive_groups),
		cmocka_unit_test(group_sizes),
		cmocka_unit_test(hashes_are_not_believed),
		cmocka_unit_test(many_types),
		cmocka_unit_test(abstract_heaps),
		cmocka_unit_test(defined_types),
		cmocka_unit_test(extending_fields),
		cmocka_unit_test(extending_functions),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
