/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h: bytes and LEB128 numbers from a bounded buffer (specification: "Binary Format, Values").
 *
 * Every read checks the bound; the one-byte number, nearly every number there is, is inline. A failed
 * read returns false and leaves the sentence's ingredients (`what`, `at`) in the reader.
 */
#ifndef WASM_READER_H
#define WASM_READER_H

#include <string.h>

#include "base/base.h"

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	const char *what; /* why the last read failed; static text */
};

bool reader_fail(struct reader *r, const char *what);
bool reader_u32_slow(struct reader *r, uint32_t *ret);
bool reader_u64(struct reader *r, uint64_t *ret);
bool reader_s32_slow(struct reader *r, int32_t *ret);
bool reader_s33(struct reader *r, int64_t *ret);
bool reader_s64_slow(struct reader *r, int64_t *ret);

static inline size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

static inline bool reader_byte(struct reader *r, uint8_t *ret)
{
	if (UNLIKELY(r->at >= r->end))
		return reader_fail(r, "unexpected end");
	*ret = *r->at++;
	return true;
}

static inline bool reader_u32(struct reader *r, uint32_t *ret)
{
	if (LIKELY(r->at < r->end && *r->at < 0x80)) {
		*ret = *r->at++;
		return true;
	}
	return reader_u32_slow(r, ret);
}

static inline bool reader_s32(struct reader *r, int32_t *ret)
{
	if (LIKELY(r->at < r->end && *r->at < 0x80)) {
		*ret = (int32_t)((uint32_t)*r->at++ << 25) >> 25;
		return true;
	}
	return reader_s32_slow(r, ret);
}

static inline bool reader_s64(struct reader *r, int64_t *ret)
{
	if (LIKELY(r->at < r->end && *r->at < 0x80)) {
		*ret = (int64_t)((uint64_t)*r->at++ << 57) >> 57;
		return true;
	}
	return reader_s64_slow(r, ret);
}

/* Take `size` bytes; NULL: fewer are left. */
static inline const uint8_t *reader_take(struct reader *r, size_t size)
{
	const uint8_t *at = r->at;

	if (UNLIKELY(reader_left(r) < size)) {
		reader_fail(r, "unexpected end");
		return NULL;
	}
	r->at += size;
	return at;
}

/* A vector's count. Each of its items takes at least a byte, so a count that cannot be true is refused
 * before anything is allocated for it. */
bool reader_count(struct reader *r, uint32_t *ret);

/* A name: length and well-formed UTF-8. */
bool reader_name(struct reader *r, const uint8_t **ret_bytes, uint32_t *ret_size);

bool utf8_is_valid(const uint8_t *bytes, size_t size);

#endif
