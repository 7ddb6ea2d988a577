/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/body.h"

uint32_t body_heaptype(struct reader *r)
{
	int64_t heap = 0;

	reader_s33(r, &heap);
	return heap < 0 ? HEAP_ABSTRACT((uint32_t)heap & 0x7f) : (uint32_t)heap;
}

uint32_t body_valtype(struct reader *r)
{
	uint8_t kind = 0;

	reader_byte(r, &kind);
	if (kind == TYPE_REF || kind == TYPE_REF_NULL)
		return TYPE_MAKE_REF(kind == TYPE_REF_NULL, body_heaptype(r));
	if (kind >= HEAP_EXN && kind <= HEAP_NOEXN)
		return TYPE_MAKE_REF(true, HEAP_ABSTRACT(kind));
	return kind;
}

struct body_locals body_locals(const struct image *image, const struct image_func *func)
{
	const uint8_t *module = image_module(image);
	struct body_locals locals = {.r = {.at = module + func->body, .end = module + func->code}};

	reader_u32(&locals.r, &locals.runs);
	return locals;
}

bool body_next_run(struct body_locals *locals, uint32_t *ret_count, uint32_t *ret_type)
{
	if (locals->runs == 0)
		return false;
	locals->runs--;
	*ret_count = 0;
	reader_u32(&locals->r, ret_count);
	*ret_type = body_valtype(&locals->r);
	return true;
}
