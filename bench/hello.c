/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c: the smallest program that does something, as a guest and native. */
#include <stdio.h>

int main(void)
{
	puts("hello");
	return 0;
}
