/* SPDX-License-Identifier: Apache-2.0 */
/* actions.h: do what a command's "action" says: call an export, or read a global. */
#ifndef SPEC_ACTIONS_H
#define SPEC_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "script.h"

/* What came of it. Zero-initialised is empty. */
struct action {
	int rc;      /* what skiff_call() returned */
	struct skiff_val *results; /* owned; with rc 0 */
	size_t count;
	struct skiff_trap *trap; /* owned; with SKIFF_TRAP */
	struct skiff_error err;
};

/* False, with the verdict: there was nothing to do it with. Deinit in any case. */
bool action_run(struct action *action, struct script *script, struct json_value text,
		struct verdict *verdict);
void action_deinit(struct action *action);

/* The trap's code, or "" where it did not trap. */
const char *action_trap(const struct action *action);
/* For a person: "[i32 5]", "trap: integer overflow", ... */
void action_text(const struct action *action, char *text, size_t size);

#endif
