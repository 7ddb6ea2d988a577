/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refused_alloc_test.c: what exceptions, shared and 64-bit memories and tables, objects and threads are made of, when
 * the 1st, the 2nd, the 3rd... allocation is refused, or mapping, or native thread.
 *
 * Each refusal is told, or done without where there is another way; nothing is left behind (the sanitizer's build
 * finds it); and the same works right after, in the same store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/test_refuse.h"
#include "engine/test_guest.h"

/* -- Guests -------------------------------------------------------------------------------- */

/* t() throws a 7 that nobody catches; x() gives one as a reference; c() calls the host, which throws. */
static const uint8_t throwing[] = {
	MODULE(SECTION(1, 3, FUNC_TYPE(1, I32, 0), FUNC_TYPE(0, 0), FUNC_TYPE(0, 1, EXNREF)),
	       SECTION(2, 2, IMPORT_TAG('t', 0), IMPORT_FUNC('a', 1)), SECTION(3, 3, 1, 2, 1),
	       SECTION(7, 3, EXPORT_FUNC('t', 1), EXPORT_FUNC('x', 2), EXPORT_FUNC('c', 3)),
	       SECTION(10, 3, BODY(0, C32(7), THROW(0), END),
		       BODY(0, BLOCK(EXNREF), TRY_TABLE(VOID, 1, ON_ALL_REF(0)), C32(7), THROW(0),
			    END, UNREACHABLE, END, END),
		       BODY(0, CALL(0), END)))};

/* Memories with 64 bits, shared, and both; tables with 64 bits. g() lets one grow and tells how large it was. */
static const uint8_t wide[] = {MODULE(
	SECTION(1, 2, FUNC_TYPE(0, 1, I32), FUNC_TYPE(1, I64, 0)), SECTION(3, 1, 0),
	SECTION(4, 2, EXTERNREF, 4, 2, FUNCREF, 5, 3, 90),
	SECTION(5, 4, 0, 1, 5, 1, 3, 3, 1, 2, 7, 1, 2), SECTION(13, 2, 0, 1, 0, 1),
	SECTION(7, 1, EXPORT_FUNC('g', 0)),
	SECTION(9, 2, 2, 1, C64(0), END, 0, 1, 0, 5, FUNCREF, 1, REF_FUNC(0), END),
	SECTION(10, 1, BODY(0, REF_NULL(EXTERNREF), 0x42, 0xf4, 3, TABLE_GROW(0), 0xa7, END)),
	SECTION(11, 3, 2, 1, C64(8), END, 1, 'a', 2, 2, C32(8), END, 1, 'b', 1, 1, 'c'))};

#define EXPORT_START                                                                             \
	17, 'w', 'a', 's', 'i', '_', 't', 'h', 'r', 'e', 'a', 'd', '_', 's', 't', 'a', 'r', 't', \
		0, 1
#define IMPORT_SPAWN \
	4, 'w', 'a', 's', 'i', 12, 't', 'h', 'r', 'e', 'a', 'd', '-', 's', 'p', 'a', 'w', 'n', 0, 0

/* s(what) starts a thread, which has something of everything: a table, segments, an object. */
static const uint8_t starting[] = {MODULE(
	SECTION(1, 3, FUNC_TYPE(1, I32, 1, I32), FUNC_TYPE(2, I32, I32, 0), STRUCT_TYPE(1, I32, 1)),
	LONG_SECTION(2, 2, IMPORT_SPAWN, 1, 'e', 1, 'm', 2, 3, 1, 2), SECTION(3, 2, 1, 0),
	SECTION(4, 1, FUNCREF, 0, 3), SECTION(5, 1, 4, 1),
	SECTION(6, 1, 0x63, 2, 1, STRUCT_NEW_DEFAULT(2), END),
	LONG_SECTION(7, 2, EXPORT_START, EXPORT_FUNC('s', 2)),
	SECTION(9, 1, 5, 0x63, 2, 1, STRUCT_NEW_DEFAULT(2), END),
	SECTION(10, 2, BODY(0, END), BODY(0, GET(0), CALL(0), END)))};

/* -- Attempts ------------------------------------------------------------------------------ */

struct scene {
	struct guest g;
	struct skiff_wasi *wasi;
	struct skiff_tag *tag;
	struct skiff_prelinked *pre;
	struct skiff_instance *in;
};

