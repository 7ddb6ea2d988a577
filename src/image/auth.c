/* SPDX-License-Identifier: Apache-2.0 */
#include "image/auth.h"

#include "base/json.h"
#include "image/base64.h"
#include "image/challenge.h"
#include "image/http_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TOKEN_MAX = 64 << 10,
	ANSWER_MAX = 256 << 10,
	LIFE = 60, /* seconds a token lives for if nothing is said */
};

struct auth {
	struct auth_options options; /* borrowed texts */
	pthread_mutex_t lock; /* of all below */
	struct login login; /* owned */
	bool looked, has_login;
	bool basic; /* `line` is the login itself */
	char *line; /* owned; NULL: none */
	uint64_t until; /* ms of http_now() when it is old; 0: never */
};

int auth_open(struct auth **ret, const struct auth_options *options, struct err *err)
{
	struct auth *auth = calloc(1, sizeof(*auth));

	if (auth == NULL)
		return err_set(err, -ENOMEM, "no memory");
	auth->options = *options;
	pthread_mutex_init(&auth->lock, NULL);
	*ret = auth;
	return 0;
}

static void drop_line(struct auth *auth)
{
	if (auth->line != NULL)
		explicit_bzero(auth->line, strlen(auth->line));
	free(auth->line);
	auth->line = NULL;
}

struct auth *auth_close(struct auth *auth)
{
	if (auth == NULL)
		return NULL;
	drop_line(auth);
	login_deinit(&auth->login);
	pthread_mutex_destroy(&auth->lock);
	free(auth);
	return NULL;
}

int auth_line(struct auth *auth, char **ret, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&auth->lock);
	/* One that is old would be refused: the challenge that comes instead leads to a new one. */
	if (auth->until != 0 && http_now() >= auth->until)
		drop_line(auth);
	*ret = auth->line != NULL ? strdup(auth->line) : NULL;
	if (*ret == NULL && auth->line != NULL)
		rc = err_set(err, -ENOMEM, "no memory");
	pthread_mutex_unlock(&auth->lock);
	return rc;
}

/* -- The login -------------------------------------------------------------------------------------------- */

static int look(struct auth *auth, struct err *err)
{
	const struct auth_options *o = &auth->options;
	int rc = 0;

	if (auth->looked)
		return 0;
	if (o->user != NULL) {
		auth->login.user = strdup(o->user);
		auth->login.password = strdup(o->password != NULL ? o->password : "");
		snprintf(auth->login.from, sizeof(auth->login.from), "the command line");
		if (auth->login.user == NULL || auth->login.password == NULL)
			rc = err_set(err, -ENOMEM, "no memory");
	} else {
		rc = login_find(&auth->login, o->host, o->path, err);
	}
	if (rc < 0)
		return err_prefix(err, rc, "look for the login of %s", o->host);
	auth->looked = true;
	auth->has_login = rc == 0;
	return 0;
}

static int refuse(const struct auth *auth, struct err *err)
{
	const struct auth_options *o = &auth->options;

	if (!auth->has_login)
		return err_set(err, -EACCES,
			       "%s asks for a login, for this or for all of it: skiff login %s",
			       o->host, o->host);
	if (auth->login.identity != NULL)
		return err_set(err, -EACCES, "%s refuses the login of %s: skiff login %s", o->host,
			       auth->login.from, o->host);
	return err_set(err, -EACCES, "%s refuses '%s' and the password of %s: skiff login %s",
		       o->host, auth->login.user, auth->login.from, o->host);
}

static char *basic_line(const struct auth *auth)
{
	char *pair = NULL, *encoded = NULL, *line = NULL;

	if (asprintf(&pair, "%s:%s", auth->login.user, auth->login.password) < 0)
		return NULL;
	encoded = base64_encode(pair, strlen(pair));
	if (encoded != NULL && asprintf(&line, "Basic %s", encoded) < 0)
		line = NULL;
	explicit_bzero(pair, strlen(pair));
	free(pair);
	free(encoded);
	return line;
}

/* -- Tokens ------------------------------------------------------------------------------------------------ */

/* Where tokens are: by https, or as the registry itself is spoken to: then on its own host or this machine. */
static int find_realm(const struct auth *auth, const struct challenge *challenge,
		      const struct http_answer *answer, struct url *ret, struct err *err)
{
	char shown[256];

	if (url_parse(ret, challenge->realm, err) < 0)
		return err_prefix(err, -EINVAL, "where the tokens of %s are", auth->options.host);
	if (ret->https ||
	    (!answer->url.https && (strcmp(ret->host, answer->url.host) == 0 || url_local(ret))))
		return 0;
	return err_set(err, -EACCES,
		       "%s wants its tokens asked for without TLS (%s), which is refused",
		       auth->options.host, url_shown(ret, shown));
}

/* What we want, and what the challenge wants of us beside it. */
static int add_scopes(const struct auth *auth, const struct challenge *challenge, struct url *url,
		      struct err *err)
{
	const struct auth_options *o = &auth->options;
	char scope[600];
	int rc = 0;

	if (o->path[0] == '\0')
		return 0;
	snprintf(scope, sizeof(scope), "repository:%s:%s", o->path, o->push ? "pull,push" : "pull");
	rc = url_query(url, "scope", scope, err);
	/* The same in other words is of no use; what is about another thing is. */
	snprintf(scope, sizeof(scope), "repository:%s:", o->path);
	if (rc == 0 && challenge->scope[0] != '\0' && strstr(challenge->scope, scope) == NULL)
		rc = url_query(url, "scope", challenge->scope, err);
	for (int i = 0; rc == 0 && i < AUTH_FROM_MAX && o->from[i] != NULL; i++) {
		snprintf(scope, sizeof(scope), "repository:%s:pull", o->from[i]);
		rc = url_query(url, "scope", scope, err);
	}
	return rc;
}

