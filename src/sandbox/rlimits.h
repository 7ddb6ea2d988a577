/* SPDX-License-Identifier: Apache-2.0 */
/* rlimits.h: what the kernel counts and grants a process: limits, the out-of-memory score, its turns on CPU and disk. */
#ifndef SANDBOX_RLIMITS_H
#define SANDBOX_RLIMITS_H

#include "base/err.h"
#include "oci/spec.h"

/* Outcome of rlimits_write_oom_score() and rlimits_schedule(): asked for more than an ordinary user may have. */
enum { RLIMITS_NOT_ALLOWED = 1 };

/*
 * The process's limits, for the calling process; RLIMIT_CORE is 0 unless it is among them. Before identity_apply(): raising a
 * hard limit takes CAP_SYS_RESOURCE. -EINVAL names the limit.
 */
int rlimits_apply(const struct oci_process *process, struct err *err);
/* Only raise hard limits that are below what is asked for: for who is about to lose the right to, and applies all later. */
int rlimits_raise(const struct oci_process *process, struct err *err);

/* "RLIMIT_NOFILE"; NULL: no such one. */
const char *rlimits_name(int resource);

/* Write a score to an opened /proc/PID/oom_score_adj. */
int rlimits_write_oom_score(int fd, int score, struct err *err);

/* Scheduler and I/O priority of the calling thread, where they are given. Before identity_apply(). */
int rlimits_schedule(const struct oci_process *process, struct err *err);

/* The CPUs the calling thread may run on: "0-3,7", checked when it was read; NULL: as they are. Only system calls. */
int rlimits_affinity(const char *cpus, struct err *err);

#endif
