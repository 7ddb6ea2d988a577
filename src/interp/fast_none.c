/* SPDX-License-Identifier: Apache-2.0 */
/* fast_none.c: in place of tail.c for compilers without guaranteed tail calls. */
#include "interp/interp.h"

enum status interp_fast(struct thread *thread, const uint8_t *pc, slot *sp, slot *fp,
			const struct image_side *side, struct instance *instance)
{
	return interp_switch(thread, pc, sp, fp, side, instance);
}
