/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p1_sock_test.c: the socket functions as a guest calls them: numbers in, an errno out, and what lies in memory then.
 *
 * What every function has in common (pointers out of range or misaligned, descriptors that are none, no sockets, or lack a
 * right) comes from one table; what each does, and every error of its own, is below.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "exec/memory.h"
#include "wasi/net.h"
#include "wasi/p1.h"
#include "wasi/p1_sock.h"

enum { MEMORY = 65536, NO_FD = 77 };

/* Where things lie in the guest's memory. */
enum {
	AT_FD = 16,
	AT_SIZE = 24,
	AT_FLAGS = 28,
	AT_PORT = 32,
	AT_FAMILY = 36,
	AT_ADDRESS = 64, /* the pair */
	AT_BYTES = 128,  /* what it leads to */
	AT_PARTS = 512,
	AT_DATA = 2048,
	AT_VALUE = 4096,
	AT_CHAIN = 8192,
};

struct guest {
	struct p1 p;
	struct system *system;
	struct memory memory;
	struct wake wake;
	uint32_t interrupt;
	uint8_t bytes[MEMORY];
};

static int open_guest(void **state)
{
	struct guest *g = calloc(1, sizeof(*g));

	assert_int_equal(system_new(&g->system), 0);
	g->system->policy.kind = POLICY_EVERYONE;
	g->memory.base = g->bytes;
	g->memory.size = MEMORY;
	g->p.system = g->system;
	g->p.memory = &g->memory;
	g->p.waiter = (struct waiter){&g->wake, &g->interrupt, &g->system->stop};
	*state = g;
	return 0;
}

static int close_guest(void **state)
{
	struct guest *g = *state;

	system_unref(g->system);
	wake_deinit(&g->wake);
	free(g);
	return 0;
}

static void put32(struct guest *g, uint32_t at, uint32_t value)
{
	memcpy(g->bytes + at, &value, sizeof(value));
}

static uint32_t get32(const struct guest *g, uint32_t at)
{
	uint32_t value;

	memcpy(&value, g->bytes + at, sizeof(value));
	return value;
}

static uint16_t get16(const struct guest *g, uint32_t at)
{
	uint16_t value;

	memcpy(&value, g->bytes + at, sizeof(value));
	return value;
}

static void put_pair(struct guest *g, uint32_t at, uint32_t first, uint32_t second)
{
	put32(g, at, first);
	put32(g, at + 4, second);
}

/* 127.0.0.1 as an address of this many bytes (4, 128), or ::1 (16). */
static uint32_t local(struct guest *g, uint32_t size)
{
	static const uint8_t four[] = {127, 0, 0, 1}, storage[] = {P1_AF_INET4, 0, 127, 0, 0, 1};

	memset(g->bytes + AT_BYTES, 0, 128);
	if (size == 4)
		memcpy(g->bytes + AT_BYTES, four, sizeof(four));
	else if (size == 128)
		memcpy(g->bytes + AT_BYTES, storage, sizeof(storage));
	else if (size == 16)
		g->bytes[AT_BYTES + 15] = 1;
	put_pair(g, AT_ADDRESS, AT_BYTES, size);
	return AT_ADDRESS;
}

static uint32_t open_socket(struct guest *g, uint32_t type)
{
	assert_int_equal(p1_sock_open(&g->p, P1_AF_INET4, type, AT_FD), P1_SUCCESS);
	return get32(g, AT_FD);
}

static struct desc *desc_of(struct guest *g, uint32_t fd)
{
	struct desc *desc = descs_get(&g->system->descs, fd);

	assert_non_null(desc);
	desc_unref(desc);
	return desc; /* the table has it */
}

static uint32_t port_of(struct guest *g, uint32_t fd)
{
	local(g, 4);
	assert_int_equal(p1_sock_getlocaladdr(&g->p, fd, AT_ADDRESS, AT_FAMILY, AT_PORT),
			 P1_SUCCESS);
	return get32(g, AT_PORT);
}

static uint32_t open_bound(struct guest *g, uint32_t type)
{
	uint32_t fd = open_socket(g, type);

	assert_int_equal(p1_sock_bind(&g->p, fd, local(g, 4), 0), P1_SUCCESS);
	return fd;
}

/* A connection: what the server accepted, and its client. */
static void open_pair(struct guest *g, uint32_t *ret_peer, uint32_t *ret_client)
{
	uint32_t server = open_bound(g, P1_SOCK_STREAM), port = port_of(g, server);

	assert_int_equal(p1_sock_listen(&g->p, server, 8), P1_SUCCESS);
	*ret_client = open_socket(g, P1_SOCK_STREAM);
	assert_int_equal(p1_sock_connect(&g->p, *ret_client, local(g, 4), port), P1_SUCCESS);
	assert_int_equal(p1_sock_accept(&g->p, server, AT_FD), P1_SUCCESS);
	*ret_peer = get32(g, AT_FD);
	assert_int_equal(descs_close(&g->system->descs, server), 0);
}

static uint32_t send_text(struct guest *g, uint32_t fd, const char *text)
{
	uint32_t size = (uint32_t)strlen(text);

	memcpy(g->bytes + AT_DATA, text, size);
	put_pair(g, AT_PARTS, AT_DATA, size);
	return p1_sock_send(&g->p, fd, AT_PARTS, 1, 0, AT_SIZE);
}

static uint32_t receive(struct guest *g, uint32_t fd, uint32_t size, uint32_t flags)
{
	memset(g->bytes + AT_DATA, 0, 64);
	put_pair(g, AT_PARTS, AT_DATA, size);
	return p1_sock_recv(&g->p, fd, AT_PARTS, 1, flags, AT_SIZE, AT_FLAGS);
}

/* -- What all have in common --------------------------------------------------------------------- */

/*
 * Arguments by letter: f a socket; 4 2 1 a pointer aligned so; a an address; p parts. Others are numbers. Behind them: the
 * right the function needs, and the size its address has.
 */
struct shape {
	const char *name;
	const char *kinds;
	uint32_t args[9];
	uint32_t right;
	uint32_t address_size;
};

