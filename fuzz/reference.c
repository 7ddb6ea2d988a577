/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.c (fuzz): any words as the name of an image, and as a platform.
 *
 * Beyond the sanitizers: what was accepted is written, whole and short, and read again as the same; host and path can be parts
 * of an address or of a file's path; a refusal comes with its sentence.
 */
#include "oci/reference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "oci/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void check_again(const struct reference *reference, const char *text)
{
	struct reference again;

	require(strlen(text) < REFERENCE_ROOM);
	require(reference_parse(&again, text, NULL) == 0);
	require(memcmp(reference, &again, sizeof(again)) == 0);
}

static void check_parts(const struct reference *r)
{
	require(r->host[0] != '\0' && r->path[0] != '\0');
	require(r->tag[0] != '\0' || r->digest.text[0] != '\0');
	require(strlen(r->host) + 1 + strlen(r->path) <= REFERENCE_NAME_MAX);
	require(r->host[strspn(r->host, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]")] == '\0');
	require(r->path[strspn(r->path, "abcdefghijklmnopqrstuvwxyz0123456789._-/")] == '\0');
	require(r->path[0] != '/' && strstr(r->path, "//") == NULL &&
		strstr(r->path, "..") == NULL);
	require(strchr(r->tag, '/') == NULL && r->tag[0] != '.');
}

static void try_name(const char *text)
{
	char whole[REFERENCE_ROOM], brief[REFERENCE_ROOM];
	struct reference reference;
	struct err err = {""};
	int rc = reference_parse(&reference, text, &err);

	require(rc == 0 || (rc == -EINVAL && err.text[0] != '\0'));
	if (rc < 0)
		return;
	check_parts(&reference);
	reference_text(&reference, whole);
	check_again(&reference, whole);
	reference_short(&reference, brief);
	check_again(&reference, brief);
	require(strlen(brief) <= strlen(whole));
}

/* A name of a file comes of it, by which the same platform is found again. */
static void try_platform(const char *text)
{
	struct oci_digest digest = {"sha256:00"};
	char name[STORE_READY_NAME], again[STORE_READY_NAME], whole[128], room[128];
	struct image_wish wish;
	struct err err = {""};
	int rc = store_ready_name(&digest, text, name, &err);

	require(rc == 0 || (rc == -EINVAL && err.text[0] != '\0'));
	require((image_wish_parse(&wish, text, room, &err) == 0) == (rc == 0));
	if (rc < 0)
		return;
	require(strchr(name, '/') == NULL && strncmp(name, "00.", 3) == 0);
	image_platform_text(&wish.platform, whole);
	require(store_ready_name(&digest, whole, again, &err) == 0);
	require(strcmp(name, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	require(text != NULL);
	try_name(text);
	try_platform(text);
	free(text);
	return 0;
}
