/* SPDX-License-Identifier: Apache-2.0 */
/* coredump_test.c: dumps of small guests, read back by the decoder and byte by byte. */
#include "engine/coredump.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "exec/module.h"
#include "interp/interp.h"
#include "wasm/module_bytes.h"
#include "wasm/reader.h"

/* A store, and an instance of one module in it. */
struct guest {
	struct common common;
	struct store *store;
	struct module *module;
	struct instance *instance;
};

static int dump_result;

static void on_trap(struct store *store, const uint8_t *pc)
{
	dump_result = coredump_write(store, pc, store->coredump_fd);
}

static void guest_open(struct guest *g, const uint8_t *bytes, size_t size)
{
	struct image *image;
	struct err err = {""};
	int trap = 0;

	memset(g, 0, sizeof(*g));
	registry_init(&g->common.registry);
	memory_pool_init(&g->common.pool, false);
	g->common.tier.entry = interp_entry;
	g->common.stack_bytes = 256 * 1024;
	assert_int_equal(store_new(&g->store, &g->common, &err), 0);
	if (bytes_decode(&image, bytes, size, feature_default(), &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(module_new(&g->module, &g->common, image, &err), 0);
	assert_int_equal(instance_new(&g->instance, g->store, g->module, NULL, &trap, &err), 0);
	g->store->coredump_fd = memfd_create("dump", MFD_CLOEXEC);
	assert_true(g->store->coredump_fd >= 0);
	g->store->on_trap = on_trap;
}

static void guest_close(struct guest *g)
{
	close(g->store->coredump_fd);
	store_free(g->store);
	module_unref(g->module);
	memory_pool_deinit(&g->common.pool);
	registry_deinit(&g->common.registry);
}

/* Call function `index` without arguments: it traps, and a dump is written. */
static void run(struct guest *g, uint32_t index, enum trap trap)
{
	struct thread *thread = &g->store->thread;

	dump_result = 1;
	assert_int_equal(thread_call(thread, instance_func(g->instance, index), thread->top),
			 STATUS_TRAP);
	assert_int_equal(thread->trap, trap);
	assert_int_equal(dump_result, 0);
}

/* The dump, which must be a module. */
static struct image *dumped(struct guest *g)
{
	off_t size = lseek(g->store->coredump_fd, 0, SEEK_END);
	struct image *image = image_new((size_t)size);
	struct err err;

	assert_non_null(image);
	assert_int_equal(pread(g->store->coredump_fd, image_input(image), (size_t)size, 0), size);
	if (decode(&image, feature_default(), &err) != 0)
		fail_msg("%s", err.text);
	return image;
}

static struct reader custom(const struct image *image, const char *name)
{
	const struct image_section *sections = IMAGE_ITEMS(image, struct image_section, sections);
	const uint8_t *module = image_module(image);

	for (uint32_t i = 0; i < image->sections.count; i++) {
		struct image_bytes content = sections[i].content;

		if (sections[i].id == 0 && sections[i].name.size == strlen(name) &&
		    memcmp(module + sections[i].name.at, name, strlen(name)) == 0)
			return (struct reader){.at = module + content.at,
					       .end = module + content.at + content.size};
	}
	fail_msg("no section '%s'", name);
	return (struct reader){0};
}

/* -- A guest of two functions ------------------------------------------------------------- */

/* table-like: an instruction a line. */
/* clang-format off */
#define INNER_CODE \
	0x41, 0x80, 0x80, 0x08, /* 0x20000 */ \
	0x41, 0x2a, \
	0x36, 0x02, 0x00, /* i32.store */ \
	0x00, 0x0b
#define OUTER_CODE \
	0x41, 0x07, /* stays below the arguments */ \
	0x41, 0x7b, /* -5 */ \
	0x42, 0x80, 0x7f, /* -128 */ \
	0x43, 0, 0, 0xc0, 0x3f, /* 1.5 */ \
	0x44, 0, 0, 0, 0, 0, 0, 0x04, 0x40, /* 2.5 */ \
	0x10, 0x00, 0x1a, 0x0b

/* table-like: a section a line. */
static const uint8_t two[] = {MODULE(
	SECTION(1, 2, FUNC_TYPE(4, I32, I64, F32, F64, 0), FUNC_TYPE(0, 0)),
	SECTION(3, 2, 0, 1),
	SECTION(5, 1, 1, 4, 5),
	SECTION(6, 6, I32, 1, 0x41, 0x2a, 0x0b, I64, 0, 0x42, 0x7f, 0x0b, F32, 0, 0x43, 0, 0, 0xc0, 0x3f,
		0x0b, F64, 0, 0x44, 0, 0, 0, 0, 0, 0, 0x04, 0x40, 0x0b, V128, 0, 0xfd, 0x0c, 1, 2, 3, 4, 5,
		6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x0b, 0x70, 1, 0xd2, 0, 0x0b),
	SECTION(10, 2,
		BODY(3, 1, V128, 1, I32, 1, 0x70, INNER_CODE),
		BODY(0, OUTER_CODE)),
	SECTION(0, 4, 'n', 'a', 'm', 'e', 0, 4, 3, 't', 'w', 'o'))};
/* clang-format on */

static uint32_t number(struct reader *r)
{
	uint32_t n = 0;

	assert_true(reader_u32(r, &n));
	return n;
}

static void assert_bytes(struct reader *r, const void *bytes, size_t size)
{
	const uint8_t *found = reader_take(r, size);

	assert_non_null(found);
	assert_memory_equal(found, bytes, size);
}

#define ASSERT_BYTES(r, ...) \
	assert_bytes(r, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void lists(void **state)
{
	struct guest g;
	struct image *image;
	struct reader r;

	(void)state;
	guest_open(&g, two, sizeof(two));
	run(&g, 1, TRAP_UNREACHABLE);
	image = dumped(&g);
	r = custom(image, "core");
	ASSERT_BYTES(&r, 0, 3, 't', 'w', 'o');
	assert_ptr_equal(r.at, r.end);
	r = custom(image, "coremodules");
	ASSERT_BYTES(&r, 1, 0, 3, 't', 'w', 'o');
	assert_ptr_equal(r.at, r.end);
	r = custom(image, "coreinstances");
	ASSERT_BYTES(&r, 1, 0, 0, 1, 0, 6, 0, 1, 2, 3, 4, 5);
	assert_ptr_equal(r.at, r.end);
	image_free(image);
	guest_close(&g);
}

static void stack(void **state)
{
	static const uint8_t inner[] = {INNER_CODE}, outer[] = {OUTER_CODE};
	struct guest g;
	struct image *image;
	struct reader r;

	(void)state;
	guest_open(&g, two, sizeof(two));
	run(&g, 1, TRAP_UNREACHABLE);
	image = dumped(&g);
	r = custom(image, "corestack");
	ASSERT_BYTES(&r, 0, 4, 'm', 'a', 'i', 'n', 2);
	ASSERT_BYTES(&r, 0, 0, 0); /* instance, function, then how far into the body */
	assert_int_equal(number(&r), 7 + sizeof(inner) - 2);
	ASSERT_BYTES(&r, 7, I32, 0x7b, I64, 0x80, 0x7f, F32, 0, 0, 0xc0, 0x3f, F64, 0, 0, 0, 0, 0,
		     0, 0x04, 0x40);
	ASSERT_BYTES(&r, 1, I32, 0, 1); /* the vector and the reference are missing */
	ASSERT_BYTES(&r, 0);
	ASSERT_BYTES(&r, 0, 0, 1);
	assert_int_equal(number(&r), 1 + sizeof(outer) - 4);
	ASSERT_BYTES(&r, 0, 1, 1); /* no locals; one operand, missing */
	assert_ptr_equal(r.at, r.end);
	image_free(image);
	guest_close(&g);
}

static void contents(void **state)
{
	struct guest g;
	struct image *image;
	const struct image_memory *memory;
	const struct image_global *globals;
	const struct image_data *data;

	(void)state;
	guest_open(&g, two, sizeof(two));
	run(&g, 1, TRAP_UNREACHABLE);
	image = dumped(&g);
	assert_int_equal(image->memories.count, 1);
	memory = IMAGE_ITEMS(image, struct image_memory, memories);
	assert_int_equal(memory->limits.min, 4);
	assert_int_equal(memory->limits.max, 5);
	assert_int_equal(image->globals.count, 6);
	globals = IMAGE_ITEMS(image, struct image_global, globals);
	assert_int_equal(globals[0].type, TYPE_I32);
	assert_int_equal(globals[0].is_mutable, 0);
	assert_int_equal(globals[0].init.value, 42);
	assert_true(globals[1].init.value == UINT64_MAX);
	assert_int_equal(globals[2].init.value, 0x3fc00000);
	assert_true(globals[3].init.value == UINT64_C(0x4004000000000000));
	assert_int_equal(globals[4].type, TYPE_V128);
	assert_int_equal(globals[5].type, TYPE_FUNCREF);
	/* Of four pages one is not all zeros. */
	assert_int_equal(image->datas.count, 1);
	data = IMAGE_ITEMS(image, struct image_data, datas);
	assert_int_equal(data->offset.value, 0x20000);
	assert_int_equal(data->bytes.size, PAGE_BYTES);
	assert_int_equal(image_module(image)[data->bytes.at], 42);
	image_free(image);
	guest_close(&g);
}

/* -- Others ------------------------------------------------------------------------------- */

/* Nothing runs, nothing is there: an empty dump. */
static void nothing(void **state)
{
	static const uint8_t empty[] = {MODULE(SECTION(1, 0))};
	struct guest g;
	struct image *image;
	struct reader r;

	(void)state;
	guest_open(&g, empty, sizeof(empty));
	assert_int_equal(coredump_write(g.store, NULL, g.store->coredump_fd), 0);
	image = dumped(&g);
	r = custom(image, "coreinstances");
	ASSERT_BYTES(&r, 1, 0, 0, 0, 0);
	r = custom(image, "corestack");
	ASSERT_BYTES(&r, 0, 4, 'm', 'a', 'i', 'n', 0);
	assert_int_equal(image->memories.count, 0);
	image_free(image);
	guest_close(&g);
}

/* A recursion to the end of the stack, through two calls of a long function. */
static void deep_recursion(void **state)
{
	struct buf module = {0}, body = {0};
	struct guest g;
	struct image *image;
	struct reader r;
	uint32_t count;

	(void)state;
	BYTES(&body, 0);
	for (int i = 0; i < 100000; i++)
		BYTES(&body, 0x01);
	BYTES(&body, 0x10, 0, 0x10, 0, 0x0b);
	bytes_func_module(&module, &body);
	guest_open(&g, module.data, module.size);
	run(&g, 0, TRAP_STACK_EXHAUSTED);
	image = dumped(&g);
	r = custom(image, "corestack");
	ASSERT_BYTES(&r, 0, 4, 'm', 'a', 'i', 'n');
	count = number(&r);
	assert_in_range(count, 1000, 256 * 1024 / 8);
	for (uint32_t i = 0; i < count; i++) {
		ASSERT_BYTES(&r, 0, 0, 0);
		assert_int_equal(number(&r), 100001);
		ASSERT_BYTES(&r, 0, 0);
	}
	assert_ptr_equal(r.at, r.end);
	image_free(image);
	guest_close(&g);
	buf_deinit(&module);
}

/* Two memories full of data would need two memories in the dump; one shared by instances is there once. */
static void two_instances(void **state)
{
	struct guest g;
	struct instance *other;
	struct image *image;
	struct err err;
	struct reader r;
	int trap;

	(void)state;
	guest_open(&g, two, sizeof(two));
	assert_int_equal(instance_new(&other, g.store, g.module, NULL, &trap, &err), 0);
	other->memories[0] = g.instance->memories[0];
	memcpy(other->globals, g.instance->globals, 6 * sizeof(void *));
	run(&g, 1, TRAP_UNREACHABLE);
	image = dumped(&g);
	assert_int_equal(image->memories.count, 1);
	assert_int_equal(image->globals.count, 6);
	r = custom(image, "coremodules");
	assert_int_equal(number(&r), 1);
	r = custom(image, "coreinstances");
	ASSERT_BYTES(&r, 2, 0, 0, 1, 0, 6, 0, 1, 2, 3, 4, 5, 0, 0, 1, 0, 6, 0, 1, 2, 3, 4, 5);
	image_free(image);
	guest_close(&g);
}

/*
 * Memories of one instance: 0 with a byte in its second page, 1 with 64 bits and a byte in its third, 2 empty. Function
 * 0 writes and traps.
 */
static const uint8_t three[] = {
	MODULE(SECTION(1, 1, FUNC_TYPE(0, 0)), SECTION(3, 1, 0), SECTION(5, 3, 0, 2, 5, 3, 9, 0, 0),
	       SECTION(10, 1,
		       BODY(0, 0x41, 0x80, 0x80, 4, 0x41, 5, 0x3a, 0, 0, 0x42, 0x80, 0x80, 8, 0x41,
			    6, 0x3a, 0x40, 1, 7, 0x00, 0x0b)))};

static void several_memories(void **state)
{
	const struct image_memory *memories;
	const struct image_data *datas;
	struct image *image;
	struct reader r;
	struct guest g;

	(void)state;
	guest_open(&g, three, sizeof(three));
	run(&g, 0, TRAP_UNREACHABLE);
	image = dumped(&g);
	assert_int_equal(image->memories.count, 3);
	memories = IMAGE_ITEMS(image, struct image_memory, memories);
	assert_true(!memories[0].limits.is64 && memories[0].limits.min == 2);
	assert_true(memories[1].limits.is64 && memories[1].limits.min == 3 &&
		    memories[1].limits.max == 9);
	assert_true(!memories[2].limits.is64 && memories[2].limits.min == 0);
	assert_int_equal(image->datas.count, 2);
	datas = IMAGE_ITEMS(image, struct image_data, datas);
	assert_true(datas[0].memory == 0 && datas[0].offset.value == 0x10000);
	assert_true(datas[1].memory == 1 && datas[1].offset.value == 0x20000);
	assert_int_equal(image_module(image)[datas[0].bytes.at], 5);
	assert_int_equal(image_module(image)[datas[1].bytes.at + 7], 6);
	r = custom(image, "coreinstances");
	ASSERT_BYTES(&r, 1, 0, 0, 3, 0, 1, 2, 0);
	image_free(image);
	guest_close(&g);
}

static void full_disk(void **state)
{
	struct guest g;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		skip();
	guest_open(&g, two, sizeof(two));
	assert_int_equal(coredump_write(g.store, NULL, fd), -ENOSPC);
	assert_int_equal(coredump_write(g.store, NULL, -1), -EBADF);
	guest_close(&g);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(stack),
		cmocka_unit_test(contents),
		cmocka_unit_test(nothing),
		cmocka_unit_test(deep_recursion),
		cmocka_unit_test(two_instances),
		cmocka_unit_test(several_memories),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
