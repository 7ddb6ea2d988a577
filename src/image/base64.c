/* SPDX-License-Identifier: Apache-2.0 */
#include "image/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	char *text = malloc((size + 2) / 3 * 4 + 1), *to = text;

	for (size_t i = 0; text != NULL && i < size; i += 3) {
		uint32_t group = (uint32_t)from[i] << 16;

		group |= i + 1 < size ? (uint32_t)from[i + 1] << 8 : 0;
		group |= i + 2 < size ? from[i + 2] : 0;
		*to++ = digits[group >> 18];
		*to++ = digits[group >> 12 & 63];
		*to++ = i + 1 < size ? digits[group >> 6 & 63] : '=';
		*to++ = i + 2 < size ? digits[group & 63] : '=';
	}
	if (text != NULL)
		*to = '\0';
	return text;
}

char *base64_decode(const char *text, size_t *ret_size)
{
	size_t size = strlen(text), used = 0;
	uint32_t group = 0;
	char *bytes;

	while (size > 0 && text[size - 1] == '=')
		size--;
	if (size % 4 == 1 || strlen(text) - size > 2)
		return NULL;
	bytes = malloc(size / 4 * 3 + 4);
	for (size_t i = 0; bytes != NULL && i < size; i++) {
		const char *digit = strchr(digits, text[i]);

		if (digit == NULL) {
			free(bytes);
			return NULL;
		}
		group = group << 6 | (uint32_t)(digit - digits);
		if (i % 4 > 0)
			bytes[used++] = (char)(group >> (6 - i % 4 * 2));
	}
	if (bytes != NULL) {
		bytes[used] = '\0';
		*ret_size = used;
	}
	return bytes;
}
