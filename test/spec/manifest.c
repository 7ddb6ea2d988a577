/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_row(struct manifest *manifest, const char *line)
{
	struct manifest_row row, *rows;
	const char *slash;

	if (sscanf(line, "%127[^\t\n]\t%" SCNu64 "\t", row.name, &row.commands) != 2)
		return -EINVAL;
	slash = strchr(row.name, '/');
	if (slash == NULL || slash == row.name)
		return -EINVAL;
	snprintf(row.group, sizeof(row.group), "%.*s", (int)(slash - row.name), row.name);
	rows = realloc(manifest->rows, (manifest->count + 1) * sizeof(*rows));
	if (rows == NULL)
		return -ENOMEM;
	manifest->rows = rows;
	rows[manifest->count++] = row;
	return 0;
}

int manifest_read(struct manifest *manifest, const char *suite)
{
	char path[4096], *line = NULL;
	size_t room = 0;
	FILE *file;
	int rc = -EINVAL;

	snprintf(path, sizeof(path), "%s/MANIFEST.tsv", suite);
	file = fopen(path, "re");
	if (file == NULL)
		return -errno;
	if (getline(&line, &room, file) > 0 && strncmp(line, "file\tcommands\t", 14) == 0)
		for (rc = 0; rc == 0 && getline(&line, &room, file) > 0;)
			rc = add_row(manifest, line);
	if (rc == 0 && manifest->count == 0)
		rc = -EINVAL;
	free(line);
	fclose(file);
	return rc;
}

void manifest_deinit(struct manifest *manifest)
{
	free(manifest->rows);
	memset(manifest, 0, sizeof(*manifest));
}
