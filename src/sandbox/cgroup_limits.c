/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_limits.c: linux.resources to a plan of what is to be written where.
 *
 * One row of cgroup_limits.def is one field. A number goes through its form, which makes the text; the rest are lists,
 * which make several. Nothing is written here, and the group is read only where v2 keeps two fields in one file.
 */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "sandbox/cgroup_plan.h"

/* -- making writes --------------------------------------------------------------------------------- */

struct limit_write *plan_begin(struct plan *plan, const char *file, const char *file_end)
{
	struct limit_write *write = buf_zero(&plan->writes, sizeof(*write));

	if (write == NULL)
		return NULL;
	write->field = plan->field;
	write->controller = plan->controller;
	write->tree = plan->tree;
	write->file = plan->text.size;
	if (!cgroup_put(&plan->text, file) || !cgroup_put(&plan->text, file_end) ||
	    buf_put(&plan->text, "", 1) == NULL)
		return NULL;
	write->value = plan->text.size;
	return write;
}

int plan_end(struct plan *plan, struct limit_write *write)
{
	if (write == NULL)
		return -ENOMEM;
	write->size = plan->text.size - write->value;
	return buf_put(&plan->text, "", 1) == NULL ? -ENOMEM : 0;
}

static int write_text(struct plan *plan, const char *file, const char *value)
{
	struct limit_write *write = plan_begin(plan, file, "");

	if (write == NULL || !cgroup_put(&plan->text, value))
		return -ENOMEM;
	return plan_end(plan, write);
}

/* A number, or what both versions call unlimited. */
static bool put_limit(struct plan *plan, int64_t value)
{
	if (value == INT64_MAX || value == -1)
		return cgroup_put(&plan->text, plan->unified ? "max" : "-1");
	if (value < 0)
		return cgroup_put(&plan->text, "-") &&
		       cgroup_put_number(&plan->text, 0 - (uint64_t)value);
	return cgroup_put_number(&plan->text, (uint64_t)value);
}

static int write_number(struct plan *plan, const char *file, int64_t value)
{
	struct limit_write *write = plan_begin(plan, file, "");

	if (write == NULL || !put_limit(plan, value))
		return -ENOMEM;
	return plan_end(plan, write);
}

static struct limit_write *last_write(struct plan *plan)
{
	return BUF_ITEM(&plan->writes, struct limit_write,
			BUF_COUNT(&plan->writes, struct limit_write) - 1);
}

int plan_refuse(struct plan *plan, int code, const char *why)
{
	if (plan->notes != NULL)
		return cgroup_note(plan->notes, "linux.resources.%s: left out: %s", plan->field,
				   why);
	return err_set(plan->err, code, "linux.resources.%s: %s", plan->field, why);
}

/* -- forms of one number --------------------------------------------------------------------------- */

static int form_plain(struct plan *plan, int64_t value)
{
	return write_number(plan, plan->file, value);
}

static int form_absent(struct plan *plan, int64_t value)
{
	(void)value;
	return plan_refuse(plan, -EOPNOTSUPP, plan->file);
}

static int form_absent_unless_one(struct plan *plan, int64_t value)
{
	return value == 1 ? 0 : form_absent(plan, value);
}

static int form_absent_unless_zero(struct plan *plan, int64_t value)
{
	return value == 0 ? 0 : form_absent(plan, value);
}

/* Kernels since 5.16 take no limit of kernel memory; it is part of the other one anyway. */
static int form_if_there(struct plan *plan, int64_t value)
{
	int r = write_number(plan, plan->file, value);

	if (r == 0)
		last_write(plan)->optional = true;
	return r;
}

static int form_ignored(struct plan *plan, int64_t value)
{
	(void)plan;
	(void)value;
	return 0;
}

/* Nobody can give an idle group a weight. 0 means that none is given. */
static bool has_shares(const struct plan *plan, int64_t value)
{
	return value != 0 &&
	       (!plan->resources->cpu_idle.given || plan->resources->cpu_idle.value == 0);
}

