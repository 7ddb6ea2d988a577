/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_transfer.c: one request and its answer on one of libcurl's handles.
 *
 * libcurl calls back: for each line of the head, for pieces of both bodies, and at least once a second for nothing in particular,
 * which is where stalls and stops are noticed. Bytes of bodies count as life, lines of a head do not: whoever sends one each now
 * and then has the time of one stall for all of them.
 */
#include "image/http_parts.h"

#include "base/base.h"
#include "base/io.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct transfer {
	struct http *http; /* borrowed, as all below */
	CURL *curl;
	const struct http_request *request;
	struct http_answer *answer;
	struct err *err;
	int rc; /* what one of ours came to, with its sentence */
	uint64_t sent; /* bytes of our body */
	size_t head; /* bytes of the answer's */
	bool has_head;
	bool cut; /* a refusal longer than anybody reads */
	curl_off_t moved; /* bytes both ways when something last came */
	uint64_t moved_at;
	bool stalled;
};

/* A server takes its time to look at what it got. */
enum { PATIENCE_AFTER_BODY = 4 };

uint64_t http_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* -- The head -------------------------------------------------------------------------------------- */

static const char *const header_names[HTTP_HEADERS] = {
#define HEADER(id, name) [HTTP_##id] = (name),
#include "image/http_headers.def"
#undef HEADER
};

/* Behind what was there under this name. */
static int keep(char **place, const char *text, size_t size)
{
	size_t old = *place != NULL ? strlen(*place) : 0;
	char *whole = realloc(*place, old + size + 3);

	if (whole == NULL)
		return -ENOMEM;
	if (old > 0) {
		memcpy(whole + old, ", ", 2);
		old += 2;
	}
	memcpy(whole + old, text, size);
	whole[old + size] = '\0';
	*place = whole;
	return 0;
}

static int take_header(struct http_answer *answer, const char *line, size_t size)
{
	const char *colon = memchr(line, ':', size);
	size_t name = colon != NULL ? (size_t)(colon - line) : 0;
	const char *text = line + name + 1, *end = line + size;

	if (colon == NULL)
		return 0;
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	while (text < end && isspace((unsigned char)*text))
		text++;
	for (int i = 0; i < HTTP_HEADERS; i++)
		if (strlen(header_names[i]) == name &&
		    strncasecmp(header_names[i], line, name) == 0)
			return keep(&answer->headers[i], text, (size_t)(end - text));
	return 0;
}

/* A new answer begins: what came before was one on the way (100, a proxy's). */
static void forget_head(struct http_answer *answer)
{
	for (int i = 0; i < HTTP_HEADERS; i++) {
		free(answer->headers[i]);
		answer->headers[i] = NULL;
	}
}

static size_t on_header(char *line, size_t one, size_t size, void *context)
{
	struct transfer *t = context;

	(void)one;
	t->head += size;
	if (t->head > HTTP_HEAD_MAX)
		t->rc = err_set(t->err, -EPROTO, "%s: the head of its answer is over %d KiB",
				t->answer->url.host, HTTP_HEAD_MAX >> 10);
	else if (size > 5 && memcmp(line, "HTTP/", 5) == 0)
		forget_head(t->answer);
	else if (take_header(t->answer, line, size) < 0)
		t->rc = err_set(t->err, -ENOMEM, "no memory");
	return t->rc == 0 ? size : 0;
}

static void end_head(struct transfer *t)
{
	long status = 0;
	curl_off_t length = -1;

	if (t->has_head)
		return;
	t->has_head = true;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	t->answer->status = (unsigned)status;
	t->answer->length = length < 0 ? UINT64_MAX : (uint64_t)length;
}

/* -- Bodies ---------------------------------------------------------------------------------------- */

static int keep_body(struct transfer *t, const char *bytes, size_t size)
{
	struct buf *body = &t->answer->body;
	bool good = t->answer->status / 100 == 2;
	size_t most = good ? t->request->most : HTTP_REFUSAL_MAX;

	if (size > most - MIN(body->size, most)) {
		if (good)
			return err_set(t->err, -EFBIG, "%s: the answer is longer than %zu bytes",
				       t->answer->url.host, most);
		t->cut = true;
		return -EFBIG;
	}
	return buf_put(body, bytes, size) != NULL ? 0 : err_set(t->err, -ENOMEM, "no memory");
}

static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
	struct transfer *t = context;

	(void)one;
	end_head(t);
	if (t->request->sink != NULL && t->answer->status / 100 == 2)
		t->rc = t->request->sink(t->request->context, t->answer, bytes, size, t->err);
	else
		t->rc = keep_body(t, bytes, size);
	return t->rc == 0 ? size : 0;
}

