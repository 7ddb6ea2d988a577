/* SPDX-License-Identifier: Apache-2.0 */
/* login_test.c: files with names and passwords: what is found in them, and what of them stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "image/base64.h"
#include "image/login.h"
#include "image/login_file.h"

static char folder[] = "/tmp/skiff-login-XXXXXX";
static char path[128];

static int begin(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/config.json", folder);
	unsetenv("DOCKER_CONFIG");
	unsetenv("XDG_RUNTIME_DIR");
	setenv("REGISTRY_AUTH_FILE", path, 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *file_text(void)
{
	static char text[4096];

	assert_true(io_text(AT_FDCWD, path, text, sizeof(text)) >= 0);
	return text;
}

static void finds(const char *host, const char *repository, const char *user, const char *password)
{
	struct login login;
	struct err err;
	int rc = login_find(&login, host, repository, &err);

	if (user == NULL) {
		assert_int_equal(rc, LOGIN_NONE);
		return;
	}
	assert_int_equal(rc, 0);
	assert_string_equal(login.user, user);
	assert_string_equal(login.password, password);
	login_deinit(&login);
}

static void nobody(void **state)
{
	(void)state;
	unlink(path);
	finds("a.example", "x", NULL, NULL);
	write_file("");
	finds("a.example", "x", NULL, NULL);
	write_file("{}");
	finds("a.example", "x", NULL, NULL);
	write_file("{\"auths\":[1,2]}");
	finds("a.example", "x", NULL, NULL);
}

static void spellings(void **state)
{
	(void)state;
	/* u:p, v:q:r, w:s */
	write_file("{\"auths\":{\"https://a.example/v1/\":{\"auth\":\"dTpw\"},"
		   "\"a.example/team\":{\"auth\":\"djpxOnI=\"},"
		   "\"a.example/team/inner\":{\"username\":\"w\",\"password\":\"s\"},"
		   "\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"},\"b.example\":{}}}");
	finds("a.example", "other", "u", "p");
	finds("a.example", "team/x", "v", "q:r");
	finds("a.example", "team", "v", "q:r");
	finds("a.example", "teams/x", "u", "p");
	finds("a.example", "team/inner/y", "w", "s");
	finds("docker.io", "library/hello", "u", "p");
	finds("b.example", "x", NULL, NULL);
	finds("a.example.org", "x", NULL, NULL);
}

static void bad_files(void **state)
{
	static const char *const texts[] = {"{", "[]",
					    "{\"auths\":{\"a.example\":{\"auth\":\"!!\"}}}",
					    "{\"auths\":{\"a.example\":{\"auth\":\"dXA=\"}}}"};
	struct login login;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(texts[i]);
		assert_int_equal(login_find(&login, "a.example", "x", &err), -EINVAL);
		assert_non_null(strstr(err.text, path));
		assert_null(strstr(err.text, "dXA"));
	}
}

static void kept(void **state)
{
	struct login login = {.user = "u", .password = "p"};
	char place[PATH_MAX];
	struct stat st;
	struct err err;

	(void)state;
	write_file("{\"a\": [1, 2.50, -0, 1e400, \"\\u0000\\n\", null, true], \"auths\": {\"z\": "
		   "{\"auth\": \"dTpw\"}}, \"b\": {}}");
	assert_int_equal(login_save("docker.io", &login, place, &err), 0);
	assert_string_equal(place, path);
	assert_string_equal(
		file_text(),
		"{\n\t\"a\": "
		"[\n\t\t1,\n\t\t2.50,\n\t\t-0,\n\t\t1e400,\n\t\t\"\\u0000\\u000a\",\n\t\tnull,"
		"\n\t\ttrue\n\t],"
		"\n\t\"auths\": {\n\t\t\"z\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t},"
		"\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t},"
		"\n\t\"b\": {}\n}\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	finds("docker.io", "x", "u", "p");
	assert_int_equal(login_forget("docker.io", &err), 0);
	assert_int_equal(login_forget("docker.io", &err), LOGIN_NONE);
	finds("docker.io", "x", NULL, NULL);
	finds("z", "x", "u", "p");
	unlink(path);
	assert_int_equal(login_save("c.example:5000", &login, place, &err), 0);
	finds("c.example:5000", "x", "u", "p");
}

static void base64(void **state)
{
	static const char *const wrong[] = {"a", "ab c", "ab=c", "====", "abc===", "ab\n"};
	char bytes[64];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		char *text, *back;

		bytes[i] = (char)(i * 37);
		text = base64_encode(bytes, i);
		back = base64_decode(text, &size);
		assert_int_equal(size, i);
		assert_memory_equal(back, bytes, i);
		free(text);
		free(back);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_null(base64_decode(wrong[i], &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody), cmocka_unit_test(spellings), cmocka_unit_test(bad_files),
		cmocka_unit_test(kept),   cmocka_unit_test(base64),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
