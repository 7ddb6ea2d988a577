/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h: names to addresses, as the guest's own files say.
 *
 * Numbers, /etc/hosts, "localhost", then the servers of /etc/resolv.conf (nameserver, search, domain, options ndots,
 * timeout, attempts, rotate, use-vc, single-request). The files are read through the guest's directories where it has them,
 * else, and whenever the policy is a list, the host's are (resolver.c says why). UDP, TCP after truncation; A and
 * AAAA asked at once; a minute at most. What a server sends is foreign bytes: dns.h reads it.
 */
#ifndef WASI_RESOLVER_H
#define WASI_RESOLVER_H

#include "wasi/net.h"
#include "wasi/system.h"

enum {
	RESOLVER_NO_NAME = 1, /* outcome: no such name, or it has no such addresses */
	RESOLVER_AGAIN,       /* outcome: no server answered */
	RESOLVER_FAILED,      /* outcome: servers refused or answered nonsense */
	RESOLVER_MAX = 32,    /* addresses */
};

struct resolved_addresses {
	union net_address items[RESOLVER_MAX]; /* port 0 */
	uint32_t count;
	char name[256]; /* the canonical one */
};

/* family: AF_UNSPEC, AF_INET, AF_INET6. A numeric name needs no server. -EINTR, -EACCES (the policy), -errno. */
int resolver_find(struct system *system, const char *name, int family, const struct waiter *waiter,
		  struct resolved_addresses *ret);

/* The port of a service: a number, or a name in the guest's /etc/services, else the few everyone knows. -ENOENT. */
int resolver_service(struct system *system, const char *service, const char *protocol,
		     uint16_t *ret);

#endif
