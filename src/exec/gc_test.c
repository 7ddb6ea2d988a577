/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc_test.c: the heap of objects by itself: what is found stays as it is, what is not found goes, the limit holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "exec/gc_heap.h"
#include "exec/module.h"
#include "exec/objects.h"
#include "exec/store.h"
#include "wasm/code_bytes.h"

/* Types: 0 a struct of anyref and i64, 1 an array of anyref, 2 an array of i8. */
static const uint8_t types[] = {MODULE(
	SECTION(1, 3, STRUCT_TYPE(2, 0x6e, 1, I64, 1), ARRAY_TYPE(0x6e, 1), ARRAY_TYPE(I8, 1)))};

struct world {
	struct common common;
	struct module *module;
	struct store *store;
	struct gc_roots roots;
	slot held[64]; /* looked at by the collector */
};

static void open_world(struct world *w, uint64_t limit)
{
	struct image *image;
	struct err err = {""};

	memset(w, 0, sizeof(*w));
	registry_init(&w->common.registry);
	memory_pool_init(&w->common.pool, false);
	w->common.stack_bytes = 1 << 18;
	w->common.gc_bytes = limit;
	assert_int_equal(bytes_decode(&image, types, sizeof(types), feature_default(), &err), 0);
	assert_int_equal(module_new(&w->module, &w->common, image, &err), 0);
	assert_int_equal(store_new(&w->store, &w->common, &err), 0);
	w->roots.slots = w->held;
	w->roots.count = ARRAY_SIZE(w->held);
	gc_roots_push(w->store, &w->roots);
}

static void close_world(struct world *w)
{
	gc_roots_pop(w->store, &w->roots);
	store_free(w->store);
	module_unref(w->module);
	memory_pool_deinit(&w->common.pool);
	registry_deinit(&w->common.registry);
}

static const struct type_info *info(const struct world *w, uint32_t type)
{
	return w->module->type_infos[type];
}

static struct object *make(struct world *w, uint32_t type, uint32_t length)
{
	const struct type_info *t = info(w, type);

	return type == 0 ? gc_new(w->store, OBJECT_STRUCT, t->id, 0, t->size)
			 : gc_new(w->store, OBJECT_ARRAY, t->id, length, array_bytes(t, length));
}

static slot *field(const struct world *w, struct object *object, uint32_t i)
{
	return (slot *)(void *)object_at(object, info(w, 0)->fields[i].at);
}

static slot *element(const struct world *w, struct object *array, uint32_t i)
{
	return (slot *)(void *)array_at(info(w, 1), array, i);
}

static uint64_t objects(const struct world *w)
{
	return gc_numbers(w->store).objects;
}

static void collect_to(struct world *w, uint64_t left)
{
	gc_collect(w->store);
	assert_int_equal(objects(w), left);
}

static bool is_filled(const struct object *object, uint64_t bytes, uint8_t with)
{
	for (uint64_t i = 0; i < bytes; i++)
		if (*object_at(object, sizeof(*object) + i) != with)
			return false;
	return true;
}

/* Of every size up to beyond the largest class: zero, aligned, and left alone when others come and go. */
static void sizes(void **state)
{
	struct world w;
	uint32_t size = 0;

	(void)state;
	open_world(&w, 64 << 20);
	for (uint32_t n = 0; size < 80000; n++, size += 1 + size / 16) {
		struct object *garbage = make(&w, 2, size + 1), *kept;

		assert_non_null(garbage);
		memset(object_at(garbage, sizeof(*garbage)), 0xff, size + 1);
		kept = make(&w, 2, size);
		assert_int_equal((uintptr_t)kept % 16, 8);
		assert_int_equal(kept->length, size);
		assert_true(is_filled(kept, size, 0));
		memset(object_at(kept, sizeof(*kept)), (int)n, size);
		w.held[n % 64] = ref_from_object(kept);
		if (n % 10 == 9)
			gc_collect(w.store);
		for (uint32_t i = 0; i < 64 && i <= n; i++) {
			struct object *old = object_of(w.held[(n - i) % 64]);

			assert_true(is_filled(old, old->length, (uint8_t)(n - i)));
		}
	}
	collect_to(&w, 64);
	memset(w.held, 0, sizeof(w.held));
	collect_to(&w, 0);
	assert_int_equal(gc_numbers(w.store).used, 0);
	close_world(&w);
}

