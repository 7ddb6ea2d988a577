/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.c: rules as text to ranges of addresses and ports, and addresses compared with them.
 *
 * Addresses are kept as IPv6, IPv4 ones mapped, so that one comparison of bits serves both. A mapped address is compared
 * with IPv4 rules only: "[::]/0" is all of IPv6, not all there is. What a name brought is kept as rules too, in
 * a list of its own, each with the ports of the rule that named it.
 */
#include "wasi/policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"

enum { NAME_ROOM = 256, LEARNED_MAX = 1024 };

enum host_kind { HOST_ANY, HOST_ADDRESS, HOST_NAME };

struct policy_rule {
	uint8_t host; /* enum host_kind */
	uint8_t bits; /* ADDRESS: that have to be equal */
	uint16_t first;
	uint16_t last;
	struct in6_addr address;
	char name[NAME_ROOM]; /* NAME: without the dot at its end */
};

/* What of the list `learned` is needed: no name. */
struct learned_rule {
	uint16_t first;
	uint16_t last;
	struct in6_addr address;
};

void policy_init(struct policy *policy)
{
	*policy = (struct policy){.kind = POLICY_NOBODY};
	pthread_mutex_init(&policy->lock, NULL);
}

void policy_deinit(struct policy *policy)
{
	buf_deinit(&policy->rules);
	buf_deinit(&policy->learned);
	pthread_mutex_destroy(&policy->lock);
}

/* -- Addresses -------------------------------------------------------------------------------- */

static struct in6_addr map_v4(struct in_addr v4)
{
	struct in6_addr v6 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(&v6.s6_addr[12], &v4, sizeof(v4));
	return v6;
}

/* False: neither IPv4 nor IPv6. */
static bool read_address(const struct sockaddr *address, struct in6_addr *ret, uint16_t *ret_port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&in, address, sizeof(in));
		*ret = map_v4(in.sin_addr);
		*ret_port = ntohs(in.sin_port);
		return true;
	case AF_INET6:
		memcpy(&in6, address, sizeof(in6));
		*ret = in6.sin6_addr;
		*ret_port = ntohs(in6.sin6_port);
		return true;
	}
	return false;
}

static bool parse_address(const char *text, struct in6_addr *ret)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret = map_v4(v4);
		return true;
	}
	return inet_pton(AF_INET6, text, ret) == 1;
}

static bool same_bits(const struct in6_addr *a, const struct in6_addr *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a->s6_addr[whole] ^ b->s6_addr[whole]) >> (8 - rest)) == 0;
}

static bool covers(const struct policy_rule *rule, const struct in6_addr *address)
{
	if (rule->host == HOST_ANY)
		return true;
	if (rule->host != HOST_ADDRESS)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(address) && rule->bits < 96)
		return false;
	return same_bits(&rule->address, address, rule->bits);
}

/* -- Rules ------------------------------------------------------------------------------------- */

/* Digits and nothing else, at most `max`. */
static bool parse_number(const char *text, size_t size, unsigned max, unsigned *ret)
{
	unsigned value = 0;

	if (size == 0 || size > 5)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > max)
		return false;
	*ret = value;
	return true;
}

static bool parse_ports(const char *text, struct policy_rule *rule)
{
	const char *dash = strchr(text, '-');
	size_t size = dash != NULL ? (size_t)(dash - text) : strlen(text);
	unsigned first = 0, last = UINT16_MAX;

	if (strcmp(text, "*") != 0) {
		if (!parse_number(text, size, UINT16_MAX, &first))
			return false;
		last = first;
		if (dash != NULL && !parse_number(dash + 1, strlen(dash + 1), UINT16_MAX, &last))
			return false;
	}
	rule->first = (uint16_t)first;
	rule->last = (uint16_t)last;
	return first <= last;
}

