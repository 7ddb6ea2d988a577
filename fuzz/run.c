/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c (fuzz): any bytes as a module that is run: imports satisfied by the plainest things there are, every
 * exported function called with zeros, in bounded fuel and memory.
 *
 * Beyond the sanitizers: a module runs the same each time. An instance whose memory is copied, a second one whose
 * memory is mapped, and the first one after a reset must end each call alike, with the same results, fuel and
 * memory. And where no call ran out of fuel, an engine that counts none must end each alike too: that is the other
 * interpreter (tail calls and fused sequences) against the one that looks at every instruction. Nor out of memory for
 * objects: what the stack still holds by chance, and so keeps, differs between the two. The engine that counts none also
 * collects before each object.
 *
 * An input that begins with WOVEN is no module: one is woven of the rest (weave.h).
 *
 * Time stands still: nobody else is there to wake a guest that waits, so the target is linked with a wake_park() of its
 * own, by which a wait with a time has timed out at once and one without is interrupted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/wake.h"
#include "skiff.h"
#include "weave.h"

enum {
	WOVEN = 0xff,
	FUEL = 12500, /* each may make an object, and with it a collection */
	VALUES_MOST = 100,
	BYTES_MOST = 64 << 20,
	OBJECTS_MOST = 16 << 20,
	ENTRIES_MOST = 1 << 16
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
bool __wrap_wake_park(struct wake *wake, uint64_t deadline);

static struct skiff_store *running; /* borrowed: the last one opened */

/* What the calls since the last start of a run cost. */
static struct {
	uint64_t digest;
	bool ran_out;
} fuel;

static void require(bool truth)
{
	if (!truth)
		abort();
}

static bool limit(void *env, enum skiff_kind kind, uint64_t now, uint64_t wanted)
{
	(void)env;
	(void)now;
	if ((int)kind == SKIFF_KIND_HEAP)
		return true; /* the engine's own limit */
	return wanted <= (kind == SKIFF_KIND_MEMORY ? BYTES_MOST : ENTRIES_MOST);
}

static struct skiff_store *open_store(struct skiff_engine *engine)
{
	struct skiff_store *store = NULL;

	require(skiff_store_new(&store, engine, NULL) == 0);
	skiff_store_limiter(store, limit, NULL);
	skiff_store_set_fuel(store, FUEL);
	running = store;
	return store;
}

bool __wrap_wake_park(struct wake *wake, uint64_t deadline)
{
	(void)wake;
	if (deadline != UINT64_MAX)
		return false;
	skiff_store_interrupt(running);
	return true;
}

/* -- Imports ------------------------------------------------------------------------------- */

static int host(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		struct skiff_val *results)
{
	(void)env;
	(void)args;
	(void)results;
	/* Some of them look at the memory. */
	if (skiff_caller_memory(caller) != NULL)
		skiff_memory_size(skiff_caller_memory(caller));
	return 0;
}

static int make_item(struct skiff_store *store, const struct skiff_externtype *type,
		     struct skiff_extern *ret)
{
	struct skiff_val zero = {.type = type->value};

	ret->kind = type->kind;
	switch (type->kind) {
	case SKIFF_KIND_FUNC:
		return skiff_func_new(&ret->of.func, store, &type->func, host, NULL, NULL, NULL);
	case SKIFF_KIND_TABLE:
		return skiff_table_new(&ret->of.table, store, type->value, &type->limits,
				       zero.of.ref, NULL);
	case SKIFF_KIND_MEMORY:
		return skiff_memory_new(&ret->of.memory, store, &type->limits, NULL);
	case SKIFF_KIND_GLOBAL:
		return skiff_global_new(&ret->of.global, store, type->is_mutable, zero, NULL);
	case SKIFF_KIND_TAG:
		return skiff_tag_new(&ret->of.tag, store, &type->func, NULL);
	}
	return SKIFF_MISUSE;
}

/* NULL: something it imports we have not got. */
static struct skiff_prelinked *link_all(struct skiff_engine *engine, struct skiff_store *store,
					struct skiff_module *module)
{
	struct skiff_prelinked *pre = NULL;
	struct skiff_linker *linker;
	struct skiff_import import;
	struct skiff_extern item;
	int r = 0;

