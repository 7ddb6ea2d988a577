/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.c: read, compare and print the suite's values.
 *
 * Numbers are compared as bits, so that -0, the sign and the payload of a NaN count. Only the two NaN
 * classes are wider: "nan:canonical" is the top payload bit alone with any sign, "nan:arithmetic"
 * the top payload bit with anything else.
 *
 * Of a reference's type the public API tells its hierarchy, from the static type of the result: that is
 * compared. Whether a non-null reference of the any hierarchy is an i31, a struct or an array is
 * taken from the static type too, as far as that says it.
 */
#include "values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Numbers ----------------------------------------------------------------------------- */

struct number {
	const char *name;
	uint32_t type; /* of the scalar; 0: a lane only */
	unsigned bits;
	uint64_t nan; /* exponent and top payload bit; 0: an integer */
};

static const struct number numbers[] = {
	{"i8", 0, 8, 0},
	{"i16", 0, 16, 0},
	{"i32", SKIFF_I32, 32, 0},
	{"i64", SKIFF_I64, 64, 0},
	{"f32", SKIFF_F32, 32, UINT64_C(0x7fc00000)},
	{"f64", SKIFF_F64, 64, UINT64_C(0x7ff8000000000000)},
};

static const struct number *find_number(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(numbers[i].name, name) == 0)
			return &numbers[i];
	return NULL;
}

