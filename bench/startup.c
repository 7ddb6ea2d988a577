/* SPDX-License-Identifier: Apache-2.0 */
/*
 * startup.c: the time from starting a process to having its exit status, of several commands in
 * turn.
 *
 * Usage: startup ROUNDS NAME COMMAND [ARG...] [-- NAME COMMAND [ARG...]]...
 *
 * Each round starts every command once, by vfork, exec and wait, the standard streams on /dev/null.
 * Prints a line a command: name, tab, minimum, median, mean in microseconds, processor time,
 * kilobytes resident, of them private, and peak as the kernel counts it, and starts that did not
 * exit with 0.
 *
 * Memory is read apart from the timing. ru_maxrss of wait4() cannot be used as it stands: exec
 * hands down the resident set of the process that called vfork, and the kernel's counters are
 * coarse by some hundred KB. So one more start is traced and stopped when it exits; then
 * smaps_rollup has the exact pages. VmHWM is printed as the peak all the same: both together bound
 * the truth.
 *
 * To be linked statically with musl: a small parent keeps vfork cheap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 32, ROUNDS_MAX = 100000 };

struct command {
	const char *name;
	char **argv;     /* borrowed from main's, ends with NULL */
	uint64_t *times; /* owned; nanoseconds */
	uint64_t cpu;    /* microseconds of all rounds */
	unsigned bad;
	unsigned long resident, private, peak; /* KB; 0: could not be read */
};

extern char **environ;

static void die(const char *what)
{
	fprintf(stderr, "startup: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Streams were put on /dev/null once, in the parent: the child has nothing to do but exec. */
static void start_once(struct command *c, int round)
{
	struct rusage usage;
	uint64_t begin = now();
	pid_t pid = vfork();
	int status;

	if (pid < 0)
		die("vfork");
	if (pid == 0) {
		execve(c->argv[0], c->argv, environ);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &usage) != pid)
		die("wait4");
	c->times[round] = now() - begin;
	c->cpu += (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
		  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	c->bad += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* -- Memory ------------------------------------------------------------------------------- */

/* The sum of the lines of /proc/PID/FILE that begin with `key`, in KB. */
static unsigned long proc_kb(pid_t pid, const char *file, const char *key)
{
	unsigned long sum = 0, kb;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0 &&
		    sscanf(strchr(line, ':') + 1, "%lu", &kb) == 1)
			sum += kb;
	fclose(f);
	return sum;
}

static void read_memory(struct command *c, pid_t pid)
{
	c->resident = proc_kb(pid, "smaps_rollup", "Rss:");
	c->private = proc_kb(pid, "smaps_rollup", "Private_");
	c->peak = proc_kb(pid, "status", "VmHWM:");
}

/* Follow the process to the moment of its exit; every signal of its own is handed on. */
static void trace_to_exit(struct command *c, pid_t pid)
{
	int status, signal;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		signal = WSTOPSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
			read_memory(c, pid);
		if (signal == SIGTRAP || signal == SIGSTOP)
			signal = 0;
		ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)signal);
	}
}

static void measure_memory(struct command *c)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execve(c->argv[0], c->argv, environ);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACEEXIT) != 0)
		kill(pid, SIGKILL);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	trace_to_exit(c, pid);
}

/* ----------------------------------------------------------------------------------------- */

static size_t parse(struct command *commands, char **argv, int rounds)
{
	size_t count = 0;

	while (*argv != NULL && count < COMMANDS_MAX) {
		struct command *c = &commands[count++];

		*c = (struct command){.name = argv[0], .argv = argv + 1};
		argv++;
		c->times = calloc((size_t)rounds, sizeof(*c->times));
		if (c->times == NULL)
			die("memory");
		while (*argv != NULL && strcmp(*argv, "--") != 0)
			argv++;
		if (*argv != NULL)
			*argv++ = NULL;
		if (c->argv[0] == NULL || access(c->argv[0], X_OK) != 0)
			die(c->name);
	}
	return count;
}

static void report(FILE *out, struct command *c, int rounds)
{
	uint64_t sum = 0;

	qsort(c->times, (size_t)rounds, sizeof(*c->times), order);
	for (int r = 0; r < rounds; r++)
		sum += c->times[r];
	fprintf(out, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t%lu\t%lu\t%lu\t%u\n", c->name,
		(double)c->times[0] / 1e3, (double)c->times[rounds / 2] / 1e3,
		(double)sum / rounds / 1e3, (double)c->cpu / rounds, c->resident, c->private,
		c->peak, c->bad);
}

int main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	int rounds = argc > 3 ? atoi(argv[1]) : 0;
	size_t count;
	FILE *out;
	int null;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: startup ROUNDS NAME COMMAND [ARG...] [-- NAME ...]\n");
		return 1;
	}
	count = parse(commands, argv + 2, rounds);
	out = fdopen(fcntl(1, F_DUPFD_CLOEXEC, 3), "w");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (out == NULL || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		die("/dev/null");
	for (size_t i = 0; i < count; i++) /* also warms the page cache */
		measure_memory(&commands[i]);
	for (int r = 0; r < rounds; r++)
		for (size_t i = 0; i < count; i++)
			start_once(&commands[i], r);
	for (size_t i = 0; i < count; i++)
		report(out, &commands[i], rounds);
	fclose(out);
	return 0;
}
