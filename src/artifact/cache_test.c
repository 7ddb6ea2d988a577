/* SPDX-License-Identifier: Apache-2.0 */
/* cache_test.c: what is found again and what is not, whom the cache believes, and what it removes. */
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
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "artifact/cache_parts.h"
#include "base/base.h"
#include "wasm/code_bytes.h"
#include "wasm/decode.h"
#include "wasm/feature.h"

enum { PADDING = 20000, OTHER_USER = 4711 };

static char place[256]; /* a fresh directory for each test */

static const char *at(const char *name)
{
	static char paths[8][400];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", place, name);
	return path;
}

static int make_place(void **state)
{
	const char *top = getenv("TMPDIR");

	(void)state;
	snprintf(place, sizeof(place), "%s/cache-XXXXXX", top != NULL ? top : P_tmpdir);
	return mkdtemp(place) != NULL ? 0 : -1;
}

static int remove_place(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", place);
	return system(command);
}

/* -- Modules --------------------------------------------------------------------------------- */

/* An empty module, and a custom section of bytes `fill` that makes it worth keeping. */
static size_t put_module(uint8_t *to, uint8_t fill)
{
	static const uint8_t front[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 0, 0xa0, 0x9c, 0x01, 0};

	memcpy(to, front, sizeof(front));
	memset(to + sizeof(front), fill, PADDING - 1);
	return sizeof(front) + PADDING - 1;
}

