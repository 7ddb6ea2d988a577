/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contained.c: make a container of a bundle, wait for its end, leave nothing.
 *
 * Signals that would end us go to the container instead; its end is ours.
 */
#include "cli/contained.h"

#include "base/err.h"
#include "base/io.h"
#include "cli/dump.h"
#include "cli/exit.h"
#include "cli/node.h"
#include "cli/relay.h"
#include "cli/say.h"
#include "runtime/bundle.h"
#include "runtime/container.h"
#include "runtime/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

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
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
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

static int close_stop(int stop, int result)
{
	struct signalfd_siginfo info;

	if (result == -ECANCELED && read(stop, &info, sizeof(info)) == sizeof(info))
		result = EXIT_SIGNAL + (int)info.ssi_signo;
	if (stop >= 0)
		close(stop);
	return result;
}

/* What an exit code of 137 alone does not say. */
static void say_why(const struct container *container)
{
	const struct oci_number *limit = &container->bundle->spec->resources.memory_limit;

	if (!container_ran_out(container))
		return;
	if (limit->given && limit->value != OCI_UNLIMITED)
		say(EXIT_OK, NULL,
		    "the container was killed: it needed more memory than its %lld bytes",
		    (long long)limit->value);
	else
		say(EXIT_OK, NULL, "the container was killed: there was no memory left for it");
}

/* Whole or not at all: who waits for the file reads it at once. */
static int write_pid(const char *path, pid_t pid, struct err *err)
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

static int give_terminal(struct container *container, struct terminal *terminal,
			 const struct contained_plan *plan, struct err *err)
{
	const struct oci_process *process = &container->bundle->spec->process;
	int error;

	if (!process->terminal)
		return plan->console_socket == NULL
			       ? 0
			       : err_set(err, -EINVAL,
					 "--console-socket needs process.terminal to be true");
	error = terminal_open(terminal, process, err);
	if (error == 0 && plan->console_socket != NULL &&
	    (error = terminal_send(terminal, plan->console_socket, err)) != 0)
		err_prefix(err, 0, "--console-socket");
	for (int i = 0; i < 3; i++)
		container->stdio[i] = terminal->slave;
	return error;
}

/* Up to the guest's first instruction. */
static int begin(struct container *container, struct terminal *terminal,
		 const struct contained_plan *plan, struct err *err)
{
	int error = give_terminal(container, terminal, plan, err);

	if (error == 0)
		error = container_create(container, err);
	/* Only the container has its end, so that we see when it is gone. */
	if (terminal->slave >= 0)
		close(terminal->slave);
	terminal->slave = -1;
	if (error == 0 && plan->pid_file != NULL)
		error = write_pid(plan->pid_file, container->child.pid, err);
	return error == 0 ? container_start(container, err) : error;
}

static int run(struct container *container, const struct contained_plan *plan, const sigset_t *set)
{
	struct terminal terminal = TERMINAL_NONE;
	struct err err = {""};
	bool relays;
	int r, code;

	container->stop = open_stop();
	r = close_stop(container->stop, begin(container, &terminal, plan, &err));
	relays = terminal.master >= 0 && plan->console_socket == NULL;
	if (r != 0) {
		container_delete(container, NULL);
		terminal_close(&terminal);
		return say(r > 0 ? r : EXIT_BAD, NULL, "%s", err.text);
	}
	if (container_started(container, &err) != 0)
		say_note(SAY_WARNING, NULL, "%s", err.text);
	code = code_of(relays ? relay_attend(container->child.pid, set, terminal.master)
			      : attend(container->child.pid, set));
	terminal_close(&terminal);
	container->child.pid = 0;
	if (code == EXIT_SIGNAL + SIGKILL)
		say_why(container);
	if (container_delete(container, &err) != 0)
		say_note(SAY_WARNING, NULL, "%s", err.text);
	return code;
}

static void say_note_of_child(void *env, enum message_kind kind, const char *sentence)
{
	(void)env;
	say_note(kind == MESSAGE_WARNING ? SAY_WARNING : SAY_INFO, NULL, "%s", sentence);
}

static void warn(void *env, const char *sentence)
{
	(void)env;
	say_note(SAY_WARNING, NULL, "%s", sentence);
}

/* What the guest gets beside its config.json; `more` has room for all descriptors. */
static int agree(struct contained_plan *plan, struct container *container, int *more)
{
	const struct oci_spec *spec = container->bundle->spec;
	struct terms *terms = &plan->terms;
	struct err err = {""};
	uint32_t count = plan->socket_count;
	int dump;

	for (uint32_t i = 0; i < spec->unknown.count; i++)
		say_note(SAY_INFO, NULL, "config.json has a field that nobody knows: %s",
			 spec->unknown.items[i]);
	if (limits_resolve(&plan->limits, spec, plan->config, warn, NULL, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	memcpy(terms->limits, plan->limits.of, sizeof(terms->limits));
	terms->landlock = plan->config->policy_landlock;
	if (count > 0)
		memcpy(more, plan->sockets, count * sizeof(*more));
	if (plan->coredump != NULL) {
		dump = dump_open(plan->coredump);
		if (dump < 0)
			return say(EXIT_BAD, plan->coredump, "%s", strerror(-dump));
		more[count++] = dump;
		terms->dumps = true;
	}
	container->terms = terms;
	container->more = more;
	container->more_count = count;
	return EXIT_OK;
}

int contained_run(struct contained_plan *plan)
{
	int more[LAUNCH_MORE_MOST];
	char made_up[32];
	struct container container = {0};
	struct bundle bundle;
	struct err err = {""};
	sigset_t set;
	int code;

	if (plan->config == NULL) {
		if (node_read(&plan->config, NULL) != EXIT_OK)
			return EXIT_BAD;
		node_cache(plan->config, &plan->cache, &plan->no_cache);
	}
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
	container.note = say_note_of_child;
	for (int i = 0; i < 3; i++)
		container.stdio[i] = i;
	code = agree(plan, &container, more);
	if (code == EXIT_OK)
		code = run(&container, plan, &set);
	if (plan->terms.dumps)
		dump_close(more[container.more_count - 1], plan->coredump);
	bundle_close(&bundle);
	return code;
}
