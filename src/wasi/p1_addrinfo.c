/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p1_addrinfo.c: sock_getaddrinfo of WasmEdge's extension, over our own resolver.
 *
 * The guest brings a chain of addrinfo structures, each with a sockaddr, its data and room for a name; *res leads to the
 * first. The chain is walked once, before anybody is asked, at most as far as results can be needed: a chain that bites
 * its tail, or ends early, is no danger. Then as many of its links are filled as there are results.
 *
 * The data of a sockaddr is the host's behind the family: the port in network order, then the address; 14 bytes for
 * IPv4, 26 for IPv6. Guests in use state 14 bytes and have 26, so what is stated is not held against
 * them; only the memory's end is. Names and services may end in a NUL that their size counts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "wasi/p1_sock.h"
#include "wasi/resolver.h"

enum ai_flags {
	AI_FLAG_PASSIVE = 1,
	AI_FLAG_CANONNAME = 2,
	AI_FLAG_NUMERICHOST = 4,
	AI_FLAG_NUMERICSERV = 8,
	AI_FLAG_V4MAPPED = 16,
	AI_FLAG_ALL = 32,
	AI_FLAG_ADDRCONFIG = 64,
	AI_FLAGS = 127,
};

struct p1_addrinfo {
	uint16_t flags;
	uint8_t family;
	uint8_t socktype;
	uint8_t protocol;
	uint8_t pad[3]; /* may hold anything */
	uint32_t address_size;
	uint32_t address; /* of a struct p1_sockaddr */
	uint32_t name;
	uint32_t name_size;
	uint32_t next;
};
_Static_assert(sizeof(struct p1_addrinfo) == 28, "WasmEdge's extension");

struct p1_sockaddr {
	uint8_t family;
	uint8_t pad[3];
	uint32_t size;
	uint32_t data;
};
_Static_assert(sizeof(struct p1_sockaddr) == 12, "WasmEdge's extension");

enum {
	V4_DATA = 14,
	V6_DATA = 26,
	HOST_ROOM = 256,
	SERVICE_ROOM = 64,
	LINKS_MAX = 2 * RESOLVER_MAX
};

/* What is asked, copied out of guest memory. */
struct question {
	char node[HOST_ROOM];       /* "": none */
	char service[SERVICE_ROOM]; /* "": none */
	struct p1_addrinfo hints;
};

/* A kind of socket that results are wanted for. */
struct service {
	uint8_t socktype;
	uint8_t protocol;
	uint16_t port;
};

struct answer {
	struct resolved_addresses addresses;
	struct service services[2];
	uint32_t service_count;
};

/* The guest's chain. */
struct chain {
	uint32_t links[LINKS_MAX];
	uint32_t count;
};

/* -- The question ------------------------------------------------------------------------------ */

/* Up to its size or a NUL. P1_FAULT; P1_AINONAME: longer than any name. */
static uint32_t get_text(const struct p1 *p, uint32_t at, uint32_t size, char *ret, uint32_t room)
{
	const char *text = p1_at(p, at, size);
	size_t length;

	if (text == NULL)
		return P1_FAULT;
	length = strnlen(text, size);
	if (length >= room)
		return P1_AINONAME;
	memcpy(ret, text, length);
	ret[length] = 0;
	return P1_SUCCESS;
}

static uint32_t check_hints(const struct question *q)
{
	const struct p1_addrinfo *h = &q->hints;

	if (q->node[0] == 0 && q->service[0] == 0)
		return P1_AINONAME;
	if (h->flags & ~AI_FLAGS)
		return P1_AIBADFLAG;
	if ((h->flags & AI_FLAG_CANONNAME) && q->node[0] == 0)
		return P1_AIBADFLAG;
	if (h->family > P1_AF_INET6)
		return P1_AIFAMILY;
	if (h->protocol > P1_PROTO_UDP || h->socktype > P1_SOCK_STREAM)
		return P1_NOSYS;
	if ((h->socktype == P1_SOCK_STREAM && h->protocol == P1_PROTO_UDP) ||
	    (h->socktype == P1_SOCK_DGRAM && h->protocol == P1_PROTO_TCP))
		return P1_AISOCKTYPE;
	return P1_SUCCESS;
}

