/* SPDX-License-Identifier: Apache-2.0 */
/* syscalls.h: names of system calls to numbers of this CPU, and back. */
#ifndef SANDBOX_SYSCALLS_H
#define SANDBOX_SYSCALLS_H

/* Every number is below this. */
enum { SYSCALLS_MOST = 512 };

/*
 * The number, or -1: this CPU has no such call, or nobody here knows it. *hint makes a walk through sorted names
 * fast: 0 at first, then as it was left; NULL: no walk.
 */
int syscalls_find(const char *name, unsigned *hint);
/* Borrowed; NULL: no call has this number. Slow: for people. */
const char *syscalls_name(int number);

#endif
