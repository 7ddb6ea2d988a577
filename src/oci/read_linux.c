/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_linux.c: namespaces, id mappings, devices, sysctls; and for the file as a whole, what may not be asked for without a
 * namespace of one's own.
 *
 * The rules for sysctls are runc's: /proc/sys is one file system for all, and only what follows a namespace that is
 * not the host's is the container's to set.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "oci/read.h"

#define MAP_MAX 340u /* of the kernel's, user_namespaces(7) */
#define NAME_MAX_UTS 64u /* bytes of a host name */

/* -- Namespaces ------------------------------------------------------------------------------------------- */

static int read_namespace(struct reader *r, struct json_value value, const struct read_place *at)
{
	struct oci_namespace_entry entry = {0};
	struct oci_namespace *space;
	int rc = read_object(r, LEVEL_namespace, value, at, &entry);

	if (rc < 0)
		return rc;
	space = &r->spec->namespaces[entry.kind];
	if (space->wanted)
		return read_fail(r, at, "there are two %s namespaces",
				 oci_table_name(OCI_TABLE_NAMESPACE, (uint64_t)entry.kind));
	space->wanted = true;
	space->path = entry.path;
	return 0;
}

int read_linux_namespaces(struct reader *r, struct json_value value, const struct read_place *at)
{
	struct json_value item;
	size_t i = 0;
	int rc = read_check_array(r, value, at);

	for (item = json_first(value); rc == 0 && json_exists(item); item = json_next(item)) {
		struct read_place here = READ_ELEMENT(at, i++);

		rc = read_namespace(r, item, &here);
	}
	return rc;
}

/* -- Id mappings -------------------------------------------------------------------------------------------- */

int read_linux_check_map(struct reader *r, const struct read_place *at,
			 const struct oci_id_map *map)
{
	const struct read_place size = READ_FIELD(at, "size");

	if ((uint64_t)map->inside + map->size > UINT32_MAX ||
	    (uint64_t)map->outside + map->size > UINT32_MAX)
		return read_fail(r, &size, "goes beyond the last id");
	return 0;
}

static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < (uint64_t)b + b_size && b < (uint64_t)a + a_size;
}

static int check_ranges(struct reader *r, const struct read_place *at,
			const struct oci_id_maps *maps)
{
	if (maps->count > MAP_MAX)
		return read_fail(r, at, "must have at most %u ranges, has %u", MAP_MAX,
				 maps->count);
	for (uint32_t i = 0; i < maps->count; i++) {
		const struct oci_id_map *a = &maps->items[i];
		const struct read_place here = READ_ELEMENT(at, i);

		for (uint32_t j = 0; j < i; j++) {
			const struct oci_id_map *b = &maps->items[j];

			if (overlap(a->inside, a->size, b->inside, b->size) ||
			    overlap(a->outside, a->size, b->outside, b->size))
				return read_fail(r, &here, "overlaps range %u", j);
		}
	}
	return 0;
}

int read_linux_check_maps(struct reader *r, const struct read_place *at,
			  const struct oci_id_maps *uids, const struct oci_id_maps *gids)
{
	const struct read_place uid = READ_FIELD(at, "uidMappings"),
				gid = READ_FIELD(at, "gidMappings");
	int rc;

	if (uids->count == 0 && gids->count > 0)
		return read_fail(r, &uid, "is missing beside gidMappings");
	if (gids->count == 0 && uids->count > 0)
		return read_fail(r, &gid, "is missing beside uidMappings");
	rc = check_ranges(r, &uid, uids);
	return rc < 0 ? rc : check_ranges(r, &gid, gids);
}

static bool is_mapped(const struct oci_id_maps *maps, uint32_t id)
{
	for (uint32_t i = 0; i < maps->count; i++) {
		if (id >= maps->items[i].inside && id - maps->items[i].inside < maps->items[i].size)
			return true;
	}
	return false;
}

static int check_user_is_mapped(struct reader *r)
{
	const struct oci_spec *spec = r->spec;
	const struct oci_user *user = &spec->process.user;

	if (!is_mapped(&spec->uids, user->uid))
		return read_fail_field(r, "process.user.uid", "%u is not in linux.uidMappings",
				       user->uid);
	if (!is_mapped(&spec->gids, user->gid))
		return read_fail_field(r, "process.user.gid", "%u is not in linux.gidMappings",
				       user->gid);
	for (uint32_t i = 0; i < user->group_count; i++) {
		if (!is_mapped(&spec->gids, user->groups[i]))
			return read_fail_field(r, "process.user.additionalGids",
					       "%u is not in linux.gidMappings", user->groups[i]);
	}
	return 0;
}

static int check_user_namespace(struct reader *r)
{
	const struct oci_spec *spec = r->spec;
	const struct oci_namespace *space = &spec->namespaces[OCI_NS_USER];
	const struct read_place at = READ_FIELD(NULL, "linux");
	int rc;

	if (spec->uids.count > 0 && !space->wanted)
		return read_fail_field(r, "linux.uidMappings",
				       "needs a user namespace in linux.namespaces");
	rc = read_linux_check_maps(r, &at, &spec->uids, &spec->gids);
	if (rc < 0 || !space->wanted || space->path != NULL)
		return rc;
	if (spec->uids.count == 0)
		return read_fail_field(r, "linux.uidMappings",
				       "is missing, with a new user namespace");
	return spec->has_process ? check_user_is_mapped(r) : 0;
}

/* -- Devices --------------------------------------------------------------------------------------------------- */

