/* SPDX-License-Identifier: Apache-2.0 */
/* login_host.h: the host that `skiff login` and `skiff logout` are told. */
#ifndef IMAGE_LOGIN_HOST_H
#define IMAGE_LOGIN_HOST_H

#include "oci/reference.h"

/* HOST[:PORT], perhaps as an address of https; an exit code. Only the host of *ret is written. */
int login_host(const char *word, struct reference *ret);

#endif
