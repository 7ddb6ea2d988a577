/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.c: tables.def as one array of rows without pointers (nothing to relocate at a start), searched by halves.
 */
#include "oci/tables.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/base.h"
#include "oci/spec.h"

struct row {
	char word[40];
	uint64_t number;
};

static const struct row rows[] = {
#define TABLE(id, noun)
#define NAME(table, word, number) {word, number},
#include "oci/tables.def"
#undef TABLE
#undef NAME
};

/* Where each table begins: a counter that goes on by one with each NAME only. */
enum {
#define TABLE(id, noun) FIRST_##id, BEFORE_##id = FIRST_##id - 1,
#define NAME(table, word, number) CAT(ROW, __LINE__),
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#include "oci/tables.def"
#undef TABLE
#undef NAME
#undef CAT
#undef CAT_
};

static const uint16_t firsts[OCI_TABLE_COUNT + 1] = {
#define TABLE(id, noun) FIRST_##id,
#define NAME(table, word, number)
#include "oci/tables.def"
#undef TABLE
#undef NAME
	ARRAY_SIZE(rows),
};

bool oci_table_find(enum oci_table table, const char *word, uint64_t *ret)
{
	size_t low = firsts[table], high = firsts[table + 1];

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(word, rows[middle].word);

		if (order == 0) {
			*ret = rows[middle].number;
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

const char *oci_table_name(enum oci_table table, uint64_t number)
{
	for (size_t i = firsts[table]; i < firsts[table + 1]; i++) {
		if (rows[i].number == number)
			return rows[i].word;
	}
	return NULL;
}

const char *oci_table_word(enum oci_table table, size_t i)
{
	if (i >= (size_t)(firsts[table + 1] - firsts[table]))
		return NULL;
	return rows[firsts[table] + i].word;
}

const char *oci_table_noun(enum oci_table table)
{
	switch (table) {
#define TABLE(id, noun)      \
	case OCI_TABLE_##id: \
		return noun;
#define NAME(table, word, number)
#include "oci/tables.def"
#undef TABLE
#undef NAME
	case OCI_TABLE_COUNT:
		break;
	}
	return "known";
}
