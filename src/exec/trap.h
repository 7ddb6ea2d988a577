/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.h: why a guest was stopped. A trap belongs to the guest: it is not an error of ours and
 * turns into an exit status only at the engine's door. TRAP_NONE is 0, so `if (trap)` reads well.
 */
#ifndef EXEC_TRAP_H
#define EXEC_TRAP_H

enum trap {
#define TRAP(id, words, code) TRAP_##id,
#include "exec/trap.def"
#undef TRAP
	TRAP_COUNT
};

_Static_assert(TRAP_NONE == 0, "callers test a trap for truth");

/* The sentence for people and the word for machines; static, never NULL. */
const char *trap_text(enum trap trap);
const char *trap_code(enum trap trap);

#endif
