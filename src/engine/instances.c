/* SPDX-License-Identifier: Apache-2.0 */
/* instances.c: stores, instances and calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/coredump.h"
#include "engine/threads.h"
#include "wasi/p1_cwd.h"

/* -- Stores -------------------------------------------------------------------------------- */

int skiff_store_new(struct skiff_store **ret, struct skiff_engine *engine, struct skiff_error *err)
{
	struct store *store;
	int error = store_new(&store, &engine->common, err_in(err));

	if (error != 0)
		return error;
	engine_ref(engine);
	*ret = store_out(store);
	return 0;
}

void skiff_store_free(struct skiff_store *handle)
{
	struct store *store = store_in(handle);
	struct skiff_engine *engine;

	if (store == NULL)
		return;
	engine = engine_of(store->common);
	threads_deinit(store);
	store_free(store);
	engine_unref(engine);
}

/* exec knows no public types: this stands between. */
static bool ask_embedder(void *env, int kind, uint64_t now, uint64_t wanted)
{
	const struct store *store = env;
	skiff_limiter_fn *fn = (skiff_limiter_fn *)store->embedder;
	bool may;

	threads_lock_limiter(store);
	may = fn(store->embedder_env, (enum skiff_kind)kind, now, wanted);
	threads_unlock_limiter(store);
	return may;
}

void skiff_store_limiter(struct skiff_store *handle, skiff_limiter_fn *fn, void *env)
{
	struct store *store = store_in(handle);

	store->embedder = (void (*)(void))fn;
	store->embedder_env = env;
	store->limiter = fn != NULL ? ask_embedder : NULL;
	store->limiter_env = store;
}

void skiff_store_collect(struct skiff_store *store)
{
	gc_collect(store_in(store));
}

void skiff_store_interrupt(struct skiff_store *store)
{
	thread_interrupt(&store_in(store)->thread);
}

void skiff_store_end_threads(struct skiff_store *store)
{
	threads_end(store_in(store));
}

void skiff_store_set_fuel(struct skiff_store *store, uint64_t fuel)
{
	uint64_t *pool = threads_fuel(store_in(store));

	store_in(store)->thread.fuel = fuel;
	if (pool != NULL)
		__atomic_store_n(pool, 0, __ATOMIC_RELAXED);
}

uint64_t skiff_store_fuel(const struct skiff_store *store)
{
	const uint64_t *pool = threads_fuel(store_in(store));

	return store_in(store)->thread.fuel +
	       (pool != NULL ? __atomic_load_n(pool, __ATOMIC_RELAXED) : 0);
}

static void dump(struct store *store, const uint8_t *pc)
{
	if (threads_may_dump(store))
		coredump_write(store, pc, store->coredump_fd);
}

void skiff_store_coredump(struct skiff_store *handle, int fd)
{
	struct store *store = store_in(handle);

	store->coredump_fd = fd;
	store->on_trap = fd >= 0 ? dump : NULL;
}

/* -- Instances ----------------------------------------------------------------------------- */

enum { IMPORTS_HERE = 64 };

/* A memory or table may have been reset to less than it had when it was linked. */
static bool still_fits(const struct skiff_prelinked *pre, uint32_t i)
{
	const struct image *image = pre->module->image;
	const struct image_import *import = &IMAGE_ITEMS(image, struct image_import, imports)[i];
	struct skiff_externtype wanted = externtype_of(image, import->kind, import->index);
	const union extern_item *item = &pre->imports[i].item;

	if (import->kind == EXTERN_MEMORY)
		return memory_pages(item->memory) >= wanted.limits.min;
	return import->kind != EXTERN_TABLE || item->table->size >= wanted.limits.min;
}

/* Of what any store can make its own; NULL: no memory. */
static struct func *make_host(struct store *store, const struct skiff_prelinked *pre,
			      const struct resolved *from)
{
	if (from->spawns)
		return threads_spawn_func(store, pre, from->type);
	if (from->row != NULL)
		return p1_func(store, pre->wasi, from->row, from->unstable, from->type);
	return host_func(store, from->host);
}