/* ADDRESS or ADDRESS/BITS. */
static bool parse_range(char *text, struct policy_rule *rule)
{
	char *slash = strchr(text, '/');
	unsigned max, bits;
	bool mapped;

	if (slash != NULL)
		*slash = 0;
	if (!parse_address(text, &rule->address))
		return false;
	mapped = strchr(text, ':') == NULL;
	max = mapped ? 32 : 128;
	bits = max;
	if (slash != NULL && !parse_number(slash + 1, strlen(slash + 1), max, &bits))
		return false;
	rule->host = HOST_ADDRESS;
	rule->bits = (uint8_t)(mapped ? bits + 96 : bits);
	return true;
}

static bool is_name(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = text[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') && strchr("-_.", c) == NULL &&
		    (unsigned char)c < 0x80)
			return false;
		if (c == '.' && (i == 0 || text[i - 1] == '.'))
			return false;
	}
	return size != 0;
}

static size_t name_size(const char *name)
{
	size_t size = strlen(name);

	return size > 1 && name[size - 1] == '.' ? size - 1 : size;
}

/* "1.2.3" or "10.1.2.3.4" is a mistyped address, never a name. */
static bool is_number_like(const char *text)
{
	return text[strspn(text, "0123456789.")] == 0;
}

static bool parse_host(char *text, struct policy_rule *rule)
{
	size_t size;
	char *close;

	if (strcmp(text, "*") == 0) {
		rule->host = HOST_ANY;
		return true;
	}
	if (text[0] == '[') {
		/* [ADDRESS], [ADDRESS]/BITS, [ADDRESS/BITS] */
		close = strchr(text, ']');
		if (close == NULL || (close[1] != 0 && close[1] != '/'))
			return false;
		memmove(close, close + 1, strlen(close));
		return strchr(text, ':') != NULL && parse_range(text + 1, rule);
	}
	if (strchr(text, ':') != NULL)
		return false;
	if (strchr(text, '/') != NULL || is_number_like(text))
		return parse_range(text, rule);
	size = name_size(text);
	if (!is_name(text, size))
		return false;
	rule->host = HOST_NAME;
	memcpy(rule->name, text, size);
	rule->name[size] = 0;
	return true;
}

static int add_rule(struct policy *policy, const struct policy_rule *rule)
{
	static const char *const local[] = {"127.0.0.1", "::1"};
	struct policy_rule *place;
	struct policy_rule more = {.first = rule->first, .last = rule->last, .bits = 128};
	bool is_local = rule->host == HOST_NAME && strcasecmp(rule->name, "localhost") == 0;

	if (buf_reserve(&policy->rules, 3 * sizeof(*rule)) != 0)
		return -ENOMEM;
	place = buf_add(&policy->rules, sizeof(*rule));
	*place = *rule;
	for (size_t i = 0; is_local && i < ARRAY_SIZE(local); i++) {
		more.host = HOST_ADDRESS;
		parse_address(local[i], &more.address);
		place = buf_add(&policy->rules, sizeof(*rule));
		*place = more;
	}
	return 0;
}

int policy_allow(struct policy *policy, const char *text, struct err *err)
{
	struct policy_rule rule = {0};
	char host[NAME_ROOM];
	const char *colon = strrchr(text, ':');
	size_t size = colon != NULL ? (size_t)(colon - text) : 0;

	if (colon == NULL || strchr(colon, ']') != NULL)
		return err_set(err, -EINVAL, "'%s' has no port: it is written HOST:PORT", text);
	if (!parse_ports(colon + 1, &rule))
		return err_set(err, -EINVAL,
			       "'%s': the port '%s' is no number up to 65535, FIRST-LAST or *",
			       text, colon + 1);
	if (size >= sizeof(host))
		return err_set(err, -EINVAL, "'%s': the host is too long", text);
	memcpy(host, text, size);
	host[size] = 0;
	if (!parse_host(host, &rule))
		return err_set(err, -EINVAL,
			       "'%s': the host is no address (IPv6 in brackets), "
			       "ADDRESS/BITS, name or *",
			       text);
	if (add_rule(policy, &rule) != 0)
		return err_set(err, -ENOMEM, "no memory");
	policy->kind = POLICY_LIST;
	return 0;
}

