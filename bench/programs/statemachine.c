/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statemachine.c: four small jobs that alternate, each folded into one CRC: a linked list is
 * searched, reversed and merge-sorted through a comparison function; small integer matrices are
 * multiplied; a state machine reads numbers in several notations from text; and the CRC itself
 * works bit by bit.
 */
#include "program.h"

enum { ITEMS = 120, SIDE = 12, TEXT = 900, TURNS = 24 };

/* -- CRC ---------------------------------------------------------------------------------- */

static NOINLINE uint16_t crc_byte(uint16_t crc, uint8_t byte)
{
	for (int bit = 0; bit < 8; bit++) {
		uint32_t carry = (crc ^ byte) & 1;

		byte >>= 1;
		crc >>= 1;
		if (carry)
			crc ^= 0xa001;
	}
	return crc;
}

static uint16_t crc_u32(uint16_t crc, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		crc = crc_byte(crc, (uint8_t)(value >> 8 * i));
	return crc;
}

/* -- List --------------------------------------------------------------------------------- */

struct item {
	struct item *next; /* borrowed from items[] */
	int16_t value;
	uint16_t place;
};

typedef int item_compare_fn(const struct item *a, const struct item *b);

static struct item items[ITEMS];

static int by_value(const struct item *a, const struct item *b)
{
	return a->value - b->value;
}

static int by_place(const struct item *a, const struct item *b)
{
	return a->place - b->place;
}

static struct item *list_fill(uint32_t seed)
{
	for (uint16_t i = 0; i < ITEMS; i++) {
		items[i].next = i + 1 < ITEMS ? &items[i + 1] : NULL;
		items[i].value = (int16_t)(random_next(&seed) % 4096);
		items[i].place = i;
	}
	return items;
}

static NOINLINE struct item *list_reverse(struct item *list)
{
	struct item *done = NULL;

	while (list != NULL) {
		struct item *next = list->next;

		list->next = done;
		done = list;
		list = next;
	}
	return done;
}

static NOINLINE const struct item *list_find(const struct item *list, int16_t value)
{
	while (list != NULL && list->value != value)
		list = list->next;
	return list;
}

static NOINLINE struct item *list_merge(struct item *a, struct item *b, item_compare_fn *compare)
{
	struct item *head = NULL, **tail = &head;

	while (a != NULL && b != NULL) {
		struct item **first = compare(a, b) <= 0 ? &a : &b;

		*tail = *first;
		tail = &(*first)->next;
		*first = *tail;
	}
	*tail = a != NULL ? a : b;
	return head;
}

static struct item *list_sort(struct item *list, item_compare_fn *compare)
{
	struct item *runs[16] = {NULL};
	struct item *all = NULL;

	while (list != NULL) {
		struct item *one = list;
		int i;

		list = list->next;
		one->next = NULL;
		for (i = 0; i < 15 && runs[i] != NULL; i++) {
			one = list_merge(runs[i], one, compare);
			runs[i] = NULL;
		}
		runs[i] = one;
	}
	for (int i = 0; i < 16; i++)
		all = list_merge(runs[i], all, compare);
	return all;
}

static NOINLINE uint16_t list_job(uint16_t crc, uint32_t turn)
{
	struct item *list = list_fill(turn * 77 + 5);

	for (int16_t wanted = 0; wanted < 40; wanted++) {
		const struct item *found = list_find(list, (int16_t)(wanted * 97));

		crc = crc_byte(crc, found != NULL ? (uint8_t)found->place : 0xff);
		list = list_reverse(list);
	}
	list = list_sort(list, by_value);
	for (const struct item *i = list; i != NULL; i = i->next)
		crc = crc_u32(crc, (uint32_t)i->value << 16 | i->place);
	list = list_sort(list, by_place);
	return crc_u32(crc, (uint32_t)list->value);
}

/* -- Matrix ------------------------------------------------------------------------------- */

static int16_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];

static NOINLINE void matrix_multiply(void)
{
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			uint32_t sum = 0;

			for (int k = 0; k < SIDE; k++)
				sum += (uint32_t)(left[i][k] * right[k][j]);
			product[i][j] = (int32_t)sum;
		}
}