static const struct shape shapes[] = {
	{"sock_open", "..4", {1, 2, AT_FD}, 0, 4},
	{"sock_open_v2", "..4", {1, 2, AT_FD}, 0, 4},
	{"sock_bind", "fa.", {0, AT_ADDRESS, 0}, 0, 4},
	{"sock_bind_v2", "fa.", {0, AT_ADDRESS, 0}, 0, 128},
	{"sock_listen", "f.", {0, 1}, 0, 4},
	{"sock_listen_v2", "f.", {0, 1}, 0, 4},
	{"sock_accept", "f4", {0, AT_FD}, P1_R_SOCK_ACCEPT, 4},
	{"sock_accept_v2", "f.4", {0, 0, AT_FD}, P1_R_SOCK_ACCEPT, 4},
	{"sock_connect", "fa.", {0, AT_ADDRESS, 1}, 0, 4},
	{"sock_connect_v2", "fa.", {0, AT_ADDRESS, 1}, 0, 128},
	{"sock_recv", "fp..42", {0, AT_PARTS, 1, 0, AT_SIZE, AT_FLAGS}, P1_R_FD_READ, 4},
	{"sock_recv_v2", "fp..42", {0, AT_PARTS, 1, 0, AT_SIZE, AT_FLAGS}, P1_R_FD_READ, 4},
	{"sock_recv_from",
	 "fp.a.42",
	 {0, AT_PARTS, 1, AT_ADDRESS, 0, AT_SIZE, AT_FLAGS},
	 P1_R_FD_READ,
	 4},
	{"sock_recv_from_v2",
	 "fp.a.242",
	 {0, AT_PARTS, 1, AT_ADDRESS, 0, AT_PORT, AT_SIZE, AT_FLAGS},
	 P1_R_FD_READ,
	 128},
	{"sock_send", "fp..4", {0, AT_PARTS, 1, 0, AT_SIZE}, P1_R_FD_WRITE, 4},
	{"sock_send_v2", "fp..4", {0, AT_PARTS, 1, 0, AT_SIZE}, P1_R_FD_WRITE, 4},
	{"sock_send_to", "fp.a..4", {0, AT_PARTS, 1, AT_ADDRESS, 1, 0, AT_SIZE}, P1_R_FD_WRITE, 4},
	{"sock_send_to_v2",
	 "fp.a..4",
	 {0, AT_PARTS, 1, AT_ADDRESS, 1, 0, AT_SIZE},
	 P1_R_FD_WRITE,
	 128},
	{"sock_getlocaladdr", "fa44", {0, AT_ADDRESS, AT_FAMILY, AT_PORT}, 0, 16},
	{"sock_getlocaladdr_v2", "fa4", {0, AT_ADDRESS, AT_PORT}, 0, 128},
	{"sock_getpeeraddr", "fa44", {0, AT_ADDRESS, AT_FAMILY, AT_PORT}, 0, 16},
	{"sock_getpeeraddr_v2", "fa4", {0, AT_ADDRESS, AT_PORT}, 0, 128},
	{"sock_shutdown", "f.", {0, 3}, P1_R_SOCK_SHUTDOWN, 4},
	{"sock_getsockopt", "f..14", {0, 0, 1, AT_VALUE, AT_SIZE}, 0, 4},
	{"sock_setsockopt", "f..1.", {0, 0, 0, AT_VALUE, 4}, 0, 4},
	{"sock_getaddrinfo",
	 "1.1.44.4",
	 {AT_DATA, 4, AT_DATA, 4, AT_CHAIN, AT_CHAIN, 1, AT_SIZE},
	 0,
	 4},
};

/* With the i-th argument changed. */
static uint32_t call(struct guest *g, const struct shape *c, size_t i, uint32_t arg)
{
	const struct p1_row *row = p1_find(c->name, strlen(c->name));
	slot args[9] = {0};

	assert_non_null(row);
	assert_int_equal(row->param_count, strlen(c->kinds));
	local(g, c->address_size);
	put_pair(g, AT_PARTS, AT_DATA, 4);
	put32(g, AT_SIZE, 4);
	memcpy(g->bytes + AT_DATA, "1.1", 4);
	for (size_t k = 0; k < row->param_count; k++)
		args[k] = k == i ? arg : c->args[k];
	return p1_call(row, &g->p, args);
}

#define EXPECT(c, got, want)                                                         \
	do {                                                                         \
		uint32_t got_ = (got);                                               \
		if (got_ != (want))                                                  \
			fail_msg("%s: argument %zu: %u, not %u", (c)->name, i, got_, \
				 (uint32_t)(want));                                  \
	} while (0)

static void check_pointer(struct guest *g, const struct shape *c, size_t i)
{
	uint32_t align = c->kinds[i] == '1' ? 1 : c->kinds[i] == '2' ? 2 : 4;

	EXPECT(c, call(g, c, i, align == 1 ? MEMORY - 1 : MEMORY), P1_FAULT);
	EXPECT(c, call(g, c, i, UINT32_MAX - align + 1), P1_FAULT);
	for (uint32_t odd = 1; odd < align; odd++)
		EXPECT(c, call(g, c, i, c->args[i] + odd), P1_ADDRNOTAVAIL);
	if (c->kinds[i] == 'a' || c->kinds[i] == 'p') {
		/* What it leads to. */
		put_pair(g, AT_VALUE, MEMORY - 1, c->address_size);
		EXPECT(c, call(g, c, i, AT_VALUE), P1_FAULT);
		put_pair(g, AT_VALUE, 0, UINT32_MAX);
		EXPECT(c, call(g, c, i, AT_VALUE), P1_FAULT);
		EXPECT(c, call(g, c, i, MEMORY - 4), P1_FAULT);
	}
}

static void pointers(void **state)
{
	struct guest *g = *state;
	uint32_t fd = open_socket(g, P1_SOCK_DGRAM);

	for (const struct shape *c = shapes; c < shapes + ARRAY_SIZE(shapes); c++) {
		for (size_t i = 0; c->kinds[i] != 0; i++) {
			struct shape with = *c;

			if (c->kinds[0] == 'f')
				with.args[0] = fd;
			if (strchr("421ap", c->kinds[i]) != NULL)
				check_pointer(g, &with, i);
		}
	}
}

