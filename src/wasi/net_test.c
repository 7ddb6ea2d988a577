/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_test.c: sockets over the loopback: what each call gives, how it waits, and what ends its waiting.
 *
 * SIGPIPE keeps its default action here: one of them would end the test.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "wasi/net.h"

/* A guest's side of everything. */
struct world {
	struct policy policy;
	struct stop stop;
	struct wake wake;
	uint32_t interrupt;
	struct waiter waiter;
};

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	policy_init(&w->policy);
	w->policy.kind = POLICY_EVERYONE;
	w->waiter = (struct waiter){&w->wake, &w->interrupt, &w->stop};
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;
	uint32_t left = w->stop.connections;

	policy_deinit(&w->policy);
	wake_deinit(&w->wake);
	wake_deinit(&w->stop.wake);
	free(w);
	return left == 0 ? 0 : -1;
}

static union net_address loopback(int family, uint16_t port)
{
	union net_address address = {0};

	if (family == AF_INET6) {
		address.in6.sin6_family = AF_INET6;
		address.in6.sin6_addr = in6addr_loopback;
		address.in6.sin6_port = htons(port);
	} else {
		address.in.sin_family = AF_INET;
		address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address.in.sin_port = htons(port);
	}
	return address;
}

static struct desc *open_socket(struct world *w, int family, int type)
{
	struct desc *desc;

	assert_int_equal(net_open(&desc, &w->policy, family, type), 0);
	return desc;
}

/* On the loopback, at a port of the kernel's choice. */
static struct desc *open_bound(struct world *w, int family, int type, union net_address *ret)
{
	struct desc *desc = open_socket(w, family, type);
	union net_address address = loopback(family, 0);

	assert_int_equal(net_bind(desc, &w->policy, &address), 0);
	assert_int_equal(net_name(desc, false, ret), 0);
	return desc;
}

static struct desc *open_server(struct world *w, int family, union net_address *ret)
{
	struct desc *desc = open_bound(w, family, SOCK_STREAM, ret);

	assert_int_equal(net_listen(desc, &w->policy, 16, &w->stop), 0);
	return desc;
}

struct pair {
	struct desc *server, *client, *peer; /* peer: what the server accepted */
	union net_address address;
};

static void open_pair(struct world *w, struct pair *pair, int family)
{
	pair->server = open_server(w, family, &pair->address);
	pair->client = open_socket(w, family, SOCK_STREAM);
	assert_int_equal(net_connect(pair->client, &w->policy, &pair->address, &w->waiter), 0);
	assert_int_equal(net_accept(&pair->peer, pair->server, &w->waiter), 0);
}

static void close_pair(struct pair *pair)
{
	desc_unref(pair->server);
	desc_unref(pair->client);
	desc_unref(pair->peer);
}

static ssize_t send_text(struct world *w, const struct desc *desc, const char *text)
{
	struct iovec part = {(void *)(uintptr_t)text, strlen(text)};

	return net_send(desc, &w->policy, &part, 1, NULL, &w->waiter);
}

static ssize_t receive(struct world *w, const struct desc *desc, char *bytes, size_t size,
		       unsigned flags)
{
	struct iovec part = {bytes, size};

	return net_receive(desc, &part, 1, flags, NULL, NULL, &w->waiter);
}

static void set_timeout(struct desc *desc, int name, int ms)
{
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	assert_int_equal(net_set_option(desc, SOL_SOCKET, name, &time, sizeof(time)), 0);
}

static uint64_t ms_since(uint64_t begin)
{
	return (wait_now() - begin) / 1000000;
}

/* -- Something that happens meanwhile ----------------------------------------------------------- */

struct later {
	pthread_t thread;
	void (*act)(struct later *later);
	struct world *w;
	struct desc *desc;
	const char *text;
};

static void pause_ms(unsigned ms)
{
	struct timespec time = {.tv_nsec = (long)ms * 1000000};

	nanosleep(&time, NULL);
}

static void *run_later(void *arg)
{
	struct later *later = arg;

	pause_ms(50);
	later->act(later);
	return NULL;
}

static void start_later(struct later *later)
{
	assert_int_equal(pthread_create(&later->thread, NULL, run_later, later), 0);
}

static void end_later(struct later *later)
{
	assert_int_equal(pthread_join(later->thread, NULL), 0);
}

