/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landlock.h: the directories a process may still open something in, whatever it is about to do.
 *
 * landlock_open(), landlock_allow() for each directory or file, landlock_allow_port(), then landlock_close(), which is for
 * good. What was opened before stays open with the rights it has. Executing a file and making device nodes, sockets and
 * pipes is never allowed; where the kernel can (see enum landlock_result), neither is reaching an abstract unix
 * socket or a process outside, and TCP only to and from the ports allowed.
 *
 * What it does not stop: chmod, chown, utime, chdir, connect() to a unix socket that has a path. The mount view and the
 * seccomp filter do.
 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* How much of it the kernel has. */
enum landlock_result {
	LANDLOCK_APPLIED, /* everything this file knows */
	LANDLOCK_PARTLY, /* an older one: the file rights of its version */
	LANDLOCK_MISSING, /* nothing was done: not in the kernel, or switched off */
};

enum landlock_rights {
	LANDLOCK_READ = 1, /* files and lists of directories */
	LANDLOCK_WRITE = 2, /* files, and what directories hold */
};

enum landlock_port {
	LANDLOCK_BIND = 1,
	LANDLOCK_CONNECT = 2,
};

/* All zeros but fd -1: not there, and every call below does nothing. */
struct landlock {
	int fd; /* owned; of the rules */
	int version; /* the kernel's, of the interface; 0: none */
	uint64_t rights; /* what is handled */
	bool ports; /* TCP is handled */
};

#define LANDLOCK_NONE ((struct landlock){.fd = -1})

/* The kernel's version of the interface; 0: none. */
int landlock_version(void);

/* `tcp`: restrict TCP too, where that can be had. */
int landlock_open(struct landlock *ret, bool tcp, struct err *err);
void landlock_deinit(struct landlock *landlock);

/* `fd`: a directory with all below it, or a file; O_PATH will do. enum landlock_rights. */
int landlock_allow(const struct landlock *landlock, int fd, unsigned rights, struct err *err);
/* enum landlock_port. */
int landlock_allow_port(const struct landlock *landlock, uint16_t port, unsigned rights,
			struct err *err);

/* For the calling thread and those it starts. It has no_new_privs or CAP_SYS_ADMIN. */
int landlock_close(struct landlock *landlock, enum landlock_result *ret, struct err *err);

#endif
