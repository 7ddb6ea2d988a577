/* SPDX-License-Identifier: Apache-2.0 */
/* known_exec.c: one more process in a container: born as its first one was, into what that one has made. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "runtime/known.h"
#include "runtime/label.h"

/* The number may have been given out again while we joined what it had. */
static int check_alive(const struct known *k, struct err *err)
{
	return state_is_alive(&k->state.init)
		       ? 0
		       : err_set(err, -ESRCH, "container '%s' has ended", k->id);
}

static int start(const struct known *k, struct launch *l, struct child *child, struct err *err)
{
	int error = launch(child, l, err);

	if (error == 0)
		error = launch_wait_ready(child, err);
	if (error == 0)
		error = check_alive(k, err);
	/* Hooks are the first one's: nothing is run before the guest. */
	if (error == 0)
		error = launch_let_go(child, err);
	child_hang_up(child);
	if (error != 0)
		child_deinit(child);
	if (error != 0 && child->pid > 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
		child->pid = 0;
	}
	return error;
}

int known_exec(struct known *k, const struct known_exec *exec, struct child *ret, struct err *err)
{
	struct oci_spec *spec = NULL;
	struct launch l = {
		.plan = {.spec = k->bundle.text,
			 .spec_size = k->bundle.size,
			 .id = k->id,
			 .cache = exec->cache,
			 .wait = PLAN_WAITS,
			 .beside = k->state.init.pid,
			 .beside_start = k->state.init.start,
			 .process = exec->process,
			 .process_size = exec->process_size,
			 .inherits = exec->inherits},
		.terms = exec->terms,
		.bundle = -1,
		.stdio = {exec->stdio[0], exec->stdio[1], exec->stdio[2]},
		.template = -1,
		.gate = -1,
		.cgroup = k->cgroup,
		.stop = exec->stop,
		.note = exec->note,
		.note_env = exec->note_env,
	};
	int error;

	*ret = CHILD_NONE;
	if (k->status != KNOWN_RUNNING && k->status != KNOWN_CREATED)
		return err_set(err, -EBUSY, "container '%s' is %s, and nothing can be run in it",
			       k->id, known_status_name(k->status));
	error = plan_spec(&l.plan, &spec, err);
	l.spec = spec;
	l.plan.in_users = error == 0 && launch_in_users(spec);
	if (error == 0)
		error = label_check(spec, err);
	if (error == 0)
		error = start(k, &l, ret, err);
	oci_spec_free(spec);
	return error;
}
