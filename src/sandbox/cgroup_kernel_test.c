/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_kernel_test.c: limits hold, frozen processes stand still, deleted groups are gone; asked of the kernel.
 *
 * Groups are made below our own, in whatever hierarchies this machine has; what it does not have, or does not let us do, is
 * skipped with the reason. Each child is the container: it joins, does one thing and says by its exit status how it went.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"
#include "sandbox/cgroup_stats.h"

#define GIVEN(n) ((struct oci_number){.value = (n), .given = true})

enum { MIB = 1 << 20 };

static struct cgroup_layout layout; /* this machine's */
static struct cgroup_layout unified; /* of it only version 2 */
static volatile unsigned *shared; /* counts what a child does */

static bool keep_unified(const char *line)
{
	const char *type = strstr(line, " - cgroup2 ");

	return type != NULL && type < line + strcspn(line, "\n");
}

static int begin_all(void **state)
{
	struct buf mounts = {0}, own = {0};
	char *out;
	struct err err;

	(void)state;
	if (cgroup_layout_init(&layout, &err) < 0 ||
	    cgroup_file_slurp(AT_FDCWD, "/proc/self/mountinfo", &mounts) < 0 ||
	    cgroup_file_slurp(AT_FDCWD, "/proc/self/cgroup", &own) < 0)
		return -1;
	out = (char *)mounts.data;
	for (const char *line = out; *line != '\0';) {
		size_t size = strcspn(line, "\n") + 1;

		if (keep_unified(line)) {
			memmove(out, line, size);
			out += size;
		}
		line += size;
	}
	*out = '\0';
	if (cgroup_layout_parse(&unified, (char *)mounts.data, (char *)own.data, &err) < 0)
		return -1;
	buf_deinit(&mounts);
	buf_deinit(&own);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : 0;
}

static int end_all(void **state)
{
	(void)state;
	cgroup_layout_deinit(&layout);
	cgroup_layout_deinit(&unified);
	return munmap((void *)shared, 4096);
}

static void group_end(struct cgroup *group);

/* With version 2 whoever is above decides which controllers come down. */
static bool came_down(struct cgroup *group, enum cgroup_controller needed)
{
	const uint32_t everywhere = 1U << CGROUP_DEVICES | 1U << CGROUP_FREEZER;
	char text[256];

	if (!group->layout->trees[group->layout->tree_of[needed]].unified)
		return true;
	if (cgroup_file_read(cgroup_dir_of(group, needed), "cgroup.controllers", text,
			     sizeof(text)) < 0)
		return false;
	return ((cgroup_controllers(text, ' ') | everywhere) >> needed & 1) != 0;
}

/* A group to test with; skips where there can be none. */
static struct cgroup *group_in(const struct cgroup_layout *where, enum cgroup_controller needed)
{
	struct cgroup *group;
	char name[64];
	struct err err;
	int r;

	if (where->tree_of[needed] < 0) {
		print_message("no '%s' controller here\n", cgroup_controller_name(needed));
		skip();
	}
	snprintf(name, sizeof(name), "skiff-test-%d/group", (int)getpid());
	r = cgroup_create(&group, where, name, "id", NULL, &err);
	if (cgroup_is_refusal(r)) {
		print_message("%s\n", err.text);
		skip();
	}
	if (r < 0)
		fail_msg("%s", err.text);
	if (!came_down(group, needed)) {
		group_end(group);
		print_message("no '%s' controller comes down to us\n",
			      cgroup_controller_name(needed));
		skip();
	}
	return group;
}

static void group_end(struct cgroup *group)
{
	char path[512];
	struct err err;

	if (cgroup_delete(group, 2000, &err) < 0)
		fail_msg("%s", err.text);
	for (uint32_t i = 0; i < group->layout->count; i++) {
		snprintf(path, sizeof(path), "%s", group->places[i].path);
		*strrchr(path, '/') = '\0'; /* the parent that we made */
		assert_int_equal(faccessat(group->layout->trees[i].fd, path, F_OK, 0), -1);
	}
	cgroup_free(group);
}

static void apply(struct cgroup *group, const struct oci_resources *resources)
{
	struct err err;

	if (cgroup_update(group, resources, NULL, &err) < 0)
		fail_msg("%s", err.text);
}

