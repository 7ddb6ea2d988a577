/* SPDX-License-Identifier: Apache-2.0 */
/* policy_test.c: which rules are rules, and whom each lets the guest reach. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "wasi/net.h"
#include "wasi/policy.h"

static union net_address address_of(const char *host, uint16_t port)
{
	union net_address address = {0};

	if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1) {
		address.in.sin_family = AF_INET;
		address.in.sin_port = htons(port);
		return address;
	}
	assert_int_equal(inet_pton(AF_INET6, host, &address.in6.sin6_addr), 1);
	address.in6.sin6_family = AF_INET6;
	address.in6.sin6_port = htons(port);
	return address;
}

static bool reaches(struct policy *policy, const char *host, uint16_t port)
{
	union net_address address = address_of(host, port);

	return policy_reaches(policy, &address.any);
}

/* A policy of these rules; NULL ends them. */
static void open_list(struct policy *policy, const char *const *rules)
{
	struct err err;

	policy_init(policy);
	policy->kind = POLICY_EVERYONE;
	for (; *rules != NULL; rules++)
		assert_int_equal(policy_allow(policy, *rules, &err), 0);
	assert_int_equal(policy->kind, POLICY_LIST);
}
#define OPEN_LIST(policy, ...) open_list(policy, (const char *const[]){__VA_ARGS__, NULL})

static void everyone_and_nobody(void **state)
{
	struct policy policy;
	union net_address local = {.any.sa_family = AF_UNIX};
	struct err err;

	(void)state;
	policy_init(&policy);
	assert_int_equal(policy.kind, POLICY_NOBODY);
	assert_false(policy_opens(&policy));
	assert_false(reaches(&policy, "127.0.0.1", 80));
	assert_false(policy_resolves(&policy, "example.com"));
	/* A rule opens what it says, and nothing else. */
	assert_int_equal(policy_allow(&policy, "10.0.0.1:1", &err), 0);
	assert_true(policy_opens(&policy));
	assert_true(reaches(&policy, "10.0.0.1", 1));
	assert_false(reaches(&policy, "127.0.0.1", 80));
	policy_deinit(&policy);

	policy_init(&policy);
	policy.kind = POLICY_EVERYONE;
	assert_true(policy_opens(&policy));
	assert_true(reaches(&policy, "127.0.0.1", 80));
	assert_true(reaches(&policy, "::1", 0));
	assert_true(policy_resolves(&policy, "example.com"));
	assert_false(policy_reaches(&policy, &local.any));
	policy_deinit(&policy);
}

static void bad_rules(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"host",
		"host:",
		"host:x",
		"host:65536",
		"host:-1",
		"host:1-",
		"host:9-1",
		"host:1-65536",
		"host: 1",
		"host:+1",
		":80",
		"*",
		"::1:80",
		"[::1]",
		"[::1:80",
		"[::1]80:80",
		"[1.2.3.4]:1",
		"1.2.3:80",
		"1.2.3.256:80",
		"1.2.3.4/33:1",
		"1.2.3.4/:1",
		"1.2.3.4/x:1",
		"[::1]/129:1",
		"[::1/64]/64:80",
		"name/8:80",
		"a..b:80",
		".a:80",
		"a b:80",
		"*.a.com:80",
		"a/b:80",
		"host:000000080",
		"[]:80",
		"http://a.com:80",
	};
	struct policy policy;
	struct err err;

	(void)state;
	policy_init(&policy);
	policy.kind = POLICY_EVERYONE;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err.text[0] = 0;
		if (policy_allow(&policy, bad[i], &err) != -EINVAL)
			fail_msg("'%s' is accepted", bad[i]);
		if (bad[i][0] != 0)
			assert_non_null(strstr(err.text, bad[i]));
	}
	assert_int_equal(policy.kind, POLICY_EVERYONE);
	policy_deinit(&policy);
}

static void addresses_and_ports(void **state)
{
	struct policy policy;

	(void)state;
	OPEN_LIST(&policy, "10.1.2.3:80", "10.9.9.9:*", "10.8.8.8:100-200", "[2001:db8::1]:443");
	assert_true(policy_opens(&policy));
	assert_true(reaches(&policy, "10.1.2.3", 80));
	assert_false(reaches(&policy, "10.1.2.3", 81));
	assert_false(reaches(&policy, "10.1.2.3", 0));
	assert_false(reaches(&policy, "10.1.2.4", 80));
	assert_true(reaches(&policy, "10.9.9.9", 0));
	assert_true(reaches(&policy, "10.9.9.9", 65535));
	assert_false(reaches(&policy, "10.8.8.8", 99));
	assert_true(reaches(&policy, "10.8.8.8", 100));
	assert_true(reaches(&policy, "10.8.8.8", 200));
	assert_false(reaches(&policy, "10.8.8.8", 201));
	assert_true(reaches(&policy, "2001:db8::1", 443));
	assert_false(reaches(&policy, "2001:db8::2", 443));
	policy_deinit(&policy);
}

