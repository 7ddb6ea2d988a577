/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256.c: SHA-256 (FIPS 180-4, section 6.2) over bytes as they come.
 *
 * Whole blocks go from the caller's memory into the state; only what is left over is copied. Two functions do
 * the blocks: one in C for every machine, one with the instructions x86 has for it. Who may use
 * which is asked of the CPU the first time, and by nobody before: no constructor, nothing at start-up.
 */
#include "base/sha256.h"

#include <string.h>

#include "base/base.h"

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

/* -- Blocks in C --------------------------------------------------------------------------------- */

static uint32_t rotate(uint32_t word, unsigned by)
{
	return word >> by | word << (32 - by);
}

static uint32_t load_big(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store_big(uint8_t *at, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* Word `i` of the message schedule, of which the last 16 are kept. */
static inline uint32_t schedule(uint32_t w[16], unsigned i)
{
	uint32_t early = w[(i + 1) & 15], late = w[(i + 14) & 15];

	w[i & 15] += (rotate(early, 7) ^ rotate(early, 18) ^ early >> 3) + w[(i + 9) & 15] +
		     (rotate(late, 17) ^ rotate(late, 19) ^ late >> 10);
	return w[i & 15];
}

/* One round; instead of moving eight variables on, the next round is given them in another order. */
#define ROUND(a, b, c, d, e, f, g, h, i, word)                                        \
	do {                                                                          \
		uint32_t sum = (h) + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + \
			       ((g) ^ ((e) & ((f) ^ (g)))) + constants[i] + (word);   \
		(d) += sum;                                                           \
		(h) = sum + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +          \
		      (((a) & (b)) | ((c) & ((a) | (b))));                            \
	} while (0)

#define EIGHT_ROUNDS(i, WORD)                                      \
	do {                                                       \
		ROUND(a, b, c, d, e, f, g, h, i, WORD(i));         \
		ROUND(h, a, b, c, d, e, f, g, i + 1, WORD(i + 1)); \
		ROUND(g, h, a, b, c, d, e, f, i + 2, WORD(i + 2)); \
		ROUND(f, g, h, a, b, c, d, e, i + 3, WORD(i + 3)); \
		ROUND(e, f, g, h, a, b, c, d, i + 4, WORD(i + 4)); \
		ROUND(d, e, f, g, h, a, b, c, i + 5, WORD(i + 5)); \
		ROUND(c, d, e, f, g, h, a, b, i + 6, WORD(i + 6)); \
		ROUND(b, c, d, e, f, g, h, a, i + 7, WORD(i + 7)); \
	} while (0)
#define GIVEN(i) (w[i] = load_big(at + 4 * (i)))
#define SCHEDULED(i) schedule(w, i)

static void blocks_plain(uint32_t state[8], const uint8_t *at, size_t count)
{
	uint32_t w[16];

	for (; count > 0; count--, at += 64) {
		uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4],
			 f = state[5], g = state[6], h = state[7];

		EIGHT_ROUNDS(0, GIVEN);
		EIGHT_ROUNDS(8, GIVEN);
		for (unsigned i = 16; i < 64; i += 16) {
			EIGHT_ROUNDS(i, SCHEDULED);
			EIGHT_ROUNDS(i + 8, SCHEDULED);
		}
		state[0] += a;
		state[1] += b;
		state[2] += c;
		state[3] += d;
		state[4] += e;
		state[5] += f;
		state[6] += g;
		state[7] += h;
	}
}

/* -- Blocks by instruction --------------------------------------------------------------------------- */

typedef void blocks_fn(uint32_t state[8], const uint8_t *at, size_t count);

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* The instructions want the state as the words a b e f and c d g h, highest first; and do two rounds each. */
struct lanes {
	__m128i abef, cdgh;
};

/* Four rounds with the words `w`. */
WITH_SHA static inline void four_rounds(struct lanes *s, __m128i w, unsigned i)
{
	w = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)(const void *)&constants[i]));
	s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, w);
	s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(w, 0x0e));
}

/* The four words of the schedule that follow sixteen. */
WITH_SHA static inline __m128i four_words(__m128i w0, __m128i w4, __m128i w8, __m128i w12)
{
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w4), _mm_alignr_epi8(w12, w8, 4));

	return _mm_sha256msg2_epu32(sum, w12);
}

WITH_SHA static inline __m128i load_words(const uint8_t *at)
{
	const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)at), order);
}

