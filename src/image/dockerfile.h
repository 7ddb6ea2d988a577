/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dockerfile.h: the text of a Dockerfile to its instructions, one logical line each, and words of them.
 *
 * Which instructions there are, dockerfile.def says; what they mean, build_dockerfile.c.
 */
#ifndef IMAGE_DOCKERFILE_H
#define IMAGE_DOCKERFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum instruction_kind {
#define INSTRUCTION(name, remedy) INSTRUCTION_##name,
#include "image/dockerfile.def"
#undef INSTRUCTION
	INSTRUCTION_COUNT
};

struct instruction {
	enum instruction_kind kind;
	uint32_t line; /* its first, from 1 */
	bool has_document; /* <<WORD: what follows it was skipped */
	const char *
		rest; /* behind its name, lines joined, blanks at both ends cut off; in the arena */
};

struct dockerfile {
	struct arena arena;
	struct buf instructions; /* struct instruction */
	char escape; /* '\\', or '`' by a directive */
	const char *path; /* borrowed: sentences begin with it, and the line's number */
};

#define DOCKERFILE_MAX (1u << 20) /* bytes */

/* -EINVAL. */
int dockerfile_parse(struct dockerfile *ret, const char *path, const char *text, size_t size,
		     struct err *err);
void dockerfile_deinit(struct dockerfile *file);

const char *instruction_name(enum instruction_kind kind);
/* NULL: it is built. Else what to do instead. */
const char *instruction_remedy(enum instruction_kind kind);

/* -- Words ------------------------------------------------------------------------------------------- */

/* The next one of *at, which moves behind it: quotes and escapes are kept, and blanks in them belong to it. Its size; 0: none. */
size_t word_next(const char **at, char escape, const char **ret);

struct word_scope {
	char escape;
	/* NULL: not set. */
	const char *(*find)(void *context, const char *name);
	void *context;
};

/* Without its quotes, variables replaced; behind what is in `ret`, and terminated. -EINVAL with a sentence. */
int word_expand(const char *word, size_t size, const struct word_scope *scope, struct buf *ret,
		struct err *err);

#endif
