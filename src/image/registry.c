/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c: the session: where the registry is, what lets us in, and what its refusals mean.
 *
 * A registry on this machine, or one for which plain http was allowed, is first asked by https; only where nobody speaks TLS there it is
 * spoken to by http. A certificate that is not trusted is no reason for http.
 */
#include "image/registry.h"

#include "base/json.h"
#include "image/registry_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Registries that are reached elsewhere than they are called. */
static const struct {
	const char *name, *host;
} elsewhere[] = {{"docker.io", "registry-1.docker.io"}};

static const char *host_of(const char *name)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strcmp(elsewhere[i].name, name) == 0)
			return elsewhere[i].host;
	return name;
}

static void tell(void *context, const char *sentence)
{
	progress_tell(context, sentence);
}

static int set_base(struct registry *r, const char *scheme, struct err *err)
{
	char text[400];

	snprintf(text, sizeof(text), "%s://%s", scheme, host_of(r->host));
	return url_parse(&r->base, text, err);
}

/* By which scheme? */
static int find_base(struct registry *r, bool plain, struct err *err)
{
	struct http_request request = {.method = "GET", .most = 64 << 10};
	struct http_answer answer;
	int rc = set_base(r, "https", err);

	if (rc < 0 || (!plain && !url_local(&r->base)))
		return rc;
	rc = registry_url(r, &request.url, err, "%s", "");
	if (rc < 0)
		return rc;
	rc = http_once(r->http, &request, &answer, err);
	if (rc < 0 && answer.insecure)
		rc = set_base(r, "http", err);
	else if (rc < 0 && answer.again)
		rc = 0; /* it will be tried again */
	http_answer_deinit(&answer);
	return rc < 0 ? rc : 0;
}

static int open_parts(struct registry *r, bool is_mirror, struct err *err)
{
	const struct registry_options *o = &r->options;
	const char *given = is_mirror ? NULL : o->ca_file;
	struct http_options http = {
		.ca_file = given != NULL                 ? given
			   : r->entry.ca_file[0] != '\0' ? r->entry.ca_file
							 : o->ca_file,
		.proxy = o->proxy,
		.plain = o->plain_http || r->entry.plain_http,
		.note = o->progress != NULL ? tell : NULL,
		.context = o->progress,
	};
	struct auth_options auth = {.host = r->host, .path = r->path, .push = o->push};
	int rc = http_open(&r->http, &http, err);

	/* A password for the registry is none of a mirror's business. */
	if (!is_mirror) {
		auth.user = o->user;
		auth.password = o->password;
	}
	memcpy(auth.from, o->from, sizeof(auth.from));
	if (rc == 0)
		rc = auth_open(&r->auth, &auth, err);
	return rc == 0 ? find_base(r, http.plain, err) : rc;
}

int registry_open(struct registry **ret, const struct reference *reference, const char *mirror,
		  const struct registry_options *options, struct err *err)
{
	struct registry *r = calloc(1, sizeof(*r));
	const char *slash = mirror != NULL ? strchr(mirror, '/') : NULL;
	int rc;

	_Static_assert((int)REGISTRY_FROM_MAX == (int)AUTH_FROM_MAX, "one is handed to the other");
	if (r == NULL)
		return err_set(err, -ENOMEM, "no memory");
	r->reference = *reference;
	r->options = *options;
	snprintf(r->host, sizeof(r->host), "%s", mirror != NULL ? mirror : reference->host);
	if (slash != NULL)
		r->host[slash - mirror] = '\0';
	snprintf(r->path, sizeof(r->path), "%s%s%s", slash != NULL ? slash + 1 : "",
		 slash != NULL ? "/" : "", reference->path);
	rc = registries_find(r->host, &r->entry, err);
	if (rc == 0)
		rc = open_parts(r, mirror != NULL, err);
	if (rc < 0) {
		registry_close(r);
		return rc;
	}
	*ret = r;
	return 0;
}

struct registry *registry_close(struct registry *r)
{
	if (r == NULL)
		return NULL;
	auth_close(r->auth);
	http_close(r->http);
	free(r);
	return NULL;
}

void registry_stop(struct registry *r)
{
	http_stop(r->http);
}

int registry_url(const struct registry *r, struct url *ret, struct err *err, const char *format,
		 ...)
{
	char text[2048];
	va_list args;
	int used, more;

	/* The base ends with the slash of its empty path. */
	used = snprintf(text, sizeof(text), "%sv2/", r->base.text);
	va_start(args, format);
	more = vsnprintf(text + used, sizeof(text) - (size_t)used, format, args);
	va_end(args);
	if ((size_t)used + (size_t)more >= sizeof(text))
		return err_set(err, -EINVAL, "the name is too long");
	return url_parse(ret, text, err);
}

/* -- Requests ---------------------------------------------------------------------------------------------- */

int registry_once(struct registry *r, const struct http_request *request, struct http_answer *ret,
		  struct err *err)
{
	/* Nothing, then a token, then one that is newer. */
	enum { ROUNDS = 3 };
	struct http_request now = *request;
	char *line = NULL;
	int rc = 0;

