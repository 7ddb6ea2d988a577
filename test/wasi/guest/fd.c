/* SPDX-License-Identifier: Apache-2.0 */
/* fd.c: what is done with open descriptors. A/file holds "hello, world\n", A/empty nothing, A/dir is a directory. */
#include "wasi.h"

static u8 bytes[65536];
static struct iovec one = {0, 16};
static u32 done;
static u64 offset;

static u32 iov(void *at, u32 size)
{
	one.at = AT(at);
	one.size = size;
	return AT(&one);
}

static u32 iov_at(u32 at, u32 size)
{
	one.at = at;
	one.size = size;
	return AT(&one);
}

/* -- What every function says of what is not open ------------------------------------------------------- */

TEST(not_open)
{
	static const u32 numbers[] = {CLOSED, 6, 0x7fffffff, 0x80000000, UINT32_MAX};

	for (u32 i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		u32 fd = numbers[i];

		IS(BADF, fd_advise(fd, 0, 0, 0));
		IS(BADF, fd_allocate(fd, 0, 1));
		IS(BADF, fd_close(fd));
		IS(BADF, fd_datasync(fd));
		IS(BADF, fd_fdstat_get(fd, AT(bytes)));
		IS(BADF, fd_fdstat_set_flags(fd, 0));
		IS(BADF, fd_fdstat_set_rights(fd, 0, 0));
		IS(BADF, fd_filestat_get(fd, AT(bytes)));
		IS(BADF, fd_filestat_set_size(fd, 0));
		IS(BADF, fd_filestat_set_times(fd, 0, 0, 0));
		IS(BADF, fd_pread(fd, iov(bytes, 1), 1, 0, AT(&done)));
		IS(BADF, fd_prestat_get(fd, AT(bytes)));
		IS(BADF, fd_prestat_dir_name(fd, AT(bytes), 100));
		IS(BADF, fd_pwrite(fd, iov(bytes, 1), 1, 0, AT(&done)));
		IS(BADF, fd_read(fd, iov(bytes, 1), 1, AT(&done)));
		IS(BADF, fd_readdir(fd, AT(bytes), 100, 0, AT(&done)));
		IS(BADF, fd_renumber(fd, A));
		IS(BADF, fd_renumber(A, fd));
		IS(BADF, fd_seek(fd, 0, SET, AT(&offset)));
		IS(BADF, fd_sync(fd));
		IS(BADF, fd_tell(fd, AT(&offset)));
		IS(BADF, fd_write(fd, iov(bytes, 1), 1, AT(&done)));
		IS(BADF, path_create_directory(fd, STR("x")));
		IS(BADF, path_filestat_get(fd, 0, STR("x"), AT(bytes)));
		IS(BADF, path_filestat_set_times(fd, 0, STR("x"), 0, 0, 0));
		IS(BADF, path_link(fd, 0, STR("file"), A, STR("x")));
		IS(BADF, path_link(A, 0, STR("file"), fd, STR("x")));
		IS(BADF, path_open(fd, 0, STR("x"), 0, R_FD_READ, 0, 0, AT(&done)));
		IS(BADF, path_readlink(fd, STR("x"), AT(bytes), 100, AT(&done)));
		IS(BADF, path_remove_directory(fd, STR("x")));
		IS(BADF, path_rename(fd, STR("file"), A, STR("x")));
		IS(BADF, path_rename(A, STR("file"), fd, STR("x")));
		IS(BADF, path_symlink(STR("x"), fd, STR("y")));
		IS(BADF, path_unlink_file(fd, STR("x")));
		IS(BADF, sock_accept(fd, 0, AT(&done)));
		IS(BADF, sock_recv(fd, iov(bytes, 1), 1, 0, AT(&done), AT(&done)));
		IS(BADF, sock_send(fd, iov(bytes, 1), 1, 0, AT(&done)));
		IS(BADF, sock_shutdown(fd, 1));
	}
	OK(fd_filestat_get(A, AT(bytes)));
}

TEST(closed_again)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);

	OK(fd_close(fd));
	IS(BADF, fd_close(fd));
	IS(BADF, fd_read(fd, iov(bytes, 1), 1, AT(&done)));
	/* The lowest free number is given again. */
	EQ(OPEN(A, "file", 0, R_FILE), fd);
	OK(fd_close(A));
	IS(BADF, path_open(A, 0, STR("file"), 0, R_FD_READ, 0, 0, AT(&done)));
}

