/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_resources.c: of linux.resources, the rules for devices, and what the kernel would refuse whatever the host: better
 * said here with the field's name than as "write 'cpu.max': Invalid argument" when half of a container stands.
 */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "oci/read.h"

/* -- Rules for devices -------------------------------------------------------------------------------------- */

int read_resources_rule_type(struct reader *r, struct json_value value, const struct read_place *at,
			     struct oci_device_rule *rule)
{
	const char *type = "";
	int rc = json_exists(value) ? read_text(r, value, at, &type) : 0;

	if (rc < 0)
		return rc;
	if (type[0] == '\0')
		type = "a";
	if (strchr("abc", type[0]) == NULL || type[1] != '\0')
		return read_fail(r, at, "must be a, b or c, is '%s'", type);
	rule->type = type[0];
	return 0;
}

int read_resources_rule_number(struct reader *r, struct json_value value,
			       const struct read_place *at, int64_t *ret)
{
	int64_t number = -1;

	if (json_exists(value) && json_kind(value) != JSON_NUMBER)
		return read_fail_mistyped(r, at, "a whole number", value);
	if (json_exists(value) && (!json_i64(value, &number) || number < -1 || number > UINT32_MAX))
		return read_fail(r, at, "must be -1 or the number of a device");
	*ret = number;
	return 0;
}

int read_resources_rule_access(struct reader *r, struct json_value value,
			       const struct read_place *at, struct oci_device_rule *rule)
{
	const char *access;
	int rc = read_text(r, value, at, &access);

	if (rc < 0)
		return rc;
	if (strspn(access, "rwm") != strlen(access))
		return read_fail(r, at, "must be made of r, w and m, is '%s'", access);
	rule->read = strchr(access, 'r') != NULL;
	rule->write = strchr(access, 'w') != NULL;
	rule->mknod = strchr(access, 'm') != NULL;
	return 0;
}

/* The kernel takes a rule for all devices as one for any access, whatever else it says. */
int read_resources_check_rule(struct reader *r, const struct read_place *at,
			      struct oci_device_rule *rule)
{
	const struct read_place access = READ_FIELD(at, "access"), type = READ_FIELD(at, "type");

	if (rule->type == 'a' && (rule->major != -1 || rule->minor != -1))
		return read_fail(r, &type, "must be b or c where a number is given");
	if (rule->type == 'a')
		rule->read = rule->write = rule->mknod = true;
	else if (!rule->read && !rule->write && !rule->mknod)
		return read_fail(r, &access, "is missing");
	return 0;
}

/* -- Numbers ---------------------------------------------------------------------------------------------------- */

int read_resources_swappiness(struct reader *r, struct json_value value,
			      const struct read_place *at, struct oci_number *ret)
{
	uint64_t number;

	if (json_kind(value) != JSON_NUMBER)
		return read_fail_mistyped(r, at, "a whole number", value);
	if (!json_u64(value, &number) || (number > 100 && number != UINT64_MAX))
		return read_fail(r, at, "must be a whole number from 0 to 100");
	if (number != UINT64_MAX)
		*ret = (struct oci_number){.value = (int64_t)number, .given = true};
	return 0;
}

static int check_memory(struct reader *r, const struct oci_resources *res)
{
	static const char field[] = "linux.resources.memory.swap";
	const struct oci_number *swap = &res->memory_swap, *limit = &res->memory_limit;

	if (!swap->given || swap->value == OCI_UNLIMITED)
		return 0;
	if (!limit->given)
		return r->is_update
			       ? 0
			       : read_fail_field(r, field, "needs linux.resources.memory.limit");
	if (limit->value == OCI_UNLIMITED)
		return read_fail_field(r, field, "must be -1 where limit is");
	if (swap->value < limit->value)
		return read_fail_field(
			r, field,
			"is for memory and swap together: must be at least limit, %lld, is %lld",
			(long long)limit->value, (long long)swap->value);
	return 0;
}

