/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_apply.c: a plan of limits carried out.
 *
 * Limits depend on each other: memory may not be above memory with swap, a burst not above the quota, an idle group takes no
 * weight. Which of two must be written first depends on the values the group has. So whatever the kernel refuses with
 * EINVAL or EBUSY is written again after the others, as long as a round got something through.
 */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "sandbox/cgroup_plan.h"

/* -- unified --------------------------------------------------------------------------------------- */

/* Files that are no limits, and would do something else than limit. */
static bool is_no_limit(const char *key)
{
	static const char *const names[] = {"cgroup.procs", "cgroup.threads", "cgroup.kill",
					    "cgroup.freeze", "cgroup.type"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(key, names[i]) == 0)
			return true;
	return false;
}

/* A file takes a line at a time. */
static int plan_lines(struct plan *plan, const char *key, const char *value)
{
	int r = 0;

	do {
		size_t size = strcspn(value, "\n");
		struct limit_write *write = plan_begin(plan, key, "");

		if (write == NULL || buf_put(&plan->text, value, size) == NULL)
			return -ENOMEM;
		r = plan_end(plan, write);
		value += size;
		value += *value == '\n';
	} while (r == 0 && *value != '\0');
	return r;
}

static int plan_unified(struct plan *plan)
{
	const struct oci_pairs *pairs = &plan->resources->unified;
	int r = 0;

	plan->field = "unified";
	plan->tree = cgroup_layout_unified(plan->group->layout);
	plan->unified = true;
	if (pairs->count > 0 && plan->tree >= 0 && plan->group->places[plan->tree].path == NULL)
		return plan_refuse(plan, -EACCES, "the container could get no group there");
	if (pairs->count > 0 && plan->tree < 0)
		return plan_refuse(
			plan, -EOPNOTSUPP,
			"names files of cgroup v2, which is not mounted here: say it by the "
			"fields of memory, cpu and so on");
	for (uint32_t i = 0; r == 0 && i < pairs->count; i++) {
		const char *key = pairs->items[i].key;

		if (*key == '\0' || *key == '.' || strchr(key, '/') != NULL || is_no_limit(key))
			return err_set(plan->err, -EINVAL,
				       "linux.resources.unified: '%s' is no file of a limit", key);
		plan->controller = CGROUP_CONTROLLERS;
		r = plan_lines(plan, key, pairs->items[i].value);
	}
	return r;
}

/* -- writing --------------------------------------------------------------------------------------- */

static const char *plan_text(const struct plan *plan, size_t at)
{
	return (const char *)plan->text.data + at;
}

static bool may_work_later(int error)
{
	return error == -EINVAL || error == -EBUSY;
}

static bool is_missing(int error)
{
	return error == -ENOENT || error == -EOPNOTSUPP || error == -ENODEV;
}

/* Once through what is left: how many got done. */
static unsigned write_round(struct plan *plan)
{
	unsigned got = 0;

	for (size_t i = 0; i < BUF_COUNT(&plan->writes, struct limit_write); i++) {
		struct limit_write *write = BUF_ITEM(&plan->writes, struct limit_write, i);
		int dir;

		if (write->done || (write->error != 0 && !may_work_later(write->error)))
			continue;
		dir = cgroup_dir(plan->group, write->tree);
		write->error =
			dir < 0 ? dir
				: cgroup_file_write(dir, plan_text(plan, write->file),
						    plan_text(plan, write->value), write->size);
		write->done = write->error == 0;
		got += write->done;
	}
	return got;
}

static const char *reason(const struct plan *plan, const struct limit_write *write)
{
	const struct cgroup_tree *tree = &plan->group->layout->trees[write->tree];

	if (write->error == -ENOENT && tree->unified)
		return "there is no such file: the kernel does not know it, or the controller was "
		       "not handed "
		       "down, because a group above has processes itself or is not ours to change "
		       "(cgroup.subtree_control)";
	if (write->error == -ENOENT)
		return "there is no such file: this kernel cannot limit that";
	if (write->error == -EBUSY && write->controller == CGROUP_MEMORY)
		return "more is in use, and cannot be reclaimed";
	if (write->error == -EOPNOTSUPP && tree->unified && write->controller == CGROUP_IO)
		return "the device has no scheduler that weighs: that takes bfq, or io.cost.qos "
		       "enabled";
	return strerror(-write->error);
}

