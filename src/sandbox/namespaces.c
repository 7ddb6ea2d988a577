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
#include "base/io.h"
#include "sandbox/beside.h"
#include "sandbox/users.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* table-like: in the order they are joined. */
static const struct kind {
	enum oci_namespace_kind kind;
	int flag;
	const char *name, *file; /* the latter is whoever made it its own, or its children's */
} kinds[] = {
	{OCI_NS_IPC, CLONE_NEWIPC, "ipc", "/proc/self/ns/ipc"},
	{OCI_NS_UTS, CLONE_NEWUTS, "uts", "/proc/self/ns/uts"},
	{OCI_NS_NETWORK, CLONE_NEWNET, "network", "/proc/self/ns/net"},
	{OCI_NS_CGROUP, CLONE_NEWCGROUP, "cgroup", "/proc/self/ns/cgroup"},
	{OCI_NS_TIME, CLONE_NEWTIME, "time", "/proc/self/ns/time_for_children"},
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

static int write_sysctl(const struct oci_pair *pair)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/sys/%s", pair->key);
	return io_put_text(AT_FDCWD, path, pair->value);
}

struct setter {
	const struct oci_pair *pair;
	const struct oci_user *user;
	int users, error;
};

static int set_there(void *env)
{
	struct setter *s = env;

	s->error = users_enter(s->users, NULL);
	if (s->error == 0)
		s->error = users_become(s->user, NULL);
	if (s->error == 0)
		s->error = write_sysctl(s->pair);
	_exit(0);
}

/*
 * Some may be set by the host's root, some by that of the user namespace their namespace belongs to: it depends on the kernel's
 * version which.
 */
static int set_sysctl(const struct oci_spec *spec, int users, const struct oci_pair *pair,
		      struct err *err)
{
	struct setter setter = {pair, &spec->process.user, users, write_sysctl(pair)};

	if (users >= 0 && (setter.error == -EACCES || setter.error == -EPERM))
		beside_run(0, set_there, &setter);
	if (setter.error != 0)
		return err_set(err, setter.error, "linux.sysctl '%s': %s", pair->key,
			       strerror(-setter.error));
	return 0;
}

/* Children of ours will be in it; its clocks are set before anybody is. */
static int make_time(const struct oci_spec *spec, struct err *err)
{
	const struct oci_time_offset *offsets[] = {&spec->monotonic, &spec->boottime};
	static const char *const clocks[] = {"monotonic", "boottime"};
	char text[64];
	int error = unshare(CLONE_NEWTIME) < 0 ? -errno : 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(offsets); i++) {
		if (!offsets[i]->given)
			continue;
		snprintf(text, sizeof(text), "%s %lld %u\n", clocks[i],
			 (long long)offsets[i]->seconds, offsets[i]->nanoseconds);
		error = io_put_text(AT_FDCWD, "/proc/self/timens_offsets", text);
		if (error != 0)
			return err_set(err, error, "linux.timeOffsets.%s: %s", clocks[i],
				       strerror(-error));
	}
	return error == 0 ? 0 : err_set(err, error, "a time namespace: %s", strerror(-error));
}

/* So are we, by joining it. */
static int new_time(const struct oci_spec *spec, struct err *err)
{
	int error = make_time(spec, err), fd;

	if (error != 0)
		return error;
	fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		error = err_set(err, -errno, "a time namespace: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return error;
}

/* -- New ones that belong to another user namespace --------------------------------------------------- */

/* Made by a child that goes there, and joined by us, who keep our rights: sysctls and names may need them. */
struct maker {
	const struct oci_spec *spec;
	int users, flags;
	int fds[ARRAY_SIZE(kinds)]; /* filled: in the table of descriptors we share */
	int error;
	struct err *err;
};

static int make_there(void *env)
{
	struct maker *m = env;

	m->error = users_enter(m->users, m->err);
	if (m->error == 0)
		m->error = make(m->flags, m->err);
	if (m->error == 0 && is_new(m->spec, OCI_NS_TIME))
		m->error = make_time(m->spec, m->err);
	for (size_t i = 0; m->error == 0 && i < ARRAY_SIZE(kinds); i++) {
		if (!is_new(m->spec, kinds[i].kind))
			continue;
		m->fds[i] = open(kinds[i].file, O_RDONLY | O_CLOEXEC);
		if (m->fds[i] < 0)
			m->error =
				err_set(m->err, -errno, "%s: %s", kinds[i].file, strerror(errno));
	}
	_exit(0);
}

static int make_of(const struct oci_spec *spec, int users, int flags, struct err *err)
{
	struct maker maker = {.spec = spec, .users = users, .flags = flags, .err = err};
	int error;

	memset(maker.fds, -1, sizeof(maker.fds));
	maker.error = -EIO;
	error = beside_run(CLONE_FILES, make_there, &maker);
	if (error != 0)
		return err_set(err, error, "make namespaces: %s", strerror(-error));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (maker.fds[i] < 0)
			continue;
		if (maker.error == 0 && setns(maker.fds[i], kinds[i].flag) < 0)
			maker.error = err_set(err, -errno, "join a new %s namespace: %s",
					      kinds[i].name, strerror(errno));
		close(maker.fds[i]);
	}
	return maker.error;
}

/* -- All of it ----------------------------------------------------------------------------------------- */

static int enter_all(const struct oci_spec *spec, int users, struct err *err)
{
	int flags = 0, error = 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(kinds); i++) {
		const struct oci_namespace *wanted = &spec->namespaces[kinds[i].kind];

		if (wanted->wanted && wanted->path != NULL)
			error = join(wanted->path, &kinds[i], err);
		else if (wanted->wanted && kinds[i].flag != CLONE_NEWTIME)
			flags |= kinds[i].flag;
	}
	if (error == 0 && users >= 0 && (flags != 0 || is_new(spec, OCI_NS_TIME)))
		return make_of(spec, users, flags, err);
	if (error != 0 || users >= 0)
		return error;
	error = make(flags, err);
	return error == 0 && is_new(spec, OCI_NS_TIME) ? new_time(spec, err) : error;
}

int namespaces_enter(const struct oci_spec *spec, int users, struct err *err)
{
	int error = enter_all(spec, users, err);

	if (error == 0 && is_new(spec, OCI_NS_NETWORK))
		error = loopback_up(err);
	if (error == 0)
		error = set_names(spec, err);
	if (error == 0 && spec->personality_linux32 && personality(PER_LINUX32) < 0)
		error = err_set(err, -errno, "linux.personality: %s", strerror(errno));
	for (uint32_t i = 0; error == 0 && i < spec->sysctls.count; i++)
		error = set_sysctl(spec, users, &spec->sysctls.items[i], err);
	return error;
}
