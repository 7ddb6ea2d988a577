/* SPDX-License-Identifier: Apache-2.0 */
/* poll.c: waiting for clocks and descriptors. Standard input is a pipe into which nobody writes. */
#include "wasi.h"

enum { MS = 1000000, ABSTIME = 1, HANGUP = 1 };

static struct subscription subs[8];
static struct event events[8];
static u32 count, sub_count;

static void begin(void)
{
	sub_count = 0;
	memset(subs, 0, sizeof(subs));
	memset(events, 0xee, sizeof(events));
	count = 77;
}

static void add_clock(u32 clock, u64 timeout, u16 flags)
{
	subs[sub_count] =
		(struct subscription){.userdata = 100 + sub_count,
				      .type = EV_CLOCK,
				      .u.clock = {.id = clock, .timeout = timeout, .flags = flags}};
	sub_count++;
}

static void add_fd(u8 type, u32 fd)
{
	subs[sub_count] =
		(struct subscription){.userdata = 100 + sub_count, .type = type, .u.fd = fd};
	sub_count++;
}

/* Polls; how many milliseconds that took. */
static u64 poll(void)
{
	u64 start = now(MONOTONIC);

	OK(poll_oneoff(AT(subs), AT(events), sub_count, AT(&count)));
	return (now(MONOTONIC) - start) / MS;
}

static void expect_event(u32 index, u64 userdata, u8 type, u16 error)
{
	EQ(events[index].userdata, userdata);
	EQ(events[index].type, type);
	EQ(events[index].error, error);
}

/* One clock: its event, between `least` and a second more. */
static void expect_sleep(u32 clock, u64 timeout, u16 flags, u64 least)
{
	u64 took;

	begin();
	add_clock(clock, timeout, flags);
	took = poll();
	EQ(count, 1);
	expect_event(0, 100, EV_CLOCK, 0);
	CHECK(took >= least);
	CHECK(took < least + 1000);
}

TEST(relative)
{
	expect_sleep(MONOTONIC, 50 * MS, 0, 50);
	expect_sleep(REALTIME, 50 * MS, 0, 50);
	expect_sleep(MONOTONIC, 1, 0, 0);
	expect_sleep(MONOTONIC, 0, 0, 0);
	expect_sleep(REALTIME, 0, 0, 0);
}

TEST(absolute)
{
	expect_sleep(MONOTONIC, now(MONOTONIC) + 50 * MS, ABSTIME, 49);
	expect_sleep(REALTIME, now(REALTIME) + 50 * MS, ABSTIME, 49);
	/* What is past is over at once. */
	expect_sleep(MONOTONIC, now(MONOTONIC) - 50 * MS, ABSTIME, 0);
	expect_sleep(REALTIME, now(REALTIME) - 50 * MS, ABSTIME, 0);
	expect_sleep(MONOTONIC, 0, ABSTIME, 0);
	expect_sleep(REALTIME, 1, ABSTIME, 0);
}

TEST(several_clocks)
{
	u64 took;

	/* The shortest, wherever it stands, and alone. */
	begin();
	add_clock(MONOTONIC, 10000ull * MS, 0);
	add_clock(REALTIME, 50 * MS, 0);
	add_clock(MONOTONIC, UINT64_MAX, 0);
	add_clock(REALTIME, now(REALTIME) + 20000ull * MS, ABSTIME);
	took = poll();
	EQ(count, 1);
	expect_event(0, 101, EV_CLOCK, 0);
	CHECK(took >= 50 && took < 1000);
	/* All that are over. */
	begin();
	add_clock(MONOTONIC, 0, 0);
	add_clock(MONOTONIC, 10000ull * MS, 0);
	add_clock(REALTIME, 0, ABSTIME);
	took = poll();
	EQ(count, 2);
	expect_event(0, 100, EV_CLOCK, 0);
	expect_event(1, 102, EV_CLOCK, 0);
	CHECK(took < 1000);
}

TEST(clock_errors)
{
	/* A clock that does not exist is that subscription's error, or the call's. */
	begin();
	add_clock(4, 10 * MS, 0);
	if (EITHER(SUCCESS, INVAL, poll_oneoff(AT(subs), AT(events), 1, AT(&count))) == 0) {
		EQ(count, 1);
		CHECK(events[0].error == E_INVAL);
	}
	begin();
	add_clock(MONOTONIC, 10 * MS, 2);
	if (EITHER(INVAL, SUCCESS, poll_oneoff(AT(subs), AT(events), 1, AT(&count))) == 0)
		CHECK(events[0].error == E_INVAL);
	begin();
	add_clock(PROCESS_CPUTIME, 10 * MS, 0);
	if (poll_oneoff(AT(subs), AT(events), 1, AT(&count)) == 0)
		CHECK(events[0].error == 0 || events[0].error == E_NOTSUP ||
		      events[0].error == E_INVAL);
}

