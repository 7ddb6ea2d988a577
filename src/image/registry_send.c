/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_send.c: a blob to the registry: not at all where it has it, by a mount where another repository has it, in one PUT, or in
 * pieces.
 *
 * Pieces (PATCH) are for what is big, so that an interruption costs one of them, and for registries that refuse the one PUT. After an
 * interruption the registry is asked how far it got. Where an upload goes on is said by a Location each time, which may be of
 * another host: that gets bytes, and nothing that authorizes.
 */
#include "image/registry_parts.h"

#include "base/base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 << 20, SMALL_ANSWER = 64 << 10, TURNS = 16, FORGOTTEN = 3 };

struct send {
	struct registry *r;
	const struct image_descriptor *blob;
	int fd;
	struct progress_item *item;
	struct url place; /* where the upload goes on */
	uint64_t at; /* bytes the registry has */
	uint64_t chunk;
	struct http_tries tries;
};

static void sent(void *context, uint64_t bytes)
{
	struct send *s = context;

	progress_to(s->item, s->at + bytes);
}

/* Outcome: the registry has it. */
static int is_there(struct send *s, struct err *err)
{
	struct http_request request = {.method = "HEAD", .most = SMALL_ANSWER};
	struct http_answer answer = {0};
	int rc = registry_url(s->r, &request.url, err, "%s/blobs/%s", s->r->path,
			      s->blob->digest.text);

	if (rc < 0)
		return rc;
	rc = registry_ask(s->r, &request, &answer, err);
	if (rc == 0 && answer.status == 200)
		rc = REGISTRY_THERE;
	else if (rc == 0 && answer.status != 404)
		rc = registry_refused(s->r, &answer, s->blob->digest.text, err);
	http_answer_deinit(&answer);
	return rc;
}

static int take_place(struct send *s, const struct http_answer *answer, struct err *err)
{
	const char *location = answer->headers[HTTP_LOCATION];
	char shown[256];
	int rc;

	if (location == NULL)
		return err_set(err, -EPROTO, "%s does not say where the upload goes on (Location)",
			       s->r->host);
	rc = url_follow(&s->place, &answer->url, location, err);
	if (rc < 0)
		return err_prefix(err, rc, "%s: where the upload goes on", s->r->host);
	if (answer->url.https && !s->place.https)
		return err_set(err, -EACCES, "%s wants the upload to go on without TLS (%s)",
			       s->r->host, url_shown(&s->place, shown));
	return 0;
}

/* A new upload. REGISTRY_MOUNTED. */
static int begin(struct send *s, const char *from, struct err *err)
{
	struct http_request request = {.method = "POST", .has_body = true, .most = SMALL_ANSWER};
	struct http_answer answer = {0};
	int rc = registry_url(s->r, &request.url, err, "%s/blobs/uploads/", s->r->path);

	if (rc == 0 && from != NULL)
		rc = url_query(&request.url, "mount", s->blob->digest.text, err);
	if (rc == 0 && from != NULL)
		rc = url_query(&request.url, "from", from, err);
	if (rc < 0)
		return rc;
	s->at = 0;
	rc = registry_ask(s->r, &request, &answer, err);
	if (rc == 0 && answer.status == 201 && from != NULL)
		rc = REGISTRY_MOUNTED;
	else if (rc == 0 && answer.status == 202)
		rc = take_place(s, &answer, err);
	else if (rc == 0)
		rc = registry_refused(s->r, &answer, "begin an upload", err);
	http_answer_deinit(&answer);
	return rc;
}

static int put_request(const struct send *s, struct http_request *ret, struct err *err)
{
	*ret = (struct http_request){.method = "PUT",
				     .url = s->place,
				     .lines = {"Content-Type: application/octet-stream"},
				     .has_body = true,
				     .fd = s->fd,
				     .most = SMALL_ANSWER};
	return url_query(&ret->url, "digest", s->blob->digest.text, err);
}

enum { IN_PIECES = 3, ANEW = 4, GO_ON = 5 }; /* outcomes beside those of registry.h */

/* What another try may mend. */
static int pause(struct send *s, const struct http_answer *answer, int rc, int outcome,
		 struct err *err)
{
	if (http_again(s->r->http, &s->tries, answer, err))
		return outcome;
	return rc < 0 ? rc : registry_refused(s->r, answer, s->blob->digest.text, err);
}

static int lost(const struct send *s, struct err *err)
{
	return err_set(err, -EPROTO, "%s loses the upload of %.19s again and again", s->r->host,
		       s->blob->digest.text);
}

/* IN_PIECES, ANEW. */
static int put_whole(struct send *s, struct err *err)
{
	struct http_request request;
	struct http_answer answer = {0};
	int rc = put_request(s, &request, err);

	if (rc < 0)
		return rc;
	request.size = s->blob->size;
	request.sent = sent;
	request.context = s;
	rc = registry_once(s->r, &request, &answer, err);
	if (rc < 0 || answer.again)
		rc = answer.again ? pause(s, &answer, rc, ANEW, err) : rc;
	else if (answer.status == 405 || answer.status == 413 || answer.status == 416 ||
		 answer.status == 501)
		rc = IN_PIECES;
	else if (answer.status == 404)
		rc = s->tries.count++ < FORGOTTEN ? ANEW : lost(s, err);
	else if (answer.status != 201 && answer.status != 204)
		rc = registry_refused(s->r, &answer, s->blob->digest.text, err);
	http_answer_deinit(&answer);
	return rc;
}

