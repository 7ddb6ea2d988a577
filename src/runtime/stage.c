/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "runtime/bundle.h"
#include "runtime/fences.h"
#include "runtime/gate.h"
#include "runtime/hooks.h"
#include "runtime/launch.h"
#include "runtime/state.h"
#include "sandbox/identity.h"
#include "sandbox/landlock.h"
#include "sandbox/namespaces.h"
#include "sandbox/rlimits.h"
#include "sandbox/seccomp.h"
#include "sandbox/template.h"
#include "sandbox/users.h"
#include "sandbox/view.h"

int stage_begin(struct stage *ret, struct err *err)
{
	int error;

	*ret = (struct stage){.socket = LAUNCH_SOCKET_FD, .module = -1, .below = -1};
	error = plan_read(&ret->plan, LAUNCH_PLAN_FD, err);
	if (error == 0)
		error = terms_read(&ret->terms, ret->plan.terms, ret->plan.terms_size, err);
	return error == 0 ? plan_spec(&ret->plan, &ret->spec, err) : error;
}

/* And all that lie above it. errno is the last one's. */
static bool make_directory(const char *path)
{
	char above[PATH_MAX];
	size_t size = strlen(path);

	if (size >= sizeof(above)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(above, path, size + 1);
	for (char *slash = strchr(above + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(above, 0755) < 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return mkdir(path, 0755) == 0 || errno == EEXIST;
}

/* As runc has it, a working directory that is missing is made. */
static int go_to_work(const char *path, struct err *err)
{
	if (chdir(path) == 0 || (errno == ENOENT && make_directory(path) && chdir(path) == 0))
		return 0;
	return err_set(err, -errno, "process.cwd '%s': %s", path, strerror(errno));
}

/* While there is a /proc. */
static int set_oom_score(const struct oci_process *process, struct err *err)
{
	int fd, error;

	if (!process->has_oom_score_adj)
		return 0;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "/proc/self/oom_score_adj: %s", strerror(errno));
	error = rlimits_write_oom_score(fd, process->oom_score_adj, err);
	close(fd);
	return error < 0 ? error : 0;
}

static int wait_for(const struct stage *stage, enum message_kind kind, struct err *err)
{
	struct message message;
	int error = message_receive(stage->socket, &message);

	if (error == 0 && message.kind == kind)
		return 0;
	return err_set(err, error != 0 ? error : -EPROTO, "whoever made the container is gone");
}

/* While there is a /proc. */
static int find_bundle(struct stage *stage, struct err *err)
{
	char path[PATH_MAX];
	int error = bundle_path(stage->plan.has_bundle ? LAUNCH_BUNDLE_FD : -1, path, err);

	if (error != 0)
		return error;
	stage->bundle = strdup(path);
	return stage->bundle != NULL ? 0 : err_set(err, -ENOMEM, "out of memory for a path");
}

/* The namespaces are there: others', then our own. */
static int run_hooks(struct stage *stage, struct err *err)
{
	const struct oci_spec *spec = stage->spec;
	int error = 0;

	if (hooks_await_namespaces(spec)) {
		error = message_send(stage->socket, MESSAGE_NAMESPACES, 0, NULL);
		if (error != 0)
			return err_set(err, error, "whoever made the container is gone");
		error = wait_for(stage, MESSAGE_ON, err);
	}
	if (error == 0 && spec->hooks[OCI_HOOK_CREATE_CONTAINER].count +
					  spec->hooks[OCI_HOOK_START_CONTAINER].count >
				  0)
		error = find_bundle(stage, err);
	if (error == 0)
		error = hooks_create_container(spec, stage->plan.id, stage->bundle, err);
	return error;
}

/*
 * Born in the user namespace: the host's mounts can be copied in a mount namespace of that only, and the bundle is to be
 * found there again.
 */
static int copy_mounts(const struct stage *stage, struct err *err)
{
	int here = -1;

	if (stage->plan.has_bundle && fchdir(LAUNCH_BUNDLE_FD) < 0)
		return err_set(err, -errno, "the bundle: %s", strerror(errno));
	if (unshare(CLONE_NEWNS) < 0)
		return users_refused(-errno, "a mount namespace in the user namespace", err);
	if (stage->plan.has_bundle)
		here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (stage->plan.has_bundle && (here < 0 || dup3(here, LAUNCH_BUNDLE_FD, O_CLOEXEC) < 0))
		return err_set(err, -errno, "the bundle: %s", strerror(errno));
	if (here >= 0)
		close(here);
	return 0;
}

/* A descriptor of the user namespace to go to; -1: there is none, or we were born there. */
static int open_users(const struct stage *stage, int *ret, struct err *err)
{
	*ret = -1;
	if (stage->plan.in_users || !stage->spec->namespaces[OCI_NS_USER].wanted)
		return 0;
	*ret = users_open(stage->spec, err);
	return MIN(*ret, 0);
}

/* From here on there are the rights of the container's root, and nothing of the host's: those go first that it may not set. */
static int enter_users(const struct stage *stage, int users, struct err *err)
{
	const struct oci_process *process = &stage->spec->process;
	int error = users < 0 ? 0 : rlimits_raise(process, err);

	if (error == 0 && users >= 0)
		error = rlimits_schedule(process, err);
	if (error == RLIMITS_NOT_ALLOWED)
		error = 0;
	if (error == 0 && users >= 0)
		error = users_enter(users, err);
	if (error == 0)
		error = users_become(&process->user, err);
	/* Another user: the kernel has forgotten it (launch.c). */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return error;
}

/* The empty mount namespace to begin from; -1: none, or not one to be joined from the user namespace we were born in. */
static int template_of(const struct plan *plan)
{
	return plan->has_template && !plan->in_users ? LAUNCH_TEMPLATE_FD : -1;
}

/* A mount namespace, of the container's user namespace; a classic view has its own. */
static int leave_host(const struct stage *stage, int users, bool is_classic, struct err *err)
{
	int template = template_of(&stage->plan), error;

	if (!stage->spec->namespaces[OCI_NS_USER].wanted)
		return is_classic ? 0 : template_enter(template, err);
	if (is_classic)
		return enter_users(stage, users, err);
	error = template_join(template, err);
	if (error == 0)
		error = enter_users(stage, users, err);
	return error == 0 ? template_copy(err) : error;
}

/*
 * What was opened and joined by its number was its own: it is there still. While there is a /proc; whose times are others in another
 * time namespace.
 */
static int check_beside(const struct plan *plan, const struct oci_spec *spec, struct err *err)
{
	const struct state_process first = {plan->beside, plan->beside_start};

	return spec->namespaces[OCI_NS_TIME].wanted || state_is_alive(&first)
		       ? 0
		       : err_set(err, -ESRCH, "container '%s' has ended", plan->id);
}

/* Another process has made the view of this container. */
static int join_view(const struct stage *stage, int users, struct err *err)
{
	const struct oci_spec *spec = stage->spec;
	const char *path = spec->namespaces[OCI_NS_MOUNT].path;
	int view = open(path, O_RDONLY | O_CLOEXEC);
	int error = view < 0 ? err_set(err, -errno, "%s: %s", path, strerror(errno))
			     : namespaces_enter(spec, users, err);

	if (error == 0)
		error = set_oom_score(&spec->process, err);
	if (error == 0)
		error = check_beside(&stage->plan, spec, err);
	if (error == 0 && setns(view, CLONE_NEWNS) < 0)
		error = err_set(err, -errno, "join the container's mounts: %s", strerror(errno));
	if (error == 0 && spec->namespaces[OCI_NS_USER].wanted)
		error = enter_users(stage, users, err);
	if (view >= 0)
		close(view);
	return error;
}

static int make_view(struct stage *stage, int users, struct err *err)
{
	const struct oci_spec *spec = stage->spec;
	struct view view;
	int error;

	/* What is made for mounts is for the guest's user to pass through, whatever our caller makes for himself. */
	umask(0022);
	error = stage->plan.in_users ? copy_mounts(stage, err) : 0;
	if (error == 0)
		error = view_open(&view, spec, stage->plan.has_bundle ? LAUNCH_BUNDLE_FD : -1,
				  users, err);
	if (error != 0)
		return error;
	error = namespaces_enter(spec, users, err);
	if (error == 0)
		error = run_hooks(stage, err);
	if (error == 0)
		error = set_oom_score(&spec->process, err);
	if (error == 0)
		error = leave_host(stage, users, view_is_classic(&view), err);
	if (error == 0)
		error = view_enter(&view, spec, template_of(&stage->plan) >= 0, err);
	if (error == 0 && view.refused.text[0] != '\0')
		stage_note(stage, MESSAGE_WARNING, view.refused.text);
	if (error == 0) {
		stage->below = view.below;
		view.below = -1;
	}
	view_close(&view);
	return error;
}

int stage_below(struct stage *stage, const char *path, int fd)
{
	const char *cwd = stage->spec->process.cwd;
	char whole[PATH_MAX];
	int same = -1;

	if (stage->below < 0)
		return fd;
	if (snprintf(whole, sizeof(whole), "%s/%s", path[0] == '/' ? "" : cwd, path) < PATH_MAX)
		same = view_below(stage->below, whole, fd);
	close(stage->below);
	stage->below = -1;
	if (same >= 0)
		close(fd);
	return same >= 0 ? same : fd;
}

int stage_enter(struct stage *stage, struct err *err)
{
	const struct oci_spec *spec = stage->spec;
	int users, error = open_users(stage, &users, err);

	/* Whoever has all rights in that namespace is not to trace us, who have the host's files open. */
	if (error == 0 && users >= 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		error = err_set(err, -errno, "make the process undumpable: %s", strerror(errno));
	if (error == 0)
		error = stage->plan.beside != 0 ? join_view(stage, users, err)
						: make_view(stage, users, err);
	if (users >= 0)
		close(users);
	if (error != 0)
		return error;
	close(LAUNCH_PLAN_FD);
	if (stage->plan.has_bundle)
		close(LAUNCH_BUNDLE_FD);
	if (stage->plan.has_template)
		close(LAUNCH_TEMPLATE_FD);
	umask(spec->process.user.has_umask ? spec->process.user.umask : 0022);
	return go_to_work(spec->process.cwd, err);
}

/*
 * From the root of the container and what it is mounted on, nothing may be reached but by paths below it. Without Landlock the
 * mount view and the filter still stand.
 */
static int limit_files(bool must, struct err *err)
{
	struct landlock landlock = LANDLOCK_NONE;
	enum landlock_result result;
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = root < 0 ? err_set(err, -errno, "/: %s", strerror(errno))
			     : landlock_open(&landlock, false, err);

	if (error == 0)
		error = landlock_allow(&landlock, root, LANDLOCK_READ | LANDLOCK_WRITE, err);
	if (error == 0)
		error = landlock_close(&landlock, &result, err);
	if (error == 0 && must && result == LANDLOCK_MISSING)
		error = err_set(err, -EPERM, "Landlock is gone");
	landlock_deinit(&landlock);
	if (root >= 0)
		close(root);
	return error;
}

/* In this order: what needs rights before they go, what needs none after. */
static int shut(struct stage *stage, struct err *err)
{
	const struct oci_process *process = &stage->spec->process;
	struct seccomp_filter profile = {0};
	int listener, error;

	error = rlimits_apply(process, err);
	if (error == 0)
		error = rlimits_schedule(process, err);
	if (error == RLIMITS_NOT_ALLOWED)
		error = 0;
	if (error == 0)
		error = identity_apply(process, IDENTITY_GUEST, err);
	/*
	 * Whoever ran it may be killed and the container goes on; the filter lets nobody say so later. Until the word to go it hears
	 * from the socket that he is gone, but where a file system never answers: then it stays, with a name to delete it by.
	 */
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	if (error >= 0)
		error = limit_files(stage->terms.landlock == CONFIG_LANDLOCK_REQUIRE, err);
	if (error == 0)
		error = seccomp_compile(&profile, &stage->spec->seccomp, err);
	if (error == 0)
		error = seccomp_close(&profile, &listener, err);
	seccomp_filter_deinit(&profile);
	stage->is_shut = true;
	return error;
}

static bool has_programs(const struct stage *stage)
{
	return stage->spec->hooks[OCI_HOOK_START_CONTAINER].count > 0;
}

static void note(void *env, enum message_kind kind, const char *sentence)
{
	stage_note(env, kind, sentence);
}

int stage_shut(struct stage *stage, struct err *err)
{
	int error = fences_check(stage->spec, stage->terms.landlock, note, stage, err);

	return error == 0 && !has_programs(stage) ? shut(stage, err) : error;
}

static void forget_socket(struct stage *stage)
{
	if (stage->socket >= 0)
		close(stage->socket);
	stage->socket = -1;
}

/* Who knocks and goes away again has changed nothing. */
static int wait_at_gate(struct stage *stage, struct err *err)
{
	int error;

	forget_socket(stage);
	for (;;) {
		stage->socket = gate_await(LAUNCH_GATE_FD);
		if (stage->socket < 0)
			return err_set(err, stage->socket, "wait to be started: %s",
				       strerror(-stage->socket));
		error = wait_for(stage, MESSAGE_GO, err);
		if (error == 0)
			break;
		forget_socket(stage);
	}
	close(LAUNCH_GATE_FD);
	return 0;
}

static int say_ready(struct stage *stage)
{
	int error;

	if (stage->module < 0)
		return message_send(stage->socket, MESSAGE_READY, 0, NULL);
	error = message_send_with(stage->socket, MESSAGE_READY, stage->module);
	close(stage->module);
	stage->module = -1;
	return error;
}

static int await_go(struct stage *stage, struct err *err)
{
	bool gate = stage->plan.wait == PLAN_WAITS_AT_GATE;
	int error;

	error = say_ready(stage);
	if (error != 0)
		return err_set(err, error, "whoever made the container is gone");
	if (stage->plan.wait != PLAN_GOES)
		error = wait_for(stage, gate ? MESSAGE_ON : MESSAGE_GO, err);
	if (error != 0 || !gate)
		return error;
	if (!stage->is_shut)
		prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	return wait_at_gate(stage, err);
}

int stage_await(struct stage *stage, struct err *err)
{
	int error = await_go(stage, err);

	if (error == 0)
		error = hooks_start_container(stage->spec, stage->plan.id, stage->bundle, err);
	if (error == 0 && !stage->is_shut)
		error = shut(stage, err);
	if (error == 0)
		forget_socket(stage);
	return error;
}

void stage_note(const struct stage *stage, enum message_kind kind, const char *text)
{
	message_send(stage->socket, kind, 0, text);
}

void stage_end(struct stage *stage)
{
	oci_spec_free(stage->spec);
	stage->spec = NULL;
	munmap((void *)(uintptr_t)stage->plan.mapping, stage->plan.mapping_size);
	stage->plan = (struct plan){.id = NULL};
	free(stage->bundle);
	stage->bundle = NULL;
}

void stage_fail(const struct stage *stage, int code, const char *text)
{
	message_send(stage->socket, MESSAGE_FAILED, code, text);
}
