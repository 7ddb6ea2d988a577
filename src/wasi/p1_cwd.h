/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WASI_P1_CWD_H
#define WASI_P1_CWD_H

#include <stdbool.h>

struct instance;

/* Let the guest's libc begin in this directory (absolute), before anything of it runs. False: none was found that has a
 * notion of one; relative paths then begin there all the same (system.c, preopen_workdir()). */
bool p1_cwd_set(struct instance *instance, const char *workdir);

#endif
