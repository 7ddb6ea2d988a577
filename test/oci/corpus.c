/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus.c: oci-corpus FILE...: each is a config.json as somebody's engine writes it: it is read, and knows no field that
 * the reader does not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "oci/spec.h"

#define FILE_MAX (1u << 20) /* bytes; the largest has 14,000 */

/* The text of a file, to be freed; NULL: it cannot be read. */
static char *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(FILE_MAX);
	size_t size = 0;

	if (file != NULL && text != NULL)
		size = fread(text, 1, FILE_MAX, file);
	if (file != NULL)
		fclose(file);
	if (size > 0) {
		*ret_size = size;
		return text;
	}
	free(text);
	return NULL;
}

static bool check(const char *path)
{
	struct oci_spec *spec = NULL;
	struct err err = {""};
	size_t size;
	char *text = read_file(path, &size);
	bool good;

	if (text == NULL) {
		printf("%s: cannot be read\n", path);
		return false;
	}
	good = oci_spec_parse(&spec, text, size, &err) == 0;
	if (!good)
		printf("%s: %s\n", path, err.text);
	for (uint32_t i = 0; good && i < spec->unknown.count; i++)
		printf("%s: field %s is unknown\n", path, spec->unknown.items[i]);
	good = good && spec->unknown.count == 0 && spec->has_process;
	oci_spec_free(spec);
	free(text);
	return good;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed += !check(argv[i]);
	printf("%d passed, %d failed, 0 skipped\n", argc - 1 - failed, failed);
	return failed > 0 || argc == 1;
}
