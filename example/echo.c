/* SPDX-License-Identifier: Apache-2.0 */
/* echo.c: what echo.wat does, as a native program, to compare with: its arguments, each on a line. */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		size_t size = strlen(argv[i]);

		argv[i][size] = '\n';
		if (write(STDOUT_FILENO, argv[i], size + 1) < 0)
			return 1;
	}
	return 0;
}