/* Run in the group: what `act` returns, or 128 + signal. */
static pid_t start_in(struct cgroup *group, int (*act)(void))
{
	struct err err;
	pid_t pid;

	*shared = 0;
	if (cgroup_prepare_join(group, &err) < 0)
		fail_msg("%s", err.text);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (cgroup_join(group, false, &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			_exit(99);
		}
		_exit(act());
	}
	cgroup_end_join(group);
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_in(struct cgroup *group, int (*act)(void))
{
	return status_of(start_in(group, act));
}

static void pause_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

/* -- limits ---------------------------------------------------------------------------------------- */

static int eat_memory(void)
{
	char *at = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(at, 1, 64 * (size_t)MIB);
	return 0;
}

static bool counts_swap(struct cgroup *group)
{
	int dir = cgroup_dir_of(group, CGROUP_MEMORY);

	return cgroup_file_exists(dir, "memory.swap.max") ||
	       cgroup_file_exists(dir, "memory.memsw.limit_in_bytes");
}

static void memory_limit_kills(void **state)
{
	struct oci_resources resources = {.memory_limit = GIVEN(16 * MIB)};
	struct cgroup *group = group_in(&layout, CGROUP_MEMORY);
	struct cgroup_stats stats;
	struct cgroup_oom oom;
	struct pollfd watch;
	uint64_t kills;
	struct err err;

	(void)state;
	/* Where there is swap it would only make room. */
	if (counts_swap(group))
		resources.memory_swap = resources.memory_limit;
	apply(group, &resources);
	if (cgroup_oom_open(group, &oom, &err) < 0)
		fail_msg("%s", err.text);
	watch = (struct pollfd){.fd = oom.fd, .events = oom.events};
	assert_int_equal(poll(&watch, 1, 0), 0);
	assert_int_equal(cgroup_oom_read(&oom, &kills), 0);
	assert_int_equal(kills, 0);
	assert_int_equal(run_in(group, eat_memory), 128 + SIGKILL);
	assert_int_equal(poll(&watch, 1, 1000), 1);
	assert_int_equal(cgroup_oom_read(&oom, &kills), 0);
	assert_int_equal(kills, 1);
	assert_int_equal(poll(&watch, 1, 0), 0);

	assert_int_equal(cgroup_stats(group, &stats, &err), 0);
	assert_int_equal(stats.oom.kills, 1);
	assert_int_equal(stats.memory.memory.limit, 16 * MIB);
	assert_in_range(stats.memory.memory.max, 8 * MIB, 16 * MIB);
	cgroup_stats_deinit(&stats);
	group_end(group);
	/* What is left of a watch tells that there is nothing left to watch. */
	assert_int_equal(cgroup_oom_read(&oom, &kills), -ENODEV);
	cgroup_oom_close(&oom);
}

/* Whichever of memory and memory with swap has to go first. */
static void memory_limits_up_and_down(void **state)
{
	static const struct {
		int64_t memory, swap;
	} steps[] = {{32, 64}, {128, 256}, {16, 32}, {64, 64}, {-1, -1}, {16, 16}};
	struct cgroup *group = group_in(&layout, CGROUP_MEMORY);
	int dir = cgroup_dir_of(group, CGROUP_MEMORY);

	(void)state;
	if (group->layout->trees[layout.tree_of[CGROUP_MEMORY]].unified ||
	    !cgroup_file_exists(dir, "memory.memsw.limit_in_bytes")) {
		group_end(group);
		print_message("the kernel does not count swap by cgroup v1\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int64_t unit = steps[i].memory < 0 ? 1 : MIB;
		struct oci_resources resources = {.memory_limit = GIVEN(steps[i].memory * unit),
						  .memory_swap = GIVEN(steps[i].swap * unit)};
		uint64_t memory, swap;

		apply(group, &resources);
		assert_int_equal(cgroup_file_number(dir, "memory.limit_in_bytes", &memory), 0);
		assert_int_equal(cgroup_file_number(dir, "memory.memsw.limit_in_bytes", &swap), 0);
		if (unit != 1) {
			assert_int_equal(memory, steps[i].memory * MIB);
			assert_int_equal(swap, steps[i].swap * MIB);
		} else {
			assert_true(memory > INT64_MAX / 2 && swap > INT64_MAX / 2);
		}
	}
	group_end(group);
}

/* Less than is in use, or swap below memory: an error that says so. */
static void memory_limit_wrong(void **state)
{
	struct oci_resources resources = {.memory_limit = GIVEN(64 * MIB),
					  .memory_swap = GIVEN(32 * MIB)};
	struct cgroup *group = group_in(&layout, CGROUP_MEMORY);
	struct err err = {.text = ""};

	(void)state;
	assert_int_equal(cgroup_update(group, &resources, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "linux.resources.memory.swap"));
	group_end(group);
}

static int fork_twice(void)
{
	pid_t first = fork(), second;
	int error;

	if (first == 0) {
		pause();
		_exit(0);
	}
	second = fork();
	error = errno;
	if (second == 0)
		_exit(0);
	kill(first, SIGKILL);
	return first > 0 && second < 0 && error == EAGAIN ? 0 : 1;
}

static void pids_limit_refuses(void **state)
{
	struct oci_resources resources = {.pids_limit = GIVEN(2)};
	struct cgroup *group = group_in(&layout, CGROUP_PIDS);

	(void)state;
	apply(group, &resources);
	assert_int_equal(run_in(group, fork_twice), 0);
	group_end(group);
}

static int spin(void)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 400);
	return 0;
}

