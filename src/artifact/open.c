/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c: map an artifact and look at its head.
 *
 * What is checked takes the same time for every size: the head against its check sum, that all it tells of lies in the file,
 * and that all the image's header tells of lies in the image. What stands in the tables was written by this build after
 * validation, and is believed.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifact/layout.h"
#include "base/base.h"

/* So little is read in one go, wanted or not. */
enum { READ_AHEAD = 128 * 1024 };

/* -- The head ------------------------------------------------------------------------------------ */

static bool is_ours(const struct artifact_start *start)
{
	Elf64_Ehdr expected, found = start->elf;

	artifact_elf_header(&expected);
	found.e_shoff = 0;
	found.e_shnum = found.e_shstrndx = 0;
	return memcmp(&expected, &found, sizeof(found)) == 0 && start->head.magic == ARTIFACT_MAGIC;
}

static bool lies_in(const struct artifact_span *span, uint64_t file_size)
{
	return span->at <= file_size && span->size <= file_size - span->at;
}

static int check_head(const struct artifact_start *start, uint64_t size, struct err *err)
{
	const struct artifact_head *head = &start->head;

	if (!is_ours(start))
		return err_set(err, ARTIFACT_FOREIGN, "it is no artifact of Skiff for this CPU");
	if (head->version != ARTIFACT_VERSION)
		return err_set(err, ARTIFACT_FOREIGN,
			       "it is an artifact of version %u, this engine reads version %u",
			       head->version, ARTIFACT_VERSION);
	if (head->check != artifact_check(start))
		return err_set(err, ARTIFACT_DAMAGED, "its head was changed");
	if (head->file_size != size)
		return err_set(err, ARTIFACT_DAMAGED,
			       "it has %llu bytes, and was written with %llu",
			       (unsigned long long)size, (unsigned long long)head->file_size);
	if (!lies_in(&head->image, size) || !lies_in(&head->memory, size) ||
	    head->image.at % 8 != 0 || head->image.size < sizeof(struct image) ||
	    head->memory.at % MEMORY_IMAGE_PAGE != 0 ||
	    head->memory.size % MEMORY_IMAGE_PAGE != 0 ||
	    head->memory_begin % MEMORY_IMAGE_PAGE != 0)
		return err_set(err, ARTIFACT_DAMAGED, "its layout is impossible");
	return 0;
}

/* -- The image ----------------------------------------------------------------------------------- */

static bool tables_lie_in(const struct image *image)
{
	for (size_t i = 0; i < ARTIFACT_TABLES; i++) {
		const struct artifact_table *table = &artifact_tables[i];
		const struct image_span *span = artifact_span_of(image, table);

		if (span->count == 0)
			continue;
		if (span->at < sizeof(*image) ||
		    span->at + (uint64_t)span->count * table->item > image->size ||
		    (table->item > 1 && span->at % 8 != 0))
			return false;
	}
	return true;
}

static bool is_whole(const struct image *image, uint64_t size)
{
	return image->magic == IMAGE_MAGIC && image->version == IMAGE_VERSION &&
	       image->size == size && tables_lie_in(image) &&
	       image->imported_funcs <= image->funcs.count &&
	       image->imported_tables <= image->tables.count &&
	       image->imported_memories <= image->memories.count &&
	       image->imported_globals <= image->globals.count &&
	       image->imported_tags <= image->tags.count &&
	       (image->start == IMAGE_NONE || image->start < image->funcs.count) &&
	       image->names.at <= image->bytes.count &&
	       image->names.size <= image->bytes.count - image->names.at;
}

static bool memory_fits(const struct image *image, const struct artifact_head *head)
{
	const struct image_memory *memories = IMAGE_ITEMS(image, struct image_memory, memories);
	uint64_t pages = image->memories.count != 0 ? memories[0].limits.min : 0;

	if (head->memory.size == 0)
		return true;
	return image->imported_memories == 0 && pages <= LIMIT_PAGES32 &&
	       head->memory_begin <= pages * PAGE_BYTES &&
	       head->memory.size <= pages * PAGE_BYTES - head->memory_begin;
}

/* -- Opening ------------------------------------------------------------------------------------- */

