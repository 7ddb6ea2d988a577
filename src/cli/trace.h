/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h: tell a trap: the reason, then where the guest was. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

struct skiff_trap;

/*
 * On standard error, in one write where it fits:
 *   skiff: trap: integer divide by zero
 *     #0  0x0042  divide
 * `reason` NULL: "trap: " and the trap's text.
 */
void trace_say(const char *reason, const struct skiff_trap *trap);

#endif
