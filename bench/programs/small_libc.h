/* SPDX-License-Identifier: Apache-2.0 */
/*
 * small_libc.h: an allocator, strings, formatting and sorting for programs/strings.c.
 *
 * Compiled into the native program too, so that the ratio compares two compilations of one source
 * and not two C libraries. All names have the prefix sl_; nothing here is meant for other use.
 *
 * The heap is one fixed array of blocks. A block starts with its size (a multiple of 16, bit 0: in
 * use) and the size of the block before it; a free block also holds its list links. Free blocks
 * are kept in lists by power of two, and neighbours that are free are always joined.
 */
#ifndef SMALL_LIBC_H
#define SMALL_LIBC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -- Heap --------------------------------------------------------------------------------- */

enum { SL_HEAP_BYTES = 4 << 20, SL_BINS = 24, SL_HEAD = 16, SL_SMALLEST = 32 };

struct sl_block {
	uint32_t size; /* with the head; bit 0: in use */
	uint32_t before; /* size of the block before this one; 0: none */
	uint32_t pad[2];
	struct sl_block *next; /* borrowed; the links are valid in free blocks only */
	struct sl_block *previous;
};

static _Alignas(16) uint8_t sl_heap[SL_HEAP_BYTES];
static struct sl_block *sl_bins[SL_BINS];

static inline uint32_t sl_bin(uint32_t size)
{
	return 31 - (uint32_t)__builtin_clz(size >> 5);
}

static inline struct sl_block *sl_after(struct sl_block *block)
{
	return (struct sl_block *)((uint8_t *)block + (block->size & ~1u));
}

static void sl_link(struct sl_block *block)
{
	struct sl_block **bin = &sl_bins[sl_bin(block->size)];

	block->previous = NULL;
	block->next = *bin;
	if (*bin != NULL)
		(*bin)->previous = block;
	*bin = block;
}

static void sl_unlink(struct sl_block *block)
{
	if (block->previous != NULL)
		block->previous->next = block->next;
	else
		sl_bins[sl_bin(block->size)] = block->next;
	if (block->next != NULL)
		block->next->previous = block->previous;
}

/* Empty the heap: one free block, and a used head of size 0 that stops joining at the end. */
static void sl_heap_reset(void)
{
	struct sl_block *first = (struct sl_block *)sl_heap;
	struct sl_block *end = (struct sl_block *)(sl_heap + SL_HEAP_BYTES - SL_SMALLEST);

	for (int i = 0; i < SL_BINS; i++)
		sl_bins[i] = NULL;
	first->size = SL_HEAP_BYTES - SL_SMALLEST;
	first->before = 0;
	end->size = 1;
	end->before = first->size;
	sl_link(first);
}

static struct sl_block *sl_fit(uint32_t size)
{
	for (uint32_t bin = sl_bin(size); bin < SL_BINS; bin++)
		for (struct sl_block *b = sl_bins[bin]; b != NULL; b = b->next)
			if (b->size >= size)
				return b;
	return NULL;
}

static void sl_split(struct sl_block *block, uint32_t size)
{
	uint32_t rest = block->size - size;
	struct sl_block *tail;

	if (rest < SL_SMALLEST)
		return;
	block->size = size;
	tail = sl_after(block);
	tail->size = rest;
	tail->before = size;
	sl_after(tail)->before = rest;
	sl_link(tail);
}

static void *sl_malloc(size_t bytes)
{
	uint32_t size = ((uint32_t)bytes + SL_HEAD + 15) & ~15u;
	struct sl_block *block;

	size = size < SL_SMALLEST ? SL_SMALLEST : size;
	block = sl_fit(size);
	if (block == NULL)
		return NULL;
	sl_unlink(block);
	sl_split(block, size);
	block->size |= 1;
	return (uint8_t *)block + SL_HEAD;
}

static void sl_free(void *memory)
{
	struct sl_block *block, *other;

	if (memory == NULL)
		return;
	block = (struct sl_block *)((uint8_t *)memory - SL_HEAD);
	block->size &= ~1u;
	other = sl_after(block);
	if ((other->size & 1) == 0) {
		sl_unlink(other);
		block->size += other->size;
	}
	other = (struct sl_block *)((uint8_t *)block - block->before);
	if (block->before != 0 && (other->size & 1) == 0) {
		sl_unlink(other);
		other->size += block->size;
		block = other;
	}
	sl_after(block)->before = block->size;
	sl_link(block);
}

/* -- Bytes and strings -------------------------------------------------------------------- */

static void sl_copy(void *to, const void *from, size_t size)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	for (; size >= 8; size -= 8, t += 8, f += 8) {
		uint64_t word;

		__builtin_memcpy(&word, f, 8);
		__builtin_memcpy(t, &word, 8);
	}
	while (size-- > 0)
		*t++ = *f++;
}

static size_t sl_length(const char *text)
{
	const char *end = text;

	while (*end != '\0')
		end++;
	return (size_t)(end - text);
}

