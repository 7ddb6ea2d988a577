/* SPDX-License-Identifier: Apache-2.0 */
/* view_parts.h: what the files of view.h know of each other. */
#ifndef SANDBOX_VIEW_PARTS_H
#define SANDBOX_VIEW_PARTS_H

#include <limits.h>

#include "base/err.h"
#include "oci/spec.h"
#include "sandbox/view.h"

struct mount_attr;

/* -- Calls about mounts, detached or on the shelf: a result or a negative errno ----------------------------------- */

/* A copy of what is mounted, or lies, at a path; "": at `dir` itself. */
int view_tree(struct view *view, int dir, const char *path, bool recursive);
/* A small tmpfs; flags: MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC. `view` NULL: detached. */
int view_tmpfs(struct view *view, const char *size, const char *mode, unsigned flags);
/* One with nothing in it, that stays so. */
int view_empty(struct view *view);
int view_set(struct view *view, int mount, bool recursive, const struct mount_attr *attr);
/* What `mount` is goes to `place`, on top of what is there. */
int view_move(struct view *view, int mount, int place);

/* -- Those of the classic way (view_classic.c) --------------------------------------------------------------- */

/* Go to a copy of the host's mounts, and make the shelf in it. The bundle is the working directory from then on. */
int view_classic_begin(struct view *view, int bundle, struct err *err);
/* A path, absolute or from the working directory; "": at `dir` itself. */
int view_classic_tree(struct view *view, int dir, const char *path, bool recursive);
int view_classic_mount(struct view *view, const char *type, const char *source, uint64_t flags,
		       const char *data);
int view_classic_move(int mount, int place);
/* The root of the view is the root, and nothing else of the copy is left. */
int view_classic_take_root(struct view *view);
/* view_attributes.c */
int view_classic_set(int mount, bool recursive, const struct mount_attr *attr);

/* -- The parts --------------------------------------------------------------------------------------------- */

enum { VIEW_LINKS_MAX = 40 }; /* in one path, as Linux has it */

/* The place in the root for a mount, as an O_PATH descriptor; made where it is missing. 0 or a negative errno. */
int view_place(int root, const char *destination, bool is_dir, int *ret, struct err *err);
/* What a path leads to in the root, as an O_PATH descriptor, or a negative errno. `flags`: O_DIRECTORY, O_NOFOLLOW. */
int view_lookup(int root, const char *path, int flags);
/* The same without openat2() (view_walk.c). */
int view_walk(int root, const char *path, int flags);

/* What mounts of a spec are made with. */
struct view_source {
	const struct oci_spec *spec;
	int bundle, users; /* as view_open() has them */
};

/* One mount of a spec, or -1 in *ret for one that is left out. 0 or a negative errno. Not for that of view_is_dev(). */
int view_mount(struct view *view, const struct view_source *source, const struct oci_mount *mount,
	       int *ret, struct err *err);
/* Is it to be made by the root of the container's user namespace. */
bool view_is_later(const struct oci_spec *spec, const struct oci_mount *mount);

/* A bind of what lies at a path; with what is mounted below it. */
int view_bind(struct view *view, int dir, const char *path, bool recursive, int *ret,
	      struct err *err);

/* The overlay is the root, or where there is none root.path (view_scratch.c); 0 or a negative errno. */
int view_scratch_take_root(struct view *view, const struct oci_spec *spec, bool is_empty);
/* The same on the shelf, to be taken later. */
int view_scratch_classic(struct view *view, const struct oci_spec *spec);

/* Our own /dev; without nodes where those of the host are bound. */
int view_dev(struct view *view, const struct oci_spec *spec, bool has_nodes, int *ret,
	     struct err *err);
/* The host's nodes: an array in the view. */
int view_nodes(struct view *view, const struct oci_spec *spec, struct err *err);
/* Where the one of a number goes: an absolute path. */
void view_node_path(const struct oci_spec *spec, uint32_t number, char path[static PATH_MAX]);
/* A root with nothing in it but places for mounts. */
int view_bare(struct view *view, int *ret, struct err *err);
/* Into a tmpfs of that mount what lies at the place it is for. */
int view_copy_up(const struct oci_mount *mount, int place, int tmpfs, struct err *err);
/* Is this mount the one our /dev takes the place of. */
bool view_is_dev(const struct oci_mount *mount);

#endif
