/* SPDX-License-Identifier: Apache-2.0 */
/*
 * birth.h: a process that is born in a control group of version 2.
 *
 * A process that is there already moves by a write to cgroup.procs, for which kernels before 6.18 wait until all CPUs have been
 * elsewhere: 12 ms where being born there costs a tenth of one. glibc's clone() cannot say it, and what can needs a
 * stack to go on with, which is a matter of the processor's.
 */
#ifndef RUNTIME_BIRTH_H
#define RUNTIME_BIRTH_H

#include <linux/sched.h>
#include <sys/types.h>

/*
 * clone3() with CLONE_INTO_CGROUP; the child calls act(env), which does not return, on the stack that `args` has. -errno: not in
 * this kernel (before 5.7), not for us, not on this processor.
 */
pid_t birth(struct clone_args *args, int (*act)(void *env), void *env);

#endif
