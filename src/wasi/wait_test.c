/* SPDX-License-Identifier: Apache-2.0 */
/* wait_test.c: waits end when they should: ready, late, woken, stopped; and not before. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "wasi/wait.h"

enum { MS = 1000 * 1000 };

struct scene {
	struct wake wake;
	uint32_t interrupt;
	struct stop stop;
	struct waiter waiter;
	int pipe[2];
	pthread_t waiting;
	void (*action)(struct scene *scene);
};

static int begin(void **state)
{
	static struct scene scene;

	memset(&scene, 0, sizeof(scene));
	scene.waiter = (struct waiter){&scene.wake, &scene.interrupt, &scene.stop};
	scene.waiting = pthread_self();
	*state = &scene;
	return pipe(scene.pipe);
}

static int end(void **state)
{
	struct scene *scene = *state;

	wake_deinit(&scene->wake);
	wake_deinit(&scene->stop.wake);
	close(scene->pipe[0]);
	close(scene->pipe[1]);
	return 0;
}

static void *act_soon(void *arg)
{
	struct scene *scene = arg;

	usleep(20 * 1000);
	scene->action(scene);
	return NULL;
}

/* Wait for the pipe while another thread acts. */
static int wait_while(struct scene *scene, void (*action)(struct scene *scene), uint64_t deadline)
{
	pthread_t thread;
	int ready;

	scene->action = action;
	assert_int_equal(pthread_create(&thread, NULL, act_soon, scene), 0);
	ready = wait_one(&scene->waiter, scene->pipe[0], POLLIN, deadline);
	pthread_join(thread, NULL);
	return ready;
}

static void interrupt(struct scene *scene)
{
	__atomic_store_n(&scene->interrupt, 1, __ATOMIC_SEQ_CST);
	wake_send(&scene->wake);
}

static void stop(struct scene *scene)
{
	assert_true(stop_ask(&scene->stop, 143));
}

static void put_byte(struct scene *scene)
{
	assert_int_equal(write(scene->pipe[1], "x", 1), 1);
}

static void nothing(int number)
{
	(void)number;
}

/* A signal nobody acts upon, and a wake without a reason. */
static void disturb(struct scene *scene)
{
	pthread_kill(scene->waiting, SIGUSR1);
	wake_send(&scene->wake);
	usleep(5 * 1000);
	pthread_kill(scene->waiting, SIGUSR1);
}

static void test_ready(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(wait_one(&scene->waiter, scene->pipe[0], POLLIN, 0), 0);
	assert_int_equal(scene->wake.fd, 0); /* who only looks makes nothing */
	assert_int_equal(wait_while(scene, put_byte, WAIT_FOREVER), POLLIN);
	assert_int_equal(wait_one(&scene->waiter, scene->pipe[0], POLLIN, 0), POLLIN);
}

static void test_deadline(void **state)
{
	struct scene *scene = *state;
	uint64_t begin_at = wait_now();

	assert_int_equal(wait_one(&scene->waiter, scene->pipe[0], POLLIN, wait_until(30 * MS)), 0);
	assert_true(wait_now() - begin_at >= 30 * MS);
	assert_int_equal(wait_one(&scene->waiter, -1, 0, wait_until(1)), 0);
	/* Long past. */
	assert_int_equal(wait_one(&scene->waiter, scene->pipe[0], POLLIN, 1), 0);
	assert_true(wait_until(UINT64_MAX) == WAIT_FOREVER);
}

static void test_interrupted(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(wait_while(scene, interrupt, WAIT_FOREVER), -EINTR);
	/* Still: until somebody acts upon it. */
	assert_int_equal(wait_one(&scene->waiter, scene->pipe[0], POLLIN, WAIT_FOREVER), -EINTR);
	scene->interrupt = 0;
	assert_int_equal(wait_one(&scene->waiter, scene->pipe[0], POLLIN, wait_until(MS)), 0);
}

static void test_disturbed(void **state)
{
	struct sigaction action = {.sa_handler = nothing};
	struct scene *scene = *state;
	uint64_t begin_at = wait_now();

	sigaction(SIGUSR1, &action, NULL);
	assert_int_equal(wait_while(scene, disturb, wait_until(60 * MS)), 0);
	assert_true(wait_now() - begin_at >= 60 * MS);
}

static void test_stop(void **state)
{
	struct scene *scene = *state;

	assert_false(stop_ask(&scene->stop, 143)); /* it does not serve */
	scene->stop.serves = 1;
	assert_int_equal(wait_while(scene, stop, WAIT_FOREVER), -EINTR);
	assert_true(wait_must_end(&scene->waiter));
	assert_int_equal(scene->stop.code, 143);
}

/* With a connection open a stop is not due: who waits for that waits on, who waits for listeners is told. */
static void test_stop_with_connections(void **state)
{
	struct scene *scene = *state;
	struct pollfd polls[1 + WAIT_ROOM] = {{.fd = scene->pipe[0], .events = POLLIN}};

	scene->stop.serves = 1;
	scene->stop.connections = 1;
	assert_int_equal(wait_while(scene, stop, wait_until(50 * MS)), 0);
	assert_false(wait_must_end(&scene->waiter));
	/* Known by now: it does not end the next wait. */
	assert_int_equal(wait_serving(&scene->waiter, polls, 1, wait_until(MS)), 0);
	scene->stop.asked = 0;
	wake_clear(&scene->stop.wake);
	scene->action = stop;
	{
		pthread_t thread;

		pthread_create(&thread, NULL, act_soon, scene);
		assert_int_equal(wait_serving(&scene->waiter, polls, 1, WAIT_FOREVER), -EINTR);
		pthread_join(thread, NULL);
	}
	assert_false(wait_must_end(&scene->waiter));
	scene->stop.connections = 0;
	assert_int_equal(wait_one(&scene->waiter, scene->pipe[0], POLLIN, WAIT_FOREVER), -EINTR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ready, begin, end),
		cmocka_unit_test_setup_teardown(test_deadline, begin, end),
		cmocka_unit_test_setup_teardown(test_interrupted, begin, end),
		cmocka_unit_test_setup_teardown(test_disturbed, begin, end),
		cmocka_unit_test_setup_teardown(test_stop, begin, end),
		cmocka_unit_test_setup_teardown(test_stop_with_connections, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
