/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/digest.h"

#include <errno.h>
#include <string.h>

#include "base/base.h"

static const struct {
	char name[8];
	size_t digits;
} kinds[] = {
	{"sha256:", 64},
	{"sha512:", 128},
};

int oci_digest_parse(struct oci_digest *ret, const char *text, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t front = strlen(kinds[i].name), digits;

		if (strncmp(text, kinds[i].name, front) != 0)
			continue;
		digits = strspn(text + front, "0123456789abcdef");
		if (digits != kinds[i].digits || text[front + digits] != '\0')
			return err_set(
				err, -EINVAL,
				"'%.160s' is not a digest: behind %s belong %zu digits, 0 to 9 and "
				"a to f",
				text, kinds[i].name, kinds[i].digits);
		*ret = (struct oci_digest){""};
		memcpy(ret->text, text, front + digits);
		return 0;
	}
	return err_set(
		err, -EINVAL,
		"'%.160s' is not a digest: it begins with neither sha256: nor sha512:", text);
}

bool oci_digest_is(const struct oci_digest *a, const struct oci_digest *b)
{
	return strcmp(a->text, b->text) == 0;
}

const char *oci_digest_hex(const struct oci_digest *digest)
{
	const char *colon = strchr(digest->text, ':');

	return colon != NULL ? colon + 1 : "";
}