/* Each cell of a class once, and again after a collection. */
static void cells(void **state)
{
	enum { COUNT = 20000 };
	struct object *array;
	struct world w;

	(void)state;
	open_world(&w, 64 << 20);
	array = make(&w, 1, COUNT);
	w.held[0] = ref_from_object(array);
	for (int round = 0; round < 3; round++) {
		/* Every second one dies and is made again. */
		for (uint32_t i = round == 0 ? 0 : 1; i < COUNT; i += round == 0 ? 1 : 2) {
			struct object *object = make(&w, 0, 0);

			assert_int_equal(*field(&w, object, 1), 0);
			*field(&w, object, 1) = i;
			*element(&w, array, i) = ref_from_object(object);
		}
		collect_to(&w, COUNT + 1);
		for (uint32_t i = 0; i < COUNT; i++)
			assert_int_equal(*field(&w, object_of(*element(&w, array, i)), 1), i);
		for (uint32_t i = 1; i < COUNT; i += 2)
			*element(&w, array, i) = 0;
		collect_to(&w, COUNT / 2 + 1);
	}
	close_world(&w);
}

static void cycles(void **state)
{
	struct object *a, *b;
	struct world w;

	(void)state;
	open_world(&w, 1 << 20);
	a = make(&w, 0, 0);
	w.held[0] = ref_from_object(a);
	b = make(&w, 0, 0);
	*field(&w, a, 0) = ref_from_object(b);
	*field(&w, b, 0) = ref_from_object(a);
	w.held[0] = ref_from_object(b);
	collect_to(&w, 2);
	w.held[0] = 0;
	collect_to(&w, 0);
	close_world(&w);
}

/* A list of a million; what holds i31, host objects and null besides is no matter. */
static void deep(void **state)
{
	enum { COUNT = 1000000 };
	struct world w;

	(void)state;
	open_world(&w, 256 << 20);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct object *object = make(&w, 0, 0);

		assert_non_null(object);
		*field(&w, object, 0) = i == 0 ? ref_from_i31(3) : w.held[0];
		*field(&w, object, 1) = i;
		w.held[0] = ref_from_object(object);
	}
	w.held[1] = ref_from_host(77);
	collect_to(&w, COUNT);
	for (uint32_t i = COUNT; i-- > 0; w.held[0] = *field(&w, object_of(w.held[0]), 0))
		assert_int_equal(*field(&w, object_of(w.held[0]), 1), i);
	assert_int_equal(w.held[0], ref_from_i31(3));
	collect_to(&w, 0);
	close_world(&w);
}

/* More is found at once than the list of what to look into may hold. */
static void wide(void **state)
{
	enum { COUNT = 100000 };
	struct object *array;
	struct world w;

	(void)state;
	open_world(&w, 256 << 20);
	array = make(&w, 1, COUNT);
	w.held[0] = ref_from_object(array);
	w.store->heap->mark_most = GC_MARK_HERE;
	for (uint32_t i = 0; i < COUNT; i++) {
		struct object *inner = make(&w, 0, 0), *outer;

		w.held[1] = ref_from_object(inner);
		outer = make(&w, 0, 0);
		*field(&w, outer, 0) = w.held[1];
		*element(&w, array, i) = ref_from_object(outer);
	}
	w.held[1] = 0;
	collect_to(&w, 2 * COUNT + 1);
	w.held[0] = 0;
	collect_to(&w, 0);
	close_world(&w);
}

/* A list whose links are looked into before what is beside them: however short the memory of what is still to be looked
 * into, a few passes do. */
static void beside_a_list(void **state)
{
	enum { COUNT = 100000 };
	struct world w;

	(void)state;
	open_world(&w, 256 << 20);
	w.held[0] = ref_from_i31(0);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct object *link;

		w.held[1] = ref_from_object(make(&w, 0, 0));
		link = make(&w, 1, 2);
		*element(&w, link, 0) = w.held[1];
		*element(&w, link, 1) = w.held[0];
		w.held[0] = ref_from_object(link);
	}
	w.held[1] = 0;
	w.store->heap->mark_most = GC_MARK_HERE;
	collect_to(&w, 2 * COUNT);
	assert_in_range(w.store->heap->passes, 2, 8);
	close_world(&w);
}