static int write_module(const char *name, uint8_t fill, struct stat *st)
{
	static uint8_t bytes[PADDING + 100];
	size_t size = put_module(bytes, fill);
	int fd = open(at(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fstat(fd, st), 0);
	return fd;
}

static struct artifact_id wanted(void)
{
	struct artifact_id id = {.features = 7, .options = ARTIFACT_FUSED};

	memcpy(id.engine, artifact_engine, sizeof(id.engine));
	return id;
}

static int add(struct cache *cache, uint8_t fill, int fd, const struct stat *st, struct err *err)
{
	struct artifact_id id = wanted();
	struct image *image = image_new(PADDING + 12);
	struct err ignored;
	int error;

	assert_int_equal(put_module(image_input(image), fill), PADDING + 12);
	sha256(image_input(image), PADDING + 12, id.module);
	assert_int_equal(decode(&image, feature_default(), &ignored), 0);
	error = cache_add(cache, image, &id, fd, st, err);
	image_free(image);
	return error;
}

static enum cache_found find(struct cache *cache, int fd)
{
	struct artifact_id id = wanted();
	struct artifact artifact;
	enum cache_found found;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	found = cache_find(cache, fd, &st, &id, &artifact);
	if (found == CACHE_HIT) {
		assert_int_equal(artifact.image->bytes.count, PADDING + 12);
		artifact_close(&artifact);
	}
	return found;
}

/* A cache with one module in it, found by sample. */
static int filled(struct cache *cache, const char *name)
{
	struct stat st;
	struct err err;
	int fd = write_module("m.wasm", 1, &st);

	assert_int_equal(cache_init(cache, at(name)), 0);
	assert_int_equal(find(cache, fd), CACHE_UNKNOWN);
	assert_int_equal(add(cache, 1, fd, &st, &err), 0);
	assert_int_equal(find(cache, fd), CACHE_HIT);
	return fd;
}

static void entry_name(char name[static CACHE_ENTRY_TEXT], uint8_t fill)
{
	static uint8_t bytes[PADDING + 100];
	struct artifact_id id = wanted();

	sha256(bytes, put_module(bytes, fill), id.module);
	cache_name_entry(name, &id);
}

/* -- Names ----------------------------------------------------------------------------------- */

static void names_are_known_again(void **state)
{
	char engine[CACHE_ENGINE_TEXT], entry[CACHE_ENTRY_TEXT], other[CACHE_ENTRY_TEXT];
	char link[CACHE_LINK_TEXT];
	struct artifact_id id = wanted();
	uint8_t digest[SHA256_SIZE];
	const uint64_t all[9] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
				 UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

	(void)state;
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		id.module[i] = (uint8_t)(i * 11);
	cache_name_engine(engine);
	assert_true(cache_name_is_engine(engine));
	engine[3] = 'G';
	assert_false(cache_name_is_engine(engine));
	assert_false(cache_name_is_engine(""));
	cache_name_entry(entry, &id);
	assert_true(cache_name_is_entry(entry));
	cache_name_digest(entry, digest);
	assert_memory_equal(digest, id.module, sizeof(digest));
	id.cpu = 1;
	cache_name_entry(other, &id);
	assert_string_equal(entry, other);
	id.options = 0;
	cache_name_entry(other, &id);
	assert_string_not_equal(entry, other);
	id.features = 6;
	cache_name_entry(entry, &id);
	assert_string_not_equal(entry, other);
	entry[sizeof(entry) - 2] = 'F';
	assert_false(cache_name_is_entry(entry));
	cache_name_link(link, "at-", all, 9, &id);
	assert_true(cache_name_is_link(link));
	cache_name_link(link, "x-", (uint64_t[]){0, 0x10f, 1}, 3, &id);
	assert_memory_equal(link, "x-0.10f.1-", 10);
	cache_name_temporary(link);
	assert_true(cache_name_is_temporary(link));
	assert_false(cache_name_is_link(link));
}

/* -- Identity, sample ------------------------------------------------------------------------ */

static void identity_needs_an_honest_file_system(void **state)
{
	struct artifact_id id = wanted();
	char name[CACHE_LINK_TEXT], other[CACHE_LINK_TEXT];
	struct statfs system;
	struct stat st, changed;
	int fd, proc = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(fstat(proc, &st), 0);
	assert_false(cache_identity(proc, &st, &id, name));
	close(proc);
	fd = write_module("m.wasm", 1, &st);
	assert_int_equal(fstatfs(fd, &system), 0);
	if ((uint32_t)system.f_type == 0x794c7630) { /* overlay */
		assert_false(cache_identity(fd, &st, &id, name));
		close(fd);
		skip();
	}
	assert_true(cache_identity(fd, &st, &id, name));
#define DIFFERS(field)                                                 \
	do {                                                           \
		changed = st;                                          \
		changed.field++;                                       \
		assert_true(cache_identity(fd, &changed, &id, other)); \
		assert_string_not_equal(name, other);                  \
		assert_false(cache_identity_same(&st, &changed));      \
	} while (0)
	DIFFERS(st_dev);
	DIFFERS(st_ino);
	DIFFERS(st_size);
	DIFFERS(st_mtim.tv_sec);
	DIFFERS(st_mtim.tv_nsec);
	DIFFERS(st_ctim.tv_sec);
	DIFFERS(st_ctim.tv_nsec);
#undef DIFFERS
	assert_true(cache_identity_same(&st, &st));
	close(fd);
}

static void times_rest_before_they_count(void **state)
{
	struct stat st = {.st_mode = S_IFREG};
	struct timespec now;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	st.st_mtim.tv_sec = st.st_ctim.tv_sec = now.tv_sec - 4;
	assert_true(cache_identity_rests(&st));
	st.st_ctim.tv_sec = now.tv_sec - 1;
	assert_false(cache_identity_rests(&st));
	st.st_ctim.tv_sec = now.tv_sec - 4;
	st.st_mtim.tv_sec = now.tv_sec + 1000; /* the clock was set back */
	assert_false(cache_identity_rests(&st));
}

static void sample_sees_both_ends_and_the_middle(void **state)
{
	const off_t places[] = {0, PADDING / 2, PADDING + 11, 5000};
	char name[CACHE_LINK_TEXT], other[CACHE_LINK_TEXT];
	struct artifact_id id = wanted();
	struct stat st;
	int fd = write_module("m.wasm", 1, &st);

	(void)state;
	assert_true(cache_sample(fd, &st, &id, name));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_int_equal(pwrite(fd, "x", 1, places[i]), 1);
		assert_true(cache_sample(fd, &st, &id, other));
		assert_int_equal(strcmp(name, other) == 0, places[i] == 5000);
		close(fd);
		fd = write_module("m.wasm", 1, &st);
	}
	st.st_size = 100;
	assert_false(cache_sample(fd, &st, &id, other));
	close(fd);
}

/* -- Finding --------------------------------------------------------------------------------- */

