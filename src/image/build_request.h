/* SPDX-License-Identifier: Apache-2.0 */
/* build_request.h: what `skiff build` was asked for, and the image that comes of it. Texts are the command line's. */
#ifndef IMAGE_BUILD_REQUEST_H
#define IMAGE_BUILD_REQUEST_H

#include "image/build.h"

enum build_format { BUILD_COMPAT, BUILD_ARTIFACT };

struct build_request {
	struct build build; /* what options said of it */
	const char *module; /* a file; NULL: there is a Dockerfile */
	const char *file; /* of it; NULL: Dockerfile in the context */
	const char *context; /* its directory */
	enum build_format format;
	const char *platform; /* NULL: wasi/wasm, or what the Dockerfile says */
	const char *only_compat; /* the option that an artifact has no place for; NULL: none */
	struct buf directories; /* const char *: HOST:GUEST */
	struct buf with; /* const char *: PLATFORM=REFERENCE */
	struct buf arguments; /* struct image_note: --build-arg */
	struct buf stages; /* struct build_root: --from; owned descriptors */
	bool as_linux, optimize;
	/* Told what is worth knowing. */
	void (*note)(const char *subject, const char *sentence);
};

void build_request_deinit(struct build_request *request);
/* What can be told without looking at anything: -EINVAL, with a sentence, where the options make no sense. */
int build_request_check(struct build_request *request, struct err *err);
/* The same first. -ENOENT and the like: with a sentence. *ret: what is to be named; its texts are the request's. */
int build_request_make(struct build_request *request, struct store *store,
		       struct image_descriptor *ret, struct err *err);

#endif
