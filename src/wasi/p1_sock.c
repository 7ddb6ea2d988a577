/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p1_sock.c: preview 1's own four socket functions, and WasmEdge's extension in both its generations.
 *
 * An address is a pair {bytes, size} in guest memory, ports are numbers beside it. The first generation knows the sizes
 * 4 and 16, so the family follows from the size; the second also 128: a 16-bit family, then the address. What
 * is the same in both is one function here with `second` to tell them apart.
 *
 * Order of checks, as guests' tests expect it: alignment (P1_ADDRNOTAVAIL, of all socket functions), pointers and numbers,
 * the descriptor, the network. All out-pointers are known good before the kernel is asked, so no byte is received
 * and then lost.
 *
 * On purpose unlike WasmEdge: sock_recv_from_v2 gives the port as a number, as every other function does, not in network
 * order (guests in use pass it to sock_send_to as it is); sock_shutdown of nothing is P1_INVAL, not of reading.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/base.h"
#include "wasi/net.h"
#include "wasi/p1.h"
#include "wasi/p1_sock.h"

enum { MAX_PARTS = 1024, V4_BYTES = 4, V6_BYTES = 16, STORAGE_BYTES = 128, STORAGE_HEAD = 2 };

static bool is_aligned(uint32_t at, uint32_t size)
{
	return at % size == 0;
}

uint32_t p1_socket(const struct p1 *p, uint32_t fd, uint64_t rights, struct desc **ret)
{
	uint32_t error = p1_desc(p, fd, 0, ret);

	if (error != P1_SUCCESS)
		return error;
	if ((*ret)->kind != DESC_SOCKET)
		return P1_NOTSOCK;
	return ((*ret)->rights & rights) == rights ? P1_SUCCESS : P1_NOTCAPABLE;
}

/* -- Addresses --------------------------------------------------------------------------------- */

/* Where the guest has the bytes of an address. */
struct address_at {
	uint32_t bytes;
	uint32_t size;
};

static uint32_t get_address_at(const struct p1 *p, uint32_t at, struct address_at *ret)
{
	if (!is_aligned(at, 4))
		return P1_ADDRNOTAVAIL;
	if (!p1_get32(p, at, &ret->bytes) || p1_at(p, at, 8) == NULL)
		return P1_FAULT;
	p1_get32(p, at + 4, &ret->size);
	return p1_at(p, ret->bytes, ret->size) != NULL ? P1_SUCCESS : P1_FAULT;
}

/* Of the 128-byte form: *ret_family of preview 1. */
static uint32_t storage_family(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t read_address(const struct p1 *p, const struct address_at *at, uint32_t port,
			     bool second, union net_address *ret)
{
	const uint8_t *bytes = p1_at(p, at->bytes, at->size);
	uint32_t family = at->size == V4_BYTES ? P1_AF_INET4 : P1_AF_INET6;

	if (second && at->size == STORAGE_BYTES) {
		family = storage_family(bytes);
		bytes += STORAGE_HEAD;
	} else if (at->size != V4_BYTES && at->size != V6_BYTES) {
		return P1_INVAL;
	}
	*ret = (union net_address){0};
	switch (family) {
	case P1_AF_INET4:
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons((uint16_t)port);
		memcpy(&ret->in.sin_addr, bytes, V4_BYTES);
		return P1_SUCCESS;
	case P1_AF_INET6:
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons((uint16_t)port);
		memcpy(&ret->in6.sin6_addr, bytes, V6_BYTES);
		return P1_SUCCESS;
	case P1_AF_UNIX:
		return P1_NOSYS;
	}
	return P1_INVAL;
}

static uint32_t get_address(const struct p1 *p, uint32_t at, uint32_t port, bool second,
			    union net_address *ret)
{
	struct address_at where;
	uint32_t error = get_address_at(p, at, &where);

	return error != P1_SUCCESS ? error : read_address(p, &where, port, second, ret);
}

static uint32_t family_of(const union net_address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return P1_AF_INET4;
	case AF_INET6:
		return P1_AF_INET6;
	}
	return P1_AF_UNSPEC; /* of a stream's peer nothing is said */
}

