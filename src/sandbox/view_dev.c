/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_dev.c: a /dev of nine nodes, and those the spec lists.
 *
 * The streams are links to where a Linux container has them; there is no /proc behind them, but WASI knows what
 * is meant by their text (wasi/walk.c).
 *
 * Where no node may be made (a user namespace's file systems have none) those of the host are bound over empty files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "sandbox/kernel.h"
#include "sandbox/view_parts.h"

static const struct node {
	const char *name;
	unsigned major, minor;
} nodes[] = {
	{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
	{"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

static const struct {
	const char *name, *to;
} links[] = {
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"fd", "/proc/self/fd"},
};

static int make_nodes(int dir, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		dev_t device = makedev(nodes[i].major, nodes[i].minor);

		if (mknodat(dir, nodes[i].name, S_IFCHR | 0666, device) < 0)
			return err_set(err, -errno, "make /dev/%s: %s", nodes[i].name,
				       strerror(errno));
	}
	return 0;
}

static int make_links(int dir, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].to, dir, links[i].name) < 0)
			return err_set(err, -errno, "make /dev/%s: %s", links[i].name,
				       strerror(errno));
	return 0;
}

static bool is_default(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		if (strcmp(nodes[i].name, name) == 0)
			return true;
	return false;
}

/* Its name in /dev itself, where all of linux.devices must lie; NULL: it does not. */
static const char *name_of(const struct oci_device *device, struct err *err)
{
	static const char front[] = "/dev/";
	const char *name = device->path + strlen(front);

	if (strncmp(device->path, front, strlen(front)) == 0 && strchr(name, '/') == NULL)
		return name;
	err_set(err, -EINVAL, "device '%s' does not lie in /dev", device->path);
	return NULL;
}

static int make_listed(int dir, const struct oci_spec *spec, struct err *err)
{
	for (uint32_t i = 0; i < spec->device_count; i++) {
		const struct oci_device *d = &spec->devices[i];
		const char *name = name_of(d, err);

		if (name == NULL)
			return -EINVAL;
		if (is_default(name))
			continue;
		if (mknodat(dir, name, d->type | d->mode, makedev(d->major, d->minor)) < 0 ||
		    fchownat(dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
			return err_set(err, -errno, "make %s: %s", d->path, strerror(errno));
	}
	return 0;
}

/* Their modes are what is asked for, whatever the umask is. */
static int make_all(int dir, const struct oci_spec *spec, struct err *err)
{
	mode_t before = umask(0);
	int error = make_nodes(dir, err);

	if (error == 0)
		error = make_listed(dir, spec, err);
	umask(before);
	return error;
}

/* -- The host's ---------------------------------------------------------------------------------------- */

void view_node_path(const struct oci_spec *spec, uint32_t number, char path[static PATH_MAX])
{
	if (number < ARRAY_SIZE(nodes))
		snprintf(path, PATH_MAX, "/dev/%s", nodes[number].name);
	else
		snprintf(path, PATH_MAX, "%s", spec->devices[number - ARRAY_SIZE(nodes)].path);
}

/* It must be the one that is meant: whatever else lies at that path is nobody's device. */
static int open_node(struct view *view, const char *path, mode_t type, dev_t device, int *ret,
		     struct err *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
				  .attr_clr = MOUNT_ATTR_NODEV,
				  .propagation = MS_PRIVATE};
	struct stat st;
	int error = view_bind(view, AT_FDCWD, path, false, ret, err);

	if (error != 0)
		return err_prefix(err, error, "bind the host's device");
	if (fstat(*ret, &st) < 0 || (st.st_mode & S_IFMT) != type ||
	    (type != S_IFIFO && st.st_rdev != device))
		return err_set(err, -ENODEV,
			       "bind the host's device '%s': it is not the one wanted, and in a "
			       "user namespace none can be made",
			       path);
	error = view_set(view, *ret, false, &attr);
	return error == 0 ? 0
			  : err_set(err, error, "bind the host's device '%s': %s", path,
				    strerror(-error));
}

static int open_listed(struct view *view, const struct oci_device *device, int *ret,
		       struct err *err)
{
	const char *name = name_of(device, err);

	if (name == NULL)
		return -EINVAL;
	return is_default(name) ? 0
				: open_node(view, device->path, device->type,
					    makedev(device->major, device->minor), ret, err);
}

int view_nodes(struct view *view, const struct oci_spec *spec, struct err *err)
{
	uint32_t count = (uint32_t)ARRAY_SIZE(nodes) + spec->device_count;
	int *fds = malloc(count * sizeof(*fds)), error = 0;

	if (fds == NULL)
		return err_set(err, -ENOMEM, "out of memory for %u devices", count);
	for (uint32_t i = 0; i < count; i++)
		fds[i] = -1;
	for (uint32_t i = 0; error == 0 && i < ARRAY_SIZE(nodes); i++) {
		char path[PATH_MAX];

		view_node_path(spec, i, path);
		error = open_node(view, path, S_IFCHR, makedev(nodes[i].major, nodes[i].minor),
				  &fds[i], err);
	}
	for (uint32_t i = 0; error == 0 && i < spec->device_count; i++)
		error = open_listed(view, &spec->devices[i], &fds[ARRAY_SIZE(nodes) + i], err);
	view->nodes = fds;
	view->node_count = count;
	return error;
}

/* -- All of it ------------------------------------------------------------------------------------------ */

int view_bare(struct view *view, int *ret, struct err *err)
{
	int fd = view_tmpfs(view, "64k", "0755", MS_NOSUID | MS_NODEV | MS_NOEXEC);

	if (fd < 0)
		return err_set(err, fd, "a tmpfs for the root: %s", strerror(-fd));
	*ret = fd;
	return 0;
}

int view_dev(struct view *view, const struct oci_spec *spec, bool has_nodes, int *ret,
	     struct err *err)
{
	int fd = view_tmpfs(view, "64k", "0755", MS_NOSUID | MS_NOEXEC), error;

	if (fd < 0)
		return err_set(err, fd, "a tmpfs for /dev: %s", strerror(-fd));
	error = make_links(fd, err);
	if (error == 0 && has_nodes)
		error = make_all(fd, spec, err);
	if (error != 0)
		close(fd);
	else
		*ret = fd;
	return error;
}
