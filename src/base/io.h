/* SPDX-License-Identifier: Apache-2.0 */
/* io.h: all of it, or why not. Interruptions and short counts are dealt with; 0 or a negative errno, if nothing else is said. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>

int io_write(int fd, const void *bytes, size_t size);
int io_write_at(int fd, const void *bytes, size_t size, uint64_t at);

/* -ENODATA: it ends before. */
int io_read(int fd, void *bytes, size_t size);
int io_read_at(int fd, void *bytes, size_t size, uint64_t at);

/*
 * A regular file from its beginning to its end, with a NUL behind it: *ret is the caller's. -EINVAL: it is none; -EFBIG: it has more
 * than `most` bytes, and *ret_size says how many; -ENODATA: it became shorter meanwhile; -ENOMEM. *ret is NULL on failure.
 */
int io_whole(int fd, size_t most, char **ret, size_t *ret_size);

/* A small file, of /proc mostly, at one go: up to room - 1 bytes, terminated. The length. A link is not followed. */
int io_text(int dir, const char *path, char *text, size_t room);
/* Text into a file that is there, by one write; as io_text(). */
int io_put_text(int dir, const char *path, const char *text);

#endif
