/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_mounts.c: a mount's options taken apart (mount_options.def), and what must hold between its fields.
 *
 * Options apply in the order in which they stand: of "ro" and "rw" the last holds, and so does the last propagation.
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "base/base.h"
#include "oci/read.h"

/* Newer than some C libraries. */
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef MS_LAZYTIME
#define MS_LAZYTIME (1 << 25)
#endif

enum what {
	SET,
	CLEAR,
	SET_ALL,
	CLEAR_ALL,
	PROPAGATE,
	BIND,
	IDMAP,
	COPY_UP,
	NOTHING,
};

struct option {
	char word[19];
	uint8_t what;
	uint32_t flags;
};

static const struct option options[] = {
#define OPTION(word, what, flags) {word, what, flags},
#include "oci/mount_options.def"
#undef OPTION
};

static const struct option *find_option(const char *word)
{
	size_t low = 0, high = ARRAY_SIZE(options);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(word, options[middle].word);

		if (order == 0)
			return &options[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void apply(struct oci_mount *mount, const struct option *option)
{
	uint64_t flags = option->flags;

	switch ((enum what)option->what) {
	case SET:
		mount->set |= flags;
		mount->clear &= ~flags;
		break;
	case CLEAR:
		mount->clear |= flags;
		mount->set &= ~flags;
		break;
	case SET_ALL:
		mount->set_recursive |= flags;
		mount->clear_recursive &= ~flags;
		break;
	case CLEAR_ALL:
		mount->clear_recursive |= flags;
		mount->set_recursive &= ~flags;
		break;
	case PROPAGATE:
		mount->propagation = flags;
		break;
	case BIND:
		mount->is_bind = true;
		mount->is_recursive = (flags & MS_REC) != 0;
		break;
	case IDMAP:
		mount->idmap = true;
		mount->idmap_recursive = (flags & MS_REC) != 0;
		break;
	case COPY_UP:
		mount->copies_up = true;
		break;
	case NOTHING:
		break;
	}
}

int read_mounts_options(struct reader *r, struct json_value value, const struct read_place *at,
			struct oci_mount *mount)
{
	struct oci_strings *data = &mount->data;
	uint32_t kept = 0;
	int rc = read_strings(r, value, at, data);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < data->count; i++) {
		const struct option *option = find_option(data->items[i]);

		if (option != NULL)
			apply(mount, option);
		else if (data->items[i][0] != '\0')
			data->items[kept++] = data->items[i];
	}
	data->items[kept] = NULL;
	data->count = kept;
	return 0;
}

/* Relative destinations are deprecated, and begin at the root. */
static int make_absolute(struct reader *r, struct oci_mount *mount)
{
	size_t size = strlen(mount->destination);
	char *path;

	if (mount->destination[0] == '/')
		return 0;
	path = arena_alloc(r->arena, size + 2);
	if (path == NULL)
		return -ENOMEM;
	path[0] = '/';
	memcpy(path + 1, mount->destination, size);
	mount->destination = path;
	return 0;
}

int read_mounts_check(struct reader *r, const struct read_place *at, struct oci_mount *mount)
{
	const struct read_place type = READ_FIELD(at, "type"), source = READ_FIELD(at, "source"),
				options = READ_FIELD(at, "options");
	int rc = make_absolute(r, mount);

	if (rc < 0)
		return rc;
	if (mount->type != NULL && strcmp(mount->type, "bind") == 0)
		mount->is_bind = true;
	if (mount->type == NULL && mount->is_bind)
		mount->type = "bind";
	if (mount->type == NULL && (mount->set & MS_REMOUNT) == 0)
		return read_fail(r, &type, "is missing, and the options do not say bind");
	if (mount->is_bind && mount->source == NULL && (mount->set & MS_REMOUNT) == 0)
		return read_fail(r, &source, "is missing, of a bind mount");
	if (mount->copies_up &&
	    (mount->is_bind || mount->type == NULL || strcmp(mount->type, "tmpfs") != 0))
		return read_fail(r, &options, "tmpcopyup is for tmpfs only");
	if (mount->uids.count > 0 || mount->gids.count > 0)
		mount->idmap = true;
	return read_linux_check_maps(r, at, &mount->uids, &mount->gids);
}

int read_mounts_check_all(struct reader *r)
{
	const struct oci_spec *spec = r->spec;
	const struct read_place field = READ_FIELD(NULL, "mounts");

	for (uint32_t i = 0; i < spec->mount_count; i++) {
		const struct read_place here = READ_ELEMENT(&field, i);
		const struct read_place options = READ_FIELD(&here, "options");

		if (spec->mounts[i].idmap && spec->mounts[i].uids.count == 0 &&
		    !spec->namespaces[OCI_NS_USER].wanted)
			return read_fail(
				r, &options,
				"idmap needs uidMappings and gidMappings, or a user namespace");
	}
	return 0;
}
