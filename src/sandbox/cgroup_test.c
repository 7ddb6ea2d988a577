/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_test.c: layout, paths, limits, device rules, counters, state, on directories that only look like cgroups. */
#include <errno.h>
#include <linux/bpf.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/base.h"
#include "sandbox/cgroup_stats.h"
#include "sandbox/test_cgroup.h"

#define GIVEN(n) ((struct oci_number){.value = (n), .given = true})

/* -- layout ---------------------------------------------------------------------------------------- */

static void layout_hybrid(void **state)
{
	struct fake fake;

	(void)state;
	fake_new(&fake);
	fake_file(&fake, "unified/cgroup.controllers", "hugetlb memory\n");
	fake_mount(&fake, "cpu", "cgroup", "cpu,cpuacct", "/", "/a/b");
	fake_mount(&fake, "memory", "cgroup", "memory", "/docker/x", "/docker/x/in");
	fake_mount(&fake, "systemd", "cgroup", "name=systemd", "/", "/");
	fake_mount(&fake, "unified", "cgroup2", "nsdelegate", "/", "/user");
	assert_int_equal(fake_layout(&fake), 0);
	assert_int_equal(fake.layout.count, 4);
	assert_int_equal(fake.layout.tree_of[CGROUP_CPU], 0);
	assert_int_equal(fake.layout.tree_of[CGROUP_CPUACCT], 0);
	assert_int_equal(fake.layout.tree_of[CGROUP_MEMORY], 1);
	assert_int_equal(fake.layout.tree_of[CGROUP_HUGETLB], 3);
	assert_int_equal(fake.layout.tree_of[CGROUP_FREEZER], 3);
	assert_int_equal(fake.layout.tree_of[CGROUP_PIDS], -1);
	assert_string_equal(fake.layout.trees[0].own, "a/b");
	assert_string_equal(fake.layout.trees[1].own, "in");
	assert_string_equal(fake.layout.trees[2].name, "name=systemd");
	assert_string_equal(fake.layout.trees[3].name, "");
	assert_string_equal(fake.layout.trees[3].own, "user");
	fake_free(&fake);
}

/* A mount of another device lies on top; spaces in a path; two mounts of one hierarchy; nothing at all. */
static void layout_odd(void **state)
{
	struct fake fake;
	struct cgroup_layout layout;
	char text[512];
	struct stat st;

	(void)state;
	assert_int_equal(cgroup_layout_parse(&layout, "", "", NULL), 0);
	assert_int_equal(layout.count, 0);
	assert_int_equal(cgroup_layout_parse(&layout,
					     "31 23 0:28 / / rw - tmpfs tmpfs rw\nrubbish\n1 2\n"
					     "1 2 3:4 / /nowhere rw - cgroup2 none rw\n",
					     "", NULL),
			 0);
	assert_int_equal(layout.count, 0);

	fake_new(&fake);
	shell("mkdir -p '%s/a b' '%s/c'", fake.top, fake.top);
	assert_int_equal(stat(fake.top, &st), 0);
	snprintf(text, sizeof(text),
		 "1 2 %u:%u / /proc rw - cgroup none rw,memory\n" /* hidden */
		 "1 2 %u:%u /../x %s/c ro - cgroup none rw,memory\n"
		 "1 2 %u:%u / %s/a\\040b rw - cgroup none rw,memory",
		 major(st.st_dev), minor(st.st_dev), major(st.st_dev), minor(st.st_dev), fake.top,
		 major(st.st_dev), minor(st.st_dev), fake.top);
	assert_int_equal(cgroup_layout_parse(&layout, text, "4:memory:/own", NULL), 0);
	assert_int_equal(layout.count, 1);
	assert_true(strstr(layout.trees[0].mount, "/a b") != NULL);
	assert_string_equal(layout.trees[0].own, "own");
	cgroup_layout_deinit(&layout);
	fake_free(&fake);
}

/* -- paths ----------------------------------------------------------------------------------------- */

