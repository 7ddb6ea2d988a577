/* SPDX-License-Identifier: Apache-2.0 */
/*
 * still.c: waits that end by themselves after NAP_SECONDS, one to an export: what it came to and how many milliseconds it took.
 *
 * Bare, with shared memory for the wait of threads. `busy` writes a byte whenever it has counted on for some time.
 */
#define WASI(name) \
	__attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) unsigned name
#define EXPORT(name) __attribute__((export_name(#name))) void name(void)

typedef unsigned long long u64;

enum { MONOTONIC = 1, ABSOLUTE = 1, CLOCK = 0, READ = 1, STDIN = 0 };
enum { INET4 = 1, DATAGRAM = 1, STREAM = 2, RECEIVE_TIMEOUT = 11, AGAIN = 6, TIMED_OUT = 2 };

struct part {
	const void *bytes;
	unsigned size;
};

struct subscription {
	u64 userdata;
	u64 kind;
	union {
		unsigned fd;
		struct {
			u64 id, timeout, precision, flags;
		} clock;
	} on;
};

struct event {
	u64 userdata;
	unsigned short error;
	unsigned char kind;
	u64 bytes, flags;
};

WASI(clock_time_get)(unsigned id, u64 precision, u64 *ret);
WASI(fd_write)(unsigned fd, const struct part *parts, unsigned count, unsigned *ret);
WASI(poll_oneoff)(const struct subscription *in, struct event *out, unsigned count, unsigned *ret);
WASI(sock_open)(unsigned family, unsigned type, unsigned *ret);
WASI(sock_bind)(unsigned fd, const struct part *address, unsigned port);
WASI(sock_listen)(unsigned fd, unsigned backlog);
WASI(sock_setsockopt)(unsigned fd, unsigned level, unsigned name, const void *value, unsigned size);
WASI(sock_recv)
(unsigned fd, const struct part *parts, unsigned count, unsigned flags, unsigned *ret,
 unsigned short *ret_flags);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("sock_accept"))) unsigned
sock_accept(unsigned fd, unsigned *ret);

#ifndef NAP_SECONDS
#define NAP_SECONDS 1
#endif

static const u64 nap = NAP_SECONDS * 1000 * 1000 * 1000ULL;
static u64 began;

static u64 now(void)
{
	u64 time = 0;

	clock_time_get(MONOTONIC, 1, &time);
	return time;
}

static void put(const char *text, unsigned size)
{
	const struct part part = {text, size};
	unsigned done;

	fd_write(1, &part, 1, &done);
}

static void begin(void)
{
	put("begin\n", 6);
	began = now();
}

/* "RESULT MS" */
static void end(unsigned result)
{
	unsigned ms = (unsigned)((now() - began) / 1000000);
	char line[16] = "..... ......\n";

	for (int i = 4; i >= 0; i--, result /= 10)
		line[i] = (char)('0' + result % 10);
	for (int i = 11; i >= 6; i--, ms /= 10)
		line[i] = (char)('0' + ms % 10);
	put(line, 13);
}

/* The kind of the only event there is to be. */
static void wait_for(const struct subscription *in, unsigned count)
{
	struct event out[2];
	unsigned done = 0;

	poll_oneoff(in, out, count, &done);
	end(done == 1 && out[0].error == 0 ? out[0].kind : 99);
}

EXPORT(sleep)
{
	struct subscription in = {.kind = CLOCK, .on.clock = {MONOTONIC, nap, 0, 0}};

	begin();
	wait_for(&in, 1);
}

EXPORT(until)
{
	struct subscription in = {.kind = CLOCK};

	begin();
	in.on.clock.id = MONOTONIC;
	in.on.clock.timeout = began + nap;
	in.on.clock.flags = ABSOLUTE;
	wait_for(&in, 1);
}

EXPORT(descriptor)
{
	struct subscription in[2] = {{.kind = READ, .on.fd = STDIN},
				     {.kind = CLOCK, .on.clock = {MONOTONIC, nap, 0, 0}}};

	begin();
	wait_for(in, 2);
}

static unsigned make_socket(unsigned type)
{
	static const unsigned char loopback[4] = {127, 0, 0, 1};
	static const struct part address = {loopback, 4};
	static const u64 timeout[2] = {NAP_SECONDS, 0};
	unsigned fd = 99;

	if (sock_open(INET4, type, &fd) != 0 || sock_bind(fd, &address, 0) != 0 ||
	    sock_setsockopt(fd, 0, RECEIVE_TIMEOUT, timeout, sizeof(timeout)) != 0)
		put("no socket\n", 10);
	return fd;
}

EXPORT(accept)
{
	unsigned fd = make_socket(STREAM), other;

	sock_listen(fd, 1);
	begin();
	end(sock_accept(fd, &other));
}

EXPORT(receive)
{
	char byte;
	const struct part part = {&byte, 1};
	unsigned fd = make_socket(DATAGRAM), done;
	unsigned short flags;

	begin();
	end(sock_recv(fd, &part, 1, 0, &done, &flags));
}

EXPORT(thread)
{
	static int never;

	begin();
	end((unsigned)__builtin_wasm_memory_atomic_wait32(&never, 0, (long long)nap));
}

EXPORT(busy)
{
	volatile unsigned count = 0;

	begin();
	for (;;)
		if (++count % 1000000 == 0)
			put(".", 1);
}