TEST(errors)
{
	begin();
	IS(INVAL, poll_oneoff(AT(subs), AT(events), 0, AT(&count)));
	add_clock(MONOTONIC, 0, 0);
	subs[0].type = 3;
	IS(INVAL, poll_oneoff(AT(subs), AT(events), 1, AT(&count)));
	subs[0].type = 255;
	IS(INVAL, poll_oneoff(AT(subs), AT(events), 1, AT(&count)));
	subs[0].type = EV_CLOCK;
	FAULTS(poll_oneoff(P(AT(subs)), P(AT(events)), 1, P(AT(&count))));
	IS(FAULT, poll_oneoff(AT(subs), AT(events), 0x7fffffff, AT(&count)));
	IS(FAULT, poll_oneoff(AT(subs), AT(events), UINT32_MAX, AT(&count)));
	/* 89478486 times 48 is 32 in 32 bits. */
	IS(FAULT, poll_oneoff(AT(subs), AT(events), 89478486, AT(&count)));
}

TEST(bad_descriptors)
{
	begin();
	add_fd(EV_READ, CLOSED);
	add_clock(MONOTONIC, 5000ull * MS, 0);
	add_fd(EV_WRITE, UINT32_MAX);
	CHECK(poll() < 1000);
	EQ(count, 2);
	expect_event(0, 100, EV_READ, E_BADF);
	expect_event(1, 102, EV_WRITE, E_BADF);
}

TEST(rights)
{
	u32 fd = OPEN(A, "file", 0, R_FD_READ | R_POLL_FD_READWRITE);

	OK(fd_fdstat_set_rights(fd, R_FD_READ, 0));
	begin();
	add_fd(EV_READ, fd);
	add_clock(MONOTONIC, 100 * MS, 0);
	CHECK(poll() < 1000);
	EQ(count, 1);
	expect_event(0, 100, EV_READ, E_NOTCAPABLE);
}

TEST(files_are_ready)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);
	u64 offset;

	begin();
	add_fd(EV_READ, fd);
	add_fd(EV_WRITE, fd);
	add_clock(MONOTONIC, 5000ull * MS, 0);
	CHECK(poll() < 1000);
	EQ(count, 2);
	expect_event(0, 100, EV_READ, 0);
	EQ(events[0].nbytes, 13);
	EQ(events[0].flags & HANGUP, 0);
	expect_event(1, 101, EV_WRITE, 0);
	OK(fd_seek(fd, 10, SET, AT(&offset)));
	begin();
	add_fd(EV_READ, fd);
	poll();
	EQ(events[0].nbytes, 3);
	/* At its end too: reading would not wait. */
	OK(fd_seek(fd, 100, SET, AT(&offset)));
	begin();
	add_fd(EV_READ, fd);
	CHECK(poll() < 1000);
	EQ(count, 1);
	EQ(events[0].nbytes, 0);
}

TEST(pipe_without_bytes)
{
	begin();
	add_fd(EV_READ, 0);
	add_clock(MONOTONIC, 80 * MS, 0);
	u64 took = poll();

	EQ(count, 1);
	expect_event(0, 101, EV_CLOCK, 0);
	CHECK(took >= 80 && took < 1000);
	/* Looking only. */
	begin();
	add_fd(EV_READ, 0);
	add_clock(MONOTONIC, 0, 0);
	CHECK(poll() < 500);
	EQ(count, 1);
	expect_event(0, 101, EV_CLOCK, 0);
}

