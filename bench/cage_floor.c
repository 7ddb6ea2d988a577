/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cage_floor.c: the system calls of a container's life and nothing else: what no runtime gets below on this kernel.
 *
 * Usage: cage_floor ROOTFS PROGRAM
 *
 * A group in every hierarchy of version 1, limits of memory, processes and devices; a child in new pid, ipc, uts, network and
 * mount namespaces, with ROOTFS and a /dev of its own, without rights, behind Landlock and a filter; in it PROGRAM, a static
 * one of the root file system; its end, and the group removed. No configuration is read, no state is kept, nothing is checked or
 * told: where a step fails, the exit status is 1. The group has one name: one at a time.
 *
 * With STEPS in the environment the microseconds of each step go to the error output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TREES_MAX = 32, STEPS_MAX = 32, STACK = 64 * 1024, FILTER = 241 };

/* One step after the other, whichever process is at work: the child shares our memory until it executes. */
static struct {
	const char *name;
	struct timespec at;
} steps[STEPS_MAX];
static int step_count;

static char *tops[TREES_MAX];
static int tree_fds[TREES_MAX], joins[TREES_MAX], tree_count, devices = -1;
static char **command;
static const char *rootfs;
static char stack[STACK] __attribute__((aligned(16)));
static volatile int failed;

static void step(const char *name)
{
	clock_gettime(CLOCK_MONOTONIC, &steps[step_count].at);
	steps[step_count++].name = name;
}

static void need(int good)
{
	failed |= !good;
}

/* -- Groups ------------------------------------------------------------------------------------------ */

/* The tops of all hierarchies of version 1, out of mountinfo. */
static void find_trees(void)
{
	static char text[65536];
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	ssize_t size = read(fd, text, sizeof(text) - 1);

	close(fd);
	need(size > 0);
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char *type = strstr(line, " - cgroup cgroup "), *point = line;

		if (type == NULL || tree_count == TREES_MAX)
			continue;
		for (int i = 0; i < 4; i++)
			point = strchr(point, ' ') + 1;
		*strchr(point, ' ') = '\0';
		tops[tree_count++] = point;
	}
}

static int put_file(int dir, const char *name, const char *value)
{
	int fd = openat(dir, name, O_WRONLY);
	int good = fd >= 0 && write(fd, value, strlen(value)) > 0;

	close(fd);
	return good;
}

static void make_groups(void)
{
	for (int i = 0; i < tree_count; i++) {
		int top = open(tops[i], O_PATH | O_DIRECTORY);

		need(mkdirat(top, "skiff-floor", 0755) == 0);
		joins[i] = openat(top, "skiff-floor/tasks", O_WRONLY);
		need(joins[i] >= 0);
		tree_fds[i] = top;
	}
}

static void set_limits(void)
{
	static const char *const nodes[] = {"c 1:3 rwm",   "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm",
					    "c 1:9 rwm",   "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm",
					    "c 136:* rwm", "c *:* m",   "b *:* m"};

	for (int i = 0; i < tree_count; i++) {
		const char *name = strrchr(tops[i], '/') + 1;
		int top = tree_fds[i];

		if (strcmp(name, "memory") == 0)
			need(put_file(top, "skiff-floor/memory.limit_in_bytes", "268435456"));
		else if (strcmp(name, "pids") == 0)
			need(put_file(top, "skiff-floor/pids.max", "64"));
		else if (strcmp(name, "cpuset") == 0 &&
			 put_file(top, "skiff-floor/cpuset.cpus", "0"))
			need(put_file(top, "skiff-floor/cpuset.mems", "0"));
		else if (strcmp(name, "devices") == 0) {
			need(put_file(top, "skiff-floor/devices.deny", "a"));
			devices = openat(top, "skiff-floor/devices.allow", O_WRONLY);
			for (unsigned n = 0; n < sizeof(nodes) / sizeof(nodes[0]); n++)
				need(write(devices, nodes[n], strlen(nodes[n])) > 0);
			close(devices);
		}
	}
}

static void remove_groups(void)
{
	for (int i = 0; i < tree_count; i++)
		need(unlinkat(tree_fds[i], "skiff-floor", AT_REMOVEDIR) == 0);
}

/* -- In the child -------------------------------------------------------------------------------------- */

