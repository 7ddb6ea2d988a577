/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.c: one loop of poll() over standard input, the master, a signalfd and a pidfd.
 *
 * What is typed is kept until the container takes it, and nothing more is read meanwhile: so the loop never waits
 * for a guest that does not read. It does wait for our standard output, as a program that writes there itself would.
 */
#include "cli/relay.h"

#include "base/base.h"
#include "base/io.h"
#include "cli/fill.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { ROOM = 4096, END_OF_FILE = 4 /* Control-D */ };

struct relay {
	pid_t pid;
	int master, signals, other; /* -1: none */
	bool reads; /* standard input has not ended */
	bool raw; /* `before` is to be restored */
	struct termios before;
	char typed[ROOM]; /* not yet taken */
	size_t typed_size;
};

static void pass_size(const struct relay *r)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(r->master, TIOCSWINSZ, &size);
}

static void make_raw(struct relay *r)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &r->before) < 0)
		return;
	pass_size(r);
	raw = r->before;
	cfmakeraw(&raw);
	r->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/* What a pipe ends with a terminal has a character for. */
static void read_input(struct relay *r)
{
	ssize_t n = read(STDIN_FILENO, r->typed, sizeof(r->typed));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		r->reads = false;
		r->typed[0] = END_OF_FILE;
		n = 1;
	}
	r->typed_size = (size_t)n;
}

static void write_typed(struct relay *r)
{
	ssize_t n = write(r->master, r->typed, r->typed_size);

	if (n < 0)
		return;
	r->typed_size -= (size_t)n;
	memmove(r->typed, r->typed + n, r->typed_size);
}

/* False: nobody has the slave any more, or nothing is there right now. */
static bool pass_output(const struct relay *r)
{
	char text[ROOM];
	ssize_t n = read(r->master, text, sizeof(text));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	io_write(STDOUT_FILENO, text, (size_t)n); /* where it fails there is nobody to tell */
	return true;
}

/* True: the child has ended. */
static bool take_signal(struct relay *r, int *ret_status)
{
	struct signalfd_siginfo info;

	if (read(r->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGWINCH && r->master >= 0)
		pass_size(r);
	else if (info.ssi_signo != SIGCHLD)
		kill(r->pid, (int)info.ssi_signo);
	fill_ended();
	return waitpid(r->pid, ret_status, WNOHANG) == r->pid;
}

static int loop(struct relay *r)
{
	bool hung_up = false;
	int status = 0;

	for (;;) {
		struct pollfd fds[] = {
			{.fd = r->signals, .events = POLLIN},
			{.fd = hung_up ? -1 : r->master,
			 .events = (short)(POLLIN | (r->typed_size > 0 ? POLLOUT : 0))},
			{.fd = r->reads && r->typed_size == 0 ? STDIN_FILENO : -1,
			 .events = POLLIN},
			{.fd = r->other, .events = POLLIN},
		};

		if (poll(fds, ARRAY_SIZE(fds), fill_waits()) < 0 && errno != EINTR)
			break;
		fill_when_due();
		if (fds[3].revents != 0) {
			kill(r->pid, SIGKILL);
			r->other = -1;
		}
		if (fds[2].revents != 0)
			read_input(r);
		if (fds[1].revents & POLLOUT)
			write_typed(r);
		if (fds[1].revents & (POLLIN | POLLHUP | POLLERR))
			hung_up = !pass_output(r) && (fds[1].revents & POLLIN) == 0;
		if (fds[0].revents != 0 && take_signal(r, &status))
			break;
	}
	return status;
}

int relay_attend(pid_t pid, const sigset_t *set, int master, int other)
{
	struct relay r = {.pid = pid, .master = master, .other = other, .reads = master >= 0};
	int status;

	r.signals = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (master >= 0)
		fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	/* It may have ended before there was anything to hear of it. */
	if (waitpid(pid, &status, WNOHANG) != pid) {
		if (master >= 0)
			make_raw(&r);
		status = loop(&r);
	}
	while (master >= 0 && pass_output(&r))
		;
	if (r.raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &r.before);
	if (r.signals >= 0)
		close(r.signals);
	return status;
}