/* Both ends of A/pipe, opened without waiting for anybody at the other end. */
TEST(fifo)
{
	static u8 bytes[100000];
	u32 in = OPEN_FLAGS(A, "pipe", 0, R_FD_READ | R_POLL_FD_READWRITE, FD_NONBLOCK);
	u32 out = OPEN_FLAGS(A, "pipe", 0, R_FD_WRITE | R_POLL_FD_READWRITE, FD_NONBLOCK);
	struct iovec part = {AT("abcdefg"), 7};
	u32 done = 0;

	EQ(read_some(in, bytes, 10), -E_AGAIN);
	begin();
	add_fd(EV_READ, in);
	add_fd(EV_WRITE, out);
	poll();
	EQ(count, 1);
	expect_event(0, 101, EV_WRITE, 0);
	OK(fd_write(out, AT(&part), 1, AT(&done)));
	begin();
	add_clock(MONOTONIC, 5000ull * MS, 0);
	add_fd(EV_READ, in);
	CHECK(poll() < 1000);
	EQ(count, 1);
	expect_event(0, 101, EV_READ, 0);
	EQ(events[0].nbytes, 7);
	EQ(read_some(in, bytes, 3), 3);
	EQ(read_some(in, bytes, 10), 4);
	/* Full: part of it is taken, then nothing. */
	part = (struct iovec){AT(bytes), sizeof(bytes)};
	OK(fd_write(out, AT(&part), 1, AT(&done)));
	CHECK(done > 0 && done < sizeof(bytes));
	IS(AGAIN, fd_write(out, AT(&part), 1, AT(&done)));
	begin();
	add_fd(EV_WRITE, out);
	add_clock(MONOTONIC, 50 * MS, 0);
	CHECK(poll() >= 50);
	expect_event(0, 101, EV_CLOCK, 0);
	/* The writer goes: what is left is read, then there is an end. */
	OK(fd_close(out));
	begin();
	add_fd(EV_READ, in);
	poll();
	expect_event(0, 100, EV_READ, 0);
	CHECK(events[0].nbytes > 0);
	CHECK(events[0].flags & HANGUP);
	while (read_some(in, bytes, sizeof(bytes)) > 0)
		continue;
	EQ(read_some(in, bytes, 10), 0);
	begin();
	add_fd(EV_READ, in);
	CHECK(poll() < 1000);
	EQ(count, 1);
	EQ(events[0].nbytes, 0);
	CHECK(events[0].flags & HANGUP);
}

/* The reader goes: writing is PIPE, and the program lives. */
TEST(fifo_without_reader)
{
	u32 in = OPEN_FLAGS(A, "pipe", 0, R_FD_READ, FD_NONBLOCK);
	u32 out = OPEN_FLAGS(A, "pipe", 0, R_FD_WRITE | R_POLL_FD_READWRITE, FD_NONBLOCK);
	struct iovec part = {AT("x"), 1};
	u32 done;

	OK(fd_close(in));
	IS(PIPE, fd_write(out, AT(&part), 1, AT(&done)));
	begin();
	add_fd(EV_WRITE, out);
	CHECK(poll() < 1000);
	EQ(count, 1);
	/* Opening for writing with nobody there. */
	OK(fd_close(out));
	IS(NXIO, path_open(A, 0, STR("pipe"), 0, R_FD_WRITE, 0, FD_NONBLOCK, AT(&done)));
}

TEST(nonblocking_input)
{
	u8 byte;
	struct fdstat stat;

	OK(fd_fdstat_set_flags(0, FD_NONBLOCK));
	OK(fd_fdstat_get(0, AT(&stat)));
	EQ(stat.flags, FD_NONBLOCK);
	EQ(read_some(0, &byte, 1), -E_AGAIN);
	OK(fd_fdstat_set_flags(0, 0));
	OK(fd_fdstat_get(0, AT(&stat)));
	EQ(stat.flags, 0);
}

/* More than fits any table of small size, most of the same descriptor. */
TEST(many)
{
	static struct subscription all[1000];
	static struct event out[1000];
	u32 fd = OPEN(A, "file", 0, R_FILE);

	for (u32 i = 0; i < 1000; i++)
		all[i] = (struct subscription){
			.userdata = i, .type = i % 2 ? EV_READ : EV_WRITE, .u.fd = fd};
	OK(poll_oneoff(AT(all), AT(out), 1000, AT(&count)));
	EQ(count, 1000);
	for (u32 i = 0; i < 1000; i++)
		EQ(out[i].userdata, i);
}

/* The events may be written over the subscriptions. */
TEST(same_place)
{
	begin();
	add_clock(MONOTONIC, 0, 0);
	add_fd(EV_WRITE, OPEN(A, "file", 0, R_FILE));
	OK(poll_oneoff(AT(subs), AT(subs), 2, AT(&count)));
	EQ(count, 2);
	EQ(((struct event *)subs)[0].userdata, 100);
	EQ(((struct event *)subs)[1].userdata, 101);
	EQ(((struct event *)subs)[1].type, EV_WRITE);
}
