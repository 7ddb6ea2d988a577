/* SPDX-License-Identifier: Apache-2.0 */
/* create.c: `skiff create [OPTIONS] ID`: the first half of `skiff run --bundle`. */
#include "cli/contained.h"
#include "command/options.h"

#include <stddef.h>

enum {
	BUNDLE = 1,
	CONSOLE_SOCKET,
	PID_FILE,
	CACHE,
	NO_CACHE,
};

const struct option create_options[] = {
	{BUNDLE, 'b', "bundle", "DIR", "the OCI bundle (default: the working directory)"},
	{CONSOLE_SOCKET, '\0', "console-socket", "PATH", "hand its terminal to who listens there"},
	{PID_FILE, '\0', "pid-file", "FILE", "write the number of its process to FILE"},
	{CACHE, '\0', "cache", "DIR", "where modules seen before are kept"},
	{NO_CACHE, '\0', "no-cache", NULL, "do not look there"},
	{0},
};
const char create_details[] =
	"Everything is made and checked, and the process waits for `skiff start ID`. It has the\n"
	"standard streams of this command. Nobody of ours waits for its end: that is the business\n"
	"of whoever its parent is once this command has ended.\n";

static void take(const struct options *o, int id, struct contained_plan *plan)
{
	if (id == BUNDLE)
		plan->bundle = o->value;
	else if (id == CONSOLE_SOCKET)
		plan->console_socket = o->value;
	else if (id == PID_FILE)
		plan->pid_file = o->value;
	else if (id == CACHE)
		plan->cache = o->value;
	else
		plan->no_cache = true;
}

int create_verb(const struct verb *verb, char **args)
{
	struct contained_plan plan = {.bundle = ".", .detached = true, .root = -1, .lock = -1};
	struct options o;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id != OPTIONS_WORD)
			take(&o, id, &plan);
		else if (plan.id != NULL)
			return options_extra(&o);
		else
			plan.id = o.value;
	}
	return plan.id != NULL ? contained_run(&plan) : options_missing(&o, "ID");
}
