/* SPDX-License-Identifier: Apache-2.0 */
/* p1_stat.h: file types, states and times between Linux and preview 1. */
#ifndef WASI_P1_STAT_H
#define WASI_P1_STAT_H

#include <sys/stat.h>

#include "wasi/p1.h"

/* Of a DT_*; `socktype` of a socket that is open, else 0. */
uint8_t p1_filetype(uint8_t type, uint16_t socktype);
/* Written to `ret` as the guest's interface has it; P1_FAULT. */
uint32_t p1_put_stat(const struct p1 *p, const struct stat *st, uint16_t socktype, uint32_t ret);
/* What the flags say of both times, as utimensat() wants it; P1_INVAL. */
uint32_t p1_times_of(uint64_t atim, uint64_t mtim, uint32_t flags, struct timespec ret[2]);

#endif
