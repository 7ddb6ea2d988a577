/* SPDX-License-Identifier: Apache-2.0 */
/* guest_calls_test.c: docs/security.md shows guest_calls.def as it is, and no row of it is lost behind another. */
#include "sandbox/guest_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

static const char begins[] = "<!-- calls -->\n", ends[] = "<!-- end of calls -->";

static bool same_call(size_t a, size_t b)
{
	return guest_rows[a].name != NULL && guest_rows[b].name != NULL &&
	       strcmp(guest_rows[a].name, guest_rows[b].name) == 0;
}

static void print_tests(FILE *out, size_t row)
{
	fprintf(out, "| | `%s` | `%s`", guest_rows[row].name, guest_rows[row].words);
	for (size_t i = row + 1; i < ARRAY_SIZE(guest_rows); i++)
		if (same_call(row, i))
			fprintf(out, "; `%s`", guest_rows[i].words);
	fprintf(out, " |\n");
}

/* A heading with the calls that need no test, then a line for each of the others. */
static void print_use(FILE *out, size_t heading)
{
	size_t end = heading + 1;

	fprintf(out, "| %s |", guest_rows[heading].words);
	for (; end < ARRAY_SIZE(guest_rows) && guest_rows[end].name != NULL; end++)
		if (guest_rows[end].action == SECCOMP_RET_ALLOW && guest_rows[end].arg_count == 0)
			fprintf(out, " `%s`", guest_rows[end].name);
	fprintf(out, " | |\n");
	for (size_t i = heading + 1; i < end; i++)
		if (guest_rows[i].arg_count > 0 && !same_call(i, i - 1))
			print_tests(out, i);
}

/* The text that belongs into the page; the caller's. */
static char *table(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "| for | calls | where one of these holds |\n|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(guest_rows); i++)
		if (guest_rows[i].name == NULL)
			print_use(out, i);
	fclose(out);
	return text;
}

static char *page(const char *root)
{
	char path[4096], *text = calloc(1, 1 << 20);
	FILE *file;

	snprintf(path, sizeof(path), "%s/docs/security.md", root);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void documented(void **state)
{
	const char *root = getenv("SOURCE_ROOT");
	char *should = table(), *text, *begin, *end;

	(void)state;
	if (root == NULL) {
		free(should);
		print_message("skipped: SOURCE_ROOT does not say where docs/ is\n");
		skip();
	}
	text = page(root);
	begin = strstr(text, begins);
	end = strstr(text, ends);
	assert_non_null(begin);
	assert_non_null(end);
	begin += strlen(begins);
	if ((size_t)(end - begin) != strlen(should) || memcmp(begin, should, strlen(should)) != 0) {
		fputs(should, stderr);
		fail_msg("docs/security.md: between its marks should stand what is printed above");
	}
	free(text);
	free(should);
}

/* A row without tests answers for its call alone; rows of one call stand together. */
static void rows(void **state)
{
	(void)state;
	assert_null(guest_rows[0].name);
	for (size_t i = 0; i < ARRAY_SIZE(guest_rows); i++)
		for (size_t j = i + 1; j < ARRAY_SIZE(guest_rows); j++) {
			if (!same_call(i, j))
				continue;
			if (guest_rows[i].arg_count == 0 || guest_rows[j].arg_count == 0)
				fail_msg("%s: twice", guest_rows[i].name);
			if (!same_call(i, j - 1) && j != i + 1)
				fail_msg("%s: in two places", guest_rows[i].name);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
