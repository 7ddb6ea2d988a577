/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_platform.c: what a platform is called, and which manifest of an index is wanted.
 *
 * Names are compared as the rows of `names` spell them. Asking for wasi takes what is for wasip1 or wasip2, too, where there is no
 * wasi; asking for wasip1 or wasip2 takes wasi, and never the other one: they are different interfaces.
 *
 * Of several that fit, the one that fits best, and of those the first, as other engines have it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/base.h"
#include "oci/image.h"

enum { WISH_ROOM = 128, NAME_ROOM = 32, LISTED_MAX = 12 };

struct name { /* of an architecture */
	char other[12], ours[8], variant[4];
};

static const struct name names[] = {
	{"wasm32", "wasm", ""},   {"x86_64", "amd64", ""}, {"x86-64", "amd64", ""},
	{"aarch64", "arm64", ""}, {"armhf", "arm", "v7"},  {"armel", "arm", "v6"},
	{"armv7l", "arm", "v7"},  {"armv6l", "arm", "v6"}, {"i386", "386", ""},
	{"i686", "386", ""},
};

static const char *const wasm_systems[] = {"wasi", "wasip1", "wasip2"};

/* -- Names -------------------------------------------------------------------------------------------------- */

/* As the first of all spellings; `variant` is what comes with the name, if nothing else is said. */
static struct image_platform plain(const struct image_platform *platform)
{
	struct image_platform p = *platform;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(p.architecture, names[i].other) != 0)
			continue;
		p.architecture = names[i].ours;
		if (p.variant[0] == '\0')
			p.variant = names[i].variant;
		break;
	}
	if (strcmp(p.architecture, "arm64") == 0 && strcmp(p.variant, "v8") == 0)
		p.variant = "";
	if (strcmp(p.architecture, "amd64") == 0 && strcmp(p.variant, "v1") == 0)
		p.variant = "";
	return p;
}

static bool is_wasm_system(const char *os)
{
	for (size_t i = 0; i < ARRAY_SIZE(wasm_systems); i++)
		if (strcmp(os, wasm_systems[i]) == 0)
			return true;
	return false;
}

static bool is_wasm(const char *architecture)
{
	return strncmp(architecture, "wasm", 4) == 0;
}

static struct image_platform this_machine(struct utsname *room)
{
	struct image_platform p = {"linux", "", "", ""};

	if (uname(room) == 0)
		p.architecture = room->machine;
	return plain(&p);
}

void image_platform_text(const struct image_platform *platform, char text[static 128])
{
	const char *slash = platform->architecture[0] != '\0' ? "/" : "";
	const char *second = platform->variant[0] != '\0' ? "/" : "";

	snprintf(text, WISH_ROOM, "%s%s%s%s%s", platform->os, slash, platform->architecture, second,
		 platform->variant);
	if (text[0] == '\0')
		strcpy(text, "?");
}

/* -- Wishes --------------------------------------------------------------------------------------------------- */

/* Three parts at most, each of which is short: what is added to one of them fits the room, and is read again. */
static int check_wish(const char *text, struct err *err)
{
	size_t fine = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "._-/");
	const char *part = text;
	bool good = text[fine] == '\0';

	for (unsigned parts = 1; good; parts++) {
		size_t size = strcspn(part, "/");

		good = size > 0 && size < NAME_ROOM && parts <= 3;
		if (part[size] == '\0')
			break;
		part += size + 1;
	}
	if (good)
		return 0;
	return err_set(err, -EINVAL,
		       "'%.100s' is not a platform: write OS/ARCHITECTURE, such as wasi/wasm or "
		       "linux/amd64",
		       text);
}

/* Of one word it is known, or guessed, whether it is a system or an architecture. */
static void complete(struct image_platform *p, char *room, struct utsname *machine)
{
	struct image_platform here;

	if (p->architecture[0] != '\0')
		return;
	if (is_wasm_system(p->os)) {
		p->architecture = "wasm";
	} else if (is_wasm(p->os)) {
		p->architecture = p->os;
		p->os = "wasi";
	} else {
		here = this_machine(machine);
		strcpy(room, "");
		strncat(room, here.architecture, NAME_ROOM - 1);
		p->architecture = room;
		p->variant = here.variant;
	}
}

