/* SPDX-License-Identifier: Apache-2.0 */
/* tables_test.c: every word of every table is found (so it stands in order), with the number it has for the kernel. */
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "oci/tables.h"

static void test_order(void **state)
{
	size_t words = 0;

	(void)state;
	for (int table = 0; table < OCI_TABLE_COUNT; table++) {
		const char *word, *before = "";

		for (size_t i = 0; (word = oci_table_word((enum oci_table)table, i)) != NULL; i++) {
			uint64_t number;

			assert_true(strcmp(before, word) < 0);
			assert_true(oci_table_find((enum oci_table)table, word, &number));
			assert_non_null(oci_table_name((enum oci_table)table, number));
			before = word;
			words++;
		}
		assert_true(strlen(oci_table_noun((enum oci_table)table)) > 5);
	}
	assert_true(words > 100);
}

static void test_misses(void **state)
{
	uint64_t number = 7;

	(void)state;
	assert_false(oci_table_find(OCI_TABLE_CAPABILITY, "CAP_NOTHING", &number));
	assert_false(oci_table_find(OCI_TABLE_CAPABILITY, "RLIMIT_AS", &number));
	assert_false(oci_table_find(OCI_TABLE_RLIMIT, "", &number));
	assert_false(oci_table_find(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_X86_65", &number));
	assert_int_equal(number, 7);
	assert_null(oci_table_name(OCI_TABLE_CAPABILITY, 41));
}

static uint64_t number_of(enum oci_table table, const char *word)
{
	uint64_t number = UINT64_MAX;

	assert_true(oci_table_find(table, word, &number));
	return number;
}

#define SAME(table, word) assert_int_equal(number_of(OCI_TABLE_##table, #word), word)

static void test_numbers(void **state)
{
	(void)state;
	/* Each bit of the kernel's has its name. */
	for (uint64_t cap = 0; cap <= 40; cap++)
		assert_non_null(oci_table_name(OCI_TABLE_CAPABILITY, cap));
	SAME(CAPABILITY, CAP_CHOWN);
	SAME(CAPABILITY, CAP_NET_BIND_SERVICE);
	SAME(CAPABILITY, CAP_SYS_ADMIN);
	SAME(CAPABILITY, CAP_SYS_CHROOT);
	SAME(CAPABILITY, CAP_SETFCAP);
	SAME(CAPABILITY, CAP_SYSLOG);
	SAME(CAPABILITY, CAP_AUDIT_READ);
	SAME(CAPABILITY, CAP_CHECKPOINT_RESTORE);
	SAME(SECCOMP_FLAG, SECCOMP_FILTER_FLAG_TSYNC);
	SAME(SECCOMP_FLAG, SECCOMP_FILTER_FLAG_LOG);
	SAME(SECCOMP_FLAG, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_X86_64"), AUDIT_ARCH_X86_64);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_X86"), AUDIT_ARCH_I386);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_AARCH64"),
			 AUDIT_ARCH_AARCH64);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_ARM"), AUDIT_ARCH_ARM);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_RISCV64"),
			 AUDIT_ARCH_RISCV64);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_S390X"), AUDIT_ARCH_S390X);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_PPC64LE"),
			 AUDIT_ARCH_PPC64LE);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_MIPSEL64N32"),
			 AUDIT_ARCH_MIPSEL64N32);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_MIPS64"), AUDIT_ARCH_MIPS64);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_PARISC64"),
			 AUDIT_ARCH_PARISC64);
	assert_int_equal(number_of(OCI_TABLE_SECCOMP_ARCH, "SCMP_ARCH_SHEB"), AUDIT_ARCH_SH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
