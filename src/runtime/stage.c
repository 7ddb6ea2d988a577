/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/bundle.h"
#include "runtime/fences.h"
#include "runtime/hooks.h"
#include "runtime/launch.h"
#include "sandbox/identity.h"
#include "sandbox/landlock.h"
#include "sandbox/namespaces.h"
#include "sandbox/rlimits.h"
#include "sandbox/seccomp.h"
#include "sandbox/template.h"
#include "sandbox/view.h"

int stage_begin(struct stage *ret, struct err *err)
{
	struct stage stage = {0};
	int error = plan_read(&stage.plan, LAUNCH_PLAN_FD, err);

	if (error == 0)
		error = terms_read(&stage.terms, stage.plan.terms, stage.plan.terms_size, err);
	if (error == 0)
		error = oci_spec_parse(&stage.spec, stage.plan.spec, stage.plan.spec_size, err);
	if (error == 0)
		*ret = stage;
	return error;
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

static int wait_for(enum message_kind kind, struct err *err)
{
	struct message message;
	int error = message_receive(LAUNCH_SOCKET_FD, &message);

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
		error = message_send(LAUNCH_SOCKET_FD, MESSAGE_NAMESPACES, 0, NULL);
		if (error != 0)
			return err_set(err, error, "whoever made the container is gone");
		error = wait_for(MESSAGE_ON, err);
	}
	if (error == 0 && spec->hooks[OCI_HOOK_CREATE_CONTAINER].count +
					  spec->hooks[OCI_HOOK_START_CONTAINER].count >
				  0)
		error = find_bundle(stage, err);
	if (error == 0)
		error = hooks_create_container(spec, stage->plan.id, stage->bundle, err);
	return error;
}

int stage_enter(struct stage *stage, struct err *err)
{
	const struct oci_spec *spec = stage->spec;
	struct view view;
	int error = view_open(&view, spec, stage->plan.has_bundle ? LAUNCH_BUNDLE_FD : -1, err);

	if (error != 0)
		return error;
	error = namespaces_enter(spec, err);
	if (error == 0)
		error = run_hooks(stage, err);
	if (error == 0)
		error = set_oom_score(&spec->process, err);
	if (error == 0)
		error = template_enter(stage->plan.has_template ? LAUNCH_TEMPLATE_FD : -1, err);
	if (error == 0)
		error = view_enter(&view, spec, err);
	if (error != 0) {
		view_close(&view);
		return error;
	}
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
static int shut(const struct stage *stage, struct err *err)
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
	if (error >= 0)
		error = limit_files(stage->terms.landlock == CONFIG_LANDLOCK_REQUIRE, err);
	if (error == 0)
		error = seccomp_compile(&profile, &stage->spec->seccomp, err);
	if (error == 0)
		error = seccomp_close(&profile, &listener, err);
	seccomp_filter_deinit(&profile);
	return error;
}

int stage_close(struct stage *stage, struct err *err)
{
	int error = fences_check(stage->spec, stage->terms.landlock, stage_note, err);

	if (error != 0)
		return error;
	error = message_send(LAUNCH_SOCKET_FD, MESSAGE_READY, 0, NULL);
	if (error != 0)
		return err_set(err, error, "whoever made the container is gone");
	if (stage->plan.waits)
		error = wait_for(MESSAGE_GO, err);
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0); /* from now on it may outlive whoever made it */
	if (error == 0)
		error = hooks_start_container(stage->spec, stage->plan.id, stage->bundle, err);
	if (error == 0)
		error = shut(stage, err);
	if (error == 0)
		close(LAUNCH_SOCKET_FD);
	return error;
}

void stage_note(enum message_kind kind, const char *text)
{
	message_send(LAUNCH_SOCKET_FD, kind, 0, text);
}

void stage_fail(int code, const char *text)
{
	message_send(LAUNCH_SOCKET_FD, MESSAGE_FAILED, code, text);
}
