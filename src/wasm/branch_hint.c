/* SPDX-License-Identifier: Apache-2.0 */
/*
 * branch_hint.c: custom section 'metadata.code.branch_hint' against the code it speaks of.
 *
 *   section   = vector of functions
 *   function  = index, vector of hints     indices rise
 *   hint      = offset, size 1, value      offsets rise; value 0 is "hardly ever", 1 "nearly always"
 *
 * An offset counts from the declarations of the function's locals, behind the size of the body, and is
 * that of an `if` or `br_if`. (So the proposal says since it was asked, and tools do. The good module of the specification's
 * suite counts from the size itself, a mistake its interpreter has got rid of since: it gets a warning here.) Since indices and offsets rise, one walk over each function's code answers
 * for all of its hints, so the check takes time linear in the module however the section is made.
 */
#include "wasm/branch_hint.h"

#include <string.h>

#include "wasm/decode.h"
#include "wasm/reader.h"
#include "wasm/skip.h"

static const char section_name[] = "metadata.code.branch_hint";

struct hints {
	const struct image *image;
	struct err *err;
	struct reader r;
	uint32_t function;
	const uint8_t *code; /* the walk's next instruction in it */
};

/* -- Messages ---------------------------------------------------------------------------- */

static int wrong(struct hints *h, const uint8_t *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int wrong(struct hints *h, const uint8_t *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err_setv(h->err, DECODE_INVALID, format, args);
	va_end(args);
	return err_prefix(h->err, DECODE_INVALID, "custom section '%s', at byte 0x%x", section_name,
			  (unsigned)(at - image_module(h->image)));
}

static int cut(struct hints *h)
{
	return wrong(h, h->r.at, "%s", h->r.what);
}

/* -- Hints ------------------------------------------------------------------------------- */

/* Walk on to the instruction at this offset. */
static int target(struct hints *h, const uint8_t *at, uint32_t offset)
{
	const struct image_func *func = image_func(h->image, h->function);
	const uint8_t *body = image_module(h->image) + func->body;
	const uint8_t *end = image_module(h->image) + func->code_end;
	struct instruction i;

	if (offset >= (size_t)(end - body))
		return wrong(h, at, "function %u has no byte %u, only %zu", h->function, offset,
			     (size_t)(end - body));
	while (h->code < body + offset)
		h->code = instruction_at(h->code).next;
	if (h->code > body + offset)
		return wrong(h, at, "no instruction begins at byte %u of function %u", offset,
			     h->function);
	i = instruction_at(h->code);
	if (i.opcode != OP_IF && i.opcode != OP_BR_IF)
		return wrong(h, at, "invalid target: byte %u of function %u is %s, not if or br_if",
			     offset, h->function, opcode_text(i.opcode));
	return 0;
}

/* `next` is the least offset there may be. */
static int one_hint(struct hints *h, uint64_t *next)
{
	const uint8_t *at = h->r.at;
	uint32_t offset, size;
	uint8_t value = 0;
	int error;

	if (!reader_u32(&h->r, &offset))
		return cut(h);
	if (offset < *next)
		return wrong(h, at, "offset %u in function %u: offsets must rise", offset,
			     h->function);
	*next = (uint64_t)offset + 1;
	error = target(h, at, offset);
	if (error != 0)
		return error;
	at = h->r.at;
	if (!reader_u32(&h->r, &size))
		return cut(h);
	if (size != 1)
		return wrong(h, at, "a hint of %u bytes, it must be 1", size);
	at = h->r.at;
	if (!reader_byte(&h->r, &value))
		return cut(h);
	return value > 1 ? wrong(h, at, "hint %u, it must be 0 or 1", value) : 0;
}

/* `next` is the least index there may be. */
static int one_function(struct hints *h, uint64_t *next)
{
	const uint8_t *at = h->r.at;
	uint64_t next_offset = 0;
	uint32_t count;
	int error = 0;

	if (!reader_u32(&h->r, &h->function))
		return cut(h);
	if (h->function >= h->image->funcs.count)
		return wrong(h, at, "no function %u: the module has %u", h->function,
			     h->image->funcs.count);
	if (h->function < h->image->imported_funcs)
		return wrong(h, at, "function %u is imported: it has no code here", h->function);
	if (h->function < *next)
		return wrong(h, at, "function %u: indices must rise", h->function);
	*next = (uint64_t)h->function + 1;
	if (!reader_count(&h->r, &count))
		return cut(h);
	h->code = image_module(h->image) + image_func(h->image, h->function)->code;
	while (error == 0 && count-- > 0)
		error = one_hint(h, &next_offset);
	return error;
}

static int content(struct hints *h)
{
	uint64_t next = 0;
	uint32_t count;
	int error = 0;

	if (!reader_count(&h->r, &count))
		return cut(h);
	while (error == 0 && count-- > 0)
		error = one_function(h, &next);
	if (error == 0 && reader_left(&h->r) != 0)
		return wrong(h, h->r.at, "%zu bytes left over", reader_left(&h->r));
	return error;
}

int branch_hint_check(const struct image *image, struct err *err)
{
	const struct image_section *section = IMAGE_ITEMS(image, struct image_section, sections);
	const uint8_t *module = image_module(image);
	struct hints h = {.image = image, .err = err};
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < image->sections.count; i++, section++) {
		if (section->id != 0 || section->name.size != sizeof(section_name) - 1 ||
		    memcmp(module + section->name.at, section_name, section->name.size) != 0)
			continue;
		h.r.at = module + section->content.at;
		h.r.end = h.r.at + section->content.size;
		error = content(&h);
	}
	return error;
}
