/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/view.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sandbox/kernel.h"
#include "sandbox/template.h"
#include "sandbox/view_parts.h"

/* -- In the host's mount namespace ------------------------------------------------------------------- */

static int open_root(struct view *view, const struct oci_spec *spec, int bundle, struct err *err)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
		/* Shared, our own mounts in it would be the host's, too. */
		.propagation = spec->root_propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE,
	};
	int error = bundle < 0 ? view_bare(view, &view->root, err)
			       : view_bind(view, bundle, spec->root, true, &view->root, err);

	if (error != 0)
		return err_prefix(err, error, "root.path");
	error = view_set(view, view->root, true, &attr);
	return error == 0 ? 0
			  : err_set(err, error, "root.path: make it private: %s", strerror(-error));
}

static bool has_dev(const struct oci_spec *spec)
{
	for (uint32_t i = 0; i < spec->mount_count; i++)
		if (strcmp(spec->mounts[i].destination, "/dev") == 0)
			return true;
	return false;
}

/* Is its /dev ours, and not one that the spec binds. */
static bool has_own_dev(const struct oci_spec *spec)
{
	for (uint32_t i = 0; i < spec->mount_count; i++)
		if (strcmp(spec->mounts[i].destination, "/dev") == 0)
			return view_is_dev(&spec->mounts[i]);
	return true;
}

/* Who may make no nodes, as the root of a user namespace that somebody else made for us, binds the host's. */
static int open_dev(struct view *view, const struct oci_spec *spec, int *ret, struct err *err)
{
	int error = view_dev(view, spec, true, ret, err);

	if (error != -EPERM)
		return error;
	error = view_nodes(view, spec, err);
	return error == 0 ? view_dev(view, spec, false, ret, err) : error;
}

/* One more than the spec has: a /dev where the spec has none. It comes first, as others may lie in it. */
static int open_mounts(struct view *view, const struct view_source *source, struct err *err)
{
	const struct oci_spec *spec = source->spec;
	bool in_users = spec->namespaces[OCI_NS_USER].wanted;
	int error = 0;

	view->mounts = malloc((spec->mount_count + 1) * sizeof(*view->mounts));
	if (view->mounts == NULL)
		return err_set(err, -ENOMEM, "out of memory for %u mounts", spec->mount_count);
	view->mounts[view->count++] = -1;
	if (in_users && has_own_dev(spec))
		error = view_nodes(view, spec, err);
	if (!in_users && !has_dev(spec))
		error = open_dev(view, spec, &view->mounts[0], err);
	for (uint32_t i = 0; error == 0 && i < spec->mount_count; i++) {
		const struct oci_mount *mount = &spec->mounts[i];
		int *fd = &view->mounts[view->count++];

		*fd = -1;
		if (view_is_later(spec, mount))
			continue;
		error = view_is_dev(mount) ? open_dev(view, spec, fd, err)
					   : view_mount(view, source, mount, fd, err);
	}
	return error;
}

int view_open(struct view *ret, const struct oci_spec *spec, int bundle, int users, struct err *err)
{
	const struct view_source source = {spec, bundle, users};
	struct view view = VIEW_NONE;
	struct err first;
	int error = open_root(&view, spec, bundle, &first);

	if (error == -ENOSYS && users >= 0)
		return err_set(err, error, "a user namespace takes Linux 5.12");
	if (error == -ENOSYS) {
		view_close(&view);
		error = view_classic_begin(&view, bundle, err);
		if (error == 0)
			error = open_root(&view, spec, bundle, err);
	} else if (error != 0)
		err_set(err, error, "%s", first.text);
	if (error == 0)
		error = open_mounts(&view, &source, err);
	if (error != 0)
		view_close(&view);
	else
		*ret = view;
	return error;
}

/* What is in its place by now, or will not be needed. */
static void let_go(struct view *view)
{
	for (uint32_t i = 0; i < view->count; i++)
		if (view->mounts[i] >= 0)
			close(view->mounts[i]);
	free(view->mounts);
	for (uint32_t i = 0; i < view->node_count; i++)
		if (view->nodes[i] >= 0)
			close(view->nodes[i]);
	free(view->nodes);
	if (view->root >= 0)
		close(view->root);
	if (view->shelf >= 0)
		close(view->shelf);
	*view = (struct view){
		.root = -1, .shelf = -1, .below = view->below, .refused = view->refused};
}

