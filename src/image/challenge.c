/* SPDX-License-Identifier: Apache-2.0 */
#include "image/challenge.h"

#include <string.h>
#include <strings.h>

static bool is_token(char c)
{
	return c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

static void skip_space(const char **at)
{
	*at += strspn(*at, " \t");
}

/* What stands in quotes, its escapes undone. False: it does not end, or does not fit. */
static bool quoted(const char **at, char *room, size_t size)
{
	size_t used = 0;

	for ((*at)++; **at != '"'; (*at)++) {
		if (**at == '\\')
			(*at)++;
		if (**at == '\0' || used + 1 >= size)
			return false;
		room[used++] = **at;
	}
	(*at)++;
	room[used] = '\0';
	return true;
}

static bool token(const char **at, char *room, size_t size)
{
	size_t length = 0;

	while (is_token((*at)[length]))
		length++;
	if (length == 0 || length >= size)
		return false;
	memcpy(room, *at, length);
	room[length] = '\0';
	*at += length;
	return true;
}

static void keep(struct challenge *c, const char *name, const char *value)
{
	const struct {
		const char *name;
		char *room;
		size_t size;
	} places[] = {{"realm", c->realm, sizeof(c->realm)},
		      {"service", c->service, sizeof(c->service)},
		      {"scope", c->scope, sizeof(c->scope)}};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcasecmp(name, places[i].name) == 0 && strlen(value) < places[i].size)
			strcpy(places[i].room, value);
}

/* Behind NAME: is there = and a value? *sound: it could be read. */
static bool value_of(const char **at, char *room, size_t size, bool *sound)
{
	skip_space(at);
	if (**at != '=')
		return false;
	(*at)++;
	skip_space(at);
	*sound = **at == '"' ? quoted(at, room, size) : token(at, room, size);
	return true;
}

void challenge_parse(struct challenge *ret, const char *text)
{
	bool ours = false, seen = false, sound = true;
	char name[64], value[2048];

	*ret = (struct challenge){0};
	while (*text != '\0') {
		text += strspn(text, " \t,");
		sound = token(&text, name, sizeof(name));
		if (sound && value_of(&text, value, sizeof(value), &sound)) {
			if (sound && ours)
				keep(ret, name, value);
		} else if (sound) {
			/* The first of its kind counts. */
			ours = !seen && strcasecmp(name, "Bearer") == 0;
			seen = seen || ours;
			ret->basic = ret->basic || strcasecmp(name, "Basic") == 0;
		}
		if (!sound)
			text += strcspn(text, ",");
	}
	ret->bearer = ret->realm[0] != '\0';
}
