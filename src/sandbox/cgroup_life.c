/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_life.c: the processes of a group: who, stop, go on, end.
 *
 * The freezer of version 1 misses those who fork while it works and says FREEZING then; writing FROZEN again makes it go
 * on. Frozen tasks of version 1 do not die of SIGKILL before they are thawed, those of version 2 do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"

enum {
	DEPTH = 32,
	KILL_FREEZE_MS = 50,
	KILL_ROUNDS = 8,
};

static int sentence(struct cgroup *group, int tree, int r, const char *what, struct err *err)
{
	if (tree < 0)
		return err_set(err, r, "%s: the group is in no hierarchy that can do it", what);
	return err_set(err, r, "%s the cgroup '/%s' in '%s': %s", what, group->places[tree].path,
		       group->layout->trees[tree].mount, strerror(-r));
}

/* The tree that freezes, where the group is in it; else -1. */
static int freezer_tree(const struct cgroup *group)
{
	int tree = group->layout->tree_of[CGROUP_FREEZER];

	return tree >= 0 && group->places[tree].path != NULL ? tree : -1;
}

int cgroup_set_frozen(struct cgroup *group, bool frozen, struct err *err)
{
	int tree = freezer_tree(group), dir = cgroup_dir(group, tree), r = dir;
	const char *state = frozen ? "FROZEN" : "THAWED";

	if (dir >= 0)
		r = group->layout->trees[tree].unified
			    ? cgroup_file_write(dir, "cgroup.freeze", frozen ? "1" : "0", 1)
			    : cgroup_file_write(dir, "freezer.state", state, strlen(state));
	return r < 0 ? sentence(group, tree, r, frozen ? "freeze" : "thaw", err) : 0;
}

static bool has_line(const char *text, const char *line)
{
	return cgroup_has_word(text, '\n', line);
}

static int frozen_v2(int dir)
{
	char text[256];
	uint64_t wanted;
	int r = cgroup_file_read(dir, "cgroup.events", text, sizeof(text));

	if (r < 0)
		return r;
	if (has_line(text, "frozen 1"))
		return CGROUP_FROZEN;
	r = cgroup_file_number(dir, "cgroup.freeze", &wanted);
	if (r < 0)
		return r;
	return wanted != 0 ? CGROUP_FREEZING : CGROUP_THAWED;
}

static int frozen_v1(int dir)
{
	char text[32];
	int r = cgroup_file_read(dir, "freezer.state", text, sizeof(text));

	if (r < 0)
		return r;
	if (strcmp(text, "FROZEN") == 0)
		return CGROUP_FROZEN;
	if (strcmp(text, "FREEZING") != 0)
		return CGROUP_THAWED;
	(void)cgroup_file_write(dir, "freezer.state", "FROZEN", 6);
	return CGROUP_FREEZING;
}

int cgroup_frozen(struct cgroup *group, struct err *err)
{
	int tree = freezer_tree(group), dir = cgroup_dir(group, tree), r = dir;

	if (dir >= 0)
		r = group->layout->trees[tree].unified ? frozen_v2(dir) : frozen_v1(dir);
	return r < 0 ? sentence(group, tree, r, "ask for the freezer of", err) : r;
}

int cgroup_freeze(struct cgroup *group, unsigned budget, struct err *err)
{
	struct cgroup_budget left = {.left = budget};
	int r = cgroup_set_frozen(group, true, err);

	if (r < 0)
		return r;
	do
		r = cgroup_frozen(group, err);
	while (r >= 0 && r != CGROUP_FROZEN && cgroup_budget_sleep(&left));
	if (r == CGROUP_FROZEN)
		return 0;
	(void)cgroup_set_frozen(group, false, NULL);
	return r < 0 ? r
		     : err_set(err, -ETIMEDOUT,
			       "freeze the cgroup '/%s': not all processes stopped within %u ms",
			       group->places[freezer_tree(group)].path, budget);
}

/* -- who ------------------------------------------------------------------------------------------- */

