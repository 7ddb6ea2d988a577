/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.h: a container's control groups, through the file system: v1, hybrid and v2.
 *
 *     layout   which hierarchies this process can reach, and which controller is where; read once
 *     cgroup   one container's group: a directory in each of those hierarchies
 *
 * In the order of a life: cgroup_create() (or its halves, for who notes what he is about to make), cgroup_apply(),
 * cgroup_prepare_join(), in the child cgroup_join(), then whoever watches freezes, kills, counts (cgroup_stats.h), watches for
 * OOM, and at last cgroup_delete(). cgroup_save() makes a text of a group from which another process, later, makes the same with
 * cgroup_load().
 *
 * Everything is relative to a descriptor of a hierarchy's top that the layout holds; nothing is global. Nothing here waits
 * but for the milliseconds that a caller allows (`budget`). No function changes a group it was not given; the chain of
 * parents excepted, which is made on the way down and unmade on the way up where it was made here.
 */
#ifndef SANDBOX_CGROUP_H
#define SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "oci/spec.h"

/* Both versions' names for one thing are one controller here: blkio is io. */
enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_CPUSET,
	CGROUP_MEMORY,
	CGROUP_DEVICES,
	CGROUP_FREEZER,
	CGROUP_IO,
	CGROUP_PIDS,
	CGROUP_HUGETLB,
	CGROUP_NET_CLS,
	CGROUP_NET_PRIO,
	CGROUP_RDMA,
	CGROUP_PERF,
	CGROUP_MISC,
	CGROUP_CONTROLLERS,
};

/* "memory", as version 1 calls it. */
const char *cgroup_controller_name(enum cgroup_controller controller);

/* -- layout ---------------------------------------------------------------------------------------- */

enum { CGROUP_TREES = 24 };

/* A hierarchy that is mounted somewhere. */
struct cgroup_tree {
	int fd; /* owned: its mounted top, O_PATH */
	char *mount; /* owned: where that is */
	char *name; /* owned: "cpu,cpuacct", "name=systemd"; "" is version 2 */
	char *own; /* owned: our own group below the top, without a leading slash; NULL: not in sight */
	bool unified; /* version 2 */
	uint32_t controllers; /* 1 << enum cgroup_controller; v2: those its top offers */
};

struct cgroup_layout {
	struct cgroup_tree trees[CGROUP_TREES];
	uint32_t count; /* 0: nothing is mounted, which is no error here */
	/* Where each controller is, -1: nowhere. With v2 devices, freezer and cpuacct are part of every group. */
	int tree_of[CGROUP_CONTROLLERS];
};

/* Storage is the caller's. -errno with a sentence where /proc cannot be read. */
int cgroup_layout_init(struct cgroup_layout *layout, struct err *err);
/* The same from the text of a mountinfo and of a /proc/PID/cgroup; NULL for the latter: not known. */
int cgroup_layout_parse(struct cgroup_layout *layout, const char *mountinfo, const char *own,
			struct err *err);
void cgroup_layout_deinit(struct cgroup_layout *layout);
/* The index of the v2 hierarchy, or -1. */
int cgroup_layout_unified(const struct cgroup_layout *layout);

/* -- where ----------------------------------------------------------------------------------------- */

/*
 * linux.cgroupsPath as written (NULL: none, then `id`), made canonical: no leading slash, no empty component, no ".".
 * Absolute: below the top of each hierarchy. Relative: below our own group; with v2 beside it, since a group with
 * processes hands no controllers on. "slice:prefix:name": absolute, where systemd would put it.
 * -EINVAL: "..", an empty path, a component no directory can have.
 */
int cgroup_path(const char *written, const char *id, char **ret, bool *ret_relative,
		struct err *err);

/* The systemd form taken apart. */
struct cgroup_unit {
	char *slice; /* owned: "system.slice" */
	char *name; /* owned: "docker-ID.scope", or a slice */
};

/* Two colons and no slash. */
bool cgroup_unit_is(const char *written);
/* No slice: system.slice. A name that ends in .slice stands alone, others become PREFIX-NAME.scope. */
int cgroup_unit_parse(const char *written, struct cgroup_unit *ret, struct err *err);
void cgroup_unit_deinit(struct cgroup_unit *unit);
/* The directory: "a-b.slice" lies in "a.slice". */
int cgroup_unit_path(const struct cgroup_unit *unit, char **ret, struct err *err);

/* -- a group --------------------------------------------------------------------------------------- */

struct cgroup_place {
	char *path; /* owned: below the tree's top; NULL: no group in this tree */
	int dir; /* owned: opened when first needed, else -1 */
	int join; /* owned: between prepare_join and end_join, else -1 */
	uint32_t made; /* so many components at the end of the path are ours to remove */
};

struct cgroup {
	const struct cgroup_layout *layout; /* borrowed: outlives the group */
	struct cgroup_place places[CGROUP_TREES]; /* beside layout->trees */
};

/* Sentences about what was asked for and cannot be had, each ended by a NUL. */
struct cgroup_notes {
	struct buf text;
	uint32_t count;
};

void cgroup_notes_deinit(struct cgroup_notes *notes);

