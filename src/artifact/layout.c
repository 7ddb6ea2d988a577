/* SPDX-License-Identifier: Apache-2.0 */
#include "artifact/layout.h"

#include <string.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#else
#define MACHINE EM_NONE
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DATA ELFDATA2LSB
#else
#define DATA ELFDATA2MSB
#endif

const struct artifact_table artifact_tables[ARTIFACT_TABLES] = {
#define TABLE(field, type) {offsetof(struct image, field), sizeof(type)}
	TABLE(types, struct type_def),
	TABLE(type_words, uint32_t),
	TABLE(imports, struct image_import),
	TABLE(exports, struct image_export),
	TABLE(tables, struct image_table),
	TABLE(memories, struct image_memory),
	TABLE(globals, struct image_global),
	TABLE(tags, uint32_t),
	TABLE(elements, struct image_element),
	TABLE(datas, struct image_data),
	TABLE(bytes, uint8_t),
	TABLE(funcs, struct image_func),
	TABLE(side, struct image_side),
	TABLE(local_slots, uint16_t),
	TABLE(tries, struct image_try),
	TABLE(catches, struct image_catch),
	TABLE(items, uint32_t),
	TABLE(sections, struct image_section),
#undef TABLE
};

_Static_assert(offsetof(struct image, catches) - offsetof(struct image, bytes) ==
		       (ARTIFACT_TABLES - 1) * sizeof(struct image_span),
	       "every span of an image stands in the table");

void artifact_elf_header(Elf64_Ehdr *elf)
{
	*elf = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, DATA, EV_CURRENT,
			    ELFOSABI_NONE},
		.e_type = ET_DYN,
		.e_machine = MACHINE,
		.e_version = EV_CURRENT,
		.e_phoff = offsetof(struct artifact_start, phdrs),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = ARTIFACT_PHDRS,
		.e_shentsize = sizeof(Elf64_Shdr),
	};
}

uint64_t artifact_check(const struct artifact_start *start)
{
	const uint8_t *at = (const uint8_t *)start;
	const uint8_t *end = (const uint8_t *)&start->head.check;
	uint64_t sum = ARTIFACT_MAGIC, word;

	for (; at < end; at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	return sum;
}
