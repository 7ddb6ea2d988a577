/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.c: what is done with a container that is there: `skiff start|state|kill|pause|resume|delete|list`.
 *
 * Each but the last takes one ID; what it takes besides is told by its row of options.
 */
#include "base/buf.h"
#include "base/err.h"
#include "cli/containers.h"
#include "cli/signal_name.h"
#include "command/emit.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "oci/state.h"
#include "runtime/known.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ALL = 1, FORCE, QUIET, JSON };

#define NO_OPTIONS {{0}}

const struct option start_options[] = NO_OPTIONS;
const char start_details[] = "The container was made by `skiff create` and waits.\n";
const struct option state_options[] = NO_OPTIONS;
const char state_details[] =
	"As the OCI runtime specification has it: status is creating, created, running, paused or\n"
	"stopped.\n";
const struct option pause_options[] = NO_OPTIONS;
const char pause_details[] = "All its processes stand still until `skiff resume ID`.\n";
const struct option resume_options[] = NO_OPTIONS;
const char resume_details[] = "A sleep that was paused ends when it would have ended.\n";
const struct option kill_options[] = {
	{ALL, 'a', "all", NULL, "to all its processes, not only the first one"},
	{0},
};
const char kill_details[] = "SIGNAL is a name or a number: TERM (default), SIGKILL, 9, RTMIN+3.\n";
const struct option delete_options[] = {
	{FORCE, 'f', "force", NULL, "end it first; a container that is not there is no mistake"},
	{0},
};
const char delete_details[] =
	"Its control groups and its state go; a container that was never started is ended.\n";
const struct option list_options[] = {
	{QUIET, 'q', "quiet", NULL, "only the IDs"},
	{JSON, '\0', "json", NULL, "write JSON"},
	{0},
};
const char list_details[] = "";

/* What the command line of one of these says. */
struct request {
	const char *id, *signal;
	bool all, force;
};

