/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c: begins 20 threads that wait for ever, and exits with how many it got. Bare: no stack is used, as all share one. */
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

IMPORT("wasi", "thread-spawn") int spawn(int argument);
IMPORT("wasi_snapshot_preview1", "proc_exit") _Noreturn void proc_exit(int code);

static int never;

__attribute__((export_name("wasi_thread_start"))) void wasi_thread_start(int thread, int argument)
{
	(void)thread;
	(void)argument;
	for (;;)
		__builtin_wasm_memory_atomic_wait32(&never, 0, -1);
}

__attribute__((export_name("_start"))) void _start(void)
{
	int count = 0;

	for (int i = 0; i < 20; i++)
		count += spawn(i) > 0;
	proc_exit(count);
}
