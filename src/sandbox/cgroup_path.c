/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_path.c: linux.cgroupsPath to a directory below a hierarchy's top.
 *
 * What comes out can be handed to mkdirat() and openat(): no component of it leads up, and cgroup file systems
 * have no links.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"

static const char slice_end[] = ".slice";

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

static int bad(const char *written, const char *why, struct err *err)
{
	return err_set(err, -EINVAL, "linux.cgroupsPath: '%s' %s", written, why);
}

static int canonical(const char *written, char **ret, struct err *err)
{
	char *text = malloc(strlen(written) + 1), *end = text;
	const char *why = NULL;

	if (text == NULL)
		return -ENOMEM;
	for (const char *c = written; why == NULL && *c != '\0';) {
		size_t size = strcspn(c, "/");

		if (size == 2 && memcmp(c, "..", 2) == 0)
			why = "has a component '..'";
		else if (size > NAME_MAX)
			why = "has a component of more than 255 bytes";
		else if (memchr(c, '\n', size) != NULL)
			why = "has a line break in it";
		else if (size > 0 && !(size == 1 && *c == '.')) {
			if (end > text)
				*end++ = '/';
			memcpy(end, c, size);
			end += size;
		}
		c += size;
		c += *c == '/';
	}
	*end = '\0';
	if (why == NULL && end == text)
		why = "names no group below the top one, which is nobody's own";
	if (why == NULL && end - text >= PATH_MAX)
		why = "is longer than a path may be";
	if (why != NULL) {
		free(text);
		return bad(written, why, err);
	}
	*ret = text;
	return 0;
}

int cgroup_path(const char *written, const char *id, char **ret, bool *ret_relative,
		struct err *err)
{
	struct cgroup_unit unit;
	int r;

	if (written == NULL || *written == '\0') {
		*ret_relative = true;
		return canonical(id, ret, err);
	}
	if (!cgroup_unit_is(written)) {
		*ret_relative = *written != '/';
		return canonical(written, ret, err);
	}
	r = cgroup_unit_parse(written, &unit, err);
	if (r < 0)
		return r;
	r = cgroup_unit_path(&unit, ret, err);
	*ret_relative = false;
	cgroup_unit_deinit(&unit);
	return r;
}

/* -- systemd's form -------------------------------------------------------------------------------- */

bool cgroup_unit_is(const char *written)
{
	unsigned colons = 0;

	for (const char *c = written; *c != '\0'; c++) {
		if (*c == '/')
			return false;
		colons += *c == ':';
	}
	return colons == 2;
}

void cgroup_unit_deinit(struct cgroup_unit *unit)
{
	free(unit->slice);
	free(unit->name);
	*unit = (struct cgroup_unit){0};
}

/* PREFIX-NAME.scope, NAME.scope, or NAME as it is where it is a slice. */
static char *unit_name(const char *prefix, size_t prefix_size, const char *name)
{
	bool is_slice = ends_with(name, slice_end);
	char *text = malloc(prefix_size + strlen(name) + sizeof("-.scope")), *end = text;

	if (text == NULL)
		return NULL;
	if (!is_slice && prefix_size > 0) {
		memcpy(end, prefix, prefix_size);
		end += prefix_size;
		*end++ = '-';
	}
	end = stpcpy(end, name);
	if (!is_slice)
		stpcpy(end, ".scope");
	return text;
}

int cgroup_unit_parse(const char *written, struct cgroup_unit *ret, struct err *err)
{
	const char *prefix = strchr(written, ':') + 1;
	const char *name = strchr(prefix, ':') + 1;
	size_t slice_size = (size_t)(prefix - 1 - written);
	struct cgroup_unit unit = {0};

	if (*name == '\0')
		return bad(written, "has no name after the second colon", err);
	unit.slice = slice_size == 0 ? strdup("system.slice") : strndup(written, slice_size);
	unit.name = unit_name(prefix, (size_t)(name - 1 - prefix), name);
	if (unit.slice == NULL || unit.name == NULL) {
		cgroup_unit_deinit(&unit);
		return -ENOMEM;
	}
	if (!ends_with(unit.slice, slice_end) || strlen(unit.slice) == sizeof(slice_end) - 1) {
		cgroup_unit_deinit(&unit);
		return bad(written, "does not begin with the name of a slice, as 'system.slice'",
			   err);
	}
	*ret = unit;
	return 0;
}

/* "a-b.slice" -> "a.slice/a-b.slice/". NULL: a dash at an end or two in a row, which systemd refuses. */
static char *slice_path(const char *slice, char *end)
{
	size_t size = strlen(slice) - (sizeof(slice_end) - 1);

	*end = '\0';
	if (size == 1 && slice[0] == '-')
		return end;
	for (size_t i = 0, start = 0; i <= size; i++) {
		if (i < size && slice[i] != '-')
			continue;
		if (i == start)
			return NULL;
		start = i + 1;
		end = stpcpy(mempcpy(end, slice, i), slice_end);
		end = stpcpy(end, "/");
	}
	return end;
}

int cgroup_unit_path(const struct cgroup_unit *unit, char **ret, struct err *err)
{
	const char *slice = unit->slice, *last = unit->name;
	size_t size, dashes = 1;
	char *text, *end;
	int r;

	/* A name that is a slice lies where its own name says. */
	if (ends_with(last, slice_end)) {
		slice = last;
		last = "";
	}
	size = strlen(slice);
	for (const char *c = slice; *c != '\0'; c++)
		dashes += *c == '-';
	text = malloc(dashes * (size + 2) + strlen(last) + 1);
	if (text == NULL)
		return -ENOMEM;
	end = slice_path(slice, text);
	if (end == NULL) {
		free(text);
		return bad(slice, "is no name of a slice", err);
	}
	stpcpy(end, last);
	r = canonical(text, ret, err);
	free(text);
	return r;
}
