/* SPDX-License-Identifier: Apache-2.0 */
/* registry_parts.h: what the files of registry.h share. */
#ifndef IMAGE_REGISTRY_PARTS_H
#define IMAGE_REGISTRY_PARTS_H

#include "image/auth.h"
#include "image/registries.h"
#include "image/registry.h"

struct registry {
	struct reference reference;
	struct registry_options options; /* borrowed texts */
	struct registries_entry entry; /* of the host that is spoken to */
	char host[300]; /* to tell: the reference's, or the mirror's */
	char path[600]; /* of the repository there */
	struct url base; /* https://HOST:PORT */
	struct http *http; /* owned */
	struct auth *auth; /* owned */
};

/* BASE/v2/PATH/... */
int registry_url(const struct registry *registry, struct url *ret, struct err *err,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* http_once() with what lets us in, asked for where it is needed. A 401 is a failure with its sentence. */
int registry_once(struct registry *registry, const struct http_request *request,
		  struct http_answer *ret, struct err *err);
/* The same with tries; for requests that can be made twice. */
int registry_ask(struct registry *registry, const struct http_request *request,
		 struct http_answer *ret, struct err *err);
/* An answer that is not what it should be: a sentence with what it says of itself, begun by `doing`. -ENOENT for 404, -EACCES, -EPROTO. */
int registry_refused(const struct registry *registry, const struct http_answer *answer,
		     const char *doing, struct err *err);
/* The first error of an answer: its code; "": none. */
void registry_code(const struct http_answer *answer, char code[static 64]);
/* Does the answer say that it is packed? Nobody asked for that, and a digest is of what is not. */
int registry_check_plain(const struct registry *registry, const struct http_answer *answer,
			 struct err *err);

#endif
