/* SPDX-License-Identifier: Apache-2.0 */
/*
 * artifact.h: a module as a file that is mapped and not parsed. docs/artifact.md has every field.
 *
 *   ELF header, program headers, note: struct artifact_head   the first page
 *   .skiff.image    the module image (wasm/image.h), as it lies in memory
 *   .skiff.memory   the first memory as data segments leave it, page-aligned, to be mapped copy-on-write
 *   .symtab, .strtab, .shstrtab, section headers              for readelf, objdump, perf; never read by us
 *
 * Who opens an artifact maps it and asks whether it is what he wants: made by this very build of the engine, of this
 * module, with these options. Beyond the head and the layout nothing is checked again, as nothing in an
 * image ever is: an artifact is only to be opened where nobody else can write (cache.h, the trust rule).
 */
#ifndef ARTIFACT_ARTIFACT_H
#define ARTIFACT_ARTIFACT_H

#include "base/err.h"
#include "base/sha256.h"
#include "exec/memory.h"
#include "wasm/image.h"

#define ARTIFACT_MAGIC 0x41464b53u /* "SKFA" */
#define ARTIFACT_VERSION 1
#define ARTIFACT_ENGINE_SIZE 16

/* Which build of the engine this is: everything that decides what an image says, and what is valid (tools/abi). */
extern const uint8_t artifact_engine[ARTIFACT_ENGINE_SIZE];
extern const char artifact_engine_text[2 * ARTIFACT_ENGINE_SIZE + 1]; /* in hexadecimal */

enum artifact_option {
	ARTIFACT_FUSED =
		1, /* sequences are marked (wasm/fuse.h): not for an engine that counts fuel */
};

/* What an artifact is made of and for. It fits where all of it is the same. */
struct artifact_id {
	uint8_t module[SHA256_SIZE]; /* of the bytes of the .wasm */
	uint8_t engine[ARTIFACT_ENGINE_SIZE];
	uint64_t features; /* proposals that were on when it was validated */
	uint64_t cpu; /* what its code needs of the CPU; 0: no code */
	uint64_t options; /* enum artifact_option */
};

struct artifact_span {
	uint64_t at; /* offset in the file */
	uint64_t size;
};

struct artifact_head {
	uint32_t magic;
	uint32_t version;
	uint64_t file_size;
	struct artifact_id id;
	struct artifact_span image;
	struct artifact_span memory; /* size 0: none, the segments are copied */
	uint64_t memory_begin; /* the address of its first byte in the linear memory */
	uint64_t hot_end; /* offset in the file behind what every start reads */
	uint64_t
		first_func; /* offsets of what runs first, if that is known: its row of the functions; 0: not known */
	uint64_t first_code; /* its first instruction */
	uint8_t rest[SHA256_SIZE]; /* digest of all bytes of the file behind this head */
	uint64_t check; /* of all bytes in front of this field */
};

/* -- Writing ------------------------------------------------------------------------------------- */

/*
 * Write to `fd`, an empty file open for reading and writing. With ARTIFACT_FUSED the image has been
 * fused by the caller (artifact_fuse). 0 or a negative errno.
 */
int artifact_write(int fd, const struct image *image, const struct artifact_id *id,
		   struct err *err);
/* Mark the sequences in all functions of an image that is ours to write to. */
void artifact_fuse(struct image *image);

/* -- Opening ------------------------------------------------------------------------------------- */

struct artifact {
	void *map; /* owned, with `size` bytes */
	size_t size;
	int fd; /* owned */
	const struct artifact_head *head; /* these lie in the mapping */
	const struct image *image;
	struct memory_image memory; /* its fd is this one; -1: none */
};

/* What opening says of a file that is none of ours; below 0: a negative errno. */
enum artifact_outcome {
	ARTIFACT_OK,
	ARTIFACT_FOREIGN, /* no artifact, or of another version or machine */
	ARTIFACT_DAMAGED, /* one that is truncated or was changed */
};

/* Takes the descriptor, on failure too. `err` says what is wrong with it. */
int artifact_open(struct artifact *ret, int fd, struct err *err);
void artifact_close(struct artifact *artifact);

/* Is it what is wanted; else `err` says what differs. */
bool artifact_fits(const struct artifact *artifact, const struct artifact_id *wanted,
		   struct err *err);

/* Read all of it: 0, or ARTIFACT_DAMAGED with the sentence. */
int artifact_verify(const struct artifact *artifact, struct err *err);

#endif