/* At most as many links as the guest says there are, all of them in memory. */
static uint32_t walk_chain(const struct p1 *p, uint32_t first, uint32_t max, struct chain *ret)
{
	uint32_t at = first;

	ret->count = 0;
	while (ret->count < MIN(max, (uint32_t)LINKS_MAX) && (at != 0 || ret->count == 0)) {
		const void *link = p1_at(p, at, sizeof(struct p1_addrinfo));
		struct p1_addrinfo info;
		struct p1_sockaddr address;

		if (link == NULL)
			return P1_FAULT;
		p1_read(&info, link, sizeof(info));
		if (p1_at(p, info.name, info.name_size) == NULL ||
		    p1_at(p, info.address, sizeof(address)) == NULL)
			return P1_FAULT;
		p1_read(&address, p1_at(p, info.address, sizeof(address)), sizeof(address));
		if (p1_at(p, address.data, address.size) == NULL)
			return P1_FAULT;
		ret->links[ret->count++] = at;
		at = info.next;
	}
	return P1_SUCCESS;
}

/* -- The answer ---------------------------------------------------------------------------------- */

static uint32_t error_of(int result)
{
	switch (result) {
	case 0:
		return P1_SUCCESS;
	case RESOLVER_NO_NAME:
		return P1_AINONAME;
	case RESOLVER_AGAIN:
		return P1_AIAGAIN;
	case RESOLVER_FAILED:
		return P1_AIFAIL;
	case -ENOMEM:
		return P1_AIMEMORY;
	case -EACCES:
		return P1_ACCES;
	case -EINTR:
		return P1_INTR;
	}
	return P1_AISYSTEM;
}

static uint32_t add_service(struct p1 *p, const struct question *q, uint8_t socktype,
			    struct answer *a)
{
	bool stream = socktype == P1_SOCK_STREAM;
	uint8_t protocol = stream ? P1_PROTO_TCP : P1_PROTO_UDP;
	uint16_t port = 0;
	int result = 0;

	if (q->service[0] != 0)
		result = resolver_service(p->system, q->service, stream ? "tcp" : "udp", &port);
	if (result == -ENOENT)
		return P1_AISERVICE;
	if (result != 0)
		return error_of(result);
	a->services[a->service_count++] = (struct service){socktype, protocol, port};
	return P1_SUCCESS;
}

/* A service that only one of the wanted protocols has is enough. */
static uint32_t find_services(struct p1 *p, const struct question *q, struct answer *a)
{
	uint8_t socktype = q->hints.socktype, protocol = q->hints.protocol;
	uint32_t stream = P1_SUCCESS, datagram = P1_SUCCESS;

	if ((q->hints.flags & AI_FLAG_NUMERICSERV) &&
	    q->service[strspn(q->service, "0123456789")] != 0)
		return P1_AINONAME;
	a->service_count = 0;
	if (socktype != P1_SOCK_DGRAM && protocol != P1_PROTO_UDP)
		stream = add_service(p, q, P1_SOCK_STREAM, a);
	if (socktype != P1_SOCK_STREAM && protocol != P1_PROTO_TCP)
		datagram = add_service(p, q, P1_SOCK_DGRAM, a);
	if (a->service_count != 0)
		return P1_SUCCESS;
	return stream != P1_SUCCESS ? stream : datagram;
}

/* No node: all of this machine, or the loopback. */
static void find_own(const struct question *q, struct resolved_addresses *ret)
{
	bool passive = (q->hints.flags & AI_FLAG_PASSIVE) != 0;
	union net_address *at = ret->items;

	if (q->hints.family != P1_AF_INET6) {
		at->in.sin_family = AF_INET;
		at->in.sin_addr.s_addr = htonl(passive ? INADDR_ANY : INADDR_LOOPBACK);
		at++;
	}
	if (q->hints.family != P1_AF_INET4) {
		at->in6.sin6_family = AF_INET6;
		at->in6.sin6_addr = passive ? in6addr_any : in6addr_loopback;
		at++;
	}
	ret->count = (uint32_t)(at - ret->items);
}

static bool is_numeric(const char *node)
{
	struct in6_addr any;

	return inet_pton(AF_INET, node, &any) == 1 || inet_pton(AF_INET6, node, &any) == 1;
}

/* Does this machine have a way out with this family: connecting a datagram socket asks the routes, and sends nothing. */
static bool has_route(sa_family_t family)
{
	union net_address out = {0};
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found;

	out.any.sa_family = family;
	if (family == AF_INET6) {
		inet_pton(AF_INET6, "2001:db8::1", &out.in6.sin6_addr);
		out.in6.sin6_port = htons(9);
	} else {
		inet_pton(AF_INET, "192.0.2.1", &out.in.sin_addr);
		out.in.sin_port = htons(9);
	}
	found = fd >= 0 && connect(fd, &out.any, net_size(&out)) == 0;
	if (fd >= 0)
		close(fd);
	return found;
}

