/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.c: the name of an image, taken apart and put together again.
 *
 * The grammar is that of the distribution project, which every registry and engine keeps to:
 *
 *   reference  [host "/"] path [":" tag] ["@" digest]
 *   host       (labels with dots between | "[" address of IPv6 "]") [":" port]
 *   path       part {"/" part}      part: lower-case words with ".", "_", "__" or dashes between them
 *   tag        a letter, digit or "_", then up to 127 of those, "." and "-"
 *
 * A text is cut from the right: digest, tag, then the host from the left. What a reader of ours accepts we also write so that
 * it is read again as the same. Hosts know no capitals: they are kept in lower case, so that one repository has one name.
 */
#include "oci/reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define DOCKER_HOST "docker.io"
#define DOCKER_PATH "library/"
#define SHOWN "%.200s" /* of a name that may be of any length */

enum { ID_DIGITS = 64 };

/* A piece of the text, which ends where nothing says so. */
struct piece {
	const char *at; /* borrowed */
	size_t size;
};

static bool holds(struct piece piece, char c)
{
	return piece.size > 0 && memchr(piece.at, c, piece.size) != NULL;
}

static bool consists(struct piece piece, const char *of)
{
	for (size_t i = 0; i < piece.size; i++)
		if (strchr(of, piece.at[i]) == NULL)
			return false;
	return true;
}

static bool is(struct piece piece, const char *text)
{
	return strlen(text) == piece.size && memcmp(piece.at, text, piece.size) == 0;
}

static void lower(char *to, struct piece piece)
{
	for (size_t i = 0; i < piece.size; i++) {
		const char *capital = strchr(CAPITALS, piece.at[i]);

		to[i] = capital != NULL ? LOWER[capital - CAPITALS] : piece.at[i];
	}
	to[piece.size] = '\0';
}

/* -- Host --------------------------------------------------------------------------------------------- */

static int fail_host(struct piece host, const char *why, struct err *err)
{
	return err_set(err, -EINVAL, "'%.*s' is not the name of a host: %s", (int)host.size,
		       host.at, why);
}

static int check_port(struct piece host, struct piece port, struct err *err)
{
	unsigned number = 0;

	for (size_t i = 0; i < port.size && number <= 65535; i++) {
		if (!consists((struct piece){port.at + i, 1}, DIGITS))
			return fail_host(host, "its port is no number", err);
		number = number * 10 + (unsigned)(port.at[i] - '0');
	}
	if (number == 0 || number > 65535)
		return fail_host(host, "a port is a number from 1 to 65535", err);
	return 0;
}

/* Letters, digits, and dashes that are neither first nor last. */
static int check_label(struct piece host, struct piece label, struct err *err)
{
	if (label.size == 0)
		return fail_host(host, "there is nothing between two dots, or beside one", err);
	if (!consists(label, LOWER CAPITALS DIGITS "-"))
		return fail_host(host, "it may have letters, digits, dots and dashes", err);
	if (label.at[0] == '-' || label.at[label.size - 1] == '-')
		return fail_host(host, "a dash begins or ends a part of it", err);
	return 0;
}

static int check_labels(struct piece host, struct piece name, struct err *err)
{
	size_t begin = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i <= name.size; i++) {
		if (i < name.size && name.at[i] != '.')
			continue;
		rc = check_label(host, (struct piece){name.at + begin, i - begin}, err);
		begin = i + 1;
	}
	return rc;
}

static int check_host(struct piece host, struct err *err)
{
	struct piece name = host;
	const char *end = host.at + host.size, *colon;

	if (host.at[0] == '[') {
		const char *bracket = memchr(host.at, ']', host.size);

		if (bracket == NULL || bracket == host.at + 1 ||
		    !consists((struct piece){host.at + 1, (size_t)(bracket - host.at - 1)},
			      DIGITS "abcdefABCDEF:."))
			return fail_host(host, "in brackets belongs an address of IPv6", err);
		colon = bracket + 1;
		if (colon == end)
			return 0;
		return *colon == ':'
			       ? check_port(host,
					    (struct piece){colon + 1, (size_t)(end - colon - 1)},
					    err)
			       : fail_host(host, "behind the bracket belongs a port", err);
	}
	colon = memchr(host.at, ':', host.size);
	if (colon != NULL) {
		int rc =
			check_port(host, (struct piece){colon + 1, (size_t)(end - colon - 1)}, err);

		if (rc < 0)
			return rc;
		name.size = (size_t)(colon - host.at);
	}
	return check_labels(host, name, err);
}

