/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_devices.c: which device nodes a container may open.
 *
 * All is denied, then come the spec's rules in order, then those nodes without which no program gets along; for each kind
 * of access the last rule that fits holds.
 *
 * Version 1 keeps a default and a list of exceptions from it, each one class of nodes; a rule that takes a part out of a
 * wider exception is silently without effect there. So the rules are brought into that form first, and what cannot be said
 * in it is an error.
 *
 * Version 2 asks a BPF program for each open and mknod. Ours goes through the rules from the last to the first: a rule that
 * fits and denies anything still asked for ends it with no; one that allows crosses its kinds of access off, and when none
 * is left the answer is yes. At the end it is no. Every program attached to a group must say yes: so a new one is attached
 * before the old ones go, and at no moment is anything allowed that neither allows.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"

enum { ALL_ACCESS = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };

static const struct oci_device_rule deny_all = {false, 'a', -1, -1, true, true, true};

static const struct oci_device_rule default_rules[] = {
	{true, 'c', 1, 3, true, true, true}, /* null */
	{true, 'c', 1, 5, true, true, true}, /* zero */
	{true, 'c', 1, 7, true, true, true}, /* full */
	{true, 'c', 1, 8, true, true, true}, /* random */
	{true, 'c', 1, 9, true, true, true}, /* urandom */
	{true, 'c', 5, 0, true, true, true}, /* tty */
	{true, 'c', 5, 1, true, true, true}, /* console */
	{true, 'c', 5, 2, true, true, true}, /* ptmx */
	{true, 'c', 136, -1, true, true, true}, /* pts */
	/* The node of a device is no access to it; ours are made within the group. As runc and crun have it. */
	{true, 'c', -1, -1, false, false, true},
	{true, 'b', -1, -1, false, false, true},
};

static uint32_t access_of(const struct oci_device_rule *rule)
{
	return (rule->mknod ? BPF_DEVCG_ACC_MKNOD : 0U) | (rule->read ? BPF_DEVCG_ACC_READ : 0U) |
	       (rule->write ? BPF_DEVCG_ACC_WRITE : 0U);
}

static void set_access(struct oci_device_rule *rule, uint32_t access)
{
	rule->mknod = (access & BPF_DEVCG_ACC_MKNOD) != 0;
	rule->read = (access & BPF_DEVCG_ACC_READ) != 0;
	rule->write = (access & BPF_DEVCG_ACC_WRITE) != 0;
}

static bool is_everything(const struct oci_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 &&
	       access_of(rule) == ALL_ACCESS;
}

int cgroup_device_rules(const struct oci_resources *resources, struct buf *rules)
{
	if (buf_put(rules, &deny_all, sizeof(deny_all)) == NULL ||
	    buf_put(rules, resources->devices, resources->device_count * sizeof(deny_all)) ==
		    NULL ||
	    buf_put(rules, default_rules, sizeof(default_rules)) == NULL)
		return -ENOMEM;
	return 0;
}

/* -- version 1 ------------------------------------------------------------------------------------- */

static bool fits(int64_t wide, int64_t narrow)
{
	return wide < 0 || wide == narrow;
}

