/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strike.c: run a command and kill it at its Nth system call, or its child, or it at its child's.
 *
 *   cage-strike REPORT SEEN PID VICTIMS N COMMAND [ARGS...]
 *
 * SEEN is whose system calls are counted: `self`, the command's process; `child`, the one it makes by vfork, as skiff makes a
 * container's process; `other`, one that is there already: PID, else 0. VICTIMS are letters: s, c, o for these three. When the
 * call numbered N begins they are killed, and it is never made. N 0: nobody is, and all are counted.
 *
 * REPORT becomes one line: how many calls were seen, whether somebody was struck, the command's exit code (-1: killed)
 * and its number. Who is left goes on on its own when we end: once it has made no call for a while.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { IDLE_MS = 20 };

struct scene {
	pid_t self, child; /* 0: none, or none any more; the child may be that other one */
	pid_t former, other, was;
	const char *victims;
	bool sees_child, is_settled, struck;
	unsigned long count, when;
	int code;
};

static void give_up(const char *what)
{
	perror(what);
	exit(125);
}

static void go_on(pid_t pid, int signal, bool by_calls)
{
	if (ptrace(by_calls ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, (void *)(long)signal) < 0 &&
	    errno != ESRCH)
		give_up("go on");
}

static pid_t seen(const struct scene *s)
{
	return s->sees_child ? s->child : s->self;
}

static void forget(struct scene *s, pid_t pid, int status)
{
	if (pid == s->self) {
		s->self = 0;
		s->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	} else if (pid == s->child) {
		s->child = 0;
	}
}

static bool is_victim(const struct scene *s, char who)
{
	return strchr(s->victims, who) != NULL;
}

static void strike(struct scene *s)
{
	s->struck = true;
	if (is_victim(s, 's') && s->self > 0)
		kill(s->self, SIGKILL);
	if (is_victim(s, 'c') && s->child > 0)
		kill(s->child, SIGKILL);
	if (is_victim(s, 'o') && s->other > 0)
		kill(s->other, SIGKILL);
}

static bool begins(pid_t pid)
{
	struct __ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* One of its calls begins or ends: false, if it is not to go on. */
static bool take_call(struct scene *s)
{
	if (!begins(seen(s)) || ++s->count != s->when)
		return true;
	strike(s);
	return !is_victim(s, s->child == s->other && s->sees_child ? 'o'
			     : s->sees_child                       ? 'c'
								   : 's');
}

static void take_stop(struct scene *s, pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	/* Where a child has one of its own before it has become another program, it is that from then on. */
	if (pid != s->self && pid != s->child && pid != s->former && !s->is_settled) {
		s->former = s->child;
		s->child = pid;
	}
	s->is_settled |= pid == s->child && event == PTRACE_EVENT_EXEC;
	if (signal == (SIGTRAP | 0x80) && pid == seen(s) && !s->struck && !take_call(s))
		return;
	if (event != 0 || signal == (SIGTRAP | 0x80) || signal == SIGTRAP)
		signal = 0;
	go_on(pid, signal, pid == seen(s) && !s->struck);
}

/* While the command runs: until something happens. After that only for a while; 0: nothing did. */
static pid_t await(const struct scene *s, int *status)
{
	const struct timespec nap = {0, 1000000};

	if (s->self > 0)
		return waitpid(-1, status, __WALL);
	for (int i = 0; i < IDLE_MS && !s->struck; i++) {
		pid_t pid = waitpid(-1, status, __WALL | WNOHANG);

		if (pid != 0)
			return pid;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static void watch(struct scene *s)
{
	while (s->self > 0 || s->child > 0) {
		int status = 0;
		pid_t pid = await(s, &status);

		if (pid == 0)
			break;
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return;
		if (WIFSTOPPED(status))
			take_stop(s, pid, status);
		else
			forget(s, pid, status);
	}
}

static void seize(pid_t pid, long options)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | options)) < 0)
		give_up("seize");
}

static pid_t begin(char **command, long options)
{
	int gate[2];
	char word;
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0)
		give_up("pipe");
	pid = fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0) {
		close(gate[1]);
		if (read(gate[0], &word, 1) < 0)
			_exit(125);
		execv(command[0], command);
		perror(command[0]);
		_exit(125);
	}
	close(gate[0]);
	/* So that the exec itself is no call of the command's. */
	seize(pid, PTRACE_O_TRACEEXEC | options);
	close(gate[1]);
	return pid;
}

/* Until it has become the command. */
static void await_exec(pid_t pid)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
			give_up("the command");
		if (status >> 16 == PTRACE_EVENT_EXEC)
			return;
		go_on(pid, 0, false);
	}
}

static void report(const char *path, const struct scene *s)
{
	FILE *file = fopen(path, "w");

	if (file == NULL ||
	    fprintf(file, "%lu %d %d %d\n", s->count, s->struck, s->code, (int)s->was) < 0 ||
	    fclose(file) != 0)
		give_up(path);
}

int main(int count, char **args)
{
	struct scene s = {.code = -1};

	if (count < 7) {
		fputs("cage-strike REPORT SEEN PID VICTIMS N COMMAND [ARGS...]\n", stderr);
		return 2;
	}
	s.sees_child = strcmp(args[2], "self") != 0;
	s.other = (pid_t)strtol(args[3], NULL, 10);
	s.victims = args[4];
	s.when = strtoul(args[5], NULL, 10);
	s.was = s.self = begin(args + 6, strcmp(args[2], "child") == 0 ? PTRACE_O_TRACEVFORK : 0);
	await_exec(s.self);
	if (strcmp(args[2], "other") == 0) {
		s.child = s.other;
		seize(s.child, 0);
		ptrace(PTRACE_INTERRUPT, s.child, NULL, NULL);
	}
	go_on(s.self, 0, !s.sees_child);
	watch(&s);
	report(args[1], &s);
	return 0;
}
