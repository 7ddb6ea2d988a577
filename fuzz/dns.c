/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns.c (fuzz): any bytes as a name server's reply, and as the files of /etc that the resolver reads.
 *
 * The first byte says as what: a whole message; what follows the right header and question; resolv.conf;
 * hosts; services. Beyond the sanitizers: a reply that is taken keeps its limits, is read the same twice, and
 * leads to a name that, if it can be told, can be asked again; settings keep theirs; nothing is written
 * where nothing is found.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "wasi/resolver_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char asked[] = "www.example";

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void parse_reply(const struct dns_question *question, const uint8_t *bytes, size_t size)
{
	struct dns_reply reply;
	struct dns_reply again;
	struct dns_name name;
	char text[DNS_TEXT_MAX + 1];
	int rc = dns_reply_parse(question, bytes, size, &reply);

	require(rc >= 0 && rc <= DNS_BROKEN);
	if (rc != 0)
		return;
	require(dns_reply_parse(question, bytes, size, &again) == 0);
	require(reply.code == again.code && reply.truncated == again.truncated &&
		reply.count == again.count && reply.links == again.links);
	require(memcmp(&reply.name, &again.name, sizeof(again.name)) == 0 &&
		memcmp(reply.addresses, again.addresses, sizeof(again.addresses)) == 0);
	require(reply.count <= DNS_ADDRESSES_MAX && reply.links <= DNS_LINKS_MAX);
	require(reply.count == 0 || (reply.code == DNS_NO_ERROR && !reply.truncated));
	require(reply.name.size >= 1 && reply.name.bytes[reply.name.size - 1] == 0);
	if (dns_name_text(&reply.name, text)) {
		require(strlen(text) + 2 == reply.name.size);
		require(dns_name_parse(text, strlen(text), &name));
		require(memcmp(&name, &reply.name, sizeof(name)) == 0);
	}
}

/* The bytes behind a header and question that fit; the first two are the count of answers. */
static void parse_answers(struct dns_question *question, const uint8_t *bytes, size_t size)
{
	uint8_t query[DNS_QUERY_MAX];
	size_t head = dns_query(question, false, query);
	uint8_t *message;

	if (size < 2)
		return;
	message = malloc(head + size - 2);
	require(message != NULL);
	memcpy(message, query, head);
	memcpy(message + head, bytes + 2, size - 2);
	message[2] |= 0x80;
	message[6] = bytes[0];
	message[7] = bytes[1];
	parse_reply(question, message, head + size - 2);
	free(message);
}

static void parse_config(struct span text)
{
	struct resolver_config config;

	resolver_config_parse(text, &config);
	require(config.server_count <= RESOLVER_SERVERS);
	require(config.search_count <= RESOLVER_SEARCH);
	for (uint32_t i = 0; i < config.search_count; i++)
		require(config.search[i].size > 0 && config.search[i].at >= text.at &&
			config.search[i].at + config.search[i].size <= text.at + text.size);
	require(config.ndots <= RESOLVER_NDOTS);
	require(config.timeout >= 1 && config.timeout <= RESOLVER_TIMEOUT);
	require(config.attempts >= 1 && config.attempts <= RESOLVER_ATTEMPTS);
}

static void parse_hosts(struct span text)
{
	struct resolved_addresses *found = calloc(1, sizeof(*found));

	require(found != NULL);
	resolver_hosts_find(text, "a", AF_UNSPEC, found);
	require(found->count <= RESOLVER_MAX);
	require(memchr(found->name, '\0', sizeof(found->name)) != NULL);
	free(found);
}

static void parse_services(struct span text)
{
	uint16_t port = 1;
	int rc = resolver_services_find(text, "a", "tcp", &port);

	require(rc == 0 || port == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_question question = {.id = 0x3132, .type = DNS_A};
	struct span text = {(const char *)data + 1, size - 1};

	if (size == 0)
		return 0;
	require(dns_name_parse(asked, strlen(asked), &question.name));
	if (data[0] & 0x80)
		question.type = DNS_AAAA;
	switch (data[0] & 7) {
	case 0:
		parse_reply(&question, data + 1, size - 1);
		break;
	case 1:
		parse_answers(&question, data + 1, size - 1);
		break;
	case 2:
		parse_config(text);
		break;
	case 3:
		parse_hosts(text);
		break;
	case 4:
		parse_services(text);
		break;
	}
	return 0;
}
