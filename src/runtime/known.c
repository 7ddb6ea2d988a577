/* SPDX-License-Identifier: Apache-2.0 */
/* known.c: finding it, and what it takes no new process for; known_exec.c adds one. */
#include "runtime/known.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/gate.h"
#include "runtime/hooks.h"
#include "runtime/leftover.h"

/* How long it may take until all of it stands still. */
enum { PAUSE_MS = 2000 };

/* -- Finding it ------------------------------------------------------------------------------------- */

const char *known_status_name(enum known_status status)
{
	static const char *const names[] = {"creating", "created", "running", "paused", "stopped"};

	return names[status];
}

static enum known_status status_of(const struct known *k)
{
	if (k->state.init.pid == 0)
		return KNOWN_CREATING;
	if (!state_is_alive(&k->state.init))
		return KNOWN_STOPPED;
	if (k->state.phase < STATE_CREATED)
		return KNOWN_CREATING;
	/* Whoever started it may have been killed before it said so. */
	if (k->state.phase == STATE_CREATED && gate_is_open(k->dir))
		return KNOWN_CREATED;
	if (k->cgroup != NULL && cgroup_frozen(k->cgroup, NULL) == CGROUP_FROZEN)
		return KNOWN_PAUSED;
	return KNOWN_RUNNING;
}

static int find_cgroup(struct known *k, struct err *err)
{
	int error;

	if (k->state.cgroup[0] == '\0')
		return 0;
	error = cgroup_layout_init(&k->layout, err);
	return error == 0 ? cgroup_load(&k->cgroup, &k->layout, k->state.cgroup, err) : error;
}

/* -ENODATA: whoever made it has not come so far, and may not come further. */
static int read_all(struct known *k, struct err *err)
{
	int error = state_read(k->dir, &k->state, err);

	err_set(&k->damage, 0, "container '%s' is being made", k->id);
	if (error == 0)
		error = find_cgroup(k, err);
	if (error == 0)
		k->status = status_of(k);
	/* It can be ended and deleted without. */
	if (error == 0 && k->status != KNOWN_CREATING)
		bundle_of_state(&k->bundle, k->dir, &k->damage);
	return error == -ENODATA ? 0 : error;
}

static void forget(struct known *k)
{
	bundle_close(&k->bundle);
	cgroup_free(k->cgroup);
	k->cgroup = NULL;
	cgroup_layout_deinit(&k->layout);
	state_deinit(&k->state);
	k->status = KNOWN_CREATING;
}

int known_open(struct known *ret, const char *id, struct err *err)
{
	int error;

	*ret = (struct known){.id = id, .bundle = {.dir = -1}, .status = KNOWN_CREATING};
	ret->root = state_root(err);
	ret->dir = ret->root < 0 ? ret->root : state_open(ret->root, id, err);
	error = ret->dir < 0 ? ret->dir : read_all(ret, err);
	/* Something else that is missing does not mean that there is no such container. */
	if (error == -ENOENT && ret->dir >= 0)
		error = -EIO;
	if (error != 0)
		known_close(ret);
	return error;
}

void known_close(struct known *k)
{
	forget(k);
	if (k->dir > 0)
		close(k->dir);
	if (k->root > 0)
		close(k->root);
	*k = (struct known){.bundle = {.dir = -1}};
}

static int compare(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

static int collect(DIR *dir, struct buf *names)
{
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char *name;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		name = strdup(entry->d_name);
		if (name == NULL || buf_put(names, &name, sizeof(name)) == NULL) {
			free(name);
			return -ENOMEM;
		}
	}
	return 0;
}

int known_list(char ***ret, size_t *ret_count, struct err *err)
{
	struct buf names = {0};
	int root = state_root(err), error;
	DIR *dir = root < 0 ? NULL : fdopendir(root);

	if (dir == NULL)
		return root < 0 ? root : err_set(err, -errno, "list: %s", strerror(errno));
	error = collect(dir, &names);
	closedir(dir);
	*ret = (char **)(void *)names.data;
	*ret_count = BUF_COUNT(&names, char *);
	if (*ret_count > 0)
		qsort(*ret, *ret_count, sizeof(**ret), compare);
	return error == 0 ? 0 : err_set(err, error, "out of memory for a list of containers");
}

/* -- What can be done with it ------------------------------------------------------------------------- */

/* Only in that state makes it sense. */
static int demand(const struct known *k, enum known_status status, const char *what,
		  struct err *err)
{
	if (k->status == status)
		return 0;
	return err_set(err, -EBUSY, "container '%s' is %s, and can be %s only while it is %s",
		       k->id, known_status_name(k->status), what, known_status_name(status));
}

static int run_hooks(const struct known *k, enum oci_hook_kind kind, const char *status, pid_t pid,
		     struct err *err)
{
	const struct hooks_state state = {k->id, status, k->state.bundle, pid};

	return k->bundle.spec == NULL ? 0 : hooks_run(k->bundle.spec, kind, &state, NULL, err);
}

int known_start(struct known *k, struct err *warning, struct err *err)
{
	struct child child = CHILD_NONE;
	int error = demand(k, KNOWN_CREATED, "started", err);

	if (error == 0)
		error = leftover_guard(k->dir, k->id, err);
	if (error != 0)
		return error;
	child.pid = k->state.init.pid;
	child.socket = gate_knock(k->dir);
	if (child.socket < 0)
		return err_set(err, child.socket, "container '%s' does not wait to be started: %s",
			       k->id, strerror(-child.socket));
	error = launch_go(&child, err);
	child_deinit(&child);
	if (error != 0)
		return error;
	k->state.phase = STATE_RUNNING;
	error = state_write(k->dir, &k->state, err);
	if (error == 0)
		run_hooks(k, OCI_HOOK_POSTSTART, "running", k->state.init.pid, warning);
	return error;
}

