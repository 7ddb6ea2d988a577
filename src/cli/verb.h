/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb.h: what a verb is, and its options.
 *
 * A verb is one row of verbs.def and one file. Its options are a table with help texts; the same
 * table is parsed, printed by `skiff help VERB`, and searched for the nearest match.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>

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
	const struct option *options;
	const char *details; /* a text below the options, may be empty */
};

/* Ends with a row whose name is NULL. */
extern const struct verb verb_table[];

#define VERB(name, usage, help)                                \
	int name##_verb(const struct verb *verb, char **args); \
	extern const struct option name##_options[];           \
	extern const char name##_details[];
#include "cli/verbs.def"
#undef VERB

/* NULL: no such verb. */
const struct verb *verb_find(const char *name);
/* Say that `name` is no verb; EXIT_USAGE. */
int verb_unknown(const char *name);

#endif