static int check_cpu(struct reader *r, const struct oci_resources *res)
{
	const struct oci_number *quota = &res->cpu_quota, *burst = &res->cpu_burst,
				*runtime = &res->cpu_realtime_runtime,
				*period = &res->cpu_realtime_period;
	int rc;

	if (quota->given && quota->value < 1000)
		return read_fail_field(r, "linux.resources.cpu.quota",
				       "must be -1, 0 or at least 1000 microseconds, is %lld",
				       (long long)quota->value);
	if (burst->given && quota->given && burst->value > quota->value)
		return read_fail_field(r, "linux.resources.cpu.burst",
				       "must be at most quota, %lld, is %lld",
				       (long long)quota->value, (long long)burst->value);
	if (runtime->given && period->given && runtime->value > period->value)
		return read_fail_field(r, "linux.resources.cpu.realtimeRuntime",
				       "must be at most realtimePeriod, %lld, is %lld",
				       (long long)period->value, (long long)runtime->value);
	rc = read_list_check(r, "linux.resources.cpu.cpus", res->cpus);
	return rc < 0 ? rc : read_list_check(r, "linux.resources.cpu.mems", res->mems);
}

/* -- Lists -------------------------------------------------------------------------------------------------------- */

int read_resources_check_weight(struct reader *r, const struct read_place *at,
				const struct oci_io_weight *weight)
{
	if (weight->weight.given || weight->leaf_weight.given)
		return 0;
	return read_fail(r, at, "needs weight or leafWeight");
}

int read_resources_check_hugepage(struct reader *r, const struct read_place *at,
				  const struct oci_hugepage *page)
{
	const struct read_place here = READ_FIELD(at, "pageSize");
	size_t digits = strspn(page->size, "0123456789");
	const char *unit = page->size + digits;

	if (digits > 0 && page->size[0] != '0' && unit[0] != '\0' &&
	    strchr("KMG", unit[0]) != NULL && strcmp(unit + 1, "B") == 0)
		return 0;
	return read_fail(r, &here, "must be a size as 64KB, 2MB or 1GB, is '%s'", page->size);
}

static int check_hugepages(struct reader *r, const struct oci_resources *res)
{
	const struct read_place linux_at = READ_FIELD(NULL, "linux");
	const struct read_place resources = READ_FIELD(&linux_at, "resources");
	const struct read_place field = READ_FIELD(&resources, "hugepageLimits");

	/* Kernels have four sizes at most: as long as none comes twice the loops are short. */
	for (uint32_t i = 0; i < res->hugepage_count; i++) {
		const struct read_place here = READ_ELEMENT(&field, i);

		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(res->hugepages[i].size, res->hugepages[j].size) == 0)
				return read_fail(r, &here, "%s is limited twice",
						 res->hugepages[i].size);
		}
		if (i >= 32)
			return read_fail(r, &field, "names more sizes than any kernel has");
	}
	return 0;
}

int read_resources_check_priority(struct reader *r, const struct read_place *at,
				  const struct oci_network_priority *priority)
{
	const struct read_place here = READ_FIELD(at, "name");

	/* It becomes a word of a line in net_prio.ifpriomap. */
	if (strlen(priority->name) < 16 && strpbrk(priority->name, "/ \t\n\v\f\r") == NULL)
		return 0;
	return read_fail(r, &here, "'%s' is not the name of an interface", priority->name);
}

int read_resources_check_rdma(struct reader *r, const struct read_place *at,
			      const struct oci_rdma *rdma)
{
	if (rdma->handles.given || rdma->objects.given)
		return 0;
	return read_fail(r, at, "needs hcaHandles or hcaObjects");
}

/* It becomes the name of a file in the cgroup. */
static int check_unified(struct reader *r, const struct oci_pairs *files)
{
	const struct read_place linux_at = READ_FIELD(NULL, "linux");
	const struct read_place resources = READ_FIELD(&linux_at, "resources");
	const struct read_place field = READ_FIELD(&resources, "unified");

	for (uint32_t i = 0; i < files->count; i++) {
		const char *name = files->items[i].key;
		const struct read_place here = {.up = &field, .name = name, .is_key = true};
		const char *dot = strchr(name, '.');

		if (strchr(name, '/') != NULL)
			return read_fail(r, &here, "must be the name of a file, has a slash");
		if (dot == NULL || dot == name || dot[1] == '\0')
			return read_fail(r, &here,
					 "must be the name of a cgroup file as memory.high");
	}
	return 0;
}

int read_resources_check(struct reader *r)
{
	const struct oci_resources *res = &r->spec->resources;
	int rc = check_memory(r, res);

	if (rc == 0)
		rc = check_cpu(r, res);
	if (rc == 0)
		rc = check_hugepages(r, res);
	return rc < 0 ? rc : check_unified(r, &res->unified);
}
