/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_bad_test.c: what is refused, and the exact sentence: missing, mistyped, out of range, contradictory. One row each.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base.h"
#include "oci/test_text.h"

struct bad {
	const char *text;
	const char *sentence;
};

/* table-like: an input a row. */
static const struct bad bad_specs[] = {
	/* The file */
	{"", "line 1, column 1: expected a value, found the end of the text"},
	{"{'ociVersion':", "line 1, column 15: expected a value, found the end of the text"},
	{"[]", "config.json: must be an object, is an array"},
	{"'config'", "config.json: must be an object, is a string"},
	{"{}", "ociVersion: is missing"},
	{"{'ociVersion':null}", "ociVersion: is missing"},
	{"{'ociVersion':''}", "ociVersion: must not be empty"},
	{"{'ociVersion':1}", "ociVersion: must be a string, is a number"},
	{"{'ociVersion':'1.0\\u0000'}", "ociVersion: holds a NUL character"},
	{"{'ociVersion':'one'}", "ociVersion: 'one' is not a version"},
	{"{'ociVersion':'1'}", "ociVersion: '1' is not a version"},
	{"{'ociVersion':'1.x'}", "ociVersion: '1.x' is not a version"},
	{"{'ociVersion':'2.0.0','what':1}",
	 "ociVersion: version 2.0.0 is not supported, only 1.x is"},
	{"{'ociVersion':'10.0'}", "ociVersion: version 10.0 is not supported, only 1.x is"},
	{"{'ociVersion':'0.5.0-dev'}",
	 "ociVersion: version 0.5.0-dev is not supported, only 1.x is"},
	/* root */
	{"{'ociVersion':'1.0.2'}", "root: is missing"},
	{"{'ociVersion':'1.0.2','root':null}", "root: is missing"},
	{"{'ociVersion':'1.0.2','root':'rootfs'}", "root: must be an object, is a string"},
	{"{'ociVersion':'1.0.2','root':{}}", "root.path: is missing"},
	{"{'ociVersion':'1.0.2','root':{'path':''}}", "root.path: must not be empty"},
	{"{'ociVersion':'1.0.2','root':{'path':'a\\u0000b'}}", "root.path: holds a NUL character"},
	{"{'ociVersion':'1.0.2','root':{'path':'r','readonly':'yes'}}",
	 "root.readonly: must be true or false, is a string"},
	/* process */
	{WHOLE(",'process':[]"), "process: must be an object, is an array"},
	{WHOLE(",'process':{}"), "process.cwd: is missing"},
	{WHOLE(",'process':{'cwd':'/'}"), "process.args: is missing"},
	{WHOLE(",'process':{'cwd':'/','args':[]}"), "process.args: must not be empty"},
	{WHOLE(",'process':{'cwd':'/','args':['']}"), "process.args[0]: must not be empty"},
	{WHOLE(",'process':{'cwd':'/','args':'a'}"), "process.args: must be an array, is a string"},
	{WHOLE(",'process':{'cwd':'/','args':['a',1]}"),
	 "process.args[1]: must be a string, is a number"},
	{WHOLE(",'process':{'cwd':'/','args':['a',null]}"),
	 "process.args[1]: must be a string, is null"},
	{WHOLE(",'process':{'cwd':'/','args':['a','b\\u0000']}"),
	 "process.args[1]: holds a NUL character"},
	{WHOLE(",'process':{'cwd':'','args':['a']}"), "process.cwd: must not be empty"},
	{WHOLE(",'process':{'cwd':'home','args':['a']}"),
	 "process.cwd: must be an absolute path, is 'home'"},
	{PROCESS(",'terminal':1"), "process.terminal: must be true or false, is a number"},
	{PROCESS(",'consoleSize':{'height':1}"), "process.consoleSize.width: is missing"},
	{PROCESS(",'consoleSize':{'height':1,'width':65536}"),
	 "process.consoleSize.width: must be from 0 to 65535, is 65536"},
	{PROCESS(",'consoleSize':{'height':-1,'width':1}"),
	 "process.consoleSize.height: must be from 0 to 65535, is -1"},
	{PROCESS(",'env':['A=b','HOME']"), "process.env[1]: must be NAME=VALUE, has no '='"},
	{PROCESS(",'env':['=b']"), "process.env[0]: must be NAME=VALUE, has no name"},
	{PROCESS(",'env':['']"), "process.env[0]: must be NAME=VALUE, has no '='"},
	{PROCESS(",'env':{'A':'b'}"), "process.env: must be an array, is an object"},
	{PROCESS(",'env':['A=\\u0000']"), "process.env[0]: holds a NUL character"},
	{PROCESS(",'user':'root'"), "process.user: must be an object, is a string"},
	{PROCESS(",'user':{'uid':-1}"), "process.user.uid: must be from 0 to 4294967294, is -1"},
	{PROCESS(",'user':{'uid':4294967295}"),
	 "process.user.uid: must be from 0 to 4294967294, is 4294967295"},
	{PROCESS(",'user':{'gid':1.5}"),
	 "process.user.gid: must be a whole number from 0 to 4294967294"},
	{PROCESS(",'user':{'gid':1e99}"),
	 "process.user.gid: must be a whole number from 0 to 4294967294"},
	{PROCESS(",'user':{'umask':512}"), "process.user.umask: must be from 0 to 511, is 512"},
	{PROCESS(",'user':{'additionalGids':[1,'2']}"),
	 "process.user.additionalGids[1]: must be a whole number, is a string"},
	{PROCESS(",'user':{'additionalGids':5}"),
	 "process.user.additionalGids: must be an array, is a number"},
	{PROCESS(",'capabilities':['CAP_KILL']"),
	 "process.capabilities: must be an object, is an array"},
	{PROCESS(",'capabilities':{'bounding':[5]}"),
	 "process.capabilities.bounding[0]: must be a string, is a number"},
	{PROCESS(",'capabilities':{'effective':['CAP_KILL','CAP_SYS_ADMIN'],'permitted':['CAP_KILL'"
		 "]}"),
	 "process.capabilities.effective: CAP_SYS_ADMIN is not in process.capabilities.permitted"},
	{PROCESS(",'rlimits':[{'type':'RLIMIT_CORE','soft':1}]"),
	 "process.rlimits[0].hard: is missing"},
	{PROCESS(",'rlimits':[{'soft':1,'hard':1}]"), "process.rlimits[0].type: is missing"},
	{PROCESS(",'rlimits':[{'type':'','soft':1,'hard':1}]"),
	 "process.rlimits[0].type: must not be empty"},
	{PROCESS(",'rlimits':[{'type':'NOFILE','soft':1,'hard':1}]"),
	 "process.rlimits[0].type: 'NOFILE' is not a resource limit"},
	{PROCESS(",'rlimits':[{'type':'RLIMIT_CORE','soft':2,'hard':1}]"),
	 "process.rlimits[0].soft: must be at most the hard limit, 1, is 2"},
	{PROCESS(",'rlimits':[{'type':'RLIMIT_CORE','soft':1,'hard':-1}]"),
	 "process.rlimits[0].hard: must be from 0 to 18446744073709551615, is -1"},
	{PROCESS(",'rlimits':[{'type':'RLIMIT_AS','soft':1,'hard':1},{'type':'RLIMIT_AS','soft':1,'"
		 "hard':1}]"),
	 "process.rlimits[1]: RLIMIT_AS is limited twice"},
	{PROCESS(",'oomScoreAdj':1001"),
	 "process.oomScoreAdj: must be from -1000 to 1000, is 1001"},
	{PROCESS(",'oomScoreAdj':-1001"),
	 "process.oomScoreAdj: must be from -1000 to 1000, is -1001"},
	{PROCESS(",'oomScoreAdj':'5'"), "process.oomScoreAdj: must be a whole number, is a string"},
	{PROCESS(",'scheduler':{}"), "process.scheduler.policy: is missing"},
	{PROCESS(",'scheduler':{'policy':'SCHED_ISO'}"),
	 "process.scheduler.policy: 'SCHED_ISO' is not a scheduling policy of Linux"},
	{PROCESS(",'scheduler':{'policy':'SCHED_OTHER','nice':20}"),
	 "process.scheduler.nice: must be from -20 to 19, is 20"},
	{PROCESS(",'scheduler':{'policy':'SCHED_OTHER','priority':1}"),
	 "process.scheduler.priority: is for SCHED_FIFO and SCHED_RR only"},
	{PROCESS(",'scheduler':{'policy':'SCHED_RR'}"),
	 "process.scheduler.priority: must be from 1 to 99, with SCHED_FIFO and SCHED_RR"},
	{PROCESS(",'scheduler':{'policy':'SCHED_OTHER','period':5}"),
	 "process.scheduler: runtime, deadline and period are for SCHED_DEADLINE only"},
	{PROCESS(",'scheduler':{'policy':'SCHED_DEADLINE'}"),
	 "process.scheduler.runtime: is missing, with SCHED_DEADLINE"},
	{PROCESS(",'scheduler':{'policy':'SCHED_DEADLINE','runtime':5,'deadline':4}"),
	 "process.scheduler.deadline: must not be less than runtime"},
	{PROCESS(",'scheduler':{'policy':'SCHED_DEADLINE','runtime':5,'deadline':6,'period':5}"),
	 "process.scheduler.period: must not be less than deadline"},
	{PROCESS(",'scheduler':{'policy':'SCHED_OTHER','flags':['SCHED_FLAG_X']}"),
	 "process.scheduler.flags[0]: 'SCHED_FLAG_X' is not a scheduling flag"},
	{PROCESS(",'ioPriority':{'priority':1}"), "process.ioPriority.class: is missing"},
	{PROCESS(",'ioPriority':{'class':'RT','priority':1}"),
	 "process.ioPriority.class: 'RT' is not an I/O priority class"},
	{PROCESS(",'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}"),
	 "process.ioPriority.priority: must be from 0 to 7, is 8"},
	{PROCESS(",'execCPUAffinity':{'initial':'0-'}"),
	 "process.execCPUAffinity.initial: must be a list of numbers and ranges as 0-3,7, is '0-'"},
	/* mounts */
	{WHOLE(",'mounts':{}"), "mounts: must be an array, is an object"},
	{WHOLE(",'mounts':[null]"), "mounts[0]: must be an object, is null"},
	{WHOLE(",'mounts':[{}]"), "mounts[0].destination: is missing"},
	{WHOLE(",'mounts':[{'destination':''}]"), "mounts[0].destination: must not be empty"},
	{MOUNT(""), "mounts[0].type: is missing, and the options do not say bind"},
	{MOUNT(",'options':['rbind']"), "mounts[0].source: is missing, of a bind mount"},
	{MOUNT(",'type':'bind','source':''"), "mounts[0].source: is missing, of a bind mount"},
	{MOUNT(",'type':'tmpfs','options':'ro'"),
	 "mounts[0].options: must be an array, is a string"},
	{MOUNT(",'type':'tmpfs','options':['ro','a\\u0000']"),
	 "mounts[0].options[1]: holds a NUL character"},
	{MOUNT(",'type':'proc','options':['tmpcopyup']"),
	 "mounts[0].options: tmpcopyup is for tmpfs only"},
	{MOUNT(",'source':'/','options':['bind','idmap']"),
	 "mounts[0].options: idmap needs uidMappings and gidMappings, or a user namespace"},
	{MOUNT(",'source':'/','options':['bind'],'uidMappings':[" RANGE(0, 0, 1) "]"),
	 "mounts[0].gidMappings: is missing beside uidMappings"},
	{MOUNT(",'source':'/','options':['bind'],'uidMappings':[{}]"),
	 "mounts[0].uidMappings[0].containerID: is missing"},
	/* hooks, annotations, names */
	{WHOLE(",'hooks':{'prestart':[{}]}"), "hooks.prestart[0].path: is missing"},
	{WHOLE(",'hooks':{'poststop':[{'path':'bin/true'}]}"),
	 "hooks.poststop[0].path: must be an absolute path, is 'bin/true'"},
	{WHOLE(",'hooks':{'createRuntime':[{'path':'/a','timeout':0}]}"),
	 "hooks.createRuntime[0].timeout: must be from 1 to 2147483647, is 0"},
	{WHOLE(",'annotations':{'a':1}"), "annotations[\"a\"]: must be a string, is a number"},
	{WHOLE(",'annotations':{'':'b'}"), "annotations: a name in it is empty"},
	{WHOLE(",'annotations':{'a\\u0000b':'b'}"),
	 "annotations: a name in it holds a NUL character"},
	{WHOLE(",'annotations':['a']"), "annotations: must be an object, is an array"},
	{WHOLE(",'hostname':'a'"), "hostname: needs a uts namespace in linux.namespaces"},
	{WHOLE(",'domainname':'a'"), "domainname: needs a uts namespace in linux.namespaces"},
	{WHOLE(",'hostname':'0123456789012345678901234567890123456789012345678901234567890123x',"
	       "'linux':{'namespaces':[{'type':'uts'}]}"),
	 "hostname: must have at most 64 bytes, has 65"},
	/* namespaces and mappings */
	{LINUX("'namespaces':[{}]"), "linux.namespaces[0].type: is missing"},
	{LINUX("'namespaces':[{'type':'net'}]"),
	 "linux.namespaces[0].type: 'net' is not a kind of namespace"},
	{LINUX("'namespaces':['pid']"), "linux.namespaces[0]: must be an object, is a string"},
	{LINUX("'namespaces':[{'type':'pid','path':'ns/pid'}]"),
	 "linux.namespaces[0].path: must be an absolute path, is 'ns/pid'"},
	{LINUX("'namespaces':[{'type':'pid'},{'type':'ipc'},{'type':'pid','path':'/a'}]"),
	 "linux.namespaces[2]: there are two pid namespaces"},
	{LINUX("'uidMappings':[" RANGE(0, 0, 1) "]"),
	 "linux.uidMappings: needs a user namespace in linux.namespaces"},
	{LINUX("'gidMappings':[" RANGE(0, 0, 1) "]"),
	 "linux.uidMappings: is missing beside gidMappings"},
	{LINUX(USER_NS "'uidMappings':[" RANGE(0, 0, 1) "]"),
	 "linux.gidMappings: is missing beside uidMappings"},
	{LINUX("'namespaces':[{'type':'user'}]"),
	 "linux.uidMappings: is missing, with a new user namespace"},
	{LINUX(USER_NS "'uidMappings':[" RANGE(0, 0, 0) "]"),
	 "linux.uidMappings[0].size: must be from 1 to 4294967295, is 0"},
	{LINUX(USER_NS "'uidMappings':[" RANGE(1, 4294967290, 6) "]"),
	 "linux.uidMappings[0].size: goes beyond the last id"},
	{LINUX(USER_NS "'uidMappings':[" RANGE(0, 100, 10) "," RANGE(
		 9, 200, 1) "],'gidMappings':[" RANGE(0, 0, 1) "]"),
	 "linux.uidMappings[1]: overlaps range 0"},
	{LINUX(USER_NS "'uidMappings':[" RANGE(0, 0, 1) "],'gidMappings':[" RANGE(
		 0, 5, 1) "," RANGE(7, 5, 1) "]"),
	 "linux.gidMappings[1]: overlaps range 0"},
	{PROCESS(",'user':{'uid':5}},'linux':{" USER_NS
		 "'uidMappings':[" RANGE(0, 9, 5) "],'gidMappings':[" RANGE(0, 9, 5) "]"),
	 "process.user.uid: 5 is not in linux.uidMappings"},
	{PROCESS(",'user':{'gid':5}},'linux':{" USER_NS
		 "'uidMappings':[" RANGE(0, 9, 5) "],'gidMappings':[" RANGE(0, 9, 5) "]"),
	 "process.user.gid: 5 is not in linux.gidMappings"},
	{PROCESS(",'user':{'additionalGids':[4,6]}},'linux':{" USER_NS
		 "'uidMappings':[" RANGE(0, 9, 5) "],'gidMappings':[" RANGE(0, 9, 5) "]"),
	 "process.user.additionalGids: 6 is not in linux.gidMappings"},
	{LINUX("'timeOffsets':{'boottime':{'secs':1}}"),
	 "linux.timeOffsets: needs a time namespace in linux.namespaces"},
	{LINUX("'timeOffsets':{'boottime':{'secs':1}},'namespaces':[{'type':'time','path':'/t'}]"),
	 "linux.timeOffsets: needs a time namespace that is new, not one to join"},
	{LINUX("'timeOffsets':{'boottime':{'nanosecs':1000000000}}"),
	 "linux.timeOffsets.boottime.nanosecs: must be from 0 to 999999999, is 1000000000"},
	/* sysctl */
	{LINUX("'sysctl':{'net.ipv4.ip_forward':'1'}"),
	 "linux.sysctl[\"net.ipv4.ip_forward\"]: belongs to the host: there is no network "
	 "namespace in linux.namespaces"},
	{LINUX("'sysctl':{'kernel/shmmax':'1'}"),
	 "linux.sysctl[\"kernel/shmmax\"]: belongs to the host: there is no ipc namespace in "
	 "linux.namespaces"},
	{LINUX("'sysctl':{'kernel.domainname':'a'}"),
	 "linux.sysctl[\"kernel.domainname\"]: belongs to the host: there is no uts namespace in "
	 "linux.namespaces"},
	{LINUX("'sysctl':{'kernel.hostname':'a'},'namespaces':[{'type':'uts'}]"),
	 "linux.sysctl[\"kernel.hostname\"]: is what hostname is for"},
	{LINUX("'sysctl':{'kernel.core_pattern':'|/bin/sh'},'namespaces':[{'type':'ipc'}]"),
	 "linux.sysctl[\"kernel.core_pattern\"]: belongs to the host: no namespace has its own"},
	{LINUX("'sysctl':{'net/../kernel/core_pattern':'x'},'namespaces':[{'type':'network'}]"),
	 "linux.sysctl[\"net/../kernel/core_pattern\"]: is not the name of a sysctl"},
	{LINUX("'sysctl':{'net.//.kernel.core_pattern':'x'},'namespaces':[{'type':'network'}]"),
	 "linux.sysctl[\"net.//.kernel.core_pattern\"]: is not the name of a sysctl"},
	{LINUX("'sysctl':{'net..a':'x'},'namespaces':[{'type':'network'}]"),
	 "linux.sysctl[\"net..a\"]: is not the name of a sysctl"},
	{LINUX("'sysctl':{'net.a.':'x'},'namespaces':[{'type':'network'}]"),
	 "linux.sysctl[\"net.a.\"]: is not the name of a sysctl"},
	{LINUX("'sysctl':{'net.a':1},'namespaces':[{'type':'network'}]"),
	 "linux.sysctl[\"net.a\"]: must be a string, is a number"},
	/* devices, the rest of linux */
	{LINUX("'devices':[{'path':'/dev/x','type':'c','major':1}]"),
	 "linux.devices[0].minor: is missing"},
	{LINUX("'devices':[{'path':'/dev/x','type':'b','minor':1}]"),
	 "linux.devices[0].major: is missing"},
	{LINUX("'devices':[{'path':'/dev/x','type':'d'}]"),
	 "linux.devices[0].type: 'd' is not a device type (c, u, b or p)"},
	{LINUX("'devices':[{'path':'dev/x','type':'p'}]"),
	 "linux.devices[0].path: must be an absolute path, is 'dev/x'"},
	{LINUX("'devices':[{'path':'/dev/x','type':'c','major':4096,'minor':0}]"),
	 "linux.devices[0].major: must be from 0 to 4095, is 4096"},
	{LINUX("'devices':[{'path':'/dev/x','type':'p','fileMode':65536}]"),
	 "linux.devices[0].fileMode: must be from 0 to 65535, is 65536"},
	{LINUX("'cgroupsPath':'/a/../../b'"),
	 "linux.cgroupsPath: must not hold '..', is '/a/../../b'"},
	{LINUX("'cgroupsPath':7"), "linux.cgroupsPath: must be a string, is a number"},
	{LINUX("'rootfsPropagation':'public'"),
	 "linux.rootfsPropagation: 'public' is not a mount propagation"},
	{LINUX("'maskedPaths':['/proc/kcore','sys']"),
	 "linux.maskedPaths[1]: must be an absolute path, is 'sys'"},
	{LINUX("'readonlyPaths':[1]"), "linux.readonlyPaths[0]: must be a string, is a number"},
	{LINUX("'personality':{}"), "linux.personality.domain: is missing"},
	{LINUX("'personality':{'domain':'PER_BSD'}"),
	 "linux.personality.domain: 'PER_BSD' is not an execution domain"},
	{LINUX("'personality':{'domain':'LINUX','flags':['ADDR_NO_RANDOMIZE']}"),
	 "linux.personality.flags: is refused: the specification knows no flag yet"},
	{LINUX("'intelRdt':{'closID':'a'}"),
	 "linux.intelRdt: is refused: cache and bandwidth classes are not set up"},
	{LINUX("'memoryPolicy':{'mode':'MPOL_BIND'}"),
	 "linux.memoryPolicy: is refused: memory policies are not set: name the nodes in "
	 "linux.resources.cpu.mems"},
	{LINUX("'netDevices':{'eth0':{}}"),
	 "linux.netDevices: is refused: network devices are not moved into containers: give a "
	 "network namespace that has them"},
	/* resources */
	{RESOURCES("'devices':[{}]"), "linux.resources.devices[0].allow: is missing"},
	{RESOURCES("'devices':[{'allow':true,'type':'d'}]"),
	 "linux.resources.devices[0].type: must be a, b or c, is 'd'"},
	{RESOURCES("'devices':[{'allow':true,'type':'c','access':'rx'}]"),
	 "linux.resources.devices[0].access: must be made of r, w and m, is 'rx'"},
	{RESOURCES("'devices':[{'allow':true,'type':'c','major':1,'minor':3}]"),
	 "linux.resources.devices[0].access: is missing"},
	{RESOURCES("'devices':[{'allow':true,'major':1,'minor':3,'access':'r'}]"),
	 "linux.resources.devices[0].type: must be b or c where a number is given"},
	{RESOURCES("'devices':[{'allow':true,'type':'c','major':-2,'access':'r'}]"),
	 "linux.resources.devices[0].major: must be -1 or the number of a device"},
	{RESOURCES("'devices':[{'allow':true,'type':'c','minor':'*','access':'r'}]"),
	 "linux.resources.devices[0].minor: must be a whole number, is a string"},
	{RESOURCES("'memory':{'limit':'64m'}"),
	 "linux.resources.memory.limit: must be a whole number, is a string"},
	{RESOURCES("'memory':{'limit':-2}"),
	 "linux.resources.memory.limit: must be from -1 to 9223372036854775807, is -2"},
	{RESOURCES("'memory':{'limit':9223372036854775808}"),
	 "linux.resources.memory.limit: must be from -1 to 9223372036854775807, is "
	 "9223372036854775808"},
	{RESOURCES("'memory':{'limit':1.5e6}"),
	 "linux.resources.memory.limit: must be a whole number from -1 to 9223372036854775807"},
	{RESOURCES("'memory':{'limit':200,'swap':100}"),
	 "linux.resources.memory.swap: is for memory and swap together: must be at least limit, "
	 "200, is 100"},
	{RESOURCES("'memory':{'swap':100}"),
	 "linux.resources.memory.swap: needs linux.resources.memory.limit"},
	{RESOURCES("'memory':{'limit':-1,'swap':100}"),
	 "linux.resources.memory.swap: must be -1 where limit is"},
	{RESOURCES("'memory':{'swappiness':101}"),
	 "linux.resources.memory.swappiness: must be a whole number from 0 to 100"},
	{RESOURCES("'memory':{'swappiness':true}"),
	 "linux.resources.memory.swappiness: must be a whole number, is true or false"},
	{RESOURCES("'memory':{'disableOOMKiller':1}"),
	 "linux.resources.memory.disableOOMKiller: must be true or false, is a number"},
	{RESOURCES("'memory':{'kernel':'1'}"),
	 "linux.resources.memory.kernel: must be a whole number, is a string"},
	{RESOURCES("'cpu':{'quota':999}"),
	 "linux.resources.cpu.quota: must be -1, 0 or at least 1000 microseconds, is 999"},
	{RESOURCES("'cpu':{'period':999}"),
	 "linux.resources.cpu.period: must be 0 or from 1000 to 1000000, is 999"},
	{RESOURCES("'cpu':{'period':1000001}"),
	 "linux.resources.cpu.period: must be from 0 to 1000000, is 1000001"},
	{RESOURCES("'cpu':{'quota':2000,'burst':2001}"),
	 "linux.resources.cpu.burst: must be at most quota, 2000, is 2001"},
	{RESOURCES("'cpu':{'shares':-1}"),
	 "linux.resources.cpu.shares: must be from 0 to 9223372036854775807, is -1"},
	{RESOURCES("'cpu':{'idle':2}"), "linux.resources.cpu.idle: must be from 0 to 1, is 2"},
	{RESOURCES("'cpu':{'realtimeRuntime':5,'realtimePeriod':4}"),
	 "linux.resources.cpu.realtimeRuntime: must be at most realtimePeriod, 4, is 5"},
	{RESOURCES("'cpu':{'cpus':'3-1'}"),
	 "linux.resources.cpu.cpus: must be a list of numbers and ranges as 0-3,7, is '3-1'"},
	{RESOURCES("'cpu':{'mems':'0,'}"),
	 "linux.resources.cpu.mems: must be a list of numbers and ranges as 0-3,7, is '0,'"},
	{RESOURCES("'pids':{'limit':-7}"),
	 "linux.resources.pids.limit: must be from -1 to 9223372036854775807, is -7"},
	{RESOURCES("'blockIO':{'weight':9}"),
	 "linux.resources.blockIO.weight: must be 0 or from 10 to 1000, is 9"},
	{RESOURCES("'blockIO':{'weightDevice':[{'major':8,'minor':0}]}"),
	 "linux.resources.blockIO.weightDevice[0]: needs weight or leafWeight"},
	{RESOURCES("'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0}]}"),
	 "linux.resources.blockIO.throttleReadBpsDevice[0].rate: is missing"},
	{RESOURCES("'hugepageLimits':[{'pageSize':'2M','limit':1}]"),
	 "linux.resources.hugepageLimits[0].pageSize: must be a size as 64KB, 2MB or 1GB, is '2M'"},
	{RESOURCES("'hugepageLimits':[{'pageSize':'2MB','limit':1},{'pageSize':'2MB','limit':1}]"),
	 "linux.resources.hugepageLimits[1]: 2MB is limited twice"},
	{RESOURCES("'network':{'classID':4294967296}"),
	 "linux.resources.network.classID: must be from 0 to 4294967295, is 4294967296"},
	{RESOURCES("'network':{'priorities':[{'name':'eth 0','priority':1}]}"),
	 "linux.resources.network.priorities[0].name: 'eth 0' is not the name of an interface"},
	{RESOURCES("'rdma':{'mlx5_1':{}}"),
	 "linux.resources.rdma[\"mlx5_1\"]: needs hcaHandles or hcaObjects"},
	{RESOURCES("'rdma':{'mlx5_1':{'hcaHandles':'3'}}"),
	 "linux.resources.rdma[\"mlx5_1\"].hcaHandles: must be a whole number, is a string"},
	{RESOURCES("'unified':{'a/../memory.max':'1'}"),
	 "linux.resources.unified[\"a/../memory.max\"]: must be the name of a file, has a slash"},
	{RESOURCES("'unified':{'..':'1'}"),
	 "linux.resources.unified[\"..\"]: must be the name of a cgroup file as memory.high"},
	{RESOURCES("'unified':{'memory.max':1}"),
	 "linux.resources.unified[\"memory.max\"]: must be a string, is a number"},
	/* seccomp */
	{LINUX("'seccomp':{}"), "linux.seccomp.defaultAction: is missing"},
	{LINUX("'seccomp':{'defaultAction':'ALLOW'}"),
	 "linux.seccomp.defaultAction: 'ALLOW' is not an action of seccomp"},
	{LINUX("'seccomp':{'defaultAction':'SCMP_ACT_NOTIFY','listenerPath':'/a'}"),
	 "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY is for rules only"},
	{SECCOMP(",'defaultErrnoRet':1"),
	 "linux.seccomp.defaultErrnoRet: is for SCMP_ACT_ERRNO and SCMP_ACT_TRACE only"},
	{SECCOMP(",'architectures':['x86_64']"),
	 "linux.seccomp.architectures[0]: 'x86_64' is not an architecture of seccomp"},
	{SECCOMP(",'flags':['SECCOMP_FILTER_FLAG_NEW_LISTENER']"),
	 "linux.seccomp.flags[0]: 'SECCOMP_FILTER_FLAG_NEW_LISTENER' is not a flag of seccomp"},
	{SECCOMP(",'listenerMetadata':'x'"),
	 "linux.seccomp.listenerMetadata: needs linux.seccomp.listenerPath"},
	{SECCOMP(",'listenerPath':'x'"),
	 "linux.seccomp.listenerPath: must be an absolute path, is 'x'"},
	{SECCOMP(",'syscalls':[{'names':['a'],'action':'SCMP_ACT_NOTIFY'}]"),
	 "linux.seccomp.listenerPath: is missing, with SCMP_ACT_NOTIFY"},
	{SECCOMP(",'syscalls':[{'action':'SCMP_ACT_LOG'}]"),
	 "linux.seccomp.syscalls[0].names: is missing"},
	{SECCOMP(",'syscalls':[{'names':[],'action':'SCMP_ACT_LOG'}]"),
	 "linux.seccomp.syscalls[0].names: must not be empty"},
	{SECCOMP(",'syscalls':[{'names':['a','']	,'action':'SCMP_ACT_LOG'}]"),
	 "linux.seccomp.syscalls[0].names[1]: must not be empty"},
	{SECCOMP(",'syscalls':[{'names':['a']}]"), "linux.seccomp.syscalls[0].action: is missing"},
	{SECCOMP(",'syscalls':[{'names':['a'],'action':'SCMP_ACT_ALLOW','errnoRet':1}]"),
	 "linux.seccomp.syscalls[0].errnoRet: is for SCMP_ACT_ERRNO and SCMP_ACT_TRACE only"},
	{RULE(",'errnoRet':4096"),
	 "linux.seccomp.syscalls[0].errnoRet: must be from 0 to 4095, is 4096"},
	{RULE(",'args':[{'index':6,'value':0,'op':'SCMP_CMP_EQ'}]"),
	 "linux.seccomp.syscalls[0].args[0].index: must be from 0 to 5, is 6"},
	{RULE(",'args':[{'index':0,'op':'SCMP_CMP_EQ'}]"),
	 "linux.seccomp.syscalls[0].args[0].value: is missing"},
	{RULE(",'args':[{'index':0,'value':0}]"),
	 "linux.seccomp.syscalls[0].args[0].op: is missing"},
	{RULE(",'args':[{'index':0,'value':0,'op':'EQ'}]"),
	 "linux.seccomp.syscalls[0].args[0].op: 'EQ' is not a comparison of seccomp"},
	{RULE(",'args':[{'index':0,'value':18446744073709551616,'op':'SCMP_CMP_EQ'}]"),
	 "linux.seccomp.syscalls[0].args[0].value: must be a whole number from 0 to "
	 "18446744073709551615"},
};

