/* SPDX-License-Identifier: Apache-2.0 */
/* spec_test.c: what a config.json says arrives where spec.h promises it, and questions about it are answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/base.h"
#include "oci/test_text.h"

static struct oci_spec *read_with(test_parse_fn *parse, const char *text)
{
	struct oci_spec *spec = NULL;
	struct err err = {""};

	if (test_parse(parse, &spec, text, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	return spec;
}

static struct oci_spec *read_spec(const char *text)
{
	return read_with(oci_spec_parse, text);
}

#define NUMBER(number, wanted)                            \
	do {                                              \
		assert_true((number).given);              \
		assert_int_equal((number).value, wanted); \
	} while (0)

static void test_least(void **state)
{
	struct oci_spec *spec = read_spec(
		"{'ociVersion':'1.0.2-dev','root':{'path':'/r'},'linux':{},'hostname':''}");

	(void)state;
	assert_string_equal(spec->version, "1.0.2-dev");
	assert_string_equal(spec->root, "/r");
	assert_false(spec->root_is_readonly);
	assert_false(spec->has_process);
	assert_null(spec->hostname);
	assert_null(spec->cgroup);
	assert_int_equal(spec->process.scheduler_policy, -1);
	assert_int_equal(spec->unknown.count, 0);
	assert_null(spec->unknown.items[0]);
	assert_null(oci_annotation(spec, "a"));
	assert_int_equal(oci_handler(spec), OCI_HANDLER_ANY);
	oci_spec_free(spec);
	oci_spec_free(NULL);
}

/* null is as good as missing, and of two members with one name the last holds: as Go reads it. */
static void test_null_and_double(void **state)
{
	struct oci_spec *spec = read_spec(
		"{'ociVersion':'1.2.0','root':{'path':'a','path':'b','readonly':null},'process':"
		"null,'hooks':{'poststop':null},"
		"'mounts':null,'annotations':{'k':'1','j':null,'k':'2'},'linux':{'resources':null,'"
		"namespaces':null,"
		"'seccomp':null,'intelRdt':null,'netDevices':{},'rootfsPropagation':''}}");

	(void)state;
	assert_string_equal(spec->root, "b");
	assert_false(spec->has_process);
	assert_false(spec->seccomp.given);
	assert_int_equal(spec->annotations.count, 1);
	assert_string_equal(oci_annotation(spec, "k"), "2");
	assert_int_equal(spec->unknown.count, 0);
	oci_spec_free(spec);
}

