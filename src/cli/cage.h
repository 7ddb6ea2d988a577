/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cage.h: `skiff run --cage FILE`: a bundle that is only in memory.
 *
 * The module lies alone in an empty read-only root, with the directories of --dir beside it. Options are kept as they are
 * read, and become a config.json and terms when all are known.
 */
#ifndef CLI_CAGE_H
#define CLI_CAGE_H

#include "base/buf.h"
#include "runtime/launch.h"
#include "runtime/terms.h"

#include <stdbool.h>
#include <stddef.h>

struct options;

struct cage {
	bool wanted;
	struct cage_option *options; /* owned, until the process ends */
	size_t count;
	struct buf allow, listen; /* owned; lists of terms.h */
	int sockets[LAUNCH_MORE_MOST - 1]; /* of --listen-fd; borrowed */
	uint32_t socket_count;
	uint32_t threads; /* as in struct terms; with has_threads */
	bool has_threads;
	bool no_network; /* unless an option says otherwise */
};

/* Keep the option just read, one of wasi.h. On false a sentence was said and o->code is set. */
bool cage_option(struct cage *cage, struct options *o, int id);

/* What of them is not in a config.json; it borrows from the cage. */
void cage_terms(const struct cage *cage, struct terms *ret);

/* The text of a config.json that runs the module in `file` with these arguments; an exit code. The caller owns the text. */
int cage_compose(const struct cage *cage, const char *file, char **args, char **ret,
		 size_t *ret_size);

#endif
