/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.c: an image as an ELF file.
 *
 * Content first, the first page last: until its check sum is there, the file is no artifact. Addresses in the ELF file are
 * offsets in it, so a symbol is found in the mapping where the file has it.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifact/layout.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/io.h"
#include "wasm/fuse.h"

/* What of a memory may be empty, in favour of mapping it: holes of a file take no room on a disk. */
enum { HOLES = 1 << 20 };

enum { CODE_SECTION = 10 };

enum section { NONE, NOTE, IMAGE, MEMORY, SYMTAB, STRTAB, SHSTRTAB, SECTIONS };

static const char *const section_names[SECTIONS] = {
	"", ".note.skiff", ".skiff.image", ".skiff.memory", ".symtab", ".strtab", ".shstrtab",
};

struct writer {
	int fd;
	const struct image *image; /* as it lies in memory */
	struct image header; /* as it lies in the file: the same tables in another order */
	struct artifact_start start;
	struct memory_image memory; /* fd -1: none */
	struct buf symbols, strings, names; /* owned: .symtab, .strtab, .shstrtab */
	Elf64_Shdr sections[SECTIONS];
	uint64_t end; /* of the file so far */
};

/* -- Symbols ------------------------------------------------------------------------------------- */

static bool add_string(struct buf *strings, const void *bytes, size_t size, uint32_t *ret)
{
	*ret = (uint32_t)strings->size;
	return strings->size < UINT32_MAX - size && buf_reserve(strings, size + 1) == 0 &&
	       buf_put(strings, bytes, size) != NULL && buf_zero(strings, 1) != NULL;
}

static bool add_symbol(struct writer *w, uint32_t index, struct image_bytes name)
{
	const struct image_func *func = image_func(w->image, index);
	Elf64_Sym symbol = {
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = IMAGE,
		.st_value = ARTIFACT_IMAGE_AT + w->header.bytes.at + func->code,
		.st_size = func->code_end - func->code,
	};

	return add_string(&w->strings, image_module(w->image) + name.at, name.size,
			  &symbol.st_name) &&
	       buf_put(&w->symbols, &symbol, sizeof(symbol)) != NULL;
}

/* The functions that have names, at their bytecode. */
static int make_symbols(struct writer *w)
{
	struct image_names walk;
	struct image_bytes name;
	uint32_t index;
	bool fits = buf_zero(&w->symbols, sizeof(Elf64_Sym)) != NULL &&
		    buf_zero(&w->strings, 1) != NULL;

	image_names_begin(&walk, w->image);
	while (fits && image_names_next(&walk, &index, &name))
		if (index >= w->image->imported_funcs && index < w->image->funcs.count)
			fits = add_symbol(w, index, name);
	return fits ? 0 : -ENOMEM;
}

/* -- Sections -------------------------------------------------------------------------------------- */

/* Where the next section begins; its place and size are noted. */
static uint64_t place(struct writer *w, enum section section, uint64_t size, uint64_t unit)
{
	Elf64_Shdr *s = &w->sections[section];

	s->sh_offset = align_up(w->end, unit);
	s->sh_addralign = unit;
	s->sh_size = size;
	w->end = s->sh_offset + size;
	return s->sh_offset;
}

static void describe(struct writer *w, enum section section, uint32_t type, uint64_t flags)
{
	Elf64_Shdr *s = &w->sections[section];

	s->sh_type = type;
	s->sh_flags = flags;
	if (flags & SHF_ALLOC)
		s->sh_addr = s->sh_offset;
}

/* Each table finds its place, and the header says where. */
static void order_tables(struct writer *w)
{
	uint64_t end = sizeof(w->header);

	w->header = *w->image;
	for (size_t i = 0; i < ARTIFACT_TABLES; i++) {
		struct image_span *span = (void *)((uint8_t *)&w->header + artifact_tables[i].span);

		span->at = (uint32_t)align_up(end, 8);
		end = span->at + (uint64_t)span->count * artifact_tables[i].item;
	}
	w->header.size = end;
}

