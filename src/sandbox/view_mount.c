/* SPDX-License-Identifier: Apache-2.0 */
/* view_mount.c: a mount of a spec as a detached one. */
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "sandbox/kernel.h"
#include "sandbox/users.h"
#include "sandbox/view_parts.h"

/* -- Flags ----------------------------------------------------------------------------------------- */

/* A mount's flags as mount(2) knows them, and as mount_setattr(2) does. */
static const struct {
	uint64_t flag, attribute;
} attributes[] = {
	{MS_RDONLY, MOUNT_ATTR_RDONLY},         {MS_NOSUID, MOUNT_ATTR_NOSUID},
	{MS_NODEV, MOUNT_ATTR_NODEV},           {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
	{MS_NODIRATIME, MOUNT_ATTR_NODIRATIME}, {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
};

static uint64_t attributes_of(uint64_t flags)
{
	uint64_t set = 0;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (flags & attributes[i].flag)
			set |= attributes[i].attribute;
	return set;
}

/* How access times are kept is one of three, and is chosen as a whole. */
static void choose_atime(struct mount_attr *attr, uint64_t set, uint64_t clear)
{
	if (set & MS_NOATIME)
		attr->attr_set |= MOUNT_ATTR_NOATIME;
	else if (set & MS_STRICTATIME)
		attr->attr_set |= MOUNT_ATTR_STRICTATIME;
	else if (!((set & MS_RELATIME) || (clear & (MS_NOATIME | MS_STRICTATIME))))
		return;
	attr->attr_clr |= MOUNT_ATTR__ATIME;
}

static int set_attributes(int mount, uint64_t set, uint64_t clear, uint64_t propagation,
			  bool recursive)
{
	struct mount_attr attr = {
		.attr_set = attributes_of(set),
		.attr_clr = attributes_of(clear) & ~attributes_of(set),
		.propagation = propagation,
	};

	choose_atime(&attr, set, clear);
	if (attr.attr_set == 0 && attr.attr_clr == 0 && attr.propagation == 0)
		return 0;
	return kernel_mount_setattr(mount, recursive ? AT_RECURSIVE : 0, &attr);
}

/* Devices on volumes are none, unless the spec says 'dev': an escaped guest would open the node's disks there. */
static uint64_t without_devices(const struct oci_mount *mount)
{
	return mount->set | (mount->clear & MS_NODEV ? 0 : MS_NODEV);
}

static int set_flags(int fd, const struct oci_mount *mount, struct err *err)
{
	/* Shared, as a host's mounts are most often, it would hand on to the host what is put below it here. */
	const uint64_t spread = mount->propagation == 0 ? MS_PRIVATE : mount->propagation;
	int error = set_attributes(fd, mount->set_recursive, mount->clear_recursive, 0, true);

	/* What is mounted below is told apart only by the options named for it, but its devices are none either. */
	if (error == 0 && mount->is_recursive)
		error = set_attributes(fd, mount->clear & MS_NODEV ? 0 : MS_NODEV, 0,
				       mount->propagation == 0 ? MS_PRIVATE : 0, true);
	if (error == 0)
		error = set_attributes(fd, without_devices(mount), mount->clear,
				       spread & ~(uint64_t)MS_REC, (spread & MS_REC) != 0);
	if (error != 0)
		return err_set(err, error, "set its options: %s", strerror(-error));
	return 0;
}

/* -- Binds ----------------------------------------------------------------------------------------- */

int view_bind(int dir, const char *path, bool recursive, int *ret, struct err *err)
{
	int fd = kernel_open_tree(
		dir, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));

	if (fd < 0)
		return err_set(err, fd, "'%s': %s", path, strerror(-fd));
	*ret = fd;
	return 0;
}

static int bind(const struct oci_mount *mount, int bundle, int *ret, struct err *err)
{
	int error;

	if (mount->source == NULL)
		return err_set(err, -EINVAL, "a bind needs a source");
	error = view_bind(bundle, mount->source, mount->is_recursive, ret, err);
	if (error != -EINVAL || mount->is_recursive)
		return error;
	/*
	 * In a copy of the host's mounts that belongs to an ordinary user nothing may be uncovered: what is mounted below comes
	 * along, and is what the mount was to be.
	 */
	error = view_bind(bundle, mount->source, true, ret, err);
	if (error != 0)
		return error;
	error = set_attributes(*ret, without_devices(mount), 0, 0, true);
	return error == 0 ? 0 : err_set(err, error, "set its options: %s", strerror(-error));
}

/* -- File systems ----------------------------------------------------------------------------------- */

static int configure_one(int fs, const char *option)
{
	const char *value = strchr(option, '=');
	char key[64];

	if (value == NULL)
		return kernel_fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL);
	if ((size_t)(value - option) >= sizeof(key))
		return -EINVAL;
	memcpy(key, option, (size_t)(value - option));
	key[value - option] = '\0';
	return kernel_fsconfig(fs, FSCONFIG_SET_STRING, key, value + 1);
}

