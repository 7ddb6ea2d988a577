/* SPDX-License-Identifier: Apache-2.0 */
#include "command/help.h"

#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/verb.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COLUMN = 24 /* where the explanation of an option begins */ };

const struct option help_options[] = {{0}};
const char help_details[] = "";

static void put_overview(struct out *out)
{
	out_text(out, verb_about);
	out_text(out, "\nVerbs:\n");
	for (const struct verb *v = verb_table; v->name != NULL; v++)
		out_format(out, "  %-9s %s\n", v->name, v->help);
	out_text(out, "\nExit codes:\n");
#define EXIT(id, code, meaning) out_format(out, "  %3d  %s\n", code, meaning);
#include "command/exits.def"
#undef EXIT
	out_text(out, "  Otherwise it is the code the guest exits with.\n\n"
		      "'skiff help VERB' explains a verb; 'skiff --version' shows the version.\n");
}

static void put_option(struct out *out, const struct option *row)
{
	char left[64];

	if (row->letter != '\0')
		snprintf(left, sizeof(left), "-%c, --%s%s%s", row->letter, row->name,
			 row->value ? " " : "", row->value ? row->value : "");
	else
		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->value ? " " : "",
			 row->value ? row->value : "");
	if (strlen(left) > COLUMN)
		out_format(out, "  %s\n  %*s %s\n", left, COLUMN, "", row->help);
	else
		out_format(out, "  %-*s %s\n", COLUMN, left, row->help);
}

static void put_verb(struct out *out, const struct verb *verb)
{
	out_format(out, "%s: %s\n\nUsage: %s %s\n\nOptions:\n", verb->command, verb->help,
		   verb->command, verb->usage);
	for (const struct option *row = verb->options; row->id != 0; row++)
		if (row->help != NULL)
			put_option(out, row);
	out_format(out, "  %-*s %s\n", COLUMN, "-h, --help", "show this text");
	if (verb->details[0] != '\0') {
		out_text(out, "\n");
		out_text(out, verb->details);
	}
	verb_more(out, verb);
}

int help_show(const struct verb *verb)
{
	static char *help[] = {"--help", NULL};
	struct out out;

	if (verb != NULL && verb->options == NULL)
		return verb->run(verb, help);
	out_init(&out, STDOUT_FILENO);
	if (verb != NULL)
		put_verb(&out, verb);
	else
		put_overview(&out);
	return out_end(&out, EXIT_OK);
}

int help_usage(void)
{
	struct out out;

	out_init(&out, STDERR_FILENO);
	put_overview(&out);
	out_flush(&out);
	return EXIT_USAGE;
}

int help_verb(const struct verb *verb, char **args)
{
	const struct verb *about = NULL;
	struct options o;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (about != NULL)
			return options_extra(&o);
		about = verb_find(o.value);
		if (about == NULL)
			return verb_unknown(o.value);
	}
	return help_show(about);
}