static int write_image(struct writer *w)
{
	uint64_t at = place(w, IMAGE, w->header.size, 8);
	int err = io_write_at(w->fd, &w->header, sizeof(w->header), at);

	for (size_t i = 0; err == 0 && i < ARTIFACT_TABLES; i++) {
		const struct artifact_table *table = &artifact_tables[i];
		const struct image_span *from = artifact_span_of(w->image, table);

		err = io_write_at(w->fd, (const uint8_t *)w->image + from->at,
				  (uint64_t)from->count * table->item,
				  at + artifact_span_of(&w->header, table)->at);
	}
	return err;
}

static int write_memory(struct writer *w)
{
	struct memory_image *m = &w->memory;

	if (!memory_image_extent(w->image, HOLES, m)) {
		*m = (struct memory_image){.fd = -1};
		place(w, MEMORY, 0, MEMORY_IMAGE_PAGE);
		return 0;
	}
	m->fd = w->fd;
	m->at = place(w, MEMORY, m->end - m->begin, MEMORY_IMAGE_PAGE);
	if (ftruncate(w->fd, (off_t)w->end) < 0)
		return -errno;
	return memory_image_write(w->image, m);
}

static int write_buf(struct writer *w, enum section section, const struct buf *buf)
{
	return io_write_at(w->fd, buf->data, buf->size, place(w, section, buf->size, 8));
}

static int write_names(struct writer *w)
{
	for (int i = 0; i < SECTIONS; i++)
		if (!add_string(&w->names, section_names[i], strlen(section_names[i]),
				&w->sections[i].sh_name))
			return -ENOMEM;
	return write_buf(w, SHSTRTAB, &w->names);
}

static int write_sections(struct writer *w)
{
	int err;

	w->sections[NOTE].sh_offset = offsetof(struct artifact_start, note);
	w->sections[NOTE].sh_size = sizeof(w->start) - offsetof(struct artifact_start, note);
	w->sections[NOTE].sh_addralign = 4;
	w->end = ARTIFACT_IMAGE_AT;
	order_tables(w);
	err = write_image(w);
	if (err == 0)
		err = write_memory(w);
	if (err == 0)
		err = make_symbols(w);
	if (err == 0)
		err = write_buf(w, SYMTAB, &w->symbols);
	if (err == 0)
		err = write_buf(w, STRTAB, &w->strings);
	if (err == 0)
		err = write_names(w);
	return err;
}

