/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out.h: text to a descriptor in as few write(2) calls as possible.
 *
 * The buffer is part of the struct, which lies on the stack of the verb that prints: a verb
 * that prints nothing pays nothing. A failing write is remembered, later text is dropped, and
 * out_end() tells. A pipe whose reader left ends the process by SIGPIPE, as with other tools.
 */
#ifndef COMMAND_OUT_H
#define COMMAND_OUT_H

#include <stddef.h>

struct out {
	int fd; /* the caller's */
	int error; /* the first -errno of a write, or 0 */
	size_t used;
	char bytes[4096];
};

void out_init(struct out *out, int fd);
void out_bytes(struct out *out, const char *bytes, size_t size);
void out_text(struct out *out, const char *text);
/* One piece of at most 1,023 bytes; what is longer is cut. */
void out_format(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A name of a module, made fit for a terminal: what is not printable is written \hh. */
void out_name(struct out *out, const char *bytes, size_t size);
/* The same in double quotes, with \" and \\, as the text format of WebAssembly has it. */
void out_quoted(struct out *out, const char *bytes, size_t size);
/* Write what is left; 0 or the first -errno. */
int out_flush(struct out *out);
/* The end of standard output: `code`, or after a failed write a sentence and EXIT_BAD. */
int out_end(struct out *out, int code);

#endif
