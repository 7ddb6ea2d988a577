/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads.c: starting and ending a guest's threads.
 *
 * What is done where. The store, the instance and the native thread are made by the thread that asks, so whatever is
 * refused is its answer; the new thread runs the start function and "wasi_thread_start", frees its store, and
 * goes. Threads are joined: each by the one that ends after it, the last by whoever waits for all.
 *
 * `lock` guards the list of members and how the guest ended. A member is in the list for as long as its store may
 * be interrupted. The struct belongs to the main store; it outlives all threads, since that store waits for them.
 */
#include "engine/threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
	TID_MOST = 0x1fffffff,
	NATIVE_STACK = 256 * 1024, /* guest code has a stack of its own */
};

struct member {
	struct threads *threads; /* borrowed */
	struct store *store; /* owned */
	struct instance *instance; /* owned by the store */
	uint32_t start; /* the function to call */
	uint32_t tid, arg;
	struct member *next, *previous;
};

/* How the guest ended: what the embedder's call is to tell. */
struct ending {
	int outcome; /* enum skiff_outcome */
	int exit_code;
	struct skiff_trap *trap; /* owned */
	struct err err;
};

struct threads {
	struct store *main; /* borrowed: owns this */
	pthread_mutex_t lock;
	pthread_cond_t gone; /* `live` became 0 */
	struct member *members;
	uint32_t live; /* being made, running, or about to go */
	uint32_t most;
	uint32_t last_tid;
	pthread_t last; /* has ended, is to be joined */
	bool has_last;
	bool ends; /* all are to end; no more are started */
	bool dumped;
	struct ending ending; /* outcome 0: no thread has ended the guest */
	uint64_t fuel; /* atomic */
	pthread_mutex_t limiter;
};

static struct threads *threads_new(struct store *store, uint32_t most)
{
	struct threads *threads = calloc(1, sizeof(*threads));

	if (threads == NULL)
		return NULL;
	threads->main = store;
	threads->most = most;
	pthread_mutex_init(&threads->lock, NULL);
	pthread_mutex_init(&threads->limiter, NULL);
	pthread_cond_init(&threads->gone, NULL);
	store->thread.fuel_pool = &threads->fuel;
	store->threads = threads;
	return threads;
}

/* -- Ending ------------------------------------------------------------------------------------ */

static void interrupt_all(struct threads *threads)
{
	threads->ends = true;
	for (struct member *m = threads->members; m != NULL; m = m->next)
		thread_interrupt(&m->store->thread);
}

/* A thread ended otherwise than by returning; the first to do so ends the guest. */
static void end_guest(struct member *m, enum status status)
{
	struct threads *threads = m->threads;
	struct ending ending = {.trap = NULL};
	struct skiff_trap *unused;

	ending.outcome = outcome_of(m->store, status, &ending.trap, &ending.exit_code, &ending.err);
	unused = ending.trap;
	pthread_mutex_lock(&threads->lock);
	if (!threads->ends) {
		threads->ending = ending;
		unused = NULL;
		interrupt_all(threads);
		thread_interrupt(&threads->main->thread);
	}
	pthread_mutex_unlock(&threads->lock);
	skiff_trap_free(unused);
}

/* Under the lock: until nobody is left. */
static void wait_for_all(struct threads *threads)
{
	while (threads->live > 0)
		pthread_cond_wait(&threads->gone, &threads->lock);
	if (threads->has_last)
		pthread_join(threads->last, NULL);
	threads->has_last = false;
}

static void give_ending(struct ending *ending, struct skiff_trap **trap, int *exit_code,
			struct err *err)
{
	if (trap != NULL) {
		skiff_trap_free(*trap);
		*trap = ending->trap;
	} else {
		skiff_trap_free(ending->trap);
	}
	if (exit_code != NULL && ending->outcome == SKIFF_EXIT)
		*exit_code = ending->exit_code;
	if (err != NULL)
		*err = ending->err;
}

