/* SPDX-License-Identifier: Apache-2.0 */
/* sleeping.c: hello, and then it sleeps for a day, as a guest and native. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec day = {.tv_sec = 86400};

	puts("hello");
	fflush(stdout);
	nanosleep(&day, NULL);
	return 0;
}