static uint16_t port_of(const union net_address *address)
{
	if (address->any.sa_family == AF_INET6)
		return ntohs(address->in6.sin6_port);
	return address->any.sa_family == AF_INET ? ntohs(address->in.sin_port) : 0;
}

/* The address without its port. False: it does not fit, nothing is written. */
static bool put_address(const struct p1 *p, const struct address_at *at, bool storage,
			const union net_address *address)
{
	bool six = address->any.sa_family == AF_INET6;
	const void *from =
		six ? (const void *)&address->in6.sin6_addr : (const void *)&address->in.sin_addr;
	uint32_t head = storage ? STORAGE_HEAD : 0;
	uint32_t size = six ? V6_BYTES : V4_BYTES;
	uint8_t *to = p1_at(p, at->bytes, at->size);

	if (to == NULL || at->size < head + size)
		return false;
	if (storage) {
		to[0] = (uint8_t)family_of(address);
		to[1] = 0;
	}
	if (address->any.sa_family != AF_UNSPEC)
		memcpy(to + head, from, size);
	return true;
}

/* -- Open, bind, listen, accept, connect, shut down ----------------------------------------------- */

/* A socket of the guest's own making gets all rights there are. */
static uint32_t add_socket(const struct p1 *p, struct desc *desc, uint32_t at)
{
	p1_give_rights(desc);
	return p1_add(p, desc, at);
}

uint32_t p1_sock_open(struct p1 *p, uint32_t family, uint32_t type, uint32_t ret_fd)
{
	struct desc *desc;
	int error;

	if (!is_aligned(ret_fd, 4))
		return P1_ADDRNOTAVAIL;
	if (p1_at(p, ret_fd, 4) == NULL)
		return P1_FAULT;
	if (family == P1_AF_UNIX)
		return P1_NOSYS;
	if (family != P1_AF_INET4 && family != P1_AF_INET6)
		return P1_INVAL;
	if (type != P1_SOCK_DGRAM && type != P1_SOCK_STREAM)
		return P1_INVAL;
	error = net_open(&desc, &p->system->policy, family == P1_AF_INET4 ? AF_INET : AF_INET6,
			 type == P1_SOCK_DGRAM ? SOCK_DGRAM : SOCK_STREAM);
	return error != 0 ? p1_error(error) : add_socket(p, desc, ret_fd);
}

uint32_t p1_sock_open_v2(struct p1 *p, uint32_t family, uint32_t type, uint32_t ret_fd)
{
	return p1_sock_open(p, family, type, ret_fd);
}

static uint32_t bind_to(struct p1 *p, uint32_t fd, uint32_t at, uint32_t port, bool second)
{
	AUTO_DESC struct desc *desc = NULL;
	union net_address address;
	uint32_t error = get_address(p, at, port, second, &address);

	if (error == P1_SUCCESS)
		error = p1_socket(p, fd, 0, &desc);
	if (error != P1_SUCCESS)
		return error;
	return p1_error(net_bind(desc, &p->system->policy, &address));
}

uint32_t p1_sock_bind(struct p1 *p, uint32_t fd, uint32_t address, uint32_t port)
{
	return bind_to(p, fd, address, port, false);
}

uint32_t p1_sock_bind_v2(struct p1 *p, uint32_t fd, uint32_t address, uint32_t port)
{
	return bind_to(p, fd, address, port, true);
}

uint32_t p1_sock_listen(struct p1 *p, uint32_t fd, uint32_t backlog)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_socket(p, fd, 0, &desc);

	if (error != P1_SUCCESS)
		return error;
	return p1_error(net_listen(desc, &p->system->policy, backlog, &p->system->stop));
}

uint32_t p1_sock_listen_v2(struct p1 *p, uint32_t fd, uint32_t backlog)
{
	return p1_sock_listen(p, fd, backlog);
}

