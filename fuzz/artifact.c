/* SPDX-License-Identifier: Apache-2.0 */
/*
 * artifact.c (fuzz): any bytes as an artifact to open, and any module as one to write.
 *
 * A file that opens has kept what opening promises: its head, all tables of its image and its memory are there to the
 * last byte. A file that does not is refused with a sentence, its descriptor closed. A module that is valid becomes an
 * artifact that opens, verifies, and has image and memory as they were.
 *
 * To begin with there are modules (fuzz/seeds.py); the mutator makes artifacts of them, bends those where numbers
 * stand, and mostly sets right what no bent file would pass: check sum and size.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifact/layout.h"
#include "base/base.h"
#include "exec/memory_image.h"
#include "wasm/decode.h"
#include "wasm/feature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz/artifact: %s\n", what);
	abort();
}

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz-artifact", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size, "memfd");
	return fd;
}

/* -- What opening promises -------------------------------------------------------------------------- */

static volatile unsigned touched;

static void touch(const void *bytes, uint64_t size)
{
	const volatile uint8_t *at = bytes;

	if (size > 0)
		touched += at[0] + at[size / 2] + at[size - 1];
}

/* Behind the file's end its last page is readable too: so by hand. */
static void touch_items(const struct image *image, struct image_span span, size_t item, size_t unit)
{
	if (span.count == 0)
		return;
	require(span.at + (uint64_t)span.count * item <= image->size, "a table out of the image");
	require(span.at % unit == 0, "a table at an odd place");
	touch((const uint8_t *)image + span.at, span.count * (uint64_t)item);
}

#define TOUCH(span, type) touch_items(image, image->span, sizeof(type), _Alignof(type))

static void touch_image(const struct image *image)
{
	TOUCH(bytes, uint8_t);
	TOUCH(types, struct type_def);
	TOUCH(type_words, uint32_t);
	TOUCH(imports, struct image_import);
	TOUCH(exports, struct image_export);
	TOUCH(funcs, struct image_func);
	TOUCH(tables, struct image_table);
	TOUCH(memories, struct image_memory);
	TOUCH(globals, struct image_global);
	TOUCH(tags, uint32_t);
	TOUCH(elements, struct image_element);
	TOUCH(items, uint32_t);
	TOUCH(datas, struct image_data);
	TOUCH(sections, struct image_section);
	TOUCH(side, struct image_side);
	TOUCH(local_slots, uint16_t);
	TOUCH(tries, struct image_try);
	TOUCH(catches, struct image_catch);
	require((uint64_t)image->names.at + image->names.size <= image->bytes.count, "names");
	require(image->imported_funcs <= image->funcs.count &&
			image->imported_tables <= image->tables.count &&
			image->imported_memories <= image->memories.count &&
			image->imported_globals <= image->globals.count &&
			image->imported_tags <= image->tags.count,
		"more imports than items");
	require(image->start == IMAGE_NONE || image->start < image->funcs.count, "start");
}

/* Mapped as an instance maps it; NULL: none. */
static uint8_t *map_memory(const struct artifact *a)
{
	const struct image_memory *memories = IMAGE_ITEMS(a->image, struct image_memory, memories);
	size_t size = a->memory.end - a->memory.begin;
	uint8_t *map;

	if (a->memory.fd < 0)
		return NULL;
	require(a->memory.fd == a->fd && a->memory.begin < a->memory.end, "a memory of no bytes");
	require(a->image->memories.count > 0 &&
			a->memory.end <= memories[0].limits.min * PAGE_BYTES,
		"a memory image behind the memory's end");
	require(a->memory.at + size <= a->size, "a memory behind the file's end");
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, a->memory.fd,
		   (off_t)a->memory.at);
	require(map != MAP_FAILED, "its memory cannot be mapped");
	touch(map, size);
	map[size - 1] = 1;
	return map;
}

static int open_file(struct artifact *a, int fd)
{
	struct err err = {""};
	int error = artifact_open(a, fd, &err);

	if (error == ARTIFACT_OK)
		return 0;
	require(error == ARTIFACT_FOREIGN || error == ARTIFACT_DAMAGED, "another outcome");
	require(strlen(err.text) > 10, "no sentence");
	require(fcntl(fd, F_GETFD) < 0, "the descriptor is open still");
	return error;
}

