/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasmedge_socket.h: sockets for a WASI guest in C: the functions of WasmEdge's extension of preview 1 that wasi-libc
 * has no names for. Receiving, sending, accepting, waiting and closing are wasi-libc's own recv(), send(), accept4(),
 * poll() and close().
 *
 * Each returns 0 or one of <errno.h>. Ports are numbers, not in network order.
 */
#ifndef WASMEDGE_SOCKET_H
#define WASMEDGE_SOCKET_H

#include <stdint.h>

#define WASMEDGE_IMPORT(name) \
	__attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

enum { WASMEDGE_INET4 = 1, WASMEDGE_INET6 = 2 };
enum { WASMEDGE_DATAGRAM = 1, WASMEDGE_STREAM = 2 };
enum { WASMEDGE_SOL_SOCKET = 0, WASMEDGE_SO_REUSEADDR = 0 };

/* 4 bytes for IPv4, 16 for IPv6. */
struct wasmedge_address {
	uint8_t *bytes;
	uint32_t size;
};

WASMEDGE_IMPORT(sock_open)
uint32_t wasmedge_open(uint32_t family, uint32_t type, int *fd);
WASMEDGE_IMPORT(sock_bind)
uint32_t wasmedge_bind(int fd, const struct wasmedge_address *address, uint32_t port);
WASMEDGE_IMPORT(sock_listen)
uint32_t wasmedge_listen(int fd, uint32_t backlog);
WASMEDGE_IMPORT(sock_connect)
uint32_t wasmedge_connect(int fd, const struct wasmedge_address *address, uint32_t port);
/* The address must have room for its family; *family becomes 4 or 6. */
WASMEDGE_IMPORT(sock_getlocaladdr)
uint32_t wasmedge_local_address(int fd, struct wasmedge_address *address, uint32_t *family,
				uint32_t *port);
WASMEDGE_IMPORT(sock_setsockopt)
uint32_t wasmedge_set_option(int fd, uint32_t level, uint32_t name, const void *value,
			     uint32_t size);

#endif
