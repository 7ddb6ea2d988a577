/* SPDX-License-Identifier: Apache-2.0 */
/* test_seccomp.h: for tests: profiles, and what they mean, said a second time and slowly. */
#ifndef SANDBOX_TEST_SECCOMP_H
#define SANDBOX_TEST_SECCOMP_H

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "oci/spec.h"
#include "sandbox/syscalls.h"

#if defined(__x86_64__)
enum { NATIVE = AUDIT_ARCH_X86_64, X32 = 0x40000000 };
#else
enum { NATIVE = AUDIT_ARCH_AARCH64, X32 = 0x40000000 };
#endif

static bool arg_holds(const struct oci_seccomp_arg *arg, const __u64 *values)
{
	uint64_t value = values[arg->index];

	switch (arg->op) {
	case OCI_OP_NE:
		return value != arg->value;
	case OCI_OP_LT:
		return value < arg->value;
	case OCI_OP_LE:
		return value <= arg->value;
	case OCI_OP_EQ:
		return value == arg->value;
	case OCI_OP_GE:
		return value >= arg->value;
	case OCI_OP_GT:
		return value > arg->value;
	case OCI_OP_MASKED_EQ:
		return (value & arg->value) == (arg->value_two & arg->value);
	}
	abort();
}

static bool args_hold(const struct oci_seccomp_rule *rule, const __u64 *values)
{
	bool twice = false, all = true, any = false;

	for (uint32_t i = 0; i < rule->arg_count; i++) {
		bool holds = arg_holds(&rule->args[i], values);

		for (uint32_t j = 0; j < i; j++)
			twice |= rule->args[j].index == rule->args[i].index;
		all &= holds;
		any |= holds;
	}
	return twice ? any : all;
}

static bool rule_names(const struct oci_seccomp_rule *rule, uint32_t number)
{
	const char *name = syscalls_name((int)number);

	for (uint32_t i = 0; name != NULL && i < rule->names.count; i++)
		if (strcmp(rule->names.items[i], name) == 0)
			return true;
	return false;
}

static uint32_t answer_of(enum oci_seccomp_action action, uint32_t error)
{
	static const uint32_t answers[] = {
		[OCI_ACT_KILL_PROCESS] = SECCOMP_RET_KILL_PROCESS,
		[OCI_ACT_KILL_THREAD] = SECCOMP_RET_KILL_THREAD,
		[OCI_ACT_TRAP] = SECCOMP_RET_TRAP,
		[OCI_ACT_ERRNO] = SECCOMP_RET_ERRNO,
		[OCI_ACT_TRACE] = SECCOMP_RET_TRACE,
		[OCI_ACT_NOTIFY] = SECCOMP_RET_USER_NOTIF,
		[OCI_ACT_LOG] = SECCOMP_RET_LOG,
		[OCI_ACT_ALLOW] = SECCOMP_RET_ALLOW,
	};

	return answers[action] | (action == OCI_ACT_ERRNO || action == OCI_ACT_TRACE ? error : 0);
}

static uint32_t newest_named(const struct oci_seccomp *profile)
{
	uint32_t newest = (uint32_t)syscalls_find("seccomp", NULL);
	bool any = false;

	for (uint32_t i = 0; i < profile->rule_count; i++)
		for (uint32_t j = 0; j < profile->rules[i].names.count; j++) {
			int number = syscalls_find(profile->rules[i].names.items[j], NULL);

			any |= number >= 0;
			newest = MAX(newest, (uint32_t)MAX(number, 0));
		}
	return any ? newest : UINT32_MAX;
}

