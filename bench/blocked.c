/* SPDX-License-Identifier: Apache-2.0 */
/* blocked.c: says so and waits for its input, as a guest and native. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char byte;

	puts("ready");
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}
