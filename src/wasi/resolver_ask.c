/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_ask.c: one name, asked of the servers of resolv.conf.
 *
 * A and AAAA are two queries that leave together by one UDP socket, made for this server and this attempt: so the
 * kernel picks a new source port, and, as the socket is connected, drops what others send. A reply is taken by
 * its id (random) and its question; everything else is dropped. A query that comes back truncated is asked again
 * by TCP, one that the server does not understand again without EDNS.
 *
 *   TO_SEND ──▶ SENT ──▶ DONE      DONE means with this server; `known` that the reply is final
 *      ▲         │ ▲
 *      └─────────┘ └──▶ TO_TCP ──▶ DONE
 *
 * A server that refuses, fails, or answers nonsense has the next one asked at once; one that is silent, after the
 * time-out. When either query brought addresses, or the word that there is no such name, the other is not carried to
 * further servers: there are servers that never answer AAAA.
 *
 * The policy is not asked: it says whom the guest may talk to, and these are questions of ours about names it was
 * allowed to ask for (resolver.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/base.h"
#include "wasi/resolver_parts.h"

enum {
	TCP_MAX = 65535, /* of a message */
	SERVER_SILENT = 1, /* outcome of the steps below: nothing more will come of this server */
};

enum phase { TO_SEND, SENT, TO_TCP, DONE };

struct query {
	struct dns_question question;
	enum phase phase;
	bool extended; /* ask with EDNS */
	bool known;    /* the reply is final: addresses, none, or no such name */
	struct dns_reply reply;
};

struct asking {
	const struct resolver_asker *asker; /* borrowed */
	struct query queries[2];
	uint32_t count;
	bool heard; /* a server answered something */
};

/* No socket: our own want ends everything, else it is this server that cannot be reached. */
static int no_socket(int error)
{
	switch (error) {
	case ENOMEM:
	case ENOBUFS:
	case EMFILE:
	case ENFILE:
		return -error;
	default:
		return SERVER_SILENT;
	}
}

/* Of one server. */
static uint64_t make_deadline(const struct resolver_asker *asker)
{
	return MIN(wait_until(asker->config->timeout * asker->terms->second), asker->deadline);
}

static socklen_t address_size(const union net_address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->in) : sizeof(address->in6);
}

