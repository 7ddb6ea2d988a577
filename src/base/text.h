/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h: what a command line needs of words: nearest match, numbers, sizes, UTF-8.
 *
 * Words are byte ranges that need no terminator, as names in a module have none. Nothing here
 * allocates, and nothing depends on a locale.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The candidate nearest to a word that somebody mistyped. Offer all candidates, then read `best`:
 * NULL when none is near enough to be worth naming. The candidates stay the caller's.
 */
struct text_nearest {
	const char *word; /* borrowed from the caller */
	size_t word_size;
	const char *best; /* borrowed from an offer */
	size_t best_size;
	size_t distance; /* of best; at first the largest distance accepted */
};

void text_nearest_init(struct text_nearest *n, const char *word, size_t size);
void text_nearest_offer(struct text_nearest *n, const char *candidate, size_t size);

/* Insertions, deletions, changes and swaps of neighbours between two words; words longer than 32
 * bytes are as far as can be (SIZE_MAX) from everything. */
size_t text_distance(const char *a, size_t a_size, const char *b, size_t b_size);

/* Digits of base 10, or of base 16 after "0x", and nothing else. False: not a number, or more than
 * 64 bits. */
bool text_parse_u64(const char *text, uint64_t *ret);

/* A number as above with at most one of the suffixes K, M, G, T (times 1024 each), each of which
 * may be followed by "iB" or "B". */
bool text_parse_size(const char *text, uint64_t *ret);

/* Decode one character; its length, or 0 where the bytes are no UTF-8. size must not be 0. */
size_t text_utf8(const char *bytes, size_t size, uint32_t *ret);
/* Write one, a Unicode scalar value: 1 to 4 bytes, no terminator; how many. */
size_t text_put_utf8(char *bytes, uint32_t character);

/* A character that a terminal shows as itself: not a control character, and not one that
 * reverses the direction of the text around it. */
bool text_printable(uint32_t character);

#endif
