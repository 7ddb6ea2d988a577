/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.h: waiting for descriptors and clocks, so that it can always be ended.
 *
 * Two things end a wait early: the guest's thread is interrupted (time limit, an embedder), or its process is asked to
 * stop while it serves (a signal). Whoever calls gets -EINTR and returns it to the face at once; the face looks which it
 * was and ends the guest. Signals that nobody acts upon, and a process that is stopped and continued, do not
 * end a wait, nor do they shorten a time-out.
 */
#ifndef WASI_WAIT_H
#define WASI_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/wake.h"

/*
 * A graceful end: once it is asked, listening sockets never become ready, and when no accepted connection is open
 * the guest ends. Written by signal handlers.
 */
struct stop {
	struct wake wake;
	uint32_t asked;       /* atomic */
	int code;             /* the guest's exit code then; before `asked` */
	uint32_t serves;      /* atomic: a listening socket exists */
	uint32_t connections; /* atomic: accepted and not yet closed */
};

static inline bool stop_is_asked(const struct stop *stop)
{
	return __atomic_load_n(&stop->asked, __ATOMIC_SEQ_CST) != 0;
}

/* Asked, and nothing is left to finish. */
static inline bool stop_is_due(const struct stop *stop)
{
	return __builtin_expect(stop_is_asked(stop), 0) &&
	       __atomic_load_n(&stop->connections, __ATOMIC_SEQ_CST) == 0;
}

/* Async-signal-safe. False: the guest does not serve, nothing is done. */
bool stop_ask(struct stop *stop, int code);

/* Who waits. Made by the face for each call. */
struct waiter {
	struct wake *wake;         /* borrowed: of the guest's thread */
	const uint32_t *interrupt; /* borrowed: not 0: give up */
	struct stop *stop;         /* borrowed: of the system */
};

#define WAIT_FOREVER UINT64_MAX

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t wait_now(void);
/* `now` + `more`, WAIT_FOREVER if that is too far. */
uint64_t wait_until(uint64_t more);

/*
 * poll() until one of them is ready or the deadline (of wait_now()) is past: the number of ready ones, 0 at the
 * deadline, -EINTR, or another -errno. A deadline of 0 looks without waiting. Entries with fd -1 are ignored, as poll()
 * does it. `polls` has room for WAIT_ROOM more behind the `count`.
 */
enum { WAIT_ROOM = 2 };
int wait_many(const struct waiter *waiter, struct pollfd *polls, uint32_t count, uint64_t deadline);
/* The same for who waits for listening sockets among others: -EINTR also when a stop is asked meanwhile. Unless
 * wait_must_end(), begin again without them. */
int wait_serving(const struct waiter *waiter, struct pollfd *polls, uint32_t count,
		 uint64_t deadline);
/* What -EINTR stood for: the guest is to be ended. */
bool wait_must_end(const struct waiter *waiter);
/* One descriptor: its revents (> 0), 0 at the deadline, or as above. */
int wait_one(const struct waiter *waiter, int fd, short events, uint64_t deadline);

#endif
