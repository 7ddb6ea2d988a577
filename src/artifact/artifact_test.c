/* SPDX-License-Identifier: Apache-2.0 */
/* artifact_test.c: an image goes into a file and comes out the same, or the file is refused with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifact/layout.h"
#include "base/base.h"
#include "wasm/code_bytes.h"
#include "wasm/decode.h"
#include "wasm/feature.h"

/* Two pages; "ab" at 5, "cd" at 70000; function 0, called "sum", adds; function 1 has no name. */
static const uint8_t module[] = {MODULE(
	SECTION(1, 1, FUNC_TYPE(2, I32, I32, 1, I32)), SECTION(3, 2, 0, 0), SECTION(5, 1, 0, 2),
	SECTION(7, 1, EXPORT_FUNC('s', 0)),
	SECTION(10, 2, BODY(0, GET(0), GET(1), ADD, END), BODY(0, GET(0), GET(1), SUB, END)),
	SECTION(11, 2, 0, C32(5), END, 2, 'a', 'b', 0, 0x41, 0xf0, 0xa2, 0x04, END, 2, 'c', 'd'),
	SECTION(0, 4, 'n', 'a', 'm', 'e', 1, 6, 1, 0, 3, 's', 'u', 'm'))};

static struct image *decoded(const uint8_t *bytes, size_t size)
{
	struct image *image = image_new(size);
	struct err err;

	memcpy(image_input(image), bytes, size);
	assert_int_equal(decode(&image, feature_default(), &err), 0);
	return image;
}

static struct artifact_id id_of(const uint8_t *bytes, size_t size)
{
	struct artifact_id id = {.features = 7, .options = ARTIFACT_FUSED};

	sha256(bytes, size, id.module);
	memcpy(id.engine, artifact_engine, sizeof(id.engine));
	return id;
}

