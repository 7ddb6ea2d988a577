/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_parts.h: what the files of the cache share among themselves; cache.h says what it is.
 */
#ifndef ARTIFACT_CACHE_PARTS_H
#define ARTIFACT_CACHE_PARTS_H

#include "artifact/cache.h"

/* How long a file must have rested before its times are believed: kernels count them in ticks, and FAT in 2 s. */
#define CACHE_REST_SECONDS 2
/* How long a temporary file is left to who writes it. */
#define CACHE_TEMPORARY_SECONDS 3600
/* How often adding cleans up. */
#define CACHE_PRUNE_SECONDS 3600

/* -- cache.c ------------------------------------------------------------------------------- */

/* Open DIR/ENGINE, if it is there and to be trusted. */
void cache_enter(struct cache *cache);
/* There is none yet: could it be made? */
bool cache_makeable(struct cache *cache);
/* Only the first is kept. */
void cache_complain(struct cache *cache, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* -- cache_trust.c ------------------------------------------------------------------------- */

/* What is wrong with a file or directory taken by itself; NULL: nothing. */
const char *cache_trust_state(const struct stat *st, uid_t user);
/* A directory with all above it: true, or false with the sentence. `path` is how it was opened. */
bool cache_trust(int dir, const char *path, uid_t user, struct err *err);

/* -- cache_name.c -------------------------------------------------------------------------- */

#define CACHE_ENGINE_TEXT (2 * ARTIFACT_ENGINE_SIZE + 1)
#define CACHE_ENTRY_TEXT 80 /* of struct cache_entry */
#define CACHE_LINK_TEXT 192
#define CACHE_TEMPORARY "tmp-"

void cache_name_engine(char text[static CACHE_ENGINE_TEXT]);
void cache_name_entry(char text[static CACHE_ENTRY_TEXT], const struct artifact_id *id);
/* PREFIX, numbers with dots between them, options. */
void cache_name_link(char text[static CACHE_LINK_TEXT], const char *prefix, const uint64_t *numbers,
		     size_t count, const struct artifact_id *id);
/* A name nobody else has. */
void cache_name_temporary(char text[static CACHE_LINK_TEXT]);

bool cache_name_is_engine(const char *name);
bool cache_name_is_entry(const char *name);
bool cache_name_is_link(const char *name);
bool cache_name_is_temporary(const char *name);
/* The digest that the name of an entry begins with. */
void cache_name_digest(const char *entry, uint8_t digest[static SHA256_SIZE]);

/* -- cache_identity.c ---------------------------------------------------------------------- */

/* The name of the link to the module of this file; false: its file system does not keep the promise. */
bool cache_identity(int fd, const struct stat *st, const struct artifact_id *id,
		    char name[static CACHE_LINK_TEXT]);
bool cache_identity_same(const struct stat *a, const struct stat *b);
/* May the times be believed from now on? */
bool cache_identity_rests(const struct stat *st);
/* The name of the link to modules that look like this one; false: it cannot be read. */
bool cache_sample(int fd, const struct stat *st, const struct artifact_id *id,
		  char name[static CACHE_LINK_TEXT]);
/* Digest of the whole file; false: it cannot be read, or has another size than `st`. */
bool cache_digest(int fd, const struct stat *st, uint8_t digest[static SHA256_SIZE]);

/* -- cache_link.c -------------------------------------------------------------------------- */

/* The file in this state has this content, which was read after `rested` was found. */
void cache_link_identity(struct cache *cache, int fd, const struct stat *st, bool rested,
			 const struct artifact_id *id);
void cache_link_sample(struct cache *cache, int fd, const struct stat *st,
		       const struct artifact_id *id);

/* -- cache_find.c -------------------------------------------------------------------------- */

/*
 * Open an entry, and see that it is what its name says. `use`: not only to look at it, so it is kept longer. 0,
 * ARTIFACT_*, -errno with the sentence.
 */
int cache_open_entry(struct cache *cache, const char *name, bool use, struct artifact *ret,
		     struct err *err);

#endif
