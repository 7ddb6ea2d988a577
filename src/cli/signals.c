/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.c: one handler for all signals that end a run, and the state it needs: the only state of the command line
 * that is not on a stack.
 *
 * Start-up pays for each signal with one system call, so the real-time ones are taken by process 1 only:
 * elsewhere their default does nearly the same. A handler that somebody installed before us (a sanitizer) stays.
 *
 * A signal that the CPU raised for an instruction of ours, or abort(), tells of a bug: it goes its
 * usual way, so that the bug shows itself.
 */
#include "cli/signals.h"

#include "command/exit.h"
#include "skiff.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	SIGNALS_TIMERS = 2, /* at a time */
};

static const unsigned char ending[] = {
	SIGHUP,  SIGINT,  SIGQUIT, SIGILL,    SIGTRAP, SIGABRT,   SIGBUS,  SIGFPE, SIGUSR1, SIGSEGV,
	SIGUSR2, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO,  SIGPWR,  SIGSYS,
};

static struct {
	struct skiff_wasi *_Atomic wasi; /* borrowed; whom to ask, or NULL */
	uint64_t grace_ms;               /* set before wasi is */
	void (*_Atomic before_exit)(void);
	struct signals_timer
		*_Atomic timers[SIGNALS_TIMERS]; /* borrowed; an event names its place */
	volatile sig_atomic_t code; /* of the graceful end under way; 0: none */
	bool alarm_ignored;         /* was, and is but for timers */
	bool pipe_default;          /* SIGPIPE had its default */
} state;

static void restore_default(int number)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	sigaction(number, &action, NULL);
}

static bool tells_of_a_bug(int number, const siginfo_t *info)
{
	switch (number) {
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
		return info->si_code > 0; /* only the kernel writes such a code */
	case SIGABRT:
		return info->si_code == SI_TKILL && info->si_pid == getpid();
	default:
		return false;
	}
}

static _Noreturn void end(int code)
{
	void (*before)(void) = state.before_exit;

	if (before != NULL)
		before();
	_exit(code);
}

/* The end of grace is a SIGALRM. It must get through whatever our parent did to that signal. */
static void start_grace(ucontext_t *context, const struct sigaction *handler)
{
	uint64_t ms = state.grace_ms;
	uint64_t seconds = ms / 1000 < INT32_MAX ? ms / 1000 : INT32_MAX;
	struct itimerval when = {
		.it_value = {.tv_sec = (time_t)seconds, .tv_usec = (int)(ms % 1000) * 1000},
	};

	sigdelset(&context->uc_sigmask, SIGALRM);
	sigaction(SIGALRM, handler, NULL);
	setitimer(ITIMER_REAL, &when, NULL);
}

static void on_signal(int number, siginfo_t *info, void *context);

static void make_action(struct sigaction *ret)
{
	*ret = (struct sigaction){.sa_sigaction = on_signal};
	sigfillset(&ret->sa_mask);
	ret->sa_flags = SA_SIGINFO | SA_ONSTACK; /* the guest's stack may be full */
}

static void end_by(int number, const siginfo_t *info, ucontext_t *context)
{
	struct skiff_wasi *wasi = state.wasi;
	struct sigaction action;

	if (state.code != 0) {
		bool grace_over = number == SIGALRM && info->si_code == SI_KERNEL;

		end(grace_over ? state.code : EXIT_SIGNAL + number);
	}
	if (wasi == NULL || state.grace_ms == 0 || !skiff_wasi_stop(wasi, EXIT_SIGNAL + number))
		end(EXIT_SIGNAL + number);
	state.code = EXIT_SIGNAL + number;
	make_action(&action);
	start_grace(context, &action);
}

/* Anybody may send such an event: its value is a place and no pointer. One that comes late finds nobody. */
static void on_timer(const siginfo_t *info)
{
	unsigned place = (unsigned)info->si_value.sival_int;
	struct signals_timer *timer = place < SIGNALS_TIMERS ? state.timers[place] : NULL;

	if (timer != NULL)
		timer->fn(timer);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (number == SIGALRM && info->si_code == SI_TIMER)
		on_timer(info);
	else if (tells_of_a_bug(number, info))
		restore_default(number);
	else if (number != SIGALRM || !state.alarm_ignored || state.code != 0)
		end_by(number, info, context);
	errno = saved;
}

/* Only what is at its default is ours to change. */
static void take(int number, const struct sigaction *action, struct sigaction *before)
{
	if (sigaction(number, action, before) == 0 && before->sa_handler != SIG_DFL)
		sigaction(number, before, NULL);
}

void signals_install(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction action, before;

	make_action(&action);
	for (size_t i = 0; i < sizeof(ending); i++)
		take(ending[i], &action, &before);
	if (getpid() == 1)
		for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
			take(number, &action, &before);
	take(SIGXFSZ, &ignore, &before);
	take(SIGPIPE, &ignore, &before);
	state.pipe_default = before.sa_handler == SIG_DFL;
}

void signals_grace(struct skiff_wasi *wasi, uint64_t ms)
{
	state.grace_ms = ms;
	state.wasi = wasi;
}

void signals_before_exit(void (*fn)(void))
{
	state.before_exit = fn;
}

/* SIGALRM gets through, whatever our parent did to it. */
static int let_alarm_in(void)
{
	struct sigaction action, before;
	sigset_t alarm;

	make_action(&action);
	if (sigaction(SIGALRM, &action, &before) < 0)
		return -errno;
	if (before.sa_handler == SIG_IGN)
		state.alarm_ignored = true;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	return sigprocmask(SIG_UNBLOCK, &alarm, NULL) < 0 ? -errno : 0;
}

/* A timer of 0 never fires; 100 years never end. */
static void set_time(struct timespec *when, uint64_t ms)
{
	when->tv_sec = (time_t)(ms / 1000 < UINT32_MAX ? ms / 1000 : UINT32_MAX);
	when->tv_nsec = ms == 0 ? 1 : (int)(ms % 1000) * 1000000;
}

int signals_timer_start(struct signals_timer *timer, uint64_t ms)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec when = {0};
	int place = 0, r;

	while (place < SIGNALS_TIMERS && state.timers[place] != NULL)
		place++;
	if (place == SIGNALS_TIMERS)
		return -EAGAIN;
	r = let_alarm_in();
	if (r < 0)
		return r;
	event.sigev_value.sival_int = place;
	set_time(&when.it_value, ms);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer->id) < 0)
		return -errno;
	state.timers[place] = timer;
	return timer_settime(timer->id, 0, &when, NULL) < 0 ? -errno : 0;
}

void signals_timer_stop(struct signals_timer *timer)
{
	timer_delete(timer->id);
	for (int place = 0; place < SIGNALS_TIMERS; place++)
		if (state.timers[place] == timer)
			state.timers[place] = NULL;
}

void signals_pipe_ends(void)
{
	if (state.pipe_default)
		restore_default(SIGPIPE);
}
