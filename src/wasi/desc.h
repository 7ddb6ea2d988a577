/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desc.h: the guest's descriptors: small numbers to what is open.
 *
 * A descriptor is counted: the table holds one reference, a call that uses it another, so that a close by
 * another thread never pulls a descriptor from under a call. Rights are those of the face that set them; this
 * layer only keeps them.
 */
#ifndef WASI_DESC_H
#define WASI_DESC_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct stop;

enum desc_kind {
	DESC_FILE,   /* regular file or block device: never waits */
	DESC_DIR,
	DESC_STREAM, /* pipe, FIFO, terminal, character device: may wait */
	DESC_SOCKET,
};

enum desc_flags {
	DESC_APPEND = 1,      /* writes go to the end */
	DESC_NONBLOCK = 2,    /* the guest does not want to wait */
	DESC_SHARED = 4, /* others use the same open file (stdio): its flags are not ours */
	DESC_PREOPEN = 8, /* the guest finds it by name or number when it starts */
	DESC_LISTENS = 16, /* a socket that accepts connections */
	DESC_CONNECTION = 32, /* a socket that was accepted: stop.connections counts it */
	DESC_WORKDIR = 256, /* the preopen ".": see p1_path.c */
	DESC_READ_ONLY = 64, /* under a read-only mount: nothing may be changed through it */
	DESC_INHERITED = 128, /* a socket others may hold too: it is never shut down for a stop */
};

struct desc {
	uint32_t refs;
	int fd; /* owned, but for DESC_SHARED and where `of` is set; -1: none */
	struct desc *of; /* owned: whose open file this is, too; NULL: nobody's */
	uint8_t kind; /* enum desc_kind */
	uint8_t type; /* the format bits of st_mode, shifted right by 12 (DT_*) */
	uint16_t flags; /* enum desc_flags */
	uint32_t mount; /* DIR: index in the mounts */
	char *path; /* DIR: owned; where it was opened, below the mount; "": its root. Without links */
	char *name; /* PREOPEN directory: owned; as the guest knows it */
	uint64_t rights;
	uint64_t inheriting;
	uint16_t family; /* SOCKET: AF_* */
	uint16_t socktype; /* SOCKET: SOCK_* */
	struct stop *stop; /* CONNECTION: borrowed from the system */
	/* SOCKET: nanoseconds a receive or accept, a send or connect may wait; 0: any time. Atomic. */
	uint64_t receive_limit;
	uint64_t send_limit;
	pthread_mutex_t listing; /* DIR: who lists it moves its position */
};

struct descs {
	pthread_mutex_t lock;
	struct desc **items; /* owned; NULL: free */
	uint32_t room;
	uint32_t limit; /* of numbers: DESCS_MAX unless a test wants less */
};

enum { DESCS_MAX = 1 << 20 };

void descs_init(struct descs *descs);
void descs_deinit(struct descs *descs);

/* Around an open descriptor, which it takes on success; type, kind and APPEND from fstat and fcntl where
 * `type` is 0. 0, -errno. */
int desc_new(struct desc **ret, int fd, uint8_t type, uint16_t flags);
struct desc *desc_ref(struct desc *desc);
/* Accepts NULL; returns NULL. */
struct desc *desc_unref(struct desc *desc);

/* Put into the lowest free number from `from` on, taking the caller's reference on success: number, or -EMFILE, -ENOMEM. */
int descs_add(struct descs *descs, struct desc *desc, uint32_t from);
/* Put at this number whatever was there; takes the reference on success. */
int descs_set(struct descs *descs, uint32_t number, struct desc *desc);
/* Referenced; NULL: nothing there. */
struct desc *descs_get(struct descs *descs, uint32_t number);
/* 0, -EBADF. */
int descs_close(struct descs *descs, uint32_t number);
/* `from` becomes `to`, which must be open, and `from` is closed: 0, -EBADF. */
int descs_renumber(struct descs *descs, uint32_t from, uint32_t to);

#endif
