/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.c: functions of the embedder, as the guest calls them.
 *
 * The guest's arguments are turned into values above its frame, on the guest's value stack: a host
 * function's call owns no memory, so nothing is lost when it ends by a trap.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

struct host_func {
	struct host host; /* first: what exec knows */
	struct host_def *def;
};

/* -- Definitions --------------------------------------------------------------------------- */

static bool type_is_plain(uint32_t type)
{
	switch (type) {
	case TYPE_I32:
	case TYPE_I64:
	case TYPE_F32:
	case TYPE_F64:
	case TYPE_V128:
		return true;
	}
	return valtype_is_ref(type) && !HEAP_IS_INDEX(TYPE_HEAP(type));
}

int host_types_check(const uint32_t *types, uint32_t count, uint16_t *ret_slots, struct err *err)
{
	uint32_t slots = 0;

	if (count > LIMIT_PARAMS)
		return err_set(err, SKIFF_MISUSE, "%u parameters or results, the limit is %d",
			       count, LIMIT_PARAMS);
	for (uint32_t i = 0; i < count; i++) {
		if (!type_is_plain(types[i]))
			return err_set(err, SKIFF_MISUSE,
				       "type 0x%x cannot be a host function's parameter or result",
				       types[i]);
		slots += valtype_slots(types[i]);
	}
	*ret_slots = (uint16_t)slots;
	return 0;
}

int host_def_new(struct host_def **ret, struct skiff_engine *engine,
		 const struct skiff_functype *type, skiff_host_fn *fn, void *env,
		 void (*env_free)(void *env), struct err *err)
{
	uint32_t params = type->param_count, results = type->result_count;
	uint16_t param_slots, result_slots;
	struct host_def *def;
	int error = host_types_check(type->params, params, &param_slots, err);

	if (error == 0)
		error = host_types_check(type->results, results, &result_slots, err);
	if (error != 0)
		return error;
	def = calloc(1, sizeof(*def) + (params + results) * sizeof(uint32_t));
	if (def == NULL ||
	    registry_func_type(&engine->common.registry, type->params, (uint16_t)params,
			       type->results, (uint16_t)results, &def->type) < 0) {
		free(def);
		return err_set(err, -ENOMEM, "out of memory for a host function");
	}
	if (params != 0)
		memcpy(def->words, type->params, params * sizeof(uint32_t));
	if (results != 0)
		memcpy(def->words + params, type->results, results * sizeof(uint32_t));
	def->refs = 1;
	def->sig = (struct skiff_functype){def->words, def->words + params, params, results};
	def->param_slots = param_slots;
	def->result_slots = result_slots;
	def->fn = fn;
	def->env = env;
	def->env_free = env_free;
	*ret = def;
	return 0;
}

struct host_def *host_def_ref(struct host_def *def)
{
	__atomic_add_fetch(&def->refs, 1, __ATOMIC_RELAXED);
	return def;
}

