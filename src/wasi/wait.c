/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.c: poll() with two descriptors of our own behind the caller's: one wakes this thread, the other, while the guest
 * serves, everybody. They are made when a wait is about to happen, never for a look that does not wait.
 */
#include "wasi/wait.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "base/base.h"

enum { SLICE = 20 * 1000 * 1000 };

bool stop_ask(struct stop *stop, int code)
{
	if (__atomic_load_n(&stop->serves, __ATOMIC_SEQ_CST) == 0)
		return false;
	stop->code = code;
	__atomic_store_n(&stop->asked, 1, __ATOMIC_SEQ_CST);
	wake_send(&stop->wake);
	return true;
}

uint64_t wait_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t wait_until(uint64_t more)
{
	uint64_t now = wait_now();

	return more < WAIT_FOREVER - now ? now + more : WAIT_FOREVER;
}

bool wait_must_end(const struct waiter *waiter)
{
	return __atomic_load_n(waiter->interrupt, __ATOMIC_SEQ_CST) != 0 ||
	       stop_is_due(waiter->stop);
}

/*
 * Wait for what is left of the time. ppoll() begins it anew, with what was left, where the process was stopped and
 * continued, so a stop would lengthen a sleep; poll() does not, but knows milliseconds only. So poll() first, and
 * ppoll() for the last bit: less than the deadline is no matter, the caller looks again.
 */
static int poll_until(struct pollfd *all, nfds_t count, uint64_t deadline)
{
	enum { MS = 1000000 };
	uint64_t now, left;
	struct timespec rest;

	if (deadline == 0 || deadline == WAIT_FOREVER)
		return poll(all, count, deadline == 0 ? 0 : -1);
	now = wait_now();
	left = deadline > now ? deadline - now : 0;
	if (left >= 2 * MS)
		return poll(all, count, (int)MIN(left / MS - 1, (uint64_t)INT_MAX));
	rest = (struct timespec){.tv_nsec = (long)left};
	return ppoll(all, count, &rest, NULL);
}

/* Puts the descriptors that wake behind the caller's: how many; < 0: -errno. */
static int add_wakes(const struct waiter *waiter, struct pollfd *behind, bool for_stop)
{
	int fd = wake_open(waiter->wake);
	int count = 0;

	if (fd < 0)
		return fd;
	behind[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	if (!for_stop)
		return count;
	fd = wake_open(&waiter->stop->wake);
	if (fd < 0)
		return fd;
	behind[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	return count;
}

/* One poll(): as wait_many(), but -EAGAIN where it ended for nothing that concerns the caller. */
static int wait_once(const struct waiter *waiter, struct pollfd *all, uint32_t count,
		     uint64_t deadline)
{
	bool serves = __atomic_load_n(&waiter->stop->serves, __ATOMIC_SEQ_CST) != 0;
	/* Once a stop is asked its descriptor stays readable: who knows of it polls without. */
	bool asked = stop_is_asked(waiter->stop);
	int wakes = deadline == 0 ? 0 : add_wakes(waiter, all + count, serves && !asked);
	uint64_t until = deadline;
	int ready;

	/* No descriptor is left to be woken by: look from time to time. */
	if (wakes < 0) {
		wakes = 0;
		until = MIN(deadline, wait_until(SLICE));
	}
	if (wait_must_end(waiter) || (!asked && stop_is_asked(waiter->stop)))
		return -EINTR;
	ready = poll_until(all, count + (uint32_t)wakes, until);
	if (ready < 0)
		return errno == EINTR && deadline != 0 ? -EAGAIN : -errno;
	for (int i = 0; i < wakes; i++)
		ready -= all[count + (uint32_t)i].revents != 0;
	if (wakes > 0 && all[count].revents != 0)
		wake_clear(waiter->wake);
	if (wait_must_end(waiter))
		return -EINTR;
	if (ready > 0)
		return ready;
	/* A stop that was asked meanwhile changes what the caller may wait for. */
	if (!asked && stop_is_asked(waiter->stop))
		return -EINTR;
	return deadline == 0 || (deadline != WAIT_FOREVER && wait_now() >= deadline) ? 0 : -EAGAIN;
}

int wait_serving(const struct waiter *waiter, struct pollfd *polls, uint32_t count,
		 uint64_t deadline)
{
	int ready;

	do {
		ready = wait_once(waiter, polls, count, deadline);
	} while (ready == -EAGAIN);
	return ready;
}

int wait_many(const struct waiter *waiter, struct pollfd *polls, uint32_t count, uint64_t deadline)
{
	int ready;

	do {
		ready = wait_serving(waiter, polls, count, deadline);
	} while (ready == -EINTR && !wait_must_end(waiter));
	return ready;
}

int wait_one(const struct waiter *waiter, int fd, short events, uint64_t deadline)
{
	struct pollfd polls[1 + WAIT_ROOM] = {{.fd = fd, .events = events}};
	int ready = wait_many(waiter, polls, 1, deadline);

	return ready > 0 ? polls[0].revents : ready;
}
