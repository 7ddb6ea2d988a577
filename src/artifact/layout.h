/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h: the first bytes of an artifact, written by write.c and compared by open.c.
 *
 * The head is the content of an ELF note, so `readelf -n` finds it; the image follows it in the same page, so that an opening
 * touches one page to know what it has.
 */
#ifndef ARTIFACT_LAYOUT_H
#define ARTIFACT_LAYOUT_H

#include <elf.h>

#include "artifact/artifact.h"

enum { ARTIFACT_PHDRS = 3 /* image, memory, note */ };

struct artifact_start {
	Elf64_Ehdr elf;
	Elf64_Phdr phdrs[ARTIFACT_PHDRS];
	uint32_t reserved; /* puts the head at a multiple of 8 */
	Elf64_Nhdr note;
	char note_name[8];
	struct artifact_head head;
};

#define ARTIFACT_NOTE_NAME "Skiff"
#define ARTIFACT_IMAGE_AT 512

_Static_assert(offsetof(struct artifact_start, head) == 256, "docs/artifact.md says so");
_Static_assert(sizeof(struct artifact_start) <= ARTIFACT_IMAGE_AT, "the image comes behind it");
_Static_assert(sizeof(ARTIFACT_NOTE_NAME) <= 8, "the name has eight bytes");

/*
 * The tables of an image in the order they lie in an artifact: first what an instance is made of, all together so that a
 * cold start reads it at once, then the module's bytes and what single functions need.
 */
struct artifact_table {
	uint16_t span; /* offset in struct image */
	uint16_t item; /* bytes of one */
};
enum { ARTIFACT_TABLES = 18 };
extern const struct artifact_table artifact_tables[ARTIFACT_TABLES];

static inline const struct image_span *artifact_span_of(const struct image *image,
							const struct artifact_table *table)
{
	return (const void *)((const uint8_t *)image + table->span);
}

/* The ELF header all artifacts of this machine share; what differs is 0. */
void artifact_elf_header(Elf64_Ehdr *elf);

/* Of all bytes in front of head.check: tells a torn or bent head from a whole one, not a forged one. */
uint64_t artifact_check(const struct artifact_start *start);

#endif