static int write_section_table(struct writer *w)
{
	describe(w, NOTE, SHT_NOTE, SHF_ALLOC);
	describe(w, IMAGE, SHT_PROGBITS, SHF_ALLOC);
	describe(w, MEMORY, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
	describe(w, SYMTAB, SHT_SYMTAB, 0);
	describe(w, STRTAB, SHT_STRTAB, 0);
	describe(w, SHSTRTAB, SHT_STRTAB, 0);
	w->sections[SYMTAB].sh_link = STRTAB;
	w->sections[SYMTAB].sh_info = 1;
	w->sections[SYMTAB].sh_entsize = sizeof(Elf64_Sym);
	w->start.elf.e_shoff = align_up(w->end, 8);
	w->end = w->start.elf.e_shoff + sizeof(w->sections);
	return io_write_at(w->fd, w->sections, sizeof(w->sections), w->start.elf.e_shoff);
}

/* -- The first page -------------------------------------------------------------------------------- */

static Elf64_Phdr segment(uint32_t type, const Elf64_Shdr *from, uint64_t begin)
{
	uint64_t end = from->sh_offset + from->sh_size;

	return (Elf64_Phdr){
		.p_type = type,
		.p_flags = PF_R | (from->sh_flags & SHF_WRITE ? PF_W : 0),
		.p_offset = begin,
		.p_vaddr = begin,
		.p_paddr = begin,
		.p_filesz = end - begin,
		.p_memsz = end - begin,
		.p_align = type == PT_LOAD ? MEMORY_IMAGE_PAGE : 4,
	};
}

/* Where the code begins in the module: what comes before it are imports, exports and their names. */
static uint64_t code_section(const struct image *image)
{
	const struct image_section *sections = IMAGE_ITEMS(image, struct image_section, sections);

	for (uint32_t i = 0; i < image->sections.count; i++)
		if (sections[i].id == CODE_SECTION)
			return sections[i].content.at;
	return image->bytes.count;
}

/* A command's first function, or the start function. */
static uint32_t first_func(const struct image *image)
{
	const struct image_export *exports = IMAGE_ITEMS(image, struct image_export, exports);
	static const char name[] = "_start";

	for (uint32_t i = 0; image->start == IMAGE_NONE && i < image->exports.count; i++)
		if (exports[i].kind == EXTERN_FUNC && exports[i].name.size == strlen(name) &&
		    memcmp(image_module(image) + exports[i].name.at, name, strlen(name)) == 0)
			return exports[i].index;
	return image->start;
}

static void note_first(struct writer *w)
{
	struct artifact_head *head = &w->start.head;
	uint32_t index = first_func(w->image);

	if (index == IMAGE_NONE || index < w->image->imported_funcs)
		return;
	head->first_func =
		ARTIFACT_IMAGE_AT + w->header.funcs.at + index * sizeof(struct image_func);
	head->first_code =
		ARTIFACT_IMAGE_AT + w->header.bytes.at + image_func(w->image, index)->code;
}

static void fill_start(struct writer *w, const struct artifact_id *id)
{
	struct artifact_start *start = &w->start;
	uint64_t shoff = start->elf.e_shoff;
	const Elf64_Shdr *s = w->sections;

	artifact_elf_header(&start->elf);
	start->elf.e_shoff = shoff;
	start->elf.e_shnum = SECTIONS;
	start->elf.e_shstrndx = SHSTRTAB;
	start->phdrs[0] = segment(PT_LOAD, &s[IMAGE], 0);
	start->phdrs[1] = segment(PT_LOAD, &s[MEMORY], s[MEMORY].sh_offset);
	start->phdrs[2] = segment(PT_NOTE, &s[NOTE], s[NOTE].sh_offset);
	start->note = (Elf64_Nhdr){sizeof(ARTIFACT_NOTE_NAME), sizeof(start->head), 1};
	memcpy(start->note_name, ARTIFACT_NOTE_NAME, sizeof(ARTIFACT_NOTE_NAME));
	start->head.magic = ARTIFACT_MAGIC;
	start->head.version = ARTIFACT_VERSION;
	start->head.file_size = w->end;
	start->head.id = *id;
	start->head.image = (struct artifact_span){s[IMAGE].sh_offset, s[IMAGE].sh_size};
	start->head.memory = (struct artifact_span){s[MEMORY].sh_offset, s[MEMORY].sh_size};
	start->head.memory_begin = w->memory.begin;
	start->head.hot_end = ARTIFACT_IMAGE_AT + w->header.bytes.at + code_section(w->image);
	note_first(w);
}

/* What the disk has, holes too, is what the digest is of. */
static int digest_rest(struct writer *w)
{
	uint8_t *map = mmap(NULL, w->end, PROT_READ, MAP_SHARED, w->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	sha256(map + sizeof(w->start), w->end - sizeof(w->start), w->start.head.rest);
	munmap(map, w->end);
	return 0;
}

/* -- All of it --------------------------------------------------------------------------------------- */

int artifact_write(int fd, const struct image *image, const struct artifact_id *id, struct err *err)
{
	struct writer w = {.fd = fd, .image = image, .memory = {.fd = -1}};
	int error = write_sections(&w);

	if (error == 0)
		error = write_section_table(&w);
	if (error == 0) {
		fill_start(&w, id);
		error = digest_rest(&w);
	}
	if (error == 0) {
		w.start.head.check = artifact_check(&w.start);
		error = io_write_at(w.fd, &w.start, sizeof(w.start), 0);
	}
	buf_deinit(&w.symbols);
	buf_deinit(&w.strings);
	buf_deinit(&w.names);
	return error == 0 ? 0 : err_set(err, error, "write an artifact: %s", strerror(-error));
}

void artifact_fuse(struct image *image)
{
	uint8_t *bytes = image_input(image);

	for (uint32_t i = image->imported_funcs; i < image->funcs.count; i++) {
		struct image_func *func = (struct image_func *)(uintptr_t)image_func(image, i);

		if (!func->fused)
			fuse_body(bytes + func->code, bytes + func->code_end);
		func->fused = 1;
	}
}
