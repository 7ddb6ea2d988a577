/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi.h: preview 1 as a guest sees it, bare: the imports with their exact types, the numbers, and the few lines a
 * test needs. No C library: what is called is what is tested.
 *
 * A file of tests holds TEST(name) bodies; started with names it runs these, else all, one after the other. A
 * wrong result prints a line and the program exits with 1 at the end. The directories the driver prepares are
 * explained there (run.py): A is an ordinary one, RO the same preopened read-only, B another one.
 */
#ifndef GUEST_WASI_H
#define GUEST_WASI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#ifndef WASI_MODULE
#define WASI_MODULE "wasi_snapshot_preview1"
#endif

/* -- The imports; pointers and sizes are u32 ----------------------------------------------------- */

#define IMPORT(name, ...) \
	__attribute__((import_module(WASI_MODULE), import_name(#name))) u32 name(__VA_ARGS__);

IMPORT(args_get, u32, u32)
IMPORT(args_sizes_get, u32, u32)
IMPORT(environ_get, u32, u32)
IMPORT(environ_sizes_get, u32, u32)
IMPORT(clock_res_get, u32, u32)
IMPORT(clock_time_get, u32, u64, u32)
IMPORT(fd_advise, u32, u64, u64, u32)
IMPORT(fd_allocate, u32, u64, u64)
IMPORT(fd_close, u32)
IMPORT(fd_datasync, u32)
IMPORT(fd_fdstat_get, u32, u32)
IMPORT(fd_fdstat_set_flags, u32, u32)
IMPORT(fd_fdstat_set_rights, u32, u64, u64)
IMPORT(fd_filestat_get, u32, u32)
IMPORT(fd_filestat_set_size, u32, u64)
IMPORT(fd_filestat_set_times, u32, u64, u64, u32)
IMPORT(fd_pread, u32, u32, u32, u64, u32)
IMPORT(fd_prestat_get, u32, u32)
IMPORT(fd_prestat_dir_name, u32, u32, u32)
IMPORT(fd_pwrite, u32, u32, u32, u64, u32)
IMPORT(fd_read, u32, u32, u32, u32)
IMPORT(fd_readdir, u32, u32, u32, u64, u32)
IMPORT(fd_renumber, u32, u32)
IMPORT(fd_seek, u32, u64, u32, u32)
IMPORT(fd_sync, u32)
IMPORT(fd_tell, u32, u32)
IMPORT(fd_write, u32, u32, u32, u32)
IMPORT(path_create_directory, u32, u32, u32)
IMPORT(path_filestat_get, u32, u32, u32, u32, u32)
IMPORT(path_filestat_set_times, u32, u32, u32, u32, u64, u64, u32)
IMPORT(path_link, u32, u32, u32, u32, u32, u32, u32)
IMPORT(path_open, u32, u32, u32, u32, u32, u64, u64, u32, u32)
IMPORT(path_readlink, u32, u32, u32, u32, u32, u32)
IMPORT(path_remove_directory, u32, u32, u32)
IMPORT(path_rename, u32, u32, u32, u32, u32, u32)
IMPORT(path_symlink, u32, u32, u32, u32, u32)
IMPORT(path_unlink_file, u32, u32, u32)
IMPORT(poll_oneoff, u32, u32, u32, u32)
IMPORT(proc_raise, u32)
IMPORT(random_get, u32, u32)
IMPORT(sched_yield, void)
IMPORT(sock_recv, u32, u32, u32, u32, u32, u32)
IMPORT(sock_send, u32, u32, u32, u32, u32)
IMPORT(sock_shutdown, u32, u32)
#ifndef WASI_UNSTABLE
IMPORT(sock_accept, u32, u32, u32)
#endif
__attribute__((import_module(WASI_MODULE), import_name("proc_exit"))) _Noreturn void proc_exit(u32);

/* -- Numbers ------------------------------------------------------------------------------------- */

/* clang-format off */
#define ERRNOS(E) \
	E(SUCCESS) E(2BIG) E(ACCES) E(ADDRINUSE) E(ADDRNOTAVAIL) E(AFNOSUPPORT) E(AGAIN) E(ALREADY) \
	E(BADF) E(BADMSG) E(BUSY) E(CANCELED) E(CHILD) E(CONNABORTED) E(CONNREFUSED) E(CONNRESET) \
	E(DEADLK) E(DESTADDRREQ) E(DOM) E(DQUOT) E(EXIST) E(FAULT) E(FBIG) E(HOSTUNREACH) E(IDRM) \
	E(ILSEQ) E(INPROGRESS) E(INTR) E(INVAL) E(IO) E(ISCONN) E(ISDIR) E(LOOP) E(MFILE) E(MLINK) \
	E(MSGSIZE) E(MULTIHOP) E(NAMETOOLONG) E(NETDOWN) E(NETRESET) E(NETUNREACH) E(NFILE) E(NOBUFS) \
	E(NODEV) E(NOENT) E(NOEXEC) E(NOLCK) E(NOLINK) E(NOMEM) E(NOMSG) E(NOPROTOOPT) E(NOSPC) \
	E(NOSYS) E(NOTCONN) E(NOTDIR) E(NOTEMPTY) E(NOTRECOVERABLE) E(NOTSOCK) E(NOTSUP) E(NOTTY) \
	E(NXIO) E(OVERFLOW) E(OWNERDEAD) E(PERM) E(PIPE) E(PROTO) E(PROTONOSUPPORT) E(PROTOTYPE) \
	E(RANGE) E(ROFS) E(SPIPE) E(SRCH) E(STALE) E(TIMEDOUT) E(TXTBSY) E(XDEV) E(NOTCAPABLE)
/* clang-format on */

enum {
#define E(name) E_##name,
	ERRNOS(E)
#undef E
};

enum {
	R_FD_DATASYNC = 1 << 0,
	R_FD_READ = 1 << 1,
	R_FD_SEEK = 1 << 2,
	R_FD_FDSTAT_SET_FLAGS = 1 << 3,
	R_FD_SYNC = 1 << 4,
	R_FD_TELL = 1 << 5,
	R_FD_WRITE = 1 << 6,
	R_FD_ADVISE = 1 << 7,
	R_FD_ALLOCATE = 1 << 8,
	R_PATH_CREATE_DIRECTORY = 1 << 9,
	R_PATH_CREATE_FILE = 1 << 10,
	R_PATH_LINK_SOURCE = 1 << 11,
	R_PATH_LINK_TARGET = 1 << 12,
	R_PATH_OPEN = 1 << 13,
	R_FD_READDIR = 1 << 14,
	R_PATH_READLINK = 1 << 15,
	R_PATH_RENAME_SOURCE = 1 << 16,
	R_PATH_RENAME_TARGET = 1 << 17,
	R_PATH_FILESTAT_GET = 1 << 18,
	R_PATH_FILESTAT_SET_SIZE = 1 << 19,
	R_PATH_FILESTAT_SET_TIMES = 1 << 20,
	R_FD_FILESTAT_GET = 1 << 21,
	R_FD_FILESTAT_SET_SIZE = 1 << 22,
	R_FD_FILESTAT_SET_TIMES = 1 << 23,
	R_PATH_SYMLINK = 1 << 24,
	R_PATH_REMOVE_DIRECTORY = 1 << 25,
	R_PATH_UNLINK_FILE = 1 << 26,
	R_POLL_FD_READWRITE = 1 << 27,
	R_SOCK_SHUTDOWN = 1 << 28,
	R_SOCK_ACCEPT = 1 << 29,
	/* What a file that is read and written has, as a C library asks for it. */
	R_FILE = R_FD_DATASYNC | R_FD_READ | R_FD_SEEK | R_FD_FDSTAT_SET_FLAGS | R_FD_SYNC |
		 R_FD_TELL | R_FD_WRITE | R_FD_ADVISE | R_FD_ALLOCATE | R_FD_FILESTAT_GET |
		 R_FD_FILESTAT_SET_SIZE | R_FD_FILESTAT_SET_TIMES | R_POLL_FD_READWRITE,
	R_READ = R_FILE & ~(R_FD_WRITE | R_FD_ALLOCATE | R_FD_FILESTAT_SET_SIZE | R_FD_DATASYNC),
};

enum { O_CREAT = 1, O_DIRECTORY = 2, O_EXCL = 4, O_TRUNC = 8 };
enum { FD_APPEND = 1, FD_DSYNC = 2, FD_NONBLOCK = 4, FD_RSYNC = 8, FD_SYNC = 16 };
enum { FOLLOW = 1 };
enum { FST_ATIM = 1, FST_ATIM_NOW = 2, FST_MTIM = 4, FST_MTIM_NOW = 8 };
enum { REALTIME, MONOTONIC, PROCESS_CPUTIME, THREAD_CPUTIME };
enum { T_UNKNOWN, T_BLOCK, T_CHARACTER, T_DIR, T_FILE, T_DGRAM, T_STREAM, T_LINK };
enum { SET, CUR, END };
enum { EV_CLOCK, EV_READ, EV_WRITE };

enum { A = 3, RO = 4, B = 5, CLOSED = 999 };

struct fdstat {
	u8 filetype;
	u16 flags;
	u64 rights, inheriting;
};
struct filestat {
	u64 dev, ino;
	u8 filetype;
	u64 nlink, size, atim, mtim, ctim;
};
struct dirent {
	u64 next, ino;
	u32 namlen;
	u8 type;
};
struct prestat {
	u8 tag;
	u32 size;
};
struct subscription {
	u64 userdata;
	u8 type;
	union {
		struct {
			u32 id;
			u64 timeout, precision;
			u16 flags;
		} clock;
		u32 fd;
	} u;
};
struct event {
	u64 userdata;
	u16 error;
	u8 type;
	u64 nbytes;
	u16 flags;
};
struct iovec {
	u32 at, size;
};
_Static_assert(sizeof(struct fdstat) == 24 && sizeof(struct filestat) == 64, "");
_Static_assert(sizeof(struct dirent) == 24 && sizeof(struct prestat) == 8, "");
_Static_assert(sizeof(struct subscription) == 48 && sizeof(struct event) == 32, "");

/* -- Saying things ------------------------------------------------------------------------------- */

/* An address, and a string or an object with its size, as arguments. */
#define AT(x) ((u32)(uintptr_t)(x))
#define STR(s) AT(s), (u32)sizeof(s) - 1
#define IOV(vector) AT(vector), (u32)(sizeof(vector) / sizeof((vector)[0]))

__attribute__((used)) void *memset(void *to, int byte, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile u8 *)to)[i] = (u8)byte;
	return to;
}

__attribute__((used)) void *memcpy(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

static inline u32 length(const char *text)
{
	u32 size = 0;

	while (text[size] != 0)
		size++;
	return size;
}

static inline bool same(const void *a, const void *b, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (((const u8 *)a)[i] != ((const u8 *)b)[i])
			return false;
	return true;
}

/* All of it, to a descriptor of the guest's. */
static inline u32 put_bytes(u32 fd, const void *bytes, u32 size)
{
	u32 done = 0;

	while (size > 0) {
		struct iovec part = {AT(bytes), size};
		u32 error = fd_write(fd, AT(&part), 1, AT(&done));

		if (error != 0)
			return error;
		bytes = (const u8 *)bytes + done;
		size -= done;
	}
	return 0;
}

static bool silent;

static inline void put(const char *text)
{
	if (!silent)
		put_bytes(1, text, length(text));
}

static inline void put_number(u64 number)
{
	char digits[24];
	u32 at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(digits + at);
}

static inline const char *errno_name(u32 error)
{
	static const char *const names[] = {
#define E(name) #name,
		ERRNOS(E)
#undef E
	};

	return error < sizeof(names) / sizeof(names[0]) ? names[error] : "a strange number";
}

/* -- Tests ------------------------------------------------------------------------------------------ */

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(title)                                                                              \
	static void test_##title(void);                                                          \
	__attribute__((section("tests"), used, retain)) static const struct test row_##title = { \
		#title, test_##title};                                                           \
	static void test_##title(void)

/* After so many lines the rest is only counted. */
enum { LINES_MOST = 30 };
static u32 failures;

static inline void failed(const char *file, u32 line, const char *what)
{
	if (++failures > LINES_MOST)
		silent = true;
	put(file);
	put(":");
	put_number(line);
	put(": ");
	put(what);
}

/* No second answer is right too. */
enum { NONE = 1000 };

static inline u32 expect_error(const char *file, u32 line, const char *call, u32 got, u32 wanted,
			       u32 also)
{
	if (got == wanted || got == also)
		return got;
	failed(file, line, call);
	put(": ");
	put(errno_name(got));
	put(", not ");
	put(errno_name(wanted));
	put("\n");
	return got;
}

static inline void expect_number(const char *file, u32 line, const char *what, u64 got, u64 wanted)
{
	if (got == wanted)
		return;
	failed(file, line, what);
	put(": ");
	put_number(got);
	put(", not ");
	put_number(wanted);
	put("\n");
}

/* The call ends with this errno; with one of these two; it succeeds. */
#define IS(name, call) expect_error(__FILE_NAME__, __LINE__, #call, (call), E_##name, NONE)
#define EITHER(name, other, call) \
	expect_error(__FILE_NAME__, __LINE__, #call, (call), E_##name, E_##other)
#define OK(call) expect_error(__FILE_NAME__, __LINE__, #call, (call), E_SUCCESS, NONE)
#define EQ(got, wanted) expect_number(__FILE_NAME__, __LINE__, #got, (u64)(got), (u64)(wanted))
#define CHECK(truth) \
	((truth) ? (void)0 : (failed(__FILE_NAME__, __LINE__, #truth), put(": is not so\n")))

/*
 * FAULTS(call): the call, in which each pointer is written as P(pointer), answers FAULT as soon as one of them leads
 * out of memory: entirely, at the very top, or with its last byte only. P1(pointer) is one to a single byte.
 */
static struct {
	u32 chosen, seen, bad;
	bool aligned; /* pointers stay multiples of 4: some functions want that first */
} fault;

static inline u32 fault_at(u32 pointer, bool one_byte)
{
	u32 end = (u32)__builtin_wasm_memory_size(0) * 65536;
	const u32 bad[] = {UINT32_MAX, end, 0x80000000, end - (one_byte || fault.aligned ? 0 : 1)};

	if (fault.seen++ != fault.chosen)
		return pointer;
	return fault.aligned ? bad[fault.bad] & ~3u : bad[fault.bad];
}

#define P(pointer) fault_at((pointer), false)
#define P1(pointer) fault_at((pointer), true)
#define FAULTS(call)                                                                               \
	do {                                                                                       \
		u32 fault_error = 0, fault_more = 1;                                               \
		for (fault.chosen = 0; fault_more; fault.chosen++)                                 \
			for (fault.bad = 0; fault.bad < 4; fault.bad++) {                          \
				fault.seen = 0;                                                    \
				fault_error = (call);                                              \
				fault_more = fault.seen > fault.chosen;                            \
				if (!fault_more)                                                   \
					break;                                                     \
				expect_error(__FILE_NAME__, __LINE__, #call, fault_error, E_FAULT, \
					     NONE);                                                \
			}                                                                          \
	} while (0)

/* -- What many tests do -------------------------------------------------------------------------------- */

/* With all rights a directory can have, and everything below it. */
static inline u32 open_dir_at(u32 line, u32 dir, const char *path)
{
	struct fdstat stat;
	u32 fd = CLOSED;

	expect_error(path, line, "has no rights", fd_fdstat_get(dir, AT(&stat)), E_SUCCESS, NONE);
	expect_error(path, line, "cannot be opened",
		     path_open(dir, FOLLOW, AT(path), length(path), O_DIRECTORY, stat.rights,
			       stat.inheriting, 0, AT(&fd)),
		     E_SUCCESS, NONE);
	return fd;
}

/* A descriptor, or CLOSED after a failure was written down. */
static inline u32 open_at(u32 line, u32 dir, const char *path, u32 oflags, u64 rights, u32 fdflags)
{
	u32 fd = CLOSED;

	expect_error(path, line, "cannot be opened",
		     path_open(dir, FOLLOW, AT(path), length(path), oflags, rights, rights, fdflags,
			       AT(&fd)),
		     E_SUCCESS, NONE);
	return fd;
}
#define OPEN(dir, path, oflags, rights) open_at(__LINE__, dir, path, oflags, rights, 0)
#define OPEN_DIR(dir, path) open_dir_at(__LINE__, dir, path)
#define OPEN_FLAGS(dir, path, oflags, rights, fdflags) \
	open_at(__LINE__, dir, path, oflags, rights, fdflags)

/* The errno of opening. */
static inline u32 try_open(u32 dir, const char *path, u32 lookup, u32 oflags, u64 rights)
{
	u32 fd = CLOSED;
	u32 error = path_open(dir, lookup, AT(path), length(path), oflags, rights, 0, 0, AT(&fd));

	if (error == 0)
		fd_close(fd);
	return error;
}

/* One read: its bytes, or an errno as a negative number. */
static inline int read_some(u32 fd, void *to, u32 size)
{
	struct iovec part = {AT(to), size};
	u32 done = 0, error = fd_read(fd, AT(&part), 1, AT(&done));

	return error != 0 ? -(int)error : (int)done;
}

static inline u64 now(u32 clock)
{
	u64 time = 0;

	OK(clock_time_get(clock, 1, AT(&time)));
	return time;
}

/* Sleep; also a proof that the subscription has 48 bytes. */
static inline void sleep_ms(u32 ms)
{
	struct subscription s = {.type = EV_CLOCK,
				 .u.clock = {.id = MONOTONIC, .timeout = ms * 1000000ull}};
	struct event event;
	u32 count = 0;

	OK(poll_oneoff(AT(&s), AT(&event), 1, AT(&count)));
}

/* -- The start -------------------------------------------------------------------------------------------- */

enum { ARGS_MOST = 64 };
static char *args[ARGS_MOST];
static u32 arg_count;

static inline bool arg_is(u32 index, const char *text)
{
	return index < arg_count && length(args[index]) == length(text) &&
	       same(args[index], text, length(text));
}

static inline void get_args(void)
{
	static char bytes[1 << 18];
	u32 size = 0;

	if (args_sizes_get(AT(&arg_count), AT(&size)) != 0 || arg_count > ARGS_MOST ||
	    size > sizeof(bytes) || args_get(AT(args), AT(bytes)) != 0)
		proc_exit(99);
}

#ifndef NO_TESTS
extern const struct test __start_tests[], __stop_tests[];

void _start(void)
{
	u32 ran = 0;

	get_args();
	for (const struct test *test = __start_tests; test < __stop_tests; test++)
		for (u32 i = 1; i < arg_count || (i == 1 && arg_count <= 1); i++)
			if (arg_count <= 1 || arg_is(i, test->name)) {
				test->run();
				ran++;
			}
	if (ran == 0)
		put("there is no such test\n");
	proc_exit(failures > 0 || ran == 0);
}
#endif

#endif