TEST(faults)
{
	u32 fd = OPEN(A, "file", 0, R_FILE), room = AT(bytes);
	struct iovec two[2] = {{room, 4}, {room, 4}};
	struct subscription sub = {.type = EV_CLOCK};

	FAULTS(fd_fdstat_get(fd, P(room)));
	FAULTS(fd_filestat_get(fd, P(room)));
	FAULTS(fd_pread(fd, P(iov(bytes, 4)), 1, 0, P(AT(&done))));
	FAULTS(fd_pread(fd, iov_at(P(room), 4), 1, 0, AT(&done)));
	FAULTS(fd_pread(fd, iov_at(P1(room), 1), 1, 0, AT(&done)));
	FAULTS(fd_pwrite(fd, P(iov(bytes, 4)), 1, 0, P(AT(&done))));
	FAULTS(fd_pwrite(fd, iov_at(P(room), 4), 1, 0, AT(&done)));
	FAULTS(fd_read(fd, P(iov(bytes, 4)), 1, P(AT(&done))));
	FAULTS(fd_read(fd, iov_at(P(room), 4), 1, AT(&done)));
	FAULTS(fd_write(fd, P(iov(bytes, 4)), 1, P(AT(&done))));
	FAULTS(fd_write(fd, iov_at(P(room), 4), 1, AT(&done)));
	FAULTS(fd_prestat_get(A, P(room)));
	FAULTS(fd_prestat_dir_name(A, P(room), 2));
	FAULTS(fd_readdir(A, P(room), 100, 0, P(AT(&done))));
	FAULTS(fd_seek(fd, 0, SET, P(AT(&offset))));
	FAULTS(fd_tell(fd, P(AT(&offset))));
	FAULTS(poll_oneoff(P(AT(&sub)), P(room), 1, P(AT(&done))));
	/* Vectors: the second part, the vector's own end, sizes that run over. */
	two[1].at = 0xfffffff0;
	IS(FAULT, fd_read(fd, IOV(two), AT(&done)));
	IS(FAULT, fd_write(fd, IOV(two), AT(&done)));
	IS(FAULT, fd_read(fd, AT(two), 0x20000001, AT(&done)));
	IS(FAULT, fd_write(fd, AT(two), UINT32_MAX, AT(&done)));
	IS(FAULT, fd_read(fd, iov(bytes, UINT32_MAX), 1, AT(&done)));
	IS(FAULT, fd_write(fd, iov(bytes, 0x80000000), 1, AT(&done)));
}

TEST(path_faults)
{
	/* With all pointers good they fail too, for another reason. */
	u32 file = AT("file"), none = AT("none"), x = AT("xx"), room = AT(bytes);

	FAULTS(path_create_directory(A, P(file), 4));
	FAULTS(path_create_directory(A, P1(AT(".")), 1));
	FAULTS(path_filestat_get(A, 0, P(file), 4, P(room)));
	FAULTS(path_filestat_set_times(A, 0, P(file), 4, 0, 0, FST_ATIM_NOW));
	FAULTS(path_link(A, 0, P(none), 4, A, P(x), 2));
	FAULTS(path_open(A, 0, P(file), 4, 0, R_FD_READ, 0, 0, P(room)));
	FAULTS(path_readlink(A, P(AT("link")), 4, P(room), 100, P(AT(&done))));
	FAULTS(path_remove_directory(A, P(x), 2));
	FAULTS(path_rename(A, P(none), 4, A, P(x), 2));
	FAULTS(path_symlink(P(x), 2, A, P(file), 4));
	FAULTS(path_unlink_file(A, P(none), 4));
	/* A path longer than memory. */
	IS(FAULT, path_create_directory(A, room, UINT32_MAX));
	IS(FAULT, path_open(A, 0, room, 0x7fffffff, 0, R_FD_READ, 0, 0, room));
	/* None of it did anything. */
	OK(path_filestat_get(A, 0, STR("file"), room));
	IS(NOENT, path_filestat_get(A, 0, STR("xx"), room));
}

/* -- Rights -------------------------------------------------------------------------------------------- */

/* A/file without one right. */
static u32 without(u64 right)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);

	OK(fd_fdstat_set_rights(fd, R_FILE & ~right, 0));
	return fd;
}

TEST(rights_of_files)
{
	u32 part = iov(bytes, 1);

	IS(NOTCAPABLE, fd_advise(without(R_FD_ADVISE), 0, 0, 0));
	IS(NOTCAPABLE, fd_allocate(without(R_FD_ALLOCATE), 0, 1));
	IS(NOTCAPABLE, fd_datasync(without(R_FD_DATASYNC)));
	IS(NOTCAPABLE, fd_fdstat_set_flags(without(R_FD_FDSTAT_SET_FLAGS), 0));
	IS(NOTCAPABLE, fd_filestat_get(without(R_FD_FILESTAT_GET), AT(bytes)));
	IS(NOTCAPABLE, fd_filestat_set_size(without(R_FD_FILESTAT_SET_SIZE), 0));
	IS(NOTCAPABLE, fd_filestat_set_times(without(R_FD_FILESTAT_SET_TIMES), 0, 0, FST_ATIM));
	IS(NOTCAPABLE, fd_pread(without(R_FD_READ), part, 1, 0, AT(&done)));
	IS(NOTCAPABLE, fd_pread(without(R_FD_SEEK), part, 1, 0, AT(&done)));
	IS(NOTCAPABLE, fd_pwrite(without(R_FD_WRITE), part, 1, 0, AT(&done)));
	IS(NOTCAPABLE, fd_pwrite(without(R_FD_SEEK), part, 1, 0, AT(&done)));
	IS(NOTCAPABLE, fd_read(without(R_FD_READ), part, 1, AT(&done)));
	IS(NOTCAPABLE, fd_seek(without(R_FD_SEEK), 1, SET, AT(&offset)));
	IS(NOTCAPABLE, fd_sync(without(R_FD_SYNC)));
	IS(NOTCAPABLE, fd_tell(without(R_FD_TELL | R_FD_SEEK), AT(&offset)));
	IS(NOTCAPABLE, fd_write(without(R_FD_WRITE), part, 1, AT(&done)));
	/* These need none. */
	OK(fd_fdstat_get(without(R_FILE), AT(bytes)));
	OK(fd_fdstat_set_rights(without(R_FILE), 0, 0));
	OK(fd_close(without(R_FILE)));
	/* To ask where it is needs no right to move. */
	OK(fd_tell(without(R_FD_SEEK), AT(&offset)));
	OK(fd_seek(without(R_FD_SEEK), 0, CUR, AT(&offset)));
}

