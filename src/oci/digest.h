/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h: the name of a content, "sha256:" and 64 digits, as text that was checked.
 *
 * Checked means that it may be part of a path. sha256 and sha512 are known; what makes them is not here (image/hash.h).
 */
#ifndef OCI_DIGEST_H
#define OCI_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { OCI_DIGEST_ROOM = sizeof("sha512:") + 128 };

struct oci_digest {
	char text[OCI_DIGEST_ROOM]; /* "": none */
};

/* Lower-case digits only. -EINVAL with a sentence that quotes it. */
int oci_digest_parse(struct oci_digest *ret, const char *text, struct err *err);
bool oci_digest_is(const struct oci_digest *a, const struct oci_digest *b);
/* The digits behind the colon. */
const char *oci_digest_hex(const struct oci_digest *digest);

#endif
