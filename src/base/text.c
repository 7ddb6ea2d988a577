/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>

enum { WORD_MAX = 32 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Three rows of the usual table are enough: a swap looks two rows back. */
size_t text_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *two = rows[0], *one = rows[1], *now = rows[2];

	if (a_size > WORD_MAX || b_size > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_size; j++)
		one[j] = two[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t *spare = two;

		now[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			now[j] = least(one[j - 1] + (a[i - 1] != b[j - 1]),
				       least(one[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], two[j - 2] + 1);
		}
		two = one;
		one = now;
		now = spare;
	}
	return one[b_size];
}

void text_nearest_init(struct text_nearest *n, const char *word, size_t size)
{
	*n = (struct text_nearest){
		.word = word,
		.word_size = size,
		.distance = size < 3 ? 1 : least(size / 3 + 1, 3),
	};
}

void text_nearest_offer(struct text_nearest *n, const char *candidate, size_t size)
{
	size_t distance = text_distance(n->word, n->word_size, candidate, size);

	/* A distance as long as the word means that nothing of it is left. */
	if (distance >= n->word_size || distance >= n->distance + (n->best == NULL))
		return;
	n->best = candidate;
	n->best_size = size;
	n->distance = distance;
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

/* The end of the digits, or NULL where there are none or too many. */
static const char *number(const char *text, uint64_t *ret)
{
	uint64_t n = 0;
	unsigned base = 10;
	const char *start;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	for (start = text; digit(*text) < base; text++) {
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, digit(*text), &n))
			return NULL;
	}
	if (text == start)
		return NULL;
	*ret = n;
	return text;
}

bool text_parse_u64(const char *text, uint64_t *ret)
{
	uint64_t n;
	const char *end = number(text, &n);

	if (end == NULL || *end != '\0')
		return false;
	*ret = n;
	return true;
}

bool text_parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "kKmMgGtT";
	uint64_t n;
	const char *end = number(text, &n);
	const char *unit;

	if (end == NULL)
		return false;
	if (*end != '\0' && (unit = strchr(units, *end)) != NULL) {
		unsigned shift = 10 * (unsigned)((unit - units) / 2 + 1);

		if (n > UINT64_MAX >> shift)
			return false;
		n <<= shift;
		end++;
		if (*end == 'i' && end[1] == 'B')
			end += 2;
		else if (*end == 'B')
			end++;
	}
	if (*end != '\0')
		return false;
	*ret = n;
	return true;
}

size_t text_utf8(const char *bytes, size_t size, uint32_t *ret)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)bytes[0];
	size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = first;

	if (length == 1) {
		*ret = c;
		return 1;
	}
	if (first < 0xc2 || first > 0xf4 || length > size)
		return 0;
	c &= 0x7fu >> length;
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)bytes[i] & 0x3f);
	}
	if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return length;
}

size_t text_put_utf8(char *bytes, uint32_t c)
{
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = length - 1; i > 0; i--, c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(marks[length] | c);
	return length;
}

bool text_printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	if (c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e))
		return false;
	return !(c >= 0x2066 && c <= 0x2069);
}
