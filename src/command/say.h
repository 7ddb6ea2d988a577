/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say.h: one sentence on standard error, "skiff: FILE: sentence", in one write.
 *
 * Every function returns the exit code that the caller should end with.
 */
#ifndef COMMAND_SAY_H
#define COMMAND_SAY_H

struct text_nearest;

/* `subject`, a file mostly, may be NULL. */
int say(int code, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What is no mistake: "warning: sentence", and what is only worth knowing. Said where the level is not below. */
enum say_level { SAY_ERROR, SAY_WARNING, SAY_INFO };
void say_note(enum say_level level, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What say_note() says from now on; SAY_WARNING at first. */
void say_up_to(enum say_level level);

/* Hand sentences to this instead, with the code (EXIT_OK: a note); NULL: standard error again. */
void say_to(void (*fn)(int code, const char *sentence));

/* "unknown WHAT 'word', did you mean 'best'?"; EXIT_USAGE. `dashes` stands before both words. */
int say_unknown(const char *what, const char *dashes, const struct text_nearest *nearest);

#endif
