/* SPDX-License-Identifier: Apache-2.0 */
/* helper.h: programs that keep secrets, docker-credential-NAME, by their protocol: a word, a text in, a text out. */
#ifndef IMAGE_HELPER_H
#define IMAGE_HELPER_H

#include <stddef.h>

#include "base/err.h"

enum { HELPER_ANSWER_MAX = 64 << 10 };

enum { HELPER_NONE = 1 }; /* outcome: it does not know such a host */

/* `verb`: "get", "store" or "erase". It has a minute ($SKIFF_HELPER_TIMEOUT, in ms). The caller owns the answer, a text. */
int helper_ask(const char *name, const char *verb, const char *text, char **ret, struct err *err);

#endif
