/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_test.c: the resolver against the servers of test_servers.h, and against files of all kinds.
 *
 * The guest's root is a fresh folder. A second of resolv.conf's lasts 40 ms.
 */
#include "wasi/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "wasi/resolver_parts.h"
#include "wasi/test_servers.h"

enum { SECOND = 100 * 1000 * 1000 };

/* -- The guest ------------------------------------------------------------------------------------ */

static struct {
	struct system system;
	struct wake wake;
	uint32_t interrupt;
	char folder[64];
	char folder_etc[80];
	struct resolver_terms terms;
	struct resolved_addresses found;
	int descriptors; /* open before a test */
} guest;

static struct waiter waiter = {
	.wake = &guest.wake, .interrupt = &guest.interrupt, .stop = &guest.system.stop};

static void write_file(const char *name, const char *text, size_t size)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", guest.folder, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	close(fd);
}

static void write_etc(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "etc/%s", name);
	write_file(path, text, strlen(text));
}

static void usual_files(void)
{
	write_etc("hosts", "127.0.0.1 localhost\n");
	write_etc("resolv.conf",
		  "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:25\n");
}

static int find(const char *name, int family)
{
	memset(&guest.found, 0xaa, sizeof(guest.found));
	guest.found.count = 77;
	return resolver_find_on(&guest.system, name, family, &waiter, &guest.terms, &guest.found);
}

/* The addresses found, then the name, with blanks between. */
static const char *found(void)
{
	static char text[RESOLVER_MAX * INET6_ADDRSTRLEN + 300];
	size_t size = 0;

	for (uint32_t i = 0; i < guest.found.count; i++) {
		const union net_address *a = &guest.found.items[i];
		const void *bytes = a->any.sa_family == AF_INET ? (const void *)&a->in.sin_addr
								: &a->in6.sin6_addr;

		inet_ntop(a->any.sa_family, bytes, text + size, INET6_ADDRSTRLEN);
		size += strlen(text + size);
		text[size++] = ' ';
	}
	strcpy(text + size, guest.found.name);
	return text;
}

/* Is what was found this, the order of the families left to the machine's routes. */
static void assert_found(const char *v4_first, const char *v6_first)
{
	if (strcmp(found(), v6_first) != 0)
		assert_string_equal(found(), v4_first);
}

static int count_notes(const char *name, int server, unsigned type, bool tcp)
{
	int count = 0;

	pthread_mutex_lock(&net.lock);
	for (int i = 0; i < net.count; i++)
		count += strcmp(net.notes[i].name, name) == 0 &&
			 (server < 0 || net.notes[i].server == server) &&
			 (type == 0 || net.notes[i].type == type) && net.notes[i].tcp == tcp;
	pthread_mutex_unlock(&net.lock);
	return count;
}

static int count_all(void)
{
	int count;

	pthread_mutex_lock(&net.lock);
	count = net.count;
	pthread_mutex_unlock(&net.lock);
	return count;
}