/* A shared memory that nobody offers: the one `from` has, or else a new one. */
static int supply(struct store *store, const struct skiff_prelinked *pre, uint32_t i,
		  const struct instance *from, struct memory **ret, struct err *err)
{
	const struct image *image = pre->module->image;
	uint32_t index = IMAGE_ITEMS(image, struct image_import, imports)[i].index;
	const struct image_limits *limits =
		&IMAGE_ITEMS(image, struct image_memory, memories)[index].limits;

	if (from != NULL) {
		*ret = from->memories[index];
		return 0;
	}
	if (store_memory(ret, store, limits) < 0)
		return err_set(err, -ENOMEM,
			       "a shared memory of %llu pages: refused by the limiter or out of "
			       "memory",
			       (unsigned long long)limits->min);
	return 0;
}

/* One import. `from` (may be NULL) is an instance of the same module in another store of the guest. */
static int gather_one(struct store *store, const struct skiff_prelinked *pre, uint32_t i,
		      const struct instance *from, union extern_item *ret, struct err *err)
{
	const struct resolved *r = &pre->imports[i];

	if (r->host != NULL || r->row != NULL || r->spawns) {
		ret->func = make_host(store, pre, r);
		return ret->func != NULL
			       ? 0
			       : err_set(err, -ENOMEM, "out of memory for a host function");
	}
	if (r->supplies)
		return supply(store, pre, i, from, &ret->memory, err);
	if (r->shared == NULL && r->store != store)
		return err_set(err, SKIFF_UNLINKABLE, "import %u is an item of another store", i);
	if (!still_fits(pre, i))
		return err_set(err, SKIFF_UNLINKABLE,
			       "import %u has become smaller than it must be", i);
	*ret = r->item;
	return 0;
}

/* The imports of an instance, in `here` if there is room; the caller frees *ret if it is not that. */
static int gather(struct store *store, const struct skiff_prelinked *pre,
		  const struct instance *from, union extern_item *here, union extern_item **ret,
		  struct err *err)
{
	union extern_item *items = here;
	int error = 0;

	if (pre->count > IMPORTS_HERE) {
		items = malloc(pre->count * sizeof(*items));
		if (items == NULL)
			return err_set(err, -ENOMEM, "out of memory for %u imports", pre->count);
	}
	for (uint32_t i = 0; error == 0 && i < pre->count; i++)
		error = gather_one(store, pre, i, from, &items[i], err);
	if (error != 0 && items != here)
		free(items);
	*ret = items;
	return error;
}

int instances_make_another(struct instance **ret, struct store *store,
			   const struct skiff_prelinked *pre, const struct instance *from,
			   struct err *err)
{
	union extern_item here[IMPORTS_HERE];
	union extern_item *items;
	int code = 0;
	int error = gather(store, pre, from, here, &items, err);

	if (error != 0)
		return error;
	error = instance_new(ret, store, pre->module, items, &code, err);
	if (items != here)
		free(items);
	return error;
}

static int start(struct store *store, struct instance *instance, struct skiff_trap **trap,
		 int *exit_code, struct err *err)
{
	struct thread *thread = &store->thread;
	uint32_t index = instance->image->start;
	enum status status;

	if (index == IMAGE_NONE)
		return 0;
	thread->call_pc = NULL;
	thread->calling = NULL;
	thread->exception = NULL;
	status = thread_call(thread, instance_func(instance, index), thread->top);
	return outcome_of(store, status, trap, exit_code, err);
}

static int make(struct skiff_instance **ret, struct store *store, const struct skiff_prelinked *pre,
		const union extern_item *items, struct skiff_trap **trap, int *exit_code,
		struct err *err)
{
	struct instance *instance;
	int code = 0;
	int error = instance_new(&instance, store, pre->module, items, &code, err);

	if (error == INSTANCE_TRAP)
		return outcome_trap(store, (enum trap)code, trap, err);
	if (error == 0 && pre->wasi != NULL && pre->wasi->workdir != NULL)
		pre->wasi->prepends = p1_cwd_set(instance, pre->wasi->workdir) == P1_CWD_PREPENDS;
	if (error == 0)
		error = start(store, instance, trap, exit_code, err);
	if (error == 0)
		*ret = instance_out(instance);
	return error;
}

int skiff_instance_new(struct skiff_instance **ret, struct skiff_store *handle,
		       const struct skiff_prelinked *pre, struct skiff_trap **trap, int *exit_code,
		       struct skiff_error *err)
{
	union extern_item here[IMPORTS_HERE];
	union extern_item *items;
	struct store *store = store_in(handle);
	int error;

