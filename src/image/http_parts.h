/* SPDX-License-Identifier: Apache-2.0 */
/* http_parts.h: what the files of http.h share. */
#ifndef IMAGE_HTTP_PARTS_H
#define IMAGE_HTTP_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include <curl/curl.h>

#include "image/http.h"

enum { HTTP_IDLE = 8, HTTP_HEAD_MAX = 256 << 10, HTTP_REFUSAL_MAX = 64 << 10 };

struct http {
	struct http_options options;
	struct buf
		authorities; /* owned: PEM of the system's roots and of --cacert; empty: as curl has them */
	atomic_bool stopped;
	atomic_bool
		reached; /* somebody answered once: a refused connection is a pause, not a mistake */
	pthread_mutex_t lock; /* of idle */
	CURL *idle[HTTP_IDLE]; /* owned: with their connections */
	unsigned idle_count;
};

/* One exchange, no redirects; `answer` is empty. As http_once(). */
int http_transfer(struct http *http, CURL *curl, const struct http_request *request,
		  struct http_answer *answer, struct err *err);

/* What of it the sentences need. */
struct http_failure {
	CURLcode code;
	const char *detail; /* curl's own words, may be "" */
	int os_error;
	long tunnel; /* what a proxy said to being asked for one; 0: it was not */
	bool stalled;
	unsigned stall; /* ms */
};
/* The sentence, and the answer's `again` and `insecure`. */
int http_fail(const struct http *http, const struct http_failure *failure,
	      struct http_answer *answer, struct err *err);

/* Milliseconds of a clock that only goes forward. */
uint64_t http_now(void);

#endif