/*
 * Make the group in every hierarchy. `notes` NULL: whatever cannot be had is an error. Else, for an ordinary user, a
 * hierarchy that may not be written is left out and named there. On failure what was made is gone again.
 * -EBUSY: it exists and has processes.
 */
int cgroup_create(struct cgroup **ret, const struct cgroup_layout *layout, const char *written,
		  const char *id, struct cgroup_notes *notes, struct err *err);
/*
 * Its two halves. What a planned group names may be there already, and be somebody else's; how many of its parents are to be
 * made is what it looked like. It is to be freed whether it was made or not.
 */
int cgroup_plan(struct cgroup **ret, const struct cgroup_layout *layout, const char *written,
		const char *id, struct err *err);
int cgroup_make(struct cgroup *group, struct cgroup_notes *notes, struct err *err);
/* Of one that was planned, and may have been made: the directories nobody has put anything into. */
void cgroup_unmake(struct cgroup *group);
/* Forget it; the directories stay. */
void cgroup_free(struct cgroup *group);
/* Close all descriptors; those needed later are opened again. */
void cgroup_close(struct cgroup *group);

/* A line each hierarchy, "NAME:MADE:/PATH\n", appended. */
int cgroup_save(const struct cgroup *group, struct buf *text);
/* Hierarchies that are no longer there are left out. */
int cgroup_load(struct cgroup **ret, const struct cgroup_layout *layout, const char *text,
		struct err *err);

/*
 * The calling process, which must have one thread only, joins. Writing to cgroup.procs waits for all CPUs (12 to 18 ms
 * were measured); so with v1 the thread joins by `tasks` (45 us), and with v2 the process is best born there: clone3
 * with CLONE_INTO_CGROUP and cgroup_birth_fd(), then `born` is true. Only descriptors opened by prepare_join are used, and only
 * write() and close() are called: fit for a child that shares memory.
 */
int cgroup_prepare_join(struct cgroup *group, struct err *err);
int cgroup_birth_fd(const struct cgroup *group); /* -1: no v2 hierarchy */
int cgroup_join(const struct cgroup *group, bool born, struct err *err);
void cgroup_end_join(struct cgroup *group);
/* Another process, with all its threads (exec, a pause process): slow, see above. */
int cgroup_add(struct cgroup *group, pid_t pid, struct err *err);

/*
 * Remove it, groups below it and those parents we made that nobody else uses; in every hierarchy, as far as can be. Gone is
 * success. -EBUSY after `budget` ms: processes are left.
 */
int cgroup_delete(struct cgroup *group, unsigned budget, struct err *err);

/* -- limits ---------------------------------------------------------------------------------------- */

/*
 * What linux.resources asks for (docs: cgroup_limits.def is the table), device rules included: without any, the default ones.
 * An error names the field. With `notes` a limit that this user or this machine cannot set is left out and named
 * there; a value the kernel calls wrong is an error all the same.
 */
int cgroup_apply(struct cgroup *group, const struct oci_resources *resources,
		 struct cgroup_notes *notes, struct err *err);
/* Change what is given, leave the rest. */
int cgroup_update(struct cgroup *group, const struct oci_resources *resources,
		  struct cgroup_notes *notes, struct err *err);
/* cpu.shares to cpu.weight, by the curve through (2,1), (1024,100), (262144,10000) of runc 1.3.2 and crun 1.23. */
uint32_t cgroup_cpu_weight(uint64_t shares);

/* -- processes ------------------------------------------------------------------------------------- */

/* Begin to freeze or thaw. */
int cgroup_set_frozen(struct cgroup *group, bool frozen, struct err *err);
/* Outcomes of cgroup_frozen(); with v1 asking is also what makes it go on. */
enum { CGROUP_THAWED, CGROUP_FREEZING, CGROUP_FROZEN };
int cgroup_frozen(struct cgroup *group, struct err *err);
/* All of it: -ETIMEDOUT after `budget` ms, and then it is thawed again. */
int cgroup_freeze(struct cgroup *group, unsigned budget, struct err *err);

/* Append a pid_t each process, those of groups below included. */
int cgroup_pids(struct cgroup *group, struct buf *pids, struct err *err);
/* 1: there are processes, 0: none. */
int cgroup_populated(struct cgroup *group, struct err *err);
/* A signal to all; SIGKILL also reaches those who fork meanwhile, frozen or not. Does not wait for their end. */
int cgroup_kill(struct cgroup *group, int signal, struct err *err);

/* -- out of memory --------------------------------------------------------------------------------- */

struct cgroup_oom {
	int fd; /* owned: to poll */
	short events; /* for these: POLLIN, or POLLPRI */
	int file; /* owned: where the count is read; may be fd */
};

int cgroup_oom_open(struct cgroup *group, struct cgroup_oom *ret, struct err *err);
/* Take the event up and read how many were killed so far. -ENODEV: the group is gone, close this. */
int cgroup_oom_read(struct cgroup_oom *oom, uint64_t *ret_kills);
void cgroup_oom_close(struct cgroup_oom *oom);
/* How many were killed so far, for who did not watch: 0 where nobody counts. */
uint64_t cgroup_oom_kills(struct cgroup *group);

#endif
