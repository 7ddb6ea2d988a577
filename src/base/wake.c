/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wake.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void wake_deinit(struct wake *wake)
{
	int fd = __atomic_exchange_n(&wake->fd, 0, __ATOMIC_SEQ_CST) - 1;

	/* First zero: a handler in between must find none, not a closed one. */
	if (fd >= 0)
		close(fd);
}

int wake_open(struct wake *wake)
{
	int there = __atomic_load_n(&wake->fd, __ATOMIC_SEQ_CST);
	int made;

	if (there != 0)
		return there - 1;
	made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made < 0)
		return -errno;
	if (__atomic_compare_exchange_n(&wake->fd, &there, made + 1, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST))
		return made;
	close(made); /* another thread was first */
	return there - 1;
}

void wake_send(struct wake *wake)
{
	int fd = __atomic_load_n(&wake->fd, __ATOMIC_SEQ_CST) - 1;
	int kept = errno;
	uint64_t one = 1;

	wake_unpark(wake);
	/* It fails only where it is readable already. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		errno = kept;
	errno = kept;
}

void wake_clear(const struct wake *wake)
{
	uint64_t count;

	if (wake->fd != 0 && read(wake->fd - 1, &count, sizeof(count)) < 0)
		return; /* somebody else was faster */
}

/* -- Parking --------------------------------------------------------------------------------- */

void wake_park_begin(struct wake *wake)
{
	__atomic_store_n(&wake->parked, 1, __ATOMIC_SEQ_CST);
}

bool wake_park(struct wake *wake, uint64_t deadline)
{
	struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000),
				 .tv_nsec = (long)(deadline % 1000000000)};

	while (__atomic_load_n(&wake->parked, __ATOMIC_SEQ_CST) != 0) {
		/* With a mask the time is an absolute one: signals do not lengthen it. */
		long r = syscall(SYS_futex, &wake->parked, FUTEX_WAIT_BITSET_PRIVATE, 1,
				 deadline != UINT64_MAX ? &until : NULL, NULL,
				 FUTEX_BITSET_MATCH_ANY);

		if (r < 0 && errno == ETIMEDOUT)
			return false;
	}
	return true;
}

void wake_unpark(struct wake *wake)
{
	if (__atomic_exchange_n(&wake->parked, 0, __ATOMIC_SEQ_CST) != 0)
		syscall(SYS_futex, &wake->parked, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