static void act_interrupt(struct later *later)
{
	__atomic_store_n(&later->w->interrupt, 1, __ATOMIC_SEQ_CST);
	wake_send(&later->w->wake);
}

static void act_stop(struct later *later)
{
	stop_ask(&later->w->stop, 143);
}

static void act_send(struct later *later)
{
	if (write(later->desc->fd, later->text, strlen(later->text)) < 0)
		abort();
}

static void act_close(struct later *later)
{
	desc_unref(later->desc);
}

/* -- Opening ---------------------------------------------------------------------------------------- */

static void opens(void **state)
{
	struct world *w = *state;
	struct desc *desc;

	assert_int_equal(net_open(&desc, &w->policy, AF_UNIX, SOCK_STREAM), -EAFNOSUPPORT);
	assert_int_equal(net_open(&desc, &w->policy, AF_UNSPEC, SOCK_STREAM), -EAFNOSUPPORT);
	assert_int_equal(net_open(&desc, &w->policy, AF_INET, SOCK_RAW), -EINVAL);
	desc = open_socket(w, AF_INET, SOCK_DGRAM);
	assert_int_equal(desc->kind, DESC_SOCKET);
	assert_int_equal(desc->family, AF_INET);
	assert_int_equal(desc->socktype, SOCK_DGRAM);
	assert_true(fcntl(desc->fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(desc->fd, F_GETFD) & FD_CLOEXEC);
	desc_unref(desc);
	w->policy.kind = POLICY_NOBODY;
	assert_int_equal(net_open(&desc, &w->policy, AF_INET, SOCK_STREAM), -EACCES);
}

static void talk(struct world *w, int family)
{
	struct pair pair;
	union net_address here, there;
	char text[16] = {0};

	open_pair(w, &pair, family);
	assert_true(pair.server->flags & DESC_LISTENS);
	assert_int_equal(w->stop.serves, 1);
	assert_true(pair.peer->flags & DESC_CONNECTION);
	assert_int_equal(w->stop.connections, 1);
	assert_int_equal(send_text(w, pair.client, "ping"), 4);
	assert_int_equal(receive(w, pair.peer, text, sizeof(text), 0), 4);
	assert_string_equal(text, "ping");
	assert_int_equal(send_text(w, pair.peer, "pong!"), 5);
	assert_int_equal(receive(w, pair.client, text, sizeof(text), 0), 5);
	assert_int_equal(net_name(pair.client, true, &there), 0);
	assert_memory_equal(&there, &pair.address, net_size(&there));
	assert_int_equal(net_name(pair.client, false, &here), 0);
	assert_int_equal(net_name(pair.peer, true, &there), 0);
	assert_memory_equal(&there, &here, net_size(&here));
	assert_int_equal(net_name(pair.server, true, &there), -ENOTCONN);
	close_pair(&pair);
	assert_int_equal(w->stop.connections, 0);
}

static void talks_v4(void **state)
{
	talk(*state, AF_INET);
}

static bool has_v6(void)
{
	union net_address address = loopback(AF_INET6, 0);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool found = fd >= 0 && bind(fd, &address.any, sizeof(address.in6)) == 0;

	if (fd >= 0)
		close(fd);
	return found;
}

static void talks_v6(void **state)
{
	if (!has_v6())
		skip();
	talk(*state, AF_INET6);
}

static void adopts(void **state)
{
	struct world *w = *state;
	union net_address address;
	struct desc *desc, *client, *peer;
	int pipes[2], fd;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(net_adopt(&desc, pipes[0], &w->stop), -ENOTSOCK);
	assert_int_equal(net_adopt(&desc, -1, &w->stop), -EBADF);
	close(pipes[0]);
	close(pipes[1]);

	fd = net_listen_on("127.0.0.1:0", NULL);
	assert_true(fd >= 0);
	assert_int_equal(net_adopt(&desc, fd, &w->stop), 0);
	assert_int_equal(desc->flags, DESC_LISTENS);
	assert_int_equal(w->stop.serves, 1);
	assert_int_equal(net_name(desc, false, &address), 0);
	client = open_socket(w, AF_INET, SOCK_STREAM);
	assert_int_equal(net_connect(client, &w->policy, &address, &w->waiter), 0);
	assert_int_equal(net_accept(&peer, desc, &w->waiter), 0);
	desc_unref(peer);
	desc_unref(client);
	desc_unref(desc);

	/* As it comes through an exec: blocking, and with others. */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(net_adopt(&desc, fd, &w->stop), 0);
	assert_int_equal(desc->flags, DESC_LISTENS | DESC_INHERITED);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	desc_unref(desc);

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(net_adopt(&desc, fd, &w->stop), 0);
	assert_int_equal(desc->flags, 0);
	assert_int_equal(desc->socktype, SOCK_DGRAM);
	desc_unref(desc);
}

/* -- Without waiting ------------------------------------------------------------------------------------ */

static void nonblocking(void **state)
{
	struct world *w = *state;
	struct pair pair;
	struct desc *desc;
	char text[4];
	int rc;

	open_pair(w, &pair, AF_INET);
	pair.server->flags |= DESC_NONBLOCK;
	pair.client->flags |= DESC_NONBLOCK;
	assert_int_equal(net_accept(&desc, pair.server, &w->waiter), -EAGAIN);
	assert_int_equal(receive(w, pair.client, text, sizeof(text), 0), -EAGAIN);
	assert_int_equal(receive(w, pair.client, text, sizeof(text), NET_WAIT_ALL), -EAGAIN);
	assert_int_equal(send_text(w, pair.peer, "ab"), 2);
	assert_int_equal(receive(w, pair.client, text, sizeof(text), NET_WAIT_ALL), 2);
	desc = open_socket(w, AF_INET, SOCK_STREAM);
	desc->flags |= DESC_NONBLOCK;
	rc = net_connect(desc, &w->policy, &pair.address, &w->waiter);
	assert_true(rc == 0 || rc == -EINPROGRESS);
	desc_unref(desc);
	close_pair(&pair);
}

static void sends_all_or_part(void **state)
{
	enum { SIZE = 8 << 20 };
	struct world *w = *state;
	char *bytes = calloc(1, SIZE);
	struct iovec parts[3] = {{bytes, 1}, {bytes, 0}, {bytes + 1, SIZE - 1}};
	struct pair pair;
	ssize_t size;

	open_pair(w, &pair, AF_INET);
	pair.client->flags |= DESC_NONBLOCK;
	size = net_send(pair.client, &w->policy, parts, 3, NULL, &w->waiter);
	assert_true(size > 1 && size < SIZE);
	/* Until the buffers of both sides are full. */
	while (size >= 0)
		size = net_send(pair.client, &w->policy, parts, 3, NULL, &w->waiter);
	assert_int_equal(size, -EAGAIN);
	set_timeout(pair.client, SO_SNDTIMEO, 30);
	pair.client->flags &= (uint16_t)~DESC_NONBLOCK;
	size = net_send(pair.client, &w->policy, parts, 3, NULL, &w->waiter);
	assert_true(size == -EAGAIN || (size > 0 && size < SIZE));
	close_pair(&pair);
	free(bytes);
}

static void act_drain(struct later *later)
{
	size_t left = 8 << 20, i = 0;
	uint8_t bytes[4096];

	while (left > 0) {
		ssize_t size = receive(later->w, later->desc, (char *)bytes, sizeof(bytes), 0);

		if (size <= 0)
			abort();
		for (ssize_t k = 0; k < size; k++, i++)
			if (bytes[k] != (uint8_t)(i * 7 >> 3))
				abort();
		left -= (size_t)size;
	}
}

/* A blocking stream's send comes back when all is sent, every byte in its place. */
static void sends_everything(void **state)
{
	enum { SIZE = 8 << 20 };
	struct world *w = *state, other = *w;
	uint8_t *bytes = malloc(SIZE);
	struct iovec parts[3] = {{bytes, 10}, {bytes + 10, 3 << 20}, {0}};
	struct later later = {.act = act_drain, .w = &other};
	struct pair pair;

	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 7 >> 3);
	parts[2] = (struct iovec){bytes + 10 + (3 << 20), SIZE - 10 - (3 << 20)};
	open_pair(w, &pair, AF_INET);
	other.wake = (struct wake){0};
	other.waiter.wake = &other.wake;
	later.desc = pair.peer;
	start_later(&later);
	assert_int_equal(net_send(pair.client, &w->policy, parts, 3, NULL, &w->waiter), SIZE);
	end_later(&later);
	wake_deinit(&other.wake);
	close_pair(&pair);
	free(bytes);
}