static void what_is_added_is_found(void **state)
{
	struct cache cache;
	struct stat st;
	struct err err;
	int fd = filled(&cache, "a/b/c"), copy, other;

	(void)state;
	copy = write_module("copy.wasm", 1, &st);
	assert_int_equal(find(&cache, copy), CACHE_HIT);
	other = write_module("other.wasm", 2, &st);
	assert_int_equal(find(&cache, other), CACHE_UNKNOWN);
	/* The same sample, other content. */
	assert_int_equal(pwrite(copy, "x", 1, 5000), 1);
	assert_int_equal(find(&cache, copy), CACHE_UNKNOWN);
	assert_int_equal(pwrite(copy, "\1", 1, 5000), 1);
	assert_int_equal(find(&cache, copy), CACHE_HIT);
	assert_int_equal(ftruncate(copy, 1000), 0);
	assert_int_equal(find(&cache, copy), CACHE_USELESS);
	/* Not of the file, but from elsewhere: found by digest alone, so not without a sample. */
	assert_int_equal(add(&cache, 2, -1, NULL, &err), 0);
	assert_int_equal(find(&cache, other), CACHE_UNKNOWN);
	assert_string_equal(cache.complaint.text, "");
	assert_int_equal(access(at("a/b/c/CACHEDIR.TAG"), R_OK), 0);
	assert_int_equal(stat(at("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	cache_deinit(&cache);
	close(fd);
	close(copy);
	close(other);
}

static void a_rested_file_is_found_unread(void **state)
{
	struct artifact_id id = wanted();
	char link[CACHE_LINK_TEXT];
	struct cache cache;
	struct stat st, now;
	int fd = filled(&cache, "c");

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	if (!cache_identity(fd, &st, &id, link)) {
		cache_deinit(&cache);
		close(fd);
		skip();
	}
	assert_int_equal(faccessat(cache.dir, link, F_OK, 0), -1);
	sleep(3);
	assert_int_equal(find(&cache, fd), CACHE_HIT);
	assert_int_equal(faccessat(cache.dir, link, F_OK, 0), 0);
	/* Now its content is not looked at. */
	assert_int_equal(fstat(fd, &now), 0);
	assert_true(cache_identity_same(&st, &now));
	assert_int_equal(find(&cache, fd), CACHE_HIT);
	/* A change shows at once. */
	assert_int_equal(pwrite(fd, "x", 1, 5000), 1);
	assert_int_equal(find(&cache, fd), CACHE_UNKNOWN);
	cache_deinit(&cache);
	close(fd);
}

/* -- Trust ----------------------------------------------------------------------------------- */

static void believes(bool expected, const char *name, const char *words)
{
	struct cache cache;

	assert_int_equal(cache_init(&cache, at(name)), 0);
	assert_int_equal(cache.dir >= 0, expected);
	assert_int_equal(cache.closed, !expected);
	if (!expected)
		assert_non_null(strstr(cache.complaint.text, words));
	else
		assert_string_equal(cache.complaint.text, "");
	cache_deinit(&cache);
}

static void set_mode(const char *name, mode_t mode)
{
	assert_int_equal(chmod(at(name), mode), 0);
}

static void directories_others_write_to_are_not_used(void **state)
{
	char engine[CACHE_ENGINE_TEXT], name[100];
	struct cache cache;
	struct err err;
	struct stat st;

	(void)state;
	close(filled(&cache, "a/c"));
	cache_deinit(&cache);
	cache_name_engine(engine);
	snprintf(name, sizeof(name), "a/c/%s", engine);
	believes(true, "a/c", NULL);
	for (size_t i = 0; i < 3; i++) {
		const char *names[] = {name, "a/c", "a"};

		set_mode(names[i], 0720);
		believes(false, "a/c", "lets others write");
		set_mode(names[i], 0702);
		believes(false, "a/c", "lets others write");
		set_mode(names[i], 01777);
		believes(i != 0, "a/c", "lets others write"); /* its own files it does not save */
		set_mode(names[i], 0755);
		believes(true, "a/c", NULL);
	}
	/* Neither is one made there. */
	set_mode("a", 0777);
	assert_int_equal(cache_init(&cache, at("a/new")), 0);
	assert_int_equal(add(&cache, 1, -1, NULL, &err), -EPERM);
	assert_non_null(strstr(err.text, "/a' lets others write"));
	assert_int_equal(stat(at("a/new"), &st), -1);
	cache_deinit(&cache);
}

static void directories_of_others_are_not_used(void **state)
{
	char engine[CACHE_ENGINE_TEXT], name[100];
	struct cache cache;

	(void)state;
	if (geteuid() != 0)
		skip();
	close(filled(&cache, "a/c"));
	cache_deinit(&cache);
	cache_name_engine(engine);
	snprintf(name, sizeof(name), "a/c/%s", engine);
	for (size_t i = 0; i < 3; i++) {
		const char *names[] = {name, "a/c", "a"};

		assert_int_equal(chown(at(names[i]), OTHER_USER, 0), 0);
		believes(false, "a/c", "belongs to another user");
		assert_int_equal(chown(at(names[i]), 0, 0), 0);
	}
	believes(true, "a/c", NULL);
}

static void what_is_no_directory_is_told(void **state)
{
	char engine[CACHE_ENGINE_TEXT], name[100];
	struct cache cache;
	struct stat st;

	(void)state;
	close(write_module("file", 1, &st));
	believes(false, "file", "Not a directory");
	cache_name_engine(engine);
	assert_int_equal(mkdir(at("c"), 0700), 0);
	assert_int_equal(mkdir(at("real"), 0700), 0);
	snprintf(name, sizeof(name), "c/%s", engine);
	assert_int_equal(symlink(at("real"), at(name)), 0);
	believes(false, "c", "is a link");
	/* But the user's own link to his directory is followed. */
	snprintf(name, sizeof(name), "real/%s", engine);
	assert_int_equal(mkdir(at(name), 0700), 0);
	assert_int_equal(symlink(at("real"), at("link")), 0);
	believes(true, "link", NULL);
	assert_int_equal(cache_init(&cache, ""), 0);
	assert_true(cache.closed);
	cache_deinit(&cache);
}

/* -- Smuggling --------------------------------------------------------------------------------- */

/* Whatever stands there instead of the artifact: it is told, and adding puts it right. */
static void is_refused(struct cache *cache, int fd, const char *words)
{
	struct stat st;
	struct err err;

	cache->complaint.text[0] = '\0';
	assert_int_equal(find(cache, fd), CACHE_UNKNOWN);
	assert_non_null(strstr(cache->complaint.text, words));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(add(cache, 1, fd, &st, &err), 0);
	assert_int_equal(find(cache, fd), CACHE_HIT);
}

static void foreign_artifacts_are_refused(void **state)
{
	char name[CACHE_ENTRY_TEXT], other[CACHE_ENTRY_TEXT];
	struct cache cache;
	struct err err;
	int fd = filled(&cache, "c");

	(void)state;
	entry_name(name, 1);
	entry_name(other, 2);
	assert_int_equal(fchmodat(cache.dir, name, 0620, 0), 0);
	is_refused(&cache, fd, "lets others write");
	if (geteuid() == 0) {
		assert_int_equal(fchownat(cache.dir, name, OTHER_USER, 0, 0), 0);
		is_refused(&cache, fd, "belongs to another user");
	}
	assert_int_equal(renameat(cache.dir, name, AT_FDCWD, at("moved")), 0);
	assert_int_equal(symlinkat(at("moved"), cache.dir, name), 0);
	is_refused(&cache, fd, "is a link");
	assert_int_equal(unlinkat(cache.dir, name, 0), 0);
	assert_int_equal(mkfifoat(cache.dir, name, 0600), 0);
	is_refused(&cache, fd, "no regular file");
	assert_int_equal(add(&cache, 2, -1, NULL, &err), 0);
	assert_int_equal(renameat(cache.dir, other, cache.dir, name), 0);
	is_refused(&cache, fd, "of another module");
	assert_int_equal(unlinkat(cache.dir, name, 0), 0);
	assert_int_equal(mkdirat(cache.dir, name, 0700), 0);
	cache.complaint.text[0] = '\0';
	assert_int_equal(find(&cache, fd), CACHE_UNKNOWN);
	assert_true(add(&cache, 1, -1, NULL, &err) < 0); /* that is for a person to remove */
	cache_deinit(&cache);
	close(fd);
}

static void damaged_artifacts_are_refused(void **state)
{
	char name[CACHE_ENTRY_TEXT];
	struct cache cache;
	int fd = filled(&cache, "c"), file;
	static const off_t sizes[] = {0, 100, 4096, 10000};

	(void)state;
	entry_name(name, 1);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(fchmodat(cache.dir, name, 0600, 0), 0);
		file = openat(cache.dir, name, O_RDWR | O_CLOEXEC);
		assert_int_equal(ftruncate(file, sizes[i]), 0);
		close(file);
		is_refused(&cache, fd, name);
	}
	assert_int_equal(fchmodat(cache.dir, name, 0600, 0), 0);
	file = openat(cache.dir, name, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(file, "x", 1, 200), 1);
	close(file);
	is_refused(&cache, fd, name);
	cache_deinit(&cache);
	close(fd);
}

static bool has(struct cache *cache, uint8_t fill)
{
	char name[CACHE_ENTRY_TEXT];

	entry_name(name, fill);
	return faccessat(cache->dir, name, F_OK, 0) == 0;
}

/* -- Written by others -------------------------------------------------------------------------- */

struct other_writer {
	uint8_t fill; /* of the module it writes the artifact of */
	bool other_options;
	int answer;
	off_t change; /* a byte there is another; 0: none */
	off_t grow; /* so many bytes more */
	unsigned asked;
};

static int write_as_told(void *env, int fd, struct err *err)
{
	struct other_writer *w = env;
	struct artifact_id id = wanted();
	struct image *image = image_new(PADDING + 12);
	char byte;

	w->asked++;
	assert_int_equal(put_module(image_input(image), w->fill), PADDING + 12);
	sha256(image_input(image), PADDING + 12, id.module);
	id.options ^= w->other_options ? ARTIFACT_FUSED : 0;
	assert_int_equal(decode(&image, feature_default(), err), 0);
	assert_int_equal(artifact_write(fd, image, &id, err), 0);
	image_free(image);
	if (w->change != 0) {
		assert_int_equal(pread(fd, &byte, 1, w->change), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, w->change), 1);
	}
	if (w->grow != 0)
		assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) + w->grow), 0);
	return w->answer == 0 ? 0 : err_set(err, w->answer, "as told");
}

