/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c: what a registry writes into heads of answers: challenges, and where to go on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "image/challenge.h"
#include "image/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);
	struct challenge challenge;
	struct url base, url;
	struct err err;

	memcpy(text, bytes, size);
	text[size] = '\0';
	challenge_parse(&challenge, text);
	invariant(challenge.bearer == (challenge.realm[0] != '\0'));
	invariant(url_parse(&base, "https://a.example/v2/x", &err) == 0);
	if (url_follow(&url, &base, text, &err) == 0) {
		/* What was taken is taken again, and means the same. */
		struct url again;

		invariant(url_parse(&again, url.text, &err) == 0);
		invariant(url_same_place(&url, &again));
	}
	free(text);
	return 0;
}
