/* SPDX-License-Identifier: Apache-2.0 */
#include "command/say.h"

#include "base/err.h"
#include "base/text.h"
#include "command/exit.h"
#include "command/out.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { SUBJECT_MAX = 256 };

static void (*told)(int code, const char *sentence); /* NULL: standard error */
static enum say_level highest = SAY_WARNING;

/* Of a very long path the end tells most, and the sentence after it must still fit. */
static void put_subject(struct out *out, const char *subject)
{
	size_t size = strlen(subject);

	if (size > SUBJECT_MAX) {
		out_text(out, "...");
		subject += size - SUBJECT_MAX;
	}
	out_name(out, subject, strlen(subject));
	out_text(out, ": ");
}

static int put(int code, const char *subject, const struct err *sentence)
{
	struct out out;

	out_init(&out, STDERR_FILENO);
	out_text(&out, "skiff: ");
	if (subject != NULL)
		put_subject(&out, subject);
	out_name(&out, sentence->text, strlen(sentence->text));
	out_text(&out, "\n");
	out_flush(&out); /* a failure has nowhere to be told */
	return code;
}

static int tell(int code, const char *subject, struct err *sentence)
{
	if (told == NULL)
		return put(code, subject, sentence);
	if (subject != NULL)
		err_prefix(sentence, 0, "%s", subject);
	told(code, sentence->text);
	return code;
}

int say(int code, const char *subject, const char *format, ...)
{
	struct err err;
	va_list args;

	va_start(args, format);
	err_setv(&err, 0, format, args);
	va_end(args);
	return tell(code, subject, &err);
}

void say_note(enum say_level level, const char *subject, const char *format, ...)
{
	struct err err;
	va_list args;

	if (level > highest)
		return;
	va_start(args, format);
	err_setv(&err, 0, format, args);
	va_end(args);
	if (level == SAY_WARNING && told == NULL)
		err_prefix(&err, 0, "warning");
	tell(EXIT_OK, subject, &err);
}

void say_up_to(enum say_level level)
{
	highest = level;
}

void say_to(void (*fn)(int code, const char *sentence))
{
	told = fn;
}

int say_unknown(const char *what, const char *dashes, const struct text_nearest *n)
{
	if (n->best == NULL)
		return say(EXIT_USAGE, NULL, "unknown %s '%s%.*s'", what, dashes, (int)n->word_size,
			   n->word);
	return say(EXIT_USAGE, NULL, "unknown %s '%s%.*s', did you mean '%s%.*s'?", what, dashes,
		   (int)n->word_size, n->word, dashes, (int)n->best_size, n->best);
}