static size_t on_send(char *room, size_t one, size_t size, void *context)
{
	struct transfer *t = context;
	const struct http_request *request = t->request;
	uint64_t left = request->size - t->sent;
	int error = 0;

	size = (size_t)MIN(left, (uint64_t)size * one);
	if (request->bytes != NULL)
		memcpy(room, (const char *)request->bytes + t->sent, size);
	else
		error = io_read_at(request->fd, room, size, request->at + t->sent);
	if (error < 0) {
		t->rc = err_set(t->err, error, "read what is to be sent: %s", strerror(-error));
		return CURL_READFUNC_ABORT;
	}
	t->sent += size;
	if (request->sent != NULL)
		request->sent(request->context, t->sent);
	return size;
}

/* From the beginning again, after a proxy's or server's question. */
static int on_seek(void *context, curl_off_t to, int origin)
{
	struct transfer *t = context;

	if (origin != SEEK_SET || to < 0 || (uint64_t)to > t->request->size)
		return CURL_SEEKFUNC_CANTSEEK;
	t->sent = (uint64_t)to;
	return CURL_SEEKFUNC_OK;
}

static int on_tick(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
		   curl_off_t up)
{
	struct transfer *t = context;
	uint64_t now = http_now(), most = t->http->options.stall;

	(void)down_all;
	(void)up_all;
	if (t->request->has_body && t->sent == t->request->size)
		most *= PATIENCE_AFTER_BODY;
	if (down + up != t->moved) {
		t->moved = down + up;
		t->moved_at = now;
	}
	t->stalled = now - t->moved_at >= most;
	return t->stalled || atomic_load(&t->http->stopped);
}

/* -- The exchange ------------------------------------------------------------------------------------ */

static void set_method(CURL *curl, const struct http_request *request)
{
	if (strcmp(request->method, "HEAD") == 0) {
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
		return;
	}
	if (request->has_body && request->size > 0) {
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->size);
	} else if (strcmp(request->method, "GET") != 0) {
		/* A body of nothing, and its length said. */
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_callbacks(struct transfer *t)
{
	CURL *curl = t->curl;

	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(curl, CURLOPT_READDATA, t);
	curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(curl, CURLOPT_SEEKDATA, t);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static void set_connection(CURL *curl, const struct http *http)
{
	struct curl_blob authorities = {.data = http->authorities.data,
					.len = http->authorities.size,
					.flags = CURL_BLOB_NOCOPY};

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "skiff/" SKIFF_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)http->options.connect);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 128L << 10);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
	if (authorities.len > 0)
		curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authorities);
	if (http->options.proxy != NULL)
		curl_easy_setopt(curl, CURLOPT_PROXY, http->options.proxy);
}

/* NULL: no memory. */
static struct curl_slist *make_lines(const struct http_request *request)
{
	struct curl_slist *list = NULL, *more;
	char *line = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(request->lines) && request->lines[i] != NULL; i++) {
		more = curl_slist_append(list, request->lines[i]);
		if (more == NULL)
			goto fail;
		list = more;
	}
	if (request->authorization != NULL &&
	    asprintf(&line, "Authorization: %s", request->authorization) < 0)
		goto fail;
	/* There is always one: curl's own Accept is of no use. */
	more = curl_slist_append(list, line != NULL ? line : "X-Nothing:");
	free(line);
	if (more != NULL)
		return more;
fail:
	curl_slist_free_all(list);
	return NULL;
}

static int judge(struct transfer *t, CURLcode code, const char *detail)
{
	struct http_failure failure = {.code = code,
				       .detail = detail[0] != '\0' ? detail
								   : curl_easy_strerror(code),
				       .stalled = t->stalled,
				       .stall = t->http->options.stall};
	long os_error = 0;

	end_head(t);
	if (code == CURLE_OK || t->cut) {
		/* A NUL, so that it is a text where it is one. */
		if (buf_put(&t->answer->body, "", 1) == NULL)
			return err_set(t->err, -ENOMEM, "no memory");
		t->answer->body.size--;
		atomic_store(&t->http->reached, true);
		t->answer->again = t->answer->status == 408 || t->answer->status == 429 ||
				   (t->answer->status >= 500 && t->answer->status != 501);
		return 0;
	}
	if (t->rc < 0)
		return t->rc;
	curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &os_error);
	failure.os_error = (int)os_error;
	curl_easy_getinfo(t->curl, CURLINFO_HTTP_CONNECTCODE, &failure.tunnel);
	return http_fail(t->http, &failure, t->answer, t->err);
}

int http_transfer(struct http *http, CURL *curl, const struct http_request *request,
		  struct http_answer *answer, struct err *err)
{
	struct transfer t = {.http = http,
			     .curl = curl,
			     .request = request,
			     .answer = answer,
			     .err = err,
			     .moved_at = http_now()};
	struct curl_slist *lines = make_lines(request);
	char detail[CURL_ERROR_SIZE] = "";
	int rc;

	if (lines == NULL)
		return err_set(err, -ENOMEM, "no memory");
	answer->url = request->url;
	curl_easy_reset(curl);
	set_connection(curl, http);
	set_callbacks(&t);
	set_method(curl, request);
	curl_easy_setopt(curl, CURLOPT_URL, request->url.text);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
	rc = judge(&t, curl_easy_perform(curl), detail);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(lines);
	return rc;
}
