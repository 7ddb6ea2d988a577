/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contained.c: make a container of a bundle, wait for its end, leave nothing.
 *
 * Signals that would end us go to the container instead; its end is ours.
 */
#include "cli/contained.h"

#include "base/err.h"
#include "cli/exit.h"
#include "cli/say.h"
#include "runtime/bundle.h"
#include "runtime/container.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CODE = 128 /* the exit code, plus the number of the signal */ };

static const int forwarded[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGUSR1,
				SIGUSR2, SIGTERM, SIGWINCH, SIGCONT};

static void wanted_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(set, forwarded[i]);
}

/* Until the child has ended: its wait status. */
static int attend(pid_t pid, const sigset_t *set)
{
	int status, number;

	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return status;
		if (sigwait(set, &number) != 0 || number == SIGCHLD)
			continue;
		kill(pid, number);
	}
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : CODE + WTERMSIG(status);
}

/* Readable once there is a signal that ends us while there is no container to pass it on to. */
static int open_stop(void)
{
	static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&set, ends[i]);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int create(struct container *container, struct err *err)
{
	struct signalfd_siginfo info;
	int r;

	container->stop = open_stop();
	r = container_create(container, err);
	if (r == -ECANCELED && read(container->stop, &info, sizeof(info)) == sizeof(info))
		r = CODE + (int)info.ssi_signo;
	if (container->stop >= 0)
		close(container->stop);
	container->stop = -1;
	return r;
}

static int run(struct container *container, const sigset_t *set)
{
	struct err err = {""};
	int r = create(container, &err), code;

	if (r == 0)
		r = container_start(container, &err);
	if (r != 0) {
		container_delete(container, NULL);
		return say(r > 0 ? r : EXIT_BAD, NULL, "%s", err.text);
	}
	code = code_of(attend(container->child.pid, set));
	container->child.pid = 0;
	if (container_delete(container, &err) != 0)
		say(EXIT_OK, NULL, "warning: %s", err.text);
	return code;
}

int contained_run(const struct contained_plan *plan)
{
	char made_up[32];
	struct container container = {0};
	struct bundle bundle;
	struct err err = {""};
	sigset_t set;
	int code;

	snprintf(made_up, sizeof(made_up), "run-%d", (int)getpid());
	if (plan->bundle != NULL ? bundle_open(&bundle, plan->bundle, &err) != 0
				 : bundle_of_text(&bundle, plan->text, plan->size, &err) != 0)
		return say(EXIT_BAD, plan->bundle, "%s", err.text);
	wanted_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	container.id = plan->id != NULL ? plan->id : made_up;
	container.bundle = &bundle;
	container.cache = plan->no_cache ? "" : plan->cache;
	container.template = -1;
	container.no_cgroup = plan->bundle == NULL;
	for (int i = 0; i < 3; i++)
		container.stdio[i] = i;
	code = run(&container, &set);
	bundle_close(&bundle);
	return code;
}
