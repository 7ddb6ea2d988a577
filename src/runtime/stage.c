/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/launch.h"
#include "runtime/message.h"
#include "sandbox/namespaces.h"
#include "sandbox/template.h"
#include "sandbox/view.h"

int stage_begin(struct stage *ret, struct err *err)
{
	struct stage stage = {0};
	int error = plan_read(&stage.plan, LAUNCH_PLAN_FD, err);

	if (error == 0)
		error = oci_spec_parse(&stage.spec, stage.plan.spec, stage.plan.spec_size, err);
	if (error == 0)
		*ret = stage;
	return error;
}

static int template_fd(void)
{
	return fcntl(LAUNCH_TEMPLATE_FD, F_GETFD) >= 0 ? LAUNCH_TEMPLATE_FD : -1;
}

/* As runc has it, a working directory that is missing is made. */
static int go_to_work(const char *path, struct err *err)
{
	if (chdir(path) == 0 || (errno == ENOENT && mkdir(path, 0755) == 0 && chdir(path) == 0))
		return 0;
	return err_set(err, -errno, "process.cwd '%s': %s", path, strerror(errno));
}

int stage_enter(struct stage *stage, struct err *err)
{
	const struct oci_spec *spec = stage->spec;
	struct view view;
	int error = view_open(&view, spec, LAUNCH_BUNDLE_FD, err);

	if (error != 0)
		return error;
	error = namespaces_enter(spec, err);
	if (error == 0)
		error = template_enter(template_fd(), err);
	if (error == 0)
		error = view_enter(&view, spec, err);
	if (error != 0) {
		view_close(&view);
		return error;
	}
	close(LAUNCH_PLAN_FD);
	close(LAUNCH_BUNDLE_FD);
	close(LAUNCH_TEMPLATE_FD);
	umask(spec->process.user.has_umask ? spec->process.user.umask : 0022);
	return go_to_work(spec->process.cwd, err);
}

static int wait_for_go(struct err *err)
{
	struct message message;
	int error = message_receive(LAUNCH_SOCKET_FD, &message);

	if (error == 0 && message.kind == MESSAGE_GO)
		return 0;
	return err_set(err, error != 0 ? error : -EPROTO, "whoever made the container is gone");
}

int stage_close(struct stage *stage, struct err *err)
{
	int error = message_send(LAUNCH_SOCKET_FD, MESSAGE_READY, 0, NULL);

	if (error != 0)
		return err_set(err, error, "whoever made the container is gone");
	if (stage->plan.waits)
		error = wait_for_go(err);
	close(LAUNCH_SOCKET_FD);
	return error;
}

void stage_fail(int code, const char *text)
{
	message_send(LAUNCH_SOCKET_FD, MESSAGE_FAILED, code, text);
}
