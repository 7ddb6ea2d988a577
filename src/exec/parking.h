/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parking.h: threads that wait at an address of a shared memory, until another notifies them there
 * (memory.atomic.wait32, wait64, notify).
 *
 * One table for the whole process, keyed by the address in the host: a shared memory never moves, so all stores that
 * use it mean the same by it.
 */
#ifndef EXEC_PARKING_H
#define EXEC_PARKING_H

#include "exec/thread.h"

/* The first three are what the instruction gives. */
enum parking {
	PARKING_WOKEN,
	PARKING_DIFFERS, /* something else than expected stands there */
	PARKING_TIMED_OUT,
	PARKING_INTERRUPTED,
};

/*
 * If the `width` (4 or 8) bytes at `at`, which is aligned, hold `expected`, wait there until notified. `nanoseconds`
 * < 0: for ever. Between the look and the wait no notification is missed.
 */
enum parking parking_wait(struct thread *thread, const void *at, uint32_t width, uint64_t expected,
			  int64_t nanoseconds);
/* Wake up to `count` of those that wait there, in the order in which they came: how many. */
uint32_t parking_notify(const void *at, uint32_t count);

#endif