static int make_dev(void)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
		     {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
	int fs = (int)syscall(SYS_fsopen, "tmpfs", 0), fd;

	syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0755", 0);
	syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	fd = (int)syscall(SYS_fsmount, fs, 0, 0);
	close(fs);
	umask(0);
	for (unsigned i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		need(mknodat(fd, nodes[i].name, S_IFCHR | 0666,
			     makedev(nodes[i].major, nodes[i].minor)) == 0);
	need(symlinkat("/proc/self/fd", fd, "fd") == 0 &&
	     symlinkat("/proc/self/fd/0", fd, "stdin") == 0 &&
	     symlinkat("/proc/self/fd/1", fd, "stdout") == 0 &&
	     symlinkat("/proc/self/fd/2", fd, "stderr") == 0);
	umask(022);
	return fd;
}

static void make_view(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
				  .propagation = 1 << 18};
	struct mount_attr locked = {.attr_set = MOUNT_ATTR_RDONLY};
	int root = (int)syscall(SYS_open_tree, AT_FDCWD, rootfs, OPEN_TREE_CLONE), dev, place;

	need(root >= 0 &&
	     syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0);
	dev = make_dev();
	step("mounts");
	need(unshare(CLONE_NEWNS) == 0);
	step("mount namespace");
	attr = (struct mount_attr){.propagation = 1 << 18};
	syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr));
	need(syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0);
	need(fchdir(root) == 0);
	place = openat(root, "dev", O_PATH | O_DIRECTORY);
	need(syscall(SYS_move_mount, dev, "", place, "",
		     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0);
	need(syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &locked, sizeof(locked)) == 0);
	need(syscall(SYS_pivot_root, ".", ".") == 0 && syscall(SYS_umount2, ".", 2) == 0);
	step("its root");
}

static void drop_rights(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{.effective = 1 << 10, .permitted = 1 << 10}};

	for (int i = 0; i < 41; i++)
		prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	need(syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_setresgid, 0, 0, 0) == 0 &&
	     syscall(SYS_setresuid, 0, 0, 0) == 0 && syscall(SYS_capset, &header, data) == 0);
	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void close_in(void)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE |
								  LANDLOCK_ACCESS_FS_READ_FILE};
	struct landlock_path_beneath_attr rule = {.allowed_access = attr.handled_access_fs};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	static struct sock_filter code[FILTER];
	struct sock_fprog program = {.len = FILTER, .filter = code};

	rule.parent_fd = open("/", O_PATH);
	syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	need(syscall(SYS_landlock_restrict_self, rules, 0) == 0);
	close(rules);
	step("landlock");
	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, nr));
	/* As long as ours, and answered as fast: the kernel tries every call number once. */
	code[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA | BPF_K, FILTER - 3, 0, 0);
	for (int i = 2; i < FILTER - 1; i++)
		code[i] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)i, 0, 0);
	code[FILTER - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	need(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
	step("seccomp");
}

static int child(void *unused)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	(void)unused;
	step("clone");
	for (int i = 0; i < tree_count; i++)
		need(write(joins[i], "0", 1) == 1);
	step("join");
	setsid();
	need(unshare(CLONE_NEWIPC | CLONE_NEWUTS) == 0 && sethostname("cage", 4) == 0);
	step("ipc, uts");
	need(unshare(CLONE_NEWNET) == 0);
	step("network");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	need(ioctl(fd, SIOCSIFFLAGS, &lo) == 0);
	close(fd);
	step("lo");
	make_view();
	drop_rights();
	step("rights");
	close_in();
	if (failed)
		_exit(1);
	execve(command[0], command, environ);
	_exit(1);
}

/* -- In the parent ------------------------------------------------------------------------------------- */

static void print_steps(void)
{
	for (int i = 1; i < step_count; i++)
		fprintf(stderr, "%-16s %7.1f\n", steps[i].name,
			(double)(steps[i].at.tv_sec - steps[i - 1].at.tv_sec) * 1e6 +
				(double)(steps[i].at.tv_nsec - steps[i - 1].at.tv_nsec) / 1e3);
}

int main(int argc, char **argv)
{
	int status = 1;
	pid_t pid;

	if (argc < 3)
		return 1;
	rootfs = argv[1];
	command = argv + 2;
	step("");
	find_trees();
	step("mountinfo");
	make_groups();
	step("make groups");
	set_limits();
	step("limits");
	pid = failed ? -1
		     : clone(child, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_NEWPID | SIGCHLD,
			     NULL);
	step("exec");
	need(pid > 0 && waitpid(pid, &status, 0) == pid);
	step("hello, its end");
	remove_groups();
	step("remove groups");
	if (getenv("STEPS") != NULL)
		print_steps();
	return failed || status != 0;
}
