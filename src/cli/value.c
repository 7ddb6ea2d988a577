/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/value.h"

#include "base/err.h"
#include "base/text.h"
#include "command/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t host_max = (UINT64_C(1) << 62) - 1;

/* -- Reading ------------------------------------------------------------------------------ */

/* Step over a sign; true: it was a minus. */
static bool take_sign(const char **text)
{
	bool minus = **text == '-';

	if (minus || **text == '+')
		(*text)++;
	return minus;
}

static bool parse_int(const char *text, unsigned bits, uint64_t *ret)
{
	uint64_t max = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	bool minus = take_sign(&text);
	uint64_t n;

	if (!text_parse_u64(text, &n) || n > (minus ? max / 2 + 1 : max))
		return false;
	*ret = (minus ? 0 - n : n) & max;
	return true;
}

/*
 * "inf", "nan" and "nan:0x...", without the sign, as bits of a float with `fraction` bits of
 * fraction; `exponent` has the bits of an infinity.
 */
static bool parse_special(const char *text, unsigned fraction, uint64_t exponent, uint64_t *ret)
{
	uint64_t payload = UINT64_C(1) << (fraction - 1);

	if (strcmp(text, "inf") == 0) {
		*ret = exponent;
		return true;
	}
	if (strncmp(text, "nan", 3) != 0)
		return false;
	if (text[3] != '\0') {
		if (strncmp(text + 3, ":0x", 3) != 0 || !text_parse_u64(text + 4, &payload) ||
		    payload == 0 || payload >> fraction != 0)
			return false;
	}
	*ret = exponent | payload;
	return true;
}

/* strtod() takes more than we do: blanks in front, "infinity", "nan(...)". */
static bool starts_number(const char *text)
{
	return (text[0] >= '0' && text[0] <= '9') ||
	       (text[0] == '.' && text[1] >= '0' && text[1] <= '9');
}

static bool parse_f32(const char *text, uint32_t *ret)
{
	uint32_t sign = take_sign(&text) ? UINT32_C(1) << 31 : 0;
	uint64_t special;
	uint32_t bits;
	char *end;
	float f;

	if (parse_special(text, 23, UINT64_C(0x7f800000), &special)) {
		*ret = sign | (uint32_t)special;
		return true;
	}
	if (!starts_number(text))
		return false;
	f = strtof(text, &end);
	memcpy(&bits, &f, sizeof(bits));
	if (*end != '\0' || bits == UINT32_C(0x7f800000)) /* too large */
		return false;
	*ret = sign | bits;
	return true;
}

static bool parse_f64(const char *text, uint64_t *ret)
{
	uint64_t sign = take_sign(&text) ? UINT64_C(1) << 63 : 0;
	uint64_t bits;
	char *end;
	double f;

	if (parse_special(text, 52, UINT64_C(0x7ff) << 52, &bits)) {
		*ret = sign | bits;
		return true;
	}
	if (!starts_number(text))
		return false;
	f = strtod(text, &end);
	memcpy(&bits, &f, sizeof(bits));
	if (*end != '\0' || bits == UINT64_C(0x7ff) << 52)
		return false;
	*ret = sign | bits;
	return true;
}

static bool parse_v128(const char *text, uint8_t bytes[16])
{
	size_t size = strlen(text);
	char part[5] = "0x";

	if (size < 3 || size > 34 || strncmp(text, "0x", 2) != 0)
		return false;
	memset(bytes, 0, 16);
	for (size_t i = 0; i < size - 2; i++) {
		uint64_t nibble;

		part[2] = text[size - 1 - i];
		if (!text_parse_u64(part, &nibble))
			return false;
		bytes[i / 2] |= (uint8_t)(nibble << (i % 2 * 4));
	}
	return true;
}

static bool parse_ref(const char *text, uint32_t type, struct skiff_ref *ret)
{
	uint64_t n;

	if (SKIFF_TYPE_KIND(type) == SKIFF_REF_NULL && strcmp(text, "null") == 0) {
		*ret = (struct skiff_ref){0};
		return true;
	}
	if (type >> 8 != SKIFF_EXTERNREF >> 8 || !text_parse_u64(text, &n) || n > host_max)
		return false;
	*ret = skiff_ref_from_host(n);
	return true;
}