/* To that process and to no later one of its number. */
static int signal_init(const struct known *k, int signal)
{
	const pid_t pid = k->state.init.pid;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), result;

	/* Older kernels: between look and signal it would have to end, be waited for, and its number come round again. */
	if (!state_is_alive(&k->state.init))
		result = -ESRCH;
	else if (fd >= 0)
		result = syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0 ? -errno : 0;
	else
		result = kill(pid, signal) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return result;
}

int known_signal(struct known *k, int signal, bool all, struct err *err)
{
	int error;

	if (k->status == KNOWN_STOPPED || k->status == KNOWN_CREATING)
		return err_set(err, -ESRCH, "container '%s' is %s", k->id,
			       known_status_name(k->status));
	if (all && k->cgroup != NULL)
		return cgroup_kill(k->cgroup, signal, err);
	error = signal_init(k, signal);
	/* With version 1's freezer it would have to go on to hear even that. */
	if (error == 0 && signal == SIGKILL && k->status == KNOWN_PAUSED)
		error = cgroup_set_frozen(k->cgroup, false, NULL);
	return error == 0 ? 0
			  : err_set(err, error, "signal %d to container '%s': %s", signal, k->id,
				    strerror(-error));
}

static int need_cgroup(const struct known *k, struct err *err)
{
	return k->cgroup != NULL
		       ? 0
		       : err_set(err, -ENOTSUP,
				 "container '%s' has no control group, and cannot be paused",
				 k->id);
}

int known_pause(struct known *k, struct err *err)
{
	int error = demand(k, KNOWN_RUNNING, "paused", err);

	if (error == 0)
		error = need_cgroup(k, err);
	return error == 0 ? cgroup_freeze(k->cgroup, PAUSE_MS, err) : error;
}

int known_resume(struct known *k, struct err *err)
{
	int error = demand(k, KNOWN_PAUSED, "resumed", err);

	return error == 0 ? cgroup_set_frozen(k->cgroup, false, err) : error;
}

/* -- Its end ---------------------------------------------------------------------------------------- */

static bool is_over(const void *known)
{
	const struct known *k = known;

	return !state_is_alive(&k->state.init);
}

/* Nobody makes it or looks after it any more. */
static bool is_ours(const void *known)
{
	const struct known *k = known;

	return leftover_guard(k->dir, k->id, NULL) == 0;
}

/* Frozen processes are reached by way of their group only. */
static int end(struct known *k, struct err *err)
{
	signal_init(k, SIGKILL);
	if (k->cgroup != NULL)
		cgroup_kill(k->cgroup, SIGKILL, NULL);
	if (leftover_eventually(is_over, k))
		return 0;
	return leftover_does_not_end(k->state.init.pid, err);
}

/* Whoever looked after it has removed it meanwhile. */
static bool is_gone(const struct known *k)
{
	return !state_is_named(k->root, k->id, k->dir);
}

static int remove_rest(struct known *k, struct err *err)
{
	int error = k->cgroup != NULL
			    ? leftover_remove_group(k->cgroup, k->state.phase, k->root, k->id, err)
			    : 0;

	return error == 0 ? state_remove(k->root, k->id, err) : error;
}

/* Whoever made or started it may have come further since we looked; from now on nobody does. */
static int look_again(struct known *k, struct err *err)
{
	forget(k);
	return read_all(k, err);
}

static int check_deletable(const struct known *k, bool force, bool ours, struct err *err)
{
	bool runs = k->status == KNOWN_RUNNING || k->status == KNOWN_PAUSED;

	if (force || (!runs && (k->status != KNOWN_CREATING || ours)))
		return 0;
	if (!runs)
		return err_set(err, -EBUSY, "container '%s' is being made", k->id);
	return err_set(err, -EBUSY, "container '%s' is %s: end it first, or remove it with --force",
		       k->id, known_status_name(k->status));
}

/* What it was when it was ended is not what it is when whoever looked after it has let go of it. */
static int end_for_good(struct known *k, bool *ours, struct err *err)
{
	/* Where it is over its group may be the next one's by now. */
	int error = state_is_alive(&k->state.init) ? end(k, err) : 0;

	if (error != 0 || *ours)
		return error;
	if (!leftover_eventually(is_ours, k))
		return err_set(err, -EBUSY, "somebody else looks after container '%s'", k->id);
	if (is_gone(k))
		return 0;
	error = look_again(k, err);
	*ours = error == 0;
	return error == 0 && state_is_alive(&k->state.init) ? end(k, err) : error;
}

int known_delete(struct known *k, bool force, struct err *warning, struct err *err)
{
	bool ours = is_ours(k);
	int error;

	if (is_gone(k))
		return 0;
	error = ours ? look_again(k, err) : 0;
	if (error == 0)
		error = check_deletable(k, force, ours, err);
	if (error == 0)
		error = end_for_good(k, &ours, err);
	if (error != 0 || !ours)
		return error;
	error = remove_rest(k, err);
	if (error == 0 && k->state.init.pid != 0)
		run_hooks(k, OCI_HOOK_POSTSTOP, "stopped", 0, warning);
	return error;
}

int known_forget(const char *id, struct err *err)
{
	int root = state_root(err), error = root < 0 ? root : leftover_remove(root, id, err);

	if (root >= 0)
		close(root);
	return error;
}
