/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local.h"

#include "cli/beside.h"
#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Outcomes of look(). */
enum { NO_IMAGE = 1, NOT_READY };

static bool ends_with(const char *word, const char *end)
{
	size_t size = strlen(word), end_size = strlen(end);

	return size >= end_size && strcmp(word + size - end_size, end) == 0;
}

static bool is_kept(const char *word)
{
	struct reference reference;
	struct oci_digest digest;
	int dir, lock, error;

	if (reference_parse(&reference, word, NULL) != 0)
		return false;
	lock = store_use(&dir, NULL);
	if (lock < 0)
		return false;
	error = store_lookup(dir, &reference, &digest, NULL);
	close(dir);
	close(lock);
	return error == 0;
}

bool local_is_file(const char *word)
{
	struct stat st;

	if (word[0] == '/' || word[0] == '.' || strcmp(word, "-") == 0 || word[0] == '\0')
		return true;
	if (ends_with(word, ".wasm") || ends_with(word, ".wat"))
		return true;
	if (stat(word, &st) < 0)
		return false;
	/* A directory may well be called as the image that is made in it; else it is what was meant, and is told of. */
	return !S_ISDIR(st.st_mode) || !is_kept(word);
}

/* -- What is there ------------------------------------------------------------------------------------ */

static int open_root(struct local *l, int dir, struct err *err)
{
	char store[PATH_MAX], below[128];
	int error = store_path(store, err);

	if (error != 0)
		return error;
	snprintf(below, sizeof(below), "roots/%s", l->ready.root);
	if (snprintf(l->path, sizeof(l->path), "%s/%s", store, below) >= (int)sizeof(l->path))
		return err_set(err, -ENAMETOOLONG, "the store's path is too long");
	l->root = openat(dir, below, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->root >= 0)
		return 0;
	/* Somebody cleaned up by hand. */
	return errno == ENOENT ? NOT_READY
			       : err_set(err, -errno, "'%s': %s", l->path, strerror(errno));
}

static int read_config(struct local *l, int dir, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	int error = store_blob(dir, &l->ready.config, &text, &size, err);

	if (error == 0)
		error = image_config_parse(&l->config, text, size, err);
	free(text);
	/* An artifact's is of any form: only some are those of images, with an entrypoint and variables. */
	return l->ready.module.text[0] != '\0' ? 0 : error;
}

static int look_in(struct local *l, int dir, const struct reference *reference,
		   const char *platform, struct err *err)
{
	struct oci_digest digest;
	int error = store_lookup(dir, reference, &digest, err);

	if (error == -ENOENT)
		return NO_IMAGE;
	if (error == 0)
		error = store_ready(dir, &digest, platform, &l->ready, err);
	if (error == -ENOENT)
		return NOT_READY;
	if (error == 0)
		error = open_root(l, dir, err);
	return error == 0 ? read_config(l, dir, err) : error;
}

static int look(struct local *l, const struct reference *reference, const char *platform,
		struct err *err)
{
	int dir = -1, error;

	l->lock = store_use(&dir, err);
	if (l->lock < 0)
		return l->lock == -ENOENT ? NO_IMAGE : l->lock;
	error = look_in(l, dir, reference, platform, err);
	close(dir);
	if (error != 0)
		local_close(l);
	return error;
}

void local_close(struct local *l)
{
	if (l->lock >= 0)
		close(l->lock);
	if (l->root >= 0)
		close(l->root);
	l->lock = l->root = -1;
	image_config_deinit(&l->config);
	l->config = (struct image_config){.user = NULL};
}

/* -- What is not -------------------------------------------------------------------------------------- */

/* What it says is said to whoever waits, and what it answers is for nobody. */
static int image_does(const char *verb, const struct local_wish *wish)
{
	const char *argv[8] = {"skiff-image", verb};
	size_t n = 2;

	if (wish->platform != NULL) {
		argv[n++] = "--platform";
		argv[n++] = wish->platform;
	}
	argv[n++] = "--";
	argv[n++] = wish->word;
	argv[n] = NULL;
	return beside_call("skiff-image", argv);
}

static int pull(const struct local_wish *wish)
{
	int code = image_does("pull", wish);

	if (code != EXIT_OK && strpbrk(wish->word, "/:@") == NULL)
		say(EXIT_OK, NULL, "'%s' is no file here, and no image could be had by that name",
		    wish->word);
	return code;
}

/* Once each: what is missing afterwards is a failure. */
static int fetch(const struct local_wish *wish, int outcome, bool tried[2], struct err *err)
{
	if (tried[outcome - NO_IMAGE])
		return say(EXIT_BAD, NULL, "%s", err->text);
	tried[outcome - NO_IMAGE] = true;
	if (outcome == NOT_READY)
		return image_does("prepare", wish);
	if (wish->pull == LOCAL_NEVER)
		return say(EXIT_BAD, NULL,
			   "there is no image '%s' here, and --pull never keeps it from being "
			   "fetched: skiff pull %s",
			   wish->word, wish->word);
	return pull(wish);
}

int local_find(struct local *ret, const struct local_wish *wish)
{
	bool tried[2] = {false, false};
	struct local l = {.lock = -1, .root = -1};
	struct reference reference;
	struct err err = {""};
	int error, code = EXIT_OK;

	if (reference_parse(&reference, wish->word, &err) != 0)
		return say(EXIT_USAGE, NULL, "'%s' is no file here, and as an image: %s",
			   wish->word, err.text);
	reference_text(&reference, l.name);
	if (wish->pull == LOCAL_ALWAYS) {
		tried[0] = true;
		code = pull(wish);
	}
	while (code == EXIT_OK) {
		error = look(&l, &reference, wish->platform, &err);
		if (error == 0) {
			*ret = l;
			return EXIT_OK;
		}
		code = error > 0 ? fetch(wish, error, tried, &err)
				 : say(EXIT_BAD, NULL, "%s", err.text);
	}
	return code;
}