int threads_outcome(struct store *store, int outcome, struct skiff_trap **trap, int *exit_code,
		    struct err *err)
{
	struct threads *threads = store->threads;

	if (threads == NULL || threads->main != store || store->thread.depth != 0)
		return outcome;
	pthread_mutex_lock(&threads->lock);
	if (outcome != 0 || threads->ends) {
		interrupt_all(threads);
		wait_for_all(threads);
		threads->ends = false;
		threads->dumped = false;
	}
	if (threads->ending.outcome != 0) {
		outcome = threads->ending.outcome;
		give_ending(&threads->ending, trap, exit_code, err);
		threads->ending = (struct ending){.outcome = 0};
		/* If the call had ended before it was interrupted. */
		__atomic_store_n(&store->thread.interrupt, 0, __ATOMIC_SEQ_CST);
	}
	pthread_mutex_unlock(&threads->lock);
	return outcome;
}

void threads_end(struct store *store)
{
	threads_outcome(store, SKIFF_EXIT, NULL, NULL, NULL);
}

void threads_deinit(struct store *store)
{
	struct threads *threads = store->threads;

	if (threads == NULL || threads->main != store)
		return;
	threads_end(store);
	pthread_cond_destroy(&threads->gone);
	pthread_mutex_destroy(&threads->limiter);
	pthread_mutex_destroy(&threads->lock);
	free(threads);
	store->threads = NULL;
}

/* -- What a thread does ------------------------------------------------------------------------- */

static enum status call(struct member *m, uint32_t index, bool with_args)
{
	struct thread *thread = &m->store->thread;
	slot *frame = thread->top;

	frame[0] = with_args ? m->tid : 0;
	frame[1] = with_args ? m->arg : 0;
	thread->call_pc = NULL;
	thread->calling = NULL;
	return thread_call(thread, instance_func(m->instance, index), frame);
}

static void unlink_member(struct member *m)
{
	if (m->previous != NULL)
		m->previous->next = m->next;
	else
		m->threads->members = m->next;
	if (m->next != NULL)
		m->next->previous = m->previous;
}

/* Out of the list first: from then on nobody knows the store. */
static void free_member(struct member *m)
{
	struct threads *threads = m->threads;

	pthread_mutex_lock(&threads->lock);
	if (m->tid != 0)
		unlink_member(m);
	pthread_mutex_unlock(&threads->lock);
	__atomic_add_fetch(&threads->fuel, m->store->thread.fuel, __ATOMIC_RELAXED);
	store_free(m->store);
	free(m);
}

/* One less. `self` (NULL: it never ran) is to be joined by the next; true: *ret_before by the caller. */
static bool leave(struct threads *threads, const pthread_t *self, pthread_t *ret_before)
{
	bool has_before;

	pthread_mutex_lock(&threads->lock);
	has_before = self != NULL && threads->has_last;
	if (has_before)
		*ret_before = threads->last;
	if (self != NULL) {
		threads->last = *self;
		threads->has_last = true;
	}
	if (--threads->live == 0)
		pthread_cond_broadcast(&threads->gone);
	pthread_mutex_unlock(&threads->lock);
	return has_before;
}

static void *run(void *arg)
{
	struct member *m = arg;
	struct threads *threads = m->threads;
	uint32_t first = m->instance->image->start;
	enum status status = first != IMAGE_NONE ? call(m, first, false) : STATUS_OK;
	pthread_t self = pthread_self(), before;

	if (status == STATUS_OK)
		status = call(m, m->start, true);
	if (status != STATUS_OK)
		end_guest(m, status);
	free_member(m);
	if (leave(threads, &self, &before))
		pthread_join(before, NULL);
	return NULL;
}

/* -- Starting one ------------------------------------------------------------------------------- */