/* -- Path and tag ---------------------------------------------------------------------------------------- */

static int fail_path(struct piece path, const char *why, struct err *err)
{
	return err_set(err, -EINVAL, "'%.*s' is not the name of an image: %s", (int)path.size,
		       path.at, why);
}

/* ".", "_", "__" and any number of dashes stand between two words. */
static bool is_separator(struct piece piece)
{
	return is(piece, ".") || is(piece, "_") || is(piece, "__") || consists(piece, "-");
}

static int check_part(struct piece path, struct piece part, struct err *err)
{
	bool in_word = false;

	if (part.size == 0)
		return fail_path(path, "a part of it is empty", err);
	for (size_t i = 0, begin = 0; i < part.size; i++) {
		bool word = consists((struct piece){part.at + i, 1}, LOWER DIGITS);

		if (word && !in_word && i > 0 &&
		    (begin == 0 || !is_separator((struct piece){part.at + begin, i - begin})))
			return fail_path(path,
					 "between two words of it belongs one of . _ __ or dashes",
					 err);
		if (!word && in_word)
			begin = i;
		in_word = word;
	}
	if (!in_word)
		return fail_path(path, "each part of it ends with a letter or a digit", err);
	return 0;
}

static int fail_capitals(struct piece path, struct err *err)
{
	char lowered[REFERENCE_NAME_MAX + 1];

	lower(lowered, path);
	return err_set(err, -EINVAL,
		       "'%.*s' is not the name of an image: it has no capitals: write '%s'",
		       (int)path.size, path.at, lowered);
}

static int check_path(struct piece path, struct err *err)
{
	size_t begin = 0;
	int rc = 0;

	for (size_t i = 0; i < path.size; i++)
		if (strchr(CAPITALS, path.at[i]) != NULL)
			return fail_capitals(path, err);
	if (!consists(path, LOWER DIGITS "._-/"))
		return fail_path(path, "it may have small letters, digits, and . _ - /", err);
	for (size_t i = 0; rc == 0 && i <= path.size; i++) {
		if (i < path.size && path.at[i] != '/')
			continue;
		rc = check_part(path, (struct piece){path.at + begin, i - begin}, err);
		begin = i + 1;
	}
	return rc;
}

static int check_tag(struct piece tag, struct err *err)
{
	if (tag.size == 0)
		return err_set(err, -EINVAL, "behind the colon belongs a tag, there is none");
	if (tag.size > REFERENCE_TAG_MAX)
		return err_set(err, -EINVAL, "a tag has at most %d characters, this one has %zu",
			       REFERENCE_TAG_MAX, tag.size);
	if (!consists(tag, LOWER CAPITALS DIGITS "_.-") || tag.at[0] == '.' || tag.at[0] == '-')
		return err_set(
			err, -EINVAL,
			"'%.*s' is not a tag: it may have letters, digits, and _ . -, and begins "
			"with neither . nor -",
			(int)tag.size, tag.at);
	return 0;
}

/* -- Whole ------------------------------------------------------------------------------------------------- */

/* What people write that is none, and what they mean. */
static int check_text(const char *text, struct err *err)
{
	struct oci_digest digest;
	const char *scheme = strstr(text, "://");

	if (text[0] == '\0')
		return err_set(err, -EINVAL, "it is empty");
	if (scheme != NULL)
		return err_set(err, -EINVAL, "it is no address of the web: leave out '%.*s://'",
			       (int)(scheme - text < 40 ? scheme - text : 40), text);
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return err_set(err, -EINVAL,
				       "there is a space or a control character in it");
	if (oci_digest_parse(&digest, text, NULL) == 0)
		return err_set(err, -EINVAL, "a digest goes behind a name: NAME@%.6s:...", text);
	if (strlen(text) == ID_DIGITS && consists((struct piece){text, ID_DIGITS}, DIGITS "abcdef"))
		return err_set(err, -EINVAL,
			       "a name does not look like a digest: write NAME@sha256:...");
	return 0;
}

static bool is_host(struct piece first)
{
	return holds(first, '.') || holds(first, ':') || is(first, "localhost") ||
	       (first.size > 0 && first.at[0] == '[');
}

