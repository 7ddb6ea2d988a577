/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "base/text.h"
#include "base/toml.h"

enum type {
	TYPE_BOOL,
	TYPE_PATH,
	TYPE_COUNT,
	TYPE_SIZE,
	TYPE_TIME,
	TYPE_LANDLOCK, /* words, from here on */
	TYPE_NETWORK,
	TYPE_LEVEL,
};

static const struct row {
	const char *section, *name, *otherwise;
	uint64_t least, most;
	enum type type;
	uint32_t at; /* in struct config */
} rows[] = {
#define WORD(type, id, word, meaning)
#define KEY(section, key, type, otherwise, least, most, meaning) \
	{#section,                                               \
	 #key,                                                   \
	 otherwise,                                              \
	 least,                                                  \
	 most,                                                   \
	 TYPE_##type,                                            \
	 offsetof(struct config, section##_##key)},
#include "runtime/config.def"
#undef WORD
#undef KEY
};

static const struct word {
	const char *text;
	enum type type;
} words[] = {
#define WORD(type, id, word, meaning) {word, TYPE_##type},
#define KEY(section, key, type, otherwise, least, most, meaning)
#include "runtime/config.def"
#undef WORD
#undef KEY
};

static const struct unit {
	const char *name;
	uint64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static void *field(const struct config *config, const struct row *row)
{
	return (char *)(uintptr_t)config + row->at;
}

/* -- Values ------------------------------------------------------------------------------------------- */

static bool parse_time(const char *text, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	char number[24];
	uint64_t n;

	if (digits == 0 || digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(text + digits, units[i].name) == 0)
			return text_parse_u64(number, &n) &&
			       !__builtin_mul_overflow(n, units[i].ms, ret);
	return false;
}

static int fail_range(const struct row *row, struct err *err)
{
	return err_set(err, -EINVAL, "is not between %llu and %llu%s",
		       (unsigned long long)row->least, (unsigned long long)row->most,
		       row->type == TYPE_TIME ? " milliseconds" : "");
}

static int check_number(const struct row *row, uint64_t number, struct err *err)
{
	if (number >= row->least && number <= row->most)
		return 0;
	if (row->most == CONFIG_NONE)
		return err_set(err, -EINVAL, "is less than %llu%s", (unsigned long long)row->least,
			       row->type == TYPE_TIME ? " milliseconds" : "");
	return fail_range(row, err);
}

static int parse_number(uint64_t *ret, const struct row *row, const char *text, struct err *err)
{
	static const char *const wanted[] = {
		[TYPE_COUNT] = "a number",
		[TYPE_SIZE] = "a size such as 65536, \"64K\", \"16M\" or \"1G\"",
		[TYPE_TIME] = "a time with its unit, such as \"500ms\", \"10s\" or \"2h\"",
	};
	uint64_t number = CONFIG_NONE;
	bool none = row->most == CONFIG_NONE;
	int error;

	if (none && strcmp(text, "none") == 0) {
		*ret = CONFIG_NONE;
		return 0;
	}
	if (row->type == TYPE_TIME   ? !parse_time(text, &number)
	    : row->type == TYPE_SIZE ? !text_parse_size(text, &number)
				     : !text_parse_u64(text, &number))
		return err_set(err, -EINVAL, "'%s' is not %s%s", text, wanted[row->type],
			       none ? ", nor \"none\"" : "");
	error = check_number(row, number, err);
	if (error == 0)
		*ret = number;
	return error;
}

static int parse_word(enum config_word *ret, const struct row *row, const char *text,
		      struct err *err)
{
	char all[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].type != row->type)
			continue;
		if (strcmp(words[i].text, text) == 0) {
			*ret = (enum config_word)i;
			return 0;
		}
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s\"%s\"",
					 used > 0 ? ", " : "", words[i].text);
	}
	return err_set(err, -EINVAL, "'%s' is none of %s", text, all);
}

