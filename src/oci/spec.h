/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec.h: what a bundle's config.json asks for, checked.
 *
 * Plain data: strings, arrays, numbers, all owned by the spec's arena and freed with it. No string holds a NUL of its own, and
 * a string that may be missing is NULL where it is empty, as Go's tools mean it. Every field of the OCI runtime
 * specification stands in one table (spec.def), which says where it goes here, or why it is refused or ignored; the
 * reader, docs/oci.md and the test against the specification's schema come from that table.
 *
 * Whoever has a spec need not ask whether a field makes sense by itself: paths that must be absolute are, enumerations are
 * numbers, an array of ranges is sorted out, two fields do not contradict each other. Whether the host can do it is the
 * business of those who carry it out.
 */
#ifndef OCI_SPEC_H
#define OCI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct oci_strings {
	const char **items; /* items[count] is NULL: also an argv */
	uint32_t count;
};

struct oci_pair {
	const char *key;
	const char *value;
};

struct oci_pairs {
	struct oci_pair *items;
	uint32_t count;
};

/* -- process --------------------------------------------------------------------------------------- */

struct oci_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard; /* RLIM_INFINITY as the kernel has it */
};

/* Bits by the kernel's numbers. */
struct oci_capabilities {
	bool given;
	uint64_t bounding, effective, inheritable, permitted, ambient;
	struct oci_strings unknown; /* names this kernel may not know: told, not refused */
};

struct oci_user {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	bool has_umask;
	gid_t *groups; /* additional */
	uint32_t group_count;
};

struct oci_process {
	bool terminal;
	uint16_t rows, columns; /* of the terminal; 0: not given */
	struct oci_user user;
	struct oci_strings args; /* at least one, unless this is a spec without a process */
	struct oci_strings env; /* each NAME=VALUE, no NAME twice */
	const char *cwd; /* absolute */
	struct oci_capabilities capabilities;
	struct oci_rlimit *rlimits;
	uint32_t rlimit_count;
	bool no_new_privileges;
	int oom_score_adj;
	bool has_oom_score_adj;
	int scheduler_policy; /* SCHED_*; -1: not given */
	int scheduler_nice, scheduler_priority;
	uint64_t scheduler_runtime, scheduler_deadline, scheduler_period, scheduler_flags;
	int ioprio_class, ioprio_level; /* IOPRIO_CLASS_*, 0: not given; 0 to 7 */
	const char *apparmor; /* NULL: not given; so with all strings that may be missing */
	const char *selinux;
	const char *exec_cpus_initial, *exec_cpus_final; /* execCPUAffinity */
};

/* -- mounts ---------------------------------------------------------------------------------------- */

struct oci_id_map {
	uint32_t inside, outside, size;
};

struct oci_id_maps {
	struct oci_id_map *items;
	uint32_t count;
};

struct oci_mount {
	const char *destination; /* absolute; may hold .. */
	const char *type; /* "bind" where only the options say so; NULL: none given */
	const char *source; /* NULL: none */
	uint64_t set, clear; /* MS_* flags that options switch on and off */
	uint64_t set_recursive,
		clear_recursive; /* those named with a leading r: rro, rnosuid, ... */
	uint64_t propagation; /* MS_PRIVATE, MS_SHARED, ... with MS_REC; 0: none asked */
	bool is_bind; /* bind or rbind */
	bool is_recursive; /* rbind */
	bool copies_up; /* tmpcopyup */
	bool idmap, idmap_recursive;
	struct oci_id_maps uids, gids;
	struct oci_strings data; /* what is for the file system, an option each */
};

/* -- linux ----------------------------------------------------------------------------------------- */

enum oci_namespace_kind {
	OCI_NS_PID,
	OCI_NS_NETWORK,
	OCI_NS_MOUNT,
	OCI_NS_IPC,
	OCI_NS_UTS,
	OCI_NS_USER,
	OCI_NS_CGROUP,
	OCI_NS_TIME,
	OCI_NS_COUNT,
};

