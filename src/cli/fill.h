/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.h: a module that was not in the cache gets there, by a process of its own, when the guest no longer minds.
 *
 * That process is `skiff cache add`, at idle priority: it reads and validates the module again, so nothing this process
 * has become since matters. It is started when the guest has run for a while, so that a server's neighbours find the
 * module, or else when the guest has ended.
 *
 * There is one in a process, and it serves either of two: a guest that runs here (fill_wanted, fill_later, fill_now), or one that
 * runs in a container, for whoever waits for it (fill_wanted_of, in a loop fill_waits and fill_when_due, fill_now), or does
 * not (fill_behind).
 */
#ifndef CLI_FILL_H
#define CLI_FILL_H

#include <stdbool.h>
#include <sys/types.h>

/* Everything is borrowed for good. `cache` NULL: the default one; `fuel`: for engines that count it. */
void fill_wanted(const char *cache, const char *module, bool fuel);
/*
 * The same for whoever waits for a guest that runs in another process: the module is a descriptor, which is taken (-1: it need not be
 * put in). `cache` NULL: the default one of a process without variables.
 */
void fill_wanted_of(const char *cache, int module, bool fuel);
/* Which cache a process without variables is to use: an absolute path that SKIFF_CACHE names, "" for none, NULL: its default one. */
const char *fill_cache(void);
/* Milliseconds until it is to begin; -1: nothing is. */
int fill_waits(void);
/* If it is due, it begins. */
void fill_when_due(void);
/* The end of a child was heard of: it may have been that one. */
void fill_ended(void);
/* In front of a guest that is about to be started by somebody else, when we are gone: after the same time. */
void fill_behind(void);

/* The guest begins. */
void fill_later(void);
/* The guest is done and the process ends next; also in a signal's handler. Does nothing where it was done or is not wanted. */
void fill_now(void);

#endif
