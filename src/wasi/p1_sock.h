/* SPDX-License-Identifier: Apache-2.0 */
/* p1_sock.h: what the files of the socket functions share: numbers of WasmEdge's extension, and the way to a socket. */
#ifndef WASI_P1_SOCK_H
#define WASI_P1_SOCK_H

#include "wasi/p1.h"

enum p1_family { P1_AF_UNSPEC, P1_AF_INET4, P1_AF_INET6, P1_AF_UNIX };
enum p1_socktype { P1_SOCK_ANY, P1_SOCK_DGRAM, P1_SOCK_STREAM };
enum p1_protocol { P1_PROTO_IP, P1_PROTO_TCP, P1_PROTO_UDP };

/* As p1_desc(): P1_BADF, P1_NOTSOCK, P1_NOTCAPABLE. */
uint32_t p1_socket(const struct p1 *p, uint32_t fd, uint64_t rights, struct desc **ret);

#endif
