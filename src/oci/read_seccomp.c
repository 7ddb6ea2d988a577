/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_seccomp.c: what must hold between the fields of linux.seccomp, and its rules as the header promises them.
 *
 * libseccomp, which the format comes from, takes an argument once per rule. A rule that names one twice means "any of these"
 * with runc and crun; it becomes a rule for each comparison here, so that whoever builds the filter knows one meaning of args.
 */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "oci/read.h"

#define ERRNO_MAX 4095u /* of the kernel: larger ones are no error to a system call */

static bool takes_error(enum oci_seccomp_action action)
{
	return action == OCI_ACT_ERRNO || action == OCI_ACT_TRACE;
}

/* Of one action: the number is there where it means something, and is one. */
static int check_error(struct reader *r, const struct read_place *at,
		       enum oci_seccomp_action action, bool has_error, uint32_t *error)
{
	if (!has_error) {
		*error = takes_error(action) ? EPERM : 0;
		return 0;
	}
	if (!takes_error(action))
		return read_fail(r, at, "is for SCMP_ACT_ERRNO and SCMP_ACT_TRACE only");
	if (action == OCI_ACT_ERRNO && *error > ERRNO_MAX)
		return read_fail(r, at, "must be from 0 to %u, is %u", ERRNO_MAX, *error);
	return 0;
}

int read_seccomp_check_rule(struct reader *r, const struct read_place *at,
			    struct oci_seccomp_rule *rule)
{
	const struct read_place names = READ_FIELD(at, "names"), error = READ_FIELD(at, "errnoRet");

	if (rule->names.count == 0)
		return read_fail(r, &names, "must not be empty");
	for (uint32_t i = 0; i < rule->names.count; i++) {
		const struct read_place here = READ_ELEMENT(&names, i);

		if (rule->names.items[i][0] == '\0')
			return read_fail(r, &here, "must not be empty");
	}
	return check_error(r, &error, rule->action, rule->has_error, &rule->error);
}

static bool has_double(const struct oci_seccomp_rule *rule)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < rule->arg_count; i++) {
		uint32_t bit = UINT32_C(1) << rule->args[i].index;

		if ((seen & bit) != 0)
			return true;
		seen |= bit;
	}
	return false;
}

/* Rules that name an argument twice become one for each comparison, at the same place. */
static int split_rules(struct reader *r, struct oci_seccomp *seccomp)
{
	struct oci_seccomp_rule *rules;
	size_t count = 0, at = 0;

	for (uint32_t i = 0; i < seccomp->rule_count; i++)
		count += has_double(&seccomp->rules[i]) ? seccomp->rules[i].arg_count : 1;
	if (count == seccomp->rule_count)
		return 0;
	rules = arena_array(r->arena, count, sizeof(*rules));
	if (rules == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < seccomp->rule_count; i++) {
		const struct oci_seccomp_rule *rule = &seccomp->rules[i];

		if (!has_double(rule)) {
			rules[at++] = *rule;
			continue;
		}
		for (uint32_t j = 0; j < rule->arg_count; j++) {
			rules[at] = *rule;
			rules[at].args = &rule->args[j];
			rules[at++].arg_count = 1;
		}
	}
	seccomp->rules = rules;
	seccomp->rule_count = (uint32_t)count;
	return 0;
}

static int check_listener(struct reader *r, struct oci_seccomp *seccomp)
{
	bool notifies = false;

	if (seccomp->otherwise == OCI_ACT_NOTIFY)
		return read_fail_field(r, "linux.seccomp.defaultAction",
				       "SCMP_ACT_NOTIFY is for rules only");
	for (uint32_t i = 0; i < seccomp->rule_count; i++)
		notifies |= seccomp->rules[i].action == OCI_ACT_NOTIFY;
	if (notifies && seccomp->listener == NULL)
		return read_fail_field(r, "linux.seccomp.listenerPath",
				       "is missing, with SCMP_ACT_NOTIFY");
	if (seccomp->listener_metadata != NULL && seccomp->listener == NULL)
		return read_fail_field(r, "linux.seccomp.listenerMetadata",
				       "needs linux.seccomp.listenerPath");
	if (!notifies)
		seccomp->listener = seccomp->listener_metadata = NULL;
	return 0;
}

int read_seccomp_check(struct reader *r, struct oci_seccomp *seccomp)
{
	static const struct read_place linux_at = READ_FIELD(NULL, "linux");
	const struct read_place field = READ_FIELD(&linux_at, "seccomp");
	const struct read_place error = READ_FIELD(&field, "defaultErrnoRet");
	int rc = check_error(r, &error, seccomp->otherwise, seccomp->has_otherwise_error,
			     &seccomp->otherwise_error);

	if (rc == 0)
		rc = check_listener(r, seccomp);
	return rc < 0 ? rc : split_rules(r, seccomp);
}
