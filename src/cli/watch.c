/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch.h"

#include "base/base.h"
#include "base/io.h"
#include "cli/relay.h"
#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static const int forwarded[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGUSR1,
				SIGUSR2, SIGTERM, SIGWINCH, SIGCONT};

static int open_stop(void)
{
	static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaddset(&set, ends[i]);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void watch_begin(struct watch *ret, const char *console_socket)
{
	*ret = (struct watch){
		.terminal = TERMINAL_NONE, .console_socket = console_socket, .stdio = {0, 1, 2}};
	sigemptyset(&ret->set);
	sigaddset(&ret->set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&ret->set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &ret->set, NULL);
	ret->stop = open_stop();
}

int watch_terminal(struct watch *w, const struct oci_spec *container,
		   const struct oci_process *process, struct err *err)
{
	int error;

	if (!process->terminal)
		return w->console_socket == NULL
			       ? 0
			       : err_set(err, -EINVAL,
					 "--console-socket needs process.terminal to be true");
	error = terminal_open(&w->terminal, container, process, err);
	if (error == 0 && w->console_socket != NULL &&
	    (error = terminal_send(&w->terminal, w->console_socket, err)) != 0)
		err_prefix(err, 0, "--console-socket");
	for (int i = 0; i < 3; i++)
		w->stdio[i] = w->terminal.slave;
	return error;
}

int watch_born(struct watch *w, int result)
{
	struct signalfd_siginfo info;

	/* Only the process has its end, so that we see when it is gone. */
	if (w->terminal.slave >= 0)
		close(w->terminal.slave);
	w->terminal.slave = -1;
	if (result == -ECANCELED && read(w->stop, &info, sizeof(info)) == sizeof(info))
		result = EXIT_SIGNAL + (int)info.ssi_signo;
	if (w->stop >= 0)
		close(w->stop);
	w->stop = -1;
	return result;
}

int watch_end(struct watch *w, pid_t pid, int other)
{
	const bool relays = w->terminal.master >= 0 && w->console_socket == NULL;
	int status = relay_attend(pid, &w->set, relays ? w->terminal.master : -1, other);

	watch_leave(w);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

void watch_leave(struct watch *w)
{
	terminal_close(&w->terminal);
}

void watch_note(void *env, enum message_kind kind, const char *sentence)
{
	(void)env;
	say_note(kind == MESSAGE_WARNING ? SAY_WARNING : SAY_INFO, NULL, "%s", sentence);
}

static void warn(void *env, const char *sentence)
{
	watch_note(env, MESSAGE_WARNING, sentence);
}

int watch_agree(struct terms *terms, struct limits *limits, const struct oci_spec *spec,
		const struct config *config, struct err *err)
{
	int error = limits_resolve(limits, spec, config, warn, NULL, err);

	memcpy(terms->limits, limits->of, sizeof(terms->limits));
	terms->landlock = config->policy_landlock;
	return error;
}

/* Whole or not at all: who waits for the file reads it at once. */
int watch_write_pid(const char *path, pid_t pid, struct err *err)
{
	char text[32], *new;
	int fd, error, size = snprintf(text, sizeof(text), "%d", (int)pid);

	if (asprintf(&new, "%s.new", path) < 0)
		return err_set(err, -ENOMEM, "--pid-file: %s", strerror(ENOMEM));
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	error = fd < 0 ? -errno : io_write(fd, text, (size_t)size);
	if (fd >= 0)
		close(fd);
	if (error == 0 && rename(new, path) < 0)
		error = -errno;
	if (error != 0 && fd >= 0)
		unlink(new);
	free(new);
	return error == 0 ? 0 : err_set(err, error, "--pid-file '%s': %s", path, strerror(-error));
}
