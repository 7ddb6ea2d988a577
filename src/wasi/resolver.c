/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.c: a name to addresses: numbers, then /etc/hosts, then "localhost", then the servers.
 *
 * Whose files. The guest's own, because what a container was given as its /etc says which names it has. A guest whose
 * policy is a list gets the host's: there a name in a rule stands for the addresses it leads to, and a guest that
 * writes its own hosts or resolv.conf could have it lead anywhere. Asking the servers is not subject to the list:
 * a guest that may reach "db:5432" need not be allowed to reach a name server.
 *
 * Order. Addresses as the file or the server gave them, those of A before those of AAAA: guests that only try the first
 * are many, and IPv4 is what works nearly everywhere. Unless the machine has no way to the first of one family
 * but to the first of the other: then that one's come first.
 *
 * Time. resolv.conf's attempts and time-outs, but at most WHOLE seconds in all.
 *
 * Differences from resolv.conf(5): without "search" or "domain" nothing is taken from the host's name; a
 * server that is silent ends the search, one that fails does not (as for a search domain that its server refuses), but then
 * the name is never said not to exist.
 */
#include "wasi/resolver.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/base.h"
#include "base/text.h"
#include "wasi/resolver_parts.h"

enum {
	WHOLE = 60,
	DNS_PORT = 53,
	ANY_PORT = 65535, /* to look for a way; nothing is sent */
};

const struct resolver_terms resolver_terms_usual = {.port = DNS_PORT, .second = 1000000000};

static struct span text_span(const struct buf *buf)
{
	return (struct span){(const char *)buf->data, buf->size};
}

static void set_name(struct resolved_addresses *ret, const char *name, size_t size)
{
	memcpy(ret->name, name, size);
	ret->name[size] = '\0';
}

/* -- Without servers ------------------------------------------------------------------------------ */

/* 0: not a number. */
static int find_number(const char *name, size_t size, int family, struct resolved_addresses *ret)
{
	union net_address address;

	if (!resolver_numeric((struct span){name, size}, &address))
		return 0;
	if (!resolver_fits(&address, family))
		return RESOLVER_NO_NAME;
	resolver_add(ret, &address);
	set_name(ret, name, size);
	return 0;
}

static int find_in_hosts(struct system *system, const char *name, int family,
			 struct resolved_addresses *ret)
{
	struct buf text;
	int rc = resolver_read(system, "/etc/hosts", &text);

	if (rc < 0)
		return rc;
	resolver_hosts_find(text_span(&text), name, family, ret);
	buf_deinit(&text);
	return 0;
}

/* "localhost", and every name below it (RFC 6761): never a question for a server. */
static bool is_local(const char *name, size_t size)
{
	static const char local[] = "localhost";
	size_t local_size = sizeof(local) - 1;

	if (size < local_size || strcasecmp(name + size - local_size, local) != 0)
		return false;
	return size == local_size || name[size - local_size - 1] == '.';
}

static void add_loopback(int family, struct resolved_addresses *ret)
{
	union net_address v4 = {.in = {.sin_family = AF_INET}};
	union net_address v6 = {.in6 = {.sin6_family = AF_INET6}};

	v4.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v6.in6.sin6_addr = in6addr_loopback;
	if (resolver_fits(&v4, family))
		resolver_add(ret, &v4);
	if (resolver_fits(&v6, family))
		resolver_add(ret, &v6);
}

/* -- Candidates ----------------------------------------------------------------------------------- */

/* NAME, or NAME.DOMAIN; false: too long, or cannot be asked. */
static bool make_candidate(struct span name, const struct span *domain, struct dns_name *ret)
{
	char text[DNS_TEXT_MAX];
	size_t size = name.size;

	if (domain == NULL)
		return dns_name_parse(name.at, name.size, ret);
	if (name.size + 1 + domain->size > sizeof(text))
		return false;
	memcpy(text, name.at, size);
	text[size++] = '.';
	memcpy(text + size, domain->at, domain->size);
	return dns_name_parse(text, size + domain->size, ret);
}

static uint32_t count_dots(struct span name)
{
	uint32_t count = 0;

	for (size_t i = 0; i < name.size; i++)
		count += name.at[i] == '.';
	return count;
}

/* As it is and with each domain of the search list, in the order that ndots says. */
static int ask_candidates(const struct resolver_asker *asker, struct span name, bool absolute,
			  struct resolved_addresses *ret)
{
	const struct resolver_config *config = asker->config;
	uint32_t search = absolute ? 0 : config->search_count;
	uint32_t bare = absolute || count_dots(name) >= config->ndots ? 0 : search;
	int worst = RESOLVER_NO_NAME;

	for (uint32_t i = 0; i <= search; i++) {
		const struct span *domain = NULL;
		struct dns_name candidate;
		int rc;

		if (i != bare)
			domain = &config->search[i < bare ? i : i - 1];
		if (!make_candidate(name, domain, &candidate))
			continue;
		rc = resolver_ask(asker, &candidate, ret);
		if (rc <= 0 || rc == RESOLVER_AGAIN)
			return rc;
		if (rc == RESOLVER_FAILED)
			worst = rc;
	}
	return worst;
}

static int find_by_servers(struct system *system, struct span name, bool absolute,
			   struct resolver_asker *asker, struct resolved_addresses *ret)
{
	struct resolver_config config;
	struct buf text;
	int rc = resolver_read(system, "/etc/resolv.conf", &text);

	if (rc < 0)
		return rc;
	resolver_config_parse(text_span(&text), &config);
	if (config.server_count == 0) {
		config.servers[0].in.sin_family = AF_INET;
		config.servers[0].in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		config.server_count = 1;
	}
	asker->config = &config;
	asker->deadline = wait_until(WHOLE * asker->terms->second);
	rc = ask_candidates(asker, name, absolute, ret);
	asker->config = NULL;
	buf_deinit(&text);
	return rc;
}

