/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/beside.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

enum { STACK = 32 * 1024 };

int beside_run(int flags, int (*body)(void *env), void *env)
{
	static _Alignas(16) char stack[STACK];
	pid_t pid = clone(body, stack + STACK, flags | CLONE_VM | CLONE_VFORK | SIGCHLD, env);

	if (pid < 0)
		return -errno;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
