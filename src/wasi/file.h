/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h: what is done with open files and streams, directories read. Results or -errno.
 *
 * A descriptor that may wait is waited for by poll() first, or tried without waiting where the kernel has a way to say
 * so for one call; its own flags are never changed where others share it.
 */
#ifndef WASI_FILE_H
#define WASI_FILE_H

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "wasi/desc.h"
#include "wasi/wait.h"

ssize_t file_read(const struct desc *desc, const struct iovec *parts, uint32_t count,
		  const struct waiter *waiter);
/* A stream that waits takes all before this returns; less only on an error after a part was taken. */
ssize_t file_write(const struct desc *desc, const struct iovec *parts, uint32_t count,
		   const struct waiter *waiter);
ssize_t file_read_at(const struct desc *desc, const struct iovec *parts, uint32_t count,
		     uint64_t offset);
ssize_t file_write_at(const struct desc *desc, const struct iovec *parts, uint32_t count,
		      uint64_t offset);

int file_seek(const struct desc *desc, int64_t offset, int whence, uint64_t *ret);
int file_advise(const struct desc *desc, uint64_t offset, uint64_t size, int advice);
int file_allocate(const struct desc *desc, uint64_t offset, uint64_t size);
int file_sync(const struct desc *desc, bool data_only);
int file_stat(const struct desc *desc, struct stat *ret);
int file_set_size(const struct desc *desc, uint64_t size);
int file_set_times(const struct desc *desc, const struct timespec times[2]);
/* Replace APPEND and NONBLOCK. */
int file_set_flags(struct desc *desc, uint16_t flags);
/* The host's O_* status flags. */
int file_host_flags(const struct desc *desc);
/* Bytes that can be read without waiting, as far as that is known. */
uint64_t file_available(const struct desc *desc);

/*
 * Opening a FIFO waits for the other side. Ours never blocks in open(): who reads waits here until a writer has
 * written or gone; for who writes the kernel has ENXIO until there is a reader, and he pauses and tries again.
 */
int file_await_writer(const struct desc *desc, const struct waiter *waiter);
int file_pause(const struct waiter *waiter);

/* An entry of a directory. */
struct entry {
	uint64_t next; /* the cookie of what follows */
	uint64_t inode;
	const char *name; /* terminated */
	uint32_t name_size;
	uint8_t type; /* DT_* */
};

/* Each entry from the cookie (0: from the start) on, until `put` returns false or the end is reached. Cookies stay good while
 * others add and remove. */
int file_list(const struct desc *desc, uint64_t cookie,
	      bool (*put)(void *env, const struct entry *entry), void *env);

#endif
