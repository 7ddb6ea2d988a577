/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_address.c: addresses to listen on as people write them, and listening sockets of the host's own made of them.
 *
 * No name but localhost is looked up: whom to ask is the guest's business, and it is not there yet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wasi/net.h"

static bool parse_port(const char *text, uint16_t *ret)
{
	uint32_t port = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9' && at - text < 5; at++)
		port = port * 10 + (uint32_t)(*at - '0');
	*ret = (uint16_t)port;
	return at != text && *at == 0 && port <= UINT16_MAX;
}

/* HOST without its port. */
static bool parse_host(char *host, union net_address *ret)
{
	size_t size = strlen(host);

	if (size == 0) {
		ret->in6.sin6_family = AF_INET6; /* both families, where the machine has both */
		return true;
	}
	if (host[0] == '[' && host[size - 1] == ']') {
		host[size - 1] = 0;
		ret->in6.sin6_family = AF_INET6;
		return inet_pton(AF_INET6, host + 1, &ret->in6.sin6_addr) == 1;
	}
	ret->in.sin_family = AF_INET;
	if (strcmp(host, "localhost") == 0)
		ret->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (inet_pton(AF_INET, host, &ret->in.sin_addr) != 1)
		return false;
	return true;
}

int net_parse(const char *text, union net_address *ret, struct err *err)
{
	union net_address address = {0};
	const char *colon = strrchr(text, ':');
	size_t size = colon != NULL ? (size_t)(colon - text) : 0;
	char host[64];
	uint16_t port;

	if (colon == NULL || !parse_port(colon + 1, &port))
		return err_set(err, -EINVAL, "'%s' does not end in a port: it is written HOST:PORT",
			       text);
	if (size >= sizeof(host))
		return err_set(err, -EINVAL, "'%s': the host is too long", text);
	memcpy(host, text, size);
	host[size] = 0;
	if (!parse_host(host, &address))
		return err_set(err, -EINVAL,
			       "'%s': the host is neither an address (IPv6 in brackets) "
			       "nor localhost",
			       text);
	if (address.any.sa_family == AF_INET6)
		address.in6.sin6_port = htons(port);
	else
		address.in.sin_port = htons(port);
	*ret = address;
	return 0;
}

static int open_listener(const union net_address *address)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, error;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, &address->any, net_size(address)) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int net_listen_on(const char *text, struct err *err)
{
	union net_address address;
	int fd = net_parse(text, &address, err);

	if (fd < 0)
		return fd;
	fd = open_listener(&address);
	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && address.any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&address.in6.sin6_addr)) {
		/* A machine without IPv6: all of it is all of IPv4. */
		in_port_t port = address.in6.sin6_port;

		address = (union net_address){.in = {.sin_family = AF_INET, .sin_port = port}};
		fd = open_listener(&address);
	}
	if (fd < 0)
		return err_set(err, fd, "listen on '%s': %s", text, strerror(-fd));
	return fd;
}