void host_def_unref(struct host_def *def)
{
	if (def == NULL || __atomic_sub_fetch(&def->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (def->env_free != NULL)
		def->env_free(def->env);
	free(def);
}

/* -- Calls --------------------------------------------------------------------------------- */

struct skiff_caller {
	struct thread *thread;
	struct instance *calling; /* NULL: the host itself */
	enum status status;        /* what the callback asked for */
	bool asked;
};

/* The values of a call, behind its slots; NULL: no room. */
static struct skiff_val *place_values(struct thread *thread, const struct host_def *def,
				      slot *frame)
{
	slot *values = frame + MAX(def->param_slots, def->result_slots);
	size_t bytes = (def->sig.param_count + def->sig.result_count) * sizeof(struct skiff_val);

	if (values + bytes / sizeof(slot) + 1 > thread->limit)
		return NULL;
	thread->top = values + bytes / sizeof(slot);
	return (struct skiff_val *)(void *)values;
}

static void set_trap_text(struct thread *thread, const char *text)
{
	size_t size = MIN(strlen(text), sizeof(thread->trap_text) - 1);

	memcpy(thread->trap_text, text, size);
	thread->trap_text[size] = '\0';
}

static enum status finish_call(struct thread *thread, const struct host_def *def, int code,
			       const struct skiff_caller *caller, struct skiff_val *results,
			       slot *frame)
{
	struct signature sig = {def->sig, NULL};
	struct err err;

	if (code == 0) {
		thread->exception = NULL; /* what it called threw, it has caught */
		if (values_in(thread->store, &sig, def->sig.results, def->sig.result_count, results,
			      frame, &err))
			return STATUS_OK;
		set_trap_text(thread, "a host function returned a value of the wrong type");
		return thread_trap(thread, TRAP_HOST, NULL);
	}
	if (caller->asked && caller->status == STATUS_EXIT)
		return STATUS_EXIT;
	if (caller->asked && caller->status == STATUS_EXCEPTION) {
		if (thread->exception != NULL)
			return STATUS_EXCEPTION;
		set_trap_text(thread, "a host function threw nothing");
	}
	if (!caller->asked)
		set_trap_text(thread, "a host function returned an unknown code");
	return thread_trap(thread, TRAP_HOST, NULL);
}

/* Before the function has a frame: the trap is the caller's, in its call. */
static enum status exhausted(struct thread *thread)
{
	return thread_trap(thread, TRAP_STACK_EXHAUSTED,
			   thread->call_pc != NULL ? thread->call_pc - 1 : NULL);
}

static enum status host_entry(struct thread *thread, struct func *self, slot *frame)
{
	struct host_func *host = (struct host_func *)(void *)self->of.host;
	const struct host_def *def = host->def;
	struct frame record = {
		.ret_pc = thread->call_pc, .caller = thread->frame, .func = self, .locals = frame};
	struct skiff_caller caller = {.thread = thread, .calling = thread->calling};
	slot *top = thread->top;
	struct skiff_val *values;
	enum status status;
	int code;

	if (thread_native_left(thread) < HOST_STACK_RESERVE)
		return exhausted(thread);
	values = place_values(thread, def, frame);
	if (values == NULL)
		return exhausted(thread);
	thread->frame = &record;
	values_out(def->sig.params, def->sig.param_count, frame, values);
	memset(frame, 0, def->result_slots * sizeof(slot));
	values_out(def->sig.results, def->sig.result_count, frame, values + def->sig.param_count);
	thread->call_pc = NULL;
	code = def->fn(def->env, &caller, values, values + def->sig.param_count);
	status = finish_call(thread, def, code, &caller, values + def->sig.param_count, frame);
	thread->frame = record.caller;
	thread->top = top;
	return status;
}

static void release(struct host *host)
{
	host_def_unref(((struct host_func *)(void *)host)->def);
	free(host);
}

struct func *host_func(struct store *store, struct host_def *def)
{
	struct host_func *host;

	for (struct host *h = store->hosts; h != NULL; h = h->next)
		if (((struct host_func *)(void *)h)->def == def)
			return &h->func;
	host = calloc(1, sizeof(*host));
	if (host == NULL)
		return NULL;
	host->def = host_def_ref(def);
	host->host.store = store;
	host->host.release = release;
	host->host.next = store->hosts;
	host->host.func = (struct func){
		.entry = host_entry,
		.of.host = &host->host,
		.type = def->type,
		.params = def->param_slots,
		.results = def->result_slots,
	};
	store->hosts = &host->host;
	return &host->host.func;
}

int skiff_func_new(struct skiff_func **ret, struct skiff_store *handle,
		   const struct skiff_functype *type, skiff_host_fn *fn, void *env,
		   void (*env_free)(void *env), struct skiff_error *err)
{
	struct store *store = store_in(handle);
	struct host_def *def;
	struct func *func;
	int error =
		host_def_new(&def, engine_of(store->common), type, fn, env, env_free, err_in(err));

	if (error != 0)
		return error;
	func = host_func(store, def);
	if (func == NULL)
		def->env_free = NULL; /* refused: the environment stays the caller's */
	host_def_unref(def);
	if (func == NULL)
		return err_set(err_in(err), -ENOMEM, "out of memory for a host function");
	*ret = func_out(func);
	return 0;
}

const struct host_def *host_def_of(const struct func *func)
{
	if (func->entry != host_entry)
		return NULL;
	return ((const struct host_func *)(const void *)func->of.host)->def;
}

/* -- What a callback may do ----------------------------------------------------------------- */

struct skiff_store *skiff_caller_store(struct skiff_caller *caller)
{
	return store_out(caller->thread->store);
}

struct skiff_memory *skiff_caller_memory(struct skiff_caller *caller)
{
	struct memory *memory = caller->calling != NULL ? caller->calling->shown_memory : NULL;

	return memory != NULL ? memory_out(memory) : NULL;
}

int skiff_caller_trap(struct skiff_caller *caller, const char *text)
{
	set_trap_text(caller->thread, text);
	caller->asked = true;
	caller->status = STATUS_TRAP;
	return SKIFF_TRAP;
}

int skiff_caller_exit(struct skiff_caller *caller, int code)
{
	caller->thread->exit_code = code;
	caller->asked = true;
	caller->status = STATUS_EXIT;
	return SKIFF_EXIT;
}

static int throw_from(struct skiff_caller *caller)
{
	caller->asked = true;
	caller->status = STATUS_EXCEPTION;
	return SKIFF_EXCEPTION;
}

int skiff_caller_throw(struct skiff_caller *caller, struct skiff_tag *tag,
		       const struct skiff_val *values, size_t count)
{
	struct thread *thread = caller->thread;
	struct err err = {""};
	struct exception *exception =
		exception_of_values(thread->store, tag_in(tag), values, count, &err);

	if (exception == NULL)
		return skiff_caller_trap(caller, err.text);
	exception_throw(thread, exception);
	return throw_from(caller);
}

int skiff_caller_rethrow(struct skiff_caller *caller)
{
	return throw_from(caller);
}
