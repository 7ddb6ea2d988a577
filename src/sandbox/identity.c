/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.c: one function, the order of which is the point.
 *
 *   1. the bounding set: takes CAP_SETPCAP, which is gone after 4
 *   2. groups, then the group, then the user: each takes what the next one takes away
 *      (permitted capabilities stay over the change of user, since PR_SET_KEEPCAPS says so)
 *   3. not dumpable: from here on others of the same user have as many capabilities, and could trace it
 *   4. the permitted, effective and inheritable set, then the ambient one, which must lie in two of these
 *   5. umask; no_new_privs; not dumpable again, last: changing user or capabilities sets it anew
 *
 * The calls are the kernel's. libc's change all threads by signals; here is one thread, and the price is paid at each start.
 */
#include "sandbox/identity.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { UMASK = 022 };

static bool has(const struct oci_capabilities *caps, int capability)
{
	return (caps->effective & CAPS_ONE(capability)) != 0;
}

static int change_groups(const struct oci_user *user, struct err *err)
{
	long result = syscall(SYS_setgroups, (size_t)user->group_count, user->groups);

	if (result == 0)
		return 0;
	/* As an ordinary user, or in such a one's namespace, where the kernel denies it to all. */
	if (errno == EPERM && user->group_count == 0)
		return IDENTITY_GROUPS_KEPT;
	return err_set(err, -errno, "process.user.additionalGids: %s", strerror(errno));
}

/* Outcomes of change_groups(). */
static int change_user(const struct oci_user *user, struct err *err)
{
	int outcome = change_groups(user, err);

	if (outcome < 0)
		return outcome;
	if (syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0)
		return err_set(err, -errno, "process.user.gid: %u: %s", (unsigned)user->gid,
			       strerror(errno));
	if (syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return err_set(err, -errno, "process.user.uid: %u: %s", (unsigned)user->uid,
			       strerror(errno));
	return outcome;
}

/* What is to be, of what can be. */
static struct oci_capabilities cut(const struct oci_capabilities *wanted, uint64_t most)
{
	return (struct oci_capabilities){
		.bounding = wanted->bounding & most,
		.permitted = wanted->permitted & most,
		.effective = wanted->effective & wanted->permitted & most,
		.inheritable = wanted->inheritable & most,
		.ambient = wanted->ambient & most,
	};
}

static int hide(struct err *err)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
		       ? 0
		       : err_set(err, -errno, "make the process undumpable: %s", strerror(errno));
}

static int finish(const struct oci_user *user, struct err *err)
{
	umask(user->has_umask ? user->umask : UMASK);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "set no_new_privs: %s", strerror(errno));
	return hide(err);
}

int identity_apply(const struct oci_process *process, uint64_t most, struct err *err)
{
	struct oci_capabilities now, wanted = cut(&process->capabilities, most), able;
	int outcome, error;

	error = caps_get_own(&now, err);
	/* Who may not bind the rest is told where that leaves something. */
	if (error == 0 && !has(&now, CAP_SETPCAP))
		error = caps_get(&now, err);
	if (error < 0)
		return error;
	able = cut(&wanted, now.permitted);
	/* The inheritable set may grow within the bounding one, but is of no use beyond the permitted. */
	if (has(&now, CAP_SETPCAP))
		error = caps_bound(wanted.bounding, err);
	if (error < 0)
		return error;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "keep capabilities: %s", strerror(errno));
	outcome = change_user(&process->user, err);
	if (outcome < 0)
		return outcome;
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return err_set(err, -errno, "keep capabilities: %s", strerror(errno));
	error = hide(err);
	if (error == 0)
		error = caps_set(&able, err);
	if (error == 0)
		error = finish(&process->user, err);
	if (error < 0)
		return error;
	if (able.permitted != wanted.permitted || able.inheritable != wanted.inheritable)
		outcome |= IDENTITY_CAPS_LACK;
	if (!has(&now, CAP_SETPCAP) && (now.bounding & ~wanted.bounding) != 0)
		outcome |= IDENTITY_UNBOUND;
	return outcome;
}
