/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_dev.c: a /dev of nine nodes, and those the spec lists.
 *
 * The streams are links to where a Linux container has them; there is no /proc behind them, but WASI knows what
 * is meant by their text (wasi/walk.c).
 */
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

static int make_node(int dir, const char *name, mode_t mode, dev_t device)
{
	if (mknodat(dir, name, mode, device) < 0)
		return -errno;
	return fchmodat(dir, name, mode & 07777, 0) < 0 ? -errno : 0; /* whatever the umask is */
}

static int make_nodes(int dir, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		int error = make_node(dir, nodes[i].name, S_IFCHR | 0666,
				      makedev(nodes[i].major, nodes[i].minor));

		if (error != 0)
			return err_set(err, error, "make /dev/%s: %s", nodes[i].name,
				       strerror(-error));
	}
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

/* Those of linux.devices that lie in /dev itself; others are refused when the spec is read. */
static int make_listed(int dir, const struct oci_spec *spec, struct err *err)
{
	static const char front[] = "/dev/";

	for (uint32_t i = 0; i < spec->device_count; i++) {
		const struct oci_device *d = &spec->devices[i];
		const char *name = d->path + strlen(front);
		int error;

		if (strncmp(d->path, front, strlen(front)) != 0 || strchr(name, '/') != NULL)
			return err_set(err, -EINVAL, "device '%s' does not lie in /dev", d->path);
		if (is_default(name))
			continue;
		error = make_node(dir, name, d->type | d->mode, makedev(d->major, d->minor));
		if (error == 0 && fchownat(dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
			error = -errno;
		if (error != 0)
			return err_set(err, error, "make %s: %s", d->path, strerror(-error));
	}
	return 0;
}

int view_bare(struct view *view, int *ret, struct err *err)
{
	int fd = view_tmpfs(view, "64k", "0755", MS_NOSUID | MS_NODEV | MS_NOEXEC);

	if (fd < 0)
		return err_set(err, fd, "a tmpfs for the root: %s", strerror(-fd));
	*ret = fd;
	return 0;
}

int view_dev(struct view *view, const struct oci_spec *spec, int *ret, struct err *err)
{
	int fd = view_tmpfs(view, "64k", "0755", MS_NOSUID | MS_NOEXEC), error;

	if (fd < 0)
		return err_set(err, fd, "a tmpfs for /dev: %s", strerror(-fd));
	error = make_nodes(fd, err);
	if (error == 0)
		error = make_listed(fd, spec, err);
	if (error != 0)
		close(fd);
	else
		*ret = fd;
	return error;
}