static int form_shares(struct plan *plan, int64_t value)
{
	return has_shares(plan, value) ? form_plain(plan, value) : 0;
}

static int form_weight(struct plan *plan, int64_t value)
{
	return has_shares(plan, value) ? form_plain(plan, cgroup_cpu_weight((uint64_t)value)) : 0;
}

/* v2 has one file for both: "QUOTA PERIOD", of which the period may be missing. */
static int form_quota(struct plan *plan, int64_t value)
{
	const struct oci_number *period = &plan->resources->cpu_period;
	struct limit_write *write = plan_begin(plan, plan->file, "");

	if (write == NULL || !put_limit(plan, value <= 0 ? INT64_MAX : value))
		return -ENOMEM;
	if (period->given && period->value > 0 &&
	    (!cgroup_put(&plan->text, " ") ||
	     !cgroup_put_number(&plan->text, (uint64_t)period->value)))
		return -ENOMEM;
	return plan_end(plan, write);
}

/* A period alone: the quota stays what it is. */
static int form_period(struct plan *plan, int64_t value)
{
	struct limit_write *write;
	char now[64] = "max";
	int dir = cgroup_dir(plan->group, plan->tree);

	if (plan->resources->cpu_quota.given || value <= 0)
		return 0;
	if (dir >= 0 && cgroup_file_read(dir, plan->file, now, sizeof(now)) > 0)
		now[strcspn(now, " ")] = '\0';
	if (now[0] == '\0')
		strcpy(now, "max");
	write = plan_begin(plan, plan->file, "");
	if (write == NULL || !cgroup_put(&plan->text, now) || !cgroup_put(&plan->text, " ") ||
	    !cgroup_put_number(&plan->text, (uint64_t)value))
		return -ENOMEM;
	return plan_end(plan, write);
}

static bool is_unlimited(int64_t value)
{
	return value == INT64_MAX || value < 0;
}

/* No memory limit, and nothing said of swap: no limit there either, as runc reads it. */
static int form_memory(struct plan *plan, int64_t value)
{
	const char *usage_file = plan->unified ? "memory.current" : "memory.usage_in_bytes";
	int dir = cgroup_dir(plan->group, plan->tree), r;
	uint64_t usage;

	if (value == 0)
		return 0;
	if (plan->resources->check_before_update.given &&
	    plan->resources->check_before_update.value != 0 && !is_unlimited(value) && dir >= 0 &&
	    cgroup_file_number(dir, usage_file, &usage) == 0 && usage > (uint64_t)value)
		return err_set(plan->err, -EBUSY,
			       "linux.resources.%s: %llu is less than the %llu bytes in use, and "
			       "memory.checkBeforeUpdate asks not to set it then",
			       plan->field, (unsigned long long)value, (unsigned long long)usage);
	r = form_plain(plan, value);
	if (r < 0 || !is_unlimited(value) || plan->resources->memory_swap.given)
		return r;
	r = write_number(plan, plan->unified ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
			 value);
	if (r == 0)
		last_write(plan)->optional = true;
	return r;
}

/* v1 counts memory and swap together, v2 swap alone. */
static int form_swap(struct plan *plan, int64_t value)
{
	const struct oci_number *limit = &plan->resources->memory_limit;
	int dir = cgroup_dir(plan->group, plan->tree), r;
	uint64_t memory = UINT64_MAX;

	if (value == 0)
		return 0;
	if (limit->given && !is_unlimited(limit->value) && limit->value != 0)
		memory = (uint64_t)limit->value;
	else if (!limit->given && dir >= 0)
		(void)cgroup_file_number(dir, "memory.max", &memory);
	if (!is_unlimited(value)) {
		if (memory == UINT64_MAX)
			return err_set(plan->err, -EINVAL,
				       "linux.resources.%s: cgroup v2 counts swap by itself: give "
				       "memory.limit too, which is to be taken from it",
				       plan->field);
		if ((uint64_t)value < memory)
			return err_set(plan->err, -EINVAL,
				       "linux.resources.%s: is memory and swap together, so it "
				       "cannot be less than memory.limit",
				       plan->field);
		value -= (int64_t)memory;
	}
	r = form_plain(plan, value);
	/* A kernel without swap has no such file, and then nothing is swapped. */
	if (r == 0)
		last_write(plan)->optional = value == 0 || is_unlimited(value);
	return r;
}

