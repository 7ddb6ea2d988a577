/* SPDX-License-Identifier: Apache-2.0 */
/* say_error.h: what the engine says, said. */
#ifndef CLI_SAY_ERROR_H
#define CLI_SAY_ERROR_H

struct skiff_error;

/* What a function of skiff.h returned and wrote, about a file; the exit code follows from it. */
int say_error(const char *file, int code, const struct skiff_error *err);

#endif