static bool parse(struct skiff_val *ret, uint32_t type, const char *text)
{
	uint64_t n;

	switch (SKIFF_TYPE_KIND(type)) {
	case SKIFF_I32:
		if (!parse_int(text, 32, &n))
			return false;
		ret->of.i32 = (uint32_t)n;
		return true;
	case SKIFF_I64:
		return parse_int(text, 64, &ret->of.i64);
	case SKIFF_F32: /* as bits: a signalling NaN must stay one */
		return parse_f32(text, &ret->of.i32);
	case SKIFF_F64:
		return parse_f64(text, &ret->of.i64);
	case SKIFF_V128:
		return parse_v128(text, ret->of.v128);
	default:
		return parse_ref(text, type, &ret->of.ref);
	}
}

int value_parse(struct skiff_val *ret, uint32_t type, const char *text, struct err *err)
{
	char name[64];

	memset(ret, 0, sizeof(*ret));
	ret->type = type;
	if (parse(ret, type, text))
		return 0;
	skiff_valtype_text(type, name, sizeof(name));
	return err_set(err, VALUE_BAD, "'%s' is not a value of type %s", text, name);
}

/* -- Writing ------------------------------------------------------------------------------ */

/* True and printed where the bits are an infinity or a NaN. */
static bool print_special(struct out *out, uint64_t bits, unsigned fraction, unsigned width)
{
	uint64_t payload = bits & ((UINT64_C(1) << fraction) - 1);
	uint64_t ones = (UINT64_C(1) << (width - 1 - fraction)) - 1;

	if ((bits >> fraction & ones) != ones)
		return false;
	if (bits >> (width - 1) != 0)
		out_text(out, "-");
	if (payload == 0)
		out_text(out, "inf");
	else if (payload == UINT64_C(1) << (fraction - 1))
		out_text(out, "nan");
	else
		out_format(out, "nan:0x%llx", (unsigned long long)payload);
	return true;
}

/* `digits` suffice for the value. Up to `plain` digits before the point are written out, so that
 * 100 is not 1e+02. */
static void print_digits(struct out *out, double value, int digits, int plain)
{
	char text[32];
	int exponent;

	snprintf(text, sizeof(text), "%.*e", digits - 1, value);
	exponent = atoi(strchr(text, 'e') + 1);
	if (exponent >= digits && exponent < plain)
		digits = exponent + 1;
	out_format(out, "%.*g", digits, value);
}

static void print_f32(struct out *out, float value)
{
	char text[32];
	int digits = 1;

	for (; digits < 9; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits - 1, (double)value);
		if (strtof(text, NULL) == value)
			break;
	}
	print_digits(out, (double)value, digits, 6);
}

static void print_f64(struct out *out, double value)
{
	char text[32];
	int digits = 1;

	for (; digits < 17; digits++) {
		snprintf(text, sizeof(text), "%.*e", digits - 1, value);
		if (strtod(text, NULL) == value)
			break;
	}
	print_digits(out, value, digits, 15);
}

static void print_ref(struct out *out, const struct skiff_store *store, struct skiff_ref ref)
{
	uint64_t object = 0;
	int32_t number = 0;

	switch (skiff_ref_kind(store, ref)) {
	case SKIFF_REF_IS_NULL:
		out_text(out, "null");
		return;
	case SKIFF_REF_IS_FUNC:
		out_text(out, "func");
		return;
	case SKIFF_REF_IS_HOST:
		skiff_ref_to_host(ref, &object);
		out_format(out, "extern %llu", (unsigned long long)object);
		return;
	case SKIFF_REF_IS_I31:
		skiff_ref_to_i31(ref, &number);
		out_format(out, "i31 %d", (int)number);
		return;
	case SKIFF_REF_IS_STRUCT:
		out_text(out, "struct");
		return;
	case SKIFF_REF_IS_ARRAY:
		out_text(out, "array");
		return;
	case SKIFF_REF_IS_EXCEPTION:
		out_text(out, "exn");
		return;
	}
}

void value_print(struct out *out, const struct skiff_store *store, const struct skiff_val *v)
{
	switch (SKIFF_TYPE_KIND(v->type)) {
	case SKIFF_I32:
		out_format(out, "%d", (int)v->of.i32);
		break;
	case SKIFF_I64:
		out_format(out, "%lld", (long long)v->of.i64);
		break;
	case SKIFF_F32:
		if (!print_special(out, v->of.i32, 23, 32))
			print_f32(out, v->of.f32);
		break;
	case SKIFF_F64:
		if (!print_special(out, v->of.i64, 52, 64))
			print_f64(out, v->of.f64);
		break;
	case SKIFF_V128:
		out_text(out, "0x");
		for (int i = 15; i >= 0; i--)
			out_format(out, "%02x", v->of.v128[i]);
		break;
	default:
		print_ref(out, store, v->of.ref);
	}
}