static void look_at_artifact(const uint8_t *data, size_t size)
{
	int fd = file_of(data, size);
	struct artifact_id id;
	struct artifact a;
	struct err err = {""};
	uint8_t *memory;
	int error;

	if (open_file(&a, fd) != 0)
		return;
	require(a.size == size && a.head->file_size == size, "size");
	id = a.head->id;
	require(artifact_fits(&a, &id, &err), "it does not fit itself");
	id.module[size % SHA256_SIZE] ^= 1;
	require(!artifact_fits(&a, &id, &err), "it fits another module");
	require(a.head->image.at <= size && a.head->image.size <= size - a.head->image.at &&
			a.image->size == a.head->image.size,
		"an image out of the file");
	require((uintptr_t)a.image % 8 == 0, "an image at an odd place");
	touch_image(a.image);
	memory = map_memory(&a);
	if (memory != NULL)
		munmap(memory, a.memory.end - a.memory.begin);
	error = artifact_verify(&a, &err);
	require(error == 0 || (error == ARTIFACT_DAMAGED && strlen(err.text) > 10), "verify");
	artifact_close(&a);
	require(fcntl(fd, F_GETFD) < 0, "the descriptor is open still");
}

/* -- What writing promises ---------------------------------------------------------------------------- */

static bool is_module(const uint8_t *data, size_t size)
{
	return size >= 4 && memcmp(data, "\0asm", 4) == 0;
}

/* NULL: it is not valid. */
static struct image *image_of(const uint8_t *data, size_t size)
{
	struct image *image = image_new(size);
	struct err err = {""};

	require(image != NULL, "no memory");
	memcpy(image_input(image), data, size);
	if (decode(&image, feature_default(), &err) == 0)
		return image;
	image_free(image);
	return NULL;
}

static int artifact_of(struct image *image, const uint8_t *data, size_t size)
{
	struct artifact_id id = {.features = feature_default()};
	int fd = memfd_create("fuzz-artifact", MFD_CLOEXEC);
	struct err err = {""};

	sha256(data, size, id.module);
	memcpy(id.engine, artifact_engine, sizeof(id.engine));
	if (id.module[0] & 1) {
		artifact_fuse(image);
		id.options = ARTIFACT_FUSED;
	}
	require(fd >= 0 && artifact_write(fd, image, &id, &err) == 0, "write");
	return fd;
}

/* What a copying engine would have made of the same pages. */
static void compare_memory(const struct artifact *a, const uint8_t *found)
{
	const struct image_data *datas = IMAGE_ITEMS(a->image, struct image_data, datas);
	size_t size = a->memory.end - a->memory.begin;
	uint8_t *expected = calloc(1, size);

	require(expected != NULL, "no memory");
	for (uint32_t i = 0; i < a->image->datas.count; i++) {
		const struct image_data *d = &datas[i];

		if (d->mode != MODE_ACTIVE || d->memory != 0 || d->bytes.size == 0)
			continue;
		require(d->offset.kind == INIT_VALUE && d->offset.value >= a->memory.begin &&
				d->offset.value + d->bytes.size <= a->memory.end,
			"a segment lies beside the memory's image");
		memcpy(expected + (d->offset.value - a->memory.begin),
		       image_module(a->image) + d->bytes.at, d->bytes.size);
	}
	expected[size - 1] = 1; /* map_memory() has been here */
	require(memcmp(expected, found, size) == 0, "another memory");
	free(expected);
}

/* The tables lie in another order. */
static void compare_images(const struct image *a, const struct image *b)
{
	const size_t scalars = offsetof(struct image, imported_funcs);

	require(a->features == b->features, "other features");
	require(memcmp((const uint8_t *)a + scalars, (const uint8_t *)b + scalars,
		       sizeof(*a) - scalars) == 0,
		"another header");
	for (unsigned i = 0; i < ARTIFACT_TABLES; i++) {
		const struct artifact_table *table = &artifact_tables[i];
		const struct image_span *in_a = artifact_span_of(a, table);
		const struct image_span *in_b = artifact_span_of(b, table);

		require(in_a->count == in_b->count, "a longer or shorter table");
		require(memcmp((const uint8_t *)a + in_a->at, (const uint8_t *)b + in_b->at,
			       (size_t)in_b->count * table->item) == 0,
			"another table");
	}
}

