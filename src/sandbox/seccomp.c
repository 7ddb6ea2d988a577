/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.c: profiles to plans for the compiler (filter.c), and filters into the kernel.
 */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/filter.h"
#include "sandbox/guest_filter.inc"
#include "sandbox/syscall_numbers.h"
#include "sandbox/syscalls.h"

/* The flags of a profile that are ours to pass on. TSYNC is not: there is one thread. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)
#endif
enum {
	FLAGS_TAKEN = SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	FLAGS_OF_LISTENER = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
	ARGS = 6,
};

static uint32_t action_of(enum oci_seccomp_action action, uint32_t number)
{
	uint32_t data = number & SECCOMP_RET_DATA;

	switch (action) {
	case OCI_ACT_KILL_PROCESS:
		return SECCOMP_RET_KILL_PROCESS;
	case OCI_ACT_KILL_THREAD:
		return SECCOMP_RET_KILL_THREAD;
	case OCI_ACT_TRAP:
		return SECCOMP_RET_TRAP;
	case OCI_ACT_ERRNO:
		return SECCOMP_RET_ERRNO | data;
	case OCI_ACT_TRACE:
		return SECCOMP_RET_TRACE | data;
	case OCI_ACT_NOTIFY:
		return SECCOMP_RET_USER_NOTIF;
	case OCI_ACT_LOG:
		return SECCOMP_RET_LOG;
	case OCI_ACT_ALLOW:
		break;
	}
	return SECCOMP_RET_ALLOW;
}

/* -- A profile's rules ----------------------------------------------------------------------------- */

struct rules {
	struct filter_rule *items; /* owned */
	uint32_t count;
	uint32_t newest; /* number of the newest call named */
	bool names_any;
	bool notifies;
};

static bool names_an_argument_twice(const struct oci_seccomp_rule *rule)
{
	bool seen[ARGS] = {false};

	for (uint32_t i = 0; i < rule->arg_count; i++) {
		if (seen[rule->args[i].index])
			return true;
		seen[rule->args[i].index] = true;
	}
	return false;
}

static void add_rule(struct rules *rules, struct filter_rule rule, bool apart)
{
	uint32_t tests = rule.arg_count;

	if (!apart) {
		rules->items[rules->count++] = rule;
		return;
	}
	rule.arg_count = 1;
	for (uint32_t i = 0; i < tests; i++, rule.args++)
		rules->items[rules->count++] = rule;
}

/* The most rules a profile can come to, with the one that is ours. */
static size_t rules_most(const struct oci_seccomp *profile)
{
	size_t most = 1;

	for (uint32_t i = 0; i < profile->rule_count; i++)
		most += (size_t)profile->rules[i].names.count * MAX(profile->rules[i].arg_count, 1);
	return most;
}

static int add_call(struct rules *rules, const struct oci_seccomp_rule *rule, uint32_t number,
		    struct err *err)
{
	uint32_t action = action_of(rule->action, rule->error);

	if (action == SECCOMP_RET_USER_NOTIF && number == __NR_write)
		return err_set(err, -EINVAL,
			       "linux.seccomp: SCMP_ACT_NOTIFY cannot be used for write");
	rules->notifies |= action == SECCOMP_RET_USER_NOTIF;
	add_rule(rules,
		 (struct filter_rule){.number = number,
				      .action = action,
				      .args = rule->args,
				      .arg_count = rule->arg_count},
		 names_an_argument_twice(rule));
	return 0;
}

static int add_rules(struct rules *rules, const struct oci_seccomp *profile, struct err *err)
{
	uint32_t otherwise = action_of(profile->otherwise, profile->otherwise_error);
	unsigned hint = 0;

	for (uint32_t i = 0; i < profile->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &profile->rules[i];
		bool counts = action_of(rule->action, rule->error) != otherwise;

		for (uint32_t j = 0; j < rule->names.count; j++) {
			int number = syscalls_find(rule->names.items[j], &hint), error;

			if (number < 0)
				continue;
			rules->names_any = true;
			rules->newest = MAX(rules->newest, (uint32_t)number);
			error = counts ? add_call(rules, rule, (uint32_t)number, err) : 0;
			if (error < 0)
				return error;
		}
	}
	return 0;
}

/* -- Compiling ------------------------------------------------------------------------------------- */

/* Ours is installed after the profile. */
static const struct oci_seccomp_arg installs_ours[] = {
	{.index = 0, .op = OCI_OP_EQ, .value = SECCOMP_SET_MODE_FILTER},
	{.index = 1, .op = OCI_OP_EQ, .value = 0},
};

