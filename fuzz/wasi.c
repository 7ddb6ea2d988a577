/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi.c (fuzz): any bytes as a sequence of WASI calls, with descriptors, pointers, flags and paths of all sorts.
 *
 * The guest is 64 KiB of memory with useful things in it (paths, vectors, subscriptions, addresses), and a directory made
 * anew for each input. Beyond the sanitizers, afterwards:
 *
 * - nothing outside its directories was changed, made or removed, and nothing in the read-only one;
 * - no byte of a file outside came into its memory;
 * - no descriptor of the host's is open that was not before.
 *
 * Waiting is over for the whole input after a millisecond, by interruption: how a time limit ends a guest.
 * Of the network, four ports of 127.0.0.1 may be reached.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "exec/memory.h"
#include "exec/thread.h"
#include "wasi/p1.h"

enum {
	MEMORY = 65536,
	CALLS_MOST = 48,
	WAIT_NS = 1000000,
	FILE_MOST = 1 << 20,
	/* Rights that no directory is opened with. */
	WRITES = P1_R_FD_DATASYNC | P1_R_FD_WRITE | P1_R_FD_ALLOCATE | P1_R_FD_FILESTAT_SET_SIZE,
	/* Where things lie in the guest's memory. */
	AT_STRINGS = 0x100,
	AT_VECTORS = 0x2000,
	AT_SUBSCRIPTIONS = 0x2400,
	AT_ADDRESSES = 0x3000,
	AT_ROOM = 0x4000,
};

/* Made anew each time, and compared by hand: nothing the fuzzer could learn. */
static char secret[33];

static const char *const strings[] = {"file",
				      "dir",
				      "dir/inner",
				      "link",
				      "dirlink",
				      "dangling",
				      "up",
				      "absolute",
				      "loop",
				      "..",
				      "../secret",
				      "../outside",
				      "dir/../..",
				      "/",
				      "/secret",
				      ".",
				      "",
				      "new",
				      "new2",
				      "dir/new",
				      "new/x",
				      "up/secret",
				      "dirlink/../..",
				      "dir/",
				      "file/",
				      "pipe",
				      "other",
				      "in",
				      "/proc/self/root",
				      "nested",
				      "nested/file",
				      "nested/..",
				      "nested/../../secret",
				      "dirlink/up2",
				      "absolute/secret",
				      "rename-me",
				      "../in/file",
				      "./dir/./inner",
				      "a\0b",
				      "127.0.0.1",
				      "localhost",
				      "80",
				      "http",
				      "47001"};

struct fuzz {
	char base[256];
	struct thread thread;
	struct memory memory;
	timer_t timer;
	struct timespec readonly_time;
	uint32_t at[ARRAY_SIZE(strings)], size[ARRAY_SIZE(strings)];
	uint8_t image[MEMORY]; /* what the guest's memory is at first */
};
static struct fuzz fuzz;

/* The bytes of an input, zeros behind their end. */
struct input {
	const uint8_t *at, *end;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz/wasi: %s\n", what);
	abort();
}

static bool is_secret(const void *bytes)
{
	for (uint32_t i = 0; i < sizeof(secret) - 1; i++)
		if (((const char *)bytes)[i] != secret[i])
			return false;
	return true;
}

/* -- Directories ------------------------------------------------------------------------------- */

static const char *path_of(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", fuzz.base, name);
	return path;
}

static void make_file(const char *name, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), name);
	close(fd);
}

static void make_dir(const char *name)
{
	require(mkdir(path_of(name), 0755) == 0, name);
}

static void make_link(const char *name, const char *target)
{
	require(symlink(target, path_of(name)) == 0, name);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}

static void remove_base(void)
{
	remove_tree(fuzz.base);
}

/* The guest's own directories, as they are before each input. */
static void make_in(void)
{
	remove_tree(path_of("in"));
	remove_tree(path_of("nested"));
	make_dir("nested");
	make_dir("in");
	make_dir("in/dir");
	make_dir("in/nested");
	make_file("in/file", "hello, world\n");
	make_file("in/dir/inner", "inner\n");
	make_file("in/rename-me", "");
	make_link("in/link", "file");
	make_link("in/dirlink", "dir");
	make_link("in/dangling", "nowhere");
	make_link("in/loop", "loop");
	make_link("in/up", "..");
	make_link("in/dir/up2", "../../secret");
	make_link("in/absolute", fuzz.base);
	require(mkfifo(path_of("in/pipe"), 0644) == 0, "pipe");
}

