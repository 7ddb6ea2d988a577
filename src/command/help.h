/* SPDX-License-Identifier: Apache-2.0 */
/* help.h: help texts, made from the tables of verbs, options and exit codes; and the verb `help`. */
#ifndef COMMAND_HELP_H
#define COMMAND_HELP_H

#include "command/verb.h"

/* Print the help of a verb, or of the program itself (NULL); the exit code. */
int help_show(const struct verb *verb);
/* The program without arguments: the same on standard error; EXIT_USAGE. */
int help_usage(void);

int help_verb(const struct verb *verb, char **args);
extern const struct option help_options[];
extern const char help_details[];

#endif