int image_wish_parse(struct image_wish *ret, const char *text, char room[static 128],
		     struct err *err)
{
	struct image_platform p = {"", "", "", ""};
	struct utsname machine;
	char *slash;
	int rc = check_wish(text, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i <= strlen(text); i++)
		room[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	p.os = room;
	slash = strchr(room, '/');
	if (slash != NULL) {
		*slash = '\0';
		p.architecture = slash + 1;
		slash = strchr(slash + 1, '/');
	}
	if (slash != NULL) {
		*slash = '\0';
		p.variant = slash + 1;
	}
	complete(&p, room + strlen(text) + 1, &machine);
	*ret = (struct image_wish){.platform = plain(&p), .given = true};
	return 0;
}

/* -- Choice ------------------------------------------------------------------------------------------------------ */

/* How well: 0 not at all, more is better. */
static unsigned fits_system(const char *wanted, const char *os)
{
	if (strcmp(wanted, os) == 0)
		return 4;
	if (strcmp(wanted, "wasi") == 0)
		return strcmp(os, "wasip1") == 0 ? 3 : strcmp(os, "wasip2") == 0 ? 2 : 0;
	return is_wasm_system(wanted) && strcmp(os, "wasi") == 0 ? 3 : 0;
}

static unsigned fits(const struct image_platform *wanted, const struct image_platform *platform)
{
	struct image_platform want = plain(wanted), p = plain(platform);
	unsigned system = fits_system(want.os, p.os);

	if (system == 0 || strcmp(want.architecture, p.architecture) != 0)
		return 0;
	if (strcmp(want.variant, p.variant) == 0)
		return 2 * system;
	return want.variant[0] == '\0' ? 2 * system - 1 : 0;
}

/* What may run at all: of attestations the platform is not known, on purpose. */
static bool is_candidate(const struct image_descriptor *d)
{
	if (d->type != IMAGE_MANIFEST && d->media_type[0] != '\0')
		return false;
	if (image_note(&d->notes, "vnd.docker.reference.type") != NULL)
		return false;
	return !d->has_platform || strcmp(d->platform.os, "unknown") != 0;
}

static const struct image_descriptor *best(const struct image_index *index,
					   const struct image_platform *wanted)
{
	const struct image_descriptor *found = NULL;
	unsigned most = 0;

	for (uint32_t i = 0; i < index->count; i++) {
		const struct image_descriptor *d = &index->manifests[i];
		unsigned how;

		if (!is_candidate(d) || !d->has_platform)
			continue;
		how = fits(wanted, &d->platform);
		if (how > most) {
			most = how;
			found = d;
		}
	}
	return found;
}

static const struct image_descriptor *alone(const struct image_index *index)
{
	const struct image_descriptor *found = NULL;

	for (uint32_t i = 0; i < index->count; i++) {
		if (!is_candidate(&index->manifests[i]))
			continue;
		if (found != NULL)
			return NULL;
		found = &index->manifests[i];
	}
	return found;
}

/* "linux/amd64, linux/arm64 and 3 more" */
static void list(const struct image_index *index, char *text, size_t room)
{
	char one[WISH_ROOM];
	size_t end = 0;
	unsigned listed = 0, more = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < index->count; i++) {
		if (!is_candidate(&index->manifests[i]))
			continue;
		image_platform_text(&index->manifests[i].platform, one);
		if (listed == LISTED_MAX || end + strlen(one) + 32 > room) {
			more++;
			continue;
		}
		end += (size_t)snprintf(text + end, room - end, "%s%s", listed++ > 0 ? ", " : "",
					one);
	}
	if (more > 0)
		snprintf(text + end, room - end, " and %u more", more);
}

static void fail(const struct image_index *index, const char *wanted, struct err *err)
{
	char there[512];

	list(index, there, sizeof(there));
	if (there[0] == '\0')
		err_set(err, 0, "the index lists no image, for whatever platform");
	else
		err_set(err, 0, "there is no image for %s in it, only for %s", wanted, there);
}

static const struct image_descriptor *choose_any(const struct image_index *index, struct err *err)
{
	static const struct image_platform wasm = {"wasi", "wasm", "", ""};
	struct utsname machine;
	struct image_platform here;
	const struct image_descriptor *found = best(index, &wasm);
	char wanted[2 * WISH_ROOM], own[WISH_ROOM];

	if (found != NULL)
		return found;
	here = this_machine(&machine);
	found = best(index, &here);
	if (found == NULL)
		found = alone(index);
	if (found != NULL)
		return found;
	image_platform_text(&here, own);
	snprintf(wanted, sizeof(wanted), "wasi/wasm or %s", own);
	fail(index, wanted, err);
	return NULL;
}

/* One alone that does not say what it is for may be it: its config tells. */
const struct image_descriptor *image_choose(const struct image_index *index,
					    const struct image_wish *wish, struct err *err)
{
	const struct image_descriptor *found;
	char wanted[WISH_ROOM];

	if (!wish->given)
		return choose_any(index, err);
	found = best(index, &wish->platform);
	if (found != NULL)
		return found;
	found = alone(index);
	if (found != NULL && !found->has_platform)
		return found;
	image_platform_text(&wish->platform, wanted);
	fail(index, wanted, err);
	return NULL;
}
