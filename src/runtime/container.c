/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/container.h"

#include "runtime/gate.h"
#include "runtime/hooks.h"
#include "runtime/label.h"
#include "runtime/leftover.h"
#include "sandbox/users.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Whoever is not root gets what he may have, and is told of each limit he does not get; that he may not make a group
 * somewhere is worth a word only where the spec names one. Rules for devices are passed over: there are no nodes but those of
 * the host that anybody may open.
 */
static int make_what_may_be(struct container *c, bool is_made, struct err *err)
{
	const struct oci_spec *spec = c->bundle->spec;
	struct oci_resources resources = spec->resources;
	struct cgroup_notes nobodys = {0};
	int error = 0;

	if (!is_made)
		error = cgroup_make(c->cgroup, spec->cgroup != NULL ? &c->notes : &nobodys, err);
	cgroup_notes_deinit(&nobodys);
	resources.device_count = 0;
	return error == 0 ? cgroup_update(c->cgroup, &resources, &c->notes, err) : error;
}

static int make_cgroup(struct container *c, struct err *err)
{
	bool is_made;
	int error;

	if (geteuid() != 0)
		return make_what_may_be(c, false, err);
	error = cgroup_make(c->cgroup, NULL, err);
	is_made = error == 0;
	if (error == 0)
		error = cgroup_apply(c->cgroup, &c->bundle->spec->resources, NULL, err);
	/* Root, but only in a user namespace. */
	if ((error == -EACCES || error == -EPERM || error == -EROFS) && !users_are_hosts())
		error = make_what_may_be(c, is_made, err);
	return error;
}

static int plan_cgroup(struct container *c, struct err *err)
{
	const struct oci_spec *spec = c->bundle->spec;
	int error = c->no_cgroup ? 0 : cgroup_layout_init(&c->layout, err);

	if (error != 0 || c->layout.count == 0)
		return error;
	if (geteuid() != 0 && !spec->namespaces[OCI_NS_USER].wanted)
		return err_set(err, -EPERM,
			       "linux.namespaces: a container that is not root's needs a user "
			       "namespace (type 'user', with linux.uidMappings and "
			       "linux.gidMappings)");
	return cgroup_plan(&c->cgroup, &c->layout, spec->cgroup, c->id, err);
}

/* For who comes later, and finds the bundle changed or gone. */
static int keep_bundle(struct container *c, struct err *err)
{
	char path[PATH_MAX] = "";
	int error = c->bundle->dir >= 0 ? bundle_path(c->bundle->dir, path, err) : 0;

	if (error != 0)
		return error;
	c->state.bundle = strdup(path);
	if (c->state.bundle == NULL)
		return err_set(err, -ENOMEM, "out of memory for a container's state");
	return state_keep_config(c->state_dir, c->bundle->text, c->bundle->size, err);
}

/* Whoever had the name may have been killed; where he was not, why not. */
static int take_over(struct container *c, struct err *err)
{
	struct err why = {""};

	if (leftover_remove(c->root, c->id, &why) == 0)
		return state_make(c->root, c->id, err);
	return err_set(err, -EEXIST, "there is a container '%s' already: %s", c->id, why.text);
}

/* First of all: whatever is made from now on can be found again, and nobody else makes it. */
static int take_name(struct container *c, struct err *err)
{
	int error = state_check_id(c->id, err);

	if (error != 0)
		return error;
	c->root = state_root(err);
	if (c->root < 0)
		return c->root;
	c->state_dir = state_make(c->root, c->id, err);
	if (c->state_dir == -EEXIST)
		c->state_dir = take_over(c, err);
	if (c->state_dir < 0)
		return c->state_dir;
	error = leftover_guard(c->state_dir, c->id, err);
	if (error == 0 && !state_is_named(c->root, c->id, c->state_dir))
		error = err_set(err, -EBUSY, "somebody removes container '%s' right now", c->id);
	if (error != 0) {
		close(c->state_dir); /* it is theirs */
		c->state_dir = 0;
	}
	return error;
}

