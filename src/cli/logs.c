/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs.c: `skiff logs`: what a container said (log.h), each stream to ours of that name; as it said it, or with times.
 *
 * To find the last lines all are counted first. With --follow we wait for the directory to change, and for the container's end.
 */
#include "base/base.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/containers.h"
#include "cli/log.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FOLLOW = 1, TAIL, TIMES, SINCE };
enum { LOOK_MS = 500 };

const struct option logs_options[] = {
	{FOLLOW, 'f', "follow", NULL, "go on until the container ends"},
	{TAIL, 'n', "tail", "N", "only the last N lines; all: every one"},
	{TIMES, 't', "timestamps", NULL, "when each line was said, in front of it"},
	{SINCE, '\0', "since", "TIME", "not what was said before: 10m, or 2026-11-22T10:00:00Z"},
	{0},
};
const char logs_details[] = "What it wrote to its standard error goes to ours. The last two files "
			    "of --log-size are kept.\n";

struct request {
	const char *word;
	bool follow, times;
	uint64_t tail; /* UINT64_MAX: all */
	char since[LOG_TIME]; /* "": all */
};

/* -- The command line ------------------------------------------------------------------------------------- */

static void put_since(struct request *q, time_t seconds)
{
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(q->since, sizeof(q->since), "%Y-%m-%dT%H:%M:%S.000000000Z", &tm) == 0)
		q->since[0] = '\0';
}

/* A date and a time, of UTC unless a difference is given; or how long ago. */
static bool take_since(struct options *o, struct request *q)
{
	char sign = '\0', text[64];
	int size = 0, hours = 0, minutes = 0;
	struct tm tm = {0};
	uint64_t ms;

	if (strchr(o->value, '-') == NULL) {
		if (!options_duration(o, &ms))
			return false;
		put_since(q, time(NULL) - (time_t)(ms / 1000));
		return true;
	}
	if (sscanf(o->value, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &size) != 6) {
		o->code = say(EXIT_USAGE, NULL,
			      "option '--since': '%s' is no time such as 10m or "
			      "2026-11-22T10:00:00Z",
			      o->value);
		return false;
	}
	snprintf(text, sizeof(text), "%s", o->value + size);
	size = text[0] == '.' ? (int)strspn(text + 1, "0123456789") + 1 : 0;
	if (sscanf(text + size, "%c%2d:%2d", &sign, &hours, &minutes) == 3 && sign == '-')
		hours = -hours, minutes = -minutes;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	put_since(q, timegm(&tm) - (hours * 60 + minutes) * INT64_C(60));
	return true;
}

static bool take_tail(struct options *o, struct request *q)
{
	q->tail = UINT64_MAX;
	return strcmp(o->value, "all") == 0 || options_u64(o, &q->tail);
}

static bool take(struct options *o, int id, struct request *q)
{
	switch (id) {
	case FOLLOW:
		return q->follow = true;
	case TAIL:
		return take_tail(o, q);
	case TIMES:
		return q->times = true;
	case SINCE:
		return take_since(o, q);
	default:
		if (q->word != NULL)
			o->code = options_extra(o);
		else
			q->word = o->value;
		return o->code == EXIT_OK;
	}
}

/* -- Lines ------------------------------------------------------------------------------------------------ */

struct lines {
	int fd; /* owned; -1: none */
	size_t at, size;
	char text[4 * LOG_LINE];
};

struct line {
	const char *time, *text;
	size_t size; /* of the text */
	int stream;
	bool whole;
};

