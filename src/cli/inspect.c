/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c: `skiff inspect FILE [--json]`, and `skiff inspect REFERENCE`, which skiff-image does. */
#include "cli/inspect.h"

#include "cli/beside.h"
#include "cli/features.h"
#include "cli/local.h"
#include "cli/say_error.h"
#include "cli/source.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "oci/reference.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { JSON = 1, PLATFORM };

const struct option inspect_options[] = {
	{JSON, '\0', "json", NULL, "write JSON, as docs/cli.md describes it"},
	{PLATFORM, '\0', "platform", "OS/ARCH", "of an image: only that one of several"},
	FEATURES_OPTIONS,
	{0},
};
const char inspect_details[] = "FILE '-' is standard input. The module is validated first. What is "
			       "no file and a name of an\n"
			       "image, or digits of its digest, is shown as JSON: what the store "
			       "has of it (docs/images.md).\n";

static int inspect(const char *path, uint64_t features, bool json)
{
	struct skiff_config config = {.size = sizeof(config),
				      .features = features_config(features)};
	struct skiff_engine *engine = NULL;
	struct skiff_module *module = NULL;
	struct skiff_error err = {.text = ""};
	struct out out;
	int code, r;

	r = skiff_engine_new(&engine, &config, &err);
	if (r == 0)
		r = source_open(&module, engine, path, &err);
	if (r == 0) {
		out_init(&out, STDOUT_FILENO);
		(json ? inspect_json : inspect_text)(&out, module, source_name(path));
		code = out_end(&out, EXIT_OK);
	} else {
		code = say_error(source_name(path), r, &err);
	}
	skiff_module_free(module);
	skiff_engine_free(engine);
	return code;
}

static bool is_image(const char *word)
{
	struct reference ignored;

	if (local_is_file(word))
		return false;
	return reference_parse(&ignored, word, NULL) == 0 ||
	       (strncmp(word, "sha256:", 7) == 0 && strchr(word, '/') == NULL);
}

int inspect_verb(const struct verb *verb, char **args)
{
	uint64_t features = skiff_features_default();
	const char *file = NULL, *platform = NULL;
	char **all = args;
	struct options o;
	bool json = false;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == JSON)
			json = true;
		else if (id == PLATFORM)
			platform = o.value;
		else if (id != OPTIONS_WORD && !features_switch(&o, id, &features))
			return o.code;
		else if (id == OPTIONS_WORD && file != NULL)
			return options_extra(&o);
		else if (id == OPTIONS_WORD)
			file = o.value;
	}
	if (file == NULL)
		return options_missing(&o, "FILE");
	if (is_image(file))
		return beside_image(verb, all);
	if (platform != NULL)
		return say(EXIT_USAGE, file,
			   "a module has no platforms: '--platform' is for images");
	return inspect(file, features, json);
}
