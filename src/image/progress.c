/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.c: lines at the bottom of a terminal, one for each thing under way.
 *
 * A thing that is done leaves its last line above them, where it scrolls away as text does; so there are never more moving lines than
 * things at once. Whoever reports draws, at most ten times a second, all lines in one write: back to the first, each overwritten
 * and cleared behind its end, so nothing flickers. A terminal that became narrower has wrapped what was drawn; how many rows it is
 * now is computed from what the lines were long.
 *
 * Where standard error is no terminal nothing is drawn, and only sentences are told.
 */
#include "image/progress.h"

#include "base/base.h"
#include "command/say.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 8, EVERY = 100 /* ms */, BAR = 24, WIDTH = 80, LINE_MAX = 512 };

struct progress_item {
	struct progress *progress;
	struct progress_item *next;
	char what[64];
	uint64_t size, bytes;
	uint64_t first,
		begun; /* bytes and time of the first report: what came earlier says nothing of the speed */
};

struct progress {
	pthread_mutex_t lock; /* of all, and of the terminal */
	bool draws;
	struct progress_item *items; /* owned: under way, the oldest first */
	unsigned lengths[LINES]; /* of the lines on the terminal now */
	unsigned lines;
	uint64_t drawn; /* when */
};

struct text {
	char bytes[LINES * LINE_MAX];
	size_t used;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
	size_t room = sizeof(text->bytes) - text->used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->bytes + text->used, room, format, args);
	va_end(args);
	text->used += n > 0 ? MIN((size_t)n, room - 1) : 0;
}

static void show(const struct text *text)
{
	/* What cannot be shown is lost. */
	(void)!write(STDERR_FILENO, text->bytes, text->used);
}

struct progress *progress_begin(bool quiet)
{
	struct progress *p = quiet ? NULL : calloc(1, sizeof(*p));
	const char *terminal = getenv("TERM");

	if (p == NULL)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	p->draws = isatty(STDERR_FILENO) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
	return p;
}

/* -- Lines ------------------------------------------------------------------------------------------------- */

static unsigned width(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
		       ? MIN(size.ws_col, LINE_MAX - 64u)
		       : WIDTH;
}

const char *progress_amount(uint64_t bytes, char room[static 24])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double number = (double)bytes;
	size_t i = 0;

	while (number >= 999.5 && i + 1 < ARRAY_SIZE(units)) {
		number /= 1000;
		i++;
	}
	snprintf(room, 24, i == 0 || number >= 99.95 ? "%.0f %s" : "%.1f %s", number, units[i]);
	return room;
}

static void bar(const struct progress_item *item, char room[static BAR + 1])
{
	unsigned filled = item->size > 0 ? (unsigned)((double)MIN(item->bytes, item->size) /
						      (double)item->size * BAR)
					 : 0;

	memset(room, '-', BAR);
	memset(room, '#', filled);
	room[BAR] = '\0';
}

static void line_of(const struct progress_item *item, char room[static LINE_MAX])
{
	uint64_t elapsed = now_ms() - item->begun;
	char filled[BAR + 1], bytes[24], size[24], speed[24] = "", second[40] = "";

	if (elapsed > 500)
		snprintf(second, sizeof(second), "  %s/s",
			 progress_amount((item->bytes - MIN(item->first, item->bytes)) * 1000 /
						 elapsed,
					 speed));
	bar(item, filled);
	snprintf(room, LINE_MAX, "%-22s [%s] %8s of %s%s", item->what, filled,
		 progress_amount(item->bytes, bytes),
		 item->size > 0 ? progress_amount(item->size, size) : "?", second);
}

/* Back to the beginning of the first line, as wide as the terminal is now. */
static void go_back(const struct progress *p, unsigned columns, struct text *text)
{
	unsigned rows = 0;

	for (unsigned i = 0; i < p->lines; i++)
		rows += p->lengths[i] > columns ? (p->lengths[i] + columns - 1) / columns : 1;
	if (rows > 0)
		add(text, "\033[%uA", rows);
	add(text, "\r");
}

/* `above`: a line that stays; NULL: none. */
static void draw(struct progress *p, const char *above)
{
	struct text text = {.used = 0};
	unsigned columns = width(), lines = 0;
	char line[LINE_MAX];

	go_back(p, columns, &text);
	if (above != NULL)
		add(&text, "%s\033[K\n", above);
	for (struct progress_item *item = p->items; item != NULL && lines < LINES;
	     item = item->next) {
		line_of(item, line);
		/* The last column is left: behind it some terminals wrap, and some do not. */
		line[columns - 1] = '\0';
		add(&text, "%s\033[K\n", line);
		p->lengths[lines++] = (unsigned)strlen(line);
	}
	add(&text, "\033[J");
	p->lines = lines;
	p->drawn = now_ms();
	show(&text);
}

/* -- To the outside ------------------------------------------------------------------------------------------ */

struct progress_item *progress_add(struct progress *p, const char *what, uint64_t size)
{
	struct progress_item *item = p != NULL ? calloc(1, sizeof(*item)) : NULL;
	struct progress_item **end;

	if (item == NULL)
		return NULL;
	*item = (struct progress_item){
		.progress = p, .size = size, .first = UINT64_MAX, .begun = now_ms()};
	snprintf(item->what, sizeof(item->what), "%s", what);
	pthread_mutex_lock(&p->lock);
	for (end = &p->items; *end != NULL;)
		end = &(*end)->next;
	*end = item;
	if (p->draws)
		draw(p, NULL);
	pthread_mutex_unlock(&p->lock);
	return item;
}

void progress_to(struct progress_item *item, uint64_t bytes)
{
	if (item == NULL)
		return;
	pthread_mutex_lock(&item->progress->lock);
	if (item->first == UINT64_MAX) {
		item->first = bytes;
		item->begun = now_ms();
	}
	item->bytes = bytes;
	if (item->progress->draws && now_ms() - item->progress->drawn >= EVERY)
		draw(item->progress, NULL);
	pthread_mutex_unlock(&item->progress->lock);
}

static void take_out(struct progress *p, struct progress_item *item)
{
	struct progress_item **at = &p->items;

	while (*at != NULL && *at != item)
		at = &(*at)->next;
	if (*at != NULL)
		*at = item->next;
}

void progress_done(struct progress_item *item, const char *how)
{
	struct progress *p = item != NULL ? item->progress : NULL;
	char line[LINE_MAX], size[24];

	if (item == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	take_out(p, item);
	snprintf(line, sizeof(line), "%-22s %s, %s", item->what, how,
		 progress_amount(item->size, size));
	line[MIN(width() - 1, sizeof(line) - 1)] = '\0';
	if (p->draws)
		draw(p, line);
	pthread_mutex_unlock(&p->lock);
	free(item);
}

void progress_tell(struct progress *p, const char *sentence)
{
	struct text text = {.used = 0};

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	if (p->draws) {
		go_back(p, width(), &text);
		add(&text, "\033[J");
		show(&text);
		p->lines = 0;
	}
	say_note(SAY_WARNING, NULL, "%s", sentence);
	if (p->draws)
		draw(p, NULL);
	pthread_mutex_unlock(&p->lock);
}

struct progress *progress_end(struct progress *p)
{
	if (p == NULL)
		return NULL;
	while (p->items != NULL) {
		struct progress_item *item = p->items;

		p->items = item->next;
		free(item);
	}
	if (p->draws && p->lines > 0)
		draw(p, NULL);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}
