/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module_bytes.h: small modules written as bytes, for tests.
 *
 *   static const uint8_t adds[] = {MODULE(
 *           SECTION(1, 1, FUNC_TYPE(2, I32, I32, 1, I32)),
 *           SECTION(3, 1, 0),
 *           SECTION(10, 1, BODY(0, 0x20, 0, 0x20, 1, 0x6a, 0x0b)))};
 *
 * The compiler counts; a section or body may have at most 127 bytes. Larger modules grow in a struct buf.
 */
#ifndef WASM_MODULE_BYTES_H
#define WASM_MODULE_BYTES_H

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "wasm/decode.h"
#include "wasm/feature.h"

#define MODULE(...) 0, 'a', 's', 'm', 1, 0, 0, 0, __VA_ARGS__
#define COUNTED(...) sizeof((const uint8_t[]){__VA_ARGS__}), __VA_ARGS__
#define SECTION(id, ...) id, COUNTED(__VA_ARGS__)
#define BODY(...) COUNTED(__VA_ARGS__)
#define FUNC_TYPE(...) 0x60, __VA_ARGS__
#define I32 0x7f
#define I64 0x7e
#define F32 0x7d
#define F64 0x7c
#define V128 0x7b

/* A function without parameters and results, of which these are the locals and instructions. */
#define FUNC_MODULE(...) \
	MODULE(SECTION(1, 1, FUNC_TYPE(0, 0)), SECTION(3, 1, 0), SECTION(10, 1, BODY(__VA_ARGS__)))

static inline void bytes_put(struct buf *buf, const void *bytes, size_t size)
{
	invariant(buf_put(buf, bytes, size) != NULL || size == 0);
}

#define BYTES(buf, ...) \
	bytes_put(buf, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void bytes_leb(struct buf *buf, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		BYTES(buf, (uint8_t)(value | 0x80));
	BYTES(buf, (uint8_t)value);
}

/* Content with its size in front; the content is used up. */
static inline void bytes_counted(struct buf *buf, struct buf *content)
{
	bytes_leb(buf, content->size);
	bytes_put(buf, content->data, content->size);
	buf_deinit(content);
}

static inline void bytes_section(struct buf *buf, uint8_t id, struct buf *content)
{
	BYTES(buf, id);
	bytes_counted(buf, content);
}

/* A module of one function without parameters and results, whose locals and instructions are in `body`. */
static inline void bytes_func_module(struct buf *buf, struct buf *body)
{
	struct buf code = {0};

	BYTES(buf, MODULE(SECTION(1, 1, FUNC_TYPE(0, 0)), SECTION(3, 1, 0)));
	BYTES(&code, 1);
	bytes_counted(&code, body);
	bytes_section(buf, 10, &code);
}

/* Decode a copy of exactly these bytes. *ret is the image to free, NULL unless 0 is returned. */
static inline int bytes_decode(struct image **ret, const void *bytes, size_t size,
			       uint64_t features, struct err *err)
{
	struct image *image = image_new(size);
	int r;

	*ret = NULL;
	if (image == NULL)
		return -1;
	if (size != 0)
		memcpy(image_input(image), bytes, size);
	err->text[0] = '\0';
	r = decode(&image, features, err);
	if (r == 0)
		*ret = image;
	else
		image_free(image);
	return r;
}

#endif
