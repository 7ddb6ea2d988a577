/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* What a module or a file name smuggles in must not reach a terminal as a control sequence. */
static void clean(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

int err_setv(struct err *err, int code, const char *format, va_list args)
{
	if (err != NULL) {
		vsnprintf(err->text, sizeof(err->text), format, args);
		clean(err->text);
	}
	return code;
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_setv(err, code, format, args);
	va_end(args);
	return code;
}

int err_prefix(struct err *err, int code, const char *format, ...)
{
	struct err front;
	va_list args;
	size_t used;

	if (err == NULL)
		return code;
	va_start(args, format);
	err_setv(&front, 0, format, args);
	va_end(args);
	used = strlen(front.text);
	if (used + 3 < sizeof(front.text))
		snprintf(front.text + used, sizeof(front.text) - used, ": %.*s",
			 (int)(sizeof(front.text) - used - 3), err->text);
	memcpy(err->text, front.text, sizeof(err->text));
	return code;
}
