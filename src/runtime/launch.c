/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fds.h"
#include "runtime/birth.h"
#include "runtime/hang.h"
#include "runtime/label.h"
#include "runtime/terms.h"
#include "sandbox/beside.h"
#include "sandbox/caps.h"
#include "sandbox/cgroup.h"
#include "sandbox/rlimits.h"
#include "sandbox/users.h"

enum {
	STACK = 32 * 1024,
	PATIENCE_MS = 3000,
};

/* What the child knows until it executes itself; it shares our memory, and we wait. */
struct birth {
	const struct launch *launch;
	int self, plan, socket; /* owned by the parent, as are these */
	int users; /* to be born in, where the plan says so */
	int other; /* the parent's side of the socket; -1: closed, where we are */
	pid_t pid;
	bool in_group; /* of v2, from the first moment */
	int error;
	struct err *err;
};

/* -- In the child ------------------------------------------------------------------------------------ */

/* Moves descriptors to 0 and on, whatever numbers they had: by way of numbers nobody has. */
static bool arrange(const int *fds, int count)
{
	int high[LAUNCH_MORE_FD + LAUNCH_MORE_MOST];

	for (int i = 0; i < count; i++) {
		high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, (int)ARRAY_SIZE(high));
		if (fds[i] >= 0 && high[i] < 0)
			return false;
	}
	for (int i = 0; i < count; i++)
		if (high[i] >= 0 ? dup2(high[i], i) < 0 : close(i) < 0 && errno != EBADF)
			return false;
	return true;
}

/* All rights in the user namespace outlast the execution, also of a user who is not root there. */
static int keep_rights(struct err *err)
{
	struct oci_capabilities caps;
	int error = caps_get_own(&caps, err);

	if (error != 0)
		return error;
	caps.inheritable = caps.ambient = caps.permitted;
	return caps_set(&caps, err);
}

/* Until the word to go: whoever hangs in a file system that never answers does not hear that the socket is closed. */
static bool end_with_parent(const struct birth *b)
{
	struct pollfd fd = {.fd = b->socket};

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* Of an end before that nobody tells us, but the socket has no other side then: ours is not to count. */
	if (b->other >= 0)
		close(b->other);
	return poll(&fd, 1, 0) == 0;
}

static int be_born(void *env)
{
	static char name[] = "skiff-init";
	static char *const args[] = {name, NULL}, *const environment[] = {NULL};
	struct birth *b = env;
	const struct launch *l = b->launch;
	int fds[LAUNCH_MORE_FD + LAUNCH_MORE_MOST] = {l->stdio[0], l->stdio[1], l->stdio[2],
						      b->plan,     b->socket,   l->bundle,
						      l->template, l->gate};
	int count = LAUNCH_MORE_FD + (int)l->more_count;
	int self = fcntl(b->self, F_DUPFD_CLOEXEC, 2 * (int)ARRAY_SIZE(fds));
	/* EINVAL: beyond the limit are even the numbers that are free. */
	int no_self = self >= 0 ? 0 : errno == EINVAL ? EMFILE : errno;

	for (uint32_t i = 0; i < l->more_count; i++)
		fds[LAUNCH_MORE_FD + i] = l->more[i];
	if (!end_with_parent(b))
		_exit(1);
	b->error = l->plan.beside != 0
			   ? rlimits_affinity(l->spec->process.exec_cpus_initial, b->err)
			   : 0;
	if (b->error == 0 && l->cgroup != NULL)
		b->error = cgroup_join(l->cgroup, b->in_group, b->err);
	if (b->error == 0 && l->plan.beside != 0)
		b->error = rlimits_affinity(l->spec->process.exec_cpus_final, b->err);
	if (b->error == 0)
		b->error = label_next_exec(&l->spec->process, b->err);
	if (b->error == 0 && l->plan.in_users)
		b->error = keep_rights(b->err);
	if (b->error != 0)
		_exit(1);
	if (self < 0)
		b->error = err_set(
			b->err, -no_self,
			"execute ourselves: that takes a limit of %d open files at least: %s",
			2 * (int)ARRAY_SIZE(fds) + 1, strerror(no_self));
	if (b->error != 0)
		_exit(1);
	setsid();
	if (arrange(fds, count) && (!l->spec->process.terminal || ioctl(0, TIOCSCTTY, 0) == 0)) {
		fds_close_on_exec(count);
		syscall(SYS_execveat, self, "", args, environment, AT_EMPTY_PATH);
	}
	b->error = err_set(b->err, -errno, "execute ourselves: %s", strerror(errno));
	_exit(1);
}

/* -- In the parent ----------------------------------------------------------------------------------- */

/* Children of ours will be born in that namespace; our own stays. `ret_own` leads back. */
static int join_pids(const char *path, int *ret_own, struct err *err)
{
	int there = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;

	*ret_own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	error = there < 0 || *ret_own < 0 || setns(there, CLONE_NEWPID) < 0 ? -errno : 0;
	if (there >= 0)
		close(there);
	if (error != 0 && *ret_own >= 0)
		close(*ret_own);
	return error == 0 ? 0
			  : err_set(err, error, "pid namespace '%s': %s", path, strerror(-error));
}

