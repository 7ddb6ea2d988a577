/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/view.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sandbox/kernel.h"
#include "sandbox/view_parts.h"

/* -- In the host's mount namespace ------------------------------------------------------------------- */

static int open_root(struct view *view, const struct oci_spec *spec, int bundle, struct err *err)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
		/* Shared, our own mounts in it would be the host's, too. */
		.propagation = spec->root_propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE,
	};
	int error = bundle < 0 ? view_bare(&view->root, err)
			       : view_bind(bundle, spec->root, true, &view->root, err);

	if (error != 0)
		return err_prefix(err, error, "root.path");
	error = kernel_mount_setattr(view->root, AT_RECURSIVE, &attr);
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
	int error = view_dev(spec, true, ret, err);

	if (error != -EPERM)
		return error;
	error = view_nodes(spec, &view->nodes, &view->node_count, err);
	return error == 0 ? view_dev(spec, false, ret, err) : error;
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
		error = view_nodes(spec, &view->nodes, &view->node_count, err);
	if (!in_users && !has_dev(spec))
		error = open_dev(view, spec, &view->mounts[0], err);
	for (uint32_t i = 0; error == 0 && i < spec->mount_count; i++) {
		const struct oci_mount *mount = &spec->mounts[i];
		int *fd = &view->mounts[view->count++];

		*fd = -1;
		if (view_is_later(spec, mount))
			continue;
		error = view_is_dev(mount) ? open_dev(view, spec, fd, err)
					   : view_mount(source, mount, fd, err);
	}
	return error;
}

int view_open(struct view *ret, const struct oci_spec *spec, int bundle, int users, struct err *err)
{
	const struct view_source source = {spec, bundle, users};
	struct view view = {.root = -1};
	int error = open_root(&view, spec, bundle, err);

	if (error == 0)
		error = open_mounts(&view, &source, err);
	if (error != 0)
		view_close(&view);
	else
		*ret = view;
	return error;
}

void view_close(struct view *view)
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
	*view = (struct view){.root = -1};
}

/* -- In a namespace of its own ------------------------------------------------------------------------ */

/* A directory goes over a directory, a file over a file. */
static bool is_kind(int place, bool is_dir)
{
	int result = kernel_is_dir(place);

	return result >= 0 && (result == 1) == is_dir;
}

static int put(int root, int mount, const char *destination, struct err *err)
{
	int place = -1, error, is_dir = kernel_is_dir(mount);

	error = is_dir < 0 ? is_dir : view_place(root, destination, is_dir, &place, err);
	if (error != 0)
		return err_prefix(err, error, "mount '%s'", destination);
	error = is_kind(place, is_dir) ? kernel_move_mount(mount, place) : -ENOTDIR;
	close(place);
	if (error == -ENOTDIR)
		return err_set(err, error, "mount '%s': %s", destination,
			       is_dir ? "its source is a directory, its place is none"
				      : "its place is a directory, its source is none");
	if (error != 0)
		return err_set(err, error, "mount '%s': %s", destination, strerror(-error));
	return 0;
}

/* What is hidden is not there, most often: no container of ours has a /proc or /sys. */
static int existing(int root, const char *path)
{
	return kernel_openat2(root, path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* What is mounted there, or lies there, as a detached mount of its own. */
static int copy_of(int place)
{
	return kernel_open_tree(place, "",
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
}

static int copy_of_null(int root)
{
	int null = existing(root, "/dev/null"), copy;

	if (null < 0)
		return null;
	copy = copy_of(null);
	close(null);
	return copy;
}

/* Over a file the null device, over a directory an empty file system. */
static int hide(int root, int place)
{
	return is_kind(place, true) ? view_empty() : copy_of_null(root);
}

static int fix(int root, int place)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int copy = copy_of(place), error;

	(void)root;
	error = copy < 0 ? copy : kernel_mount_setattr(copy, AT_RECURSIVE, &attr);
	if (error != 0 && copy >= 0)
		close(copy);
	return error != 0 ? error : copy;
}

static int cover(int root, const char *path, int (*with)(int root, int place))
{
	int place = existing(root, path), cover, error;

	if (place < 0)
		return place == -ENOENT || place == -ENOTDIR ? 0 : place;
	cover = with(root, place);
	error = cover < 0 ? cover : kernel_move_mount(cover, place);
	if (cover >= 0)
		close(cover);
	close(place);
	return error;
}

static int cover_all(int root, const struct oci_strings *paths, const char *field,
		     int (*with)(int root, int place), struct err *err)
{
	for (uint32_t i = 0; i < paths->count; i++) {
		int error = cover(root, paths->items[i], with);

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
static int make_later(const struct oci_spec *spec, uint32_t i, int *ret, struct err *err)
{
	const struct view_source source = {spec, -1, -1};

	if (i == 0 || view_is_dev(&spec->mounts[i - 1]))
		return view_dev(spec, false, ret, err);
	return view_mount(&source, &spec->mounts[i - 1], ret, err);
}

static int put_nodes(struct view *view, const struct oci_spec *spec, struct err *err)
{
	char path[PATH_MAX];
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < view->node_count; i++) {
		if (view->nodes[i] < 0)
			continue;
		view_node_path(spec, i, path);
		error = put(view->root, view->nodes[i], path, err);
	}
	return error;
}

static int put_all(struct view *view, const struct oci_spec *spec, struct err *err)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < view->count; i++) {
		if (view->mounts[i] < 0 && is_later(spec, i))
			error = make_later(spec, i, &view->mounts[i], err);
		if (error != 0 || view->mounts[i] < 0)
			continue;
		error = put(view->root, view->mounts[i],
			    i == 0 ? "/dev" : spec->mounts[i - 1].destination, err);
		if (error == 0 && (i == 0 || view_is_dev(&spec->mounts[i - 1])))
			error = put_nodes(view, spec, err);
		close(view->mounts[i]);
		view->mounts[i] = -1;
	}
	return error;
}

/* Our root becomes theirs; what it covers is an empty directory. */
static int take_root(struct view *view, struct err *err)
{
	int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), error;

	if (here < 0)
		return err_set(err, -errno, "/: %s", strerror(errno));
	error = kernel_move_mount(view->root, here);
	close(here);
	if (error == 0 && (fchdir(view->root) < 0 || chroot(".") < 0))
		error = -errno;
	return error == 0 ? 0 : err_set(err, error, "take the root: %s", strerror(-error));
}

int view_enter(struct view *view, const struct oci_spec *spec, struct err *err)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	int error = take_root(view, err);

	if (error == 0)
		error = put_all(view, spec, err);
	if (error == 0)
		error = cover_all(view->root, &spec->readonly_paths, "linux.readonlyPaths", fix,
				  err);
	if (error == 0)
		error = cover_all(view->root, &spec->masked_paths, "linux.maskedPaths", hide, err);
	if (error == 0 && spec->root_is_readonly) {
		error = kernel_mount_setattr(view->root, 0, &read_only);
		if (error != 0)
			err_set(err, error, "root.readonly: %s", strerror(-error));
	}
	view_close(view);
	return error;
}