/* What a string of the file says, or a default. */
static int set_text(struct config *config, const struct row *row, const char *text, struct err *err)
{
	switch (row->type) {
	case TYPE_BOOL:
		*(bool *)field(config, row) = strcmp(text, "true") == 0;
		return 0;
	case TYPE_PATH:
		if (text[0] != '/' && text[0] != '\0')
			return err_set(err, -EINVAL, "'%s' is not an absolute path", text);
		*(const char **)field(config, row) = text;
		return 0;
	case TYPE_COUNT:
	case TYPE_SIZE:
	case TYPE_TIME:
		return parse_number(field(config, row), row, text, err);
	default:
		return parse_word(field(config, row), row, text, err);
	}
}

static int fail_kind(struct toml_value value, const char *wanted, struct err *err)
{
	return err_set(err, -EINVAL, "must be %s, is %s", wanted, toml_kind_name(toml_kind(value)));
}

static int set_value(struct config *config, const struct row *row, struct toml_value value,
		     struct err *err)
{
	size_t size = 0;
	const char *text = toml_string(value, &size);
	int64_t number;

	if (row->type == TYPE_BOOL)
		return toml_bool(value, field(config, row))
			       ? 0
			       : fail_kind(value, "true or false", err);
	if (text != NULL && strlen(text) != size)
		return err_set(err, -EINVAL, "holds a zero byte");
	if (text != NULL)
		return set_text(config, row, text, err);
	if ((row->type != TYPE_COUNT && row->type != TYPE_SIZE) || !toml_i64(value, &number))
		return fail_kind(value,
				 row->type == TYPE_COUNT  ? "an integer"
				 : row->type == TYPE_SIZE ? "an integer or a string"
							  : "a string",
				 err);
	if (number < 0)
		return err_set(err, -EINVAL, "is negative");
	*(uint64_t *)field(config, row) = (uint64_t)number;
	return check_number(row, (uint64_t)number, err);
}

/* -- The file ------------------------------------------------------------------------------------------- */

struct reading {
	struct config *config; /* borrowed, as are these */
	config_warn_fn *warn;
	void *env;
	struct err *err;
};

/* Not a byte more than the reader of TOML takes. */
static int read_text(int fd, char **ret, size_t *ret_size, struct err *err)
{
	struct stat st;
	int error;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "it is no file");
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(
			err, -EPERM,
			"it is not used: it must belong to root%s, and nobody else may write "
			"to it",
			geteuid() != 0 ? " or to you" : "");
	error = io_whole(fd, TOML_SIZE_MAX, ret, ret_size);
	if (error == -EFBIG)
		return err_set(err, error, "it has more than %u bytes", TOML_SIZE_MAX);
	return error == 0 ? 0 : err_set(err, error, "%s", strerror(-error));
}

/* Puts file and line in front. */
static int at_line(const struct reading *r, struct toml_value value, int code)
{
	return err_prefix(r->err, code, "%s:%u", r->config->file, toml_place(value).line);
}

static void warn_unknown(const struct reading *r, struct toml_value value, const char *section)
{
	struct text_nearest nearest;
	struct err sentence;
	size_t size;
	const char *name = toml_name(value, &size), *what = section != NULL ? "key" : "section";
	char front[64] = "";

	if (r->warn == NULL)
		return;
	text_nearest_init(&nearest, name, size);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *known = section != NULL ? rows[i].name : rows[i].section;

		if (section == NULL || strcmp(rows[i].section, section) == 0)
			text_nearest_offer(&nearest, known, strlen(known));
	}
	if (section != NULL)
		snprintf(front, sizeof(front), "%s.", section);
	if (nearest.best == NULL)
		err_set(&sentence, 0, "unknown %s '%s%s'", what, front, name);
	else
		err_set(&sentence, 0, "unknown %s '%s%s', did you mean '%s%s'?", what, front, name,
			front, nearest.best);
	err_prefix(&sentence, 0, "%s:%u", r->config->file, toml_place(value).line);
	r->warn(r->env, sentence.text);
}

