/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb.h: what a verb is, and its options.
 *
 * A verb is one row of its program's verbs.def and one file. Its options are a table with help texts; the same
 * table is parsed, printed by `skiff help VERB`, and searched for the nearest match.
 */
#ifndef COMMAND_VERB_H
#define COMMAND_VERB_H

#include <stdbool.h>

struct out;

struct option {
	int id; /* > 0; 0 ends the table */
	char letter; /* or '\0' */
	const char *name; /* without dashes */
	const char *value; /* what to call the value; NULL: takes none */
	const char *help; /* NULL: the details tell of it */
};

struct verb {
	const char *name;
	const char *command; /* what is typed to get it */
	const char *usage;
	const char *help;
	int (*run)(const struct verb *verb, char **args); /* returns the exit code */
	const struct option *options; /* NULL: another program's, which knows them */
	const char *details; /* a text below the options, may be empty */
};

/*
 * What a program has: rows of its verbs.def, the last one with the name NULL. Each program brings its own table, and what
 * stands above it in the help text.
 */
extern const struct verb verb_table[];
extern const char verb_about[];
/* What it has to say of a verb below the details. */
void verb_more(struct out *out, const struct verb *verb);

/* NULL: no such verb. */
const struct verb *verb_find(const char *name);
/* Say that `name` is no verb; EXIT_USAGE. */
int verb_unknown(const char *name);

#endif
