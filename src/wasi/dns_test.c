/* SPDX-License-Identifier: Apache-2.0 */
/* dns_test.c: names, questions, and replies that are right, wrong, and meant to hurt. */
#include "wasi/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "wasi/test_message.h"

static struct test_message message;

static struct dns_question ask(const char *name, uint16_t type)
{
	struct dns_question question = {.id = 0x1234, .type = type};

	assert_true(dns_name_parse(name, strlen(name), &question.name));
	return question;
}

/* A reply to "www.example" A so far: header and question. */
static void begin(unsigned answers)
{
	put_header(&message, 0x1234, REPLY_FLAGS, 1, answers);
	put_question(&message, "www.example", DNS_A);
}

static int parse(struct dns_reply *ret)
{
	struct dns_question question = ask("www.example", DNS_A);

	return dns_reply_parse(&question, message.bytes, message.size, ret);
}

static void is_name(const struct dns_reply *reply, const char *name)
{
	char text[DNS_TEXT_MAX + 1];

	assert_true(dns_name_text(&reply->name, text));
	assert_string_equal(text, name);
}

/* -- Names ---------------------------------------------------------------------------------------- */

static bool sound(const char *text)
{
	struct dns_name name;
	char back[DNS_TEXT_MAX + 1];

	if (!dns_name_parse(text, strlen(text), &name))
		return false;
	assert_true(dns_name_text(&name, back));
	assert_int_equal(strcasecmp(text, back), 0);
	return true;
}

static void names(void **state)
{
	char label[80];
	char whole[300];

	(void)state;
	assert_true(sound("a") && sound("WWW.Example") && sound("_x._tcp.a-b.0") &&
		    sound("b\xc3\xbc"
			  "cher.de"));
	assert_false(sound("") || sound(".") || sound("a.") || sound(".a") || sound("a..b"));
	assert_false(sound("a b") || sound("a/b") || sound("a\nb") || sound("a*") || sound("a\\b"));
	memset(label, 'x', sizeof(label));
	label[63] = '\0';
	assert_true(sound(label));
	label[63] = 'x';
	label[64] = '\0';
	assert_false(sound(label));
	for (int i = 0; i < 300; i++)
		whole[i] = i % 2 ? '.' : 'x';
	whole[253] = '\0';
	assert_true(sound(whole));
	whole[253] = '.';
	whole[255] = '\0';
	assert_false(sound(whole));
}

static void name_bytes(void **state)
{
	struct dns_name name = {0};
	char text[DNS_TEXT_MAX + 1] = "kept";

	(void)state;
	assert_true(dns_name_parse("WwW.eX", 6, &name));
	assert_int_equal(name.size, 8);
	assert_memory_equal(name.bytes, "\3www\2ex", 8);
	name.bytes[2] = '.';
	assert_false(dns_name_text(&name, text));
	name = (struct dns_name){.size = 1};
	assert_false(dns_name_text(&name, text)); /* the root */
	assert_string_equal(text, "kept");
}

static void queries(void **state)
{
	struct dns_question question = ask("www.example", DNS_AAAA);
	uint8_t bytes[DNS_QUERY_MAX];
	size_t size = dns_query(&question, false, bytes);
	static const uint8_t opt[] = {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0};

	(void)state;
	put_header(&message, 0x1234, 0x0100, 1, 0);
	put_question(&message, "www.example", DNS_AAAA);
	assert_int_equal(size, message.size);
	assert_memory_equal(bytes, message.bytes, size);
	assert_int_equal(dns_query(&question, true, bytes), size + sizeof(opt));
	assert_int_equal(bytes[11], 1);
	assert_memory_equal(bytes + size, opt, sizeof(opt));
}

/* -- Replies that are right ----------------------------------------------------------------------- */

static void addresses(void **state)
{
	struct dns_question question = ask("www.example", DNS_AAAA);
	struct dns_reply reply;

	(void)state;
	begin(3);
	put_address(&message, "WWW.example", DNS_A, 1);
	put_address(&message, "other.example", DNS_A, 2);
	put_bytes(&message, "\xc0\x0c", 2);
	put_record(&message, DNS_A, "\x0a\x00\x00\x03", 4);
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.count, 2);
	assert_memory_equal(reply.addresses[0], "\x0a\x00\x00\x01", 4);
	assert_memory_equal(reply.addresses[1], "\x0a\x00\x00\x03", 4);
	is_name(&reply, "www.example");

	put_header(&message, 0x1234, REPLY_FLAGS, 1, 2);
	put_question(&message, "www.Example", DNS_AAAA);
	put_address(&message, "www.example", DNS_A, 1);
	put_address(&message, "www.example", DNS_AAAA, 7);
	assert_int_equal(dns_reply_parse(&question, message.bytes, message.size, &reply), 0);
	assert_int_equal(reply.count, 1);
	assert_int_equal(reply.addresses[0][15], 7);
}

