/* SPDX-License-Identifier: Apache-2.0 */
#include "image/http.h"

#include "base/base.h"
#include "base/io.h"
#include "image/http_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
	REDIRECTS = 5,
	TRIES = 4,
	PAUSE_MAX = 60000, /* ms that a registry may ask for */
	PAUSE_WORTH_TELLING = 2000,
	AUTHORITIES_MAX = 16 << 20,
};

/* -- The session --------------------------------------------------------------------------------------- */

/* Milliseconds out of the environment, for tests mostly. */
static unsigned setting(unsigned given, const char *name, unsigned usual)
{
	const char *text = getenv(name);
	char *end;
	unsigned long value;

	if (given != 0 || text == NULL)
		return given != 0 ? given : usual;
	value = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && value > 0 && value < 86400000
		       ? (unsigned)value
		       : usual;
}

static int add_file(struct buf *to, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size = 0;
	int rc = fd < 0 ? -errno : io_whole(fd, AUTHORITIES_MAX, &text, &size);

	if (fd >= 0)
		close(fd);
	if (text != NULL && strstr(text, "-----BEGIN ") == NULL)
		rc = err_set(err, -EINVAL, "'%s' holds no certificate (PEM)", path);
	else if (rc < 0)
		err_set(err, rc, "'%s': %s", path, strerror(-rc));
	if (rc == 0 && (buf_put(to, text, size) == NULL || buf_put(to, "\n", 1) == NULL))
		rc = err_set(err, -ENOMEM, "no memory");
	free(text);
	return rc;
}

/*
 * The system's roots and whoever was named beside them. Without either curl's own default is enough, and cheaper. A system without roots
 * is no mistake where one authority was named.
 */
static int load_authorities(struct http *http, struct err *err)
{
	const char *roots = getenv("SSL_CERT_FILE"), *given = http->options.ca_file;
	CURL *curl;
	int rc = 0;

	if (roots != NULL && roots[0] != '\0')
		rc = add_file(&http->authorities, roots, err);
	else if (given != NULL && (curl = curl_easy_init()) != NULL) {
		roots = NULL;
		curl_easy_getinfo(curl, CURLINFO_CAINFO, &roots);
		if (roots != NULL && access(roots, R_OK) == 0)
			rc = add_file(&http->authorities, roots, err);
		curl_easy_cleanup(curl);
	}
	if (rc == 0 && given != NULL)
		rc = add_file(&http->authorities, given, err);
	return rc;
}

int http_open(struct http **ret, const struct http_options *options, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	int rc;

	if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(http);
		return err_set(err, -ENOMEM, "no memory");
	}
	/* TLS writes to connections that may be gone. */
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&http->lock, NULL);
	http->options = *options;
	http->options.connect = setting(options->connect, "SKIFF_CONNECT_TIMEOUT", 10000);
	http->options.stall = setting(options->stall, "SKIFF_STALL_TIMEOUT", 30000);
	http->options.pause = setting(options->pause, "SKIFF_RETRY_PAUSE", 500);
	rc = load_authorities(http, err);
	if (rc < 0) {
		http_close(http);
		return rc;
	}
	*ret = http;
	return 0;
}

struct http *http_close(struct http *http)
{
	if (http == NULL)
		return NULL;
	while (http->idle_count > 0)
		curl_easy_cleanup(http->idle[--http->idle_count]);
	pthread_mutex_destroy(&http->lock);
	buf_deinit(&http->authorities);
	free(http);
	return NULL;
}

void http_stop(struct http *http)
{
	atomic_store(&http->stopped, true);
}

static CURL *borrow(struct http *http)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&http->lock);
	if (http->idle_count > 0)
		curl = http->idle[--http->idle_count];
	pthread_mutex_unlock(&http->lock);
	return curl != NULL ? curl : curl_easy_init();
}

