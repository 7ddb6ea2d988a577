/* SPDX-License-Identifier: Apache-2.0 */
/* store_test.c: what one process does with a store: made, believed or not, blobs, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "image/test_store.h"
#include "oci/store.h"

static void path_of(char path[static 512], const char *name)
{
	snprintf(path, 512, "%s/%s", store_at, name);
}

static void write_text(const char *name, const char *text)
{
	char path[512];
	FILE *file;

	path_of(path, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void read_back(const char *name, char *text, size_t room)
{
	char path[512];

	path_of(path, name);
	assert_true(io_text(AT_FDCWD, path, text, room) > 0);
}

static unsigned count_entries(const char *name)
{
	char command[600], text[32];
	FILE *pipe;

	snprintf(command, sizeof(command), "ls '%s/%s' | wc -l", store_at, name);
	pipe = popen(command, "r");
	assert_non_null(fgets(text, sizeof(text), pipe));
	pclose(pipe);
	return (unsigned)atoi(text);
}

/* -- The directory --------------------------------------------------------------------------------- */

static void is_made(void **state)
{
	struct store store, again;
	char text[128];
	struct stat st;

	(void)state;
	open_store(&store);
	open_store(&again);
	read_back("oci-layout", text, sizeof(text));
	assert_string_equal(text, "{\"imageLayoutVersion\": \"1.0.0\"}\n");
	assert_int_equal(stat(store_at, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	store_close(&store);
	store_close(&again);
}

static void is_not_believed(void **state)
{
	struct store store;

	(void)state;
	open_store(&store);
	store_close(&store);
	chmod(store_at, 0722);
	assert_int_equal(store_open(&store, store_at, &err), -EPERM);
	assert_non_null(strstr(err.text, "others may write to the store"));
	assert_non_null(strstr(err.text, "chmod go-w"));
	chmod(store_at, 0700);
	if (geteuid() == 0) {
		assert_int_equal(chown(store_at, 1234, 0), 0);
		assert_int_equal(store_open(&store, store_at, &err), -EPERM);
		assert_non_null(strstr(err.text, "belongs to another user (1234)"));
		assert_int_equal(chown(store_at, 0, 0), 0);
	}
	write_text("oci-layout", "{\"imageLayoutVersion\": \"2.0.0\"}");
	assert_int_equal(store_open(&store, store_at, &err), -EINVAL);
	assert_non_null(strstr(err.text, "does not say version 1"));
}

static void is_no_store(void **state)
{
	struct store store;
	char file[128];

	(void)state;
	snprintf(file, sizeof(file), "%s/letter", folder);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(store_open(&store, folder, &err), -EEXIST);
	assert_non_null(strstr(err.text, "is no store of images, and holds 'letter'"));
	assert_int_equal(store_open(&store, file, &err), -ENOTDIR);
	snprintf(file, sizeof(file), "%s/letter/store", folder);
	assert_int_equal(store_open(&store, file, &err), -ENOTDIR);
	assert_int_equal(store_open(&store, "/proc/nowhere/store", &err), -ENOENT);
	assert_non_null(strstr(err.text, "SKIFF_STORE may name another"));
	assert_int_equal(store_open(&store, "", &err), -EINVAL);
}

/* An OCI layout that another tool made becomes a store, and what is in it stays. */
static void is_anothers_layout(void **state)
{
	struct image_index index;
	struct store store;
	struct stat st;

	(void)state;
	snprintf(store_at, sizeof(store_at), "%s/above/layout//", folder);
	open_store(&store); /* made with the mode that is its own, not that of those above */
	store_close(&store);
	assert_int_equal(stat(store_at, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(store_at, sizeof(store_at), "%s/layout", folder);
	mkdir(store_at, 0700);
	write_text("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
	write_text("index.json",
		   "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/"
		   "vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:"
		   "0000000000000000000000000000000000000000000000000000000000000000\","
		   "\"size\":5}]}");
	open_store(&store);
	assert_int_equal(store_list(&store, &index, &err), 0);
	assert_int_equal(index.count, 1);
	image_index_deinit(&index);
	store_close(&store);
}

/* -- Blobs ----------------------------------------------------------------------------------------- */

static void blobs_come_back(void **state)
{
	struct oci_digest digest, other;
	struct store store;
	uint64_t long_size;
	char *text, name[STORE_READY_NAME];
	size_t size;
	int fd;

	(void)state;
	open_store(&store);
	put_text(&store, "hello", &digest);
	put_text(&store, "hello", &digest);
	assert_string_equal(digest.text, "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73"
					 "043362938b9824");
	assert_true(store_has(&store, &digest));
	assert_int_equal(store_blob_read(&store, &digest, 5, &text, &size, &err), 0);
	assert_string_equal(text, "hello");
	free(text);
	assert_int_equal(store_blob_read(&store, &digest, 4, &text, &size, &err), -EFBIG);
	fd = store_blob_open(&store, &digest, &long_size, &err);
	assert_true(fd >= 0 && long_size == 5);
	close(fd);
	hash_of("other", 5, &other);
	assert_false(store_has(&store, &other));
	assert_int_equal(store_blob_open(&store, &other, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "pull or build its image again"));
	put_text(&store, "", &other);
	assert_int_equal(count_entries("partial"), 0);
	/* A disk that changes a byte. */
	store_blob_path(&digest, name);
	write_text(name, "hallo");
	assert_int_equal(store_blob_read(&store, &digest, 5, &text, &size, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "is damaged, it holds sha256:"));
	assert_non_null(strstr(err.text, "remove that file and pull"));
	store_close(&store);
}

static void a_blob_is_gone_on_with(void **state)
{
	struct oci_digest digest, found;
	struct store_writer writer;
	struct store store;

	(void)state;
	open_store(&store);
	hash_of("hello world", 11, &digest);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 11, &err), 0);
	assert_int_equal(writer.size, 0);
	assert_int_equal(store_write(&writer, "hello ", 6, &err), 0);
	store_write_leave(&writer);
	assert_int_equal(count_entries("partial"), 1);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 11, &err), 0);
	assert_int_equal(writer.size, 6);
	assert_int_equal(store_write(&writer, "world", 5, &err), 0);
	assert_int_equal(store_write_end(&writer, &found, &err), 0);
	assert_true(oci_digest_is(&digest, &found));
	store_write_leave(&writer);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 11, &err), STORE_THERE);
	assert_int_equal(count_entries("partial"), 0);
	store_close(&store);
}

