/* SPDX-License-Identifier: Apache-2.0 */
/* verb_images.c: `skiff images`: what lies in the store. */
#include "command/emit.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/digests.h"
#include "image/progress.h"
#include "image/summary.h"
#include "image/verbs.h"
#include "oci/store.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIGESTS = 1, QUIET, JSON };
enum { DIGITS = 12, PLATFORMS_ROOM = 512, GAP = 3 };

const struct option images_options[] = {
	{DIGESTS, '\0', "digests", NULL, "show whole digests"},
	{QUIET, 'q', "quiet", NULL, "only digests, each once"},
	{JSON, '\0', "json", NULL, "write JSON, as docs/images.md describes it"},
	{0},
};
const char images_details[] =
	"REFERENCE is a name, of which all tags are shown if it has none, a pattern with '*', or\n"
	"digits of a digest. SIZE is what lies in the store, packed; what images share counts for\n"
	"each of them. Of an index the platforms are shown that were fetched.\n";

struct row {
	char name[REFERENCE_ROOM];
	char digest[OCI_DIGEST_ROOM];
	char platforms[PLATFORMS_ROOM];
	char size[32], when[32];
};

struct listing {
	const struct store *store; /* borrowed */
	const char *filter; /* or NULL */
	bool whole_digests;
	struct row *rows; /* owned */
	uint32_t count;
};

/* -- Which ----------------------------------------------------------------------------------------- */

static bool has_tag(const char *text)
{
	const char *slash = strrchr(text, '/');

	return strchr(slash != NULL ? slash : text, ':') != NULL || strchr(text, '@') != NULL;
}

static bool is_same(const char *filter, const char *name)
{
	struct reference wanted, is;
	char text[REFERENCE_ROOM];

	if (reference_parse(&wanted, filter, NULL) != 0 || reference_parse(&is, name, NULL) != 0)
		return false;
	if (!has_tag(filter))
		return strcmp(wanted.host, is.host) == 0 && strcmp(wanted.path, is.path) == 0;
	reference_text(&wanted, text);
	return strcmp(text, name) == 0;
}

static bool is_wanted(const char *filter, const struct image_descriptor *d)
{
	const char *name = image_note(&d->notes, STORE_REF_NAME);
	const char *digits = filter;
	char text[REFERENCE_ROOM];

	if (filter == NULL)
		return true;
	if (strncmp(digits, "sha256:", 7) == 0)
		digits += 7;
	if (strlen(digits) >= 4 && strncmp(oci_digest_hex(&d->digest), digits, strlen(digits)) == 0)
		return true;
	if (name == NULL)
		return false;
	summary_name(d, text);
	if (strpbrk(filter, "*?[") != NULL)
		return fnmatch(filter, text, 0) == 0 || fnmatch(filter, name, 0) == 0;
	return strcmp(filter, name) == 0 || is_same(filter, name);
}

/* -- For people ------------------------------------------------------------------------------------ */

static void join_platforms(const struct summary *summary, char text[static PLATFORMS_ROOM])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < summary->platforms.size; i += SUMMARY_PLATFORM) {
		const char *platform = (const char *)summary->platforms.data + i;

		if (used + strlen(platform) + 8 > PLATFORMS_ROOM) {
			snprintf(text + used, PLATFORMS_ROOM - used, ", ...");
			return;
		}
		used += (size_t)snprintf(text + used, PLATFORMS_ROOM - used, "%s%s",
					 used > 0 ? ", " : "", platform);
	}
	if (used == 0)
		strcpy(text, "?");
}

static int fill_row(struct listing *l, const struct image_descriptor *d)
{
	struct row *row = &l->rows[l->count];
	struct summary summary;
	int error = summary_make(l->store, d, &summary);

	if (error != 0)
		return error;
	summary_name(d, row->name);
	if (l->whole_digests)
		snprintf(row->digest, sizeof(row->digest), "%s", d->digest.text);
	else
		snprintf(row->digest, sizeof(row->digest), "%.*s", DIGITS,
			 oci_digest_hex(&d->digest));
	join_platforms(&summary, row->platforms);
	progress_amount(summary.size, row->size);
	if (summary.damaged)
		strcat(row->size, " (damaged)");
	summary_when(d, row->when);
	summary_deinit(&summary);
	l->count++;
	return 0;
}

static void widen(size_t *width, const char *text)
{
	if (strlen(text) > *width)
		*width = strlen(text);
}

static void put_cell(struct out *out, const char *text, size_t width)
{
	size_t size = strlen(text);

	out_name(out, text, size);
	for (; size < width + GAP; size++)
		out_text(out, " ");
}

