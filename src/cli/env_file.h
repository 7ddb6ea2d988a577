/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_file.h: variables from a file, in the form Docker reads.
 *
 *   # a comment
 *   NAME=VALUE     the value goes to the end of the line, quotes and blanks included
 *   NAME           the value is that of our own environment; nothing where it has none
 *
 * Blanks in front of a line do not count, nor does a carriage return at its end. A name holds no blanks.
 */
#ifndef CLI_ENV_FILE_H
#define CLI_ENV_FILE_H

/* Takes one, NAME=VALUE or NAME; an exit code. */
typedef int env_file_fn(void *env, const char *variable);

/* Hand them over; an exit code, after a sentence that names the file and, for a bad line, its number. */
int env_file_read(const char *path, env_file_fn *fn, void *env);

#endif