static void a_blob_is_begun_again(void **state)
{
	struct oci_digest digest, found;
	struct store_writer writer;
	struct store store;

	(void)state;
	open_store(&store);
	hash_of("hello", 5, &digest);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 5, &err), 0);
	assert_int_equal(store_write(&writer, "jell", 4, &err), 0);
	store_write_leave(&writer);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 5, &err), 0);
	assert_int_equal(writer.size, 4);
	assert_int_equal(store_write_again(&writer, &err), 0);
	assert_int_equal(store_write(&writer, "hello", 5, &err), 0);
	assert_int_equal(store_write_end(&writer, &found, &err), 0);
	/* A part that is longer than the whole is none of it. */
	hash_of("short", 5, &digest);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 50, &err), 0);
	assert_int_equal(store_write(&writer, "much too long", 13, &err), 0);
	store_write_leave(&writer);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 5, &err), 0);
	assert_int_equal(writer.size, 0);
	store_write_leave(&writer);
	assert_int_equal(count_entries("partial"), 0);
	store_close(&store);
}

static void wrong_bytes_are_refused(void **state)
{
	struct oci_digest digest;
	struct store_writer writer;
	struct store store;

	(void)state;
	open_store(&store);
	hash_of("hello", 5, &digest);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 5, &err), 0);
	assert_int_equal(store_write(&writer, "hallo", 5, &err), 0);
	assert_int_equal(store_write(&writer, "!", 1, &err), -EFBIG);
	assert_non_null(strstr(err.text, "more than 5 bytes come"));
	assert_int_equal(store_write_end(&writer, NULL, &err), -EBADMSG);
	assert_non_null(strstr(err.text, ", not sha256:2cf24d"));
	store_write_leave(&writer);
	assert_false(store_has(&store, &digest));
	assert_int_equal(count_entries("partial"), 0);
	store_close(&store);
}

static void a_blob_of_any_digest(void **state)
{
	struct oci_digest digest, same;
	struct store_writer writer;
	struct store_freed freed;
	struct store store;

	(void)state;
	open_store(&store);
	/* What a dead process of our number left behind is no part of it. */
	for (int i = 0; i < 64; i++) {
		char name[64];

		snprintf(name, sizeof(name), "partial/new-%d-%d", (int)getpid(), i);
		write_text(name, "not hello");
	}
	assert_int_equal(store_write_begin(&store, &writer, NULL, UINT64_MAX, &err), 0);
	assert_int_equal(writer.size, 0);
	assert_int_equal(store_write(&writer, "hello", 5, &err), 0);
	assert_int_equal(store_write_end(&writer, &digest, &err), 0);
	hash_of("hello", 5, &same);
	assert_true(oci_digest_is(&digest, &same));
	assert_int_equal(store_collect(&store, true, &freed, &err), 0);
	assert_int_equal(store_write_begin(&store, &writer, NULL, UINT64_MAX, &err), 0);
	assert_int_equal(store_write(&writer, "hello", 5, &err), 0);
	store_write_leave(&writer);
	assert_int_equal(count_entries("partial"), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_write_begin(&store, &writer, NULL, UINT64_MAX, &err), 0);
		assert_int_equal(store_write(&writer, "hello", 5, &err), 0);
		assert_int_equal(store_write_end(&writer, &digest, &err), 0);
	}
	hash_of("hello", 5, &same);
	assert_true(oci_digest_is(&digest, &same));
	assert_true(store_has(&store, &same));
	assert_int_equal(count_entries("blobs/sha256"), 1);
	store_close(&store);
}