	require(skiff_linker_new(&linker, engine, NULL) == 0);
	for (uint32_t i = 0; r == 0 && skiff_module_import(module, i, &import); i++) {
		r = make_item(store, &import.type, &item);
		if (r == 0)
			r = skiff_linker_extern(linker, import.module.bytes, import.module.size,
						import.name.bytes, import.name.size, item, NULL);
	}
	if (r == 0)
		skiff_prelink(&pre, linker, module, NULL);
	skiff_linker_free(linker);
	return pre;
}

/* -- Calls --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t digest, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	uint64_t word;

	/* Memories are long. */
	for (; size >= sizeof(word); p += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		digest = (digest ^ word ^ digest >> 32) * 1099511628211u;
	}
	for (size_t i = 0; i < size; i++)
		digest = (digest ^ p[i]) * 1099511628211u;
	return digest;
}

static uint64_t mix_number(uint64_t digest, uint64_t number)
{
	return mix(digest, &number, sizeof(number));
}

/* References are addresses: only whether they are null is the same each time. */
static uint64_t mix_values(uint64_t digest, const struct skiff_val *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t kind = SKIFF_TYPE_KIND(values[i].type);

		if (kind == SKIFF_REF || kind == SKIFF_REF_NULL)
			digest = mix_number(digest, values[i].of.ref.word == 0);
		else
			digest = mix(digest, values[i].of.v128, sizeof(values[i].of.v128));
	}
	return digest;
}

/* Every frame has to be askable. */
static uint64_t mix_trap(uint64_t digest, struct skiff_trap *trap)
{
	struct skiff_frame frame;

	require(trap != NULL);
	fuel.ran_out |= strcmp(skiff_trap_code(trap), "out_of_fuel") == 0 ||
			strcmp(skiff_trap_code(trap), "out_of_memory") == 0;
	digest = mix(digest, skiff_trap_code(trap), strlen(skiff_trap_code(trap)));
	digest = mix_number(digest, skiff_trap_depth(trap));
	for (uint32_t i = 0; skiff_trap_frame(trap, i, &frame); i++)
		digest = mix_number(digest, frame.offset + frame.function.size);
	skiff_trap_free(trap);
	return digest;
}

static uint64_t mix_exception(const struct skiff_store *store, uint64_t digest)
{
	struct skiff_val values[VALUES_MOST];
	struct skiff_extern item = {.kind = SKIFF_KIND_TAG};
	struct skiff_externtype type;

	item.of.tag = skiff_store_exception(store, values, VALUES_MOST);
	require(item.of.tag != NULL);
	skiff_extern_type(item, &type);
	return mix_values(digest, values,
			  type.func.param_count < VALUES_MOST ? type.func.param_count
							      : VALUES_MOST);
}

static uint64_t call(struct skiff_store *store, struct skiff_func *func, uint64_t digest)
{
	struct skiff_val args[VALUES_MOST], results[VALUES_MOST];
	struct skiff_extern item = {.kind = SKIFF_KIND_FUNC, .of.func = func};
	struct skiff_externtype type;
	struct skiff_trap *trap = NULL;
	int outcome;

	skiff_extern_type(item, &type);
	if (type.func.param_count > VALUES_MOST || type.func.result_count > VALUES_MOST)
		return digest;
	memset(args, 0, sizeof(args));
	memset(results, 0, sizeof(results));
	for (uint32_t i = 0; i < type.func.param_count; i++)
		args[i].type = type.func.params[i];
	skiff_store_set_fuel(store, FUEL);
	outcome = skiff_call(store, func, args, type.func.param_count, results,
			     type.func.result_count, &trap, NULL, NULL);
	digest = mix_number(digest, (uint64_t)outcome);
	fuel.digest = mix_number(fuel.digest, skiff_store_fuel(store));
	if (outcome == SKIFF_EXCEPTION)
		digest = mix_exception(store, digest);
	if (outcome == SKIFF_TRAP || outcome == SKIFF_EXCEPTION)
		return mix_trap(digest, trap);
	return outcome == 0 ? mix_values(digest, results, type.func.result_count) : digest;
}

/* What an exported item holds; a table's entries are made by looking. */
static uint64_t mix_item(struct skiff_extern item, uint64_t digest)
{
	struct skiff_ref ref;
	struct skiff_val value;

	switch (item.kind) {
	case SKIFF_KIND_MEMORY:
		digest = mix_number(digest, skiff_memory_size(item.of.memory));
		if (skiff_memory_size(item.of.memory) > 65536)
			return mix(digest, skiff_memory_data(item.of.memory), 65536);
		return mix(digest, skiff_memory_data(item.of.memory),
			   skiff_memory_size(item.of.memory));
	case SKIFF_KIND_TABLE:
		for (uint64_t i = 0; i < 1000 && skiff_table_get(item.of.table, i, &ref); i++)
			digest = mix_number(digest, ref.word == 0);
		return mix_number(digest, skiff_table_size(item.of.table));
	case SKIFF_KIND_GLOBAL:
		value = skiff_global_get(item.of.global);
		return mix_values(digest, &value, 1);
	default:
		return digest;
	}
}

