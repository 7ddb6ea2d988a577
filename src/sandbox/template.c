/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/template.h"

#include <sched.h>
#include <string.h>

#include "sandbox/beside.h"
#include "sandbox/kernel.h"
#include "sandbox/view_parts.h"

/* -- Emptying a namespace of our own -------------------------------------------------------------- */

/* What the host mounts or unmounts later does not come here, and nothing of ours goes there. */
static int stand_alone(void)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), error;

	if (root < 0)
		return -errno;
	error = kernel_mount_setattr(root, AT_RECURSIVE, &attr);
	/* Our root may be a directory of a mount: then there is nothing to be made private but what lies below. */
	close(root);
	return error == -EINVAL ? 0 : error;
}

int template_keep(int mount)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = root < 0 ? -errno : stand_alone();

	if (error == 0)
		error = kernel_move_mount(mount, root);
	if (error == 0 && fchdir(mount) < 0)
		error = -errno;
	/* The old root ends up on top of the new one, and is taken away with all that it has. */
	if (error == 0)
		error = kernel_result(syscall(SYS_pivot_root, ".", "."));
	if (error == 0)
		error = kernel_umount(".");
	if (root >= 0)
		close(root);
	return error;
}

/* Everything goes but one empty tmpfs, which is the root. */
static int empty_here(void)
{
	int mount = view_empty(NULL), error;

	if (mount < 0)
		return mount;
	error = template_keep(mount);
	close(mount);
	return error;
}

/* -- A template ------------------------------------------------------------------------------------- */

struct maker {
	int fd; /* filled: in the table of descriptors we share */
	int error;
};

static int make(void *env)
{
	struct maker *maker = env;

	maker->fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	maker->error = maker->fd < 0 ? -errno : empty_here();
	_exit(0);
}

int template_new(struct err *err)
{
	struct maker maker = {.fd = -1, .error = -EIO};
	int error = beside_run(CLONE_NEWNS | CLONE_FILES, make, &maker);

	if (error != 0)
		return err_set(err, error, "a mount namespace: %s", strerror(-error));
	if (maker.error == 0)
		return maker.fd;
	if (maker.fd >= 0)
		close(maker.fd);
	return err_set(err, maker.error, "an empty mount namespace: %s", strerror(-maker.error));
}

int template_join(int fd, struct err *err)
{
	if (fd < 0 || setns(fd, CLONE_NEWNS) == 0)
		return 0;
	return err_set(err, -errno, "join the empty mount namespace: %s", strerror(errno));
}

int template_copy(struct err *err)
{
	return unshare(CLONE_NEWNS) == 0
		       ? 0
		       : err_set(err, -errno, "a mount namespace: %s", strerror(errno));
}

int template_enter(int fd, struct err *err)
{
	int error = template_join(fd, err);

	return error == 0 ? template_copy(err) : error;
}
