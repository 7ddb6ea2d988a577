/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h: what a session says to be let in: nothing at first, then what it is challenged for.
 *
 * Shared by the threads of a session; one of them answers a challenge, the others wait and use what it got. Names and passwords are
 * looked for when the first challenge comes. A token is asked for by https only, or of a registry that is spoken to by http itself.
 */
#ifndef IMAGE_AUTH_H
#define IMAGE_AUTH_H

#include "image/http.h"
#include "image/login.h"

enum { AUTH_FROM_MAX = 4 };

struct auth_options { /* borrowed */
	const char *host, *path; /* of the reference: who keeps the login, for what */
	bool push; /* else only to pull */
	const char *from[AUTH_FROM_MAX]; /* repositories to mount blobs of; NULLs: none */
	const char *user, *password; /* NULL: login_find() */
};

struct auth;

int auth_open(struct auth **ret, const struct auth_options *options, struct err *err);
struct auth *auth_close(struct auth *auth);
/* To be put into a request, NULL: nothing. The caller owns it. */
int auth_line(struct auth *auth, char **ret, struct err *err);
/*
 * A request with `used` (may be NULL) was answered by 401. 0: it is worth another try with a new auth_line(). -EACCES: it is
 * not, and the sentence says what to do.
 */
int auth_challenged(struct auth *auth, struct http *http, const struct http_answer *answer,
		    const char *used, struct err *err);

#endif