/* -- Questions ---------------------------------------------------------------------------------- */

bool policy_opens(const struct policy *policy)
{
	return policy->kind != POLICY_NOBODY;
}

static bool was_learned(struct policy *policy, const struct in6_addr *address, uint16_t port)
{
	bool found = false;

	pthread_mutex_lock(&policy->lock);
	for (size_t i = 0; i < BUF_COUNT(&policy->learned, struct learned_rule) && !found; i++) {
		const struct learned_rule *l = BUF_ITEM(&policy->learned, struct learned_rule, i);

		found = port >= l->first && port <= l->last &&
			memcmp(&l->address, address, sizeof(*address)) == 0;
	}
	pthread_mutex_unlock(&policy->lock);
	return found;
}

bool policy_reaches(struct policy *policy, const struct sockaddr *address)
{
	struct in6_addr where;
	uint16_t port;

	if (policy->kind == POLICY_NOBODY || !read_address(address, &where, &port))
		return false;
	if (policy->kind == POLICY_EVERYONE)
		return true;
	for (size_t i = 0; i < BUF_COUNT(&policy->rules, struct policy_rule); i++) {
		const struct policy_rule *rule = BUF_ITEM(&policy->rules, struct policy_rule, i);

		if (port >= rule->first && port <= rule->last && covers(rule, &where))
			return true;
	}
	return was_learned(policy, &where, port);
}

static bool names(const struct policy_rule *rule, const char *name, size_t size)
{
	return rule->host == HOST_NAME && strlen(rule->name) == size &&
	       strncasecmp(rule->name, name, size) == 0;
}

bool policy_resolves(const struct policy *policy, const char *name)
{
	size_t size = name_size(name);
	struct in6_addr number;

	if (policy->kind != POLICY_LIST)
		return policy->kind == POLICY_EVERYONE;
	if (parse_address(name, &number))
		return true; /* nobody is asked */
	for (size_t i = 0; i < BUF_COUNT(&policy->rules, struct policy_rule); i++) {
		const struct policy_rule *rule = BUF_ITEM(&policy->rules, struct policy_rule, i);

		if (rule->host == HOST_ANY || names(rule, name, size))
			return true;
	}
	return false;
}

/* A server that keeps answering with new addresses must not fill our memory. Under the lock. */
static int remember(struct buf *learned, const struct learned_rule *rule)
{
	for (size_t i = 0; i < BUF_COUNT(learned, struct learned_rule); i++) {
		if (memcmp(BUF_ITEM(learned, struct learned_rule, i), rule, sizeof(*rule)) == 0)
			return 0;
	}
	if (BUF_COUNT(learned, struct learned_rule) == LEARNED_MAX) {
		learned->size -= sizeof(*rule);
		memmove(learned->data, learned->data + sizeof(*rule), learned->size);
	}
	return buf_put(learned, rule, sizeof(*rule)) != NULL ? 0 : -ENOMEM;
}

int policy_learn(struct policy *policy, const char *name, const struct sockaddr *address)
{
	size_t size = name_size(name);
	struct learned_rule rule;
	uint16_t port;
	int error = 0;

	if (policy->kind != POLICY_LIST || !read_address(address, &rule.address, &port))
		return 0;
	for (size_t i = 0; i < BUF_COUNT(&policy->rules, struct policy_rule) && error == 0; i++) {
		const struct policy_rule *from = BUF_ITEM(&policy->rules, struct policy_rule, i);

		if (!names(from, name, size))
			continue;
		rule.first = from->first;
		rule.last = from->last;
		pthread_mutex_lock(&policy->lock);
		error = remember(&policy->learned, &rule);
		pthread_mutex_unlock(&policy->lock);
	}
	return error;
}