static void descriptors(void **state)
{
	struct guest *g = *state;
	uint32_t fd = open_socket(g, P1_SOCK_DGRAM);
	struct desc *pipe_end;
	int pipes[2], number;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(desc_new(&pipe_end, pipes[0], 0, 0), 0);
	p1_give_rights(pipe_end);
	number = descs_add(&g->system->descs, pipe_end, 0);
	assert_true(number > 0);
	close(pipes[1]);
	for (const struct shape *c = shapes; c < shapes + ARRAY_SIZE(shapes); c++) {
		size_t i = 0;

		if (c->kinds[0] != 'f')
			continue;
		EXPECT(c, call(g, c, 0, NO_FD), P1_BADF);
		EXPECT(c, call(g, c, 0, UINT32_MAX), P1_BADF);
		EXPECT(c, call(g, c, 0, (uint32_t)number), P1_NOTSOCK);
		if (c->right == 0)
			continue;
		desc_of(g, fd)->rights = P1_R_ALL & ~(uint64_t)c->right;
		EXPECT(c, call(g, c, 0, fd), P1_NOTCAPABLE);
		p1_give_rights(desc_of(g, fd));
	}
}

/* A module without a memory has no pointers. */
static void without_memory(void **state)
{
	struct guest *g = *state;

	g->p.memory = NULL;
	for (const struct shape *c = shapes; c < shapes + ARRAY_SIZE(shapes); c++) {
		size_t i = 0;
		bool points = c->kinds[strcspn(c->kinds, "421ap")] != 0;

		if (points)
			EXPECT(c, call(g, c, 9, 0), P1_FAULT);
	}
}

/* -- Each ---------------------------------------------------------------------------------------------- */

static void opens(void **state)
{
	struct guest *g = *state;
	struct desc *desc;

	assert_int_equal(p1_sock_open(&g->p, P1_AF_UNSPEC, 2, AT_FD), P1_INVAL);
	assert_int_equal(p1_sock_open(&g->p, P1_AF_UNIX, 2, AT_FD), P1_NOSYS);
	assert_int_equal(p1_sock_open_v2(&g->p, P1_AF_UNIX, 2, AT_FD), P1_NOSYS);
	assert_int_equal(p1_sock_open(&g->p, 4, 2, AT_FD), P1_INVAL);
	assert_int_equal(p1_sock_open(&g->p, UINT32_MAX, 2, AT_FD), P1_INVAL);
	assert_int_equal(p1_sock_open(&g->p, 1, P1_SOCK_ANY, AT_FD), P1_INVAL);
	assert_int_equal(p1_sock_open(&g->p, 1, 3, AT_FD), P1_INVAL);
	desc = desc_of(g, open_socket(g, P1_SOCK_STREAM));
	assert_int_equal(desc->socktype, SOCK_STREAM);
	assert_true(desc->rights & P1_R_SOCK_ACCEPT);
	desc = desc_of(g, open_socket(g, P1_SOCK_DGRAM));
	assert_int_equal(desc->socktype, SOCK_DGRAM);
	g->system->policy.kind = POLICY_NOBODY;
	assert_int_equal(p1_sock_open(&g->p, 1, 2, AT_FD), P1_ACCES);
	assert_int_equal(p1_sock_open_v2(&g->p, 2, 1, AT_FD), P1_ACCES);
}

static void runs_out_of_numbers(void **state)
{
	struct guest *g = *state;
	uint32_t error = P1_SUCCESS;

	g->system->descs.limit = 8;
	for (int i = 0; i < 9 && error == P1_SUCCESS; i++)
		error = p1_sock_open(&g->p, P1_AF_INET4, P1_SOCK_STREAM, AT_FD);
	assert_int_equal(error, P1_MFILE);
}

static void addresses(void **state)
{
	static const uint32_t sizes[] = {0, 3, 5, 8, 15, 17, 127, 129};
	struct guest *g = *state;
	uint32_t fd = open_socket(g, P1_SOCK_STREAM);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(p1_sock_bind(&g->p, fd, local(g, sizes[i]), 0), P1_INVAL);
		assert_int_equal(p1_sock_bind_v2(&g->p, fd, local(g, sizes[i]), 0), P1_INVAL);
		assert_int_equal(p1_sock_connect_v2(&g->p, fd, local(g, sizes[i]), 1), P1_INVAL);
	}
	assert_int_equal(p1_sock_bind(&g->p, fd, local(g, 128), 0), P1_INVAL);
	assert_int_equal(p1_sock_connect(&g->p, fd, local(g, 128), 1), P1_INVAL);
	local(g, 128);
	g->bytes[AT_BYTES] = P1_AF_UNIX;
	assert_int_equal(p1_sock_bind_v2(&g->p, fd, AT_ADDRESS, 0), P1_NOSYS);
	g->bytes[AT_BYTES] = P1_AF_UNSPEC;
	assert_int_equal(p1_sock_bind_v2(&g->p, fd, AT_ADDRESS, 0), P1_INVAL);
	g->bytes[AT_BYTES] = P1_AF_INET4;
	g->bytes[AT_BYTES + 1] = 1; /* 257 */
	assert_int_equal(p1_sock_bind_v2(&g->p, fd, AT_ADDRESS, 0), P1_INVAL);
	/* An IPv6 address for an IPv4 socket. */
	assert_int_equal(p1_sock_bind(&g->p, fd, local(g, 16), 0), P1_AFNOSUPPORT);
	assert_int_equal(p1_sock_bind_v2(&g->p, fd, local(g, 128), 0), P1_SUCCESS);
	assert_int_equal(p1_sock_bind(&g->p, fd, local(g, 4), 0), P1_INVAL);
}

