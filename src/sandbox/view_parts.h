/* SPDX-License-Identifier: Apache-2.0 */
/* view_parts.h: what the files of view.h know of each other. */
#ifndef SANDBOX_VIEW_PARTS_H
#define SANDBOX_VIEW_PARTS_H

#include <limits.h>

#include "base/err.h"
#include "oci/spec.h"

/* The place in the root for a mount, as an O_PATH descriptor; made where it is missing. 0 or a negative errno. */
int view_place(int root, const char *destination, bool is_dir, int *ret, struct err *err);

/* What mounts of a spec are made with. */
struct view_source {
	const struct oci_spec *spec;
	int bundle, users; /* as view_open() has them */
};

/* One mount of a spec, detached, or -1 in *ret for one that is left out. 0 or a negative errno. Not for that of view_is_dev(). */
int view_mount(const struct view_source *source, const struct oci_mount *mount, int *ret,
	       struct err *err);
/* Is it to be made by the root of the container's user namespace. */
bool view_is_later(const struct oci_spec *spec, const struct oci_mount *mount);

/* A bind of what lies at a path; with what is mounted below it. */
int view_bind(int dir, const char *path, bool recursive, int *ret, struct err *err);

/* Our own /dev, detached; without nodes where those of the host are bound. */
int view_dev(const struct oci_spec *spec, bool has_nodes, int *ret, struct err *err);
/* The host's nodes, detached: an array, which the caller frees. */
int view_nodes(const struct oci_spec *spec, int **ret, uint32_t *ret_count, struct err *err);
/* Where the one of a number goes: an absolute path. */
void view_node_path(const struct oci_spec *spec, uint32_t number, char path[static PATH_MAX]);
/* A root with nothing in it but places for mounts. */
int view_bare(int *ret, struct err *err);
/* An empty file system that stays so, detached, or a negative errno. */
int view_empty(void);
/* Is this mount the one our /dev takes the place of. */
bool view_is_dev(const struct oci_mount *mount);

#endif
