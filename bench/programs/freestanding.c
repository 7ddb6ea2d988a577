/* SPDX-License-Identifier: Apache-2.0 */
/* freestanding.c: the functions a compiler may call on its own; linked into every wasm program. */
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int byte, size_t size)
{
	uint8_t *t = to;

	while (size-- > 0)
		*t++ = (uint8_t)byte;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	while (size-- > 0)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if ((uintptr_t)t < (uintptr_t)f)
		return memcpy(to, from, size);
	while (size-- > 0)
		t[size] = f[size];
	return to;
}