/* The names that were asked, each once, in their order. */
static const char *asked(void)
{
	static char text[LOG_MAX * 64];

	text[0] = '\0';
	pthread_mutex_lock(&net.lock);
	for (int i = 0; i < net.count; i++)
		if (i == 0 || strcmp(net.notes[i].name, net.notes[i - 1].name) != 0) {
			strcat(text, i == 0 ? "" : " ");
			strcat(text, net.notes[i].name);
		}
	pthread_mutex_unlock(&net.lock);
	return text;
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int set_up_test(void **state)
{
	(void)state;
	forget();
	guest.system.policy.kind = POLICY_EVERYONE;
	guest.terms = (struct resolver_terms){.port = net.port, .second = SECOND};
	guest.interrupt = 0;
	usual_files();
	guest.descriptors = count_descriptors();
	return 0;
}

static int tear_down_test(void **state)
{
	(void)state;
	usleep(2000); /* the servers' own */
	assert_int_equal(count_descriptors(), guest.descriptors);
	return 0;
}

/* -- Without servers ------------------------------------------------------------------------------ */

static void numbers(void **state)
{
	static const char *const names[] = {"1.2.3", "1.2.3.4.5", "::1%", "::1%nowhere", "fe80::x"};

	(void)state;
	assert_int_equal(find("192.0.2.7", AF_UNSPEC), 0);
	assert_string_equal(found(), "192.0.2.7 192.0.2.7");
	assert_int_equal(guest.found.items[0].in.sin_port, 0);
	assert_int_equal(find("192.0.2.7", AF_INET6), RESOLVER_NO_NAME);
	assert_int_equal(guest.found.count, 77);
	assert_int_equal(find("2001:DB8::1", AF_INET6), 0);
	assert_string_equal(found(), "2001:db8::1 2001:DB8::1");
	assert_int_equal(find("fe80::1%7", AF_UNSPEC), 0);
	assert_int_equal(guest.found.items[0].in6.sin6_scope_id, 7);
	if (find("fe80::1%lo", AF_UNSPEC) == 0)
		assert_int_equal(guest.found.items[0].in6.sin6_scope_id, 1);
	assert_int_equal(count_all(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		union net_address address;

		assert_false(resolver_numeric((struct span){names[i], strlen(names[i])}, &address));
	}
}

static void bad_names(void **state)
{
	char name[300];

	(void)state;
	assert_int_equal(find("", AF_UNSPEC), RESOLVER_NO_NAME);
	assert_int_equal(find(".", AF_UNSPEC), RESOLVER_NO_NAME);
	assert_int_equal(find("a..b", AF_UNSPEC), RESOLVER_NO_NAME);
	assert_int_equal(find("a b.example", AF_UNSPEC), RESOLVER_NO_NAME);
	memset(name, 'x', sizeof(name));
	name[299] = '\0';
	assert_int_equal(find(name, AF_UNSPEC), RESOLVER_NO_NAME);
	assert_int_equal(find("name.example", AF_UNIX), -EAFNOSUPPORT);
	assert_int_equal(count_all(), 0);
}

static void hosts(void **state)
{
	(void)state;
	write_etc("hosts", "# comment\r\n"
			   "192.0.2.1\tMain.Example main # other\r\n"
			   "nonsense main\n"
			   "192.0.2.2 second MAIN\n"
			   "192.0.2.1 main\n"
			   "2001:db8::5 main\n"
			   "192.0.2.9\n\n"
			   "192.0.2.3 last");
	assert_int_equal(find("main", AF_UNSPEC), 0);
	assert_found("192.0.2.1 192.0.2.2 2001:db8::5 Main.Example",
		     "2001:db8::5 192.0.2.1 192.0.2.2 Main.Example");
	assert_int_equal(find("MAIN.EXAMPLE.", AF_UNSPEC), 0);
	assert_string_equal(found(), "192.0.2.1 Main.Example");
	assert_int_equal(find("main", AF_INET6), 0);
	assert_string_equal(found(), "2001:db8::5 main");
	assert_int_equal(find("last", AF_INET), 0);
	assert_string_equal(found(), "192.0.2.3 last");
	assert_int_equal(count_all(), 0);
	assert_int_equal(find("other", AF_INET), RESOLVER_NO_NAME);
	assert_string_equal(asked(), "other");
}

static void many_hosts(void **state)
{
	char text[4096];
	size_t size = 0;

	(void)state;
	for (int i = 0; i < 40; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "192.0.2.%d all\n", i);
	write_etc("hosts", text);
	assert_int_equal(find("all", AF_INET), 0);
	assert_int_equal(guest.found.count, RESOLVER_MAX);
}

static void local(void **state)
{
	(void)state;
	write_etc("hosts", "");
	assert_int_equal(find("localhost", AF_INET), 0);
	assert_string_equal(found(), "127.0.0.1 localhost");
	assert_int_equal(find("Web.LocalHost.", AF_INET6), 0);
	assert_string_equal(found(), "::1 Web.LocalHost");
	assert_int_equal(find("localhost", AF_UNSPEC), 0);
	assert_found("127.0.0.1 ::1 localhost", "::1 127.0.0.1 localhost");
	assert_int_equal(count_all(), 0);
	assert_int_equal(find("notlocalhost", AF_INET), RESOLVER_NO_NAME);
	assert_int_equal(count_notes("notlocalhost", 0, DNS_A, false), 1);
}

static void services(void **state)
{
	uint16_t port = 0;

	(void)state;
	write_etc("services", "# none\nweb 8080/tcp www2 # x\nweb 8081/udp\nbad 70000/tcp\n"
			      "bad2 x/tcp\nbad3 7\nend 9/tcp\n");
	assert_int_equal(resolver_service(&guest.system, "web", "tcp", &port), 0);
	assert_int_equal(port, 8080);
	assert_int_equal(resolver_service(&guest.system, "WEB", "udp", &port), 0);
	assert_int_equal(port, 8081);
	assert_int_equal(resolver_service(&guest.system, "www2", NULL, &port), 0);
	assert_int_equal(port, 8080);
	assert_int_equal(resolver_service(&guest.system, "https", "tcp", &port), 0);
	assert_int_equal(port, 443);
	assert_int_equal(resolver_service(&guest.system, "65535", "tcp", &port), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(resolver_service(&guest.system, "65536", "tcp", &port), -ENOENT);
	assert_int_equal(resolver_service(&guest.system, "", "tcp", &port), -ENOENT);
	assert_int_equal(resolver_service(&guest.system, "bad", "tcp", &port), -ENOENT);
	assert_int_equal(resolver_service(&guest.system, "bad2", "tcp", &port), -ENOENT);
	assert_int_equal(resolver_service(&guest.system, "bad3", NULL, &port), -ENOENT);
	assert_int_equal(resolver_service(&guest.system, "end", "udp", &port), -ENOENT);
	assert_int_equal(port, 65535);
}

/* The machine has a way to loopback, but none to these two. */
static void reachable(void **state)
{
	(void)state;
	write_etc("hosts", "127.0.0.1 v4\nfe80::1 v4\nfe80::2 v4\n"
			   "fe80::1 v4-late\n127.0.0.1 v4-late\n127.0.0.2 v4-late\n"
			   "255.255.255.255 v6\n127.0.0.1 v6\n::1 v6\n"
			   "::1 both\n127.0.0.1 both\n"
			   "255.255.255.255 neither\nfe80::1 neither\n");
	assert_int_equal(find("v4", AF_UNSPEC), 0);
	assert_string_equal(found(), "127.0.0.1 fe80::1 fe80::2 v4");
	assert_int_equal(find("v4-late", AF_UNSPEC), 0);
	assert_string_equal(found(), "127.0.0.1 127.0.0.2 fe80::1 v4-late");
	assert_int_equal(find("neither", AF_UNSPEC), 0);
	assert_string_equal(found(), "255.255.255.255 fe80::1 neither");
	if (net.udp[FIRST6] < 0)
		return;
	assert_int_equal(find("v6", AF_UNSPEC), 0);
	assert_string_equal(found(), "::1 255.255.255.255 127.0.0.1 v6");
	assert_int_equal(find("both", AF_UNSPEC), 0);
	assert_string_equal(found(), "::1 127.0.0.1 both");
}

/* -- Settings ------------------------------------------------------------------------------------- */

static void config(void **state)
{
	static const char text[] = "# nameserver 9.9.9.9\n; nameserver 9.9.9.9\n"
				   "nameserver nonsense\nnameserver\n"
				   "nameserver 192.0.2.1 rest\r\n"
				   "\tnameserver fe80::1%3\n"
				   "nameserver 192.0.2.2\nnameserver 192.0.2.3\n"
				   "domain gone.example\n"
				   "search a.example. . b.example\n"
				   "options ndots:99 timeout:0 attempts:3 attempts:x unknown:7\n"
				   "options rotate use-vc single-request-reopen";
	struct resolver_config c;

	(void)state;
	resolver_config_parse((struct span){text, sizeof(text) - 1}, &c);
	assert_int_equal(c.server_count, 3);
	assert_int_equal(c.servers[0].any.sa_family, AF_INET);
	assert_int_equal(c.servers[1].in6.sin6_scope_id, 3);
	assert_int_equal(c.search_count, 2);
	assert_int_equal(c.search[0].size, 9);
	assert_memory_equal(c.search[1].at, "b.example", 9);
	assert_int_equal(c.ndots, RESOLVER_NDOTS);
	assert_int_equal(c.timeout, 1);
	assert_int_equal(c.attempts, 3);
	assert_true(c.rotate && c.tcp && c.single);
	resolver_config_parse((struct span){NULL, 0}, &c);
	assert_true(c.server_count == 0 && c.search_count == 0 && c.ndots == 1 && c.timeout == 5 &&
		    c.attempts == 2 && !c.rotate && !c.tcp && !c.single);
	resolver_config_parse((struct span){"search a b\ndomain c d\n", 22}, &c);
	assert_int_equal(c.search_count, 1);
	assert_memory_equal(c.search[0].at, "c", 1);
}

static void no_servers(void **state)
{
	(void)state;
	write_etc("resolv.conf", "");
	assert_int_equal(find("name.example", AF_INET), 0);
	assert_string_equal(found(), "10.0.0.1 name.example");
	assert_int_equal(count_notes("name.example", 0, DNS_A, false), 1);
}

/* -- Which names are asked ------------------------------------------------------------------------ */

static void search(void **state)
{
	(void)state;
	write_etc("resolv.conf", "nameserver 127.0.0.1\nsearch a.example b.example\n");
	assert_int_equal(find("host", AF_INET), 0);
	assert_string_equal(found(), "10.0.0.1 host.b.example");
	assert_string_equal(asked(), "host.a.example host.b.example");
	forget();
	assert_int_equal(find("none.x", AF_INET), RESOLVER_NO_NAME);
	assert_string_equal(asked(), "none.x none.x.a.example none.x.b.example");
}

static void ndots(void **state)
{
	(void)state;
	write_etc("resolv.conf",
		  "nameserver 127.0.0.1\nsearch a.example b.example\noptions ndots:2\n");
	assert_int_equal(find("none.x", AF_INET), RESOLVER_NO_NAME);
	assert_string_equal(asked(), "none.x.a.example none.x.b.example none.x");
	forget();
	assert_int_equal(find("none.x.", AF_INET), RESOLVER_NO_NAME);
	assert_string_equal(asked(), "none.x");
	forget();
	assert_int_equal(find("none.x.y", AF_INET), RESOLVER_NO_NAME);
	assert_string_equal(asked(), "none.x.y none.x.y.a.example none.x.y.b.example");
	forget();
	assert_int_equal(find("empty.x", AF_INET), RESOLVER_NO_NAME);
	assert_string_equal(asked(), "empty.x.a.example empty.x.b.example empty.x");
}

/* A domain whose server fails does not end the search, but what is not found then may be there all the same. */
static void search_failure(void **state)
{
	char text[400] = "nameserver 127.0.0.1\nsearch none.example ";

	(void)state;
	write_etc("resolv.conf", "nameserver 127.0.0.1\nsearch b.example\noptions ndots:3\n");
	assert_int_equal(find("fails.x", AF_INET), RESOLVER_FAILED);
	assert_string_equal(asked(), "fails.x.b.example fails.x");
	/* A domain that makes the name too long is left out. */
	memset(text + strlen(text), 'x', 255);
	write_etc("resolv.conf", text);
	forget();
	assert_int_equal(find("none.x", AF_INET), RESOLVER_NO_NAME);
	assert_string_equal(asked(), "none.x none.x.none.example");
}

/* -- Replies -------------------------------------------------------------------------------------- */

static void both(void **state)
{
	(void)state;
	assert_int_equal(find("name.example", AF_UNSPEC), 0);
	assert_found("10.0.0.1 2001:db8::2 name.example", "2001:db8::2 10.0.0.1 name.example");
	assert_int_equal(count_all(), 2);
	assert_true(net.notes[0].extended && net.notes[1].extended); /* both sent, both answered */
	assert_int_equal(find("name.example", AF_INET6), 0);
	assert_string_equal(found(), "2001:db8::2 name.example");
	assert_int_equal(count_all(), 3);
	write_etc("resolv.conf", "nameserver 127.0.0.1\noptions single-request\n");
	assert_int_equal(find("name.example", AF_UNSPEC), 0);
	assert_int_equal(guest.found.count, 2);
}

static void alias(void **state)
{
	(void)state;
	assert_int_equal(find("alias.example", AF_UNSPEC), 0);
	assert_string_equal(found(), "10.0.0.3 end.example");
	assert_int_equal(find("alias.example", AF_INET6), RESOLVER_NO_NAME);
	/* What could not be asked for is not told either. */
	assert_int_equal(find("odd.example", AF_INET), 0);
	assert_string_equal(found(), "10.0.0.4 odd.example");
}

static void nothing(void **state)
{
	(void)state;
	assert_int_equal(find("none.example", AF_UNSPEC), RESOLVER_NO_NAME);
	assert_int_equal(find("empty.example", AF_UNSPEC), RESOLVER_NO_NAME);
	assert_int_equal(count_all(), 4); /* the second server was never asked */
	assert_int_equal(guest.found.count, 77);
}

static void server6(void **state)
{
	(void)state;
	if (net.udp[FIRST6] < 0)
		skip();
	write_etc("resolv.conf", "nameserver ::1\n");
	assert_int_equal(find("large.example", AF_INET), 0);
	assert_int_equal(guest.found.count, RESOLVER_MAX);
	assert_int_equal(count_notes("large.example", FIRST6, DNS_A, false), 1);
	assert_int_equal(count_notes("large.example", FIRST6, DNS_A, true), 1);
}

static void spoofed(void **state)
{
	(void)state;
	assert_int_equal(find("spoof.example", AF_INET), 0);
	assert_string_equal(found(), "10.0.0.1 spoof.example");
}

static void truncated(void **state)
{
	(void)state;
	assert_int_equal(find("large.example", AF_INET), 0);
	assert_int_equal(guest.found.count, RESOLVER_MAX);
	assert_int_equal(count_notes("large.example", 0, DNS_A, false), 1);
	assert_int_equal(count_notes("large.example", 0, DNS_A, true), 1);
	/* TCP is closed without a word, on each server, each time. */
	assert_int_equal(find("cut.example", AF_INET), RESOLVER_FAILED);
	assert_int_equal(count_notes("cut.example", 1, DNS_A, true), 2);
	write_etc("resolv.conf", "nameserver 127.0.0.1\noptions use-vc\n");
	assert_int_equal(find("name.example", AF_UNSPEC), 0);
	assert_int_equal(guest.found.count, 2);
	assert_int_equal(count_notes("name.example", 0, 0, true), 2);
	assert_int_equal(count_notes("name.example", 0, 0, false), 0);
}

static void old_servers(void **state)
{
	(void)state;
	assert_int_equal(find("old.example", AF_UNSPEC), 0);
	assert_int_equal(guest.found.count, 2);
	assert_int_equal(count_notes("old.example", 0, 0, false), 4);
	assert_int_equal(find("oldcut.example", AF_INET), 0);
	assert_int_equal(count_notes("oldcut.example", 0, DNS_A, true), 1);
	write_etc("resolv.conf", "nameserver 127.0.0.1\noptions use-vc\n");
	assert_int_equal(find("old.b.example", AF_INET), 0);
	assert_int_equal(count_notes("old.b.example", 0, DNS_A, true), 2);
}

/* -- Servers that do not do their work ------------------------------------------------------------ */

static void second_server(void **state)
{
	static const char *const names[] = {"fail.example", "refuse.example", "broken.example"};
	uint64_t began = wait_now();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(find(names[i], AF_UNSPEC), 0);
		assert_int_equal(guest.found.count, 2);
		assert_string_equal(guest.found.name, names[i]);
		assert_int_equal(count_notes(names[i], 0, 0, false), 2);
		assert_int_equal(count_notes(names[i], 1, 0, false), 2);
	}
	assert_true(wait_now() - began < 25 * (uint64_t)SECOND);
}

static void silent_server(void **state)
{
	uint64_t began = wait_now();

	(void)state;
	write_etc("resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:3\n");
	assert_int_equal(find("slow.example", AF_UNSPEC), 0);
	assert_true(wait_now() - began >= 3 * (uint64_t)SECOND);
	assert_int_equal(guest.found.count, 2);
	assert_int_equal(count_notes("slow.example", 0, 0, false), 2);
	assert_true(count_notes("slow.example", 1, 0, false) >= 2);
}

/* One of the two queries is enough. */
static void half(void **state)
{
	uint64_t began = wait_now();

	(void)state;
	assert_int_equal(find("half.example", AF_UNSPEC), 0);
	assert_string_equal(found(), "10.0.0.1 half.example");
	assert_true(wait_now() - began < 25 * (uint64_t)SECOND);
	/* What is known is not asked again. */
	assert_int_equal(find("part.example", AF_UNSPEC), 0);
	assert_string_equal(found(), "2001:db8::2 part.example");
	assert_int_equal(count_notes("part.example", 1, DNS_AAAA, false), 1);
	assert_int_equal(count_notes("part.example", 1, DNS_A, false), 0);
	write_etc("resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:3\n");
	assert_int_equal(find("four.example", AF_UNSPEC), 0);
	assert_string_equal(found(), "10.0.0.1 four.example");
	assert_int_equal(count_notes("four.example", 1, 0, false), 0);
}

static void no_server(void **state)
{
	uint64_t began = wait_now();

	(void)state;
	write_etc("resolv.conf",
		  "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:1 attempts:3\n"
		  "search a.example\n");
	assert_int_equal(find("silent.example", AF_INET), RESOLVER_AGAIN);
	assert_true(wait_now() - began >= 6 * (uint64_t)SECOND);
	assert_int_equal(count_notes("silent.example", 0, DNS_A, false), 3);
	assert_int_equal(count_notes("silent.example", 1, DNS_A, false), 3);
	assert_string_equal(asked(), "silent.example");
	/* Nobody listens there: known at once. The first one has no way to it at all. */
	write_etc("resolv.conf",
		  "nameserver 255.255.255.255\nnameserver 127.0.0.9\noptions timeout:30\n");
	began = wait_now();
	assert_int_equal(find("name.example", AF_INET), RESOLVER_AGAIN);
	assert_true(wait_now() - began < 30 * (uint64_t)SECOND);
	began = wait_now();
	write_etc("resolv.conf",
		  "nameserver 127.0.0.9\nnameserver 127.0.0.2\noptions timeout:30 use-vc\n");
	assert_int_equal(find("name.example", AF_INET), 0);
	assert_true(wait_now() - began < 30 * (uint64_t)SECOND);
}

/* At most a minute, whatever the file says. */
static void bounded(void **state)
{
	uint64_t began = wait_now();

	(void)state;
	guest.terms.second = SECOND / 10;
	write_etc("resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\n"
				 "options timeout:30 attempts:5\n");
	assert_int_equal(find("silent.example", AF_INET), RESOLVER_AGAIN);
	assert_true(wait_now() - began >= 60 * guest.terms.second);
	assert_true(wait_now() - began < 250 * guest.terms.second);
	assert_int_equal(count_all(), 2);
}

/* What is no reply does not make the time-out longer. */
static void flood(void **state)
{
	uint64_t began = wait_now();

	(void)state;
	write_etc("resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n");
	assert_int_equal(find("flood.example", AF_INET), RESOLVER_AGAIN);
	assert_true(wait_now() - began < 18 * (uint64_t)SECOND);
	__atomic_store_n(&net.flood_end, 0, __ATOMIC_SEQ_CST);
}

static void rotate(void **state)
{
	(void)state;
	write_etc("resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions rotate\n");
	for (int i = 0; i < 60; i++) {
		forget();
		assert_int_equal(find("name.example", AF_INET), 0);
		if (count_notes("name.example", 1, DNS_A, false) > 0)
			return;
	}
	fail_msg("60 times the first server");
}

static void *interrupt(void *unused)
{
	usleep(30000);
	__atomic_store_n(&guest.interrupt, 1, __ATOMIC_SEQ_CST);
	wake_send(&guest.wake);
	return unused;
}

static void interrupted(void **state)
{
	static const char *const options[] = {"timeout:30", "timeout:30 use-vc"};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char text[120];
		uint64_t began = wait_now();
		pthread_t thread;

		/* By TCP: a connection that is never served. */
		snprintf(text, sizeof(text), "nameserver 127.0.0.1\noptions %s\n", options[i]);
		write_etc("resolv.conf", text);
		guest.interrupt = 0;
		if (i == 1)
			pthread_mutex_lock(&net.lock);
		assert_int_equal(pthread_create(&thread, NULL, interrupt, NULL), 0);
		assert_int_equal(find("silent.example", AF_UNSPEC), -EINTR);
		pthread_join(thread, NULL);
		if (i == 1)
			pthread_mutex_unlock(&net.lock);
		assert_true(wait_now() - began < 28 * (uint64_t)SECOND);
		assert_int_equal(guest.found.count, 77);
	}
	usleep(20000);
}

/* Without a descriptor there is no answer, and nothing is left open. */
static void exhausted(void **state)
{
	struct rlimit kept;
	struct rlimit none;
	int rc[2];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
	none = kept;
	none.rlim_cur = 0;
	write_etc("resolv.conf", "nameserver 127.0.0.1\n");
	for (int i = 0; i < 2; i++) {
		struct resolver_config config = {.server_count = 1, .attempts = 1, .timeout = 9};
		struct resolver_asker asker = {.config = &config,
					       .terms = &guest.terms,
					       .waiter = &waiter,
					       .deadline = WAIT_FOREVER};
		struct dns_name name;

		config.tcp = i == 1;
		assert_true(dns_name_parse("name.example", 12, &name));
		assert_true(resolver_numeric((struct span){"127.0.0.1", 9}, &config.servers[0]));
		setrlimit(RLIMIT_NOFILE, &none);
		rc[i] = resolver_ask(&asker, &name, &guest.found);
		setrlimit(RLIMIT_NOFILE, &kept);
	}
	assert_int_equal(rc[0], -EMFILE);
	assert_int_equal(rc[1], -EMFILE);
	assert_int_equal(count_all(), 0);
}

/* -- Files ---------------------------------------------------------------------------------------- */

static void etc_path(char ret[120], const char *name)
{
	snprintf(ret, 120, "%s/%s", guest.folder_etc, name);
	unlink(ret);
	rmdir(ret);
}

/* What is no regular file counts as none: the host's is read, and nobody waits. */
static void no_files(void **state)
{
	static const char *const name = "/etc/resolver-test-that-no-host-has";
	char path[120];
	struct buf text;

	(void)state;
	etc_path(path, strrchr(name, '/') + 1);
	for (int i = 0; i < 4; i++) {
		if (i == 1)
			assert_int_equal(mkfifo(path, 0600), 0);
		else if (i == 2)
			assert_int_equal(mkdir(path, 0700), 0);
		else if (i == 3)
			assert_int_equal(symlink("/dev/zero", path), 0);
		assert_int_equal(resolver_read(&guest.system, name, &text), 0);
		assert_int_equal(text.size, 0);
		buf_deinit(&text);
		etc_path(path, strrchr(name, '/') + 1);
	}
	write_etc("resolver-test-that-no-host-has", "here");
	assert_int_equal(resolver_read(&guest.system, name, &text), 0);
	assert_int_equal(text.size, 4);
	buf_deinit(&text);
	etc_path(path, strrchr(name, '/') + 1);
}

/* So the host's own is what a FIFO in its place leaves. */
static void host_files(void **state)
{
	char path[120];
	struct buf text;
	struct stat info;

	(void)state;
	if (stat("/etc/passwd", &info) < 0 || info.st_size == 0 || info.st_size > 1 << 20)
		skip();
	etc_path(path, "passwd");
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			assert_int_equal(mkfifo(path, 0600), 0);
		else if (i == 2)
			assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(resolver_read(&guest.system, "/etc/passwd", &text), 0);
		assert_int_equal(text.size, info.st_size);
		buf_deinit(&text);
		etc_path(path, "passwd");
	}
	write_etc("passwd", "");
	assert_int_equal(resolver_read(&guest.system, "/etc/passwd", &text), 0);
	assert_int_equal(text.size, 0);
	buf_deinit(&text);
	etc_path(path, "passwd");
}

