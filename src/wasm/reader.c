/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/reader.h"

bool reader_fail(struct reader *r, const char *what)
{
	r->what = what;
	return false;
}

/*
 * One loop for all widths. The last byte a width allows may carry only the bits that are left; for a
 * signed number the bits above must repeat the sign.
 */
static bool leb(struct reader *r, unsigned bits, bool is_signed, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte, left, rest;

	do {
		if (r->at >= r->end)
			return reader_fail(r, "unexpected end");
		byte = *r->at++;
		left = (uint8_t)(bits - shift);
		if (left < 7) {
			if (byte & 0x80)
				return reader_fail(r, "integer representation too long");
			rest = (uint8_t)((byte & 0x7f) >> (is_signed ? left - 1 : left));
			if (rest != 0 && !(is_signed && rest == 0x7f >> (left - 1)))
				return reader_fail(r, "integer too large");
		}
		value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && shift < 64 && (byte & 0x40))
		value |= ~UINT64_C(0) << shift;
	*ret = value;
	return true;
}

bool reader_u32_slow(struct reader *r, uint32_t *ret)
{
	uint64_t value;

	if (!leb(r, 32, false, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool reader_u64(struct reader *r, uint64_t *ret)
{
	return leb(r, 64, false, ret);
}

bool reader_s32_slow(struct reader *r, int32_t *ret)
{
	uint64_t value;

	if (!leb(r, 32, true, &value))
		return false;
	*ret = (int32_t)(uint32_t)value;
	return true;
}

bool reader_s33(struct reader *r, int64_t *ret)
{
	uint64_t value;

	if (!leb(r, 33, true, &value))
		return false;
	*ret = (int64_t)value;
	return true;
}

bool reader_s64_slow(struct reader *r, int64_t *ret)
{
	uint64_t value;

	if (!leb(r, 64, true, &value))
		return false;
	*ret = (int64_t)value;
	return true;
}

bool reader_count(struct reader *r, uint32_t *ret)
{
	uint32_t count;

	if (!reader_u32(r, &count))
		return false;
	if (count > reader_left(r))
		return reader_fail(r, "unexpected end: more entries announced than bytes left");
	*ret = count;
	return true;
}

bool reader_name(struct reader *r, const uint8_t **ret_bytes, uint32_t *ret_size)
{
	const uint8_t *bytes;
	uint32_t size;

	if (!reader_u32(r, &size))
		return false;
	bytes = reader_take(r, size);
	if (bytes == NULL)
		return false;
	if (!utf8_is_valid(bytes, size))
		return reader_fail(r, "malformed UTF-8 encoding");
	*ret_bytes = bytes;
	*ret_size = size;
	return true;
}

/* Bytes of the sequence that begins at `s`, 0 if none does (overlong forms, surrogates, > U+10FFFF). */
static size_t utf8_step(const uint8_t *s, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool utf8_is_valid(const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t n = utf8_step(bytes + at, size - at);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}
