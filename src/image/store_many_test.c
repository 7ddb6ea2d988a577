/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_many_test.c: several processes at one store, those that are killed at each of their calls, and what is collected when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "image/test_store.h"
#include "oci/store.h"

/* -- What must hold whenever --------------------------------------------------------------------------- */

static unsigned blobs_checked(const struct store *store)
{
	char path[128], text[128];
	struct oci_digest digest;
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/blobs/sha256", store_at);
	dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		char *content;
		size_t size;

		if (e->d_name[0] == '.')
			continue;
		snprintf(text, sizeof(text), "sha256:%.100s", e->d_name);
		assert_int_equal(oci_digest_parse(&digest, text, &err), 0);
		if (store_blob_read(store, &digest, 1 << 20, &content, &size, &err) != 0)
			fail_msg("%s", err.text);
		free(content);
		count++;
	}
	closedir(dir);
	return count;
}

/* Each name leads to a manifest that is there, with all that it leads to. */
static unsigned names_checked(const struct store *store)
{
	struct image_index index;
	unsigned count;

	if (store_list(store, &index, &err) != 0)
		fail_msg("%s", err.text);
	for (uint32_t i = 0; i < index.count; i++) {
		struct image_manifest manifest;
		char *text;
		size_t size;

		if (store_blob_read(store, &index.manifests[i].digest, 1 << 20, &text, &size,
				    &err) != 0 ||
		    image_manifest_parse(&manifest, text, size, &err) != 0)
			fail_msg("%s", err.text);
		free(text);
		assert_true(store_has(store, &manifest.config.digest));
		assert_true(store_has(store, &manifest.layers[0].digest));
		image_manifest_deinit(&manifest);
	}
	count = index.count;
	image_index_deinit(&index);
	return count;
}

static unsigned count_entries(const char *name)
{
	char path[512];
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", store_at, name);
	dir = opendir(path);
	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir))
		count += e->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return count;
}

/* -- At once ------------------------------------------------------------------------------------------- */

enum { WRITERS = 6, NAMES = 8 };

static int write_names(int who)
{
	struct store store;

	open_store(&store);
	for (int i = 0; i < NAMES; i++) {
		struct test_image image;
		char name[32];

		snprintf(name, sizeof(name), "app%d:v%d", who, i);
		put_image(&store, i % 2 == 0 ? "the same" : name, &image);
		if (name_image(&store, name, &image) != 0)
			return 1;
		if (i % 4 == 3 && unname(&store, name) != 0)
			return 1;
	}
	store_close(&store);
	return 0;
}

static void many_write(void **state)
{
	struct store_freed freed;
	struct store store;
	int status;

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			_exit(write_names(i));
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	open_store(&store);
	assert_int_equal(names_checked(&store), WRITERS * NAMES * 3 / 4);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_false(freed.later);
	/* One that is the same for all, and those of odd numbers that have a name. */
	assert_int_equal(blobs_checked(&store), 3 + 3 * WRITERS * NAMES / 4);
	store_close(&store);
}

static int fetch_slowly(int begun, int goes_on)
{
	struct oci_digest digest;
	struct store_writer writer;
	struct store store;
	char go;

	open_store(&store);
	hash_of("hello", 5, &digest);
	if (store_write_begin(&store, &writer, &digest, 5, &err) != 0 ||
	    store_write(&writer, "hel", 3, &err) != 0 || write(begun, "b", 1) != 1 ||
	    read(goes_on, &go, 1) < 0)
		return 1;
	if (store_write(&writer, "lo", 2, &err) != 0 || store_write_end(&writer, NULL, &err) != 0)
		return 1;
	store_close(&store);
	return 0;
}

static int wait_for_it(void)
{
	struct oci_digest digest;
	struct store_writer writer;
	struct store store;

	open_store(&store);
	hash_of("hello", 5, &digest);
	return store_write_begin(&store, &writer, &digest, 5, &err) == STORE_THERE ? 0 : 1;
}

