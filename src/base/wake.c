/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wake.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
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

void wake_send(const struct wake *wake)
{
	int fd = __atomic_load_n(&wake->fd, __ATOMIC_SEQ_CST) - 1;
	int kept = errno;
	uint64_t one = 1;

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
