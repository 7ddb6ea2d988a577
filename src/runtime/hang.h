/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hang.h: which file a process waits for that does not go on.
 *
 * File systems that have a server may never answer. Nothing is kept for that case: the kernel knows what the process asked for,
 * and its memory has the name.
 */
#ifndef RUNTIME_HANG_H
#define RUNTIME_HANG_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* In its view of files; where it can be found out. We may look into the process. */
bool hang_path(pid_t pid, char path[static PATH_MAX]);

#endif
