/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_parts.h: what the files of the resolver share: resolver.c uses resolver_files.c, then resolver_ask.c.
 */
#ifndef WASI_RESOLVER_PARTS_H
#define WASI_RESOLVER_PARTS_H

#include "base/buf.h"
#include "wasi/dns.h"
#include "wasi/resolver.h"

/* What no file says, so that tests can be quick and need no privilege. */
struct resolver_terms {
	uint16_t port;   /* of the servers */
	uint64_t second; /* nanoseconds in one of resolv.conf's */
};

extern const struct resolver_terms resolver_terms_usual;

/* resolver_find() on other terms. */
int resolver_find_on(struct system *system, const char *name, int family,
		     const struct waiter *waiter, const struct resolver_terms *terms,
		     struct resolved_addresses *ret);

/* -- resolver_files.c: the files of /etc ---------------------------------------------------------- */

/* A part of a text, which it borrows from. */
struct span {
	const char *at;
	size_t size;
};

enum {
	RESOLVER_SERVERS = 3, /* further ones are ignored, here and below */
	RESOLVER_SEARCH = 32,
	RESOLVER_NDOTS = 15, /* larger numbers become these */
	RESOLVER_TIMEOUT = 30,
	RESOLVER_ATTEMPTS = 5,
};

struct resolver_config {
	union net_address servers[RESOLVER_SERVERS]; /* port 0 */
	uint32_t server_count; /* 0: the caller asks 127.0.0.1 */
	struct span search[RESOLVER_SEARCH]; /* borrowed from the text; without a final dot */
	uint32_t search_count;
	uint32_t ndots;
	uint32_t timeout; /* seconds, for each server */
	uint32_t attempts;
	bool rotate;
	bool tcp; /* never UDP */
	bool single; /* one question at a time */
};

/*
 * The file at this absolute path, or as much of it as we read; empty where there is none. The guest's, unless its
 * directories have none or the policy is a list: see resolver.c. -ENOMEM only.
 */
int resolver_read(struct system *system, const char *path, struct buf *ret);

/* Any bytes; lines that make no sense are skipped. */
void resolver_config_parse(struct span text, struct resolver_config *ret);
/* Add the addresses of `name` in a hosts file; the canonical name from the first line that has one. */
void resolver_hosts_find(struct span text, const char *name, int family,
			 struct resolved_addresses *ret);
/* -ENOENT. protocol: NULL: any. */
int resolver_services_find(struct span text, const char *name, const char *protocol, uint16_t *ret);

/* An address as text, IPv6 perhaps with %SCOPE. */
bool resolver_numeric(struct span text, union net_address *ret);
bool resolver_fits(const union net_address *address, int family);
/* Ignored when `ret` is full or has it already. */
void resolver_add(struct resolved_addresses *ret, const union net_address *address);

/* -- resolver_ask.c: questions to servers --------------------------------------------------------- */

struct resolver_asker {
	const struct resolver_config *config; /* borrowed, as all */
	const struct resolver_terms *terms;
	const struct waiter *waiter;
	uint64_t deadline; /* of everything */
	int family;
};

/* This one name; adds to *ret. 0, an outcome of resolver_find(), -errno. */
int resolver_ask(const struct resolver_asker *asker, const struct dns_name *name,
		 struct resolved_addresses *ret);

#endif