static int open_file(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* From the beginning of this file; it is taken. -1: none. */
static void lines_take(struct lines *lines, int fd)
{
	if (lines->fd >= 0)
		close(lines->fd);
	lines->fd = fd;
	lines->at = lines->size = 0;
}

/* Terminated, in place of its end; NULL: there is none that is whole, for now. */
static char *lines_next(struct lines *lines)
{
	for (;;) {
		char *line = lines->text + lines->at;
		char *end = memchr(line, '\n', lines->size - lines->at);
		ssize_t n;

		if (end != NULL) {
			*end = '\0';
			lines->at = (size_t)(end + 1 - lines->text);
			return line;
		}
		memmove(lines->text, line, lines->size - lines->at);
		lines->size -= lines->at;
		lines->at = 0;
		if (lines->size == sizeof(lines->text))
			lines->size = 0; /* none of ours */
		n = lines->fd < 0 ? 0
				  : read(lines->fd, lines->text + lines->size,
					 sizeof(lines->text) - lines->size);
		if (n <= 0)
			return NULL;
		lines->size += (size_t)n;
	}
}

/* False: it is none of the form, or was said before. */
static bool take_apart(struct line *ret, const char *text, size_t size, const char *since)
{
	const char *stream = strchr(text, ' ');
	const char *tag = stream != NULL ? strchr(stream + 1, ' ') : NULL;

	if (tag == NULL || (tag[1] != 'F' && tag[1] != 'P') || tag[2] != ' ')
		return false;
	*ret = (struct line){.time = text,
			     .text = tag + 3,
			     .size = size - (size_t)(tag + 3 - text),
			     .stream = strncmp(stream + 1, "stderr ", 7) == 0 ? LOG_ERR : LOG_OUT,
			     .whole = tag[1] == 'F'};
	return since[0] == '\0' || strncmp(text, since, LOG_TIME - 1) >= 0;
}

/* -- Showing them ------------------------------------------------------------------------------------------- */

struct show {
	const struct request *q;
	uint64_t skip; /* lines that are not to be shown */
	bool within[LOG_STREAMS]; /* a line that was begun */
	int last; /* stream that was written to */
	struct out outs[LOG_STREAMS];
};

static void show_line(struct show *s, const struct line *line)
{
	struct out *out = &s->outs[line->stream];

	if (s->skip > 0) {
		s->skip -= line->whole;
		return;
	}
	/* Where both go to one terminal they are to come in order. */
	if (line->stream != s->last)
		out_flush(&s->outs[s->last]);
	s->last = line->stream;
	if (s->q->times && !s->within[line->stream]) {
		out_bytes(out, line->time, LOG_TIME - 1);
		out_text(out, " ");
	}
	out_bytes(out, line->text, line->size);
	if (line->whole)
		out_text(out, "\n");
	s->within[line->stream] = !line->whole;
}

/* To the end of the file, as it is now: how many whole lines. `show` NULL: only counted. */
static uint64_t read_file(struct lines *lines, struct show *show, const char *since)
{
	uint64_t count = 0;
	struct line line;
	char *text;

	while ((text = lines_next(lines)) != NULL) {
		size_t size = (size_t)(lines->text + lines->at - 1 - text);

		if (!take_apart(&line, text, size, since))
			continue;
		count += line.whole;
		if (show != NULL)
			show_line(show, &line);
	}
	return count;
}

static bool is_same(int one, int other)
{
	struct stat a, b;

	return one >= 0 && other >= 0 && fstat(one, &a) == 0 && fstat(other, &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static uint64_t read_both(struct lines *lines, int dir, struct show *show, const char *since)
{
	uint64_t count;
	int fd;

	/* This one first: what takes its name meanwhile is found when we go on. */
	fd = open_file(dir, "log");
	lines_take(lines, open_file(dir, "log.1"));
	if (is_same(lines->fd, fd))
		lines_take(lines, -1);
	count = read_file(lines, show, since);
	if (fd >= 0)
		lines_take(lines, fd);
	return count + read_file(lines, show, since);
}

/* -- Following ---------------------------------------------------------------------------------------------- */

static bool is_file(int dir, const char *name, const struct stat *st)
{
	struct stat there;

	return fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == st->st_ino &&
	       there.st_dev == st->st_dev;
}

/* Where the file has another name by now, what comes after it. */
static void read_on(struct lines *lines, int dir, struct show *show)
{
	const char *since = show->q->since;
	struct stat st = {0};
	int fd;

	read_file(lines, show, since);
	if (lines->fd >= 0 && (fstat(lines->fd, &st) < 0 || is_file(dir, "log", &st)))
		return;
	read_file(lines, show, since);
	if (lines->fd >= 0 && !is_file(dir, "log.1", &st)) {
		read_both(lines, dir, show, since);
		return;
	}
	/* Between its two names there is no file, nor where a disk is full: until then we hold on to what we have. */
	fd = open_file(dir, "log");
	if (fd >= 0) {
		lines_take(lines, fd);
		read_file(lines, show, since);
	}
}

/* Nobody writes any more. */
static bool has_ended(const struct known *known)
{
	struct state state = {0};
	bool runs = state_is_named(known->root, known->id, known->dir) &&
		    state_read(known->dir, &state, NULL) == 0 && !state.has_ended &&
		    state_is_alive(&state.init);

	state_deinit(&state);
	/* What it said last may still be on its way. */
	return !runs && containers_is_settled(known);
}

static int watch_directory(int dir)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (fd >= 0)
		inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
	return fd;
}

static void flush(struct show *show)
{
	for (int i = 0; i < LOG_STREAMS; i++)
		out_flush(&show->outs[i]);
}

/* poll() leaves out what is negative: then we look every so often. */
static void follow(const struct known *known, struct lines *lines, int dir, struct show *show)
{
	struct pollfd fd = {.fd = watch_directory(dir), .events = POLLIN};
	char events[4096];
	bool ended;

	do {
		/* What is written until now is read below. */
		ended = has_ended(known);
		read_on(lines, dir, show);
		flush(show);
		if (!ended && poll(&fd, 1, LOOK_MS) > 0)
			(void)!read(fd.fd, events, sizeof(events));
	} while (!ended);
	if (fd.fd >= 0)
		close(fd.fd);
}

static int show_log(const struct known *known, int dir, const struct request *q)
{
	static struct lines
		lines; /* static for its size, and zeros: else the program had all of it */
	static struct show show;
	uint64_t count;

	lines.fd = -1;
	show = (struct show){.q = q};
	out_init(&show.outs[LOG_OUT], STDOUT_FILENO);
	out_init(&show.outs[LOG_ERR], STDERR_FILENO);
	if (q->tail != UINT64_MAX) {
		count = read_both(&lines, dir, NULL, q->since);
		show.skip = count > q->tail ? count - q->tail : 0;
	}
	read_both(&lines, dir, &show, q->since);
	flush(&show);
	if (q->follow)
		follow(known, &lines, dir, &show);
	lines_take(&lines, -1);
	return out_end(&show.outs[LOG_OUT], EXIT_OK);
}

int logs_verb(const struct verb *verb, char **args)
{
	struct request q = {.tail = UINT64_MAX};
	char name[STATE_ID_MAX + 1];
	struct err err = {""};
	struct known known;
	struct options o;
	int id, dir, code;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END)
		if (id == OPTIONS_STOP || !take(&o, id, &q))
			return o.code;
	if (q.word == NULL)
		return options_missing(&o, "ID");
	if (containers_open(&known, q.word, name, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	dir = containers_log(name, false, &err);
	code = dir < 0 ? say(EXIT_BAD, NULL, "%s", err.text) : show_log(&known, dir, &q);
	if (dir >= 0)
		close(dir);
	known_close(&known);
	return code;
}