static const struct bad bad_processes[] = {
	{"{}", "process.cwd: is missing"},
	{"[]", "process: must be an object, is an array"},
	{"{'cwd':'/'}", "process.args: is missing"},
	{"{'cwd':'/','args':['a'],'env':['x']}", "process.env[0]: must be NAME=VALUE, has no '='"},
};

static const struct bad bad_resources[] = {
	{"7", "linux.resources: must be an object, is a number"},
	{"{'memory':[]}", "linux.resources.memory: must be an object, is an array"},
	{"{'cpu':{'quota':1}}",
	 "linux.resources.cpu.quota: must be -1, 0 or at least 1000 microseconds, is 1"},
};

static void refuse(test_parse_fn *parse, const struct bad *bad, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct oci_spec *spec = (struct oci_spec *)(uintptr_t)8;
		struct err err = {""};
		int rc = test_parse(parse, &spec, bad[i].text, &err);

		if (rc != -EINVAL || strcmp(err.text, bad[i].sentence) != 0)
			fail_msg("%s: %d\n  is     %s\n  wanted %s", bad[i].text, rc, err.text,
				 bad[i].sentence);
		assert_ptr_equal(spec, (struct oci_spec *)(uintptr_t)8);
		/* Nobody need care for the sentence. */
		assert_int_equal(test_parse(parse, &spec, bad[i].text, NULL), -EINVAL);
	}
}

