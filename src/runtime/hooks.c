/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks.c: a process for each hook, from its birth to its end.
 *
 * The state lies in a memfd that is its standard input: whoever does not read it keeps nobody waiting. What goes wrong before it is
 * the hook's program comes back as a sentence by a pipe that exec closes.
 */
#include "runtime/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "oci/state.h"
#include "sandbox/identity.h"
#include "sandbox/kernel.h"
#include "sandbox/rlimits.h"
#include "sandbox/seccomp.h"

enum { NAP_MS = 2 };

static const char *const names[] = {
	[OCI_HOOK_PRESTART] = "prestart",
	[OCI_HOOK_CREATE_RUNTIME] = "createRuntime",
	[OCI_HOOK_CREATE_CONTAINER] = "createContainer",
	[OCI_HOOK_START_CONTAINER] = "startContainer",
	[OCI_HOOK_POSTSTART] = "poststart",
	[OCI_HOOK_POSTSTOP] = "poststop",
};

struct run {
	const struct oci_spec *spec; /* borrowed, as are these */
	const struct oci_hook *hook;
	hooks_prepare prepare;
	int state; /* a memfd */
};

/* -- In the hook's process --------------------------------------------------------------------------- */

/* It begins as a program started by a shell would: nothing blocked, nothing ignored but what always is. */
static void reset_signals(void)
{
	/* The kernel's form, all zeros: libc keeps some real-time signals to itself, which may be ignored all the same. */
	const uint64_t standard[4] = {0};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		syscall(SYS_rt_sigaction, number, standard, NULL, sizeof(standard[0]));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct run *run, int report)
{
	const struct oci_hook *hook = run->hook;
	const char *only_name[] = {hook->path, NULL}, *nothing[] = {NULL};
	const char **args = hook->args.count > 0 ? hook->args.items : only_name;
	const char **env = hook->env.count > 0 ? hook->env.items : nothing;
	struct err err = {""};
	int error = 0;

	reset_signals();
	setpgid(0, 0);
	/* Who was started without streams may have it at 0, where dup2() leaves it as it is: to be closed. */
	if (lseek(run->state, 0, SEEK_SET) < 0 || dup2(run->state, 0) < 0 ||
	    fcntl(0, F_SETFD, 0) < 0 || dup2(2, 1) < 0)
		error = err_set(&err, -errno, "its streams: %s", strerror(errno));
	if (error == 0 && run->prepare != NULL)
		error = run->prepare(run->spec, &err);
	if (error == 0) {
		syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
		execve(hook->path, (char **)(uintptr_t)args, (char **)(uintptr_t)env);
		err_set(&err, -errno, "%s", strerror(errno));
	}
	io_write(report, err.text, strlen(err.text));
	_exit(127);
}

/* -- Its end ------------------------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until it has ended, or the time is over: then false. `pidfd` may be -1: an old kernel. */
static bool await(pid_t pid, int pidfd, int64_t deadline, int *ret_status)
{
	const struct timespec nap = {0, NAP_MS * 1000000L};

	for (;;) {
		pid_t ended = waitpid(pid, ret_status, WNOHANG);
		int64_t left = deadline - now_ms();

		if (ended == pid || (ended < 0 && errno != EINTR))
			return true;
		if (left <= 0)
			return false;
		if (pidfd >= 0)
			poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1,
			     (int)MIN(left, INT32_MAX));
		else
			nanosleep(&nap, NULL);
	}
}

static int wait_for(pid_t pid, const struct oci_hook *hook, struct err *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	int64_t deadline =
		hook->timeout == 0 ? INT64_MAX / 2 : now_ms() + (int64_t)hook->timeout * 1000;
	bool ended = await(pid, pidfd, deadline, &status);

	if (pidfd >= 0)
		close(pidfd);
	if (!ended) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return err_set(err, -ETIMEDOUT, "did not end within %u s", hook->timeout);
	}
	if (WIFSIGNALED(status))
		return err_set(err, -ECHILD, "ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, -ECHILD, "exit code %d", WEXITSTATUS(status));
	return 0;
}

/* What it said before it was the hook's program, if anything. */
static bool read_report(int fd, char text[ERR_MAX])
{
	ssize_t n;

	do
		n = read(fd, text, ERR_MAX - 1);
	while (n < 0 && errno == EINTR);
	text[MAX(n, 0)] = '\0';
	return n > 0;
}

/* -- One and all --------------------------------------------------------------------------------------- */

