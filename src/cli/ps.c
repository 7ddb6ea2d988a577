/* SPDX-License-Identifier: Apache-2.0 */
/* ps.c: `skiff ps`: containers as people look at them. Each is a row of texts, so that columns are as wide as need be. */
#include "base/base.h"
#include "base/err.h"
#include "cli/containers.h"
#include "command/emit.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "oci/reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ALL = 1, QUIET, JSON };
enum { ID, IMAGE, COMMAND, CREATED, STATUS, NAMES, COLUMNS };
enum { COMMAND_SIZE = 24 };

const struct option ps_options[] = {
	{ALL, 'a', "all", NULL, "those that have ended, too"},
	{QUIET, 'q', "quiet", NULL, "only the IDs"},
	{JSON, '\0', "json", NULL, "write JSON"},
	{0},
};
const char ps_details[] = "What `skiff run --detach` left running is known until `skiff rm`, with "
			  "its exit code; \"(?)\" stands\n"
			  "for one that nobody saw. `skiff list` has the same containers as an OCI "
			  "runtime shows them.\n";

struct row {
	char *texts[COLUMNS]; /* owned */
};

/* -- Texts ---------------------------------------------------------------------------------------------- */

/* "3 minutes", of seconds. */
static void put_time(char text[static 32], int64_t seconds)
{
	static const struct {
		int64_t up_to, unit;
		const char *name;
	} steps[] = {
		{60, 1, "second"},
		{60 * 60, 60, "minute"},
		{48 * 3600, 3600, "hour"},
		{14 * 86400, 86400, "day"},
		{60 * 86400, 7 * 86400, "week"},
		{730 * INT64_C(86400), 30 * 86400, "month"},
		{INT64_MAX, 365 * 86400, "year"},
	};
	size_t i = 0;
	int64_t count;

	while (seconds >= steps[i].up_to && i + 1 < ARRAY_SIZE(steps))
		i++;
	count = seconds > 0 ? seconds / steps[i].unit : 0;
	if (i == 0 && count == 0)
		snprintf(text, 32, "Less than a second");
	else
		snprintf(text, 32, "%lld %s%s", (long long)count, steps[i].name,
			 count == 1 ? "" : "s");
}

static int64_t since(int64_t then)
{
	return (int64_t)time(NULL) - then;
}

static char *status_text(const struct known *k)
{
	char text[32], *ret = NULL;
	int size;

	if (k->status == KNOWN_STOPPED && k->state.has_ended) {
		put_time(text, since(k->state.ended));
		size = asprintf(&ret, "Exited (%d) %s ago%s", k->state.exit, text,
				k->state.ran_out ? ", out of memory" : "");
	} else if (k->status == KNOWN_STOPPED) {
		size = asprintf(&ret, "Exited (?)");
	} else if (k->status == KNOWN_CREATING || k->status == KNOWN_CREATED) {
		size = asprintf(&ret, "Created");
	} else {
		put_time(text, since(k->state.created));
		size = asprintf(&ret, "Up %s%s", text,
				k->status == KNOWN_PAUSED ? " (Paused)" : "");
	}
	return size < 0 ? NULL : ret;
}

static bool is_made_up(const char *id)
{
	return strlen(id) == CONTAINERS_MADE_UP && id[strspn(id, "0123456789abcdef")] == '\0';
}

/* As people write it. */
static char *image_text(const struct known *k)
{
	const char *image = k->state.image != NULL ? k->state.image : "";
	struct reference reference;
	char text[REFERENCE_ROOM];

	if (image[0] == '\0' || strchr(image, '/') == NULL || image[0] == '/' || image[0] == '.' ||
	    reference_parse(&reference, image, NULL) != 0)
		return strdup(image[0] != '\0' ? image : "-");
	reference_short(&reference, text);
	return strdup(text);
}

static char *command_text(const struct known *k)
{
	char text[COMMAND_SIZE + 8] = "\"";
	size_t size = 1;

	for (uint32_t i = 0; k->bundle.spec != NULL && i < k->bundle.spec->process.args.count;
	     i++) {
		size += (size_t)snprintf(text + size, COMMAND_SIZE + 2 - size, "%s%s",
					 i > 0 ? " " : "", k->bundle.spec->process.args.items[i]);
		if (size >= COMMAND_SIZE) {
			strcpy(text + COMMAND_SIZE - 3, "...");
			size = COMMAND_SIZE;
			break;
		}
	}
	strcpy(text + size, "\"");
	return strdup(text);
}

static char *created_text(const struct known *k)
{
	char text[32], *ret = NULL;

	put_time(text, since(k->state.created));
	return asprintf(&ret, "%s ago", text) < 0 ? NULL : ret;
}