static void serves(void **state)
{
	struct guest *g = *state;
	uint32_t server = open_bound(g, P1_SOCK_STREAM), port = port_of(g, server);
	uint32_t second = open_socket(g, P1_SOCK_STREAM), client, peer;

	assert_int_not_equal(port, 0);
	assert_int_equal(get32(g, AT_FAMILY), 4);
	assert_int_equal(p1_sock_accept(&g->p, server, AT_FD), P1_INVAL);
	assert_int_equal(p1_sock_bind(&g->p, second, local(g, 4), port), P1_ADDRINUSE);
	assert_int_equal(p1_sock_connect(&g->p, second, local(g, 4), port), P1_CONNREFUSED);
	assert_int_equal(p1_sock_listen(&g->p, server, UINT32_MAX), P1_SUCCESS);
	assert_int_equal(p1_sock_accept_v2(&g->p, server, 32, AT_FD), P1_INVAL);
	desc_of(g, server)->flags |= DESC_NONBLOCK;
	assert_int_equal(p1_sock_accept_v2(&g->p, server, 0, AT_FD), P1_AGAIN);
	client = open_socket(g, P1_SOCK_STREAM);
	assert_int_equal(p1_sock_connect_v2(&g->p, client, local(g, 128), port), P1_SUCCESS);
	assert_int_equal(p1_sock_accept_v2(&g->p, server, P1_FD_NONBLOCK, AT_FD), P1_SUCCESS);
	peer = get32(g, AT_FD);
	assert_int_equal(receive(g, peer, 4, 0), P1_AGAIN);
	assert_int_equal(p1_sock_connect(&g->p, client, local(g, 4), port), P1_ISCONN);
	/* Names, in both generations. */
	memset(g->bytes + AT_BYTES, 0xee, 128);
	put_pair(g, AT_ADDRESS, AT_BYTES, 128);
	assert_int_equal(p1_sock_getpeeraddr_v2(&g->p, client, AT_ADDRESS, AT_PORT), P1_SUCCESS);
	assert_memory_equal(g->bytes + AT_BYTES, "\1\0\177\0\0\1\xee", 7);
	assert_int_equal(get32(g, AT_PORT), port);
	local(g, 16);
	assert_int_equal(p1_sock_getpeeraddr(&g->p, client, AT_ADDRESS, AT_FAMILY, AT_PORT),
			 P1_SUCCESS);
	assert_memory_equal(g->bytes + AT_BYTES, "\177\0\0\1", 4);
	assert_int_equal(get32(g, AT_FAMILY), 4);
	assert_int_equal(get32(g, AT_PORT), port);
	put_pair(g, AT_ADDRESS, AT_BYTES, 128);
	assert_int_equal(p1_sock_getlocaladdr_v2(&g->p, peer, AT_ADDRESS, AT_PORT), P1_SUCCESS);
	assert_int_equal(get32(g, AT_PORT), port);
	/* Sizes that are none of theirs. */
	put_pair(g, AT_ADDRESS, AT_BYTES, 128);
	assert_int_equal(p1_sock_getlocaladdr(&g->p, peer, AT_ADDRESS, AT_FAMILY, AT_PORT),
			 P1_INVAL);
	put_pair(g, AT_ADDRESS, AT_BYTES, 16);
	assert_int_equal(p1_sock_getlocaladdr_v2(&g->p, peer, AT_ADDRESS, AT_PORT), P1_INVAL);
	assert_int_equal(p1_sock_getpeeraddr_v2(&g->p, peer, AT_ADDRESS, AT_PORT), P1_INVAL);
	local(g, 16);
	assert_int_equal(p1_sock_getpeeraddr(&g->p, server, AT_ADDRESS, AT_FAMILY, AT_PORT),
			 P1_NOTCONN);
}

static void serves_v6(void **state)
{
	struct guest *g = *state;
	uint32_t fd;

	assert_int_equal(p1_sock_open(&g->p, P1_AF_INET6, P1_SOCK_DGRAM, AT_FD), P1_SUCCESS);
	fd = get32(g, AT_FD);
	if (p1_sock_bind(&g->p, fd, local(g, 16), 0) != P1_SUCCESS)
		skip();
	local(g, 16);
	g->bytes[AT_BYTES + 15] = 0;
	assert_int_equal(p1_sock_getlocaladdr(&g->p, fd, AT_ADDRESS, AT_FAMILY, AT_PORT),
			 P1_SUCCESS);
	assert_int_equal(get32(g, AT_FAMILY), 6);
	assert_int_equal(g->bytes[AT_BYTES + 15], 1);
	local(g, 4);
	assert_int_equal(p1_sock_getlocaladdr(&g->p, fd, AT_ADDRESS, AT_FAMILY, AT_PORT), P1_NOMEM);
	local(g, 128);
	assert_int_equal(p1_sock_getlocaladdr_v2(&g->p, fd, AT_ADDRESS, AT_PORT), P1_SUCCESS);
	assert_int_equal(g->bytes[AT_BYTES], P1_AF_INET6);
	assert_int_equal(g->bytes[AT_BYTES + 2 + 15], 1);
}