static void drop(u64 right)
{
	struct fdstat stat;

	OK(fd_fdstat_get(B, AT(&stat)));
	OK(fd_fdstat_set_rights(B, stat.rights & ~right, stat.inheriting));
}

/* They cannot be had back: each is dropped once, in this order. */
TEST(rights_of_directories)
{
	u32 x = AT("x"), y = AT("y"), room = AT(bytes);

	drop(R_PATH_CREATE_DIRECTORY);
	IS(NOTCAPABLE, path_create_directory(B, x, 1));
	drop(R_PATH_FILESTAT_SET_TIMES);
	IS(NOTCAPABLE, path_filestat_set_times(B, 0, x, 1, 0, 0, FST_ATIM_NOW));
	drop(R_PATH_LINK_SOURCE);
	IS(NOTCAPABLE, path_link(B, 0, x, 1, A, y, 1));
	drop(R_PATH_LINK_TARGET);
	IS(NOTCAPABLE, path_link(A, 0, x, 1, B, y, 1));
	drop(R_PATH_RENAME_SOURCE);
	IS(NOTCAPABLE, path_rename(B, x, 1, A, y, 1));
	drop(R_PATH_RENAME_TARGET);
	IS(NOTCAPABLE, path_rename(A, x, 1, B, y, 1));
	drop(R_PATH_READLINK);
	IS(NOTCAPABLE, path_readlink(B, x, 1, room, 10, AT(&done)));
	drop(R_PATH_REMOVE_DIRECTORY);
	IS(NOTCAPABLE, path_remove_directory(B, x, 1));
	drop(R_PATH_SYMLINK);
	IS(NOTCAPABLE, path_symlink(x, 1, B, y, 1));
	drop(R_PATH_UNLINK_FILE);
	IS(NOTCAPABLE, path_unlink_file(B, x, 1));
	drop(R_FD_READDIR);
	IS(NOTCAPABLE, fd_readdir(B, room, 100, 0, AT(&done)));
	drop(R_PATH_FILESTAT_SET_SIZE);
	IS(NOTCAPABLE, path_open(B, 0, x, 1, O_TRUNC, R_FD_WRITE, 0, 0, AT(&done)));
	drop(R_PATH_CREATE_FILE);
	IS(NOTCAPABLE, path_open(B, 0, x, 1, O_CREAT, R_FD_WRITE, 0, 0, AT(&done)));
	IS(NOENT, path_open(B, 0, x, 1, 0, R_FD_READ, 0, 0, AT(&done)));
	drop(R_PATH_FILESTAT_GET);
	IS(NOTCAPABLE, path_filestat_get(B, 0, x, 1, room));
	drop(R_PATH_OPEN);
	IS(NOTCAPABLE, path_open(B, 0, x, 1, 0, R_FD_READ, 0, 0, AT(&done)));
}

TEST(rights_only_shrink)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);
	struct fdstat stat;

	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.rights & R_FILE, R_FILE);
	OK(fd_fdstat_set_rights(fd, R_FD_READ | R_FD_TELL, 0));
	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.rights, R_FD_READ | R_FD_TELL);
	EQ(stat.inheriting, 0);
	IS(NOTCAPABLE, fd_fdstat_set_rights(fd, R_FD_READ | R_FD_WRITE, 0));
	IS(NOTCAPABLE, fd_fdstat_set_rights(fd, R_FD_READ, R_FD_READ));
	EITHER(NOTCAPABLE, INVAL, fd_fdstat_set_rights(fd, R_FD_READ | 1ull << 63, 0));
	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.rights, R_FD_READ | R_FD_TELL);
	/* What a directory does not hand down is not had below it. */
	OK(fd_fdstat_get(B, AT(&stat)));
	OK(fd_fdstat_set_rights(B, stat.rights, R_FD_READ));
	IS(NOTCAPABLE, path_open(B, 0, STR("file"), 0, R_FD_READ | R_FD_WRITE, 0, 0, AT(&done)));
	OK(path_open(B, 0, STR("file"), 0, R_FD_READ, 0, 0, AT(&done)));
}

/* -- Not what it would need to be ------------------------------------------------------------------------- */

