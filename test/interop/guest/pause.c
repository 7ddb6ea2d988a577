/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c: the container that a pod begins with; it waits for a signal. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
