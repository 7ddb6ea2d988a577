/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns.h: questions to a name server as bytes, and its replies as structs. No input, no output.
 *
 * RFC 1035, with the OPT record of RFC 6891. A reply is foreign bytes: it is taken only where it answers the very question
 * that was asked, and read in time proportional to its size whatever it says: names may only point backwards, in few
 * jumps; links from alias to alias are counted.
 */
#ifndef WASI_DNS_H
#define WASI_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_AAAA = 28,
	DNS_OPT = 41,
};

/* What a reply says of the question as a whole. */
enum dns_code {
	DNS_NO_ERROR = 0,
	DNS_FORMAT_ERROR = 1,
	DNS_SERVER_FAILURE = 2,
	DNS_NO_SUCH_NAME = 3,
	DNS_NOT_IMPLEMENTED = 4,
	DNS_REFUSED = 5,
};

enum {
	DNS_TEXT_MAX = 253,       /* characters of a name, without a final dot */
	DNS_NAME_MAX = 255,       /* bytes of one in a message */
	DNS_UDP_MAX = 1232,       /* of a reply by UDP, as we tell the servers */
	DNS_QUERY_MAX = 12 + DNS_NAME_MAX + 4 + 11,
	DNS_ADDRESSES_MAX = 32,   /* of one reply; further ones are not looked at */
	DNS_LINKS_MAX = 16,       /* from alias to alias */
};

/* As in a message: each label behind its length, the empty one last. Small letters only, not compressed. */
struct dns_name {
	uint8_t size;
	uint8_t bytes[DNS_NAME_MAX];
};

struct dns_question {
	uint16_t id;
	uint16_t type; /* DNS_A, DNS_AAAA */
	struct dns_name name;
};

struct dns_reply {
	uint8_t code; /* enum dns_code, or another number below 16 */
	bool truncated; /* ask again by TCP; nothing below is filled in */
	uint32_t count; /* 0 also where the name exists without such addresses */
	uint32_t links; /* aliases followed */
	struct dns_name name; /* at the end of the aliases */
	uint8_t addresses[DNS_ADDRESSES_MAX][16]; /* the first 4 bytes for DNS_A */
};

/*
 * A name as people write it, without a final dot. False: it cannot be asked. Labels of 1 to 63 bytes, all in all
 * DNS_TEXT_MAX; letters, digits, '-', '_', and bytes from 0x80 on as they are (UTF-8). Nothing else: what a guest
 * passes on from elsewhere may hold blanks, slashes or line ends, and no host is called so.
 */
bool dns_name_parse(const char *text, size_t size, struct dns_name *ret);
/* The other way, with a NUL; false: it holds what dns_name_parse() refuses. */
bool dns_name_text(const struct dns_name *name, char ret[DNS_TEXT_MAX + 1]);

/* The question as a message: its size. `extended`: with an OPT record; old servers do not know it. */
size_t dns_query(const struct dns_question *question, bool extended, uint8_t ret[DNS_QUERY_MAX]);

/* Outcomes of dns_reply_parse(). */
enum {
	DNS_OTHER = 1, /* no reply to this question: wait on */
	DNS_BROKEN, /* a reply to it that cannot be understood */
};

int dns_reply_parse(const struct dns_question *question, const uint8_t *bytes, size_t size,
		    struct dns_reply *ret);

#endif
