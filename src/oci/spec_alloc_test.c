/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_alloc_test.c: a file with something of everything, read when the 1st, the 2nd, the 3rd... allocation is refused: each
 * time -ENOMEM with its sentence and nothing left (the sanitizer's build sees to that), until there are enough.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/test_refuse.h"
#include "oci/test_text.h"

static const char start[] = "{'ociVersion':'1.2.0-";
static const char rest[] =
	"','root':{'path':'r'},'unknown':1,'annotations':{'a':'b','c':'d'},'process':{'cwd':'/"
	"','args':['a','b'],"
	"'env':['A=b','A=c'],'user':{'additionalGids':[1,2]},'capabilities':{'bounding':['CAP_NEW']"
	",'permitted':['CAP_KILL']},"
	"'rlimits':[{'type':'RLIMIT_AS','soft':1,'hard':2}]},'mounts':[{'destination':'rel','type':"
	"'tmpfs','options':['ro','x']}],"
	"'hooks':{'poststop':[{'path':'/"
	"a','args':['a']}]},'linux':{'namespaces':[{'type':'network','path':'/n'}],"
	"'sysctl':{'net.a':'b'},'maskedPaths':['/"
	"a'],'resources':{'rdma':{'x':{'hcaObjects':1}},'unified':{'a.b':'c'},"
	"'devices':[{'allow':true,'access':'rwm'}]},'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','"
	"architectures':['SCMP_ARCH_X86'],"
	"'syscalls':[{'names':['a'],'action':'SCMP_ACT_LOG','args':[{'index':0,'value':1,'op':'"
	"SCMP_CMP_EQ'},"
	"{'index':0,'value':2,'op':'SCMP_CMP_EQ'}]}]},'cgroupsPath':'c'}}";

/* The arena asks for a block now and then only: a version of any length in front shifts what falls behind an edge. */
static char *make_text(size_t shift)
{
	size_t size = sizeof(start) - 1 + shift + sizeof(rest);
	char *text = malloc(size);

	memcpy(text, start, sizeof(start) - 1);
	memset(text + sizeof(start) - 1, 'p', shift);
	memcpy(text + sizeof(start) - 1 + shift, rest, sizeof(rest));
	test_quote(text, size);
	return text;
}

/* How many there are. One that is refused may go unnoticed: the JSON tree's block is not cut to size then. */
static unsigned refuse_each(const char *text)
{
	for (refuse_at = 1;; refuse_at++) {
		struct oci_spec *spec = NULL;
		struct err err = {""};
		int rc;

		calls = 0;
		counting = true;
		rc = oci_spec_parse(&spec, text, strlen(text), &err);
		counting = false;
		if (rc == 0) {
			assert_string_equal(spec->unknown.items[0], "unknown");
			oci_spec_free(spec);
		} else {
			assert_int_equal(rc, -ENOMEM);
			assert_string_equal(err.text, "no memory");
			assert_null(spec);
		}
		if (calls < refuse_at)
			return calls;
	}
}

static void test_refuse(void **state)
{
	unsigned most = 0;

	(void)state;
	for (size_t shift = 0; shift < 4096; shift += 8) {
		char *text = make_text(shift);
		unsigned refused_times = refuse_each(text);

		most = refused_times > most ? refused_times : most;
		free(text);
	}
	assert_true(most >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
