/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.h: the two faces of `skiff inspect`. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "skiff.h"

struct out;

void inspect_text(struct out *out, const struct skiff_module *module, const char *file);
/* The format is described in docs/cli.md. */
void inspect_json(struct out *out, const struct skiff_module *module, const char *file);

#endif
