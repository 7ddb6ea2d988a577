/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi_test.c: a guest's world as an embedder sets it up: what is refused and how it is said, what is linked, and how
 * a guest that waits is stopped. The functions themselves are tested where they are (src/wasi, test/wasi).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/test_guest.h"

/*
 * (import "wasi_snapshot_preview1" "args_sizes_get" (func (param i32 i32) (result i32)))
 * (import "wasi_snapshot_preview1" "sock_accept" (func (param i32 i32 i32) (result i32)))
 * (memory (export "memory") 1)
 * (func (export "f") (result i32)
 *   (drop (call 0 (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
 */
static const uint8_t counts[] = {
	/* clang-format off */
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x12, 0x03, 0x60, 0x02, 0x7f,
	0x7f, 0x01, 0x7f, 0x60, 0x03, 0x7f, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x00, 0x01, 0x7f,
	0x02, 0x4e, 0x02, 0x16, 0x77, 0x61, 0x73, 0x69, 0x5f, 0x73, 0x6e, 0x61, 0x70, 0x73,
	0x68, 0x6f, 0x74, 0x5f, 0x70, 0x72, 0x65, 0x76, 0x69, 0x65, 0x77, 0x31, 0x0e, 0x61,
	0x72, 0x67, 0x73, 0x5f, 0x73, 0x69, 0x7a, 0x65, 0x73, 0x5f, 0x67, 0x65, 0x74, 0x00,
	0x00, 0x16, 0x77, 0x61, 0x73, 0x69, 0x5f, 0x73, 0x6e, 0x61, 0x70, 0x73, 0x68, 0x6f,
	0x74, 0x5f, 0x70, 0x72, 0x65, 0x76, 0x69, 0x65, 0x77, 0x31, 0x0b, 0x73, 0x6f, 0x63,
	0x6b, 0x5f, 0x61, 0x63, 0x63, 0x65, 0x70, 0x74, 0x00, 0x01, 0x03, 0x02, 0x01, 0x02,
	0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x0e, 0x02, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72,
	0x79, 0x02, 0x00, 0x01, 0x66, 0x00, 0x02, 0x0a, 0x10, 0x01, 0x0e, 0x00, 0x41, 0x00,
	0x41, 0x04, 0x10, 0x00, 0x1a, 0x41, 0x00, 0x28, 0x02, 0x00, 0x0b,
	/* clang-format on */
};

/*
 * (import "wasi_snapshot_preview1" "fd_read" (func (param i32 i32 i32 i32) (result i32)))
 * (memory (export "memory") 1)
 * (data (i32.const 0) "\10\00\00\00\04")
 * (func (export "f") (result i32)
 *   (call 0 (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
 */
static const uint8_t reads[] = {
	/* clang-format off */
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0d, 0x02, 0x60, 0x04, 0x7f,
	0x7f, 0x7f, 0x7f, 0x01, 0x7f, 0x60, 0x00, 0x01, 0x7f, 0x02, 0x22, 0x01, 0x16, 0x77,
	0x61, 0x73, 0x69, 0x5f, 0x73, 0x6e, 0x61, 0x70, 0x73, 0x68, 0x6f, 0x74, 0x5f, 0x70,
	0x72, 0x65, 0x76, 0x69, 0x65, 0x77, 0x31, 0x07, 0x66, 0x64, 0x5f, 0x72, 0x65, 0x61,
	0x64, 0x00, 0x00, 0x03, 0x02, 0x01, 0x01, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x0e,
	0x02, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x01, 0x66, 0x00, 0x01,
	0x0a, 0x0e, 0x01, 0x0c, 0x00, 0x41, 0x00, 0x41, 0x00, 0x41, 0x01, 0x41, 0x08, 0x10,
	0x00, 0x0b, 0x0b, 0x0b, 0x01, 0x00, 0x41, 0x00, 0x0b, 0x05, 0x10, 0x00, 0x00, 0x00,
	0x04,
	/* clang-format on */
};

struct world {
	struct guest guest;
	struct skiff_wasi *wasi;
};

static int begin(void **state)
{
	static struct world world;

	guest_open(&world.guest, NULL);
	GUEST_OK(&world.guest, skiff_wasi_new(&world.wasi, &world.guest.err));
	*state = &world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	skiff_wasi_free(world->wasi);
	guest_close(&world->guest);
	return 0;
}

static void link_wasi(struct world *w)
{
	GUEST_OK(&w->guest, skiff_linker_wasi(w->guest.linker, w->wasi, &w->guest.err));
}

