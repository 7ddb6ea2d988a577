/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_plan.h: what is to be written into a group's files, before any of it is.
 *
 * cgroup_limits.c makes a plan of the table, cgroup_apply.c carries it out.
 */
#ifndef SANDBOX_CGROUP_PLAN_H
#define SANDBOX_CGROUP_PLAN_H

#include "sandbox/cgroup_parts.h"

/* A file to be written. Texts are offsets into the plan's, each ended by a NUL. */
struct limit_write {
	const char *field; /* static: below linux.resources */
	enum cgroup_controller controller;
	int tree; /* of the layout; -1 never gets as far as writing */
	size_t file, value;
	size_t size;   /* of the value */
	bool optional; /* where the kernel has no such file the limit is met, or pointless */
	bool done;
	int error; /* of the last try */
};

struct plan {
	struct cgroup *group;
	const struct oci_resources *resources;
	struct cgroup_notes *notes; /* NULL: all must be had */
	struct err *err;
	struct buf writes; /* struct limit_write */
	struct buf text;
	/* Of the row that is being worked at. */
	const char *field;
	enum cgroup_controller controller;
	int tree; /* -1: the controller is not to be had */
	bool unified;
	const char *file;
};

/* All rows of the table. */
int plan_limits(struct plan *plan);

/* Begin a write to the file named by two parts; the value is then appended to plan->text, and plan_end() closes it. */
struct limit_write *plan_begin(struct plan *plan, const char *file, const char *file_end);
int plan_end(struct plan *plan, struct limit_write *write);
/* This limit cannot be had: noted where that is allowed (0), else an error. */
int plan_refuse(struct plan *plan, int code, const char *why);

#endif
