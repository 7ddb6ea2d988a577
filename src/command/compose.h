/* SPDX-License-Identifier: Apache-2.0 */
/* compose.h: JSON that is written for a reader of our own, in memory. */
#ifndef COMMAND_COMPOSE_H
#define COMMAND_COMPOSE_H

#include "command/emit.h"
#include "command/out.h"

struct compose {
	struct emit emit; /* write by this */
	struct out out;
	int fd; /* owned */
};

/* An exit code. Ended in any case where it is EXIT_OK; it is not to be moved. */
int compose_begin(struct compose *compose);
/* `code` is what the writing came to; a text that is no UTF-8 is a mistake. The caller owns the text; an exit code. */
int compose_end(struct compose *compose, int code, char **ret, size_t *ret_size);

#endif