/* A word into an object keeps it, wherever it points; one beside it or to where one was does not. */
static void interior(void **state)
{
	struct object *small, *large;
	slot word;
	struct world w;

	(void)state;
	open_world(&w, 16 << 20);
	small = make(&w, 2, 40);
	w.held[0] = ref_from_object(small) + 47;
	large = make(&w, 2, 1 << 20);
	w.held[1] = ref_from_object(large) + 700001;
	collect_to(&w, 2);
	assert_int_equal(large->length, 1 << 20);
	word = w.held[0] = ref_from_object(small) - 1;
	w.held[1] = (ref_from_object(large) & ~UINT64_C(0xffff)) - 1;
	collect_to(&w, 0);
	assert_false(gc_is_object(w.store, word + 1));
	w.held[0] = word + 1;
	collect_to(&w, 0);
	close_world(&w);
}

static void pins(void **state)
{
	slot refs[100];
	struct world w;

	(void)state;
	open_world(&w, 1 << 20);
	gc_pin(w.store, 8);
	gc_unpin(w.store, 8);
	for (int i = 0; i < 100; i++) {
		refs[i] = ref_from_object(make(&w, 0, 0));
		gc_pin(w.store, refs[i]);
		gc_pin(w.store, refs[i]);
	}
	gc_pin(w.store, ref_from_i31(1));
	gc_pin(w.store, ref_from_host(1));
	gc_pin(w.store, refs[0] + 16 * 4096);
	collect_to(&w, 100);
	for (int i = 0; i < 100; i++)
		gc_unpin(w.store, refs[i]);
	collect_to(&w, 100);
	for (int i = 0; i < 100; i += 2)
		gc_unpin(w.store, refs[i]);
	collect_to(&w, 50);
	for (int i = 1; i < 100; i += 2) {
		assert_true(gc_is_object(w.store, refs[i]));
		gc_unpin(w.store, refs[i]);
	}
	gc_unpin(w.store, refs[0]);
	collect_to(&w, 0);
	close_world(&w);
}

/* A hundred times the limit of what nobody keeps, small and large. */
static void garbage(void **state)
{
	enum { LIMIT = 4 << 20 };
	struct world w;
	uint64_t bytes = 0;

	(void)state;
	open_world(&w, LIMIT);
	for (uint32_t i = 0; bytes < UINT64_C(100) * LIMIT; i++) {
		uint32_t size = i % 100 == 0 ? 1 << 20 : 50 + i * 37 % 2000;

		w.held[i % 4] = ref_from_object(make(&w, 2, size));
		assert_int_not_equal(w.held[i % 4], 0);
		assert_true(gc_numbers(w.store).used <= LIMIT);
		bytes += size;
	}
	assert_true(gc_numbers(w.store).collections > 50);
	assert_true(gc_numbers(w.store).collections < 2000);
	close_world(&w);
}

/* What is kept ends at the limit, and not a few collections for each of the last objects. */
static void limit(void **state)
{
	enum { LIMIT = 8 << 20 };
	struct object *object;
	struct world w;
	uint32_t count = 0;

	(void)state;
	open_world(&w, LIMIT);
	assert_null(make(&w, 2, LIMIT));
	assert_null(make(&w, 1, UINT32_MAX));
	while ((object = make(&w, 0, 0)) != NULL) {
		*field(&w, object, 0) = w.held[0];
		w.held[0] = ref_from_object(object);
		count++;
	}
	assert_true(count > LIMIT / 32 * 9 / 10);
	assert_true(gc_numbers(w.store).collections < 40);
	assert_null(make(&w, 2, 100000));
	collect_to(&w, count);
	w.held[0] = 0;
	assert_non_null(make(&w, 2, 100000));
	assert_true(objects(&w) <= 2);
	close_world(&w);
}

static uint64_t granted;

static bool refuse(void *env, int kind, uint64_t now, uint64_t wanted)
{
	assert_int_equal(kind, EXTERN_HEAP);
	assert_int_equal(now, granted);
	if (wanted > *(const uint64_t *)env)
		return false;
	granted = wanted;
	return true;
}