TEST(file_is_no_directory)
{
	u32 fd = OPEN(A, "file", 0, R_FILE), room = AT(bytes);

	EITHER(NOTDIR, NOTCAPABLE, fd_readdir(fd, room, 100, 0, AT(&done)));
	IS(BADF, fd_prestat_get(fd, room));
	IS(BADF, fd_prestat_dir_name(fd, room, 10));
	IS(NOTDIR, path_create_directory(fd, STR("x")));
	IS(NOTDIR, path_filestat_get(fd, 0, STR("x"), room));
	IS(NOTDIR, path_filestat_set_times(fd, 0, STR("x"), 0, 0, 0));
	IS(NOTDIR, path_link(fd, 0, STR("file"), A, STR("x")));
	IS(NOTDIR, path_link(A, 0, STR("file"), fd, STR("x")));
	IS(NOTDIR, path_open(fd, 0, STR("x"), 0, R_FD_READ, 0, 0, AT(&done)));
	IS(NOTDIR, path_readlink(fd, STR("x"), room, 100, AT(&done)));
	IS(NOTDIR, path_remove_directory(fd, STR("x")));
	IS(NOTDIR, path_rename(fd, STR("file"), A, STR("x")));
	IS(NOTDIR, path_rename(A, STR("file"), fd, STR("x")));
	IS(NOTDIR, path_symlink(STR("x"), fd, STR("y")));
	IS(NOTDIR, path_unlink_file(fd, STR("x")));
}

TEST(directory_is_no_file)
{
	u32 part = iov(bytes, 1);

	EITHER(ISDIR, NOTCAPABLE, fd_read(A, part, 1, AT(&done)));
	EITHER(ISDIR, NOTCAPABLE, fd_pread(A, part, 1, 0, AT(&done)));
	EITHER(ISDIR, NOTCAPABLE, fd_write(A, part, 1, AT(&done)));
	EITHER(ISDIR, NOTCAPABLE, fd_pwrite(A, part, 1, 0, AT(&done)));
	EITHER(ISDIR, NOTCAPABLE, fd_allocate(A, 0, 1));
	EITHER(ISDIR, NOTCAPABLE, fd_filestat_set_size(A, 0));
	EITHER(ISDIR, NOTCAPABLE, fd_seek(A, 0, SET, AT(&offset)));
	EITHER(ISDIR, NOTCAPABLE, fd_tell(A, AT(&offset)));
	OK(fd_sync(A));
	OK(fd_datasync(A));
	OK(fd_filestat_get(A, AT(bytes)));
	OK(fd_filestat_set_times(A, 1000000000, 2000000000, FST_ATIM | FST_MTIM));
}

TEST(no_sockets)
{
	static const u32 numbers[] = {0, 1, A};

	for (u32 i = 0; i < 4; i++) {
		u32 fd = i < 3 ? numbers[i] : OPEN(A, "file", 0, R_FILE);

		IS(NOTSOCK, sock_accept(fd, 0, AT(&done)));
		IS(NOTSOCK, sock_recv(fd, iov(bytes, 1), 1, 0, AT(&done), AT(&done)));
		IS(NOTSOCK, sock_send(fd, iov(bytes, 1), 1, 0, AT(&done)));
		IS(NOTSOCK, sock_shutdown(fd, 1));
	}
}

/* Standard input is a pipe. */
TEST(pipes_do_not_seek)
{
	struct fdstat stat;

	OK(fd_fdstat_get(0, AT(&stat)));
	CHECK(stat.filetype != T_FILE && stat.filetype != T_CHARACTER);
	EITHER(SPIPE, NOTCAPABLE, fd_seek(0, 0, SET, AT(&offset)));
	EITHER(SPIPE, NOTCAPABLE, fd_seek(0, 0, CUR, AT(&offset)));
	EITHER(SPIPE, NOTCAPABLE, fd_tell(0, AT(&offset)));
	EITHER(SPIPE, NOTCAPABLE, fd_pread(0, iov(bytes, 1), 1, 0, AT(&done)));
	EITHER(SPIPE, NOTCAPABLE, fd_advise(0, 0, 0, 0));
}

/* -- Numbers out of range ------------------------------------------------------------------------------------ */

TEST(invalid)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);
	u32 part = iov(bytes, 1);

	IS(INVAL, fd_advise(fd, 0, 0, 6));
	IS(INVAL, fd_advise(fd, 0, 0, UINT32_MAX));
	IS(INVAL, fd_advise(fd, 0, 0, 0x100));
	IS(INVAL, fd_allocate(fd, 0, 0));
	IS(INVAL, fd_fdstat_set_flags(fd, 32));
	IS(INVAL, fd_fdstat_set_flags(fd, 0x10000));
	IS(INVAL, fd_filestat_set_times(fd, 0, 0, 16));
	IS(INVAL, fd_filestat_set_times(fd, 0, 0, FST_ATIM | FST_ATIM_NOW));
	IS(INVAL, fd_filestat_set_times(fd, 0, 0, FST_MTIM | FST_MTIM_NOW));
	IS(INVAL, fd_seek(fd, 0, 3, AT(&offset)));
	IS(INVAL, fd_seek(fd, 0, UINT32_MAX, AT(&offset)));
	IS(INVAL, fd_seek(fd, 0, 0x100, AT(&offset)));
	IS(INVAL, fd_seek(fd, (u64)-1, SET, AT(&offset)));
	IS(INVAL, fd_seek(fd, (u64)-1, CUR, AT(&offset)));
	IS(INVAL, fd_seek(fd, (u64)-14, END, AT(&offset)));
	IS(INVAL, fd_pread(fd, part, 1, UINT64_MAX, AT(&done)));
	IS(INVAL, fd_pwrite(fd, part, 1, 1ull << 63, AT(&done)));
	IS(INVAL, fd_filestat_set_size(fd, UINT64_MAX));
	/* From the last place there is, one further. */
	OK(fd_seek(fd, INT64_MAX >> 20, SET, AT(&offset)));
	EITHER(INVAL, OVERFLOW, fd_seek(fd, INT64_MAX, CUR, AT(&offset)));
	EQ(offset, INT64_MAX >> 20);
}

