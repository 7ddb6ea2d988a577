/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256.h: the digest by which modules and files are told apart.
 *
 * Our own and small, because the program on the start path has no OpenSSL. Uses the CPU's instructions where it has
 * them: 4 to 8 times as fast, and the same digest.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_TEXT (2 * SHA256_SIZE + 1)

struct sha256 {
	uint32_t state[8];
	uint64_t bytes; /* taken so far */
	uint8_t block[64]; /* the last ones, not yet a whole block */
};

void sha256_init(struct sha256 *sha);
void sha256_take(struct sha256 *sha, const void *bytes, size_t size);
void sha256_end(struct sha256 *sha, uint8_t digest[static SHA256_SIZE]);

/* All at once. */
void sha256(const void *bytes, size_t size, uint8_t digest[static SHA256_SIZE]);

/* In hexadecimal, lower case, terminated. */
void sha256_text(const uint8_t digest[static SHA256_SIZE], char text[static SHA256_TEXT]);

#endif
