/* SPDX-License-Identifier: Apache-2.0 */
/* verb_pull.c: `skiff pull`: images from registries into the store. */
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/connection.h"
#include "image/platform.h"
#include "image/pull.h"
#include "image/verbs.h"

#include <unistd.h>

enum { PLATFORM = 1, ALL, QUIET, JOBS, MIRROR };

const struct option pull_options[] = {
	{PLATFORM, 0, "platform", "OS[/ARCH]",
	 "of an image for several; else wasm, or what this machine is"},
	{ALL, 'a', "all-platforms", NULL, "all of them"},
	{JOBS, 0, "jobs", "N", "layers at a time; 3 if nothing is said"},
	{MIRROR, 0, "mirror", "HOST[/PATH]", "ask there first"},
	{QUIET, 'q', "quiet", NULL, "print digests only"},
	CONNECTION_ROWS,
	{0},
};
const char pull_details[] = "A REFERENCE is [HOST[:PORT]/]PATH[:TAG][@DIGEST]; without a host it "
			    "is docker.io's, without a tag\n"
			    "`latest`. What is there already is not fetched again; what was "
			    "interrupted goes on where it was.\n";

struct verb_pull {
	struct pull pull;
	struct connection connection;
	char platform[128];
	char **words; /* references: the front of the arguments */
	unsigned count;
};

static int parse_one(struct verb_pull *v, struct options *o, int id)
{
	switch (id) {
	case PLATFORM:
		return platform_option(o, &v->pull.wish, v->platform) ? EXIT_OK : o->code;
	case ALL:
		v->pull.all = true;
		return EXIT_OK;
	case QUIET:
		v->pull.quiet = true;
		return EXIT_OK;
	case JOBS:
		return connection_jobs(o, &v->connection.options.jobs) ? EXIT_OK : o->code;
	case MIRROR:
		v->connection.options.mirror = o->value;
		return EXIT_OK;
	case OPTIONS_WORD:
		v->words[v->count++] = (char *)o->value;
		return EXIT_OK;
	case OPTIONS_STOP:
		return o->code;
	default:
		connection_take(&v->connection, o, id);
		return v->connection.code;
	}
}

/* What it came to, on standard output. */
static int tell(const struct verb_pull *v, const struct reference *reference,
		const struct pull_result *result, const struct oci_digest *digest)
{
	char name[REFERENCE_ROOM], size[24];
	struct out out;

	out_init(&out, STDOUT_FILENO);
	if (v->pull.quiet) {
		out_format(&out, "%s\n", digest->text);
	} else {
		reference_short(reference, name);
		out_format(&out, "%s: %s, %s%s\n", name, digest->text,
			   progress_amount(result->size, size), result->news ? "" : ", up to date");
	}
	return out_end(&out, EXIT_OK);
}

static int pull_one(struct verb_pull *v, struct store *store, const char *word)
{
	struct pull_result result;
	struct reference reference;
	struct oci_digest digest;
	struct err err = {""};
	int rc;

	if (reference_parse(&reference, word, &err) < 0)
		return say(EXIT_USAGE, NULL, "%s", err.text);
	v->pull.result = &result;
	rc = pull(store, &v->pull, &reference, &digest, &err);
	v->pull.result = NULL;
	if (rc < 0)
		return say(EXIT_BAD, word, "%s", err.text);
	return tell(v, &reference, &result, &digest);
}

static int pull_all(struct verb_pull *v)
{
	struct store store;
	struct err err = {""};
	int code = EXIT_OK;

	if (store_open(&store, NULL, &err) < 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	store.quiet = v->pull.quiet;
	/* One that cannot be had does not keep the others from coming. */
	for (unsigned i = 0; i < v->count; i++) {
		int one = pull_one(v, &store, v->words[i]);

		code = code == EXIT_OK ? one : code;
	}
	store_close(&store);
	return code;
}

int pull_verb(const struct verb *verb, char **args)
{
	struct verb_pull v = {.words = args};
	struct options o;
	int id, code = EXIT_OK;
	bool stopped = false;

	options_init(&o, verb, args);
	while (!stopped && (id = options_next(&o)) != OPTIONS_END) {
		code = parse_one(&v, &o, id);
		stopped = code != EXIT_OK || id == OPTIONS_STOP;
	}
	if (!stopped && v.count == 0)
		code = options_missing(&o, "a reference");
	else if (!stopped && v.pull.all && v.pull.wish.given)
		code = say(EXIT_USAGE, NULL, "--platform and --all-platforms exclude each other");
	else if (!stopped)
		code = connection_ready(&v.connection);
	if (!stopped && code == EXIT_OK) {
		v.pull.options = v.connection.options;
		code = pull_all(&v);
	}
	connection_deinit(&v.connection);
	return code;
}
