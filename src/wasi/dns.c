/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns.c: see dns.h.
 *
 * A reply is never copied and never trusted: every read is behind a check against its end. Names in it are walked
 * label by label (struct walk). A pointer must lead to before the run of labels it ends, so that no walk
 * can turn in a circle, and JUMPS_MAX of them end a walk: without it a message of pointers to pointers, each used by
 * thousands of records, would be quadratic.
 *
 * Records are in any order, so an alias may stand behind what it leads to. The answers are gone through
 * from the beginning until no alias was followed on the way: two times as servers order them, at the worst
 * DNS_LINKS_MAX + 1 times.
 */
#include "wasi/dns.h"

#include <string.h>

#include "base/base.h"

enum {
	HEADER_SIZE = 12,
	RECORD_SIZE = 10,   /* type, class, time to live, size of the data */
	LABEL_MAX = 63,
	JUMPS_MAX = 127,    /* as many as a name can have labels */
	CLASS_IN = 1,
	TEXT_PAST = '.',    /* what ends a label in text */
	BITS_REPLY = 0x80,  /* of the third byte of a header */
	BITS_OPCODE = 0x78,
	BITS_TRUNCATED = 0x02,
	BITS_RECURSE = 0x01,
	BITS_CODE = 0x0f,   /* of the fourth */
	POINTER = 0xc0,
};

struct message {
	const uint8_t *bytes; /* borrowed */
	size_t size;
};

static uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* -- Names as text -------------------------------------------------------------------------------- */

static bool is_sound(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c >= 0x80;
}

bool dns_name_parse(const char *text, size_t size, struct dns_name *ret)
{
	struct dns_name name = {0};
	size_t label = 0; /* where the length of the label being read goes */

	if (size == 0 || size > DNS_TEXT_MAX)
		return false;
	for (size_t i = 0; i <= size; i++) {
		uint8_t c = i < size ? lower((uint8_t)text[i]) : TEXT_PAST;
		size_t length = i - label;

		if (c != TEXT_PAST && !is_sound(c))
			return false;
		if (c == TEXT_PAST && (length == 0 || length > LABEL_MAX))
			return false;
		if (c != TEXT_PAST) {
			name.bytes[i + 1] = c;
			continue;
		}
		name.bytes[label] = (uint8_t)length;
		label = i + 1;
	}
	name.size = (uint8_t)(size + 2);
	*ret = name;
	return true;
}

bool dns_name_text(const struct dns_name *name, char ret[DNS_TEXT_MAX + 1])
{
	char text[DNS_NAME_MAX];
	size_t next = 0; /* the length of a label */

	if (name->size < 3)
		return false;
	for (size_t i = 0; i + 1 < name->size; i++) {
		bool is_length = i == next;

		if (is_length)
			next = i + 1 + name->bytes[i];
		else if (!is_sound(name->bytes[i]))
			return false;
		if (i > 0)
			text[i - 1] = is_length ? TEXT_PAST : (char)name->bytes[i];
	}
	text[name->size - 2U] = '\0';
	memcpy(ret, text, name->size - 1U);
	return true;
}

/* -- Questions ------------------------------------------------------------------------------------ */

size_t dns_query(const struct dns_question *question, bool extended, uint8_t ret[DNS_QUERY_MAX])
{
	uint8_t *at = ret;

	at = put_u16(at, question->id);
	at = put_u16(at, BITS_RECURSE << 8);
	at = put_u16(at, 1); /* questions */
	at = put_u16(at, 0); /* answers */
	at = put_u16(at, 0); /* authorities */
	at = put_u16(at, extended ? 1 : 0); /* more */
	memcpy(at, question->name.bytes, question->name.size);
	at = put_u16(at + question->name.size, question->type);
	at = put_u16(at, CLASS_IN);
	if (extended) {
		*at++ = 0; /* the root's */
		at = put_u16(at, DNS_OPT);
		at = put_u16(at, DNS_UDP_MAX);
		at = put_u16(at, 0); /* code, version */
		at = put_u16(at, 0); /* flags */
		at = put_u16(at, 0); /* no options */
	}
	return (size_t)(at - ret);
}

/* -- Names in a message --------------------------------------------------------------------------- */

struct walk {
	const struct message *message; /* borrowed */
	size_t at;
	size_t run; /* where the labels being walked begin; a pointer leads to before */
	uint32_t jumps; /* made */
};

/* The next label: its length, 0 at the name's end, -1 where there is none. */
static int walk_next(struct walk *w, const uint8_t **ret)
{
	const struct message *m = w->message;

	for (;;) {
		size_t target;
		uint8_t head;

		if (w->at >= m->size)
			return -1;
		head = m->bytes[w->at];
		if (head <= LABEL_MAX) {
			if (head > m->size - w->at - 1)
				return -1;
			*ret = m->bytes + w->at + 1;
			w->at += 1U + head;
			return head;
		}
		if ((head & POINTER) != POINTER || m->size - w->at < 2)
			return -1;
		target = get_u16(m->bytes + w->at) & 0x3fff;
		if (target >= w->run || w->jumps++ == JUMPS_MAX)
			return -1;
		w->at = w->run = target;
	}
}

/* Where what follows the name begins; 0: it goes past the end, or is none. Pointers are not followed. */
static size_t skip_name(const struct message *m, size_t at)
{
	size_t from = at;

	while (at < m->size && at - from < DNS_NAME_MAX) {
		uint8_t head = m->bytes[at];

		if (head == 0)
			return at + 1;
		if ((head & POINTER) == POINTER)
			return m->size - at >= 2 ? at + 2 : 0;
		if (head > LABEL_MAX)
			return 0;
		at += 1U + head;
	}
	return 0;
}

