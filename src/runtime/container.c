/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/container.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DELETE_MS = 2000, ID_MAX = 255 };

/* It names a directory, a control group and more: as runc and containerd have it. */
static int check_id(const char *id, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-.";
	size_t size = strspn(id, allowed);

	if (id[size] == '\0' && size > 0 && size <= ID_MAX && strcmp(id, ".") != 0 &&
	    strcmp(id, "..") != 0)
		return 0;
	return err_set(err, -EINVAL,
		       "the ID '%.64s' is not made of 1 to %d letters, digits, '_', '+', '-' and "
		       "'.'",
		       id, ID_MAX);
}

/* Whoever is not root gets what he may have, and is told of the rest. */
static int make_cgroup(struct container *c, struct err *err)
{
	const struct oci_spec *spec = c->bundle->spec;
	struct cgroup_notes *notes = geteuid() != 0 ? &c->notes : NULL;
	int error = cgroup_layout_init(&c->layout, err);

	if (error != 0 || c->layout.count == 0)
		return error;
	error = cgroup_create(&c->cgroup, &c->layout, spec->cgroup, c->id, notes, err);
	return error == 0 ? cgroup_apply(c->cgroup, &spec->resources, notes, err) : error;
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
			 .waits = true},
		.spec = c->bundle->spec,
		.bundle = c->bundle->dir,
		.stdio = {c->stdio[0], c->stdio[1], c->stdio[2]},
		.template = c->template,
	};
	int error;

	c->child.socket = -1;
	error = check_id(c->id, err);
	if (error == 0 && !c->no_cgroup)
		error = make_cgroup(c, err);
	if (error != 0)
		return error;
	l.cgroup = c->cgroup;
	error = launch(&c->child, &l, err);
	return error == 0 ? launch_wait_ready(&c->child, err) : error;
}

int container_start(struct container *c, struct err *err)
{
	int error = launch_go(&c->child, err);

	child_deinit(&c->child);
	return error;
}

bool container_ran_out(const struct container *c)
{
	return c->cgroup != NULL && cgroup_oom_kills(c->cgroup) > 0;
}

static void end_child(struct container *c)
{
	child_deinit(&c->child);
	if (c->child.pid <= 0)
		return;
	kill(c->child.pid, SIGKILL);
	while (waitpid(c->child.pid, NULL, 0) < 0 && errno == EINTR)
		;
	c->child.pid = 0;
}

int container_delete(struct container *c, struct err *err)
{
	int error = 0;

	end_child(c);
	if (c->cgroup != NULL) {
		cgroup_kill(c->cgroup, SIGKILL, NULL);
		error = cgroup_delete(c->cgroup, DELETE_MS, err);
	}
	cgroup_free(c->cgroup);
	c->cgroup = NULL;
	cgroup_layout_deinit(&c->layout);
	cgroup_notes_deinit(&c->notes);
	return error;
}
