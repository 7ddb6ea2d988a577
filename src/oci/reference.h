/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.h: what people call an image: [HOST[:PORT]/]PATH[:TAG][@DIGEST].
 *
 * Short names mean what they mean to docker: `hello` is docker.io/library/hello, `team/app` is docker.io/team/app; the first part is a host
 * if it has a dot or a colon, or is `localhost`. Without tag and digest the tag is `latest`.
 */
#ifndef OCI_REFERENCE_H
#define OCI_REFERENCE_H

#include "oci/digest.h"

enum {
	REFERENCE_NAME_MAX = 255, /* of host, slash and path */
	REFERENCE_TAG_MAX = 128,
	/* More than there can be: gcc does not know that host and path share REFERENCE_NAME_MAX. */
	REFERENCE_ROOM = 2 * REFERENCE_NAME_MAX + REFERENCE_TAG_MAX + OCI_DIGEST_ROOM + 4,
};

struct reference {
	char host[REFERENCE_NAME_MAX + 1]; /* with its port */
	char path[REFERENCE_NAME_MAX + 1];
	char tag[REFERENCE_TAG_MAX + 1]; /* "": only the digest was given */
	struct oci_digest digest; /* none, where only a tag was */
};

/* -EINVAL: the sentence quotes it and says which part is wrong, and of capitals, a scheme or a space what to do. */
int reference_parse(struct reference *ret, const char *text, struct err *err);
/* Whole: "docker.io/library/hello:latest". This is what stores write. */
void reference_text(const struct reference *reference, char text[static REFERENCE_ROOM]);
/* As people write it: "hello:latest". */
void reference_short(const struct reference *reference, char text[static REFERENCE_ROOM]);

#endif
