/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_stream.c: a layer as it was sent, to the bytes of its tar.
 *
 * libarchive takes the compression off. Which one there is, the first bytes say: media types lie, docker's own above all. All that
 * comes out is counted against the limits and digested here, before anybody reads it, up to the end of the stream:
 * the padding behind a tar's end is of its digest, too, and may be a bomb as well as any file.
 */
#include <archive.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "image/layer_parts.h"

#define RATIO_FROM (64ull << 20) /* what is small may be packed as well as it likes */

static int fail(struct layer_stream *stream, int error)
{
	return stream->error = error;
}

/* -- In --------------------------------------------------------------------------------------------- */

static ssize_t take(struct layer_stream *stream)
{
	ssize_t size;

	do
		size = read(stream->fd, stream->bytes + stream->peeked,
			    sizeof(stream->bytes) - stream->peeked);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return fail(stream,
			    err_set(stream->err, -errno, "read the layer: %s", strerror(errno)));
	stream->taken += (uint64_t)size;
	return size;
}

static la_ssize_t feed(struct archive *raw, void *context, const void **ret)
{
	struct layer_stream *stream = context;
	ssize_t size = stream->peeked > 0 ? (ssize_t)stream->peeked : take(stream);

	if (size < 0)
		archive_set_error(raw, -(int)size, "read");
	stream->peeked = 0;
	*ret = stream->bytes;
	return size < 0 ? ARCHIVE_FATAL : size;
}

static bool begins(const struct layer_stream *stream, const char *bytes, size_t size)
{
	return stream->peeked >= size && memcmp(stream->bytes, bytes, size) == 0;
}

#define BEGINS(stream, bytes) begins(stream, bytes, sizeof(bytes) - 1)

static int sniff(struct layer_stream *stream, enum image_type type, int *ret)
{
	ssize_t size = 1;

	while (stream->peeked < 8 && (size = take(stream)) > 0)
		stream->peeked += (size_t)size;
	if (size < 0)
		return (int)size;
	*ret = ARCHIVE_FILTER_NONE;
	if (BEGINS(stream, "\x1f\x8b"))
		*ret = ARCHIVE_FILTER_GZIP;
	else if (BEGINS(stream, "\x28\xb5\x2f\xfd") ||
		 (type == IMAGE_LAYER_TAR_ZSTD && stream->peeked >= 4 &&
		  memcmp(stream->bytes + 1, "\x2a\x4d\x18", 3) == 0))
		*ret = ARCHIVE_FILTER_ZSTD;
	else if (BEGINS(stream, "\xfd"
				"7zXZ") ||
		 BEGINS(stream, "BZh"))
		return fail(stream, err_set(stream->err, -EBADMSG,
					    "the layer is compressed with %s, and no layer may be: "
					    "gzip and zstd are what there is",
					    stream->bytes[0] == 'B' ? "bzip2" : "xz"));
	return 0;
}

/* `what` libarchive refused, in its words, if nobody found better ones. */
static int refused(struct layer_stream *stream, const char *what)
{
	const char *why = archive_error_string(stream->raw);

	if (stream->error != 0)
		return stream->error;
	if (archive_errno(stream->raw) == ENOMEM)
		return fail(stream, -ENOMEM);
	return fail(stream, err_set(stream->err, -EBADMSG, "the layer %s: %s", what,
				    why != NULL ? why : "it ends too early"));
}

int layer_stream_open(struct layer_stream *stream, int fd, enum image_type type,
		      struct layer_limits *left, struct err *err)
{
	struct archive_entry *whole;
	int filter, error;

	stream->raw = NULL;
	stream->hash.context = NULL;
	stream->fd = fd;
	stream->left = left;
	stream->err = err;
	stream->taken = stream->given = 0;
	stream->peeked = 0;
	stream->error = 0;
	error = sniff(stream, type, &filter);
	if (error == 0)
		error = hash_begin(&stream->hash, NULL);
	if (error < 0)
		return error;
	stream->raw = archive_read_new();
	if (stream->raw == NULL)
		return -ENOMEM;
	if (archive_read_append_filter(stream->raw, filter) != ARCHIVE_OK ||
	    archive_read_set_format(stream->raw, ARCHIVE_FORMAT_RAW) != ARCHIVE_OK)
		return refused(stream, "cannot be read");
	if (archive_read_open(stream->raw, stream, NULL, feed, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(stream->raw, &whole) != ARCHIVE_OK)
		return refused(stream, "is damaged");
	return 0;
}

/* -- Out ---------------------------------------------------------------------------------------------- */

static int allow(struct layer_stream *stream, size_t size)
{
	struct layer_limits *left = stream->left;

	stream->given += size;
	if (size > left->bytes)
		return fail(stream,
			    err_set(stream->err, -EFBIG,
				    "the image unpacks to more bytes than are allowed: "
				    "SKIFF_UNPACK_BYTES=SIZE in the environment raises the limit "
				    "(%llu GiB where it is not given)",
				    (unsigned long long)layer_limits_default.bytes >> 30));
	left->bytes -= size;
	if (stream->given > RATIO_FROM && stream->given / left->ratio > stream->taken)
		return fail(
			stream,
			err_set(stream->err, -EFBIG,
				"the layer unpacks to more than %llu times its size, as bombs do: "
				"SKIFF_UNPACK_RATIO=NUMBER in the environment raises the limit",
				(unsigned long long)left->ratio));
	return 0;
}

ssize_t layer_stream_next(struct layer_stream *stream, const void **ret)
{
	size_t size;
	la_int64_t at;
	int got;

	if (stream->error != 0)
		return stream->error;
	do
		got = archive_read_data_block(stream->raw, ret, &size, &at);
	while (got == ARCHIVE_OK && size == 0);
	if (got == ARCHIVE_EOF)
		return 0;
	if (got != ARCHIVE_OK)
		return refused(stream, "is damaged");
	if (allow(stream, size) < 0)
		return stream->error;
	hash_take(&stream->hash, *ret, size);
	return (ssize_t)size;
}

int layer_stream_end(struct layer_stream *stream, struct oci_digest *ret)
{
	const void *bytes;
	ssize_t size;

	while ((size = layer_stream_next(stream, &bytes)) > 0)
		continue;
	if (size < 0)
		return (int)size;
	hash_end(&stream->hash, ret);
	stream->hash.context = NULL;
	return 0;
}

void layer_stream_close(struct layer_stream *stream)
{
	if (stream->hash.context != NULL)
		hash_drop(&stream->hash);
	if (stream->raw != NULL)
		archive_read_free(stream->raw);
	stream->raw = NULL;
	stream->hash.context = NULL;
}
