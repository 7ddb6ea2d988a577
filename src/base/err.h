/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h: one sentence for a person, carried up beside a return code.
 *
 * A function that can fail takes `struct err *err` last (NULL: the caller does not care). The place that
 * knows writes the sentence with err_set() and returns what err_set() returns; a caller with
 * something to add puts it in front with err_prefix(). Nothing in a library folder prints.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define ERR_MAX 768 /* = SKIFF_ERROR_MAX; engine/ asserts it */

struct err {
	char text[ERR_MAX];
};

/* Write the sentence (cut to fit, control characters replaced) and return `code`. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int err_setv(struct err *err, int code, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* Put "prefix: " in front of the sentence; return `code`. */
int err_prefix(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
