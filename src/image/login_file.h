/* SPDX-License-Identifier: Apache-2.0 */
/* login_file.h: one file with names and passwords (docker's config.json): read, looked up, written anew. */
#ifndef IMAGE_LOGIN_FILE_H
#define IMAGE_LOGIN_FILE_H

#include <limits.h>

#include "base/json.h"
#include "image/login.h"

struct login_file {
	char path[PATH_MAX];
	struct json *json; /* owned; NULL: there is no such file */
};

/* A file that is not there is an empty one. */
int login_file_read(struct login_file *ret, const char *path, struct err *err);
void login_file_deinit(struct login_file *file);

/* What a key of `auths` or `credHelpers` means: its host, perhaps with a part of a path. */
void login_file_meaning(const char *key, char room[static 512]);
/* How a host is written there: docker.io has an old name. */
const char *login_file_key(const char *host);
/* The program that keeps secrets of a host; NULL: none. *only: it was named for this host. */
const char *login_file_helper(const struct login_file *file, const char *host, bool *only);
/* LOGIN_NONE, or what `auths` has. */
int login_file_find(const struct login_file *file, const char *host, const char *path,
		    struct login *ret, struct err *err);
/* Instead of what it has for a host: `auth`, base64; NULL: nothing any more. LOGIN_NONE: there was nothing to take away. */
int login_file_change(const char *path, const char *host, const char *auth, struct err *err);

#endif