/* Range: 0-LAST, of what is there. 0-0 is said of nothing, too. */
static bool take_range(struct send *s, const struct http_answer *answer)
{
	const char *range = answer->headers[HTTP_RANGE];
	uint64_t last;

	if (range == NULL)
		return false;
	if (strncmp(range, "bytes=", 6) == 0)
		range += 6;
	if (sscanf(range, "0-%" SCNu64, &last) != 1 || last >= s->blob->size)
		return false;
	s->at = last > 0 ? last + 1 : 0;
	return true;
}

/* How far did it get? ANEW: nobody knows. */
static int ask_state(struct send *s, struct err *err)
{
	struct http_request request = {.method = "GET", .url = s->place, .most = SMALL_ANSWER};
	struct http_answer answer = {0};
	int rc = registry_ask(s->r, &request, &answer, err);

	if (rc == 0 && answer.status / 100 == 2 && take_range(s, &answer))
		rc = answer.headers[HTTP_LOCATION] != NULL ? take_place(s, &answer, err) : 0;
	else if (rc == 0)
		rc = ANEW;
	http_answer_deinit(&answer);
	progress_to(s->item, s->at);
	return rc;
}

/* GO_ON: it has to be asked how far. */
static int patch(struct send *s, struct err *err)
{
	char line[64];
	struct http_request request = {
		.method = "PATCH",
		.url = s->place,
		.lines = {"Content-Type: application/octet-stream", line},
		.has_body = true,
		.fd = s->fd,
		.at = s->at,
		.size = MIN(s->chunk, s->blob->size - s->at),
		.sent = sent,
		.most = SMALL_ANSWER,
		.context = s,
	};
	struct http_answer answer = {0};
	uint64_t before = s->at;
	int rc;

	snprintf(line, sizeof(line), "Content-Range: %" PRIu64 "-%" PRIu64, s->at,
		 s->at + request.size - 1);
	rc = registry_once(s->r, &request, &answer, err);
	if (rc == 0 && (answer.status == 202 || answer.status == 204)) {
		if (!take_range(s, &answer))
			s->at += request.size;
		rc = take_place(s, &answer, err);
		/* A piece that leaves it where it was is one that failed. */
		if (s->at > before)
			s->tries.count = 0;
		else if (rc == 0 && ++s->tries.count > TURNS)
			rc = err_set(err, -EPROTO, "%s takes pieces of %.19s and does not get on",
				     s->r->host, s->blob->digest.text);
	} else if (rc == 0 && (answer.status == 416 || answer.status == 404)) {
		answer.again = true;
		rc = pause(s, &answer, rc, GO_ON, err);
	} else {
		rc = pause(s, &answer, rc, GO_ON, err);
	}
	http_answer_deinit(&answer);
	return rc;
}

static int finish(struct send *s, struct err *err)
{
	struct http_request request;
	struct http_answer answer = {0};
	int rc = put_request(s, &request, err);

	if (rc < 0)
		return rc;
	rc = registry_ask(s->r, &request, &answer, err);
	/* The answer to the first may have been lost. */
	if (rc == 0 && answer.status == 404 && is_there(s, err) == REGISTRY_THERE)
		rc = 0;
	else if (rc == 0 && answer.status != 201 && answer.status != 204)
		rc = registry_refused(s->r, &answer, s->blob->digest.text, err);
	http_answer_deinit(&answer);
	return rc;
}

/* ANEW. */
static int put_pieces(struct send *s, struct err *err)
{
	int rc = 0;

	while (s->at < s->blob->size && rc == 0) {
		rc = patch(s, err);
		if (rc == GO_ON)
			rc = ask_state(s, err);
	}
	return rc == 0 ? finish(s, err) : rc;
}

static uint64_t chunk_size(void)
{
	const char *text = getenv("SKIFF_PUSH_CHUNK");
	unsigned long long size = text != NULL ? strtoull(text, NULL, 10) : 0;

	return size > 0 ? size : CHUNK;
}

int registry_send(struct registry *r, const struct image_descriptor *blob, int fd, const char *from,
		  struct progress_item *item, struct err *err)
{
	struct send s = {.r = r, .blob = blob, .fd = fd, .item = item, .chunk = chunk_size()};
	bool pieces = blob->size > s.chunk;
	int rc = is_there(&s, err);

	if (rc != 0)
		return rc;
	rc = ANEW;
	for (unsigned i = 0; i < TURNS && (rc == ANEW || rc == IN_PIECES); i++) {
		pieces = pieces || rc == IN_PIECES;
		rc = begin(&s, i == 0 ? from : NULL, err);
		if (rc == 0)
			rc = pieces ? put_pieces(&s, err) : put_whole(&s, err);
	}
	if (rc == ANEW || rc == IN_PIECES || rc == GO_ON)
		return lost(&s, err);
	return rc;
}
