/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/labels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"

/* The modules put what they have here, and nothing where they are not. */
static bool has_apparmor(void)
{
	int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char answer = 'N';

	if (fd < 0)
		return false;
	io_read(fd, &answer, 1);
	close(fd);
	return answer == 'Y';
}

static bool has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/* "unconfined" is what a process is anyway. */
static bool wants_apparmor(const struct oci_process *process)
{
	return process->apparmor != NULL && strcmp(process->apparmor, "unconfined") != 0;
}

static int open_first(const char *const *paths, size_t count, const char *field, int *ret,
		      struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		*ret = open(paths[i], O_WRONLY | O_CLOEXEC);
		if (*ret >= 0)
			return 0;
	}
	return err_set(err, -errno, "%s: %s: %s", field, paths[count - 1], strerror(errno));
}

static int open_apparmor(struct labels *labels, struct err *err)
{
	static const char *const paths[] = {"/proc/self/attr/apparmor/current",
					    "/proc/self/attr/current"};

	if (!has_apparmor())
		return err_set(err, -ENOTSUP,
			       "process.apparmorProfile: AppArmor is not in this kernel, or is "
			       "switched off");
	return open_first(paths, ARRAY_SIZE(paths), "process.apparmorProfile", &labels->apparmor,
			  err);
}

static int open_selinux(struct labels *labels, struct err *err)
{
	static const char *const paths[] = {"/proc/self/attr/current"};

	return open_first(paths, ARRAY_SIZE(paths), "process.selinuxLabel", &labels->selinux, err);
}

int labels_open(struct labels *ret, const struct oci_spec *spec, struct err *err)
{
	const struct oci_process *process = &spec->process;
	struct labels labels = {-1, -1};
	int error = 0;

	if ((process->selinux != NULL || spec->mount_label != NULL) && !has_selinux())
		return err_set(
			err, -ENOTSUP, "%s: SELinux is not in this kernel, or is switched off",
			process->selinux != NULL ? "process.selinuxLabel" : "linux.mountLabel");
	if (wants_apparmor(process))
		error = open_apparmor(&labels, err);
	if (error == 0 && process->selinux != NULL)
		error = open_selinux(&labels, err);
	if (error != 0)
		labels_close(&labels);
	else
		*ret = labels;
	return error;
}

int labels_apply(struct labels *labels, const struct oci_process *process, struct err *err)
{
	char command[512];
	int error = 0, n;

	if (labels->apparmor >= 0) {
		n = snprintf(command, sizeof(command), "changeprofile %s", process->apparmor);
		error = n < 0 || (size_t)n >= sizeof(command)
				? -ENAMETOOLONG
				: io_write(labels->apparmor, command, (size_t)n);
		if (error != 0)
			err_set(err, error, "process.apparmorProfile '%s': %s", process->apparmor,
				error == -ENOENT ? "there is no such profile" : strerror(-error));
	}
	if (error == 0 && labels->selinux >= 0) {
		error = io_write(labels->selinux, process->selinux, strlen(process->selinux));
		if (error != 0)
			err_set(err, error, "process.selinuxLabel '%s': %s", process->selinux,
				strerror(-error));
	}
	labels_close(labels);
	return error;
}

void labels_close(struct labels *labels)
{
	if (labels->apparmor >= 0)
		close(labels->apparmor);
	if (labels->selinux >= 0)
		close(labels->selinux);
	*labels = (struct labels){-1, -1};
}
