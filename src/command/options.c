/* SPDX-License-Identifier: Apache-2.0 */
#include "command/options.h"

#include "base/text.h"
#include "command/exit.h"
#include "command/help.h"
#include "command/say.h"

#include <stddef.h>
#include <string.h>

void options_init(struct options *o, const struct verb *verb, char **args)
{
	*o = (struct options){.verb = verb, .next = args};
}

static int stop(struct options *o, int code)
{
	o->code = code;
	return OPTIONS_STOP;
}

static int unknown(struct options *o, const char *name, size_t size)
{
	struct text_nearest nearest;

	text_nearest_init(&nearest, name, size);
	for (const struct option *row = o->verb->options; row->id != 0; row++)
		text_nearest_offer(&nearest, row->name, strlen(row->name));
	text_nearest_offer(&nearest, "help", 4);
	return stop(o, say_unknown("option", "--", &nearest));
}

static int take_value(struct options *o, const struct option *row, const char *value)
{
	o->name = row->name;
	o->value = value;
	if (row->value == NULL && value != NULL)
		return stop(o, say(EXIT_USAGE, NULL, "option '--%s' takes no value", row->name));
	if (row->value == NULL || value != NULL)
		return row->id;
	if (*o->next == NULL)
		return stop(o, say(EXIT_USAGE, NULL, "option '--%s' needs a value: %s", row->name,
				   row->value));
	o->value = *o->next++;
	return row->id;
}

static int long_option(struct options *o, const char *name)
{
	const char *equals = strchr(name, '=');
	size_t size = equals != NULL ? (size_t)(equals - name) : strlen(name);

	if (strcmp(name, "help") == 0)
		return stop(o, help_show(o->verb));
	for (const struct option *row = o->verb->options; row->id != 0; row++)
		if (strlen(row->name) == size && memcmp(row->name, name, size) == 0)
			return take_value(o, row, equals != NULL ? equals + 1 : NULL);
	return unknown(o, name, size);
}

static const struct option *find_letter(const struct options *o, char letter)
{
	const struct option *row = o->verb->options;

	while (row->id != 0 && row->letter != letter)
		row++;
	return row->id != 0 ? row : NULL;
}

/* The first of these letters: a value is what follows it, or the next word; behind a flag there may be another one. */
static int take_letter(struct options *o, const char *letters)
{
	const struct option *row = find_letter(o, letters[0]);

	o->joined = NULL;
	if (row == NULL)
		return stop(o, say(EXIT_USAGE, NULL, "unknown option '-%c'", letters[0]));
	if (row->value != NULL)
		return take_value(o, row, letters[1] != '\0' ? letters + 1 : NULL);
	if (letters[1] != '\0')
		o->joined = letters + 1;
	return take_value(o, row, NULL);
}

static int short_option(struct options *o, const char *word)
{
	if (strcmp(word, "-h") == 0)
		return stop(o, help_show(o->verb));
	/* "-json" was most likely meant to be "--json". */
	for (const struct option *row = o->verb->options; row->id != 0; row++)
		if (strcmp(row->name, word + 1) == 0)
			return stop(o, say(EXIT_USAGE, NULL,
					   "unknown option '%s', did you mean '-%s'?", word, word));
	if (find_letter(o, word[1]) == NULL)
		return stop(o, say(EXIT_USAGE, NULL, "unknown option '%s'", word));
	return take_letter(o, word + 1);
}

int options_next(struct options *o)
{
	char *word = *o->next;

	if (o->joined != NULL)
		return take_letter(o, o->joined);
	if (word == NULL)
		return OPTIONS_END;
	o->next++;
	if (!o->only_words && word[0] == '-' && word[1] != '\0') {
		if (strcmp(word, "--") != 0)
			return word[1] == '-' ? long_option(o, word + 2) : short_option(o, word);
		o->only_words = true;
		return options_next(o);
	}
	o->value = word;
	return OPTIONS_WORD;
}

static bool bad_value(struct options *o, const char *expected)
{
	o->code =
		say(EXIT_USAGE, NULL, "option '--%s': '%s' is not %s", o->name, o->value, expected);
	return false;
}

bool options_u64(struct options *o, uint64_t *ret)
{
	return text_parse_u64(o->value, ret) || bad_value(o, "a number");
}

bool options_size(struct options *o, uint64_t *ret)
{
	return text_parse_size(o->value, ret) ||
	       bad_value(o, "a size such as 65536, 64K, 16M or 1G");
}

bool options_duration(struct options *o, uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"", 1000},   {"ms", 1},      {"s", 1000},
		     {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	size_t digits = strspn(o->value, "0123456789");
	char number[24];
	uint64_t n;

	if (digits > 0 && digits < sizeof(number)) {
		memcpy(number, o->value, digits);
		number[digits] = '\0';
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strcmp(o->value + digits, units[i].name) == 0 &&
			    text_parse_u64(number, &n) &&
			    !__builtin_mul_overflow(n, units[i].ms, ret))
				return true;
	}
	return bad_value(o, "a time such as 10, 500ms, 10s or 2m");
}

int options_missing(const struct options *o, const char *what)
{
	return say(EXIT_USAGE, NULL, "%s: %s is missing; usage: %s %s", o->verb->name, what,
		   o->verb->command, o->verb->usage);
}

int options_extra(const struct options *o)
{
	return say(EXIT_USAGE, NULL, "%s: one argument too many: '%s'; usage: %s%s%s",
		   o->verb->name, o->value, o->verb->command, o->verb->usage[0] != '\0' ? " " : "",
		   o->verb->usage);
}