static void make_base(void)
{
	const char *tmp = getenv("TMPDIR");
	struct stat st;

	snprintf(fuzz.base, sizeof(fuzz.base), "%s/skiff-fuzz-XXXXXX", tmp != NULL ? tmp : "/tmp");
	require(mkdtemp(fuzz.base) != NULL, "mkdtemp");
	atexit(remove_base);
	require(getrandom(secret, sizeof(secret) - 1, 0) == sizeof(secret) - 1, "getrandom");
	for (uint32_t i = 0; i < sizeof(secret) - 1; i++)
		secret[i] = (char)('A' + (uint8_t)secret[i] % 26);
	make_file("secret", secret);
	make_dir("outside");
	make_file("outside/secret", secret);
	make_dir("readonly");
	make_dir("readonly/dir");
	make_file("readonly/file", "read only\n");
	make_file("output", "");
	require(stat(path_of("readonly"), &st) == 0, "readonly");
	fuzz.readonly_time = st.st_mtim;
}

static void require_secret(const char *name)
{
	char text[sizeof(secret) + 1] = {0};
	struct stat st;
	int fd = open(path_of(name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	require(fd >= 0, "a file outside is gone");
	require(read(fd, text, sizeof(text)) == sizeof(secret) - 1, "a file outside changed");
	require(is_secret(text), "a file outside changed");
	require(fstat(fd, &st) == 0 && st.st_nlink == 1, "a file outside was linked");
	require((st.st_mode & 07777) == 0644, "a file outside changed its mode");
	/* Older than 1 s and younger than 1980 are times only a guest would set. */
	require(st.st_mtim.tv_sec > 315532800, "a file outside changed its time");
	close(fd);
}

static uint32_t entries(const char *name)
{
	uint32_t count = 0;
	struct dirent **list;
	int found = scandir(path_of(name), &list, NULL, NULL);

	require(found >= 0, "a directory is gone");
	for (int i = 0; i < found; i++) {
		count++;
		free(list[i]);
	}
	free(list);
	return count - 2;
}

static void check_outside(void)
{
	struct stat st;

	require_secret("secret");
	require_secret("outside/secret");
	require(entries("") == 6, "something came or went beside the guest's directory");
	require(entries("outside") == 1, "something came or went outside");
	require(entries("readonly") == 2, "something came or went below the read-only directory");
	require(entries("readonly/dir") == 0, "something came into the read-only directory");
	require(stat(path_of("readonly"), &st) == 0 &&
			st.st_mtim.tv_sec == fuzz.readonly_time.tv_sec &&
			st.st_mtim.tv_nsec == fuzz.readonly_time.tv_nsec,
		"the read-only directory was changed");
	require(stat(path_of("readonly/file"), &st) == 0 && st.st_size == 10 && st.st_nlink == 1,
		"a read-only file was changed");
	for (uint32_t i = 0; i <= MEMORY - sizeof(secret); i++)
		require(fuzz.memory.base[i] != (uint8_t)secret[0] ||
				!is_secret(fuzz.memory.base + i),
			"the guest has read a file outside");
}

/* -- The guest ------------------------------------------------------------------------------------ */

static void put32(uint32_t at, uint32_t value)
{
	memcpy(fuzz.image + at, &value, sizeof(value));
}

static void make_subscriptions(void)
{
	struct p1_subscription subs[8] = {
		{.type = P1_EVENT_CLOCK, .of.clock = {.id = P1_CLOCK_MONOTONIC}},
		{.type = P1_EVENT_CLOCK, .of.clock = {.id = P1_CLOCK_REALTIME, .timeout = 100000}},
		{.type = P1_EVENT_FD_READ, .of.fd = 0},
		{.type = P1_EVENT_FD_WRITE, .of.fd = 1},
		{.type = P1_EVENT_CLOCK, .of.clock = {.timeout = UINT64_MAX}},
		{.type = P1_EVENT_FD_READ, .of.fd = 6},
		{.type = P1_EVENT_CLOCK, .of.clock = {.timeout = 1, .flags = P1_SUBCLOCK_ABSTIME}},
		{.type = P1_EVENT_FD_WRITE, .of.fd = 7},
	};

	for (uint32_t i = 0; i < ARRAY_SIZE(subs); i++)
		subs[i].userdata = i;
	memcpy(fuzz.image + AT_SUBSCRIPTIONS, subs, sizeof(subs));
}

/* Pairs of pointer and size, each to an address of another kind; hints for getaddrinfo; a chain for its answer. */
static void make_addresses(void)
{
	static const uint8_t storage[] = {1, 0, 127, 0, 0, 1};
	uint32_t to = AT_ADDRESSES + 0x40;

	memcpy(fuzz.image + to, storage + 2, 4);
	memcpy(fuzz.image + to + 64, storage, sizeof(storage));
	fuzz.image[to + 256 + 15] = 1;
	put32(AT_ADDRESSES, to);
	put32(AT_ADDRESSES + 4, 4);
	put32(AT_ADDRESSES + 8, to + 64);
	put32(AT_ADDRESSES + 12, 128);
	put32(AT_ADDRESSES + 16, to + 256);
	put32(AT_ADDRESSES + 20, 16);
	/* struct addrinfo of 28 bytes: its address (at 12, 16) and the next (at 24). */
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t info = AT_ADDRESSES + 0x400 + i * 28,
			 address = AT_ADDRESSES + 0x600 + i * 64;

		put32(info + 16, address);
		put32(info + 24, i < 3 ? info + 28 : 0);
		put32(address + 4, 32);
		put32(address + 8, address + 16);
		put32(AT_ADDRESSES + 0x800 + i * 4, info);
	}
}

static void make_image(void)
{
	uint32_t at = AT_STRINGS;

	for (uint32_t i = 0; i < ARRAY_SIZE(strings); i++) {
		fuzz.at[i] = at;
		fuzz.size[i] = (uint32_t)strlen(strings[i]);
		if (strcmp(strings[i], "a") == 0)
			fuzz.size[i] = 3; /* with a NUL in it */
		memcpy(fuzz.image + at, strings[i], fuzz.size[i] + 1);
		at += fuzz.size[i] + 1;
	}
	require(at < AT_VECTORS, "too many strings");
	for (uint32_t i = 0; i < 16; i++) {
		put32(AT_VECTORS + i * 8, AT_ROOM + i * 256);
		put32(AT_VECTORS + i * 8 + 4, i * 37 % 300);
	}
	make_subscriptions();
	make_addresses();
}

static void on_timer(int number)
{
	(void)number;
	thread_interrupt(&fuzz.thread);
}

static void set_timer(long ns)
{
	struct itimerspec spec = {.it_value.tv_nsec = ns};

	require(timer_settime(fuzz.timer, 0, &spec, NULL) == 0, "timer_settime");
}

static void start(void)
{
	struct sigaction action = {.sa_handler = on_timer};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
	struct rlimit limit = {FILE_MOST, FILE_MOST};

	make_base();
	make_image();
	fuzz.memory.base = malloc(MEMORY);
	fuzz.memory.size = MEMORY;
	require(fuzz.memory.base != NULL, "malloc");
	sigaction(SIGRTMIN + 3, &action, NULL);
	require(timer_create(CLOCK_MONOTONIC, &event, &fuzz.timer) == 0, "timer_create");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* The disk is not to be filled. */
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void give_dir(struct system *system, const char *guest, const char *name, unsigned flags)
{
	int fd = open(path_of(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	require(fd >= 0 && system_dir(system, guest, fd, flags) == 0, name);
}

/* Some inputs have a root, some a working directory. Standard input is a pipe without a writer. */
static struct system *make_system(uint8_t kind, const int stdio[3])
{
	struct system *system = NULL;

	require(system_new(&system) == 0, "system_new");
	for (uint32_t i = 0; i < 3; i++)
		require(system_stdio(system, i, stdio[i]) == 0, "system_stdio");
	require(system_arg(system, "guest") == 0 && system_env(system, "KEY=value") == 0,
		"strings");
	require(policy_allow(&system->policy, "127.0.0.1:47000-47003", NULL) == 0, "policy");
	give_dir(system, "/", "in", kind & 1 ? MOUNT_ROOT : 0);
	give_dir(system, "/readonly", "readonly", MOUNT_READ_ONLY);
	if (kind & 2)
		give_dir(system, "/nested", "nested", 0);
	if (kind & 4)
		require(system_workdir(system, "/dir") == 0, "workdir");
	system->mounts.no_openat2 = (kind & 8) != 0;
	require(system_seal(system) == 0, "system_seal");
	p1_begin(system);
	return system;
}

/* -- Calls ------------------------------------------------------------------------------------------- */

static uint64_t take(struct input *in, uint32_t size)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < size && in->at < in->end; i++)
		value |= (uint64_t)*in->at++ << (i * 8);
	return value;
}

/* An i32, and the one behind it where they belong together: how many were made. */
static uint32_t make_args(struct input *in, slot *args, bool pair)
{
	uint32_t kind = (uint32_t)take(in, 1), more = kind >> 4, index;

	switch (kind & 15) {
	case 0:
	case 1:
	case 2:
		args[0] = more;
		return 1;
	case 3:
	case 4:
	case 5:
		index = (uint32_t)take(in, 1) % ARRAY_SIZE(strings);
		args[0] = fuzz.at[index];
		if (pair)
			args[1] = fuzz.size[index];
		return pair ? 2 : 1;
	case 6:
		args[0] = AT_VECTORS + more * 8;
		if (pair)
			args[1] = take(in, 1) % 20;
		return pair ? 2 : 1;
	case 7:
		args[0] = AT_SUBSCRIPTIONS + more * 24;
		return 1;
	case 8:
		args[0] = AT_ADDRESSES + (more & 3) * 8 + (more >> 2) * 0x400;
		return 1;
	case 9:
		args[0] = MEMORY - take(in, 1) % 70;
		return 1;
	case 10:
		args[0] = (uint32_t)(take(in, 1) << (more * 2));
		return 1;
	case 11:
		args[0] = (uint32_t)take(in, 4);
		return 1;
	case 12:
		args[0] = UINT32_MAX - more;
		return 1;
	case 13:
		args[0] = 47000 + (more & 3);
		return 1;
	default:
		args[0] = AT_ROOM + more * 512 + take(in, 1);
		return 1;
	}
}

static uint64_t make_long(struct input *in)
{
	uint32_t kind = (uint32_t)take(in, 1), more = kind >> 3;

	switch (kind & 7) {
	case 0:
		return more;
	case 1:
		return more & 1 ? P1_R_ALL & ~(uint64_t)WRITES : P1_R_ALL;
	case 2:
		return P1_R_ALL & ~(UINT64_C(1) << more);
	case 3:
		return UINT64_C(1) << (more * 2);
	case 4:
		return UINT64_MAX - more;
	case 5:
		return INT64_MAX - more;
	case 6:
		return take(in, 2);
	default:
		return take(in, 8);
	}
}

static void call(struct p1 *p, struct input *in)
{
	uint32_t number = (uint32_t)take(in, 1) % (p1_row_count + 2);
	slot args[16] = {0};
	const struct p1_row *row = &p1_rows[number];

	if (number == p1_row_count) {
		p->unstable = !p->unstable;
		return;
	}
	if (number > p1_row_count) {
		uint64_t value = take(in, 4);

		memcpy(fuzz.memory.base + take(in, 2) % (MEMORY - 4), &value, 4);
		return;
	}
	for (uint32_t i = 0; i < row->param_count;)
		if (row->params[i] == 'I')
			args[i++] = make_long(in);
		else
			i += make_args(in, args + i, row->params[i + 1] == 'i');
	p->status = STATUS_OK;
	require(p1_call(row, p, args) <= P1_AISYSTEM, "a strange errno");
}

static void open_stdio(int stdio[3])
{
	int ends[2];

	require(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	require(write(ends[1], "some input\n", 11) == 11, "pipe");
	close(ends[1]);
	stdio[0] = ends[0];
	stdio[1] = open(path_of("output"), O_RDWR | O_TRUNC | O_CLOEXEC);
	stdio[2] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	require(stdio[1] >= 0 && stdio[2] >= 0, "output");
}

/* The lowest number that is free: the same before and after, or something stayed open. */
static int lowest_free(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct p1 p = {.thread = &fuzz.thread, .memory = &fuzz.memory};
	struct system *system;
	int stdio[3], before;

	if (fuzz.base[0] == '\0')
		start();
	before = lowest_free();
	make_in();
	open_stdio(stdio);
	memcpy(fuzz.memory.base, fuzz.image, MEMORY);
	system = make_system((uint8_t)take(&in, 1), stdio);
	p.system = system;
	p.waiter = (struct waiter){&fuzz.thread.wake, &fuzz.thread.interrupt, &system->stop};
	set_timer(WAIT_NS);
	for (uint32_t i = 0; i < CALLS_MOST && in.at < in.end; i++)
		call(&p, &in);
	set_timer(0);
	system_unref(system);
	wake_deinit(&fuzz.thread.wake);
	fuzz.thread.wake = (struct wake){0};
	fuzz.thread.interrupt = 0;
	for (uint32_t i = 0; i < 3; i++) {
		require(fcntl(stdio[i], F_GETFD) >= 0,
			"a standard stream of the host's was closed");
		close(stdio[i]);
	}
	require(lowest_free() == before, "a descriptor stayed open");
	check_outside();
	return 0;
}
