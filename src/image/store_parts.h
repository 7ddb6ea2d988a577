/* SPDX-License-Identifier: Apache-2.0 */
/* store_parts.h: what the files of the store have of one another. */
#ifndef IMAGE_STORE_PARTS_H
#define IMAGE_STORE_PARTS_H

#include "image/store.h"

/* What lies in a store beside what an OCI layout has; oci/store.h tells of it. */
#define STORE_LOCK "lock"
#define STORE_INDEX_LOCK "index.lock"
#define STORE_PARTIAL "partial"
#define STORE_ROOTS "roots"
#define STORE_READY "ready"
/* A file: there is something to collect, as soon as nobody uses the store. */
#define STORE_GARBAGE "garbage"

/* Since when a name stands for what it does; "2026-11-22T10:00:00Z". */
#define STORE_SINCE "org.skiff-wasm.since"

/* "WHAT in the store 'PATH': why", and what helps against that; returns `error`. */
int store_fail(const struct store *store, int error, const char *what, struct err *err);
/* Wait for a lock; who has to wait for long is told what for. 0 or a negative errno. */
int store_wait(const struct store *store, int fd, int how, const char *what);
/* index.json is ours alone until the descriptor is closed. */
int store_lock_index(const struct store *store, struct err *err);
/* Its text; the caller's. */
int store_read_index(const struct store *store, char **ret, size_t *ret_size, struct err *err);
/* A directory of the store is on the disk as it is now; missing is success. 0 or a negative errno. */
int store_sync(const struct store *store, const char *name);
/* Remember that there is something to collect; failing to is no failure. */
void store_mark(const struct store *store);

/*
 * A directory, whatever lies in it, and nothing that a link in it leads to; *freed grows by what that took on the disk. `name` is one
 * of `dir`. Whoever is killed leaves `scratch`, also of `dir`, or a part of it.
 */
int tree_remove(int dir, const char *name, const char *scratch, uint64_t *freed);

#endif
