/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/valtype.h"

#include <stdio.h>

static const char *plain_name(uint32_t type)
{
	switch (type) {
	case TYPE_BOTTOM:
		return "any value";
	case TYPE_BOTTOM_REF:
		return "any reference";
	case TYPE_I32:
		return "i32";
	case TYPE_I64:
		return "i64";
	case TYPE_F32:
		return "f32";
	case TYPE_F64:
		return "f64";
	case TYPE_V128:
		return "v128";
	case TYPE_I8:
		return "i8";
	case TYPE_I16:
		return "i16";
	}
	return NULL;
}

static const char *heap_name(uint32_t heap)
{
	switch (heap & 0xff) {
	case HEAP_NOEXN:
		return "noexn";
	case HEAP_NOFUNC:
		return "nofunc";
	case HEAP_NOEXTERN:
		return "noextern";
	case HEAP_NONE:
		return "none";
	case HEAP_FUNC:
		return "func";
	case HEAP_EXTERN:
		return "extern";
	case HEAP_ANY:
		return "any";
	case HEAP_EQ:
		return "eq";
	case HEAP_I31:
		return "i31";
	case HEAP_STRUCT:
		return "struct";
	case HEAP_ARRAY:
		return "array";
	case HEAP_EXN:
		return "exn";
	}
	return "?";
}

size_t valtype_text(uint32_t type, char *text, size_t size)
{
	const char *plain = plain_name(type);
	const char *null = valtype_is_nullable(type) ? "null " : "";
	uint32_t heap = TYPE_HEAP(type);
	int n;

	if (plain != NULL)
		n = snprintf(text, size, "%s", plain);
	else if (type == TYPE_FUNCREF || type == TYPE_EXTERNREF)
		n = snprintf(text, size, "%sref", heap_name(heap));
	else if (HEAP_IS_INDEX(heap))
		n = snprintf(text, size, "(ref %s%u)", null, heap);
	else
		n = snprintf(text, size, "(ref %s%s)", null, heap_name(heap));
	return (size_t)n;
}

struct valtype_name valtype_name(uint32_t type)
{
	struct valtype_name name;

	valtype_text(type, name.text, sizeof(name.text));
	return name;
}
