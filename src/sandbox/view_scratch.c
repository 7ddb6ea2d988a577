/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_scratch.c: a root that may be written to, while what lies below stays as it is.
 *
 * It is an overlay: below it root.path, above it a tmpfs of the container's own, whose pages are charged to whoever writes
 * them and which is gone with the last process. Nothing of it lies on the host's disks, so nothing is to be removed.
 *
 *   /         the overlay, in the end; covers
 *   /         the tmpfs                /upper, /work: the overlay's
 *   /lower    root.path
 *
 * An overlay takes its layers only from mounts of the caller's own namespace: so they are put in place first, in the
 * container's namespace, which is empty so far; the classic way they lie on the shelf. Both stay there, covered for good: to
 * take them away would cost more than to make them. Where no overlay can be made (before Linux 5.11 in a user namespace, or a
 * kernel without) root.path itself covers the tmpfs and is made read-only.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "sandbox/kernel.h"
#include "sandbox/template.h"
#include "sandbox/view_parts.h"

enum { OPTION_SIZE = 64 };

bool view_is_scratch(const struct oci_spec *spec)
{
	const char *root = oci_annotation(spec, OCI_ROOT_ANNOTATION);

	return root != NULL && strcmp(root, OCI_ROOT_SCRATCH) == 0;
}

/* The container's memory, or what the kernel allows by itself. */
static void choose_size(const struct oci_spec *spec, char size[OPTION_SIZE])
{
	const struct oci_number *limit = &spec->resources.memory_limit;

	if (limit->given && limit->value != OCI_UNLIMITED && limit->value > 0)
		snprintf(size, OPTION_SIZE, "%lld", (long long)limit->value);
	else
		snprintf(size, OPTION_SIZE, "50%%");
}

/* The top of the upper layer is what is seen of the root's own owner and mode. */
static int make_upper(int tmpfs, int lower)
{
	struct stat st;

	if (mkdirat(tmpfs, "upper", 0755) < 0 || mkdirat(tmpfs, "work", 0700) < 0)
		return -errno;
	if (fstat(lower, &st) < 0 || fchmodat(tmpfs, "upper", st.st_mode & 07777, 0) < 0)
		return -errno;
	/* Whoever that is has no number here: then it is ours. */
	(void)!fchownat(tmpfs, "upper", st.st_uid, st.st_gid, 0);
	return 0;
}

static int refuse(struct view *view, int error)
{
	if (error == -ENODEV)
		err_set(&view->refused, 0, "this kernel has no overlay");
	else
		err_set(&view->refused, 0, "an overlay: %s", strerror(-error));
	err_prefix(&view->refused, 0, "the root cannot be written to");
	return error;
}

/* -- Detached ----------------------------------------------------------------------------------------- */

static int new_overlay(const struct oci_spec *spec)
{
	static const char *const options[][2] = {
		/* Then a file's number is that of the one below, by which it is known again (stage_below()). */
		{"xino", "off"},
		{"lowerdir", "/lower"},
		{"upperdir", "/upper"},
		{"workdir", "/work"},
	};
	int fs = kernel_fsopen("overlay"), mount, error = 0;

	if (fs < 0)
		return fs;
	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(options); i++)
		error = kernel_fsconfig(fs, FSCONFIG_SET_STRING, options[i][0], options[i][1]);
	if (error == 0 && spec->namespaces[OCI_NS_USER].wanted)
		error = kernel_fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL);
	if (error == 0)
		error = kernel_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
	mount = error == 0 ? kernel_fsmount(fs, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID) : error;
	close(fs);
	return mount;
}

/* From here on it is the root. */
static int go_to(int mount)
{
	return fchdir(mount) < 0 || chroot(".") < 0 ? -errno : 0;
}

static int cover(int mount, const char *path)
{
	int place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), error;

	if (place < 0)
		return -errno;
	error = kernel_move_mount(mount, place);
	close(place);
	return error;
}

/* The tmpfs is the root, and has what an overlay takes. */
static int lay_out(struct view *view, int tmpfs, bool is_empty)
{
	int error = is_empty ? cover(tmpfs, "/") : template_keep(tmpfs);

	if (error == 0 && is_empty)
		error = go_to(tmpfs);
	if (error == 0 && mkdirat(tmpfs, "lower", 0700) < 0)
		error = -errno;
	if (error == 0)
		error = make_upper(tmpfs, view->root);
	return error == 0 ? cover(view->root, "/lower") : error;
}

/* What is to be seen covers the tmpfs, so that whoever joins the namespace later begins there, too. */
static int choose_root(struct view *view, int overlay, int tmpfs)
{
	int error;

	if (overlay >= 0) {
		view->below = view->root;
		view->root = overlay;
	} else {
		refuse(view, overlay);
	}
	error = kernel_move_mount(view->root, tmpfs);
	return error == 0 ? go_to(view->root) : error;
}

int view_scratch_take_root(struct view *view, const struct oci_spec *spec, bool is_empty)
{
	char size[OPTION_SIZE];
	int tmpfs, error;

	choose_size(spec, size);
	tmpfs = view_tmpfs(NULL, size, "0755", MS_NOSUID | MS_NODEV);
	if (tmpfs < 0)
		return tmpfs;
	error = lay_out(view, tmpfs, is_empty);
	if (error == 0)
		error = choose_root(view, new_overlay(spec), tmpfs);
	close(tmpfs);
	return error;
}

/* -- A file of it ------------------------------------------------------------------------------------ */

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* A copy in the upper layer keeps number and size, but never the time of its last change. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return S_ISREG(a->st_mode) && S_ISREG(b->st_mode) && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && is_same_time(a->st_mtim, b->st_mtim) &&
	       is_same_time(a->st_ctim, b->st_ctim);
}

/* No volume that covers what lies below. */
static bool is_of_root(int fd)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint64_t id = root < 0 ? 0 : kernel_mount_id(root);

	if (root >= 0)
		close(root);
	return id != 0 && kernel_mount_id(fd) == id;
}

int view_below(int below, const char *path, int fd)
{
	const uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
	struct stat above, found;
	int same;

	if (below < 0 || !is_of_root(fd) || fstat(fd, &above) < 0)
		return -1;
	same = kernel_openat2(below, path, O_RDONLY | O_NONBLOCK, 0, resolve);
	if (same >= 0 && fstat(same, &found) == 0 && is_same(&above, &found))
		return same;
	if (same >= 0)
		close(same);
	return -1;
}

/* -- The classic way ---------------------------------------------------------------------------------- */

static int shelve_overlay(struct view *view, int tmpfs)
{
	char options[256];

	snprintf(options, sizeof(options),
		 "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d/upper,"
		 "workdir=/proc/self/fd/%d/work",
		 view->root, tmpfs, tmpfs);
	return view_classic_mount(view, "overlay", "none", MS_NOSUID | MS_NODEV, options);
}

int view_scratch_classic(struct view *view, const struct oci_spec *spec)
{
	char size[OPTION_SIZE];
	int tmpfs, overlay, error;

	choose_size(spec, size);
	tmpfs = view_tmpfs(view, size, "0755", MS_NOSUID | MS_NODEV);
	if (tmpfs < 0)
		return tmpfs;
	error = make_upper(tmpfs, view->root);
	overlay = error == 0 ? shelve_overlay(view, tmpfs) : error;
	close(tmpfs);
	if (error == 0 && overlay < 0) {
		refuse(view, overlay);
	} else if (error == 0) {
		view->below = view->root;
		view->root = overlay;
	}
	return error;
}
