/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: the program `skiff-image`: images of containers, which need a network and archives and what links them.
 *
 * It is reached as `skiff build`, `skiff pull`, ...: skiff lists its verbs as its own and becomes this program, and what it says
 * it says as skiff.
 */
#include "command/exit.h"
#include "command/help.h"
#include "command/say.h"
#include "image/verbs.h"
#include "image/wasm_to_oci.h"

#include <stddef.h>
#include <string.h>

const struct verb verb_table[] = {
#define VERB(name, usage, help) \
	{#name, "skiff " #name, usage, help, name##_verb, name##_options, name##_details},
#define VERB_TOO VERB
#include "command/image_verbs.def"
#undef VERB_TOO
	VERB(help, "[VERB]", "explain a verb")
#undef VERB
		{NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

const char verb_about[] = "Images of WebAssembly modules, for skiff and for other engines.\n\n"
			  "Usage: skiff VERB [ARGUMENTS...]\n";

void verb_more(struct out *out, const struct verb *verb)
{
	(void)out;
	(void)verb;
}

int main(int argc, char **argv)
{
	const char *name =
		argc > 0 && strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
	const struct verb *verb;

	if (name != NULL && strcmp(name, "wasm-to-oci") == 0)
		return wasm_to_oci(argv + 1);
	if (argc < 2)
		return help_usage();
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help_show(NULL);
	verb = verb_find(argv[1]);
	return verb != NULL ? verb->run(verb, argv + 2) : verb_unknown(argv[1]);
}
