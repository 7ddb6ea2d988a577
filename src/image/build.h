/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build.h: an image as it shall be: described first, whoever asks for it, and then made.
 *
 *   verb_build.c                        options of a person
 *   dockerfile.c, build_dockerfile.c    instructions of a file     } -> struct build -> build_write.c: blobs and a descriptor
 *   build_copy.c, build_ignore.c        files of this machine
 *   build_module.c                      is it a module, and can it be made smaller
 *
 * All texts of a build live in its arena. Failures come with a sentence.
 */
#ifndef IMAGE_BUILD_H
#define IMAGE_BUILD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "image/layer.h"
#include "image/store.h"
#include "oci/image.h"

struct build {
	struct arena arena;
	struct buf files; /* struct layer_file */
	struct buf entrypoint, command, variables, ports, volumes; /* const char * */
	struct buf labels, annotations; /* struct image_note */
	const char *directory, *user, *stop_signal, *author; /* "": none */
	struct image_platform platform;
	int64_t created, file_time; /* seconds since 1970 */
	/* Once it is made. */
	struct image_descriptor layer;
	struct oci_digest diff;
	uint64_t size; /* of all blobs */
};

void build_init(struct build *build);
void build_deinit(struct build *build);

/* -- Describing -------------------------------------------------------------------------------------- */

/* A text of the build's own; NULL: no memory. */
const char *build_text(struct build *build, const char *text);
/* Behind the others; or once, if `once`. -ENOMEM. */
int build_add(struct build *build, struct buf *list, const char *text, bool once);
/* Instead of the one of that name, or behind the others. */
int build_note(struct build *build, struct buf *notes, const char *name, const char *value);
/* NAME=VALUE, the same. */
int build_variable(struct build *build, const char *text, struct err *err);
/* A word, or a list of words in JSON: "[...]". */
int build_words(struct build *build, struct buf *list, const char *text, struct err *err);
/* PORT[-PORT][/tcp|udp|sctp] */
int build_port(struct build *build, const char *text, struct err *err);
/* An absolute path without dots: `path`, below `directory` if it is relative; at most PATH_MAX - 1 bytes. */
int build_path(const char *directory, const char *path, char ret[static PATH_MAX], struct err *err);
int build_file(struct build *build, const struct layer_file *file, struct err *err);
/* The last file of that path; NULL: none, or it is only a parent. */
const struct layer_file *build_find(const struct build *build, const char *path);
/* What the entrypoint, or else the command, starts; NULL: there is no such word, or no such file in the image. */
const struct layer_file *build_entry(const struct build *build, const char **ret_word);

/* -- Files (build_copy.c) ------------------------------------------------------------------------------ */

struct ignore; /* build_ignore.c */

/* Where files come from: nothing outside of it is ever read. */
struct build_root {
	int dir; /* owned by whoever opened it, as long as the build is */
	const char *what; /* to be named in sentences: "the context 'DIR'" */
	const struct ignore *ignore; /* borrowed; NULL: nothing */
};

struct build_copy {
	const char *to; /* absolute; with a slash at its end it is a directory */
	bool is_directory; /* ... or so it shall be understood */
	uint32_t mode, user, group; /* mode 0: as it is */
};

/* What the pattern means below the root: files, or what is in a directory. The number of things, or a negative errno. */
int build_copy(struct build *build, const struct build_root *root, const char *pattern,
	       const struct build_copy *copy, struct err *err);

/* NULL text: nothing is left out. */
int ignore_parse(struct ignore **ret, const char *text, struct err *err);
struct ignore *ignore_free(struct ignore *ignore);
/* Of a path below the root, without a slash in front. */
bool ignore_has(const struct ignore *ignore, const char *path);
/* Might something below it be taken all the same? */
bool ignore_has_exceptions(const struct ignore *ignore);
/* Go's filepath.Match, and ** where `deep`. */
bool pattern_match(const char *pattern, const char *path, bool deep);

/* -- Modules (build_module.c) ------------------------------------------------------------------------------ */

/* What `skiff validate` says of the file; -EINVAL. `name`: as people know it. */
int module_check(int fd, const char *name, struct err *err);
/* By wasm-opt: *ret is a file without a name. -ENOENT: there is no wasm-opt. */
int module_optimize(int fd, const char *name, int *ret, struct err *err);

/* -- Dockerfiles (build_dockerfile.c) --------------------------------------------------------------------- */

struct build_file_options {
	const char *path; /* of the file, as it is named in sentences */
	const struct build_root *context;
	const struct image_note *arguments; /* --build-arg */
	uint32_t argument_count;
	const struct build_root *stages; /* --from NAME=DIR: `what` is NAME */
	uint32_t stage_count;
};

/* `note` is told what is worth knowing. */
int build_dockerfile(struct build *build, const char *text, size_t size,
		     const struct build_file_options *options,
		     void (*note)(const char *path, const char *sentence), struct err *err);

/* -- Making (build_write.c) --------------------------------------------------------------------------------- */

/* Layer (once), config and manifest; *ret: its descriptor, with the platform, whose texts are the caller's. */
int build_compat(struct build *build, const struct store *store,
		 const struct image_platform *platform, struct image_descriptor *ret,
		 struct err *err);
/* A CNCF wasm artifact of the module in `fd`. */
int build_artifact(struct build *build, const struct store *store, int fd,
		   struct image_descriptor *ret, struct err *err);
int build_index(struct build *build, const struct store *store,
		const struct image_descriptor *manifests, uint32_t count,
		struct image_descriptor *ret, struct err *err);

#endif
