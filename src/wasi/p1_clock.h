/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WASI_P1_CLOCK_H
#define WASI_P1_CLOCK_H

#include <time.h>

#include "wasi/p1.h"

/* False: no such clock. */
bool p1_clock_of(uint32_t id, clockid_t *ret);
/* Nanoseconds; before 1970 they wrap, as the guest's libc expects it. */
uint64_t p1_time_out(const struct timespec *time);
struct timespec p1_time_in(uint64_t time);

#endif