static int written(void)
{
	struct image *image = decoded(module, sizeof(module));
	struct artifact_id id = id_of(module, sizeof(module));
	int fd = memfd_create("artifact", MFD_CLOEXEC);
	struct err err;

	artifact_fuse(image);
	assert_int_equal(artifact_write(fd, image, &id, &err), 0);
	image_free(image);
	return fd;
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

/* Where a header's spans end. */
#define SCALARS (offsetof(struct image, catches) + sizeof(struct image_span))

static void comes_back_the_same(void **state)
{
	struct image *image = decoded(module, sizeof(module));
	struct artifact_id wanted = id_of(module, sizeof(module));
	struct artifact a;
	struct err err;

	(void)state;
	artifact_fuse(image);
	assert_int_equal(artifact_open(&a, written(), &err), 0);
	assert_memory_equal((const uint8_t *)a.image + SCALARS, (const uint8_t *)image + SCALARS,
			    sizeof(*image) - SCALARS);
	for (size_t i = 0; i < ARTIFACT_TABLES; i++) {
		const struct image_span *was = artifact_span_of(image, &artifact_tables[i]);
		const struct image_span *is = artifact_span_of(a.image, &artifact_tables[i]);

		assert_int_equal(is->count, was->count);
		assert_memory_equal((const uint8_t *)a.image + is->at,
				    (const uint8_t *)image + was->at,
				    was->count * artifact_tables[i].item);
	}
	assert_true(artifact_fits(&a, &wanted, &err));
	assert_int_equal(artifact_verify(&a, &err), 0);
	image_free(image);
	artifact_close(&a);
}

static void memory_lies_in_it(void **state)
{
	struct artifact a;
	struct err err;
	uint8_t *memory;

	(void)state;
	assert_int_equal(artifact_open(&a, written(), &err), 0);
	assert_int_equal(a.memory.fd, a.fd);
	assert_int_equal(a.memory.begin, 0);
	assert_int_equal(a.memory.end, 73728);
	memory = (uint8_t *)a.map + a.memory.at;
	assert_memory_equal(memory + 5, "ab", 3);
	assert_memory_equal(memory + 70000, "cd", 3);
	artifact_close(&a);
}

/* Data may come late, or not at all: then there is no memory to map. */
static void memory_may_be_none(void **state)
{
	static const uint8_t none[] = {MODULE(SECTION(5, 1, 0, 1))};
	static const uint8_t late[] = {MODULE(
		SECTION(5, 1, 0, 1), SECTION(11, 1, 0, 0x41, 0xff, 0xff, 0x03, END, 2, 1, 2))};
	const struct {
		const uint8_t *bytes;
		size_t size;
	} examples[] = {{none, sizeof(none)}, {late, sizeof(late)}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		struct image *image = decoded(examples[i].bytes, examples[i].size);
		struct artifact_id id = id_of(examples[i].bytes, examples[i].size);
		int fd = memfd_create("artifact", MFD_CLOEXEC);
		struct artifact a;
		struct err err;

		assert_int_equal(artifact_write(fd, image, &id, &err), 0);
		assert_int_equal(artifact_open(&a, fd, &err), 0);
		assert_int_equal(a.memory.fd, -1);
		artifact_close(&a);
		image_free(image);
	}
}

static void what_differs_is_told(void **state)
{
	const struct artifact_id right = id_of(module, sizeof(module));
	struct artifact_id wanted;
	struct artifact a;
	struct err err;

	(void)state;
	assert_int_equal(artifact_open(&a, written(), &err), 0);
	wanted = right;
	wanted.engine[15] ^= 1;
	assert_false(artifact_fits(&a, &wanted, &err));
	assert_string_equal(err.text, "it was made by another build of Skiff");
	wanted = right;
	wanted.module[0] ^= 1;
	assert_false(artifact_fits(&a, &wanted, &err));
	assert_string_equal(err.text, "it is of another module");
	wanted = right;
	wanted.features ^= 1;
	assert_false(artifact_fits(&a, &wanted, &err));
	assert_string_equal(err.text, "it was made with other options");
	wanted = right;
	wanted.options = 0;
	assert_false(artifact_fits(&a, &wanted, &err));
	artifact_close(&a);
}

/* Code wants what it was made for, and runs where there is more. */
static void other_cpus_are_told(void **state)
{
	struct image *image = decoded(module, sizeof(module));
	struct artifact_id id = id_of(module, sizeof(module)), here = id;
	int fd = memfd_create("artifact", MFD_CLOEXEC);
	struct artifact a;
	struct err err;

	(void)state;
	id.cpu = 5;
	assert_int_equal(artifact_write(fd, image, &id, &err), 0);
	assert_int_equal(artifact_open(&a, fd, &err), 0);
	here.cpu = 4;
	assert_false(artifact_fits(&a, &here, &err));
	assert_string_equal(err.text, "its code needs a CPU with more features");
	here.cpu = 7;
	assert_true(artifact_fits(&a, &here, &err));
	artifact_close(&a);
	image_free(image);
}

/* Open a copy of the artifact in which `size` bytes at `at` are others; whatever its check sum says if `sealed`. */
static int open_changed(off_t at, const void *bytes, size_t size, bool sealed, struct err *err)
{
	int fd = written();
	struct artifact_start start;
	struct artifact a;
	int error;

	assert_int_equal(pwrite(fd, bytes, size, at), size);
	if (sealed) {
		assert_int_equal(pread(fd, &start, sizeof(start), 0), sizeof(start));
		start.head.check = artifact_check(&start);
		assert_int_equal(pwrite(fd, &start, sizeof(start), 0), sizeof(start));
	}
	error = artifact_open(&a, fd, err);
	if (error == 0)
		artifact_close(&a);
	return error;
}

static void every_bit_of_the_head_counts(void **state)
{
	uint8_t first[sizeof(struct artifact_start)];
	int fd = written();
	struct err err;

	(void)state;
	assert_int_equal(pread(fd, first, sizeof(first), 0), sizeof(first));
	close(fd);
	for (size_t i = 0; i < sizeof(first); i++) {
		uint8_t bent = first[i] ^ (uint8_t)(1 << i % 8);

		assert_int_not_equal(open_changed((off_t)i, &bent, 1, false, &err), 0);
	}
}

#define HEAD(field) \
	(off_t)(offsetof(struct artifact_start, head) + offsetof(struct artifact_head, field))
#define IN_IMAGE(field) (off_t)(ARTIFACT_IMAGE_AT + offsetof(struct image, field))

/* A wrong number with a right check sum: nothing that is told of lies outside. */
static void layout_is_checked(void **state)
{
	const off_t places[] = {
		HEAD(magic),
		HEAD(version),
		HEAD(file_size),
		HEAD(image.at),
		HEAD(image.size),
		HEAD(memory.at),
		HEAD(memory.size),
		HEAD(memory_begin),
		IN_IMAGE(magic),
		IN_IMAGE(version),
		IN_IMAGE(size),
		IN_IMAGE(bytes.at),
		IN_IMAGE(bytes.count),
		IN_IMAGE(types.at),
		IN_IMAGE(types.count),
		IN_IMAGE(funcs.at),
		IN_IMAGE(funcs.count),
		IN_IMAGE(datas.at),
		IN_IMAGE(exports.count),
		IN_IMAGE(imported_funcs),
		IN_IMAGE(imported_memories),
		IN_IMAGE(start),
		IN_IMAGE(names.at),
		IN_IMAGE(names.size),
		(off_t)offsetof(Elf64_Ehdr, e_machine),
		(off_t)offsetof(Elf64_Ehdr, e_ident),
	};
	const uint32_t wrong = 0x7fffff01;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int error = open_changed(places[i], &wrong, sizeof(wrong), true, &err);

		if (error != ARTIFACT_FOREIGN && error != ARTIFACT_DAMAGED)
			fail_msg("place %zu (at %ld): %d", i, (long)places[i], error);
	}
}

