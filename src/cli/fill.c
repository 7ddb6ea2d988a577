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
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	AFTER_MS = 200, /* the guest has lived so long */
	MOST_SECONDS = 600, /* to put in a container's module */
	STACK = 16 * 1024,
};

static struct {
	const char *args[10];
	struct signals_timer timer;
	bool timed; /* it is running */
	volatile sig_atomic_t wanted; /* args are set, and nobody has begun */
	bool is_apart; /* the guest is in another process, and its module: */
	int module; /* owned; -1: none */
	struct timespec due;
	pid_t child; /* 0: none that could be waited for */
	bool pauses; /* it waits before it begins */
} state;

static _Alignas(16) char stack[STACK]; /* of the process to be */

static void quiet(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		_exit(1);
	if (state.is_apart && dup2(state.module, 0) == state.module)
		fcntl(0, F_SETFD, 0);
	for (int fd = state.is_apart ? 1 : 0; fd <= 2; fd++)
		dup2(null, fd);
	fds_close_on_exec(3);
}

/*
 * Of our terminal, and what it ends; and signals that were kept from us are let in. Whoever waits until we are another program is
 * not to wait for a CPU that nobody wants: so it is that program that stands back.
 */
static void leave_group(void)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int become(void *unused)
{
	static char *const no_environment[] = {NULL};
	const struct timespec pause = {0, AFTER_MS * 1000000L};
	/* What decodes a container's module is not to know what our variables say, and its process had none. */
	bool bare = environ == NULL || state.is_apart;
	char *const *environment = bare ? no_environment : environ;
	const char *self = (const char *)(uintptr_t)getauxval(AT_EXECFN);

	(void)unused;
	leave_group();
	quiet();
	if (state.is_apart)
		alarm(MOST_SECONDS); /* its file system may never answer */
	if (state.pauses)
		nanosleep(&pause, NULL);
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
		state.child = clone(become, stack + STACK, CLONE_VM | SIGCHLD | flags, NULL);
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
	state.args[n++] = "--idle";
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

/* -- For a guest in another process ------------------------------------------------------------------ */

void fill_wanted_of(const char *cache, int module, bool fuel)
{
	if (module < 0)
		return;
	if (cache != NULL && cache[0] == '\0') {
		close(module); /* nobody asked for it */
		return;
	}
	fill_wanted(cache, "-", fuel);
	state.is_apart = true;
	state.module = module;
	clock_gettime(CLOCK_MONOTONIC, &state.due);
	state.due.tv_nsec += AFTER_MS * 1000000L;
}

const char *fill_cache(void)
{
	const char *named = getenv("SKIFF_CACHE");

	return named == NULL || named[0] == '/' ? named : "";
}

int fill_waits(void)
{
	struct timespec now;
	int64_t ms;

	if (!state.wanted || !state.is_apart)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (state.due.tv_sec - now.tv_sec) * INT64_C(1000) +
	     (state.due.tv_nsec - now.tv_nsec + 999999) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

void fill_when_due(void)
{
	if (fill_waits() != 0)
		return;
	start(CLONE_VFORK);
	close(state.module);
}

void fill_ended(void)
{
	if (state.child > 0 && waitpid(state.child, NULL, WNOHANG) == state.child)
		state.child = 0;
}

void fill_behind(void)
{
	state.pauses = true;
	start(0);
}