static int write_rubbish(void *env, int fd, struct err *err)
{
	char rubbish[9000];

	(void)err;
	((struct other_writer *)env)->asked++;
	memset(rubbish, 'x', sizeof(rubbish));
	assert_int_equal(write(fd, rubbish, sizeof(rubbish)), sizeof(rubbish));
	return 0;
}

static int write_nothing(void *env, int fd, struct err *err)
{
	(void)fd;
	(void)err;
	((struct other_writer *)env)->asked++;
	return 0;
}

/* Neither an entry nor a file on the way to be one. */
static bool has_any(struct cache *cache, uint8_t fill)
{
	char temporary[sizeof(CACHE_TEMPORARY) + CACHE_ENTRY_TEXT] = CACHE_TEMPORARY;

	entry_name(temporary + strlen(CACHE_TEMPORARY), fill);
	return has(cache, fill) || faccessat(cache->dir, temporary, F_OK, 0) == 0;
}

static void what_others_write_is_looked_at(void **state)
{
	struct {
		cache_write_fn *write;
		struct other_writer how;
		int result;
		const char *words;
	} cases[] = {
		{write_as_told, {.fill = 1, .answer = -EIO}, -EIO, "as told"},
		{write_as_told, {.fill = 1, .answer = 1}, 1, "as told"},
		{write_as_told, {.fill = 1, .answer = 4711}, 4711, "as told"},
		{write_as_told, {.fill = 2}, -EBADMSG, "of another module"},
		{write_as_told, {.fill = 1, .other_options = true}, -EBADMSG, "other options"},
		{write_as_told, {.fill = 1, .change = 300}, -EBADMSG, "head was changed"},
		{write_as_told, {.fill = 1, .change = 9000}, -EBADMSG, "content was changed"},
		{write_as_told, {.fill = 1, .grow = 1}, -EBADMSG, "was written with"},
		{write_as_told, {.fill = 1, .grow = -1}, -EBADMSG, "was written with"},
		{write_rubbish, {.fill = 1}, -EBADMSG, "no artifact"},
		{write_nothing, {.fill = 1}, -EBADMSG, "no artifact"},
		{write_as_told, {.fill = 1}, 0, ""},
	};
	uint8_t bytes[PADDING + 100];
	struct artifact_id id = wanted();
	struct cache cache;
	struct stat st;
	struct err err;
	int fd = write_module("m.wasm", 1, &st);

	(void)state;
	sha256(bytes, put_module(bytes, 1), id.module);
	assert_int_equal(cache_init(&cache, at("c")), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct cache_writer writer = {cases[i].write, &cases[i].how};

		err.text[0] = '\0';
		assert_false(has_any(&cache, 1));
		assert_int_equal(cache_add_written(&cache, &writer, &id, fd, &st, &err),
				 cases[i].result);
		assert_int_equal(cases[i].how.asked, 1);
		assert_non_null(strstr(err.text, cases[i].words));
		assert_int_equal(find(&cache, fd),
				 cases[i].result == 0 ? CACHE_HIT : CACHE_UNKNOWN);
		assert_false(has_any(&cache, 2));
	}
	/* What is there and whole is not written again; what is damaged is. */
	for (unsigned damaged = 0; damaged < 2; damaged++) {
		struct other_writer how = {.fill = 1};
		const struct cache_writer writer = {write_as_told, &how};
		char name[CACHE_ENTRY_TEXT];
		int file;

		entry_name(name, 1);
		assert_int_equal(fchmodat(cache.dir, name, 0600, 0), 0);
		file = openat(cache.dir, name, O_RDWR | O_CLOEXEC);
		if (damaged != 0)
			assert_int_equal(pwrite(file, "!", 1, 9000), 1);
		close(file);
		assert_int_equal(cache_add_written(&cache, &writer, &id, fd, &st, &err), 0);
		assert_int_equal(how.asked, damaged);
		assert_int_equal(find(&cache, fd), CACHE_HIT);
	}
	cache_deinit(&cache);
	close(fd);
}