/* Digits of at most `bits` bits, and nothing else. */
static bool parse_bits(const char *text, unsigned bits, uint64_t *ret)
{
	uint64_t max = UINT64_MAX >> (64 - bits), value = 0;

	if (text == NULL || *text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

static bool match_number(const struct number *number, const char *expected, uint64_t found)
{
	uint64_t sign = UINT64_C(1) << (number->bits - 1), bits;

	if (expected == NULL)
		return false;
	if (number->nan != 0 && strcmp(expected, "nan:canonical") == 0)
		return (found & ~sign) == number->nan;
	if (number->nan != 0 && strcmp(expected, "nan:arithmetic") == 0)
		return (found & number->nan) == number->nan;
	return parse_bits(expected, number->bits, &bits) && bits == found;
}

/* -- Vectors ----------------------------------------------------------------------------- */

/* The number type of a vector's lanes, where their count is right too. */
static const struct number *lane_type(struct json_value text)
{
	const struct number *lane = find_number(json_string(json_find(text, "lane_type"), NULL));

	if (lane == NULL || json_count(json_find(text, "value")) != 128 / lane->bits)
		return NULL;
	return lane;
}

static bool parse_vector(struct json_value text, uint8_t *ret)
{
	const struct number *lane = lane_type(text);
	struct json_value v = json_first(json_find(text, "value"));

	if (lane == NULL)
		return false;
	for (size_t at = 0; json_exists(v); at += lane->bits / 8, v = json_next(v)) {
		uint64_t bits;

		if (!parse_bits(json_string(v, NULL), lane->bits, &bits))
			return false;
		for (size_t i = 0; i < lane->bits / 8; i++)
			ret[at + i] = (uint8_t)(bits >> 8 * i);
	}
	return true;
}

static uint64_t lane_bits(const uint8_t *bytes, unsigned bits)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bits / 8; i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

static bool match_vector(struct json_value expected, const uint8_t *found)
{
	const struct number *lane = lane_type(expected);
	struct json_value v = json_first(json_find(expected, "value"));

	if (lane == NULL)
		return false;
	for (; json_exists(v); found += lane->bits / 8, v = json_next(v))
		if (!match_number(lane, json_string(v, NULL), lane_bits(found, lane->bits)))
			return false;
	return true;
}

/* -- References -------------------------------------------------------------------------- */

enum hierarchy { HIERARCHY_ANY, HIERARCHY_FUNC, HIERARCHY_EXTERN, HIERARCHY_EXN };

static const struct heap {
	const char *name;
	uint8_t code;
	enum hierarchy hierarchy;
} heaps[] = {
	{"funcref", 0x70, HIERARCHY_FUNC},     {"nullfuncref", 0x73, HIERARCHY_FUNC},
	{"externref", 0x6f, HIERARCHY_EXTERN}, {"nullexternref", 0x72, HIERARCHY_EXTERN},
	{"anyref", 0x6e, HIERARCHY_ANY},       {"eqref", 0x6d, HIERARCHY_ANY},
	{"i31ref", 0x6c, HIERARCHY_ANY},       {"structref", 0x6b, HIERARCHY_ANY},
	{"arrayref", 0x6a, HIERARCHY_ANY},     {"nullref", 0x71, HIERARCHY_ANY},
	{"exnref", 0x69, HIERARCHY_EXN},       {"nullexnref", 0x74, HIERARCHY_EXN},
};

static const struct heap *find_heap(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(heaps) / sizeof(heaps[0]); i++)
		if (strcmp(heaps[i].name, name) == 0)
			return &heaps[i];
	return NULL;
}

/* May a value of this static type be of the heap type's hierarchy? Defined types (an index) are
 * functions, structs or arrays, and the public API does not say which. */
static bool may_be(uint32_t type, const struct heap *heap)
{
	uint32_t code = type >> 8;

	if ((code & 0xffff00) != 0xffff00)
		return heap->hierarchy == HIERARCHY_FUNC || heap->hierarchy == HIERARCHY_ANY;
	for (size_t i = 0; i < sizeof(heaps) / sizeof(heaps[0]); i++)
		if (heaps[i].code == (code & 0xff))
			return heaps[i].hierarchy == heap->hierarchy;
	return false;
}

static bool is_reference(uint32_t type)
{
	return SKIFF_TYPE_KIND(type) == SKIFF_REF || SKIFF_TYPE_KIND(type) == SKIFF_REF_NULL;
}

static bool parse_reference(const struct heap *heap, const char *text, struct skiff_val *ret)
{
	uint64_t object;

	ret->type = SKIFF_ABSTRACT(SKIFF_REF_NULL, heap->code);
	if (text != NULL && strcmp(text, "null") == 0) {
		ret->of.ref = (struct skiff_ref){0};
		return true;
	}
	if (heap->code != 0x6f && heap->code != 0x6e)
		return false;
	if (!parse_bits(text, 62, &object))
		return false;
	ret->of.ref = skiff_ref_from_host(object);
	return true;
}

static bool match_reference(const char *type, struct json_value expected,
			    const struct skiff_val *found)
{
	const char *text = json_string(expected, NULL);
	const struct heap *heap = find_heap(type);
	uint64_t wanted, object;

	if (!is_reference(found->type))
		return false;
	if (strcmp(type, "refnull") == 0)
		return found->of.ref.word == 0;
	if (heap == NULL || !may_be(found->type, heap))
		return false;
	if (text != NULL && strcmp(text, "null") == 0)
		return found->of.ref.word == 0;
	if (found->of.ref.word == 0)
		return false;
	if (json_exists(expected))
		return parse_bits(text, 62, &wanted) && skiff_ref_to_host(found->of.ref, &object) &&
		       object == wanted;
	return heap->hierarchy != HIERARCHY_FUNC || skiff_ref_to_func(found->of.ref) != NULL;
}

/* -- Any value --------------------------------------------------------------------------- */

/* The bits of a scalar. The union's members share their beginning, so this holds on little-endian
 * hosts, the only ones there are here. */
static uint64_t scalar_bits(const struct skiff_val *value, unsigned bits)
{
	uint8_t bytes[8];

	memcpy(bytes, &value->of, sizeof(bytes));
	return lane_bits(bytes, bits);
}

bool values_parse(struct json_value text, struct skiff_val *ret)
{
	const char *type = json_string(json_find(text, "type"), NULL);
	const char *value = json_string(json_find(text, "value"), NULL);
	const struct number *number = find_number(type);
	const struct heap *heap = find_heap(type);
	struct skiff_val made;
	uint64_t bits;

	memset(&made, 0, sizeof(made));
	if (type == NULL)
		return false;
	if (strcmp(type, "v128") == 0) {
		made.type = SKIFF_V128;
		if (!parse_vector(text, made.of.v128))
			return false;
	} else if (number != NULL && number->type != 0) {
		made.type = number->type;
		if (!parse_bits(value, number->bits, &bits))
			return false;
		memcpy(&made.of, &bits, number->bits / 8);
	} else if (heap == NULL || !parse_reference(heap, value, &made)) {
		return false;
	}
	*ret = made;
	return true;
}

/* Everything but "either". */
static bool match_one(struct json_value expected, const struct skiff_val *found)
{
	const char *type = json_string(json_find(expected, "type"), NULL);
	struct json_value value = json_find(expected, "value");
	const struct number *number = find_number(type);

	if (type == NULL)
		return false;
	if (strcmp(type, "v128") == 0)
		return found->type == SKIFF_V128 && match_vector(expected, found->of.v128);
	if (number != NULL)
		return found->type == number->type &&
		       match_number(number, json_string(value, NULL),
				    scalar_bits(found, number->bits));
	return match_reference(type, value, found);
}

bool values_match(struct json_value expected, const struct skiff_val *found)
{
	const char *type = json_string(json_find(expected, "type"), NULL);
	struct json_value v;

	if (type == NULL || strcmp(type, "either") != 0)
		return match_one(expected, found);
	for (v = json_first(json_find(expected, "values")); json_exists(v); v = json_next(v))
		if (match_one(v, found))
			return true;
	return false;
}

/* -- For a person ------------------------------------------------------------------------ */

static void append(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

static void append_expected(struct json_value v, char *text, size_t size)
{
	const char *type = json_string(json_find(v, "type"), NULL);
	const char *lane = json_string(json_find(v, "lane_type"), NULL);
	struct json_value value = json_find(v, "value");
	const char *word = json_string(value, NULL);

	append(text, size, "%s", type != NULL ? type : "?");
	if (lane != NULL)
		append(text, size, " %s", lane);
	if (word != NULL)
		append(text, size, " %s", word);
	else if (type != NULL && find_heap(type) != NULL)
		append(text, size, " not null");
	for (v = json_first(value); json_exists(v); v = json_next(v)) {
		word = json_string(v, NULL);
		append(text, size, " %s", word != NULL ? word : "?");
	}
}

void values_expected_text(struct json_value list, char *text, size_t size)
{
	struct json_value options;

	snprintf(text, size, "[");
	for (struct json_value v = json_first(list); json_exists(v); v = json_next(v)) {
		options = json_find(v, "values");
		if (!json_exists(options))
			append_expected(v, text, size);
		for (struct json_value o = json_first(options); json_exists(o); o = json_next(o)) {
			append_expected(o, text, size);
			append(text, size, "%s", json_exists(json_next(o)) ? " or " : "");
		}
		append(text, size, "%s", json_exists(json_next(v)) ? ", " : "");
	}
	append(text, size, "]");
}

static void append_reference(const struct skiff_val *value, char *text, size_t size)
{
	uint64_t object;

	append(text, size, " ");
	if (value->of.ref.word == 0)
		append(text, size, "null");
	else if (skiff_ref_to_host(value->of.ref, &object))
		append(text, size, "host object %" PRIu64, object);
	else
		append(text, size, "not null");
}

static void append_found(const struct skiff_val *value, char *text, size_t size)
{
	char type[64];

	skiff_valtype_text(value->type, type, sizeof(type));
	append(text, size, "%s", type);
	if (value->type == SKIFF_I32 || value->type == SKIFF_F32) {
		append(text, size, " %" PRIu64, scalar_bits(value, 32));
	} else if (value->type == SKIFF_I64 || value->type == SKIFF_F64) {
		append(text, size, " %" PRIu64, scalar_bits(value, 64));
	} else if (value->type == SKIFF_V128) {
		for (size_t i = 0; i < 16; i++)
			append(text, size, "%s%02x", i % 4 == 0 ? " " : "", value->of.v128[i]);
	} else if (is_reference(value->type)) {
		append_reference(value, text, size);
	}
}

void values_found_text(const struct skiff_val *values, size_t count, char *text, size_t size)
{
	snprintf(text, size, "[");
	for (size_t i = 0; i < count; i++) {
		append_found(&values[i], text, size);
		append(text, size, "%s", i + 1 < count ? ", " : "");
	}
	append(text, size, "]");
}
