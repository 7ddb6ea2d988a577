/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system.h: what a guest has of the world: its arguments, environment, descriptors, directories, network.
 *
 * The system layer: calls in terms of C and Linux, results as -errno, no guest memory and no guest ABI. Faces
 * (preview 1: p1*.c) translate. Layers within the folder, from the bottom:
 *
 *   wait                       waiting that can be woken
 *   mounts, path, tree         names to descriptors, confined
 *   desc                       the descriptor table
 *   file, list, net, resolver  what is done with descriptors and names
 *   system                     all of it together, one a guest
 *   p1*                        preview 1 over it
 *
 * A system may be entered by several threads of its guest at once.
 */
#ifndef WASI_SYSTEM_H
#define WASI_SYSTEM_H

#include "base/buf.h"
#include "base/err.h"
#include "wasi/desc.h"
#include "wasi/mounts.h"
#include "wasi/policy.h"
#include "wasi/wait.h"

/* Strings for the guest, as they lie in one block: each with its NUL. */
struct strings {
	struct buf bytes;
	uint32_t count;
};

struct system {
	uint32_t refs;
	struct strings args;
	struct strings env;
	struct descs descs;
	struct mounts mounts;
	struct policy policy;
	struct stop stop;
	char *workdir;         /* owned; absolute, the guest's; NULL: "/" */
	uint32_t socket_count; /* listening sockets handed in */
	bool prepends; /* the guest's libc makes relative paths absolute (p1_cwd.c) */
	uint32_t max_threads;  /* a guest may have so many beside its first */
	bool sealed;           /* system_seal() was called: nothing more is set up */
};

enum { SYSTEM_THREADS = 1024 }; /* max_threads unless somebody says otherwise */

int system_new(struct system **ret);
struct system *system_ref(struct system *system);
/* Accepts NULL. Closes what the guest left open. */
void system_unref(struct system *system);

int system_arg(struct system *system, const char *arg);
/* "NAME=VALUE"; a later one of the same name replaces an earlier, when the system is sealed. */
int system_env(struct system *system, const char *variable);

/* -- Set up, before the guest runs -------------------------------------------------------------- */

/* The guest's 0, 1 or 2 is this descriptor, which stays the caller's; -1: closed. */
int system_stdio(struct system *system, uint32_t number, int fd);
/* Preopen: guest path, descriptor of a directory (taken on success), enum mount_flags. */
int system_dir(struct system *system, const char *guest, int fd, unsigned flags);
/* A listening socket handed in; taken on success. */
int system_listen(struct system *system, int fd);
/* Where relative paths begin. -ENOENT and others of path_open() come from system_seal(). */
int system_workdir(struct system *system, const char *guest);

/*
 * Everything is set up: the directories get their numbers, from 3 on behind the sockets. By whoever links; again it
 * does nothing.
 */
int system_seal(struct system *system);

/* The mount with the longest prefix of an absolute path, and the rest of the path below it; false: none. */
struct place;
bool system_place(const struct system *system, const char *path, struct place *ret,
		  const char **ret_rest);

#endif