/* -- Receiving ------------------------------------------------------------------------------------------- */

static void peeks_and_waits_for_all(void **state)
{
	struct world *w = *state;
	struct later later = {.act = act_send, .w = w, .text = "defgh"};
	char text[16] = {0}, more[16] = {0};
	struct iovec parts[2] = {{text, 2}, {more, 4}};
	struct pair pair;

	open_pair(w, &pair, AF_INET);
	later.desc = pair.client;
	assert_int_equal(send_text(w, pair.client, "abc"), 3);
	assert_int_equal(receive(w, pair.peer, text, sizeof(text), NET_PEEK), 3);
	start_later(&later);
	assert_int_equal(receive(w, pair.peer, text, 6, NET_PEEK | NET_WAIT_ALL), 6);
	assert_string_equal(text, "abcdef");
	end_later(&later);
	assert_int_equal(receive(w, pair.peer, text, 7, 0), 7);
	/* "h" is left: the rest comes later. */
	later.text = "ijklm";
	start_later(&later);
	memset(text, 0, sizeof(text));
	assert_int_equal(net_receive(pair.peer, parts, 2, NET_WAIT_ALL, NULL, NULL, &w->waiter), 6);
	assert_string_equal(text, "hi");
	assert_string_equal(more, "jklm");
	end_later(&later);
	/* What ends early gives what there is. */
	assert_int_equal(send_text(w, pair.client, "xy"), 2);
	assert_int_equal(net_shutdown(pair.client, SHUT_WR), 0);
	assert_int_equal(receive(w, pair.peer, text, 6, NET_PEEK | NET_WAIT_ALL), 2);
	assert_int_equal(receive(w, pair.peer, text, 6, NET_WAIT_ALL), 2);
	assert_int_equal(receive(w, pair.peer, text, 6, NET_WAIT_ALL), 0);
	assert_int_equal(receive(w, pair.peer, text, 0, NET_WAIT_ALL), 0);
	close_pair(&pair);
}