uint32_t p1_sock_accept_v2(struct p1 *p, uint32_t fd, uint32_t flags, uint32_t ret_fd)
{
	AUTO_DESC struct desc *desc = NULL;
	struct desc *made;
	uint32_t error;
	int result;

	if (!is_aligned(ret_fd, 4))
		return P1_ADDRNOTAVAIL;
	if (p1_at(p, ret_fd, 4) == NULL)
		return P1_FAULT;
	if (flags & ~(uint32_t)P1_FD_ALL)
		return P1_INVAL;
	error = p1_socket(p, fd, P1_R_SOCK_ACCEPT, &desc);
	if (error != P1_SUCCESS)
		return error;
	result = net_accept(&made, desc, &p->waiter);
	if (result != 0)
		return p1_error(result);
	if (flags & P1_FD_NONBLOCK)
		made->flags |= DESC_NONBLOCK;
	return add_socket(p, made, ret_fd);
}

uint32_t p1_sock_accept(struct p1 *p, uint32_t fd, uint32_t ret_fd)
{
	return p1_sock_accept_v2(p, fd, 0, ret_fd);
}

static uint32_t connect_to(struct p1 *p, uint32_t fd, uint32_t at, uint32_t port, bool second)
{
	AUTO_DESC struct desc *desc = NULL;
	union net_address address;
	uint32_t error = get_address(p, at, port, second, &address);

	if (error == P1_SUCCESS)
		error = p1_socket(p, fd, 0, &desc);
	if (error != P1_SUCCESS)
		return error;
	return p1_error(net_connect(desc, &p->system->policy, &address, &p->waiter));
}

uint32_t p1_sock_connect(struct p1 *p, uint32_t fd, uint32_t address, uint32_t port)
{
	return connect_to(p, fd, address, port, false);
}

uint32_t p1_sock_connect_v2(struct p1 *p, uint32_t fd, uint32_t address, uint32_t port)
{
	return connect_to(p, fd, address, port, true);
}

uint32_t p1_sock_shutdown(struct p1 *p, uint32_t fd, uint32_t flags)
{
	static const int how[] = {
		[P1_SD_RD] = SHUT_RD, [P1_SD_WR] = SHUT_WR, [P1_SD_RD | P1_SD_WR] = SHUT_RDWR};
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_socket(p, fd, P1_R_SOCK_SHUTDOWN, &desc);

	if (error != P1_SUCCESS)
		return error;
	if (flags == 0 || flags >= ARRAY_SIZE(how))
		return P1_INVAL;
	return p1_error(net_shutdown(desc, how[flags]));
}

/* -- Receive ------------------------------------------------------------------------------------------ */

struct receipt {
	uint32_t fd;
	uint32_t parts;
	uint32_t count;
	uint32_t flags;
	uint32_t ret_size;
	uint32_t ret_flags;
};

static uint32_t receive(struct p1 *p, const struct receipt *r, union net_address *from)
{
	AUTO_DESC struct desc *desc = NULL;
	struct p1_parts parts;
	bool truncated = false;
	unsigned flags = 0;
	uint32_t error;
	ssize_t size;

	if (!is_aligned(r->parts, 4) || !is_aligned(r->ret_size, 4) || !is_aligned(r->ret_flags, 2))
		return P1_ADDRNOTAVAIL;
	if (r->flags & ~(uint32_t)P1_RI_ALL || r->count > MAX_PARTS)
		return P1_INVAL;
	if (p1_at(p, r->ret_size, 4) == NULL || p1_at(p, r->ret_flags, 2) == NULL)
		return P1_FAULT;
	error = p1_get_parts(p, r->parts, r->count, &parts);
	if (error == P1_SUCCESS)
		error = p1_socket(p, r->fd, P1_R_FD_READ, &desc);
	if (error != P1_SUCCESS)
		return error;
	if (r->flags & P1_RI_PEEK)
		flags |= NET_PEEK;
	if (r->flags & P1_RI_WAITALL)
		flags |= NET_WAIT_ALL;
	size = net_receive(desc, parts.items, parts.count, flags, from, &truncated, &p->waiter);
	if (size < 0)
		return p1_error((int)size);
	p1_put32(p, r->ret_size, (uint32_t)size);
	p1_put16(p, r->ret_flags, truncated ? P1_RO_TRUNCATED : 0);
	return P1_SUCCESS;
}

uint32_t p1_sock_recv(struct p1 *p, uint32_t fd, uint32_t parts, uint32_t count, uint32_t flags,
		      uint32_t ret_size, uint32_t ret_flags)
{
	struct receipt r = {fd, parts, count, flags, ret_size, ret_flags};

	return receive(p, &r, NULL);
}

