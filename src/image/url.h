/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.h: addresses that requests go to: http and https only, whole, without a user's name in them.
 *
 * libcurl's own parser splits and joins them, so that what was looked at here is what is connected to.
 */
#ifndef IMAGE_URL_H
#define IMAGE_URL_H

#include <stdbool.h>

#include "base/err.h"

enum { URL_MAX = 8192 };

struct url {
	bool https;
	char host[256]; /* lower case; an IPv6 address in its brackets */
	unsigned port;
	char text[URL_MAX];
};

/* -EINVAL: no such address. */
int url_parse(struct url *ret, const char *text, struct err *err);
/* Where a Location leads from `base`: whole or relative. -EINVAL: nowhere. `ret` may be `base`. */
int url_follow(struct url *ret, const struct url *base, const char *location, struct err *err);
/* Scheme, host and port are the same: credentials of one may go to the other. */
bool url_same_place(const struct url *a, const struct url *b);
/* This machine: localhost, 127.0.0.0/8, [::1]. */
bool url_local(const struct url *url);
/* NAME=VALUE behind the others, escaped. -EINVAL: too long. */
int url_query(struct url *url, const char *name, const char *value, struct err *err);
/* For sentences: without the query, which may be a permission. */
const char *url_shown(const struct url *url, char room[static 256]);

#endif