static void datagrams(void **state)
{
	struct world *w = *state;
	union net_address here, there, from;
	struct desc *a = open_bound(w, AF_INET, SOCK_DGRAM, &here);
	struct desc *b = open_bound(w, AF_INET, SOCK_DGRAM, &there);
	struct iovec part = {(void *)(uintptr_t)"datagram", 8};
	char text[16] = {0};
	struct iovec room = {text, 4};
	static char big[70000];
	bool cut = false;

	assert_int_equal(send_text(w, a, "x"), -EDESTADDRREQ);
	assert_int_equal(net_send(a, &w->policy, &part, 1, &there, &w->waiter), 8);
	assert_int_equal(net_receive(b, &room, 1, NET_PEEK, &from, &cut, &w->waiter), 4);
	assert_true(cut);
	room.iov_len = 16;
	assert_int_equal(net_receive(b, &room, 1, NET_WAIT_ALL, &from, &cut, &w->waiter), 8);
	assert_false(cut);
	assert_memory_equal(&from, &here, sizeof(from.in));
	part.iov_len = 0;
	assert_int_equal(net_send(a, &w->policy, &part, 1, &there, &w->waiter), 0);
	assert_int_equal(net_receive(b, &room, 1, 0, &from, NULL, &w->waiter), 0);
	assert_memory_equal(&from, &here, sizeof(from.in));
	part = (struct iovec){big, sizeof(big)};
	assert_int_equal(net_send(a, &w->policy, &part, 1, &there, &w->waiter), -EMSGSIZE);
	assert_int_equal(net_connect(a, &w->policy, &there, &w->waiter), 0);
	assert_int_equal(send_text(w, a, "hi"), 2);
	assert_int_equal(receive(w, b, text, sizeof(text), 0), 2);
	assert_int_equal(net_listen(a, &w->policy, 1, &w->stop), -EOPNOTSUPP);
	desc_unref(b);
	/* Nobody there any more: the next call hears of it, and only that one. */
	assert_int_equal(send_text(w, a, "hi"), 2);
	assert_int_equal(receive(w, a, text, sizeof(text), 0), -ECONNREFUSED);
	desc_unref(a);
}

/* -- Refusals ------------------------------------------------------------------------------------------- */

