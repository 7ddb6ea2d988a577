/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h: the functions of image_verbs.def, for those that call one another. */
#ifndef IMAGE_VERBS_H
#define IMAGE_VERBS_H

#include "command/verb.h"

#define VERB(name, usage, help)                                \
	int name##_verb(const struct verb *verb, char **args); \
	extern const struct option name##_options[];           \
	extern const char name##_details[];
#define VERB_TOO VERB
#include "command/image_verbs.def"
#undef VERB_TOO
#undef VERB

#endif