static void paths(void **state)
{
	static const struct {
		const char *written, *path; /* NULL: refused */
		bool relative;
	} rows[] = {
		{"/docker/ID", "docker/ID", false},
		{"/kubepods/burstable/pod1/c1/", "kubepods/burstable/pod1/c1", false},
		{"a//./b", "a/b", true},
		{NULL, "the-id", true},
		{"", "the-id", true},
		{"/", NULL, false},
		{".", NULL, false},
		{"/a/../b", NULL, false},
		{"..", NULL, false},
		{"/a\nb", NULL, false},
		{"/..a", "..a", false},
		{"system.slice:docker:ID", "system.slice/docker-ID.scope", false},
		{":docker:ID", "system.slice/docker-ID.scope", false},
		{"system.slice::ID", "system.slice/ID.scope", false},
		{"-.slice:p:n", "p-n.scope", false},
		{"kubepods-burstable-pod9.slice:cri-containerd:c",
		 "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod9.slice/"
		 "cri-containerd-c.scope",
		 false},
		{"a.slice:x:a-b.slice", "a.slice/a-b.slice", false},
		{"system.slice:docker:", NULL, false},
		{"a--b.slice:p:n", NULL, false},
		{"-a.slice:p:n", NULL, false},
		{".slice:p:n", NULL, false},
		{"nothing:p:n", NULL, false},
		{"a:b", "a:b", true},
		{"/s.slice:p:n", "s.slice:p:n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = {.text = ""};
		char *path = NULL;
		bool relative = false;
		int r = cgroup_path(rows[i].written, "the-id", &path, &relative, &err);

		if (rows[i].path == NULL) {
			assert_int_equal(r, -EINVAL);
			assert_true(strstr(err.text, "cgroupsPath") != NULL);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(path, rows[i].path);
		assert_int_equal(relative, rows[i].relative);
		free(path);
	}
}

/* -- creation -------------------------------------------------------------------------------------- */

static void create_and_delete(void **state)
{
	struct buf text = {0};
	struct cgroup *group, *again;
	struct fake fake;
	struct err err;

	(void)state;
	fake_new(&fake);
	fake_mount(&fake, "pids", "cgroup", "pids", "/", "/own");
	fake_mount(&fake, "unified", "cgroup2", "x", "/", "/user/session");
	shell("mkdir -p '%s/pids/own' '%s/unified/user'", fake.top, fake.top);
	assert_int_equal(fake_layout(&fake), 0);
	assert_int_equal(cgroup_create(&group, &fake.layout, "mine/deep", "id", NULL, &err), 0);
	assert_string_equal(group->places[0].path, "own/mine/deep");
	assert_int_equal(group->places[0].made, 2);
	/* Version 2: beside our own group, not in it. */
	assert_string_equal(group->places[1].path, "user/mine/deep");
	assert_int_equal(cgroup_save(group, &text), 0);
	assert_non_null(buf_put(&text, "", 1));
	assert_string_equal((char *)text.data, "pids:2:/own/mine/deep\n:2:/user/mine/deep\n");
	cgroup_free(group);

	/* Another process, later, and a hierarchy that is gone. */
	assert_non_null(memcpy(text.data, "pids:2:/own/mine/deep\n", 22));
	assert_int_equal(cgroup_load(&again, &fake.layout, (char *)text.data, &err), 0);
	assert_int_equal(again->places[1].made, 2);
	shell("mkdir '%s/pids/own/mine/other' '%s/unified/user/mine/deep/below'", fake.top,
	      fake.top);
	assert_int_equal(cgroup_delete(again, 0, &err), 0);
	assert_int_equal(cgroup_delete(again, 0, &err), 0);
	shell("cd '%s' && [ \"$(find pids unified | sort | tr '\\n' ' ')\" = "
	      "'pids pids/own pids/own/mine pids/own/mine/other unified unified/user ' ]",
	      fake.top);
	cgroup_free(again);
	assert_int_equal(cgroup_load(&again, &fake.layout, "gone:1:/x\n", &err), 0);
	assert_int_equal(cgroup_main_tree(again), -1);
	assert_int_equal(cgroup_kill(again, 9, &err), 0);
	cgroup_free(again);
	assert_int_equal(cgroup_load(&again, &fake.layout, "pids:x\n", &err), -EINVAL);
	buf_deinit(&text);
	fake_free(&fake);
}

/* Whoever is killed while it is made: what has come to be goes, and nothing else. */
static void a_plan_is_undone(void **state)
{
	struct buf text = {0};
	struct cgroup *group, *again;
	struct fake fake;
	struct err err;

	(void)state;
	fake_new(&fake);
	fake_mount(&fake, "pids", "cgroup", "pids", "/", "/");
	fake_mount(&fake, "memory", "cgroup", "memory", "/", "/");
	shell("mkdir -p '%s/pids/there' '%s/memory/there/a/b/theirs'", fake.top, fake.top);
	assert_int_equal(fake_layout(&fake), 0);
	assert_int_equal(cgroup_plan(&group, &fake.layout, "/there/a/b", "id", &err), 0);
	assert_int_equal(cgroup_save(group, &text), 0);
	assert_non_null(buf_put(&text, "", 1));
	assert_string_equal((char *)text.data, "pids:2:/there/a/b\nmemory:1:/there/a/b\n");
	cgroup_free(group);
	shell("cd '%s' && [ -z \"$(ls -A pids/there)\" ]", fake.top);
	for (int made = 0; made < 3; made++) {
		static const char *const done[] = {"", "mkdir a", "mkdir -p a/b"};

		shell("cd '%s/pids/there' && %s", fake.top, made > 0 ? done[made] : ":");
		assert_int_equal(cgroup_load(&again, &fake.layout, (char *)text.data, &err), 0);
		cgroup_unmake(again);
		cgroup_free(again);
		shell("cd '%s' && [ \"$(find pids memory | sort | tr '\\n' ' ')\" = 'memory "
		      "memory/there memory/there/a memory/there/a/b memory/there/a/b/theirs pids "
		      "pids/there ' ]",
		      fake.top);
	}
	buf_deinit(&text);
	fake_free(&fake);
}

static void create_fails_clean(void **state)
{
	struct cgroup_notes notes = {0};
	struct cgroup *group;
	struct fake fake;
	struct err err;

	(void)state;
	fake_new(&fake);
	fake_mount(&fake, "pids", "cgroup", "pids", "/", "/");
	fake_mount(&fake, "memory", "cgroup", "memory", "/", "/");
	fake_file(&fake, "memory/a/taken/cgroup.procs", "17\n");
	assert_int_equal(fake_layout(&fake), 0);
	assert_int_equal(cgroup_create(&group, &fake.layout, "/a/taken", "id", NULL, &err), -EBUSY);
	assert_true(strstr(err.text, "already has processes") != NULL);
	shell("cd '%s/pids' && [ -z \"$(ls -A)\" ]", fake.top);
	/* A file is in the way of the second component. */
	fake_file(&fake, "memory/b/file", "");
	assert_int_equal(cgroup_create(&group, &fake.layout, "/b/file/c", "id", NULL, &err),
			 -ENOTDIR);
	shell("cd '%s/pids' && [ -z \"$(ls -A)\" ]", fake.top);
	fake_free(&fake);

	/* Nothing mounted: an error, or for an ordinary user a note. */
	fake_new(&fake);
	assert_int_equal(fake_layout(&fake), 0);
	assert_int_equal(cgroup_create(&group, &fake.layout, NULL, "id", NULL, &err), -ENOENT);
	assert_int_equal(cgroup_create(&group, &fake.layout, NULL, "id", &notes, &err), 0);
	assert_int_equal(notes.count, 1);
	cgroup_free(group);
	cgroup_notes_deinit(&notes);
	fake_free(&fake);
}

/* cpuset of v1 gets what is above; v2 hands controllers down. */
static void create_inherits(void **state)
{
	struct cgroup *group;
	struct fake fake;
	struct err err;

	(void)state;
	fake_new(&fake);
	fake_mount(&fake, "cpuset", "cgroup", "cpuset", "/", "/");
	fake_mount(&fake, "unified", "cgroup2", "x", "/", "/");
	fake_file(&fake, "cpuset/cpuset.cpus", "0-3\n");
	fake_file(&fake, "cpuset/cpuset.mems", "0\n");
	fake_file(&fake, "cpuset/a/cpuset.cpus", "");
	fake_file(&fake, "cpuset/a/cpuset.mems", "1\n");
	fake_file(&fake, "cpuset/a/b/cpuset.cpus", "");
	fake_file(&fake, "cpuset/a/b/cpuset.mems", "");
	fake_file(&fake, "unified/cgroup.controllers", "cpu memory pids\n");
	fake_file(&fake, "unified/cgroup.subtree_control", "cpu\n");
	fake_file(&fake, "unified/a/cgroup.controllers", "memory cpu\n");
	fake_file(&fake, "unified/a/cgroup.subtree_control", "");
	fake_file(&fake, "unified/a/b/cgroup.controllers", "");
	assert_int_equal(fake_layout(&fake), 0);
	assert_int_equal(cgroup_create(&group, &fake.layout, "/a/b", "id", NULL, &err), 0);
	assert_string_equal(fake_text(&fake, "cpuset/a/cpuset.cpus"), "0-3");
	assert_string_equal(fake_text(&fake, "cpuset/a/b/cpuset.cpus"), "0-3");
	assert_string_equal(fake_text(&fake, "cpuset/a/b/cpuset.mems"), "1");
	assert_string_equal(fake_text(&fake, "unified/cgroup.subtree_control"), "+memory +pids");
	assert_string_equal(fake_text(&fake, "unified/a/cgroup.subtree_control"), "+cpu +memory");
	cgroup_free(group);
	fake_free(&fake);
}

/* -- limits ---------------------------------------------------------------------------------------- */

/* A container's group "/c" in a hierarchy of one version, with files. */
static struct cgroup *fake_group(struct fake *fake, bool unified, const char *const *files)
{
	static const char *const v1[] = {"cpu",     "cpuset",  "memory",   "blkio", "pids",
					 "hugetlb", "net_cls", "net_prio", "rdma"};
	struct cgroup *group;
	struct err err;
	char path[256];

	fake_new(fake);
	if (unified)
		fake_mount(fake, "v2", "cgroup2", "x", "/", "/");
	else
		for (size_t i = 0; i < ARRAY_SIZE(v1); i++)
			fake_mount(fake, v1[i], "cgroup", v1[i], "/", "/");
	if (unified)
		fake_file(fake, "v2/cgroup.controllers",
			  "cpuset cpu io memory hugetlb pids rdma misc\n");
	fake_file(fake, "cpuset/cpuset.cpus", "0-3\n");
	fake_file(fake, "cpuset/cpuset.mems", "0\n");
	for (; *files != NULL; files += 2) {
		/* In v1 the controller is the file's first word. */
		int folder = unified ? 2 : (int)strcspn(files[0], ".");

		snprintf(path, sizeof(path), "%.*s/c/%s", folder, unified ? "v2" : files[0],
			 files[0]);
		fake_file(fake, path, files[1]);
	}
	if (fake_layout(fake) < 0 ||
	    cgroup_create(&group, &fake->layout, "/c", "id", NULL, &err) < 0)
		abort();
	return group;
}

static struct oci_throttle throttle_items[] = {{8, 0, 1048576}};
static struct oci_hugepage huge_items[] = {{"2MB", 4194304}};
static struct oci_network_priority priority_items[] = {{"eth0", 5}};
static struct oci_rdma rdma_items[] = {
	{"mlx5_1", {.value = 3, .given = true}, {.value = INT64_MAX, .given = true}}};
static struct oci_io_weight weight_items[] = {{8, 16, {.value = 500, .given = true}, {0}}};

static struct oci_resources all_limits(void)
{
	return (struct oci_resources){
		.memory_limit = GIVEN(1 << 20),
		.memory_swap = GIVEN(3 << 20),
		.memory_reservation = GIVEN(1 << 19),
		.kernel_memory = GIVEN(1 << 19),
		.oom_kill_disable = GIVEN(0),
		.cpu_shares = GIVEN(1024),
		.cpu_quota = GIVEN(50000),
		.cpu_period = GIVEN(200000),
		.cpu_burst = GIVEN(10000),
		.cpus = "0-1",
		.mems = "0",
		.pids_limit = GIVEN(32),
		.io_weight = GIVEN(500),
		.io_weights = weight_items,
		.io_weight_count = 1,
		.read_bps = {throttle_items, 1},
		.write_iops = {throttle_items, 1},
		.hugepages = huge_items,
		.hugepage_count = 1,
		.rdma = rdma_items,
		.rdma_count = 1,
	};
}

static void check_files(const struct fake *fake, const char *const *rows)
{
	for (; *rows != NULL; rows += 2) {
		const char *text = fake_text(fake, rows[0]);

		if (strcmp(text, rows[1]) != 0)
			fail_msg("%s holds '%s', not '%s'", rows[0], text, rows[1]);
	}
}

/* table-like: files and what they hold */
static void limits_v1(void **state)
{
	static const char *const files[] = {"cpu.shares",
					    "",
					    "cpu.cfs_quota_us",
					    "",
					    "cpu.cfs_period_us",
					    "",
					    "cpu.cfs_burst_us",
					    "",
					    "cpuset.cpus",
					    "7\n",
					    "cpuset.mems",
					    "7\n",
					    "memory.limit_in_bytes",
					    "",
					    "memory.memsw.limit_in_bytes",
					    "",
					    "memory.soft_limit_in_bytes",
					    "",
					    "memory.oom_control",
					    "",
					    "memory.swappiness",
					    "",
					    "pids.max",
					    "",
					    "blkio.bfq.weight",
					    "",
					    "blkio.weight_device",
					    "",
					    "blkio.throttle.read_bps_device",
					    "",
					    "blkio.throttle.write_iops_device",
					    "",
					    "hugetlb.2MB.limit_in_bytes",
					    "",
					    "net_cls.classid",
					    "",
					    "net_prio.ifpriomap",
					    "",
					    "rdma.max",
					    "",
					    NULL};
	static const char *const wanted[] = {"cpu/c/cpu.shares",
					     "1024",
					     "cpu/c/cpu.cfs_quota_us",
					     "50000",
					     "cpu/c/cpu.cfs_period_us",
					     "200000",
					     "cpu/c/cpu.cfs_burst_us",
					     "10000",
					     "cpuset/c/cpuset.cpus",
					     "0-1",
					     "cpuset/c/cpuset.mems",
					     "0",
					     "memory/c/memory.limit_in_bytes",
					     "1048576",
					     "memory/c/memory.memsw.limit_in_bytes",
					     "3145728",
					     "memory/c/memory.soft_limit_in_bytes",
					     "524288",
					     "memory/c/memory.oom_control",
					     "0",
					     "memory/c/memory.swappiness",
					     "60",
					     "pids/c/pids.max",
					     "32",
					     "blkio/c/blkio.bfq.weight",
					     "500",
					     "blkio/c/blkio.weight_device",
					     "8:16 500",
					     "blkio/c/blkio.throttle.read_bps_device",
					     "8:0 1048576",
					     "blkio/c/blkio.throttle.write_iops_device",
					     "8:0 1048576",
					     "hugetlb/c/hugetlb.2MB.limit_in_bytes",
					     "4194304",
					     "net_cls/c/net_cls.classid",
					     "1048577",
					     "net_prio/c/net_prio.ifpriomap",
					     "eth0 5",
					     "rdma/c/rdma.max",
					     "mlx5_1 hca_handle=3 hca_object=max",
					     NULL};
	struct oci_resources resources = all_limits();
	struct oci_resources more = {.memory_limit = GIVEN(-1), .pids_limit = GIVEN(0)};
	struct fake fake;
	struct cgroup *group = fake_group(&fake, false, files);
	struct err err = {.text = ""};

	(void)state;
	resources.swappiness = GIVEN(60);
	resources.network_class = GIVEN(1048577);
	resources.network_priorities = priority_items;
	resources.network_priority_count = 1;
	if (cgroup_update(group, &resources, NULL, &err) < 0)
		fail_msg("%s", err.text);
	check_files(&fake, wanted);

	shell("cd '%s' && : > memory/c/memory.limit_in_bytes && : > pids/c/pids.max && "
	      ": > memory/c/memory.memsw.limit_in_bytes",
	      fake.top);
	assert_int_equal(cgroup_update(group, &more, NULL, &err), 0);
	assert_string_equal(fake_text(&fake, "memory/c/memory.limit_in_bytes"), "-1");
	assert_string_equal(fake_text(&fake, "memory/c/memory.memsw.limit_in_bytes"), "-1");
	assert_string_equal(fake_text(&fake, "pids/c/pids.max"), "max");
	cgroup_free(group);
	fake_free(&fake);
}

/* table-like: files and what they hold */
static void limits_v2(void **state)
{
	static const char *const files[] = {"cpu.weight",
					    "",
					    "cpu.max",
					    "max 100000\n",
					    "cpu.max.burst",
					    "",
					    "cpuset.cpus",
					    "",
					    "cpuset.mems",
					    "",
					    "memory.max",
					    "",
					    "memory.swap.max",
					    "",
					    "memory.low",
					    "",
					    "memory.high",
					    "",
					    "pids.max",
					    "",
					    "io.weight",
					    "",
					    "io.max",
					    "",
					    "rdma.max",
					    "",
					    "hugetlb.2MB.max",
					    "",
					    "hugetlb.2MB.rsvd.max",
					    "",
					    NULL};
	static const char *const wanted[] = {"v2/c/cpu.weight",
					     "100",
					     "v2/c/cpu.max",
					     "50000 200000",
					     "v2/c/cpu.max.burst",
					     "10000",
					     "v2/c/cpuset.cpus",
					     "0-1",
					     "v2/c/memory.max",
					     "1048576",
					     "v2/c/memory.swap.max",
					     "2097152",
					     "v2/c/memory.low",
					     "524288",
					     "v2/c/memory.high",
					     "900000",
					     "v2/c/pids.max",
					     "32",
					     "v2/c/io.max",
					     "8:0 wiops=1048576",
					     "v2/c/io.weight",
					     "8:16 4950",
					     "v2/c/hugetlb.2MB.max",
					     "4194304",
					     "v2/c/hugetlb.2MB.rsvd.max",
					     "4194304",
					     "v2/c/rdma.max",
					     "mlx5_1 hca_handle=3 hca_object=max",
					     NULL};
	struct oci_pair unified[] = {{"memory.high", "900000"}};
	struct oci_resources resources = all_limits();
	struct fake fake;
	struct cgroup *group = fake_group(&fake, true, files);
	struct err err = {.text = ""};

	(void)state;
	resources.unified = (struct oci_pairs){unified, 1};
	if (cgroup_update(group, &resources, NULL, &err) < 0)
		fail_msg("%s", err.text);
	check_files(&fake, wanted);

	/* A period alone keeps the quota; bfq has its own file and range. */
	resources = (struct oci_resources){.cpu_period = GIVEN(1000), .io_weight = GIVEN(500)};
	shell("cd '%s/v2/c' && echo 70000 100000 > cpu.max && : > io.bfq.weight", fake.top);
	assert_int_equal(cgroup_update(group, &resources, NULL, &err), 0);
	assert_true(strncmp(fake_text(&fake, "v2/c/cpu.max"), "70000 1000", 10) == 0);
	assert_string_equal(fake_text(&fake, "v2/c/io.bfq.weight"), "500");
	cgroup_free(group);
	fake_free(&fake);
}

/* What is refused says which field and why, and nothing is written. */
static void limits_refused(void **state)
{
	static const char *const files[] = {"memory.max", "",         "memory.current",
					    "5000\n",     "pids.max", "",
					    "cpu.weight", "",         NULL};
	struct oci_pair procs[] = {{"cgroup.procs", "1"}}, path[] = {{"../x", "1"}},
			missing[] = {{"memory.nothing", "1"}};
	const struct {
		struct oci_resources resources;
		int error;
		const char *words[2];
		bool noted; /* for an ordinary user a note instead */
	} rows[] = {
		{{.swappiness = GIVEN(10)},
		 -EOPNOTSUPP,
		 {"memory.swappiness", "leave it out"},
		 true},
		{{.oom_kill_disable = GIVEN(1)}, -EOPNOTSUPP, {"disableOOMKiller", "v2"}, true},
		{{.network_class = GIVEN(1)}, -EOPNOTSUPP, {"network.classID", "net_cls"}, true},
		{{.network_priorities = priority_items, .network_priority_count = 1},
		 -EOPNOTSUPP,
		 {"network.priorities", "net_prio"},
		 true},
		{{.memory_limit = GIVEN(4096), .memory_swap = GIVEN(4095)},
		 -EINVAL,
		 {"memory.swap", "less than memory.limit"},
		 false},
		{{.memory_swap = GIVEN(4096)}, -EINVAL, {"memory.swap", "memory.limit"}, false},
		{{.memory_limit = GIVEN(4096), .check_before_update = GIVEN(1)},
		 -EBUSY,
		 {"memory.limit", "5000"},
		 false},
		{{.cpus = "0"}, -ENOENT, {"cpu.cpus", "cpuset.cpus"}, true},
		{{.unified = {procs, 1}}, -EINVAL, {"unified", "cgroup.procs"}, false},
		{{.unified = {path, 1}}, -EINVAL, {"unified", "../x"}, false},
		{{.unified = {missing, 1}}, -ENOENT, {"unified", "memory.nothing"}, true},
	};
	struct fake fake;
	struct cgroup *group = fake_group(&fake, true, files);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cgroup_notes notes = {0};
		struct err err = {.text = ""};
		int r = cgroup_update(group, &rows[i].resources, NULL, &err);

		if (r != rows[i].error || strstr(err.text, rows[i].words[0]) == NULL ||
		    strstr(err.text, rows[i].words[1]) == NULL)
			fail_msg("row %zu: %d, '%s'", i, r, err.text);
		r = cgroup_update(group, &rows[i].resources, &notes, &err);
		assert_int_equal(r, rows[i].noted ? 0 : rows[i].error);
		assert_int_equal(notes.count, rows[i].noted ? 1 : 0);
		if (rows[i].noted)
			assert_non_null(strstr((char *)notes.text.data, rows[i].words[0]));
		cgroup_notes_deinit(&notes);
	}
	assert_string_equal(fake_text(&fake, "v2/c/memory.max"), "");
	cgroup_free(group);
	fake_free(&fake);

	/* v1 knows no unified. */
	group = fake_group(&fake, false, (const char *const[]){NULL});
	{
		struct oci_resources resources = {.unified = {missing, 1}};
		struct err err;

		assert_int_equal(cgroup_update(group, &resources, NULL, &err), -EOPNOTSUPP);
		assert_non_null(strstr(err.text, "unified"));
	}
	cgroup_free(group);
	fake_free(&fake);
}

static void weights(void **state)
{
	(void)state;
	assert_int_equal(cgroup_cpu_weight(2), 1);
	assert_int_equal(cgroup_cpu_weight(1024), 100);
	assert_int_equal(cgroup_cpu_weight(262144), 10000);
	assert_int_equal(cgroup_cpu_weight(UINT64_MAX), 10000);
	assert_int_equal(cgroup_cpu_weight(0), 1);
	for (uint32_t shares = 3; shares < 262144; shares++) {
		double l = log2(shares);
		double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;

		if (cgroup_cpu_weight(shares) != (uint32_t)ceil(pow(10, exponent)))
			fail_msg("%u shares: %u, not %g", shares, cgroup_cpu_weight(shares),
				 ceil(pow(10, exponent)));
	}
}

/* -- devices --------------------------------------------------------------------------------------- */

static const struct oci_device_rule random_pool[] = {
	{false, 'a', -1, -1, true, true, true},
	{true, 'a', -1, -1, true, true, true},
	{true, 'c', 1, 3, true, true, true},
	{true, 'c', 1, -1, true, false, true},
	{false, 'c', 1, 3, false, true, false},
	{true, 'b', 8, 0, true, false, false},
	{false, 'b', -1, -1, false, false, true},
	{true, 'b', -1, 0, false, true, false},
	{true, 'c', -1, 3, false, false, true},
	{false, 'c', 1, -1, true, true, true},
	{true, 'c', (int64_t)1 << 40, 3, true, true, true},
};

/* What the rules mean, asked a kind of access at a time. */
static bool meant(const struct oci_device_rule *rules, uint32_t count, char type, int64_t major,
		  int64_t minor, uint32_t access)
{
	for (unsigned bit = 1; bit <= 4; bit *= 2) {
		bool allowed = false;

		for (uint32_t i = 0; i < count; i++) {
			const struct oci_device_rule *rule = &rules[i];
			uint32_t mask = rule->mknod * 1U + rule->read * 2U + rule->write * 4U;

			if ((rule->type == 'a' || rule->type == type) &&
			    (rule->major < 0 || rule->major == major) &&
			    (rule->minor < 0 || rule->minor == minor) && (mask & bit) != 0)
				allowed = rule->allow;
		}
		if ((access & bit) != 0 && !allowed)
			return false;
	}
	return true;
}

/* The few instructions the generator uses. -1: it does something else, or does not end. */
static int run_program(const struct buf *program, struct bpf_cgroup_dev_ctx context)
{
	uint64_t r[16] = {77}; /* no answer */
	size_t count = BUF_COUNT(program, struct bpf_insn);

	for (size_t at = 0; at < count; at++) {
		const struct bpf_insn *i = BUF_ITEM(program, struct bpf_insn, at);
		uint32_t word;

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			memcpy(&word, (char *)&context + i->off, sizeof(word));
			r[i->dst_reg] = word;
			break;
		case BPF_ALU64 | BPF_K | BPF_AND:
			r[i->dst_reg] &= (uint64_t)(int64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_K | BPF_RSH:
			r[i->dst_reg] >>= i->imm;
			break;
		case BPF_ALU64 | BPF_K | BPF_MOV:
			r[i->dst_reg] = (uint64_t)(int64_t)i->imm;
			break;
		case BPF_JMP | BPF_K | BPF_JNE:
			at += r[i->dst_reg] != (uint64_t)(int64_t)i->imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_K | BPF_JSET:
			at += (r[i->dst_reg] & (uint64_t)(int64_t)i->imm) != 0 ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JA:
			at += (size_t)i->off;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)r[0];
		default:
			return -1;
		}
	}
	return -1;
}

