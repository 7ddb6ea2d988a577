/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_message.h: DNS messages put together by hand, right and wrong, for the tests of dns.c and of the resolver. Written
 * apart from dns.c, so that a mistake there is not made here too.
 */
#ifndef WASI_TEST_MESSAGE_H
#define WASI_TEST_MESSAGE_H

#include <stdint.h>
#include <string.h>

#include "wasi/dns.h"

struct test_message {
	uint8_t bytes[65535];
	size_t size;
};

enum { REPLY_FLAGS = 0x8180, REPLY_TRUNCATED = 0x8380 };

static inline void put_bytes(struct test_message *m, const void *bytes, size_t size)
{
	memcpy(m->bytes + m->size, bytes, size);
	m->size += size;
}

static inline void put_number(struct test_message *m, unsigned number)
{
	uint8_t bytes[2] = {(uint8_t)(number >> 8), (uint8_t)number};

	put_bytes(m, bytes, 2);
}

/* "a.b" as labels; "" is the root. */
static inline void put_name(struct test_message *m, const char *name)
{
	while (*name != '\0') {
		size_t size = strcspn(name, ".");
		uint8_t length = (uint8_t)size;

		put_bytes(m, &length, 1);
		put_bytes(m, name, size);
		name += size + (name[size] == '.');
	}
	put_bytes(m, "", 1);
}

static inline void put_header(struct test_message *m, unsigned id, unsigned flags,
			      unsigned questions, unsigned answers)
{
	m->size = 0;
	put_number(m, id);
	put_number(m, flags);
	put_number(m, questions);
	put_number(m, answers);
	put_number(m, 0);
	put_number(m, 0);
}

static inline void put_question(struct test_message *m, const char *name, unsigned type)
{
	put_name(m, name);
	put_number(m, type);
	put_number(m, 1);
}

/* What follows the owner of a record. */
static inline void put_record(struct test_message *m, unsigned type, const void *data, size_t size)
{
	put_number(m, type);
	put_number(m, 1);
	put_number(m, 0);
	put_number(m, 60);
	put_number(m, (unsigned)size);
	put_bytes(m, data, size);
}

static inline void put_alias(struct test_message *m, const char *from, const char *to)
{
	struct test_message name = {.size = 0};

	put_name(&name, to);
	put_name(m, from);
	put_record(m, DNS_CNAME, name.bytes, name.size);
}

/* 10.0.0.N, or 2001:db8::N */
static inline void put_address(struct test_message *m, const char *name, unsigned type, unsigned n)
{
	uint8_t v4[4] = {10, 0, (uint8_t)(n >> 8), (uint8_t)n};
	uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)n};

	put_name(m, name);
	if (type == DNS_A)
		put_record(m, type, v4, sizeof(v4));
	else
		put_record(m, type, v6, sizeof(v6));
}

#endif