static int refused(const struct birth *b, int error)
{
	static const char what[] = "a process for the container";

	return b->launch->plan.in_users ? users_refused(error, what, b->err)
					: err_set(b->err, error, "%s: %s", what, strerror(-error));
}

/* Whoever is to be on certain CPUs before he is in the group joins it later; so does everybody where this is refused. */
static pid_t born_in_group(struct birth *b, int flags, const void *stack)
{
	const struct launch *l = b->launch;
	int group = l->cgroup != NULL ? cgroup_birth_fd(l->cgroup) : -1;
	struct clone_args args = {.flags = (uint64_t)(flags & ~CSIGNAL) | CLONE_INTO_CGROUP,
				  .exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD,
				  .stack = (uintptr_t)stack,
				  .stack_size = STACK,
				  .cgroup = (uint64_t)group};
	pid_t pid;

	if (group < 0 || (l->plan.beside != 0 && l->spec->process.exec_cpus_initial != NULL))
		return -ENOENT;
	b->in_group = true;
	pid = birth(&args, be_born, b);
	if (pid < 0)
		b->in_group = false;
	return pid;
}

static int spawn(struct birth *b, int flags)
{
	static _Alignas(16) char stack[STACK];
	const struct oci_namespace *pids = &b->launch->spec->namespaces[OCI_NS_PID];
	int own = -1, error;

	flags |= CLONE_VM | CLONE_VFORK | SIGCHLD;

	if (pids->wanted && pids->path == NULL)
		flags |= CLONE_NEWPID;
	else if (pids->wanted) {
		error = join_pids(pids->path, &own, b->err);
		if (error != 0)
			return error;
	}
	b->pid = born_in_group(b, flags, stack);
	if (b->pid < 0)
		b->pid = clone(be_born, stack + STACK, flags, b);
	error = b->pid < 0 ? refused(b, -errno) : b->error;
	if (own >= 0) {
		setns(own, CLONE_NEWPID);
		close(own);
	}
	return error;
}

/* It goes to the user namespace, from where there is no way back, and makes the container's process, a child of ours. */
static int spawn_there(void *env)
{
	struct birth *b = env;

	/* Whoever is born here asks the socket whether our parent is there: ours does not count either. */
	close(b->other);
	b->other = -1;
	b->error = users_enter(b->users, b->err);
	if (b->error == 0)
		b->error = spawn(b, CLONE_PARENT);
	_exit(0);
}

static int spawn_in_users(struct birth *b)
{
	int error;

	b->users = users_open(b->launch->spec, b->err);
	if (b->users < 0)
		return b->users;
	error = beside_run(0, spawn_there, b);
	close(b->users);
	return error == 0 ? b->error : err_set(b->err, error, "a process: %s", strerror(-error));
}

static int give_birth(struct birth *b, pid_t *ret)
{
	int error = b->launch->plan.in_users ? spawn_in_users(b) : spawn(b, 0);

	if (b->pid > 0 && error != 0)
		waitpid(b->pid, NULL, 0);
	*ret = b->pid;
	return error;
}

static int open_self(struct err *err)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : err_set(err, -errno, "/proc/self/exe: %s", strerror(errno));
}

bool launch_in_users(const struct oci_spec *spec)
{
	return spec->namespaces[OCI_NS_USER].wanted && geteuid() != 0;
}

static int write_plan(const struct launch *l, struct err *err)
{
	struct plan plan = l->plan;
	struct buf terms = {0};
	int result = l->terms != NULL ? terms_write(l->terms, &terms) : 0;

	plan.terms = (const char *)terms.data;
	plan.terms_size = terms.size;
	result = result == 0 ? plan_write(&plan, err)
			     : err_set(err, result, "out of memory for a container's plan");
	buf_deinit(&terms);
	return result;
}

int launch(struct child *ret, const struct launch *l, struct err *err)
{
	struct birth birth = {.launch = l, .plan = -1, .err = err};
	int pair[2], error;
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "a pair of sockets: %s", strerror(errno));
	birth.socket = pair[1];
	birth.other = pair[0];
	birth.self = open_self(err);
	birth.plan = birth.self < 0 ? birth.self : write_plan(l, err);
	error = birth.plan < 0 ? birth.plan : 0;
	if (error == 0 && l->cgroup != NULL)
		error = cgroup_prepare_join(l->cgroup, err);
	if (error == 0)
		error = give_birth(&birth, &pid);
	if (l->cgroup != NULL)
		cgroup_end_join(l->cgroup);
	if (birth.plan >= 0)
		close(birth.plan);
	if (birth.self >= 0)
		close(birth.self);
	close(pair[1]);
	if (error != 0)
		close(pair[0]);
	else
		*ret = (struct child){.pid = pid,
				      .socket = pair[0],
				      .module = -1,
				      .stop = l->stop,
				      .slow = l->slow,
				      .note = l->note,
				      .note_env = l->note_env};
	return error;
}