static void errors(void **state)
{
	struct world *w = *state;
	struct pair pair;
	union net_address address;
	struct desc *desc;
	char text[4];

	open_pair(w, &pair, AF_INET);
	desc = open_socket(w, AF_INET, SOCK_STREAM);
	assert_int_equal(net_bind(desc, &w->policy, &pair.address), -EADDRINUSE);
	assert_int_equal(receive(w, desc, text, sizeof(text), 0), -ENOTCONN);
	assert_int_equal(send_text(w, desc, "x"), -EPIPE);
	assert_int_equal(net_shutdown(desc, SHUT_RD), -ENOTCONN);
	assert_int_equal(net_accept(&pair.peer, desc, &w->waiter), -EINVAL);
	assert_int_equal(net_connect(pair.client, &w->policy, &pair.address, &w->waiter), -EISCONN);
	assert_int_equal(net_bind(pair.client, &w->policy, &pair.address), -EINVAL);
	assert_int_equal(net_shutdown(pair.client, 77), -EINVAL);
	address = pair.address;
	address.in.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1: of no machine */
	assert_int_equal(net_bind(desc, &w->policy, &address), -EADDRNOTAVAIL);
	address = pair.address;
	close_pair(&pair);
	assert_int_equal(net_connect(desc, &w->policy, &address, &w->waiter), -ECONNREFUSED);
	desc_unref(desc);
}

static void shuts_down(void **state)
{
	struct world *w = *state;
	struct pair pair;
	char text[4];

	open_pair(w, &pair, AF_INET);
	assert_int_equal(net_shutdown(pair.client, SHUT_WR), 0);
	assert_int_equal(receive(w, pair.peer, text, sizeof(text), 0), 0);
	assert_int_equal(send_text(w, pair.client, "x"), -EPIPE);
	assert_int_equal(send_text(w, pair.peer, "ok"), 2);
	assert_int_equal(receive(w, pair.client, text, sizeof(text), 0), 2);
	pair.client = desc_unref(pair.client);
	/* The other side is gone: a reset, then a broken pipe; never a signal. */
	for (int i = 0; i < 50 && send_text(w, pair.peer, "x") > 0; i++)
		pause_ms(2);
	assert_int_equal(send_text(w, pair.peer, "x"), -EPIPE);
	close_pair(&pair);
}

static void asks_the_policy(void **state)
{
	struct world *w = *state;
	union net_address address, other;
	struct desc *server = open_server(w, AF_INET, &address), *desc;
	struct desc *udp = open_socket(w, AF_INET, SOCK_DGRAM);
	struct iovec part = {(void *)(uintptr_t)"x", 1};
	struct err err;

	assert_int_equal(policy_allow(&w->policy, "10.255.0.1:1", &err), 0);
	desc = open_socket(w, AF_INET, SOCK_STREAM);
	assert_int_equal(net_connect(desc, &w->policy, &address, &w->waiter), -EACCES);
	assert_int_equal(net_send(udp, &w->policy, &part, 1, &address, &w->waiter), -EACCES);
	other = loopback(AF_INET, 1999);
	assert_int_equal(net_bind(desc, &w->policy, &other), -EACCES);
	/* A port of the kernel's choice is for sending from, not for listening on. */
	other = loopback(AF_INET, 0);
	assert_int_equal(net_bind(desc, &w->policy, &other), 0);
	assert_int_equal(net_listen(desc, &w->policy, 1, &w->stop), -EACCES);
	desc_unref(desc);
	desc = open_socket(w, AF_INET, SOCK_STREAM);
	assert_int_equal(net_listen(desc, &w->policy, 1, &w->stop), -EACCES);
	assert_int_equal(policy_allow(&w->policy, "0.0.0.0:*", &err), 0);
	assert_int_equal(net_listen(desc, &w->policy, 1, &w->stop), 0);
	desc_unref(desc);
	desc_unref(udp);
	desc_unref(server);
}

/* -- Options ---------------------------------------------------------------------------------------------- */

