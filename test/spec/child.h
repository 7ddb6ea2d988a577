/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h: run one file of the suite in a process of its own.
 *
 * A crash, a hang, a sanitizer's report or a leak ends the child, not the harness: what it did not get to
 * is failed, with the command at which it ended.
 */
#ifndef SPEC_CHILD_H
#define SPEC_CHILD_H

#include "manifest.h"
#include "script.h"
#include "summary.h"

/* 0, or a negative errno: no process could be made. `seconds`: until the child is killed. */
int child_run(const struct script_options *options, const struct manifest_row *row,
	      unsigned seconds, struct summary *summary);

#endif