static int sl_compare(const char *a, const char *b)
{
	while (*a == *b && *a != '\0')
		a++, b++;
	return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

static const char *sl_find(const char *text, char wanted)
{
	for (; *text != wanted; text++)
		if (*text == '\0')
			return NULL;
	return text;
}

static void *sl_realloc(void *memory, size_t bytes)
{
	struct sl_block *block = (struct sl_block *)((uint8_t *)memory - SL_HEAD);
	size_t had;
	void *moved;

	if (memory == NULL)
		return sl_malloc(bytes);
	had = (block->size & ~1u) - SL_HEAD;
	if (had >= bytes)
		return memory;
	moved = sl_malloc(bytes);
	if (moved == NULL)
		return NULL;
	sl_copy(moved, memory, had);
	sl_free(memory);
	return moved;
}

/* -- Formatting --------------------------------------------------------------------------- */

struct sl_text {
	char *to; /* borrowed from the caller */
	size_t room;
	size_t used; /* as if there were room for all */
};

static void sl_put(struct sl_text *text, char c)
{
	if (text->used + 1 < text->room)
		text->to[text->used] = c;
	text->used++;
}

static void sl_put_padded(struct sl_text *text, const char *s, size_t size, size_t width, char fill)
{
	for (; width > size; width--)
		sl_put(text, fill);
	while (size-- > 0)
		sl_put(text, *s++);
}

static void sl_put_number(struct sl_text *text, uint64_t value, bool minus, uint32_t base,
			  size_t width, char fill)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	if (minus)
		digits[--at] = '-';
	sl_put_padded(text, digits + at, sizeof(digits) - at, width, fill);
}

static const char *sl_width(const char *format, size_t *width, char *fill)
{
	*fill = *format == '0' ? '0' : ' ';
	*width = 0;
	for (; *format >= '0' && *format <= '9'; format++)
		*width = *width * 10 + (size_t)(*format - '0');
	return format;
}

/* %d %u %x %lld %llu %s %c %% with a width and zero fill. */
static size_t sl_format(char *to, size_t room, const char *format, ...)
{
	struct sl_text text = {to, room, 0};
	va_list args;

	va_start(args, format);
	for (; *format != '\0'; format++) {
		bool wide = false;
		int64_t value;
		const char *s;
		size_t width;
		char fill;

		if (*format != '%') {
			sl_put(&text, *format);
			continue;
		}
		format = sl_width(format + 1, &width, &fill);
		for (; *format == 'l'; format++)
			wide = true;
		switch (*format) {
		case 'd':
			value = wide ? va_arg(args, long long) : va_arg(args, int);
			sl_put_number(&text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value,
				      value < 0, 10, width, fill);
			break;
		case 'u':
		case 'x':
			sl_put_number(&text,
				      wide ? va_arg(args, unsigned long long)
					   : va_arg(args, unsigned),
				      false, *format == 'x' ? 16 : 10, width, fill);
			break;
		case 's':
			s = va_arg(args, const char *);
			sl_put_padded(&text, s, sl_length(s), width, ' ');
			break;
		case 'c':
			sl_put(&text, (char)va_arg(args, int));
			break;
		default:
			sl_put(&text, *format);
			break;
		}
	}
	va_end(args);
	if (room > 0)
		to[text.used < room ? text.used : room - 1] = '\0';
	return text.used;
}

/* -- Sorting ------------------------------------------------------------------------------ */

typedef int sl_compare_fn(const void *a, const void *b);

static void sl_swap(uint8_t *a, uint8_t *b, size_t size)
{
	for (; size > 0; size--, a++, b++) {
		uint8_t t = *a;

		*a = *b;
		*b = t;
	}
}

/* Heap sort's sift: used below when partitions go bad, and so bounds the whole. */
static void sl_sift(uint8_t *base, size_t at, size_t count, size_t size, sl_compare_fn *compare)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= count)
			return;
		if (child + 1 < count &&
		    compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + at * size, base + child * size) >= 0)
			return;
		sl_swap(base + at * size, base + child * size, size);
		at = child;
	}
}

static void sl_heap_sort(uint8_t *base, size_t count, size_t size, sl_compare_fn *compare)
{
	for (size_t i = count / 2; i-- > 0;)
		sl_sift(base, i, count, size, compare);
	for (size_t i = count; i-- > 1;) {
		sl_swap(base, base + i * size, size);
		sl_sift(base, 0, i, size, compare);
	}
}

static size_t sl_partition(uint8_t *base, size_t count, size_t size, sl_compare_fn *compare)
{
	size_t edge = 0;

	sl_swap(base + count / 2 * size, base + (count - 1) * size, size);
	for (size_t i = 0; i + 1 < count; i++)
		if (compare(base + i * size, base + (count - 1) * size) < 0)
			sl_swap(base + i * size, base + edge++ * size, size);
	sl_swap(base + edge * size, base + (count - 1) * size, size);
	return edge;
}

static void sl_sort_depth(uint8_t *base, size_t count, size_t size, sl_compare_fn *compare,
			  int depth)
{
	while (count > 1) {
		size_t edge;

		if (depth-- == 0) {
			sl_heap_sort(base, count, size, compare);
			return;
		}
		edge = sl_partition(base, count, size, compare);
		sl_sort_depth(base, edge, size, compare, depth);
		base += (edge + 1) * size;
		count -= edge + 1;
	}
}

static void sl_sort(void *base, size_t count, size_t size, sl_compare_fn *compare)
{
	sl_sort_depth(base, count, size, compare, 48);
}

#endif
