/* SPDX-License-Identifier: Apache-2.0 */
/* artifacts.h: a module by way of a file that is mapped, for --artifacts. */
#ifndef SPEC_ARTIFACTS_H
#define SPEC_ARTIFACTS_H

#include "skiff.h"

/* As skiff_module_open(). */
int artifacts_open(struct skiff_module **ret, struct skiff_engine *engine, const char *path,
		   struct skiff_error *err);

#endif