/* ADDRCONFIG: no addresses of a family this machine cannot send to, unless that leaves none. */
static void drop_unreachable(struct resolved_addresses *addresses)
{
	bool v4 = has_route(AF_INET), v6 = has_route(AF_INET6);
	uint32_t count = 0;

	if (v4 == v6)
		return;
	for (uint32_t i = 0; i < addresses->count; i++)
		count += (addresses->items[i].any.sa_family == AF_INET6) == v6;
	if (count == 0)
		return;
	count = 0;
	for (uint32_t i = 0; i < addresses->count; i++)
		if ((addresses->items[i].any.sa_family == AF_INET6) == v6)
			addresses->items[count++] = addresses->items[i];
	addresses->count = count;
}

static void map_to_v6(union net_address *address)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (address->any.sa_family != AF_INET)
		return;
	in6.sin6_addr.s6_addr[10] = 0xff;
	in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&in6.sin6_addr.s6_addr[12], &address->in.sin_addr, sizeof(address->in.sin_addr));
	*address = (union net_address){.in6 = in6};
}

/* V4MAPPED: IPv4 addresses for who wants IPv6 ones, where there are none, or (ALL) besides them. */
static int find_mapped(struct p1 *p, const struct question *q, struct resolved_addresses *ret)
{
	bool all = (q->hints.flags & AI_FLAG_ALL) != 0;
	int result = resolver_find(p->system, q->node, all ? AF_UNSPEC : AF_INET6, &p->waiter, ret);

	if (!all && result == RESOLVER_NO_NAME)
		result = resolver_find(p->system, q->node, AF_INET, &p->waiter, ret);
	for (uint32_t i = 0; result == 0 && i < ret->count; i++)
		map_to_v6(&ret->items[i]);
	return result;
}

static uint32_t find_addresses(struct p1 *p, const struct question *q,
			       struct resolved_addresses *ret)
{
	static const int families[] = {
		[P1_AF_UNSPEC] = AF_UNSPEC, [P1_AF_INET4] = AF_INET, [P1_AF_INET6] = AF_INET6};
	bool mapped = (q->hints.flags & AI_FLAG_V4MAPPED) && q->hints.family == P1_AF_INET6;
	int result;

	if (q->node[0] == 0) {
		find_own(q, ret);
		return P1_SUCCESS;
	}
	if ((q->hints.flags & AI_FLAG_NUMERICHOST) && !is_numeric(q->node))
		return P1_AINONAME;
	if (mapped)
		result = find_mapped(p, q, ret);
	else
		result = resolver_find(p->system, q->node, families[q->hints.family], &p->waiter,
				       ret);
	if (result == 0 && (q->hints.flags & AI_FLAG_ADDRCONFIG) && !is_numeric(q->node))
		drop_unreachable(ret);
	return error_of(result);
}

/* -- Out to the guest ------------------------------------------------------------------------------ */

/* The canonical name; a size stated by the guest is kept to, 0 says nothing about its room. */
static uint32_t put_name(const struct p1 *p, struct p1_addrinfo *info, const char *name)
{
	uint32_t size = (uint32_t)strlen(name);
	char *to;

	if (info->name == 0) {
		info->name_size = 0;
		return P1_SUCCESS;
	}
	if (info->name_size != 0)
		size = MIN(size, info->name_size - 1);
	to = p1_at(p, info->name, (uint64_t)size + 1);
	if (to == NULL)
		return P1_FAULT;
	memcpy(to, name, size);
	to[size] = 0;
	info->name_size = size;
	return P1_SUCCESS;
}

static uint32_t put_sockaddr(const struct p1 *p, uint32_t at, const union net_address *address)
{
	const uint8_t *data = (const uint8_t *)address + offsetof(struct sockaddr, sa_data);
	bool six = address->any.sa_family == AF_INET6;
	struct p1_sockaddr out = {.family = six ? P1_AF_INET6 : P1_AF_INET4};
	uint32_t size = six ? V6_DATA : V4_DATA;
	void *place = p1_at(p, at, sizeof(out)), *to;

	if (place == NULL)
		return P1_FAULT;
	p1_read(&out.data, (const uint8_t *)place + offsetof(struct p1_sockaddr, data), 4);
	to = p1_at(p, out.data, size);
	if (to == NULL)
		return P1_FAULT;
	out.size = size;
	memcpy(place, &out, sizeof(out));
	memcpy(to, data, size);
	return P1_SUCCESS;
}