/* A file of more than 1 MiB is read that far, in whole lines. */
static void large_file(void **state)
{
	size_t size = (1 << 20) + 100;
	char *text = malloc(size);
	struct buf buf;

	(void)state;
	memset(text, 'x', size);
	memcpy(text, "192.0.2.1 first\n", 16);
	memcpy(text + (1 << 20) - 10, "\n192.0.2.22 cut\n", 16);
	write_file("etc/hosts", text, size);
	free(text);
	assert_int_equal(resolver_read(&guest.system, "/etc/hosts", &buf), 0);
	assert_int_equal(buf.size, (1 << 20) - 9);
	buf_deinit(&buf);
	assert_int_equal(find("first", AF_INET), 0);
}

/* Another mount at /etc hides the root's; links inside the guest are followed. */
static void mounts(void **state)
{
	struct system other = {.policy.kind = POLICY_EVERYONE};
	char path[120];
	struct buf text;
	int fd;

	(void)state;
	write_file("other/hosts", "other", 5);
	write_file("other/real", "real", 4);
	snprintf(path, sizeof(path), "%s/other", guest.folder);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(mounts_add(&other.mounts, "/etc/host", open(guest.folder, O_PATH | O_CLOEXEC),
			       0) >= 0);
	assert_true(mounts_add(&other.mounts, "/etc", fd, 0) >= 0);
	assert_true(mounts_add(&other.mounts, "/", open(guest.folder, O_PATH | O_CLOEXEC),
			       MOUNT_ROOT) >= 0);
	assert_int_equal(resolver_read(&other, "/etc/hosts", &text), 0);
	assert_int_equal(text.size, 5);
	assert_memory_equal(text.data, "other", 5);
	buf_deinit(&text);
	snprintf(path, sizeof(path), "%s/other/hosts", guest.folder);
	unlink(path);
	assert_int_equal(symlink("real", path), 0);
	assert_int_equal(resolver_read(&other, "/etc/hosts", &text), 0);
	assert_int_equal(text.size, 4);
	assert_memory_equal(text.data, "real", 4);
	buf_deinit(&text);
	mounts_deinit(&other.mounts);
}

