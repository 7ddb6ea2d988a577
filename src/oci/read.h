/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read.h: what the files of the reader share.
 *
 * read.c walks the table of fields (spec.def) and the JSON tree together and puts plain values where the rows say; the
 * others (process, mounts, linux, resources, seccomp) read what is no plain value, and check what a level as a whole must
 * keep to: read.c calls a level's check when all of its fields have been read.
 */
#ifndef OCI_READ_H
#define OCI_READ_H

#include "base/buf.h"
#include "base/json.h"
#include "oci/spec.h"
#include "oci/tables.h"

/* A field on the way down to the value at hand: the path of an error is made of these. */
struct read_place {
	const struct read_place *up; /* borrowed; NULL: this is the outermost */
	const char *name; /* borrowed; NULL: an element of a list */
	size_t index; /* of the element */
	bool is_key; /* the name is a key of a map: written in brackets and quotes */
};

struct reader {
	struct oci_spec *spec; /* borrowed */
	struct arena *arena; /* of the spec */
	struct buf unknown; /* const char *, in the arena */
	bool is_update; /* these are resources alone: what they leave out stays as it was */
	struct err *err;
};

/* Levels of spec.def. */
enum read_level {
#define LEVEL(id, struct_name) LEVEL_##id,
#define FIELD(level, name, kind, state, text)
#define REQUIRED(level, name, kind, state, text)
#include "oci/spec.def"
#undef LEVEL
#undef FIELD
#undef REQUIRED
	LEVEL_COUNT,
};

/* Element of linux.namespaces before it finds its place. */
struct oci_namespace_entry {
	int kind;
	const char *path;
};

#define READ_ELEMENT(up_, index_) ((struct read_place){.up = (up_), .index = (index_)})
#define READ_FIELD(up_, name_) ((struct read_place){.up = (up_), .name = (name_)})

/* -- read_fail.c, read_list.c --------------------------------------------------------------------------- */

/* Write "path: sentence" and return -EINVAL. */
int read_fail(struct reader *r, const struct read_place *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for a path given as text. */
int read_fail_field(struct reader *r, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "must be `wanted`, is a number". */
int read_fail_mistyped(struct reader *r, const struct read_place *at, const char *wanted,
		       struct json_value value);
/* Keep the path of a field that nobody knows. */
int read_fail_unknown(struct reader *r, const struct read_place *at);
/* Is this a list of numbers like 0-3,7 with ascending ranges? NULL (none given) is. */
int read_list_check(struct reader *r, const char *path, const char *list);

/* -- read.c -------------------------------------------------------------------------------------------- */

/* The fields of an object into `base`, then its level's check. */
int read_object(struct reader *r, enum read_level level, struct json_value value,
		const struct read_place *at, void *base);
/* A string without NULs, copied; "" where it is empty. */
int read_text(struct reader *r, struct json_value value, const struct read_place *at,
	      const char **ret);
/* Refuse a value that is no array. */
int read_check_array(struct reader *r, struct json_value value, const struct read_place *at);
int read_strings(struct reader *r, struct json_value value, const struct read_place *at,
		 struct oci_strings *ret);

/* -- What is no plain field (of a rule, type and numbers are asked for missing ones, too) ---------------------- */

int read_process_capabilities(struct reader *r, struct json_value value,
			      const struct read_place *at, uint64_t *ret);
int read_mounts_options(struct reader *r, struct json_value value, const struct read_place *at,
			struct oci_mount *mount);
int read_linux_namespaces(struct reader *r, struct json_value value, const struct read_place *at);
int read_resources_rule_type(struct reader *r, struct json_value value, const struct read_place *at,
			     struct oci_device_rule *rule);
int read_resources_rule_number(struct reader *r, struct json_value value,
			       const struct read_place *at, int64_t *ret);
int read_resources_rule_access(struct reader *r, struct json_value value,
			       const struct read_place *at, struct oci_device_rule *rule);
int read_resources_swappiness(struct reader *r, struct json_value value,
			      const struct read_place *at, struct oci_number *ret);

/* -- Checks of a level ------------------------------------------------------------------------------------- */

int read_process_check(struct reader *r, const struct read_place *at, struct oci_process *process);
int read_process_check_capabilities(struct reader *r, struct oci_capabilities *set);
int read_process_check_rlimit(struct reader *r, const struct read_place *at,
			      const struct oci_rlimit *limit);
int read_process_check_scheduler(struct reader *r, const struct oci_process *process);
int read_mounts_check(struct reader *r, const struct read_place *at, struct oci_mount *mount);
/* Mounts beside the user namespace they may depend on. */
int read_mounts_check_all(struct reader *r);
int read_linux_check_map(struct reader *r, const struct read_place *at,
			 const struct oci_id_map *map);
/* Two maps that come together, none of which overlaps itself. */
int read_linux_check_maps(struct reader *r, const struct read_place *at,
			  const struct oci_id_maps *uids, const struct oci_id_maps *gids);
int read_linux_check_device(struct reader *r, const struct read_place *at,
			    struct oci_device *device);
/* The whole: what namespaces have to do with other fields. */
int read_linux_check(struct reader *r);
int read_resources_check(struct reader *r);
int read_resources_check_rule(struct reader *r, const struct read_place *at,
			      struct oci_device_rule *rule);
int read_resources_check_weight(struct reader *r, const struct read_place *at,
				const struct oci_io_weight *weight);
int read_resources_check_hugepage(struct reader *r, const struct read_place *at,
				  const struct oci_hugepage *page);
int read_resources_check_priority(struct reader *r, const struct read_place *at,
				  const struct oci_network_priority *priority);
int read_resources_check_rdma(struct reader *r, const struct read_place *at,
			      const struct oci_rdma *rdma);
int read_seccomp_check(struct reader *r, struct oci_seccomp *seccomp);
int read_seccomp_check_rule(struct reader *r, const struct read_place *at,
			    struct oci_seccomp_rule *rule);

#endif
