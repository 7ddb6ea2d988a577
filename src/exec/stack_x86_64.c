/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_x86_64.c: run a call on another stack. The frame pointer leads back, for us and for debuggers.
 * Arguments stay in their registers: thread, func, frame are the callee's too; `top` is the fourth.
 */
#include <stddef.h>

#include "exec/thread.h"

_Static_assert(offsetof(struct func, entry) == 0, "called through (%rsi)");

__asm__(".text\n"
	".globl stack_switch\n"
	".hidden stack_switch\n"
	".type stack_switch, @function\n"
	".p2align 4\n"
	"stack_switch:\n"
	"	.cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	mov %rcx, %rsp\n"
	"	call *(%rsi)\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size stack_switch, . - stack_switch\n");
