/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h: rules over system calls, compiled to the classic BPF that seccomp runs.
 *
 * What a plan means, and what filter_compile() must keep to:
 *
 *   - a call of another architecture (x32 too) gets `foreign`;
 *   - a number above `newest` gets ENOSYS, whatever the rules say;
 *   - else the rules for the number that hold decide. A rule without arguments makes the others of its call void, the
 *     first of several such is the one. Of rules with arguments, the strictest action that holds counts, by the order
 *     of the kernel, and of equals the first;
 *   - a rule marked `first` comes before all that;
 *   - where no rule holds, `otherwise`.
 */
#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "oci/spec.h"

/* The kernel takes no more. */
enum { FILTER_MOST = BPF_MAXINSNS };

struct filter_rule {
	uint32_t number;
	uint32_t action; /* SECCOMP_RET_* with its data */
	const struct oci_seccomp_arg *args; /* borrowed; all must hold */
	uint32_t arg_count;
	bool first;
};

struct filter_plan {
	const struct filter_rule *rules; /* borrowed */
	uint32_t rule_count;
	uint32_t otherwise, foreign; /* SECCOMP_RET_* */
	uint32_t newest; /* UINT32_MAX: no number is too new */
};

/*
 * Write the program to code[0 ...]. Returns the number of its instructions, -E2BIG: more than the kernel takes,
 * -EINVAL: a number not below SYSCALLS_MOST.
 */
int filter_compile(struct sock_filter code[FILTER_MOST], const struct filter_plan *plan);

#endif