static bool lets_pass(enum oci_seccomp_action action)
{
	return action == OCI_ACT_ALLOW || action == OCI_ACT_LOG || action == OCI_ACT_TRACE;
}

static int compile(struct seccomp_filter *ret, const struct oci_seccomp *profile,
		   struct rules *rules, struct err *err)
{
	struct filter_plan plan = {
		.rules = rules->items,
		.otherwise = action_of(profile->otherwise, profile->otherwise_error),
		.foreign = SECCOMP_RET_KILL_PROCESS,
		.newest = UINT32_MAX,
	};
	struct sock_filter code[FILTER_MOST];
	int count;

	if (rules->names_any && !lets_pass(profile->otherwise))
		plan.newest = MAX(rules->newest, (uint32_t)__NR_seccomp);
	rules->items[rules->count++] = (struct filter_rule){.number = __NR_seccomp,
							    .action = SECCOMP_RET_ALLOW,
							    .args = installs_ours,
							    .arg_count = ARRAY_SIZE(installs_ours),
							    .first = true};
	plan.rule_count = rules->count;
	count = filter_compile(code, &plan);
	if (count < 0)
		return err_set(err, count, "linux.seccomp: more rules than the kernel takes");
	ret->code = malloc((size_t)count * sizeof(*code));
	if (ret->code == NULL)
		return -ENOMEM;
	memcpy(ret->code, code, (size_t)count * sizeof(*code));
	ret->count = (uint32_t)count;
	ret->flags = profile->flags & FLAGS_TAKEN;
	if (rules->notifies)
		ret->flags |=
			SECCOMP_FILTER_FLAG_NEW_LISTENER | (profile->flags & FLAGS_OF_LISTENER);
	return 0;
}

int seccomp_compile(struct seccomp_filter *ret, const struct oci_seccomp *profile, struct err *err)
{
	struct seccomp_filter filter = {.code = NULL};
	struct rules rules = {.items = NULL};
	int error;

	*ret = filter;
	if (!profile->given)
		return 0;
	if (profile->otherwise == OCI_ACT_NOTIFY)
		return err_set(
			err, -EINVAL,
			"linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default");
	rules.items = calloc(rules_most(profile), sizeof(*rules.items));
	if (rules.items == NULL)
		return -ENOMEM;
	error = add_rules(&rules, profile, err);
	if (error == 0 && rules.notifies && profile->listener == NULL)
		error = err_set(
			err, -EINVAL,
			"linux.seccomp.listenerPath: missing, and a rule has SCMP_ACT_NOTIFY");
	if (error == 0)
		error = compile(&filter, profile, &rules, err);
	free(rules.items);
	if (error == 0)
		*ret = filter;
	return error;
}

void seccomp_filter_deinit(struct seccomp_filter *filter)
{
	free(filter->code);
	*filter = (struct seccomp_filter){.code = NULL};
}

/* -- Installing ------------------------------------------------------------------------------------ */

static int install(const struct sock_filter *code, size_t count, uint32_t flags)
{
	struct sock_fprog program = {
		.len = (unsigned short)count,
		.filter = (struct sock_filter *)code,
	};
	long result = syscall(SYS_seccomp, (unsigned long)SECCOMP_SET_MODE_FILTER,
			      (unsigned long)flags, &program);

	return result < 0 ? -errno : (int)result;
}

int seccomp_close(const struct seccomp_filter *profile, int *ret_listener, struct err *err)
{
	struct sock_filter ours[ARRAY_SIZE(guest_code)];
	uint32_t self = (uint32_t)getpid();
	int listener = -1, result;

	memcpy(ours, guest_code, sizeof(ours));
	for (size_t i = 0; i < ARRAY_SIZE(guest_self); i++)
		ours[guest_self[i]].k = self;
	if (profile != NULL && profile->count > 0) {
		result = install(profile->code, profile->count, profile->flags);
		if (result < 0)
			return err_set(err, result, "install the seccomp profile: %s",
				       strerror(-result));
		if (profile->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
			listener = result;
	}
	result = install(ours, ARRAY_SIZE(ours), 0);
	if (result < 0) {
		if (listener >= 0)
			close(listener);
		return err_set(err, result, "install the seccomp filter of the cage: %s",
			       strerror(-result));
	}
	*ret_listener = listener;
	return 0;
}
