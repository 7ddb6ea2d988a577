/* SPDX-License-Identifier: Apache-2.0 */
/* p1_clock.c: clocks, and times as preview 1 writes them: nanoseconds in 64 bits. */
#include "wasi/p1_clock.h"

#include <errno.h>

#include "base/base.h"

bool p1_clock_of(uint32_t id, clockid_t *ret)
{
	static const clockid_t clocks[] = {
		[P1_CLOCK_REALTIME] = CLOCK_REALTIME,
		[P1_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
		[P1_CLOCK_PROCESS_CPUTIME] = CLOCK_PROCESS_CPUTIME_ID,
		[P1_CLOCK_THREAD_CPUTIME] = CLOCK_THREAD_CPUTIME_ID,
	};

	if (id >= ARRAY_SIZE(clocks))
		return false;
	*ret = clocks[id];
	return true;
}

uint64_t p1_time_out(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

struct timespec p1_time_in(uint64_t time)
{
	return (struct timespec){.tv_sec = (time_t)(time / 1000000000u),
				 .tv_nsec = (long)(time % 1000000000u)};
}

static uint32_t put_time(const struct p1 *p, uint32_t id, uint32_t ret,
			 int (*ask)(clockid_t clock, struct timespec *time))
{
	struct timespec time;
	clockid_t clock;

	if (!p1_clock_of(id, &clock))
		return P1_INVAL;
	if (ask(clock, &time) < 0)
		return p1_error(-errno);
	return p1_put64(p, ret, p1_time_out(&time)) ? P1_SUCCESS : P1_FAULT;
}

uint32_t p1_clock_res_get(struct p1 *p, uint32_t id, uint32_t ret)
{
	return put_time(p, id, ret, clock_getres);
}

uint32_t p1_clock_time_get(struct p1 *p, uint32_t id, uint64_t precision, uint32_t ret)
{
	(void)precision; /* we give what there is */
	return put_time(p, id, ret, clock_gettime);
}