static void cpu_quota_throttles(void **state)
{
	struct oci_resources resources = {
		.cpu_quota = GIVEN(5000), .cpu_period = GIVEN(50000), .cpu_shares = GIVEN(512)};
	struct cgroup *group = group_in(&layout, CGROUP_CPU);
	struct cgroup_stats stats;
	unsigned times = 0;

	(void)state;
	apply(group, &resources);
	/* Where others want the CPU, too, it gets little enough without that. */
	do {
		assert_int_equal(run_in(group, spin), 0);
		assert_int_equal(cgroup_stats(group, &stats, NULL), 0);
		cgroup_stats_deinit(&stats); /* of what it holds, not of its numbers */
		times++;
	} while (times < 20 && (stats.cpu.throttled < 2 || stats.cpu.throttled_time <= 50000000));
	assert_in_range(stats.cpu.throttled, 2, 20 * times);
	assert_true(stats.cpu.throttled_time > 50000000);
	assert_in_range(stats.cpu.usage, 1000000, 200000000 * times);
	/* From a short period to a long one with a quota above the old period's, and back. */
	resources = (struct oci_resources){.cpu_quota = GIVEN(900000), .cpu_period = GIVEN(900000)};
	apply(group, &resources);
	resources = (struct oci_resources){.cpu_quota = GIVEN(2000), .cpu_period = GIVEN(2000)};
	apply(group, &resources);
	resources = (struct oci_resources){.cpu_quota = GIVEN(-1)};
	apply(group, &resources);
	group_end(group);
}

/* Unknown CPUs are the request's fault, and named. */
static void cpuset_wrong(void **state)
{
	struct oci_resources resources = {.cpus = "0", .mems = "0"};
	struct cgroup *group = group_in(&layout, CGROUP_CPUSET);
	struct err err = {.text = ""};

	(void)state;
	apply(group, &resources);
	resources.cpus = "9000";
	assert_true(cgroup_update(group, &resources, NULL, &err) < 0);
	assert_non_null(strstr(err.text, "linux.resources.cpu.cpus"));
	group_end(group);
}

/* -- devices --------------------------------------------------------------------------------------- */

static char node[64]; /* of c 1:11, kmsg: not among the usual ones */

static int open_nodes(void)
{
	int usual = open("/dev/null", O_RDWR), other = open(node, O_RDONLY | O_NONBLOCK);
	int error = errno;

	if (usual < 0)
		return 2;
	return other >= 0 ? 1 : error == EPERM ? 0 : 3;
}

static void node_make(struct cgroup *group)
{
	snprintf(node, sizeof(node), "/dev/shm/skiff-cgroup-%d", (int)getpid());
	if (mknod(node, S_IFCHR | 0600, makedev(1, 11)) < 0 || open_nodes() != 1) {
		unlink(node);
		group_end(group);
		print_message("there may be no device nodes in /dev/shm\n");
		skip();
	}
}

