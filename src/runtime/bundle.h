/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.h: a directory with a config.json, read. */
#ifndef RUNTIME_BUNDLE_H
#define RUNTIME_BUNDLE_H

#include <limits.h>
#include <stddef.h>

#include "base/err.h"
#include "oci/spec.h"

struct bundle {
	int dir; /* owned; -1: there is none, and the root is an empty one */
	char *text; /* owned: config.json */
	size_t size;
	struct oci_spec *spec; /* owned */
};

int bundle_open(struct bundle *ret, const char *path, struct err *err);
/*
 * The absolute path of a bundle's directory, found by its descriptor where there is a /proc; -1: none, and the path is empty.
 * 0 or a negative errno with the sentence.
 */
int bundle_path(int dir, char path[static PATH_MAX], struct err *err);
/* One that is only in memory: takes the text. Its paths are absolute. */
int bundle_of_text(struct bundle *ret, char *text, size_t size, struct err *err);
/* The config.json that lies in a state's directory; relative paths in it lead nowhere any more. */
int bundle_of_state(struct bundle *ret, int dir, struct err *err);
void bundle_close(struct bundle *bundle);

#endif