static void sends_and_receives(void **state)
{
	struct guest *g = *state;
	uint32_t peer, client;

	open_pair(g, &peer, &client);
	assert_int_equal(send_text(g, client, "hello"), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 5);
	assert_int_equal(receive(g, peer, 16, P1_RI_PEEK), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 5);
	g->bytes[AT_FLAGS] = 0xff;
	assert_int_equal(receive(g, peer, 5, P1_RI_WAITALL), P1_SUCCESS);
	assert_string_equal((char *)g->bytes + AT_DATA, "hello");
	assert_int_equal(get16(g, AT_FLAGS), 0);
	assert_int_equal(receive(g, peer, 5, 4), P1_INVAL);
	put_pair(g, AT_PARTS, AT_DATA, 1);
	assert_int_equal(p1_sock_send(&g->p, client, AT_PARTS, 1, 1, AT_SIZE), P1_INVAL);
	assert_int_equal(p1_sock_send(&g->p, client, AT_PARTS, 1025, 0, AT_SIZE), P1_INVAL);
	assert_int_equal(p1_sock_recv(&g->p, peer, AT_PARTS, 1025, 0, AT_SIZE, AT_FLAGS), P1_INVAL);
	/* Of a stream's many parts the first are taken. */
	for (uint32_t i = 0; i < 100; i++)
		put_pair(g, AT_PARTS + 8 * i, AT_DATA, 1);
	assert_int_equal(p1_sock_send_v2(&g->p, client, AT_PARTS, 100, 0, AT_SIZE), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), P1_PARTS);
	assert_int_equal(receive(g, peer, 1024, 0), P1_SUCCESS);
	/* A stream does not say who sent. */
	assert_int_equal(send_text(g, client, "x"), P1_SUCCESS);
	local(g, 128);
	put_pair(g, AT_PARTS, AT_DATA, 4);
	assert_int_equal(p1_sock_recv_from_v2(&g->p, peer, AT_PARTS, 1, AT_ADDRESS, 0, AT_PORT,
					      AT_SIZE, AT_FLAGS),
			 P1_SUCCESS);
	assert_int_equal(g->bytes[AT_BYTES], P1_AF_UNSPEC);
	/* Flags of nothing, of too much, and each. */
	assert_int_equal(p1_sock_shutdown(&g->p, client, 0), P1_INVAL);
	assert_int_equal(p1_sock_shutdown(&g->p, client, 4), P1_INVAL);
	assert_int_equal(p1_sock_shutdown(&g->p, client, UINT32_MAX), P1_INVAL);
	assert_int_equal(p1_sock_shutdown(&g->p, client, P1_SD_WR), P1_SUCCESS);
	assert_int_equal(send_text(g, client, "x"), P1_PIPE);
	assert_int_equal(receive(g, peer, 4, 0), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 0);
	assert_int_equal(send_text(g, peer, "x"), P1_SUCCESS);
	assert_int_equal(receive(g, client, 4, 0), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 1);
	assert_int_equal(p1_sock_shutdown(&g->p, client, P1_SD_RD), P1_SUCCESS);
	assert_int_equal(receive(g, client, 4, 0), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 0);
	assert_int_equal(receive(g, open_socket(g, P1_SOCK_STREAM), 4, 0), P1_NOTCONN);
	assert_int_equal(p1_sock_shutdown(&g->p, open_socket(g, P1_SOCK_STREAM), 3), P1_NOTCONN);
}

static void datagrams(void **state)
{
	struct guest *g = *state;
	uint32_t a = open_bound(g, P1_SOCK_DGRAM), b = open_bound(g, P1_SOCK_DGRAM);
	uint32_t from = port_of(g, a), to = port_of(g, b);

	memcpy(g->bytes + AT_DATA, "datagram", 8);
	put_pair(g, AT_PARTS, AT_DATA, 8);
	assert_int_equal(p1_sock_send_to(&g->p, a, AT_PARTS, 1, local(g, 4), to, 0, AT_SIZE),
			 P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 8);
	assert_int_equal(p1_sock_send_to(&g->p, a, AT_PARTS, 1, local(g, 128), to, 0, AT_SIZE),
			 P1_INVAL);
	assert_int_equal(p1_sock_send_to_v2(&g->p, a, AT_PARTS, 1, local(g, 128), to, 0, AT_SIZE),
			 P1_SUCCESS);
	assert_int_equal(p1_sock_send_to_v2(&g->p, a, AT_PARTS, 1, local(g, 4), to, 1, AT_SIZE),
			 P1_INVAL);
	/* The first, cut; the port is a number. */
	put_pair(g, AT_PARTS, AT_DATA, 4);
	put_pair(g, AT_ADDRESS, AT_BYTES, 128);
	memset(g->bytes + AT_BYTES, 0xee, 128);
	put32(g, AT_PORT, 0xeeeeeeee);
	assert_int_equal(p1_sock_recv_from_v2(&g->p, b, AT_PARTS, 1, AT_ADDRESS, 0, AT_PORT,
					      AT_SIZE, AT_FLAGS),
			 P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 4);
	assert_int_equal(get16(g, AT_FLAGS), P1_RO_TRUNCATED);
	assert_int_equal(get32(g, AT_PORT), 0xeeee0000 | from); /* 16 bits, and no more */
	assert_memory_equal(g->bytes + AT_BYTES, "\1\0\177\0\0\1\xee", 7);
	/* The second, in the form of the first generation. */
	put_pair(g, AT_PARTS, AT_DATA, 16);
	put_pair(g, AT_ADDRESS, AT_BYTES, 4);
	memset(g->bytes + AT_BYTES, 0xee, 8);
	assert_int_equal(
		p1_sock_recv_from(&g->p, b, AT_PARTS, 1, AT_ADDRESS, P1_RI_PEEK, AT_SIZE, AT_FLAGS),
		P1_SUCCESS);
	assert_memory_equal(g->bytes + AT_BYTES, "\177\0\0\1\xee", 5);
	assert_int_equal(get16(g, AT_FLAGS), 0);
	/* No room for the address is no reason to lose the datagram. */
	put_pair(g, AT_ADDRESS, AT_BYTES, 2);
	memset(g->bytes + AT_BYTES, 0xee, 8);
	assert_int_equal(
		p1_sock_recv_from(&g->p, b, AT_PARTS, 1, AT_ADDRESS, P1_RI_PEEK, AT_SIZE, AT_FLAGS),
		P1_SUCCESS);
	assert_int_equal(g->bytes[AT_BYTES], 0xee);
	assert_int_equal(p1_sock_recv_from_v2(&g->p, b, AT_PARTS, 1, AT_ADDRESS, 0, AT_PORT,
					      AT_SIZE, AT_FLAGS),
			 P1_INVAL);
	assert_int_equal(p1_sock_recv_v2(&g->p, b, AT_PARTS, 1, 0, AT_SIZE, AT_FLAGS), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 8);
	/* A datagram is whole or not at all. */
	for (uint32_t i = 0; i < 65; i++)
		put_pair(g, AT_PARTS + 8 * i, AT_DATA, 1);
	assert_int_equal(p1_sock_send_to(&g->p, a, AT_PARTS, 65, local(g, 4), to, 0, AT_SIZE),
			 P1_MSGSIZE);
	assert_int_equal(p1_sock_send(&g->p, a, AT_PARTS, 1, 0, AT_SIZE), P1_DESTADDRREQ);
	assert_int_equal(p1_sock_listen(&g->p, a, 1), P1_NOTSUP);
	assert_int_equal(p1_sock_accept(&g->p, a, AT_FD), P1_NOTSUP);
}

