/* SPDX-License-Identifier: Apache-2.0 */
/* verb_save.c: `skiff save`: images of the store into a file, a directory, or a pipe. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/text.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"
#include "image/archive.h"
#include "image/platform.h"
#include "image/verbs.h"

enum { OUTPUT = 1, FORMAT, PLATFORM };

const struct option save_options[] = {
	{OUTPUT, 'o', "output", "FILE|DIR", "where to; without it, standard output"},
	{FORMAT, '\0', "format", "FORMAT", "oci-archive (default), oci or docker-archive"},
	{PLATFORM, '\0', "platform", "OS[/ARCH]", "of an image for several, this one alone"},
	{0},
};

const char save_details[] =
	"Writes images with their names and with all platforms that are there. Formats:\n"
	"  oci-archive     an OCI layout as tar, with docker's manifest.json beside it: for skiff, "
	"podman,\n"
	"                  skopeo, ctr and docker\n"
	"  oci             the layout as a directory, which must be new or empty; where DIR is a\n"
	"                  directory, or ends with a slash, it need not be said\n"
	"  docker-archive  as oci-archive, of one platform of an image: this machine's linux, or "
	"else\n"
	"                  what would be run; nothing that is no image of layers\n"
	"Docker without containerd's store reads manifest.json, which names that one platform.\n"
	"Whoever saves the same images gets the same bytes.\n";

static const char *const formats[] = {
	[ARCHIVE_OCI] = "oci-archive",
	[ARCHIVE_LAYOUT] = "oci",
	[ARCHIVE_DOCKER] = "docker-archive",
};

/* False: a sentence was said. */
static bool take_format(const char *word, enum archive_format *ret)
{
	struct text_nearest nearest;

	text_nearest_init(&nearest, word, strlen(word));
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(word, formats[i]) == 0) {
			*ret = (enum archive_format)i;
			return true;
		}
		text_nearest_offer(&nearest, formats[i], strlen(formats[i]));
	}
	say_unknown("format", "", &nearest);
	return false;
}

static bool is_folder(const char *path)
{
	size_t size = strlen(path);
	struct stat st;

	return (size > 0 && path[size - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static int save(const struct archive_save *what)
{
	struct err err = {""};
	struct store store;
	int rc;

	if (what->path == NULL && what->format == ARCHIVE_LAYOUT)
		return say(EXIT_USAGE, NULL, "a layout is a directory: name it by -o DIR");
	if (what->path == NULL && isatty(STDOUT_FILENO))
		return say(
			EXIT_USAGE, NULL,
			"an archive is not for a terminal: name a file by -o FILE, or give it to "
			"another program");
	rc = store_open(&store, NULL, &err);
	if (rc < 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	rc = archive_save(&store, what, &err);
	store_close(&store);
	return rc < 0 ? say(EXIT_BAD, NULL, "%s", err.text) : EXIT_OK;
}

int save_verb(const struct verb *verb, char **args)
{
	struct archive_save what = {
		.words = args}; /* they move to the front, over options already read */
	char platform[128];
	bool is_said = false;
	struct options o;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == OPTIONS_WORD)
			args[what.count++] = o.next[-1];
		else if (id == OUTPUT)
			what.path = o.value;
		else if (id == PLATFORM && !platform_option(&o, &what.wish, platform))
			return o.code;
		else if (id == FORMAT && !take_format(o.value, &what.format))
			return EXIT_USAGE;
		is_said = is_said || id == FORMAT;
	}
	if (what.count == 0)
		return options_missing(&o, "REF");
	if (what.path != NULL && strcmp(what.path, "-") == 0)
		what.path = NULL;
	if (!is_said && what.path != NULL && is_folder(what.path))
		what.format = ARCHIVE_LAYOUT;
	return save(&what);
}
