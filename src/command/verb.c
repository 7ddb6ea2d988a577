/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verb.h"

#include "base/text.h"
#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

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
