/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.c: start `skiff cache add` beside us.
 *
 * The new process shares our memory until it executes itself, so nothing is copied for it. At the end of a run we do not
 * even wait for that: what it reads (its arguments, its stack) nobody writes to any more, and the memory lives as
 * long as one of us does. In the middle of one we wait, because errno and the signal mask are the guest's.
 */
#include "cli/fill.h"

#include "base/fds.h"
#include "cli/signals.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	AFTER_MS = 200, /* the guest has lived so long */
	STACK = 16 * 1024,
	IOPRIO_IDLE = 3 << 13, /* class 3 of ioprio_set(2), which libc does not have */
};

static struct {
	const char *args[10];
	struct signals_timer timer;
	bool timed; /* it is running */
	volatile sig_atomic_t wanted; /* args are set, and nobody has begun */
} state;

static _Alignas(16) char stack[STACK]; /* of the process to be */

static void quiet(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		_exit(1);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	fds_close_on_exec(3);
}

static void stand_back(void)
{
	struct sched_param none = {0};
	sigset_t all;

	sched_setscheduler(0, SCHED_IDLE, &none);
	setsid(); /* what ends our terminal's programs does not end it */
	syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static int become(void *unused)
{
	static char *const no_environment[] = {NULL};
	char *const *environment = environ != NULL ? environ : no_environment;
	const char *self = (const char *)(uintptr_t)getauxval(AT_EXECFN);

	(void)unused;
	stand_back(); /* first: whoever waits for the guest's end is not to wait for us */
	quiet();
	execve("/proc/self/exe", (char *const *)(uintptr_t)state.args, environment);
	if (self != NULL)
		execve(self, (char *const *)(uintptr_t)state.args, environment);
	_exit(1);
}

static void start(int flags)
{
	if (!state.wanted)
		return;
	state.wanted = 0;
	/* The last process of a container takes all others with it. */
	if (getpid() != 1 || (flags & CLONE_VFORK) != 0)
		clone(become, stack + STACK, CLONE_VM | SIGCHLD | flags, NULL);
}

static void in_between(struct signals_timer *timer)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

	(void)timer;
	sigaction(SIGCHLD, &action, NULL); /* nobody waits for it */
	start(CLONE_VFORK);
}

void fill_wanted(const char *cache, const char *module, bool fuel)
{
	size_t n = 0;

	state.args[n++] = "skiff";
	state.args[n++] = "cache";
	state.args[n++] = "add";
	if (cache != NULL) {
		state.args[n++] = "--cache";
		state.args[n++] = cache;
	}
	if (fuel)
		state.args[n++] = "--fuel";
	state.args[n++] = "--";
	state.args[n++] = module;
	state.args[n] = NULL;
	state.wanted = 1;
}

void fill_later(void)
{
	state.timer.fn = in_between;
	if (state.wanted)
		state.timed = signals_timer_start(&state.timer, AFTER_MS) == 0;
}

void fill_now(void)
{
	if (state.timed)
		signals_timer_stop(&state.timer);
	start(0);
}
