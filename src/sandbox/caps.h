/* SPDX-License-Identifier: Apache-2.0 */
/* caps.h: the five sets of capabilities of the calling thread, as masks by the kernel's numbers. */
#ifndef SANDBOX_CAPS_H
#define SANDBOX_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/spec.h"

/* The mask of one. */
#define CAPS_ONE(capability) (UINT64_C(1) << (capability))

/* Everything but `unknown` is filled. */
int caps_get(struct oci_capabilities *ret, struct err *err);
/* The permitted, effective and inheritable set alone: of the others the kernel is asked one capability at a time. */
int caps_get_own(struct oci_capabilities *ret, struct err *err);

/* Drop what is not in `keep` from the bounding set. Takes CAP_SETPCAP, unless `keep` is all. */
int caps_bound(uint64_t keep, struct err *err);

/*
 * Permitted, effective, inheritable and ambient. The permitted set can only shrink: -EPERM where it would not. What is
 * not both permitted and inheritable cannot be ambient, and is left out there.
 */
int caps_set(const struct oci_capabilities *caps, struct err *err);

#endif
