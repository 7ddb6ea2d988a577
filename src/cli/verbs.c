/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.c: the verbs of skiff, and below them those it hands to skiff-image. */
#include "cli/verbs.h"

#include "cli/beside.h"
#include "cli/features.h"
#include "command/help.h"

#include <stddef.h>

const struct verb verb_table[] = {
#define VERB(name, usage, help) \
	{#name, "skiff " #name, usage, help, name##_verb, name##_options, name##_details},
#include "cli/verbs.def"
#undef VERB
#define VERB(name, usage, help) {#name, "skiff " #name, usage, help, beside_image, NULL, ""},
#define VERB_TOO(name, usage, help) /* above */
#include "command/image_verbs.def"
#undef VERB_TOO
#undef VERB
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

const char verb_about[] = "Skiff runs WebAssembly modules, alone and in containers.\n\n"
			  "Usage: skiff VERB [ARGUMENTS...]\n"
			  "       skiff FILE [ARGUMENTS...]     the same as: skiff run FILE\n";

void verb_more(struct out *out, const struct verb *verb)
{
	for (const struct option *row = verb->options; row->id != 0; row++)
		if (row->id == FEATURES_ENABLE)
			features_list(out);
}