static bool same_nodes(const struct oci_device_rule *a, const struct oci_device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

/* Every node of `in` is one of `out`. */
static bool covers(const struct oci_device_rule *out, const struct oci_device_rule *in)
{
	return out->type == in->type && fits(out->major, in->major) && fits(out->minor, in->minor);
}

static bool meets(const struct oci_device_rule *a, const struct oci_device_rule *b)
{
	return a->type == b->type && (fits(a->major, b->major) || b->major < 0) &&
	       (fits(a->minor, b->minor) || b->minor < 0);
}

/* One more exception. */
static int list_add(struct cgroup_device_list *list, const struct oci_device_rule *rule)
{
	for (size_t i = 0; i < BUF_COUNT(&list->items, struct oci_device_rule); i++) {
		struct oci_device_rule *item = BUF_ITEM(&list->items, struct oci_device_rule, i);

		if (same_nodes(item, rule)) {
			set_access(item, access_of(item) | access_of(rule));
			return 0;
		}
	}
	return buf_put(&list->items, rule, sizeof(*rule)) == NULL ? -ENOMEM : 0;
}

/* Back to the default. */
static int list_take(struct cgroup_device_list *list, const struct oci_device_rule *rule)
{
	size_t kept = 0;

	for (size_t i = 0; i < BUF_COUNT(&list->items, struct oci_device_rule); i++) {
		struct oci_device_rule *item = BUF_ITEM(&list->items, struct oci_device_rule, i);

		if (covers(rule, item))
			set_access(item, access_of(item) & ~access_of(rule));
		else if (meets(rule, item) && (access_of(item) & access_of(rule)) != 0)
			return -EINVAL;
		if (access_of(item) != 0)
			*BUF_ITEM(&list->items, struct oci_device_rule, kept++) = *item;
	}
	list->items.size = kept * sizeof(*rule);
	return 0;
}

static int list_rule(struct cgroup_device_list *list, const struct oci_device_rule *rule)
{
	struct oci_device_rule one = *rule;
	int r = 0;

	if (is_everything(rule)) {
		list->open = rule->allow;
		list->items.size = 0;
		return 0;
	}
	for (const char *type = rule->type == 'a' ? "bc" : (char[]){rule->type, '\0'};
	     r == 0 && *type != '\0'; type++) {
		one.type = *type;
		if (access_of(&one) != 0)
			r = one.allow == list->open ? list_take(list, &one) : list_add(list, &one);
	}
	return r;
}

int cgroup_device_list(const struct oci_device_rule *rules, uint32_t count,
		       struct cgroup_device_list *list, uint32_t *ret_bad)
{
	for (uint32_t i = 0; i < count; i++) {
		int r = list_rule(list, &rules[i]);

		if (r < 0) {
			*ret_bad = i;
			return r;
		}
	}
	return 0;
}

static size_t put_number(char *end, int64_t number)
{
	if (number >= 0)
		return cgroup_digits(end, (uint64_t)number);
	*end = '*';
	return 1;
}

/* "c 136:* rwm" */
static size_t rule_text(const struct oci_device_rule *rule, char *text)
{
	char *end = text;

	*end++ = rule->type;
	*end++ = ' ';
	end += put_number(end, rule->major);
	*end++ = ':';
	end += put_number(end, rule->minor);
	*end++ = ' ';
	if (rule->read)
		*end++ = 'r';
	if (rule->write)
		*end++ = 'w';
	if (rule->mknod)
		*end++ = 'm';
	*end = '\0';
	return (size_t)(end - text);
}

static bool is_default(const struct oci_device_rule *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(default_rules); i++)
		if (same_nodes(rule, &default_rules[i]))
			return true;
	return false;
}

static int write_items(int fd, const char *file, const struct cgroup_device_list *list,
		       struct err *err)
{
	for (size_t i = 0; i < BUF_COUNT(&list->items, struct oci_device_rule); i++) {
		const struct oci_device_rule *rule =
			BUF_ITEM(&list->items, struct oci_device_rule, i);
		char text[4 * CGROUP_DIGITS];
		int r = cgroup_file_put(fd, text, rule_text(rule, text));

		/* Where we are in a container ourselves, some of the usual ones may not be ours to give. */
		if (r < 0 && !(r == -EPERM && is_default(rule)))
			return err_set(err, r, "linux.resources.devices: write '%s' to '%s': %s%s",
				       text, file, strerror(-r),
				       r == -EPERM ? " (the group above does not have it)" : "");
	}
	return 0;
}

/* A dozen lines, each a write of its own: the file is opened once. */
static int write_list(int dir, const struct cgroup_device_list *list, struct err *err)
{
	const char *reset = list->open ? "devices.allow" : "devices.deny";
	const char *file = list->open ? "devices.deny" : "devices.allow";
	int r = cgroup_file_write(dir, reset, "a", 1), fd;

	if (r < 0)
		return err_set(err, r, "linux.resources.devices: write 'a' to '%s': %s", reset,
			       strerror(-r));
	fd = cgroup_file_open(dir, file);
	if (fd < 0)
		return err_set(err, fd, "linux.resources.devices: open '%s': %s", file,
			       strerror(-fd));
	r = write_items(fd, file, list, err);
	close(fd);
	return r;
}

