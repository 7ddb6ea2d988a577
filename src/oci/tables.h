/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h: words of a config.json and the numbers they stand for, both ways. The words stand in tables.def. */
#ifndef OCI_TABLES_H
#define OCI_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oci_table {
#define TABLE(id, noun) OCI_TABLE_##id,
#define NAME(table, word, number)
#include "oci/tables.def"
#undef TABLE
#undef NAME
	OCI_TABLE_COUNT,
};

/* False: there is no such word. */
bool oci_table_find(enum oci_table table, const char *word, uint64_t *ret);
/* The first word (by name) for a number, or NULL. */
const char *oci_table_name(enum oci_table table, uint64_t number);
/* "a capability": what the words of a table are. */
const char *oci_table_noun(enum oci_table table);
/* The i-th word in alphabetical order, NULL behind the last; for listings. */
const char *oci_table_word(enum oci_table table, size_t i);

#endif