static void two_fetch_one_blob(void **state)
{
	int begun[2], goes_on[2], status;
	pid_t first, second;
	char byte;

	(void)state;
	assert_int_equal(pipe(begun) | pipe(goes_on), 0);
	first = fork();
	if (first == 0)
		_exit(fetch_slowly(begun[1], goes_on[0]));
	assert_int_equal(read(begun[0], &byte, 1), 1);
	second = fork();
	if (second == 0)
		_exit(wait_for_it());
	/* It waits; were it faster than us, it would have ended. */
	usleep(100 * 1000);
	assert_int_equal(waitpid(second, &status, WNOHANG), 0);
	assert_int_equal(write(goes_on[1], "g", 1), 1);
	assert_int_equal(waitpid(first, &status, 0), first);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_int_equal(status, 0);
	assert_int_equal(count_entries("partial"), 0);
	for (int i = 0; i < 2; i++) {
		close(begun[i]);
		close(goes_on[i]);
	}
}

/* Who fetched is killed: the other one goes on with what there is. */
static void the_first_of_two_is_killed(void **state)
{
	int begun[2], goes_on[2], status;
	struct oci_digest digest;
	struct store_writer writer;
	struct store store;
	pid_t first;
	char byte;

	(void)state;
	assert_int_equal(pipe(begun) | pipe(goes_on), 0);
	first = fork();
	if (first == 0)
		_exit(fetch_slowly(begun[1], goes_on[0]));
	assert_int_equal(read(begun[0], &byte, 1), 1);
	kill(first, SIGKILL);
	assert_int_equal(waitpid(first, &status, 0), first);
	open_store(&store);
	hash_of("hello", 5, &digest);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 5, &err), 0);
	assert_int_equal(writer.size, 3);
	assert_int_equal(store_write(&writer, "lo", 2, &err), 0);
	assert_int_equal(store_write_end(&writer, NULL, &err), 0);
	store_close(&store);
	for (int i = 0; i < 2; i++) {
		close(begun[i]);
		close(goes_on[i]);
	}
}

/* -- Killed at each call ---------------------------------------------------------------------------------- */

static void put_root(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/roots/%s", store_at, name);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	strcat(path, "/a");
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	strcat(path, "/b");
	assert_true(mkdir(path, 0555) == 0 || errno == EEXIST);
}

/* All that a store is for: an image comes, another one goes, with its root. */
static int live(void)
{
	struct store_freed freed;
	struct test_image image;
	struct store store;

	open_store(&store);
	put_image(&store, "new", &image);
	if (name_image(&store, "new", &image) != 0 || unname(&store, "old") != 0)
		return 1;
	if (store_collect(&store, false, &freed, &err) != 0 || freed.later)
		return 1;
	store_close(&store);
	return 0;
}

static void prepare_to_be_killed(void)
{
	static const char old_root[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct test_image image;
	struct store store;

	open_store(&store);
	put_image(&store, "old", &image);
	assert_int_equal(name_image(&store, "old", &image), 0);
	put_root(old_root);
	store_close(&store);
}

/* False: it came to its end before. Both ends of each call are a stop. */
static bool killed_at(unsigned stops)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(live());
	}
	for (unsigned i = 0; i <= stops; i++) {
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return false;
		}
		assert_true(WIFSTOPPED(status));
		if (i < stops)
			ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	}
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	return true;
}

static void killed_at_each_call(void **state)
{
	bool was_killed = true;
	unsigned stops;

	(void)state;
	/* The end of one call is the beginning of the next, as far as others can see. */
	for (stops = 0; was_killed; stops += 2) {
		struct store_freed freed;
		struct test_image image;
		struct store store;

		prepare_to_be_killed();
		was_killed = killed_at(stops);
		open_store(&store);
		blobs_checked(&store);
		names_checked(&store);
		/* And all can be done anew. */
		put_image(&store, "new", &image);
		assert_int_equal(name_image(&store, "new", &image), 0);
		unname(&store, "old");
		assert_int_equal(store_collect(&store, false, &freed, &err), 0);
		assert_int_equal(names_checked(&store), 1);
		assert_int_equal(blobs_checked(&store), 3);
		assert_int_equal(count_entries("roots"), 0);
		unname(&store, "new");
		assert_int_equal(store_collect(&store, false, &freed, &err), 0);
		assert_int_equal(blobs_checked(&store), 0);
		assert_true(count_entries("partial") <= 1); /* it may be gone on with */
		store_close(&store);
	}
	assert_true(stops > 200);
}

/* -- Garbage ---------------------------------------------------------------------------------------------- */

