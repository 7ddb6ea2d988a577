/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h: what a container sees of the world's files.
 *
 *   in the host's mount namespace   view_open(): every mount as a detached one: rootfs, volumes, file systems
 *   in a namespace of its own       view_enter(): each put in its place under the root, and the process rooted there
 *
 * Between the two the caller goes to another mount namespace (template.h). A detached mount is in no table of the host's
 * at any moment, and is gone with its last descriptor, so nothing is left when anybody is killed.
 *
 * Before Linux 5.12 there is too little of that. Then view_open() goes to a copy of the host's mount namespace at once, puts the
 * mounts on a shelf there, and view_is_classic() says so: the caller stays. view_enter() leaves the rest of the copy. All of it
 * is gone with the process. What the kernel cannot do is refused by the name of the mount (view_classic.c).
 *
 * Places are looked up the way the container will see them: links in its root lead where they lead inside of it. A
 * missing place is made, as a directory or as an empty file.
 *
 * /dev is ours: a small tmpfs with nine nodes, unless the spec binds one. There is no /proc and no /sys: a spec's
 * file systems of these kinds are left out, and binds to places below them are made like all others.
 *
 * Where the container has a user namespace of its own, view_open() is called outside of it, or in it by whoever was born
 * there, and view_enter() as its root: what has to be made in the root, and every tmpfs, is made by that root and is its own.
 * No device node can be made there: the host's are bound, as they are by whoever may make none for another reason.
 *
 * A spec may ask for a scratch root (OCI_ROOT_ANNOTATION): what is written there goes to memory of the container's, and root.path
 * stays as it is (view_scratch.c). Whatever is made for mounts is made there, too.
 *
 * It may take as long as the file systems it is told of, for ever if one of them never answers: for children only.
 */
#ifndef SANDBOX_VIEW_H
#define SANDBOX_VIEW_H

#include <stdbool.h>

#include "base/err.h"
#include "oci/spec.h"

struct view {
	int root; /* owned: the detached root; -1 */
	int *mounts; /* owned: spec->mounts, detached; -1: left out, or made later */
	uint32_t count;
	int *nodes; /* owned: the host's devices for /dev, detached; NULL: it has nodes of its own */
	uint32_t node_count;
	int shelf; /* owned: where mounts lie until they have a place, the classic way; -1: detached */
	unsigned shelved; /* so far */
	int below; /* owned: what a scratch root lies on, readable; -1: nothing. Stays, as does: */
	struct err
		refused; /* why a root that was to be a scratch one is read-only; empty: it is not */
};

#define VIEW_NONE ((struct view){.root = -1, .shelf = -1, .below = -1})

/* Does the spec ask for a root whose changes go nowhere. */
bool view_is_scratch(const struct oci_spec *spec);

static inline bool view_is_classic(const struct view *view)
{
	return view->shelf >= 0;
}

/*
 * `bundle`: the directory that relative paths of the spec begin at; -1: there is none, and the root is an empty one.
 * `users`: the container's user namespace, which we are not in; -1: we are, or there is none. 0 or a negative errno with the
 * sentence.
 */
int view_open(struct view *ret, const struct oci_spec *spec, int bundle, int users,
	      struct err *err);
/*
 * Put them in place and change root; the descriptors are closed but for `below`, and on failure all. The caller is in a mount namespace of
 * its own (template.h): an empty one, or a copy of the host's, of which nothing stays.
 */
int view_enter(struct view *view, const struct oci_spec *spec, bool is_empty, struct err *err);
void view_close(struct view *view);

/*
 * Whether the file in `fd`, which was opened by this absolute path in a scratch root, is the one that lies below, opened there: else -1.
 * What an overlay has is known by no number that lasts; what lies below is.
 */
int view_below(int below, const char *path, int fd);

#endif