static void test_arguments(void **state)
{
	struct world *w = *state;
	struct guest *g = &w->guest;

	GUEST_OK(g, skiff_wasi_arg(w->wasi, "program", &g->err));
	GUEST_OK(g, skiff_wasi_arg(w->wasi, "", &g->err));
	GUEST_OK(g, skiff_wasi_env(w->wasi, "A=1", &g->err));
	link_wasi(w);
	EXPECT(2, g, ADD_MODULE(g, counts), 'f');
}

/* Many instances of one prelinked module: one function of the store's for each import. */
static void test_linked_again(void **state)
{
	struct world *w = *state;
	struct guest *g = &w->guest;
	struct skiff_prelinked *pre;

	link_wasi(w);
	pre = PRELINK(g, counts);
	for (int i = 0; i < 3; i++)
		EXPECT(0, g, guest_make(g, pre), 'f');
	skiff_prelinked_free(pre);
}

static void test_without(void **state)
{
	struct world *w = *state;
	struct guest *g = &w->guest;
	struct skiff_prelinked *pre = NULL;
	struct skiff_module *module = NULL;

	GUEST_OK(g, skiff_module_new(&module, g->engine, counts, sizeof(counts), &g->err));
	assert_int_equal(skiff_prelink(&pre, g->linker, module, &g->err), SKIFF_UNLINKABLE);
	assert_non_null(strstr(g->err.text, "args_sizes_get"));
	skiff_module_free(module);
}

#define REFUSED(error, words, call)                        \
	do {                                               \
		g->err.text[0] = '\0';                     \
		assert_int_equal(call, error);             \
		if (strstr(g->err.text, words) == NULL)    \
			fail_msg("said: %s", g->err.text); \
	} while (0)

static void test_refused(void **state)
{
	struct world *w = *state;
	struct guest *g = &w->guest;

	REFUSED(-EINVAL, "'A'", skiff_wasi_env(w->wasi, "A", &g->err));
	REFUSED(-ENOENT, "/no/such", skiff_wasi_dir(w->wasi, "/", "/no/such", 0, &g->err));
	REFUSED(-ENOTDIR, "/dev/null", skiff_wasi_dir(w->wasi, "/", "/dev/null", 0, &g->err));
	GUEST_OK(g, skiff_wasi_dir(w->wasi, "/a", "/", 0, &g->err));
	REFUSED(-EEXIST, "twice", skiff_wasi_dir(w->wasi, "a/", "/", 0, &g->err));
	REFUSED(-EINVAL, "..", skiff_wasi_dir(w->wasi, "/a/../b", "/", 0, &g->err));
	REFUSED(-EINVAL, "3", skiff_wasi_stdio(w->wasi, 3, 0, &g->err));
	REFUSED(-EBADF, "1000", skiff_wasi_listen_fd(w->wasi, 1000, &g->err));
	REFUSED(-EINVAL, "nonsense", skiff_wasi_listen(w->wasi, "nonsense", &g->err));
	REFUSED(-EINVAL, "nonsense", skiff_wasi_allow_net(w->wasi, "nonsense", &g->err));
	GUEST_OK(g, skiff_wasi_workdir(w->wasi, "/elsewhere", &g->err));
	REFUSED(-ENOENT, "/elsewhere", skiff_linker_wasi(g->linker, w->wasi, &g->err));
}

static void test_sealed(void **state)
{
	struct world *w = *state;
	struct guest *g = &w->guest;

	link_wasi(w);
	link_wasi(w); /* again is no harm */
	REFUSED(-EBUSY, "linked", skiff_wasi_arg(w->wasi, "late", &g->err));
	REFUSED(-EBUSY, "linked", skiff_wasi_dir(w->wasi, "/", "/", 0, &g->err));
}

static void *interrupt_soon(void *store)
{
	usleep(20 * 1000);
	skiff_store_interrupt(store);
	return NULL;
}

/* A guest that waits for input is stopped like one that computes. */
static void test_interrupted(void **state)
{
	struct world *w = *state;
	struct guest *g = &w->guest;
	struct skiff_instance *instance;
	pthread_t thread;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	GUEST_OK(g, skiff_wasi_stdio(w->wasi, 0, ends[0], &g->err));
	link_wasi(w);
	instance = ADD_MODULE(g, reads);
	assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, g->store), 0);
	EXPECT_TRAP("interrupted", g, instance, 'f');
	pthread_join(thread, NULL);
	assert_false(skiff_wasi_stop(w->wasi, 1)); /* it serves nobody */
	/* And goes on where it is called again. */
	assert_int_equal(write(ends[1], "abcd", 4), 4);
	EXPECT(0, g, instance, 'f');
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arguments, begin, end),
		cmocka_unit_test_setup_teardown(test_linked_again, begin, end),
		cmocka_unit_test_setup_teardown(test_without, begin, end),
		cmocka_unit_test_setup_teardown(test_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_sealed, begin, end),
		cmocka_unit_test_setup_teardown(test_interrupted, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
