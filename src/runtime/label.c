/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/label.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"

static bool has_apparmor(void)
{
	int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char answer = 'N';
	bool has = fd >= 0 && read(fd, &answer, 1) == 1 && answer == 'Y';

	if (fd >= 0)
		close(fd);
	return has;
}

static bool has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

int label_check(const struct oci_spec *spec, struct err *err)
{
	const struct oci_process *process = &spec->process;

	if (process->apparmor != NULL && !has_apparmor())
		return err_set(err, -ENOTSUP,
			       "process.apparmorProfile '%s': this kernel has no AppArmor",
			       process->apparmor);
	if ((process->selinux != NULL || spec->mount_label != NULL) && !has_selinux())
		return err_set(err, -ENOTSUP, "%s '%s': this kernel has no SELinux",
			       process->selinux != NULL ? "process.selinuxLabel"
							: "linux.mountLabel",
			       process->selinux != NULL ? process->selinux : spec->mount_label);
	return 0;
}

/* In one write, as the kernel wants it. */
static int write_label(const char *path, const char *front, const char *label)
{
	struct iovec parts[] = {{(char *)(uintptr_t)front, strlen(front)},
				{(char *)(uintptr_t)label, strlen(label)}};
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (fd < 0 || writev(fd, parts, (int)ARRAY_SIZE(parts)) < 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	return error;
}

int label_next_exec(const struct oci_process *process, struct err *err)
{
	int error = 0;

	if (process->apparmor != NULL) {
		error = write_label("/proc/self/attr/apparmor/exec", "exec ", process->apparmor);
		if (error == -ENOENT) /* before 5.8 */
			error = write_label("/proc/self/attr/exec", "exec ", process->apparmor);
		if (error != 0)
			return err_set(err, error, "process.apparmorProfile '%s': %s",
				       process->apparmor, strerror(-error));
	}
	if (process->selinux != NULL)
		error = write_label("/proc/self/attr/exec", "", process->selinux);
	return error == 0 ? 0
			  : err_set(err, error, "process.selinuxLabel '%s': %s", process->selinux,
				    strerror(-error));
}
