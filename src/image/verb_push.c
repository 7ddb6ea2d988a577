/* SPDX-License-Identifier: Apache-2.0 */
/* verb_push.c: `skiff push`: an image of the store to a registry. */
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/connection.h"
#include "image/platform.h"
#include "image/push.h"
#include "image/verbs.h"
#include "oci/store.h"

#include <unistd.h>

enum { PLATFORM = 1, QUIET, JOBS, TO };

const struct option push_options[] = {
	{TO, 0, "to", "REFERENCE", "push it there; else where its name says"},
	{PLATFORM, 0, "platform", "OS[/ARCH]", "of an image for several, this one alone"},
	{JOBS, 0, "jobs", "N", "layers at a time; 3 if nothing is said"},
	{QUIET, 'q', "quiet", NULL, "print the digest only"},
	CONNECTION_ROWS,
	{0},
};
const char push_details[] =
	"A REFERENCE is [HOST[:PORT]/]PATH[:TAG], as `skiff images` lists it; with --to it may be "
	"a digest, too.\n"
	"What the registry has already, in this or another repository, is not sent again.\n";

struct verb_push {
	struct push push;
	struct connection connection;
	char platform[128];
	const char *word, *to;
};

static int parse_one(struct verb_push *v, struct options *o, int id)
{
	switch (id) {
	case PLATFORM:
		return platform_option(o, &v->push.wish, v->platform) ? EXIT_OK : o->code;
	case QUIET:
		v->push.quiet = true;
		return EXIT_OK;
	case JOBS:
		return connection_jobs(o, &v->connection.options.jobs) ? EXIT_OK : o->code;
	case TO:
		v->to = o->value;
		return EXIT_OK;
	case OPTIONS_WORD:
		if (v->word != NULL)
			return options_extra(o);
		v->word = o->value;
		return EXIT_OK;
	case OPTIONS_STOP:
		return o->code;
	default:
		connection_take(&v->connection, o, id);
		return v->connection.code;
	}
}

static int tell(const struct verb_push *v, const struct reference *to, uint64_t bytes,
		const struct oci_digest *digest)
{
	char name[REFERENCE_ROOM], size[24];
	struct out out;

	out_init(&out, STDOUT_FILENO);
	if (v->push.quiet) {
		out_format(&out, "%s\n", digest->text);
	} else {
		reference_short(to, name);
		out_format(&out, "%s: %s, %s\n", name, digest->text, progress_amount(bytes, size));
	}
	return out_end(&out, EXIT_OK);
}

static int push_found(struct verb_push *v, struct store *store,
		      const struct image_descriptor *found)
{
	const char *name = image_note(&found->notes, STORE_REF_NAME);
	struct reference to;
	struct oci_digest digest;
	uint64_t size = 0;
	struct err err = {""};
	int rc;

	if (v->to == NULL && name == NULL)
		return say(EXIT_USAGE, v->word, "it has no name: say where it goes by --to");
	if (reference_parse(&to, v->to != NULL ? v->to : name, &err) < 0)
		return say(EXIT_USAGE, NULL, "%s", err.text);
	v->push.size = &size;
	rc = push(store, &v->push, found, &to, &digest, &err);
	v->push.size = NULL;
	if (rc < 0)
		return say(EXIT_BAD, v->to != NULL ? v->to : v->word, "%s", err.text);
	return tell(v, &to, size, &digest);
}

static int push_it(struct verb_push *v)
{
	const struct image_descriptor *found;
	struct image_index index;
	struct store store;
	struct err err = {""};
	int code;

	if (store_open(&store, NULL, &err) < 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	store.quiet = v->push.quiet;
	if (store_find(&store, v->word, &index, &found, &err) < 0) {
		code = say(EXIT_BAD, NULL, "%s", err.text);
	} else {
		code = push_found(v, &store, found);
		image_index_deinit(&index);
	}
	store_close(&store);
	return code;
}

int push_verb(const struct verb *verb, char **args)
{
	struct verb_push v = {0};
	struct options o;
	int id, code = EXIT_OK;
	bool stopped = false;

	options_init(&o, verb, args);
	while (!stopped && (id = options_next(&o)) != OPTIONS_END) {
		code = parse_one(&v, &o, id);
		stopped = code != EXIT_OK || id == OPTIONS_STOP;
	}
	if (!stopped && v.word == NULL)
		code = options_missing(&o, "a reference");
	else if (!stopped)
		code = connection_ready(&v.connection);
	if (!stopped && code == EXIT_OK) {
		v.push.options = v.connection.options;
		code = push_it(&v);
	}
	connection_deinit(&v.connection);
	return code;
}
