/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_oom.c: hear of a group that ran out of memory.
 *
 * Version 1 signals an eventfd that was registered in cgroup.event_control. With version 2 memory.events itself is polled: it is
 * always readable, and has POLLPRI when its content changed since it was read last. In both the event says only that
 * something happened (with v1 also that the group was removed); the count tells what.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sandbox/cgroup_parts.h"

static int register_v1(int dir, struct cgroup_oom *oom)
{
	char text[2 * CGROUP_DIGITS + 2];
	size_t size;

	oom->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (oom->fd < 0)
		return -errno;
	size = cgroup_digits(text, (uint64_t)oom->fd);
	text[size++] = ' ';
	size += cgroup_digits(text + size, (uint64_t)oom->file);
	oom->events = POLLIN;
	return cgroup_file_write(dir, "cgroup.event_control", text, size);
}

int cgroup_oom_open(struct cgroup *group, struct cgroup_oom *ret, struct err *err)
{
	int tree = group->layout->tree_of[CGROUP_MEMORY], dir = cgroup_dir(group, tree), r = 0;
	bool unified = tree >= 0 && group->layout->trees[tree].unified;
	struct cgroup_oom oom = {.fd = -1, .file = -1, .events = POLLPRI};
	uint64_t kills;

	if (dir < 0)
		return err_set(err, dir,
			       "watch for OOM kills: there is no 'memory' controller here");
	oom.file = openat(dir, unified ? "memory.events" : "memory.oom_control",
			  O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (oom.file < 0)
		r = -errno;
	else if (unified)
		oom.fd = oom.file;
	else
		r = register_v1(dir, &oom);
	if (r == 0)
		r = cgroup_oom_read(&oom, &kills);
	if (r < 0) {
		cgroup_oom_close(&oom);
		return err_set(err, r, "watch the cgroup '/%s' for OOM kills: %s",
			       group->places[tree].path, strerror(-r));
	}
	*ret = oom;
	return 0;
}

int cgroup_oom_read(struct cgroup_oom *oom, uint64_t *ret_kills)
{
	char text[512];
	const char *at;
	uint64_t events;
	ssize_t n;

	if (oom->fd != oom->file)
		(void)!read(oom->fd, &events, sizeof(events));
	n = pread(oom->file, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	at = strstr(text, "oom_kill "); /* oom_kill_disable has no space there */
	*ret_kills = at == NULL ? 0 : strtoull(at + sizeof("oom_kill ") - 1, NULL, 10);
	return 0;
}

void cgroup_oom_close(struct cgroup_oom *oom)
{
	if (oom->file >= 0 && oom->file != oom->fd)
		close(oom->file);
	if (oom->fd >= 0)
		close(oom->fd);
	oom->fd = oom->file = -1;
}

uint64_t cgroup_oom_kills(struct cgroup *group)
{
	struct cgroup_oom oom = {.fd = -1, .file = -1};
	int tree = group->layout->tree_of[CGROUP_MEMORY], dir = cgroup_dir(group, tree);
	uint64_t kills = 0;

	if (dir < 0)
		return 0;
	oom.file = openat(
		dir, group->layout->trees[tree].unified ? "memory.events" : "memory.oom_control",
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	oom.fd = oom.file; /* nothing to take up */
	if (oom.file >= 0 && cgroup_oom_read(&oom, &kills) < 0)
		kills = 0;
	cgroup_oom_close(&oom);
	return kills;
}
