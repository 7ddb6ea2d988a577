/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake.h: wake somebody who waits in poll() or is parked, from another thread or a signal handler.
 *
 * The one who waits includes wake_open() in what it polls for reading. The descriptor is made when it is first
 * waited for: most programs never wait. Nothing is lost in between: who wakes first writes down what it wants
 * (an atomic word of its own), then calls wake_send(); who waits calls wake_open(), then looks at
 * that word, then polls.
 *
 * Who waits for nothing but to be woken parks instead, on a word of the same struct, without a descriptor: it calls
 * wake_park_begin(), looks whether there is still something to wait for, then wake_park().
 */
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

#include <stdbool.h>
#include <stdint.h>

struct wake {
	int fd; /* owned, plus 1; 0: none yet, so that zeros are a wake nobody waits on */
	uint32_t parked; /* atomic: 1 from wake_park_begin() until somebody wakes */
};

void wake_deinit(struct wake *wake);
/* The descriptor to poll, or -errno. */
int wake_open(struct wake *wake);
/* Any thread, any signal handler; errno is kept. */
void wake_send(struct wake *wake);
/* Back to sleep, after poll() said it is readable. */
void wake_clear(const struct wake *wake);

void wake_park_begin(struct wake *wake);
/* Sleep until somebody wakes, or until this time of CLOCK_MONOTONIC in nanoseconds (UINT64_MAX: for ever), when it
 * returns false. At once if somebody did since wake_park_begin(). */
bool wake_park(struct wake *wake, uint64_t deadline);
/* Only whoever parked, and not the one who polls. */
void wake_unpark(struct wake *wake);

#endif