/* 0 and less: unlimited, as crun reads it; a container of no process at all is nobody's wish. */
static int form_pids(struct plan *plan, int64_t value)
{
	struct limit_write *write = plan_begin(plan, plan->file, "");
	bool put = write != NULL && (value <= 0 || value == INT64_MAX
					     ? cgroup_put(&plan->text, "max")
					     : cgroup_put_number(&plan->text, (uint64_t)value));

	return put ? plan_end(plan, write) : -ENOMEM;
}

/* 10..1000 to 1..10000, as runc and crun do; bfq keeps the old range. */
static uint64_t io_weight(int64_t weight)
{
	return 1 + ((uint64_t)MAX(weight, 10) - 10) * 9999 / 990;
}

/* The file that sets weights: of bfq, where that is the scheduler. */
static const char *weight_file(struct plan *plan, const char *plain, const char *bfq)
{
	int dir = cgroup_dir(plan->group, plan->tree);
	bool prefer_bfq = plan->unified;

	if (dir < 0)
		return plain;
	if (prefer_bfq)
		return cgroup_file_exists(dir, bfq) ? bfq : plain;
	return !cgroup_file_exists(dir, plain) && cgroup_file_exists(dir, bfq) ? bfq : plain;
}

static int form_io_weight(struct plan *plan, int64_t value)
{
	const char *file = plan->unified ? weight_file(plan, "io.weight", "io.bfq.weight")
					 : weight_file(plan, "blkio.weight", "blkio.bfq.weight");

	if (value == 0)
		return 0;
	if (strcmp(file, "io.weight") == 0)
		value = (int64_t)io_weight(value);
	return write_number(plan, file, value);
}

/* -- lists ----------------------------------------------------------------------------------------- */

static int list_cpus(struct plan *plan)
{
	const char *text = plan->resources->cpus;

	return text == NULL || *text == '\0' ? 0 : write_text(plan, "cpuset.cpus", text);
}

static int list_mems(struct plan *plan)
{
	const char *text = plan->resources->mems;

	return text == NULL || *text == '\0' ? 0 : write_text(plan, "cpuset.mems", text);
}

/* "MAJOR:MINOR " */
static bool put_device(struct buf *text, uint32_t major, uint32_t minor)
{
	return cgroup_put_number(text, major) && cgroup_put(text, ":") &&
	       cgroup_put_number(text, minor) && cgroup_put(text, " ");
}

static int device_write(struct plan *plan, const char *file, const uint32_t device[2],
			const char *key, uint64_t value)
{
	struct limit_write *write = plan_begin(plan, file, "");

	if (write == NULL || !put_device(&plan->text, device[0], device[1]) ||
	    !cgroup_put(&plan->text, key) || !cgroup_put_number(&plan->text, value))
		return -ENOMEM;
	return plan_end(plan, write);
}

static int list_io_weights(struct plan *plan)
{
	const char *file;
	int r = 0;

	if (plan->resources->io_weight_count == 0)
		return 0;
	file = plan->unified ? weight_file(plan, "io.weight", "io.bfq.weight")
			     : weight_file(plan, "blkio.weight_device", "blkio.bfq.weight_device");
	for (uint32_t i = 0; r == 0 && i < plan->resources->io_weight_count; i++) {
		const struct oci_io_weight *item = &plan->resources->io_weights[i];
		const uint32_t device[2] = {item->major, item->minor};
		uint64_t weight = (uint64_t)item->weight.value;

		if (strcmp(file, "io.weight") == 0)
			weight = io_weight(item->weight.value);
		if (item->weight.given)
			r = device_write(plan, file, device, "", weight);
		if (r == 0 && item->leaf_weight.given)
			r = plan->unified ? plan_refuse(plan, -EOPNOTSUPP,
							"cgroup v2 has no weight of leaves; leave "
							"leafWeight out")
					  : device_write(plan, "blkio.leaf_weight_device", device,
							 "", (uint64_t)item->leaf_weight.value);
	}
	return r;
}

