/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node.h"

#include "base/err.h"
#include "base/io.h"
#include "command/exit.h"
#include "command/say.h"
#include "skiff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Static so that a leak checker sees what it owns. */
static struct config config;

/* Warnings, until all is read and it is known whether they are wanted. */
struct warnings {
	char *text; /* owned; lines */
	size_t size;
};

static void keep(void *env, const char *sentence)
{
	struct warnings *w = env;
	size_t size = strlen(sentence);
	char *text = realloc(w->text, w->size + size + 1);

	if (text == NULL)
		return;
	memcpy(text + w->size, sentence, size);
	w->text = text;
	w->size += size + 1;
	text[w->size - 1] = '\0';
}

static enum say_level level(void)
{
	return config.log_level == CONFIG_LEVEL_ERROR     ? SAY_ERROR
	       : config.log_level == CONFIG_LEVEL_WARNING ? SAY_WARNING
							  : SAY_INFO;
}

int node_read(const struct config **ret, const char *path)
{
	struct warnings warnings = {.text = NULL};
	struct err err = {""};
	int error = config_read(&config, path, keep, &warnings, &err);

	if (error == 0)
		say_up_to(level());
	for (size_t at = 0; at < warnings.size; at += strlen(warnings.text + at) + 1)
		say_note(SAY_WARNING, NULL, "%s", warnings.text + at);
	free(warnings.text);
	*ret = &config;
	return error == 0 ? EXIT_OK : say(EXIT_BAD, NULL, "%s", err.text);
}

void node_cache(const struct config *c, const char **dir, bool *off)
{
	if (*off || *dir != NULL)
		return;
	*off = !c->cache_enabled;
	/* What the environment says the engine hears itself; a default is no choice of anybody's. */
	if (c->source[CONFIG_cache_dir].from == CONFIG_FROM_FILE && c->cache_dir[0] != '\0')
		*dir = c->cache_dir;
}

void node_cache_limits(const struct config *c, struct skiff_cache *cache)
{
	const struct skiff_cache_limits limits = {
		.size = sizeof(limits),
		.bytes = c->cache_max_size,
		.seconds = c->cache_max_age == CONFIG_NONE ? UINT64_MAX : c->cache_max_age / 1000,
	};

	skiff_cache_keep(cache, &limits);
}
