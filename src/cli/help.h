/* SPDX-License-Identifier: Apache-2.0 */
/* help.h: help texts, made from the tables of verbs, options and exit codes. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

struct verb;

/* Print the help of a verb, or of skiff itself (NULL); the exit code. */
int help_show(const struct verb *verb);
/* skiff without arguments: the same on standard error; EXIT_USAGE. */
int help_usage(void);

#endif
