/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beside.h: work in a child that shares our memory, and is gone when the call returns.
 *
 * For what changes a process for good and is to leave us as we are. The child calls body(env), which ends by _exit(): what it
 * leaves behind is in `env`. It runs on a stack that there is once, so it cannot do the same itself; 32 KiB.
 */
#ifndef SANDBOX_BESIDE_H
#define SANDBOX_BESIDE_H

/* `flags` of clone(2), beside CLONE_VM: CLONE_FILES where descriptors are shared, too. 0, or a negative errno: there was none. */
int beside_run(int flags, int (*body)(void *env), void *env);

#endif
