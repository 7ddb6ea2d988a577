/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users.c: a process that does nothing but be in a new user namespace while its maps are written.
 *
 * It shares our memory and our descriptors: it leaves there what only it can open, stops, and is killed when the
 * maps are written. Who of the two runs is always clear, so that they do not meet in libc's data: we wait until it has
 * stopped, and it never goes on.
 *
 * Its files are reached by a descriptor of its directory in /proc, and not by a number: the /proc in sight may be that of
 * another pid namespace than ours. Only newuidmap is told a number, which is the one that /proc has.
 */
#include "sandbox/users.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"

enum {
	STACK = 16 * 1024,
	MAP_TEXT = 4096, /* the kernel takes no more */
	MAP_WORDS = 340, /* ranges: nor of these */
};

/* -- What refuses --------------------------------------------------------------------------------------- */

/* table-like: where a system says that ordinary users have no user namespaces. */
static const struct knob {
	const char *path, *name;
	char value;
	bool is_limit; /* else what it refuses is a right */
} knobs[] = {
	{"/proc/sys/user/max_user_namespaces", "user.max_user_namespaces", '0', true},
	{"/proc/sys/kernel/unprivileged_userns_clone", "kernel.unprivileged_userns_clone", '0',
	 false},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
	 "kernel.apparmor_restrict_unprivileged_userns", '1', false},
};

static bool is_set_so(const struct knob *knob)
{
	char text[16];

	return io_text(AT_FDCWD, knob->path, text, sizeof(text)) > 0 && text[0] == knob->value &&
	       (text[1] == '\n' || text[1] == '\0');
}

int users_refused(int error, const char *what, struct err *err)
{
	bool is_right = error == -EPERM || error == -EACCES;

	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++)
		if ((knobs[i].is_limit ? error == -ENOSPC : is_right) && is_set_so(&knobs[i]))
			return err_set(err, error, "%s: the sysctl %s is %c: %s", what,
				       knobs[i].name, knobs[i].value, strerror(-error));
	if (error == -ENOSPC)
		return err_set(err, error,
			       "%s: there are as many namespaces as a sysctl user.max_*_namespaces "
			       "allows, or they lie too deep in each other",
			       what);
	return err_set(err, error, "%s: %s", what, strerror(-error));
}

/* -- The helper ------------------------------------------------------------------------------------------ */

struct helper {
	pid_t pid, parent;
	char number[16]; /* its own, as the /proc in sight has it */
	int proc; /* owned, as is the next: its directory there, and the namespace */
	int users;
	int error;
};

static int stand_still(void *env)
{
	struct helper *h = env;
	ssize_t size = readlink("/proc/self", h->number, sizeof(h->number) - 1);

	h->proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	h->users = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	h->error = size < 0 || h->proc < 0 || h->users < 0 ? -errno : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (h->error == 0 && getppid() == h->parent)
		syscall(SYS_kill, getpid(), SIGSTOP);
	_exit(0);
}

static int begin(struct helper *h, struct err *err)
{
	static _Alignas(16) char stack[STACK];
	pid_t stopped;

	*h = (struct helper){.parent = getpid(), .proc = -1, .users = -1, .error = -EIO};
	h->pid = clone(stand_still, stack + STACK, CLONE_NEWUSER | CLONE_VM | CLONE_FILES | SIGCHLD,
		       h);
	if (h->pid < 0 && errno == EINVAL)
		return err_set(err, -EINVAL, "this kernel has no user namespaces");
	if (h->pid < 0)
		return users_refused(-errno, "a user namespace", err);
	do
		stopped = waitpid(h->pid, NULL, WUNTRACED);
	while (stopped < 0 && errno == EINTR);
	return h->error == 0 ? 0
			     : err_set(err, h->error, "a user namespace: find it in /proc: %s",
				       strerror(-h->error));
}