static int note_phase(struct container *c, enum state_phase phase, struct err *err)
{
	c->state.phase = phase;
	return state_write(c->state_dir, &c->state, err);
}

/* What is there to be cleaned up: before it is there, and again as it has come to be. */
static int note_cgroup(struct container *c, enum state_phase phase, struct err *err)
{
	struct buf text = {0};
	int error = c->cgroup != NULL ? cgroup_save(c->cgroup, &text) : 0;

	if (error == 0 && c->cgroup != NULL && buf_zero(&text, 1) == NULL)
		error = -ENOMEM;
	if (error != 0) {
		buf_deinit(&text);
		return err_set(err, error, "out of memory for a container's state");
	}
	free(c->state.cgroup);
	c->state.cgroup = (char *)text.data;
	return note_phase(c, phase, err);
}

static int make_state(struct container *c, struct err *err)
{
	int error = take_name(c, err);

	c->state.created = (int64_t)time(NULL);
	if (error == 0 && c->image != NULL && (c->state.image = strdup(c->image)) == NULL)
		error = err_set(err, -ENOMEM, "out of memory for a container's state");
	if (error == 0)
		error = keep_bundle(c, err);
	if (error == 0)
		error = plan_cgroup(c, err);
	if (error == 0)
		error = note_cgroup(c, STATE_PLANNED, err);
	if (error == 0 && c->cgroup != NULL)
		error = make_cgroup(c, err);
	return error == 0 ? note_cgroup(c, STATE_CREATING, err) : error;
}

static int note_init(struct container *c, struct err *err)
{
	c->state.init = state_process_now(c->child.pid);
	return state_write(c->state_dir, &c->state, err);
}

/* What container_start() will say, while the child is at work. */
static int prepare_start(struct container *c, struct err *err)
{
	c->state.phase = STATE_RUNNING;
	c->state.kept = c->kept;
	return state_prepare(c->state_dir, &c->state, err);
}

/* It may outlive us from when it knows that it is known. */
static int leave_at_gate(struct container *c, struct err *err)
{
	int error;

	c->state.kept = true;
	error = note_phase(c, STATE_CREATED, err);
	return error == 0 ? launch_leave(&c->child, err) : error;
}

static int run_hooks(const struct container *c, enum oci_hook_kind kind, const char *status,
		     struct err *err)
{
	const struct hooks_state state = {c->id, status, c->state.bundle, c->child.pid};

	return hooks_run(c->bundle->spec, kind, &state, NULL, err);
}

static int run_namespace_hooks(struct container *c, struct err *err)
{
	int error = launch_wait_namespaces(&c->child, err);

	if (error == 0)
		error = run_hooks(c, OCI_HOOK_PRESTART, "creating", err);
	if (error == 0)
		error = run_hooks(c, OCI_HOOK_CREATE_RUNTIME, "creating", err);
	return error == 0 ? launch_on(&c->child, err) : error;
}

int container_create(struct container *c, struct err *err)
{
	struct launch l = {
		.plan = {.spec = c->bundle->text,
			 .spec_size = c->bundle->size,
			 .id = c->id,
			 .cache = c->cache,
			 .has_bundle = c->bundle->dir >= 0,
			 .has_template = c->template >= 0,
			 .in_users = launch_in_users(c->bundle->spec),
			 .wait = c->detached ? PLAN_WAITS_AT_GATE : PLAN_WAITS},
		.terms = c->terms,
		.spec = c->bundle->spec,
		.bundle = c->bundle->dir,
		.stdio = {c->stdio[0], c->stdio[1], c->stdio[2]},
		.template = c->template,
		.more = c->more,
		.more_count = c->more_count,
		.gate = -1,
		.stop = c->stop,
		.slow = c->slow,
		.note = c->note,
		.note_env = c->note_env,
	};
	int error;

	c->child = CHILD_NONE;
	error = label_check(c->bundle->spec, err);
	if (error == 0)
		error = make_state(c, err);
	if (error != 0)
		return error;
	l.cgroup = c->cgroup;
	if (c->detached)
		l.gate = gate_make(c->state_dir, err);
	if (c->detached && l.gate < 0)
		error = l.gate;
	else
		error = launch(&c->child, &l, err);
	if (l.gate >= 0)
		close(l.gate);
	c->was_born = error == 0;
	if (error == 0)
		error = note_init(c, err);
	if (error == 0 && hooks_await_namespaces(c->bundle->spec))
		error = run_namespace_hooks(c, err);
	if (error == 0 && !c->detached)
		error = prepare_start(c, err);
	if (error == 0)
		error = launch_wait_ready(&c->child, err);
	return error == 0 && c->detached ? leave_at_gate(c, err) : error;
}

