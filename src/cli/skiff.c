/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff.c: the role `skiff`: find the verb and hand over.
 *
 * A first argument that is no verb but an existing file is run, so `#!/usr/bin/env skiff` and
 * binfmt_misc work.
 */
#include "base/text.h"
#include "cli/verbs.h"
#include "command/exit.h"
#include "command/help.h"
#include "command/say.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

int skiff_main(char **args);

static int top_option(const char *word)
{
	static char *none[] = {NULL};
	struct text_nearest nearest;
	size_t size;

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help_show(NULL);
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return version_verb(verb_find("version"), none);
	if (word[1] != '-')
		return say(EXIT_USAGE, NULL, "unknown option '%s'", word);
	size = strcspn(word + 2, "=");
	for (const struct option *row = run_options; row->id != 0; row++)
		if (strlen(row->name) == size && memcmp(word + 2, row->name, size) == 0)
			return say(EXIT_USAGE, NULL,
				   "option '--%s' belongs to a verb, as in: skiff run --%s",
				   row->name, row->name);
	text_nearest_init(&nearest, word + 2, strlen(word + 2));
	text_nearest_offer(&nearest, "help", 4);
	text_nearest_offer(&nearest, "version", 7);
	return say_unknown("option", "--", &nearest);
}

int skiff_main(char **args)
{
	const struct verb *verb;

	if (args[0] == NULL)
		return help_usage();
	if (args[0][0] == '-' && args[0][1] != '\0')
		return top_option(args[0]);
	verb = verb_find(args[0]);
	if (verb != NULL)
		return verb->run(verb, args + 1);
	if (strcmp(args[0], "-") == 0 || access(args[0], F_OK) == 0)
		return run_verb(verb_find("run"), args);
	return verb_unknown(args[0]);
}
