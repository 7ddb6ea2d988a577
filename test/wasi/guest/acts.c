/* SPDX-License-Identifier: Apache-2.0 */
/* acts.c WORD [...]: small programs of which the driver watches what comes out and how they end. */
#define NO_TESTS
#include "wasi.h"

static u8 bytes[1 << 16];

static u32 number_at(u32 index)
{
	u32 number = 0;

	if (index < arg_count)
		for (const char *at = args[index]; *at != 0; at++)
			number = number * 10 + (u32)(*at - '0');
	return number;
}

/* Ends with the errno that ended it. */
static void cat(void)
{
	int size;

	while ((size = read_some(0, bytes, sizeof(bytes))) > 0) {
		u32 error = put_bytes(1, bytes, (u32)size);

		if (error != 0)
			proc_exit(error);
	}
	proc_exit((u32)-size);
}

/* N bytes, 0 to 250 over and over; in writes of different sizes. */
static void spew(u32 count)
{
	u32 at = 0, step = 1;

	while (at < count) {
		u32 size = count - at < step ? count - at : step;
		u32 error;

		for (u32 i = 0; i < size; i++)
			bytes[i] = (u8)((at + i) % 251);
		error = put_bytes(1, bytes, size);
		if (error != 0)
			proc_exit(error);
		at += size;
		step = step * 3 % 65521 + 1;
	}
	proc_exit(7);
}

static void show_args(void)
{
	for (u32 i = 1; i < arg_count; i++)
		put_bytes(1, args[i], length(args[i]) + 1);
	proc_exit(0);
}

/* All of the environment as it lies there, in memory grown for it. */
static void show_environment(void)
{
	u32 count = 0, size = 0, at = (u32)__builtin_wasm_memory_size(0) * 65536;

	if (environ_sizes_get(AT(&count), AT(&size)) != 0)
		proc_exit(1);
	if (__builtin_wasm_memory_grow(0, (count * 4 + size) / 65536 + 1) == (size_t)-1)
		proc_exit(2);
	if (environ_get(at, at + count * 4) != 0)
		proc_exit(3);
	/* Pointers point at the strings. */
	for (u32 i = 0, next = at + count * 4; i < count; i++) {
		if (((const u32 *)(uintptr_t)at)[i] != next)
			proc_exit(4);
		next += length((const char *)(uintptr_t)next) + 1;
	}
	proc_exit(put_bytes(1, (const u8 *)(uintptr_t)(at + count * 4), size));
}

/* Filetype, flags and whether it can seek, of each standard stream. */
static void show_streams(void)
{
	static const char *const types[] = {"unknown", "block", "character", "directory",
					    "file",    "dgram", "stream",    "link"};

	for (u32 fd = 0; fd < 3; fd++) {
		struct fdstat stat;

		if (fd_fdstat_get(fd, AT(&stat)) != 0) {
			put("closed\n");
			continue;
		}
		put(stat.filetype < 8 ? types[stat.filetype] : "strange");
		put(stat.rights & (R_FD_SEEK | R_FD_TELL) ? " seeks" : "");
		put(stat.flags & FD_APPEND ? " append" : "");
		put(stat.flags & FD_NONBLOCK ? " nonblock" : "");
		put("\n");
	}
	proc_exit(0);
}

static void show_sleep(u32 ms)
{
	u64 start = now(MONOTONIC);

	put("sleeping\n");
	sleep_ms(ms);
	put_number((now(MONOTONIC) - start) / 1000000);
	put("\n");
	proc_exit(0);
}

/* Reads descriptor 3's config/a and config/b again and again; each must be whole: its own letter, 8 times. */
static void watch(u32 rounds)
{
	for (u32 i = 0; i < rounds; i++) {
		u32 fd = CLOSED;
		u32 error = path_open(3, FOLLOW, i % 2 ? AT("a") : AT("b"), 1, 0,
				      R_FD_READ | R_FD_SEEK, 0, 0, AT(&fd));

		if (error != 0) {
			put(errno_name(error));
			proc_exit(1);
		}
		if (read_some(fd, bytes, 100) != 8)
			proc_exit(2);
		for (u32 k = 1; k < 8; k++)
			if (bytes[k] != bytes[0])
				proc_exit(3);
		fd_close(fd);
	}
	proc_exit(0);
}

/* Standard input without waiting: what poll says comes, is there, until its end. */
static void cat_patiently(void)
{
	u32 waits = 0;

	if (fd_fdstat_set_flags(0, FD_NONBLOCK) != 0)
		proc_exit(90);
	for (;;) {
		struct subscription sub = {.type = EV_READ, .u.fd = 0};
		struct event event;
		u32 count = 0;
		int size = read_some(0, bytes, sizeof(bytes));

		if (size == 0)
			proc_exit(waits > 0 ? 0 : 91);
		if (size > 0) {
			put_bytes(1, bytes, (u32)size);
		} else if (size == -E_AGAIN) {
			waits++;
			if (poll_oneoff(AT(&sub), AT(&event), 1, AT(&count)) != 0 || count != 1)
				proc_exit(92);
		} else {
			proc_exit((u32)-size);
		}
	}
}

/* The errno of reading 0 and writing 1 and 2, as the exit code. */
static void show_closed(void)
{
	struct iovec part = {AT("x"), 1};
	u32 done, in = (u32)-read_some(0, bytes, 1);
	u32 out = fd_write(1, AT(&part), 1, AT(&done)), err = fd_write(2, AT(&part), 1, AT(&done));

	proc_exit(in == out && in == err ? in : 99);
}

void _start(void)
{
	get_args();
	if (arg_is(1, "return"))
		return;
	if (arg_is(1, "exit"))
		proc_exit(number_at(2));
	if (arg_is(1, "raise"))
		proc_exit(proc_raise(number_at(2)));
	if (arg_is(1, "cat"))
		cat();
	if (arg_is(1, "cat-patiently"))
		cat_patiently();
	if (arg_is(1, "spew"))
		spew(number_at(2));
	if (arg_is(1, "args"))
		show_args();
	if (arg_is(1, "environment"))
		show_environment();
	if (arg_is(1, "streams"))
		show_streams();
	if (arg_is(1, "sleep"))
		show_sleep(number_at(2));
	if (arg_is(1, "watch"))
		watch(number_at(2));
	if (arg_is(1, "closed"))
		show_closed();
	put("acts: no such act\n");
	proc_exit(98);
}
