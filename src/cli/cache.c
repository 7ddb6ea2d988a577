/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.c: `skiff cache ls|verify|prune|clear|add`: look after the modules that start fast.
 *
 * What is asked for is one row of `asks`. Options may stand anywhere; each belongs to some of the rows.
 */
#include "base/text.h"
#include "cli/node.h"
#include "cli/say_error.h"
#include "cli/source.h"
#include "command/emit.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "runtime/apart.h"
#include "skiff.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	CACHE = 1,
	JSON,
	MAX_SIZE,
	MAX_AGE,
	FUEL,
	IDLE,
};

enum { IOPRIO_IDLE = 3 << 13 }; /* class 3 of ioprio_set(2), which libc does not have */

#define BIT(id) (1u << (id))

const struct option cache_options[] = {
	{CACHE, '\0', "cache", "DIR", "the directory, instead of the default one"},
	{JSON, '\0', "json", NULL, "ls: write JSON, as docs/cli.md describes it"},
	{MAX_SIZE, '\0', "max-size", "SIZE",
	 "prune: what may stay, 64K, 16M, 2G, ... (default: as configured, 2G)"},
	{MAX_AGE, '\0', "max-age", "TIME",
	 "prune: since it was used, 12h, 30d, ... (default: as configured, 30d)"},
	{FUEL, '\0', "fuel", NULL, "add: for runs with --fuel"},
	{IDLE, '\0', "idle", NULL, "add: when nobody else has a use for the CPU and the disk"},
	{0},
};
const char cache_details[] =
	"  ls          list what is kept, last used first\n"
	"  verify      read all of it; what is damaged is named and removed\n"
	"  prune       remove what was not used for long, then what does not fit\n"
	"  clear       remove everything\n"
	"  add FILE... validate modules and put them in (-: standard input, if a file)\n\n"
	"Modules that were run are put in by themselves. The default directory is\n"
	"/var/lib/skiff/cache of root, $XDG_CACHE_HOME/skiff or ~/.cache/skiff of others.\n";

/* What the command line says. */
struct request {
	const struct ask *ask;
	const char *directory; /* NULL: the default one */
	const struct config *config;
	struct skiff_cache *cache;
	char **files;
	size_t count;
	bool json;
	bool fuel, idle;
	uint64_t max_size;
	uint64_t max_age_ms;
};

/* Everything the cache could tell of itself is in the code then. */
static int failed(const struct request *q, int r, const struct skiff_error *err)
{
	return say_error(q->directory, r, err);
}

/* -- ls ------------------------------------------------------------------------------------- */

enum { DIGEST_DIGITS = 64, DIGEST_SHOWN = 12, OPTIONS_DIGITS = 8 };

/* One unit, as many digits as matter. */
static const char *put_scaled(char text[static 24], uint64_t n, const uint64_t *sizes,
			      const char *const *names)
{
	size_t i = 0;

	while (sizes[i + 1] != 0 && n >= sizes[i + 1])
		i++;
	if (n >= 10 * sizes[i] || sizes[i] == 1)
		snprintf(text, 24, "%" PRIu64 "%s", n / sizes[i], names[i]);
	else
		snprintf(text, 24, "%" PRIu64 ".%u%s", n / sizes[i],
			 (unsigned)(n % sizes[i] * 10 / sizes[i]), names[i]);
	return text;
}

static const char *put_size(char text[static 24], uint64_t bytes)
{
	static const uint64_t sizes[] = {1, 1 << 10, 1 << 20, 1 << 30, UINT64_C(1) << 40, 0};
	static const char *const names[] = {"", "K", "M", "G", "T"};

	return put_scaled(text, bytes, sizes, names);
}

/* Since then; what lies in the future was just now. */
static const char *put_age(char text[static 24], int64_t used, int64_t now)
{
	static const uint64_t sizes[] = {1, 60, 3600, 86400, 0};
	static const char *const names[] = {"s", "min", "h", "d"};
	uint64_t age = now > used ? (uint64_t)(now - used) : 0;
	size_t i = 0;

	while (sizes[i + 1] != 0 && age >= sizes[i + 1])
		i++;
	snprintf(text, 24, "%" PRIu64 " %s", age / sizes[i], names[i]);
	return text;
}