/* The export to start with: (i32 i32) -> (). */
static bool find_start(const struct module *module, uint32_t *ret)
{
	static const char name[] = "wasi_thread_start";
	static const uint32_t params[] = {TYPE_I32, TYPE_I32};
	const struct image *image = module->image;
	const struct image_export *exports = IMAGE_ITEMS(image, struct image_export, exports);
	uint32_t type;

	for (uint32_t i = 0; i < image->exports.count; i++) {
		if (exports[i].kind != EXTERN_FUNC || exports[i].name.size != sizeof(name) - 1 ||
		    memcmp(image_module(image) + exports[i].name.at, name, sizeof(name) - 1) != 0)
			continue;
		*ret = exports[i].index;
		return registry_func_type(&module->common->registry, params, 2, NULL, 0, &type) ==
			       0 &&
		       module->type_ids[image_func(image, *ret)->type] == type;
	}
	return false;
}

/* Another instance of what `from` is one of, in a store of its own, with the memories it has: 0 or -errno. */
static int make_member(struct member **ret, struct threads *threads,
		       const struct skiff_prelinked *pre, const struct instance *from)
{
	struct member *m = calloc(1, sizeof(*m));
	const struct store *main = threads->main;
	struct store *store = NULL;
	struct err err;
	int error;

	if (m == NULL || store_new(&store, main->common, &err) != 0) {
		free(m);
		return -EAGAIN;
	}
	*m = (struct member){.threads = threads, .store = store};
	store->threads = threads;
	store->thread.fuel_pool = &threads->fuel;
	store->embedder = main->embedder;
	store->embedder_env = main->embedder_env;
	store->limiter = main->limiter;
	store->limiter_env = store;
	store->coredump_fd = main->coredump_fd;
	store->on_trap = main->on_trap;
	error = instances_make_another(&m->instance, store, pre, from, &err);
	if (error != 0) {
		free_member(m);
		return error < 0 ? -EAGAIN : -EINVAL;
	}
	*ret = m;
	return 0;
}

/* Under the lock: the next number nobody has. */
static uint32_t choose_tid(struct threads *threads)
{
	const struct member *m;

	do {
		threads->last_tid = threads->last_tid % TID_MOST + 1;
		for (m = threads->members; m != NULL && m->tid != threads->last_tid;)
			m = m->next;
	} while (m != NULL);
	return threads->last_tid;
}

/* Signals are the embedder's: none but those of a fault come to a thread of ours. */
static void block_signals(sigset_t *ret_before)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&set, faults[i]);
	pthread_sigmask(SIG_BLOCK, &set, ret_before);
}

/* Where C code does not move to the guest's stack, the native one is as large. */
static size_t native_stack(const struct store *store)
{
#if defined(__x86_64__)
	(void)store;
	return NATIVE_STACK;
#else
	return NATIVE_STACK + align_up(store->common->stack_bytes, 65536);
#endif
}

static int start_native(struct member *m)
{
	pthread_attr_t attr;
	pthread_t native;
	sigset_t before;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, native_stack(m->store));
	block_signals(&before);
	error = pthread_create(&native, &attr, run, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -error;
}

/* The thread cannot leave before the lock is free: *ret_tid is still its own. */
static int start_member(struct member *m, uint32_t *ret_tid)
{
	struct threads *threads = m->threads;
	int error = -EAGAIN;

	pthread_mutex_lock(&threads->lock);
	if (!threads->ends) {
		m->tid = *ret_tid = choose_tid(threads);
		m->next = threads->members;
		if (m->next != NULL)
			m->next->previous = m;
		threads->members = m;
		error = start_native(m);
	}
	pthread_mutex_unlock(&threads->lock);
	if (error != 0)
		free_member(m);
	return error;
}

static bool take_place(struct threads *threads)
{
	bool free_place;

	pthread_mutex_lock(&threads->lock);
	free_place = !threads->ends && threads->live < threads->most;
	threads->live += free_place;
	pthread_mutex_unlock(&threads->lock);
	return free_place;
}

