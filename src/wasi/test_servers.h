/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_servers.h: name servers that say what they are told to, right and wrong, for resolver_test.c.
 *
 * 127.0.0.1, 127.0.0.2 and, where there is IPv6, ::1, on one port of the kernel's choice, UDP and TCP, in one thread. The first label
 * of the name asked for says how they behave (act()), and every question is noted.
 */
#ifndef WASI_TEST_SERVERS_H
#define WASI_TEST_SERVERS_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "wasi/net.h"
#include "wasi/test_message.h"

enum { SERVERS = 3, FIRST6 = 2, LOG_MAX = 64, FLOOD = 800 * 1000 * 1000 };

struct note {
	char name[256];
	int server;
	unsigned type;
	bool tcp;
	bool extended;
};

static struct {
	pthread_t thread;
	pthread_mutex_t lock; /* of the notes */
	struct note notes[LOG_MAX];
	int count;
	int udp[SERVERS];
	int tcp[SERVERS];
	int other; /* an address that nobody asks */
	int quit[2];
	uint16_t port;
	uint64_t flood_end; /* atomic */
	union net_address flood_to;
} net = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct query {
	const uint8_t *bytes; /* the query as it came */
	size_t size;
	unsigned id;
	struct note note;
	union net_address from;
	socklen_t from_size;
};

static bool read_query(struct query *q)
{
	char *name = q->note.name;
	size_t at = 12;

	if (q->size < 17)
		return false;
	q->id = (unsigned)(q->bytes[0] << 8 | q->bytes[1]);
	while (at < q->size && q->bytes[at] != 0) {
		memcpy(name, q->bytes + at + 1, q->bytes[at]);
		name += q->bytes[at];
		*name++ = '.';
		at += q->bytes[at] + 1U;
	}
	name[name > q->note.name ? -1 : 0] = '\0';
	q->note.type = q->bytes[at + 2];
	q->note.extended = q->bytes[11] == 1;
	return true;
}

static void reply_to(const struct query *q, struct test_message *m, unsigned flags,
		     unsigned answers)
{
	put_header(m, q->id, flags, 1, answers);
	put_question(m, q->note.name, q->note.type);
}

/* Before the true reply, what must not be taken for it. */
static void spoof(const struct query *q, int fd)
{
	struct test_message m;
	const struct sockaddr *to = &q->from.any;

	sendto(fd, "garbage", 7, 0, to, q->from_size);
	sendto(fd, "", 0, 0, to, q->from_size);
	for (int i = 0; i < 3; i++) {
		reply_to(q, &m, REPLY_FLAGS, 1);
		if (i == 0)
			m.bytes[1] ^= 1;
		if (i == 1)
			m.bytes[14] ^= 1; /* a letter of the name */
		put_address(&m, q->note.name, q->note.type, 66);
		sendto(i == 2 ? net.other : fd, m.bytes, m.size, 0, to, q->from_size);
	}
}

static bool is(const struct query *q, const char *first)
{
	size_t size = strlen(first);

	return strncmp(q->note.name, first, size) == 0 && q->note.name[size] == '.';
}

static void chain(const struct query *q, struct test_message *m)
{
	bool v4 = q->note.type == DNS_A;

	reply_to(q, m, REPLY_FLAGS, v4 ? 3 : 2);
	put_alias(m, q->note.name, "Middle.example");
	put_alias(m, "middle.example", "end.example");
	if (v4)
		put_address(m, "end.example", DNS_A, 3);
}

/* How the server behaves. False: it says nothing. */
/* table-like: one row a behaviour */
static bool act(const struct query *q, struct test_message *m)
{
	const struct note *note = &q->note;
	bool first = note->server == 0;

	reply_to(q, m, REPLY_FLAGS, 0);
	if (is(q, "empty"))
		return true;
	if (is(q, "silent") || (is(q, "slow") && first) ||
	    (is(q, "four") && note->type == DNS_AAAA))
		return false;
	if (is(q, "alias")) {
		chain(q, m);
		return true;
	}
	if (is(q, "odd")) {
		reply_to(q, m, REPLY_FLAGS, 2);
		put_alias(m, note->name, "a b.example");
		put_address(m, "a b.example", note->type, 4);
		return true;
	}
	if (is(q, "large") && note->tcp) {
		reply_to(q, m, REPLY_FLAGS, 40);
		for (unsigned i = 0; i < 40; i++)
			put_address(m, note->name, note->type, i);
		return true;
	}
	if (is(q, "large") || is(q, "cut")) {
		reply_to(q, m, REPLY_TRUNCATED, 1);
		return !note->tcp;
	}
	if ((is(q, "old") && note->extended) || (is(q, "oldcut") && note->extended)) {
		put_header(m, q->id, 0x8181, 0, 0);
		return true;
	}
	if (is(q, "oldcut") && !note->tcp) {
		reply_to(q, m, REPLY_TRUNCATED, 0);
		return true;
	}
	if (is(q, "broken") && first) {
		reply_to(q, m, REPLY_FLAGS, 9);
		return true;
	}
	if (is(q, "part") && note->type == DNS_A)
		return true;
	if (((is(q, "fail") || is(q, "part")) && first) || is(q, "fails") ||
	    (is(q, "half") && note->type == DNS_AAAA))
		reply_to(q, m, 0x8182, 0);
	else if (is(q, "refuse") && first)
		reply_to(q, m, 0x8185, 0);
	else if (is(q, "none") || strncmp(note->name, "host.a", 6) == 0 ||
		 strchr(note->name, '.') == NULL)
		reply_to(q, m, 0x8183, 0);
	else {
		reply_to(q, m, REPLY_FLAGS, 1);
		put_address(m, note->name, note->type, note->type == DNS_A ? 1 : 2);
	}
	return true;
}