static void options(void **state)
{
	struct world *w = *state;
	struct desc *desc = open_socket(w, AF_INET, SOCK_STREAM);
	struct timeval time = {.tv_sec = 3, .tv_usec = 250000}, got;
	int value = 1;
	socklen_t size = sizeof(value);

	assert_int_equal(net_set_option(desc, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)), 0);
	value = 0;
	assert_int_equal(net_get_option(desc, SOL_SOCKET, SO_REUSEADDR, &value, &size), 0);
	assert_int_equal(value, 1);
	assert_int_equal(net_get_option(desc, SOL_SOCKET, 9999, &value, &size), -ENOPROTOOPT);
	assert_int_equal(net_set_option(desc, SOL_SOCKET, SO_TYPE, &value, sizeof(value)),
			 -ENOPROTOOPT);
	size = sizeof(got);
	assert_int_equal(net_get_option(desc, SOL_SOCKET, SO_RCVTIMEO, &got, &size), 0);
	assert_int_equal(got.tv_sec | got.tv_usec, 0);
	assert_int_equal(net_set_option(desc, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)), 0);
	assert_int_equal(net_get_option(desc, SOL_SOCKET, SO_RCVTIMEO, &got, &size), 0);
	assert_int_equal(size, sizeof(got));
	assert_memory_equal(&got, &time, sizeof(got));
	assert_int_equal(net_get_option(desc, SOL_SOCKET, SO_SNDTIMEO, &got, &size), 0);
	assert_int_equal(got.tv_sec | got.tv_usec, 0);
	assert_int_equal(net_set_option(desc, SOL_SOCKET, SO_SNDTIMEO, &time, 8), -EINVAL);
	time.tv_usec = 1000000;
	assert_int_equal(net_set_option(desc, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)), -EDOM);
	desc_unref(desc);
}

static void timeouts(void **state)
{
	struct world *w = *state;
	struct pair pair;
	struct desc *desc;
	uint64_t begin;
	char text[4];

	open_pair(w, &pair, AF_INET);
	desc_unref(pair.peer);
	set_timeout(pair.server, SO_RCVTIMEO, 40);
	begin = wait_now();
	assert_int_equal(net_accept(&desc, pair.server, &w->waiter), -EAGAIN);
	assert_in_range(ms_since(begin), 39, 5000);
	/* What is accepted has the listener's limits. */
	desc_unref(pair.client);
	pair.client = open_socket(w, AF_INET, SOCK_STREAM);
	assert_int_equal(net_connect(pair.client, &w->policy, &pair.address, &w->waiter), 0);
	assert_int_equal(net_accept(&pair.peer, pair.server, &w->waiter), 0);
	begin = wait_now();
	assert_int_equal(receive(w, pair.peer, text, sizeof(text), 0), -EAGAIN);
	assert_in_range(ms_since(begin), 39, 5000);
	assert_int_equal(send_text(w, pair.client, "ab"), 2);
	assert_int_equal(receive(w, pair.peer, text, sizeof(text), NET_WAIT_ALL), 2);
	assert_int_equal(send_text(w, pair.client, "ab"), 2);
	assert_int_equal(receive(w, pair.peer, text, 4, NET_PEEK | NET_WAIT_ALL), 2);
	close_pair(&pair);
}

/* -- What ends a wait ------------------------------------------------------------------------------------ */

static void interrupted(void **state)
{
	struct world *w = *state;
	struct later later = {.act = act_interrupt, .w = w};
	struct pair pair;
	struct desc *desc;
	static char bytes[16 << 20];
	struct iovec part = {bytes, sizeof(bytes)};
	char text[4];

	open_pair(w, &pair, AF_INET);
	for (int i = 0; i < 5; i++) {
		w->interrupt = 0;
		start_later(&later);
		if (i == 0)
			assert_int_equal(net_accept(&desc, pair.server, &w->waiter), -EINTR);
		else if (i == 1)
			assert_int_equal(receive(w, pair.client, text, 4, 0), -EINTR);
		else if (i == 2)
			assert_int_equal(receive(w, pair.client, text, 4, NET_WAIT_ALL), -EINTR);
		else if (i == 3)
			assert_int_equal(
				net_send(pair.client, &w->policy, &part, 1, NULL, &w->waiter),
				-EINTR);
		else
			assert_int_equal(receive(w, pair.peer, text, 0, 0), 0);
		end_later(&later);
	}
	close_pair(&pair);
}

