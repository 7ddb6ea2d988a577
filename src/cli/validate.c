/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate.c: `skiff validate FILE...`: nothing for a good module, one line for a bad one.
 * A good module with a wrong custom section gets a line too, but that is no fault of the module's.
 *
 * All files are checked, whatever comes of the first.
 */
#include "cli/features.h"
#include "cli/say_error.h"
#include "cli/source.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"

#include <stddef.h>

const struct option validate_options[] = {FEATURES_OPTIONS, {0}};
const char validate_details[] =
	"Says nothing and exits with 0 when every file is a valid module. For each other file it\n"
	"writes one line to standard error, and exits with 1. FILE '-' is standard input.\n"
	"A line that begins with 'warning' is about a valid module's custom section.\n";

static int check(struct skiff_engine *engine, const char *path)
{
	struct skiff_module *module = NULL;
	struct skiff_error err = {.text = ""};
	int r = source_open(&module, engine, path, &err);

	if (r != 0)
		return say_error(source_name(path), r, &err);
	if (skiff_module_check_custom(module, &err) != 0)
		say_note(SAY_WARNING, source_name(path), "%s", err.text);
	skiff_module_free(module);
	return EXIT_OK;
}

static int check_all(char **files, size_t count, uint64_t features)
{
	struct skiff_config config = {.size = sizeof(config),
				      .features = features_config(features)};
	struct skiff_engine *engine = NULL;
	struct skiff_error err = {.text = ""};
	int r = skiff_engine_new(&engine, &config, &err);
	int code = EXIT_OK;

	if (r != 0)
		return say_error(NULL, r, &err);
	for (size_t i = 0; i < count; i++)
		if (check(engine, files[i]) != EXIT_OK)
			code = EXIT_BAD;
	skiff_engine_free(engine);
	return code;
}

int validate_verb(const struct verb *verb, char **args)
{
	uint64_t features = skiff_features_default();
	char **files = args; /* the words move to the front, over options already read */
	struct options o;
	size_t count = 0;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == OPTIONS_WORD)
			files[count++] = o.next[-1];
		else if (!features_switch(&o, id, &features))
			return o.code;
	}
	if (count == 0)
		return options_missing(&o, "FILE");
	return check_all(files, count, features);
}