static void write_down(const struct note *note)
{
	pthread_mutex_lock(&net.lock);
	if (net.count < LOG_MAX)
		net.notes[net.count++] = *note;
	pthread_mutex_unlock(&net.lock);
}

static void serve_udp(int server)
{
	uint8_t bytes[512];
	struct test_message m;
	struct query q = {.bytes = bytes, .note.server = server, .from_size = sizeof(q.from)};
	ssize_t n = recvfrom(net.udp[server], bytes, sizeof(bytes), 0, &q.from.any, &q.from_size);

	q.size = n > 0 ? (size_t)n : 0;
	if (!read_query(&q))
		return;
	write_down(&q.note);
	if (is(&q, "flood")) {
		net.flood_to = q.from;
		__atomic_store_n(&net.flood_end, wait_until(FLOOD), __ATOMIC_SEQ_CST);
		return;
	}
	if (is(&q, "spoof"))
		spoof(&q, net.udp[server]);
	if (act(&q, &m))
		sendto(net.udp[server], m.bytes, m.size, 0, &q.from.any, q.from_size);
}

static void serve_tcp(int server)
{
	uint8_t bytes[512];
	struct test_message m;
	struct query q = {.bytes = bytes + 2, .note = {.server = server, .tcp = true}};
	int fd = accept(net.tcp[server], NULL, NULL);
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
	uint8_t size[2];

	q.size = n > 2 ? (size_t)n - 2 : 0;
	if (read_query(&q)) {
		write_down(&q.note);
		if (act(&q, &m)) {
			size[0] = (uint8_t)(m.size >> 8);
			size[1] = (uint8_t)m.size;
			send(fd, size, 1, MSG_NOSIGNAL); /* in pieces */
			send(fd, size + 1, 1, MSG_NOSIGNAL);
			send(fd, m.bytes, m.size / 2, MSG_NOSIGNAL);
			usleep(1000);
			send(fd, m.bytes + m.size / 2, m.size - m.size / 2, MSG_NOSIGNAL);
		}
	}
	close(fd);
}

static void send_flood(void)
{
	for (int i = 0; i < 100; i++)
		sendto(net.udp[0], "noise", 5, 0, &net.flood_to.any, sizeof(net.flood_to.in));
}

static void *serve(void *unused)
{
	for (;;) {
		struct pollfd polls[1 + 2 * SERVERS] = {{.fd = net.quit[0], .events = POLLIN}};
		bool flood = wait_now() < __atomic_load_n(&net.flood_end, __ATOMIC_SEQ_CST);

		for (int i = 0; i < SERVERS; i++) {
			polls[1 + i] = (struct pollfd){.fd = net.udp[i], .events = POLLIN};
			polls[1 + SERVERS + i] =
				(struct pollfd){.fd = net.tcp[i], .events = POLLIN};
		}
		if (flood)
			send_flood();
		poll(polls, ARRAY_SIZE(polls), flood ? 0 : -1);
		if (polls[0].revents != 0)
			return unused;
		for (int i = 0; i < SERVERS; i++) {
			if (polls[1 + i].revents != 0)
				serve_udp(i);
			if (polls[1 + SERVERS + i].revents != 0)
				serve_tcp(i);
		}
	}
}

static bool bind_to(int fd, int server)
{
	union net_address at = {.in = {.sin_family = AF_INET, .sin_port = htons(net.port)}};
	socklen_t size = sizeof(at.in);

	at.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)server);
	if (server >= FIRST6) {
		at.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					       .sin6_port = htons(net.port),
					       .sin6_addr = in6addr_loopback};
		size = sizeof(at.in6);
	}
	if (bind(fd, &at.any, size) < 0 || getsockname(fd, &at.any, &size) < 0)
		return false;
	net.port = ntohs(at.in.sin_port); /* both families have it there */
	return true;
}

static bool open_server(int i)
{
	int family = i >= FIRST6 ? AF_INET6 : AF_INET;

	net.udp[i] = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	net.tcp[i] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind_to(net.udp[i], i) && bind_to(net.tcp[i], i) && listen(net.tcp[i], 8) == 0)
		return true;
	close(net.udp[i]);
	close(net.tcp[i]);
	net.udp[i] = net.tcp[i] = -1;
	return false;
}

/* On one port; false: somebody has it. */
static bool open_servers(void)
{
	net.port = 0;
	if (!open_server(0))
		return false;
	if (!open_server(1)) {
		close(net.udp[0]);
		close(net.tcp[0]);
		return false;
	}
	open_server(FIRST6);
	return true;
}

/* Forget what was asked. */
static void forget(void)
{
	pthread_mutex_lock(&net.lock);
	net.count = 0;
	pthread_mutex_unlock(&net.lock);
}

#endif
