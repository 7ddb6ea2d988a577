/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_test.c: who a process is afterwards, read from the kernel, in children; as root, as an ordinary user, and in a
 * user namespace of one.
 */
#include "sandbox/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

enum { UID = 12345, GID = 23456, SKIPPED = 77 };

static struct err why;

#define EXPECT(x)                                                                                \
	do {                                                                                     \
		if (!(x)) {                                                                      \
			fprintf(stderr, "line %d: %s (%s; %s)\n", __LINE__, #x, strerror(errno), \
				why.text);                                                       \
			_exit(1);                                                                \
		}                                                                                \
	} while (0)

static int in_child(void (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	return status;
}

static void run(void (*body)(void))
{
	if (geteuid() != 0) {
		print_message("skipped: not root\n");
		skip();
	}
	assert_int_equal(in_child(body), 0);
}

static struct oci_process process_of(uid_t uid, gid_t gid, uint64_t caps)
{
	return (struct oci_process){
		.user = {.uid = uid, .gid = gid},
		.capabilities = {.given = true,
				 .bounding = caps,
				 .effective = caps,
				 .inheritable = caps,
				 .permitted = caps,
				 .ambient = caps},
	};
}

static void expect_ids(uid_t uid, gid_t gid)
{
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	EXPECT(getresuid(&real, &effective, &saved) == 0);
	EXPECT(real == uid && effective == uid && saved == uid);
	EXPECT(getresgid(&real_group, &effective_group, &saved_group) == 0);
	EXPECT(real_group == gid && effective_group == gid && saved_group == gid);
}

static void expect_caps(uint64_t bounding, uint64_t held)
{
	struct oci_capabilities now;

	EXPECT(caps_get(&now, &why) == 0);
	EXPECT(now.bounding == bounding);
	EXPECT(now.permitted == held);
	EXPECT(now.effective == held);
	EXPECT(now.inheritable == held);
	EXPECT(now.ambient == held);
}

static void expect_closed(void)
{
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	EXPECT(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0);
}

/* What Docker gives, and the guest's one of it; CAP_CHOWN is number 0, 41 is not there. */
static const uint64_t DOCKER = 0xa80425fb;

/* As umask() is called, which is behind the change of capabilities: was it dumpable. */
static int seen = -1;

static void look(int number)
{
	(void)number;
	seen = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

/* Another root with no capabilities may trace it from when it has none itself: not even in between. */
static void body_in_between(void)
{
	struct sock_filter trap[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_umask, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {ARRAY_SIZE(trap), trap};
	struct oci_process process = process_of(0, 0, 0);

	EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
	signal(SIGSYS, look);
	EXPECT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
	EXPECT(identity_apply(&process, 0, &why) == 0);
	EXPECT(seen == 0);
	expect_closed();
}

static void body_user(void)
{
	struct oci_process process = process_of(UID, GID, DOCKER);
	gid_t groups[] = {7, 8, 9}, found[8];

	process.user.groups = groups;
	process.user.group_count = 3;
	process.user.umask = 0;
	process.user.has_umask = true;
	EXPECT(identity_apply(&process, IDENTITY_GUEST, &why) == 0);
	expect_ids(UID, GID);
	EXPECT(getgroups(8, found) == 3 && memcmp(found, groups, sizeof(groups)) == 0);
	expect_caps(IDENTITY_GUEST, IDENTITY_GUEST);
	expect_closed();
	EXPECT(umask(0) == 0);
	EXPECT(setuid(0) < 0 && errno == EPERM);
	EXPECT(setgroups(0, NULL) < 0);
	EXPECT(chown("/", UID, GID) < 0);
}

static void body_root(void)
{
	struct oci_process process = process_of(0, 0, DOCKER);

	EXPECT(identity_apply(&process, IDENTITY_ALL, &why) == 0);
	expect_ids(0, 0);
	EXPECT(getgroups(0, NULL) == 0);
	expect_caps(DOCKER, DOCKER);
	expect_closed();
	EXPECT(umask(0) == 022);
}

static void body_none(void)
{
	struct oci_process process = {.user = {.uid = 0, .gid = 0}};

	EXPECT(identity_apply(&process, IDENTITY_ALL, &why) == 0);
	expect_caps(0, 0);
	EXPECT(mkdir("/proc/x", 0700) < 0);
	EXPECT(sethostname("x", 1) < 0 && errno == EPERM);
}

/* Effective is never more than permitted, ambient never more than both of its two. */
static void body_crooked(void)
{
	struct oci_process process = process_of(UID, GID, 0);
	struct oci_capabilities now;

	process.capabilities.permitted = 1 << 1 | 1 << 2;
	process.capabilities.effective = 1 << 2 | 1 << 3;
	process.capabilities.inheritable = 1 << 1;
	process.capabilities.bounding = 1 << 1;
	process.capabilities.ambient = 1 << 1 | 1 << 2;
	EXPECT(identity_apply(&process, IDENTITY_ALL, &why) == 0);
	EXPECT(caps_get(&now, &why) == 0);
	EXPECT(now.permitted == (1 << 1 | 1 << 2) && now.effective == 1 << 2);
	EXPECT(now.inheritable == 1 << 1 && now.ambient == 1 << 1 && now.bounding == 1 << 1);
}

/* A capability that no kernel has: told as missing, the rest is given. */
static void body_unknown(void)
{
	struct oci_process process = process_of(UID, GID, IDENTITY_GUEST | CAPS_ONE(63));

	EXPECT(identity_apply(&process, IDENTITY_ALL, &why) == IDENTITY_CAPS_LACK);
	expect_caps(IDENTITY_GUEST, IDENTITY_GUEST);
}

static void body_ordinary(void)
{
	struct oci_process process = process_of(UID, GID, IDENTITY_GUEST);
	gid_t groups[] = {7};

	EXPECT(setgroups(1, groups) == 0 && setresgid(GID, GID, GID) == 0 &&
	       setresuid(UID, UID, UID) == 0);
	EXPECT(identity_apply(&process, IDENTITY_GUEST, &why) ==
	       (IDENTITY_GROUPS_KEPT | IDENTITY_CAPS_LACK | IDENTITY_UNBOUND));
	expect_ids(UID, GID);
	expect_closed();
	EXPECT(getgroups(0, NULL) == 1);
	process.user.groups = groups;
	process.user.group_count = 1;
	EXPECT(identity_apply(&process, IDENTITY_GUEST, &why) == -EPERM);
	EXPECT(strstr(why.text, "process.user.additionalGids") != NULL);
	process.user.group_count = 0;
	process.user.uid = 0;
	EXPECT(identity_apply(&process, IDENTITY_GUEST, &why) == -EPERM);
	EXPECT(strstr(why.text, "process.user.uid: 0") != NULL);
	process.user.gid = 0;
	EXPECT(identity_apply(&process, IDENTITY_GUEST, &why) == -EPERM);
	EXPECT(strstr(why.text, "process.user.gid: 0") != NULL);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	EXPECT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* A namespace in which one user is root, and groups cannot be set. */
static void body_namespace(void)
{
	struct oci_process process = process_of(0, 0, IDENTITY_GUEST);

	EXPECT(setgroups(0, NULL) == 0 && setresgid(GID, GID, GID) == 0 &&
	       setresuid(UID, UID, UID) == 0);
	EXPECT(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	if (unshare(CLONE_NEWUSER) < 0)
		_exit(SKIPPED);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 12345 1");
	put("/proc/self/gid_map", "0 23456 1");
	EXPECT(identity_apply(&process, IDENTITY_GUEST, &why) == IDENTITY_GROUPS_KEPT);
	expect_ids(0, 0);
	expect_caps(IDENTITY_GUEST, IDENTITY_GUEST);
	process.user.uid = 1000;
	EXPECT(identity_apply(&process, IDENTITY_GUEST, &why) == -EINVAL);
	EXPECT(strstr(why.text, "process.user.uid: 1000") != NULL);
}

#define IN_CHILD(name)                 \
	static void name(void **state) \
	{                              \
		(void)state;           \
		run(body_##name);      \
	}
IN_CHILD(user)
IN_CHILD(root)
IN_CHILD(none)
IN_CHILD(crooked)
IN_CHILD(unknown)
IN_CHILD(ordinary)
IN_CHILD(namespace)

static void in_between(void **state)
{
	(void)state;
	run(body_in_between);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user),      cmocka_unit_test(root),
		cmocka_unit_test(none),      cmocka_unit_test(crooked),
		cmocka_unit_test(unknown),   cmocka_unit_test(ordinary),
		cmocka_unit_test(namespace), cmocka_unit_test(in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