int container_start(struct container *c, struct err *err)
{
	/* Before the word: without us it does not live on until it has heard it. */
	int error = state_publish(c->state_dir, err);

	if (error == 0)
		error = c->bundle->spec->hooks[OCI_HOOK_START_CONTAINER].count > 0
				? launch_go(&c->child, err)
				: launch_let_go(&c->child, err);
	child_hang_up(&c->child);
	return error;
}

int container_started(const struct container *c, struct err *err)
{
	return run_hooks(c, OCI_HOOK_POSTSTART, "running", err);
}

bool container_ran_out(const struct container *c)
{
	return c->cgroup != NULL && cgroup_oom_kills(c->cgroup) > 0;
}

void container_leave(struct container *c)
{
	child_deinit(&c->child);
	c->child.pid = 0;
	if (c->state_dir > 0)
		close(c->state_dir);
	if (c->root > 0)
		close(c->root);
	c->root = c->state_dir = 0;
	state_deinit(&c->state);
	cgroup_free(c->cgroup);
	c->cgroup = NULL;
	cgroup_layout_deinit(&c->layout);
	cgroup_notes_deinit(&c->notes);
	c->was_born = false;
}

int container_ended(struct container *c, int code, struct err *err)
{
	struct state *state = &c->state;
	int error = 0;

	state->ran_out = code == 128 + SIGKILL && container_ran_out(c);
	state->has_ended = true;
	state->exit = code;
	state->ended = (int64_t)time(NULL);
	/* First of all, since somebody waits for it; the group is named until it is gone. */
	error = state_write(c->state_dir, state, err);
	if (error == 0 && c->cgroup != NULL)
		error = leftover_remove_group(c->cgroup, state->phase, c->root, c->id, err);
	if (error == 0 && c->cgroup != NULL) {
		state->cgroup[0] = '\0';
		error = state_write(c->state_dir, state, err);
	}
	container_leave(c);
	return error;
}

/* A killed process that waits for a file system which has heard it and never answers does not end. */
static bool is_gone(const void *pid)
{
	return waitpid(*(const pid_t *)pid, NULL, WNOHANG) != 0;
}

static int end_child(struct container *c, struct err *err)
{
	pid_t pid = c->child.pid;

	child_deinit(&c->child);
	c->child.pid = 0;
	if (pid <= 0)
		return 0;
	kill(pid, SIGKILL);
	return leftover_eventually(is_gone, &pid) ? 0 : leftover_does_not_end(pid, err);
}

int container_delete(struct container *c, struct err *err)
{
	int error = end_child(c, err);
	bool is_ended = error == 0;

	/* Its group cannot go before it, and its name stays, for whoever deletes it later. */
	if (is_ended && c->cgroup != NULL)
		error = leftover_remove_group(c->cgroup, c->state.phase, c->root, c->id, err);
	if (is_ended && c->state_dir > 0)
		state_remove(c->root, c->id, error == 0 ? err : NULL);
	if (c->was_born && error == 0)
		error = run_hooks(c, OCI_HOOK_POSTSTOP, "stopped", err);
	container_leave(c);
	return error;
}
