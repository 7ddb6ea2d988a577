/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.h: sockets. Results or -errno.
 *
 * The host's sockets of the guest never block; waiting is ours (wait.h), unless the guest asked not to wait
 * (DESC_NONBLOCK). Only inet, inet6, stream and datagram. Every address is asked of the policy: -EACCES.
 */
#ifndef WASI_NET_H
#define WASI_NET_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "wasi/desc.h"
#include "wasi/policy.h"
#include "wasi/wait.h"

union net_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* As the kernel wants it with an address. */
static inline socklen_t net_size(const union net_address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof(address->in6) : sizeof(address->in);
}

int net_open(struct desc **ret, const struct policy *policy, int family, int type);
/* Around a socket handed in (it becomes non-blocking): what it is, whether it listens. Takes fd on success. One that
 * is not close-on-exec came with an exec: others may hold it, DESC_INHERITED. -ENOTSOCK. */
int net_adopt(struct desc **ret, int fd, struct stop *stop);
/* Port 0 is always allowed here: net_listen() and net_send() ask. */
int net_bind(const struct desc *desc, struct policy *policy, const union net_address *address);
/* Asks the policy for the address it is bound to, or would be. */
int net_listen(struct desc *desc, struct policy *policy, uint32_t backlog, struct stop *stop);
/* -EAGAIN if nonblocking; waits else. The new descriptor counts as a connection of waiter->stop. After a stop was asked a
 * listening socket never yields one. */
int net_accept(struct desc **ret, const struct desc *desc, const struct waiter *waiter);
/* A stop was asked: whoever connects from now on is refused, where the socket is ours alone. Any number of times. */
void net_refuse(const struct desc *desc);
/* -EINPROGRESS if nonblocking or too late; waits else. */
int net_connect(const struct desc *desc, struct policy *policy, const union net_address *address,
		const struct waiter *waiter);

enum { NET_PEEK = 1, NET_WAIT_ALL = 2 };
/* from (may be NULL): who sent. *ret_truncated (may be NULL): a datagram was cut. */
ssize_t net_receive(const struct desc *desc, const struct iovec *parts, uint32_t count,
		    unsigned flags, union net_address *from, bool *ret_truncated,
		    const struct waiter *waiter);
/* to: NULL where connected. */
ssize_t net_send(const struct desc *desc, struct policy *policy, const struct iovec *parts,
		 uint32_t count, const union net_address *to, const struct waiter *waiter);
int net_shutdown(const struct desc *desc, int how);
int net_name(const struct desc *desc, bool peer, union net_address *ret);
/* Level, name and value are the host's. SO_RCVTIMEO and SO_SNDTIMEO are kept by us. */
int net_get_option(const struct desc *desc, int level, int name, void *value, socklen_t *size);
int net_set_option(struct desc *desc, int level, int name, const void *value, socklen_t size);

/* "HOST:PORT", "[V6]:PORT": an address to listen on; HOST is an address or "localhost", empty: all. */
int net_parse(const char *text, union net_address *ret, struct err *err);
/* A listening socket of the host's own, for --tcplisten: the descriptor. -errno with the sentence. */
int net_listen_on(const char *address, struct err *err);

#endif
