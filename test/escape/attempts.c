/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempts.c: the table of attempts.def, and what takes more than one call.
 *
 * All is done by plain system calls: what libc makes of them, or tries instead, is not what is asked here. A helper gives
 * the errno of the step that was refused; one that could not even prepare itself gives -EDOM, which nobody takes for
 * a refusal.
 */
#include "attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define sys(...) SYS_AND_MORE(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define SYS_AND_MORE(n, a, b, c, d, e, f, ...) \
	call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

enum { PAGE = 4096, MOST_DESCRIPTORS = 65536, SOMEBODY = 12345 };

static _Alignas(PAGE) char room[2 * PAGE];
static uint32_t one = 1, four = 4;
static uint64_t all_ones = UINT64_MAX;

/* CAP_SETUID, permitted and effective; as the attribute of a file has it. */
static const uint32_t root_capability[5] = {0x02000001, 0x80};

/* A page of code that nobody calls. */
__asm__(".pushsection .text\n.p2align 12\nspare_code: ret\n.p2align 12\n.popsection");
extern char spare_code[] __attribute__((visibility("hidden")));

static long call(long n, long a, long b, long c, long d, long e, long f)
{
	long r = syscall(n, a, b, c, d, e, f);

	return r == -1 ? -errno : r;
}

/* -- Names --------------------------------------------------------------------------------------------- */

static const char *of_host(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s%s", host.dir, name);
	return path;
}

/* From `front` as far up as anything goes, and down again. */
static const char *above(const char *front, const char *dir, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s../../../../../../../../../..%s%s", front, dir, name);
	return path;
}

static const char *in_shm(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "/dev/shm%s", strrchr(host.dir, '/'));
	return path;
}

/* -- Files ------------------------------------------------------------------------------------------------ */

static long look(const char *path, int flags)
{
	return sys(SYS_openat, AT_FDCWD, path, flags, 0644);
}

static long look2(int dir, const char *path, int flags)
{
	uint64_t how[3] = {(uint64_t)flags, 0, 0};

	return sys(SYS_openat2, dir, path, how, sizeof(how));
}

static long by_made_link(void)
{
	long r = sys(SYS_symlinkat, of_host("/secret"), AT_FDCWD, "/volume/made");

	return r < 0 ? -EDOM : look("/volume/made", O_RDONLY);
}

static long set_flags(const char *path)
{
	long fd = look(path, O_RDONLY), flags = 0x10 /* immutable */;

	return sys(SYS_ioctl, fd, 0x40086602, &flags);
}

static long make_writable(const char *path)
{
	uint64_t attr[4] = {0, 1 /* MOUNT_ATTR_RDONLY */, 0, 0};

	return sys(SYS_mount_setattr, AT_FDCWD, path, 0, attr, sizeof(attr));
}

/* A file made with the bit loses it with the first byte, but for whoever has CAP_FSETID. */
static long make_set_user_id(void)
{
	long fd = sys(SYS_openat, AT_FDCWD, "/volume/made", O_CREAT | O_EXCL | O_RDWR, 04755);
	struct stat st;

	if (fd < 0 || sys(SYS_write, fd, "#!/bin/sh\n", 10) != 10 || sys(SYS_fstat, fd, &st) < 0)
		return -EDOM;
	return st.st_mode & S_ISUID ? 0 : -EPERM;
}

static long host_disk(void)
{
	struct stat st = {.st_rdev = 0};

	return sys(SYS_newfstatat, AT_FDCWD, "/image/disk", &st, 0) < 0 ? 0 : (long)st.st_rdev;
}

static long make_and_open(const char *path)
{
	long r = sys(SYS_mknodat, AT_FDCWD, path, S_IFBLK | 0666, host_disk());

	return r < 0 ? r : look(path, O_RDONLY);
}

/* Inode 2 is the root of most disks; shocker.c read the host's files by it. */
static long open_handle(void)
{
	uint32_t handle[4] = {8, 1, 2, 0};

	return sys(SYS_open_by_handle_at, look("/volume", O_RDONLY), handle, O_RDONLY);
}

static long handle_of_root(void)
{
	uint32_t handle[34] = {128};

	return sys(SYS_name_to_handle_at, AT_FDCWD, "/", handle, room, 0);
}

static long leave_by_chroot(void)
{
	long r = sys(SYS_mkdirat, AT_FDCWD, "/volume/made", 0755);

	if (r < 0)
		return -EDOM;
	r = sys(SYS_chroot, "/volume/made");
	for (int i = 0; r == 0 && i < 64; i++)
		r = sys(SYS_chdir, "..");
	if (r == 0)
		r = sys(SYS_chroot, ".");
	return r < 0 ? r : look(of_host("/secret"), O_RDONLY);
}