/* -- Keeping ----------------------------------------------------------------------------------- */

static int count(void *env, const struct cache_entry *entry)
{
	unsigned *n = env;

	if (entry->is_ours)
		assert_int_equal(entry->module_bytes, PADDING + 12);
	(*n)++;
	return 0;
}

static unsigned counted(struct cache *cache)
{
	unsigned n = 0;
	struct err err;

	assert_int_equal(cache_list(cache, count, &n, &err), 0);
	return n;
}

/* Used so many seconds ago. */
static void age(struct cache *cache, uint8_t fill, int64_t seconds)
{
	struct timespec now, times[2];
	char name[CACHE_ENTRY_TEXT];

	clock_gettime(CLOCK_REALTIME, &now);
	times[0] = times[1] = (struct timespec){.tv_sec = now.tv_sec - seconds};
	entry_name(name, fill);
	assert_int_equal(utimensat(cache->dir, name, times, 0), 0);
}

static void the_longest_unused_goes_first(void **state)
{
	struct cache_limits limits = {UINT64_MAX, 1000};
	struct cache_pruned pruned;
	struct cache cache;
	struct stat st;
	struct err err;
	char name[CACHE_ENTRY_TEXT];

	(void)state;
	assert_int_equal(cache_init(&cache, at("c")), 0);
	assert_int_equal(counted(&cache), 0);
	assert_int_equal(cache_prune(&cache, &limits, &pruned, &err), 0);
	for (uint8_t fill = 1; fill <= 5; fill++) {
		assert_int_equal(add(&cache, fill, -1, NULL, &err), 0);
		age(&cache, fill, fill * 300);
	}
	age(&cache, 5, -5000); /* a clock was set back: as if used now */
	assert_int_equal(counted(&cache), 5);
	assert_int_equal(cache_prune(&cache, &limits, &pruned, &err), 0);
	assert_int_equal(pruned.count, 1);
	assert_int_equal(pruned.kept_count, 4);
	assert_false(has(&cache, 4));
	entry_name(name, 1);
	assert_int_equal(fstatat(cache.dir, name, &st, 0), 0);
	limits = (struct cache_limits){(uint64_t)st.st_blocks * 512 * 2, UINT64_MAX};
	assert_int_equal(cache_prune(&cache, &limits, &pruned, &err), 0);
	assert_int_equal(pruned.count, 2);
	assert_true(has(&cache, 5) && has(&cache, 1));
	limits.bytes = 0;
	assert_int_equal(cache_prune(&cache, &limits, &pruned, &err), 0);
	assert_int_equal(counted(&cache), 0);
	cache_deinit(&cache);
}

