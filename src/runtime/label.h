/* SPDX-License-Identifier: Apache-2.0 */
/* label.h: what security modules are to call a container's process: AppArmor's profile, SELinux's label. */
#ifndef RUNTIME_LABEL_H
#define RUNTIME_LABEL_H

#include "base/err.h"
#include "oci/spec.h"

/* -ENOTSUP: a label is asked for, and the kernel has no such module. */
int label_check(const struct oci_spec *spec, struct err *err);
/* From the calling process's next exec on. Only system calls: fit for a child that shares memory. */
int label_next_exec(const struct oci_process *process, struct err *err);

#endif