/* -- Policy --------------------------------------------------------------------------------------- */

static void nobody(void **state)
{
	(void)state;
	guest.system.policy.kind = POLICY_NOBODY;
	assert_int_equal(find("name.example", AF_INET), -EACCES);
	assert_int_equal(find("127.0.0.1", AF_INET), -EACCES);
	assert_int_equal(find("localhost", AF_INET), -EACCES);
	assert_int_equal(count_all(), 0);
}

static bool reaches(unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return policy_reaches(&guest.system.policy, (void *)&to);
}

/* With a list: only its names, the host's files, and what they lead to is learnt. */
static void list(void **state)
{
	static const char *const name = "/etc/resolver-test-that-no-host-has";
	struct policy kept = guest.system.policy;
	struct buf text;

	(void)state;
	policy_init(&guest.system.policy);
	guest.system.policy.kind = POLICY_EVERYONE;
	assert_int_equal(policy_allow(&guest.system.policy, "skiff-test.localhost:80", NULL), 0);
	assert_int_equal(find("name.example", AF_INET), -EACCES);
	assert_int_equal(find("localhost", AF_INET), -EACCES);
	assert_false(reaches(80));
	assert_int_equal(find("Skiff-Test.localhost.", AF_INET), 0);
	assert_string_equal(found(), "127.0.0.1 Skiff-Test.localhost");
	assert_true(reaches(80));
	assert_false(reaches(81));
	assert_int_equal(find("192.0.2.1", AF_INET), 0);
	write_etc(strrchr(name, '/') + 1, "the guest's");
	assert_int_equal(resolver_read(&guest.system, name, &text), 0);
	assert_int_equal(text.size, 0);
	buf_deinit(&text);
	policy_deinit(&guest.system.policy);
	guest.system.policy = kept;
	assert_int_equal(count_all(), 0);
}