static int throttles(struct plan *plan, const struct oci_throttles *list, const char *file,
		     const char *key)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < list->count; i++) {
		const uint32_t device[2] = {list->items[i].major, list->items[i].minor};

		r = plan->unified ? device_write(plan, "io.max", device, key, list->items[i].rate)
				  : device_write(plan, file, device, "", list->items[i].rate);
	}
	return r;
}

static int list_read_bps(struct plan *plan)
{
	return throttles(plan, &plan->resources->read_bps, "blkio.throttle.read_bps_device",
			 "rbps=");
}

static int list_write_bps(struct plan *plan)
{
	return throttles(plan, &plan->resources->write_bps, "blkio.throttle.write_bps_device",
			 "wbps=");
}

static int list_read_iops(struct plan *plan)
{
	return throttles(plan, &plan->resources->read_iops, "blkio.throttle.read_iops_device",
			 "riops=");
}

static int list_write_iops(struct plan *plan)
{
	return throttles(plan, &plan->resources->write_iops, "blkio.throttle.write_iops_device",
			 "wiops=");
}

static int hugepage_write(struct plan *plan, const char *size, const char *end, uint64_t limit)
{
	struct limit_write *write = plan_begin(plan, "hugetlb.", size);
	bool put;

	if (write == NULL)
		return -ENOMEM;
	plan->text.size--; /* the NUL: the name goes on */
	put = cgroup_put(&plan->text, end) && buf_put(&plan->text, "", 1) != NULL;
	write->value = plan->text.size;
	put = put && (plan->unified && limit >= INT64_MAX ? cgroup_put(&plan->text, "max")
							  : cgroup_put_number(&plan->text, limit));
	return put ? plan_end(plan, write) : -ENOMEM;
}

/* Pages in use and pages reserved, which kernels before 5.7 do not count. */
static int list_hugepages(struct plan *plan)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < plan->resources->hugepage_count; i++) {
		const struct oci_hugepage *item = &plan->resources->hugepages[i];

		if (strchr(item->size, '/') != NULL)
			return err_set(plan->err, -EINVAL,
				       "linux.resources.%s[%u].pageSize: '%s' is no size of pages",
				       plan->field, i, item->size);
		r = hugepage_write(plan, item->size, plan->unified ? ".max" : ".limit_in_bytes",
				   item->limit);
		if (r == 0)
			r = hugepage_write(plan, item->size,
					   plan->unified ? ".rsvd.max" : ".rsvd.limit_in_bytes",
					   item->limit);
		if (r == 0)
			last_write(plan)->optional = true;
	}
	return r;
}

static int list_network_priorities(struct plan *plan)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < plan->resources->network_priority_count; i++) {
		const struct oci_network_priority *item = &plan->resources->network_priorities[i];
		struct limit_write *write = plan_begin(plan, "net_prio.ifpriomap", "");

		r = write != NULL && cgroup_put(&plan->text, item->name) &&
				    cgroup_put(&plan->text, " ") &&
				    cgroup_put_number(&plan->text, item->priority)
			    ? plan_end(plan, write)
			    : -ENOMEM;
	}
	return r;
}

static bool put_rdma(struct buf *text, const char *key, const struct oci_number *number)
{
	if (!number->given)
		return true;
	if (!cgroup_put(text, key))
		return false;
	return is_unlimited(number->value) ? cgroup_put(text, "max")
					   : cgroup_put_number(text, (uint64_t)number->value);
}

