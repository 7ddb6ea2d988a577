/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake.h: wake somebody who waits in poll(), from another thread or a signal handler.
 *
 * The one who waits includes wake_open() in what it polls for reading. The descriptor is made when it is first
 * waited for: most programs never wait. Nothing is lost in between: who wakes first writes down what it wants
 * (an atomic word of its own), then calls wake_send(); who waits calls wake_open(), then looks at
 * that word, then polls.
 */
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

struct wake {
	int fd; /* owned, plus 1; 0: none yet, so that zeros are a wake nobody waits on */
};

void wake_deinit(struct wake *wake);
/* The descriptor to poll, or -errno. */
int wake_open(struct wake *wake);
/* Any thread, any signal handler; errno is kept. */
void wake_send(const struct wake *wake);
/* Back to sleep, after poll() said it is readable. */
void wake_clear(const struct wake *wake);

#endif
