/* SPDX-License-Identifier: Apache-2.0 */
/* verb_load.c: `skiff load`: images from an archive or a layout into the store. */
#include <string.h>
#include <unistd.h>

#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/archive.h"
#include "image/verbs.h"

enum { INPUT = 1, NAME };

const struct option load_options[] = {
	{INPUT, 'i', "input", "FILE|DIR", "where from; without it, standard input"},
	{NAME, '\0', "name", "REF", "what to call the image, whatever it is called there"},
	{0},
};

const char load_details[] = "Takes what 'skiff save', 'docker save', 'podman save', skopeo and "
			    "buildah write: OCI layouts as\n"
			    "directories or as tar, and docker's archives, also packed by gzip, "
			    "bzip2, xz or zstd. Each image\n"
			    "that came is a line on standard output: its name and its digest.\n";

static int list(const struct buf *loaded, int code)
{
	char name[REFERENCE_ROOM];
	struct out out;

	out_init(&out, STDOUT_FILENO);
	for (size_t i = 0; i < BUF_COUNT(loaded, struct archive_image); i++) {
		const struct archive_image *image = BUF_ITEM(loaded, struct archive_image, i);

		reference_short(&image->name, name);
		out_format(&out, "%s %s\n", name, image->digest.text);
	}
	return out_end(&out, code);
}

static int load(const char *path, const struct reference *name)
{
	struct buf loaded = {0};
	struct err err = {""};
	struct store store;
	int rc, code;

	if (path == NULL && isatty(STDIN_FILENO))
		return say(
			EXIT_USAGE, NULL,
			"no archive comes from a terminal: name a file by -i FILE, or give it the "
			"output of another program");
	rc = store_open(&store, NULL, &err);
	if (rc < 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	rc = archive_load(&store, path, name, &loaded, &err);
	store_close(&store);
	code = list(&loaded, rc < 0 ? EXIT_BAD : EXIT_OK);
	buf_deinit(&loaded);
	if (rc < 0)
		code = say(EXIT_BAD, path != NULL ? path : "standard input", "%s", err.text);
	return code;
}

int load_verb(const struct verb *verb, char **args)
{
	struct reference name;
	struct err err = {""};
	const char *path = NULL;
	bool is_named = false;
	struct options o;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == OPTIONS_WORD)
			return options_extra(&o);
		if (id == INPUT)
			path = o.value;
		else if (reference_parse(&name, o.value, &err) < 0)
			return say(EXIT_USAGE, "--name", "%s", err.text);
		is_named = is_named || id == NAME;
	}
	if (path != NULL && strcmp(path, "-") == 0)
		path = NULL;
	if (is_named && name.digest.text[0] != '\0')
		return say(EXIT_USAGE, "--name",
			   "a name with a digest is not given, it is what it is");
	return load(path, is_named ? &name : NULL);
}
