/* SPDX-License-Identifier: Apache-2.0 */
/* node.h: the node's configuration, as the command uses it. */
#ifndef CLI_NODE_H
#define CLI_NODE_H

#include <stdbool.h>

#include "runtime/config.h"

struct skiff_cache;

/*
 * Read it, say what is to be said of it, and let it say how much is said from now on: an exit code. Once in a process;
 * *ret is there until its end. `path` as in config_read().
 */
int node_read(const struct config **ret, const char *path);
/* Where modules are kept: what the command line left open (no directory, not off) is as the configuration has it. */
void node_cache(const struct config *config, const char **dir, bool *off);
/* How much may stay there. */
void node_cache_limits(const struct config *config, struct skiff_cache *cache);

#endif