void view_close(struct view *view)
{
	let_go(view);
	if (view->below >= 0)
		close(view->below);
	*view = VIEW_NONE;
}

/* -- In a namespace of its own ------------------------------------------------------------------------ */

/* A directory goes over a directory, a file over a file. */
static bool is_kind(int place, bool is_dir)
{
	int result = kernel_is_dir(place);

	return result >= 0 && (result == 1) == is_dir;
}

/* A tmpfs with tmpcopyup, which is writable until it is full of that. */
static int fill(struct view *view, const struct oci_mount *mount, int fd, int place,
		struct err *err)
{
	const struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	int error;

	if (mount == NULL || !mount->copies_up || view_is_dev(mount))
		return 0;
	error = view_copy_up(mount, place, fd, err);
	if (error != 0 || !((mount->set | mount->set_recursive) & MS_RDONLY))
		return error;
	error = view_set(view, fd, false, &read_only);
	return error == 0 ? 0 : err_set(err, error, "make it read-only: %s", strerror(-error));
}

static int put_at(struct view *view, int fd, int place, bool is_dir, struct err *err)
{
	int error = is_kind(place, is_dir) ? view_move(view, fd, place) : -ENOTDIR;

	if (error == -ENOTDIR)
		return err_set(err, error, "%s",
			       is_dir ? "its source is a directory, its place is none"
				      : "its place is a directory, its source is none");
	return error == 0 ? 0 : err_set(err, error, "%s", strerror(-error));
}

/* `mount` NULL: none of the spec's. */
static int put(struct view *view, const struct oci_mount *mount, const char *destination, int fd,
	       struct err *err)
{
	int place = -1, is_dir = kernel_is_dir(fd), error = is_dir;

	if (error < 0)
		return err_set(err, error, "mount '%s': %s", destination, strerror(-error));
	error = view_place(view->root, destination, is_dir == 1, &place, err);
	if (error == 0 && is_kind(place, is_dir == 1))
		error = fill(view, mount, fd, place, err);
	if (error == 0)
		error = put_at(view, fd, place, is_dir == 1, err);
	if (place >= 0)
		close(place);
	return error == 0 ? 0 : err_prefix(err, error, "mount '%s'", destination);
}

/* What is mounted there, or lies there, as a mount of its own. */
static int copy_of(struct view *view, int place)
{
	return view_tree(view, place, "", true);
}

static int copy_of_null(struct view *view)
{
	int null = view_lookup(view->root, "/dev/null", 0), copy;

	if (null < 0)
		return null;
	copy = copy_of(view, null);
	close(null);
	return copy;
}

/* Over a file the null device, over a directory an empty file system. */
static int hide(struct view *view, int place)
{
	return is_kind(place, true) ? view_empty(view) : copy_of_null(view);
}

static int fix(struct view *view, int place)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int copy = copy_of(view, place), error;

	error = copy < 0 ? copy : view_set(view, copy, true, &attr);
	if (error != 0 && copy >= 0)
		close(copy);
	return error != 0 ? error : copy;
}

/* What is hidden is not there, most often: no container of ours has a /proc or /sys. */
static int cover(struct view *view, const char *path, int (*with)(struct view *view, int place))
{
	int place = view_lookup(view->root, path, 0), cover, error;

	if (place < 0)
		return place == -ENOENT || place == -ENOTDIR ? 0 : place;
	cover = with(view, place);
	error = cover < 0 ? cover : view_move(view, cover, place);
	if (cover >= 0)
		close(cover);
	close(place);
	return error;
}

static int cover_all(struct view *view, const struct oci_strings *paths, const char *field,
		     int (*with)(struct view *view, int place), struct err *err)
{
	for (uint32_t i = 0; i < paths->count; i++) {
		int error = cover(view, paths->items[i], with);

		if (error != 0)
			return err_set(err, error, "%s '%s': %s", field, paths->items[i],
				       strerror(-error));
	}
	return 0;
}

