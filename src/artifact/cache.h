/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.h: the node's artifacts: a directory of files that are found without reading the module.
 *
 *   DIR/CACHEDIR.TAG
 *   DIR/pruned                            its mtime: when cache_prune() last went over all
 *   DIR/ENGINE/DIGEST-OPTIONS.skiff       an artifact; ENGINE, DIGEST, OPTIONS in hexadecimal
 *   DIR/ENGINE/at-IDENTITY-OPTIONS        symbolic link to it: the file of this identity is that module
 *   DIR/ENGINE/like-SAMPLE-OPTIONS        symbolic link to it: a file with this sample may be that module
 *   DIR/ENGINE/tmp-...                    being written, or left by one that was killed
 *
 * An identity is device, file system, inode, size, mtime and ctime of a module file: as long as the kernel says the same,
 * its content is the same, and it need not be read. Not every file system keeps that promise: see cache_identity.c.
 * A sample is the size and some bytes of the content; who finds one hashes the file and opens by digest. So a module that
 * was never seen costs a start two failed look-ups, and is not hashed. A link is read, never followed: its text is believed
 * only where it is the name of an artifact, and the artifact only where its digest is that of its name.
 *
 * The trust rule. A directory is used, and an artifact in it opened, only if it belongs to root or to us, is not writable
 * by others, and no directory above it lets others put another in its place. What is found otherwise is as if it
 * was not there, and `complaint` says so.
 *
 * All writing is of a temporary file that is renamed when it is complete and on the disk: a reader sees a whole
 * artifact or none, whoever is killed when. Of several that put in the same module at once one writes: the temporary
 * file of an artifact has a name that follows from the artifact's, and is locked.
 */
#ifndef ARTIFACT_CACHE_H
#define ARTIFACT_CACHE_H

#include <sys/stat.h>

#include "artifact/artifact.h"

struct cache_limits {
	uint64_t bytes; /* of all together */
	uint64_t seconds; /* since it was used */
};
#define CACHE_LIMIT_BYTES (UINT64_C(2) << 30)
#define CACHE_LIMIT_SECONDS (UINT64_C(30) * 24 * 60 * 60)

struct cache {
	char *path; /* owned, with room for "/ENGINE" behind it; NULL: there is no default */
	int dir; /* owned: DIR/ENGINE; -1: there is none (yet) that may be used */
	uid_t user; /* who is meant by `us` */
	struct cache_limits limits; /* what cache_add() sees to, now and then */
	bool chosen; /* by name: what is wrong with it is told; of the default only what concerns security */
	bool could_be_made; /* it was not there, when it was looked for: whoever looks for a module may see other directories by then */
	bool closed; /* nothing is taken from it or put in: not there to be made, or not to be trusted */
	struct err complaint; /* the first thing that was wrong, to be told once; empty: nothing */
};

/* A module of fewer bytes is read and validated as fast as its artifact is mapped: at 12 KB that takes 90 us longer. */
#define CACHE_LEAST 4096

/* How a module was looked for. */
enum cache_found {
	CACHE_HIT,
	CACHE_UNKNOWN, /* not there: worth adding when time allows */
	CACHE_USELESS, /* not there, and adding would not help: too small a module, no directory */
};

/* `path` NULL: the default of this user, or none. Makes nothing; cannot fail but for memory (0, -ENOMEM). */
int cache_init(struct cache *cache, const char *path);
void cache_deinit(struct cache *cache);

/*
 * The artifact of the module in `fd` (open for reading, `st` its state, its position is not moved). `wanted` names all but
 * the module's digest.
 */
enum cache_found cache_find(struct cache *cache, int fd, const struct stat *st,
			    const struct artifact_id *wanted, struct artifact *ret);

/*
 * Put in the artifact of an image, whose module came from `fd` in this state (NULL: from elsewhere). Makes the directory.
 * Something of the same name is replaced. Does nothing where another process is about to do the same. 0 or a negative errno
 * with the sentence.
 */
int cache_add(struct cache *cache, const struct image *image, const struct artifact_id *id, int fd,
	      const struct stat *st, struct err *err);

/*
 * The same where somebody else writes it, whom we need not believe: `write` puts the artifact into the descriptor, empty and
 * open for reading and writing, and writes no more when it is back. What it answers other than 0 is returned as it is.
 * What is written gets its name only if it is a whole artifact of this id. `write` is not asked where there is one already.
 */
typedef int cache_write_fn(void *env, int fd, struct err *err);
struct cache_writer {
	cache_write_fn *write;
	void *env;
};
int cache_add_written(struct cache *cache, const struct cache_writer *writer,
		      const struct artifact_id *id, int fd, const struct stat *st, struct err *err);

/* -- Housekeeping ---------------------------------------------------------------------------------- */

struct cache_entry {
	char engine[2 * ARTIFACT_ENGINE_SIZE + 1];
	char name[80]; /* of the file */
	bool is_ours; /* of this build */
	uint64_t bytes; /* on the disk */
	uint64_t module_bytes; /* of the .wasm; 0: not ours, not looked into */
	int64_t used; /* seconds since 1970: last read, or written */
};

/* Every artifact of every engine in the directory, last used first; stops when `fn` answers other than 0, and returns that. */
typedef int cache_entry_fn(void *env, const struct cache_entry *entry);
int cache_list(struct cache *cache, cache_entry_fn *fn, void *env, struct err *err);

/*
 * Check one artifact of this build against its digests. What is damaged or no artifact is removed: ARTIFACT_*, with the
 * sentence. 0 also where it is gone meanwhile.
 */
int cache_verify(struct cache *cache, const struct cache_entry *entry, struct err *err);

struct cache_pruned {
	uint64_t count, bytes; /* removed */
	uint64_t kept_count, kept_bytes;
};

/* Remove what is too old, then the longest unused until the rest fits; and what writers left behind. */
int cache_prune(struct cache *cache, const struct cache_limits *limits, struct cache_pruned *ret,
		struct err *err);

#endif