/* Middle bits of each product, as fixed-point code takes them. */
static NOINLINE void matrix_multiply_bits(void)
{
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			uint32_t sum = 0;

			for (int k = 0; k < SIDE; k++) {
				uint32_t p = (uint32_t)(left[i][k] * right[k][j]);

				sum += (p >> 2 & 15) * (p >> 5 & 127);
			}
			product[i][j] = (int32_t)sum;
		}
}

static uint16_t matrix_sum(uint16_t crc)
{
	int32_t sum = 0, last = 0;

	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			sum += product[i][j] > last ? 10 : product[i][j] & 7;
			last = product[i][j];
		}
	return crc_u32(crc, (uint32_t)sum);
}

static NOINLINE uint16_t matrix_job(uint16_t crc, uint32_t turn)
{
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			left[i][j] = (int16_t)((uint32_t)(i * 31 + j * 7) * (turn + 1) % 251);
			right[i][j] = (int16_t)((uint32_t)(i * 5 + j * 17) * (turn + 3) % 239);
		}
	matrix_multiply();
	crc = matrix_sum(crc);
	matrix_multiply_bits();
	return matrix_sum(crc);
}

/* -- State machine ------------------------------------------------------------------------ */

enum state { BEGIN, SIGN, INTEGER, POINT, FRACTION, EXPONENT, POWER, HEX, BAD, STATES };

static char text[TEXT];

static void text_fill(uint32_t seed)
{
	static const char *const samples[] = {"5012",   "-74",   "+0.5", "35.54e+8",
					      "0x1f9c", "-.123", "1e5",  "T0.3e-1F",
					      "12,",    "9.9.9", "+-3"};
	uint32_t at = 0;

	while (at + 12 < TEXT) {
		const char *s = samples[random_next(&seed) % 11];

		while (*s != '\0')
			text[at++] = *s++;
		text[at++] = ' ';
	}
	while (at < TEXT)
		text[at++] = '\0';
}

static inline int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum state next_in_number(enum state state, char c)
{
	switch (state) {
	case BEGIN:
		if (c == '+' || c == '-')
			return SIGN;
		/* fall through */
	case SIGN:
		return is_digit(c) ? INTEGER : c == '.' ? POINT : BAD;
	case INTEGER:
		if (c == 'x')
			return HEX;
		return is_digit(c) ? INTEGER : c == '.' ? POINT : c == 'e' ? EXPONENT : BAD;
	case POINT:
	case FRACTION:
		return is_digit(c) ? FRACTION : c == 'e' ? EXPONENT : BAD;
	case EXPONENT:
		return c == '+' || c == '-' || is_digit(c) ? POWER : BAD;
	case POWER:
		return is_digit(c) ? POWER : BAD;
	case HEX:
		return is_digit(c) || (c >= 'a' && c <= 'f') ? HEX : BAD;
	default:
		return BAD;
	}
}

static NOINLINE void text_read(uint32_t ends[STATES], uint32_t steps[STATES])
{
	enum state state = BEGIN;

	for (const char *c = text; *c != '\0'; c++) {
		if (*c == ' ') {
			ends[state]++;
			state = BEGIN;
			continue;
		}
		state = next_in_number(state, *c);
		steps[state]++;
	}
}

static NOINLINE uint16_t text_job(uint16_t crc, uint32_t turn)
{
	uint32_t ends[STATES] = {0}, steps[STATES] = {0};

	text_fill(turn + 1);
	text_read(ends, steps);
	for (uint32_t i = turn % 7; i < TEXT - 1; i += 7)
		text[i] ^= text[i] != ' ' && text[i] != '\0' ? 1 : 0;
	text_read(ends, steps);
	for (int i = 0; i < STATES; i++)
		crc = crc_u32(crc_u32(crc, ends[i]), steps[i]);
	return crc;
}

/* ----------------------------------------------------------------------------------------- */

static NOINLINE uint16_t once(void)
{
	uint16_t crc = 0;

	for (uint32_t turn = 0; turn < TURNS; turn++) {
		crc = list_job(crc, turn);
		crc = matrix_job(crc, turn);
		crc = text_job(crc, turn);
	}
	return crc;
}

uint32_t run(uint32_t reps)
{
	uint32_t crc = 0;

	for (uint32_t r = 0; r < reps; r++) {
		crc = once();
		FORGET();
	}
	return crc;
}
