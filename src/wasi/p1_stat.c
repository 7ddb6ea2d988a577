/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/p1_stat.h"

#include <dirent.h>
#include <string.h>
#include <sys/socket.h>

#include "wasi/p1_clock.h"

uint8_t p1_filetype(uint8_t type, uint16_t socktype)
{
	switch (type) {
	case DT_BLK:
		return P1_TYPE_BLOCK_DEVICE;
	case DT_CHR:
		return P1_TYPE_CHARACTER_DEVICE;
	case DT_DIR:
		return P1_TYPE_DIRECTORY;
	case DT_REG:
		return P1_TYPE_REGULAR_FILE;
	case DT_LNK:
		return P1_TYPE_SYMBOLIC_LINK;
	case DT_SOCK:
		return socktype == SOCK_DGRAM ? P1_TYPE_SOCKET_DGRAM : P1_TYPE_SOCKET_STREAM;
	}
	return P1_TYPE_UNKNOWN; /* pipes have no type of their own */
}

static uint8_t type_of(const struct stat *st, uint16_t socktype)
{
	return p1_filetype((uint8_t)((st->st_mode & S_IFMT) >> 12), socktype);
}

uint32_t p1_put_stat(const struct p1 *p, const struct stat *st, uint16_t socktype, uint32_t ret)
{
	struct p1_filestat now = {
		.dev = st->st_dev,
		.ino = st->st_ino,
		.filetype = type_of(st, socktype),
		.nlink = st->st_nlink,
		.size = (uint64_t)st->st_size,
		.atim = p1_time_out(&st->st_atim),
		.mtim = p1_time_out(&st->st_mtim),
		.ctim = p1_time_out(&st->st_ctim),
	};
	struct p0_filestat before = {
		.dev = now.dev,
		.ino = now.ino,
		.filetype = now.filetype,
		.nlink = (uint32_t)now.nlink,
		.size = now.size,
		.atim = now.atim,
		.mtim = now.mtim,
		.ctim = now.ctim,
	};
	size_t size = p->unstable ? sizeof(before) : sizeof(now);
	void *to = p1_at(p, ret, size);

	if (to == NULL)
		return P1_FAULT;
	memcpy(to, p->unstable ? (const void *)&before : &now, size);
	return P1_SUCCESS;
}

static bool time_of(uint64_t time, bool set, bool now, struct timespec *ret)
{
	if (set && now)
		return false;
	*ret = p1_time_in(time);
	if (now)
		ret->tv_nsec = UTIME_NOW;
	else if (!set)
		ret->tv_nsec = UTIME_OMIT;
	return true;
}

uint32_t p1_times_of(uint64_t atim, uint64_t mtim, uint32_t flags, struct timespec ret[2])
{
	if ((flags & ~(uint32_t)P1_FST_ALL) != 0 ||
	    !time_of(atim, flags & P1_FST_ATIM, flags & P1_FST_ATIM_NOW, &ret[0]) ||
	    !time_of(mtim, flags & P1_FST_MTIM, flags & P1_FST_MTIM_NOW, &ret[1]))
		return P1_INVAL;
	return P1_SUCCESS;
}
