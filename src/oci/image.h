/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h: what an image consists of, as its JSON says: index, manifest, config; bytes to checked structs.
 *
 * Docker's media types and those of the OCI are one kind each. All that a struct holds lies in its arena; one deinit frees it.
 * Digests are checked, sizes are not negative, counts and nesting are limited; what the specification has and we do not need
 * is skipped. Failures are -EINVAL with a sentence that names the field by its path, -ENOMEM, or JSON_INVALID's sentence.
 */
#ifndef OCI_IMAGE_H
#define OCI_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "oci/digest.h"

/* What a media type means to us: rows of image_types.def. */
enum image_type {
	IMAGE_UNKNOWN,
	IMAGE_INDEX, /* OCI index, docker manifest list */
	IMAGE_MANIFEST, /* OCI manifest, docker manifest v2 schema 2 */
	IMAGE_MANIFEST_V1, /* docker schema 1: refused by name */
	IMAGE_CONFIG, /* OCI image config, docker container image */
	IMAGE_CONFIG_WASM, /* of a CNCF wasm artifact, or of wasm-to-oci */
	IMAGE_CONFIG_EMPTY, /* application/vnd.oci.empty.v1+json */
	IMAGE_LAYER_TAR,
	IMAGE_LAYER_TAR_GZIP,
	IMAGE_LAYER_TAR_ZSTD,
	IMAGE_LAYER_FOREIGN, /* not distributable: nowhere to be had */
	IMAGE_LAYER_WASM, /* the module itself: CNCF, bytecodealliance, wasm-to-oci */
};
enum image_type image_type(const char *media_type);
/* The OCI's name of it, the first row; NULL: none. */
const char *image_media_type(enum image_type type);

struct image_platform { /* members are "" where nothing is said */
	const char *os, *architecture, *variant, *os_version;
};

struct image_note { /* an annotation or a label */
	const char *name, *value;
};

struct image_notes {
	struct image_note *items;
	uint32_t count;
};
/* NULL: no such name. */
const char *image_note(const struct image_notes *notes, const char *name);

struct image_descriptor {
	const char *media_type; /* "" where it is missing */
	enum image_type type;
	struct oci_digest digest;
	uint64_t size;
	bool has_platform;
	struct image_platform platform;
	struct image_notes notes;
	const char *artifact_type; /* "" */
};

struct image_index {
	struct arena arena;
	struct image_descriptor *manifests;
	uint32_t count;
	struct image_notes notes;
};

struct image_manifest {
	struct arena arena;
	const char *media_type;
	const char *artifact_type; /* "" */
	struct image_descriptor config;
	struct image_descriptor *layers;
	uint32_t count;
	struct image_notes notes;
};

struct image_texts {
	const char **items;
	uint32_t count;
};

struct image_config {
	struct arena arena;
	struct image_platform platform;
	const char *created, *author;
	/* What runs it. */
	const char *user; /* "" */
	const char *directory; /* "" */
	const char *stop_signal; /* "" */
	struct image_texts variables, entrypoint, command;
	struct image_texts ports, volumes; /* names: "8080/tcp", "/data" */
	struct image_notes labels;
	struct oci_digest *diff_ids;
	uint32_t diff_count;
};

enum { IMAGE_LAYERS_MAX = 512, IMAGE_MANIFESTS_MAX = 4096 };
#define IMAGE_JSON_MAX \
	(4u << 20) /* bytes of a manifest, an index or a config; longer ones are refused */

/* The kind a text is of, where no media type came with it: by its mediaType, or by its members. */
enum image_type image_guess(const char *text, size_t size);
int image_index_parse(struct image_index *ret, const char *text, size_t size, struct err *err);
int image_manifest_parse(struct image_manifest *ret, const char *text, size_t size,
			 struct err *err);
int image_config_parse(struct image_config *ret, const char *text, size_t size, struct err *err);
void image_index_deinit(struct image_index *index);
void image_manifest_deinit(struct image_manifest *manifest);
void image_config_deinit(struct image_config *config);

/*
 * platform.c: which one of an index. "os[/architecture[/variant]]"; spellings of one thing are one (wasi/wasm, wasi/wasm32, wasip1/wasm,
 * wasip2/wasm; amd64 and x86_64, arm64 and aarch64...).
 */
struct image_wish {
	struct image_platform platform; /* borrowed */
	bool given; /* else: wasm in the order wasi, wasip1, wasip2, then this machine's linux, then what is alone */
};
int image_wish_parse(struct image_wish *ret, const char *text, char room[static 128],
		     struct err *err);
/* NULL: none of them; the sentence lists what there is. Attestations and what is no manifest are never chosen. */
const struct image_descriptor *image_choose(const struct image_index *index,
					    const struct image_wish *wish, struct err *err);
/* "wasi/wasm"; "?" for nothing. */
void image_platform_text(const struct image_platform *platform, char text[static 128]);

#endif