static int take_host(struct reference *to, struct piece *rest, struct err *err)
{
	const char *slash = memchr(rest->at, '/', rest->size);
	struct piece host = {rest->at, slash != NULL ? (size_t)(slash - rest->at) : 0};
	int rc;

	if (slash == NULL || !is_host(host)) {
		strcpy(to->host, DOCKER_HOST);
		return 0;
	}
	if (host.size > REFERENCE_NAME_MAX)
		return err_set(err, -EINVAL, "its host has more than %d characters",
			       REFERENCE_NAME_MAX);
	rc = check_host(host, err);
	if (rc < 0)
		return rc;
	lower(to->host, host);
	if (strcmp(to->host, "index." DOCKER_HOST) == 0)
		strncpy(to->host, DOCKER_HOST,
			sizeof(to->host) - 1); /* nothing of the other stays */
	*rest = (struct piece){slash + 1, rest->size - host.size - 1};
	return rest->size > 0 ? 0 : err_set(err, -EINVAL, "behind its host belongs a path");
}

static int take_tag(struct reference *to, struct piece *rest, struct err *err)
{
	const char *colon = memrchr(rest->at, ':', rest->size);
	struct piece tag;
	int rc;

	if (colon == NULL || memchr(colon, '/', rest->size - (size_t)(colon - rest->at)) != NULL) {
		if (to->digest.text[0] == '\0')
			strcpy(to->tag, "latest");
		return 0;
	}
	tag = (struct piece){colon + 1, rest->size - (size_t)(colon - rest->at) - 1};
	rc = check_tag(tag, err);
	if (rc < 0)
		return rc;
	memcpy(to->tag, tag.at, tag.size);
	rest->size = (size_t)(colon - rest->at);
	return 0;
}

static int take_path(struct reference *to, struct piece path, struct err *err)
{
	const char *front =
		strcmp(to->host, DOCKER_HOST) == 0 && !holds(path, '/') ? DOCKER_PATH : "";
	size_t size = strlen(to->host) + 1 + strlen(front) + path.size;
	int rc;

	if (size > REFERENCE_NAME_MAX)
		return err_set(err, -EINVAL,
			       "host and path have at most %d characters, these have %zu",
			       REFERENCE_NAME_MAX, size);
	if (path.size == 0)
		return err_set(err, -EINVAL, "it has no path");
	rc = check_path(path, err);
	if (rc == 0)
		snprintf(to->path, sizeof(to->path), "%s%.*s", front, (int)path.size, path.at);
	return rc;
}

static int take_all(struct reference *to, const char *text, struct err *err)
{
	const char *at = strchr(text, '@');
	struct piece rest = {text, at != NULL ? (size_t)(at - text) : strlen(text)};
	int rc = check_text(text, err);

	if (rc == 0 && at != NULL)
		rc = oci_digest_parse(&to->digest, at + 1, err);
	if (rc == 0)
		rc = take_host(to, &rest, err);
	if (rc == 0)
		rc = take_tag(to, &rest, err);
	if (rc == 0)
		rc = take_path(to, rest, err);
	return rc;
}

int reference_parse(struct reference *ret, const char *text, struct err *err)
{
	struct reference found = {.tag = ""};
	int rc = take_all(&found, text, err);

	if (rc < 0)
		return err_prefix(err, rc, "image '" SHOWN "'", text);
	*ret = found;
	return 0;
}

/* What stands behind the path. */
static void put(const struct reference *reference, const char *host, const char *path,
		char text[static REFERENCE_ROOM])
{
	const char *tag = reference->tag, *digest = reference->digest.text;

	snprintf(text, REFERENCE_ROOM, "%s%s%s%s%s%s%s", host, host[0] != '\0' ? "/" : "", path,
		 tag[0] != '\0' ? ":" : "", tag, digest[0] != '\0' ? "@" : "", digest);
}

void reference_text(const struct reference *reference, char text[static REFERENCE_ROOM])
{
	put(reference, reference->host, reference->path, text);
}

/* Left out is what a reader puts in again: of a few names that is not so (docker.io/a.b/c), and they stay whole. */
void reference_short(const struct reference *reference, char text[static REFERENCE_ROOM])
{
	const char *path = reference->path;
	struct reference again;

	if (strcmp(reference->host, DOCKER_HOST) == 0) {
		if (strncmp(path, DOCKER_PATH, strlen(DOCKER_PATH)) == 0)
			path += strlen(DOCKER_PATH);
		put(reference, "", path, text);
		if (reference_parse(&again, text, NULL) == 0 &&
		    strcmp(again.host, reference->host) == 0 &&
		    strcmp(again.path, reference->path) == 0)
			return;
	}
	reference_text(reference, text);
}