static void put_rows(const struct listing *l, struct out *out)
{
	static const struct row head = {"REFERENCE", "DIGEST", "PLATFORM", "SIZE", "WHEN"};
	size_t name = strlen(head.name), digest = strlen(head.digest),
	       platforms = strlen(head.platforms), size = strlen(head.size);

	for (uint32_t i = 0; i < l->count; i++) {
		widen(&name, l->rows[i].name);
		widen(&digest, l->rows[i].digest);
		widen(&platforms, l->rows[i].platforms);
		widen(&size, l->rows[i].size);
	}
	for (uint32_t i = 0; i <= l->count; i++) {
		const struct row *row = i == 0 ? &head : &l->rows[i - 1];

		put_cell(out, row->name, name);
		put_cell(out, row->digest, digest);
		put_cell(out, row->platforms, platforms);
		put_cell(out, row->size, size);
		out_name(out, row->when, strlen(row->when));
		out_text(out, "\n");
	}
}

static int show_table(struct listing *l, const struct image_index *index, struct out *out)
{
	int error = 0;

	l->rows = calloc((size_t)index->count + 1, sizeof(*l->rows));
	if (l->rows == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < index->count && error == 0; i++)
		if (is_wanted(l->filter, &index->manifests[i]))
			error = fill_row(l, &index->manifests[i]);
	if (error == 0)
		put_rows(l, out);
	free(l->rows);
	return error;
}

/* -- For programs ---------------------------------------------------------------------------------- */

static int emit_image(const struct listing *l, struct emit *e, const struct image_descriptor *d)
{
	const char *name = image_note(&d->notes, STORE_REF_NAME);
	struct summary summary;
	int error = summary_make(l->store, d, &summary);

	if (error != 0)
		return error;
	emit_open(e, NULL, '{');
	if (name != NULL)
		emit_string(e, "reference", name);
	else
		emit_null(e, "reference");
	emit_string(e, "digest", d->digest.text);
	emit_string(e, "mediaType", d->media_type);
	emit_row(e, "platforms", '[');
	for (size_t i = 0; i < summary.platforms.size; i += SUMMARY_PLATFORM)
		emit_string(e, NULL, (const char *)summary.platforms.data + i);
	emit_close(e, ']');
	emit_u64(e, "size", summary.size);
	emit_string(e, "since", summary_since(d));
	emit_bool(e, "damaged", summary.damaged);
	emit_close(e, '}');
	summary_deinit(&summary);
	return 0;
}

static int show_json(const struct listing *l, const struct image_index *index, struct out *out)
{
	struct emit emit;
	int error = 0;

	emit_init(&emit, out);
	emit_open(&emit, NULL, '[');
	for (uint32_t i = 0; i < index->count && error == 0; i++)
		if (is_wanted(l->filter, &index->manifests[i]))
			error = emit_image(l, &emit, &index->manifests[i]);
	emit_close(&emit, ']');
	return error;
}

static int show_digests(const struct listing *l, const struct image_index *index, struct out *out)
{
	struct digests seen = {0};
	int added = 0;

	for (uint32_t i = 0; i < index->count && added >= 0; i++) {
		const struct image_descriptor *d = &index->manifests[i];

		if (!is_wanted(l->filter, d))
			continue;
		added = digests_add(&seen, &d->digest);
		if (added > 0 && l->whole_digests)
			out_format(out, "%s\n", d->digest.text);
		else if (added > 0)
			out_format(out, "%.*s\n", DIGITS, oci_digest_hex(&d->digest));
	}
	digests_deinit(&seen);
	return added < 0 ? added : 0;
}

/* -- The verb -------------------------------------------------------------------------------------- */

static int show(struct listing *l, int form)
{
	struct image_index index;
	struct store store;
	struct out out;
	struct err err;
	int error, code;

	if (store_open(&store, NULL, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	error = store_list(&store, &index, &err);
	if (error != 0) {
		store_close(&store);
		return say(EXIT_BAD, NULL, "%s", err.text);
	}
	l->store = &store;
	out_init(&out, STDOUT_FILENO);
	if (form == JSON)
		error = show_json(l, &index, &out);
	else if (form == QUIET)
		error = show_digests(l, &index, &out);
	else
		error = show_table(l, &index, &out);
	code = out_end(&out, EXIT_OK);
	image_index_deinit(&index);
	l->store = NULL;
	store_close(&store);
	return error == 0 ? code : say(EXIT_BAD, NULL, "%s", strerror(-error));
}

int images_verb(const struct verb *verb, char **args)
{
	struct listing l = {.filter = NULL};
	struct options o;
	int id, form = 0;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == DIGESTS)
			l.whole_digests = true;
		else if (id != OPTIONS_WORD && form != 0 && form != id)
			return say(
				EXIT_USAGE, NULL,
				"images: '--quiet' and '--json' are two forms: only one of them");
		else if (id != OPTIONS_WORD)
			form = id;
		else if (l.filter != NULL)
			return options_extra(&o);
		else
			l.filter = o.value;
	}
	return show(&l, form);
}