/* The store's limiter counts too: asked for what it was not asked for before. */
static void limiter(void **state)
{
	uint64_t most = 2 << 20;
	struct world w;
	uint32_t count = 0;

	(void)state;
	granted = 0;
	open_world(&w, 64 << 20);
	w.store->limiter = refuse;
	w.store->limiter_env = &most;
	for (int i = 0; i < 1000000; i++)
		assert_non_null(make(&w, 0, 0));
	for (struct object *o; (o = make(&w, 0, 0)) != NULL; count++) {
		*field(&w, o, 0) = w.held[0];
		w.held[0] = ref_from_object(o);
	}
	assert_true(gc_numbers(w.store).used <= most);
	assert_true(count > most / 32 / 2);
	close_world(&w);
}

/* Pages of what died go back: the next class finds room. */
static void reuse(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 4 << 20);
	for (uint32_t size = 8; size < 30000; size = size * 5 / 4) {
		for (uint32_t n = 0; n < (3 << 20) / (size + 24); n++) {
			struct object *array = make(&w, 1, size / 8 + 1);

			assert_non_null(array);
			*element(&w, array, 0) = w.held[0];
			w.held[0] = ref_from_object(array);
		}
		w.held[0] = 0;
	}
	close_world(&w);
}

static void always(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 1 << 20);
	w.common.gc_always = true;
	for (int i = 0; i < 1000; i++)
		w.held[i % 8] = ref_from_object(make(&w, i % 3, 30));
	assert_int_equal(objects(&w), 9); /* the one that just lost its place was there still */
	assert_int_equal(gc_numbers(w.store).collections, 1000);
	close_world(&w);
}

/* An exception is of no type that objects have, and its payload is looked at word by word. */
static void exceptions(void **state)
{
	struct exception *e;
	struct world w;

	(void)state;
	open_world(&w, 1 << 20);
	e = (struct exception *)(void *)gc_new(w.store, OBJECT_EXCEPTION, 4000000, 3,
					       sizeof(*e) + 3 * sizeof(slot));
	w.held[0] = ref_from_object(&e->object);
	e->values[2] = ref_from_object(make(&w, 0, 0));
	e->values[0] = 12345;
	collect_to(&w, 2);
	e->values[2] = 0;
	collect_to(&w, 1);
	close_world(&w);
}

static void supertypes(void **state)
{
	static const uint8_t chain[] = {MODULE(
		SECTION(1, 4, SUB_TYPE(0, STRUCT_TYPE(0)), SUB_TYPE(1, 0, STRUCT_TYPE(1, I8, 0)),
			SUB_TYPE(1, 1, STRUCT_TYPE(2, I8, 0, V128, 0)),
			SUB_TYPE(1, 0, STRUCT_TYPE(1, I32, 0))))};
	const struct type_info *const *t;
	struct registry *registry;
	struct module *module;
	struct image *image;
	struct err err = {""};
	struct world w;

	(void)state;
	open_world(&w, 0);
	registry = &w.common.registry;
	assert_int_equal(bytes_decode(&image, chain, sizeof(chain), feature_default(), &err), 0);
	assert_int_equal(module_new(&module, &w.common, image, &err), 0);
	t = module->type_infos;
	for (uint32_t a = 0; a < 4; a++)
		for (uint32_t b = 0; b < 4; b++) {
			bool below = a == b || b == 0 || (a == 2 && b == 1);

			assert_int_equal(info_extends(t[a], t[b]), below);
			assert_int_equal(type_extends(registry, t[a]->id, t[b]->id), below);
		}
	assert_int_equal(t[2]->fields[0].at, 8);
	assert_int_equal(t[2]->fields[1].at, 24);
	assert_int_equal(t[2]->size, 40);
	module_unref(module);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),      cmocka_unit_test(cells),
		cmocka_unit_test(cycles),     cmocka_unit_test(deep),
		cmocka_unit_test(wide),       cmocka_unit_test(beside_a_list),
		cmocka_unit_test(interior),   cmocka_unit_test(pins),
		cmocka_unit_test(garbage),    cmocka_unit_test(limit),
		cmocka_unit_test(limiter),    cmocka_unit_test(reuse),
		cmocka_unit_test(always),     cmocka_unit_test(exceptions),
		cmocka_unit_test(supertypes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
