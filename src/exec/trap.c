/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/trap.h"

#include <stddef.h>

static const struct {
	const char *text;
	const char *code;
} names[TRAP_COUNT] = {
#define TRAP(id, words, code) [TRAP_##id] = {words, code},
#include "exec/trap.def"
#undef TRAP
};

const char *trap_text(enum trap trap)
{
	return (size_t)trap < TRAP_COUNT ? names[trap].text : "unknown trap";
}

const char *trap_code(enum trap trap)
{
	return (size_t)trap < TRAP_COUNT ? names[trap].code : "unknown";
}