/* The same as query of a URL, for the body of a POST. */
static int make_refresh(const struct auth *auth, const struct challenge *challenge, char **ret,
			struct err *err)
{
	struct url *query = calloc(1, sizeof(*query));
	int rc;

	if (query == NULL)
		return err_set(err, -ENOMEM, "no memory");
	rc = url_query(query, "grant_type", "refresh_token", err);
	if (rc == 0)
		rc = url_query(query, "client_id", "skiff", err);
	if (rc == 0)
		rc = url_query(query, "service", challenge->service, err);
	if (rc == 0)
		rc = add_scopes(auth, challenge, query, err);
	if (rc == 0)
		rc = url_query(query, "refresh_token", auth->login.identity, err);
	if (rc == 0 && (*ret = strdup(query->text + 1)) == NULL)
		rc = err_set(err, -ENOMEM, "no memory");
	free(query);
	return rc;
}

static bool is_header_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] >= 127)
			return false;
	return size > 0 && size <= TOKEN_MAX;
}

static int take_token(struct auth *auth, const struct http_answer *answer, struct err *err)
{
	struct json *json = NULL;
	const char *token = NULL;
	uint64_t life = LIFE;
	size_t size = 0;
	int rc = 0;

	if (json_parse(&json, (char *)answer->body.data, answer->body.size, NULL) == 0) {
		token = json_string(json_find(json_root(json), "token"), &size);
		if (token == NULL || size == 0)
			token = json_string(json_find(json_root(json), "access_token"), &size);
		json_u64(json_find(json_root(json), "expires_in"), &life);
	}
	if (token == NULL || !is_header_text(token, size)) {
		rc = err_set(err, -EPROTO, "the tokens of %s: the answer has none that makes sense",
			     auth->options.host);
	} else {
		drop_line(auth);
		if (asprintf(&auth->line, "Bearer %s", token) < 0) {
			auth->line = NULL;
			rc = err_set(err, -ENOMEM, "no memory");
		}
		/* A little before it really is. */
		auth->until = http_now() + (life > 0 && life < 10000000 ? life : LIFE) * 900;
		auth->basic = false;
	}
	json_free(json);
	return rc;
}

static int judge_token(struct auth *auth, const struct http_answer *answer, struct err *err)
{
	char shown[256];

	if (answer->status == 200)
		return take_token(auth, answer, err);
	if (answer->status == 401 || answer->status == 403 || answer->status == 400)
		return refuse(auth, err);
	return err_set(err, -EPROTO, "%s, where the tokens of %s are, answers %u",
		       url_shown(&answer->url, shown), auth->options.host, answer->status);
}

static int get_token(struct auth *auth, struct http *http, const struct http_answer *challenged,
		     const struct challenge *challenge, struct err *err)
{
	struct http_request request = {.method = "GET", .most = ANSWER_MAX};
	struct http_answer answer = {0};
	char *line = NULL, *body = NULL;
	int rc = find_realm(auth, challenge, challenged, &request.url, err);

	if (rc == 0 && auth->login.identity != NULL) {
		rc = make_refresh(auth, challenge, &body, err);
		request.method = "POST";
		request.lines[0] = "Content-Type: application/x-www-form-urlencoded";
		request.has_body = request.stay = true;
		request.bytes = body;
		request.size = body != NULL ? strlen(body) : 0;
	} else if (rc == 0) {
		if (challenge->service[0] != '\0')
			rc = url_query(&request.url, "service", challenge->service, err);
		if (rc == 0)
			rc = add_scopes(auth, challenge, &request.url, err);
		if (rc == 0 && auth->has_login && (line = basic_line(auth)) == NULL)
			rc = err_set(err, -ENOMEM, "no memory");
		request.authorization = line;
	}
	if (rc == 0)
		rc = http_ask(http, &request, &answer, err);
	if (rc == 0)
		rc = judge_token(auth, &answer, err);
	if (answer.body.size > 0)
		explicit_bzero(answer.body.data, answer.body.size);
	http_answer_deinit(&answer);
	free(line);
	free(body);
	return rc;
}

/* -- Challenges -------------------------------------------------------------------------------------------- */

static int answer_it(struct auth *auth, struct http *http, const struct http_answer *answer,
		     const char *used, struct err *err)
{
	const char *text = answer->headers[HTTP_AUTHENTICATE];
	struct challenge challenge;
	int rc;

	/* Somebody else was faster. */
	if (auth->line != NULL && (used == NULL || strcmp(auth->line, used) != 0))
		return 0;
	challenge_parse(&challenge, text != NULL ? text : "");
	if (!challenge.basic && !challenge.bearer)
		return err_set(
			err, -EPROTO,
			"%s refuses this (401) and does not say how to log in (Basic or Bearer)",
			auth->options.host);
	rc = look(auth, err);
	if (rc < 0)
		return rc;
	if (challenge.bearer)
		return get_token(auth, http, answer, &challenge, err);
	if (!auth->has_login || auth->login.identity != NULL || (used != NULL && auth->basic))
		return refuse(auth, err);
	drop_line(auth);
	auth->line = basic_line(auth);
	auth->basic = true;
	auth->until = 0;
	return auth->line != NULL ? 0 : err_set(err, -ENOMEM, "no memory");
}

int auth_challenged(struct auth *auth, struct http *http, const struct http_answer *answer,
		    const char *used, struct err *err)
{
	int rc;

	pthread_mutex_lock(&auth->lock);
	rc = answer_it(auth, http, answer, used, err);
	pthread_mutex_unlock(&auth->lock);
	return rc;
}
