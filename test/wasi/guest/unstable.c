/* SPDX-License-Identifier: Apache-2.0 */
/* unstable.c: wasi_unstable, the name of before, and what was laid out otherwise then. */
#define WASI_MODULE "wasi_unstable"
#define WASI_UNSTABLE
#include "wasi.h"

enum { OLD_CUR, OLD_END, OLD_SET };

struct old_filestat {
	u64 dev, ino;
	u8 filetype;
	u32 nlink;
	u64 size, atim, mtim, ctim;
};
struct old_subscription {
	u64 userdata;
	u8 type;
	union {
		struct {
			u64 identifier;
			u32 id;
			u64 timeout, precision;
			u16 flags;
		} clock;
		u32 fd;
	} u;
};
_Static_assert(sizeof(struct old_filestat) == 56 && sizeof(struct old_subscription) == 56, "");

static u64 offset;

TEST(whence)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);

	OK(fd_seek(fd, 3, OLD_SET, AT(&offset)));
	EQ(offset, 3);
	OK(fd_seek(fd, 4, OLD_CUR, AT(&offset)));
	EQ(offset, 7);
	OK(fd_seek(fd, (u64)-1, OLD_END, AT(&offset)));
	EQ(offset, 12);
	OK(fd_seek(fd, (u64)-2, OLD_CUR, AT(&offset)));
	EQ(offset, 10);
	IS(INVAL, fd_seek(fd, 0, 3, AT(&offset)));
	OK(fd_tell(fd, AT(&offset)));
	EQ(offset, 10);
}

TEST(filestat)
{
	struct {
		struct old_filestat stat;
		u8 behind[16];
	} room;
	u32 fd = OPEN(A, "file", 0, R_FILE);

	memset(&room, 0xee, sizeof(room));
	OK(fd_filestat_get(fd, AT(&room)));
	EQ(room.stat.filetype, T_FILE);
	EQ(room.stat.nlink, 1);
	EQ(room.stat.size, 13);
	CHECK(room.stat.mtim > 1577836800000000000 && room.stat.mtim <= now(REALTIME));
	EQ(room.behind[0], 0xee);
	memset(&room, 0xee, sizeof(room));
	OK(path_filestat_get(A, 0, STR("file"), AT(&room)));
	EQ(room.stat.filetype, T_FILE);
	EQ(room.stat.nlink, 1);
	EQ(room.stat.size, 13);
	EQ(room.behind[0], 0xee);
	FAULTS(fd_filestat_get(fd, P(AT(&room))));
	/* 56 bytes at the end of memory are enough. */
	OK(fd_filestat_get(fd, (u32)__builtin_wasm_memory_size(0) * 65536 - 56));
}

TEST(subscriptions)
{
	struct old_subscription subs[3] = {
		{.userdata = 1, .type = EV_CLOCK, .u.clock = {9, MONOTONIC, 10000000000, 0, 0}},
		{.userdata = 2, .type = EV_CLOCK, .u.clock = {8, REALTIME, 60000000, 0, 0}},
		{.userdata = 3, .type = EV_READ, .u.fd = 0}};
	struct event events[3];
	u64 start = now(MONOTONIC), took;
	u32 count = 0, end = (u32)__builtin_wasm_memory_size(0) * 65536;

	OK(poll_oneoff(AT(subs), AT(events), 3, AT(&count)));
	took = (now(MONOTONIC) - start) / 1000000;
	EQ(count, 1);
	EQ(events[0].userdata, 2);
	EQ(events[0].type, EV_CLOCK);
	CHECK(took >= 60 && took < 1000);
	subs[2].u.fd = OPEN(A, "file", 0, R_FILE);
	OK(poll_oneoff(AT(subs), AT(events), 3, AT(&count)));
	EQ(count, 1);
	EQ(events[0].userdata, 3);
	EQ(events[0].nbytes, 13);
	/* The third would be half outside. */
	memcpy((void *)(uintptr_t)(end - 112), subs, 112);
	IS(FAULT, poll_oneoff(end - 112, AT(events), 3, AT(&count)));
}

/* The rest is as it is now. */
TEST(everything_else)
{
	static u8 bytes[100];
	struct iovec part = {AT(bytes), 100};
	u32 fd = OPEN(A, "file", 0, R_FILE), done = 0;
	struct fdstat stat;
	struct prestat prestat;

	OK(fd_read(fd, AT(&part), 1, AT(&done)));
	EQ(done, 13);
	OK(fd_pread(fd, AT(&part), 1, 7, AT(&done)));
	EQ(done, 6);
	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.filetype, T_FILE);
	OK(fd_prestat_get(A, AT(&prestat)));
	EQ(prestat.size, 2);
	OK(path_create_directory(A, STR("new")));
	OK(path_rename(A, STR("new"), A, STR("newer")));
	OK(path_remove_directory(A, STR("newer")));
	OK(path_symlink(STR("file"), A, STR("x")));
	OK(path_readlink(A, STR("x"), AT(bytes), 100, AT(&done)));
	EQ(done, 4);
	OK(path_unlink_file(A, STR("x")));
	OK(path_link(A, 0, STR("file"), A, STR("y")));
	OK(path_filestat_set_times(A, 0, STR("y"), 1, 2, FST_ATIM | FST_MTIM));
	OK(fd_readdir(A, AT(bytes), 100, 0, AT(&done)));
	EQ(done, 100);
	OK(random_get(AT(bytes), 10));
	OK(sched_yield());
	IS(NOTSOCK, sock_shutdown(fd, 1));
	IS(NOTSOCK, sock_recv(fd, AT(&part), 1, 0, AT(&done), AT(&done)));
	IS(NOTSOCK, sock_send(fd, AT(&part), 1, 0, AT(&done)));
	IS(INVAL, proc_raise(200));
	OK(fd_renumber(fd, A));
	OK(fd_tell(A, AT(&offset)));
	OK(fd_allocate(A, 0, 20));
	OK(fd_advise(A, 0, 0, 0));
	OK(fd_datasync(A));
	OK(fd_sync(A));
	OK(fd_filestat_set_size(A, 1));
	OK(fd_filestat_set_times(A, 1, 1, 0));
	OK(fd_pwrite(A, AT(&part), 1, 7, AT(&done)));
	OK(fd_fdstat_set_flags(A, 0));
	OK(fd_fdstat_set_rights(A, 0, 0));
	OK(fd_close(A));
	OK(clock_res_get(REALTIME, AT(&offset)));
	OK(environ_sizes_get(AT(&done), AT(&part)));
	OK(environ_get(AT(bytes), AT(bytes)));
	proc_exit(failures > 0);
}
