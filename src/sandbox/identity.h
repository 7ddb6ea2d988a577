/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h: from what started the container to whom it runs as: user, groups, capabilities, umask, and no way back. */
#ifndef SANDBOX_IDENTITY_H
#define SANDBOX_IDENTITY_H

#include <linux/capability.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/spec.h"
#include "sandbox/caps.h"

/* What a guest has a use for: every other capability is for calls that the filter does not let pass. */
#define IDENTITY_GUEST CAPS_ONE(CAP_NET_BIND_SERVICE)
#define IDENTITY_ALL UINT64_MAX

/* Outcomes, bits: the process is as told but for this. An ordinary user's container has no more. */
enum {
	IDENTITY_GROUPS_KEPT = 1, /* the additional groups are those of who started us */
	IDENTITY_CAPS_LACK = 2, /* some that were asked for are not ours to give */
	IDENTITY_UNBOUND =
		4, /* the bounding set is as it was; nothing is executed that could make use of it */
};

/*
 * Become the process's user. `most`: capabilities beyond these are not given, whatever the process asks for. The one thread
 * there is must call it; afterwards the process has no_new_privs and is not dumpable, so that no other process of
 * the same user can look into it or signal a descriptor out of it.
 */
int identity_apply(const struct oci_process *process, uint64_t most, struct err *err);

#endif
