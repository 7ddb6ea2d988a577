/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p1_poll.c: wait for clocks and descriptors.
 *
 * The guest's subscriptions are copied into watches, a poll list and a deadline are made of them, and what is ready is
 * written as events. Files are always ready; a descriptor that is none is an event with an error. When a stop is asked
 * meanwhile, listening sockets are left out from then on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "wasi/file.h"
#include "wasi/net.h"
#include "wasi/p1_clock.h"

struct watch {
	uint64_t userdata;
	struct desc *desc; /* counted; NULL: a clock, or an error */
	uint32_t poll; /* of a descriptor: which of the polls */
	uint64_t deadline; /* of a clock: on `clock` */
	clockid_t clock;
	uint16_t error; /* ready at once, with this */
	uint8_t type;   /* enum p1_eventtype */
};

struct watches {
	struct watch *items;
	struct pollfd *polls; /* one a descriptor, and WAIT_ROOM */
	uint32_t count;
	uint32_t poll_count;
};

static void watches_free(struct watches *all)
{
	for (uint32_t i = 0; i < all->count; i++)
		desc_unref(all->items[i].desc);
	free(all->items);
	free(all->polls);
}

/* -- What the guest wants ------------------------------------------------------------------------------ */

/* Either layout as the later one. */
static struct p1_subscription read_subscription(const struct p1 *p, const uint8_t *at)
{
	struct p1_subscription s;
	struct p0_subscription before;

	if (!p->unstable) {
		p1_read(&s, at, sizeof(s));
		return s;
	}
	p1_read(&before, at, sizeof(before));
	s = (struct p1_subscription){.userdata = before.userdata, .type = before.type};
	if (before.type == P1_EVENT_CLOCK) {
		s.of.clock.id = before.of.clock.id;
		s.of.clock.timeout = before.of.clock.timeout;
		s.of.clock.flags = before.of.clock.flags;
	} else {
		s.of.fd = before.of.fd;
	}
	return s;
}

static uint64_t now_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return p1_time_out(&now);
}

/* A relative time-out runs on the monotonic clock whatever it names: setting the time of day is not to
 * change it. */
static void watch_clock(struct watch *watch, const struct p1_subscription *s)
{
	clockid_t clock;
	uint64_t now;

	if (!p1_clock_of(s->of.clock.id, &clock) ||
	    (s->of.clock.flags & ~(unsigned)P1_SUBCLOCK_ABSTIME) != 0) {
		watch->error = P1_INVAL;
		return;
	}
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
		watch->error = P1_NOTSUP;
		return;
	}
	if (s->of.clock.flags & P1_SUBCLOCK_ABSTIME) {
		watch->clock = clock;
		watch->deadline = s->of.clock.timeout;
		return;
	}
	now = wait_now();
	watch->clock = CLOCK_MONOTONIC;
	watch->deadline =
		s->of.clock.timeout < WAIT_FOREVER - now ? now + s->of.clock.timeout : WAIT_FOREVER;
}

static bool watch_one(const struct p1 *p, struct watch *watch, const struct p1_subscription *s)
{
	watch->userdata = s->userdata;
	watch->type = s->type;
	if (s->type == P1_EVENT_CLOCK)
		watch_clock(watch, s);
	else if (s->type == P1_EVENT_FD_READ || s->type == P1_EVENT_FD_WRITE)
		watch->error = (uint16_t)p1_desc(p, s->of.fd, P1_R_POLL_FD_READWRITE, &watch->desc);
	else
		return false;
	return true;
}

static uint32_t watches_new(const struct p1 *p, struct watches *ret, uint32_t in, uint32_t count)
{
	size_t size = p->unstable ? sizeof(struct p0_subscription) : sizeof(struct p1_subscription);
	const uint8_t *guest = p1_at(p, in, (uint64_t)count * size);

	if (guest == NULL)
		return P1_FAULT;
	ret->items = calloc(count, sizeof(*ret->items));
	ret->polls = calloc((size_t)count + WAIT_ROOM, sizeof(*ret->polls));
	if (ret->items == NULL || ret->polls == NULL)
		return P1_NOMEM;
	ret->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct p1_subscription s = read_subscription(p, guest + i * size);

		if (!watch_one(p, &ret->items[i], &s))
			return P1_INVAL;
		/* Clocks take no place: poll() counts against the limit of descriptors. */
		if (ret->items[i].error == 0 && ret->items[i].desc != NULL)
			ret->items[i].poll = ret->poll_count++;
	}
	return P1_SUCCESS;
}

/* -- Waiting ------------------------------------------------------------------------------------------------ */

/* The time of day may be set while one waits for a point of it: it is looked at again this often. */
enum { REALTIME_LOOK = 1000 * 1000 * 1000 };

