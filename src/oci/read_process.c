/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_process.c: of process, what is no plain field, and what must hold between its fields.
 *
 * Where the specification leaves a choice it is runc's: a variable without '=' is an error, of two variables with one name the
 * last stands, at its place. Capabilities nobody knows are kept by name for a note, as the specification wants them told.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "oci/read.h"

/* sched(7); musl's sched.h lacks the last. */
enum {
	POLICY_FIFO = 1,
	POLICY_RR = 2,
	POLICY_DEADLINE = 6,
};

/* -- Capabilities --------------------------------------------------------------------------------------- */

/* Room for `more` further names; those of sets before stay. */
static int grow_unknown(struct reader *r, struct oci_strings *unknown, uint32_t more)
{
	const char **items =
		arena_array(r->arena, (size_t)unknown->count + more + 1, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	if (unknown->count > 0)
		memcpy(items, unknown->items, unknown->count * sizeof(*items));
	unknown->items = items;
	return 0;
}

int read_process_capabilities(struct reader *r, struct json_value value,
			      const struct read_place *at, uint64_t *ret)
{
	struct oci_strings *unknown = &r->spec->process.capabilities.unknown;
	struct oci_strings names;
	uint64_t bits = 0, number;
	int rc = read_strings(r, value, at, &names);

	if (rc == 0)
		rc = grow_unknown(r, unknown, names.count);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < names.count; i++) {
		if (oci_table_find(OCI_TABLE_CAPABILITY, names.items[i], &number))
			bits |= UINT64_C(1) << number;
		else
			unknown->items[unknown->count++] = names.items[i];
	}
	*ret = bits;
	return 0;
}

int read_process_check_capabilities(struct reader *r, struct oci_capabilities *set)
{
	uint64_t more = set->effective & ~set->permitted;

	if (more != 0)
		return read_fail_field(
			r, "process.capabilities.effective",
			"%s is not in process.capabilities.permitted",
			oci_table_name(OCI_TABLE_CAPABILITY, (uint64_t)__builtin_ctzll(more)));
	set->ambient &= set->permitted & set->inheritable;
	return 0;
}

/* -- Environment ------------------------------------------------------------------------------------------ */

static int check_variable(struct reader *r, const struct read_place *at, const char *variable)
{
	if (variable[0] == '=')
		return read_fail(r, at, "must be NAME=VALUE, has no name");
	if (strchr(variable, '=') == NULL)
		return read_fail(r, at, "must be NAME=VALUE, has no '='");
	return 0;
}

struct variable {
	const char *text;
	uint32_t order;
};

static size_t name_size(const char *variable)
{
	return (size_t)(strchr(variable, '=') - variable);
}

static int compare_names(const char *a, const char *b)
{
	size_t a_size = name_size(a), b_size = name_size(b);
	int order = memcmp(a, b, MIN(a_size, b_size));

	if (order != 0 || a_size == b_size)
		return order;
	return a_size < b_size ? -1 : 1;
}

static int compare_variables(const void *one, const void *other)
{
	const struct variable *a = one, *b = other;
	int order = compare_names(a->text, b->text);

	if (order != 0)
		return order;
	return a->order < b->order ? -1 : 1;
}

/* Of equal names only the last stays. */
static int unite_variables(struct oci_strings *env)
{
	struct variable *sorted;
	uint32_t kept = 0;

	if (env->count == 0)
		return 0;
	sorted = calloc(env->count, sizeof(*sorted));
	if (sorted == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < env->count; i++)
		sorted[i] = (struct variable){env->items[i], i};
	qsort(sorted, env->count, sizeof(*sorted), compare_variables);
	for (uint32_t i = 0; i + 1 < env->count; i++) {
		if (compare_names(sorted[i].text, sorted[i + 1].text) == 0)
			env->items[sorted[i].order] = NULL;
	}
	for (uint32_t i = 0; i < env->count; i++) {
		if (env->items[i] != NULL)
			env->items[kept++] = env->items[i];
	}
	env->items[kept] = NULL;
	env->count = kept;
	free(sorted);
	return 0;
}

