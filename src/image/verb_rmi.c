/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_rmi.c: `skiff rmi`: names go, and with the last one what they led to.
 *
 * A word that is a name takes that name away; digits of a digest all names of that image. An image in which a container runs keeps its
 * last name, unless that is forced: the root stays then until the container is gone and somebody collects.
 */
#include "base/io.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/progress.h"
#include "image/store_parts.h"
#include "image/store_uses.h"
#include "image/summary.h"
#include "image/verbs.h"
#include "oci/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FORCE = 1, PRUNE };

const struct option rmi_options[] = {
	{FORCE, 'f', "force", NULL, "also where a container runs in it, and what is not there"},
	{PRUNE, 'a', "prune", NULL, "what no name leads to, and parts of what was fetched"},
	{0},
};
const char rmi_details[] = "REFERENCE is a name, which is taken away, or 4 digits or more of a "
			   "digest: then all names\n"
			   "of that image are. What no other name leads to goes from the disk.\n";

/* -- Who runs in it -------------------------------------------------------------------------------- */

/* By what is ready of it, of each platform. */
static int find_container(const struct store *store, const struct oci_digest *digest,
			  char id[static 256], struct err *err)
{
	int fd = openat(store->dir, STORE_READY, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	const char *hex = oci_digest_hex(digest);
	struct store_uses uses;
	DIR *dir;

	id[0] = '\0';
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		error = store_fail(store, -errno, "read " STORE_READY, err);
		if (fd >= 0)
			close(fd);
		return error;
	}
	error = store_uses_read(store, &uses, err);
	for (struct dirent *e = error == 0 ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
		char text[8192];
		struct ready ready;
		const char *found = NULL;

		if (strncmp(e->d_name, hex, strlen(hex)) == 0 &&
		    io_text(fd, e->d_name, text, sizeof(text)) > 0 &&
		    store_ready_parse(&ready, text, NULL) == 0)
			found = store_uses_find(&uses, ready.root);
		if (found != NULL)
			snprintf(id, 256, "%s", found);
	}
	if (error == 0)
		store_uses_deinit(&uses);
	closedir(dir);
	return error;
}

/* -- One image ------------------------------------------------------------------------------------- */

struct removal {
	const char *name; /* that goes; NULL: all that lead to the digest */
	bool is_last; /* nothing else leads there */
};

static struct removal what_goes(const char *word, const struct image_index *index,
				const struct image_descriptor *found)
{
	struct removal removal = {.is_last = true};
	const char *name = image_note(&found->notes, STORE_REF_NAME);
	char text[REFERENCE_ROOM] = "";
	struct reference reference;

	if (reference_parse(&reference, word, NULL) == 0)
		reference_text(&reference, text);
	if (name != NULL && (strcmp(name, word) == 0 || strcmp(name, text) == 0))
		removal.name = name;
	for (uint32_t i = 0; i < index->count; i++) {
		const struct image_descriptor *d = &index->manifests[i];
		const char *other = image_note(&d->notes, STORE_REF_NAME);

		if (removal.name != NULL && oci_digest_is(&d->digest, &found->digest) &&
		    (other == NULL || strcmp(other, removal.name) != 0))
			removal.is_last = false;
	}
	return removal;
}

static int check_use(const struct store *store, const char *word,
		     const struct image_descriptor *found, struct err *err)
{
	char id[256];
	int error = find_container(store, &found->digest, id, err);

	if (error != 0 || id[0] == '\0')
		return error;
	return err_set(err, -EBUSY,
		       "'%s' is the image of container '%.100s': 'skiff rm %.100s' removes that, "
		       "and '--force' takes the name away all the same",
		       word, id, id);
}

static void tell(struct out *out, const struct removal *removal, const struct image_index *index,
		 const struct image_descriptor *found)
{
	char text[REFERENCE_ROOM];

	for (uint32_t i = 0; i < index->count; i++) {
		const struct image_descriptor *d = &index->manifests[i];

		if (removal->name != NULL ? d != found : !oci_digest_is(&d->digest, &found->digest))
			continue;
		summary_name(d, text);
		if (strcmp(text, "-") == 0)
			snprintf(text, sizeof(text), "%s", d->digest.text);
		out_text(out, "removed ");
		out_name(out, text, strlen(text));
		out_text(out, "\n");
	}
}

/* *gone: there is something to collect. */
static int remove_image(struct store *store, const char *word, bool force, bool *gone,
			struct out *out)
{
	const struct image_descriptor *found;
	struct image_index index;
	struct removal removal;
	struct err err;
	int error = store_find(store, word, &index, &found, &err);

	if (error == -ENOENT && force)
		return EXIT_OK;
	if (error != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	removal = what_goes(word, &index, found);
	if (removal.is_last && !force)
		error = check_use(store, word, found, &err);
	if (error == 0)
		error = store_forget(store, removal.name,
				     removal.name == NULL ? &found->digest : NULL, &err);
	if (error == 0) {
		*gone = true;
		tell(out, &removal, &index, found);
	}
	image_index_deinit(&index);
	return error == 0 ? EXIT_OK : say(EXIT_BAD, NULL, "%s", err.text);
}

/* -- The verb -------------------------------------------------------------------------------------- */

static int collect(struct store *store, bool parts, struct out *out)
{
	struct store_freed freed;
	struct err err;
	char text[32];

	if (store_collect(store, parts, &freed, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	if (freed.later)
		out_text(out,
			 "another process uses the store: what no name leads to goes when that "
			 "has ended\n");
	else
		out_format(out, "freed %s\n", progress_amount(freed.bytes, text));
	return EXIT_OK;
}

static int remove_all(char **words, size_t count, bool force, bool prune)
{
	struct store store;
	struct out out;
	struct err err;
	bool gone = prune;
	int code = EXIT_OK;

	if (store_open(&store, NULL, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	out_init(&out, STDOUT_FILENO);
	for (size_t i = 0; i < count; i++)
		if (remove_image(&store, words[i], force, &gone, &out) != EXIT_OK)
			code = EXIT_BAD;
	if (gone && collect(&store, prune, &out) != EXIT_OK)
		code = EXIT_BAD;
	store_close(&store);
	return out_end(&out, code);
}

int rmi_verb(const struct verb *verb, char **args)
{
	bool force = false, prune = false;
	struct options o;
	size_t count = 0;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == FORCE)
			force = true;
		else if (id == PRUNE)
			prune = true;
		else
			args[count++] = (char *)o.value; /* behind what is still to be read */
	}
	if (count == 0 && !prune)
		return options_missing(&o, "REFERENCE");
	return remove_all(args, count, force, prune);
}
