/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void invariant_broken(const char *what, const char *file, int line)
{
	dprintf(STDERR_FILENO, "skiff: bug: %s:%d: not true: %s\n", file, line, what);
	abort();
}
