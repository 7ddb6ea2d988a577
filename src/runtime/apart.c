/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apart.c: fork, shut in, work, tell by a page that both see, end.
 *
 * What the child is shut in by, each enough for what the others would let through:
 *
 *   no descriptor but one; no variables of ours
 *   root's becomes a user that owns nothing; no capability is left
 *   Landlock: no file may be opened at all
 *   a filter of its own, of the calls that memory and one file take; and the cage's, which kills for what a way out begins with
 *   limits on memory, CPU time and the file; and it is the first to go where memory is short
 *
 * What it tells is a number and a text, and is taken as such.
 */
#include "runtime/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/io.h"
#include "sandbox/identity.h"
#include "sandbox/landlock.h"
#include "sandbox/rlimits.h"
#include "sandbox/seccomp.h"

enum {
	NOBODY = 65534, /* user and group */
	FIRST_TO_GO = 1000, /* /proc/PID/oom_score_adj */
	MOST_ERRNO = 4095,
};

/* The page. */
struct told {
	int result;
	bool is_done; /* the work has ended, and `result` is its own */
	struct err err;
};

/* -- In the child ------------------------------------------------------------------------------------ */

static const char *allowed_names[] = {
	"brk",         "clock_gettime", "exit",      "exit_group", "fstat",        "ftruncate",
	"futex",       "getpid",        "getrandom", "gettid",     "madvise",      "mmap",
	"mprotect",    "mremap",        "munmap",    "pwrite64",   "rt_sigaction", "rt_sigprocmask",
	"sched_yield", "sigaltstack",   "tgkill",    "tkill",
};

static struct oci_seccomp_rule allowed = {
	.names = {.items = allowed_names, .count = ARRAY_SIZE(allowed_names)},
	.action = OCI_ACT_ALLOW,
};

static const struct oci_seccomp profile = {
	.given = true,
	.otherwise = OCI_ACT_ERRNO,
	.otherwise_error = EPERM,
	.rules = &allowed,
	.rule_count = 1,
};

/* Who takes this process over finds no secret of whoever started us. */
static void forget_environment(void)
{
	for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
		explicit_bzero(*variable, strlen(*variable));
}

/* Best done, and no harm where it cannot be. */
static void go_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		rlimits_write_oom_score(fd, FIRST_TO_GO, NULL);
		close(fd);
	}
}

static int limit(int resource, uint64_t most, struct err *err)
{
	struct rlimit now;

	if (getrlimit(resource, &now) < 0)
		return err_set(err, -errno, "limits: %s", strerror(errno));
	now.rlim_max = MIN(now.rlim_max, (rlim_t)most);
	now.rlim_cur = MIN(now.rlim_cur, now.rlim_max);
	return setrlimit(resource, &now) == 0 ? 0
					      : err_set(err, -errno, "limits: %s", strerror(errno));
}

/* Bytes of address space we have; UINT64_MAX: that cannot be seen, and is not limited. */
static uint64_t address_space(void)
{
	unsigned long long pages;
	char text[64];

	return io_text(AT_FDCWD, "/proc/self/statm", text, sizeof(text)) > 0 &&
			       sscanf(text, "%llu", &pages) == 1
		       ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE)
		       : UINT64_MAX;
}

static int set_limits(const struct apart *apart, struct err *err)
{
	uint64_t now = address_space();
	int error = limit(RLIMIT_CORE, 0, err);

	signal(SIGXFSZ, SIG_IGN); /* EFBIG says as much */
	if (error == 0)
		error = limit(RLIMIT_CPU, apart->seconds, err);
	if (error == 0)
		error = limit(RLIMIT_FSIZE, apart->file_bytes, err);
	if (error == 0 && now <= UINT64_MAX - apart->bytes)
		error = limit(RLIMIT_AS, now + apart->bytes, err);
	return error;
}

static int become_nobody(struct err *err)
{
	const bool root = geteuid() == 0;
	struct oci_process process = {
		.user = {.uid = root ? NOBODY : geteuid(), .gid = root ? NOBODY : getegid()}};
	int outcome = identity_apply(&process, 0, err);

	/* A user namespace in which there is no such user. */
	if (outcome == -EINVAL && root) {
		process.user.uid = geteuid();
		process.user.gid = getegid();
		outcome = identity_apply(&process, 0, err);
	}
	return outcome < 0 ? outcome : 0;
}

