/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict.h: what came of one command: passed, failed, or open.
 *
 * Open is what the engine says it cannot do yet; its text is the reason, by which open commands are
 * counted. The text of a failure says what was expected and what was found. A passed command has
 * none. Functions that judge return bool where the caller goes on after true only.
 */
#ifndef SPEC_VERDICT_H
#define SPEC_VERDICT_H

#include <stdbool.h>

#define VERDICT_TEXT_MAX 1536

enum verdict_kind {
	VERDICT_PASSED,
	VERDICT_FAILED,
	VERDICT_OPEN,
};

struct verdict {
	enum verdict_kind kind;
	char text[VERDICT_TEXT_MAX]; /* one line */
};

/* These return false, so that a judge can end with them. */
bool verdict_fail(struct verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool verdict_open(struct verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Does the engine say that it cannot do this yet? Then the verdict is open, the reason its words less the
 * place: "offset 12: struct.new is not yet implemented" becomes "struct.new", and so do quotes. */
bool verdict_not_yet(struct verdict *verdict, const char *sentence);

#endif
