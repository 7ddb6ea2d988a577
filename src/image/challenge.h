/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge.h: what a registry wants to see before it answers: a WWW-Authenticate, taken apart (RFC 9110, 11.6.1).
 *
 * Several challenges may stand in one text, parameters of schemes nobody here knows among them. What is not understood is skipped:
 * a challenge without what it takes is none.
 */
#ifndef IMAGE_CHALLENGE_H
#define IMAGE_CHALLENGE_H

#include <stdbool.h>

struct challenge {
	bool basic, bearer;
	/* Of the bearer's. */
	char realm[2048], service[512], scope[2048]; /* "": not given */
};

void challenge_parse(struct challenge *ret, const char *text);

#endif
