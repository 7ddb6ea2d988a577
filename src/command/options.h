/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h: walk the arguments of a verb.
 *
 * Options are `--name VALUE`, `--name=VALUE`, `-l VALUE`, `-lVALUE` or flags, of which letters may be joined, as in -it; words may
 * stand between them, `--` ends them, and a single `-` is a word. --help and -h need no row.
 */
#ifndef COMMAND_OPTIONS_H
#define COMMAND_OPTIONS_H

#include "command/verb.h"

#include <stdint.h>

enum {
	OPTIONS_END = 0,
	OPTIONS_WORD = -1, /* `value` is it */
	OPTIONS_STOP = -2, /* help was given or a mistake told: end with `code` */
};

struct options {
	const struct verb *verb; /* borrowed */
	char **next; /* what is not yet read; ends with NULL */
	const char *value; /* of the option just read, or the word */
	const char *name; /* of the option just read */
	const char *joined; /* letters of the same word that are yet to be read; NULL: none */
	int code;
	bool only_words; /* after -- */
};

void options_init(struct options *o, const struct verb *verb, char **args);
/* The id of an option, or one of the above. */
int options_next(struct options *o);
/* The value of the option just read as a number or a size. On false a sentence was said and `code`
 * is set. */
bool options_u64(struct options *o, uint64_t *ret);
bool options_size(struct options *o, uint64_t *ret);
/* Seconds, or with a unit; as milliseconds. */
bool options_duration(struct options *o, uint64_t *ret);
/* Say that an argument is missing or too much; EXIT_USAGE. */
int options_missing(const struct options *o, const char *what);
int options_extra(const struct options *o);

#endif