static void a_blob_of_sha512(void **state)
{
	static const char digits[] =
		"9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673c"
		"a72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec"
		"043";
	struct oci_digest digest;
	struct store_writer writer;
	struct store store;

	(void)state;
	open_store(&store);
	snprintf(digest.text, sizeof(digest.text), "sha512:%s", digits);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 5, &err), 0);
	assert_int_equal(store_write(&writer, "hello", 5, &err), 0);
	assert_int_equal(store_write_end(&writer, NULL, &err), 0);
	assert_int_equal(count_entries("blobs/sha512"), 1);
	assert_true(store_has(&store, &digest));
	store_close(&store);
}

/* -- Names ----------------------------------------------------------------------------------------- */

static void found_as(const struct store *store, const char *word, const struct test_image *image)
{
	const struct image_descriptor *found;
	struct image_index index;

	if (store_find(store, word, &index, &found, &err) != 0)
		fail_msg("%s: %s", word, err.text);
	assert_string_equal(found->digest.text, image->descriptor.digest.text);
	image_index_deinit(&index);
}

static int not_found(const struct store *store, const char *word)
{
	const struct image_descriptor *found;
	struct image_index index;

	return store_find(store, word, &index, &found, &err);
}

static void names_are_found(void **state)
{
	struct test_image one, two;
	struct store store;
	char digits[5] = "";

	(void)state;
	open_store(&store);
	assert_int_equal(not_found(&store, "hello"), -ENOENT);
	assert_non_null(strstr(err.text, "there is none"));
	put_image(&store, "one", &one);
	put_image(&store, "two", &two);
	assert_int_equal(name_image(&store, "hello", &one), 0);
	assert_int_equal(name_image(&store, "localhost:5000/team/app:v2", &two), 0);
	found_as(&store, "hello", &one);
	found_as(&store, "docker.io/library/hello:latest", &one);
	found_as(&store, "localhost:5000/team/app:v2", &two);
	found_as(&store, one.descriptor.digest.text, &one);
	memcpy(digits, one.descriptor.digest.text + 7, 4);
	found_as(&store, digits, &one);
	digits[3] = '\0';
	assert_int_equal(not_found(&store, digits), -ENOENT);
	assert_int_equal(not_found(&store, "hello:v2"), -ENOENT);
	assert_non_null(strstr(err.text, "there is: hello:latest, localhost:5000/team/app:v2"));
	assert_int_equal(not_found(&store, "Hello"), -ENOENT);
	assert_int_equal(name_image(&store, "hello", &two), 0);
	found_as(&store, "hello", &two);
	assert_int_equal(unname(&store, "hello"), 0);
	assert_int_equal(unname(&store, "hello"), -ENOENT);
	assert_string_equal(err.text, "there is no image 'docker.io/library/hello:latest'");
	assert_int_equal(store_forget(&store, NULL, &two.descriptor.digest, &err), 0);
	assert_int_equal(not_found(&store, "localhost:5000/team/app:v2"), -ENOENT);
	store_close(&store);
}

static void digits_of_several(void **state)
{
	static const char index[] =
		"{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:"
		"abcd000000000000000000000000000000000000000000000000000000000001\",\"size\":1},"
		"{\"digest\":\"sha256:"
		"abcd000000000000000000000000000000000000000000000000000000000002\",\"size\":1}]}";
	struct store store;

	(void)state;
	open_store(&store);
	write_text("index.json", index);
	assert_int_equal(not_found(&store, "abcd"), -ENOTUNIQ);
	assert_non_null(strstr(err.text, "'abcd' stands for several images: abcd00000000, "));
	store_close(&store);
}