static bool make_row(struct row *row, const struct known *k)
{
	bool whole = true;

	row->texts[ID] = strdup(k->id);
	row->texts[IMAGE] = image_text(k);
	row->texts[COMMAND] = command_text(k);
	row->texts[CREATED] = created_text(k);
	row->texts[STATUS] = status_text(k);
	row->texts[NAMES] = strdup(is_made_up(k->id) ? "" : k->id);
	for (int i = 0; i < COLUMNS; i++)
		whole = whole && row->texts[i] != NULL;
	return whole;
}

/* -- All of them ------------------------------------------------------------------------------------------ */

static void put_json(struct emit *e, const struct known *k)
{
	const struct state *state = &k->state;
	const struct oci_spec *spec = k->bundle.spec;

	emit_open(e, NULL, '{');
	emit_string(e, "id", k->id);
	emit_string(e, "image", state->image != NULL ? state->image : "");
	emit_row(e, "command", '[');
	for (uint32_t i = 0; spec != NULL && i < spec->process.args.count; i++)
		emit_string(e, NULL, spec->process.args.items[i]);
	emit_close(e, ']');
	emit_u64(e, "created", (uint64_t)state->created);
	emit_string(e, "status", known_status_name(k->status));
	emit_u64(e, "pid", k->status == KNOWN_STOPPED ? 0 : (uint64_t)state->init.pid);
	if (state->has_ended) {
		emit_u64(e, "exit", (uint64_t)state->exit);
		emit_u64(e, "ended", (uint64_t)state->ended);
		emit_bool(e, "out_of_memory", state->ran_out);
	}
	emit_close(e, '}');
}

/* What is on the screen is no place for what others put into names. */
static void put_rows(struct out *out, const struct row *rows, size_t count)
{
	static const char *const heads[COLUMNS] = {"ID",      "IMAGE",  "COMMAND",
						   "CREATED", "STATUS", "NAMES"};
	size_t widths[COLUMNS];

	for (int c = 0; c < COLUMNS; c++) {
		widths[c] = strlen(heads[c]);
		for (size_t i = 0; i < count; i++)
			widths[c] = MAX(widths[c], strlen(rows[i].texts[c]));
	}
	for (size_t i = 0; i <= count; i++)
		for (int c = 0; c < COLUMNS; c++) {
			const char *text = i == 0 ? heads[c] : rows[i - 1].texts[c];

			out_name(out, text, strlen(text));
			if (c + 1 < COLUMNS)
				out_format(out, "%*s", (int)(widths[c] - strlen(text) + 3), "");
			else
				out_text(out, "\n");
		}
}

static void free_rows(struct buf *rows)
{
	for (size_t i = 0; i < BUF_COUNT(rows, struct row); i++)
		for (int c = 0; c < COLUMNS; c++)
			free(BUF_ITEM(rows, struct row, i)->texts[c]);
	buf_deinit(rows);
}

struct request {
	bool all, quiet, json;
};

/* One of them; false: no memory. */
static bool show(const struct request *q, const struct known *k, struct out *out, struct emit *e,
		 struct buf *rows)
{
	struct row *row;

	if (k->status == KNOWN_STOPPED && !q->all)
		return true;
	if (q->json) {
		put_json(e, k);
	} else if (q->quiet) {
		out_format(out, "%s\n", k->id);
	} else {
		row = buf_zero(rows, sizeof(*row));
		return row != NULL && make_row(row, k);
	}
	return true;
}

static int show_all(const struct request *q, char **ids, size_t count)
{
	struct buf rows = {0};
	struct err err = {""};
	bool whole = true;
	struct emit emit;
	struct out out;

	out_init(&out, STDOUT_FILENO);
	emit_init(&emit, &out);
	if (q->json)
		emit_open(&emit, NULL, '[');
	for (size_t i = 0; whole && i < count; i++) {
		struct known known;
		int error = known_open(&known, ids[i], &err);

		if (error != 0 && error != -ENOENT) /* that one went meanwhile */
			say(EXIT_OK, ids[i], "%s", err.text);
		if (error != 0)
			continue;
		whole = show(q, &known, &out, &emit, &rows);
		known_close(&known);
	}
	if (q->json)
		emit_close(&emit, ']');
	else if (whole && !q->quiet)
		put_rows(&out, (const struct row *)(void *)rows.data, BUF_COUNT(&rows, struct row));
	free_rows(&rows);
	return whole ? out_end(&out, EXIT_OK) : say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
}

int ps_verb(const struct verb *verb, char **args)
{
	struct request q = {0};
	struct err err = {""};
	size_t count = 0;
	char **ids = NULL;
	struct options o;
	int id, code;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == OPTIONS_WORD)
			return options_extra(&o);
		q.all |= id == ALL;
		q.quiet |= id == QUIET;
		q.json |= id == JSON;
	}
	if (known_list(&ids, &count, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	code = show_all(&q, ids, count);
	for (size_t i = 0; i < count; i++)
		free(ids[i]);
	free(ids);
	return code;
}
