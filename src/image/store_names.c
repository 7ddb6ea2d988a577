/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_names.c: index.json: what is in the store, and what it is called.
 *
 * It is read, changed and written whole to a new file that takes its name, all under a lock of its own. Other tools may write
 * there, too: their entries, and members that we know nothing of, are copied as they are. What cannot be read is never written over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "base/json.h"
#include "command/out.h"
#include "image/json_copy.h"
#include "image/store_parts.h"
#include "image/summary.h"
#include "oci/store.h"

#define INDEX "index.json"
#define INDEX_NEW "new.index"

enum { DIGITS_LEAST = 4, DIGITS_SHOWN = 12 };

/* -- Reading --------------------------------------------------------------------------------------- */

/* "it is damaged (WHY)", and what to do. */
static int damaged(const struct store *store, const char *why, struct err *err)
{
	return err_set(err, -EINVAL,
		       "'%s/" INDEX "' is damaged (%s): repair it, or move it away and pull or "
		       "build the images again; what was fetched before is not fetched twice",
		       store->path, why);
}

int store_read_index(const struct store *store, char **ret, size_t *ret_size, struct err *err)
{
	int fd = openat(store->dir, INDEX, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), error;

	if (fd < 0)
		return store_fail(store, -errno, "read " INDEX, err);
	error = io_whole(fd, IMAGE_JSON_MAX, ret, ret_size);
	close(fd);
	if (error == -EFBIG)
		return damaged(store, "it is larger than any of ours", err);
	return error == 0 ? 0 : store_fail(store, error, "read " INDEX, err);
}

int store_list(const struct store *store, struct image_index *ret, struct err *err)
{
	struct err why = {.text = ""};
	char *text;
	size_t size;
	int error = store_read_index(store, &text, &size, err);

	if (error != 0)
		return error;
	error = image_index_parse(ret, text, size, &why);
	free(text);
	if (error == -ENOMEM)
		return err_set(err, error, "%s", strerror(ENOMEM));
	return error == 0 ? 0 : damaged(store, why.text, err);
}

/* -- Writing --------------------------------------------------------------------------------------- */

struct change {
	const char *name; /* these entries go: of this name, */
	const struct oci_digest *digest; /* or of this digest; one of them is NULL */
	const struct image_descriptor *to; /* and this one comes, by the name; or NULL */
	uint32_t gone, kept;
	uint32_t orphans; /* of those that went: what leads elsewhere now */
};

static void put_present(struct emit *e, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0')
		emit_string(e, key, text);
}

static void put_notes(struct emit *e, const struct image_notes *notes, const char *name)
{
	time_t now = time(NULL);
	char since[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm);
	emit_open(e, "annotations", '{');
	for (uint32_t i = 0; i < notes->count; i++)
		if (strcmp(notes->items[i].name, STORE_REF_NAME) != 0 &&
		    strcmp(notes->items[i].name, STORE_SINCE) != 0)
			emit_string(e, notes->items[i].name, notes->items[i].value);
	emit_string(e, STORE_REF_NAME, name);
	emit_string(e, STORE_SINCE, since);
	emit_close(e, '}');
}

static void put_descriptor(struct emit *e, const struct image_descriptor *d, const char *name)
{
	const char *type = d->media_type != NULL && d->media_type[0] != '\0'
				   ? d->media_type
				   : image_media_type(d->type);

	emit_open(e, NULL, '{');
	put_present(e, "mediaType", type);
	emit_string(e, "digest", d->digest.text);
	emit_u64(e, "size", d->size);
	put_present(e, "artifactType", d->artifact_type);
	if (d->has_platform) {
		emit_open(e, "platform", '{');
		put_present(e, "architecture", d->platform.architecture);
		put_present(e, "os", d->platform.os);
		put_present(e, "os.version", d->platform.os_version);
		put_present(e, "variant", d->platform.variant);
		emit_close(e, '}');
	}
	put_notes(e, &d->notes, name);
	emit_close(e, '}');
}

static bool goes(const struct change *change, struct json_value entry)
{
	const char *text;

	if (change->name != NULL)
		text = json_string(json_find(json_find(entry, "annotations"), STORE_REF_NAME),
				   NULL);
	else
		text = json_string(json_find(entry, "digest"), NULL);
	return text != NULL &&
	       strcmp(text, change->name != NULL ? change->name : change->digest->text) == 0;
}

/* It goes, and what comes leads to the same. */
static bool stays(const struct change *change, struct json_value entry)
{
	const char *digest = json_string(json_find(entry, "digest"), NULL);

	return change->to != NULL && digest != NULL && strcmp(digest, change->to->digest.text) == 0;
}

static void put_manifests(struct emit *e, struct json_value list, struct change *change)
{
	emit_open(e, "manifests", '[');
	for (struct json_value v = json_first(list); json_exists(v); v = json_next(v)) {
		if (goes(change, v)) {
			change->gone++;
			change->orphans += !stays(change, v);
		} else {
			change->kept++;
			json_copy(e, NULL, v);
		}
	}
	if (change->to != NULL)
		put_descriptor(e, change->to, change->name);
	emit_close(e, ']');
}

