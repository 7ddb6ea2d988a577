/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set(struct verdict *verdict, enum verdict_kind kind, const char *format, va_list args)
{
	verdict->kind = kind;
	vsnprintf(verdict->text, sizeof(verdict->text), format, args);
	for (char *c = verdict->text; *c != '\0'; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
}

bool verdict_fail(struct verdict *verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(verdict, VERDICT_FAILED, format, args);
	va_end(args);
	return false;
}

bool verdict_open(struct verdict *verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(verdict, VERDICT_OPEN, format, args);
	va_end(args);
	return false;
}

bool verdict_not_yet(struct verdict *verdict, const char *sentence)
{
	static const char mark[] = "not yet implemented: ";
	const char *at = strstr(sentence, mark);

	if (at == NULL)
		return false;
	verdict_open(verdict, "%s", at + sizeof(mark) - 1);
	return true;
}
