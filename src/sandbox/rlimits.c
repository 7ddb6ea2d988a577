/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlimits.c: small calls, with sentences that name the field they come from.
 *
 * A core file of a container holds its secrets and lands wherever the node's core_pattern says: so none is the default. The
 * limit is for files alone; that the process is not dumpable (identity.c) is what keeps its memory from a pipe.
 */
#include "sandbox/rlimits.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

enum { IOPRIO_PROCESS = 1, IOPRIO_SHIFT = 13, NOT_GIVEN = -1 };

/* Of sched_setattr(2), which no libc declares everywhere. The first version of its layout. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

const char *rlimits_name(int resource)
{
	static const char *const names[] = {
		[RLIMIT_CPU] = "RLIMIT_CPU",           [RLIMIT_FSIZE] = "RLIMIT_FSIZE",
		[RLIMIT_DATA] = "RLIMIT_DATA",         [RLIMIT_STACK] = "RLIMIT_STACK",
		[RLIMIT_CORE] = "RLIMIT_CORE",         [RLIMIT_RSS] = "RLIMIT_RSS",
		[RLIMIT_NPROC] = "RLIMIT_NPROC",       [RLIMIT_NOFILE] = "RLIMIT_NOFILE",
		[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",   [RLIMIT_AS] = "RLIMIT_AS",
		[RLIMIT_LOCKS] = "RLIMIT_LOCKS",       [RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
		[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE", [RLIMIT_NICE] = "RLIMIT_NICE",
		[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",     [RLIMIT_RTTIME] = "RLIMIT_RTTIME",
	};

	return resource >= 0 && (size_t)resource < ARRAY_SIZE(names) ? names[resource] : NULL;
}

static int set_limit(const struct oci_rlimit *limit, struct err *err)
{
	/* As the kernel lays it out: 64 bits, and all of them set is "unlimited". */
	const uint64_t pair[2] = {limit->soft, limit->hard};
	const char *name = rlimits_name(limit->resource);

	if (syscall(SYS_prlimit64, 0, limit->resource, pair, NULL) == 0)
		return 0;
	return err_set(err, -errno, "process.rlimits: %s of %llu, at most %llu: %s",
		       name != NULL ? name : "a limit", (unsigned long long)limit->soft,
		       (unsigned long long)limit->hard, strerror(errno));
}

int rlimits_apply(const struct oci_process *process, struct err *err)
{
	static const struct oci_rlimit no_core = {.resource = RLIMIT_CORE};
	bool names_core = false;
	int error = 0;

	for (uint32_t i = 0; i < process->rlimit_count && error == 0; i++) {
		names_core |= process->rlimits[i].resource == RLIMIT_CORE;
		error = set_limit(&process->rlimits[i], err);
	}
	return error == 0 && !names_core ? set_limit(&no_core, err) : error;
}

int rlimits_raise(const struct oci_process *process, struct err *err)
{
	int error = 0;

	for (uint32_t i = 0; i < process->rlimit_count && error == 0; i++) {
		struct oci_rlimit limit = process->rlimits[i];
		uint64_t now[2];

		if (syscall(SYS_prlimit64, 0, limit.resource, NULL, now) < 0 ||
		    now[1] >= limit.hard)
			continue;
		limit.soft = now[0];
		error = set_limit(&limit, err);
	}
	return error;
}

/* Digits, to the end of the text; where they begin. */
static const char *decimal(int number, char text[static 16])
{
	uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
	char *at = text + 15;

	*at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		*--at = '-';
	return at;
}

int rlimits_write_oom_score(int fd, int score, struct err *err)
{
	char room[16];
	const char *text = decimal(score, room);

	if (write(fd, text, strlen(text)) >= 0)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return RLIMITS_NOT_ALLOWED;
	return err_set(err, -errno, "process.oomScoreAdj: %d: %s", score, strerror(errno));
}

static int outcome_of(int error, const char *field, struct err *err)
{
	if (error == EACCES || error == EPERM)
		return RLIMITS_NOT_ALLOWED;
	return err_set(err, -error, "%s: %s", field, strerror(error));
}

int rlimits_schedule(const struct oci_process *process, struct err *err)
{
	struct attributes attributes = {
		.size = sizeof(attributes),
		.policy = (uint32_t)process->scheduler_policy,
		.flags = process->scheduler_flags,
		.nice = process->scheduler_nice,
		.priority = (uint32_t)process->scheduler_priority,
		.runtime = process->scheduler_runtime,
		.deadline = process->scheduler_deadline,
		.period = process->scheduler_period,
	};

	if (process->scheduler_policy != NOT_GIVEN &&
	    syscall(SYS_sched_setattr, 0, &attributes, 0u) < 0)
		return outcome_of(errno, "process.scheduler", err);
	if (process->ioprio_class != 0 &&
	    syscall(SYS_ioprio_set, IOPRIO_PROCESS, 0,
		    process->ioprio_class << IOPRIO_SHIFT | process->ioprio_level) < 0)
		return outcome_of(errno, "process.ioPriority", err);
	return 0;
}

/* Places that this kernel knows. */
enum { CPUS = 8192, BITS = 8 * sizeof(unsigned long) };

int rlimits_affinity(const char *cpus, struct err *err)
{
	unsigned long mask[CPUS / BITS] = {0};
	const char *at = cpus;

	while (at != NULL && *at != '\0') {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (end == at)
			return err_set(err, -EINVAL, "process.execCPUAffinity: '%s'", cpus);
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long cpu = first; cpu <= last && cpu < CPUS; cpu++)
			mask[cpu / BITS] |= 1UL << cpu % BITS;
		at = end + strspn(end, ", ");
	}
	if (cpus == NULL || syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask) >= 0)
		return 0;
	return err_set(err, -errno, "process.execCPUAffinity: '%s': %s", cpus, strerror(errno));
}