static int run_one(const struct run *run, struct err *err)
{
	char text[ERR_MAX];
	int pipe_fds[2], error;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "a pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		become(run, pipe_fds[1]);
	close(pipe_fds[1]);
	if (pid < 0) {
		error = err_set(err, -errno, "a process: %s", strerror(errno));
	} else {
		bool failed = read_report(pipe_fds[0], text);

		error = wait_for(pid, run->hook, err);
		if (failed)
			error = err_set(err, error != 0 ? error : -ECHILD, "%s", text);
	}
	close(pipe_fds[0]);
	return error;
}

static int write_state(const struct oci_spec *spec, const struct hooks_state *state,
		       struct err *err)
{
	const struct oci_state told = {state->id, state->status, state->bundle, state->pid,
				       &spec->annotations};
	struct buf text = {0};
	int error = oci_state_put(&told, &text);
	int fd = error == 0 ? memfd_create("skiff-state", MFD_CLOEXEC) : error;

	if (error == 0)
		error = fd < 0 ? -errno : io_write(fd, text.data, text.size);
	buf_deinit(&text);
	if (error == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(err, error, "write the state for hooks: %s", strerror(-error));
}

int hooks_run(const struct oci_spec *spec, enum oci_hook_kind kind, const struct hooks_state *state,
	      hooks_prepare prepare, struct err *err)
{
	const struct oci_hooks *hooks = &spec->hooks[kind];
	int error = 0, fd;

	if (hooks->count == 0)
		return 0;
	fd = write_state(spec, state, err);
	if (fd < 0)
		return fd;
	for (uint32_t i = 0; error == 0 && i < hooks->count; i++) {
		const struct run run = {spec, &hooks->items[i], prepare, fd};

		error = run_one(&run, err);
		if (error != 0)
			err_prefix(err, 0, "%s hook '%s'", names[kind], hooks->items[i].path);
	}
	close(fd);
	return error;
}

bool hooks_await_namespaces(const struct oci_spec *spec)
{
	return spec->hooks[OCI_HOOK_PRESTART].count + spec->hooks[OCI_HOOK_CREATE_RUNTIME].count >
	       0;
}

/* -- In the container's process ------------------------------------------------------------------------ */

/* The host's files, but what it mounts is nobody else's. */
static int leave_mounts(const struct oci_spec *spec, struct err *err)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};
	int root, error = unshare(CLONE_NEWNS) < 0 ? -errno : 0;

	(void)spec;
	if (error == 0) {
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		error = root < 0 ? -errno : kernel_mount_setattr(root, AT_RECURSIVE, &attr);
		if (root >= 0)
			close(root);
	}
	/* EINVAL: our root is no mount's, so there is nothing to be made private. */
	return error == 0 || error == -EINVAL
		       ? 0
		       : err_set(err, error, "a mount namespace: %s", strerror(-error));
}

static int install(const struct seccomp_filter *profile, struct err *err)
{
	const struct sock_fprog program = {.len = (unsigned short)profile->count,
					   .filter = profile->code};

	if (profile->count == 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, profile->flags, &program) == 0)
		return 0;
	return err_set(err, -errno, "linux.seccomp: %s", strerror(errno));
}

/* A program of the image has what the container's process would have had, and no more. */
static int become_user(const struct oci_spec *spec, struct err *err)
{
	struct seccomp_filter profile = {0};
	int error = rlimits_apply(&spec->process, err);

	if (error == 0)
		error = identity_apply(&spec->process, ~UINT64_C(0), err);
	if (error >= 0 && spec->seccomp.given && spec->seccomp.listener == NULL) {
		error = seccomp_compile(&profile, &spec->seccomp, err);
		if (error == 0)
			error = install(&profile, err);
		seccomp_filter_deinit(&profile);
	}
	return error < 0 ? error : 0;
}

int hooks_create_container(const struct oci_spec *spec, const char *id, const char *bundle,
			   struct err *err)
{
	const struct hooks_state state = {id, "creating", bundle, getpid()};

	return hooks_run(spec, OCI_HOOK_CREATE_CONTAINER, &state, leave_mounts, err);
}

int hooks_start_container(const struct oci_spec *spec, const char *id, const char *bundle,
			  struct err *err)
{
	const struct hooks_state state = {id, "created", bundle, getpid()};

	return hooks_run(spec, OCI_HOOK_START_CONTAINER, &state, become_user, err);
}