static int check_env(struct reader *r, const struct read_place *at, struct oci_strings *env)
{
	const struct read_place field = READ_FIELD(at, "env");

	for (uint32_t i = 0; i < env->count; i++) {
		const struct read_place here = READ_ELEMENT(&field, i);
		int rc = check_variable(r, &here, env->items[i]);

		if (rc < 0)
			return rc;
	}
	return unite_variables(env);
}

/* -- Limits, scheduler, the whole ----------------------------------------------------------------------------- */

int read_process_check_rlimit(struct reader *r, const struct read_place *at,
			      const struct oci_rlimit *limit)
{
	const struct read_place soft = READ_FIELD(at, "soft");

	if (limit->soft <= limit->hard)
		return 0;
	return read_fail(r, &soft, "must be at most the hard limit, %llu, is %llu",
			 (unsigned long long)limit->hard, (unsigned long long)limit->soft);
}

static int check_rlimits(struct reader *r, const struct read_place *at,
			 const struct oci_process *process)
{
	const struct read_place field = READ_FIELD(at, "rlimits");
	uint64_t seen = 0;

	for (uint32_t i = 0; i < process->rlimit_count; i++) {
		const struct read_place here = READ_ELEMENT(&field, i);
		int resource = process->rlimits[i].resource;

		if ((seen >> resource & 1) != 0)
			return read_fail(r, &here, "%s is limited twice",
					 oci_table_name(OCI_TABLE_RLIMIT, (uint64_t)resource));
		seen |= UINT64_C(1) << resource;
	}
	return 0;
}

static int check_deadline(struct reader *r, const struct oci_process *process)
{
	uint64_t period = process->scheduler_period;

	if (process->scheduler_runtime == 0)
		return read_fail_field(r, "process.scheduler.runtime",
				       "is missing, with SCHED_DEADLINE");
	if (process->scheduler_deadline < process->scheduler_runtime)
		return read_fail_field(r, "process.scheduler.deadline",
				       "must not be less than runtime");
	if (period != 0 && period < process->scheduler_deadline)
		return read_fail_field(r, "process.scheduler.period",
				       "must not be less than deadline");
	return 0;
}

int read_process_check_scheduler(struct reader *r, const struct oci_process *process)
{
	int policy = process->scheduler_policy;
	bool real_time = policy == POLICY_FIFO || policy == POLICY_RR;

	if (real_time && process->scheduler_priority == 0)
		return read_fail_field(r, "process.scheduler.priority",
				       "must be from 1 to 99, with SCHED_FIFO and SCHED_RR");
	if (!real_time && process->scheduler_priority != 0)
		return read_fail_field(r, "process.scheduler.priority",
				       "is for SCHED_FIFO and SCHED_RR only");
	if (policy == POLICY_DEADLINE)
		return check_deadline(r, process);
	if (process->scheduler_runtime != 0 || process->scheduler_deadline != 0 ||
	    process->scheduler_period != 0)
		return read_fail_field(r, "process.scheduler",
				       "runtime, deadline and period are for SCHED_DEADLINE only");
	return 0;
}

static int check_args(struct reader *r, const struct read_place *at, const struct oci_strings *args)
{
	const struct read_place field = READ_FIELD(at, "args");
	const struct read_place first = READ_ELEMENT(&field, 0);

	if (args->count == 0)
		return read_fail(r, &field,
				 args->items == NULL ? "is missing" : "must not be empty");
	if (args->items[0][0] == '\0')
		return read_fail(r, &first, "must not be empty");
	return 0;
}

int read_process_check(struct reader *r, const struct read_place *at, struct oci_process *process)
{
	int rc = check_args(r, at, &process->args);

	if (rc == 0)
		rc = check_env(r, at, &process->env);
	if (rc == 0)
		rc = check_rlimits(r, at, process);
	if (rc == 0)
		rc = read_list_check(r, "process.execCPUAffinity.initial",
				     process->exec_cpus_initial);
	if (rc == 0)
		rc = read_list_check(r, "process.execCPUAffinity.final", process->exec_cpus_final);
	if (rc == 0 && !process->terminal)
		process->rows = process->columns = 0;
	return rc;
}