static void asks_the_policy(void **state)
{
	struct guest *g = *state;
	uint32_t server = open_bound(g, P1_SOCK_STREAM), port = port_of(g, server);
	uint32_t fd = open_socket(g, P1_SOCK_STREAM), udp = open_socket(g, P1_SOCK_DGRAM);
	struct err err;

	assert_int_equal(policy_allow(&g->system->policy, "10.255.0.1:1", &err), 0);
	assert_int_equal(p1_sock_connect(&g->p, fd, local(g, 4), port), P1_ACCES);
	assert_int_equal(p1_sock_bind(&g->p, fd, local(g, 4), 9), P1_ACCES);
	assert_int_equal(p1_sock_listen(&g->p, server, 1), P1_ACCES);
	put_pair(g, AT_PARTS, AT_DATA, 1);
	assert_int_equal(p1_sock_send_to(&g->p, udp, AT_PARTS, 1, local(g, 4), port, 0, AT_SIZE),
			 P1_ACCES);
}

static void ends_with_the_guest(void **state)
{
	struct guest *g = *state;
	uint32_t peer, client;

	open_pair(g, &peer, &client);
	g->interrupt = 1;
	assert_int_equal(receive(g, peer, 1, 0), P1_INTR);
}

/* -- Options ---------------------------------------------------------------------------------------------- */

enum {
	OPT_REUSEADDR,
	OPT_TYPE,
	OPT_ERROR,
	OPT_LINGER = 9,
	OPT_RCVTIMEO = 11,
	OPT_ACCEPTCONN = 13,
	OPT_BINDTODEVICE = 14
};

static uint32_t get_option(struct guest *g, uint32_t fd, uint32_t name, uint32_t size)
{
	memset(g->bytes + AT_VALUE, 0xee, 32);
	put32(g, AT_SIZE, size);
	return p1_sock_getsockopt(&g->p, fd, 0, name, AT_VALUE, AT_SIZE);
}

static void options(void **state)
{
	static const uint64_t time[2] = {2, 500000};
	struct guest *g = *state;
	uint32_t stream = open_bound(g, P1_SOCK_STREAM), udp = open_socket(g, P1_SOCK_DGRAM);

	assert_int_equal(p1_sock_getsockopt(&g->p, stream, 1, 0, AT_VALUE, AT_SIZE), P1_INVAL);
	assert_int_equal(p1_sock_setsockopt(&g->p, stream, 1, 0, AT_VALUE, 4), P1_INVAL);
	assert_int_equal(get_option(g, stream, 15, 4), P1_INVAL);
	assert_int_equal(p1_sock_setsockopt(&g->p, stream, 0, 15, AT_VALUE, 4), P1_INVAL);
	assert_int_equal(get_option(g, stream, OPT_TYPE, 4), P1_SUCCESS);
	assert_int_equal(get32(g, AT_VALUE), P1_SOCK_STREAM);
	assert_int_equal(get_option(g, udp, OPT_TYPE, 16), P1_SUCCESS);
	assert_int_equal(get32(g, AT_VALUE), P1_SOCK_DGRAM);
	assert_int_equal(get32(g, AT_SIZE), 4);
	assert_int_equal(get_option(g, stream, OPT_TYPE, 1), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 1);
	assert_int_equal(get32(g, AT_VALUE), 0xeeeeee00 | P1_SOCK_STREAM);
	for (uint32_t name = 0; name <= OPT_ACCEPTCONN; name++)
		assert_int_equal(get_option(g, stream, name, 16), P1_SUCCESS);
	assert_int_equal(get32(g, AT_VALUE), 0);
	assert_int_equal(get_option(g, stream, OPT_BINDTODEVICE, 16), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 0);
	assert_int_equal(p1_sock_listen(&g->p, stream, 1), P1_SUCCESS);
	assert_int_equal(get_option(g, stream, OPT_ACCEPTCONN, 4), P1_SUCCESS);
	assert_int_equal(get32(g, AT_VALUE), 1);

	put32(g, AT_VALUE, 1);
	assert_int_equal(p1_sock_setsockopt(&g->p, udp, 0, OPT_REUSEADDR, AT_VALUE, 4), P1_SUCCESS);
	assert_int_equal(get_option(g, udp, OPT_REUSEADDR, 4), P1_SUCCESS);
	assert_int_equal(get32(g, AT_VALUE), 1);
	assert_int_equal(p1_sock_setsockopt(&g->p, udp, 0, OPT_REUSEADDR, AT_VALUE, 2), P1_INVAL);
	assert_int_equal(p1_sock_setsockopt(&g->p, udp, 0, OPT_TYPE, AT_VALUE, 4), P1_NOPROTOOPT);
	assert_int_equal(p1_sock_setsockopt(&g->p, udp, 0, OPT_BINDTODEVICE, 0, 0), P1_SUCCESS);
	put_pair(g, AT_VALUE, 1, 5);
	assert_int_equal(p1_sock_setsockopt(&g->p, stream, 0, OPT_LINGER, AT_VALUE, 8), P1_SUCCESS);
	assert_int_equal(get_option(g, stream, OPT_LINGER, 8), P1_SUCCESS);
	assert_int_equal(get32(g, AT_VALUE), 1);
	assert_int_equal(get32(g, AT_VALUE + 4), 5);
	memcpy(g->bytes + AT_VALUE, time, sizeof(time));
	assert_int_equal(p1_sock_setsockopt(&g->p, udp, 0, OPT_RCVTIMEO, AT_VALUE, 16), P1_SUCCESS);
	assert_int_equal(get_option(g, udp, OPT_RCVTIMEO, 16), P1_SUCCESS);
	assert_memory_equal(g->bytes + AT_VALUE, time, sizeof(time));
	assert_int_equal(p1_sock_setsockopt(&g->p, udp, 0, OPT_RCVTIMEO, AT_VALUE, 8), P1_INVAL);
	memset(g->bytes + AT_VALUE, 0x11, 16);
	assert_int_equal(p1_sock_setsockopt(&g->p, udp, 0, OPT_RCVTIMEO, AT_VALUE, 16), P1_DOM);
}