static void tell_slow(struct child *child)
{
	char path[PATH_MAX];

	child->slow(hang_path(child->pid, path) ? path : NULL);
	child->slow = NULL;
}

/* poll() leaves out what is negative. */
static int wait_for_either(struct child *child)
{
	struct pollfd fds[2] = {{.fd = child->socket, .events = POLLIN},
				{.fd = child->stop, .events = POLLIN}};
	int count;

	do {
		count = poll(fds, ARRAY_SIZE(fds), child->slow != NULL ? PATIENCE_MS : -1);
		if (count < 0 && errno != EINTR)
			return -errno;
		if (count == 0)
			tell_slow(child);
	} while (count <= 0);
	/* Also where there is something to hear: who never ends to talk is not to be listened to for good. */
	return fds[1].revents != 0 ? -ECANCELED : 0;
}

static bool took_note(const struct child *child, const struct message *message)
{
	if (message->kind != MESSAGE_WARNING && message->kind != MESSAGE_INFO)
		return false;
	if (child->note != NULL)
		child->note(child->note_env, (enum message_kind)message->kind, message->text);
	return true;
}

static int stopped(const struct child *child, struct err *err)
{
	char path[PATH_MAX];

	if (hang_path(child->pid, path))
		return err_set(err, -ECANCELED,
			       "it was stopped before the guest began: the container waited for "
			       "'%s'",
			       path);
	return err_set(err, -ECANCELED, "it was stopped before the guest began");
}

static int told(const struct message *message, struct err *err)
{
	/* The process says so that may be somebody else's by now: whatever it says is a failure. */
	if (message->kind == MESSAGE_FAILED && message->value > 0 && message->value < 256)
		return err_set(err, message->value, "%s", message->text);
	return err_set(err, -EPROTO, "the container's process said what makes no sense");
}

static void forget_module(struct child *child)
{
	if (child->module >= 0)
		close(child->module);
	child->module = -1;
}

/* Whatever it comes with: of many descriptors the last one is kept. */
static int receive(struct child *child, struct message *ret)
{
	int module = -1, error = message_receive_with(child->socket, ret, &module);

	if (module >= 0) {
		forget_module(child);
		child->module = module;
	}
	return error;
}

static int wait_for(struct child *child, enum message_kind kind, struct err *err)
{
	struct message message;
	int error;

	do {
		error = wait_for_either(child);
		if (error == -ECANCELED)
			return stopped(child, err);
		if (error == 0)
			error = receive(child, &message);
	} while (error == 0 && took_note(child, &message));
	if (error == 0)
		return message.kind == kind ? 0 : told(&message, err);
	return err_set(err, error, "the container's process ended before it was ready");
}

int launch_wait_ready(struct child *child, struct err *err)
{
	return wait_for(child, MESSAGE_READY, err);
}

int launch_wait_namespaces(struct child *child, struct err *err)
{
	return wait_for(child, MESSAGE_NAMESPACES, err);
}

static int say(const struct child *child, enum message_kind kind, struct err *err)
{
	int error = message_send(child->socket, kind, 0, NULL);

	return error == 0 ? 0 : err_set(err, error, "the container's process is gone");
}

int launch_on(struct child *child, struct err *err)
{
	return say(child, MESSAGE_ON, err);
}

/* Nothing more comes than what is there. */
static bool has_closed(const struct child *child)
{
	struct pollfd fd = {.fd = child->socket, .events = POLLRDHUP};

	return poll(&fd, 1, 0) == 1 && (fd.revents & (POLLRDHUP | POLLHUP)) != 0;
}

/* A word that is the last one: the child closes its side. Who is to stop then has begun: that is for whoever waits for its end. */
static int send_last(struct child *child, enum message_kind kind, struct err *err)
{
	struct message message;
	int error = say(child, kind, err);

	if (error != 0)
		return error;
	/* Its side is closed: by itself, or because it has ended already. */
	child->slow = NULL; /* it was ready */
	do {
		error = wait_for_either(child);
		if (error == -ECANCELED && !has_closed(child))
			return stopped(child, err);
		if (error == 0 || error == -ECANCELED)
			error = message_receive(child->socket, &message);
	} while (error == 0 && took_note(child, &message));
	if (error == -ECONNRESET)
		return 0;
	return error == 0 ? told(&message, err)
			  : err_set(err, error, "the container's process: %s", strerror(-error));
}

int launch_leave(struct child *child, struct err *err)
{
	return send_last(child, MESSAGE_ON, err);
}

int launch_go(struct child *child, struct err *err)
{
	return send_last(child, MESSAGE_GO, err);
}

int launch_let_go(struct child *child, struct err *err)
{
	return say(child, MESSAGE_GO, err);
}

void child_hang_up(struct child *child)
{
	if (child->socket >= 0)
		close(child->socket);
	child->socket = -1;
}

void child_deinit(struct child *child)
{
	child_hang_up(child);
	forget_module(child);
}