/* What other tools wrote stays as it is. */
static void others_entries_stay(void **state)
{
	static const char index[] =
		"{\"schemaVersion\":2,\"x-list\":[1,-2,1.5e3,true,null,{\"a\":\"\\u0000\\\"\"}],"
		"\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"digest\":\"sha256:"
		"abcd000000000000000000000000000000000000000000000000000000000001\",\"size\":1,"
		"\"x-mine\":{\"deep\":[[]]},\"annotations\":{\"org.opencontainers.image.ref.name\":"
		"\"v1\",\"other\":\"\\u00fc\"}}],\"annotations\":{\"of\":\"index\"}}";
	struct test_image one;
	struct store store;
	char text[4096];

	(void)state;
	open_store(&store);
	write_text("index.json", index);
	put_image(&store, "one", &one);
	assert_int_equal(name_image(&store, "hello", &one), 0);
	assert_int_equal(unname(&store, "hello"), 0);
	read_back("index.json", text, sizeof(text));
	for (char *from = text, *to = text;; from++) {
		if (*from != ' ' && *from != '\n')
			*to++ = *from;
		if (*from == '\0')
			break;
	}
	assert_non_null(strstr(text, "\"x-list\":[1,-2,1500,true,null,{\"a\":\"\\u0000\\\"\"}]"));
	assert_non_null(strstr(text, "\"x-mine\":{\"deep\":[[]]}"));
	assert_non_null(strstr(text, "ref.name\":\"v1\",\"other\":\"\xc3\xbc\"}"));
	assert_non_null(strstr(text, "\"annotations\":{\"of\":\"index\"}"));
	assert_null(strstr(text, "hello"));
	assert_int_equal(store_forget(&store, "v1", NULL, &err), 0);
	store_close(&store);
}

static void a_damaged_index_stays(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "{\"schemaVersion\":2,\"manifests\":[{}]}", "\xff", "null"};
	struct test_image one;
	struct store_freed freed;
	struct store store;
	char text[128];

	(void)state;
	open_store(&store);
	put_image(&store, "one", &one);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct image_index index;

		write_text("index.json", texts[i]);
		assert_int_equal(name_image(&store, "hello", &one), -EINVAL);
		assert_non_null(strstr(err.text, "is damaged ("));
		assert_non_null(strstr(err.text, "move it away"));
		assert_int_equal(store_list(&store, &index, &err), -EINVAL);
		assert_int_equal(unname(&store, "hello"), -EINVAL);
		assert_int_equal(store_collect(&store, false, &freed, &err), -EINVAL);
		assert_true(store_has(&store, &one.layer));
		if (texts[i][0] != '\0') {
			read_back("index.json", text, sizeof(text));
			assert_string_equal(text, texts[i]);
		}
	}
	store_close(&store);
}

/* -- A full disk ----------------------------------------------------------------------------------- */

static int on_a_small_disk(void)
{
	static uint8_t much[1 << 16];
	struct oci_digest digest;
	struct store_writer writer;
	struct test_image one, two;
	struct store store;
	int error;

	open_store(&store);
	put_image(&store, "one", &one);
	put_image(&store, "two", &two);
	assert_int_equal(name_image(&store, "hello", &one), 0);
	hash_of("expected", 8, &digest);
	assert_int_equal(store_write_begin(&store, &writer, &digest, UINT64_MAX, &err), 0);
	while ((error = store_write(&writer, much, sizeof(much), &err)) == 0)
		;
	assert_int_equal(error, -ENOSPC);
	assert_non_null(strstr(err.text, "No space left on device; 'skiff rmi --prune'"));
	assert_int_equal(store_write(&writer, much, 1, &err), -ENOSPC);
	/* While it is full, nothing is lost. */
	assert_int_equal(name_image(&store, "again", &two), -ENOSPC);
	found_as(&store, "hello", &one);
	store_write_leave(&writer);
	assert_int_equal(count_entries("partial"), 0);
	assert_int_equal(name_image(&store, "again", &two), 0);
	found_as(&store, "again", &two);
	store_close(&store);
	return 0;
}

static void a_disk_is_full(void **state)
{
	pid_t child;
	int status;

	(void)state;
	snprintf(store_at, sizeof(store_at), "%s/disk/store", folder);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char disk[96];

		snprintf(disk, sizeof(disk), "%s/disk", folder);
		mkdir(disk, 0700);
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("disk", disk, "tmpfs", 0, "size=512k") < 0)
			_exit(77);
		_exit(on_a_small_disk());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_made),
		TEST(is_not_believed),
		TEST(is_no_store),
		TEST(is_anothers_layout),
		TEST(blobs_come_back),
		TEST(a_blob_is_gone_on_with),
		TEST(a_blob_is_begun_again),
		TEST(wrong_bytes_are_refused),
		TEST(a_blob_of_any_digest),
		TEST(a_blob_of_sha512),
		TEST(names_are_found),
		TEST(digits_of_several),
		TEST(others_entries_stay),
		TEST(a_damaged_index_stays),
		TEST(a_disk_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