/* What v1 would do with a list: its default, turned round by exceptions. */
static bool listed(const struct cgroup_device_list *list, char type, int64_t major, int64_t minor,
		   uint32_t access)
{
	for (unsigned bit = 1; bit <= 4; bit *= 2) {
		bool allowed = list->open;

		for (size_t i = 0; i < BUF_COUNT(&list->items, struct oci_device_rule); i++)
			if (meant(BUF_ITEM(&list->items, struct oci_device_rule, i), 1, type, major,
				  minor, bit) ||
			    (list->open &&
			     !meant(
				     (struct oci_device_rule[]){
					     random_pool[1],
					     *BUF_ITEM(&list->items, struct oci_device_rule, i)},
				     2, type, major, minor, bit)))
				allowed = !list->open;
		if ((access & bit) != 0 && !allowed)
			return false;
	}
	return true;
}

static void check_rules(const struct oci_device_rule *rules, uint32_t count, unsigned *ret_said)
{
	struct cgroup_device_list list = {0};
	struct buf program = {0};
	uint32_t bad;
	int said = cgroup_device_list(rules, count, &list, &bad);

	assert_int_equal(cgroup_device_program(rules, count, &program), 0);
	*ret_said += said == 0;
	for (unsigned n = 0; n < 2 * 3 * 3 * 7; n++) {
		static const uint32_t majors[] = {1, 8, 5}, minors[] = {0, 3, 9};
		char type = n % 2 == 0 ? 'b' : 'c';
		uint32_t major = majors[n / 2 % 3], minor = minors[n / 6 % 3], access = n / 18 + 1;
		struct bpf_cgroup_dev_ctx context = {
			.access_type = access << 16 |
				       (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
			.major = major,
			.minor = minor};
		bool wanted = meant(rules, count, type, major, minor, access);

		assert_int_equal(run_program(&program, context), wanted);
		if (said == 0)
			assert_int_equal(listed(&list, type, major, minor, access), wanted);
	}
	buf_deinit(&program);
	buf_deinit(&list.items);
}

/* Random lists of rules: the program says what is meant; the list of v1 does too, or is refused. */
static void device_rules(void **state)
{
	struct oci_device_rule rules[6];
	unsigned seed = 1, said = 0;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		uint32_t count = 0;

		for (; count < 1 + round % 6; count++) {
			seed = seed * 1103515245 + 12345;
			rules[count] = random_pool[(seed >> 16) % ARRAY_SIZE(random_pool)];
		}
		check_rules(rules, count, &said);
	}
	/* Neither all nor none: else one of the two is not tested. */
	assert_in_range(said, 500, 2900);
}