static int configure(int fs, const struct oci_spec *spec, const struct oci_mount *mount,
		     struct err *err)
{
	int error = 0;

	if (spec->mount_label != NULL)
		error = kernel_fsconfig(fs, FSCONFIG_SET_STRING, "context", spec->mount_label);
	if (error != 0)
		return err_set(err, error, "linux.mountLabel '%s': %s", spec->mount_label,
			       strerror(-error));

	if (mount->source != NULL)
		error = kernel_fsconfig(fs, FSCONFIG_SET_STRING, "source", mount->source);
	for (uint32_t i = 0; error == 0 && i < mount->data.count; i++) {
		error = configure_one(fs, mount->data.items[i]);
		if (error != 0)
			return err_set(err, error, "option '%s': %s", mount->data.items[i],
				       strerror(-error));
	}
	if (error == 0)
		error = kernel_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
	return error == 0 ? 0 : err_set(err, error, "a %s: %s", mount->type, strerror(-error));
}

static int file_system(const struct oci_spec *spec, const struct oci_mount *mount, int *ret,
		       struct err *err)
{
	int fs, fd, error;

	if (mount->type == NULL)
		return err_set(err, -EINVAL, "neither a type nor the option 'bind' is given");
	fs = kernel_fsopen(mount->type);
	if (fs == -ENODEV)
		return err_set(err, fs, "this kernel has no file system '%s'", mount->type);
	if (fs < 0)
		return err_set(err, fs, "a %s: %s", mount->type, strerror(-fs));
	error = configure(fs, spec, mount, err);
	if (error == 0) {
		fd = kernel_fsmount(fs, 0);
		error = fd >= 0 ? 0 : err_set(err, fd, "a %s: %s", mount->type, strerror(-fd));
		*ret = fd;
	}
	close(fs);
	return error;
}

/* -- Ids --------------------------------------------------------------------------------------------- */

/* A namespace with the maps wanted; *ret_own: it is ours to close. */
static int maps_of(const struct view_source *source, const struct oci_mount *mount, bool *ret_own,
		   struct err *err)
{
	int fd;

	*ret_own = mount->uids.count > 0 || source->users < 0;
	if (mount->uids.count > 0)
		return users_new(&mount->uids, &mount->gids, err);
	if (source->users >= 0)
		return source->users;
	fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : err_set(err, -errno, "/proc/self/ns/user: %s", strerror(errno));
}

static int map_ids(int fd, const struct view_source *source, const struct oci_mount *mount,
		   struct err *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
	bool is_own;
	int users, error;

	if (!mount->idmap)
		return 0;
	users = maps_of(source, mount, &is_own, err);
	if (users < 0)
		return users;
	attr.userns_fd = (uint64_t)users;
	error = kernel_mount_setattr(fd, mount->idmap_recursive ? AT_RECURSIVE : 0, &attr);
	if (is_own)
		close(users);
	if (error == -EINVAL)
		return err_set(err, error, "map its ids: its file system or this kernel cannot: %s",
			       strerror(-error));
	if (error == -EPERM)
		return err_set(err, error,
			       "map its ids: that takes root's rights over its file system, and "
			       "ids that are not mapped yet: %s",
			       strerror(-error));
	return error == 0 ? 0 : err_set(err, error, "map its ids: %s", strerror(-error));
}

/* -- One mount -------------------------------------------------------------------------------------- */

/* A guest finds no trace of the node in these, because they are not there. */
static bool is_left_out(const struct oci_mount *mount)
{
	static const char *const types[] = {"proc",    "sysfs",  "cgroup",
					    "cgroup2", "mqueue", "devpts"};

	for (size_t i = 0; !mount->is_bind && mount->type != NULL && i < ARRAY_SIZE(types); i++)
		if (strcmp(mount->type, types[i]) == 0)
			return true;
	return false;
}

static bool is_tmpfs(const struct oci_mount *mount)
{
	return !mount->is_bind && mount->type != NULL && strcmp(mount->type, "tmpfs") == 0;
}

bool view_is_dev(const struct oci_mount *mount)
{
	return is_tmpfs(mount) && strcmp(mount->destination, "/dev") == 0;
}

bool view_is_later(const struct oci_spec *spec, const struct oci_mount *mount)
{
	return spec->namespaces[OCI_NS_USER].wanted && is_tmpfs(mount) && !mount->idmap;
}

int view_mount(const struct view_source *source, const struct oci_mount *mount, int *ret,
	       struct err *err)
{
	const struct oci_spec *spec = source->spec;
	int fd = -1, error;

	*ret = -1;
	if (is_left_out(mount))
		return 0;
	error = mount->is_bind ? bind(mount, source->bundle, &fd, err)
			       : file_system(spec, mount, &fd, err);
	if (error == 0)
		error = set_flags(fd, mount, err);
	if (error == 0)
		error = map_ids(fd, source, mount, err);
	if (error != 0) {
		if (fd >= 0)
			close(fd);
		return err_prefix(err, error, "mount '%s'", mount->destination);
	}
	*ret = fd;
	return 0;
}