/* False: a mistake was told, and o->code is set. */
static bool take(struct options *o, int words, struct request *q)
{
	int id, count = 0;

	while ((id = options_next(o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return false;
		if (id == ALL) {
			q->all = true;
		} else if (id == FORCE) {
			q->force = true;
		} else if (count == words) {
			o->code = options_extra(o);
			return false;
		} else if (count++ == 0) {
			q->id = o->value;
		} else {
			q->signal = o->value;
		}
	}
	if (q->id == NULL)
		o->code = options_missing(o, "ID");
	return q->id != NULL;
}

/* Nothing, where there is none. */
static void warn(const struct err *warning)
{
	if (warning->text[0] != '\0')
		say_note(SAY_WARNING, NULL, "%s", warning->text);
}

static int tell(int error, const struct err *err)
{
	return error == 0 ? EXIT_OK : say(EXIT_BAD, NULL, "%s", err->text);
}

/* Most of them: find it, do it. */
static int with_known(const struct verb *verb, char **args,
		      int (*act)(struct known *known, struct err *err))
{
	char whole[STATE_ID_MAX + 1];
	struct request q = {0};
	struct err err = {""};
	struct known known;
	struct options o;
	int error;

	options_init(&o, verb, args);
	if (!take(&o, 1, &q))
		return o.code;
	error = containers_open(&known, q.id, whole, &err);
	if (error == 0) {
		error = act(&known, &err);
		known_close(&known);
	}
	return tell(error, &err);
}

static int start(struct known *known, struct err *err)
{
	struct err warning = {""};
	int error = known_start(known, &warning, err);

	warn(&warning);
	return error;
}

int start_verb(const struct verb *verb, char **args)
{
	return with_known(verb, args, start);
}

int pause_verb(const struct verb *verb, char **args)
{
	return with_known(verb, args, known_pause);
}

int resume_verb(const struct verb *verb, char **args)
{
	return with_known(verb, args, known_resume);
}

static pid_t pid_of(const struct known *known)
{
	return known->status == KNOWN_STOPPED ? 0 : known->state.init.pid;
}

static int show_state(struct known *known, struct err *err)
{
	static const struct oci_pairs none = {0};
	const struct oci_state state = {
		.id = known->id,
		.status = known_status_name(known->status),
		.bundle = known->state.bundle != NULL ? known->state.bundle : "",
		.pid = pid_of(known),
		.annotations =
			known->bundle.spec != NULL ? &known->bundle.spec->annotations : &none,
	};
	struct buf text = {0};
	struct out out;

	if (oci_state_put(&state, &text) != 0) {
		buf_deinit(&text);
		return err_set(err, -ENOMEM, "out of memory for a state");
	}
	out_init(&out, STDOUT_FILENO);
	out_bytes(&out, (const char *)text.data, text.size);
	buf_deinit(&text);
	return out_end(&out, EXIT_OK) == EXIT_OK ? 0 : err_set(err, -EIO, "it was not shown");
}

int state_verb(const struct verb *verb, char **args)
{
	return with_known(verb, args, show_state);
}

int kill_verb(const struct verb *verb, char **args)
{
	struct request q = {.signal = "TERM"};
	char whole[STATE_ID_MAX + 1];
	struct err err = {""};
	struct known known;
	struct options o;
	int number, error;

	options_init(&o, verb, args);
	if (!take(&o, 2, &q))
		return o.code;
	number = signal_name_number(q.signal);
	if (number < 0)
		return say(EXIT_USAGE, NULL, "'%s' is no signal", q.signal);
	error = containers_open(&known, q.id, whole, &err);
	if (error == 0) {
		error = known_signal(&known, number, q.all, &err);
		known_close(&known);
	}
	return tell(error, &err);
}

int delete_verb(const struct verb *verb, char **args)
{
	struct err err = {""}, warning = {""};
	struct request q = {0};
	struct known known;
	struct options o;
	int error;

	options_init(&o, verb, args);
	if (!take(&o, 1, &q))
		return o.code;
	error = known_open(&known, q.id, &err);
	if (error == -ENOENT && q.force)
		return EXIT_OK;
	if (error == 0) {
		error = containers_delete(&known, q.force, &warning, &err);
		known_close(&known);
	} else if (q.force) {
		error = containers_forget(q.id, &err);
	}
	warn(&warning);
	return tell(error, &err);
}

/* -- list ------------------------------------------------------------------------------------------ */

static void put_created(char text[static 32], int64_t created)
{
	time_t seconds = (time_t)created;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = '\0';
}

static void put_json(struct emit *e, const struct known *known, const char *created)
{
	emit_open(e, NULL, '{');
	emit_string(e, "id", known->id);
	emit_u64(e, "pid", (uint64_t)pid_of(known));
	emit_string(e, "status", known_status_name(known->status));
	emit_string(e, "bundle", known->state.bundle != NULL ? known->state.bundle : "");
	emit_string(e, "created", created);
	emit_close(e, '}');
}

static void put_line(struct out *out, const struct known *known, const char *created)
{
	out_format(out, "%-32s %-8d %-8s %-20s %s\n", known->id, (int)pid_of(known),
		   known_status_name(known->status), created,
		   known->state.bundle != NULL ? known->state.bundle : "");
}

static void put_all(struct out *out, char **ids, size_t count, bool json)
{
	struct err err = {""};
	struct emit emit;
	char created[32];

	emit_init(&emit, out);
	if (json)
		emit_open(&emit, NULL, '[');
	else
		out_format(out, "%-32s %-8s %-8s %-20s %s\n", "ID", "PID", "STATUS", "CREATED",
			   "BUNDLE");
	for (size_t i = 0; i < count; i++) {
		struct known known;
		int error = known_open(&known, ids[i], &err);

		if (error != 0 && error != -ENOENT) /* that one went meanwhile */
			say(EXIT_OK, ids[i], "%s", err.text);
		if (error != 0)
			continue;
		put_created(created, known.state.created);
		if (json)
			put_json(&emit, &known, created);
		else
			put_line(out, &known, created);
		known_close(&known);
	}
	if (json)
		emit_close(&emit, ']');
}

int list_verb(const struct verb *verb, char **args)
{
	bool quiet = false, json = false;
	struct err err = {""};
	size_t count = 0;
	char **ids = NULL;
	struct options o;
	struct out out;
	int id;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == OPTIONS_WORD)
			return options_extra(&o);
		quiet |= id == QUIET;
		json |= id == JSON;
	}
	if (known_list(&ids, &count, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	out_init(&out, STDOUT_FILENO);
	for (size_t i = 0; quiet && i < count; i++)
		out_format(&out, "%s\n", ids[i]);
	if (!quiet)
		put_all(&out, ids, count, json);
	for (size_t i = 0; i < count; i++)
		free(ids[i]);
	free(ids);
	return out_end(&out, EXIT_OK);
}
