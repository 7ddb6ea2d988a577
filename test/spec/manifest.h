/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.h: the suite's MANIFEST.tsv: which files there are, and how many commands each has. */
#ifndef SPEC_MANIFEST_H
#define SPEC_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#define MANIFEST_NAME_MAX 128

struct manifest_row {
	char name[MANIFEST_NAME_MAX]; /* "core/br" */
	char group[MANIFEST_NAME_MAX];
	uint64_t commands; /* those inside of threads counted */
};

/* Zero-initialised is empty. */
struct manifest {
	struct manifest_row *rows; /* owned; in the order of the file */
	size_t count;
};

/* 0, or a negative errno: -ENOENT: no such suite; -EINVAL: not of the format. Deinit in any case. */
int manifest_read(struct manifest *manifest, const char *suite);
void manifest_deinit(struct manifest *manifest);

#endif
