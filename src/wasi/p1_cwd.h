/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WASI_P1_CWD_H
#define WASI_P1_CWD_H

struct instance;

/* What the guest's libc knows of a working directory. */
enum p1_cwd {
	P1_CWD_NONE,     /* nothing, or it could not be found */
	P1_CWD_TOLD,     /* it tells it: getcwd() */
	P1_CWD_PREPENDS, /* and puts it before relative paths */
};

/* Let the guest's libc begin in this directory (absolute), before anything of it runs. Whatever comes of it, relative
 * paths begin there (system.c, preopen_workdir()). */
enum p1_cwd p1_cwd_set(struct instance *instance, const char *workdir);

#endif
