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

#include "skiff.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum { CODE = 128 /* the exit code, plus the number of the signal */ };

static const unsigned char ending[] = {
	SIGHUP,  SIGINT,  SIGQUIT, SIGILL,    SIGTRAP, SIGABRT,   SIGBUS,  SIGFPE, SIGUSR1, SIGSEGV,
	SIGUSR2, SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGVTALRM, SIGPROF, SIGIO,  SIGPWR,  SIGSYS,
};

static struct {
	struct skiff_wasi *_Atomic wasi; /* borrowed; whom to ask, or NULL */
	uint64_t grace_ms;               /* set before wasi is */
	void (*_Atomic before_exit)(void);
	void (*_Atomic on_timer)(void *env);
	void *timer_env;            /* borrowed; set before on_timer is */
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

		end(grace_over ? state.code : CODE + number);
	}
	if (wasi == NULL || state.grace_ms == 0 || !skiff_wasi_stop(wasi, CODE + number))
		end(CODE + number);
	state.code = CODE + number;
	make_action(&action);
	start_grace(context, &action);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	void (*on_timer)(void *env) = state.on_timer;
	int saved = errno;

	if (number == SIGALRM && info->si_code == SI_TIMER && on_timer != NULL)
		on_timer(state.timer_env);
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

int signals_on_timer(void (*fn)(void *env), void *env)
{
	struct sigaction action, before;
	sigset_t alarm;

	state.timer_env = env;
	state.on_timer = fn;
	make_action(&action);
	if (sigaction(SIGALRM, &action, &before) < 0)
		return -errno;
	state.alarm_ignored = before.sa_handler == SIG_IGN;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	return sigprocmask(SIG_UNBLOCK, &alarm, NULL) < 0 ? -errno : 0;
}

void signals_pipe_ends(void)
{
	if (state.pipe_default)
		restore_default(SIGPIPE);
}
