/* SPDX-License-Identifier: Apache-2.0 */
/* verb_prepare.c: `skiff prepare`: unpack images, so that they start at once. */
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"
#include "image/prepare.h"
#include "image/verbs.h"

#include <stddef.h>

enum { PLATFORM = 1 };

const struct option prepare_options[] = {
	{PLATFORM, '\0', "platform", "OS/ARCH", "which one of several"},
	{0},
};
const char prepare_details[] =
	"REFERENCE is a name, or 4 digits or more of a digest, as 'skiff images' shows them.\n";

static int prepare_one(struct store *store, const char *word, const char *platform)
{
	const struct image_descriptor *found;
	struct image_index index;
	struct err err;
	int error = store_find(store, word, &index, &found, &err);

	if (error != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	error = prepare(store, &found->digest, platform, &err);
	image_index_deinit(&index);
	return error == 0 ? EXIT_OK : say(EXIT_BAD, word, "%s", err.text);
}

int prepare_verb(const struct verb *verb, char **args)
{
	const char *platform = NULL;
	size_t count = 0;
	struct store store;
	struct options o;
	struct err err;
	int id, code = EXIT_OK;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == PLATFORM)
			platform = o.value;
		else
			args[count++] = (char *)o.value; /* behind what is still to be read */
	}
	if (count == 0)
		return options_missing(&o, "REFERENCE");
	if (store_open(&store, NULL, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	for (size_t i = 0; i < count; i++)
		if (prepare_one(&store, args[i], platform) != EXIT_OK)
			code = EXIT_BAD;
	store_close(&store);
	return code;
}
