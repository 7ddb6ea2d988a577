/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* table-like: in the order they are joined. */
static const struct kind {
	enum oci_namespace_kind kind;
	int flag;
	const char *name;
} kinds[] = {
	{OCI_NS_IPC, CLONE_NEWIPC, "ipc"},         {OCI_NS_UTS, CLONE_NEWUTS, "uts"},
	{OCI_NS_NETWORK, CLONE_NEWNET, "network"}, {OCI_NS_CGROUP, CLONE_NEWCGROUP, "cgroup"},
	{OCI_NS_TIME, CLONE_NEWTIME, "time"},
};

static int join(const char *path, const struct kind *kind, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;

	if (fd < 0)
		return err_set(err, -errno, "%s namespace '%s': %s", kind->name, path,
			       strerror(errno));
	if (setns(fd, kind->flag) < 0)
		error = -errno;
	close(fd);
	if (error == -EINVAL)
		return err_set(err, error, "'%s' is no %s namespace", path, kind->name);
	if (error != 0)
		return err_set(err, error, "join %s namespace '%s': %s", kind->name, path,
			       strerror(-error));
	return 0;
}

static int make(int flags, struct err *err)
{
	if (flags == 0 || unshare(flags) == 0)
		return 0;
	return err_set(err, -errno, "make namespaces: %s", strerror(errno));
}

static bool is_new(const struct oci_spec *spec, enum oci_namespace_kind kind)
{
	return spec->namespaces[kind].wanted && spec->namespaces[kind].path == NULL;
}

/* -- What a new one needs ---------------------------------------------------------------------------- */

static int loopback_up(struct err *err)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error == 0 ? 0 : err_set(err, error, "switch lo on: %s", strerror(-error));
}

static int set_names(const struct oci_spec *spec, struct err *err)
{
	if (spec->hostname != NULL && sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return err_set(err, -errno, "hostname '%s': %s", spec->hostname, strerror(errno));
	if (spec->domainname != NULL &&
	    setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
		return err_set(err, -errno, "domainname '%s': %s", spec->domainname,
			       strerror(errno));
	return 0;
}

static int set_sysctl(const struct oci_pair *pair, struct err *err)
{
	char path[PATH_MAX];
	int fd, error = 0;

	snprintf(path, sizeof(path), "/proc/sys/%s", pair->key);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, pair->value, strlen(pair->value)) < 0)
		error = -errno;
	if (fd >= 0)
		close(fd);
	if (error != 0)
		return err_set(err, error, "linux.sysctl '%s': %s", pair->key, strerror(-error));
	return 0;
}

/* Children of ours get it; so do we, by joining it. */
static int new_time(const struct oci_spec *spec, struct err *err)
{
	const struct oci_time_offset *offsets[] = {&spec->monotonic, &spec->boottime};
	static const char *const clocks[] = {"monotonic", "boottime"};
	char text[64];
	int fd, error = unshare(CLONE_NEWTIME) < 0 ? -errno : 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(offsets); i++) {
		int size = snprintf(text, sizeof(text), "%s %lld %u\n", clocks[i],
				    (long long)offsets[i]->seconds, offsets[i]->nanoseconds);

		if (!offsets[i]->given)
			continue;
		fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, text, (size_t)size) < 0)
			error = -errno;
		if (fd >= 0)
			close(fd);
		if (error != 0)
			return err_set(err, error, "linux.timeOffsets.%s: %s", clocks[i],
				       strerror(-error));
	}
	fd = error == 0 ? open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC) : -1;
	if (error == 0 && (fd < 0 || setns(fd, CLONE_NEWTIME) < 0))
		error = -errno;
	if (fd >= 0)
		close(fd);
	return error == 0 ? 0 : err_set(err, error, "a time namespace: %s", strerror(-error));
}

/* -- All of it ----------------------------------------------------------------------------------------- */

static int enter_all(const struct oci_spec *spec, struct err *err)
{
	int flags = 0, error = 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(kinds); i++) {
		const struct oci_namespace *wanted = &spec->namespaces[kinds[i].kind];

		if (wanted->wanted && wanted->path != NULL)
			error = join(wanted->path, &kinds[i], err);
		else if (wanted->wanted && kinds[i].flag != CLONE_NEWTIME)
			flags |= kinds[i].flag;
	}
	if (error == 0)
		error = make(flags, err);
	return error == 0 && is_new(spec, OCI_NS_TIME) ? new_time(spec, err) : error;
}

int namespaces_enter(const struct oci_spec *spec, struct err *err)
{
	int error = enter_all(spec, err);

	if (error == 0 && is_new(spec, OCI_NS_NETWORK))
		error = loopback_up(err);
	if (error == 0)
		error = set_names(spec, err);
	if (error == 0 && spec->personality_linux32 && personality(PER_LINUX32) < 0)
		error = err_set(err, -errno, "linux.personality: %s", strerror(errno));
	for (uint32_t i = 0; error == 0 && i < spec->sysctls.count; i++)
		error = set_sysctl(&spec->sysctls.items[i], err);
	return error;
}
