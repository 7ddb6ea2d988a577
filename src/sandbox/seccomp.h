/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.h: which system calls are left once the cage is closed.
 *
 * Two filters, and the kernel takes the stricter answer of the two: the profile of the container's configuration, with
 * what it means to runc and crun; and ours, the same for every container (guest_calls.def), compiled when Skiff is built.
 *
 * How a profile is read, where the specification does not say:
 *   - names this CPU does not know are left out;
 *   - a rule with the default action is left out: it cannot make an exception from another rule;
 *   - of several rules for one call, one without arguments wins, the first of them; else the strictest that holds;
 *   - a rule that names the same argument twice is as many rules with one test each;
 *   - calls newer than the newest the profile names get ENOSYS, unless its default lets calls pass: the profile was
 *     written before they were, and libc must be told "not there" and not "not for you";
 *   - the architectures listed beside the machine's own do not matter: a call of another one kills the process, since
 *     nothing that runs in a cage ever makes one.
 */
#ifndef SANDBOX_SECCOMP_H
#define SANDBOX_SECCOMP_H

#include <linux/filter.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/spec.h"

/* A compiled profile. All zeros: none. */
struct seccomp_filter {
	struct sock_filter *code; /* owned */
	uint32_t count;
	uint32_t flags; /* of seccomp(2) */
};

/*
 * Compile a profile (not given: the result has no code). -EINVAL: NOTIFY where it cannot work; -E2BIG: more rules than
 * the kernel takes. Once it is installed, the profile lets one more call pass whatever it says: the one that installs
 * ours, which in turn kills whoever makes it again.
 */
int seccomp_compile(struct seccomp_filter *ret, const struct oci_seccomp *profile, struct err *err);
void seccomp_filter_deinit(struct seccomp_filter *filter);

/*
 * Close the cage: the profile (NULL or without code: none), then ours. For good, and for the calling thread and those it
 * starts: there must be no other one. The process has no_new_privs or CAP_SYS_ADMIN. *ret_listener is the
 * descriptor of the profile's notifications, or -1. On failure the process is not to go on: one filter may be there.
 */
int seccomp_close(const struct seccomp_filter *profile, int *ret_listener, struct err *err);

#endif
