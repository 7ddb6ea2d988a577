/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parking_test.c: waiting at addresses: what ends a wait, that notifications are counted exactly and go to those
 * who came first, and that none is lost between the look and the sleep.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"
#include "exec/parking.h"

enum { MS = 1000000 };

struct sleeper {
	struct thread thread;
	pthread_t native;
	const void *at;
	uint64_t expected;
	uint32_t width;
	int64_t nanoseconds;
	enum parking outcome;
	uint32_t over; /* atomic */
};

static void *sleep_there(void *env)
{
	struct sleeper *s = env;

	s->outcome = parking_wait(&s->thread, s->at, s->width, s->expected, s->nanoseconds);
	__atomic_store_n(&s->over, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Returns when it sleeps, or is done. */
static void start(struct sleeper *s, const void *at, int64_t nanoseconds)
{
	*s = (struct sleeper){.at = at, .width = 4, .nanoseconds = nanoseconds};
	assert_int_equal(pthread_create(&s->native, NULL, sleep_there, s), 0);
	while (__atomic_load_n(&s->thread.wake.parked, __ATOMIC_SEQ_CST) == 0 &&
	       __atomic_load_n(&s->over, __ATOMIC_SEQ_CST) == 0)
		sched_yield();
}

static enum parking finish(struct sleeper *s)
{
	pthread_join(s->native, NULL);
	return s->outcome;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void looks_first(void **state)
{
	uint64_t word = UINT64_C(0x100000000);
	struct thread thread = {.limit = NULL};

	(void)state;
	assert_int_equal(parking_wait(&thread, &word, 4, 1, -1), PARKING_DIFFERS);
	assert_int_equal(parking_wait(&thread, &word, 8, 0, -1), PARKING_DIFFERS);
	assert_int_equal(parking_wait(&thread, &word, 4, 0, 0), PARKING_TIMED_OUT);
	assert_int_equal(parking_wait(&thread, &word, 8, word, 0), PARKING_TIMED_OUT);
	assert_int_equal(parking_notify(&word, UINT32_MAX), 0);
}

static void times_out(void **state)
{
	struct thread thread = {.limit = NULL};
	uint32_t word = 0;
	double before = now_ms();

	(void)state;
	assert_int_equal(parking_wait(&thread, &word, 4, 0, 20 * MS), PARKING_TIMED_OUT);
	assert_true(now_ms() - before >= 20);
	assert_int_equal(parking_notify(&word, 1), 0);
}

static void counts_exactly(void **state)
{
	enum { COUNT = 5 };
	struct sleeper sleepers[COUNT], elsewhere;
	uint32_t words[2] = {0, 0};

	(void)state;
	start(&elsewhere, &words[1], -1);
	for (int i = 0; i < COUNT; i++)
		start(&sleepers[i], &words[0], -1);
	assert_int_equal(parking_notify(&words[0], 0), 0);
	assert_int_equal(parking_notify(&words[0], 2), 2);
	/* Those who came first. */
	assert_int_equal(finish(&sleepers[0]), PARKING_WOKEN);
	assert_int_equal(finish(&sleepers[1]), PARKING_WOKEN);
	assert_int_equal(__atomic_load_n(&sleepers[2].over, __ATOMIC_SEQ_CST), 0);
	assert_int_equal(parking_notify(&words[0], UINT32_MAX), 3);
	for (int i = 2; i < COUNT; i++)
		assert_int_equal(finish(&sleepers[i]), PARKING_WOKEN);
	assert_int_equal(parking_notify(&words[0], 1), 0);
	assert_int_equal(parking_notify(&words[1], 7), 1);
	assert_int_equal(finish(&elsewhere), PARKING_WOKEN);
}

/* More addresses than buckets: some share one. */
static void addresses_do_not_mix(void **state)
{
	enum { COUNT = 100 };
	static struct sleeper sleepers[COUNT];
	static uint32_t words[COUNT];

	(void)state;
	for (int i = 0; i < COUNT; i++)
		start(&sleepers[i], &words[i], -1);
	for (int i = COUNT; i-- > 0;) {
		assert_int_equal(parking_notify(&words[i], UINT32_MAX), 1);
		assert_int_equal(finish(&sleepers[i]), PARKING_WOKEN);
	}
}

static void is_interrupted(void **state)
{
	struct sleeper sleeper;
	uint32_t word = 0;

	(void)state;
	start(&sleeper, &word, -1);
	thread_interrupt(&sleeper.thread);
	assert_int_equal(finish(&sleeper), PARKING_INTERRUPTED);
	assert_int_equal(parking_notify(&word, 1), 0);
	/* One that was interrupted before does not even begin. */
	assert_int_equal(parking_wait(&sleeper.thread, &word, 4, 0, -1), PARKING_INTERRUPTED);
	/* A wake that says nothing ends nothing. */
	start(&sleeper, &word, -1);
	wake_send(&sleeper.thread.wake);
	assert_int_equal(parking_notify(&word, 1), 1);
	assert_int_equal(finish(&sleeper), PARKING_WOKEN);
}

/* Two threads take turns: each notification meets a waiter or one that is just about to look. */
struct turns {
	uint32_t word;
	uint32_t last;
};

static void *take_turns(void *env)
{
	struct turns *turns = env;
	struct thread thread = {.limit = NULL};

	for (uint32_t i = 0; i < turns->last; i += 2) {
		while (__atomic_load_n(&turns->word, __ATOMIC_SEQ_CST) == i)
			parking_wait(&thread, &turns->word, 4, i, -1);
		__atomic_add_fetch(&turns->word, 1, __ATOMIC_SEQ_CST);
		parking_notify(&turns->word, 1);
	}
	return NULL;
}

static void nothing_is_lost(void **state)
{
	struct turns turns = {.last = 20000};
	struct thread thread = {.limit = NULL};
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, take_turns, &turns), 0);
	for (uint32_t i = 1; i <= turns.last; i += 2) {
		__atomic_add_fetch(&turns.word, 1, __ATOMIC_SEQ_CST);
		parking_notify(&turns.word, 1);
		while (__atomic_load_n(&turns.word, __ATOMIC_SEQ_CST) == i)
			parking_wait(&thread, &turns.word, 4, i, -1);
	}
	pthread_join(other, NULL);
	assert_int_equal(turns.word, turns.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks_first),    cmocka_unit_test(times_out),
		cmocka_unit_test(counts_exactly), cmocka_unit_test(addresses_do_not_mix),
		cmocka_unit_test(is_interrupted), cmocka_unit_test(nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
