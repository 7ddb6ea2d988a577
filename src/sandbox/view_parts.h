/* SPDX-License-Identifier: Apache-2.0 */
/* view_parts.h: what the files of view.h know of each other. */
#ifndef SANDBOX_VIEW_PARTS_H
#define SANDBOX_VIEW_PARTS_H

#include "base/err.h"
#include "oci/spec.h"

/* The place in the root for a mount, as an O_PATH descriptor; made where it is missing. 0 or a negative errno. */
int view_place(int root, const char *destination, bool is_dir, int *ret, struct err *err);

/* One mount of a spec, detached, or -1 in *ret for one that is left out. 0 or a negative errno. */
int view_mount(const struct oci_spec *spec, const struct oci_mount *mount, int bundle, int *ret,
	       struct err *err);

/* A bind of what lies at a path; with what is mounted below it. */
int view_bind(int dir, const char *path, bool recursive, int *ret, struct err *err);

/* Our own /dev, detached. */
int view_dev(const struct oci_spec *spec, int *ret, struct err *err);
/* A root with nothing in it but places for mounts. */
int view_bare(int *ret, struct err *err);
/* An empty file system that stays so, detached, or a negative errno. */
int view_empty(void);
/* Is this mount the one our /dev takes the place of. */
bool view_is_dev(const struct oci_mount *mount);

#endif