struct listing {
	struct out out;
	struct emit emit;
	bool json;
	int64_t now;
	uint64_t count, bytes;
};

static int list_text(struct listing *l, const struct skiff_cache_entry *entry)
{
	char module[24], disk[24], age[24];

	if (l->count == 0)
		out_format(&l->out, "%-*s  %-*s  %8s  %8s  %8s\n", DIGEST_SHOWN, "MODULE",
			   OPTIONS_DIGITS, "OPTIONS", "SIZE", "ON DISK", "USED");
	out_format(&l->out, "%.*s  %.*s  %8s  %8s  %8s%s\n", DIGEST_SHOWN, entry->name,
		   OPTIONS_DIGITS, entry->name + DIGEST_DIGITS + 1,
		   entry->module_bytes != 0 ? put_size(module, entry->module_bytes) : "?",
		   put_size(disk, entry->bytes), put_age(age, entry->used, l->now),
		   entry->is_ours ? "" : "  other build");
	return 0;
}

static int list_json(struct listing *l, const struct skiff_cache_entry *entry)
{
	struct emit *e = &l->emit;

	emit_row(e, NULL, '{');
	emit_string(e, "engine", entry->engine);
	emit_bool(e, "ours", entry->is_ours);
	emit_text(e, "module", entry->name, DIGEST_DIGITS);
	emit_text(e, "options", entry->name + DIGEST_DIGITS + 1, OPTIONS_DIGITS);
	if (entry->module_bytes != 0)
		emit_u64(e, "module_bytes", entry->module_bytes);
	else
		emit_null(e, "module_bytes");
	emit_u64(e, "bytes", entry->bytes);
	emit_u64(e, "used", entry->used > 0 ? (uint64_t)entry->used : 0);
	emit_close(e, '}');
	return 0;
}

static int list_one(void *env, const struct skiff_cache_entry *entry)
{
	struct listing *l = env;
	int r = l->json ? list_json(l, entry) : list_text(l, entry);

	l->count++;
	l->bytes += entry->bytes;
	return r;
}

static void begin_json(struct listing *l, const char *directory)
{
	emit_init(&l->emit, &l->out);
	emit_open(&l->emit, NULL, '{');
	emit_u64(&l->emit, "format", 1);
	if (directory != NULL)
		emit_string(&l->emit, "directory", directory);
	else
		emit_null(&l->emit, "directory");
	emit_open(&l->emit, "entries", '[');
}

static void end_json(struct listing *l)
{
	emit_close(&l->emit, ']');
	emit_u64(&l->emit, "bytes", l->bytes);
	emit_close(&l->emit, '}');
}

static int list(struct request *q)
{
	struct listing l = {.json = q->json, .now = (int64_t)time(NULL)};
	struct skiff_error err = {.text = ""};
	int r;

	out_init(&l.out, STDOUT_FILENO);
	if (q->json)
		begin_json(&l, skiff_cache_path(q->cache));
	r = skiff_cache_list(q->cache, list_one, &l, &err);
	if (r != 0)
		return failed(q, r, &err);
	if (q->json)
		end_json(&l);
	return out_end(&l.out, EXIT_OK);
}

/* -- verify --------------------------------------------------------------------------------- */

struct verifying {
	struct skiff_cache *cache;
	bool shows; /* how far it is */
	uint64_t done, damaged, foreign;
	int code;
};

static void show_progress(const struct verifying *v)
{
	struct out out;

	if (!v->shows)
		return;
	out_init(&out, STDERR_FILENO);
	out_format(&out, "\rverified %" PRIu64, v->done);
	out_flush(&out);
}

/* Back to the beginning of an empty line. */
static void hide_progress(const struct verifying *v)
{
	struct out out;

	if (!v->shows || v->done == 0)
		return;
	out_init(&out, STDERR_FILENO);
	out_text(&out, "\r\033[K");
	out_flush(&out);
}

static int verify_one(void *env, const struct skiff_cache_entry *entry)
{
	struct skiff_error err = {.text = ""};
	struct verifying *v = env;
	int r;

	if (!entry->is_ours) {
		v->foreign++;
		return 0;
	}
	r = skiff_cache_verify(v->cache, entry, &err);
	if (r != 0) {
		hide_progress(v);
		v->code = r > 0 ? say(EXIT_BAD, entry->name, "removed: %s", err.text)
				: say_error(entry->name, r, &err);
		v->damaged++;
	}
	v->done++;
	show_progress(v);
	return 0;
}

