/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/limit.h"

#include <errno.h>
#include <string.h>

/* What an element of a table costs. */
enum { ELEMENT_BYTES = 8 };

static bool grows(void *env, enum skiff_kind kind, uint64_t now, uint64_t wanted)
{
	struct limit_memory *limit = env;
	uint64_t more = wanted - now;

	if (kind == SKIFF_KIND_TABLE && __builtin_mul_overflow(more, ELEMENT_BYTES, &more))
		more = UINT64_MAX;
	if (more > limit->left) {
		limit->refused = true;
		return false;
	}
	limit->left -= more;
	return true;
}

void limit_memory_init(struct limit_memory *limit, struct skiff_store *store, uint64_t bytes)
{
	limit->left = bytes;
	limit->refused = false;
	skiff_store_limiter(store, grows, limit);
}

/* The timer carries its limit with it, so the handler needs nothing global. A SIGALRM that somebody
 * sends carries none, and ends nothing. */
static void alarm_handler(int number, siginfo_t *info, void *context)
{
	struct limit_time *limit = info->si_value.sival_ptr;

	(void)number;
	(void)context;
	if (info->si_code != SI_TIMER || limit == NULL)
		return;
	limit->expired = 1;
	skiff_store_interrupt(limit->store);
}

int limit_time_start(struct limit_time *limit, struct skiff_store *store, uint64_t ms)
{
	struct sigaction action = {.sa_sigaction = alarm_handler};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	/* A timer of 0 never fires; 100 years never end. */
	uint64_t seconds = ms / 1000 < UINT32_MAX ? ms / 1000 : UINT32_MAX;
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)seconds,
			     .tv_nsec = ms == 0 ? 1 : (int)(ms % 1000) * 1000000},
	};

	limit->store = store;
	limit->expired = 0;
	sigemptyset(&action.sa_mask);
	action.sa_flags = SA_SIGINFO | SA_ONSTACK; /* the guest's stack may be full */
	event.sigev_value.sival_ptr = limit;
	if (sigaction(SIGALRM, &action, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &limit->timer) < 0)
		return -errno;
	return timer_settime(limit->timer, 0, &when, NULL) < 0 ? -errno : 0;
}

void limit_time_stop(struct limit_time *limit)
{
	timer_delete(limit->timer);
}