static void what_is_named_stays(void **state)
{
	struct test_image one, two;
	struct store_freed freed;
	struct oci_digest lone;
	struct store store;

	(void)state;
	open_store(&store);
	put_image(&store, "one", &one);
	put_image(&store, "two", &two);
	put_text(&store, "nobody's", &lone);
	assert_int_equal(name_image(&store, "one", &one), 0);
	assert_int_equal(name_image(&store, "two", &two), 0);
	assert_int_equal(name_image(&store, "two:more", &two), 0);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(freed.blobs, 1);
	assert_true(freed.bytes > 0);
	assert_int_equal(blobs_checked(&store), 6);
	assert_int_equal(unname(&store, "two"), 0);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(freed.blobs, 0);
	assert_int_equal(unname(&store, "two:more"), 0);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(freed.blobs, 3);
	assert_int_equal(blobs_checked(&store), 3);
	store_close(&store);
}

/* A name that gets another meaning leaves garbage, which goes when the store is closed. */
static void what_was_replaced_goes(void **state)
{
	struct test_image one, two;
	struct store store;

	(void)state;
	open_store(&store);
	put_image(&store, "one", &one);
	put_image(&store, "two", &two);
	assert_int_equal(name_image(&store, "app", &one), 0);
	assert_int_equal(name_image(&store, "app", &two), 0);
	assert_true(store_has(&store, &one.layer));
	store_close(&store);
	open_store(&store);
	assert_false(store_has(&store, &one.layer));
	assert_true(store_has(&store, &two.layer));
	store_close(&store);
}

static void who_uses_it_keeps_it(void **state)
{
	struct store_freed freed;
	struct oci_digest lone;
	struct store store, user;

	(void)state;
	open_store(&store);
	open_store(&user);
	put_text(&store, "nobody's yet", &lone);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_true(freed.later);
	assert_true(store_has(&user, &lone));
	store_close(&store);
	open_store(&store);
	assert_true(store_has(&user, &lone));
	store_close(&store);
	store_close(&user);
	open_store(&store);
	assert_false(store_has(&store, &lone));
	store_close(&store);
}

static const char root_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char root_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool there_is(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", store_at, name);
	return access(path, F_OK) == 0;
}

/* The state of a container as runtime/state.h has it, of this user, as the environment says. */
static void put_container(const char *id, const char *config)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/skiff", folder);
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/skiff/%s", folder, id);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/skiff/%s/config.json", folder, id);
	put_file(path, config);
}

static void roots_go_with_the_last(void **state)
{
	struct store_freed freed;
	struct test_image one;
	struct store store;
	char path[512], text[512];

	(void)state;
	open_store(&store);
	put_image(&store, "one", &one);
	assert_int_equal(name_image(&store, "one", &one), 0);
	put_root(root_a);
	put_root(root_b);
	put_root("cccc.new-17");
	snprintf(path, sizeof(path), "%s/ready/%s", store_at,
		 oci_digest_hex(&one.descriptor.digest));
	snprintf(text, sizeof(text), "skiff-ready 1\nmanifest %s\nconfig %s\nroot %s\n",
		 one.descriptor.digest.text, one.config.text, root_a);
	put_file(path, text);
	snprintf(text, sizeof(text), "{\"root\": {\"path\": \"%s/roots/../roots/%s\"}}", store_at,
		 root_b);
	put_container("web", text);
	put_container("half", "{\"root\": {\"pa");
	put_container("other", "{\"root\": {\"path\": \"/\"}}");
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(count_entries("roots"), 2);
	assert_int_equal(count_entries("ready"), 1);
	/* The container ends. */
	snprintf(path, sizeof(path), "rm -r '%s/skiff/web'", folder);
	assert_int_equal(system(path), 0);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(freed.roots, 1);
	assert_int_equal(count_entries("roots"), 1);
	assert_int_equal(unname(&store, "one"), 0);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(freed.roots, 1);
	assert_int_equal(count_entries("roots"), 0);
	assert_int_equal(count_entries("ready"), 0);
	store_close(&store);
}

/* A hostile image that has another one's manifest as a layer does not make it a layer. */
static void a_manifest_among_layers(void **state)
{
	struct test_image victim, thief;
	struct store_freed freed;
	struct store store;
	char text[1024];

	(void)state;
	open_store(&store);
	put_image(&store, "victim", &victim);
	put_image(&store, "thief", &thief);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\": 2, \"mediaType\": "
		 "\"application/vnd.oci.image.manifest.v1+json\", "
		 "\"config\": {\"digest\": \"%s\", \"size\": 3}, "
		 "\"layers\": [{\"mediaType\": \"application/vnd.oci.image.layer.v1.tar\", "
		 "\"digest\": \"%s\", \"size\": 3}]}",
		 thief.config.text, victim.descriptor.digest.text);
	put_text(&store, text, &thief.descriptor.digest);
	assert_int_equal(name_image(&store, "thief", &thief), 0);
	assert_int_equal(name_image(&store, "victim", &victim), 0);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_true(store_has(&store, &victim.layer));
	assert_true(store_has(&store, &victim.config));
	assert_false(store_has(&store, &thief.layer));
	store_close(&store);
}

