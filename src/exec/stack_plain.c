/* SPDX-License-Identifier: Apache-2.0 */
/* stack_plain.c: where no assembly is written yet, C code stays on the stack it is on. */
#include "exec/thread.h"

enum status stack_switch(struct thread *thread, struct func *func, slot *frame, void *top)
{
	(void)top;
	return func->entry(thread, func, frame);
}
