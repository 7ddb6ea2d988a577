/* SPDX-License-Identifier: Apache-2.0 */
/* read_list.c: lists of CPUs and memory nodes as the kernel reads them: 0-3,7. */
#include <string.h>

#include "oci/read.h"

/* A number of at most five digits; false: there is none. */
static bool take_number(const char **at, uint32_t *ret)
{
	uint32_t number = 0;
	const char *digit = *at;

	while (*digit >= '0' && *digit <= '9' && digit - *at < 5)
		number = number * 10 + (uint32_t)(*digit++ - '0');
	if (digit == *at || (*digit >= '0' && *digit <= '9'))
		return false;
	*at = digit;
	*ret = number;
	return true;
}

static bool is_list(const char *list)
{
	for (;;) {
		uint32_t first, last;

		list += strspn(list, " ");
		if (!take_number(&list, &first))
			return false;
		last = first;
		if (*list == '-') {
			list++;
			if (!take_number(&list, &last))
				return false;
		}
		list += strspn(list, " \n");
		if (last < first || (*list != ',' && *list != '\0'))
			return false;
		if (*list++ == '\0')
			return true;
	}
}

int read_list_check(struct reader *r, const char *path, const char *list)
{
	if (list == NULL || is_list(list))
		return 0;
	return read_fail_field(r, path, "must be a list of numbers and ranges as 0-3,7, is '%s'",
			       list);
}