static void test_specs(void **state)
{
	(void)state;
	refuse(oci_spec_parse, bad_specs, ARRAY_SIZE(bad_specs));
}

static void test_parts(void **state)
{
	(void)state;
	refuse(oci_process_parse, bad_processes, ARRAY_SIZE(bad_processes));
	refuse(oci_resources_parse, bad_resources, ARRAY_SIZE(bad_resources));
}

/* A path longer than a sentence has room for is cut, not overrun. */
static void test_long_name(void **state)
{
	static char text[4096];
	struct oci_spec *spec;
	struct err err = {""};
	size_t size = 0;

	(void)state;
	size += (size_t)snprintf(text, sizeof(text),
				 "{'ociVersion':'1.2.0','root':{'path':'r'},'annotations':{'");
	memset(text + size, 'x', 3000);
	strcpy(text + size + 3000, "':1}}");
	assert_int_equal(test_parse(oci_spec_parse, &spec, text, &err), -EINVAL);
	assert_memory_equal(err.text, "annotations[\"xxx", 16);
	assert_true(strlen(err.text) < ERR_MAX);
}

/* `count` of something, the same but for a number. */
static void refuse_many(const char *before, const char *format, int count, const char *after,
			const char *sentence)
{
	char *text = malloc(64u << 10);
	struct oci_spec *spec;
	struct err err = {""};
	size_t size = (size_t)sprintf(text, "%s", before);

	for (int i = 0; i < count; i++) {
		size += (size_t)sprintf(text + size, "%s", i > 0 ? "," : "");
		size += (size_t)sprintf(text + size, format, i + 1, i + 1);
	}
	sprintf(text + size, "%s", after);
	assert_int_equal(test_parse(oci_spec_parse, &spec, text, &err), -EINVAL);
	assert_string_equal(err.text, sentence);
	free(text);
}

static void test_many(void **state)
{
	(void)state;
	refuse_many("{'ociVersion':'1.2.0','root':{'path':'r'},'linux':{" USER_NS
		    "'gidMappings':[" RANGE(0, 0, 1) "],'uidMappings':[",
		    "{'containerID':%d,'hostID':%d,'size':1}", 341, "]}}",
		    "linux.uidMappings: must have at most 340 ranges, has 341");
	refuse_many("{'ociVersion':'1.2.0','root':{'path':'r'},'linux':{'resources':{'"
		    "hugepageLimits':[",
		    "{'pageSize':'%dMB','limit':%d}", 33, "]}}}",
		    "linux.resources.hugepageLimits: names more sizes than any kernel has");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
