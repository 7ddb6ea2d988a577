/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h: requests by HTTP, one at a time or several by several threads, over libcurl.
 *
 * What every request keeps to: a certificate that the system's roots or --cacert vouch for, or plain http to this machine (elsewhere
 * only if it was asked for); redirects are followed here, at most 5, never from https to http, and what authorizes goes to no
 * other place; no head of more than 256 KiB; a time for connecting and one in which something must have come, none for the whole.
 * Proxies are the environment's, as curl has them.
 */
#ifndef IMAGE_HTTP_H
#define IMAGE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/url.h"

struct http_options { /* borrowed; zeros: as usual */
	const char *ca_file;
	const char *proxy; /* instead of the environment's */
	bool plain; /* http is allowed to any host */
	/* Milliseconds; of zeros $SKIFF_CONNECT_TIMEOUT, $SKIFF_STALL_TIMEOUT and $SKIFF_RETRY_PAUSE, or 10 s, 30 s and 500 ms. */
	unsigned connect, stall, pause;
	/* What is worth knowing while it goes on; by any thread. NULL: nobody. */
	void (*note)(void *context, const char *sentence);
	void *context;
};

struct http;

int http_open(struct http **ret, const struct http_options *options, struct err *err);
/* Nothing is under way any more. Accepts NULL; returns NULL. */
struct http *http_close(struct http *http);
/* All that is under way ends with -ECANCELED, and so does all that comes later. By any thread. */
void http_stop(struct http *http);

enum http_header {
#define HEADER(id, name) HTTP_##id,
#include "image/http_headers.def"
#undef HEADER
	HTTP_HEADERS,
};

struct http_answer {
	unsigned status; /* 0: there was none */
	bool again; /* another try may do better; also of answers that came */
	bool insecure; /* what failed is TLS itself: somebody without it */
	struct url url; /* who answered, after redirects */
	char *headers[HTTP_HEADERS]; /* owned; NULL: not there */
	uint64_t length; /* of the body; UINT64_MAX: not said */
	struct buf
		body; /* owned; where there was no sink, or the status is no 2xx (of that at most 64 KiB); a NUL behind it */
};
void http_answer_deinit(struct http_answer *answer);

/* Bytes of an answer, as they come. Less than 0 ends it. */
typedef int http_sink_fn(void *context, const struct http_answer *answer, const void *bytes,
			 size_t size, struct err *err);

struct http_request {
	const char *method;
	struct url url;
	const char *lines[4]; /* of the head, "Name: text"; NULL ends them */
	const char *authorization; /* "Basic ..."; NULL: none */
	bool stay; /* the body is a secret: redirects to other places are refused */
	/* A body: of memory, or `size` bytes of a file from `at` on. */
	bool has_body;
	const void *bytes; /* NULL: from fd */
	int fd;
	uint64_t at, size;
	void (*sent)(void *context, uint64_t bytes); /* how far the body went; may be NULL */
	size_t most; /* bytes of an answer's body in memory; more is -EFBIG */
	http_sink_fn *sink; /* takes the body of a 2xx; NULL: into memory */
	void *context; /* of sink and sent */
};

/*
 * One try, with its redirects. 0: there is an answer, whatever its status says; else a sentence. The caller deinits `ret` in any
 * case, and looks at `ret->again`.
 */
int http_once(struct http *http, const struct http_request *request, struct http_answer *ret,
	      struct err *err);

/* How often it was tried. Zeros: not at all. */
struct http_tries {
	unsigned count;
};
/*
 * Is it worth another try? Then it has waited meanwhile. False: it is not, or these were enough, or the other side asks for a longer
 * pause than anybody would wait. `why`: the sentence of the last one, where there was no answer.
 */
bool http_again(struct http *http, struct http_tries *tries, const struct http_answer *answer,
		const struct err *why);
/* http_once() until it will do; for requests that can be made twice. The status may still be a refusal. */
int http_ask(struct http *http, const struct http_request *request, struct http_answer *ret,
	     struct err *err);

#endif
