/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries.h: what whoever runs the node says of registries: /etc/skiff/registries.toml, or $SKIFF_REGISTRIES.
 *
 *   ["docker.io"]
 *   mirrors = ["mirror.example:5000", "cache.example/docker"]
 *
 *   ["mirror.example:5000"]
 *   cacert = "/etc/skiff/mirror.pem"
 *   plain_http = false
 */
#ifndef IMAGE_REGISTRIES_H
#define IMAGE_REGISTRIES_H

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"

enum { REGISTRIES_MIRRORS = 8 };

struct registries_entry {
	char mirrors[REGISTRIES_MIRRORS]
		    [256]; /* HOST[:PORT][/PATH]: tried in this order, before the registry itself */
	unsigned mirror_count;
	char ca_file[PATH_MAX]; /* "": none */
	bool plain_http;
};

/* For a host of a reference; empty where nothing is said. -EINVAL: the file is wrong. */
int registries_find(const char *host, struct registries_entry *ret, struct err *err);

#endif
