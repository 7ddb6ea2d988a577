/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_stats.c: a group's counters to one struct.
 *
 * Three shapes of files: a number; lines "KEY NUMBER"; lines of a device and pairs. Each file is read whole, once. Files come
 * and go with kernels and schedulers, so a missing one is nothing.
 */
#include "sandbox/cgroup_stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "sandbox/cgroup_parts.h"

/* What is being read, and where to. */
struct reading {
	struct cgroup_stats *stats;
	int dir;
	struct buf text; /* of the file read last */
};

static uint64_t number(const struct reading *reading, const char *file)
{
	uint64_t value;

	return cgroup_file_number(reading->dir, file, &value) < 0 ? 0 : value;
}

/* v1 says unlimited by the largest number of pages. */
static uint64_t limit(const struct reading *reading, const char *file)
{
	uint64_t value = number(reading, file);

	return value >= (uint64_t)INT64_MAX - 0xffff ? UINT64_MAX : value;
}

/* The text of a file; "" where there is none. */
static const char *slurp(struct reading *reading, const char *file)
{
	reading->text.size = 0;
	return cgroup_file_slurp(reading->dir, file, &reading->text) < 0
		       ? ""
		       : (const char *)reading->text.data;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

static bool begins_with_word(const char *line, const char *word)
{
	size_t size = strlen(word);

	return strncmp(line, word, size) == 0 && (line[size] == ' ' || line[size] == '=');
}

/* The number behind a key that begins a line, 0: none. */
static uint64_t keyed(const char *text, const char *key)
{
	for (; *text != '\0'; text = next_line(text))
		if (begins_with_word(text, key))
			return strtoull(text + strlen(key), NULL, 10);
	return 0;
}

/* The number behind "KEY=" in a line, 0: none. "max" is UINT64_MAX. */
static uint64_t paired(const char *line, const char *key)
{
	while (*line != '\0' && *line != '\n') {
		if (begins_with_word(line, key)) {
			line += strlen(key) + 1;
			return strncmp(line, "max", 3) == 0 ? UINT64_MAX : strtoull(line, NULL, 10);
		}
		line += strcspn(line, " \n");
		line += *line == ' ';
	}
	return 0;
}

/* "1.23" -> 123 */
static uint32_t hundredths(const char *line, const char *key)
{
	char *end;
	unsigned long whole;

	while (*line != '\0' && *line != '\n' && !begins_with_word(line, key)) {
		line += strcspn(line, " \n");
		line += *line == ' ';
	}
	if (*line == '\0' || *line == '\n')
		return 0;
	whole = strtoul(line + strlen(key) + 1, &end, 10);
	return (uint32_t)(whole * 100 + (*end == '.' ? strtoul(end + 1, NULL, 10) : 0));
}

static void read_pressure(struct reading *reading, const char *file, struct cgroup_pressure *ret)
{
	for (const char *line = slurp(reading, file); *line != '\0'; line = next_line(line)) {
		struct cgroup_stall *stall = line[0] == 's' ? &ret->some : &ret->full;

		ret->given = true;
		stall->avg10 = hundredths(line, "avg10");
		stall->avg60 = hundredths(line, "avg60");
		stall->avg300 = hundredths(line, "avg300");
		stall->total_us = paired(line, "total");
	}
}

/* -- cpu, pids ------------------------------------------------------------------------------------- */

static void cpu_v1(struct reading *reading)
{
	const char *text = slurp(reading, "cpu.stat");

	reading->stats->cpu.periods = keyed(text, "nr_periods");
	reading->stats->cpu.throttled = keyed(text, "nr_throttled");
	reading->stats->cpu.throttled_time = keyed(text, "throttled_time");
	reading->stats->cpu.bursts = keyed(text, "nr_bursts");
	reading->stats->cpu.burst_time = keyed(text, "burst_time");
}

static void cpuacct_v1(struct reading *reading)
{
	const char *text = slurp(reading, "cpuacct.usage_percpu");

	while (*text >= '0' && *text <= '9') {
		char *end;
		uint64_t one = strtoull(text, &end, 10);

		if (buf_put(&reading->stats->cpu.each, &one, sizeof(one)) == NULL)
			break;
		text = end + strspn(end, " ");
	}
	reading->stats->cpu.usage = number(reading, "cpuacct.usage");
	reading->stats->cpu.user = number(reading, "cpuacct.usage_user");
	reading->stats->cpu.system = number(reading, "cpuacct.usage_sys");
}

static void cpu_v2(struct reading *reading)
{
	const char *text = slurp(reading, "cpu.stat");

	reading->stats->cpu.periods = keyed(text, "nr_periods");
	reading->stats->cpu.throttled = keyed(text, "nr_throttled");
	reading->stats->cpu.throttled_time = keyed(text, "throttled_usec") * 1000;
	reading->stats->cpu.bursts = keyed(text, "nr_bursts");
	reading->stats->cpu.burst_time = keyed(text, "burst_usec") * 1000;
	read_pressure(reading, "cpu.pressure", &reading->stats->cpu.pressure);
}

static void cpuacct_v2(struct reading *reading)
{
	const char *text = slurp(reading, "cpu.stat");

	reading->stats->cpu.usage = keyed(text, "usage_usec") * 1000;
	reading->stats->cpu.user = keyed(text, "user_usec") * 1000;
	reading->stats->cpu.system = keyed(text, "system_usec") * 1000;
}

static void pids_both(struct reading *reading)
{
	reading->stats->pids.current = number(reading, "pids.current");
	reading->stats->pids.limit = number(reading, "pids.max");
}

/* -- memory ---------------------------------------------------------------------------------------- */

struct memory_key {
	const char *key;
	size_t offset;
};

static const struct memory_key keys1[] = {
#define MEMORY1(number, member, key) {key, offsetof(struct cgroup_memory1, member)},
#define MEMORY2(number, member, key)
#include "sandbox/cgroup_stats.def"
#undef MEMORY1
#undef MEMORY2
};

static const struct memory_key keys2[] = {
#define MEMORY1(number, member, key)
#define MEMORY2(number, member, key) {key, offsetof(struct cgroup_memory2, member)},
#include "sandbox/cgroup_stats.def"
#undef MEMORY1
#undef MEMORY2
};

/* The keys come in about the table's order: each search begins where the last one ended. */
static void memory_lines(const char *text, const struct memory_key *keys, size_t count, void *ret)
{
	size_t at = 0;

	for (; *text != '\0'; text = next_line(text))
		for (size_t tried = 0; tried < count; tried++, at = (at + 1) % count)
			if (begins_with_word(text, keys[at].key)) {
				uint64_t value = strtoull(text + strlen(keys[at].key), NULL, 10);

				memcpy((char *)ret + keys[at].offset, &value, sizeof(value));
				break;
			}
}

static void usage_v1(const struct reading *reading, const char *const files[4],
		     struct cgroup_usage *ret)
{
	ret->limit = limit(reading, files[0]);
	ret->usage = number(reading, files[1]);
	ret->max = number(reading, files[2]);
	ret->failures = number(reading, files[3]);
}

#define USAGE_FILES(prefix)                                                       \
	(const char *const[]){prefix ".limit_in_bytes", prefix ".usage_in_bytes", \
			      prefix ".max_usage_in_bytes", prefix ".failcnt"}

static void memory_v1(struct reading *reading)
{
	struct cgroup_stats *stats = reading->stats;
	const char *text = slurp(reading, "memory.stat");

	memory_lines(text, keys1, ARRAY_SIZE(keys1), &stats->memory.v1);
	usage_v1(reading, USAGE_FILES("memory"), &stats->memory.memory);
	usage_v1(reading, USAGE_FILES("memory.memsw"), &stats->memory.swap);
	usage_v1(reading, USAGE_FILES("memory.kmem"), &stats->memory.kernel);
	usage_v1(reading, USAGE_FILES("memory.kmem.tcp"), &stats->memory.kernel_tcp);
	text = slurp(reading, "memory.oom_control");
	stats->oom.kill_disabled = keyed(text, "oom_kill_disable") != 0;
	stats->oom.under = keyed(text, "under_oom") != 0;
	stats->oom.kills = keyed(text, "oom_kill");
}

static void memory_v2(struct reading *reading)
{
	struct cgroup_stats *stats = reading->stats;
	const char *text = slurp(reading, "memory.stat");

	memory_lines(text, keys2, ARRAY_SIZE(keys2), &stats->memory.v2);
	text = slurp(reading, "memory.events");
	stats->oom.low = keyed(text, "low");
	stats->oom.high = keyed(text, "high");
	stats->oom.max = keyed(text, "max");
	stats->oom.oom = keyed(text, "oom");
	stats->oom.kills = keyed(text, "oom_kill");
	stats->oom.group_kills = keyed(text, "oom_group_kill");
	stats->memory.memory = (struct cgroup_usage){.limit = number(reading, "memory.max"),
						     .usage = number(reading, "memory.current"),
						     .max = number(reading, "memory.peak"),
						     .failures = stats->oom.max};
	stats->memory.swap = (struct cgroup_usage){.limit = number(reading, "memory.swap.max"),
						   .usage = number(reading, "memory.swap.current"),
						   .max = number(reading, "memory.swap.peak")};
	read_pressure(reading, "memory.pressure", &stats->memory.pressure);
}

/* -- io -------------------------------------------------------------------------------------------- */

/* "MAJOR:MINOR " at the start of a line; what follows, or NULL. */
static const char *device(const char *line, uint32_t *major, uint32_t *minor)
{
	char *end;

	*major = (uint32_t)strtoul(line, &end, 10);
	if (end == line || *end != ':')
		return NULL;
	*minor = (uint32_t)strtoul(end + 1, &end, 10);
	return *end == ' ' ? end + 1 : NULL;
}

/* "8:0 Read 4096"; the line "Total N" is no device's. */
static size_t io_lines(const char *text, enum cgroup_io1_list list, struct buf *ret)
{
	size_t count = 0;

	for (; *text != '\0'; text = next_line(text)) {
		struct cgroup_io1 entry = {.list = list};
		const char *rest = device(text, &entry.major, &entry.minor);
		size_t size =
			rest == NULL || (*rest >= '0' && *rest <= '9') ? 0 : strcspn(rest, " \n");

		if (rest == NULL || size >= sizeof(entry.operation))
			continue;
		memcpy(entry.operation, rest, size);
		entry.value = strtoull(rest + size, NULL, 10);
		count += buf_put(ret, &entry, sizeof(entry)) != NULL;
	}
	return count;
}

/* Whoever schedules the disks keeps the numbers: the first file that has any. */
static void io_v1(struct reading *reading)
{
	static const struct {
		enum cgroup_io1_list list;
		const char *files[4];
	} lists[] = {
		{CGROUP_IO1_BYTES,
		 {"blkio.io_service_bytes_recursive", "blkio.bfq.io_service_bytes_recursive",
		  "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"}},
		{CGROUP_IO1_SERVICED,
		 {"blkio.io_serviced_recursive", "blkio.bfq.io_serviced_recursive",
		  "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"}},
		{CGROUP_IO1_QUEUED, {"blkio.io_queued_recursive", "blkio.bfq.io_queued_recursive"}},
		{CGROUP_IO1_SERVICE_TIME,
		 {"blkio.io_service_time_recursive", "blkio.bfq.io_service_time_recursive"}},
		{CGROUP_IO1_WAIT_TIME,
		 {"blkio.io_wait_time_recursive", "blkio.bfq.io_wait_time_recursive"}},
		{CGROUP_IO1_MERGED, {"blkio.io_merged_recursive", "blkio.bfq.io_merged_recursive"}},
		{CGROUP_IO1_TIME, {"blkio.time_recursive", "blkio.bfq.time_recursive"}},
		{CGROUP_IO1_SECTORS, {"blkio.sectors_recursive", "blkio.bfq.sectors_recursive"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (size_t f = 0; f < 4 && lists[i].files[f] != NULL; f++)
			if (io_lines(slurp(reading, lists[i].files[f]), lists[i].list,
				     &reading->stats->io.v1) > 0)
				break;
}

static void io_v2(struct reading *reading)
{
	const char *line = slurp(reading, "io.stat");

	for (; *line != '\0'; line = next_line(line)) {
		struct cgroup_io2 entry;
		const char *rest = device(line, &entry.major, &entry.minor);

		if (rest == NULL)
			continue;
		entry.read_bytes = paired(rest, "rbytes");
		entry.write_bytes = paired(rest, "wbytes");
		entry.reads = paired(rest, "rios");
		entry.writes = paired(rest, "wios");
		(void)buf_put(&reading->stats->io.v2, &entry, sizeof(entry));
	}
	read_pressure(reading, "io.pressure", &reading->stats->io.pressure);
}

/* -- huge pages, rdma ------------------------------------------------------------------------------ */

static uint64_t huge_number(struct reading *reading, const char *size, const char *end)
{
	char name[64];

	stpcpy(stpcpy(stpcpy(name, "hugetlb."), size), end);
	return limit(reading, name);
}

static void huge_one(struct reading *reading, const char *size, bool unified)
{
	struct cgroup_huge entry = {.page_size = ""};
	char events[64];

	strcpy(entry.page_size, size);
	stpcpy(stpcpy(stpcpy(events, "hugetlb."), size), ".events");
	entry.usage.limit = huge_number(reading, size, unified ? ".max" : ".limit_in_bytes");
	entry.usage.usage = huge_number(reading, size, unified ? ".current" : ".usage_in_bytes");
	if (unified) {
		entry.usage.failures = keyed(slurp(reading, events), "max");
	} else {
		entry.usage.max = huge_number(reading, size, ".max_usage_in_bytes");
		entry.usage.failures = huge_number(reading, size, ".failcnt");
	}
	(void)buf_put(&reading->stats->huge, &entry, sizeof(entry));
}

/* The sizes there are: those of the files hugetlb.SIZE.current. */
static void huge_pages(struct reading *reading, bool unified)
{
	const char *end = unified ? ".current" : ".usage_in_bytes";
	int fd = openat(reading->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;
		size_t prefix = sizeof("hugetlb.") - 1, size;
		char page_size[16];

		if (strncmp(name, "hugetlb.", prefix) != 0)
			continue;
		size = strcspn(name + prefix, ".");
		if (size >= sizeof(page_size) || strcmp(name + prefix + size, end) != 0)
			continue;
		memcpy(page_size, name + prefix, size);
		page_size[size] = '\0';
		huge_one(reading, page_size, unified);
	}
	closedir(dir);
}

static void huge_v1(struct reading *reading)
{
	huge_pages(reading, false);
}

static void huge_v2(struct reading *reading)
{
	huge_pages(reading, true);
}

static struct cgroup_rdma *rdma_find(struct buf *list, const char *name)
{
	size_t size = strcspn(name, " \n");
	struct cgroup_rdma *entry;

	for (size_t i = 0; i < BUF_COUNT(list, struct cgroup_rdma); i++) {
		entry = BUF_ITEM(list, struct cgroup_rdma, i);
		if (strlen(entry->device) == size && memcmp(entry->device, name, size) == 0)
			return entry;
	}
	if (size >= sizeof(entry->device) || (entry = buf_zero(list, sizeof(*entry))) == NULL)
		return NULL;
	memcpy(entry->device, name, size);
	return entry;
}

static void rdma_both(struct reading *reading)
{
	static const char *const files[] = {"rdma.current", "rdma.max"};

	for (size_t f = 0; f < 2; f++)
		for (const char *line = slurp(reading, files[f]); *line != '\0';
		     line = next_line(line)) {
			struct cgroup_rdma *entry = rdma_find(&reading->stats->rdma, line);

			if (entry == NULL)
				continue;
			*(f == 0 ? &entry->handles : &entry->handles_limit) =
				paired(line, "hca_handle");
			*(f == 0 ? &entry->objects : &entry->objects_limit) =
				paired(line, "hca_object");
		}
}

/* -- all ------------------------------------------------------------------------------------------- */

static const struct {
	enum cgroup_controller controller;
	void (*read[2])(struct reading *reading); /* v1, v2 */
} readers[] = {
	{CGROUP_CPU, {cpu_v1, cpu_v2}},
	{CGROUP_CPUACCT, {cpuacct_v1, cpuacct_v2}},
	{CGROUP_MEMORY, {memory_v1, memory_v2}},
	{CGROUP_PIDS, {pids_both, pids_both}},
	{CGROUP_IO, {io_v1, io_v2}},
	{CGROUP_HUGETLB, {huge_v1, huge_v2}},
	{CGROUP_RDMA, {rdma_both, rdma_both}},
};

int cgroup_stats(struct cgroup *group, struct cgroup_stats *ret, struct err *err)
{
	struct reading reading = {.stats = ret};

	*ret = (struct cgroup_stats){.have = 0};
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		enum cgroup_controller controller = readers[i].controller;
		int tree = group->layout->tree_of[controller];
		bool unified = tree >= 0 && group->layout->trees[tree].unified;

		reading.dir = cgroup_dir(group, tree);
		/* A directory held open of a group that is gone has no files. */
		if (reading.dir < 0 || !cgroup_file_exists(reading.dir, "cgroup.procs"))
			continue;
		ret->have |= UINT32_C(1) << controller;
		ret->unified |= (uint32_t)unified << controller;
		readers[i].read[unified](&reading);
	}
	buf_deinit(&reading.text);
	if (ret->have == 0)
		return err_set(err, -ENODEV, "the container has no cgroup (any more)");
	return 0;
}

void cgroup_stats_deinit(struct cgroup_stats *stats)
{
	buf_deinit(&stats->cpu.each);
	buf_deinit(&stats->io.v1);
	buf_deinit(&stats->io.v2);
	buf_deinit(&stats->huge);
	buf_deinit(&stats->rdma);
}