/* -- Descriptors ------------------------------------------------------------------------------------------ */

static bool is_open(int fd)
{
	return sys(SYS_fcntl, fd, F_GETFD) >= 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The streams, the container's own root, and what is nowhere in a file system (a timer, an eventfd) are expected. */
static long strange_descriptor(void)
{
	struct stat root, st;

	if (sys(SYS_newfstatat, AT_FDCWD, "/", &root, 0) < 0)
		return -EDOM;
	for (int fd = 3; fd < MOST_DESCRIPTORS; fd++) {
		if (!is_open(fd) || sys(SYS_fstat, fd, &st) < 0 || (st.st_mode & S_IFMT) == 0)
			continue;
		if (!S_ISDIR(st.st_mode) || !is_same(&st, &root))
			return fd;
	}
	return -ENOENT;
}

static long from_descriptors(const char *path)
{
	for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
		if (is_open(fd) && sys(SYS_openat, fd, path, O_RDONLY) >= 0)
			return fd;
	return -ENOENT;
}

static long from_descriptors2(const char *path)
{
	for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
		if (is_open(fd) && look2(fd, path, O_RDONLY) >= 0)
			return fd;
	return -ENOENT;
}

static long change_by_descriptors(void)
{
	for (int fd = 3; fd < MOST_DESCRIPTORS; fd++)
		if (is_open(fd) && sys(SYS_fchdir, fd) >= 0)
			return fd;
	return -EPERM;
}

static long send_by_descriptors(void)
{
	for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
		if (is_open(fd) &&
		    sys(SYS_sendto, fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0) >= 0)
			return fd;
	return -ENOENT;
}

static long link_descriptors(void)
{
	for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
		if (is_open(fd) &&
		    sys(SYS_linkat, fd, "", AT_FDCWD, "/volume/made", AT_EMPTY_PATH) >= 0)
			return fd;
	return -ENOENT;
}

/* -- Sockets ----------------------------------------------------------------------------------------------- */

static long connect_path(const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	long fd = sys(SYS_socket, AF_UNIX, type, 0);

	memcpy(to.sun_path, path, strnlen(path, sizeof(to.sun_path) - 1));
	return fd < 0 ? fd : sys(SYS_connect, fd, &to, sizeof(to));
}

/* Its name is that of the host's directory. */
static long connect_abstract(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t size = strnlen(host.dir, sizeof(to.sun_path) - 1);
	long fd = sys(SYS_socket, AF_UNIX, SOCK_STREAM, 0);

	memcpy(to.sun_path + 1, host.dir, size);
	return fd < 0 ? fd
		      : sys(SYS_connect, fd, &to,
			    offsetof(struct sockaddr_un, sun_path) + 1 + size);
}

static long bind_path(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	long fd = sys(SYS_socket, AF_UNIX, SOCK_STREAM, 0);

	memcpy(at.sun_path, path, strlen(path));
	return fd < 0 ? fd : sys(SYS_bind, fd, &at, sizeof(at));
}

static long inet(void)
{
	return sys(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

/* The host listens at a port made of the number of its process. */
static long connect_tcp(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(20000 + host.victim % 20000)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return sys(SYS_connect, inet(), &to, sizeof(to));
}

static long interface_down(void)
{
	struct ifreq request = {.ifr_name = "lo"};

	return sys(SYS_ioctl, inet(), 0x8914 /* SIOCSIFFLAGS */, &request);
}

/* Allows everything. */
static long one_filter(void)
{
	static const uint64_t program[1] = {UINT64_C(0x7fff000000000006)};
	static struct {
		uint16_t size;
		const void *program;
	} filter = {1, program};

	return (long)&filter;
}

/* -- Processes --------------------------------------------------------------------------------------------- */

static long by_pidfd(long number, long argument)
{
	long fd = sys(SYS_pidfd_open, host.victim, 0);

	return fd < 0 ? fd : sys(number, fd, argument, 0, 0);
}

static long queue_signal(long number)
{
	int info[32] = {SIGKILL, 0, -1 /* SI_QUEUE */};

	return number == SYS_rt_sigqueueinfo ? sys(number, host.victim, SIGKILL, info)
					     : sys(number, host.victim, host.victim, SIGKILL, info);
}

/* At the other side it may be no address: that is asked only after whether we may. */
static long copy_memory(long number, long pid)
{
	const struct {
		const void *at;
		size_t size;
	} part = {room, 1};

	return sys(number, pid, &part, 1, &part, 1, 0);
}

static void trace(long parent)
{
	long r = sys(SYS_ptrace, 16 /* PTRACE_ATTACH */, parent, 0, 0);

	if (r == 0) {
		sys(SYS_wait4, parent, 0, 0x40000000 /* __WALL */, 0);
		sys(SYS_ptrace, 17 /* PTRACE_DETACH */, parent, 0, 0);
	}
	_exit((int)-r);
}

static long trace_parent(void)
{
	long parent = sys(SYS_getpid), pid = sys(SYS_fork);
	int status = 0;

	if (pid < 0)
		return pid;
	if (pid == 0)
		trace(parent);
	return sys(SYS_wait4, pid, &status, 0, 0) < 0 ? -EDOM : -((status >> 8) & 0xff);
}

/* That of core files, which is 0. */
static long raise_limit(void)
{
	uint64_t limit[2] = {1, 1};

	return sys(SYS_prlimit64, 0, 4, limit, 0);
}

/* In assembly the child would not return on our stack; the parent waits for its end. */
static long forked_by_vfork(void)
{
	long r = sys(SYS_clone, 0x4100 /* CLONE_VM | CLONE_VFORK */ | SIGCHLD, room + PAGE);

	return r < 0 ? sys(SYS_vfork) : r;
}

/* -- Code -------------------------------------------------------------------------------------------------- */

static char arg_zero[] = "program";
static char *const exec_args[] = {arg_zero, NULL};

static long execute(const char *path)
{
	return sys(SYS_execve, path, exec_args, exec_args + 1);
}

static long execute_fd(int fd)
{
	return sys(SYS_execveat, fd, "", exec_args, exec_args + 1, AT_EMPTY_PATH);
}

static int memory_file(void)
{
	long fd = sys(SYS_memfd_create, "a", 1 /* MFD_CLOEXEC */);

	sys(SYS_ftruncate, fd, PAGE);
	return (int)fd;
}

static long execute_memory(void)
{
	static const char script[] = "#!/image/program\n";
	int fd = memory_file();

	sys(SYS_write, fd, script, sizeof(script) - 1);
	return execute_fd(fd);
}

static long map(long rights, int flags, int fd)
{
	return sys(SYS_mmap, 0, PAGE, rights, flags, fd, 0);
}

static char *page(void)
{
	return (char *)map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static long protect_data(long rights)
{
	return sys(SYS_mprotect, page(), PAGE, rights);
}

static long write_to_code(void)
{
	long r = sys(SYS_mprotect, spare_code, PAGE, PROT_READ | PROT_WRITE);

	if (r < 0)
		return r;
	spare_code[1] = '\xc3';
	return sys(SYS_mprotect, spare_code, PAGE, PROT_READ | PROT_EXEC);
}

static long run_data(void)
{
	char *at = page();
	void (*code)(void);

	at[0] = '\xc3'; /* ret */
	memcpy(&code, &at, sizeof(code));
	signal(SIGSEGV, SIG_DFL);
	code();
	return 0;
}

/* An address of 32 bits. */
static long low_text(void)
{
	char *at = (char *)map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1);

	strcpy(at, "/image/program");
	return (long)at;
}

static long by_int80(long number, long argument)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(number), "b"(argument), "c"(0L), "d"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

/* -- Rights ------------------------------------------------------------------------------------------------ */

static long another_user(long number)
{
	return sys(number, SOMEBODY, SOMEBODY, SOMEBODY);
}

/* CAP_SYS_ADMIN, effective and permitted. */
static long set_capabilities(void)
{
	uint32_t head[2] = {0x20080522, 0}, sets[6] = {1U << 21, 1U << 21};

	return sys(SYS_capset, head, sets);
}

static long bpf_map(void)
{
	static uint32_t attr[32] = {2 /* array */, 4, 4, 1};

	return sys(SYS_bpf, 0, attr, sizeof(attr));
}

static long perf(int pid)
{
	static uint32_t attr[32] = {1 /* software */, 112};

	return sys(SYS_perf_event_open, attr, pid, -1, -1, 0);
}

/* To what it is. */
static long set_clock(long number)
{
	int64_t now[2];

	if (number == SYS_clock_settime)
		return sys(SYS_clock_gettime, 0, now) < 0 ? -EDOM : sys(number, 0, now);
	return sys(SYS_gettimeofday, now, 0) < 0 ? -EDOM : sys(number, now, 0);
}

/* -- The table --------------------------------------------------------------------------------------------- */

#define TRY(name, layers, words, expression) \
	static long try_##name(void)         \
	{                                    \
		return (long)(expression);   \
	}
#include "attempts.def"
#undef TRY

const struct attempt attempts[] = {
#define TRY(name, layers, words, expression) {#name, layers, words, try_##name},
#include "attempts.def"
#undef TRY
};
const unsigned attempt_count = sizeof(attempts) / sizeof(attempts[0]);

const struct attempt *attempt_find(const char *name)
{
	for (unsigned i = 0; i < attempt_count; i++)
		if (strcmp(attempts[i].name, name) == 0)
			return &attempts[i];
	return NULL;
}