static int take_key(const struct reading *r, const char *section, struct toml_value value)
{
	struct toml_place place = toml_place(value);
	size_t size;
	const char *name = toml_name(value, &size);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].section, section) != 0 || strcmp(rows[i].name, name) != 0 ||
		    strlen(name) != size)
			continue;
		r->config->source[i].from = CONFIG_FROM_FILE;
		r->config->source[i].line = place.line;
		if (set_value(r->config, &rows[i], value, r->err) == 0)
			return 0;
		err_prefix(r->err, 0, "%s.%s", section, name);
		return at_line(r, value, -EINVAL);
	}
	warn_unknown(r, value, section);
	return 0;
}

static const char *find_section(const char *name, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strlen(rows[i].section) == size && memcmp(rows[i].section, name, size) == 0)
			return rows[i].section;
	return NULL;
}

static int take_section(const struct reading *r, struct toml_value table)
{
	size_t size;
	const char *name = toml_name(table, &size), *section = find_section(name, size);
	int error = 0;

	if (section == NULL) {
		warn_unknown(r, table, NULL);
		return 0;
	}
	if (toml_kind(table) != TOML_TABLE) {
		fail_kind(table, "a table", r->err);
		err_prefix(r->err, 0, "%s", section);
		return at_line(r, table, -EINVAL);
	}
	for (struct toml_value v = toml_first(table); error == 0 && toml_exists(v);
	     v = toml_next(v))
		error = take_key(r, section, v);
	return error;
}

/* What is given where nothing is asked for is not more than may be asked for. */
static int check_most(struct config *c, enum config_key key, enum config_key most, struct err *err)
{
	uint64_t *number = field(c, &rows[key]);

	if (*number <= config_number(c, most))
		return 0;
	if (c->source[key].from == CONFIG_FROM_DEFAULT) {
		*number = config_number(c, most);
		c->source[key] = c->source[most];
		return 0;
	}
	return err_set(err, -EINVAL, "%s:%u: %s.%s: is more than %s.%s", c->file,
		       c->source[key].line, rows[key].section, rows[key].name, rows[most].section,
		       rows[most].name);
}

static int take_file(const struct reading *r, const char *text, size_t size)
{
	struct config *c = r->config;
	struct toml_place place;
	int error = toml_parse(&c->toml, text, size, &place, r->err);

	if (error > 0)
		return err_prefix(r->err, -EINVAL, "%s:%u:%u", c->file, place.line, place.column);
	if (error < 0)
		return err_prefix(r->err, error, "%s", c->file);
	for (struct toml_value v = toml_first(toml_root(c->toml)); error == 0 && toml_exists(v);
	     v = toml_next(v))
		error = take_section(r, v);
	if (error == 0)
		error = check_most(c, CONFIG_limits_memory, CONFIG_limits_memory_max, r->err);
	if (error == 0)
		error = check_most(c, CONFIG_limits_fuel, CONFIG_limits_fuel_max, r->err);
	if (error == 0)
		error = check_most(c, CONFIG_limits_time, CONFIG_limits_time_max, r->err);
	if (error == 0)
		error = check_most(c, CONFIG_limits_stack, CONFIG_limits_stack_max, r->err);
	return error;
}

static int read_file(const struct reading *r, const char *path, bool must)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error;
	char *text = NULL;
	size_t size = 0;

	if (fd < 0 && errno == ENOENT && !must)
		return 0;
	if (fd < 0)
		return err_set(r->err, -errno, "%s: %s", path, strerror(errno));
	r->config->file = path;
	error = read_text(fd, &text, &size, r->err);
	close(fd);
	error = error == 0 ? take_file(r, text, size) : err_prefix(r->err, error, "%s", path);
	free(text);
	return error;
}