	if (trap != NULL)
		*trap = NULL;
	if (engine_of(store->common) != pre->engine)
		return err_set(err_in(err), SKIFF_MISUSE, "store and module are of two engines");
	error = gather(store, pre, NULL, here, &items, err_in(err));
	if (error != 0)
		return error;
	error = make(ret, store, pre, items, trap, exit_code, err_in(err));
	if (items != here)
		free(items);
	return threads_outcome(store, error, trap, exit_code, err_in(err));
}

void skiff_instance_free(struct skiff_instance *instance)
{
	instance_free(instance_in(instance));
}

int skiff_instance_reset(struct skiff_instance *handle, struct skiff_error *err)
{
	struct instance *instance = instance_in(handle);

	if (instance->store->thread.depth != 0)
		return err_set(err_in(err), SKIFF_MISUSE,
			       "an instance cannot be reset while its store is being called");
	return instance_reset(instance, err_in(err));
}

struct skiff_module *skiff_instance_module(struct skiff_instance *instance)
{
	return module_out(instance_in(instance)->module);
}

static struct skiff_extern export_out(struct instance *instance, const struct image_export *export)
{
	struct skiff_extern item = {.kind = (enum skiff_kind) export->kind};

	switch ((enum extern_kind) export->kind) {
	case EXTERN_FUNC:
		item.of.func = func_out(instance_func(instance, export->index));
		break;
	case EXTERN_TABLE:
		item.of.table = table_out(instance->tables[export->index]);
		break;
	case EXTERN_MEMORY:
		item.of.memory = memory_out(instance->memories[export->index]);
		break;
	case EXTERN_GLOBAL:
		item.of.global = global_out(instance->globals[export->index]);
		break;
	case EXTERN_TAG:
		item.of.tag = tag_out(instance->tags[export->index]);
		break;
	}
	return item;
}

bool skiff_instance_export(struct skiff_instance *handle, const char *name, size_t name_size,
			   struct skiff_extern *ret)
{
	struct instance *instance = instance_in(handle);
	const struct image *image = instance->image;
	const struct image_export *exports = IMAGE_ITEMS(image, struct image_export, exports);

	for (uint32_t i = 0; i < image->exports.count; i++) {
		if (exports[i].name.size != name_size ||
		    memcmp(image_module(image) + exports[i].name.at, name, name_size) != 0)
			continue;
		*ret = export_out(instance, &exports[i]);
		return true;
	}
	return false;
}

/* -- Calls --------------------------------------------------------------------------------- */

static int misuse(const char *what, size_t given, uint32_t wanted, struct err *err)
{
	return err_set(err, SKIFF_MISUSE, "%zu %s given, the function has %u", given, what, wanted);
}

int skiff_call(struct skiff_store *handle, struct skiff_func *func_handle,
	       const struct skiff_val *args, size_t arg_count, struct skiff_val *results,
	       size_t result_count, struct skiff_trap **trap, int *exit_code,
	       struct skiff_error *err)
{
	struct store *store = store_in(handle);
	struct func *func = func_in(func_handle);
	struct thread *thread = &store->thread;
	struct signature sig = func_signature(func);
	slot *frame = thread->top;
	enum status status;

	if (trap != NULL)
		*trap = NULL;
	if (store_of_func(func) != store)
		return err_set(err_in(err), SKIFF_MISUSE, "the function is of another store");
	if (arg_count != sig.type.param_count)
		return misuse("arguments", arg_count, sig.type.param_count, err_in(err));
	if (result_count != sig.type.result_count)
		return misuse("places for results", result_count, sig.type.result_count,
			      err_in(err));
	if (frame + MAX(func->params, func->results) >= thread->limit)
		return outcome_of(store, thread_trap(thread, TRAP_STACK_EXHAUSTED, NULL), trap,
				  exit_code, err_in(err));
	if (!values_in(store, &sig, sig.type.params, sig.type.param_count, args, frame,
		       err_in(err)))
		return SKIFF_MISUSE;
	thread->call_pc = NULL;
	thread->calling = NULL;
	thread->exception = NULL;
	status = thread_call(thread, func, frame);
	if (status == STATUS_OK) {
		values_out(sig.type.results, sig.type.result_count, frame, results);
		values_keep(store, results, sig.type.result_count);
	}
	return threads_outcome(store, outcome_of(store, status, trap, exit_code, err_in(err)), trap,
			       exit_code, err_in(err));
}
