/* SPDX-License-Identifier: Apache-2.0 */
/* fences.h: what of the cage, or of the engine in it, this node does not have: told before the guest runs, or why it does not. */
#ifndef RUNTIME_FENCES_H
#define RUNTIME_FENCES_H

#include "base/err.h"
#include "oci/spec.h"
#include "runtime/config.h"
#include "runtime/message.h"

/* In the container's process, before it is shut. `landlock`: CONFIG_LANDLOCK_*. 0, or -EPERM with the sentence. */
int fences_check(const struct oci_spec *spec, enum config_word landlock, message_note_fn *note,
		 void *env, struct err *err);

#endif