static void test_unknown(void **state)
{
	struct oci_spec *spec = read_spec(
		"{'ociVersion':'1.2.0','root':{'path':'a','Path':'b'},'x':1,'windows':{'y':1},"
		"'mounts':[{'destination':'/a','type':'proc','opts':{}}],"
		"'linux':{'resources':{'memory':{'limits':1}}}}");
	static const char *const wanted[] = {"x", "root.Path", "mounts[0].opts",
					     "linux.resources.memory.limits"};

	(void)state;
	assert_int_equal(spec->unknown.count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(spec->unknown.items[i], wanted[i]);
	assert_null(spec->unknown.items[ARRAY_SIZE(wanted)]);
	oci_spec_free(spec);
}

static void test_process(void **state)
{
	struct oci_spec *spec = read_spec(PROCESS(
		",'args':['/m.wasm','b',''],'terminal':true,'consoleSize':{'height':25,'width':80},"
		"'user':{'uid':1,'gid':2,'umask':63,'additionalGids':[5,6]},'noNewPrivileges':true,"
		"'apparmorProfile':'p',"
		"'selinuxLabel':'','oomScoreAdj':-5,'rlimits':[{'type':'RLIMIT_NOFILE','soft':1,'"
		"hard':18446744073709551615}],"
		"'ioPriority':{'class':'IOPRIO_CLASS_IDLE','priority':4},'execCPUAffinity':{'"
		"initial':'7','final':'0-3, 7'},"
		"'scheduler':{'policy':'SCHED_FIFO','priority':9,'flags':['SCHED_FLAG_RESET_ON_"
		"FORK','SCHED_FLAG_RECLAIM']}"));
	const struct oci_process *p = &spec->process;

	(void)state;
	assert_true(spec->has_process);
	assert_int_equal(p->args.count, 3);
	assert_string_equal(p->args.items[0], "/m.wasm");
	assert_string_equal(p->args.items[2], "");
	assert_null(p->args.items[3]);
	assert_true(p->terminal && p->rows == 25 && p->columns == 80);
	assert_true(p->user.uid == 1 && p->user.gid == 2 && p->user.has_umask &&
		    p->user.umask == 077);
	assert_true(p->user.group_count == 2 && p->user.groups[0] == 5 && p->user.groups[1] == 6);
	assert_true(p->no_new_privileges);
	assert_string_equal(p->apparmor, "p");
	assert_null(p->selinux);
	assert_true(p->has_oom_score_adj && p->oom_score_adj == -5);
	assert_int_equal(p->rlimit_count, 1);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_true(p->rlimits[0].soft == 1 && p->rlimits[0].hard == UINT64_MAX);
	assert_true(p->ioprio_class == 3 && p->ioprio_level == 4);
	assert_string_equal(p->exec_cpus_final, "0-3, 7");
	assert_true(p->scheduler_policy == 1 && p->scheduler_priority == 9 &&
		    p->scheduler_flags == 3);
	oci_spec_free(spec);
	/* Without a terminal there is no size. */
	spec = read_spec(PROCESS(",'consoleSize':{'height':25,'width':80}"));
	assert_true(spec->process.rows == 0 && spec->process.columns == 0);
	assert_false(spec->process.user.has_umask || spec->process.has_oom_score_adj);
	oci_spec_free(spec);
}

static void test_env(void **state)
{
	struct oci_spec *spec =
		read_spec(PROCESS(",'env':['A=1','AB=2','A=3','C==','PATH=/bin','AB=4']"));
	static const char *const wanted[] = {"A=3", "C==", "PATH=/bin", "AB=4"};
	const struct oci_process *p = &spec->process;

	(void)state;
	assert_int_equal(p->env.count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(p->env.items[i], wanted[i]);
	assert_null(p->env.items[4]);
	assert_string_equal(oci_env(p, "A"), "3");
	assert_string_equal(oci_env(p, "C"), "=");
	assert_null(oci_env(p, "B"));
	assert_null(oci_env(p, "PAT"));
	oci_spec_free(spec);
}

/* Kubernetes gives each service of a namespace seven variables; a configuration may be 4 MiB. */
static void test_large_env(void **state)
{
	enum { COUNT = 100000 };
	char *text = malloc(4u << 20);
	char name[40];
	struct oci_spec *spec;
	size_t at = 0;

	(void)state;
	at += (size_t)sprintf(text, "{'ociVersion':'1.2.0','root':{'path':'r'},'process':{'cwd':'/"
				    "','args':['a'],'env':['X=y'");
	for (int i = 0; i < COUNT; i++)
		at += (size_t)sprintf(text + at, ",'NAME_%d=value of %d'", i % (COUNT - 1), i);
	sprintf(text + at, "]}}");
	spec = read_spec(text);
	assert_int_equal(spec->process.env.count, COUNT);
	assert_string_equal(spec->process.env.items[COUNT - 1], "NAME_0=value of 99999");
	snprintf(name, sizeof(name), "NAME_%d", COUNT - 2);
	assert_string_equal(oci_env(&spec->process, name), "value of 99998");
	oci_spec_free(spec);
	free(text);
}

#define BIT(n) (UINT64_C(1) << (n))

static void test_capabilities(void **state)
{
	struct oci_spec *spec =
		read_spec(PROCESS(",'capabilities':{'bounding':['CAP_KILL','CAP_NEW'],'permitted':["
				  "'CAP_KILL','CAP_CHECKPOINT_RESTORE'],"
				  "'effective':['CAP_KILL'],'inheritable':['CAP_KILL','kill'],'"
				  "ambient':['CAP_KILL','CAP_CHECKPOINT_RESTORE']}"));
	const struct oci_capabilities *set = &spec->process.capabilities;

	(void)state;
	assert_true(set->given);
	assert_true(set->bounding == BIT(5) && set->permitted == (BIT(5) | BIT(40)));
	assert_true(set->effective == BIT(5) && set->inheritable == BIT(5) &&
		    set->ambient == BIT(5));
	assert_int_equal(set->unknown.count, 2);
	assert_string_equal(set->unknown.items[0], "CAP_NEW");
	assert_string_equal(set->unknown.items[1], "kill");
	oci_spec_free(spec);
}

static void test_mount_options(void **state)
{
	struct oci_spec *spec = read_spec(
		WHOLE(",'mounts':[{'destination':'data','type':'none','source':'/"
		      "v','options':['rbind','ro','rw','rprivate','shared',"
		      "'rro','rrw','rnosuid','nosuid','relatime','mode=755','','size=1k']},"
		      "{'destination':'/"
		      "t','type':'tmpfs','source':'tmpfs','options':['nosuid','noexec','tmpcopyup',"
		      "'silent','defaults']},"
		      "{'destination':'/b','type':'bind','source':'/b'},{'destination':'/"
		      "c','source':'/c','options':['bind','ridmap'],"
		      "'uidMappings':[" RANGE(0, 100, 2) "],'gidMappings':[" RANGE(
			      0, 200, 3) "]},"
					 "{'destination':'/d','options':['remount','ro']}]"));
	const struct oci_mount *m = spec->mounts;

	(void)state;
	assert_int_equal(spec->mount_count, 5);
	assert_string_equal(m[0].destination, "/data");
	assert_true(m[0].is_bind && m[0].is_recursive && m[0].propagation == MS_SHARED);
	assert_true(m[0].set == (MS_NOSUID | MS_RELATIME) && m[0].clear == MS_RDONLY);
	assert_true(m[0].set_recursive == MS_NOSUID && m[0].clear_recursive == MS_RDONLY);
	assert_int_equal(m[0].data.count, 2);
	assert_string_equal(m[0].data.items[0], "mode=755");
	assert_string_equal(m[0].data.items[1], "size=1k");
	assert_null(m[0].data.items[2]);
	assert_true(m[1].copies_up && !m[1].is_bind && m[1].data.count == 0);
	assert_true(m[1].set == (MS_NOSUID | MS_NOEXEC | MS_SILENT));
	assert_true(m[2].is_bind && !m[2].is_recursive);
	assert_string_equal(m[3].type, "bind");
	assert_true(m[3].idmap && m[3].idmap_recursive && m[3].uids.count == 1 &&
		    m[3].gids.items[0].size == 3);
	assert_true(m[4].set == (MS_REMOUNT | MS_RDONLY) && m[4].type == NULL);
	oci_spec_free(spec);
}

/* Every word of the table does what it says, and none of them ends up with the file system. */
static void test_every_option(void **state)
{
	enum { SET, CLEAR, SET_ALL, CLEAR_ALL, PROPAGATE, BIND, IDMAP, COPY_UP, NOTHING };
	static const struct {
		const char *word;
		int what;
		uint32_t flags;
	} options[] = {
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#define OPTION(word, what, flags) {word, what, flags},
#include "oci/mount_options.def"
#undef OPTION
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char text[300];
		struct oci_spec *spec;
		const struct oci_mount *m;

		snprintf(text, sizeof(text),
			 "{'ociVersion':'1.2.0','root':{'path':'r'},'linux':{'namespaces':[{'type':"
			 "'user','path':'/u'}]},"
			 "'mounts':[{'destination':'/"
			 "a','type':'tmpfs','source':'s','options':['%s']}]}",
			 options[i].word);
		spec = read_spec(text);
		m = spec->mounts;
		assert_int_equal(m->data.count, 0);
		assert_true(m->set == (options[i].what == SET ? options[i].flags : 0));
		assert_true(m->clear == (options[i].what == CLEAR ? options[i].flags : 0));
		assert_true(m->set_recursive ==
			    (options[i].what == SET_ALL ? options[i].flags : 0));
		assert_true(m->clear_recursive ==
			    (options[i].what == CLEAR_ALL ? options[i].flags : 0));
		assert_true(m->propagation ==
			    (options[i].what == PROPAGATE ? options[i].flags : 0));
		assert_int_equal(m->is_bind, options[i].what == BIND);
		assert_int_equal(m->idmap, options[i].what == IDMAP);
		assert_int_equal(m->copies_up, options[i].what == COPY_UP);
		if (i > 0)
			assert_true(strcmp(options[i - 1].word, options[i].word) < 0);
		oci_spec_free(spec);
	}
}

static void test_linux(void **state)
{
	struct oci_spec *spec = read_spec(
		WHOLE(",'hostname':'h','domainname':'d','linux':{'namespaces':[{'type':'uts'},{'"
		      "type':'network','path':'/run/netns/a'},"
		      "{'type':'user'},{'type':'time'},{'type':'ipc','path':''}],'uidMappings':"
		      "[" RANGE(0, 1000, 10) "," RANGE(
			      10, 70000,
			      5) "],"
				 "'gidMappings':[" RANGE(
					 0, 1000,
					 10) "],'timeOffsets':{'boottime':{'secs':-7,'nanosecs':5},"
					     "'monotonic':{}},"
					     "'cgroupsPath':'system.slice:docker:a..b','"
					     "rootfsPropagation':'rslave','maskedPaths':['/proc/"
					     "kcore'],'readonlyPaths':[],"
					     "'mountLabel':'l','personality':{'domain':'LINUX32'},'"
					     "sysctl':{'net/ipv4/conf/eth0.1/rp_filter':'1',"
					     "'net.ipv4.conf.eth0/"
					     "2.rp_filter':'2','kernel.shmmax':'3','fs.mqueue.msg_"
					     "max':'4','kernel.domainname':'d'},"
					     "'devices':[{'path':'/dev/"
					     "fuse','type':'u','major':10,'minor':229,'fileMode':"
					     "8630,'uid':3,'gid':4},"
					     "{'path':'/dev/"
					     "sda','type':'b','major':8,'minor':0},{'path':'/"
					     "p','type':'p','fileMode':384}]}"));
	static const char *const sysctls[] = {"fs/mqueue/msg_max", "kernel/domainname",
					      "kernel/shmmax", "net/ipv4/conf/eth0.2/rp_filter",
					      "net/ipv4/conf/eth0.1/rp_filter"};
	const struct oci_device *d = spec->devices;

	(void)state;
	assert_string_equal(spec->hostname, "h");
	assert_string_equal(spec->domainname, "d");
	assert_true(spec->namespaces[OCI_NS_UTS].wanted &&
		    spec->namespaces[OCI_NS_UTS].path == NULL);
	assert_string_equal(spec->namespaces[OCI_NS_NETWORK].path, "/run/netns/a");
	assert_true(spec->namespaces[OCI_NS_IPC].wanted &&
		    spec->namespaces[OCI_NS_IPC].path == NULL);
	assert_false(spec->namespaces[OCI_NS_PID].wanted || spec->namespaces[OCI_NS_CGROUP].wanted);
	assert_true(spec->uids.count == 2 && spec->uids.items[1].inside == 10 &&
		    spec->uids.items[1].outside == 70000);
	assert_true(spec->boottime.given && spec->boottime.seconds == -7 &&
		    spec->boottime.nanoseconds == 5);
	assert_true(spec->monotonic.given && spec->monotonic.seconds == 0);
	assert_string_equal(spec->cgroup, "system.slice:docker:a..b");
	assert_true(spec->root_propagation == (MS_SLAVE | MS_REC));
	assert_int_equal(spec->masked_paths.count, 1);
	assert_int_equal(spec->readonly_paths.count, 0);
	assert_string_equal(spec->mount_label, "l");
	assert_true(spec->personality_linux32);
	assert_int_equal(spec->sysctls.count, ARRAY_SIZE(sysctls));
	for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++)
		assert_string_equal(spec->sysctls.items[i].key, sysctls[i]);
	assert_string_equal(spec->sysctls.items[3].value, "2");
	assert_int_equal(spec->device_count, 3);
	assert_true(d[0].type == S_IFCHR && d[0].mode == 0666 && d[0].major == 10 &&
		    d[0].minor == 229);
	assert_true(d[0].uid == 3 && d[0].gid == 4);
	assert_true(d[1].type == S_IFBLK && d[1].mode == 0666);
	assert_true(d[2].type == S_IFIFO && d[2].mode == 0600);
	oci_spec_free(spec);
}

static void test_hooks(void **state)
{
	struct oci_spec *spec = read_spec(
		WHOLE(",'hooks':{'prestart':[{'path':'/a','args':['a','b'],'env':['X']},{'path':'/"
		      "b','timeout':7}],'createRuntime':[{'path':'/c'}],"
		      "'createContainer':[],'startContainer':[{'path':'/"
		      "e'}],'poststart':[{'path':'/f'}],'poststop':[{'path':'/g'}]}"));

	(void)state;
	assert_int_equal(spec->hooks[OCI_HOOK_PRESTART].count, 2);
	assert_string_equal(spec->hooks[OCI_HOOK_PRESTART].items[0].args.items[1], "b");
	assert_string_equal(spec->hooks[OCI_HOOK_PRESTART].items[0].env.items[0], "X");
	assert_int_equal(spec->hooks[OCI_HOOK_PRESTART].items[0].timeout, 0);
	assert_int_equal(spec->hooks[OCI_HOOK_PRESTART].items[1].timeout, 7);
	assert_string_equal(spec->hooks[OCI_HOOK_CREATE_RUNTIME].items[0].path, "/c");
	assert_int_equal(spec->hooks[OCI_HOOK_CREATE_CONTAINER].count, 0);
	assert_string_equal(spec->hooks[OCI_HOOK_START_CONTAINER].items[0].path, "/e");
	assert_string_equal(spec->hooks[OCI_HOOK_POSTSTART].items[0].path, "/f");
	assert_string_equal(spec->hooks[OCI_HOOK_POSTSTOP].items[0].path, "/g");
	oci_spec_free(spec);
}

static void test_resources(void **state)
{
	struct oci_spec *spec = read_spec(
		RESOURCES("'memory':{'limit':536870912,'reservation':0,'swap':-1,'kernel':-1,'"
			  "kernelTCP':5,'swappiness':0,'disableOOMKiller':false,"
			  "'useHierarchy':true},'cpu':{'shares':1024,'quota':-1,'burst':0,'period':"
			  "0,'realtimeRuntime':950000,'realtimePeriod':1000000,"
			  "'cpus':'2-3','mems':'0-7','idle':1},'pids':{'limit':32771},'blockIO':{'"
			  "weight':0,'leafWeight':10,'weightDevice':"
			  "[{'major':8,'minor':16,'weight':500}],'throttleReadBpsDevice':[{'major':"
			  "8,'minor':0,'rate':600}],'throttleWriteIOPSDevice':"
			  "[{'major':8,'minor':16,'rate':18446744073709551615}]},'hugepageLimits':["
			  "{'pageSize':'2MB','limit':9223372036854771712}],"
			  "'network':{'classID':1048577,'priorities':[{'name':'eth0','priority':"
			  "500}]},'rdma':{'mlx5_1':{'hcaHandles':3},"
			  "'a':{'hcaObjects':1}},'unified':{'memory.high':'1','cgroup.freeze':'0'},"
			  "'devices':[{'allow':false,'access':'m'},"
			  "{'allow':true,'type':'c','major':10,'minor':229,'access':'rw'},{'allow':"
			  "true,'type':'b','major':8,'access':'m'}]"));
	const struct oci_resources *res = &spec->resources;

	(void)state;
	NUMBER(res->memory_limit, 536870912);
	assert_false(res->memory_reservation.given);
	NUMBER(res->memory_swap, OCI_UNLIMITED);
	NUMBER(res->kernel_memory, OCI_UNLIMITED);
	NUMBER(res->kernel_memory_tcp, 5);
	NUMBER(res->swappiness, 0);
	NUMBER(res->oom_kill_disable, 0);
	NUMBER(res->use_hierarchy, 1);
	assert_false(res->check_before_update.given);
	NUMBER(res->cpu_shares, 1024);
	NUMBER(res->cpu_quota, OCI_UNLIMITED);
	NUMBER(res->cpu_burst, 0);
	assert_false(res->cpu_period.given);
	NUMBER(res->cpu_realtime_runtime, 950000);
	NUMBER(res->cpu_idle, 1);
	assert_string_equal(res->cpus, "2-3");
	assert_string_equal(res->mems, "0-7");
	NUMBER(res->pids_limit, 32771);
	assert_false(res->io_weight.given);
	NUMBER(res->io_leaf_weight, 10);
	NUMBER(res->io_weights[0].weight, 500);
	assert_false(res->io_weights[0].leaf_weight.given);
	assert_true(res->read_bps.count == 1 && res->read_bps.items[0].rate == 600 &&
		    res->write_bps.count == 0);
	assert_true(res->write_iops.items[0].minor == 16 &&
		    res->write_iops.items[0].rate == UINT64_MAX);
	assert_string_equal(res->hugepages[0].size, "2MB");
	assert_true(res->hugepages[0].limit == UINT64_C(9223372036854771712));
	NUMBER(res->network_class, 1048577);
	assert_string_equal(res->network_priorities[0].name, "eth0");
	assert_int_equal(res->rdma_count, 2);
	assert_string_equal(res->rdma[0].device, "a");
	assert_string_equal(res->rdma[1].device, "mlx5_1");
	NUMBER(res->rdma[1].handles, 3);
	assert_int_equal(res->unified.count, 2);
	assert_string_equal(res->unified.items[0].key, "cgroup.freeze");
	assert_int_equal(res->device_count, 3);
	assert_true(res->devices[0].type == 'a' && res->devices[0].major == -1 &&
		    res->devices[0].read);
	assert_true(res->devices[1].type == 'c' && res->devices[1].minor == 229 &&
		    !res->devices[1].mknod);
	assert_true(res->devices[2].major == 8 && res->devices[2].minor == -1 &&
		    !res->devices[2].write);
	oci_spec_free(spec);
}

static void test_seccomp(void **state)
{
	struct oci_spec *spec = read_spec(
		LINUX("'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,'"
		      "architectures':['SCMP_ARCH_X86_64','SCMP_ARCH_X32'],"
		      "'flags':['SECCOMP_FILTER_FLAG_LOG','SECCOMP_FILTER_FLAG_SPEC_ALLOW'],'"
		      "listenerPath':'/run/x','syscalls':["
		      "{'names':['read','write'],'action':'SCMP_ACT_ALLOW','args':[]},"
		      "{'names':['personality'],'action':'SCMP_ACT_ALLOW','args':[{'index':0,'"
		      "value':0,'op':'SCMP_CMP_EQ'},"
		      "{'index':0,'value':8,'op':'SCMP_CMP_EQ'},{'index':1,'value':9,'op':'SCMP_"
		      "CMP_GT'}]},"
		      "{'names':['clone'],'action':'SCMP_ACT_ERRNO','args':[{'index':0,'value':"
		      "18446744073709551615,'valueTwo':7,"
		      "'op':'SCMP_CMP_MASKED_EQ'},{'index':1,'value':1,'op':'SCMP_CMP_NE'}]},"
		      "{'names':['a'],'action':'SCMP_ACT_KILL'},{'names':['b'],'action':'SCMP_ACT_"
		      "TRACE','errnoRet':5000}]}"));
	const struct oci_seccomp *s = &spec->seccomp;

	(void)state;
	assert_true(s->given && s->otherwise == OCI_ACT_ERRNO && s->otherwise_error == 38);
	assert_int_equal(s->architectures.count, 2);
	assert_int_equal(s->flags, 6);
	assert_null(s->listener); /* nobody notifies */
	assert_int_equal(s->rule_count, 7);
	assert_true(s->rules[0].names.count == 2 && s->rules[0].arg_count == 0 &&
		    s->rules[0].error == 0);
	for (int i = 1; i <= 3; i++) {
		assert_string_equal(s->rules[i].names.items[0], "personality");
		assert_int_equal(s->rules[i].arg_count, 1);
	}
	assert_true(s->rules[2].args[0].value == 8 && s->rules[3].args[0].index == 1);
	assert_true(s->rules[4].arg_count == 2 && s->rules[4].args[0].op == OCI_OP_MASKED_EQ);
	assert_true(s->rules[4].args[0].value == UINT64_MAX && s->rules[4].args[0].value_two == 7);
	assert_int_equal(s->rules[4].error, 1);
	assert_true(s->rules[5].action == OCI_ACT_KILL_THREAD && s->rules[5].error == 0);
	assert_true(s->rules[6].action == OCI_ACT_TRACE && s->rules[6].error == 5000);
	oci_spec_free(spec);
}

static void test_parts(void **state)
{
	struct oci_spec *spec =
		read_with(oci_process_parse, "{'cwd':'/','args':['a'],'env':['A=b'],'y':1}");

	(void)state;
	assert_true(spec->has_process);
	assert_string_equal(spec->process.cwd, "/");
	assert_string_equal(spec->unknown.items[0], "process.y");
	oci_spec_free(spec);
	/* An update may change swap alone: the limit is what it was. */
	spec = read_with(oci_resources_parse, "{'memory':{'swap':5},'pids':{'limit':-1}}");
	NUMBER(spec->resources.memory_swap, 5);
	NUMBER(spec->resources.pids_limit, OCI_UNLIMITED);
	oci_spec_free(spec);
}

#define ANNOTATED(program, rest) \
	WHOLE(",'process':{'cwd':'/','args':['" program "']},'annotations':{" rest "}")

/* crun's rules. */
static void test_handler(void **state)
{
	static const struct {
		const char *text;
		enum oci_handler handler;
	} cases[] = {
		{ANNOTATED("/m.wasm", ""), OCI_HANDLER_ANY},
		{ANNOTATED("/m", "'module.wasm.image/variant':'compat'"), OCI_HANDLER_WASM},
		{ANNOTATED("/m", "'module.wasm.image/variant':'compat-smart'"), OCI_HANDLER_ANY},
		{ANNOTATED("/m.wasm", "'module.wasm.image/variant':'compat-smart'"),
		 OCI_HANDLER_WASM},
		{ANNOTATED("/m.WAT", "'module.wasm.image/variant':'compat-smart'"),
		 OCI_HANDLER_WASM},
		{ANNOTATED("wasm", "'module.wasm.image/variant':'compat-smart'"), OCI_HANDLER_ANY},
		{ANNOTATED("/m.wasm", "'module.wasm.image/variant':'other'"), OCI_HANDLER_ANY},
		{ANNOTATED("/m", "'run.oci.handler':'wasm'"), OCI_HANDLER_WASM},
		{ANNOTATED("/m", "'run.oci.handler':'skiff'"), OCI_HANDLER_WASM},
		{ANNOTATED("/m", "'run.oci.handler':'wasm-smart'"), OCI_HANDLER_ANY},
		{ANNOTATED("/m.wasm", "'run.oci.handler':'wasm-smart'"), OCI_HANDLER_WASM},
		{ANNOTATED("/m.wasm", "'run.oci.handler':'krun'"), OCI_HANDLER_NATIVE},
		/* The handler speaks first: the variant is not asked. */
		{ANNOTATED("/m",
			   "'run.oci.handler':'wasm-smart','module.wasm.image/variant':'compat'"),
		 OCI_HANDLER_ANY},
		{ANNOTATED("/m.wasm",
			   "'run.oci.handler':'krun','module.wasm.image/variant':'compat'"),
		 OCI_HANDLER_NATIVE},
		/* A pod's pause is native whatever the pod's annotations say. */
		{ANNOTATED("/pause", "'io.kubernetes.cri.container-type':'sandbox','module.wasm."
				     "image/variant':'compat'"),
		 OCI_HANDLER_NATIVE},
		{ANNOTATED(
			 "/pause",
			 "'io.kubernetes.cri-o.ContainerType':'sandbox','run.oci.handler':'wasm'"),
		 OCI_HANDLER_NATIVE},
		{ANNOTATED(
			 "/m",
			 "'io.kubernetes.cri.container-type':'container','run.oci.handler':'wasm'"),
		 OCI_HANDLER_WASM},
		{WHOLE(",'annotations':{'run.oci.handler':'wasm-smart'}"), OCI_HANDLER_ANY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct oci_spec *spec = read_spec(cases[i].text);

		if (oci_handler(spec) != cases[i].handler)
			fail_msg("%s: %d", cases[i].text, oci_handler(spec));
		oci_spec_free(spec);
	}
}

static void test_annotations(void **state)
{
	struct oci_spec *spec =
		read_spec(WHOLE(",'annotations':{'z':'1','a':'2','m.n/o':'3','b':''}"));

	(void)state;
	assert_string_equal(oci_annotation(spec, "z"), "1");
	assert_string_equal(oci_annotation(spec, "a"), "2");
	assert_string_equal(oci_annotation(spec, "m.n/o"), "3");
	assert_string_equal(oci_annotation(spec, "b"), "");
	assert_null(oci_annotation(spec, "c"));
	assert_null(oci_annotation(spec, ""));
	oci_spec_free(spec);
}

static void test_entry(void **state)
{
	static const struct {
		const char *arg;
		size_t size;
		const char *function;
	} cases[] = {
		{"/m.wasm", 7, NULL}, {"/m.wasm#run", 7, "run"}, {"/m.wasm#", 7, NULL},
		{"#run", 0, "run"},   {"a#b#c", 1, "b#c"},       {"", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *function = "?";

		assert_int_equal(oci_entry_path(cases[i].arg, &function), cases[i].size);
		if (cases[i].function == NULL)
			assert_null(function);
		else
			assert_string_equal(function, cases[i].function);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_least),        cmocka_unit_test(test_null_and_double),
		cmocka_unit_test(test_unknown),      cmocka_unit_test(test_process),
		cmocka_unit_test(test_env),          cmocka_unit_test(test_large_env),
		cmocka_unit_test(test_capabilities), cmocka_unit_test(test_mount_options),
		cmocka_unit_test(test_every_option), cmocka_unit_test(test_linux),
		cmocka_unit_test(test_hooks),        cmocka_unit_test(test_resources),
		cmocka_unit_test(test_seccomp),      cmocka_unit_test(test_parts),
		cmocka_unit_test(test_handler),      cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