struct oci_namespace {
	bool wanted;
	const char *path; /* join this one; NULL: a new one */
};

struct oci_time_offset {
	int64_t seconds;
	uint32_t nanoseconds;
	bool given;
};

struct oci_device {
	const char *path;
	mode_t type; /* S_IFCHR, S_IFBLK, S_IFIFO */
	mode_t mode; /* permissions; 0666 where not given */
	uint32_t major, minor;
	bool has_mode, has_major, has_minor; /* the file gives them */
	uid_t uid;
	gid_t gid;
};

struct oci_device_rule {
	bool allow;
	char type; /* 'a', 'b', 'c'; 'a': any number, any access */
	int64_t major, minor; /* -1: any */
	bool read, write, mknod;
};

/*
 * A number that may be missing. Where the file's -1 means "unlimited" it is OCI_UNLIMITED here; where its 0 means "leave it",
 * as callers written in Go mean it (docs/oci.md names the fields), it is not given.
 */
#define OCI_UNLIMITED INT64_MAX

struct oci_number {
	int64_t value;
	bool given;
};

struct oci_throttle {
	uint32_t major, minor;
	uint64_t rate;
};

struct oci_throttles {
	struct oci_throttle *items;
	uint32_t count;
};

struct oci_io_weight {
	uint32_t major, minor;
	struct oci_number weight, leaf_weight;
};

struct oci_hugepage {
	const char *size; /* "2MB", as the kernel's files are called */
	uint64_t limit;
};

struct oci_network_priority {
	const char *name;
	uint32_t priority;
};

struct oci_rdma {
	const char *device;
	struct oci_number handles, objects;
};

struct oci_resources {
	struct oci_device_rule *devices; /* in order: the last that fits holds */
	uint32_t device_count;
	struct oci_number memory_limit, memory_reservation, memory_swap, kernel_memory,
		kernel_memory_tcp, swappiness, oom_kill_disable, use_hierarchy, check_before_update;
	struct oci_number cpu_shares, cpu_quota, cpu_burst, cpu_period, cpu_realtime_runtime,
		cpu_realtime_period, cpu_idle;
	const char *cpus, *mems;
	struct oci_number pids_limit;
	struct oci_number io_weight, io_leaf_weight;
	struct oci_io_weight *io_weights; /* by device */
	uint32_t io_weight_count;
	struct oci_throttles read_bps, write_bps, read_iops, write_iops;
	struct oci_hugepage *hugepages;
	uint32_t hugepage_count;
	struct oci_number network_class;
	struct oci_network_priority *network_priorities;
	uint32_t network_priority_count;
	struct oci_rdma *rdma;
	uint32_t rdma_count;
	struct oci_pairs unified; /* names of cgroup v2 files, without a slash */
};

/* -- seccomp --------------------------------------------------------------------------------------- */

enum oci_seccomp_action {
	OCI_ACT_KILL_PROCESS,
	OCI_ACT_KILL_THREAD,
	OCI_ACT_TRAP,
	OCI_ACT_ERRNO,
	OCI_ACT_TRACE,
	OCI_ACT_NOTIFY,
	OCI_ACT_LOG,
	OCI_ACT_ALLOW,
};

enum oci_seccomp_op {
	OCI_OP_NE,
	OCI_OP_LT,
	OCI_OP_LE,
	OCI_OP_EQ,
	OCI_OP_GE,
	OCI_OP_GT,
	OCI_OP_MASKED_EQ
};

struct oci_seccomp_arg {
	uint32_t index; /* 0 to 5 */
	enum oci_seccomp_op op;
	uint64_t value, value_two; /* masked: argument & value == value_two */
};

struct oci_seccomp_rule {
	struct oci_strings names;
	enum oci_seccomp_action action;
	uint32_t error; /* errno of ERRNO, TRACE's number; EPERM where none is given */
	bool has_error; /* given */
	struct oci_seccomp_arg *args; /* all must hold; no index twice */
	uint32_t arg_count;
};