static void codes(void **state)
{
	struct dns_reply reply;

	(void)state;
	begin(0);
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.code, DNS_NO_ERROR);
	assert_int_equal(reply.count, 0);
	message.bytes[3] = 0x83;
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.code, DNS_NO_SUCH_NAME);
	put_header(&message, 0x1234, REPLY_TRUNCATED, 1, 9);
	put_question(&message, "www.example", DNS_A);
	assert_int_equal(parse(&reply), 0);
	assert_true(reply.truncated);
	/* Refusals may come without their question; nothing else may. */
	put_header(&message, 0x1234, 0x8181, 0, 0);
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.code, DNS_FORMAT_ERROR);
	put_header(&message, 0x1234, 0x8183, 0, 0);
	assert_int_equal(parse(&reply), DNS_OTHER);
}

static void aliases(void **state)
{
	struct dns_reply reply;

	(void)state;
	begin(4);
	put_alias(&message, "www.example", "a.example");
	put_alias(&message, "a.example", "b.example");
	put_address(&message, "b.example", DNS_A, 1);
	put_address(&message, "www.example", DNS_A, 2);
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.count, 1);
	assert_int_equal(reply.links, 2);
	assert_memory_equal(reply.addresses[0], "\x0a\x00\x00\x01", 4);
	is_name(&reply, "b.example");

	/* The other way round. */
	begin(4);
	put_address(&message, "b.example", DNS_A, 1);
	put_alias(&message, "a.example", "b.example");
	put_alias(&message, "www.example", "a.example");
	put_address(&message, "b.example", DNS_A, 3);
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.count, 2);
	is_name(&reply, "b.example");

	/* An alias of what has no such addresses. */
	begin(1);
	put_alias(&message, "www.example", "a b.example");
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.count, 0);
	assert_false(dns_name_text(&reply.name, (char[DNS_TEXT_MAX + 1]){""}));
}

static void many(void **state)
{
	struct dns_reply reply;

	(void)state;
	begin(40);
	for (unsigned i = 0; i < 40; i++)
		put_address(&message, "www.example", DNS_A, i);
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.count, DNS_ADDRESSES_MAX);
	assert_int_equal(reply.addresses[31][3], 31);
}

/* -- Replies to something else -------------------------------------------------------------------- */

static void others(void **state)
{
	struct dns_reply reply = {.code = 77};

	(void)state;
	begin(0);
	for (size_t size = 0; size < message.size; size++) {
		struct dns_question question = ask("www.example", DNS_A);

		assert_int_equal(dns_reply_parse(&question, message.bytes, size, &reply),
				 DNS_OTHER);
	}
	message.bytes[0]++; /* id */
	assert_int_equal(parse(&reply), DNS_OTHER);
	put_header(&message, 0x1234, 0x0100, 1, 0); /* no reply */
	put_question(&message, "www.example", DNS_A);
	assert_int_equal(parse(&reply), DNS_OTHER);
	put_header(&message, 0x1234, 0x8980, 1, 0); /* another kind of question */
	put_question(&message, "www.example", DNS_A);
	assert_int_equal(parse(&reply), DNS_OTHER);
	put_header(&message, 0x1234, REPLY_FLAGS, 2, 0);
	put_question(&message, "www.example", DNS_A);
	put_question(&message, "www.example", DNS_A);
	assert_int_equal(parse(&reply), DNS_OTHER);
	put_header(&message, 0x1234, REPLY_FLAGS, 1, 0);
	put_question(&message, "www.example", DNS_AAAA);
	assert_int_equal(parse(&reply), DNS_OTHER);
	put_header(&message, 0x1234, REPLY_FLAGS, 1, 0);
	put_question(&message, "www.example.org", DNS_A);
	assert_int_equal(parse(&reply), DNS_OTHER);
	begin(0);
	message.bytes[message.size - 1] = 3; /* class */
	assert_int_equal(parse(&reply), DNS_OTHER);
	assert_int_equal(reply.code, 77);
}

/* -- Replies meant to hurt ------------------------------------------------------------------------ */