static void ranges(void **state)
{
	struct policy policy;

	(void)state;
	OPEN_LIST(&policy, "10.1.0.0/16:80", "192.168.5.128/25:*", "[2001:db8::]/33:1",
		  "[fd00::/8]:2", "0.0.0.0/0:7");
	assert_true(reaches(&policy, "10.1.255.255", 80));
	assert_false(reaches(&policy, "10.2.0.0", 80));
	assert_true(reaches(&policy, "192.168.5.128", 9));
	assert_false(reaches(&policy, "192.168.5.127", 9));
	assert_true(reaches(&policy, "2001:db8:7fff::1", 1));
	assert_false(reaches(&policy, "2001:db8:8000::1", 1));
	assert_true(reaches(&policy, "fdff::1", 2));
	assert_false(reaches(&policy, "fe00::1", 2));
	assert_true(reaches(&policy, "255.255.255.255", 7));
	assert_false(reaches(&policy, "::1", 7));
	policy_deinit(&policy);
}

/* The same address in its other form is neither a way around a rule, nor something a rule forgets. */
static void mapped(void **state)
{
	struct policy policy;

	(void)state;
	OPEN_LIST(&policy, "10.0.0.1:80", "[::]/0:443", "[::ffff:10.0.0.2]:81");
	assert_true(reaches(&policy, "::ffff:10.0.0.1", 80));
	assert_false(reaches(&policy, "::ffff:10.0.0.9", 80));
	assert_true(reaches(&policy, "2001:db8::1", 443));
	assert_false(reaches(&policy, "::ffff:10.0.0.1", 443));
	assert_false(reaches(&policy, "10.0.0.1", 443));
	assert_true(reaches(&policy, "10.0.0.2", 81));
	policy_deinit(&policy);
}

static void all_of_this_machine(void **state)
{
	struct policy policy;

	(void)state;
	OPEN_LIST(&policy, "127.0.0.1:80", "*:8080", "0.0.0.0:81", "[::]:82");
	assert_false(reaches(&policy, "0.0.0.0", 80));
	assert_false(reaches(&policy, "::", 80));
	assert_true(reaches(&policy, "0.0.0.0", 8080));
	assert_true(reaches(&policy, "::", 8080));
	assert_true(reaches(&policy, "0.0.0.0", 81));
	assert_false(reaches(&policy, "::", 81));
	assert_true(reaches(&policy, "::", 82));
	assert_false(reaches(&policy, "0.0.0.0", 82));
	policy_deinit(&policy);
}

static void learn(struct policy *policy, const char *name, const char *host)
{
	union net_address address = address_of(host, 0);

	assert_int_equal(policy_learn(policy, name, &address.any), 0);
}

static void names_(void **state)
{
	struct policy policy;

	(void)state;
	OPEN_LIST(&policy, "Example.com:443", "example.com:8000-8001", "db:5432", "localhost:9");
	assert_true(policy_resolves(&policy, "example.com"));
	assert_true(policy_resolves(&policy, "EXAMPLE.COM."));
	assert_false(policy_resolves(&policy, "example.com.evil.org"));
	assert_false(policy_resolves(&policy, "www.example.com"));
	assert_false(policy_resolves(&policy, "xample.com"));
	assert_false(policy_resolves(&policy, ""));
	assert_true(policy_resolves(&policy, "9.9.9.9")); /* a number: nobody is asked */

	assert_false(reaches(&policy, "93.184.216.34", 443));
	learn(&policy, "example.com.", "93.184.216.34");
	learn(&policy, "evil.org", "6.6.6.6");
	learn(&policy, "9.9.9.9", "9.9.9.9");
	assert_true(reaches(&policy, "93.184.216.34", 443));
	assert_true(reaches(&policy, "::ffff:93.184.216.34", 443));
	assert_true(reaches(&policy, "93.184.216.34", 8001));
	assert_false(reaches(&policy, "93.184.216.34", 80));
	assert_false(reaches(&policy, "93.184.216.34", 5432));
	assert_false(reaches(&policy, "6.6.6.6", 443));
	assert_false(reaches(&policy, "9.9.9.9", 443));
	assert_true(reaches(&policy, "127.0.0.1", 9));
	assert_true(reaches(&policy, "::1", 9));
	assert_false(reaches(&policy, "127.0.0.1", 10));
	policy_deinit(&policy);
}

/* Any name is allowed where any host is. */
static void any_host_resolves(void **state)
{
	struct policy policy;

	(void)state;
	OPEN_LIST(&policy, "*:443");
	assert_true(policy_resolves(&policy, "whatever.example"));
	assert_true(reaches(&policy, "1.1.1.1", 443));
	assert_true(reaches(&policy, "2001:db8::1", 443));
	assert_false(reaches(&policy, "1.1.1.1", 80));
	policy_deinit(&policy);
}

/* What is learned is bounded, each once; the oldest give way. */
static void learns_so_much(void **state)
{
	struct policy policy;
	char host[32];
	size_t size;

	(void)state;
	OPEN_LIST(&policy, "many:1");
	for (int i = 0; i < 3; i++)
		learn(&policy, "many", "10.0.0.0");
	size = policy.learned.size;
	assert_true(size > 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(host, sizeof(host), "10.0.%d.%d", i / 256, i % 256);
		learn(&policy, "many", host);
	}
	assert_true(policy.learned.size <= size * 1024);
	assert_true(reaches(&policy, "10.0.19.135", 1)); /* the last */
	assert_false(reaches(&policy, "10.0.0.0", 1));
	policy_deinit(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everyone_and_nobody),
		cmocka_unit_test(bad_rules),
		cmocka_unit_test(addresses_and_ports),
		cmocka_unit_test(ranges),
		cmocka_unit_test(mapped),
		cmocka_unit_test(all_of_this_machine),
		cmocka_unit_test(names_),
		cmocka_unit_test(any_host_resolves),
		cmocka_unit_test(learns_so_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
