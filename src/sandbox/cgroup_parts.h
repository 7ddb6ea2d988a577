/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_parts.h: what the files of cgroup*.c share and nobody else needs.
 *
 * Files of a cgroup are read and written whole, by one system call each, at a directory's descriptor. Numbers are made by
 * hand: this runs while a container starts, where stdio has no business.
 */
#ifndef SANDBOX_CGROUP_PARTS_H
#define SANDBOX_CGROUP_PARTS_H

#include "sandbox/cgroup.h"

enum {
	CGROUP_LINE = 4096, /* of the files that hold a line */
	CGROUP_DIGITS = 24, /* room for any number */
};

/* One write. 0 or -errno. */
int cgroup_file_write(int dir, const char *name, const char *text, size_t size);
/* Its two halves, for several writes to one file: a descriptor or -errno; 0 or -errno. */
int cgroup_file_open(int dir, const char *name);
int cgroup_file_put(int fd, const char *text, size_t size);
/* Up to room - 1 bytes, NUL-terminated, without the newline at the end. The length, or -errno. */
int cgroup_file_read(int dir, const char *name, char *text, size_t room);
/* All of it appended, and a NUL that is not counted. 0 or -errno. */
int cgroup_file_slurp(int dir, const char *name, struct buf *text);
/* The first number of a file; "max" is UINT64_MAX. 0 or -errno. */
int cgroup_file_number(int dir, const char *name, uint64_t *ret);
bool cgroup_file_exists(int dir, const char *name);

/* Decimal; the length. `text` has CGROUP_DIGITS. Not terminated. */
size_t cgroup_digits(char *text, uint64_t number);
/* Append text or a number: false without memory. */
bool cgroup_put(struct buf *buf, const char *text);
bool cgroup_put_number(struct buf *buf, uint64_t number);

/* Is the word `name` in a list of words parted by `separator`? */
bool cgroup_has_word(const char *list, char separator, const char *name);
/* The bits of those words that name a controller. */
uint32_t cgroup_controllers(const char *list, char separator);

/* The directory of the group in a tree, opened if need be: a borrowed descriptor or -errno. -ENOENT: no group there. */
int cgroup_dir(struct cgroup *group, int tree);
/* The same where a controller is. */
int cgroup_dir_of(struct cgroup *group, enum cgroup_controller controller);
/* The tree whose list of processes is the one to read, or -1. */
int cgroup_main_tree(const struct cgroup *group);

/* Left out, and said. Only -ENOMEM can go wrong. */
int cgroup_note(struct cgroup_notes *notes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* An error of those that tell an ordinary user no. */
bool cgroup_is_refusal(int error);

/* Sleep for a millisecond or more of what is left; false: nothing is left. */
struct cgroup_budget {
	unsigned left, step; /* ms */
};
bool cgroup_budget_sleep(struct cgroup_budget *budget);

/*
 * Make, for version 2, the controllers of the top reach the group; for version 1, fill empty cpusets, which the last `made` of
 * the path are.
 */
void cgroup_hand_down(const struct cgroup_tree *tree, const char *path);
int cgroup_fill_cpuset(const struct cgroup_tree *tree, const char *path, uint32_t made);

/* Device rules: the spec's between ours. In order, the last that fits holds. */
int cgroup_device_rules(const struct oci_resources *resources, struct buf *rules);
int cgroup_devices(struct cgroup *group, const struct oci_resources *resources,
		   struct cgroup_notes *notes, struct err *err);
/* What v1 can be told: a default, and what differs from it. */
struct cgroup_device_list {
	bool open; /* what is not listed is allowed */
	struct buf items; /* struct oci_device_rule */
};
/* -EINVAL: rule *ret_bad takes a part out of an earlier one. */
int cgroup_device_list(const struct oci_device_rule *rules, uint32_t count,
		       struct cgroup_device_list *list, uint32_t *ret_bad);
/* The program of v2: struct bpf_insn appended. */
int cgroup_device_program(const struct oci_device_rule *rules, uint32_t count, struct buf *program);

#endif
