/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.c: what is done to names. In A: file, empty, dir (with dir/inner), full (not empty), link -> file, dirlink ->
 * dir, dangling -> nowhere, loop -> loop, ring1 -> ring2 -> ring1, up -> ../outside, absolute -> /etc/passwd, pipe (a
 * FIFO), socket (of the unix kind). RO is the same, read-only.
 */
#include "wasi.h"

static u8 bytes[8192];
static u32 done;

static u32 stat_of(u32 dir, const char *path, u32 lookup)
{
	return path_filestat_get(dir, lookup, AT(path), length(path), AT(bytes));
}

static bool is_there(u32 dir, const char *path)
{
	return stat_of(dir, path, 0) == E_SUCCESS;
}

static u32 type_of(u32 dir, const char *path)
{
	return stat_of(dir, path, 0) == E_SUCCESS ? ((struct filestat *)bytes)->filetype : 99;
}

static u64 inode_of(u32 dir, const char *path)
{
	return stat_of(dir, path, 0) == E_SUCCESS ? ((struct filestat *)bytes)->ino : 0;
}

static u32 make_file(u32 dir, const char *path)
{
	return try_open(dir, path, 0, O_CREAT | O_EXCL, R_FD_WRITE);
}

/* -- Each function with a path of a certain kind ---------------------------------------------------------- */

enum { OTHERS = 13 };
static const char *const tried[OTHERS] = {"create_directory",
					  "filestat_get",
					  "set_times",
					  "link from",
					  "link to",
					  "open",
					  "readlink",
					  "remove_directory",
					  "rename from",
					  "rename to",
					  "symlink",
					  "unlink_file",
					  "create"};

/* The function number `which` upon this path. */
static u32 try_path(u32 which, u32 dir, const char *path, u32 size)
{
	u32 at = AT(path);

	switch (which) {
	case 0:
		return path_create_directory(dir, at, size);
	case 1:
		return path_filestat_get(dir, 0, at, size, AT(bytes));
	case 2:
		return path_filestat_set_times(dir, 0, at, size, 0, 0, FST_ATIM_NOW);
	case 3:
		return path_link(dir, 0, at, size, A, STR("made"));
	case 4:
		return path_link(A, 0, STR("file"), dir, at, size);
	case 5:
		return path_open(dir, 0, at, size, 0, R_FD_READ, 0, 0, AT(&done));
	case 6:
		return path_readlink(dir, at, size, AT(bytes), 100, AT(&done));
	case 7:
		return path_remove_directory(dir, at, size);
	case 8:
		return path_rename(dir, at, size, A, STR("made"));
	case 9:
		return path_rename(A, STR("file"), dir, at, size);
	case 10:
		return path_symlink(STR("x"), dir, at, size);
	case 11:
		return path_unlink_file(dir, at, size);
	default:
		return path_open(dir, 0, at, size, O_CREAT, R_FD_WRITE, 0, 0, AT(&done));
	}
}

/* All of them answer `wanted`, or `also`, and do nothing. */
static void all_answer(u32 line, u32 dir, const char *path, u32 size, u32 wanted, u32 also)
{
	for (u32 i = 0; i < OTHERS; i++) {
		u32 got = try_path(i, dir, path, size);

		if (got == wanted || got == also)
			continue;
		failed(__FILE_NAME__, line, tried[i]);
		put(" of '");
		put_bytes(1, path, size < 40 ? size : 40);
		put("': ");
		put(errno_name(got));
		put(", not ");
		put(errno_name(wanted));
		put("\n");
	}
	CHECK(!is_there(A, "made"));
	CHECK(is_there(A, "file"));
}

struct row {
	const char *path;
	u32 size, wanted, also;
};
#define ROW(path, wanted, also) {path, sizeof(path) - 1, E_##wanted, E_##also}

