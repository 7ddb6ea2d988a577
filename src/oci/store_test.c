/* SPDX-License-Identifier: Apache-2.0 */
/* store_test.c: a store in a directory of its own, written by hand: where it is, what a name stands for, what is ready. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "oci/store.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define ENTRY(hex, name)                                                               \
	"{\"digest\":\"sha256:" hex "\",\"size\":1,\"annotations\":{\"" STORE_REF_NAME \
	"\":\"" name "\"}}"

static char root[] = "/tmp/skiff-store-test-XXXXXX";
static const char *const directories[] = {"ready", "blobs", "blobs/sha256", "blobs/sha512"};
static const char *const files[] = {"lock",
				    "index.json",
				    "ready/" A,
				    "ready/" A ".wasi+wasm",
				    "blobs/sha256/" B,
				    "blobs/sha512/" B C};

static const char *at(const char *path)
{
	static char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	return whole;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(at(path), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(root) == NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		mkdir(at(directories[i]), 0755);
	return setenv("SKIFF_STORE", root, 1);
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(at(files[i]));
	for (size_t i = ARRAY_SIZE(directories); i > 0; i--)
		rmdir(at(directories[i - 1]));
	return rmdir(root);
}

static int open_store(void)
{
	int dir = open(root, O_RDONLY | O_DIRECTORY);

	assert_true(dir >= 0);
	return dir;
}

static void test_path(void **state)
{
	char path[PATH_MAX];
	struct err err;

	(void)state;
	assert_int_equal(store_path(path, &err), 0);
	assert_string_equal(path, root);
	setenv("SKIFF_STORE", "images", 1);
	assert_int_equal(store_path(path, &err), -EINVAL);
	assert_string_equal(err.text, "SKIFF_STORE must be an absolute path, it is 'images'");
	setenv("SKIFF_STORE", "", 1);
	if (geteuid() == 0) {
		assert_int_equal(store_path(path, &err), 0);
		assert_string_equal(path, "/var/lib/skiff/images");
		assert_int_equal(seteuid(65534), 0);
	}
	setenv("XDG_DATA_HOME", "/data", 1);
	assert_int_equal(store_path(path, &err), 0);
	assert_string_equal(path, "/data/skiff/images");
	setenv("XDG_DATA_HOME", "data", 1);
	setenv("HOME", "/home/me", 1);
	assert_int_equal(store_path(path, &err), 0);
	assert_string_equal(path, "/home/me/.local/share/skiff/images");
	unsetenv("HOME");
	assert_int_equal(store_path(path, &err), -ENOENT);
	assert_string_equal(err.text,
			    "nobody says where images belong: set HOME, or SKIFF_STORE to a "
			    "directory");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	setenv("SKIFF_STORE", root, 1);
}

static void test_use(void **state)
{
	int dir = -1, lock, other;
	struct err err;

	(void)state;
	unlink(at("lock"));
	assert_int_equal(store_use(&dir, &err), -ENOENT);
	assert_non_null(strstr(err.text, "there are no images yet"));
	write_file("lock", "");
	lock = store_use(&dir, &err);
	assert_true(lock >= 0 && dir >= 0);
	assert_int_equal(faccessat(dir, "index.json", F_OK, 0), -1);
	other = open(at("lock"), O_RDONLY);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(flock(other, LOCK_SH | LOCK_NB), 0);
	close(lock);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	close(other);
	close(dir);
	chmod(root, 0775);
	assert_int_equal(store_use(&dir, &err), -EPERM);
	assert_non_null(strstr(err.text, "others may write to the store"));
	chmod(root, 0755);
	if (geteuid() == 0) {
		assert_int_equal(chown(root, 65534, 0), 0);
		assert_int_equal(store_use(&dir, &err), -EPERM);
		assert_non_null(strstr(err.text, "belongs to another user (65534)"));
		assert_int_equal(chown(root, 0, 0), 0);
	}
	setenv("SKIFF_STORE", at("nothing"), 1);
	assert_int_equal(store_use(&dir, &err), -ENOENT);
	setenv("SKIFF_STORE", at("lock"), 1);
	assert_int_equal(store_use(&dir, &err), -ENOTDIR);
	setenv("SKIFF_STORE", root, 1);
}

static int lookup(int dir, const char *name, char *hex, struct err *err)
{
	struct reference reference;
	struct oci_digest digest = {""};
	int rc;

	assert_int_equal(reference_parse(&reference, name, err), 0);
	rc = store_lookup(dir, &reference, &digest, err);
	if (rc == 0)
		*hex = digest.text[7];
	return rc;
}

static void test_lookup(void **state)
{
	int dir = open_store();
	char hex = '\0';
	struct err err;

	(void)state;
	unlink(at("index.json"));
	assert_int_equal(lookup(dir, "hello", &hex, &err), -ENOENT);
	assert_string_equal(err.text, "there is no image 'hello:latest' here");
	write_file(
		"index.json",
		"{\"manifests\":[" ENTRY(A, "docker.io/library/hello:latest") "," ENTRY(
			B,
			"ghcr.io/x/y:1") "," ENTRY(C,
						   "docker.io/library/hello:latest") ",{"
										     "\"annotations"
										     "\":{"
										     "\"" STORE_REF_NAME
										     "\":\"ghcr.io/"
										     "x/"
										     "y:1\"}},7,{"
										     "\"digest\":"
										     "\"sha256:" A
										     "\"}]}");
	assert_int_equal(lookup(dir, "hello", &hex, &err), 0);
	assert_int_equal(hex, 'c');
	assert_int_equal(lookup(dir, "ghcr.io/x/y:1", &hex, &err), 0);
	assert_int_equal(hex, 'b');
	assert_int_equal(lookup(dir, "ghcr.io/x/y:2", &hex, &err), -ENOENT);
	assert_string_equal(err.text, "there is no image 'ghcr.io/x/y:2' here");
	/* Whatever the name: a digest is what it is. */
	assert_int_equal(lookup(dir, "other@sha256:" B, &hex, &err), 0);
	assert_int_equal(hex, 'b');
	assert_int_equal(lookup(dir, "hello@sha256:" A "", &hex, &err), 0);
	assert_int_equal(hex, 'a');
	assert_int_equal(lookup(dir,
				"hello@sha256:"
				"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
				&hex, &err),
			 -ENOENT);
	write_file("index.json", "{\"manifests\":");
	assert_int_equal(lookup(dir, "hello", &hex, &err), -EINVAL);
	assert_memory_equal(err.text, "index.json of the store: line 1", 31);
	write_file("index.json",
		   "{\"manifests\":[{\"digest\":\"../x\",\"annotations\":{\"" STORE_REF_NAME
		   "\":\"docker.io/library/hello:latest\"}}]}");
	assert_int_equal(lookup(dir, "hello", &hex, &err), -EINVAL);
	close(dir);
}