/* A directory named there is wanted, and no name is wanted as well. */
static void take_environment(struct config *c)
{
	const char *cache = getenv("SKIFF_CACHE");

	if (cache == NULL)
		return;
	c->cache_enabled = cache[0] != '\0';
	c->source[CONFIG_cache_enabled].from = CONFIG_FROM_ENVIRONMENT;
	if (cache[0] == '\0')
		return;
	c->cache_dir = cache;
	c->source[CONFIG_cache_dir].from = CONFIG_FROM_ENVIRONMENT;
}

void config_init(struct config *config)
{
	*config = (struct config){.file = NULL};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		invariant(set_text(config, &rows[i], rows[i].otherwise, NULL) == 0);
}

int config_read(struct config *config, const char *path, config_warn_fn *warn, void *env,
		struct err *err)
{
	const struct reading reading = {config, warn, env, err};
	bool must = true;
	int error = 0;

	config_init(config);
	if (path == NULL)
		path = getenv("SKIFF_CONFIG");
	if (path == NULL) {
		path = CONFIG_FILE;
		must = false;
	}
	if (path[0] != '\0')
		error = read_file(&reading, path, must);
	if (error == 0)
		take_environment(config);
	return error;
}

void config_deinit(struct config *config)
{
	config->toml = toml_free(config->toml);
}

/* -- Of one key ------------------------------------------------------------------------------------- */

const char *config_section(enum config_key key)
{
	return rows[key].section;
}

const char *config_name(enum config_key key)
{
	return rows[key].name;
}

const char *config_path(const struct config *config, enum config_key key)
{
	invariant(rows[key].type == TYPE_PATH);
	return *(const char **)field(config, &rows[key]);
}

uint64_t config_number(const struct config *config, enum config_key key)
{
	invariant(rows[key].type == TYPE_COUNT || rows[key].type == TYPE_SIZE ||
		  rows[key].type == TYPE_TIME);
	return *(const uint64_t *)field(config, &rows[key]);
}

int config_parse_number(uint64_t *ret, enum config_key key, const char *text, struct err *err)
{
	return parse_number(ret, &rows[key], text, err);
}

/* In the largest unit that leaves no rest. */
static void put_number(char text[static CONFIG_TEXT], enum type type, uint64_t number)
{
	static const char *const sizes[] = {"", "K", "M", "G", "T"};
	size_t i = 0;

	if (type == TYPE_SIZE) {
		for (; i + 1 < ARRAY_SIZE(sizes) && number != 0 && number % 1024 == 0; i++)
			number /= 1024;
		snprintf(text, CONFIG_TEXT, i == 0 ? "%llu" : "\"%llu%s\"",
			 (unsigned long long)number, sizes[i]);
		return;
	}
	while (i + 1 < ARRAY_SIZE(units) && number != 0 && number % units[i + 1].ms == 0)
		i++;
	snprintf(text, CONFIG_TEXT, "\"%llu%s\"", (unsigned long long)(number / units[i].ms),
		 units[i].name);
}

const char *config_text(const struct config *config, enum config_key key,
			char text[static CONFIG_TEXT])
{
	const struct row *row = &rows[key];
	const void *value = field(config, row);

	if (row->type == TYPE_PATH)
		return NULL;
	if (row->type == TYPE_BOOL)
		return *(const bool *)value ? "true" : "false";
	if (row->type >= TYPE_LANDLOCK)
		snprintf(text, CONFIG_TEXT, "\"%s\"", words[*(const enum config_word *)value].text);
	else if (*(const uint64_t *)value == CONFIG_NONE)
		return "\"none\"";
	else if (row->type == TYPE_COUNT)
		snprintf(text, CONFIG_TEXT, "%llu", (unsigned long long)*(const uint64_t *)value);
	else
		put_number(text, row->type, *(const uint64_t *)value);
	return text;
}