TEST(too_big)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);

	EITHER(FBIG, INVAL, fd_allocate(fd, INT64_MAX, 1));
	EITHER(FBIG, INVAL, fd_allocate(fd, UINT64_MAX, 1));
	EITHER(FBIG, INVAL, fd_allocate(fd, 1, UINT64_MAX));
	EITHER(FBIG, NOSPC, fd_allocate(fd, 1ull << 61, 1));
	EITHER(FBIG, SUCCESS, fd_filestat_set_size(fd, INT64_MAX - 4096));
}

/* Started with a limit of 4096 bytes a file. */
TEST(limit_of_size)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);

	OK(fd_pwrite(fd, iov(bytes, 8192), 1, 0, AT(&done)));
	EQ(done, 4096);
	IS(FBIG, fd_pwrite(fd, iov(bytes, 1), 1, 4096, AT(&done)));
	IS(FBIG, fd_filestat_set_size(fd, 5000));
	IS(FBIG, fd_allocate(fd, 4000, 1000));
	OK(fd_seek(fd, 4096, SET, AT(&offset)));
	IS(FBIG, fd_write(fd, iov(bytes, 1), 1, AT(&done)));
	OK(fd_pwrite(fd, iov(bytes, 1), 1, 4095, AT(&done)));
}

/* B is the host's /dev. */
TEST(disk_full)
{
	u32 fd = OPEN(B, "full", 0, R_FD_READ | R_FD_WRITE);

	IS(NOSPC, fd_write(fd, iov(bytes, 1), 1, AT(&done)));
	OK(fd_read(fd, iov(bytes, 8), 1, AT(&done)));
	EQ(done, 8);
	fd = OPEN(B, "null", 0, R_FD_READ | R_FD_WRITE);
	OK(fd_write(fd, iov(bytes, 8), 1, AT(&done)));
	EQ(done, 8);
	OK(fd_read(fd, iov(bytes, 8), 1, AT(&done)));
	EQ(done, 0);
	fd = OPEN(B, "zero", 0, R_FD_READ | R_FD_WRITE);
	bytes[9] = 7;
	OK(fd_read(fd, iov(bytes, 10), 1, AT(&done)));
	EQ(done, 10);
	EQ(bytes[9], 0);
}

/* B is a file system of one page. */
TEST(small_disk)
{
	u32 fd = OPEN(B, "x", O_CREAT, R_FILE);

	IS(NOSPC, fd_allocate(fd, 0, 1 << 20));
	for (u32 i = 0; i < 100; i++)
		if (fd_write(fd, iov(bytes, 4096), 1, AT(&done)) != 0)
			break;
	IS(NOSPC, fd_write(fd, iov(bytes, 4096), 1, AT(&done)));
	OK(fd_filestat_set_size(fd, 0));
	OK(fd_pwrite(fd, iov(bytes, 1), 1, 0, AT(&done)));
}

/* Started with few descriptors: B is a directory with /file. */
TEST(descriptors_run_out)
{
	u32 fds[4096], count = 0, error = 0;

	while (count < 4096) {
		error = path_open(B, 0, STR("file"), 0, R_FD_READ | R_FD_SEEK, 0, 0,
				  AT(&fds[count]));
		if (error != 0)
			break;
		count++;
	}
	IS(MFILE, error);
	CHECK(count > 3 && count < 4096);
	IS(MFILE, path_open(B, 0, STR("new"), O_CREAT, R_FD_WRITE, 0, 0, AT(&done)));
	/* Everything that needs no number of its own still works, through links too. */
	OK(fd_pread(fds[0], iov(bytes, 5), 1, 0, AT(&done)));
	CHECK(same(bytes, "hello", 5));
	OK(fd_close(fds[--count]));
	OK(path_filestat_get(A, FOLLOW, STR("file"), AT(bytes)));
	OK(path_open(B, 0, STR("file"), 0, R_FD_READ | R_FD_SEEK, 0, 0, AT(&fds[count])));
	IS(MFILE, path_open(B, 0, STR("file"), 0, R_FD_READ, 0, 0, AT(&done)));
	while (count > 0)
		OK(fd_close(fds[count--]));
	OK(fd_close(OPEN(B, "link", 0, R_FD_READ)));
}

/* -- What they do ------------------------------------------------------------------------------------------------ */