static void device_defaults(void **state)
{
	struct oci_device_rule extra[] = {{true, 'b', 8, 1, true, false, false}};
	struct oci_resources resources = {.devices = extra, .device_count = 1};
	struct buf rules = {0};
	const struct oci_device_rule *all;
	uint32_t count;

	(void)state;
	assert_int_equal(cgroup_device_rules(&resources, &rules), 0);
	all = BUF_ITEM(&rules, struct oci_device_rule, 0);
	count = (uint32_t)BUF_COUNT(&rules, struct oci_device_rule);
	assert_true(meant(all, count, 'c', 1, 3, 6));
	assert_true(meant(all, count, 'c', 136, 77, 6));
	assert_true(meant(all, count, 'b', 8, 1, 2));
	assert_false(meant(all, count, 'b', 8, 1, 4));
	/* A node may be made of anything; it is the opening that counts. */
	assert_true(meant(all, count, 'b', 8, 0, 1));
	assert_false(meant(all, count, 'b', 8, 0, 2));
	assert_false(meant(all, count, 'b', 8, 0, 4));
	assert_false(meant(all, count, 'c', 1, 1, 2)); /* /dev/mem */
	buf_deinit(&rules);
}

/* -- counters -------------------------------------------------------------------------------------- */

static void stats_v2(void **state)
{
	static const char *const files[] = {
		"cgroup.procs",
		"",
		"cpu.stat",
		"usage_usec 12\nuser_usec 7\nsystem_usec 5\nnr_periods 3\nnr_throttled 2\n"
		"throttled_usec 9\nnr_bursts 1\nburst_usec 4\n",
		"cpu.pressure",
		"some avg10=1.25 avg60=0.07 avg300=10.00 total=77\nfull avg10=0.00 avg60=0.00 "
		"avg300=0.01 total=5\n",
		"memory.stat",
		"anon 1\nfile 2\nkernel 99\ninactive_file 3\nworkingset_refault_anon 4\npgfault "
		"5\n",
		"memory.events",
		"low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n",
		"memory.current",
		"1000\n",
		"memory.max",
		"max\n",
		"memory.swap.max",
		"0\n",
		"pids.current",
		"4\n",
		"pids.max",
		"max\n",
		"io.stat",
		"8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 rbytes=5\n",
		"hugetlb.2MB.current",
		"2097152\n",
		"hugetlb.2MB.rsvd.current",
		"1\n",
		"hugetlb.2MB.max",
		"max\n",
		"hugetlb.2MB.events",
		"max 8\n",
		"rdma.current",
		"mlx hca_handle=1 hca_object=2\n",
		"rdma.max",
		"mlx hca_handle=max hca_object=9\n",
		NULL};
	struct cgroup_stats stats;
	struct fake fake;
	struct cgroup *group = fake_group(&fake, true, files);
	const struct cgroup_io2 *io;

	(void)state;
	assert_int_equal(cgroup_stats(group, &stats, NULL), 0);
	assert_int_equal(stats.cpu.usage, 12000);
	assert_int_equal(stats.cpu.system, 5000);
	assert_int_equal(stats.cpu.throttled, 2);
	assert_int_equal(stats.cpu.burst_time, 4000);
	assert_int_equal(stats.cpu.pressure.some.avg10, 125);
	assert_int_equal(stats.cpu.pressure.some.avg60, 7);
	assert_int_equal(stats.cpu.pressure.full.total_us, 5);
	assert_int_equal(stats.memory.v2.anon, 1);
	assert_int_equal(stats.memory.v2.inactive_file, 3);
	assert_int_equal(stats.memory.v2.workingset_refault_anon, 4);
	assert_int_equal(stats.memory.v2.workingset_refault, 0);
	assert_int_equal(stats.memory.v2.pgfault, 5);
	assert_int_equal(stats.memory.memory.usage, 1000);
	assert_true(stats.memory.memory.limit == UINT64_MAX);
	assert_int_equal(stats.oom.kills, 5);
	assert_int_equal(stats.oom.oom, 4);
	assert_int_equal(stats.pids.current, 4);
	assert_int_equal(BUF_COUNT(&stats.io.v2, struct cgroup_io2), 2);
	io = BUF_ITEM(&stats.io.v2, struct cgroup_io2, 0);
	assert_int_equal(io->writes, 4);
	assert_int_equal(BUF_COUNT(&stats.huge, struct cgroup_huge), 1);
	assert_int_equal(BUF_ITEM(&stats.huge, struct cgroup_huge, 0)->usage.failures, 8);
	assert_int_equal(BUF_COUNT(&stats.rdma, struct cgroup_rdma), 1);
	assert_int_equal(BUF_ITEM(&stats.rdma, struct cgroup_rdma, 0)->objects_limit, 9);
	assert_true((stats.unified >> CGROUP_MEMORY & 1) != 0);
	cgroup_stats_deinit(&stats);
	cgroup_free(group);
	fake_free(&fake);
}

