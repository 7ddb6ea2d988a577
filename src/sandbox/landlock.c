/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock.c: Landlock by its three system calls.
 *
 * The numbers and layouts are written down here, since the headers of the builder may be older than the kernel. A kernel
 * refuses bits it does not know, so what is asked for is cut down to what its version has.
 */
#include "sandbox/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

enum {
	VERSION_REFER = 2,
	VERSION_TRUNCATE = 3,
	VERSION_TCP = 4,
	VERSION_IOCTL = 5,
	VERSION_SCOPE = 6,
	RULE_PATH = 1,
	RULE_PORT = 2,
};

#define RIGHT(n) (UINT64_C(1) << (n))
#define RIGHTS_FIRST (RIGHT(13) - 1) /* of version 1 */
#define RIGHT_REFER RIGHT(13)
#define RIGHT_TRUNCATE RIGHT(14)
#define RIGHT_IOCTL RIGHT(15)
#define SCOPES (RIGHT(0) | RIGHT(1)) /* abstract unix sockets, signals */
#define PORTS (RIGHT(0) | RIGHT(1)) /* bind, connect */

/* What READ and WRITE are. A file has only some of them. */
#define OF_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define OF_WRITE                                                         \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |  \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM | RIGHT_REFER | RIGHT_TRUNCATE)
#define OF_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)

/* As the kernel lays them out; a shorter one is an older one. */
struct ruleset {
	uint64_t rights;
	uint64_t ports;
	uint64_t scopes;
};

struct path_rule {
	uint64_t rights;
	int32_t fd;
} __attribute__((packed));

struct port_rule {
	uint64_t rights;
	uint64_t port;
};

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0ul,
			       (unsigned long)LANDLOCK_CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}

static uint64_t rights_of(int version)
{
	uint64_t rights = RIGHTS_FIRST;

	if (version >= VERSION_REFER)
		rights |= RIGHT_REFER;
	if (version >= VERSION_TRUNCATE)
		rights |= RIGHT_TRUNCATE;
	if (version >= VERSION_IOCTL)
		rights |= RIGHT_IOCTL;
	return rights;
}

/* `version` is the kernel's, or less. */
static int open_version(struct landlock *ret, int version, bool tcp, struct err *err)
{
	struct ruleset rules = {.rights = rights_of(version)};
	size_t size = offsetof(struct ruleset, ports);
	long fd;

	if (version >= VERSION_TCP) {
		size = offsetof(struct ruleset, scopes);
		rules.ports = tcp ? PORTS : 0;
	}
	if (version >= VERSION_SCOPE) {
		size = sizeof(rules);
		rules.scopes = SCOPES;
	}
	fd = syscall(SYS_landlock_create_ruleset, &rules, size, 0ul);
	if (fd < 0)
		return err_set(err, -errno, "make Landlock rules: %s", strerror(errno));
	*ret = (struct landlock){.fd = (int)fd,
				 .version = version,
				 .rights = rules.rights,
				 .ports = rules.ports != 0};
	return 0;
}

int landlock_open(struct landlock *ret, bool tcp, struct err *err)
{
	int version = landlock_version();

	if (version > 0)
		return open_version(ret, version, tcp, err);
	*ret = LANDLOCK_NONE;
	return 0;
}

void landlock_deinit(struct landlock *landlock)
{
	if (landlock->fd >= 0)
		close(landlock->fd);
	*landlock = LANDLOCK_NONE;
}

int landlock_allow(const struct landlock *landlock, int fd, unsigned rights, struct err *err)
{
	struct path_rule rule = {.fd = fd};
	struct stat st;

	if (landlock->version == 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "allow a path by Landlock: %s", strerror(errno));
	rule.rights =
		(rights & LANDLOCK_READ ? OF_READ : 0) | (rights & LANDLOCK_WRITE ? OF_WRITE : 0);
	rule.rights &= landlock->rights & (S_ISDIR(st.st_mode) ? UINT64_MAX : OF_FILE);
	/* The kernel takes no rule that allows nothing. */
	if (rule.rights == 0)
		return 0;
	if (syscall(SYS_landlock_add_rule, landlock->fd, (long)RULE_PATH, &rule, 0ul) < 0)
		return err_set(err, -errno, "allow a path by Landlock: %s", strerror(errno));
	return 0;
}

int landlock_allow_port(const struct landlock *landlock, uint16_t port, unsigned rights,
			struct err *err)
{
	struct port_rule rule = {.rights = rights & PORTS, .port = port};

	if (!landlock->ports || rule.rights == 0)
		return 0;
	if (syscall(SYS_landlock_add_rule, landlock->fd, (long)RULE_PORT, &rule, 0ul) < 0)
		return err_set(err, -errno, "allow port %u by Landlock: %s", port, strerror(errno));
	return 0;
}

int landlock_close(struct landlock *landlock, enum landlock_result *ret, struct err *err)
{
	int version = landlock->version;

	if (version > 0 && syscall(SYS_landlock_restrict_self, landlock->fd, 0ul) < 0)
		return err_set(err, -errno, "close the cage by Landlock: %s", strerror(errno));
	landlock_deinit(landlock);
	if (version == 0)
		*ret = LANDLOCK_MISSING;
	else
		*ret = version >= VERSION_SCOPE ? LANDLOCK_APPLIED : LANDLOCK_PARTLY;
	return 0;
}