uint32_t p1_sock_recv_v2(struct p1 *p, uint32_t fd, uint32_t parts, uint32_t count, uint32_t flags,
			 uint32_t ret_size, uint32_t ret_flags)
{
	return p1_sock_recv(p, fd, parts, count, flags, ret_size, ret_flags);
}

/* An address that does not fit is left out: the datagram is worth more. */
uint32_t p1_sock_recv_from(struct p1 *p, uint32_t fd, uint32_t parts, uint32_t count,
			   uint32_t address, uint32_t flags, uint32_t ret_size, uint32_t ret_flags)
{
	struct receipt r = {fd, parts, count, flags, ret_size, ret_flags};
	struct address_at at;
	union net_address from;
	uint32_t error = get_address_at(p, address, &at);

	if (error == P1_SUCCESS)
		error = receive(p, &r, &from);
	if (error == P1_SUCCESS && from.any.sa_family != AF_UNSPEC)
		put_address(p, &at, false, &from);
	return error;
}

uint32_t p1_sock_recv_from_v2(struct p1 *p, uint32_t fd, uint32_t parts, uint32_t count,
			      uint32_t address, uint32_t flags, uint32_t ret_port,
			      uint32_t ret_size, uint32_t ret_flags)
{
	struct receipt r = {fd, parts, count, flags, ret_size, ret_flags};
	struct address_at at;
	union net_address from;
	uint32_t error;

	if (!is_aligned(ret_port, 2))
		return P1_ADDRNOTAVAIL;
	error = get_address_at(p, address, &at);
	if (error != P1_SUCCESS)
		return error;
	if (at.size != V4_BYTES && at.size != V6_BYTES && at.size != STORAGE_BYTES)
		return P1_INVAL;
	if (p1_at(p, ret_port, 2) == NULL)
		return P1_FAULT;
	error = receive(p, &r, &from);
	if (error != P1_SUCCESS)
		return error;
	if (at.size == STORAGE_BYTES || from.any.sa_family != AF_UNSPEC)
		put_address(p, &at, at.size == STORAGE_BYTES, &from);
	p1_put16(p, ret_port, port_of(&from));
	return P1_SUCCESS;
}

/* -- Send ---------------------------------------------------------------------------------------------- */

struct dispatch {
	uint32_t fd;
	uint32_t parts;
	uint32_t count;
	uint32_t flags;
	uint32_t ret_size;
};

static uint32_t send_to(struct p1 *p, const struct dispatch *d, const union net_address *to)
{
	AUTO_DESC struct desc *desc = NULL;
	struct p1_parts parts;
	uint32_t error;
	ssize_t size;

	if (!is_aligned(d->parts, 4) || !is_aligned(d->ret_size, 4))
		return P1_ADDRNOTAVAIL;
	if (d->flags != 0 || d->count > MAX_PARTS)
		return P1_INVAL;
	if (p1_at(p, d->ret_size, 4) == NULL)
		return P1_FAULT;
	error = p1_get_parts(p, d->parts, d->count, &parts);
	if (error == P1_SUCCESS)
		error = p1_socket(p, d->fd, P1_R_FD_WRITE, &desc);
	if (error != P1_SUCCESS)
		return error;
	/* A stream takes the parts it was cut to; a datagram is whole or not at all. */
	if (parts.count < d->count && desc->socktype != SOCK_STREAM)
		return P1_MSGSIZE;
	size = net_send(desc, &p->system->policy, parts.items, parts.count, to, &p->waiter);
	if (size < 0)
		return p1_error((int)size);
	p1_put32(p, d->ret_size, (uint32_t)size);
	return P1_SUCCESS;
}

uint32_t p1_sock_send(struct p1 *p, uint32_t fd, uint32_t parts, uint32_t count, uint32_t flags,
		      uint32_t ret_size)
{
	struct dispatch d = {fd, parts, count, flags, ret_size};

	return send_to(p, &d, NULL);
}

uint32_t p1_sock_send_v2(struct p1 *p, uint32_t fd, uint32_t parts, uint32_t count, uint32_t flags,
			 uint32_t ret_size)
{
	return p1_sock_send(p, fd, parts, count, flags, ret_size);
}