static int pids_of(int dir, struct buf *text, struct buf *pids)
{
	int r;

	text->size = 0;
	r = cgroup_file_slurp(dir, "cgroup.procs", text);
	if (r == -EOPNOTSUPP) /* a threaded group: its processes are listed above it */
		return 0;
	for (const char *c = r == 0 ? (const char *)text->data : ""; *c != '\0';) {
		char *end;
		pid_t pid = (pid_t)strtol(c, &end, 10);

		if (end == c)
			break;
		/* 0: a process of another pid namespace */
		if (pid > 0 && buf_put(pids, &pid, sizeof(pid)) == NULL)
			return -ENOMEM;
		c = end + strspn(end, "\n");
	}
	return r;
}

static int pids_below(int fd, struct buf *text, struct buf *pids, unsigned depth)
{
	int r = pids_of(fd, text, pids), copy;
	const struct dirent *entry;
	DIR *dir;

	if (r < 0 || depth == 0)
		return r;
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (dir == NULL) {
		r = -errno;
		if (copy >= 0)
			close(copy);
		return r;
	}
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		int below;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = openat(copy, entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (below < 0)
			continue; /* gone since */
		r = pids_below(below, text, pids, depth - 1);
		if (r == -ENOENT || r == -ENODEV)
			r = 0;
		close(below);
	}
	closedir(dir);
	return r;
}

int cgroup_pids(struct cgroup *group, struct buf *pids, struct err *err)
{
	int tree = cgroup_main_tree(group), dir = cgroup_dir(group, tree), r = dir;
	struct buf text = {0};

	if (dir >= 0)
		r = pids_below(dir, &text, pids, DEPTH);
	buf_deinit(&text);
	return r < 0 ? sentence(group, tree, r, "list the processes of", err) : 0;
}

int cgroup_populated(struct cgroup *group, struct err *err)
{
	struct buf pids = {0};
	int r = cgroup_pids(group, &pids, err);

	if (r == 0)
		r = pids.size > 0;
	buf_deinit(&pids);
	return r;
}

/* -- signals --------------------------------------------------------------------------------------- */

/* How many there were, or -errno. */
static int signal_all(struct cgroup *group, int signal, struct err *err)
{
	struct buf pids = {0};
	int r = cgroup_pids(group, &pids, err);
	int count = (int)BUF_COUNT(&pids, pid_t);

	for (int i = 0; r == 0 && i < count; i++) {
		pid_t pid = *BUF_ITEM(&pids, pid_t, i);

		if (kill(pid, signal) < 0 && errno != ESRCH)
			r = err_set(err, -errno, "send signal %d to process %d: %s", signal,
				    (int)pid, strerror(errno));
	}
	buf_deinit(&pids);
	return r < 0 ? r : count;
}

/* Frozen, so that nobody forks away and no number is used twice; without a freezer until nobody new turns up. */
static int kill_all(struct cgroup *group, struct err *err)
{
	int last = 0, r;
	bool frozen = freezer_tree(group) >= 0 && cgroup_freeze(group, KILL_FREEZE_MS, NULL) == 0;

	for (unsigned i = 0; i < KILL_ROUNDS; i++) {
		r = signal_all(group, SIGKILL, err);
		if (r <= 0 || frozen || r == last)
			break;
		last = r;
	}
	/* Also what somebody else froze: nothing else lets it die. */
	if (freezer_tree(group) >= 0)
		(void)cgroup_set_frozen(group, false, NULL);
	return r < 0 ? r : 0;
}

int cgroup_kill(struct cgroup *group, int signal, struct err *err)
{
	int tree = cgroup_main_tree(group), dir = cgroup_dir(group, tree), r;

	if (tree < 0 || dir == -ENOENT)
		return 0;
	if (signal != SIGKILL) {
		r = signal_all(group, signal, err);
		return r < 0 ? r : 0;
	}
	if (dir >= 0 && group->layout->trees[tree].unified &&
	    cgroup_file_write(dir, "cgroup.kill", "1", 1) == 0)
		return 0;
	return kill_all(group, err);
}