struct oci_seccomp {
	bool given;
	enum oci_seccomp_action otherwise; /* defaultAction */
	uint32_t otherwise_error; /* as above */
	bool has_otherwise_error;
	struct oci_strings architectures; /* SCMP_ARCH_* as written */
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	struct oci_seccomp_rule *rules;
	uint32_t rule_count;
	const char *listener,
		*listener_metadata; /* the listener is given where an action is NOTIFY */
};

/* -- the rest -------------------------------------------------------------------------------------- */

struct oci_hook {
	const char *path; /* absolute */
	struct oci_strings args, env;
	uint32_t timeout; /* seconds; 0: none */
};

struct oci_hooks {
	struct oci_hook *items;
	uint32_t count;
};

enum oci_hook_kind {
	OCI_HOOK_PRESTART,
	OCI_HOOK_CREATE_RUNTIME,
	OCI_HOOK_CREATE_CONTAINER,
	OCI_HOOK_START_CONTAINER,
	OCI_HOOK_POSTSTART,
	OCI_HOOK_POSTSTOP,
	OCI_HOOK_COUNT,
};

struct oci_spec {
	const char *version; /* ociVersion */
	const char *root; /* path as written: may be relative to the bundle */
	bool root_is_readonly;
	const char *hostname, *domainname;
	bool has_process;
	struct oci_process process;
	struct oci_mount *mounts; /* in order */
	uint32_t mount_count;
	struct oci_hooks hooks[OCI_HOOK_COUNT];
	struct oci_pairs annotations; /* sorted by key */
	struct oci_namespace namespaces[OCI_NS_COUNT];
	struct oci_id_maps uids, gids; /* of the user namespace */
	struct oci_time_offset monotonic, boottime;
	struct oci_device *devices;
	uint32_t device_count;
	const char *cgroup; /* cgroupsPath as written; NULL: none */
	struct oci_resources resources;
	struct oci_pairs
		sysctls; /* keys as paths below /proc/sys: net/ipv4/ip_forward; each of a namespace of its own */
	struct oci_seccomp seccomp;
	uint64_t root_propagation; /* MS_* */
	struct oci_strings masked_paths, readonly_paths;
	const char *mount_label;
	bool personality_linux32;
	/* Fields of the file that nobody knows, as paths: told at the log level of notes. */
	struct oci_strings unknown;
	struct arena arena; /* owned: all of the above lies in it */
};

/*
 * Read the text of a config.json. On failure -EINVAL, and the sentence begins with the path of the field:
 * "linux.resources.memory.limit: must be a whole number, is a string". -ENOMEM: no memory.
 */
int oci_spec_parse(struct oci_spec **ret, const char *text, size_t size, struct err *err);
/* A process alone, as exec gets it (process.json). */
int oci_process_parse(struct oci_spec **ret, const char *text, size_t size, struct err *err);
/* Resources alone, as update gets them. */
int oci_resources_parse(struct oci_spec **ret, const char *text, size_t size, struct err *err);
void oci_spec_free(struct oci_spec *spec);

/* What becomes of changes in the root: this annotation says this, or nothing. */
#define OCI_ROOT_ANNOTATION "skiff.root"
#define OCI_ROOT_SCRATCH "scratch"

/* The value of an annotation, or NULL. */
const char *oci_annotation(const struct oci_spec *spec, const char *key);
/* The value of a variable of the process, or NULL. */
const char *oci_env(const struct oci_process *process, const char *name);

/* How a process is to be run: by crun's rules for annotations, and by what the file begins with. */
enum oci_handler {
	OCI_HANDLER_ANY, /* nothing said: the first bytes of the file decide */
	OCI_HANDLER_WASM, /* said to be wasm */
	OCI_HANDLER_NATIVE, /* a sandbox's pause, or another handler asked for by name */
};
enum oci_handler oci_handler(const struct oci_spec *spec);

/* "path#function" taken apart: the length of the path; *ret_function is NULL where there is none. */
size_t oci_entry_path(const char *arg, const char **ret_function);

#endif
