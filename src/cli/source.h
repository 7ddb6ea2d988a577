/* SPDX-License-Identifier: Apache-2.0 */
/* source.h: a module from where the command line says: a file, or `-` for standard input. */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "skiff.h"

/* As skiff_module_open(). */
int source_open(struct skiff_module **ret, struct skiff_engine *engine, const char *path,
		struct skiff_error *err);

/* How sentences call it. */
const char *source_name(const char *path);

#endif