static void end(struct helper *h)
{
	if (h->pid > 0) {
		kill(h->pid, SIGKILL);
		while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (h->proc >= 0)
		close(h->proc);
	if (h->users >= 0)
		close(h->users);
}

/* -- Maps, by ourselves -------------------------------------------------------------------------------- */

static int write_map(const struct helper *h, const char *name, const struct oci_id_maps *maps,
		     struct err *err)
{
	char text[MAP_TEXT];
	size_t used = 0;
	int error = 0;

	for (uint32_t i = 0; used < sizeof(text) && i < maps->count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%u %u %u\n",
					 maps->items[i].inside, maps->items[i].outside,
					 maps->items[i].size);
	error = used < sizeof(text) ? io_put_text(h->proc, name, text) : -E2BIG;
	return error == 0 ? 0
			  : err_set(err, error, "a user namespace: write its %s: %s", name,
				    strerror(-error));
}

static int write_maps(const struct helper *h, const struct oci_id_maps *uids,
		      const struct oci_id_maps *gids, bool deny_groups, struct err *err)
{
	/* Else a group that one is denied something by could be left. */
	int error = deny_groups ? io_put_text(h->proc, "setgroups", "deny") : 0;

	if (error != 0)
		return err_set(err, error, "a user namespace: deny setgroups: %s",
			       strerror(-error));
	error = write_map(h, "uid_map", uids, err);
	return error == 0 ? write_map(h, "gid_map", gids, err) : error;
}

/* -- Maps, by those who know what is granted ------------------------------------------------------------- */

static _Noreturn void become_mapper(const char *program, const struct helper *h,
				    const struct oci_id_maps *maps)
{
	static char numbers[3 * MAP_WORDS][12];
	const char *args[3 * MAP_WORDS + 3] = {program, h->number};
	size_t count = 0;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (uint32_t i = 0; i < MIN(maps->count, (uint32_t)MAP_WORDS); i++) {
		const struct oci_id_map *map = &maps->items[i];
		const uint32_t row[3] = {map->inside, map->outside, map->size};

		for (size_t j = 0; j < ARRAY_SIZE(row); j++) {
			snprintf(numbers[count], sizeof(numbers[0]), "%u", row[j]);
			args[2 + count] = numbers[count];
			count++;
		}
	}
	/* It says why in words of its own; ours is one sentence. */
	if (null >= 0 && dup2(null, 1) >= 0)
		dup2(null, 2);
	execvp(program, (char **)(uintptr_t)args);
	_exit(errno == ENOENT ? 127 : 126);
}

static int ask_mapper(const char *program, const char *file, const struct helper *h,
		      const struct oci_id_maps *maps, struct err *err)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		become_mapper(program, h, maps);
	if (pid < 0)
		return err_set(err, -errno, "a process for %s: %s", program, strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(err, -EPERM,
			       "a user namespace with more than one's own user and group takes the "
			       "program %s (package uidmap or shadow-utils) and a range in %s",
			       program, file);
	return err_set(err, -EPERM,
		       "a user namespace: %s refuses its map: a range in %s must cover it", program,
		       file);
}

static bool is_only(const struct oci_id_maps *maps, uint32_t id)
{
	return maps->count == 1 && maps->items[0].size == 1 && maps->items[0].outside == id;
}

static int map_all(const struct helper *h, const struct oci_id_maps *uids,
		   const struct oci_id_maps *gids, struct err *err)
{
	uid_t user = geteuid();
	int error;

	if (user == 0 || (is_only(uids, user) && is_only(gids, getegid())))
		return write_maps(h, uids, gids, user != 0, err);
	error = ask_mapper("newuidmap", "/etc/subuid", h, uids, err);
	return error == 0 ? ask_mapper("newgidmap", "/etc/subgid", h, gids, err) : error;
}

/* -- All of it --------------------------------------------------------------------------------------------- */

int users_new(const struct oci_id_maps *uids, const struct oci_id_maps *gids, struct err *err)
{
	struct helper helper;
	int error = begin(&helper, err), fd = -1;

	if (error == 0)
		error = map_all(&helper, uids, gids, err);
	if (error == 0) {
		fd = helper.users;
		helper.users = -1;
	}
	end(&helper);
	return error == 0 ? fd : error;
}

int users_open(const struct oci_spec *spec, struct err *err)
{
	const struct oci_namespace *users = &spec->namespaces[OCI_NS_USER];
	int fd;

	if (users->path == NULL)
		return users_new(&spec->uids, &spec->gids, err);
	fd = open(users->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 ? fd
		       : err_set(err, -errno, "user namespace '%s': %s", users->path,
				 strerror(errno));
}

int users_enter(int users, struct err *err)
{
	if (setns(users, CLONE_NEWUSER) == 0)
		return 0;
	if (errno == EINVAL)
		return err_set(err, -EINVAL,
			       "linux.namespaces: what is to be the user namespace is none, or "
			       "the one we are in");
	return err_set(err, -errno, "join the user namespace: %s", strerror(errno));
}

/* The kernel's calls, as in identity.c: there is one thread. */
int users_become(const struct oci_user *user, struct err *err)
{
	/* Where it is denied, the groups are those of who started us. */
	if (syscall(SYS_setgroups, (size_t)0, NULL) < 0 && errno != EPERM)
		return err_set(err, -errno, "leave all groups: %s", strerror(errno));
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 &&
	    syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0)
		return err_set(err, -errno, "the user namespace has neither group 0 nor %u: %s",
			       (unsigned)user->gid, strerror(errno));
	if (syscall(SYS_setresuid, 0, 0, 0) < 0 &&
	    syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return err_set(err, -errno, "the user namespace has neither user 0 nor %u: %s",
			       (unsigned)user->uid, strerror(errno));
	return 0;
}

bool users_are_hosts(void)
{
	unsigned long inside, outside, size;
	char text[64], *at = text;

	/* A kernel without user namespaces has no such file. */
	if (io_text(AT_FDCWD, "/proc/self/uid_map", text, sizeof(text)) < 0)
		return true;
	inside = strtoul(at, &at, 10);
	outside = strtoul(at, &at, 10);
	size = strtoul(at, &at, 10);
	return inside == 0 && outside == 0 && size == UINT32_MAX;
}

uint32_t users_outside(const struct oci_id_maps *maps, uint32_t inside)
{
	for (uint32_t i = 0; i < maps->count; i++)
		if (inside >= maps->items[i].inside &&
		    inside - maps->items[i].inside < maps->items[i].size)
			return maps->items[i].outside + (inside - maps->items[i].inside);
	return UINT32_MAX;
}