/* -- Order ---------------------------------------------------------------------------------------- */

/* Connecting a datagram socket looks the way up and sends nothing. */
static bool is_reachable(const union net_address *address)
{
	union net_address to = *address;
	socklen_t size = sizeof(to.in);
	int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return false;
	to.in.sin_port = htons(ANY_PORT);
	if (address->any.sa_family == AF_INET6) {
		to.in6.sin6_port = htons(ANY_PORT);
		size = sizeof(to.in6);
	}
	rc = connect(fd, &to.any, size);
	close(fd);
	return rc == 0;
}

static const union net_address *find_family(const struct resolved_addresses *found, int family)
{
	for (uint32_t i = 0; i < found->count; i++)
		if (found->items[i].any.sa_family == family)
			return &found->items[i];
	return NULL;
}

/* Those of one family before the others, which keep their order. */
static void put_first(struct resolved_addresses *found, int family)
{
	uint32_t place = 0;

	for (uint32_t i = 0; i < found->count; i++) {
		union net_address address = found->items[i];

		if (address.any.sa_family != family)
			continue;
		memmove(&found->items[place + 1], &found->items[place],
			(i - place) * sizeof(address));
		found->items[place++] = address;
	}
}

static void order(struct resolved_addresses *found)
{
	const union net_address *v4 = find_family(found, AF_INET);
	const union net_address *v6 = find_family(found, AF_INET6);
	bool to_v4;
	bool to_v6;

	if (v4 == NULL || v6 == NULL)
		return;
	to_v4 = is_reachable(v4);
	to_v6 = is_reachable(v6);
	if (to_v4 != to_v6)
		put_first(found, to_v4 ? AF_INET : AF_INET6);
}

/* -- The whole ------------------------------------------------------------------------------------ */

/* name: without a final dot; a copy of name.size bytes and a NUL. */
static int find_name(struct system *system, struct span name, bool absolute,
		     struct resolver_asker *asker, struct resolved_addresses *ret)
{
	int rc = find_in_hosts(system, name.at, asker->family, ret);

	if (rc < 0)
		return rc;
	if (ret->count == 0 && is_local(name.at, name.size)) {
		add_loopback(asker->family, ret);
		set_name(ret, name.at, name.size);
	}
	if (ret->count == 0)
		rc = find_by_servers(system, name, absolute, asker, ret);
	if (rc != 0)
		return rc;
	order(ret);
	for (uint32_t i = 0; rc == 0 && i < ret->count; i++)
		rc = policy_learn(&system->policy, name.at, &ret->items[i].any);
	return rc;
}

int resolver_find_on(struct system *system, const char *name, int family,
		     const struct waiter *waiter, const struct resolver_terms *terms,
		     struct resolved_addresses *ret)
{
	struct resolver_asker asker = {.terms = terms, .waiter = waiter, .family = family};
	struct resolved_addresses found = {.count = 0};
	char text[DNS_TEXT_MAX + 1];
	size_t size = strnlen(name, DNS_TEXT_MAX + 2);
	bool absolute = size > 0 && name[size - 1] == '.';
	int rc;

	if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	if (!policy_opens(&system->policy))
		return -EACCES;
	size -= absolute;
	if (size == 0 || size > DNS_TEXT_MAX)
		return RESOLVER_NO_NAME;
	memcpy(text, name, size);
	text[size] = '\0';
	rc = absolute ? 0 : find_number(text, size, family, &found);
	if (rc == 0 && found.count == 0) {
		if (!policy_resolves(&system->policy, text))
			return -EACCES;
		rc = find_name(system, (struct span){text, size}, absolute, &asker, &found);
	}
	if (rc == 0)
		*ret = found;
	return rc;
}

int resolver_find(struct system *system, const char *name, int family, const struct waiter *waiter,
		  struct resolved_addresses *ret)
{
	return resolver_find_on(system, name, family, waiter, &resolver_terms_usual, ret);
}

/* -- Services ------------------------------------------------------------------------------------- */

/* For guests, and hosts, without the file. */
static const char usual_services[] = "ftp 21/tcp\n"
				     "ssh 22/tcp\n"
				     "telnet 23/tcp\n"
				     "smtp 25/tcp\n"
				     "domain 53/tcp\n"
				     "domain 53/udp\n"
				     "http 80/tcp www\n"
				     "pop3 110/tcp\n"
				     "ntp 123/udp\n"
				     "imap2 143/tcp imap\n"
				     "ldap 389/tcp\n"
				     "https 443/tcp\n"
				     "https 443/udp\n"
				     "syslog 514/udp\n"
				     "ldaps 636/tcp\n"
				     "imaps 993/tcp\n"
				     "pop3s 995/tcp\n"
				     "mysql 3306/tcp\n"
				     "postgresql 5432/tcp\n";

int resolver_service(struct system *system, const char *service, const char *protocol,
		     uint16_t *ret)
{
	struct span usual = {usual_services, sizeof(usual_services) - 1};
	struct buf text;
	uint64_t number;
	int rc;

	if (service[0] >= '0' && service[0] <= '9' && text_parse_u64(service, &number)) {
		if (number > UINT16_MAX)
			return -ENOENT;
		*ret = (uint16_t)number;
		return 0;
	}
	rc = resolver_read(system, "/etc/services", &text);
	if (rc < 0)
		return rc;
	rc = resolver_services_find(text_span(&text), service, protocol, ret);
	buf_deinit(&text);
	return rc == 0 ? 0 : resolver_services_find(usual, service, protocol, ret);
}
