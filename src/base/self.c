/* SPDX-License-Identifier: Apache-2.0 */
#include "base/self.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static const ElfW(Phdr) * headers(size_t *ret_count)
{
	*ret_count = getauxval(AT_PHNUM);
	return (const void *)(uintptr_t)getauxval(AT_PHDR);
}

/* Where the program lies, less where it was linked to lie. */
static uintptr_t moved_by(const ElfW(Phdr) * header, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (header[i].p_type == PT_PHDR)
			return (uintptr_t)header - header[i].p_vaddr;
	return 0;
}

void self_seal(void)
{
	size_t count;
	const ElfW(Phdr) *header = headers(&count);
	uintptr_t moved = header != NULL ? moved_by(header, count) : 0;

	for (size_t i = 0; header != NULL && i < count; i++) {
		uintptr_t begin = moved + header[i].p_vaddr, end = begin + header[i].p_memsz;

		if (header[i].p_type == PT_GNU_RELRO)
			mprotect((void *)(begin / PAGE * PAGE), (end - begin) / PAGE * PAGE,
				 PROT_READ);
	}
}