/* Deeper than a process has descriptors and a path has room; what a link in it leads to stays. */
static void a_deep_root_goes(void **state)
{
	struct store_freed freed;
	struct store store;
	char target[128];
	int dir, below;

	(void)state;
	open_store(&store);
	put_root(root_a);
	snprintf(target, sizeof(target), "%s/kept", folder);
	put_file(target, "kept");
	dir = openat(store.dir, "roots", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	below = openat(dir, root_a, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(dir);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(mkdirat(below, "deep", 0700), 0);
		assert_int_equal(symlinkat(folder, below, "link"), 0);
		dir = openat(below, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(below);
		below = dir;
		assert_true(below >= 0);
	}
	assert_int_equal(linkat(AT_FDCWD, target, below, "hard", 0), 0);
	close(below);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(freed.roots, 1);
	assert_int_equal(count_entries("roots"), 0);
	assert_int_equal(access(target, F_OK), 0);
	store_close(&store);
}

static void parts_go_after_a_day(void **state)
{
	const struct timeval long_ago[2] = {{.tv_sec = time(NULL) - 25 * 3600},
					    {.tv_sec = time(NULL) - 25 * 3600}};
	struct oci_digest digest;
	struct store_writer writer;
	struct store_freed freed;
	struct store store;
	char path[512];

	(void)state;
	open_store(&store);
	hash_of("hello", 5, &digest);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 5, &err), 0);
	assert_int_equal(store_write(&writer, "hel", 3, &err), 0);
	store_write_leave(&writer);
	assert_int_equal(store_write_begin(&store, &writer, NULL, 5, &err), 0);
	assert_int_equal(count_entries("partial"), 2);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(count_entries("partial"), 1);
	/* With all parts what is a day old, and what is not. */
	assert_int_equal(store_collect(&store, true, &freed, &err), 0);
	assert_int_equal(count_entries("partial"), 0);
	store_write_leave(&writer);
	assert_int_equal(store_write_begin(&store, &writer, &digest, 5, &err), 0);
	assert_int_equal(store_write(&writer, "hel", 3, &err), 0);
	store_write_leave(&writer);
	snprintf(path, sizeof(path), "%s/partial/sha256-%s", store_at, oci_digest_hex(&digest));
	assert_int_equal(utimes(path, long_ago), 0);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_int_equal(count_entries("partial"), 0);
	store_close(&store);
}

/* Nobody knows what a damaged manifest leads to: so nothing goes until it has no name. */
static void a_damaged_manifest_keeps_all(void **state)
{
	struct test_image one;
	struct store_freed freed;
	struct oci_digest lone;
	struct store store;
	char name[STORE_READY_NAME], path[512];

	(void)state;
	open_store(&store);
	put_image(&store, "one", &one);
	put_text(&store, "nobody's", &lone);
	assert_int_equal(name_image(&store, "one", &one), 0);
	store_blob_path(&one.descriptor.digest, name);
	snprintf(path, sizeof(path), "%s/%s", store_at, name);
	put_file(path, "{}");
	assert_int_equal(store_collect(&store, false, &freed, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "nobody knows what 'docker.io/library/one:latest' needs"));
	assert_true(store_has(&store, &lone));
	assert_true(there_is(name));
	assert_int_equal(unname(&store, "one"), 0);
	assert_int_equal(store_collect(&store, false, &freed, &err), 0);
	assert_false(there_is(name));
	store_close(&store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_write),
		TEST(two_fetch_one_blob),
		TEST(the_first_of_two_is_killed),
		TEST(killed_at_each_call),
		TEST(what_is_named_stays),
		TEST(what_was_replaced_goes),
		TEST(who_uses_it_keeps_it),
		TEST(roots_go_with_the_last),
		TEST(a_manifest_among_layers),
		TEST(a_deep_root_goes),
		TEST(parts_go_after_a_day),
		TEST(a_damaged_manifest_keeps_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
