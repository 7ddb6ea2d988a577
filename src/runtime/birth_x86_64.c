/* SPDX-License-Identifier: Apache-2.0 */
/*
 * birth_x86_64.c: the child wakes up on a stack with nothing on it, and in registers has what it is to do. The kernel leaves
 * all but rax, rcx and r11 alone.
 */
#include "runtime/birth.h"

#include <sys/syscall.h>

pid_t birth(struct clone_args *args, int (*act)(void *env), void *env)
{
	register void *first __asm__("r12") = env;
	register int (*call)(void *) __asm__("r13") = act;
	long result = SYS_clone3;

	__asm__ volatile("syscall\n"
			 "test %%eax, %%eax\n"
			 "jnz 1f\n"
			 "xor %%ebp, %%ebp\n" /* the end of the chain of frames */
			 "mov %%r12, %%rdi\n"
			 "call *%%r13\n"
			 "hlt\n"
			 "1:"
			 : "+a"(result)
			 : "D"(args), "S"(sizeof(*args)), "r"(first), "r"(call)
			 : "rcx", "r11", "cc", "memory");
	return (pid_t)result;
}
