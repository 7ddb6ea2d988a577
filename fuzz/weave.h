/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weave.h (fuzz): any bytes as choices, of which a module is woven that is nearly valid.
 *
 * Bytes that are mutated seldom stay functions whose operands have the right types. Here they choose instead: which
 * instruction of opcodes.def is next, what its immediates name, whether its operands are made for it or are what
 * happens to lie on the stack, where blocks end. Some choices are wrong on purpose.
 */
#ifndef FUZZ_WEAVE_H
#define FUZZ_WEAVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* An instruction the module was woven of. */
struct woven {
	uint32_t offset; /* in the module */
	uint32_t opcode;
};

/* The module these choices make, all of it exported, and where its instructions are (struct woven); none are told where
 * choices became code as they are. Both are empty before, and the caller's to free. */
void weave(struct buf *ret_module, struct buf *ret_instructions, const uint8_t *choices,
	   size_t size);

#endif
