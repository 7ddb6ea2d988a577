/* SPDX-License-Identifier: Apache-2.0 */
/* Values as text: what is read, what is refused, and that what is printed reads back the same. */
#include "base/err.h"
#include "cli/value.h"
#include "command/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *printed(struct out *out, const struct skiff_val *value)
{
	out_init(out, -1);
	value_print(out, NULL, value);
	out->bytes[out->used] = '\0';
	return out->bytes;
}

static void reads_as(uint32_t type, const char *text, const char *expected)
{
	struct skiff_val value;
	struct out out;
	struct err err;

	assert_int_equal(value_parse(&value, type, text, &err), 0);
	assert_string_equal(printed(&out, &value), expected);
}

static void refused(uint32_t type, const char *text)
{
	struct skiff_val value;
	struct err err = {.text = ""};

	if (value_parse(&value, type, text, &err) != VALUE_BAD)
		fail_msg("'%s' was taken", text);
	assert_non_null(strstr(err.text, "is not a value of type"));
}

static void integers(void **state)
{
	(void)state;
	reads_as(SKIFF_I32, "0", "0");
	reads_as(SKIFF_I32, "-0", "0");
	reads_as(SKIFF_I32, "+7", "7");
	reads_as(SKIFF_I32, "-2147483648", "-2147483648");
	reads_as(SKIFF_I32, "4294967295", "-1");
	reads_as(SKIFF_I32, "0xffffffff", "-1");
	reads_as(SKIFF_I32, "-0x80000000", "-2147483648");
	reads_as(SKIFF_I64, "18446744073709551615", "-1");
	reads_as(SKIFF_I64, "-9223372036854775808", "-9223372036854775808");
	refused(SKIFF_I32, "");
	refused(SKIFF_I32, "-");
	refused(SKIFF_I32, "0x");
	refused(SKIFF_I32, "4294967296");
	refused(SKIFF_I32, "-2147483649");
	refused(SKIFF_I32, " 1");
	refused(SKIFF_I32, "1 ");
	refused(SKIFF_I32, "1.0");
	refused(SKIFF_I32, "--1");
	refused(SKIFF_I32, "12a");
	refused(SKIFF_I64, "18446744073709551616");
	refused(SKIFF_I64, "-9223372036854775809");
}

static void floats(void **state)
{
	(void)state;
	reads_as(SKIFF_F32, "0.1", "0.1");
	reads_as(SKIFF_F64, "0.1", "0.1");
	reads_as(SKIFF_F64, "100", "100");
	reads_as(SKIFF_F64, "123456789", "123456789");
	reads_as(SKIFF_F64, "1e21", "1e+21");
	reads_as(SKIFF_F64, "-0", "-0");
	reads_as(SKIFF_F64, "0x1.8p3", "12");
	reads_as(SKIFF_F64, ".5", "0.5");
	reads_as(SKIFF_F64, "5e-324", "5e-324");
	reads_as(SKIFF_F64, "1.7976931348623157e308", "1.7976931348623157e+308");
	reads_as(SKIFF_F64, "0.30000000000000004", "0.30000000000000004");
	reads_as(SKIFF_F32, "16777216", "16777216");
	reads_as(SKIFF_F32, "3.4028235e38", "3.4028235e+38");
	reads_as(SKIFF_F32, "1e-45", "1e-45");
	reads_as(SKIFF_F32, "-inf", "-inf");
	reads_as(SKIFF_F32, "nan", "nan");
	reads_as(SKIFF_F32, "-nan", "-nan");
	reads_as(SKIFF_F32, "nan:0x400000", "nan");
	reads_as(SKIFF_F32, "nan:0x200000", "nan:0x200000");
	reads_as(SKIFF_F64, "-nan:0x1", "-nan:0x1");
	refused(SKIFF_F64, "");
	refused(SKIFF_F64, " 1");
	refused(SKIFF_F64, "1e999");
	refused(SKIFF_F32, "1e39");
	refused(SKIFF_F64, "infinity");
	refused(SKIFF_F64, "NaN");
	refused(SKIFF_F64, "nan(1)");
	refused(SKIFF_F64, "nan:0x0");
	refused(SKIFF_F32, "nan:0x800000");
	refused(SKIFF_F64, "--1");
	refused(SKIFF_F64, "1.5x");
}

/* Every 65,537th float: read back from its text, all bits are the same. */
static void floats_come_back(void **state)
{
	struct skiff_val value = {.type = SKIFF_F32}, back;
	struct out out;

	(void)state;
	for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 65537) {
		value.of.i32 = (uint32_t)bits;
		if (value_parse(&back, SKIFF_F32, printed(&out, &value), NULL) != 0 ||
		    back.of.i32 != value.of.i32)
			fail_msg("0x%08x became '%s'", (unsigned)bits, out.bytes);
	}
}

static void vectors(void **state)
{
	(void)state;
	reads_as(SKIFF_V128, "0x1", "0x00000000000000000000000000000001");
	reads_as(SKIFF_V128, "0x0123456789abcdef0123456789ABCDEF",
		 "0x0123456789abcdef0123456789abcdef");
	refused(SKIFF_V128, "0x");
	refused(SKIFF_V128, "1");
	refused(SKIFF_V128, "0x0123456789abcdef0123456789abcdef0");
	refused(SKIFF_V128, "0xg");
}

static void references(void **state)
{
	(void)state;
	reads_as(SKIFF_EXTERNREF, "null", "null");
	reads_as(SKIFF_EXTERNREF, "0", "extern 0");
	reads_as(SKIFF_EXTERNREF, "4611686018427387903", "extern 4611686018427387903");
	reads_as(SKIFF_FUNCREF, "null", "null");
	refused(SKIFF_EXTERNREF, "4611686018427387904");
	refused(SKIFF_EXTERNREF, "-1");
	refused(SKIFF_FUNCREF, "1");
	refused(SKIFF_ABSTRACT(SKIFF_REF, 0x6f), "null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),         cmocka_unit_test(floats),
		cmocka_unit_test(floats_come_back), cmocka_unit_test(vectors),
		cmocka_unit_test(references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
