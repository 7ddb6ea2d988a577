/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p1_sock_option.c: options of sockets, by the numbers of WasmEdge's extension.
 *
 * Values have the layout of the host's: an int, a struct linger (two 32-bit numbers), a struct timeval (two 64-bit numbers,
 * in wasi-libc as in Linux on 64 bits), or a device's name. Only SO_TYPE and SO_ERROR say something in
 * enumerators, and are translated.
 */
#include <string.h>
#include <sys/socket.h>

#include "base/base.h"
#include "wasi/net.h"
#include "wasi/p1_sock.h"

/* The largest value any of the options has is 16 bytes. More of a guest's buffer is of no use. */
enum { VALUE_ROOM = 64, LEVEL_SOCKET = 0 };

static const int options[] = {
	SO_REUSEADDR, SO_TYPE,     SO_ERROR,     SO_DONTROUTE,  SO_BROADCAST,
	SO_SNDBUF,    SO_RCVBUF,   SO_KEEPALIVE, SO_OOBINLINE,  SO_LINGER,
	SO_RCVLOWAT,  SO_RCVTIMEO, SO_SNDTIMEO,  SO_ACCEPTCONN, SO_BINDTODEVICE,
};

/* P1_INVAL: no such option. */
static uint32_t option_of(uint32_t level, uint32_t name, int *ret)
{
	if (level != LEVEL_SOCKET || name >= ARRAY_SIZE(options))
		return P1_INVAL;
	*ret = options[name];
	return P1_SUCCESS;
}

/* The two options whose values are enumerators. */
static void translate(int name, void *value, socklen_t size)
{
	int number;

	if ((name != SO_TYPE && name != SO_ERROR) || size < sizeof(number))
		return;
	memcpy(&number, value, sizeof(number));
	if (name == SO_ERROR)
		number = (int)p1_error(-number);
	else
		number = number == SOCK_STREAM ? P1_SOCK_STREAM : P1_SOCK_DGRAM;
	memcpy(value, &number, sizeof(number));
}

uint32_t p1_sock_getsockopt(struct p1 *p, uint32_t fd, uint32_t level, uint32_t name,
			    uint32_t value, uint32_t value_size)
{
	AUTO_DESC struct desc *desc = NULL;
	uint8_t bytes[VALUE_ROOM];
	uint32_t room = 0, error;
	socklen_t size;
	int option, result;

	if (value_size % 4 != 0)
		return P1_ADDRNOTAVAIL;
	error = option_of(level, name, &option);
	if (error != P1_SUCCESS)
		return error;
	if (!p1_get32(p, value_size, &room) || p1_at(p, value, room) == NULL)
		return P1_FAULT;
	error = p1_socket(p, fd, 0, &desc);
	if (error != P1_SUCCESS)
		return error;
	size = sizeof(bytes);
	if (option == SO_BINDTODEVICE)
		size = MIN(room, (uint32_t)VALUE_ROOM); /* the kernel says what is too small */
	result = net_get_option(desc, SOL_SOCKET, option, bytes, &size);
	if (result != 0)
		return p1_error(result);
	translate(option, bytes, size);
	size = MIN(size, room);
	memcpy(p1_at(p, value, size), bytes, size);
	p1_put32(p, value_size, size);
	return P1_SUCCESS;
}

uint32_t p1_sock_setsockopt(struct p1 *p, uint32_t fd, uint32_t level, uint32_t name,
			    uint32_t value, uint32_t value_size)
{
	AUTO_DESC struct desc *desc = NULL;
	uint8_t bytes[VALUE_ROOM];
	socklen_t size = MIN(value_size, (uint32_t)VALUE_ROOM);
	uint32_t error;
	int option;

	error = option_of(level, name, &option);
	if (error != P1_SUCCESS)
		return error;
	if (p1_at(p, value, value_size) == NULL)
		return P1_FAULT;
	memcpy(bytes, p1_at(p, value, size), size);
	error = p1_socket(p, fd, 0, &desc);
	if (error != P1_SUCCESS)
		return error;
	return p1_error(net_set_option(desc, SOL_SOCKET, option, bytes, size));
}