static uint64_t earliest(const struct watches *all, uint64_t now)
{
	uint64_t deadline = WAIT_FOREVER;

	for (uint32_t i = 0; i < all->count; i++) {
		const struct watch *watch = &all->items[i];
		uint64_t other, more;

		if (watch->error != 0)
			return 0;
		if (watch->type != P1_EVENT_CLOCK)
			continue;
		if (watch->clock == CLOCK_MONOTONIC) {
			deadline = MIN(deadline, watch->deadline);
			continue;
		}
		other = now_of(watch->clock);
		more = watch->deadline > other ? watch->deadline - other : 0;
		deadline = MIN(deadline, now + MIN(more, (uint64_t)REALTIME_LOOK));
	}
	return deadline;
}

static void fill_polls(const struct p1 *p, const struct watches *all)
{
	bool stopping = stop_is_asked(&p->system->stop);

	for (uint32_t i = 0; i < all->count; i++) {
		const struct watch *watch = &all->items[i];
		const struct desc *desc = watch->desc;
		bool deaf;

		if (watch->error != 0 || desc == NULL)
			continue;
		deaf = stopping && (desc->flags & DESC_LISTENS);
		if (deaf)
			net_refuse(desc);
		all->polls[watch->poll] = (struct pollfd){
			.fd = deaf ? -1 : desc->fd,
			.events = watch->type == P1_EVENT_FD_READ ? POLLIN : POLLOUT,
		};
	}
}

static bool is_ready(const struct watches *all, uint32_t i)
{
	const struct watch *watch = &all->items[i];

	if (watch->error != 0)
		return true;
	if (watch->type == P1_EVENT_CLOCK)
		return now_of(watch->clock) >= watch->deadline;
	return all->polls[watch->poll].revents != 0;
}

static bool any_ready(const struct watches *all)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (is_ready(all, i))
			return true;
	return false;
}

/* Until something is ready: 0, or -errno. */
static int wait_for(const struct p1 *p, const struct watches *all)
{
	int ready;

	do {
		uint64_t deadline = earliest(all, wait_now());

		fill_polls(p, all);
		ready = wait_serving(&p->waiter, all->polls, all->poll_count, deadline);
		if (ready < 0 && (ready != -EINTR || wait_must_end(&p->waiter)))
			return ready;
	} while (ready < 0 || (ready == 0 && !any_ready(all)));
	return 0;
}

/* -- What is ready -------------------------------------------------------------------------------------------- */

static struct p1_event event_of(const struct watches *all, uint32_t i)
{
	const struct watch *watch = &all->items[i];
	struct p1_event event = {
		.userdata = watch->userdata, .error = watch->error, .type = watch->type};
	short seen;

	if (watch->error != 0 || watch->desc == NULL)
		return event;
	seen = all->polls[watch->poll].revents;
	if (seen & POLLNVAL)
		event.error = P1_BADF;
	if (seen & POLLHUP)
		event.flags |= P1_EVENT_HANGUP;
	if (watch->type == P1_EVENT_FD_READ && (seen & POLLIN))
		event.nbytes = file_available(watch->desc);
	return event;
}

static uint32_t put_events(const struct p1 *p, const struct watches *all, uint32_t out)
{
	uint8_t *to = p1_at(p, out, (uint64_t)all->count * sizeof(struct p1_event));
	uint32_t count = 0;

	for (uint32_t i = 0; i < all->count; i++) {
		struct p1_event event;

		if (!is_ready(all, i))
			continue;
		event = event_of(all, i);
		memcpy(to + (size_t)count++ * sizeof(event), &event, sizeof(event));
	}
	return count;
}

uint32_t p1_poll_oneoff(struct p1 *p, uint32_t in, uint32_t out, uint32_t count, uint32_t ret)
{
	__attribute__((cleanup(watches_free))) struct watches all = {0};
	uint32_t error;
	int failed;

	if (count == 0)
		return P1_INVAL;
	if (p1_at(p, out, (uint64_t)count * sizeof(struct p1_event)) == NULL ||
	    p1_at(p, ret, 4) == NULL)
		return P1_FAULT;
	error = watches_new(p, &all, in, count);
	if (error != P1_SUCCESS)
		return error;
	failed = wait_for(p, &all);
	if (failed != 0)
		return p1_error(failed);
	p1_put32(p, ret, put_events(p, &all, out));
	return P1_SUCCESS;
}

/* Each call looks anew at everything, so an edge is never missed: the same. */
uint32_t p1_epoll_oneoff(struct p1 *p, uint32_t in, uint32_t out, uint32_t count, uint32_t ret)
{
	return p1_poll_oneoff(p, in, out, count, ret);
}