/* Prepare is not disturbed, and may be NULL; attempt gives 0 or how it failed, told in the scene's `err`. */
struct attempt {
	void (*prepare)(struct scene *s);
	int (*attempt)(struct scene *s);
	unsigned allocations, others; /* at least */
	bool does_without; /* not every refused allocation is the end of it: the heap collects and asks again */
};

/* Out of memory is what a guest may trap with, and nothing else. */
static int trap_or(struct scene *s, int outcome)
{
	if (outcome == SKIFF_TRAP && s->g.trap != NULL)
		assert_true(strcmp(skiff_trap_code(s->g.trap), "out_of_memory") == 0 ||
			    strcmp(skiff_trap_code(s->g.trap), "host") == 0);
	return outcome;
}

static int host_throws(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		       struct skiff_val *results)
{
	struct skiff_val seven = {.type = SKIFF_I32, .of.i32 = 7};
	struct scene *s = env;

	(void)args;
	(void)results;
	return skiff_caller_throw(caller, s->tag, &seven, 1);
}

static void prepare_throwing(struct scene *s)
{
	struct skiff_functype nothing = guest_type(0, 0), one = guest_type(1, 0);
	struct skiff_extern item = {.kind = SKIFF_KIND_TAG};

	GUEST_OK(&s->g, skiff_tag_new(&s->tag, s->g.store, &one, &s->g.err));
	item.of.tag = s->tag;
	GUEST_OK(&s->g, skiff_linker_extern(s->g.linker, "h", 1, "t", 1, item, &s->g.err));
	guest_host(&s->g, "a", host_throws, s, &nothing);
	s->in = ADD_MODULE(&s->g, throwing);
}

static int throw_from(struct scene *s, char letter)
{
	struct skiff_val value = {0};
	int outcome = trap_or(s, RUN(&s->g, s->in, letter));

	if (outcome != SKIFF_EXCEPTION)
		return outcome;
	assert_ptr_equal(skiff_store_exception(s->g.store, &value, 1), s->tag);
	assert_int_equal(value.of.i32, 7);
	return 0;
}

static int throw_in_guest(struct scene *s)
{
	return throw_from(s, 't');
}

static int throw_in_host(struct scene *s)
{
	return throw_from(s, 'c');
}

/* More of them than the first list of what the host holds has room for. */
static int give_exceptions(struct scene *s)
{
	int outcome = 0;

	for (int i = 0; outcome == 0 && i < 40; i++)
		outcome = trap_or(s, RUN(&s->g, s->in, 'x'));
	if (outcome == 0)
		assert_int_equal(skiff_ref_kind(s->g.store, s->g.results[0].of.ref),
				 SKIFF_REF_IS_EXCEPTION);
	return outcome;
}

static int make_memory(struct scene *s, bool is64, bool shared)
{
	struct skiff_limits limits = {.min = 1, .max = 3, .is64 = is64, .shared = shared};
	struct skiff_memory *memory = NULL;
	int r = skiff_memory_new(&memory, s->g.store, &limits, &s->g.err);

	assert_true((memory != NULL) == (r == 0));
	if (r == 0)
		((uint8_t *)skiff_memory_data(memory))[65535] = 1;
	return r;
}

static int make_shared(struct scene *s)
{
	return make_memory(s, false, true);
}

static int make_wide(struct scene *s)
{
	return make_memory(s, true, false);
}

static int make_wide_shared(struct scene *s)
{
	return make_memory(s, true, true);
}

static int make_wide_table(struct scene *s)
{
	struct skiff_limits limits = {.min = 5, .max = UINT64_MAX, .is64 = true};
	struct skiff_table *table = NULL;

	return skiff_table_new(&table, s->g.store, SKIFF_EXTERNREF, &limits, skiff_ref_from_host(3),
			       &s->g.err);
}

static int instantiate(struct scene *s)
{
	int outcome = guest_try(&s->g, s->pre, &s->in);

	assert_true(outcome <= 0);
	return outcome;
}

static void prepare_wide(struct scene *s)
{
	s->pre = PRELINK(&s->g, wide);
}

static void prepare_growing(struct scene *s)
{
	s->in = ADD_MODULE(&s->g, wide);
}

/* What a guest is told by a number, not by a trap. */
static int told(struct scene *s, uint32_t result)
{
	if ((int32_t)result > 0)
		return 0;
	strcpy(s->g.err.text, "refused");
	return -1;
}