static int devices_v1(int dir, const struct buf *rules, struct err *err)
{
	struct cgroup_device_list list = {0};
	uint32_t bad = 0;
	int r = cgroup_device_list(BUF_ITEM(rules, struct oci_device_rule, 0),
				   (uint32_t)BUF_COUNT(rules, struct oci_device_rule), &list, &bad);

	if (r == -EINVAL)
		err_set(err, r,
			"linux.resources.devices[%u]: takes a part out of what an earlier rule "
			"says, "
			"which cgroup v1 cannot do: list what is allowed one by one",
			bad == 0 ? 0 : bad - 1);
	else if (r == 0)
		r = write_list(dir, &list, err);
	buf_deinit(&list.items);
	return r;
}

/* -- version 2: the program ------------------------------------------------------------------------ */

enum { ANSWER = BPF_REG_0, CONTEXT, TYPE, ACCESS, MAJOR, MINOR };

static bool emit(struct buf *program, struct bpf_insn insn)
{
	return buf_put(program, &insn, sizeof(insn)) != NULL;
}

static bool emit_load(struct buf *program, unsigned reg, size_t offset)
{
	return emit(program, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
					       .dst_reg = reg & 15,
					       .src_reg = CONTEXT,
					       .off = (int16_t)offset});
}

static bool emit_op(struct buf *program, unsigned op, unsigned reg, int32_t number)
{
	return emit(program, (struct bpf_insn){.code = (uint8_t)(BPF_ALU64 | BPF_K | op),
					       .dst_reg = reg & 15,
					       .imm = number});
}

static bool emit_jump(struct buf *program, unsigned op, unsigned reg, int32_t number, size_t over)
{
	return emit(program, (struct bpf_insn){.code = (uint8_t)(BPF_JMP | BPF_K | op),
					       .dst_reg = reg & 15,
					       .off = (int16_t)over,
					       .imm = number});
}

static bool emit_answer(struct buf *program, int32_t answer)
{
	return emit_op(program, BPF_MOV, ANSWER, answer) &&
	       emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

enum { RULE_BODY = 4 }; /* instructions behind the comparisons */

/* Jumps over the rest of the rule where it does not fit. */
static bool emit_rule(struct buf *program, const struct oci_device_rule *rule)
{
	size_t left = RULE_BODY + (rule->type != 'a') + (rule->major >= 0) + (rule->minor >= 0);
	int32_t type = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
	int32_t access = (int32_t)access_of(rule);

	if (access == 0 || rule->major > INT32_MAX || rule->minor > INT32_MAX)
		return true; /* fits nothing */
	if (rule->type != 'a' && !emit_jump(program, BPF_JNE, TYPE, type, --left))
		return false;
	if (rule->major >= 0 && !emit_jump(program, BPF_JNE, MAJOR, (int32_t)rule->major, --left))
		return false;
	if (rule->minor >= 0 && !emit_jump(program, BPF_JNE, MINOR, (int32_t)rule->minor, --left))
		return false;
	if (rule->allow)
		return emit_op(program, BPF_AND, ACCESS, ALL_ACCESS & ~access) &&
		       emit_jump(program, BPF_JNE, ACCESS, 0, 2) && emit_answer(program, 1);
	return emit_jump(program, BPF_JSET, ACCESS, access, 1) &&
	       emit_jump(program, BPF_JA, 0, 0, 2) && emit_answer(program, 0);
}

int cgroup_device_program(const struct oci_device_rule *rules, uint32_t count, struct buf *program)
{
	const size_t access_type = offsetof(struct bpf_cgroup_dev_ctx, access_type);

	/* Type in the lower half of the first word, access in the upper one. */
	if (!emit_load(program, TYPE, access_type) || !emit_load(program, ACCESS, access_type) ||
	    !emit_op(program, BPF_AND, TYPE, 0xffff) || !emit_op(program, BPF_RSH, ACCESS, 16) ||
	    !emit_load(program, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major)) ||
	    !emit_load(program, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor)))
		return -ENOMEM;
	for (uint32_t i = count; i-- > 0;)
		if (!emit_rule(program, &rules[i]))
			return -ENOMEM;
	return emit_answer(program, 0) ? 0 : -ENOMEM;
}

/* -- version 2: into the kernel -------------------------------------------------------------------- */