static void put_index(struct emit *e, struct json_value root, struct change *change)
{
	struct json_value list = json_find(root, "manifests");

	emit_open(e, NULL, '{');
	for (struct json_value v = json_first(root); json_exists(v); v = json_next(v))
		if (strcmp(json_name(v, NULL), "manifests") != 0)
			json_copy(e, json_name(v, NULL), v);
	put_manifests(e, list, change);
	emit_close(e, '}');
}

/* The new one, under another name; 0 or a negative errno. */
static int write_new(const struct store *store, struct json_value root, struct change *change)
{
	int fd = openat(store->dir, INDEX_NEW,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644),
	    error;
	struct out out;
	struct emit emit;
	struct stat st;

	if (fd < 0)
		return -errno;
	out_init(&out, fd);
	emit_init(&emit, &out);
	put_index(&emit, root, change);
	error = out_flush(&out);
	if (error == 0 && (fsync(fd) < 0 || fstat(fd, &st) < 0))
		error = -errno;
	close(fd);
	if (error == 0 && st.st_size > IMAGE_JSON_MAX)
		error = -EFBIG; /* we would not read it again */
	return error;
}

/* What its entries lead to must be there when it is, even if the power goes. */
static int put_in_place(const struct store *store)
{
	int error = store_sync(store, "blobs/sha256");

	if (error == 0)
		error = store_sync(store, "blobs/sha512");
	if (error == 0)
		error = store_sync(store, "blobs");
	if (error == 0 && renameat(store->dir, INDEX_NEW, store->dir, INDEX) < 0)
		error = -errno;
	return error == 0 ? store_sync(store, ".") : error;
}

static int replace(const struct store *store, const struct json *json, struct change *change,
		   struct err *err)
{
	int error = write_new(store, json_root(json), change);

	if (error == 0 && change->to != NULL && change->kept >= IMAGE_MANIFESTS_MAX) {
		unlinkat(store->dir, INDEX_NEW, 0);
		return err_set(err, -E2BIG,
			       "the store '%s' has %d names, and takes no more: remove some with "
			       "'skiff rmi'",
			       store->path, IMAGE_MANIFESTS_MAX);
	}
	if (error == 0 && change->to == NULL && change->gone == 0) {
		unlinkat(store->dir, INDEX_NEW, 0);
		return -ENOENT;
	}
	if (error == 0)
		error = put_in_place(store);
	if (error == 0)
		return 0;
	unlinkat(store->dir, INDEX_NEW, 0);
	return store_fail(store, error, "write " INDEX, err);
}

static int change_locked(const struct store *store, struct change *change, struct err *err)
{
	struct image_index index;
	struct json *json;
	struct err why = {.text = ""};
	char *text;
	size_t size;
	int error = store_read_index(store, &text, &size, err);

	if (error != 0)
		return error;
	/* Read as it will be read afterwards: who writes does not turn one kind of damage into another. */
	error = image_index_parse(&index, text, size, &why);
	if (error == 0) {
		image_index_deinit(&index);
		error = json_parse(&json, text, size, &why);
	}
	free(text);
	if (error == -ENOMEM)
		return err_set(err, error, "%s", strerror(ENOMEM));
	if (error != 0)
		return damaged(store, why.text, err);
	error = replace(store, json, change, err);
	json_free(json);
	return error;
}

/* -ENOENT without a sentence: nothing of that name. */
static int change_index(const struct store *store, struct change *change, struct err *err)
{
	int lock = store_lock_index(store, err), error;

	if (lock < 0)
		return lock;
	error = change_locked(store, change, err);
	close(lock);
	if (error == 0 && change->orphans > 0)
		store_mark(store);
	return error;
}

int store_name(const struct store *store, const struct reference *reference,
	       const struct image_descriptor *descriptor, struct err *err)
{
	char name[REFERENCE_ROOM];
	struct change change = {.name = name, .to = descriptor};

	reference_text(reference, name);
	return change_index(store, &change, err);
}

int store_unname(const struct store *store, const struct reference *reference, struct err *err)
{
	char name[REFERENCE_ROOM];

	reference_text(reference, name);
	return store_forget(store, name, NULL, err);
}

int store_forget(const struct store *store, const char *name, const struct oci_digest *digest,
		 struct err *err)
{
	struct change change = {.name = name, .digest = name == NULL ? digest : NULL};
	int error = change_index(store, &change, err);

	if (error != -ENOENT)
		return error;
	return err_set(err, error, "there is no image '%s'", name != NULL ? name : digest->text);
}

/* -- Finding --------------------------------------------------------------------------------------- */