/* A table that cannot grow stays as it is. */
static int grow_table(struct scene *s)
{
	GUEST_OK(&s->g, RUN(&s->g, s->in, 'g'));
	/* By 500 each time. */
	if (s->g.results[0].of.i32 != UINT32_MAX)
		assert_int_equal(s->g.results[0].of.i32 % 500, 2);
	return told(s, s->g.results[0].of.i32);
}

static void offer_wasi(struct scene *s)
{
	GUEST_OK(&s->g, skiff_wasi_new(&s->wasi, &s->g.err));
	GUEST_OK(&s->g, skiff_wasi_threads(s->wasi, 9, &s->g.err));
	GUEST_OK(&s->g, skiff_linker_wasi(s->g.linker, s->wasi, &s->g.err));
}

static void prepare_starting(struct scene *s)
{
	offer_wasi(s);
	s->pre = PRELINK(&s->g, starting);
}

static void prepare_to_start(struct scene *s)
{
	offer_wasi(s);
	s->in = ADD_MODULE(&s->g, starting);
}

static int start_thread(struct scene *s)
{
	GUEST_OK(&s->g, RUN(&s->g, s->in, 's', 1));
	return told(s, s->g.results[0].of.i32);
}

/* -- Refusing ------------------------------------------------------------------------------ */

static void open_scene(struct scene *s, const struct attempt *a)
{
	memset(s, 0, sizeof(*s));
	guest_open(&s->g, NULL);
	if (a->prepare != NULL)
		a->prepare(s);
}

static void close_scene(struct scene *s)
{
	skiff_prelinked_free(s->pre);
	guest_close(&s->g);
	skiff_wasi_free(s->wasi);
}

/* Which: the n-th allocation; the n-th mapping or thread; that and all behind, so that no other way is left. */
enum which { ALLOCATION, OTHER, OTHERS };

static int attempt_refusing(struct scene *s, const struct attempt *a, unsigned n, enum which which)
{
	int outcome;

	s->g.err.text[0] = '\0';
	calls = other_calls = 0;
	refuse_at = which == ALLOCATION ? n : 0;
	refuse_other_at = which == ALLOCATION ? 0 : n;
	refuse_others_behind = which == OTHERS;
	counting = true;
	outcome = a->attempt(s);
	counting = false;
	return outcome;
}

/* In a fresh scene each time: what one attempt left would spare the next its allocation. How many were refused. */
static unsigned refuse_each(const struct attempt *a, enum which which)
{
	for (unsigned n = 1;; n++) {
		struct scene s;
		unsigned made;
		int r;

		open_scene(&s, a);
		r = attempt_refusing(&s, a, n, which);
		made = which == ALLOCATION ? calls : other_calls;
		if (made < n)
			GUEST_OK(&s.g, r);
		else if (r == 0 && which == ALLOCATION && !a->does_without)
			fail_msg("allocation %u refused, and nobody noticed", n);
		if (r != 0)
			assert_string_not_equal(s.g.err.text, "");
		GUEST_OK(&s.g, attempt_refusing(&s, a, 0, which));
		close_scene(&s);
		if (made < n)
			return n - 1;
	}
}

static const struct attempt attempts[] = {
	{prepare_throwing, throw_in_guest, 1, 1, true},
	{prepare_throwing, throw_in_host, 1, 1, true},
	{prepare_throwing, give_exceptions, 1, 1, true},
	{NULL, make_shared, 1, 1, false},
	{NULL, make_wide, 1, 1, false},
	{NULL, make_wide_shared, 1, 1, false},
	{NULL, make_wide_table, 1, 0, false},
	{prepare_wide, instantiate, 1, 1, false},
	{prepare_growing, grow_table, 1, 0, false},
	{prepare_starting, instantiate, 1, 1, true},
	{prepare_to_start, start_thread, 1, 1, true},
};

static void each_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		unsigned allocations = refuse_each(&attempts[i], ALLOCATION);
		unsigned others = refuse_each(&attempts[i], OTHER);

		print_message("attempt %zu: %u allocations, %u mappings and threads\n", i,
			      allocations, others);
		assert_true(allocations >= attempts[i].allocations);
		assert_true(others >= attempts[i].others);
		refuse_each(&attempts[i], OTHERS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
