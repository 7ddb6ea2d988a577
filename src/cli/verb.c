/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verb.h"

#include "base/text.h"
#include "cli/exit.h"
#include "cli/say.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

const struct verb verb_table[] = {
#define VERB(name, usage, help) \
	{#name, "skiff " #name, usage, help, name##_verb, name##_options, name##_details},
#include "cli/verbs.def"
#undef VERB
	{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verb_table; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* What looks like a path was meant as one. */
int verb_unknown(const char *name)
{
	struct text_nearest nearest;

	if (strpbrk(name, "./") != NULL)
		return say(EXIT_BAD, name, "%s", strerror(ENOENT));
	text_nearest_init(&nearest, name, strlen(name));
	for (const struct verb *v = verb_table; v->name != NULL; v++)
		text_nearest_offer(&nearest, v->name, strlen(v->name));
	return say_unknown("verb", "", &nearest);
}