/* SO_ERROR speaks preview 1. */
static void pending_error(void **state)
{
	struct guest *g = *state;
	uint32_t server = open_bound(g, P1_SOCK_DGRAM), port = port_of(g, server);
	uint32_t fd = open_socket(g, P1_SOCK_DGRAM);

	assert_int_equal(p1_sock_connect(&g->p, fd, local(g, 4), port), P1_SUCCESS);
	assert_int_equal(descs_close(&g->system->descs, server), 0);
	assert_int_equal(get_option(g, fd, OPT_ERROR, 4), P1_SUCCESS);
	assert_int_equal(get32(g, AT_VALUE), 0);
	assert_int_equal(send_text(g, fd, "x"), P1_SUCCESS);
	assert_int_equal(get_option(g, fd, OPT_ERROR, 4), P1_SUCCESS);
	assert_int_equal(get32(g, AT_VALUE), P1_CONNREFUSED);
}

/* -- Names of hosts ------------------------------------------------------------------------------------- */

enum { LINK = 28, SOCKADDR = 12, DATA_ROOM = 26, NAME_ROOM = 32, AT_HINTS = 1024, AT_RES = 1056 };

struct lookup {
	const char *node, *service;
	uint16_t flags;
	uint8_t family, socktype, protocol;
};

static uint32_t link_at(uint32_t i)
{
	return AT_CHAIN + i * 128;
}

static uint32_t data_at(uint32_t i)
{
	return link_at(i) + LINK + SOCKADDR;
}

/* A chain of `count` links, each with room behind it. */
static void put_chain(struct guest *g, uint32_t count)
{
	memset(g->bytes + AT_CHAIN, 0xee, 128 * 64);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = link_at(i);

		put32(g, at + 12, at + LINK);
		put32(g, at + 16, data_at(i) + DATA_ROOM);
		put32(g, at + 20, NAME_ROOM);
		put32(g, at + 24, i + 1 < count ? link_at(i + 1) : 0);
		put32(g, at + LINK + 4, 14); /* as guests do */
		put32(g, at + LINK + 8, data_at(i));
	}
	put32(g, AT_RES, AT_CHAIN);
}

static uint32_t look_up(struct guest *g, struct lookup l, uint32_t max)
{
	uint32_t node = (uint32_t)strlen(l.node), service = (uint32_t)strlen(l.service);

	memcpy(g->bytes + AT_DATA, l.node, node + 1);
	memcpy(g->bytes + AT_DATA + 512, l.service, service + 1);
	memset(g->bytes + AT_HINTS, 0xdd, LINK);
	memcpy(g->bytes + AT_HINTS, &l.flags, 2);
	g->bytes[AT_HINTS + 2] = l.family;
	g->bytes[AT_HINTS + 3] = l.socktype;
	g->bytes[AT_HINTS + 4] = l.protocol;
	put32(g, AT_SIZE, 0xeeeeeeee);
	/* The size counts the NUL, as in guests in use. */
	return p1_sock_getaddrinfo(&g->p, AT_DATA, node + 1, AT_DATA + 512, service + 1, AT_HINTS,
				   AT_RES, max, AT_SIZE);
}

static void looks_up_numbers(void **state)
{
	struct guest *g = *state;
	struct lookup l = {"10.1.2.3", "80", 0, 1, P1_SOCK_STREAM, P1_PROTO_TCP};
	uint32_t at = link_at(0);

	put_chain(g, 10);
	assert_int_equal(look_up(g, l, 10), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 1);
	assert_int_equal(get16(g, at), 0);
	assert_int_equal(g->bytes[at + 2], P1_AF_INET4);
	assert_int_equal(g->bytes[at + 3], P1_SOCK_STREAM);
	assert_int_equal(g->bytes[at + 4], P1_PROTO_TCP);
	assert_int_equal(get32(g, at + 8), 16);
	assert_int_equal(get32(g, at + 12), at + LINK);
	assert_int_equal(get32(g, at + 20), 0);
	assert_int_equal(get32(g, at + 24), link_at(1));
	assert_int_equal(g->bytes[at + LINK], P1_AF_INET4);
	assert_int_equal(get32(g, at + LINK + 4), 14);
	assert_memory_equal(g->bytes + data_at(0), "\0\120\12\1\2\3\0\0\0\0\0\0\0\0\xee", 15);
	assert_int_equal(g->bytes[link_at(1) + 2], 0xee);
	/* Both kinds of socket, where none is asked for. */
	l = (struct lookup){"10.1.2.3", "", 0, 0, 0, 0};
	put_chain(g, 10);
	assert_int_equal(look_up(g, l, 10), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 2);
	assert_int_equal(g->bytes[link_at(0) + 3], P1_SOCK_STREAM);
	assert_int_equal(g->bytes[link_at(1) + 3], P1_SOCK_DGRAM);
	assert_int_equal(g->bytes[link_at(1) + 4], P1_PROTO_UDP);
	put_chain(g, 1);
	assert_int_equal(look_up(g, l, 1), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 1);
	/* IPv6 */
	l = (struct lookup){"2001:db8::7", "443", 0, 0, P1_SOCK_STREAM, 0};
	put_chain(g, 2);
	assert_int_equal(look_up(g, l, 2), P1_SUCCESS);
	assert_int_equal(g->bytes[at + 2], P1_AF_INET6);
	assert_int_equal(get32(g, at + 8), 28);
	assert_int_equal(get32(g, at + LINK + 4), 26);
	assert_memory_equal(g->bytes + data_at(0), "\1\273\0\0\0\0\x20\1\xd\xb8", 10);
	assert_int_equal(g->bytes[data_at(0) + 2 + 4 + 15], 7);
	/* IPv4 for who wants IPv6 */
	l = (struct lookup){"10.1.2.3", "1", 16, 2, P1_SOCK_STREAM, 0};
	put_chain(g, 2);
	assert_int_equal(look_up(g, l, 2), P1_SUCCESS);
	assert_memory_equal(g->bytes + data_at(0) + 6, "\0\0\0\0\0\0\0\0\0\0\xff\xff\12\1\2\3", 16);
}