static int verify(struct request *q)
{
	struct verifying v = {.cache = q->cache, .shows = isatty(STDERR_FILENO)};
	struct skiff_error err = {.text = ""};
	struct out out;
	int r = skiff_cache_list(q->cache, verify_one, &v, &err);

	hide_progress(&v);
	if (r != 0)
		return failed(q, r, &err);
	out_init(&out, STDOUT_FILENO);
	out_format(&out, "%" PRIu64 " verified, %" PRIu64 " damaged", v.done, v.damaged);
	if (v.foreign != 0)
		out_format(&out, ", %" PRIu64 " of other builds not looked at", v.foreign);
	out_text(&out, "\n");
	return out_end(&out, v.code);
}

/* -- prune, clear ----------------------------------------------------------------------------- */

static int remove_some(struct request *q, struct skiff_cache_limits *limits)
{
	struct skiff_error err = {.text = ""};
	char removed[24], kept[24];
	struct out out;
	int r = skiff_cache_prune(q->cache, limits, &err);

	if (r != 0)
		return failed(q, r, &err);
	out_init(&out, STDOUT_FILENO);
	out_format(&out, "removed %" PRIu64 " of %s, kept %" PRIu64 " of %s\n",
		   limits->removed_count, put_size(removed, limits->removed_bytes),
		   limits->kept_count, put_size(kept, limits->kept_bytes));
	return out_end(&out, EXIT_OK);
}

static int prune(struct request *q)
{
	struct skiff_cache_limits limits = {.size = sizeof(limits)};

	limits.bytes = q->max_size != UINT64_MAX ? q->max_size : q->config->cache_max_size;
	if (q->max_age_ms == UINT64_MAX)
		q->max_age_ms = q->config->cache_max_age;
	limits.seconds = q->max_age_ms != UINT64_MAX ? q->max_age_ms / 1000 : UINT64_MAX;
	return remove_some(q, &limits);
}

static int clear(struct request *q)
{
	struct skiff_cache_limits limits = {.size = sizeof(limits)};

	return remove_some(q, &limits);
}

/* -- add ------------------------------------------------------------------------------------ */

/*
 * What a decoder may take: of memory a gigabyte and some times the module; of the disk what the whole cache may. It reads 40 MB in a
 * third of a second.
 */
enum { DECODE_SECONDS = 120, DECODE_TIMES = 8 };
#define DECODE_BYTES (UINT64_C(1) << 30)
#define UNASKED_BYTES (INT64_C(64) << 20)

/*
 * What is put in unasked may come from a container, whose process says what it is and does not pay for our memory: nothing that
 * is none is read, and nothing enormous.
 */
static bool is_worth_it(int fd, const struct stat *st)
{
	char magic[4];

	return S_ISREG(st->st_mode) && st->st_size <= UNASKED_BYTES &&
	       pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, "\0asm", sizeof(magic)) == 0;
}

static int add_one(struct request *q, struct skiff_engine *engine, const char *file)
{
	struct skiff_cache_limits limits = {.size = sizeof(limits)};
	struct skiff_error err = {.text = ""};
	struct apart apart = {.bytes = DECODE_BYTES, .seconds = DECODE_SECONDS};
	int fd = strcmp(file, "-") == 0 ? dup(STDIN_FILENO)
					: open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int r;

	skiff_cache_limits_default(&limits);
	apart.file_bytes = limits.bytes;
	if (fd < 0)
		return say_error(source_name(file), -errno, &err);
	if (fstat(fd, &st) == 0)
		apart.bytes += (uint64_t)st.st_size * DECODE_TIMES;
	if (q->idle && !is_worth_it(fd, &st)) {
		close(fd);
		return say(EXIT_BAD, source_name(file),
			   "is no module, or too large, to be put in unasked");
	}
	r = skiff_cache_add_apart(q->cache, engine, fd, apart_run, &apart, &err);
	close(fd);
	return r == 0 ? EXIT_OK : say_error(source_name(file), r, &err);
}