TEST(read_and_write)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);
	struct iovec parts[4] = {
		{AT(bytes), 5}, {0, 0}, {AT(bytes) + 100, 2}, {AT(bytes) + 200, 50}};

	OK(fd_read(fd, IOV(parts), AT(&done)));
	EQ(done, 13);
	CHECK(same(bytes, "hello", 5) && same(bytes + 100, ", ", 2) &&
	      same(bytes + 200, "world\n", 6));
	OK(fd_tell(fd, AT(&offset)));
	EQ(offset, 13);
	OK(fd_read(fd, iov(bytes, 10), 1, AT(&done)));
	EQ(done, 0);
	OK(fd_seek(fd, (u64)-6, CUR, AT(&offset)));
	EQ(offset, 7);
	parts[0] = (struct iovec){AT("WO"), 2};
	parts[2] = (struct iovec){AT("RL"), 2};
	parts[3] = (struct iovec){AT("D!!!"), 4};
	OK(fd_write(fd, IOV(parts), AT(&done)));
	EQ(done, 8);
	OK(fd_seek(fd, 0, END, AT(&offset)));
	EQ(offset, 15);
	OK(fd_pread(fd, iov(bytes, 100), 1, 0, AT(&done)));
	EQ(done, 15);
	CHECK(same(bytes, "hello, WORLD!!!", 15));
	/* Reading and writing at a place moves nothing. */
	OK(fd_pwrite(fd, iov("J", 1), 1, 0, AT(&done)));
	OK(fd_tell(fd, AT(&offset)));
	EQ(offset, 15);
	/* A hole. */
	OK(fd_pwrite(fd, iov("z", 1), 1, 20000, AT(&done)));
	OK(fd_pread(fd, iov(bytes, 8), 1, 19993, AT(&done)));
	EQ(done, 8);
	CHECK(same(bytes, "\0\0\0\0\0\0\0z", 8));
	OK(fd_pread(fd, iov(bytes, 1), 1, 20001, AT(&done)));
	EQ(done, 0);
	/* Of nothing, nothing. */
	OK(fd_read(fd, AT(parts), 0, AT(&done)));
	EQ(done, 0);
	OK(fd_write(fd, AT(parts), 0, AT(&done)));
	EQ(done, 0);
	OK(fd_write(fd, iov(bytes, 0), 1, AT(&done)));
	EQ(done, 0);
}

/* More parts than one system call takes. */
TEST(many_parts)
{
	static struct iovec parts[3000];
	u32 fd = OPEN(A, "parts", O_CREAT, R_FILE), at = 0, total = 0;

	for (u32 i = 0; i < sizeof(bytes); i++)
		bytes[i] = (u8)(i * 7 + (i >> 8));
	for (at = 0; at < 3000; at += done) {
		for (u32 i = 0; i < 3000; i++)
			parts[i] = (struct iovec){AT(bytes) + i, 1};
		OK(fd_write(fd, AT(parts + at), 3000 - at, AT(&done)));
		CHECK(done > 0);
		if (done == 0)
			return;
	}
	OK(fd_seek(fd, 0, SET, AT(&offset)));
	memset(bytes + 10000, 0, 3000);
	for (u32 i = 0; i < 3000; i++)
		parts[i] = (struct iovec){AT(bytes) + 10000 + i, 1};
	for (; total < 3000; total += done) {
		OK(fd_read(fd, AT(parts + total), 3000 - total, AT(&done)));
		if (done == 0)
			break;
	}
	EQ(total, 3000);
	CHECK(same(bytes, bytes + 10000, 3000));
}

/* Parts that lie over one another, and over the vector itself. */
TEST(overlapping_parts)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);
	struct iovec parts[2] = {{AT(bytes), 5}, {AT(bytes) + 2, 5}};

	OK(fd_read(fd, IOV(parts), AT(&done)));
	EQ(done, 10);
	OK(fd_seek(fd, 0, SET, AT(&offset)));
	parts[0] = (struct iovec){AT(parts), 13};
	OK(fd_read(fd, AT(parts), 1, AT(&done)));
	EQ(done, 13);
	CHECK(same(parts, "hello, world\n", 13));
}

TEST(seek)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);

	OK(fd_seek(fd, 5, SET, AT(&offset)));
	EQ(offset, 5);
	OK(fd_seek(fd, 3, CUR, AT(&offset)));
	EQ(offset, 8);
	OK(fd_seek(fd, (u64)-3, END, AT(&offset)));
	EQ(offset, 10);
	/* Behind the end is a place too. */
	OK(fd_seek(fd, 1000, END, AT(&offset)));
	EQ(offset, 1013);
	OK(fd_read(fd, iov(bytes, 1), 1, AT(&done)));
	EQ(done, 0);
	OK(fd_tell(fd, AT(&offset)));
	EQ(offset, 1013);
}