static void looks_up_this_machine(void **state)
{
	struct guest *g = *state;
	struct lookup l = {"", "http", 0, 1, P1_SOCK_STREAM, 0};

	put_chain(g, 4);
	assert_int_equal(look_up(g, l, 4), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 1);
	assert_memory_equal(g->bytes + data_at(0), "\0\120\177\0\0\1", 6);
	l.flags = 1;
	assert_int_equal(look_up(g, l, 4), P1_SUCCESS);
	assert_memory_equal(g->bytes + data_at(0), "\0\120\0\0\0\0", 6);
	l.family = 0;
	assert_int_equal(look_up(g, l, 4), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 2);
	l = (struct lookup){"localhost", "7", 2, 1, P1_SOCK_DGRAM, 0};
	put_chain(g, 4);
	assert_int_equal(look_up(g, l, 4), P1_SUCCESS);
	assert_memory_equal(g->bytes + data_at(0), "\0\7\177", 3);
	assert_string_equal((char *)g->bytes + data_at(0) + DATA_ROOM, "localhost");
	assert_int_equal(get32(g, link_at(0) + 20), 9);
	/* A name's room is kept to where it is stated. */
	put_chain(g, 4);
	put32(g, link_at(0) + 20, 4);
	assert_int_equal(look_up(g, l, 4), P1_SUCCESS);
	assert_memory_equal(g->bytes + data_at(0) + DATA_ROOM, "loc\0\xee", 5);
}

static void lookup_errors(void **state)
{
	static const struct {
		struct lookup l;
		uint32_t error;
	} cases[] = {
		{{"", "", 0, 1, 2, 1}, P1_AINONAME},
		{{"a", "", 128, 1, 2, 1}, P1_AIBADFLAG},
		{{"", "80", 2, 1, 2, 1}, P1_AIBADFLAG},
		{{"a", "", 0, 3, 2, 1}, P1_AIFAMILY},
		{{"a", "", 0, 1, 3, 1}, P1_NOSYS},
		{{"a", "", 0, 1, 2, 3}, P1_NOSYS},
		{{"a", "", 0, 1, P1_SOCK_STREAM, P1_PROTO_UDP}, P1_AISOCKTYPE},
		{{"a", "", 0, 1, P1_SOCK_DGRAM, P1_PROTO_TCP}, P1_AISOCKTYPE},
		{{"localhost", "", 4, 1, 2, 1}, P1_AINONAME},
		{{"1.2.3.4", "http", 8, 1, 2, 1}, P1_AINONAME},
		{{"1.2.3.4", "no-such-service", 0, 1, 2, 1}, P1_AISERVICE},
		{{"1.2.3.4", "", 0, 2, 2, 1}, P1_AINONAME},
	};
	struct guest *g = *state;
	struct lookup good = {"1.2.3.4", "80", 0, 1, 2, 1};
	char longest[300];

	put_chain(g, 4);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t error = look_up(g, cases[i].l, 4);

		if (error != cases[i].error)
			fail_msg("case %zu: %u, not %u", i, error, cases[i].error);
		assert_int_equal(get32(g, AT_SIZE), 0xeeeeeeee);
	}
	assert_int_equal(look_up(g, good, 0), P1_AIMEMORY);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(look_up(g, (struct lookup){longest, "", 0, 1, 2, 1}, 4), P1_AINONAME);
	g->system->policy.kind = POLICY_NOBODY;
	assert_int_equal(look_up(g, (struct lookup){"example.com", "", 0, 1, 2, 1}, 4), P1_ACCES);
}

/* A chain is the guest's own writing. */
static void bad_chains(void **state)
{
	static const uint32_t fields[] = {12, 24, LINK + 8, LINK + 4, 20};
	struct guest *g = *state;
	struct lookup l = {"1.2.3.4", "80", 0, 1, 0, 0}; /* two results */

	put_chain(g, 2);
	put32(g, AT_RES, MEMORY - 27);
	assert_int_equal(look_up(g, l, 2), P1_FAULT);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		put_chain(g, 2);
		put32(g, link_at(0) + fields[i], fields[i] == 12 ? MEMORY - 11 : MEMORY);
		assert_int_equal(look_up(g, l, 2), P1_FAULT);
	}
	/* The data has room for what it states, but not for an address. */
	put_chain(g, 2);
	put32(g, link_at(0) + LINK + 4, 2);
	put32(g, link_at(0) + LINK + 8, MEMORY - 2);
	assert_int_equal(look_up(g, l, 2), P1_FAULT);
	/* It ends early, or never. */
	put_chain(g, 1);
	assert_int_equal(look_up(g, l, 1000), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 1);
	put_chain(g, 2);
	put32(g, link_at(1) + 24, AT_CHAIN);
	assert_int_equal(look_up(g, l, UINT32_MAX), P1_SUCCESS);
	assert_int_equal(get32(g, AT_SIZE), 2);
	put_chain(g, 1);
	put32(g, link_at(0) + 24, AT_CHAIN);
	assert_int_equal(look_up(g, l, UINT32_MAX), P1_SUCCESS);
}

#define IN_GUEST(test) cmocka_unit_test_setup_teardown(test, open_guest, close_guest)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_GUEST(pointers),
		IN_GUEST(descriptors),
		IN_GUEST(without_memory),
		IN_GUEST(opens),
		IN_GUEST(runs_out_of_numbers),
		IN_GUEST(addresses),
		IN_GUEST(serves),
		IN_GUEST(serves_v6),
		IN_GUEST(sends_and_receives),
		IN_GUEST(datagrams),
		IN_GUEST(asks_the_policy),
		IN_GUEST(ends_with_the_guest),
		IN_GUEST(options),
		IN_GUEST(pending_error),
		IN_GUEST(looks_up_numbers),
		IN_GUEST(looks_up_this_machine),
		IN_GUEST(lookup_errors),
		IN_GUEST(bad_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
