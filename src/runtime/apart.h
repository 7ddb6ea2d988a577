/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apart.h: work on what nobody can trust, in a process that can do nothing else.
 *
 * Whoever gets the better of the work has a process without rights, files and ways out, and one descriptor to write to. It
 * ends when the work does, when it takes too long, or when we end.
 */
#ifndef RUNTIME_APART_H
#define RUNTIME_APART_H

#include <stdint.h>

#include "skiff.h"

struct apart {
	uint64_t bytes; /* of memory, beyond what we have */
	uint64_t file_bytes; /* of the file it writes */
	uint64_t seconds; /* of CPU time */
};

/* A skiff_apart_fn; `env` is a struct apart. The calling process has one thread. */
int apart_run(void *env, int keep, skiff_work_fn *work, void *work_env, struct skiff_error *err);

#endif
