/* SPDX-License-Identifier: Apache-2.0 */
/* verb_images.c: `skiff images`: what lies in the store. */
#include "command/exit.h"
#include "command/options.h"
#include "image/verbs.h"

const struct option images_options[] = {{0}};
const char images_details[] = "";

int images_verb(const struct verb *verb, char **args)
{
	struct options o;

	options_init(&o, verb, args);
	return options_next(&o) == OPTIONS_STOP ? o.code : EXIT_OK;
}