static void look_at_module(const uint8_t *data, size_t size)
{
	struct image *image = image_of(data, size);
	struct artifact a;
	struct err err = {""};
	uint8_t *memory;

	if (image == NULL)
		return;
	require(open_file(&a, artifact_of(image, data, size)) == 0,
		"what was written does not open");
	require(artifact_verify(&a, &err) == 0, "what was written does not verify");
	touch_image(a.image);
	compare_images(a.image, image);
	memory = map_memory(&a);
	if (memory != NULL) {
		compare_memory(&a, memory);
		munmap(memory, a.memory.end - a.memory.begin);
	}
	artifact_close(&a);
	image_free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (is_module(data, size))
		look_at_module(data, size);
	else
		look_at_artifact(data, size);
	return 0;
}

/* -- The mutator ---------------------------------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t random_below(uint32_t count)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % count;
}

/* Make an artifact of the module; 0: it is none, or has no room. */
static size_t convert(uint8_t *data, size_t size, size_t max_size)
{
	struct image *image = image_of(data, size);
	struct stat st;
	int fd;

	if (image == NULL)
		return 0;
	fd = artifact_of(image, data, size);
	image_free(image);
	require(fstat(fd, &st) == 0, "fstat");
	size = (size_t)st.st_size;
	if (size > max_size || pread(fd, data, size, 0) != (ssize_t)size)
		size = 0;
	close(fd);
	return size;
}

/* Where a number to bend stands: half of the time one of the head's, else any of the first bytes or the image's. */
static size_t bend_at(size_t size, size_t width)
{
	static const uint16_t places[] = {
		offsetof(struct artifact_head, file_size),
		offsetof(struct artifact_head, image.at),
		offsetof(struct artifact_head, image.size),
		offsetof(struct artifact_head, memory.at),
		offsetof(struct artifact_head, memory.size),
		offsetof(struct artifact_head, memory_begin),
	};
	size_t end = MIN(size, ARTIFACT_IMAGE_AT + 2 * sizeof(struct image));

	if (random_below(2))
		return offsetof(struct artifact_start, head) +
		       places[random_below(ARRAY_SIZE(places))];
	return random_below((uint32_t)(end / width)) * width;
}

/* It becomes one that lies at some border. */
static void bend(uint8_t *data, size_t size)
{
	size_t width = random_below(4) ? 8 : 4;
	size_t at = bend_at(size, width);
	uint64_t value = 0;
	const uint64_t borders[] = {
		0,
		1,
		8,
		size,
		size - 8,
		size - ARTIFACT_IMAGE_AT,
		sizeof(struct image),
		4096,
		UINT32_MAX,
		INT32_MAX,
		UINT64_MAX,
		UINT64_MAX - 7,
		UINT64_MAX - 4095,
	};

	memcpy(&value, data + at, width);
	switch (random_below(4)) {
	case 0:
		value = borders[random_below(ARRAY_SIZE(borders))];
		break;
	case 1:
		value += (uint64_t)random_below(33) - 16;
		break;
	case 2:
		value = (value / 4096 + random_below(5) - 2) * 4096;
		break;
	default:
		value ^= UINT64_C(1) << random_below((uint32_t)width * 8);
	}
	memcpy(data + at, &value, width);
}

/* What must be right for anything behind it to be looked at. */
static void seal(uint8_t *data, size_t size)
{
	struct artifact_start start;
	uint64_t at;

	memcpy(&start, data, sizeof(start));
	at = start.head.image.at;
	if (random_below(2) && at <= size && size - at >= sizeof(struct image))
		memcpy(data + at + offsetof(struct image, size), &start.head.image.size, 8);
	artifact_elf_header(&start.elf);
	start.head.magic = ARTIFACT_MAGIC;
	start.head.version = ARTIFACT_VERSION;
	start.head.file_size = size;
	if (random_below(4) == 0)
		sha256(data + sizeof(start), size - sizeof(start), start.head.rest);
	start.head.check = artifact_check(&start);
	memcpy(data, &start, sizeof(start));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t converted;

	random_state = seed;
	if (is_module(data, size)) {
		converted = random_below(4) == 0 ? convert(data, size, max_size) : 0;
		return converted > 0 ? converted : LLVMFuzzerMutate(data, size, max_size);
	}
	if (size < ARTIFACT_IMAGE_AT || random_below(4) == 0)
		size = LLVMFuzzerMutate(data, size, max_size);
	else
		for (uint32_t i = random_below(3) + 1; i > 0; i--)
			bend(data, size);
	if (size >= sizeof(struct artifact_start) && random_below(16) != 0)
		seal(data, size);
	return size;
}