uint32_t p1_sock_send_to(struct p1 *p, uint32_t fd, uint32_t parts, uint32_t count,
			 uint32_t address, uint32_t port, uint32_t flags, uint32_t ret_size)
{
	struct dispatch d = {fd, parts, count, flags, ret_size};
	union net_address to;
	uint32_t error = get_address(p, address, port, false, &to);

	return error != P1_SUCCESS ? error : send_to(p, &d, &to);
}

uint32_t p1_sock_send_to_v2(struct p1 *p, uint32_t fd, uint32_t parts, uint32_t count,
			    uint32_t address, uint32_t port, uint32_t flags, uint32_t ret_size)
{
	struct dispatch d = {fd, parts, count, flags, ret_size};
	union net_address to;
	uint32_t error = get_address(p, address, port, true, &to);

	return error != P1_SUCCESS ? error : send_to(p, &d, &to);
}

/* -- Names ---------------------------------------------------------------------------------------------- */

static uint32_t get_name(const struct p1 *p, uint32_t fd, bool peer, union net_address *ret)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_socket(p, fd, 0, &desc);

	return error != P1_SUCCESS ? error : p1_error(net_name(desc, peer, ret));
}

struct name_at {
	uint32_t address;
	uint32_t family;
	uint32_t port;
};

/* The family is written as 4 or 6: no enumerator of preview 1's, but what guests of this generation know. */
static uint32_t name_first(const struct p1 *p, uint32_t fd, bool peer, const struct name_at *to)
{
	union net_address name;
	struct address_at at;
	uint32_t error;

	if (!is_aligned(to->family, 4) || !is_aligned(to->port, 4))
		return P1_ADDRNOTAVAIL;
	error = get_address_at(p, to->address, &at);
	if (error != P1_SUCCESS)
		return error;
	if (at.size != V4_BYTES && at.size != V6_BYTES)
		return P1_INVAL;
	if (p1_at(p, to->family, 4) == NULL || p1_at(p, to->port, 4) == NULL)
		return P1_FAULT;
	error = get_name(p, fd, peer, &name);
	if (error != P1_SUCCESS)
		return error;
	if (!put_address(p, &at, false, &name))
		return P1_NOMEM;
	p1_put32(p, to->family, name.any.sa_family == AF_INET6 ? 6 : 4);
	p1_put32(p, to->port, port_of(&name));
	return P1_SUCCESS;
}

static uint32_t name_second(const struct p1 *p, uint32_t fd, bool peer, const struct name_at *to)
{
	union net_address name;
	struct address_at at;
	uint32_t error;

	if (!is_aligned(to->port, 4))
		return P1_ADDRNOTAVAIL;
	error = get_address_at(p, to->address, &at);
	if (error != P1_SUCCESS)
		return error;
	if (p1_at(p, to->port, 4) == NULL)
		return P1_FAULT;
	if (at.size != STORAGE_BYTES)
		return P1_INVAL;
	error = get_name(p, fd, peer, &name);
	if (error != P1_SUCCESS)
		return error;
	put_address(p, &at, true, &name);
	p1_put32(p, to->port, port_of(&name));
	return P1_SUCCESS;
}

uint32_t p1_sock_getlocaladdr(struct p1 *p, uint32_t fd, uint32_t address, uint32_t ret_family,
			      uint32_t ret_port)
{
	return name_first(p, fd, false, &(struct name_at){address, ret_family, ret_port});
}

uint32_t p1_sock_getlocaladdr_v2(struct p1 *p, uint32_t fd, uint32_t address, uint32_t ret_port)
{
	return name_second(p, fd, false, &(struct name_at){address, 0, ret_port});
}

uint32_t p1_sock_getpeeraddr(struct p1 *p, uint32_t fd, uint32_t address, uint32_t ret_family,
			     uint32_t ret_port)
{
	return name_first(p, fd, true, &(struct name_at){address, ret_family, ret_port});
}

uint32_t p1_sock_getpeeraddr_v2(struct p1 *p, uint32_t fd, uint32_t address, uint32_t ret_port)
{
	return name_second(p, fd, true, &(struct name_at){address, 0, ret_port});
}