static uint64_t run_all(struct skiff_store *store, struct skiff_instance *instance)
{
	const struct skiff_module *module = skiff_instance_module(instance);
	uint64_t digest = 14695981039346656037u;
	struct skiff_export export;
	struct skiff_extern item;

	for (uint32_t i = 0; i < 50 && skiff_module_export(module, i, &export); i++) {
		require(skiff_instance_export(instance, export.name.bytes, export.name.size,
					      &item));
		if (item.kind == SKIFF_KIND_FUNC)
			digest = call(store, item.of.func, digest);
	}
	for (uint32_t i = 0; i < 50 && skiff_module_export(module, i, &export); i++) {
		require(skiff_instance_export(instance, export.name.bytes, export.name.size,
					      &item));
		digest = mix_item(item, digest);
	}
	return digest;
}

/* -- The same each time -------------------------------------------------------------------- */

/* An instance in a store of its own, all called. False: it could not be made. */
static bool run_once(struct skiff_engine *engine, struct skiff_module *module, bool reset,
		     uint64_t *ret_digest)
{
	struct skiff_store *store = open_store(engine);
	struct skiff_prelinked *pre = link_all(engine, store, module);
	struct skiff_instance *instance = NULL;
	struct skiff_trap *trap = NULL;
	bool made;

	memset(&fuel, 0, sizeof(fuel));
	made = pre != NULL && skiff_instance_new(&instance, store, pre, &trap, NULL, NULL) == 0;

	if (trap != NULL)
		mix_trap(0, trap);
	if (made)
		*ret_digest = run_all(store, instance);
	if (made && reset) {
		require(skiff_instance_reset(instance, NULL) == 0);
		require(run_all(store, instance) == *ret_digest);
	}
	skiff_prelinked_free(pre);
	skiff_store_free(store);
	return made;
}

/* True: `ret_digest` is what an engine without fuel must come to as well, if `ret_made`. */
static bool run_module(struct skiff_engine *engine, struct skiff_module *module, bool *ret_made,
		       uint64_t *ret_digest)
{
	struct skiff_module_info info = {.size = sizeof(info)};
	uint64_t first = 0, second = 0, spent;
	bool made;

	skiff_module_info(module, &info);
	/* What is imported keeps its state, and the start function is not run again. */
	made = run_once(engine, module, false, &first);
	spent = fuel.digest;
	require(run_once(engine, module, false, &second) == made);
	require(first == second && fuel.digest == spent);
	if (info.imports == 0 && !info.has_start)
		run_once(engine, module, true, &second);
	require(first == second);
	*ret_made = made;
	*ret_digest = first;
	return !fuel.ran_out;
}

static struct skiff_engine *open_engine(bool counts, bool collects)
{
	struct skiff_config config = {
		.size = sizeof(config),
		.fuel = counts,
		.stack_bytes = 192 * 1024, /* the least: each collection looks at all of it */
		.gc_always = collects,
		.gc_bytes = OBJECTS_MOST};
	struct skiff_engine *engine = NULL;

	require(skiff_engine_new(&engine, &config, NULL) == 0);
	return engine;
}

static void run_uncounted(const uint8_t *data, size_t size, bool made, uint64_t wanted)
{
	struct skiff_engine *engine = open_engine(false, true);
	struct skiff_module *module = NULL;
	uint64_t digest = 0;

	require(skiff_module_new(&module, engine, data, size, NULL) == 0);
	require(run_once(engine, module, false, &digest) == made);
	require(digest == wanted);
	skiff_module_free(module);
	skiff_engine_free(engine);
}

static void run_bytes(const uint8_t *data, size_t size)
{
	struct skiff_engine *engine = open_engine(true, false);
	struct skiff_module *module = NULL;
	uint64_t digest = 0;
	bool made;

	if (skiff_module_new(&module, engine, data, size, NULL) == 0 &&
	    run_module(engine, module, &made, &digest))
		run_uncounted(data, size, made, digest);
	skiff_module_free(module);
	skiff_engine_free(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf module = {0}, instructions = {0};

	if (size != 0 && data[0] == WOVEN) {
		weave(&module, &instructions, data + 1, size - 1);
		run_bytes(module.data, module.size);
		buf_deinit(&module);
		buf_deinit(&instructions);
	} else {
		run_bytes(data, size);
	}
	return 0;
}
