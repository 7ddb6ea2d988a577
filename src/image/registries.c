/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registries.h"

#include "base/io.h"
#include "base/toml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USUAL "/etc/skiff/registries.toml"

/* NULL in *ret: there is no such file, and none was named. */
static int load(const char *path, bool named, struct toml **ret, struct err *err)
{
	struct toml_place place;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size;
	int rc;

	*ret = NULL;
	if (fd < 0 && errno == ENOENT && !named)
		return 0;
	rc = fd < 0 ? -errno : io_whole(fd, TOML_SIZE_MAX, &text, &size);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	rc = toml_parse(ret, text, size, &place, err);
	free(text);
	if (rc == TOML_INVALID)
		return err_prefix(err, -EINVAL, "%s:%u:%u", path, place.line, place.column);
	return rc;
}

static int fail(const char *path, struct toml_value value, const char *key, const char *wanted,
		struct err *err)
{
	return err_set(err, -EINVAL, "%s:%u: %s: must be %s", path, toml_place(value).line, key,
		       wanted);
}

static int take_mirrors(const char *path, struct toml_value value, struct registries_entry *ret,
			struct err *err)
{
	if (toml_kind(value) != TOML_ARRAY || toml_count(value) > REGISTRIES_MIRRORS)
		return fail(path, value, "mirrors", "an array of up to 8 hosts", err);
	for (struct toml_value v = toml_first(value); toml_exists(v); v = toml_next(v)) {
		const char *text = toml_string(v, NULL);

		if (text == NULL || text[0] == '\0' || strlen(text) >= sizeof(ret->mirrors[0]) ||
		    strstr(text, "://") != NULL)
			return fail(path, value, "mirrors", "texts HOST[:PORT][/PATH]", err);
		strcpy(ret->mirrors[ret->mirror_count++], text);
	}
	return 0;
}

static int take_key(const char *path, struct toml_value value, struct registries_entry *ret,
		    struct err *err)
{
	const char *key = toml_name(value, NULL), *text;

	if (strcmp(key, "mirrors") == 0)
		return take_mirrors(path, value, ret, err);
	if (strcmp(key, "plain_http") == 0)
		return toml_bool(value, &ret->plain_http)
			       ? 0
			       : fail(path, value, key, "true or false", err);
	if (strcmp(key, "cacert") == 0) {
		text = toml_string(value, NULL);
		if (text == NULL || text[0] != '/' || strlen(text) >= sizeof(ret->ca_file))
			return fail(path, value, key, "an absolute path", err);
		strcpy(ret->ca_file, text);
		return 0;
	}
	return fail(path, value, key, "one of mirrors, cacert, plain_http", err);
}

int registries_find(const char *host, struct registries_entry *ret, struct err *err)
{
	const char *named = getenv("SKIFF_REGISTRIES"), *path = named != NULL ? named : USUAL;
	struct toml *toml;
	struct toml_value table;
	int rc;

	memset(ret, 0, sizeof(*ret));
	/* Empty: none. */
	if (path[0] == '\0')
		return 0;
	rc = load(path, named != NULL, &toml, err);
	if (rc < 0 || toml == NULL)
		return rc;
	table = toml_find(toml_root(toml), host);
	if (toml_exists(table) && toml_kind(table) != TOML_TABLE)
		rc = fail(path, table, host, "a table", err);
	for (struct toml_value v = toml_first(table); rc == 0 && toml_exists(v); v = toml_next(v))
		rc = take_key(path, v, ret, err);
	toml_free(toml);
	return rc;
}