/* A listener whose queue is full leaves who connects without an answer. */
static void connects_in_vain(void **state)
{
	struct world *w = *state;
	struct later later = {.act = act_interrupt, .w = w};
	union net_address address;
	struct desc *server = open_bound(w, AF_INET, SOCK_STREAM, &address), *clients[8];
	int rc = 0, count = 0;

	assert_int_equal(net_listen(server, &w->policy, 0, &w->stop), 0);
	while (count < 8 && rc == 0) {
		clients[count] = open_socket(w, AF_INET, SOCK_STREAM);
		set_timeout(clients[count], SO_SNDTIMEO, 100);
		rc = net_connect(clients[count++], &w->policy, &address, &w->waiter);
	}
	assert_int_equal(rc, -EINPROGRESS);
	set_timeout(clients[count - 1], SO_SNDTIMEO, 0);
	start_later(&later);
	assert_int_equal(net_connect(clients[count - 1], &w->policy, &address, &w->waiter), -EINTR);
	end_later(&later);
	while (count > 0)
		desc_unref(clients[--count]);
	desc_unref(server);
}

/* What a client of this address gets, from outside. */
static int knock(const union net_address *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int rc = connect(fd, &address->any, sizeof(address->in)) < 0 ? -errno : 0;

	close(fd);
	return rc;
}

static void stops_when_idle(void **state)
{
	struct world *w = *state;
	struct later later = {.act = act_stop, .w = w};
	union net_address address;
	struct desc *server = open_server(w, AF_INET, &address), *desc;

	start_later(&later);
	assert_int_equal(net_accept(&desc, server, &w->waiter), -EINTR);
	end_later(&later);
	assert_true(stop_is_due(&w->stop));
	assert_int_equal(knock(&address),
			 0); /* who only waits does not know which sockets listen */
	assert_int_equal(net_accept(&desc, server, &w->waiter), -EINTR);
	assert_int_equal(knock(&address), -ECONNREFUSED);
	desc_unref(server);
}

static void finishes_what_is_in_flight(void **state)
{
	struct world *w = *state;
	struct later stop = {.act = act_stop, .w = w}, last = {.act = act_close, .w = w};
	struct pair pair;
	struct desc *desc;
	uint64_t begin;
	char text[4];

	open_pair(w, &pair, AF_INET);
	start_later(&stop);
	/* The stop does not end what a connection waits for. */
	set_timeout(pair.peer, SO_RCVTIMEO, 150);
	begin = wait_now();
	assert_int_equal(receive(w, pair.peer, text, sizeof(text), 0), -EAGAIN);
	assert_in_range(ms_since(begin), 149, 5000);
	end_later(&stop);
	assert_true(stop_is_asked(&w->stop));
	assert_false(stop_is_due(&w->stop));
	assert_int_equal(send_text(w, pair.peer, "ok"), 2);
	assert_int_equal(receive(w, pair.client, text, sizeof(text), 0), 2);
	/* Nobody new, not even who is in the queue; accept ends with the last connection. */
	assert_int_equal(knock(&pair.address), 0);
	pair.server->flags |= DESC_NONBLOCK;
	assert_int_equal(net_accept(&desc, pair.server, &w->waiter), -EAGAIN);
	assert_int_equal(knock(&pair.address), -ECONNREFUSED);
	pair.server->flags &= (uint16_t)~DESC_NONBLOCK;
	last.desc = pair.peer;
	pair.peer = NULL;
	start_later(&last);
	assert_int_equal(net_accept(&desc, pair.server, &w->waiter), -EINTR);
	end_later(&last);
	assert_int_equal(w->stop.connections, 0);
	close_pair(&pair);
}