static int report(struct plan *plan, const struct limit_write *write)
{
	const struct cgroup_tree *tree = &plan->group->layout->trees[write->tree];
	struct err why;

	err_set(&why, 0, "write '%s' to '%s' of the cgroup '/%s' in '%s': %s",
		plan_text(plan, write->value), plan_text(plan, write->file),
		plan->group->places[write->tree].path, tree->mount, reason(plan, write));
	if (plan->notes != NULL && (cgroup_is_refusal(write->error) || is_missing(write->error)))
		return cgroup_note(plan->notes, "linux.resources.%s: left out: %s", write->field,
				   why.text);
	return err_set(plan->err, write->error, "linux.resources.%s: %s", write->field, why.text);
}

static int carry_out(struct plan *plan)
{
	int r = 0;

	while (write_round(plan) > 0)
		;
	for (size_t i = 0; r == 0 && i < BUF_COUNT(&plan->writes, struct limit_write); i++) {
		const struct limit_write *write = BUF_ITEM(&plan->writes, struct limit_write, i);

		if (!write->done && !(write->optional && is_missing(write->error)))
			r = report(plan, write);
	}
	return r;
}

int cgroup_update(struct cgroup *group, const struct oci_resources *resources,
		  struct cgroup_notes *notes, struct err *err)
{
	struct plan plan = {.group = group, .resources = resources, .notes = notes, .err = err};
	int r = plan_limits(&plan);

	if (r == 0)
		r = plan_unified(&plan);
	if (r == 0)
		r = carry_out(&plan);
	buf_deinit(&plan.writes);
	buf_deinit(&plan.text);
	if (r == 0 && resources->device_count > 0)
		r = cgroup_devices(group, resources, notes, err);
	return r;
}

int cgroup_apply(struct cgroup *group, const struct oci_resources *resources,
		 struct cgroup_notes *notes, struct err *err)
{
	int r = cgroup_update(group, resources, notes, err);

	if (r == 0 && resources->device_count == 0)
		r = cgroup_devices(group, resources, notes, err);
	return r;
}

/* -- shares to weight ------------------------------------------------------------------------------ */

enum { FRACTION = 40 };

/* log2 of 1 to 2^31, FRACTION bits behind the point. Each squaring of the mantissa is one more bit. */
static uint64_t log2_fixed(uint32_t number)
{
	unsigned whole = 31U - (unsigned)__builtin_clz(number);
	uint64_t mantissa = (uint64_t)number << (63 - whole), result = whole;

	for (unsigned i = 0; i < FRACTION; i++) {
		unsigned __int128 square = (unsigned __int128)mantissa * mantissa;
		bool carry = (uint64_t)(square >> 127) != 0;

		mantissa = (uint64_t)(square >> (carry ? 64 : 63));
		result = result << 1 | carry;
	}
	return result;
}

/*
 * The smallest weight that is not below 10^((l^2 + 125 l - 126) / 612), where l = log2(shares). Both sides' logarithms are
 * compared, without floating point. Both are rounded down, so that they are still equal where they are: at 1024.
 */
uint32_t cgroup_cpu_weight(uint64_t shares)
{
	uint64_t l, ten, low = 1, high = 10000;
	__int128 wanted;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2_fixed((uint32_t)shares);
	ten = log2_fixed(10);
	wanted = ((__int128)l * l >> FRACTION) + (__int128)l * 125 - ((__int128)126 << FRACTION);
	wanted = wanted * ten >> FRACTION;
	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if ((__int128)log2_fixed((uint32_t)middle) * 612 >= wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return (uint32_t)low;
}