TEST(append)
{
	u32 fd = OPEN_FLAGS(A, "file", 0, R_FILE, FD_APPEND), other = OPEN(A, "file", 0, R_FILE);
	struct fdstat stat;

	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.flags, FD_APPEND);
	EQ(stat.filetype, T_FILE);
	OK(fd_write(fd, iov("1", 1), 1, AT(&done)));
	OK(fd_seek(other, 0, END, AT(&offset)));
	OK(fd_write(other, iov("2", 1), 1, AT(&done)));
	OK(fd_seek(fd, 0, SET, AT(&offset)));
	OK(fd_write(fd, iov("3", 1), 1, AT(&done)));
	OK(fd_pread(other, iov(bytes, 100), 1, 0, AT(&done)));
	EQ(done, 16);
	CHECK(same(bytes, "hello, world\n123", 16));
	/* Off and on again, while it is open. */
	OK(fd_fdstat_set_flags(fd, 0));
	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.flags, 0);
	OK(fd_seek(fd, 0, SET, AT(&offset)));
	OK(fd_write(fd, iov("J", 1), 1, AT(&done)));
	OK(fd_fdstat_set_flags(fd, FD_APPEND));
	OK(fd_seek(fd, 0, SET, AT(&offset)));
	OK(fd_write(fd, iov("4", 1), 1, AT(&done)));
	OK(fd_pread(other, iov(bytes, 100), 1, 0, AT(&done)));
	EQ(done, 17);
	CHECK(same(bytes, "Jello, world\n1234", 17));
}

TEST(flags)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);
	struct fdstat stat;

	OK(fd_fdstat_set_flags(fd, FD_NONBLOCK));
	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.flags, FD_NONBLOCK);
	OK(fd_fdstat_set_flags(fd, FD_NONBLOCK | FD_APPEND));
	OK(fd_fdstat_get(fd, AT(&stat)));
	EQ(stat.flags, FD_NONBLOCK | FD_APPEND);
	/* Linux cannot make an open file synchronous. */
	EITHER(NOTSUP, INVAL, fd_fdstat_set_flags(fd, FD_SYNC));
	OK(fd_fdstat_set_flags(fd, 0));
	/* It can open one so. */
	fd = OPEN_FLAGS(A, "file", 0, R_FILE, FD_SYNC);
	OK(fd_fdstat_get(fd, AT(&stat)));
	CHECK(stat.flags & FD_SYNC);
	OK(fd_write(fd, iov("x", 1), 1, AT(&done)));
	fd = OPEN_FLAGS(A, "file", 0, R_FILE, FD_DSYNC);
	OK(fd_fdstat_get(fd, AT(&stat)));
	CHECK(stat.flags & FD_DSYNC);
	IS(INVAL, path_open(A, 0, STR("file"), 0, R_FILE, 0, 32, AT(&done)));
}

TEST(sizes)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);
	struct filestat stat;

	OK(fd_filestat_set_size(fd, 5));
	OK(fd_filestat_get(fd, AT(&stat)));
	EQ(stat.size, 5);
	OK(fd_filestat_set_size(fd, 5000));
	OK(fd_pread(fd, iov(bytes, 100), 1, 4990, AT(&done)));
	EQ(done, 10);
	EQ(bytes[9], 0);
	OK(fd_allocate(fd, 4000, 2000));
	OK(fd_filestat_get(fd, AT(&stat)));
	EQ(stat.size, 6000);
	/* What is there stays, and what is large enough too. */
	OK(fd_allocate(fd, 0, 10));
	OK(fd_filestat_get(fd, AT(&stat)));
	EQ(stat.size, 6000);
	OK(fd_pread(fd, iov(bytes, 5), 1, 0, AT(&done)));
	CHECK(same(bytes, "hello", 5));
	for (u32 advice = 0; advice < 6; advice++)
		OK(fd_advise(fd, 0, 0, advice));
	OK(fd_advise(fd, 10, 100, 1));
	OK(fd_sync(fd));
	OK(fd_datasync(fd));
}

TEST(filestat)
{
	u32 fd = OPEN(A, "file", 0, R_FILE), other = OPEN(A, "file", 0, R_FD_FILESTAT_GET);
	struct filestat stat, second;
	u64 time = now(REALTIME);

	OK(fd_filestat_get(fd, AT(&stat)));
	EQ(stat.filetype, T_FILE);
	EQ(stat.size, 13);
	EQ(stat.nlink, 1);
	CHECK(stat.ino != 0);
	CHECK(stat.mtim <= time && stat.mtim > time - 600000000000);
	OK(fd_filestat_get(other, AT(&second)));
	CHECK(same(&stat, &second, 24) && stat.mtim == second.mtim);
	OK(fd_filestat_get(A, AT(&stat)));
	EQ(stat.filetype, T_DIR);
	CHECK(stat.nlink >= 1);
	OK(fd_filestat_get(0, AT(&stat)));
	OK(path_filestat_get(A, 0, STR("pipe"), AT(&stat)));
	CHECK(stat.filetype != T_FILE && stat.filetype != T_DIR);
	OK(path_filestat_get(A, 0, STR("link"), AT(&stat)));
	EQ(stat.filetype, T_LINK);
	EQ(stat.size, 4);
	OK(path_filestat_get(A, FOLLOW, STR("link"), AT(&stat)));
	EQ(stat.filetype, T_FILE);
}