TEST(paths_that_lead_out)
{
	static const char *const paths[] = {
		"..",        "../",           "../x",       "../outside",      "dir/../../outside",
		"dir/../..", "./../outside",  "/",          "/etc/passwd",     "/a/file",
		"//etc",     "up/../x",       "absolute/x", "dirlink/../../x", "dir/./../..",
		"../a/file", "../../../../x", "up/x",
	};

	for (u32 i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		all_answer(__LINE__, A, paths[i], length(paths[i]), E_PERM, E_NOTCAPABLE);
}

TEST(paths_of_nothing)
{
	static const struct row rows[] = {
		/* No directory on the way. */
		ROW("nothing/x", NOENT, NOENT),
		ROW("", NOENT, NOENT),
		ROW("dangling/x", NOENT, NOENT),
		/* Something else on the way. */
		ROW("file/x", NOTDIR, NOTDIR),
		ROW("pipe/x", NOTDIR, NOTDIR),
		ROW("socket/x", NOTDIR, NOTDIR),
		ROW("file/../x", NOTDIR, NOTDIR),
		ROW("link/x", NOTDIR, NOTDIR),
		ROW("loop/x", LOOP, LOOP),
		ROW("ring1/x", LOOP, LOOP),
		ROW("file\0x", INVAL, ILSEQ),
		ROW("x\0", INVAL, ILSEQ),
		ROW("\0", INVAL, ILSEQ),
	};

	for (u32 i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		all_answer(__LINE__, A, rows[i].path, rows[i].size, rows[i].wanted, rows[i].also);
}

TEST(paths_too_long)
{
	static char name[300], path[70000];

	memset(name, 'n', sizeof(name));
	for (u32 i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? '/' : '.';
	all_answer(__LINE__, A, name, 256, E_NAMETOOLONG, E_NAMETOOLONG);
	all_answer(__LINE__, A, path, sizeof(path), E_NAMETOOLONG, E_NAMETOOLONG);
	/* One less is fine. */
	OK(path_create_directory(A, AT(name), 255));
	OK(path_remove_directory(A, AT(name), 255));
	/* A path may be long if its names are not. */
	memcpy(path + 4000, "./file", 6);
	OK(path_filestat_get(A, 0, AT(path), 4006, AT(bytes)));
	memset(name, 'n', sizeof(name));
	EITHER(NAMETOOLONG, NOENT, path_symlink(AT(path), 4096, A, STR("long")));
	OK(path_symlink(AT(path), 4095, A, STR("long")));
	OK(path_readlink(A, STR("long"), AT(bytes), sizeof(bytes), AT(&done)));
	EQ(done, 4095);
}

/* What would change something under RO is refused, and only that. */
TEST(read_only)
{
	static const char *const names[] = {"file", "x", "dir", "link", "dangling", "full"};
	static const u32 changing[] = {0, 2, 4, 7, 8, 9, 10, 11};

	for (u32 i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
		for (u32 n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			u32 error = try_path(changing[i], RO, names[n], length(names[n]));
			u32 natural = try_path(changing[i], RO, names[n], length(names[n]));

			EQ(error, natural);
			/* That it is there already, or that the other name is elsewhere, may be found first. */
			if (error != E_EXIST && error != E_NOENT && error != E_XDEV)
				expect_error(names[n], __LINE__, tried[changing[i]], error, E_ROFS,
					     NONE);
		}
	IS(ROFS, path_create_directory(RO, STR("x")));
	IS(ROFS, path_filestat_set_times(RO, 0, STR("file"), 0, 0, FST_ATIM));
	IS(ROFS, path_link(RO, 0, STR("file"), RO, STR("x")));
	IS(ROFS, path_symlink(STR("y"), RO, STR("x")));
	IS(ROFS, path_rename(RO, STR("file"), RO, STR("x")));
	IS(ROFS, path_unlink_file(RO, STR("file")));
	IS(ROFS, path_remove_directory(RO, STR("dir")));
	EITHER(ROFS, XDEV, path_rename(A, STR("file"), RO, STR("x")));
	EITHER(ROFS, XDEV, path_rename(RO, STR("file"), A, STR("x")));
	EITHER(ROFS, XDEV, path_link(RO, 0, STR("file"), A, STR("x")));
	IS(ROFS, try_open(RO, "x", 0, O_CREAT, R_FD_READ));
	IS(ROFS, try_open(RO, "file", 0, O_TRUNC, R_FD_READ));
	IS(ROFS, try_open(RO, "file", 0, 0, R_FD_WRITE));
	EITHER(ROFS, SUCCESS, try_open(RO, "file", 0, 0, R_FD_READ | R_FD_ALLOCATE));
	CHECK(is_there(A, "file") && !is_there(A, "x") && is_there(A, "dir"));
	EQ(((struct filestat *)bytes)->filetype, T_DIR);
	OK(try_open(RO, "file", 0, 0, R_FD_READ));
	OK(try_open(RO, "file", 0, O_CREAT, R_FD_READ));
	OK(try_open(RO, "dir/inner", 0, 0, R_FD_READ));
	OK(try_open(RO, "link", FOLLOW, 0, R_FD_READ));
}

/* Through what was opened below RO nothing changes either. */
TEST(read_only_below)
{
	u32 dir = OPEN_DIR(RO, "dir");
	u32 file = OPEN(RO, "file", 0, R_FD_READ | R_FD_FILESTAT_GET | R_FD_FILESTAT_SET_TIMES);
	struct iovec part = {AT(bytes), 1};

	EITHER(ROFS, NOTCAPABLE, path_create_directory(dir, STR("x")));
	EITHER(ROFS, NOTCAPABLE, path_unlink_file(dir, STR("inner")));
	EITHER(ROFS, NOTCAPABLE, try_open(dir, "x", 0, O_CREAT, R_FD_READ));
	EITHER(NOTCAPABLE, ROFS, fd_write(file, AT(&part), 1, AT(&done)));
	EITHER(NOTCAPABLE, ROFS, fd_filestat_set_size(file, 0));
	EITHER(ROFS, NOTCAPABLE, fd_filestat_set_times(file, 1, 1, FST_ATIM));
	EITHER(ROFS, NOTCAPABLE, fd_filestat_set_times(RO, 1, 1, FST_ATIM));
	EITHER(NOTCAPABLE, ROFS, fd_allocate(file, 0, 100));
	OK(fd_read(file, AT(&part), 1, AT(&done)));
	EQ(bytes[0], 'h');
}

/* -- One function after the other ----------------------------------------------------------------------------- */

TEST(create_directory)
{
	OK(path_create_directory(A, STR("new")));
	EQ(type_of(A, "new"), T_DIR);
	OK(path_create_directory(A, STR("new/below")));
	OK(path_create_directory(A, STR("slash/")));
	OK(path_create_directory(A, STR("dirlink/through")));
	CHECK(is_there(A, "dir/through"));
	OK(path_create_directory(A, STR("new//./below/../other///")));
	EQ(type_of(A, "new/other"), T_DIR);
	IS(EXIST, path_create_directory(A, STR("new")));
	IS(EXIST, path_create_directory(A, STR("new/")));
	IS(EXIST, path_create_directory(A, STR("file")));
	IS(EXIST, path_create_directory(A, STR("link")));
	IS(EXIST, path_create_directory(A, STR("dangling")));
	IS(EXIST, path_create_directory(A, STR("loop")));
	IS(EXIST, path_create_directory(A, STR(".")));
	IS(EXIST, path_create_directory(A, STR("dir/..")));
}

TEST(remove_directory)
{
	IS(NOTEMPTY, path_remove_directory(A, STR("full")));
	IS(NOENT, path_remove_directory(A, STR("nothing")));
	IS(NOTDIR, path_remove_directory(A, STR("file")));
	IS(NOTDIR, path_remove_directory(A, STR("file/")));
	IS(NOTDIR, path_remove_directory(A, STR("dirlink")));
	IS(NOTDIR, path_remove_directory(A, STR("pipe")));
	IS(NOTDIR, path_remove_directory(A, STR("loop")));
	EITHER(NOTDIR, LOOP, path_remove_directory(A, STR("loop/")));
	EITHER(BUSY, INVAL, path_remove_directory(A, STR(".")));
	EITHER(INVAL, NOTEMPTY, path_remove_directory(A, STR("dir/.")));
	OK(path_create_directory(A, STR("new")));
	OK(path_remove_directory(A, STR("new")));
	CHECK(!is_there(A, "new"));
	OK(path_create_directory(A, STR("new")));
	OK(path_remove_directory(A, STR("new///")));
	/* One that is open still, and is a directory without entries then. */
	OK(path_create_directory(A, STR("new")));
	u32 fd = OPEN_DIR(A, "new");

	OK(path_remove_directory(A, STR("new")));
	IS(NOENT, make_file(fd, "x"));
	OK(fd_filestat_get(fd, AT(bytes)));
}

TEST(unlink_file)
{
	IS(NOENT, path_unlink_file(A, STR("nothing")));
	IS(ISDIR, path_unlink_file(A, STR("dir")));
	EITHER(ISDIR, NOTDIR, path_unlink_file(A, STR("dir/")));
	IS(ISDIR, path_unlink_file(A, STR(".")));
	IS(NOTDIR, path_unlink_file(A, STR("file/")));
	EITHER(NOTDIR, ISDIR, path_unlink_file(A, STR("dirlink/")));
	CHECK(is_there(A, "dirlink") && is_there(A, "dir"));
	/* A link itself, wherever it leads. */
	OK(path_unlink_file(A, STR("link")));
	OK(path_unlink_file(A, STR("dirlink")));
	OK(path_unlink_file(A, STR("dangling")));
	OK(path_unlink_file(A, STR("loop")));
	OK(path_unlink_file(A, STR("up")));
	OK(path_unlink_file(A, STR("absolute")));
	OK(path_unlink_file(A, STR("pipe")));
	OK(path_unlink_file(A, STR("socket")));
	CHECK(is_there(A, "file") && is_there(A, "dir/inner"));
	/* What is open stays. */
	u32 fd = OPEN(A, "file", 0, R_FD_READ | R_FD_FILESTAT_GET);

	OK(path_unlink_file(A, STR("file")));
	EQ(read_some(fd, bytes, 20), 13);
	OK(fd_filestat_get(fd, AT(bytes)));
	EQ(((struct filestat *)bytes)->nlink, 0);
}

TEST(open)
{
	u32 fd;

	IS(NOENT, try_open(A, "nothing", 0, 0, R_FD_READ));
	IS(NOENT, try_open(A, "dangling", FOLLOW, 0, R_FD_READ));
	IS(EXIST, try_open(A, "file", 0, O_CREAT | O_EXCL, R_FD_READ));
	IS(EXIST, try_open(A, "dir", 0, O_CREAT | O_EXCL, R_FD_READ));
	IS(EXIST, try_open(A, "link", FOLLOW, O_CREAT | O_EXCL, R_FD_READ));
	IS(EXIST, try_open(A, "dangling", FOLLOW, O_CREAT | O_EXCL, R_FD_READ));
	IS(NOTDIR, try_open(A, "file", 0, O_DIRECTORY, R_FD_READ));
	IS(NOTDIR, try_open(A, "link", FOLLOW, O_DIRECTORY, R_FD_READ));
	IS(NOTDIR, try_open(A, "file/", 0, 0, R_FD_READ));
	IS(NOTDIR, try_open(A, "file/.", 0, 0, R_FD_READ));
	IS(ISDIR, try_open(A, "dir", 0, 0, R_FD_WRITE));
	IS(ISDIR, try_open(A, "dir", 0, O_CREAT, R_FD_WRITE));
	IS(ISDIR, try_open(A, "dir", 0, O_TRUNC, R_FD_WRITE));
	EITHER(ISDIR, NOENT, try_open(A, "new/", 0, O_CREAT, R_FD_WRITE));
	EITHER(INVAL, NOTDIR, try_open(A, "new", 0, O_CREAT | O_DIRECTORY, R_FD_READ));
	IS(LOOP, try_open(A, "link", 0, 0, R_FD_READ));
	IS(LOOP, try_open(A, "dangling", 0, 0, R_FD_READ));
	EITHER(LOOP, NOTDIR, try_open(A, "dirlink", 0, O_DIRECTORY, R_FD_READ));
	IS(LOOP, try_open(A, "loop", FOLLOW, 0, R_FD_READ));
	IS(LOOP, try_open(A, "ring1", FOLLOW, O_CREAT, R_FD_READ));
	EITHER(PERM, NOTCAPABLE, try_open(A, "up", FOLLOW, 0, R_FD_READ));
	EITHER(PERM, NOTCAPABLE, try_open(A, "up", FOLLOW, O_CREAT, R_FD_WRITE));
	EITHER(PERM, NOTCAPABLE, try_open(A, "absolute", FOLLOW, 0, R_FD_READ));
	EITHER(NXIO, NOTSUP, try_open(A, "socket", 0, 0, R_FD_READ));
	IS(INVAL, try_open(A, "file", 0, 16, R_FD_READ));
	IS(INVAL, try_open(A, "file", 2, 0, R_FD_READ));
	IS(INVAL, path_open(A, 0, STR("file"), 0, R_FD_READ, 0, 32, AT(&fd)));
	CHECK(!is_there(A, "new") && !is_there(A, "nowhere"));
}

TEST(open_makes)
{
	struct iovec part = {AT("text"), 4};
	u32 fd = OPEN(A, "new", O_CREAT, R_FILE);

	OK(fd_write(fd, AT(&part), 1, AT(&done)));
	/* O_CREAT of what is there opens it, O_TRUNC empties it. */
	EQ(read_some(OPEN(A, "new", O_CREAT, R_FD_READ), bytes, 10), 4);
	fd = OPEN(A, "new", O_TRUNC, R_FILE);
	OK(fd_filestat_get(fd, AT(bytes)));
	EQ(((struct filestat *)bytes)->size, 0);
	/* Through a link that leads nowhere yet. */
	OK(try_open(A, "dangling", FOLLOW, O_CREAT, R_FD_WRITE));
	EQ(type_of(A, "nowhere"), T_FILE);
	/* A directory without asking for one, with a slash, as itself. */
	OK(try_open(A, "dir", 0, 0, R_FD_READDIR));
	OK(try_open(A, "dir/", 0, 0, R_FD_READDIR));
	OK(try_open(A, ".", 0, O_DIRECTORY, R_FD_READDIR));
	OK(try_open(A, "dirlink/", 0, O_DIRECTORY, R_FD_READDIR));
	OK(try_open(A, "dirlink", FOLLOW, O_DIRECTORY, R_FD_READDIR));
	OK(try_open(A, "dirlink/inner", 0, 0, R_FD_READ));
	OK(try_open(A, "dir/../dir/./inner", 0, 0, R_FD_READ));
	/* What was opened to read is not written, and the other way round. */
	fd = OPEN(A, "file", 0, R_FD_READ);
	IS(NOTCAPABLE, fd_write(fd, AT(&part), 1, AT(&done)));
	fd = OPEN(A, "file", 0, R_FD_WRITE);
	IS(NOTCAPABLE, fd_read(fd, AT(&part), 1, AT(&done)));
}

/* Directories opened below: relative to them, and no further up than their own top allows. */
TEST(open_below)
{
	u32 dir = OPEN_DIR(A, "dir");
	u32 link = OPEN_DIR(A, "dirlink");

	OK(try_open(dir, "inner", 0, 0, R_FD_READ));
	OK(try_open(link, "inner", 0, 0, R_FD_READ));
	EITHER(PERM, SUCCESS, try_open(dir, "../file", 0, 0, R_FD_READ));
	EITHER(PERM, NOTCAPABLE, try_open(dir, "../../outside", 0, 0, R_FD_READ));
	/* Moved elsewhere while it is open. */
	OK(path_rename(A, STR("dir"), A, STR("full/moved")));
	OK(try_open(dir, "inner", 0, 0, R_FD_READ));
	EITHER(PERM, NOTCAPABLE, try_open(dir, "../../../outside", 0, 0, R_FD_READ));
}

TEST(rename)
{
	u64 inode = inode_of(A, "file");

	IS(NOENT, path_rename(A, STR("nothing"), A, STR("x")));
	IS(NOENT, path_rename(A, STR("file"), A, STR("nothing/x")));
	IS(ISDIR, path_rename(A, STR("file"), A, STR("dir")));
	IS(NOTDIR, path_rename(A, STR("dir"), A, STR("file")));
	IS(NOTEMPTY, path_rename(A, STR("dir"), A, STR("full")) == E_EXIST
			     ? E_NOTEMPTY
			     : path_rename(A, STR("dir"), A, STR("full")));
	IS(INVAL, path_rename(A, STR("dir"), A, STR("dir/below")));
	IS(NOTDIR, path_rename(A, STR("file/"), A, STR("x")));
	IS(NOTDIR, path_rename(A, STR("file"), A, STR("x/")));
	EITHER(BUSY, INVAL, path_rename(A, STR("."), A, STR("x")));
	EITHER(BUSY, INVAL, path_rename(A, STR("dir"), A, STR(".")));
	EITHER(BUSY, INVAL, path_rename(A, STR("dir/."), A, STR("x")));
	OK(path_rename(A, STR("file"), A, STR("other")));
	EQ(inode_of(A, "other"), inode);
	CHECK(!is_there(A, "file"));
	/* Over something of its kind; over itself; a link, not what it leads to. */
	OK(path_rename(A, STR("other"), A, STR("empty")));
	EQ(inode_of(A, "empty"), inode);
	OK(path_rename(A, STR("empty"), A, STR("empty")));
	OK(path_rename(A, STR("dangling"), A, STR("renamed")));
	EQ(type_of(A, "renamed"), T_LINK);
	OK(path_rename(A, STR("empty"), A, STR("dirlink")));
	EQ(type_of(A, "dirlink"), T_FILE);
	/* Directories: with a slash, over an empty one. */
	OK(path_create_directory(A, STR("hollow")));
	OK(path_rename(A, STR("dir/"), A, STR("hollow/")));
	CHECK(is_there(A, "hollow/inner") && !is_there(A, "dir"));
	OK(path_rename(A, STR("hollow"), A, STR("full/hollow")));
	CHECK(is_there(A, "full/hollow/inner"));
}

TEST(link)
{
	struct filestat stat;

	IS(NOENT, path_link(A, 0, STR("nothing"), A, STR("x")));
	IS(EXIST, path_link(A, 0, STR("file"), A, STR("empty")));
	IS(EXIST, path_link(A, 0, STR("file"), A, STR("dangling")));
	IS(EXIST, path_link(A, 0, STR("file"), A, STR("file")));
	EITHER(PERM, ACCES, path_link(A, 0, STR("dir"), A, STR("x")));
	EITHER(NOENT, NOTDIR, path_link(A, 0, STR("file"), A, STR("x/")));
	IS(NOTDIR, path_link(A, 0, STR("file/"), A, STR("x")));
	IS(INVAL, path_link(A, 2, STR("file"), A, STR("x")));
	IS(XDEV, path_link(A, 0, STR("file"), B, STR("x")));
	OK(path_link(A, 0, STR("file"), A, STR("dir/second")));
	EQ(inode_of(A, "dir/second"), inode_of(A, "file"));
	OK(path_filestat_get(A, 0, STR("file"), AT(&stat)));
	EQ(stat.nlink, 2);
	/* Of a link itself: a second link with the same text. */
	OK(path_link(A, 0, STR("dangling"), A, STR("dangling2")));
	EQ(type_of(A, "dangling2"), T_LINK);
	/* Of what a link leads to. */
	if (EITHER(SUCCESS, INVAL, path_link(A, FOLLOW, STR("link"), A, STR("third"))) == 0)
		EQ(inode_of(A, "third"), inode_of(A, "file"));
	EITHER(NOENT, INVAL, path_link(A, FOLLOW, STR("dangling"), A, STR("x")));
	EITHER(PERM, INVAL, path_link(A, FOLLOW, STR("up"), A, STR("x")));
}

TEST(symlink)
{
	IS(EXIST, path_symlink(STR("file"), A, STR("empty")));
	IS(EXIST, path_symlink(STR("file"), A, STR("dangling")));
	IS(EXIST, path_symlink(STR("file"), A, STR("dir")));
	EITHER(NOENT, NOTDIR, path_symlink(STR("file"), A, STR("x/")));
	IS(NOENT, path_symlink(STR(""), A, STR("x")));
	EITHER(INVAL, ILSEQ, path_symlink(STR("a\0b"), A, STR("x")));
	/* What leads away by its text is not made. */
	EITHER(PERM, NOTCAPABLE, path_symlink(STR("/etc/passwd"), A, STR("x")));
	CHECK(!is_there(A, "x"));
	OK(path_symlink(STR("dir/inner"), A, STR("new")));
	OK(try_open(A, "new", FOLLOW, 0, R_FD_READ));
	OK(path_symlink(STR("../file"), A, STR("dir/new")));
	OK(try_open(A, "dir/new", FOLLOW, 0, R_FD_READ));
	/* It may be made, but leads nowhere. */
	EITHER(SUCCESS, PERM, path_symlink(STR("../../outside"), A, STR("dir/out")));
	if (is_there(A, "dir/out"))
		EITHER(PERM, NOTCAPABLE, try_open(A, "dir/out", FOLLOW, 0, R_FD_READ));
}

TEST(readlink)
{
	IS(NOENT, path_readlink(A, STR("nothing"), AT(bytes), 10, AT(&done)));
	IS(INVAL, path_readlink(A, STR("file"), AT(bytes), 10, AT(&done)));
	IS(INVAL, path_readlink(A, STR("dir"), AT(bytes), 10, AT(&done)));
	IS(INVAL, path_readlink(A, STR("."), AT(bytes), 10, AT(&done)));
	EITHER(INVAL, NOTDIR, path_readlink(A, STR("dirlink/"), AT(bytes), 10, AT(&done)));
	memset(bytes, 'x', 20);
	OK(path_readlink(A, STR("dangling"), AT(bytes), 20, AT(&done)));
	EQ(done, 7);
	CHECK(same(bytes, "nowherex", 8));
	/* Cut to what there is room for. */
	memset(bytes, 'x', 20);
	EITHER(SUCCESS, RANGE, path_readlink(A, STR("dangling"), AT(bytes), 3, AT(&done)));
	EQ(done, 3);
	CHECK(same(bytes, "nowx", 4));
	EITHER(SUCCESS, INVAL, path_readlink(A, STR("dangling"), AT(bytes), 0, AT(&done)));
	OK(path_readlink(A, STR("absolute"), AT(bytes), 20, AT(&done)));
	EQ(done, 11);
	OK(path_readlink(A, STR("loop"), AT(bytes), 20, AT(&done)));
}

TEST(filestat)
{
	IS(NOENT, stat_of(A, "nothing", 0));
	IS(NOENT, stat_of(A, "dangling", FOLLOW));
	IS(LOOP, stat_of(A, "loop", FOLLOW));
	IS(NOTDIR, stat_of(A, "file/", 0));
	EITHER(PERM, NOTCAPABLE, stat_of(A, "up", FOLLOW));
	EITHER(PERM, NOTCAPABLE, stat_of(A, "absolute", FOLLOW));
	IS(INVAL, stat_of(A, "file", 2));
	EQ(type_of(A, "file"), T_FILE);
	EQ(type_of(A, "dir"), T_DIR);
	EQ(type_of(A, "dir/"), T_DIR);
	EQ(type_of(A, "."), T_DIR);
	EQ(type_of(A, "dirlink"), T_LINK);
	EQ(type_of(A, "dirlink/"), T_DIR);
	EQ(type_of(A, "loop"), T_LINK);
	CHECK(type_of(A, "socket") == T_STREAM || type_of(A, "socket") == T_DGRAM);
	EQ(type_of(A, "pipe"), T_UNKNOWN);
	EQ(inode_of(A, "dir/."), inode_of(A, "dir"));
	EQ(inode_of(A, "dir/.."), inode_of(A, "."));
}

TEST(set_times)
{
	struct filestat stat;

	IS(NOENT, path_filestat_set_times(A, 0, STR("nothing"), 0, 0, FST_ATIM));
	IS(NOENT, path_filestat_set_times(A, FOLLOW, STR("dangling"), 0, 0, FST_ATIM));
	IS(LOOP, path_filestat_set_times(A, FOLLOW, STR("loop"), 0, 0, FST_ATIM));
	IS(INVAL, path_filestat_set_times(A, 0, STR("file"), 0, 0, 16));
	IS(INVAL, path_filestat_set_times(A, 0, STR("file"), 0, 0, FST_ATIM | FST_ATIM_NOW));
	IS(INVAL, path_filestat_set_times(A, 0, STR("file"), 0, 0, FST_MTIM | FST_MTIM_NOW));
	IS(INVAL, path_filestat_set_times(A, 4, STR("file"), 0, 0, FST_ATIM));
	EITHER(PERM, NOTCAPABLE, path_filestat_set_times(A, FOLLOW, STR("up"), 0, 0, FST_ATIM));
	OK(path_filestat_set_times(A, 0, STR("file"), 7, 8000000009, FST_ATIM | FST_MTIM));
	OK(path_filestat_get(A, 0, STR("file"), AT(&stat)));
	EQ(stat.atim, 7);
	EQ(stat.mtim, 8000000009);
	/* A link's own, and through it. */
	OK(path_filestat_set_times(A, 0, STR("link"), 0, 5000000000, FST_MTIM));
	OK(path_filestat_get(A, 0, STR("link"), AT(&stat)));
	EQ(stat.mtim, 5000000000);
	OK(path_filestat_get(A, FOLLOW, STR("link"), AT(&stat)));
	EQ(stat.mtim, 8000000009);
	OK(path_filestat_set_times(A, FOLLOW, STR("link"), 0, 6000000000, FST_MTIM));
	OK(path_filestat_get(A, 0, STR("file"), AT(&stat)));
	EQ(stat.mtim, 6000000000);
	OK(path_filestat_set_times(A, 0, STR("dir"), 0, 1000000000, FST_MTIM | FST_ATIM_NOW));
	OK(path_filestat_get(A, 0, STR("dir"), AT(&stat)));
	EQ(stat.mtim, 1000000000);
}

/* Names are bytes. */
TEST(odd_names)
{
	static const char *const names[] = {"\xff\xfe", "a b\tc\nd", "\xe2\x98\x83", "-x",
					    "...",      "..x",       "back\\slash",  "\x7f\x01"};

	for (u32 i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		u32 error = make_file(A, names[i]);

		if (i == 0 && error == E_ILSEQ)
			continue;
		OK(error);
		CHECK(is_there(A, names[i]));
		OK(path_unlink_file(A, AT(names[i]), length(names[i])));
	}
}

/* A is "/" here, and its directory "nest" has B on it; the host's own A/nest holds "hidden". */
TEST(nested)
{
	u32 b = A + 1, fd;

	OK(try_open(b, "only-in-b", 0, 0, R_FD_READ));
	OK(try_open(A, "nest/only-in-b", 0, 0, R_FD_READ));
	IS(NOENT, stat_of(A, "nest/hidden", 0));
	EQ(inode_of(A, "nest"), inode_of(b, "."));
	OK(try_open(A, "nest/../file", 0, 0, R_FD_READ));
	IS(BUSY, path_remove_directory(A, STR("nest")));
	EITHER(BUSY, ISDIR, path_unlink_file(A, STR("nest")));
	IS(BUSY, path_rename(A, STR("nest"), A, STR("moved")));
	EITHER(BUSY, XDEV, path_rename(A, STR("dir"), A, STR("nest")));
	IS(EXIST, path_create_directory(A, STR("nest")));
	IS(XDEV, path_link(A, 0, STR("file"), A, STR("nest/x")));
	EITHER(XDEV, SUCCESS, path_rename(A, STR("empty"), A, STR("nest/x")));
	/* What is made there is B's. */
	OK(make_file(A, "nest/made"));
	CHECK(is_there(b, "made"));
	fd = OPEN_DIR(A, "nest");
	OK(try_open(fd, "only-in-b", 0, 0, R_FD_READ));
}

/* A and B are on different file systems. */
TEST(file_systems)
{
	IS(XDEV, path_rename(A, STR("file"), B, STR("x")));
	IS(XDEV, path_link(A, 0, STR("file"), B, STR("x")));
	CHECK(is_there(A, "file") && !is_there(B, "x"));
}

/* As a container has it: all of A is "/". A/usr/zone, A/run, links with absolute texts (driver). */
TEST(root)
{
	OK(try_open(A, "etc/localtime", FOLLOW, 0, R_FD_READ));
	OK(try_open(A, "var/run/pid", FOLLOW, 0, R_FD_READ));
	OK(try_open(A, "etc/ssl/certs/one.pem", FOLLOW, 0, R_FD_READ));
	EQ(read_some(OPEN(A, "etc/localtime", 0, R_FD_READ), bytes, 4), 4);
	CHECK(same(bytes, "TZif", 4));
	/* Up from the top is the top. */
	OK(try_open(A, "../../etc/localtime", FOLLOW, 0, R_FD_READ));
	OK(try_open(A, "over", FOLLOW, 0, R_FD_READ));
	OK(try_open(A, "/etc/localtime", FOLLOW, 0, R_FD_READ));
	/* A link to the host's own files means those of this tree. */
	IS(NOENT, try_open(A, "shadow", FOLLOW, 0, R_FD_READ));
	EQ(type_of(A, "var/run"), T_LINK);
	EITHER(SUCCESS, PERM, path_symlink(STR("/run/pid"), A, STR("absolute-new")));
	OK(try_open(A, "absolute-new", FOLLOW, 0, R_FD_READ));
	OK(try_open(A, "absolute-dangling", FOLLOW, O_CREAT, R_FD_WRITE));
	CHECK(is_there(A, "run/made"));
}