/* What seccomp.h says a profile answers. `newest`: newest_named(), asked once. */
static uint32_t profile_answer(const struct oci_seccomp *profile, const struct seccomp_data *data,
			       uint32_t newest)
{
	uint32_t otherwise = answer_of(profile->otherwise, profile->otherwise_error), best = 0;
	bool found = false, passes;

	if (data->arch != NATIVE || ((uint32_t)data->nr >= X32 && data->nr != -1))
		return SECCOMP_RET_KILL_PROCESS;
	if (data->nr == -1)
		return otherwise;
	if (data->nr == syscalls_find("seccomp", NULL) &&
	    data->args[0] == SECCOMP_SET_MODE_FILTER && data->args[1] == 0)
		return SECCOMP_RET_ALLOW;
	passes = profile->otherwise == OCI_ACT_ALLOW || profile->otherwise == OCI_ACT_LOG ||
		 profile->otherwise == OCI_ACT_TRACE;
	if (!passes && newest != UINT32_MAX && (uint32_t)data->nr > newest)
		return SECCOMP_RET_ERRNO | ENOSYS;
	for (uint32_t i = 0; i < profile->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &profile->rules[i];
		uint32_t answer = answer_of(rule->action, rule->error);

		if (answer == otherwise || !rule_names(rule, (uint32_t)data->nr))
			continue;
		if (rule->arg_count == 0)
			return answer;
		if (!args_hold(rule, data->args))
			continue;
		if (!found || (int32_t)(answer & SECCOMP_RET_ACTION_FULL) <
				      (int32_t)(best & SECCOMP_RET_ACTION_FULL))
			best = answer;
		found = true;
	}
	return found ? best : otherwise;
}

/* -- Profiles ------------------------------------------------------------------------------------- */

#define NAMES(...)                                                                     \
	{                                                                              \
		.items = (const char *[]){__VA_ARGS__},                                \
		.count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *), \
	}
#define ARGS_OF(...)                                     \
	.args = (struct oci_seccomp_arg[]){__VA_ARGS__}, \
	.arg_count =                                     \
		sizeof((struct oci_seccomp_arg[]){__VA_ARGS__}) / sizeof(struct oci_seccomp_arg)

/* What Docker's profile leaves out, for a process without capabilities. */
static const char *const refused_by_docker[] = {
	"acct",           "add_key",         "bpf",
	"clock_adjtime",  "clock_settime",   "clone",
	"clone3",         "create_module",   "delete_module",
	"finit_module",   "fsconfig",        "fsmount",
	"fsopen",         "fspick",          "get_kernel_syms",
	"init_module",    "io_uring_enter",  "io_uring_register",
	"io_uring_setup", "ioperm",          "iopl",
	"kcmp",           "kexec_file_load", "kexec_load",
	"keyctl",         "lookup_dcookie",  "mbind",
	"mount",          "mount_setattr",   "move_mount",
	"move_pages",     "nfsservctl",      "open_by_handle_at",
	"open_tree",      "perf_event_open", "personality",
	"pivot_root",     "process_madvise", "ptrace",
	"query_module",   "quotactl",        "quotactl_fd",
	"reboot",         "request_key",     "set_mempolicy",
	"setdomainname",  "sethostname",     "setns",
	"settimeofday",   "socket",          "swapoff",
	"swapon",         "syslog",          "umount2",
	"unshare",        "uselib",          "userfaultfd",
	"ustat",          "vhangup",         "get_mempolicy",
	"chroot",         "fanotify_init",   "_sysctl",
	"afs_syscall",    "vserver",
};

static bool is_refused(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_by_docker); i++)
		if (strcmp(refused_by_docker[i], name) == 0)
			return true;
	return false;
}

static struct oci_seccomp_arg personalities[] = {
	{.index = 0, .op = OCI_OP_EQ, .value = 0x0},
	{.index = 0, .op = OCI_OP_EQ, .value = 0x8},
	{.index = 0, .op = OCI_OP_EQ, .value = 0x20000},
	{.index = 0, .op = OCI_OP_EQ, .value = 0x20008},
	{.index = 0, .op = OCI_OP_EQ, .value = 0xffffffff},
};

static struct oci_seccomp_arg no_vsock[] = {{.index = 0, .op = OCI_OP_NE, .value = 40}};
static struct oci_seccomp_arg no_namespaces[] = {
	{.index = 0, .op = OCI_OP_MASKED_EQ, .value = 0x7e020000}};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A profile of the size and the shape of Docker's: 320 names, sorted, and the few rules that look at arguments. */
