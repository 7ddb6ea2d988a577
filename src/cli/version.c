/* SPDX-License-Identifier: Apache-2.0 */
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/verb.h"
#include "skiff.h"

#include <unistd.h>

const struct option version_options[] = {{0}};
const char version_details[] = "";

int version_verb(const struct verb *verb, char **args)
{
	struct options o;
	struct out out;
	int id;

	options_init(&o, verb, args);
	id = options_next(&o);
	if (id == OPTIONS_STOP)
		return o.code;
	if (id != OPTIONS_END)
		return options_extra(&o);
	out_init(&out, STDOUT_FILENO);
	out_format(&out, "skiff %s\nengine abi %s\n", skiff_version(), skiff_engine_abi());
	return out_end(&out, EXIT_OK);
}
