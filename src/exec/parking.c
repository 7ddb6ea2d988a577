/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parking.c: a fixed number of buckets, each a lock and a list of those who wait, on their stacks.
 *
 * Whoever is in a list is counted by the next notification, whatever else ends its wait meanwhile: the lock decides,
 * so the number given is exact. A thread sleeps on the word of its own `wake`, by which thread_interrupt()
 * reaches it from a signal handler, too.
 */
#include "exec/parking.h"

#include <pthread.h>
#include <time.h>

#include "base/base.h"

enum { BUCKET_BITS = 6 };

struct parked {
	struct parked *next, *previous;
	const void *at;
	struct wake *wake; /* borrowed: of the thread */
	bool woken; /* and out of the list; atomic */
};

/* All zeros is unlocked and empty (_Static_assert cannot say so; glibc and musl both have it so). */
static struct bucket {
	_Alignas(64) pthread_mutex_t lock;
	struct parked *first, *last;
} buckets[1 << BUCKET_BITS] = {
	[0 ...(1 << BUCKET_BITS) - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER},
};

static struct bucket *bucket_of(const void *at)
{
	uint64_t hash = (uint64_t)(uintptr_t)at / 4 * UINT64_C(0x9e3779b97f4a7c15);

	return &buckets[hash >> (64 - BUCKET_BITS)];
}

static void append(struct bucket *bucket, struct parked *parked)
{
	parked->previous = bucket->last;
	if (bucket->last != NULL)
		bucket->last->next = parked;
	else
		bucket->first = parked;
	bucket->last = parked;
}

static void take_out(struct bucket *bucket, struct parked *parked)
{
	if (parked->previous != NULL)
		parked->previous->next = parked->next;
	else
		bucket->first = parked->next;
	if (parked->next != NULL)
		parked->next->previous = parked->previous;
	else
		bucket->last = parked->previous;
}

static bool holds(const void *at, uint32_t width, uint64_t expected)
{
	if (width == 4)
		return __atomic_load_n((const uint32_t *)at, __ATOMIC_SEQ_CST) ==
		       (uint32_t)expected;
	return __atomic_load_n((const uint64_t *)at, __ATOMIC_SEQ_CST) == expected;
}

static uint64_t deadline_of(int64_t nanoseconds)
{
	struct timespec now;

	if (nanoseconds < 0)
		return UINT64_MAX;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + (uint64_t)nanoseconds;
}

static bool is_woken(const struct parked *parked)
{
	return __atomic_load_n(&parked->woken, __ATOMIC_SEQ_CST);
}

/* Why the wait is over, unless a notification comes after all. The wake is begun anew before each look. */
static enum parking sleep_until(struct thread *thread, const struct parked *parked,
				uint64_t deadline)
{
	for (;;) {
		wake_park_begin(parked->wake);
		if (is_woken(parked))
			return PARKING_WOKEN;
		if (__atomic_load_n(&thread->interrupt, __ATOMIC_SEQ_CST) != 0)
			return PARKING_INTERRUPTED;
		if (!wake_park(parked->wake, deadline))
			return PARKING_TIMED_OUT;
	}
}

enum parking parking_wait(struct thread *thread, const void *at, uint32_t width, uint64_t expected,
			  int64_t nanoseconds)
{
	struct bucket *bucket = bucket_of(at);
	struct parked parked = {.at = at, .wake = &thread->wake};
	uint64_t deadline = deadline_of(nanoseconds);
	enum parking outcome;
	bool same;

	pthread_mutex_lock(&bucket->lock);
	same = holds(at, width, expected);
	if (same)
		append(bucket, &parked);
	pthread_mutex_unlock(&bucket->lock);
	if (!same)
		return PARKING_DIFFERS;
	outcome = sleep_until(thread, &parked, deadline);
	/* Who woke us is done with us when the lock is free. */
	pthread_mutex_lock(&bucket->lock);
	if (is_woken(&parked))
		outcome = PARKING_WOKEN;
	else
		take_out(bucket, &parked);
	pthread_mutex_unlock(&bucket->lock);
	return outcome;
}

uint32_t parking_notify(const void *at, uint32_t count)
{
	struct bucket *bucket = bucket_of(at);
	struct parked *next;
	uint32_t woken = 0;

	pthread_mutex_lock(&bucket->lock);
	for (struct parked *p = bucket->first; p != NULL && woken < count; p = next) {
		next = p->next;
		if (p->at != at)
			continue;
		take_out(bucket, p);
		__atomic_store_n(&p->woken, true, __ATOMIC_SEQ_CST);
		wake_unpark(p->wake);
		woken++;
	}
	pthread_mutex_unlock(&bucket->lock);
	return woken;
}
