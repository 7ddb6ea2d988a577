/* SPDX-License-Identifier: Apache-2.0 */
#include "image/url.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <curl/curl.h>

/* What libcurl gives is to be freed by it. False: there is none, or no room. */
static bool part(CURLU *handle, CURLUPart which, unsigned flags, char *room, size_t size)
{
	char *text = NULL;
	bool fits;

	if (curl_url_get(handle, which, &text, flags) != CURLUE_OK)
		return false;
	fits = strlen(text) < size;
	if (fits)
		strcpy(room, text);
	curl_free(text);
	return fits;
}

static int take(struct url *ret, CURLU *handle)
{
	char scheme[16], port[16];
	struct url url;

	if (!part(handle, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
	    !part(handle, CURLUPART_HOST, 0, url.host, sizeof(url.host)) ||
	    !part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) ||
	    !part(handle, CURLUPART_URL, 0, url.text, sizeof(url.text)))
		return -EINVAL;
	url.https = strcmp(scheme, "https") == 0;
	if (!url.https && strcmp(scheme, "http") != 0)
		return -EINVAL;
	for (char *c = url.host; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	url.port = (unsigned)strtoul(port, NULL, 10);
	/* What stands behind # never travels. */
	url.text[strcspn(url.text, "#")] = '\0';
	*ret = url;
	return 0;
}

/* A text of a stranger for a sentence: not all of it. */
enum { SHOWN = 120 };

int url_follow(struct url *ret, const struct url *base, const char *location, struct err *err)
{
	const unsigned flags = CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME;
	CURLU *handle = curl_url();
	int rc = -EINVAL;

	if (handle == NULL)
		return err_set(err, -ENOMEM, "no memory");
	if ((base == NULL || curl_url_set(handle, CURLUPART_URL, base->text, flags) == CURLUE_OK) &&
	    curl_url_set(handle, CURLUPART_URL, location, flags) == CURLUE_OK)
		rc = take(ret, handle);
	curl_url_cleanup(handle);
	if (rc == 0)
		return 0;
	return err_set(err, -EINVAL, "'%.*s%s' is no address by http or https", SHOWN, location,
		       strlen(location) > SHOWN ? "..." : "");
}

int url_parse(struct url *ret, const char *text, struct err *err)
{
	return url_follow(ret, NULL, text, err);
}

bool url_same_place(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool url_local(const struct url *url)
{
	struct in_addr address;

	if (strcmp(url->host, "localhost") == 0 || strcmp(url->host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, url->host, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

int url_query(struct url *url, const char *name, const char *value, struct err *err)
{
	size_t used = strlen(url->text);
	char *escaped = curl_easy_escape(NULL, value, 0);
	int n;

	if (escaped == NULL)
		return err_set(err, -ENOMEM, "no memory");
	n = snprintf(url->text + used, sizeof(url->text) - used, "%c%s=%s",
		     strchr(url->text, '?') != NULL ? '&' : '?', name, escaped);
	curl_free(escaped);
	if ((size_t)n < sizeof(url->text) - used)
		return 0;
	url->text[used] = '\0';
	return err_set(err, -EINVAL, "an address of more than %d bytes", URL_MAX - 1);
}

const char *url_shown(const struct url *url, char room[static 256])
{
	snprintf(room, 256, "%.*s", (int)strcspn(url->text, "?"), url->text);
	return room;
}