static int list_rdma(struct plan *plan)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < plan->resources->rdma_count; i++) {
		const struct oci_rdma *item = &plan->resources->rdma[i];
		struct limit_write *write = plan_begin(plan, "rdma.max", "");

		r = write != NULL && cgroup_put(&plan->text, item->device) &&
				    put_rdma(&plan->text, " hca_handle=", &item->handles) &&
				    put_rdma(&plan->text, " hca_object=", &item->objects)
			    ? plan_end(plan, write)
			    : -ENOMEM;
	}
	return r;
}

/* -- the table ------------------------------------------------------------------------------------- */

struct limit_row {
	const char *field;
	enum cgroup_controller controller;
	size_t number; /* offset in struct oci_resources; SIZE_MAX: a list */
	const char *file[2]; /* of v1, of v2 */
	int (*form[2])(struct plan *plan, int64_t value);
	int (*list)(struct plan *plan);
};

static const struct limit_row rows[] = {
#define NUMBER(field_, member, controller_, file1, form1, file2, form2) \
	{.field = field_,                                               \
	 .controller = CGROUP_##controller_,                            \
	 .number = offsetof(struct oci_resources, member),              \
	 .file = {file1, file2},                                        \
	 .form = {form_##form1, form_##form2}},
#define LIST(field_, controller_, function)  \
	{.field = field_,                    \
	 .controller = CGROUP_##controller_, \
	 .number = SIZE_MAX,                 \
	 .list = list_##function},
#include "sandbox/cgroup_limits.def"
#undef NUMBER
#undef LIST
};

static const char *remedy(enum cgroup_controller controller)
{
	switch (controller) {
	case CGROUP_NET_CLS:
	case CGROUP_NET_PRIO:
		return "it is one of cgroup v1 only; leave the limit out, or mount it there";
	default:
		return "have it mounted (v1) or listed in cgroup.controllers (v2; some are "
		       "switched off by "
		       "cgroup_disable= on the kernel's command line), or leave the limit out";
	}
}

/* The controller is not to be had: one sentence, and nothing to write. */
static int refuse_controller(struct plan *plan)
{
	struct err why;

	if (plan->group->layout->tree_of[plan->controller] >= 0)
		return plan_refuse(plan, -EACCES, "the container could get no group there");
	err_set(&why, 0, "there is no '%s' controller here: %s",
		cgroup_controller_name(plan->controller), remedy(plan->controller));
	return plan_refuse(plan, -EOPNOTSUPP, why.text);
}

static int plan_number(struct plan *plan, const struct limit_row *row)
{
	struct oci_number number;

	memcpy(&number, (const char *)plan->resources + row->number, sizeof(number));
	if (!number.given)
		return 0;
	if (plan->tree < 0 && row->form[0] != form_if_there &&
	    !(row->form[1] == form_absent_unless_zero && number.value == 0))
		return refuse_controller(plan);
	if (plan->tree < 0)
		return 0;
	plan->file = row->file[plan->unified];
	return row->form[plan->unified](plan, number.value);
}

static int plan_list(struct plan *plan, const struct limit_row *row)
{
	size_t before = plan->writes.size;
	int r = row->list(plan);

	if (r == 0 && plan->tree < 0 && plan->writes.size > before) {
		plan->writes.size = before;
		return refuse_controller(plan);
	}
	return r;
}

int plan_limits(struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++) {
		const struct limit_row *row = &rows[i];
		int tree = plan->group->layout->tree_of[row->controller];

		plan->field = row->field;
		plan->controller = row->controller;
		plan->tree = tree >= 0 && plan->group->places[tree].path != NULL ? tree : -1;
		plan->unified = plan->tree >= 0 && plan->group->layout->trees[tree].unified;
		r = row->number == SIZE_MAX ? plan_list(plan, row) : plan_number(plan, row);
	}
	return r;
}