static const struct oci_seccomp *docker_profile(void)
{
	static const char *allowed[SYSCALLS_MOST], *personality[] = {"personality"};
	static const char *clone[] = {"clone"}, *clone3[] = {"clone3"}, *socket[] = {"socket"};
	static struct oci_seccomp_rule rules[9];
	static struct oci_seccomp profile = {.given = true,
					     .otherwise = OCI_ACT_ERRNO,
					     .otherwise_error = EPERM,
					     .rules = rules};
	uint32_t count = 0;

	if (profile.rule_count > 0)
		return &profile;
	for (int i = 0; i <= 452; i++) {
		const char *name = syscalls_name(i);

		if (name != NULL && !is_refused(name))
			allowed[count++] = name;
	}
	qsort(allowed, count, sizeof(*allowed), by_name);
	rules[profile.rule_count++] =
		(struct oci_seccomp_rule){{allowed, count}, OCI_ACT_ALLOW, 0, true, NULL, 0};
	for (size_t i = 0; i < ARRAY_SIZE(personalities); i++)
		rules[profile.rule_count++] = (struct oci_seccomp_rule){
			{personality, 1}, OCI_ACT_ALLOW, 0, true, &personalities[i], 1};
	rules[profile.rule_count++] =
		(struct oci_seccomp_rule){{socket, 1}, OCI_ACT_ALLOW, 0, true, no_vsock, 1};
	rules[profile.rule_count++] =
		(struct oci_seccomp_rule){{clone, 1}, OCI_ACT_ALLOW, 0, true, no_namespaces, 1};
	rules[profile.rule_count++] =
		(struct oci_seccomp_rule){{clone3, 1}, OCI_ACT_ERRNO, ENOSYS, true, NULL, 0};
	return &profile;
}

/* -- Profiles by chance ---------------------------------------------------------------------------- */

enum { CHANCE_RULES = 40, CHANCE_NAMES = 12, CHANCE_ARGS = 3, CHANCE_VALUES = 8 };

struct chance {
	struct oci_seccomp profile;
	struct oci_seccomp_rule rules[CHANCE_RULES];
	const char *names[CHANCE_RULES][CHANCE_NAMES];
	struct oci_seccomp_arg args[CHANCE_RULES][CHANCE_ARGS];
};

static uint32_t chance_next(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

/* Few, so that tests meet; with bits in both halves, and the ends of them. */
static uint64_t chance_value(uint32_t *seed)
{
	static const uint64_t values[CHANCE_VALUES] = {
		0, 1, 7, 0xffffffff, 0x100000000, 0x100000007, 0x7fffffff80000000, UINT64_MAX,
	};

	return values[chance_next(seed, CHANCE_VALUES)];
}

static void chance_args(struct oci_seccomp_rule *rule, struct oci_seccomp_arg *args, uint32_t *seed)
{
	rule->args = args;
	rule->arg_count = chance_next(seed, CHANCE_ARGS + 1);
	for (uint32_t j = 0; j < rule->arg_count; j++)
		args[j] = (struct oci_seccomp_arg){
			.index = chance_next(seed, 3),
			.op = (enum oci_seccomp_op)chance_next(seed, 7),
			.value = chance_value(seed),
			.value_two = chance_value(seed),
		};
}

static void chance_profile(struct chance *c, uint32_t seed)
{
	static const enum oci_seccomp_action actions[] = {
		OCI_ACT_ALLOW, OCI_ACT_ERRNO, OCI_ACT_KILL_PROCESS, OCI_ACT_KILL_THREAD,
		OCI_ACT_TRAP,  OCI_ACT_LOG,   OCI_ACT_TRACE,
	};

	memset(c, 0, sizeof(*c));
	c->profile.given = true;
	c->profile.otherwise = actions[chance_next(&seed, ARRAY_SIZE(actions))];
	c->profile.otherwise_error = 1 + chance_next(&seed, 3);
	c->profile.rules = c->rules;
	c->profile.rule_count = 1 + chance_next(&seed, CHANCE_RULES);
	for (uint32_t i = 0; i < c->profile.rule_count; i++) {
		struct oci_seccomp_rule *rule = &c->rules[i];

		rule->names.items = c->names[i];
		rule->names.count = 1 + chance_next(&seed, CHANCE_NAMES);
		for (uint32_t j = 0; j < rule->names.count; j++) {
			const char *name = syscalls_name((int)chance_next(&seed, 40));

			c->names[i][j] = name != NULL ? name : "no_such_call";
		}
		rule->action = actions[chance_next(&seed, ARRAY_SIZE(actions))];
		rule->error = 1 + chance_next(&seed, 3);
		chance_args(rule, c->args[i], &seed);
	}
}

#endif
