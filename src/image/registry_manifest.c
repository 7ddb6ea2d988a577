/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_manifest.c: manifests and indexes, got and put; and the list of tags, where one was asked for that is not there.
 *
 * The bytes are what counts: their digest is what was asked for, or, of a tag, what the registry says they are, if it says so. What
 * they are by their media type must be what they are by their content: one text read in two ways is how the one image
 * that was looked at becomes another.
 */
#include "base/base.h"
#include "base/json.h"
#include "image/hash.h"
#include "image/registry_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPT                                                   \
	"Accept: application/vnd.oci.image.index.v1+json, "      \
	"application/vnd.oci.image.manifest.v1+json, "           \
	"application/vnd.docker.distribution.manifest.v2+json, " \
	"application/vnd.docker.distribution.manifest.list.v2+json"

void registry_manifest_deinit(struct registry_manifest *manifest)
{
	free(manifest->text);
	manifest->text = NULL;
}

/* -- Tags ------------------------------------------------------------------------------------------------ */

enum { PAGES = 10, PAGE = 100, TAGS_SHOWN = 8, TAGS_BYTES = 1 << 20 };

struct tags {
	struct buf items; /* char *, owned */
	bool more; /* nobody looked further */
	bool nowhere; /* there is not even a list */
};

static void add_tags(struct tags *tags, const struct http_answer *answer)
{
	struct json *json = NULL;

	if (json_parse(&json, (char *)answer->body.data, answer->body.size, NULL) != 0)
		return;
	for (struct json_value v = json_first(json_find(json_root(json), "tags")); json_exists(v);
	     v = json_next(v)) {
		const char *tag = json_string(v, NULL);
		char *copy = tag != NULL && strlen(tag) <= REFERENCE_TAG_MAX ? strdup(tag) : NULL;

		if (copy != NULL && buf_put(&tags->items, &copy, sizeof(copy)) == NULL)
			free(copy);
	}
	json_free(json);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_tags(struct tags *tags)
{
	for (size_t i = 0; i < BUF_COUNT(&tags->items, char *); i++)
		free(*BUF_ITEM(&tags->items, char *, i));
	buf_deinit(&tags->items);
}

/* "a, b, c and 4 others" */
static void show_tags(const struct tags *tags, char shown[static 600])
{
	size_t count = BUF_COUNT(&tags->items, char *), used = 0;

	for (size_t i = 0; i < count && i < TAGS_SHOWN && used < 400; i++)
		used += (size_t)snprintf(shown + used, 600 - used, "%s%s", i > 0 ? ", " : "",
					 *BUF_ITEM(&tags->items, char *, i));
	if (count > TAGS_SHOWN)
		snprintf(shown + used, 600 - used, " and %s%zu others",
			 tags->more ? "more than " : "", count - TAGS_SHOWN);
}

/* Link: </v2/...>; rel="next" */
static bool next_page(const struct http_answer *answer, struct url *url)
{
	const char *link = answer->headers[HTTP_LINK], *end;
	char target[2048];

	if (link == NULL || *link != '<' || (end = strchr(link, '>')) == NULL ||
	    strstr(end, "next") == NULL || (size_t)(end - link) >= sizeof(target))
		return false;
	memcpy(target, link + 1, (size_t)(end - link - 1));
	target[end - link - 1] = '\0';
	return url_follow(url, &answer->url, target, NULL) == 0 &&
	       url_same_place(url, &answer->url);
}

static void list_tags(struct registry *r, struct tags *tags)
{
	struct http_request request = {.method = "GET", .most = TAGS_BYTES};
	struct http_answer answer;
	bool more = registry_url(r, &request.url, NULL, "%s/tags/list?n=%d", r->path, PAGE) == 0;

	for (unsigned i = 0; more && i < PAGES; i++) {
		more = registry_once(r, &request, &answer, NULL) == 0 && answer.status == 200;
		tags->nowhere = i == 0 && answer.status == 404;
		if (more) {
			add_tags(tags, &answer);
			more = next_page(&answer, &request.url);
		}
		http_answer_deinit(&answer);
	}
	tags->more = more;
	if (tags->items.size > 0)
		qsort(tags->items.data, BUF_COUNT(&tags->items, char *), sizeof(char *), compare);
}

static int no_such(struct registry *r, const char *what, const struct http_answer *answer,
		   struct err *err)
{
	struct tags tags = {.more = false};
	char code[64], shown[600];
	int rc = -ENOENT;

	registry_code(answer, code);
	if (strchr(what, ':') != NULL)
		return err_set(err, rc, "%s has no '%s' with the digest %s", r->host, r->path,
			       what);
	if (strcmp(code, "NAME_UNKNOWN") != 0)
		list_tags(r, &tags);
	show_tags(&tags, shown);
	if (tags.nowhere || strcmp(code, "NAME_UNKNOWN") == 0)
		err_set(err, rc, "%s has no repository '%s'", r->host, r->path);
	else if (tags.items.size == 0)
		err_set(err, rc, "%s has no '%s' with the tag '%s'", r->host, r->path, what);
	else
		err_set(err, rc, "no such tag '%s' of '%s'; there are: %s", what, r->path, shown);
	free_tags(&tags);
	return rc;
}

/* -- What was got ------------------------------------------------------------------------------------------ */

static void plain_type(const char *header, char type[static 128])
{
	size_t size = header != NULL ? strcspn(header, "; \t,") : 0;

	size = MIN(size, 127u);
	for (size_t i = 0; i < size; i++)
		type[i] = header[i] >= 'A' && header[i] <= 'Z' ? (char)(header[i] | 32) : header[i];
	type[size] = '\0';
}

static bool says_little(const char *type)
{
	return type[0] == '\0' || strcmp(type, "application/json") == 0 ||
	       strcmp(type, "application/octet-stream") == 0 || strcmp(type, "text/plain") == 0;
}

static int check_type(const struct registry *r, struct registry_manifest *m, struct err *err)
{
	enum image_type said = image_type(m->media_type), is = image_guess(m->text, m->size);

	if (said == IMAGE_MANIFEST_V1 || (said == IMAGE_UNKNOWN && is == IMAGE_MANIFEST_V1))
		return err_set(
			err, -ENOTSUP,
			"%s has this image in docker's first format only (schema 1), which is "
			"not read: push it anew with a tool of this decade",
			r->host);
	if (strcmp(m->media_type, "text/html") == 0)
		return err_set(
			err, -EPROTO,
			"%s answers with a web page: is it a registry, and is the name right?",
			r->host);
	if (said != IMAGE_INDEX && said != IMAGE_MANIFEST && !says_little(m->media_type))
		return err_set(err, -EPROTO, "%s answers with '%s', which is no image", r->host,
			       m->media_type);
	if (is != IMAGE_INDEX && is != IMAGE_MANIFEST)
		return err_set(err, -EPROTO,
			       "%s answers with what is neither a manifest nor an index", r->host);
	if (!says_little(m->media_type) && said != is)
		return err_set(err, -EPROTO, "%s says it is '%s', but it is %s", r->host,
			       m->media_type, is == IMAGE_INDEX ? "an index" : "a manifest");
	if (says_little(m->media_type))
		snprintf(m->media_type, sizeof(m->media_type), "%s", image_media_type(is));
	m->type = is;
	return 0;
}

static int digest_of(const struct registry_manifest *m, const struct oci_digest *like,
		     struct oci_digest *ret, struct err *err)
{
	struct hash hash;
	int rc = hash_begin(&hash, like);

	if (rc < 0)
		return err_set(err, rc, "no memory");
	hash_take(&hash, m->text, m->size);
	hash_end(&hash, ret);
	return 0;
}

static int check_digest(const struct registry *r, const char *what,
			const struct http_answer *answer, struct registry_manifest *m,
			struct err *err)
{
	const char *said = answer->headers[HTTP_DIGEST];
	struct oci_digest wanted = {0};
	bool asked = strchr(what, ':') != NULL;
	int rc = 0;

	if (asked)
		rc = oci_digest_parse(&wanted, what, err);
	else if (said != NULL && (rc = oci_digest_parse(&wanted, said, err)) < 0)
		return err_prefix(err, rc, "%s: Docker-Content-Digest", r->host);
	if (rc == 0)
		rc = digest_of(m, wanted.text[0] != '\0' ? &wanted : NULL, &m->digest, err);
	if (rc < 0 || wanted.text[0] == '\0' || oci_digest_is(&wanted, &m->digest))
		return rc;
	return err_set(err, -EBADMSG, "%s gives a manifest with the digest %s, but %s %s", r->host,
		       m->digest.text, asked ? "was asked for" : "says it has", wanted.text);
}

static int take(const struct registry *r, const char *what, struct http_answer *answer,
		struct registry_manifest *m, struct err *err)
{
	int rc = registry_check_plain(r, answer, err);

	if (rc < 0)
		return rc;
	plain_type(answer->headers[HTTP_TYPE], m->media_type);
	m->text = (char *)answer->body.data;
	m->size = answer->body.size;
	answer->body = (struct buf){0};
	rc = check_digest(r, what, answer, m, err);
	return rc == 0 ? check_type(r, m, err) : rc;
}

int registry_manifest(struct registry *r, const char *what, struct registry_manifest *ret,
		      struct err *err)
{
	struct http_request request = {.method = "GET", .lines = {ACCEPT}, .most = IMAGE_JSON_MAX};
	struct registry_manifest m = {0};
	struct http_answer answer = {0};
	int rc = registry_url(r, &request.url, err, "%s/manifests/%s", r->path, what);

	if (rc < 0)
		return rc;
	rc = registry_ask(r, &request, &answer, err);
	if (rc == 0 && answer.status == 404)
		rc = no_such(r, what, &answer, err);
	else if (rc == 0 && answer.status != 200)
		rc = registry_refused(r, &answer, "", err);
	else if (rc == 0)
		rc = take(r, what, &answer, &m, err);
	http_answer_deinit(&answer);
	if (rc < 0) {
		registry_manifest_deinit(&m);
		return rc;
	}
	*ret = m;
	return 0;
}

/* -- Put --------------------------------------------------------------------------------------------------- */

int registry_send_manifest(struct registry *r, const char *what, const char *media_type,
			   const void *text, size_t size, struct err *err)
{
	char line[160];
	struct http_request request = {.method = "PUT",
				       .lines = {line},
				       .has_body = true,
				       .bytes = text,
				       .size = size,
				       .most = 64 << 10};
	struct http_answer answer = {0};
	struct oci_digest said, is;
	int rc = registry_url(r, &request.url, err, "%s/manifests/%s", r->path, what);

	if (rc < 0)
		return rc;
	snprintf(line, sizeof(line), "Content-Type: %s", media_type);
	rc = registry_ask(r, &request, &answer, err);
	if (rc == 0 && answer.status != 201 && answer.status != 200 && answer.status != 202)
		rc = registry_refused(r, &answer, "the manifest", err);
	hash_of(text, size, &is);
	if (rc == 0 && answer.headers[HTTP_DIGEST] != NULL &&
	    (oci_digest_parse(&said, answer.headers[HTTP_DIGEST], NULL) < 0 ||
	     (strncmp(said.text, "sha256:", 7) == 0 && !oci_digest_is(&said, &is))))
		rc = err_set(err, -EBADMSG, "%s took the manifest as '%.80s', but it is %s",
			     r->host, answer.headers[HTTP_DIGEST], is.text);
	http_answer_deinit(&answer);
	return rc;
}
