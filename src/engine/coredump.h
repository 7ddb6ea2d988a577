/* SPDX-License-Identifier: Apache-2.0 */
/* coredump.h: what a store holds at a trap, written as a WebAssembly core dump for a debugger. */
#ifndef ENGINE_COREDUMP_H
#define ENGINE_COREDUMP_H

#include "exec/store.h"

/*
 * Write the dump to fd, from where it stands on. For store->on_trap: the frames of the store's thread still
 * stand; `pc` is where the innermost one stopped, NULL: in host code. Returns 0, or a negative errno
 * with part of the dump written.
 */
int coredump_write(struct store *store, const uint8_t *pc, int fd);

#endif