/* Others may serve on with a socket that was handed in. */
static void leaves_the_inherited(void **state)
{
	struct world *w = *state;
	union net_address address = loopback(AF_INET, 0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct desc *server, *desc;

	assert_int_equal(bind(fd, &address.any, sizeof(address.in)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, &address.any, &size), 0);
	assert_int_equal(net_adopt(&server, fd, &w->stop), 0);
	assert_true(stop_ask(&w->stop, 1));
	assert_int_equal(net_accept(&desc, server, &w->waiter), -EINTR);
	assert_int_equal(knock(&address), 0);
	desc_unref(server);
}

/* A socket as stdin: nothing of it changes, and it does not block who does not want to. */
static void shares(void **state)
{
	struct world *w = *state;
	union net_address address = loopback(AF_INET, 0);
	socklen_t size = sizeof(address);
	struct desc *desc, *made;
	int server = socket(AF_INET, SOCK_STREAM, 0), client, flags;
	char text[4];

	assert_int_equal(bind(server, &address.any, sizeof(address.in)), 0);
	assert_int_equal(listen(server, 4), 0);
	assert_int_equal(getsockname(server, &address.any, &size), 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, &address.any, sizeof(address.in)), 0);
	flags = fcntl(client, F_GETFL);
	assert_int_equal(desc_new(&desc, client, 0, DESC_SHARED), 0);
	set_timeout(desc, SO_RCVTIMEO, 30);
	assert_int_equal(receive(w, desc, text, sizeof(text), 0), -EAGAIN);
	desc->flags |= DESC_NONBLOCK;
	assert_int_equal(receive(w, desc, text, sizeof(text), 0), -EAGAIN);
	assert_int_equal(send_text(w, desc, "x"), 1);
	assert_int_equal(net_connect(desc, &w->policy, &address, &w->waiter), -EISCONN);
	assert_int_equal(fcntl(client, F_GETFL), flags);
	desc_unref(desc);

	assert_int_equal(desc_new(&desc, server, 0, DESC_SHARED | DESC_LISTENS), 0);
	assert_int_equal(net_accept(&made, desc, &w->waiter), 0);
	desc_unref(made);
	desc->flags |= DESC_NONBLOCK;
	assert_int_equal(net_accept(&made, desc, &w->waiter), -EAGAIN);
	desc_unref(desc);
	close(client);
	close(server);
}

/* -- Addresses as text -------------------------------------------------------------------------------- */

static void parses(void **state)
{
	static const char *const bad[] = {"",         "80",       "a:80",  ":",   "127.0.0.1:",
					  ":70000",   "::1:80",   "[::1]", ":-1", "[127.0.0.1]:1",
					  "1.2.3:80", "[::1]x:1", ":80 ",  ":8x", "[]:80"};
	union net_address address;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (net_parse(bad[i], &address, &err) != -EINVAL)
			fail_msg("'%s' is accepted", bad[i]);
	assert_int_equal(net_parse("10.1.2.3:8080", &address, &err), 0);
	assert_int_equal(address.in.sin_family, AF_INET);
	assert_int_equal(ntohl(address.in.sin_addr.s_addr), 0x0a010203);
	assert_int_equal(ntohs(address.in.sin_port), 8080);
	assert_int_equal(net_parse("localhost:0", &address, &err), 0);
	assert_int_equal(ntohl(address.in.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(net_parse("[2001:db8::5]:65535", &address, &err), 0);
	assert_int_equal(address.in6.sin6_family, AF_INET6);
	assert_int_equal(address.in6.sin6_addr.s6_addr[15], 5);
	assert_int_equal(ntohs(address.in6.sin6_port), 65535);
	assert_int_equal(net_parse(":99", &address, &err), 0);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&address.in6.sin6_addr));
}

static void listens_on(void **state)
{
	union net_address address;
	socklen_t size = sizeof(address);
	char text[32];
	struct err err;
	int first = net_listen_on(":0", &err), second;

	(void)state;
	assert_true(first >= 0);
	assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockname(first, &address.any, &size), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(address.in.sin_port));
	second = net_listen_on(text, &err);
	assert_int_equal(second, -EADDRINUSE);
	assert_non_null(strstr(err.text, text));
	assert_non_null(strstr(err.text, "in use"));
	close(first);
	assert_int_equal(net_listen_on("192.0.2.1:1", &err), -EADDRNOTAVAIL);
	assert_int_equal(net_listen_on("nonsense", &err), -EINVAL);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(opens),
		IN_WORLD(talks_v4),
		IN_WORLD(talks_v6),
		IN_WORLD(adopts),
		IN_WORLD(nonblocking),
		IN_WORLD(sends_all_or_part),
		IN_WORLD(sends_everything),
		IN_WORLD(peeks_and_waits_for_all),
		IN_WORLD(datagrams),
		IN_WORLD(errors),
		IN_WORLD(shuts_down),
		IN_WORLD(asks_the_policy),
		IN_WORLD(options),
		IN_WORLD(timeouts),
		IN_WORLD(interrupted),
		IN_WORLD(connects_in_vain),
		IN_WORLD(stops_when_idle),
		IN_WORLD(finishes_what_is_in_flight),
		IN_WORLD(leaves_the_inherited),
		IN_WORLD(shares),
		IN_WORLD(parses),
		IN_WORLD(listens_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
