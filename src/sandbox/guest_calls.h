/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_calls.h: guest_calls.def as a table, for whoever makes the filter of it (when Skiff is built) and whoever checks it.
 *
 * Not for the program that runs: it has the compiled filter.
 */
#ifndef SANDBOX_GUEST_CALLS_H
#define SANDBOX_GUEST_CALLS_H

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "oci/spec.h"

enum { GUEST_ARGS = 3 };

/* No immediate value of the table is this by chance. */
#define SELF 0x7ec15e1fu

/* An int, as the kernel sees it, without the two flags that may stand in it. */
#define SOCKET_TYPE (UINT32_MAX & ~(uint32_t)(SOCK_NONBLOCK | SOCK_CLOEXEC))
#define FUTEX_COMMAND (UINT32_MAX & ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))
#define NEITHER_READ_NOR_WRITE (~(uint64_t)(PROT_READ | PROT_WRITE))
#define CLONE_THREAD_MUST (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define CLONE_THREAD_MAY                                                             \
	(CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | \
	 CLONE_CHILD_SETTID | CLONE_DETACHED)

struct guest_row {
	const char *name; /* NULL: `words` are a heading */
	const char *words; /* the tests as written */
	uint32_t action; /* SECCOMP_RET_* */
	uint32_t arg_count;
	struct oci_seccomp_arg args[GUEST_ARGS];
};

#define EQ(argument, number)         \
	{                            \
		.index = (argument), \
		.op = OCI_OP_EQ,     \
		.value = (number),   \
	}
#define LE(argument, number)         \
	{                            \
		.index = (argument), \
		.op = OCI_OP_LE,     \
		.value = (number),   \
	}
#define BITS(argument, mask, number)    \
	{                               \
		.index = (argument),    \
		.op = OCI_OP_MASKED_EQ, \
		.value = (mask),        \
		.value_two = (number),  \
	}
#define USE(text) {.words = text},
#define PLAIN(call, answer) {.name = call, .words = "", .action = (answer)},
#define ALLOW(call) PLAIN(#call, SECCOMP_RET_ALLOW)
#define ABSENT(call) PLAIN(#call, SECCOMP_RET_ERRNO | ENOSYS)
#define NEVER(call) PLAIN(#call, SECCOMP_RET_KILL_PROCESS)
#define ALLOW_IF(call, ...)                                                    \
	{                                                                      \
		.name = #call,                                                 \
		.words = #__VA_ARGS__,                                         \
		.action = SECCOMP_RET_ALLOW,                                   \
		.arg_count = sizeof((struct oci_seccomp_arg[]){__VA_ARGS__}) / \
			     sizeof(struct oci_seccomp_arg),                   \
		.args = {__VA_ARGS__},                                         \
	},

static const struct guest_row guest_rows[] = {
#include "sandbox/guest_calls.def"
};

#undef EQ
#undef LE
#undef BITS
#undef USE
#undef PLAIN
#undef ALLOW
#undef ABSENT
#undef NEVER
#undef ALLOW_IF

#endif