#define READY "skiff-ready 1\nmanifest sha256:" A "\nconfig sha256:" B "\nroot " C "\n"

static void test_ready(void **state)
{
	struct oci_digest digest = {"sha256:" A};
	struct ready ready;
	int dir = open_store();
	struct err err;

	(void)state;
	assert_int_equal(store_ready(dir, &digest, NULL, &ready, &err), -ENOENT);
	assert_string_equal(err.text, "ready/" A ": it is not ready to run");
	write_file("ready/" A, READY);
	assert_int_equal(store_ready(dir, &digest, NULL, &ready, &err), 0);
	assert_string_equal(ready.manifest.text, "sha256:" A);
	assert_string_equal(ready.config.text, "sha256:" B);
	assert_string_equal(ready.root, C);
	assert_string_equal(ready.module.text, "");
	assert_int_equal(store_ready(dir, &digest, "wasi/wasm", &ready, &err), -ENOENT);
	write_file("ready/" A ".wasi+wasm", READY "module sha256:" C " /a b/c.wasm\n");
	assert_int_equal(store_ready(dir, &digest, "wasi/wasm32", &ready, &err), 0);
	assert_string_equal(ready.module.text, "sha256:" C);
	assert_string_equal(ready.path, "/a b/c.wasm");
	assert_int_equal(store_ready(dir, &digest, "../../x y", &ready, &err), -EINVAL);
	close(dir);
}

static void test_ready_names(void **state)
{
	static const struct {
		const char *platform, *name;
	} rows[] = {
		{NULL, A},
		{"wasi/wasm", A ".wasi+wasm"},
		{"wasm32", A ".wasi+wasm"},
		{"linux/arm/v6", A ".linux+arm+v6"},
		{"../..", A "...+.."},
	};
	struct oci_digest digest = {"sha256:" A};
	char name[STORE_READY_NAME];
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(store_ready_name(&digest, rows[i].platform, name, &err), 0);
		assert_string_equal(name, rows[i].name);
	}
}

