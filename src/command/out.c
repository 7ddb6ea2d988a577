/* SPDX-License-Identifier: Apache-2.0 */
#include "command/out.h"

#include "base/text.h"
#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void out_init(struct out *out, int fd)
{
	out->fd = fd;
	out->error = 0;
	out->used = 0;
}

int out_flush(struct out *out)
{
	size_t done = 0;

	while (out->error == 0 && done < out->used) {
		ssize_t n = write(out->fd, out->bytes + done, out->used - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			out->error = -errno;
	}
	out->used = 0;
	return out->error;
}

void out_bytes(struct out *out, const char *bytes, size_t size)
{
	while (size > 0) {
		size_t part = sizeof(out->bytes) - out->used;

		if (part > size)
			part = size;
		memcpy(out->bytes + out->used, bytes, part);
		out->used += part;
		bytes += part;
		size -= part;
		if (out->used == sizeof(out->bytes))
			out_flush(out);
	}
}

void out_text(struct out *out, const char *text)
{
	out_bytes(out, text, strlen(text));
}

void out_format(struct out *out, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	out_text(out, text);
}

static void put_name(struct out *out, const char *bytes, size_t size, bool quoted)
{
	while (size > 0) {
		uint32_t c;
		size_t length = text_utf8(bytes, size, &c);
		size_t step = length == 0 ? 1 : length;

		if (quoted && (*bytes == '"' || *bytes == '\\'))
			out_bytes(out, "\\", 1);
		if (length != 0 && text_printable(c))
			out_bytes(out, bytes, length);
		else
			for (size_t i = 0; i < step; i++)
				out_format(out, "\\%02x", (unsigned char)bytes[i]);
		bytes += step;
		size -= step;
	}
}

void out_name(struct out *out, const char *bytes, size_t size)
{
	put_name(out, bytes, size, false);
}

void out_quoted(struct out *out, const char *bytes, size_t size)
{
	out_bytes(out, "\"", 1);
	put_name(out, bytes, size, true);
	out_bytes(out, "\"", 1);
}

int out_end(struct out *out, int code)
{
	int r = out_flush(out);

	if (r == 0)
		return code;
	return say(EXIT_BAD, "standard output", "%s", strerror(-r));
}
