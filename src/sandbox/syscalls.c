/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls.c: a table of names and numbers, sorted by name.
 *
 * syscall_names.inc is made from the kernel's headers when Skiff is built (syscall-names). Names lie in the rows and not
 * behind pointers: the program is position-independent, and a pointer each would be relocated at every start.
 */
#include "sandbox/syscalls.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"
#include "sandbox/syscall_numbers.h"

struct row {
	char name[30];
	uint16_t number;
};

static const struct row rows[] = {
#define SYSCALL(name) {#name, __NR_##name},
#include "sandbox/syscall_names.inc"
#undef SYSCALL
};

#define SYSCALL(name) _Static_assert(__NR_##name < SYSCALLS_MOST, #name);
#include "sandbox/syscall_names.inc"
#undef SYSCALL

int syscalls_find(const char *name, unsigned *hint)
{
	unsigned low = 0, high = ARRAY_SIZE(rows), middle;
	int order;

	/* Profiles are sorted as a rule: the next one, or the next but a few. */
	middle = hint != NULL && *hint < high ? *hint : high / 2;
	while (low < high) {
		order = strcmp(name, rows[middle].name);
		if (order == 0) {
			if (hint != NULL)
				*hint = middle + 1;
			return rows[middle].number;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
		middle = low + (high - low) / 2;
	}
	return -1;
}

const char *syscalls_name(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].number == number)
			return rows[i].name;
	return NULL;
}
