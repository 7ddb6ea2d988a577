/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cage.h: `skiff run --cage FILE`: a bundle that is only in memory.
 *
 * The module lies alone in an empty read-only root, with the directories of --dir beside it. Options are kept as they are
 * read, and become a config.json when all are known.
 */
#ifndef CLI_CAGE_H
#define CLI_CAGE_H

#include <stdbool.h>
#include <stddef.h>

struct options;

struct cage {
	bool wanted;
	struct cage_option *options; /* owned, until the process ends */
	size_t count;
};

/* Keep the option just read. On false a sentence was said and o->code is set: it does not go with a cage. */
bool cage_option(struct cage *cage, struct options *o, int id);

/* The text of a config.json that runs the module in `file` with these arguments; an exit code. The caller owns the text. */
int cage_compose(const struct cage *cage, const char *file, char **args, char **ret,
		 size_t *ret_size);

#endif
