/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.h: the file of --coredump.
 *
 * It is opened before the guest runs, so that a path that cannot be written is told then and not
 * after an hour; a regular file that stayed empty is taken away again.
 */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H

/* The descriptor, or a negative errno. */
int dump_open(const char *path);
/* After a trap: say so if nothing was written. */
void dump_check(int fd, const char *path);
/* fd may be negative; path NULL: whether an empty file stays is somebody else's business. */
void dump_close(int fd, const char *path);

#endif
