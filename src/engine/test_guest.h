/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_guest.h: an engine with a linker and a store, and short ways to load and call, for the tests of the
 * public API. Included by one test program each, behind cmocka.h.
 */
#ifndef ENGINE_TEST_GUEST_H
#define ENGINE_TEST_GUEST_H

#include "skiff.h"
#include "wasm/code_bytes.h"

struct guest {
	struct skiff_engine *engine;
	struct skiff_linker *linker;
	struct skiff_store *store;
	struct skiff_trap *trap; /* of the last call */
	struct skiff_val results[8];
	struct skiff_error err;
	int exit_code;
};

#define GUEST_OK(g, call)                                                     \
	do {                                                                  \
		int outcome = (call);                                         \
		if (outcome != 0)                                             \
			fail_msg("%s: %d %s", #call, outcome, (g)->err.text); \
	} while (0)

static inline void guest_open(struct guest *g, const struct skiff_config *config)
{
	memset(g, 0, sizeof(*g));
	GUEST_OK(g, skiff_engine_new(&g->engine, config, &g->err));
	GUEST_OK(g, skiff_linker_new(&g->linker, g->engine, &g->err));
	GUEST_OK(g, skiff_store_new(&g->store, g->engine, &g->err));
}

static inline void guest_close(struct guest *g)
{
	skiff_trap_free(g->trap);
	skiff_store_free(g->store);
	skiff_linker_free(g->linker);
	skiff_engine_free(g->engine);
}

static inline struct skiff_prelinked *guest_prelink(struct guest *g, const uint8_t *bytes,
						    size_t size)
{
	struct skiff_prelinked *pre = NULL;
	struct skiff_module *module = NULL;

	GUEST_OK(g, skiff_module_new(&module, g->engine, bytes, size, &g->err));
	GUEST_OK(g, skiff_prelink(&pre, g->linker, module, &g->err));
	skiff_module_free(module);
	return pre;
}

/* Instantiate; the outcome, whatever it is. */
static inline int guest_try(struct guest *g, const struct skiff_prelinked *pre,
			    struct skiff_instance **ret)
{
	skiff_trap_free(g->trap);
	g->trap = NULL;
	return skiff_instance_new(ret, g->store, pre, &g->trap, &g->exit_code, &g->err);
}

static inline struct skiff_instance *guest_make(struct guest *g, const struct skiff_prelinked *pre)
{
	struct skiff_instance *instance = NULL;

	GUEST_OK(g, guest_try(g, pre, &instance));
	return instance;
}

/* Module, imports and instance in one. */
static inline struct skiff_instance *guest_add(struct guest *g, const uint8_t *bytes, size_t size)
{
	struct skiff_prelinked *pre = guest_prelink(g, bytes, size);
	struct skiff_instance *instance = guest_make(g, pre);

	skiff_prelinked_free(pre);
	return instance;
}
#define ADD_MODULE(g, bytes) guest_add(g, bytes, sizeof(bytes))
#define PRELINK(g, bytes) guest_prelink(g, bytes, sizeof(bytes))

static inline struct skiff_extern guest_export(struct skiff_instance *instance, char letter)
{
	struct skiff_extern item = {.kind = SKIFF_KIND_FUNC};

	assert_true(skiff_instance_export(instance, &letter, 1, &item));
	return item;
}

static inline int guest_call(struct guest *g, struct skiff_func *func, const struct skiff_val *args,
			     size_t count)
{
	struct skiff_externtype type;

	skiff_extern_type((struct skiff_extern){.kind = SKIFF_KIND_FUNC, .of.func = func}, &type);
	assert_true(type.func.result_count <= 8);
	skiff_trap_free(g->trap);
	g->trap = NULL;
	return skiff_call(g->store, func, args, count, g->results, type.func.result_count, &g->trap,
			  &g->exit_code, &g->err);
}

/* Call an export with i32 arguments. */
static inline int guest_run(struct guest *g, struct skiff_instance *instance, char letter,
			    const uint32_t *args, size_t count)
{
	struct skiff_val values[8];

	for (size_t i = 0; i < count; i++)
		values[i] = (struct skiff_val){.type = SKIFF_I32, .of.i32 = args[i]};
	return guest_call(g, guest_export(instance, letter).of.func, values, count);
}

#define ARGUMENTS(...)                              \
	&((const uint32_t[]){0, ##__VA_ARGS__})[1], \
		sizeof((const uint32_t[]){0, ##__VA_ARGS__}) / sizeof(uint32_t) - 1
/* RUN(g, instance, 'f', 1, 2): the outcome. */
#define RUN(g, instance, letter, ...) guest_run(g, instance, letter, ARGUMENTS(__VA_ARGS__))

#define EXPECT(value, g, instance, letter, ...)                              \
	do {                                                                 \
		GUEST_OK(g, RUN(g, instance, letter, ##__VA_ARGS__));        \
		assert_int_equal((g)->results[0].of.i32, (uint32_t)(value)); \
	} while (0)

#define EXPECT_TRAP(code, g, instance, letter, ...)                                    \
	do {                                                                           \
		assert_int_equal(RUN(g, instance, letter, ##__VA_ARGS__), SKIFF_TRAP); \
		assert_non_null((g)->trap);                                            \
		assert_string_equal(skiff_trap_code((g)->trap), code);                 \
	} while (0)

/* -- Host functions ------------------------------------------------------------------------ */

/* Offer 'h' `name` with up to two parameters and one result; type 0: none. */
static inline void guest_host(struct guest *g, const char *name, skiff_host_fn *fn, void *env,
			      const struct skiff_functype *type)
{
	GUEST_OK(g, skiff_linker_func(g->linker, "h", name, type, fn, env, NULL, &g->err));
}

static const uint32_t guest_i32s[8] = {SKIFF_I32, SKIFF_I32, SKIFF_I32, SKIFF_I32,
				       SKIFF_I32, SKIFF_I32, SKIFF_I32, SKIFF_I32};
/* A type of i32s only. */
static inline struct skiff_functype guest_type(uint32_t params, uint32_t results)
{
	return (struct skiff_functype){guest_i32s, guest_i32s, params, results};
}

#endif
