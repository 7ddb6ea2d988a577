/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/say_error.h"

#include "command/exit.h"
#include "command/say.h"
#include "skiff.h"

#include <string.h>

int say_error(const char *file, int code, const struct skiff_error *err)
{
	const char *text = err->text;

	if (text[0] == '\0')
		text = code < 0 ? strerror(-code) : "failed without a reason";
	return say(code == SKIFF_MISUSE ? EXIT_USAGE : EXIT_BAD, file, "%s", text);
}