/* A socket that is connected or about to be: 0, SERVER_SILENT where there is no way to the server, -errno. */
static int open_socket(const union net_address *server, int type, int *ret)
{
	int fd = socket(server->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return no_socket(errno);
	if (connect(fd, &server->any, address_size(server)) < 0 && errno != EINPROGRESS) {
		close(fd);
		return SERVER_SILENT;
	}
	*ret = fd;
	return 0;
}

/* -- Replies -------------------------------------------------------------------------------------- */

static void settle(struct query *query, int rc, const struct dns_reply *reply, bool by_tcp)
{
	query->phase = DONE;
	if (rc == DNS_BROKEN)
		return;
	if (reply->truncated && !by_tcp) {
		query->phase = TO_TCP;
	} else if (query->extended &&
		   (reply->code == DNS_FORMAT_ERROR || reply->code == DNS_NOT_IMPLEMENTED)) {
		query->extended = false;
		query->phase = by_tcp ? TO_TCP : TO_SEND;
	} else if (!reply->truncated &&
		   (reply->code == DNS_NO_ERROR || reply->code == DNS_NO_SUCH_NAME)) {
		query->known = true;
		query->reply = *reply;
	}
}

/* For whoever waits for these bytes, if anybody does. */
static void take_reply(struct asking *asking, const uint8_t *bytes, size_t size)
{
	struct dns_reply reply;

	for (uint32_t i = 0; i < asking->count; i++) {
		struct query *query = &asking->queries[i];
		int rc;

		if (query->phase != SENT)
			continue;
		rc = dns_reply_parse(&query->question, bytes, size, &reply);
		if (rc == DNS_OTHER)
			continue;
		asking->heard = true;
		settle(query, rc, &reply, false);
		return;
	}
}

/* -- UDP ------------------------------------------------------------------------------------------ */

/* Send what is to be sent: 0, SERVER_SILENT. *ret_waits: replies are to come. */
static int send_queries(struct asking *asking, int fd, bool *ret_waits)
{
	bool waits = false;

	for (uint32_t i = 0; i < asking->count; i++) {
		struct query *query = &asking->queries[i];
		uint8_t bytes[DNS_QUERY_MAX];
		size_t size;

		if (query->phase == TO_SEND && !(waits && asking->asker->config->single)) {
			size = dns_query(&query->question, query->extended, bytes);
			if (send(fd, bytes, size, MSG_NOSIGNAL) < 0)
				return SERVER_SILENT;
			query->phase = SENT;
		}
		waits |= query->phase == SENT;
	}
	*ret_waits = waits;
	return 0;
}

/* Until each query has its reply: 0, SERVER_SILENT, -errno. */
static int exchange_udp(struct asking *asking, int fd)
{
	uint64_t deadline = make_deadline(asking->asker);

	for (;;) {
		uint8_t bytes[DNS_UDP_MAX];
		bool waits;
		ssize_t size;
		int rc = send_queries(asking, fd, &waits);

		if (rc != 0 || !waits)
			return rc;
		rc = wait_one(asking->asker->waiter, fd, POLLIN, deadline);
		if (rc <= 0)
			return rc == 0 ? SERVER_SILENT : rc;
		size = recv(fd, bytes, sizeof(bytes), 0);
		if (size >= 0)
			take_reply(asking, bytes, (size_t)size);
		else if (errno != EAGAIN && errno != EINTR)
			return SERVER_SILENT; /* nobody listens there */
		if (wait_now() >= deadline)
			return SERVER_SILENT; /* a flood of other things */
	}
}

static int ask_by_udp(struct asking *asking, const union net_address *server)
{
	int fd = -1;
	int rc = open_socket(server, SOCK_DGRAM, &fd);

	if (rc != 0)
		return rc;
	invariant(fd >= 0);
	rc = exchange_udp(asking, fd);
	close(fd);
	return rc;
}

/* -- TCP ------------------------------------------------------------------------------------------ */

struct stream {
	const struct waiter *waiter; /* borrowed */
	uint64_t deadline;
	int fd;
};

static int wait_stream(const struct stream *s, short events)
{
	int rc = wait_one(s->waiter, s->fd, events, s->deadline);

	return rc > 0 ? 0 : rc == 0 ? SERVER_SILENT : rc;
}

static int send_stream(const struct stream *s, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		int rc = wait_stream(s, POLLOUT); /* first of all for the connection */
		ssize_t n;

		if (rc != 0)
			return rc;
		n = send(s->fd, bytes, size, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return SERVER_SILENT;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int receive_stream(const struct stream *s, uint8_t *bytes, size_t size)
{
	while (size > 0) {
		int rc = wait_stream(s, POLLIN);
		ssize_t n;

		if (rc != 0)
			return rc;
		n = recv(s->fd, bytes, size, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return SERVER_SILENT;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* One query, and what came back, behind sizes of two bytes. bytes: room for TCP_MAX. */
static int exchange_stream(struct asking *asking, struct query *query, const struct stream *s,
			   uint8_t *bytes)
{
	uint8_t message[2 + DNS_QUERY_MAX];
	struct dns_reply reply;
	size_t size = dns_query(&query->question, query->extended, message + 2);
	int rc;

	message[0] = (uint8_t)(size >> 8);
	message[1] = (uint8_t)size;
	rc = send_stream(s, message, size + 2);
	if (rc == 0)
		rc = receive_stream(s, message, 2);
	if (rc != 0)
		return rc;
	size = (size_t)(message[0] << 8 | message[1]);
	rc = receive_stream(s, bytes, size);
	if (rc != 0)
		return rc;
	asking->heard = true;
	rc = dns_reply_parse(&query->question, bytes, size, &reply);
	settle(query, rc == DNS_OTHER ? DNS_BROKEN : rc, &reply, true);
	return 0;
}

static int ask_by_tcp(struct asking *asking, struct query *query, const union net_address *server)
{
	struct stream stream = {.waiter = asking->asker->waiter, .fd = -1};
	uint8_t *bytes = malloc(TCP_MAX);
	int rc;

	if (bytes == NULL)
		return -ENOMEM;
	query->phase = DONE; /* unless the reply says otherwise */
	stream.deadline = make_deadline(asking->asker);
	rc = open_socket(server, SOCK_STREAM, &stream.fd);
	if (rc == 0) {
		rc = exchange_stream(asking, query, &stream, bytes);
		close(stream.fd);
	}
	free(bytes);
	return rc;
}

/* -- Servers -------------------------------------------------------------------------------------- */

/* What is not known yet is asked anew. */
static int prepare(struct asking *asking)
{
	uint16_t ids[ARRAY_SIZE(asking->queries)];

	if (getrandom(ids, sizeof(ids), 0) != sizeof(ids))
		return -errno;
	for (uint32_t i = 0; i < asking->count; i++) {
		struct query *query = &asking->queries[i];

		query->question.id = ids[i];
		query->extended = true;
		query->phase = query->known ? DONE : asking->asker->config->tcp ? TO_TCP : TO_SEND;
	}
	return 0;
}

/* 0, whatever is known then; -errno. */
static int ask_server(struct asking *asking, const union net_address *server)
{
	int rc = prepare(asking);

	if (rc == 0 && !asking->asker->config->tcp)
		rc = ask_by_udp(asking, server);
	for (uint32_t i = 0; rc >= 0 && i < asking->count; i++)
		while (rc >= 0 && asking->queries[i].phase == TO_TCP)
			rc = ask_by_tcp(asking, &asking->queries[i], server);
	return MIN(rc, 0);
}

/* Nothing more is to be learnt, or enough is. */
static bool is_enough(const struct asking *asking)
{
	bool all = true;

	for (uint32_t i = 0; i < asking->count; i++) {
		const struct query *query = &asking->queries[i];

		if (query->known &&
		    (query->reply.count > 0 || query->reply.code == DNS_NO_SUCH_NAME))
			return true;
		all &= query->known;
	}
	return all;
}

static int ask_servers(struct asking *asking)
{
	const struct resolver_asker *asker = asking->asker;
	const struct resolver_config *config = asker->config;
	uint32_t first = 0;

	if (config->rotate && getrandom(&first, sizeof(first), 0) != sizeof(first))
		return -errno;
	for (uint32_t attempt = 0; attempt < config->attempts; attempt++) {
		for (uint32_t i = 0; i < config->server_count; i++) {
			uint32_t number = (first % config->server_count + i) % config->server_count;
			union net_address server = config->servers[number];
			int rc;

			if (wait_now() >= asker->deadline)
				return 0;
			if (server.any.sa_family == AF_INET)
				server.in.sin_port = htons(asker->terms->port);
			else
				server.in6.sin6_port = htons(asker->terms->port);
			rc = ask_server(asking, &server);
			if (rc < 0 || is_enough(asking))
				return rc;
		}
	}
	return 0;
}

/* -- Results -------------------------------------------------------------------------------------- */

static void add_reply(const struct query *query, struct resolved_addresses *ret)
{
	const struct dns_reply *reply = &query->reply;

	if (ret->count == 0 && reply->count > 0 && !dns_name_text(&reply->name, ret->name))
		dns_name_text(&query->question.name, ret->name);
	for (uint32_t i = 0; i < reply->count; i++) {
		union net_address address = {0};

		if (query->question.type == DNS_A) {
			address.in.sin_family = AF_INET;
			memcpy(&address.in.sin_addr, reply->addresses[i], 4);
		} else {
			address.in6.sin6_family = AF_INET6;
			memcpy(&address.in6.sin6_addr, reply->addresses[i], 16);
		}
		resolver_add(ret, &address);
	}
}

int resolver_ask(const struct resolver_asker *asker, const struct dns_name *name,
		 struct resolved_addresses *ret)
{
	struct asking asking = {.asker = asker};
	int rc;

	if (asker->family != AF_INET6)
		asking.queries[asking.count++].question.type = DNS_A;
	if (asker->family != AF_INET)
		asking.queries[asking.count++].question.type = DNS_AAAA;
	for (uint32_t i = 0; i < asking.count; i++)
		asking.queries[i].question.name = *name;
	rc = ask_servers(&asking);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < asking.count; i++)
		if (asking.queries[i].known)
			add_reply(&asking.queries[i], ret);
	if (ret->count > 0)
		return 0;
	if (is_enough(&asking))
		return RESOLVER_NO_NAME;
	return asking.heard ? RESOLVER_FAILED : RESOLVER_AGAIN;
}
