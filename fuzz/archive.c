/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.c (fuzz): any archive into a store (image/archive.h), and out of it again.
 *
 * An input that begins with '%' is no tar, since nobody guesses checksums and digests: it is a list of entries, of which one is made.
 * An entry is a line "%KIND NAME", and then what is in it, until the next line that begins with '%'. KIND is f, d, l, h or c: a file, a
 * directory, links of both kinds, a device. "$N" stands for the digest of entry N, one before it (in a name: as a path), "#N" for its size.
 *
 * Beyond the sanitizers: a refusal comes with its sentence; whatever came of it, all that has a name in the store is whole; what was
 * loaded can be saved, and that loads again as the same.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "base/io.h"
#include "image/archive_parts.h"
#include "oci/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { ENTRIES_MOST = 32, CONTENT_MOST = 1 << 20, BLOCK = 512 };

static char folder[] = "/dev/shm/skiff-fuzz-XXXXXX"; /* where fsync() costs nothing */
static char saved[sizeof(folder) + sizeof("/saved")];
static struct store store;

static void require(bool truth)
{
	if (!truth)
		abort();
}

/* -- The store ------------------------------------------------------------------------------------------ */

static void end(void)
{
	char command[64];

	store_close(&store);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	require(system(command) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[sizeof(folder) + sizeof("/store")];

	(void)argc;
	(void)argv;
	if (mkdtemp(folder) == NULL) {
		strcpy(folder, "/tmp/skiff-fuzz-XXXXXX");
		require(mkdtemp(folder) != NULL);
	}
	snprintf(path, sizeof(path), "%s/store", folder);
	snprintf(saved, sizeof(saved), "%s/saved", folder);
	setenv("XDG_RUNTIME_DIR", folder, 1);
	require(store_open(&store, path, NULL) == 0);
	store.quiet = true;
	return atexit(end);
}

/* As it was at first: what one input leaves is of no use to the next. */
static void clear(void)
{
	struct store_freed freed;
	struct image_index index;

	require(store_list(&store, &index, NULL) == 0);
	for (uint32_t i = 0; i < index.count; i++) {
		struct reference name;

		require(reference_parse(&name,
					image_note(&index.manifests[i].notes, STORE_REF_NAME),
					NULL) == 0);
		require(store_unname(&store, &name, NULL) == 0);
	}
	image_index_deinit(&index);
	require(store_collect(&store, true, &freed, NULL) == 0 && !freed.later);
}

/* -- An archive of entries ---------------------------------------------------------------------------------- */

struct made {
	struct oci_digest digests[ENTRIES_MOST];
	size_t sizes[ENTRIES_MOST];
	size_t count;
	struct buf content; /* of the entry at hand */
	struct buf tar;
};

static void put(struct buf *to, const void *bytes, size_t size)
{
	if (to->size + size <= CONTENT_MOST)
		require(buf_put(to, bytes, size) != NULL);
}

/* With what $ and # stand for. */
static void put_text(const struct made *made, struct buf *to, const char *text, size_t size,
		     bool is_name)
{
	for (size_t i = 0; i < size; i++) {
		size_t number = i + 1 < size ? (size_t)(text[i + 1] - '0') : ENTRIES_MOST;
		char word[OCI_DIGEST_ROOM];

		if ((text[i] != '$' && text[i] != '#') || number >= made->count || number > 9) {
			put(to, &text[i], 1);
			continue;
		}
		snprintf(word, sizeof(word), "%zu", made->sizes[number]);
		if (text[i] == '$')
			strcpy(word, made->digests[number].text);
		if (text[i] == '$' && is_name)
			*strchr(word, ':') = '/';
		put(to, word, strlen(word));
		i++;
	}
}

/* A header of ustar, whose checksum is right. */
static void put_header(struct buf *tar, const char *name, char type, const char *link, size_t size)
{
	char head[BLOCK] = "";
	unsigned sum = 0;

	snprintf(head, 100, "%s", name);
	memcpy(head + 100, "0000644\0000000000\0000000000", 24);
	snprintf(head + 124, 12, "%011zo", size);
	memcpy(head + 136, "00000000000\0        ", 20);
	head[156] = type;
	snprintf(head + 157, 100, "%s", link);
	memcpy(head + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)head[i];
	snprintf(head + 148, 8, "%06o", sum);
	put(tar, head, BLOCK);
}

static void put_entry(struct made *made, char kind, const char *name)
{
	static const char kinds[] = "fdlhc", types[] = "05213";
	const char *place = kind != '\0' ? strchr(kinds, kind) : NULL;
	char type = place != NULL ? types[place - kinds] : '0';
	bool is_link = type == '2' || type == '1';
	size_t size = made->content.size;
	static const char zeros[BLOCK];

	put(&made->content, "", 1);
	put_header(&made->tar, name, type, is_link ? (const char *)made->content.data : "",
		   type == '0' ? size : 0);
	if (type == '0') {
		put(&made->tar, made->content.data, size);
		put(&made->tar, zeros, align_up(size, BLOCK) - size);
	}
	hash_of(made->content.data, size, &made->digests[made->count]);
	made->sizes[made->count++] = size;
}

/* From the '%' of an entry; how much it is. */
static size_t take_entry(struct made *made, const char *text, size_t size)
{
	const char *line = memchr(text, '\n', size);
	const char *next =
		line != NULL ? memmem(line, size - (size_t)(line - text), "\n%", 2) : NULL;
	size_t head = line != NULL ? (size_t)(line - text) : size;
	size_t whole = next != NULL ? (size_t)(next + 1 - text) : size;
	struct buf name = {0};

	if (head > 3)
		put_text(made, &name, text + 3, head - 3, true);
	put(&name, "", 1);
	made->content.size = 0;
	if (line != NULL && whole > head + 1)
		put_text(made, &made->content, line + 1, whole - head - 1 - (next != NULL), false);
	put_entry(made, size > 1 ? text[1] : 'f', (const char *)name.data);
	buf_deinit(&name);
	return whole;
}

static void make(struct made *made, const char *text, size_t size)
{
	static const char zeros[2 * BLOCK];

	while (size > 0 && made->count < ENTRIES_MOST) {
		size_t taken = take_entry(made, text, size);

		text += taken;
		size -= taken;
	}
	put(&made->tar, zeros, sizeof(zeros));
}

/* -- In and out --------------------------------------------------------------------------------------------------- */

static int need(void *context, const struct image_descriptor *blob, struct err *err)
{
	(void)context;
	return archive_walk_check(&store, blob, err);
}

static void check_store(void)
{
	struct image_index index;
	struct err err;

	require(store_list(&store, &index, &err) == 0);
	for (uint32_t i = 0; i < index.count; i++)
		require(archive_walk(&store, &index.manifests[i], need, NULL, &err) == 0);
	image_index_deinit(&index);
}

static void save_again(const struct buf *loaded)
{
	const struct archive_image *image = BUF_ITEM(loaded, struct archive_image, 0);
	char word[REFERENCE_ROOM];
	char *words[] = {word, NULL};
	struct archive_save save = {.path = saved, .words = words, .count = 1};
	struct buf again = {0};

	reference_text(&image->name, word);
	require(archive_save(&store, &save, NULL) == 0);
	save.format = ARCHIVE_DOCKER;
	require(archive_save(&store, &save, NULL) <= 0);
	save.format = ARCHIVE_OCI;
	require(archive_save(&store, &save, NULL) == 0);
	clear();
	require(archive_load(&store, saved, NULL, &again, NULL) == 0);
	require(again.size == sizeof(*image));
	require(memcmp(again.data, image, sizeof(*image)) == 0);
	buf_deinit(&again);
	check_store();
}

/* The last of one name counts. */
static bool is_alone(const struct buf *loaded)
{
	return BUF_COUNT(loaded, struct archive_image) == 1;
}

static void load(const void *bytes, size_t size)
{
	struct buf loaded = {0};
	struct err err = {""};
	char path[32];
	int fd = memfd_create("archive", MFD_CLOEXEC), rc;

	require(fd >= 0 && io_write(fd, bytes, size) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = archive_load(&store, path, NULL, &loaded, &err);
	close(fd);
	require(rc <= 0 && (rc == 0 || err.text[0] != '\0'));
	require(rc < 0 || loaded.size > 0);
	check_store();
	if (rc == 0 && is_alone(&loaded))
		save_again(&loaded);
	buf_deinit(&loaded);
	clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct made made = {.count = 0};

	if (size > 0 && data[0] == '%') {
		make(&made, (const char *)data, size);
		load(made.tar.data, made.tar.size);
	} else {
		load(data, size);
	}
	buf_deinit(&made.content);
	buf_deinit(&made.tar);
	return 0;
}
