/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_name.c: the names of files in the cache, made and known again.
 *
 * Everything is lower-case hexadecimal. OPTIONS are a hash of the proposals and options, as two artifacts of one module
 * that differ in nothing else must have two names; what it is a hash of stands in the artifact and is compared there.
 */
#include <stdio.h>
#include <string.h>

#include <sys/random.h>

#include "artifact/cache_parts.h"
#include "base/base.h"

enum {
	ENGINE_DIGITS = 2 * ARTIFACT_ENGINE_SIZE,
	DIGEST_DIGITS = 2 * SHA256_SIZE,
	OPTIONS_DIGITS = 8,
};

#define SUFFIX ".skiff"

static const char digits[] = "0123456789abcdef";

_Static_assert(DIGEST_DIGITS + 1 + OPTIONS_DIGITS + sizeof(SUFFIX) == CACHE_ENTRY_TEXT,
	       "the name of an entry fits exactly");

/* -- Writing ------------------------------------------------------------------------------- */

static char *put_bytes(char *to, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	return to;
}

static char *put_text(char *to, const char *text)
{
	size_t size = strlen(text);

	memcpy(to, text, size);
	return to + size;
}

/* Without zeros in front. */
static char *put_number(char *to, uint64_t number)
{
	unsigned shift = 60;

	while (shift > 0 && number >> shift == 0)
		shift -= 4;
	for (;; shift -= 4) {
		*to++ = digits[number >> shift & 15];
		if (shift == 0)
			return to;
	}
}

static char *put_options(char *to, const struct artifact_id *id)
{
	uint64_t hash = (id->features * UINT64_C(0x9e3779b97f4a7c15) ^ id->options) *
			UINT64_C(0xd1b54a32d192ed03);
	uint32_t key = (uint32_t)(hash >> 32);
	uint8_t bytes[4] = {(uint8_t)(key >> 24), (uint8_t)(key >> 16), (uint8_t)(key >> 8),
			    (uint8_t)key};

	*to++ = '-';
	return put_bytes(to, bytes, sizeof(bytes));
}

void cache_name_engine(char text[static CACHE_ENGINE_TEXT])
{
	*put_bytes(text, artifact_engine, ARTIFACT_ENGINE_SIZE) = '\0';
}

void cache_name_entry(char text[static CACHE_ENTRY_TEXT], const struct artifact_id *id)
{
	char *to = put_options(put_bytes(text, id->module, SHA256_SIZE), id);

	memcpy(to, SUFFIX, sizeof(SUFFIX));
}

void cache_name_link(char text[static CACHE_LINK_TEXT], const char *prefix, const uint64_t *numbers,
		     size_t count, const struct artifact_id *id)
{
	char *to = put_text(text, prefix);

	invariant(strlen(prefix) + count * 17 + OPTIONS_DIGITS + 2 <= CACHE_LINK_TEXT);
	for (size_t i = 0; i < count; i++) {
		if (i != 0)
			*to++ = '.';
		to = put_number(to, numbers[i]);
	}
	*put_options(to, id) = '\0';
}

void cache_name_temporary(char text[static CACHE_LINK_TEXT])
{
	uint8_t bytes[8] = {0};
	char *to = put_text(text, CACHE_TEMPORARY);

	/* Should there be no randomness, the name exists already and making it fails. */
	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) < 0)
		memset(bytes, 0, sizeof(bytes));
	*put_bytes(to, bytes, sizeof(bytes)) = '\0';
}

/* -- Reading ------------------------------------------------------------------------------- */

static bool is_hex(const char *text, size_t count)
{
	return strspn(text, digits) >= count;
}

static bool begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

bool cache_name_is_engine(const char *name)
{
	return is_hex(name, ENGINE_DIGITS) && name[ENGINE_DIGITS] == '\0';
}

bool cache_name_is_entry(const char *name)
{
	return strlen(name) == CACHE_ENTRY_TEXT - 1 && is_hex(name, DIGEST_DIGITS) &&
	       name[DIGEST_DIGITS] == '-' && is_hex(name + DIGEST_DIGITS + 1, OPTIONS_DIGITS) &&
	       strcmp(name + DIGEST_DIGITS + 1 + OPTIONS_DIGITS, SUFFIX) == 0;
}

bool cache_name_is_link(const char *name)
{
	return begins(name, "at-") || begins(name, "like-");
}

bool cache_name_is_temporary(const char *name)
{
	return begins(name, CACHE_TEMPORARY);
}

void cache_name_digest(const char *entry, uint8_t digest[static SHA256_SIZE])
{
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		const char *high = strchr(digits, entry[2 * i]);
		const char *low = strchr(digits, entry[2 * i + 1]);

		invariant(high != NULL && low != NULL);
		digest[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
}