static bool read_name(const struct message *m, size_t at, struct dns_name *ret)
{
	struct walk walk = {.message = m, .at = at, .run = at};
	struct dns_name name = {0};
	size_t size = 0;

	for (;;) {
		const uint8_t *label;
		int length = walk_next(&walk, &label);

		if (length < 0 || size + 1 + (size_t)length > DNS_NAME_MAX)
			return false;
		name.bytes[size++] = (uint8_t)length;
		if (length == 0)
			break;
		for (int i = 0; i < length; i++)
			name.bytes[size++] = lower(label[i]);
	}
	name.size = (uint8_t)size;
	*ret = name;
	return true;
}

/* Is this the name? Ends with the first label that differs. */
static bool is_name(const struct message *m, size_t at, const struct dns_name *name)
{
	struct walk walk = {.message = m, .at = at, .run = at};

	for (size_t size = 0;;) {
		const uint8_t *label;
		int length = walk_next(&walk, &label);

		/* Lengths that agree keep this within the name, which ends with the first 0. */
		if (length < 0 || name->bytes[size] != length)
			return false;
		if (length == 0)
			return true;
		size++;
		for (int i = 0; i < length; i++)
			if (name->bytes[size++] != lower(label[i]))
				return false;
	}
}

/* -- Replies -------------------------------------------------------------------------------------- */

struct record {
	size_t name; /* offsets in the message */
	size_t data;
	size_t size; /* of the data */
	uint16_t type;
	uint16_t class;
};

/* The record at `at`: where the next begins; 0: it goes past the end. */
static size_t read_record(const struct message *m, size_t at, struct record *ret)
{
	size_t head = skip_name(m, at);

	if (head == 0 || m->size - head < RECORD_SIZE)
		return 0;
	*ret = (struct record){
		.name = at,
		.data = head + RECORD_SIZE,
		.size = get_u16(m->bytes + head + 8),
		.type = get_u16(m->bytes + head),
		.class = get_u16(m->bytes + head + 2),
	};
	return ret->size <= m->size - ret->data ? ret->data + ret->size : 0;
}

/* A record that belongs to the name looked for. */
static int take_record(const struct message *m, uint16_t type, const struct record *record,
		       struct dns_reply *reply)
{
	size_t size = type == DNS_A ? 4 : 16;

	if (record->type == DNS_CNAME) {
		if (skip_name(m, record->data) != record->data + record->size ||
		    !read_name(m, record->data, &reply->name) || reply->links++ == DNS_LINKS_MAX)
			return DNS_BROKEN;
		return 0;
	}
	if (record->size != size)
		return DNS_BROKEN;
	if (reply->count < DNS_ADDRESSES_MAX)
		memcpy(reply->addresses[reply->count++], m->bytes + record->data, size);
	return 0;
}

/* Once through the answers, which begin at `at`. */
static int read_answers(const struct message *m, uint16_t type, size_t at, struct dns_reply *reply)
{
	uint32_t count = get_u16(m->bytes + 6);

	for (uint32_t i = 0; i < count; i++) {
		struct record record;
		int rc;

		at = read_record(m, at, &record);
		if (at == 0)
			return DNS_BROKEN;
		if (record.class != CLASS_IN || (record.type != type && record.type != DNS_CNAME) ||
		    !is_name(m, record.name, &reply->name))
			continue;
		rc = take_record(m, type, &record, reply);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/*
 * Does the message answer the question: where its answers begin; 0: it does not. A server that does not
 * understand a question may leave it out of its refusal: the id has to do then.
 */
static size_t match_question(const struct message *m, const struct dns_question *question)
{
	size_t end;

	if (m->size < HEADER_SIZE || get_u16(m->bytes) != question->id ||
	    (m->bytes[2] & (BITS_REPLY | BITS_OPCODE)) != BITS_REPLY)
		return 0;
	if (get_u16(m->bytes + 4) == 0)
		return (m->bytes[3] & BITS_CODE) == DNS_FORMAT_ERROR ? HEADER_SIZE : 0;
	if (get_u16(m->bytes + 4) != 1)
		return 0;
	end = skip_name(m, HEADER_SIZE);
	if (end == 0 || m->size - end < 4 || get_u16(m->bytes + end) != question->type ||
	    get_u16(m->bytes + end + 2) != CLASS_IN || !is_name(m, HEADER_SIZE, &question->name))
		return 0;
	return end + 4;
}

int dns_reply_parse(const struct dns_question *question, const uint8_t *bytes, size_t size,
		    struct dns_reply *ret)
{
	struct message m = {bytes, size};
	struct dns_reply reply = {0};
	size_t answers = match_question(&m, question);
	uint32_t links;

	if (answers == 0)
		return DNS_OTHER;
	reply.code = bytes[3] & BITS_CODE;
	reply.truncated = (bytes[2] & BITS_TRUNCATED) != 0;
	reply.name = question->name;
	while (reply.code == DNS_NO_ERROR && !reply.truncated) {
		int rc;

		links = reply.links;
		reply.count = 0;
		rc = read_answers(&m, question->type, answers, &reply);
		if (rc != 0)
			return rc;
		if (reply.links == links)
			break;
	}
	*ret = reply;
	return 0;
}
