/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "runtime/hang.h"
#include "runtime/state.h"
#include "sandbox/cgroup.h"

enum { WAIT_MS = 2000 };

int leftover_guard(int state_dir, const char *id, struct err *err)
{
	if (flock(state_dir, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_set(err, -errno, "lock the state of container '%s': %s", id,
			       strerror(errno));
	return err_set(err, -EBUSY, "somebody makes, starts or removes container '%s' right now",
		       id);
}

bool leftover_eventually(leftover_is_fn *is, const void *env)
{
	struct timespec pause = {.tv_nsec = 50000};

	for (int64_t waited = 0; waited < WAIT_MS * INT64_C(1000000); waited += pause.tv_nsec) {
		if (is(env))
			return true;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 10000000)
			pause.tv_nsec *= 2;
	}
	return is(env);
}

int leftover_does_not_end(pid_t pid, struct err *err)
{
	char path[PATH_MAX];

	if (hang_path(pid, path))
		return err_set(
			err, -ETIMEDOUT,
			"process %d was killed and does not end: the file system of '%s' does "
			"not answer",
			(int)pid, path);
	return err_set(
		err, -ETIMEDOUT,
		"process %d was killed and does not end: a file system it uses does not answer, or "
		"nobody waits for a process of its namespace that has ended",
		(int)pid);
}

static bool has_process(const struct buf *pids, int root, const char *id)
{
	const pid_t *pid = (const void *)pids->data;
	struct state state = {0};
	int dir = state_open(root, id, NULL);
	bool found = false;

	if (dir >= 0 && state_read(dir, &state, NULL) == 0)
		for (size_t i = 0; i < BUF_COUNT(pids, pid_t) && !found; i++)
			found = pid[i] == state.init.pid && state_is_alive(&state.init);
	state_deinit(&state);
	if (dir >= 0)
		close(dir);
	return found;
}

/* Two specs may name one group; where the first has ended the second may run in it. */
static bool is_anothers(struct cgroup *group, int root, const char *id)
{
	int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd >= 0 ? fdopendir(fd) : NULL;
	struct buf pids = {0};
	bool found = false;

	if (all != NULL && cgroup_pids(group, &pids, NULL) == 0)
		for (struct dirent *entry; !found && (entry = readdir(all)) != NULL;)
			found = entry->d_name[0] != '.' && strcmp(entry->d_name, id) != 0 &&
				has_process(&pids, root, entry->d_name);
	buf_deinit(&pids);
	if (all != NULL)
		closedir(all);
	return found;
}

/* Most often nobody is left in it. To freeze it first, so that nobody forks away, would cost more than all the rest. */
int leftover_remove_group(struct cgroup *group, enum state_phase phase, int root, const char *id,
			  struct err *err)
{
	if (phase == STATE_PLANNED) {
		cgroup_unmake(group);
		return 0;
	}
	if (cgroup_delete(group, 0, NULL) == 0)
		return 0;
	if (root > 0 && is_anothers(group, root, id))
		return 0;
	cgroup_kill(group, SIGKILL, NULL);
	return cgroup_delete(group, WAIT_MS, err);
}

static int remove_group(const struct state *state, int root, const char *id, struct err *err)
{
	struct cgroup_layout layout;
	struct cgroup *group = NULL;
	int error = cgroup_layout_init(&layout, err);

	if (error != 0)
		return error;
	error = cgroup_load(&group, &layout, state->cgroup, err);
	if (error == 0) {
		error = leftover_remove_group(group, state->phase, root, id, err);
		cgroup_free(group);
	}
	cgroup_layout_deinit(&layout);
	return error;
}

static bool has_ended(const void *process)
{
	return !state_is_alive(process);
}

/* The process of a container ends with its maker, or holds the group that is killed with it. */
static int remove_guarded(int dir, int root, const char *id, struct err *err)
{
	struct state state = {0};
	int error = state_read(dir, &state, err);

	if (error == -ENODATA || error == -EINVAL)
		return 0; /* never written: nothing was made; damaged: nothing can be known */
	if (error != 0)
		return error;
	/* Its maker is gone before it was done: the process is on its way, and takes a while to leave its namespaces. */
	if (state.phase < STATE_CREATED)
		leftover_eventually(has_ended, &state.init);
	if (state_is_alive(&state.init))
		error = err_set(err, -EBUSY, "its process %d runs", (int)state.init.pid);
	else if (state.kept)
		error = err_set(err, -EBUSY, "it has ended, and 'skiff rm' removes it");
	else if (state.cgroup[0] != '\0')
		error = remove_group(&state, root, id, err);
	state_deinit(&state);
	return error;
}

/* Whoever keeps a detached container's log guards its state until the end: then that is why. */
static void say_what_runs(int dir, struct err *err)
{
	struct state state = {0};

	if (state_read(dir, &state, NULL) != 0)
		return;
	if (state.phase >= STATE_CREATED && state_is_alive(&state.init))
		err_set(err, -EBUSY, "its process %d runs", (int)state.init.pid);
	state_deinit(&state);
}

int leftover_remove(int root, const char *id, struct err *err)
{
	int dir = state_open(root, id, err), error;

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return dir;
	error = leftover_guard(dir, id, err);
	if (error == -EBUSY)
		say_what_runs(dir, err);
	if (error == 0)
		error = remove_guarded(dir, root, id, err);
	if (error == 0)
		error = state_remove(root, id, err);
	close(dir);
	return error;
}
