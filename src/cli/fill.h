/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.h: a module that was not in the cache gets there, by a process of its own, when the guest no longer minds.
 *
 * That process is `skiff cache add`, at idle priority: it reads and validates the module again, so nothing this process
 * has become since matters. It is started when the guest has run for a while, so that a server's neighbours find the
 * module, or else when the guest has ended.
 */
#ifndef CLI_FILL_H
#define CLI_FILL_H

#include <stdbool.h>

/* Everything is borrowed for good. `cache` NULL: the default one; `fuel`: for engines that count it. */
void fill_wanted(const char *cache, const char *module, bool fuel);
/* The guest begins. */
void fill_later(void);
/* The guest is done and the process ends next; also in a signal's handler. Does nothing where it was done or is not wanted. */
void fill_now(void);

#endif