static int allow_no_file(struct err *err)
{
	struct landlock landlock = LANDLOCK_NONE;
	enum landlock_result result; /* where it is missing, the filter lets nothing be opened */
	int error = landlock_open(&landlock, true, err);

	if (error == 0)
		error = landlock_close(&landlock, &result, err);
	landlock_deinit(&landlock);
	return error;
}

static int close_filter(struct err *err)
{
	struct seccomp_filter filter = {0};
	int listener, error = seccomp_compile(&filter, &profile, err);

	if (error == 0)
		error = seccomp_close(&filter, &listener, err);
	return error;
}

/* From now on; of an end before that nobody tells us. */
static int end_with(pid_t parent, struct err *err)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* 0: he is of another pid namespace, and cannot be asked for. */
	return getppid() == parent || getppid() == 0
		       ? 0
		       : err_set(err, -ESRCH, "whoever asked for it is gone");
}

static int shut(const struct apart *apart, int keep, pid_t parent, struct err *err)
{
	int error;

	go_first();
	forget_environment();
	error = set_limits(apart, err); /* while there is a descriptor to be had for /proc */
	fds_close_but(keep);
	if (error == 0)
		error = become_nobody(err);
	if (error == 0)
		error = end_with(parent, err); /* which is forgotten with every change of user */
	if (error == 0)
		error = allow_no_file(err);
	return error == 0 ? close_filter(err) : error;
}

struct life {
	const struct apart *apart; /* borrowed, as are these */
	skiff_work_fn *work;
	void *work_env;
	struct told *told;
	pid_t parent;
	int keep;
};

static _Noreturn void live(const struct life *life)
{
	struct told *told = life->told;

	told->result = shut(life->apart, life->keep, life->parent, &told->err);
	if (told->result == 0) {
		told->result = life->work(life->work_env, (struct skiff_error *)(void *)&told->err);
		told->is_done = true;
	}
	_exit(0);
}

/* -- In the parent ----------------------------------------------------------------------------------- */

static int ended_by(int status, struct err *err)
{
	int number = WTERMSIG(status);

	if (!WIFSIGNALED(status))
		return err_set(err, -EPROTO, "the process that reads it ended without a word");
	if (number == SIGXCPU || number == SIGKILL)
		return err_set(err, -ETIMEDOUT,
			       "the process that reads it was killed: it took too long, or too "
			       "much memory");
	return err_set(err, -EPROTO, "the process that reads it was ended by signal %d", number);
}

/* The page is the child's to write: a number is brought into its range, and a text to its end. */
static int hear(const struct told *told, int status, struct err *err)
{
	struct told copy;

	memcpy(&copy, told, sizeof(copy));
	copy.err.text[sizeof(copy.err.text) - 1] = '\0';
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return ended_by(status, err);
	if (!copy.is_done)
		return err_set(err, copy.result < 0 ? MAX(copy.result, -MOST_ERRNO) : -EPROTO,
			       "shut in the process that reads it: %s", copy.err.text);
	if (copy.result == 0)
		return 0;
	if (copy.result < -MOST_ERRNO)
		copy.result = -EPROTO;
	return err_set(err, copy.result, "%s", copy.err.text);
}

static int wait_for(pid_t pid, int *ret_status, struct err *err)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, -errno, "wait for a process: %s", strerror(errno));
	return 0;
}

int apart_run(void *env, int keep, skiff_work_fn *work, void *work_env, struct skiff_error *error)
{
	struct err *err = (struct err *)(void *)error;
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct life life = {env, work, work_env, told, getpid(), keep};
	int status, result;
	pid_t pid;

	if (told == MAP_FAILED)
		return err_set(err, -errno, "a page for a process: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		live(&life);
	result = pid < 0 ? err_set(err, -errno, "a process to read it in: %s", strerror(errno))
			 : wait_for(pid, &status, err);
	if (result == 0)
		result = hear(told, status, err);
	munmap(told, sizeof(*told));
	return result;
}
