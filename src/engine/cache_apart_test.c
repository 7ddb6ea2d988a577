/* SPDX-License-Identifier: Apache-2.0 */
/* cache_apart_test.c: modules that others decode: whatever these do, what is in the cache under a name is of that module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/sha256.h"
#include "skiff.h"

enum { SIZE = 20000, HEAD = 13 };

static char place[256]; /* a fresh directory for each test */
static struct skiff_engine *engine;
static struct skiff_cache *cache;

static int setup(void **state)
{
	struct skiff_error err;
	char path[300];

	(void)state;
	snprintf(place, sizeof(place), "%s/apart-XXXXXX", P_tmpdir);
	if (mkdtemp(place) == NULL || skiff_engine_new(&engine, NULL, &err) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/cache", place);
	return skiff_cache_new(&cache, path, &err);
}

static int teardown(void **state)
{
	char command[300];

	(void)state;
	skiff_cache_free(cache);
	skiff_engine_free(engine);
	snprintf(command, sizeof(command), "rm -rf '%s'", place);
	return system(command);
}

/* An empty module with a custom section of bytes `fill`. */
static void put_module(uint8_t to[static SIZE], uint8_t fill)
{
	static const uint8_t front[HEAD] = {0, 'a', 's', 'm', 1, 0, 0, 0, 0, 0x94, 0x9c, 0x01, 0};

	memset(to, fill, SIZE);
	memcpy(to, front, sizeof(front));
}

static int open_module(uint8_t fill)
{
	uint8_t bytes[SIZE];
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/m%u.wasm", place, fill);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	put_module(bytes, fill);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	return fd;
}

/* The one entry's module, as its name has it; 0: none is there, -1: of none of the first few. */
static int name_entry(void *env, const struct skiff_cache_entry *entry)
{
	uint8_t bytes[SIZE], digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];
	int *ret = env;

	assert_int_equal(*ret, 0);
	*ret = -1;
	for (uint8_t fill = 1; fill < 5; fill++) {
		put_module(bytes, fill);
		sha256(bytes, sizeof(bytes), digest);
		for (size_t i = 0; i < sizeof(digest); i++)
			snprintf(text + 2 * i, 3, "%02x", digest[i]);
		if (strncmp(entry->name, text, sizeof(text) - 1) == 0)
			*ret = fill;
	}
	return 0;
}

static int entry_of(void)
{
	struct skiff_error err;
	int fill = 0;

	assert_int_equal(skiff_cache_list(cache, name_entry, &fill, &err), 0);
	return fill;
}

/* -- Ways to do the work ---------------------------------------------------------------------------- */

static int at_once(void *env, int keep, skiff_work_fn *work, void *work_env,
		   struct skiff_error *err)
{
	(void)env;
	(void)keep;
	return work(work_env, err);
}

/* Somebody has other content in the file before it is decoded. */
static int after_a_change(void *env, int keep, skiff_work_fn *work, void *work_env,
			  struct skiff_error *err)
{
	uint8_t bytes[SIZE];

	put_module(bytes, 2);
	assert_int_equal(pwrite(*(int *)env, bytes, sizeof(bytes), 0), sizeof(bytes));
	return at_once(env, keep, work, work_env, err);
}

/* It has no more work done, and writes what it was told by the other module. */
static int of_another(void *env, int keep, skiff_work_fn *work, void *work_env,
		      struct skiff_error *err)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t n;

	(void)work;
	(void)work_env;
	(void)err;
	while ((n = pread(*(int *)env, bytes, sizeof(bytes), at)) > 0) {
		assert_int_equal(pwrite(keep, bytes, (size_t)n, at), n);
		at += n;
	}
	return 0;
}

static int without_a_word(void *env, int keep, skiff_work_fn *work, void *work_env,
			  struct skiff_error *err)
{
	(void)env;
	(void)keep;
	(void)work;
	(void)work_env;
	snprintf(err->text, sizeof(err->text), "it was killed");
	return -ETIMEDOUT;
}

