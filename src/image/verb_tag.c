/* SPDX-License-Identifier: Apache-2.0 */
/* verb_tag.c: `skiff tag`: one more name for an image. */
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"
#include "image/store.h"
#include "image/verbs.h"

#include <stddef.h>

const struct option tag_options[] = {{0}};
const char tag_details[] = "REFERENCE is a name, or 4 digits or more of a digest. NAME stands for "
			   "that image from now\n"
			   "on, whatever it stood for before.\n";

static int tag(struct store *store, const char *word, const struct reference *reference,
	       struct err *err)
{
	const struct image_descriptor *found;
	struct image_index index;
	int error = store_find(store, word, &index, &found, err);

	if (error != 0)
		return error;
	if (reference->digest.text[0] != '\0' && !oci_digest_is(&reference->digest, &found->digest))
		error = err_set(err, -1, "'%s' names a digest, and '%s' is %s",
				reference->digest.text, word, found->digest.text);
	if (error == 0)
		error = store_name(store, reference, found, err);
	image_index_deinit(&index);
	return error;
}

int tag_verb(const struct verb *verb, char **args)
{
	const char *words[2] = {NULL, NULL};
	struct reference reference;
	struct store store;
	struct options o;
	struct err err;
	int id, count = 0, code;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (count == 2)
			return options_extra(&o);
		words[count++] = o.value;
	}
	if (count < 2)
		return options_missing(&o, count == 0 ? "REFERENCE" : "NAME");
	if (reference_parse(&reference, words[1], &err) != 0)
		return say(EXIT_USAGE, NULL, "%s", err.text);
	if (store_open(&store, NULL, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	code = tag(&store, words[0], &reference, &err) == 0 ? EXIT_OK
							    : say(EXIT_BAD, NULL, "%s", err.text);
	store_close(&store);
	return code;
}
