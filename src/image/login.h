/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login.h: names and passwords for registries, where docker, podman and others keep them.
 *
 * Looked for in $REGISTRY_AUTH_FILE if that is set, and else in $DOCKER_CONFIG/config.json (or ~/.docker/config.json) and
 * $XDG_RUNTIME_DIR/containers/auth.json; written to the first of these. In a file, `credHelpers` and `credsStore` name programs
 * (docker-credential-NAME) that keep secrets; else they stand in `auths`. What a file has beside that stays as it is.
 * No sentence ever has a password.
 */
#ifndef IMAGE_LOGIN_H
#define IMAGE_LOGIN_H

#include <limits.h>

#include "base/err.h"

struct login {
	char *user, *password; /* owned */
	char *identity; /* owned; instead of a password: a token that gets others */
	char from[PATH_MAX]; /* where it was found */
};
void login_deinit(struct login *login);

enum { LOGIN_NONE = 1 }; /* outcome of login_find(): nobody ever logged in there */

/* For a repository of a host; what is kept for a part of its path goes before what is for all of the host. */
int login_find(struct login *ret, const char *host, const char *path, struct err *err);
/* `place`: where it went, to tell. */
int login_save(const char *host, const struct login *login, char place[static PATH_MAX],
	       struct err *err);
/* LOGIN_NONE: there was nothing. */
int login_forget(const char *host, struct err *err);

#endif