TEST(times)
{
	u32 fd = OPEN(A, "file", 0, R_FILE);
	struct filestat stat;
	u64 begin = now(REALTIME) - 100000000;

	OK(fd_filestat_set_times(fd, 1234567890123456789, 987654321, FST_ATIM | FST_MTIM));
	OK(fd_filestat_get(fd, AT(&stat)));
	EQ(stat.atim, 1234567890123456789);
	EQ(stat.mtim, 987654321);
	CHECK(stat.ctim > begin);
	/* One alone leaves the other. */
	OK(fd_filestat_set_times(fd, 5000000007, 0, FST_ATIM));
	OK(fd_filestat_get(fd, AT(&stat)));
	EQ(stat.atim, 5000000007);
	EQ(stat.mtim, 987654321);
	OK(fd_filestat_set_times(fd, 0, 0, FST_MTIM_NOW));
	OK(fd_filestat_get(fd, AT(&stat)));
	EQ(stat.atim, 5000000007);
	CHECK(stat.mtim > begin);
	OK(fd_filestat_set_times(fd, 0, 0, FST_ATIM_NOW | FST_MTIM));
	OK(fd_filestat_get(fd, AT(&stat)));
	CHECK(stat.atim > begin);
	EQ(stat.mtim, 0);
	OK(fd_filestat_set_times(fd, 77, 77, 0));
	OK(fd_filestat_get(fd, AT(&stat)));
	EQ(stat.mtim, 0);
}

TEST(prestats)
{
	static const char *const names[] = {"/a", "/ro", "/b"};
	struct prestat stat;

	for (u32 i = 0; i < 3; i++) {
		u32 size = length(names[i]);

		OK(fd_prestat_get(A + i, AT(&stat)));
		EQ(stat.tag, 0);
		EQ(stat.size, size);
		memset(bytes, 'x', 10);
		OK(fd_prestat_dir_name(A + i, AT(bytes), size));
		CHECK(same(bytes, names[i], size) && bytes[size] == 'x');
		OK(fd_prestat_dir_name(A + i, AT(bytes), 10));
		IS(NAMETOOLONG, fd_prestat_dir_name(A + i, AT(bytes), size - 1));
		IS(NAMETOOLONG, fd_prestat_dir_name(A + i, AT(bytes), 0));
	}
	IS(BADF, fd_prestat_get(0, AT(&stat)));
	IS(BADF, fd_prestat_get(6, AT(&stat)));
	/* A directory opened below is none. */
	IS(BADF, fd_prestat_get(OPEN(A, "dir", O_DIRECTORY, R_FD_READDIR), AT(&stat)));
}

TEST(renumber)
{
	u32 first = OPEN(A, "file", 0, R_FILE), second = OPEN(A, "empty", 0, R_FILE);
	struct filestat stat;
	struct prestat prestat;

	OK(fd_renumber(first, second));
	IS(BADF, fd_fdstat_get(first, AT(bytes)));
	OK(fd_filestat_get(second, AT(&stat)));
	EQ(stat.size, 13);
	/* To itself: nothing happens. */
	OK(fd_renumber(second, second));
	OK(fd_filestat_get(second, AT(&stat)));
	/* To a number nobody has. */
	IS(BADF, fd_renumber(second, 4000));
	OK(fd_filestat_get(second, AT(&stat)));
	/* Over standard output: what is printed goes to the file. */
	OK(fd_renumber(second, 1));
	OK(fd_write(1, iov("HELLO", 5), 1, AT(&done)));
	OK(fd_pread(1, iov(bytes, 7), 1, 0, AT(&done)));
	CHECK(same(bytes, "HELLO, ", 7));
	/* A directory the driver gave. */
	EITHER(NOTSUP, SUCCESS, fd_renumber(B, A));
	if (fd_prestat_get(B, AT(&prestat)) == E_BADF)
		OK(path_filestat_get(A, 0, STR("only-in-b"), AT(&stat)));
	if (failures > 0)
		proc_exit(1);
}

/* Started as somebody without permission to A/secret. */
TEST(access)
{
	IS(ACCES, try_open(A, "secret", 0, 0, R_FD_READ));
	IS(ACCES, try_open(A, "secret", 0, 0, R_FD_WRITE));
	IS(ACCES, path_create_directory(A, STR("x")));
	IS(ACCES, try_open(A, "x", 0, O_CREAT, R_FD_WRITE));
	IS(ACCES, path_symlink(STR("file"), A, STR("x")));
	EITHER(ACCES, PERM, path_link(A, 0, STR("file"), A, STR("x")));
	IS(ACCES, path_rename(A, STR("file"), A, STR("x")));
	IS(ACCES, path_unlink_file(A, STR("file")));
	IS(ACCES, path_remove_directory(A, STR("dir")));
	IS(ACCES, path_filestat_get(A, 0, STR("closed/file"), AT(bytes)));
	IS(ACCES, try_open(A, "closed", 0, O_DIRECTORY, R_FD_READDIR));
	IS(ACCES, path_readlink(A, STR("closed/link"), AT(bytes), 10, AT(&done)));
	/* Times of another's file. */
	IS(PERM, path_filestat_set_times(A, 0, STR("file"), 1, 1, FST_ATIM));
	OK(try_open(A, "file", 0, 0, R_FD_READ));
}

/* B/program runs, as a program of the host's. */
TEST(text_busy)
{
	IS(TXTBSY, try_open(B, "program", 0, 0, R_FD_WRITE));
	OK(try_open(B, "program", 0, 0, R_FD_READ));
}