WITH_SHA static void one_block(struct lanes *s, const uint8_t *at)
{
	__m128i w0 = load_words(at), w4 = load_words(at + 16), w8 = load_words(at + 32),
		w12 = load_words(at + 48);

	for (unsigned i = 0; i < 48; i += 16) {
		four_rounds(s, w0, i);
		w0 = four_words(w0, w4, w8, w12);
		four_rounds(s, w4, i + 4);
		w4 = four_words(w4, w8, w12, w0);
		four_rounds(s, w8, i + 8);
		w8 = four_words(w8, w12, w0, w4);
		four_rounds(s, w12, i + 12);
		w12 = four_words(w12, w0, w4, w8);
	}
	four_rounds(s, w0, 48);
	four_rounds(s, w4, 52);
	four_rounds(s, w8, 56);
	four_rounds(s, w12, 60);
}

WITH_SHA static void blocks_x86(uint32_t state[8], const uint8_t *at, size_t count)
{
	__m128i *place = (__m128i *)(void *)state;
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(place), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(place + 1), 0x1b);
	struct lanes s = {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};

	for (; count > 0; count--, at += 64) {
		struct lanes before = s;

		one_block(&s, at);
		s.abef = _mm_add_epi32(s.abef, before.abef);
		s.cdgh = _mm_add_epi32(s.cdgh, before.cdgh);
	}
	cdab = _mm_shuffle_epi32(s.abef, 0x1b);
	efgh = _mm_shuffle_epi32(s.cdgh, 0xb1);
	_mm_storeu_si128(place, _mm_blend_epi16(cdab, efgh, 0xf0));
	_mm_storeu_si128(place + 1, _mm_alignr_epi8(efgh, cdab, 8));
}

/* Asked by cpuid: the compiler's __builtin_cpu_supports() brings a constructor with it. */
static blocks_fn *blocks_choose(void)
{
	enum { SSSE3_SSE41 = 1 << 9 | 1 << 19, SHA = 1 << 29 };
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & SSSE3_SSE41) != SSSE3_SSE41)
		return blocks_plain;
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & SHA) == 0)
		return blocks_plain;
	return blocks_x86;
}
#else
static blocks_fn *blocks_choose(void)
{
	return blocks_plain;
}
#endif

/* A virtual machine takes microseconds for a cpuid: so it is asked once. Who else asks gets the same answer. */
static blocks_fn *blocks_best(void)
{
	static blocks_fn *best;
	blocks_fn *fn = __atomic_load_n(&best, __ATOMIC_RELAXED);

	if (fn == NULL) {
		fn = blocks_choose();
		__atomic_store_n(&best, fn, __ATOMIC_RELAXED);
	}
	return fn;
}

/* -- Bytes --------------------------------------------------------------------------------------------- */

void sha256_init(struct sha256 *sha)
{
	/* The same of the square roots of the first 8 primes. */
	static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
					  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memcpy(sha->state, first, sizeof(first));
	sha->bytes = 0;
}

static void take(struct sha256 *sha, const uint8_t *at, size_t size, blocks_fn *blocks)
{
	size_t held = sha->bytes % sizeof(sha->block), room = sizeof(sha->block) - held;

	sha->bytes += size;
	if (held > 0 && size >= room) {
		memcpy(sha->block + held, at, room);
		blocks(sha->state, sha->block, 1);
		at += room;
		size -= room;
		held = 0;
	}
	if (size >= sizeof(sha->block)) {
		blocks(sha->state, at, size / sizeof(sha->block));
		at += size - size % sizeof(sha->block);
		size %= sizeof(sha->block);
	}
	if (size > 0)
		memcpy(sha->block + held, at, size);
}

static void end(struct sha256 *sha, uint8_t *digest, blocks_fn *blocks)
{
	static const uint8_t padding[sizeof(sha->block)] = {0x80};
	uint64_t bits = sha->bytes * 8;
	uint8_t length[8];

	/* A one, zeros to eight bytes before the end of a block, and how many bits they were. */
	take(sha, padding, 1 + (119 - sha->bytes % 64) % 64, blocks);
	store_big(length, (uint32_t)(bits >> 32));
	store_big(length + 4, (uint32_t)bits);
	take(sha, length, sizeof(length), blocks);
	for (unsigned i = 0; i < 8; i++)
		store_big(digest + 4 * i, sha->state[i]);
}

void sha256_take(struct sha256 *sha, const void *bytes, size_t size)
{
	take(sha, bytes, size, blocks_best());
}

void sha256_end(struct sha256 *sha, uint8_t digest[static SHA256_SIZE])
{
	end(sha, digest, blocks_best());
}

void sha256(const void *bytes, size_t size, uint8_t digest[static SHA256_SIZE])
{
	struct sha256 sha;

	sha256_init(&sha);
	sha256_take(&sha, bytes, size);
	sha256_end(&sha, digest);
}

void sha256_text(const uint8_t digest[static SHA256_SIZE], char text[static SHA256_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < SHA256_SIZE; i++) {
		*text++ = digits[digest[i] >> 4];
		*text++ = digits[digest[i] & 15];
	}
	*text = '\0';
}