static void test_ready_damaged(void **state)
{
	static const char *const bad[] = {
		"",
		"skiff-ready 2\n",
		"skiff-ready 1\n",
		"skiff-ready 1\nmanifest sha256:" A "\n",
		"skiff-ready 1\nmanifest sha256:" A "\nconfig sha256:" B "\n",
		"skiff-ready 1\nmanifest x\nconfig sha256:" B "\nroot " C "\n",
		"skiff-ready 1\nconfig sha256:" B "\nmanifest sha256:" A "\nroot " C "\n",
		"skiff-ready 1\nmanifest sha256:" A "\nconfig sha256:" B "\nroot " C,
		"skiff-ready 1\nmanifest sha256:" A "\nconfig sha256:" B "\nroot \n",
		"skiff-ready 1\nmanifest sha256:" A "\nconfig sha256:" B "\nroot ../../etc\n",
		"skiff-ready 1\nmanifest sha256:" A "\nconfig sha256:" B "\nroot " C C "\n",
		READY "x",
		READY "\n",
		READY "module \n",
		READY "module sha256:" A "\n",
		READY "module sha256:" A " relative\n",
		READY "module sha256:1 /a\n",
		READY "module sha256:" A " /a",
		READY "module sha256:" A " /a\nmore\n",
	};
	struct ready ready = {.root = "untouched"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(store_ready_parse(&ready, bad[i], &err), -ENOENT);
		assert_memory_equal(err.text, i < 2 ? "it was made" : "what it was", 11);
		assert_string_equal(ready.root, "untouched");
	}
}

static void test_ready_put(void **state)
{
	struct ready ready = {.manifest = {"sha256:" A}, .config = {"sha256:" B}, .root = C}, again;
	struct buf text = {0};

	(void)state;
	assert_int_equal(store_ready_put(&ready, &text), 0);
	assert_non_null(buf_put(&text, "", 1));
	assert_string_equal((const char *)text.data, READY);
	buf_deinit(&text);
	ready.module = ready.config;
	memset(ready.path, 'p', sizeof(ready.path) - 1);
	ready.path[0] = '/';
	assert_int_equal(store_ready_put(&ready, &text), 0);
	assert_non_null(buf_put(&text, "", 1));
	assert_int_equal(store_ready_parse(&again, (const char *)text.data, NULL), 0);
	assert_memory_equal(&again, &ready, sizeof(ready));
	ready.path[7] = '\n';
	assert_int_equal(store_ready_put(&ready, &text), -EINVAL);
	strcpy(ready.path, "a");
	assert_int_equal(store_ready_put(&ready, &text), -EINVAL);
	buf_deinit(&text);
}

static void test_blob(void **state)
{
	struct oci_digest digest = {"sha256:" B}, longer = {"sha512:" B C};
	int dir = open_store();
	char *text = NULL;
	size_t size = 0;
	struct err err;

	(void)state;
	assert_int_equal(store_blob(dir, &digest, &text, &size, &err), -ENOENT);
	assert_string_equal(err.text, "the store's blobs/sha256/" B ": No such file or directory");
	write_file("blobs/sha256/" B, "content");
	assert_int_equal(store_blob(dir, &digest, &text, &size, &err), 0);
	assert_int_equal(size, 7);
	assert_string_equal(text, "content");
	free(text);
	write_file("blobs/sha512/" B C, "");
	assert_int_equal(store_blob(dir, &longer, &text, &size, &err), 0);
	assert_int_equal(size, 0);
	free(text);
	assert_int_equal(truncate(at("blobs/sha256/" B), IMAGE_JSON_MAX + 1), 0);
	assert_int_equal(store_blob(dir, &digest, &text, &size, &err), -EFBIG);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),        cmocka_unit_test(test_use),
		cmocka_unit_test(test_lookup),      cmocka_unit_test(test_ready),
		cmocka_unit_test(test_ready_names), cmocka_unit_test(test_ready_damaged),
		cmocka_unit_test(test_ready_put),   cmocka_unit_test(test_blob),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