static void make_file(int dir, const char *name, int64_t seconds)
{
	struct timespec now, times[2];
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	clock_gettime(CLOCK_REALTIME, &now);
	times[0] = times[1] = (struct timespec){.tv_sec = now.tv_sec - seconds};
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static void what_is_left_over_goes(void **state)
{
	static const char other[] = "c/00112233445566778899aabbccddeeff";
	struct cache_limits limits = {UINT64_MAX, UINT64_MAX};
	struct cache_pruned pruned;
	struct cache cache;
	struct err err;
	int fd = filled(&cache, "c"), dir;

	(void)state;
	make_file(cache.dir, "tmp-old", 4000);
	make_file(cache.dir, "tmp-ahead", -4000);
	make_file(cache.dir, "tmp-new", 10);
	make_file(cache.dir, "notes", 9000);
	assert_int_equal(symlinkat("nowhere", cache.dir, "at-0-0"), 0);
	assert_int_equal(mkdir(at(other), 0700), 0);
	dir = open(at(other), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(dir,
		  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-00000000.skiff",
		  0);
	close(dir);
	assert_int_equal(counted(&cache), 2);
	assert_int_equal(cache_prune(&cache, &limits, &pruned, &err), 0);
	assert_int_equal(pruned.kept_count, 2);
	assert_int_equal(faccessat(cache.dir, "tmp-old", F_OK, 0), -1);
	assert_int_equal(faccessat(cache.dir, "tmp-ahead", F_OK, 0), -1);
	assert_int_equal(faccessat(cache.dir, "tmp-new", F_OK, 0), 0);
	assert_int_equal(faccessat(cache.dir, "notes", F_OK, 0), 0);
	assert_int_equal(faccessat(cache.dir, "at-0-0", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(find(&cache, fd), CACHE_HIT);
	limits.bytes = 0;
	assert_int_equal(cache_prune(&cache, &limits, &pruned, &err), 0);
	assert_int_equal(access(at(other), F_OK), -1);
	cache_deinit(&cache);
	close(fd);
}

static void a_removed_directory_is_made_again(void **state)
{
	char engine[CACHE_ENGINE_TEXT], name[100];
	struct cache cache;
	struct err err;

	(void)state;
	assert_int_equal(cache_init(&cache, at("c")), 0);
	assert_int_equal(mkdir(at("c"), 0700), 0);
	cache_name_engine(engine);
	snprintf(name, sizeof(name), "c/%s", engine);
	assert_int_equal(mkdir(at(name), 0700), 0);
	cache_enter(&cache);
	assert_true(cache.dir >= 0);
	assert_int_equal(rmdir(at(name)), 0);
	assert_int_equal(rmdir(at("c")), 0);
	assert_int_equal(add(&cache, 1, -1, NULL, &err), 0);
	assert_true(has(&cache, 1));
	cache_deinit(&cache);
}

static int verify_each(void *env, const struct cache_entry *entry)
{
	struct err err;

	return cache_verify(env, entry, &err);
}

static void verifying_removes_what_was_changed(void **state)
{
	char name[CACHE_ENTRY_TEXT];
	struct cache cache;
	struct stat st;
	struct err err;
	int fd = filled(&cache, "c"), file;

	(void)state;
	assert_int_equal(cache_list(&cache, verify_each, &cache, &err), 0);
	entry_name(name, 1);
	assert_int_equal(fchmodat(cache.dir, name, 0600, 0), 0);
	file = openat(cache.dir, name, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(file, &st), 0);
	assert_int_equal(pwrite(file, "x", 1, st.st_size / 2), 1);
	close(file);
	assert_int_equal(find(&cache, fd), CACHE_HIT); /* which starts do not see */
	assert_int_equal(cache_list(&cache, verify_each, &cache, &err), ARTIFACT_DAMAGED);
	assert_false(has(&cache, 1));
	assert_int_equal(find(&cache, fd), CACHE_UNKNOWN);
	cache_deinit(&cache);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_known_again),
		TEST(identity_needs_an_honest_file_system),
		cmocka_unit_test(times_rest_before_they_count),
		TEST(sample_sees_both_ends_and_the_middle),
		TEST(what_is_added_is_found),
		TEST(a_rested_file_is_found_unread),
		TEST(directories_others_write_to_are_not_used),
		TEST(directories_of_others_are_not_used),
		TEST(what_is_no_directory_is_told),
		TEST(foreign_artifacts_are_refused),
		TEST(damaged_artifacts_are_refused),
		TEST(what_others_write_is_looked_at),
		TEST(the_longest_unused_goes_first),
		TEST(what_is_left_over_goes),
		TEST(a_removed_directory_is_made_again),
		TEST(verifying_removes_what_was_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