struct wanted {
	const char *word; /* borrowed */
	char name[REFERENCE_ROOM]; /* "": it is no reference */
	struct oci_digest digest; /* that it has as a reference; "": none */
	const char *digits; /* of a digest, borrowed; NULL: it has none, or too few */
};

static void want(struct wanted *ret, const char *word)
{
	const char *digits = strncmp(word, "sha256:", 7) == 0 ? word + 7 : word;
	size_t count = strspn(digits, "0123456789abcdef");
	struct reference reference;

	*ret = (struct wanted){.word = word};
	if (digits[count] == '\0' && count >= DIGITS_LEAST && count <= 64)
		ret->digits = digits;
	if (oci_digest_parse(&ret->digest, word, NULL) == 0)
		return;
	if (reference_parse(&reference, word, NULL) != 0)
		return;
	reference_text(&reference, ret->name);
	ret->digest = reference.digest;
}

static bool has_name(const struct image_descriptor *d, const struct wanted *wanted)
{
	const char *name = image_note(&d->notes, STORE_REF_NAME);

	if (wanted->digest.text[0] != '\0' && oci_digest_is(&d->digest, &wanted->digest))
		return true;
	return name != NULL && (strcmp(name, wanted->word) == 0 || strcmp(name, wanted->name) == 0);
}

static bool has_digits(const struct image_descriptor *d, const struct wanted *wanted)
{
	return wanted->digits != NULL && strncmp(d->digest.text, "sha256:", 7) == 0 &&
	       strncmp(oci_digest_hex(&d->digest), wanted->digits, strlen(wanted->digits)) == 0;
}

static void put_entry(char *list, size_t room, const struct image_descriptor *d)
{
	char text[REFERENCE_ROOM];
	size_t used = strlen(list);

	summary_name(d, text);
	if (strcmp(text, "-") == 0)
		snprintf(text, sizeof(text), "%.*s", DIGITS_SHOWN, oci_digest_hex(&d->digest));
	if (used + strlen(text) + 3 < room)
		snprintf(list + used, room - used, "%s%s", used > 0 ? ", " : "", text);
	else if (used + 6 < room && (used < 3 || strcmp(list + used - 3, "...") != 0))
		strcpy(list + used, ", ...");
}

static int not_found(const struct store *store, const struct image_index *index, const char *word,
		     struct err *err)
{
	char list[400] = "";

	for (uint32_t i = 0; i < index->count; i++)
		put_entry(list, sizeof(list), &index->manifests[i]);
	return err_set(err, -ENOENT, "there is no image '%.200s' in the store '%.100s'; there %s%s",
		       word, store->path, list[0] != '\0' ? "is: " : "is none", list);
}

static int is_several(const struct image_index *index, const struct wanted *wanted, struct err *err)
{
	char list[300] = "";

	for (uint32_t i = 0; i < index->count; i++)
		if (has_digits(&index->manifests[i], wanted)) {
			size_t used = strlen(list);

			snprintf(list + used, sizeof(list) - used, "%s%.*s", used > 0 ? ", " : "",
				 (int)strlen(wanted->digits) + 8,
				 oci_digest_hex(&index->manifests[i].digest));
		}
	return err_set(err, -ENOTUNIQ, "'%s' stands for several images: %s", wanted->word, list);
}

/* By a name the last one counts, as with everybody who reads such layouts. */
static const struct image_descriptor *by_name(const struct image_index *index,
					      const struct wanted *wanted)
{
	for (uint32_t i = index->count; i > 0; i--)
		if (has_name(&index->manifests[i - 1], wanted))
			return &index->manifests[i - 1];
	return NULL;
}

static int by_digits(const struct image_index *index, const struct wanted *wanted,
		     const struct image_descriptor **ret, struct err *err)
{
	const struct image_descriptor *found = NULL;

	for (uint32_t i = 0; i < index->count; i++) {
		const struct image_descriptor *d = &index->manifests[i];

		if (!has_digits(d, wanted))
			continue;
		if (found != NULL && !oci_digest_is(&found->digest, &d->digest))
			return is_several(index, wanted, err);
		found = d;
	}
	*ret = found;
	return 0;
}

int store_find(const struct store *store, const char *word, struct image_index *ret_index,
	       const struct image_descriptor **ret, struct err *err)
{
	const struct image_descriptor *found;
	struct reference ignored;
	struct image_index index;
	struct wanted wanted;
	int error = store_list(store, &index, err);

	if (error != 0)
		return error;
	invariant(index.count == 0 || index.manifests != NULL);
	want(&wanted, word);
	found = by_name(&index, &wanted);
	if (found == NULL)
		error = by_digits(&index, &wanted, &found, err);
	if (error == 0 && found == NULL) {
		error = not_found(store, &index, word, err);
		if (wanted.name[0] == '\0' && wanted.digits == NULL)
			reference_parse(&ignored, word, err); /* says what is wrong with it */
	}
	if (error != 0) {
		image_index_deinit(&index);
		return error;
	}
	*ret_index = index;
	*ret = found;
	return 0;
}
