/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.c: a program is started, gets a text, and what it answers within the time is read.
 *
 * Both ways go through socketpairs of which nobody waits: a helper that neither reads nor writes ends with the time, by SIGKILL.
 * What it says on standard error is lost: it may hold anything.
 */
#include "image/helper.h"

#include "image/http_parts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct helper {
	const char *name;
	pid_t pid;
	int fd; /* owned: its standard input and output */
	const char *text; /* what is left to be sent */
	struct buf answer;
	uint64_t until;
};

static bool is_name(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL)
			return false;
	return name[0] != '\0' && name[0] != '.';
}

static int start(struct helper *h, const char *verb, struct err *err)
{
	char program[128];
	char *words[] = {program, (char *)verb, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int pair[2], error;

	snprintf(program, sizeof(program), "docker-credential-%s", h->name);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "%s: %s", program, strerror(errno));
	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	error = posix_spawnp(&h->pid, program, &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(pair[1]);
	h->fd = pair[0];
	if (error == 0)
		return 0;
	close(h->fd);
	h->fd = -1;
	return err_set(err, -error, "the helper %s cannot be started: %s", program,
		       strerror(error));
}

/* 1: there is more to come. */
static int receive(struct helper *h, struct err *err)
{
	char bytes[4096];
	ssize_t n = recv(h->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : 0;
	if (n == 0)
		return 0;
	if (h->answer.size + (size_t)n > HELPER_ANSWER_MAX)
		return err_set(err, -EFBIG, "docker-credential-%s answers too much", h->name);
	return buf_put(&h->answer, bytes, (size_t)n) != NULL ? 1
							     : err_set(err, -ENOMEM, "no memory");
}

static void transmit(struct helper *h)
{
	ssize_t n = send(h->fd, h->text, strlen(h->text), MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		h->text += n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		h->text = ""; /* it does not listen */
	if (*h->text == '\0')
		shutdown(h->fd, SHUT_WR);
}

static int talk(struct helper *h, struct err *err)
{
	int rc = 1;

	if (*h->text == '\0')
		shutdown(h->fd, SHUT_WR);
	while (rc > 0) {
		uint64_t now = http_now();
		struct pollfd poll_fd = {
			.fd = h->fd, .events = (short)(POLLIN | (*h->text != '\0' ? POLLOUT : 0))};

		if (now >= h->until)
			return err_set(err, -ETIMEDOUT,
				       "docker-credential-%s does not answer in time", h->name);
		if (poll(&poll_fd, 1, (int)(h->until - now)) <= 0)
			continue;
		if ((poll_fd.revents & POLLOUT) != 0 && *h->text != '\0')
			transmit(h);
		if ((poll_fd.revents & ~POLLOUT) != 0)
			rc = receive(h, err);
	}
	return rc;
}

/* It closed its output; it may still go on for what time is left. */
static int reap(struct helper *h, int rc, struct err *err)
{
	const struct timespec bit = {.tv_nsec = 5000000};
	int status = 0;

	while (rc == 0 && waitpid(h->pid, &status, WNOHANG) == 0) {
		if (http_now() >= h->until)
			rc = err_set(err, -ETIMEDOUT, "docker-credential-%s does not end in time",
				     h->name);
		else
			nanosleep(&bit, NULL);
	}
	if (rc < 0) {
		kill(h->pid, SIGKILL);
		waitpid(h->pid, &status, 0);
		return rc;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (buf_put(&h->answer, "", 1) == NULL)
		return err_set(err, -ENOMEM, "no memory");
	/* The protocol's way to say it, in words. */
	if (strstr((char *)h->answer.data, "credentials not found") != NULL)
		return HELPER_NONE;
	return err_set(err, -EACCES, "docker-credential-%s failed (exit code %d)", h->name,
		       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int helper_ask(const char *name, const char *verb, const char *text, char **ret, struct err *err)
{
	const char *limit = getenv("SKIFF_HELPER_TIMEOUT");
	unsigned long ms = limit != NULL ? strtoul(limit, NULL, 10) : 0;
	struct helper h = {.name = name,
			   .text = text,
			   .fd = -1,
			   .until = http_now() + (ms > 0 && ms < 600000 ? ms : 60000)};
	int rc;

	if (!is_name(name) || strlen(name) > 64)
		return err_set(err, -EINVAL, "'%.64s' is no name of a helper for credentials",
			       name);
	rc = start(&h, verb, err);
	if (h.fd < 0)
		return rc;
	rc = reap(&h, talk(&h, err), err);
	if (rc == 0 && buf_put(&h.answer, "", 1) == NULL)
		rc = err_set(err, -ENOMEM, "no memory");
	if (rc == 0) {
		*ret = (char *)h.answer.data;
		h.answer = (struct buf){0};
	}
	close(h.fd);
	buf_deinit(&h.answer);
	return rc;
}
