/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed-host.c: offer the guest a function, and stay in command of it.
 *
 *	embed-host greet.wasm
 *
 * Shows a host function with an environment that reads the guest's memory, traps (the guest's and
 * the host's own) with their backtrace, and two ways to stop a guest that does not return: fuel,
 * and an interrupt from elsewhere (here a signal handler).
 */
#include "skiff.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the host function works on. It gets a pointer to it with every call. */
struct printer {
	const char *prefix;
	unsigned calls;
};

/*
 * host.print(at, bytes). The guest chooses both numbers, so they are checked against the
 * memory as it is now. Never keep a pointer into the memory: it may move when the memory grows.
 */
static int print(void *env, struct skiff_caller *caller, const struct skiff_val *args,
		 struct skiff_val *results)
{
	struct printer *printer = env;
	struct skiff_memory *memory = skiff_caller_memory(caller);
	uint64_t at = args[0].of.i32;
	uint64_t bytes = args[1].of.i32;

	(void)results; /* there are none */
	if (memory == NULL || at + bytes > skiff_memory_size(memory))
		return skiff_caller_trap(caller, "print: the text lies outside of the memory");
	printer->calls++;
	printf("%s%.*s\n", printer->prefix, (int)bytes, (char *)skiff_memory_data(memory) + at);
	return 0;
}

static void check(int r, const char *doing, const struct skiff_error *err)
{
	if (r == 0)
		return;
	fprintf(stderr, "embed-host: %s: %s\n", doing, err->text);
	exit(1);
}

static void print_trap(const char *name, const struct skiff_trap *trap)
{
	struct skiff_frame frame;

	printf("%s trapped: %s [%s]\n", name, skiff_trap_text(trap), skiff_trap_code(trap));
	for (uint32_t i = 0; skiff_trap_frame(trap, i, &frame); i++)
		printf("  #%u %.*s at 0x%zx\n", i, (int)frame.function.size, frame.function.bytes,
		       frame.offset);
}

/* Call an export and tell how it ended. A trap ends the call, not the instance: it can be called
 * again. */
static void call(struct skiff_store *store, struct skiff_instance *instance, const char *name,
		 const struct skiff_val *args, size_t arg_count, size_t result_count)
{
	struct skiff_error err = {.text = ""};
	struct skiff_trap *trap = NULL;
	struct skiff_val result;
	struct skiff_extern item;
	int r;

	if (!skiff_instance_export(instance, name, strlen(name), &item)) {
		fprintf(stderr, "embed-host: there is no export '%s'\n", name);
		exit(1);
	}
	r = skiff_call(store, item.of.func, args, arg_count, &result, result_count, &trap, NULL,
		       &err);
	if (r == SKIFF_TRAP) {
		print_trap(name, trap);
		skiff_trap_free(trap); /* the caller's */
	} else {
		check(r, name, &err);
		if (result_count == 1)
			printf("%s gave %d\n", name, (int)result.of.i32);
		else
			printf("%s returned\n", name);
	}
}

/* A handler has no argument to carry the store in. skiff_store_interrupt() is made for this place:
 * it may be called from signal handlers and other threads. */
static struct skiff_store *alarmed;

static void on_alarm(int number)
{
	(void)number;
	skiff_store_interrupt(alarmed);
}

static void run(struct skiff_store *store, struct skiff_instance *instance)
{
	struct skiff_val args[2] = {
		{.type = SKIFF_I32, .of.i32 = 42},
		{.type = SKIFF_I32, .of.i32 = 6},
	};
	const uint64_t plenty = UINT64_MAX;

	skiff_store_set_fuel(store, plenty);
	call(store, instance, "greet", NULL, 0, 0);
	call(store, instance, "lie", NULL, 0, 0);
	call(store, instance, "divide", args, 2, 1);
	args[1].of.i32 = 0;
	call(store, instance, "divide", args, 2, 1);

	/* An endless loop, stopped after a million instructions. */
	skiff_store_set_fuel(store, 1000000);
	call(store, instance, "spin", NULL, 0, 0);

	/* The same, stopped after a tenth of a second. */
	skiff_store_set_fuel(store, plenty);
	alarmed = store;
	signal(SIGALRM, on_alarm);
	ualarm(100000, 0);
	call(store, instance, "spin", NULL, 0, 0);
}

int main(int argc, char **argv)
{
	/* A struct for the library begins with its size; what is left zero is the default. */
	struct skiff_config config = {.size = sizeof(config), .fuel = true};
	const uint32_t params[] = {SKIFF_I32, SKIFF_I32};
	const struct skiff_functype type = {.params = params, .param_count = 2};
	struct printer printer = {.prefix = "guest: "};
	struct skiff_error err = {.text = ""};
	struct skiff_engine *engine;
	struct skiff_module *module;
	struct skiff_linker *linker;
	struct skiff_prelinked *pre;
	struct skiff_store *store;
	struct skiff_instance *instance;

	if (argc != 2) {
		fprintf(stderr, "usage: embed-host FILE\n");
		return 2;
	}
	check(skiff_engine_new(&engine, &config, &err), "start the engine", &err);
	check(skiff_module_open(&module, engine, argv[1], &err), argv[1], &err);

	/* The printer lives in this function, so nobody has to free it: NULL. */
	check(skiff_linker_new(&linker, engine, &err), "make a linker", &err);
	check(skiff_linker_func(linker, "host", "print", &type, print, &printer, NULL, &err),
	      "offer host.print", &err);
	check(skiff_prelink(&pre, linker, module, &err), argv[1], &err);

	check(skiff_store_new(&store, engine, &err), "make a store", &err);
	check(skiff_instance_new(&instance, store, pre, NULL, NULL, &err), argv[1], &err);
	run(store, instance);
	printf("the guest printed %u time%s\n", printer.calls, printer.calls == 1 ? "" : "s");

	skiff_store_free(store);
	skiff_prelinked_free(pre);
	skiff_linker_free(linker);
	skiff_module_free(module);
	skiff_engine_free(engine);
	return 0;
}
