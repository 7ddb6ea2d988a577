/* SPDX-License-Identifier: Apache-2.0 */
/* basic.c: arguments, environment, clocks, random numbers, and functions that take next to nothing. */
#include "wasi.h"

static u8 big[3 << 20];

TEST(args)
{
	static char *list[8];
	static char bytes[256];
	u32 count = 0, size = 0;

	OK(args_sizes_get(AT(&count), AT(&size)));
	EQ(count, arg_count);
	CHECK(count < 8 && size < sizeof(bytes));
	memset(bytes, 'x', sizeof(bytes));
	OK(args_get(AT(list), AT(bytes)));
	/* Each with its NUL, one behind the other, and nothing written behind the last. */
	CHECK(list[0] == bytes);
	for (u32 i = 0; i + 1 < count; i++)
		CHECK(list[i + 1] == list[i] + length(list[i]) + 1);
	EQ(list[count - 1] + length(list[count - 1]) + 1 - bytes, size);
	EQ(bytes[size], 'x');
	CHECK(list[count] == NULL);
}

TEST(args_faults)
{
	static char *list[8];
	static char bytes[256];
	u32 count, size;

	FAULTS(args_sizes_get(P(AT(&count)), P(AT(&size))));
	FAULTS(args_get(P(AT(list)), P(AT(bytes))));
}

TEST(environ)
{
	static char *list[8];
	static char bytes[256];
	u32 count = 9, size = 9;

	/* The driver gives NAME=value and EMPTY=. */
	OK(environ_sizes_get(AT(&count), AT(&size)));
	EQ(count, 2);
	EQ(size, sizeof("NAME=value") + sizeof("EMPTY="));
	OK(environ_get(AT(list), AT(bytes)));
	CHECK(same(list[0], "NAME=value", sizeof("NAME=value")) ||
	      same(list[1], "NAME=value", sizeof("NAME=value")));
	CHECK(same(list[0], "EMPTY=", sizeof("EMPTY=")) ||
	      same(list[1], "EMPTY=", sizeof("EMPTY=")));
}

TEST(environ_faults)
{
	static char *list[8];
	static char bytes[256];
	u32 count, size;

	FAULTS(environ_sizes_get(P(AT(&count)), P(AT(&size))));
	FAULTS(environ_get(P(AT(list)), P(AT(bytes))));
}

TEST(environ_none)
{
	u32 count = 9, size = 9;

	OK(environ_sizes_get(AT(&count), AT(&size)));
	EQ(count, 0);
	EQ(size, 0);
	OK(environ_get(AT(&count), AT(&size)));
}

TEST(clock_resolution)
{
	for (u32 clock = REALTIME; clock <= THREAD_CPUTIME; clock++) {
		u64 resolution = 0;

		OK(clock_res_get(clock, AT(&resolution)));
		CHECK(resolution > 0 && resolution <= 1000000000);
	}
}

TEST(clock_times)
{
	u64 first, cpu = now(PROCESS_CPUTIME), thread = now(THREAD_CPUTIME), real = now(REALTIME);

	/* After 2020, before 2200. */
	CHECK(real > 1577836800000000000 && real < 7258118400000000000);
	first = now(MONOTONIC);
	for (u32 i = 0; i < 1000; i++) {
		u64 next = now(MONOTONIC);

		CHECK(next >= first);
		first = next;
	}
	CHECK(now(PROCESS_CPUTIME) > cpu);
	CHECK(now(THREAD_CPUTIME) > thread);
	/* Sleeping costs no processor time, but takes time. */
	first = now(MONOTONIC);
	cpu = now(PROCESS_CPUTIME);
	sleep_ms(100);
	CHECK(now(MONOTONIC) - first >= 100000000);
	CHECK(now(PROCESS_CPUTIME) - cpu < 50000000);
	CHECK(now(REALTIME) - real >= 100000000);
}

TEST(clock_errors)
{
	u64 time = 0;

	FAULTS(clock_res_get(REALTIME, P(AT(&time))));
	FAULTS(clock_time_get(MONOTONIC, 1, P(AT(&time))));
	time = 0;
	IS(INVAL, clock_res_get(4, AT(&time)));
	IS(INVAL, clock_res_get(UINT32_MAX, AT(&time)));
	IS(INVAL, clock_time_get(4, 0, AT(&time)));
	IS(INVAL, clock_time_get(0x80000001, 0, AT(&time)));
	EQ(time, 0);
	/* The precision is a wish. */
	OK(clock_time_get(REALTIME, 0, AT(&time)));
	OK(clock_time_get(REALTIME, UINT64_MAX, AT(&time)));
	/* Numbers lie at any address. */
	OK(clock_time_get(REALTIME, 0, AT(big) + 1));
}

/* Looks random: each value about equally often. */
static void check_random(const u8 *bytes, u32 size)
{
	static u32 counts[256];

	memset(counts, 0, sizeof(counts));
	for (u32 i = 0; i < size; i++)
		counts[bytes[i]]++;
	for (u32 i = 0; i < 256; i++)
		CHECK(counts[i] > size / 512 && counts[i] < size / 128);
}

TEST(random)
{
	u32 ones = 0;

	OK(random_get(AT(big), 0));
	EQ(big[0], 0);
	for (u32 i = 0; i < 1000; i++) {
		OK(random_get(AT(big), 1));
		ones += big[0] & 1;
		EQ(big[1], 0);
	}
	CHECK(ones > 350 && ones < 650);
	OK(random_get(AT(big), (1 << 20) + 7));
	check_random(big, 1 << 20);
	EQ(big[(1 << 20) + 7], 0);
	check_random(big + (1 << 20) - 65536, 65536);
	OK(random_get(AT(big), sizeof(big)));
	check_random(big + sizeof(big) - 65536, 65536);
}

TEST(random_errors)
{
	u32 end = (u32)__builtin_wasm_memory_size(0) * 65536;

	FAULTS(random_get(P(AT(big)), 2));
	FAULTS(random_get(P1(AT(big)), 1));
	IS(FAULT, random_get(AT(big), UINT32_MAX));
	IS(FAULT, random_get(end - 10, 11));
	OK(random_get(end - 10, 10));
	/* Nothing at the end of memory is there. */
	OK(random_get(end, 0));
	EITHER(FAULT, SUCCESS, random_get(end + 1, 0));
}

TEST(yield)
{
	for (u32 i = 0; i < 100; i++)
		OK(sched_yield());
}

TEST(raise_errors)
{
	/* No signal at all is asked for, then one that does not exist. */
	OK(proc_raise(0));
	IS(INVAL, proc_raise(31));
	IS(INVAL, proc_raise(255));
	IS(INVAL, proc_raise(UINT32_MAX));
}