/* -- Begin and end -------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	char path[120];
	int fd = -1;

	(void)state;
	snprintf(guest.folder, sizeof(guest.folder), "%s/skiff-resolver-XXXXXX", P_tmpdir);
	if (mkdtemp(guest.folder) == NULL)
		return -1;
	snprintf(guest.folder_etc, sizeof(guest.folder_etc), "%s/etc", guest.folder);
	snprintf(path, sizeof(path), "%s/other", guest.folder);
	fd = open(guest.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdir(guest.folder_etc, 0700) < 0 || mkdir(path, 0700) < 0 || fd < 0)
		return -1;
	policy_init(&guest.system.policy);
	if (mounts_add(&guest.system.mounts, "/", fd, MOUNT_ROOT) < 0)
		return -1;
	for (int i = 0; !open_servers();)
		if (i++ == 100)
			return -1;
	net.other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (wake_open(&guest.wake) < 0 || pipe2(net.quit, O_CLOEXEC) < 0)
		return -1;
	return pthread_create(&net.thread, NULL, serve, NULL);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	(void)stat;
	(void)kind;
	(void)where;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	close(net.quit[1]);
	pthread_join(net.thread, NULL);
	mounts_deinit(&guest.system.mounts);
	policy_deinit(&guest.system.policy);
	wake_deinit(&guest.wake);
	return nftw(guest.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_test, tear_down_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers),       TEST(bad_names),     TEST(hosts),          TEST(many_hosts),
		TEST(local),         TEST(services),      TEST(config),         TEST(no_servers),
		TEST(search),        TEST(ndots),         TEST(search_failure), TEST(both),
		TEST(alias),         TEST(nothing),       TEST(spoofed),        TEST(truncated),
		TEST(old_servers),   TEST(second_server), TEST(half),           TEST(exhausted),
		TEST(silent_server), TEST(no_server),     TEST(bounded),        TEST(flood),
		TEST(rotate),        TEST(interrupted),   TEST(no_files),       TEST(host_files),
		TEST(large_file),    TEST(mounts),        TEST(nobody),         TEST(list),
		TEST(reachable),     TEST(server6),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