static int bpf(int command, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

static uint64_t pointer(const void *at)
{
	return (uint64_t)(uintptr_t)at;
}

/* Kernels before 5.11 count programs as locked memory. */
static int load_program(const struct buf *program)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = (uint32_t)BUF_COUNT(program, struct bpf_insn),
		.insns = pointer(program->data),
		.license = pointer("Apache-2.0"),
	};
	struct rlimit old;
	int r = bpf(BPF_PROG_LOAD, &attr);

	if (r == -EPERM && getrlimit(RLIMIT_MEMLOCK, &old) == 0) {
		const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

		if (setrlimit(RLIMIT_MEMLOCK, &none) == 0) {
			r = bpf(BPF_PROG_LOAD, &attr);
			(void)setrlimit(RLIMIT_MEMLOCK, &old);
		}
	}
	return r;
}

enum { PROGRAMS_MAX = 64 }; /* the kernel's own limit for one group */

static uint32_t attached_programs(int dir, uint32_t ids[static PROGRAMS_MAX])
{
	union bpf_attr attr = {.query = {.target_fd = (uint32_t)dir,
					 .attach_type = BPF_CGROUP_DEVICE,
					 .prog_ids = pointer(ids),
					 .prog_cnt = PROGRAMS_MAX}};

	return bpf(BPF_PROG_QUERY, &attr) < 0 ? 0 : MIN(attr.query.prog_cnt, PROGRAMS_MAX);
}

static void detach(int dir, uint32_t id)
{
	union bpf_attr by_id = {.prog_id = id};
	union bpf_attr attr = {.target_fd = (uint32_t)dir, .attach_type = BPF_CGROUP_DEVICE};
	int fd = bpf(BPF_PROG_GET_FD_BY_ID, &by_id);

	if (fd < 0)
		return;
	attr.attach_bpf_fd = (uint32_t)fd;
	(void)bpf(BPF_PROG_DETACH, &attr);
	close(fd);
}

static int attach(int dir, const struct buf *program, const char **ret_what)
{
	union bpf_attr attr = {.target_fd = (uint32_t)dir,
			       .attach_type = BPF_CGROUP_DEVICE,
			       .attach_flags = BPF_F_ALLOW_MULTI};
	uint32_t ids[PROGRAMS_MAX];
	uint32_t count = attached_programs(dir, ids);
	int fd = load_program(program), r;

	*ret_what = "load";
	if (fd < 0)
		return fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	*ret_what = "attach";
	r = bpf(BPF_PROG_ATTACH, &attr);
	close(fd);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		detach(dir, ids[i]);
	return r;
}

static int devices_v2(int dir, const struct buf *rules, struct err *err)
{
	struct buf program = {0};
	const char *what = "make";
	int r = cgroup_device_program(BUF_ITEM(rules, struct oci_device_rule, 0),
				      (uint32_t)BUF_COUNT(rules, struct oci_device_rule), &program);

	if (r == 0)
		r = attach(dir, &program, &what);
	buf_deinit(&program);
	if (r < 0)
		err_set(err, r, "linux.resources.devices: %s the BPF program of the rules: %s%s",
			what, strerror(-r),
			r == -EPERM ? " (it takes CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN)"
			: r == -EINVAL || r == -ENOSYS ? " (is CONFIG_CGROUP_BPF set?)"
						       : "");
	return r;
}

int cgroup_devices(struct cgroup *group, const struct oci_resources *resources,
		   struct cgroup_notes *notes, struct err *err)
{
	int tree = group->layout->tree_of[CGROUP_DEVICES], dir = cgroup_dir(group, tree);
	struct buf rules = {0};
	struct err why;
	int r;

	if (dir < 0)
		r = err_set(
			&why, -EOPNOTSUPP,
			"linux.resources.devices: there is no 'devices' controller here: mount it "
			"(v1), or a cgroup2");
	else if ((r = cgroup_device_rules(resources, &rules)) == 0)
		r = group->layout->trees[tree].unified ? devices_v2(dir, &rules, &why)
						       : devices_v1(dir, &rules, &why);
	buf_deinit(&rules);
	if (r == 0 || r == -ENOMEM)
		return r;
	if (notes != NULL && (cgroup_is_refusal(r) || r == -EOPNOTSUPP || r == -ENOSYS))
		return cgroup_note(notes, "%s", why.text);
	if (err != NULL)
		*err = why;
	return r;
}