static bool is_later(const struct oci_spec *spec, uint32_t i)
{
	return i == 0 ? spec->namespaces[OCI_NS_USER].wanted && !has_dev(spec)
		      : view_is_later(spec, &spec->mounts[i - 1]);
}

/* What waited for us to be root of the container's user namespace. */
static int make_later(struct view *view, const struct oci_spec *spec, uint32_t i, int *ret,
		      struct err *err)
{
	const struct view_source source = {spec, -1, -1};

	if (i == 0 || view_is_dev(&spec->mounts[i - 1]))
		return view_dev(view, spec, false, ret, err);
	return view_mount(view, &source, &spec->mounts[i - 1], ret, err);
}

static int put_nodes(struct view *view, const struct oci_spec *spec, struct err *err)
{
	char path[PATH_MAX];
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < view->node_count; i++) {
		if (view->nodes[i] < 0)
			continue;
		view_node_path(spec, i, path);
		error = put(view, NULL, path, view->nodes[i], err);
	}
	return error;
}

static int put_all(struct view *view, const struct oci_spec *spec, struct err *err)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < view->count; i++) {
		if (view->mounts[i] < 0 && is_later(spec, i))
			error = make_later(view, spec, i, &view->mounts[i], err);
		if (error != 0 || view->mounts[i] < 0)
			continue;
		error = put(view, i == 0 ? NULL : &spec->mounts[i - 1],
			    i == 0 ? "/dev" : spec->mounts[i - 1].destination, view->mounts[i],
			    err);
		if (error == 0 && (i == 0 || view_is_dev(&spec->mounts[i - 1])))
			error = put_nodes(view, spec, err);
		close(view->mounts[i]);
		view->mounts[i] = -1;
	}
	return error;
}

/* Of a template, which is empty: there is nothing to be got rid of. */
static int cover_root(struct view *view)
{
	int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), error;

	if (here < 0)
		return -errno;
	error = kernel_move_mount(view->root, here);
	close(here);
	return error == 0 && (fchdir(view->root) < 0 || chroot(".") < 0) ? -errno : error;
}

static int take_root(struct view *view, const struct oci_spec *spec, bool is_empty, struct err *err)
{
	int error;

	if (view_is_classic(view))
		error = view_classic_take_root(view);
	else if (view_is_scratch(spec))
		error = view_scratch_take_root(view, spec, is_empty);
	else
		error = is_empty ? cover_root(view) : template_keep(view->root);

	if (error == -EINVAL)
		return err_set(err, error,
			       "take the root: '/' is no mount here, as in a chroot, or what the "
			       "kernel began with, and cannot be replaced; make it a mount before: "
			       "mount --bind DIR DIR && chroot DIR");
	return error == 0 ? 0 : err_set(err, error, "take the root: %s", strerror(-error));
}

static int arrange(struct view *view, const struct oci_spec *spec, struct err *err)
{
	const struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	int error = put_all(view, spec, err);

	if (error == 0)
		error = cover_all(view, &spec->readonly_paths, "linux.readonlyPaths", fix, err);
	if (error == 0)
		error = cover_all(view, &spec->masked_paths, "linux.maskedPaths", hide, err);
	if (error == 0 && (spec->root_is_readonly || view->refused.text[0] != '\0')) {
		error = view_set(view, view->root, false, &read_only);
		if (error != 0)
			err_set(err, error, "root.readonly: %s", strerror(-error));
	}
	return error;
}

static int enter_classic(struct view *view, const struct oci_spec *spec, struct err *err)
{
	int error = view_is_scratch(spec) ? view_scratch_classic(view, spec) : 0;

	if (error != 0)
		return err_set(err, error, "a scratch root: %s", strerror(-error));
	error = arrange(view, spec, err);
	return error == 0 ? take_root(view, spec, true, err) : error;
}

int view_enter(struct view *view, const struct oci_spec *spec, bool is_empty, struct err *err)
{
	int error;

	/* Into a detached mount no other can be put; from a root that is taken nothing of the shelf is seen. */
	if (view_is_classic(view)) {
		error = enter_classic(view, spec, err);
	} else {
		error = take_root(view, spec, is_empty, err);
		if (error == 0)
			error = arrange(view, spec, err);
	}
	if (error == 0)
		let_go(view);
	else
		view_close(view);
	return error;
}