int read_linux_check_device(struct reader *r, const struct read_place *at,
			    struct oci_device *device)
{
	const struct read_place major = READ_FIELD(at, "major"), minor = READ_FIELD(at, "minor");

	device->mode = device->has_mode ? device->mode & 07777 : 0666;
	if (device->type == S_IFIFO)
		return 0;
	if (!device->has_major)
		return read_fail(r, &major, "is missing");
	if (!device->has_minor)
		return read_fail(r, &minor, "is missing");
	return 0;
}

/* -- Sysctls ------------------------------------------------------------------------------------------------------ */

/* To a path: as sysctl(8) has it, the first of '.' and '/' that comes parts the names, and the other stands for it inside a
 * name (net/ipv4/conf/eth0.1/..., net.ipv4.conf.eth0/1...). False: no path below /proc/sys comes of it. */
static bool make_path(char *name)
{
	const char *first = strpbrk(name, "./"), *part = name;
	bool swap = first != NULL && *first == '.';

	for (char *at = name; *at != '\0' && swap; at++)
		*at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
	for (;;) {
		size_t size = strcspn(part, "/");

		if (size == 0 || (part[0] == '.' && (size == 1 || (size == 2 && part[1] == '.'))))
			return false;
		if (part[size] == '\0')
			return true;
		part += size + 1;
	}
}

static bool is_ipc(const char *path)
{
	static const char names[][16] = {"msgmax", "msgmnb", "msgmni", "sem",
					 "shmall", "shmmax", "shmmni", "shm_rmid_forced"};

	if (strncmp(path, "fs/mqueue/", 10) == 0)
		return true;
	if (strncmp(path, "kernel/", 7) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(path + 7, names[i]) == 0)
			return true;
	}
	return false;
}

static int check_sysctl(struct reader *r, const struct read_place *at, const char *path)
{
	enum oci_namespace_kind kind;

	if (strncmp(path, "net/", 4) == 0)
		kind = OCI_NS_NETWORK;
	else if (is_ipc(path))
		kind = OCI_NS_IPC;
	else if (strcmp(path, "kernel/domainname") == 0)
		kind = OCI_NS_UTS;
	else if (strcmp(path, "kernel/hostname") == 0)
		return read_fail(r, at, "is what hostname is for");
	else
		return read_fail(r, at, "belongs to the host: no namespace has its own");
	if (!r->spec->namespaces[kind].wanted)
		return read_fail(
			r, at, "belongs to the host: there is no %s namespace in linux.namespaces",
			oci_table_name(OCI_TABLE_NAMESPACE, kind));
	return 0;
}

static int check_sysctls(struct reader *r)
{
	const struct oci_pairs *sysctls = &r->spec->sysctls;
	const struct read_place linux_at = READ_FIELD(NULL, "linux");
	const struct read_place field = READ_FIELD(&linux_at, "sysctl");

	for (uint32_t i = 0; i < sysctls->count; i++) {
		struct oci_pair *pair = &sysctls->items[i];
		const struct read_place here = {.up = &field, .name = pair->key, .is_key = true};
		char *path = arena_string(r->arena, pair->key, strlen(pair->key));
		int rc;

		if (path == NULL)
			return -ENOMEM;
		rc = make_path(path) ? check_sysctl(r, &here, path)
				     : read_fail(r, &here, "is not the name of a sysctl");
		if (rc < 0)
			return rc;
		pair->key = path;
	}
	return 0;
}

/* -- The whole ---------------------------------------------------------------------------------------------------- */

static int check_name(struct reader *r, const char *field, const char *name)
{
	if (name == NULL)
		return 0;
	if (!r->spec->namespaces[OCI_NS_UTS].wanted)
		return read_fail_field(r, field, "needs a uts namespace in linux.namespaces");
	if (strlen(name) > NAME_MAX_UTS)
		return read_fail_field(r, field, "must have at most %u bytes, has %zu",
				       NAME_MAX_UTS, strlen(name));
	return 0;
}

static int check_offsets(struct reader *r)
{
	const struct oci_spec *spec = r->spec;
	const struct oci_namespace *space = &spec->namespaces[OCI_NS_TIME];

	if (!spec->monotonic.given && !spec->boottime.given)
		return 0;
	if (!space->wanted)
		return read_fail_field(r, "linux.timeOffsets",
				       "needs a time namespace in linux.namespaces");
	if (space->path != NULL)
		return read_fail_field(r, "linux.timeOffsets",
				       "needs a time namespace that is new, not one to join");
	return 0;
}

static int check_cgroup(struct reader *r)
{
	const char *part = r->spec->cgroup;

	for (; part != NULL && *part != '\0'; part += *part == '/') {
		size_t size = strcspn(part, "/");

		if (size == 2 && memcmp(part, "..", 2) == 0)
			return read_fail_field(r, "linux.cgroupsPath",
					       "must not hold '..', is '%s'", r->spec->cgroup);
		part += size;
	}
	return 0;
}

int read_linux_check(struct reader *r)
{
	int rc = check_user_namespace(r);

	if (rc == 0)
		rc = check_name(r, "hostname", r->spec->hostname);
	if (rc == 0)
		rc = check_name(r, "domainname", r->spec->domainname);
	if (rc == 0)
		rc = check_offsets(r);
	if (rc == 0)
		rc = check_sysctls(r);
	if (rc == 0)
		rc = check_cgroup(r);
	return rc < 0 ? rc : read_mounts_check_all(r);
}
