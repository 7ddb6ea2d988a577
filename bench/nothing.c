/* SPDX-License-Identifier: Apache-2.0 */
/* nothing.c: the native program that does nothing, or with an argument waits to be ended. */
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		pause();
	return 0;
}