static uint32_t put_link(const struct p1 *p, uint32_t at, const struct question *q,
			 const struct service *service, union net_address address)
{
	bool six = address.any.sa_family == AF_INET6;
	struct p1_addrinfo info;
	void *link = p1_at(p, at, sizeof(info));

	if (link == NULL)
		return P1_FAULT;
	p1_read(&info, link, sizeof(info));
	if (six)
		address.in6.sin6_port = htons(service->port);
	else
		address.in.sin_port = htons(service->port);
	info.flags = q->hints.flags;
	info.family = six ? P1_AF_INET6 : P1_AF_INET4;
	info.socktype = service->socktype;
	info.protocol = service->protocol;
	info.address_size = net_size(&address);
	memcpy(link, &info, offsetof(struct p1_addrinfo, pad));
	p1_put32(p, at + (uint32_t)offsetof(struct p1_addrinfo, address_size), info.address_size);
	return put_sockaddr(p, info.address, &address);
}

/* Of the first link the canonical name, of the others none. */
static uint32_t put_link_name(const struct p1 *p, uint32_t at, const char *name)
{
	struct p1_addrinfo info;
	void *link = p1_at(p, at, sizeof(info));
	uint32_t error = P1_SUCCESS;

	if (link == NULL)
		return P1_FAULT;
	p1_read(&info, link, sizeof(info));
	if (name != NULL)
		error = put_name(p, &info, name);
	else
		info.name_size = 0;
	p1_put32(p, at + (uint32_t)offsetof(struct p1_addrinfo, name_size), info.name_size);
	return error;
}

static uint32_t put_answer(const struct p1 *p, const struct question *q, const struct answer *a,
			   const struct chain *chain, uint32_t ret_count)
{
	bool named = (q->hints.flags & AI_FLAG_CANONNAME) != 0;
	uint32_t all = a->addresses.count * a->service_count;
	uint32_t count = MIN(all, chain->count);
	uint32_t error = P1_SUCCESS;

	for (uint32_t i = 0; i < count && error == P1_SUCCESS; i++) {
		uint32_t link = chain->links[i];

		error = put_link(p, link, q, &a->services[i % a->service_count],
				 a->addresses.items[i / a->service_count]);
		if (error == P1_SUCCESS)
			error = put_link_name(p, link, named && i == 0 ? a->addresses.name : NULL);
	}
	if (error == P1_SUCCESS)
		p1_put32(p, ret_count, count);
	return error;
}

/* Everything the guest has to say, read before anybody is asked. */
static uint32_t get_chain(const struct p1 *p, uint32_t res, uint32_t max, struct chain *ret)
{
	uint32_t first;

	if (!p1_get32(p, res, &first))
		return P1_FAULT;
	return max == 0 ? P1_AIMEMORY : walk_chain(p, first, max, ret);
}

uint32_t p1_sock_getaddrinfo(struct p1 *p, uint32_t node, uint32_t node_size, uint32_t service,
			     uint32_t service_size, uint32_t hints, uint32_t res, uint32_t max,
			     uint32_t ret_count)
{
	struct question q;
	struct answer a = {0};
	struct chain chain;
	uint32_t error;

	if (hints % 4 != 0 || res % 4 != 0 || ret_count % 4 != 0)
		return P1_ADDRNOTAVAIL;
	if (p1_at(p, hints, sizeof(q.hints)) == NULL || p1_at(p, ret_count, 4) == NULL)
		return P1_FAULT;
	p1_read(&q.hints, p1_at(p, hints, sizeof(q.hints)), sizeof(q.hints));
	error = get_text(p, node, node_size, q.node, sizeof(q.node));
	if (error == P1_SUCCESS)
		error = get_text(p, service, service_size, q.service, sizeof(q.service));
	if (error == P1_SUCCESS)
		error = check_hints(&q);
	if (error == P1_SUCCESS)
		error = get_chain(p, res, max, &chain);
	if (error == P1_SUCCESS)
		error = find_services(p, &q, &a);
	if (error == P1_SUCCESS)
		error = find_addresses(p, &q, &a.addresses);
	if (error == P1_SUCCESS)
		error = put_answer(p, &q, &a, &chain, ret_count);
	return error;
}