static void every_length_but_its_own_is_refused(void **state)
{
	off_t size = size_of(written());
	struct artifact a;
	struct err err;

	(void)state;
	for (off_t i = 0; i <= size + 4096; i += i < 1024 ? 1 : 509) {
		int fd = written();

		assert_int_equal(ftruncate(fd, i), 0);
		if (i != size)
			assert_int_not_equal(artifact_open(&a, fd, &err), 0);
	}
}

static void a_bent_body_is_found_by_verifying(void **state)
{
	int fd = written();
	off_t places[] = {ARTIFACT_IMAGE_AT + 300, 0, 0};
	struct artifact a;
	struct err err;
	uint8_t byte;

	(void)state;
	places[1] = size_of(fd) / 2;
	places[2] = size_of(fd) - 1;
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		fd = written();
		assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
		assert_int_equal(artifact_open(&a, fd, &err), 0);
		assert_int_equal(artifact_verify(&a, &err), ARTIFACT_DAMAGED);
		artifact_close(&a);
	}
}

static void foreign_files_are_refused(void **state)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int dir = open("/", O_RDONLY | O_CLOEXEC);
	struct artifact a;
	struct err err;

	(void)state;
	assert_int_equal(artifact_open(&a, self, &err), ARTIFACT_FOREIGN);
	assert_int_equal(artifact_open(&a, null, &err), ARTIFACT_FOREIGN);
	assert_int_equal(artifact_open(&a, dir, &err), ARTIFACT_FOREIGN);
	assert_int_equal(artifact_open(&a, -1, &err), -9);
}

static void a_full_disk_is_said(void **state)
{
	struct image *image = decoded(module, sizeof(module));
	struct artifact_id id = id_of(module, sizeof(module));
	int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct err err;

	(void)state;
	if (full >= 0) {
		assert_int_equal(artifact_write(full, image, &id, &err), -28);
		assert_string_equal(err.text, "write an artifact: No space left on device");
		close(full);
	}
	image_free(image);
}

/* ELF's own readers find the function. */
static void has_symbols(void **state)
{
	int fd = written();
	struct artifact_start start;
	Elf64_Shdr s[16];
	Elf64_Sym symbols[2];
	char name[8];

	(void)state;
	assert_int_equal(pread(fd, &start, sizeof(start), 0), sizeof(start));
	assert_in_range(start.elf.e_shnum, 7, 16);
	assert_int_equal(pread(fd, s, sizeof(s[0]) * start.elf.e_shnum, (off_t)start.elf.e_shoff),
			 sizeof(s[0]) * start.elf.e_shnum);
	for (unsigned i = 0; i < start.elf.e_shnum; i++) {
		if (s[i].sh_type != SHT_SYMTAB)
			continue;
		assert_int_equal(s[i].sh_size, sizeof(symbols));
		assert_int_equal(pread(fd, symbols, sizeof(symbols), (off_t)s[i].sh_offset),
				 sizeof(symbols));
		assert_int_equal(
			pread(fd, name, 4, (off_t)(s[s[i].sh_link].sh_offset + symbols[1].st_name)),
			4);
		assert_string_equal(name, "sum");
		assert_int_equal(symbols[1].st_size, 6);
		close(fd);
		return;
	}
	fail_msg("no symbol table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_the_same),
		cmocka_unit_test(memory_lies_in_it),
		cmocka_unit_test(memory_may_be_none),
		cmocka_unit_test(what_differs_is_told),
		cmocka_unit_test(other_cpus_are_told),
		cmocka_unit_test(every_bit_of_the_head_counts),
		cmocka_unit_test(layout_is_checked),
		cmocka_unit_test(every_length_but_its_own_is_refused),
		cmocka_unit_test(a_bent_body_is_found_by_verifying),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(a_full_disk_is_said),
		cmocka_unit_test(has_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