static void stats_v1(void **state)
{
	static const char *const files[] = {
		"cpu.cgroup",
		"",
		"memory.stat",
		"cache 1\nrss 2\ninactive_file 3\nhierarchical_memsw_limit 4\ntotal_rss 5\n"
		"total_unevictable 6\n",
		"memory.oom_control",
		"oom_kill_disable 0\nunder_oom 0\noom_kill 7\n",
		"memory.limit_in_bytes",
		"9223372036854771712\n",
		"memory.usage_in_bytes",
		"100\n",
		"memory.failcnt",
		"3\n",
		"pids.max",
		"max\n",
		"blkio.throttle.io_service_bytes_recursive",
		"8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n",
		"blkio.time_recursive",
		"8:0 44\n",
		NULL};
	struct cgroup_stats stats;
	struct fake fake;
	struct cgroup *group = fake_group(&fake, false, files);

	(void)state;
	shell("cd '%s' && for d in */c; do : > $d/cgroup.procs; done", fake.top);
	assert_int_equal(cgroup_stats(group, &stats, NULL), 0);
	assert_int_equal(stats.memory.v1.rss, 2);
	assert_int_equal(stats.memory.v1.hierarchical_swap_limit, 4);
	assert_int_equal(stats.memory.v1.total_unevictable, 6);
	assert_int_equal(stats.oom.kills, 7);
	assert_true(stats.memory.memory.limit == UINT64_MAX);
	assert_int_equal(stats.memory.memory.failures, 3);
	assert_int_equal(BUF_COUNT(&stats.io.v1, struct cgroup_io1), 4);
	assert_string_equal(BUF_ITEM(&stats.io.v1, struct cgroup_io1, 1)->operation, "Write");
	assert_int_equal(BUF_ITEM(&stats.io.v1, struct cgroup_io1, 3)->value, 44);
	assert_int_equal(stats.unified, 0);
	cgroup_stats_deinit(&stats);
	shell("cd '%s' && rm -r */c", fake.top);
	cgroup_close(group);
	assert_int_equal(cgroup_stats(group, &stats, NULL), -ENODEV);
	cgroup_free(group);
	fake_free(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_hybrid),
		cmocka_unit_test(layout_odd),
		cmocka_unit_test(paths),
		cmocka_unit_test(create_and_delete),
		cmocka_unit_test(a_plan_is_undone),
		cmocka_unit_test(create_fails_clean),
		cmocka_unit_test(create_inherits),
		cmocka_unit_test(limits_v1),
		cmocka_unit_test(limits_v2),
		cmocka_unit_test(limits_refused),
		cmocka_unit_test(weights),
		cmocka_unit_test(device_rules),
		cmocka_unit_test(device_defaults),
		cmocka_unit_test(stats_v2),
		cmocka_unit_test(stats_v1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
