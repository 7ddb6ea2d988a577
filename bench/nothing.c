/* SPDX-License-Identifier: Apache-2.0 */
/* nothing.c: the native program that does nothing, or with the argument `wait` waits to be ended. */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "wait") == 0)
		pause();
	return 0;
}