static void cut(void **state)
{
	struct dns_question question = ask("www.example", DNS_A);
	struct dns_reply reply;
	size_t head;

	(void)state;
	begin(2);
	head = message.size;
	put_alias(&message, "www.example", "a.example");
	put_address(&message, "a.example", DNS_A, 1);
	for (size_t size = head; size < message.size; size++)
		assert_int_equal(dns_reply_parse(&question, message.bytes, size, &reply),
				 DNS_BROKEN);
	assert_int_equal(parse(&reply), 0);
	begin(65535);
	put_address(&message, "www.example", DNS_A, 1);
	assert_int_equal(parse(&reply), DNS_BROKEN);
}

static void wrong_sizes(void **state)
{
	struct dns_reply reply;
	uint8_t data[64] = {0};

	(void)state;
	for (size_t size = 0; size < 20; size++) {
		begin(1);
		put_name(&message, "www.example");
		put_record(&message, DNS_A, data, size);
		assert_int_equal(parse(&reply), size == 4 ? 0 : DNS_BROKEN);
	}
	/* An alias with bytes behind its name, and one that goes on behind its data. */
	begin(1);
	put_name(&message, "www.example");
	put_record(&message, DNS_CNAME, "\1a\0x", 4);
	assert_int_equal(parse(&reply), DNS_BROKEN);
	begin(1);
	put_name(&message, "www.example");
	put_record(&message, DNS_CNAME, "\1a", 2);
	put_bytes(&message, "\0", 1);
	assert_int_equal(parse(&reply), DNS_BROKEN);
	/* Another class, another type: not looked into. */
	begin(2);
	put_name(&message, "www.example");
	put_record(&message, 16, data, 3);
	put_name(&message, "www.example");
	put_number(&message, DNS_A);
	put_number(&message, 3);
	put_bytes(&message, data, 6);
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.count, 0);
}

/* A record of this owner: never taken; broken only where its end cannot be told. */
static int parse_owner(const void *owner, size_t size)
{
	struct dns_reply reply;
	int rc;

	begin(1);
	put_bytes(&message, owner, size);
	put_record(&message, DNS_A, "\x0a\0\0\1", 4);
	rc = parse(&reply);
	assert_true(rc != 0 || reply.count == 0);
	return rc;
}

static void pointers(void **state)
{
	struct dns_reply reply;
	uint8_t self[2] = {0xc0, 12 + 13 + 4};
	uint8_t labels[301];

	(void)state;
	assert_int_equal(parse_owner(self, 2), 0);
	assert_int_equal(parse_owner("\xff\xff", 2), 0); /* out of the message */
	assert_int_equal(parse_owner("\xc0\x20", 2), 0); /* forwards */
	assert_int_equal(parse_owner("\1a\xc0\x1d", 4), 0); /* to its own beginning */
	assert_int_equal(parse_owner("\x40"
				     "a",
				     2),
			 DNS_BROKEN);
	assert_int_equal(parse_owner("\x80", 1), DNS_BROKEN);
	memset(labels, 1, sizeof(labels));
	labels[300] = 0; /* 150 of one byte */
	assert_int_equal(parse_owner(labels, sizeof(labels)), DNS_BROKEN);

	assert_int_equal(parse_owner("\xc0\x02", 2), 0); /* to what is no length */

	/* The same where a name has to be read. */
	begin(1);
	put_bytes(&message, "\xc0\x0c", 2);
	put_record(&message, DNS_CNAME, "\xff\xff", 2);
	assert_int_equal(parse(&reply), DNS_BROKEN);
	begin(1);
	put_bytes(&message, "\xc0\x0c", 2);
	put_record(&message, DNS_CNAME, "\1a\xc0\x29", 4); /* itself */
	assert_int_equal(parse(&reply), DNS_BROKEN);
}

/* Forwards there may be a name, and yet it is none that may be pointed to. */
static void forwards(void **state)
{
	struct dns_reply reply;

	(void)state;
	for (unsigned back = 0; back < 2; back++) {
		begin(2);
		put_bytes(&message, "\xc0\x0c", 2); /* at 29 */
		put_record(&message, DNS_CNAME, back ? "\xc0\x10" : "\xc0\x2b", 2);
		put_address(&message, "other.example", DNS_A, 1); /* at 43 */
		assert_int_equal(parse(&reply), back ? 0 : DNS_BROKEN);
	}
}

/* As many jumps as a name can have labels, and one more. */
static void jumps(void **state)
{
	struct dns_reply reply;

	(void)state;
	for (unsigned count = 126; count <= 128; count++) {
		size_t chain;

		begin(2);
		put_bytes(&message, "", 1);
		put_number(&message, 16);
		put_bytes(&message, "\0\1\0\0\0\0", 6);
		put_number(&message, 2 * (count - 1));
		chain = message.size;
		put_bytes(&message, "\xc0\x0c", 2);
		while (message.size < chain + 2 * (count - 1))
			put_number(&message, 0xc000 | (unsigned)(message.size - 2));
		put_number(&message, 0xc000 | (unsigned)(message.size - 2));
		put_record(&message, DNS_A, "\x0a\0\0\1", 4);
		assert_int_equal(parse(&reply), 0);
		assert_int_equal(reply.count, count <= 127);
	}
}

