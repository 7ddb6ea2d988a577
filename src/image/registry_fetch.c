/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_fetch.c: a blob into the store, in one piece or in several.
 *
 * What came of it earlier, now or by somebody else, is asked for no more: the rest is, by Range. What the registry makes of
 * that is looked at when the first bytes come: the rest as it was asked for, all of it from the beginning (so what was there
 * is forgotten), or something else (so it is asked for without Range). In the end the digest decides; a blob that was put
 * together of pieces and is wrong gets one try in one piece.
 */
#include "image/registry_parts.h"

#include "base/base.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WORTH = 64 << 10 /* bytes: a try that brought as many is not one that failed */ };

struct fetch {
	struct registry *r;
	const struct image_descriptor *blob;
	const struct store *store;
	struct store_writer writer;
	struct progress_item *item;
	uint64_t asked; /* the offset of this try */
	bool pieces; /* it is put together */
	bool whole_only; /* Range is of no use there */
	bool begun; /* this answer was looked at */
	bool again; /* it was of no use, another will be */
};

/* bytes FIRST-LAST/ALL */
static bool is_rest(const struct fetch *f, const char *text)
{
	uint64_t first, last;
	char all[24];

	if (text == NULL ||
	    sscanf(text, "bytes %" SCNu64 "-%" SCNu64 "/%23s", &first, &last, all) != 3)
		return false;
	if (strcmp(all, "*") != 0) {
		uint64_t size;

		if (!text_parse_u64(all, &size) || size != f->blob->size)
			return false;
	}
	return first == f->asked && last >= first && last < f->blob->size;
}

static int from_beginning(struct fetch *f, struct err *err)
{
	f->pieces = false;
	return f->writer.size > 0 ? store_write_again(&f->writer, err) : 0;
}

static int look(struct fetch *f, const struct http_answer *answer, struct err *err)
{
	int rc = registry_check_plain(f->r, answer, err);

	f->begun = true;
	if (rc < 0)
		return rc;
	if (answer->status == 206 && is_rest(f, answer->headers[HTTP_PART])) {
		f->pieces = f->asked > 0;
		return 0;
	}
	if (answer->status != 200) {
		f->whole_only = f->again = f->asked > 0;
		return err_set(err, -EPROTO,
			       "%s gives another part (Content-Range: %.60s) than was asked for",
			       f->r->host,
			       answer->headers[HTTP_PART] != NULL ? answer->headers[HTTP_PART]
								  : "none");
	}
	if (answer->length != UINT64_MAX && answer->length != f->blob->size)
		return err_set(err, -EBADMSG,
			       "it has %" PRIu64 " bytes of %.19s, but its manifest says %" PRIu64,
			       answer->length, f->blob->digest.text, f->blob->size);
	return from_beginning(f, err);
}

static int take(void *context, const struct http_answer *answer, const void *bytes, size_t size,
		struct err *err)
{
	struct fetch *f = context;
	int rc = f->begun ? 0 : look(f, answer, err);

	if (rc < 0)
		return rc;
	if (size > f->blob->size - f->writer.size)
		return err_set(err, -EBADMSG,
			       "%s gives more of %.19s than the %" PRIu64
			       " bytes its manifest says",
			       f->r->host, f->blob->digest.text, f->blob->size);
	rc = store_write(&f->writer, bytes, size, err);
	progress_to(f->item, f->writer.size);
	return rc;
}

/* What a try came to: 0, or a failure whose answer says whether there is to be another. */
static int judge(struct fetch *f, struct http_answer *answer, struct err *err)
{
	if (answer->status == 416) {
		f->whole_only = answer->again = f->asked > 0;
		return err_set(err, -EPROTO, "%s has no rest of %.19s from byte %" PRIu64 " on",
			       f->r->host, f->blob->digest.text, f->asked);
	}
	if (answer->status != 200 && answer->status != 206)
		return registry_refused(f->r, answer, f->blob->digest.text, err);
	if (f->writer.size == f->blob->size)
		return 0;
	answer->again = true;
	return err_set(err, -EBADMSG, "it gives %" PRIu64 " of the %" PRIu64 " bytes of %.19s only",
		       f->writer.size, f->blob->size, f->blob->digest.text);
}

static int try_once(struct fetch *f, struct http_answer *answer, struct err *err)
{
	char range[48];
	struct http_request request = {.method = "GET", .sink = take, .context = f};
	int rc = registry_url(f->r, &request.url, err, "%s/blobs/%s", f->r->path,
			      f->blob->digest.text);

	*answer = (struct http_answer){0};
	if (rc < 0)
		return rc;
	if (f->whole_only && (rc = from_beginning(f, err)) < 0)
		return rc;
	f->asked = f->writer.size;
	f->begun = f->again = false;
	if (f->asked > 0) {
		snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", f->asked);
		request.lines[0] = range;
	}
	rc = registry_once(f->r, &request, answer, err);
	if (f->again)
		answer->again = true;
	return rc == 0 ? judge(f, answer, err) : rc;
}

/* Until all its bytes are there, right or wrong. */
static int get_all(struct fetch *f, struct err *err)
{
	struct http_tries tries = {0};
	bool again = true;
	int rc = 0;

	while (f->writer.size < f->blob->size && again) {
		struct http_answer answer;
		uint64_t before = f->writer.size;

		rc = try_once(f, &answer, err);
		if (f->writer.size > before && f->writer.size - before >= WORTH)
			tries.count = 0;
		again = rc == 0 || http_again(f->r->http, &tries, &answer, err);
		http_answer_deinit(&answer);
	}
	return rc;
}

/* STORE_THERE, as store_write_begin() has it. */
static int fetch_once(struct fetch *f, struct err *err)
{
	struct oci_digest got;
	int rc = store_write_begin(f->store, &f->writer, &f->blob->digest, f->blob->size, err);

	if (rc != 0)
		return rc;
	f->pieces = f->writer.size > 0;
	if (f->writer.size > f->blob->size)
		rc = store_write_again(&f->writer, err);
	if (rc == 0)
		rc = get_all(f, err);
	if (rc == 0)
		rc = store_write_end(&f->writer, &got, err);
	else
		store_write_leave(&f->writer);
	return rc;
}

int registry_fetch(struct registry *r, const struct image_descriptor *blob,
		   const struct store *store, struct progress_item *item, struct err *err)
{
	struct fetch f = {.r = r, .blob = blob, .store = store, .item = item};
	int rc = fetch_once(&f, err);

	if (rc == -EBADMSG && f.pieces) {
		f.whole_only = true;
		rc = fetch_once(&f, err);
	}
	if (rc == -EBADMSG)
		return err_prefix(err, rc, "%s", r->host);
	return rc == STORE_THERE ? REGISTRY_THERE : rc;
}
