/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_stats.h: what a group has used.
 *
 * The kernel's numbers, times in nanoseconds for both versions, UINT64_MAX for unlimited. `have` tells which controllers
 * were read, `unified` which of those are version 2: where both versions have the same thing under another name, each has
 * a member of its own. What a kernel does not tell is 0.
 */
#ifndef SANDBOX_CGROUP_STATS_H
#define SANDBOX_CGROUP_STATS_H

#include "sandbox/cgroup.h"

struct cgroup_usage {
	uint64_t limit, usage, max, failures;
};

/* Of cpu.pressure and so on; averages in hundredths of a per cent. v2 only. */
struct cgroup_stall {
	uint32_t avg10, avg60, avg300;
	uint64_t total_us;
};

struct cgroup_pressure {
	bool given;
	struct cgroup_stall some, full;
};

struct cgroup_memory1 {
#define MEMORY1(number, member, key) uint64_t member;
#define MEMORY2(number, member, key)
#include "sandbox/cgroup_stats.def"
#undef MEMORY1
#undef MEMORY2
};

struct cgroup_memory2 {
#define MEMORY1(number, member, key)
#define MEMORY2(number, member, key) uint64_t member;
#include "sandbox/cgroup_stats.def"
#undef MEMORY1
#undef MEMORY2
};

/* A row of a v1 file; `list` is the number of BlkIOStat's field. */
enum cgroup_io1_list {
	CGROUP_IO1_BYTES = 1,
	CGROUP_IO1_SERVICED,
	CGROUP_IO1_QUEUED,
	CGROUP_IO1_SERVICE_TIME,
	CGROUP_IO1_WAIT_TIME,
	CGROUP_IO1_MERGED,
	CGROUP_IO1_TIME,
	CGROUP_IO1_SECTORS,
};

struct cgroup_io1 {
	enum cgroup_io1_list list;
	char operation[16]; /* "Read"; "" where a file has none */
	uint32_t major, minor;
	uint64_t value;
};

struct cgroup_io2 {
	uint32_t major, minor;
	uint64_t read_bytes, write_bytes, reads, writes;
};

struct cgroup_huge {
	char page_size[16]; /* "2MB" */
	struct cgroup_usage usage;
};

struct cgroup_rdma {
	char device[32];
	uint64_t handles, objects, handles_limit, objects_limit;
};

struct cgroup_stats {
	uint32_t have, unified; /* 1 << enum cgroup_controller */
	struct {
		uint64_t usage, user, system; /* ns */
		uint64_t periods, throttled, throttled_time, bursts, burst_time;
		struct buf each; /* uint64_t ns a CPU; v1 only */
		struct cgroup_pressure pressure;
	} cpu;
	struct {
		struct cgroup_memory1 v1;
		struct cgroup_memory2 v2;
		/* v1: swap is memory and swap. v2: swap alone; failures are memory.events' max. */
		struct cgroup_usage memory, swap, kernel, kernel_tcp;
		struct cgroup_pressure pressure;
	} memory;
	struct {
		bool kill_disabled, under; /* v1 */
		uint64_t low, high, max, oom, group_kills; /* v2 */
		uint64_t kills;
	} oom;
	struct {
		uint64_t current, limit;
	} pids;
	struct {
		struct buf v1; /* struct cgroup_io1 */
		struct buf v2; /* struct cgroup_io2 */
		struct cgroup_pressure pressure;
	} io;
	struct buf huge; /* struct cgroup_huge */
	struct buf rdma; /* struct cgroup_rdma */
};

/* Storage is the caller's, deinit also after failure. A controller that cannot be read is left out. -ENODEV: the group is gone. */
int cgroup_stats(struct cgroup *group, struct cgroup_stats *ret, struct err *err);
void cgroup_stats_deinit(struct cgroup_stats *stats);

#endif