/* A name longer than any, of parts that are not. */
static void long_name(void **state)
{
	struct dns_reply reply;
	char part[200];

	(void)state;
	memset(part, 'x', sizeof(part));
	for (size_t i = 20; i < sizeof(part); i += 20)
		part[i] = '.';
	part[199] = '\0';
	begin(2);
	put_name(&message, part); /* from offset 29 on */
	put_record(&message, 16, "", 0);
	put_bytes(&message, "\xc0\x0c", 2);
	put_number(&message, DNS_CNAME);
	put_number(&message, 1);
	put_bytes(&message, "\0\0\0\0", 4);
	put_number(&message, 80 + 2);
	for (int i = 0; i < 80; i++)
		put_bytes(&message, i % 2 == 0 ? "\1" : "y", 1);
	put_bytes(&message, "\xc0\x1d", 2);
	assert_int_equal(parse(&reply), DNS_BROKEN);
}

static void loops(void **state)
{
	struct dns_reply reply;
	char from[32];
	char to[32];

	(void)state;
	begin(1);
	put_alias(&message, "www.example", "www.example");
	assert_int_equal(parse(&reply), DNS_BROKEN);
	begin(2);
	put_alias(&message, "www.example", "a");
	put_alias(&message, "a", "www.example");
	assert_int_equal(parse(&reply), DNS_BROKEN);
	for (unsigned length = DNS_LINKS_MAX; length <= DNS_LINKS_MAX + 1; length++) {
		begin(length + 1);
		strcpy(from, "www.example");
		for (unsigned i = 0; i < length; i++) {
			to[0] = (char)('a' + i);
			to[1] = '\0';
			put_alias(&message, from, to);
			strcpy(from, to);
		}
		put_address(&message, from, DNS_A, 1);
		assert_int_equal(parse(&reply), length <= DNS_LINKS_MAX ? 0 : DNS_BROKEN);
	}
	assert_int_equal(reply.links, DNS_LINKS_MAX);
}

static uint64_t microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/*
 * The largest message there is: a chain of thousands of pointers, thousands of records named by its end, and aliases in
 * the order that costs most. Milliseconds without a sanitizer; quadratic it would be minutes.
 */
static void costly(void **state)
{
	struct dns_reply reply;
	unsigned count = 0;
	size_t chain;
	uint64_t began;
	char from[2] = "a";
	char to[2] = "a";

	(void)state;
	begin(0);
	put_bytes(&message, "", 1);
	put_number(&message, 16);
	put_number(&message, 1);
	put_bytes(&message, "\0\0\0\0", 4);
	put_number(&message, 16000);
	chain = message.size;
	put_bytes(&message, "\xc0\x0c", 2);
	while (message.size < chain + 16000)
		put_number(&message, 0xc000 | (unsigned)(message.size - 2));
	count++;
	chain = message.size - 2;
	for (int i = DNS_LINKS_MAX - 2; i >= 0; i--, count++) {
		from[0] = (char)('a' + i);
		to[0] = (char)('a' + i + 1);
		put_alias(&message, from, to);
	}
	put_alias(&message, "www.example", "a");
	count++;
	for (; message.size < sizeof(message.bytes) - 20; count++) {
		put_number(&message, 0xc000 | (unsigned)chain);
		put_record(&message, DNS_A, "\x0a\0\0\1", 4);
	}
	message.bytes[6] = (uint8_t)(count >> 8);
	message.bytes[7] = (uint8_t)count;
	began = microseconds();
	assert_int_equal(parse(&reply), 0);
	assert_int_equal(reply.links, DNS_LINKS_MAX);
	assert_int_equal(reply.count, 0);
	assert_true(microseconds() - began < 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),    cmocka_unit_test(name_bytes),
		cmocka_unit_test(queries),  cmocka_unit_test(addresses),
		cmocka_unit_test(codes),    cmocka_unit_test(aliases),
		cmocka_unit_test(many),     cmocka_unit_test(others),
		cmocka_unit_test(cut),      cmocka_unit_test(wrong_sizes),
		cmocka_unit_test(pointers), cmocka_unit_test(long_name),
		cmocka_unit_test(forwards), cmocka_unit_test(jumps),
		cmocka_unit_test(loops),    cmocka_unit_test(costly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
