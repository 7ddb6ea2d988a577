/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.c: `skiff config`: the configuration as it holds, as a file of its own form.
 *
 * Behind each value stands where it comes from.
 */
#include "runtime/config.h"
#include "cli/node.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "skiff.h"

#include <string.h>
#include <unistd.h>

enum { CONFIG = 1 };

const struct option config_options[] = {
	{CONFIG, '\0', "config", "FILE",
	 "this file, instead of /etc/skiff/config.toml; an empty name: none"},
	{0},
};
const char config_details[] =
	"Every key, its value, and where that comes from: the default, a line of the file, or the\n"
	"environment. The exit code is 1 where the file has a mistake. docs/config.md has more.\n";

/* A string of TOML. */
static void put_string(struct out *out, const char *text)
{
	out_text(out, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			out_format(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			out_format(out, "\\u%04x", (unsigned)*text);
		else
			out_format(out, "%c", *text);
	}
	out_text(out, "\"");
}

static void put_source(struct out *out, const struct config *config, enum config_key key)
{
	switch (config->source[key].from) {
	case CONFIG_FROM_FILE:
		out_format(out, "  # line %u\n", config->source[key].line);
		break;
	case CONFIG_FROM_ENVIRONMENT:
		out_text(out, "  # SKIFF_CACHE\n");
		break;
	default:
		out_text(out, "  # default\n");
	}
}

static void put_key(struct out *out, const struct config *config, enum config_key key)
{
	char text[CONFIG_TEXT];
	const char *value = config_text(config, key, text);

	out_format(out, "%s = ", config_name(key));
	if (value != NULL)
		out_text(out, value);
	else
		put_string(out, config_path(config, key));
	put_source(out, config, key);
}

static int show(const struct config *config)
{
	const char *section = "";
	struct out out;

	out_init(&out, STDOUT_FILENO);
	if (config->file != NULL) {
		out_text(&out, "# ");
		out_name(&out, config->file, strlen(config->file));
		out_text(&out, "\n");
	} else {
		out_text(&out, "# no file\n");
	}
	for (int i = 0; i < CONFIG_KEYS; i++) {
		enum config_key key = (enum config_key)i;

		if (strcmp(config_section(key), section) != 0)
			out_format(&out, "\n[%s]\n", config_section(key));
		section = config_section(key);
		put_key(&out, config, key);
	}
	return out_end(&out, EXIT_OK);
}

int config_verb(const struct verb *verb, char **args)
{
	const struct config *config;
	const char *path = NULL;
	struct options o;
	int id, code;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == OPTIONS_WORD)
			return options_extra(&o);
		path = o.value;
	}
	code = node_read(&config, path);
	return code == EXIT_OK ? show(config) : code;
}