/* Threads draw on what is left together, so who starts the first puts in what it has. */
static void share_fuel(struct thread *thread)
{
	__atomic_add_fetch(thread->fuel_pool, thread->fuel, __ATOMIC_RELAXED);
	thread->fuel = 0;
}

/* The number of the new thread, or -errno. */
static int spawn(struct threads *threads, const struct skiff_prelinked *pre, struct thread *thread,
		 uint32_t arg)
{
	const struct instance *from = thread->calling;
	struct member *m;
	uint32_t start, tid;
	int error;

	if (from == NULL || from->module != pre->module || !find_start(from->module, &start))
		return -ENOSYS;
	if (!take_place(threads))
		return -EAGAIN;
	share_fuel(thread);
	error = make_member(&m, threads, pre, from);
	if (error == 0) {
		m->start = start;
		m->arg = arg;
		error = start_member(m, &tid);
	}
	if (error != 0)
		leave(threads, NULL, NULL);
	return error != 0 ? error : (int)tid;
}

/* -- The function -------------------------------------------------------------------------------- */

struct spawner {
	struct host host; /* first: what exec knows */
	struct skiff_prelinked *pre; /* counted */
};

/* A negative errno of preview 1: all that libraries know is that it is negative. */
static enum status spawn_entry(struct thread *thread, struct func *self, slot *frame)
{
	const struct spawner *spawner = (const struct spawner *)(const void *)self->of.host;
	int tid;

	if (thread_native_left(thread) < HOST_STACK_RESERVE)
		return thread_trap(thread, TRAP_STACK_EXHAUSTED,
				   thread->call_pc != NULL ? thread->call_pc - 1 : NULL);
	tid = spawn(thread->store->threads, spawner->pre, thread, (uint32_t)frame[0]);
	frame[0] = tid > 0 ? (uint32_t)tid : 0u - p1_error(tid);
	return STATUS_OK;
}

static void release(struct host *host)
{
	skiff_prelinked_free(((struct spawner *)(void *)host)->pre);
	free(host);
}

struct func *threads_spawn_func(struct store *store, const struct skiff_prelinked *pre,
				uint32_t type)
{
	static const uint32_t types[] = {TYPE_I32, TYPE_I32};
	struct spawner *spawner;

	if (store->threads == NULL && threads_new(store, pre->wasi->max_threads) == NULL)
		return NULL;
	spawner = calloc(1, sizeof(*spawner));
	if (spawner == NULL)
		return NULL;
	spawner->pre = prelinked_ref(pre);
	spawner->host.types = types;
	spawner->host.param_count = 1;
	spawner->host.result_count = 1;
	spawner->host.store = store;
	spawner->host.release = release;
	spawner->host.next = store->hosts;
	spawner->host.func = (struct func){
		.entry = spawn_entry,
		.of.host = &spawner->host,
		.type = type,
		.params = 1,
		.results = 1,
	};
	store->hosts = &spawner->host;
	return &spawner->host.func;
}

bool threads_is_spawn(struct skiff_name module, struct skiff_name name)
{
	return module.size == 4 && memcmp(module.bytes, "wasi", 4) == 0 && name.size == 12 &&
	       memcmp(name.bytes, "thread-spawn", 12) == 0;
}

/* -- What stores of a guest share ----------------------------------------------------------------- */

bool threads_may_dump(struct store *store)
{
	struct threads *threads = store->threads;
	bool may;

	if (threads == NULL)
		return true;
	pthread_mutex_lock(&threads->lock);
	may = !threads->dumped && !threads->ends;
	threads->dumped = true;
	pthread_mutex_unlock(&threads->lock);
	return may;
}

void threads_lock_limiter(const struct store *store)
{
	if (store->threads != NULL)
		pthread_mutex_lock(&store->threads->limiter);
}

void threads_unlock_limiter(const struct store *store)
{
	if (store->threads != NULL)
		pthread_mutex_unlock(&store->threads->limiter);
}

uint64_t *threads_fuel(struct store *store)
{
	return store->threads != NULL ? &store->threads->fuel : NULL;
}