static void stand_back(void)
{
	struct sched_param none = {0};

	syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &none); /* musl's libc has no such call */
	syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
}

static int add(struct request *q)
{
	struct skiff_config config = {.size = sizeof(config), .fuel = q->fuel};
	struct skiff_engine *engine = NULL;
	struct skiff_error err = {.text = ""};
	int r = skiff_engine_new(&engine, &config, &err);
	int code = EXIT_OK;

	if (r != 0)
		return say_error(NULL, r, &err);
	if (q->idle)
		stand_back();
	for (size_t i = 0; i < q->count; i++) {
		r = add_one(q, engine, q->files[i]);
		if (r != EXIT_OK)
			code = r;
	}
	skiff_engine_free(engine);
	return code;
}

/* -- The command line ----------------------------------------------------------------------- */

static const struct ask {
	const char *name;
	int (*work)(struct request *q);
	unsigned options; /* BIT(id) of those it takes, beside --cache */
	bool takes_files;
} asks[] = {
	{"ls", list, BIT(JSON), false},
	{"verify", verify, 0, false},
	{"prune", prune, BIT(MAX_SIZE) | BIT(MAX_AGE), false},
	{"clear", clear, 0, false},
	{"add", add, BIT(FUEL) | BIT(IDLE), true},
};

static const struct ask *ask_find(const char *name)
{
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++)
		if (strcmp(asks[i].name, name) == 0)
			return &asks[i];
	return NULL;
}

static int ask_unknown(const char *name)
{
	struct text_nearest nearest;

	text_nearest_init(&nearest, name, strlen(name));
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++)
		text_nearest_offer(&nearest, asks[i].name, strlen(asks[i].name));
	return say_unknown("word", "", &nearest);
}

static bool take_option(struct options *o, int id, struct request *q)
{
	switch (id) {
	case CACHE:
		q->directory = o->value;
		return true;
	case JSON:
		q->json = true;
		return true;
	case FUEL:
		q->fuel = true;
		return true;
	case IDLE:
		q->idle = true;
		return true;
	case MAX_SIZE:
		return options_size(o, &q->max_size);
	default:
		return options_duration(o, &q->max_age_ms);
	}
}

static bool take_word(struct options *o, struct request *q)
{
	if (q->ask == NULL) {
		q->ask = ask_find(o->value);
		if (q->ask == NULL)
			o->code = ask_unknown(o->value);
		return q->ask != NULL;
	}
	if (!q->ask->takes_files) {
		o->code = options_extra(o);
		return false;
	}
	q->files[q->count++] = o->next[-1];
	return true;
}

/* Options given to one that does not take them; EXIT_OK: none. */
static int check_options(const struct request *q, unsigned given)
{
	for (const struct option *row = cache_options; row->id != 0; row++)
		if ((given & BIT(row->id) & ~q->ask->options & ~BIT(CACHE)) != 0)
			return say(EXIT_USAGE, NULL, "'cache %s' has no option '--%s'",
				   q->ask->name, row->name);
	return EXIT_OK;
}

static int perform(struct request *q)
{
	struct skiff_error err = {.text = ""};
	bool off = false;
	int code = node_read(&q->config, NULL), r;

	if (code != EXIT_OK)
		return code;
	node_cache(q->config, &q->directory, &off);
	r = skiff_cache_new(&q->cache, q->directory, &err);
	if (r != 0)
		return say_error(NULL, r, &err);
	node_cache_limits(q->config, q->cache);
	code = q->ask->work(q);
	skiff_cache_free(q->cache);
	return code;
}

int cache_verb(const struct verb *verb, char **args)
{
	struct request q = {.files = args, .max_size = UINT64_MAX, .max_age_ms = UINT64_MAX};
	unsigned given = 0;
	struct options o;
	int id;

	/* The files move to the front, over what was already read. */
	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == OPTIONS_WORD ? !take_word(&o, &q) : !take_option(&o, id, &q))
			return o.code;
		if (id > 0)
			given |= BIT(id);
	}
	if (q.ask == NULL)
		return options_missing(&o, "ls, verify, prune, clear or add");
	id = check_options(&q, given);
	if (id != EXIT_OK)
		return id;
	if (q.ask->takes_files && q.count == 0)
		return options_missing(&o, "FILE");
	return perform(&q);
}
