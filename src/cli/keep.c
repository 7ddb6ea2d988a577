/* SPDX-License-Identifier: Apache-2.0 */
/* keep.c: a fork, and one loop of poll() over the container's streams and a signalfd. */
#include "cli/keep.h"

#include "base/base.h"
#include "base/fds.h"
#include "cli/containers.h"
#include "cli/fill.h"
#include "command/exit.h"
#include "command/out.h"
#include "command/say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 16 * 1024, PART_MS = 200 /* so long the rest of a line is waited for */ };

static struct log *said; /* where our own sentences go */

/* -- Two of us ---------------------------------------------------------------------------------------- */

static int await_report(pid_t pid, int report, const char *id)
{
	struct out out;
	char byte;
	int status = 0;
	ssize_t n;

	do
		n = read(report, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) {
		out_init(&out, STDOUT_FILENO);
		out_format(&out, "%s\n", id);
		return out_end(&out, EXIT_OK);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) != EXIT_OK ? WEXITSTATUS(status) : EXIT_BAD;
	return say(EXIT_SIGNAL + WTERMSIG(status), NULL,
		   "who was to look after the container was ended by signal %d", WTERMSIG(status));
}

bool keep_leave(struct keep *ret, const char *id, int *ret_code)
{
	int report[2];
	pid_t pid = -1;

	*ret = (struct keep){.id = id,
			     .report = -1,
			     .ours = {-1, -1},
			     .theirs = {-1, -1},
			     .input = -1,
			     .log = {.dir = -1, .fd = -1}};
	if (pipe2(report, O_CLOEXEC) == 0)
		pid = fork();
	if (pid < 0) {
		*ret_code = say(EXIT_BAD, NULL, "a process to look after the container: %s",
				strerror(errno));
		return true;
	}
	close(report[pid == 0 ? 0 : 1]);
	if (pid == 0) {
		ret->report = report[1];
		return false;
	}
	*ret_code = await_report(pid, report[0], id);
	return true;
}

/* -- Making it ---------------------------------------------------------------------------------------- */

int keep_streams(struct keep *keep, struct watch *watch, struct err *err)
{
	int fds[2];

	keep->input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (keep->input < 0)
		return err_set(err, -errno, "/dev/null: %s", strerror(errno));
	watch->stdio[0] = keep->input;
	for (int i = 0; i < LOG_STREAMS; i++) {
		if (pipe2(fds, O_CLOEXEC) < 0)
			return err_set(err, -errno, "a pipe: %s", strerror(errno));
		fcntl(fds[0], F_SETFL, O_NONBLOCK);
		keep->ours[i] = fds[0];
		keep->theirs[i] = watch->stdio[i + 1] = fds[1];
	}
	return 0;
}

int keep_log(struct keep *keep, struct err *err)
{
	int dir = containers_log(keep->id, true, err);

	return dir < 0 ? dir : log_open(&keep->log, dir, keep->log_bytes, err);
}

static void close_all(int fds[LOG_STREAMS])
{
	for (int i = 0; i < LOG_STREAMS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

void keep_born(struct keep *keep)
{
	close_all(keep->theirs);
	if (keep->input >= 0)
		close(keep->input);
	keep->input = -1;
}

static void tell(int code, const char *sentence)
{
	(void)code;
	log_put(said, LOG_ERR, "skiff: ", 7);
	log_put(said, LOG_ERR, sentence, strlen(sentence));
	log_put(said, LOG_ERR, "\n", 1);
}

void keep_running(struct keep *keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte = 0;

	setsid();
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	(void)!chdir("/");
	fds_close_inherited(STDERR_FILENO + 1);
	said = &keep->log;
	say_to(tell);
	(void)!write(keep->report, &byte, 1); /* who was killed hears nothing */
	close(keep->report);
	keep->report = -1;
}

/* -- Beside it ---------------------------------------------------------------------------------------- */

struct attend {
	struct keep *keep;
	pid_t pid;
	int signals;
	int fds[LOG_STREAMS]; /* borrowed; -1: it has ended */
	int status;
};

/* False: nothing is there right now. */
static bool take(struct attend *a, int stream)
{
	char text[ROOM];
	ssize_t n = a->fds[stream] < 0 ? -1 : read(a->fds[stream], text, sizeof(text));

	if (n > 0)
		log_put(&a->keep->log, stream, text, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		a->fds[stream] = -1;
	return n > 0;
}

/* True: the container's process has ended. */
static bool take_signal(struct attend *a)
{
	struct signalfd_siginfo info;

	if (read(a->signals, &info, sizeof(info)) == sizeof(info) && info.ssi_signo != SIGCHLD)
		kill(a->pid, (int)info.ssi_signo);
	fill_ended();
	return waitpid(a->pid, &a->status, WNOHANG) == a->pid;
}

static int patience(const struct attend *a)
{
	int fill = fill_waits(), part = log_has_part(&a->keep->log) ? PART_MS : -1;

	if (fill < 0 || part < 0)
		return MAX(fill, part);
	return MIN(fill, part);
}

static void loop(struct attend *a)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = a->signals, .events = POLLIN},
			{.fd = a->fds[LOG_OUT], .events = POLLIN},
			{.fd = a->fds[LOG_ERR], .events = POLLIN},
		};
		int n = poll(fds, ARRAY_SIZE(fds), patience(a));

		if (n < 0 && errno != EINTR)
			break;
		fill_when_due();
		if (n == 0)
			log_flush(&a->keep->log);
		for (int i = 0; n > 0 && i < LOG_STREAMS; i++)
			if (fds[i + 1].revents != 0)
				take(a, i);
		if (n > 0 && fds[0].revents != 0 && take_signal(a))
			break;
	}
}

int keep_attend(struct keep *keep, struct watch *watch, pid_t pid)
{
	struct attend a = {
		.keep = keep, .pid = pid, .fds = {keep->ours[LOG_OUT], keep->ours[LOG_ERR]}};

	if (watch->terminal.master >= 0) {
		a.fds[LOG_OUT] = watch->terminal.master;
		fcntl(a.fds[LOG_OUT], F_SETFL, O_RDWR | O_NONBLOCK);
	}
	a.signals = signalfd(-1, &watch->set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* It may have ended before there was anything to hear of it. */
	if (waitpid(pid, &a.status, WNOHANG) != pid)
		loop(&a);
	for (int i = 0; i < LOG_STREAMS; i++)
		while (take(&a, i))
			;
	/* Who follows the log hears of the end from the state, and reads no further then. */
	log_flush(&keep->log);
	if (a.signals >= 0)
		close(a.signals);
	watch_leave(watch);
	return WIFEXITED(a.status) ? WEXITSTATUS(a.status) : EXIT_SIGNAL + WTERMSIG(a.status);
}

void keep_close(struct keep *keep)
{
	close_all(keep->ours);
	keep_born(keep);
	say_to(NULL);
	said = NULL;
	log_close(&keep->log);
	if (keep->report >= 0)
		close(keep->report);
	keep->report = -1;
}