static void take_memory(struct artifact *a)
{
	const struct artifact_head *head = a->head;

	a->memory = (struct memory_image){
		.fd = head->memory.size != 0 ? a->fd : -1,
		.at = head->memory.at,
		.begin = head->memory_begin,
		.end = head->memory_begin + head->memory.size,
	};
}

static void fetch(const struct artifact *a, uint64_t at, uint64_t end)
{
	at = at / MEMORY_IMAGE_PAGE * MEMORY_IMAGE_PAGE;
	if (at < end && end <= a->size)
		madvise((uint8_t *)a->map + at, end - at, MADV_WILLNEED);
}

/* All that a cold start is going to wait for, asked for at once. */
static void fetch_all(const struct artifact *a)
{
	const struct artifact_head *head = a->head;

	if (a->size <= READ_AHEAD)
		return;
	fetch(a, 0, head->hot_end);
	fetch(a, head->first_func, head->first_func + sizeof(struct image_func));
	fetch(a, head->first_code, head->first_code + 1);
}

static int look(struct artifact *a, struct err *err)
{
	const struct artifact_start *start = a->map;
	int error = check_head(start, a->size, err);

	if (error != 0)
		return error;
	a->head = &start->head;
	a->image = (const void *)((const uint8_t *)a->map + start->head.image.at);
	if (!is_whole(a->image, start->head.image.size) || !memory_fits(a->image, a->head))
		return err_set(err, ARTIFACT_DAMAGED, "its tables lie outside of it");
	take_memory(a);
	fetch_all(a);
	return 0;
}

static int map(struct artifact *a, struct err *err)
{
	struct stat st;

	if (fstat(a->fd, &st) < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)(ARTIFACT_IMAGE_AT + sizeof(struct image)))
		return err_set(err, ARTIFACT_FOREIGN, "it is no artifact");
	a->size = (size_t)st.st_size;
	a->map = mmap(NULL, a->size, PROT_READ, MAP_PRIVATE, a->fd, 0);
	if (a->map == MAP_FAILED) {
		a->map = NULL;
		return err_set(err, -errno, "map %zu bytes: %s", a->size, strerror(errno));
	}
	/* A start touches a page here and there: what the kernel would read around each is megabytes, on some disks. */
	if (a->size > READ_AHEAD)
		madvise(a->map, a->size, MADV_RANDOM);
	return 0;
}

int artifact_open(struct artifact *ret, int fd, struct err *err)
{
	struct artifact a = {.fd = fd, .memory = {.fd = -1}};
	int error = map(&a, err);

	if (error == 0)
		error = look(&a, err);
	if (error != 0)
		artifact_close(&a);
	else
		*ret = a;
	return error;
}

void artifact_close(struct artifact *a)
{
	if (a->map != NULL)
		munmap(a->map, a->size);
	if (a->fd >= 0)
		close(a->fd);
	*a = (struct artifact){.fd = -1, .memory = {.fd = -1}};
}

/* -- Questions ------------------------------------------------------------------------------------- */

bool artifact_fits(const struct artifact *a, const struct artifact_id *wanted, struct err *err)
{
	const struct artifact_id *id = &a->head->id;

	if (memcmp(id->engine, wanted->engine, sizeof(id->engine)) != 0)
		err_set(err, 0, "it was made by another build of Skiff");
	else if (memcmp(id->module, wanted->module, sizeof(id->module)) != 0)
		err_set(err, 0, "it is of another module");
	else if (id->features != wanted->features || id->options != wanted->options)
		err_set(err, 0, "it was made with other options");
	else if ((id->cpu & ~wanted->cpu) != 0)
		err_set(err, 0, "its code needs a CPU with more features");
	else
		return true;
	return false;
}

int artifact_verify(const struct artifact *a, struct err *err)
{
	const uint8_t *rest = (const uint8_t *)(a->head + 1);
	uint8_t digest[SHA256_SIZE];

	sha256(rest, a->size - (size_t)(rest - (const uint8_t *)a->map), digest);
	if (memcmp(digest, a->head->rest, sizeof(digest)) != 0)
		return err_set(err, ARTIFACT_DAMAGED,
			       "its content was changed since it was written");
	return 0;
}
