/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/limit.h"

#include "cli/signals.h"

#include <errno.h>
#include <string.h>

enum {
	ELEMENT_BYTES = 8, /* what an element of a table costs */
	PAGE_BYTES = 65536,
};

static bool page_grows(void *env, enum skiff_kind kind, uint64_t now, uint64_t wanted)
{
	struct limit_memory *limit = env;

	(void)now;
	if (kind != SKIFF_KIND_MEMORY || wanted <= limit->left)
		return true;
	limit->refused = true;
	return false;
}

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

void limit_memory_pages(struct limit_memory *limit, struct skiff_store *store, uint64_t pages)
{
	limit->refused = false;
	if (__builtin_mul_overflow(pages, (uint64_t)PAGE_BYTES, &limit->left))
		limit->left = UINT64_MAX;
	skiff_store_limiter(store, page_grows, limit);
}

static void time_is_over(void *env)
{
	struct limit_time *limit = env;

	limit->expired = 1;
	skiff_store_interrupt(limit->store);
}

int limit_time_start(struct limit_time *limit, struct skiff_store *store, uint64_t ms)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	/* A timer of 0 never fires; 100 years never end. */
	uint64_t seconds = ms / 1000 < UINT32_MAX ? ms / 1000 : UINT32_MAX;
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)seconds,
			     .tv_nsec = ms == 0 ? 1 : (int)(ms % 1000) * 1000000},
	};
	int r;

	limit->store = store;
	limit->expired = 0;
	r = signals_on_timer(time_is_over, limit);
	if (r < 0)
		return r;
	if (timer_create(CLOCK_MONOTONIC, &event, &limit->timer) < 0)
		return -errno;
	return timer_settime(limit->timer, 0, &when, NULL) < 0 ? -errno : 0;
}

void limit_time_stop(struct limit_time *limit)
{
	timer_delete(limit->timer);
}