	*ret = (struct http_answer){0};
	for (unsigned i = 0; rc == 0; i++) {
		rc = auth_line(r->auth, &line, err);
		if (rc < 0)
			break;
		/* An upload may have been sent to another host, which gets bytes only. */
		now.authorization = url_same_place(&request->url, &r->base) ? line : NULL;
		rc = http_once(r->http, &now, ret, err);
		if (rc < 0 || ret->status != 401)
			break;
		if (i + 1 == ROUNDS || !url_same_place(&ret->url, &r->base))
			rc = registry_refused(r, ret, "", err);
		else
			rc = auth_challenged(r->auth, r->http, ret, line, err);
		http_answer_deinit(ret);
		free(line);
		line = NULL;
	}
	free(line);
	return rc;
}

int registry_ask(struct registry *r, const struct http_request *request, struct http_answer *ret,
		 struct err *err)
{
	struct http_tries tries = {0};
	int rc;

	for (;;) {
		rc = registry_once(r, request, ret, err);
		if (!http_again(r->http, &tries, ret, err))
			return rc;
		http_answer_deinit(ret);
	}
}

int registry_check(struct registry *r, struct err *err)
{
	struct http_request request = {.method = "GET", .most = 1 << 20};
	struct http_answer answer;
	int rc = registry_url(r, &request.url, err, "%s", "");

	if (rc < 0)
		return rc;
	rc = registry_ask(r, &request, &answer, err);
	if (rc == 0 && answer.status != 200)
		rc = answer.status == 404
			     ? err_set(err, -EPROTO, "%s is no registry (/v2/ is not there)",
				       r->host)
			     : registry_refused(r, &answer, "", err);
	http_answer_deinit(&answer);
	return rc;
}

/* -- Refusals ------------------------------------------------------------------------------------------------ */

/* {"errors": [{"code": ..., "message": ...}]} */
static void first_error(const struct http_answer *answer, char code[static 64],
			char message[static 200])
{
	struct json *json = NULL;
	struct json_value error;
	const char *text;

	code[0] = message[0] = '\0';
	if (answer->body.size == 0 ||
	    json_parse(&json, (char *)answer->body.data, answer->body.size, NULL) != 0)
		return;
	error = json_first(json_find(json_root(json), "errors"));
	text = json_string(json_find(error, "code"), NULL);
	snprintf(code, 64, "%s", text != NULL ? text : "");
	text = json_string(json_find(error, "message"), NULL);
	snprintf(message, 200, "%s", text != NULL ? text : "");
	json_free(json);
}

void registry_code(const struct http_answer *answer, char code[static 64])
{
	char message[200];

	first_error(answer, code, message);
}

/* How it puts it: ": its words", or "" */
static void own_words(const struct http_answer *answer, char words[static 300])
{
	const char *type = answer->headers[HTTP_TYPE];
	char code[64], message[200];

	first_error(answer, code, message);
	if (message[0] != '\0' || code[0] != '\0')
		snprintf(words, 300, " (%s)", message[0] != '\0' ? message : code);
	else
		snprintf(words, 300, "%s",
			 type != NULL && strncasecmp(type, "text/html", 9) == 0
				 ? " (with a web page)"
				 : "");
}

int registry_refused(const struct registry *r, const struct http_answer *answer, const char *doing,
		     struct err *err)
{
	const char *pause = answer->headers[HTTP_RETRY];
	const char *gap = doing[0] != '\0' ? ": " : "";
	bool other = !url_same_place(&answer->url, &r->base);
	const char *host = other ? answer->url.host : r->host;
	char words[300];

	own_words(answer, words);
	if (pause != NULL && pause[strspn(pause, "0123456789")] != '\0')
		pause = NULL;
	switch (answer->status) {
	case 401:
	case 403:
		return err_set(
			err, -EACCES,
			"%s%s%s does not allow it%s; if there is a login that may: skiff login %s",
			doing, gap, host, words, r->host);
	case 404:
		return err_set(err, -ENOENT, "%s%s%s does not have it%s", doing, gap, host, words);
	case 429:
		return err_set(err, -EAGAIN,
			       "%s%s%s has had too many requests from here%s%s%.20s%s", doing, gap,
			       host, words, pause != NULL ? ", and asks for a pause of " : "",
			       pause != NULL ? pause : "", pause != NULL ? " s" : "");
	default:
		return err_set(err, -EPROTO, "%s%s%s answers %u%s", doing, gap, host,
			       answer->status, words);
	}
}

int registry_check_plain(const struct registry *r, const struct http_answer *answer,
			 struct err *err)
{
	const char *encoding = answer->headers[HTTP_ENCODING];

	if (encoding == NULL || encoding[0] == '\0' || strcasecmp(encoding, "identity") == 0)
		return 0;
	return err_set(err, -EPROTO,
		       "%s packs its answer (Content-Encoding: %.40s), which nobody asked for",
		       r->host, encoding);
}
