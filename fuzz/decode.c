/* SPDX-License-Identifier: Apache-2.0 */
/* decode.c (fuzz): any bytes as a module; look.h says what is required of it beyond the sanitizers. */
#include "look.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	look(data, size, 0, nowhere);
	return 0;
}