static void give_back(struct http *http, CURL *curl)
{
	pthread_mutex_lock(&http->lock);
	if (http->idle_count < HTTP_IDLE) {
		http->idle[http->idle_count++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&http->lock);
	curl_easy_cleanup(curl);
}

void http_answer_deinit(struct http_answer *answer)
{
	for (int i = 0; i < HTTP_HEADERS; i++)
		free(answer->headers[i]);
	buf_deinit(&answer->body);
	*answer = (struct http_answer){0};
}

/* -- Redirects ---------------------------------------------------------------------------------------- */

static bool redirects(const struct http_request *request, const struct http_answer *answer)
{
	if (answer->headers[HTTP_LOCATION] == NULL)
		return false;
	switch (answer->status) {
	case 301:
	case 302:
	case 303:
		return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
	case 307:
	case 308:
		return true;
	default:
		return false;
	}
}

static int check_plain(const struct http *http, const struct url *url, struct err *err)
{
	char shown[256];

	if (url->https || http->options.plain || url_local(url))
		return 0;
	return err_set(err, -EACCES, "%s: http without TLS takes --plain-http",
		       url_shown(url, shown));
}

/* Where it goes on from `answer`; what may not go there is taken out of the request. */
static int follow(const struct http *http, struct http_request *request,
		  const struct http_answer *answer, struct err *err)
{
	struct url *to = &request->url;
	bool https = to->https;
	struct url from = *to;
	char shown[256];
	int rc = url_follow(to, &from, answer->headers[HTTP_LOCATION], err);

	if (rc < 0)
		return err_prefix(err, rc, "%s: a redirect", url_shown(&from, shown));
	if (https && !to->https)
		return err_set(err, -EACCES,
			       "%s: a redirect from https to http is not followed (to %s)",
			       from.host, url_shown(to, shown));
	if (!url_same_place(&from, to) && request->stay)
		return err_set(err, -EACCES,
			       "%s: a redirect to another host is not followed (to %s)", from.host,
			       url_shown(to, shown));
	if (!url_same_place(&from, to))
		request->authorization = NULL;
	return check_plain(http, to, err);
}

int http_once(struct http *http, const struct http_request *request, struct http_answer *ret,
	      struct err *err)
{
	struct http_request now = *request;
	CURL *curl;
	int rc;

	*ret = (struct http_answer){.url = now.url};
	rc = check_plain(http, &now.url, err);
	if (rc < 0)
		return rc;
	curl = borrow(http);
	if (curl == NULL)
		return err_set(err, -ENOMEM, "no memory");
	for (unsigned i = 0;; i++) {
		rc = http_transfer(http, curl, &now, ret, err);
		if (rc < 0 || !redirects(&now, ret))
			break;
		rc = i == REDIRECTS ? err_set(err, -ELOOP, "%s: more than %d redirects",
					      request->url.host, REDIRECTS)
				    : follow(http, &now, ret, err);
		http_answer_deinit(ret);
		ret->url = now.url;
		if (rc < 0)
			break;
	}
	give_back(http, curl);
	return rc;
}

/* -- Again ---------------------------------------------------------------------------------------------- */

/* What Retry-After says, in ms; 0: nothing that makes sense. */
static uint64_t asked_pause(const struct http_answer *answer)
{
	const char *text = answer->headers[HTTP_RETRY];
	char *end;
	time_t when;
	unsigned long long seconds;

	if (text == NULL)
		return 0;
	if (*text >= '0' && *text <= '9') {
		seconds = strtoull(text, &end, 10);
		if (*end == '\0')
			return MIN(seconds, 1000000000ull) * 1000;
	}
	when = curl_getdate(text, NULL);
	return when > time(NULL) ? (uint64_t)(when - time(NULL)) * 1000 : 0;
}

/* Doubled with each, and between a half and one and a half of that: many who failed at once do not come back at once. */
static uint64_t own_pause(const struct http *http, unsigned count)
{
	uint64_t pause = (uint64_t)http->options.pause << (count - 1);
	uint32_t chance = 0;

	(void)!getrandom(&chance, sizeof(chance), GRND_NONBLOCK);
	return pause / 2 + chance % (pause + 1);
}

static void tell(const struct http *http, const struct http_answer *answer, uint64_t pause,
		 const struct err *why)
{
	struct err sentence;
	char seconds[32];

	if (http->options.note == NULL || pause < PAUSE_WORTH_TELLING)
		return;
	snprintf(seconds, sizeof(seconds), "%llu s", (unsigned long long)(pause + 999) / 1000);
	if (answer->status != 0)
		err_set(&sentence, 0, "%s answers %u; the next try comes in %s", answer->url.host,
			answer->status, seconds);
	else
		err_set(&sentence, 0, "%s; the next try comes in %s",
			why != NULL ? why->text : answer->url.host, seconds);
	http->options.note(http->options.context, sentence.text);
}

/* False: stopped meanwhile. */
static bool wait_for(const struct http *http, uint64_t pause)
{
	const struct timespec bit = {.tv_nsec = 20000000};
	uint64_t end = http_now() + pause;

	while (http_now() < end && !atomic_load(&http->stopped))
		nanosleep(&bit, NULL);
	return !atomic_load(&http->stopped);
}

bool http_again(struct http *http, struct http_tries *tries, const struct http_answer *answer,
		const struct err *why)
{
	uint64_t pause;

	if (!answer->again || ++tries->count >= TRIES || atomic_load(&http->stopped))
		return false;
	pause = asked_pause(answer);
	if (pause > PAUSE_MAX)
		return false;
	if (pause == 0)
		pause = own_pause(http, tries->count);
	tell(http, answer, pause, answer->status == 0 ? why : NULL);
	return wait_for(http, pause);
}

int http_ask(struct http *http, const struct http_request *request, struct http_answer *ret,
	     struct err *err)
{
	struct http_tries tries = {0};
	int rc;

	for (;;) {
		rc = http_once(http, request, ret, err);
		if (!http_again(http, &tries, ret, err))
			return rc;
		http_answer_deinit(ret);
	}
}
