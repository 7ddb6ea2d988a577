/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels.h: the profile of AppArmor or the label of SELinux that a process is given.
 *
 * Asked for where the kernel has no such module it is an error: whoever named a profile relies on it. The file it is written
 * to is opened while there is a /proc, and written when everything that the profile may forbid is done.
 */
#ifndef SANDBOX_LABELS_H
#define SANDBOX_LABELS_H

#include "base/err.h"
#include "oci/spec.h"

struct labels {
	int apparmor, selinux; /* owned; -1: not asked for */
};

int labels_open(struct labels *ret, const struct oci_spec *spec, struct err *err);
/* Before no_new_privs is set. Closes them. */
int labels_apply(struct labels *labels, const struct oci_process *process, struct err *err);
void labels_close(struct labels *labels);

#endif