static void devices_hold(const struct cgroup_layout *where)
{
	struct oci_device_rule rule = {true, 'c', 1, 11, true, false, false};
	struct oci_resources none = {.device_count = 0},
			     one = {.devices = &rule, .device_count = 1};
	struct cgroup *group = group_in(where, CGROUP_DEVICES);
	struct err err;
	int r;

	node_make(group);
	r = cgroup_apply(group, &none, NULL, &err);
	if (r == -EPERM || r == -ENOSYS) {
		unlink(node);
		group_end(group);
		print_message("%s\n", err.text);
		skip();
	}
	if (r < 0)
		fail_msg("%s", err.text);
	assert_int_equal(run_in(group, open_nodes), 0);
	if (cgroup_update(group, &one, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(run_in(group, open_nodes), 1);
	assert_int_equal(cgroup_apply(group, &none, NULL, &err), 0);
	assert_int_equal(run_in(group, open_nodes), 0);
	unlink(node);
	group_end(group);
}

static void devices_v1_hold(void **state)
{
	(void)state;
	if (layout.tree_of[CGROUP_DEVICES] >= 0 &&
	    layout.trees[layout.tree_of[CGROUP_DEVICES]].unified)
		skip();
	devices_hold(&layout);
}

static void devices_v2_hold(void **state)
{
	(void)state;
	devices_hold(&unified);
}

/* -- processes ------------------------------------------------------------------------------------- */

static int count_on(void)
{
	while (getppid() != 1) {
		++*shared;
		pause_ms(1);
	}
	return 0;
}

static void freeze_and_thaw(const struct cgroup_layout *where)
{
	struct cgroup *group = group_in(where, CGROUP_FREEZER);
	pid_t pid = start_in(group, count_on);
	struct err err;
	unsigned before;

	while (*shared < 3)
		pause_ms(1);
	assert_int_equal(cgroup_frozen(group, &err), CGROUP_THAWED);
	if (cgroup_freeze(group, 1000, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(cgroup_frozen(group, &err), CGROUP_FROZEN);
	before = *shared;
	pause_ms(30);
	assert_int_equal(*shared, before);
	assert_int_equal(cgroup_set_frozen(group, false, &err), 0);
	for (unsigned i = 0; *shared == before && i < 1000; i++)
		pause_ms(1);
	assert_true(*shared > before);
	/* A frozen one can be killed too. */
	assert_int_equal(cgroup_freeze(group, 1000, &err), 0);
	assert_int_equal(cgroup_kill(group, SIGKILL, &err), 0);
	assert_int_equal(status_of(pid), 128 + SIGKILL);
	group_end(group);
}

static void freezer_all(void **state)
{
	(void)state;
	freeze_and_thaw(&layout);
}

static void freezer_v2(void **state)
{
	(void)state;
	freeze_and_thaw(&unified);
}

/* Keeps forking, so that a list of it is old at once. */
static int breed(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (unsigned generation = 0;; generation++) {
		pid_t pid = fork();

		if (pid > 0 && generation > 4)
			_exit(0); /* the child goes on */
		if (pid > 0 && generation % 2 == 0)
			pause();
		++*shared;
	}
}

static void kill_those_who_fork(const struct cgroup_layout *where)
{
	struct oci_resources resources = {.pids_limit = GIVEN(64)};
	struct cgroup *group = group_in(where, CGROUP_FREEZER);
	struct buf pids = {0};
	struct err err;
	pid_t pid;

	if (where->tree_of[CGROUP_PIDS] >= 0)
		apply(group, &resources);
	pid = start_in(group, breed);
	while (*shared < 50)
		pause_ms(1);
	assert_int_equal(cgroup_pids(group, &pids, &err), 0);
	assert_true(pids.size >= 2 * sizeof(pid_t));
	assert_int_equal(cgroup_kill(group, SIGKILL, &err), 0);
	for (unsigned i = 0; cgroup_populated(group, &err) == 1 && i < 1000; i++)
		pause_ms(1);
	assert_int_equal(cgroup_populated(group, &err), 0);
	status_of(pid);
	buf_deinit(&pids);
	group_end(group);
}

static void kill_all_of_them(void **state)
{
	(void)state;
	kill_those_who_fork(&layout);
}

static void kill_v2(void **state)
{
	(void)state;
	kill_those_who_fork(&unified);
}

/* Deleting what is in use says so, in time; what the container made below goes too. */
static void delete_busy(void **state)
{
	struct cgroup *group = group_in(&layout, CGROUP_FREEZER), *again;
	pid_t pid = start_in(group, count_on);
	struct buf text = {0};
	struct err err;
	char below[512];

	(void)state;
	while (*shared == 0)
		pause_ms(1);
	for (uint32_t i = 0; i < layout.count; i++) {
		snprintf(below, sizeof(below), "%s/below", group->places[i].path);
		assert_int_equal(mkdirat(layout.trees[i].fd, below, 0755), 0);
	}
	assert_int_equal(cgroup_delete(group, 10, &err), -EBUSY);
	assert_non_null(strstr(err.text, "processes are left"));
	assert_int_equal(cgroup_save(group, &text), 0);
	assert_non_null(buf_put(&text, "", 1));
	assert_int_equal(cgroup_load(&again, &layout, (char *)text.data, &err), 0);
	buf_deinit(&text);
	cgroup_free(group);
	assert_int_equal(cgroup_kill(again, SIGKILL, &err), 0);
	/* The zombie is not waited for yet: it holds no group. */
	group_end(again);
	status_of(pid);
}

/* Born in the group of version 2, without joining. */
static void born_there(void **state)
{
	struct cgroup *group = group_in(&unified, CGROUP_FREEZER);
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	struct buf pids = {0};
	struct err err;
	pid_t pid;

	(void)state;
	assert_int_equal(cgroup_prepare_join(group, &err), 0);
	args.cgroup = (uint64_t)cgroup_birth_fd(group);
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0) {
		group_end(group);
		print_message("clone3 into a cgroup: %s\n", strerror(errno));
		skip();
	}
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(cgroup_pids(group, &pids, &err), 0);
	assert_int_equal(BUF_COUNT(&pids, pid_t), 1);
	assert_int_equal(*BUF_ITEM(&pids, pid_t, 0), pid);
	assert_int_equal(cgroup_kill(group, SIGKILL, &err), 0);
	assert_int_equal(status_of(pid), 128 + SIGKILL);
	buf_deinit(&pids);
	group_end(group);
}

static int nothing(void)
{
	return 0;
}

/* Below a group with processes one can be made and joined; the upper one does not become a group of threads by that. */
static void below_processes(void **state)
{
	struct cgroup *group = group_in(&unified, CGROUP_FREEZER), *inner;
	pid_t pid = start_in(group, count_on);
	char name[64], type[32];
	struct err err;

	(void)state;
	while (*shared == 0)
		pause_ms(1);
	snprintf(name, sizeof(name), "skiff-test-%d/group/inner", (int)getpid());
	if (cgroup_create(&inner, &unified, name, "id", NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(cgroup_file_read(cgroup_dir_of(group, CGROUP_FREEZER), "cgroup.type", type,
				     sizeof(type)) > 0);
	assert_string_equal(type, "domain");
	assert_int_equal(run_in(inner, nothing), 0);
	assert_int_equal(cgroup_delete(inner, 2000, &err), 0);
	cgroup_free(inner);
	assert_int_equal(cgroup_kill(group, SIGKILL, &err), 0);
	status_of(pid);
	group_end(group);
}

/* A second container may not take the first one's group. */
static void taken(void **state)
{
	struct cgroup *group = group_in(&layout, CGROUP_FREEZER), *second;
	pid_t pid = start_in(group, count_on);
	struct err err;
	char name[64];

	(void)state;
	while (*shared == 0)
		pause_ms(1);
	snprintf(name, sizeof(name), "skiff-test-%d/group", (int)getpid());
	assert_int_equal(cgroup_create(&second, &layout, name, "id", NULL, &err), -EBUSY);
	assert_int_equal(cgroup_populated(group, &err), 1);
	assert_int_equal(cgroup_kill(group, SIGKILL, &err), 0);
	status_of(pid);
	group_end(group);
}

/* Everything hidden by a mount on top, then one hierarchy mounted elsewhere: 0 where that one is what is found. */
static int find_private(void)
{
	char place[] = "/dev/shm/skiff-cgroup-XXXXXX";
	struct cgroup_layout found;
	int r = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdtemp(place) == NULL)
		return 77;
	for (uint32_t i = 0; i < layout.count; i++)
		if (mount("none", layout.trees[i].mount, "tmpfs", 0, NULL) < 0)
			r = 77;
	if (r == 0 && (cgroup_layout_init(&found, NULL) < 0 || found.count != 0))
		r = 1;
	if (r == 0 && mount("none", place, "cgroup2", 0, NULL) < 0)
		r = 77;
	if (r == 0 && (cgroup_layout_init(&found, NULL) < 0 || found.count != 1 ||
		       strcmp(found.trees[0].mount, place) != 0 || !found.trees[0].unified))
		r = 2;
	umount2(place, MNT_DETACH);
	rmdir(place);
	return r;
}

static void private_mount(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(find_private());
	status = status_of(pid);
	if (status == 77) {
		print_message("no mount namespace to be had\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_mount),
		cmocka_unit_test(memory_limit_kills),
		cmocka_unit_test(memory_limits_up_and_down),
		cmocka_unit_test(memory_limit_wrong),
		cmocka_unit_test(pids_limit_refuses),
		cmocka_unit_test(cpu_quota_throttles),
		cmocka_unit_test(cpuset_wrong),
		cmocka_unit_test(devices_v1_hold),
		cmocka_unit_test(devices_v2_hold),
		cmocka_unit_test(freezer_all),
		cmocka_unit_test(freezer_v2),
		cmocka_unit_test(kill_all_of_them),
		cmocka_unit_test(kill_v2),
		cmocka_unit_test(delete_busy),
		cmocka_unit_test(born_there),
		cmocka_unit_test(below_processes),
		cmocka_unit_test(taken),
	};

	return cmocka_run_group_tests(tests, begin_all, end_all);
}
