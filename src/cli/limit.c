/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/limit.h"

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

static void time_is_over(struct signals_timer *timer)
{
	struct limit_time *limit = (struct limit_time *)(void *)timer;

	limit->expired = 1;
	skiff_store_interrupt(limit->store);
}

int limit_time_start(struct limit_time *limit, struct skiff_store *store, uint64_t ms)
{
	limit->timer.fn = time_is_over;
	limit->store = store;
	limit->expired = 0;
	return signals_timer_start(&limit->timer, ms);
}

void limit_time_stop(struct limit_time *limit)
{
	signals_timer_stop(&limit->timer);
}
