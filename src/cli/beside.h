/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beside.h: the programs that come with this one, and link what it must not: skiff-image.
 *
 * They lie in the directory of this program, or in ../libexec/skiff seen from there.
 */
#ifndef CLI_BESIDE_H
#define CLI_BESIDE_H

#include "command/verb.h"

/* Run one of them, with what it says on standard error; its exit code. argv ends with NULL. */
int beside_call(const char *name, const char *const *argv);
/* Become skiff-image with this verb; an exit code where it cannot be done. */
int beside_image(const struct verb *verb, char **args);

#endif