/* -- What comes of them ------------------------------------------------------------------------------ */

static void what_is_added_is_found(void **state)
{
	struct skiff_cached *cached = NULL;
	struct skiff_module *module;
	struct skiff_error err;
	bool missing = false;
	int fd = open_module(1);

	(void)state;
	assert_int_equal(skiff_cache_find(cache, &cached, engine, fd, &missing, &err), 0);
	assert_null(cached);
	assert_true(missing);
	assert_int_equal(skiff_cache_add_apart(cache, engine, fd, at_once, NULL, &err), 0);
	assert_int_equal(entry_of(), 1);
	/* Its position is at the end, and does not matter. */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), SIZE);
	for (int frees = 0; frees < 2; frees++) {
		assert_int_equal(skiff_cache_find(cache, &cached, engine, fd, &missing, &err), 0);
		assert_non_null(cached);
		assert_false(missing);
		if (frees) {
			skiff_cached_free(cached);
			continue;
		}
		assert_int_equal(skiff_cached_module(cached, &module, &err), 0);
		skiff_module_free(module);
	}
	skiff_cached_free(NULL);
	close(fd);
}

static void what_was_hashed_is_decoded(void **state)
{
	struct skiff_cached *cached;
	struct skiff_error err;
	int fd = open_module(1);

	(void)state;
	assert_int_equal(skiff_cache_add_apart(cache, engine, fd, after_a_change, &fd, &err), 0);
	assert_int_equal(entry_of(), 1);
	assert_int_equal(skiff_cache_find(cache, &cached, engine, fd, NULL, &err), 0);
	assert_null(cached);
	close(fd);
	fd = open_module(1);
	assert_int_equal(skiff_cache_add_apart(cache, engine, fd, at_once, &fd, &err), 0);
	assert_int_equal(skiff_cache_find(cache, &cached, engine, fd, NULL, &err), 0);
	assert_non_null(cached);
	skiff_cached_free(cached);
	close(fd);
}

static void another_artifact_gets_no_name(void **state)
{
	struct skiff_error err;
	char pattern[600];
	int fd = open_module(1), other = open_module(2), artifact;

	(void)state;
	assert_int_equal(skiff_cache_add_apart(cache, engine, other, at_once, NULL, &err), 0);
	snprintf(pattern, sizeof(pattern), "mv %s/cache/*/*.skiff %s/artifact", place, place);
	assert_int_equal(system(pattern), 0);
	snprintf(pattern, sizeof(pattern), "%s/artifact", place);
	artifact = open(pattern, O_RDONLY | O_CLOEXEC);
	assert_true(artifact >= 0);
	assert_int_equal(skiff_cache_add_apart(cache, engine, fd, of_another, &artifact, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.text, "of another module"));
	assert_int_equal(skiff_cache_add_apart(cache, engine, fd, of_another, &other, &err),
			 -EBADMSG);
	assert_int_equal(skiff_cache_add_apart(cache, engine, fd, without_a_word, NULL, &err),
			 -ETIMEDOUT);
	assert_string_equal(err.text, "it was killed");
	assert_int_equal(entry_of(), 0);
	close(artifact);
	close(other);
	close(fd);
}

static void what_is_no_module_is_not_added(void **state)
{
	struct skiff_error err;
	int fd = open_module(1), directory = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, SIZE - 1), 0);
	assert_int_equal(skiff_cache_add_apart(cache, engine, fd, at_once, NULL, &err),
			 SKIFF_MALFORMED);
	assert_non_null(strstr(err.text, "malformed"));
	assert_int_equal(skiff_cache_add_apart(cache, engine, directory, at_once, NULL, &err),
			 -EISDIR);
	assert_int_equal(entry_of(), 0);
	close(directory);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_added_is_found),
		TEST(what_was_hashed_is_decoded),
		TEST(another_artifact_gets_no_name),
		TEST(what_is_no_module_is_not_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
