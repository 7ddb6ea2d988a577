/* SPDX-License-Identifier: Apache-2.0 */
/* p1_fd.c: what preview 1 does with descriptors. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/base.h"
#include "wasi/file.h"
#include "wasi/p1_clock.h"
#include "wasi/p1_stat.h"

/* -- Reading and writing --------------------------------------------------------------------------------- */

/* What the four begin with: the descriptor, the vectors, a place for the size. */
struct transfer {
	struct desc *desc; /* AUTO_TRANSFER puts it back */
	struct p1_parts parts;
	uint32_t ret;
};

static void transfer_cleanup(struct transfer *transfer)
{
	desc_unref(transfer->desc);
}
#define AUTO_TRANSFER __attribute__((cleanup(transfer_cleanup)))

static uint32_t begin(const struct p1 *p, struct transfer *t, uint32_t fd, uint64_t rights,
		      uint32_t iovs, uint32_t count)
{
	uint32_t error = p1_desc(p, fd, rights, &t->desc);

	if (error == P1_SUCCESS)
		error = p1_get_parts(p, iovs, count, &t->parts);
	if (error == P1_SUCCESS && p1_at(p, t->ret, 4) == NULL)
		error = P1_FAULT;
	return error;
}

/* At a place of its own: that takes the right to seek, too, of what has places. */
static uint32_t begin_at(const struct p1 *p, struct transfer *t, uint32_t fd, uint64_t rights,
			 uint32_t iovs, uint32_t count)
{
	uint32_t error = begin(p, t, fd, rights, iovs, count);

	if (error == P1_SUCCESS && t->desc->kind == DESC_FILE &&
	    (t->desc->rights & P1_R_FD_SEEK) == 0)
		return P1_NOTCAPABLE;
	return error;
}

static uint32_t finish(const struct p1 *p, const struct transfer *t, ssize_t done)
{
	if (done < 0)
		return p1_error((int)done);
	p1_put32(p, t->ret, (uint32_t)done);
	return P1_SUCCESS;
}

uint32_t p1_fd_read(struct p1 *p, uint32_t fd, uint32_t iovs, uint32_t count, uint32_t ret)
{
	AUTO_TRANSFER struct transfer t = {.ret = ret};
	uint32_t error = begin(p, &t, fd, P1_R_FD_READ, iovs, count);

	if (error != P1_SUCCESS)
		return error;
	return finish(p, &t, file_read(t.desc, t.parts.items, t.parts.count, &p->waiter));
}

uint32_t p1_fd_write(struct p1 *p, uint32_t fd, uint32_t iovs, uint32_t count, uint32_t ret)
{
	AUTO_TRANSFER struct transfer t = {.ret = ret};
	uint32_t error = begin(p, &t, fd, P1_R_FD_WRITE, iovs, count);

	if (error != P1_SUCCESS)
		return error;
	return finish(p, &t, file_write(t.desc, t.parts.items, t.parts.count, &p->waiter));
}

uint32_t p1_fd_pread(struct p1 *p, uint32_t fd, uint32_t iovs, uint32_t count, uint64_t offset,
		     uint32_t ret)
{
	AUTO_TRANSFER struct transfer t = {.ret = ret};
	uint32_t error = begin_at(p, &t, fd, P1_R_FD_READ, iovs, count);

	if (error != P1_SUCCESS)
		return error;
	return finish(p, &t, file_read_at(t.desc, t.parts.items, t.parts.count, offset));
}

uint32_t p1_fd_pwrite(struct p1 *p, uint32_t fd, uint32_t iovs, uint32_t count, uint64_t offset,
		      uint32_t ret)
{
	AUTO_TRANSFER struct transfer t = {.ret = ret};
	uint32_t error = begin_at(p, &t, fd, P1_R_FD_WRITE, iovs, count);

	if (error != P1_SUCCESS)
		return error;
	return finish(p, &t, file_write_at(t.desc, t.parts.items, t.parts.count, offset));
}

/* -- Position and size ------------------------------------------------------------------------------------- */

static bool whence_of(const struct p1 *p, uint32_t whence, int *ret)
{
	static const int now[] = {SEEK_SET, SEEK_CUR, SEEK_END};
	static const int before[] = {SEEK_CUR, SEEK_END, SEEK_SET};

	if (whence >= ARRAY_SIZE(now))
		return false;
	*ret = p->unstable ? before[whence] : now[whence];
	return true;
}

/* With one of these rights. Of what has no position, the kernel's answer says more than the lack of one. */
static uint32_t seek(const struct p1 *p, const struct desc *desc, int64_t offset, int whence,
		     uint32_t ret)
{
	bool asks = whence == SEEK_CUR && offset == 0;
	uint64_t rights = asks ? P1_R_FD_SEEK | P1_R_FD_TELL : P1_R_FD_SEEK;
	uint64_t at;
	int error;

	if (desc->kind == DESC_FILE && (desc->rights & rights) == 0)
		return P1_NOTCAPABLE;
	if (p1_at(p, ret, 8) == NULL)
		return P1_FAULT;
	error = file_seek(desc, offset, whence, &at);
	if (error == 0)
		p1_put64(p, ret, at);
	return p1_error(error);
}

uint32_t p1_fd_seek(struct p1 *p, uint32_t fd, uint64_t offset, uint32_t whence, uint32_t ret)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, 0, &desc);
	int host_whence;

	if (error != P1_SUCCESS)
		return error;
	if (!whence_of(p, whence, &host_whence))
		return P1_INVAL;
	return seek(p, desc, (int64_t)offset, host_whence, ret);
}

uint32_t p1_fd_tell(struct p1 *p, uint32_t fd, uint32_t ret)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, 0, &desc);

	return error != P1_SUCCESS ? error : seek(p, desc, 0, SEEK_CUR, ret);
}

uint32_t p1_fd_advise(struct p1 *p, uint32_t fd, uint64_t offset, uint64_t size, uint32_t advice)
{
	static const int host[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
				   POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, P1_R_FD_ADVISE, &desc);

	if (error != P1_SUCCESS)
		return desc != NULL && desc->kind == DESC_STREAM ? P1_SPIPE : error;
	if (advice >= ARRAY_SIZE(host))
		return P1_INVAL;
	return p1_error(file_advise(desc, offset, size, host[advice]));
}

uint32_t p1_fd_allocate(struct p1 *p, uint32_t fd, uint64_t offset, uint64_t size)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, P1_R_FD_ALLOCATE, &desc);

	return error != P1_SUCCESS ? error : p1_error(file_allocate(desc, offset, size));
}

uint32_t p1_fd_filestat_set_size(struct p1 *p, uint32_t fd, uint64_t size)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, P1_R_FD_FILESTAT_SET_SIZE, &desc);

	return error != P1_SUCCESS ? error : p1_error(file_set_size(desc, size));
}

static uint32_t sync_desc(const struct p1 *p, uint32_t fd, uint64_t right, bool data_only)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, right, &desc);

	/* As Linux answers for what cannot be synchronised. */
	if (error == P1_NOTCAPABLE && desc->kind >= DESC_STREAM)
		return P1_INVAL;
	return error != P1_SUCCESS ? error : p1_error(file_sync(desc, data_only));
}

uint32_t p1_fd_datasync(struct p1 *p, uint32_t fd)
{
	return sync_desc(p, fd, P1_R_FD_DATASYNC, true);
}

uint32_t p1_fd_sync(struct p1 *p, uint32_t fd)
{
	return sync_desc(p, fd, P1_R_FD_SYNC, false);
}

/* -- State ---------------------------------------------------------------------------------------------------- */

static uint16_t fdflags_of(const struct desc *desc)
{
	int host = desc->kind == DESC_FILE ? file_host_flags(desc) : 0;
	uint16_t flags = 0;

	flags |= desc->flags & DESC_APPEND ? P1_FD_APPEND : 0;
	flags |= desc->flags & DESC_NONBLOCK ? P1_FD_NONBLOCK : 0;
	if (host > 0 && (host & O_SYNC) == O_SYNC)
		flags |= P1_FD_SYNC | P1_FD_RSYNC;
	if (host > 0 && (host & O_DSYNC) != 0)
		flags |= P1_FD_DSYNC;
	return flags;
}

uint32_t p1_fd_fdstat_get(struct p1 *p, uint32_t fd, uint32_t ret)
{
	AUTO_DESC struct desc *desc = NULL;
	struct p1_fdstat stat = {0};
	void *to = p1_at(p, ret, sizeof(stat));
	uint32_t error = p1_desc(p, fd, 0, &desc);

	if (error != P1_SUCCESS)
		return error;
	if (to == NULL)
		return P1_FAULT;
	stat.filetype = p1_filetype(desc->type, desc->socktype);
	stat.flags = fdflags_of(desc);
	stat.rights = desc->rights;
	stat.inheriting = desc->inheriting;
	memcpy(to, &stat, sizeof(stat));
	return P1_SUCCESS;
}

uint32_t p1_fd_fdstat_set_flags(struct p1 *p, uint32_t fd, uint32_t flags)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, P1_R_FD_FDSTAT_SET_FLAGS, &desc);
	uint32_t sync = P1_FD_SYNC | P1_FD_DSYNC | P1_FD_RSYNC;
	uint16_t wanted = 0;

	if (error != P1_SUCCESS)
		return error;
	if (flags & ~(uint32_t)P1_FD_ALL)
		return P1_INVAL;
	/* Linux takes these when a file is opened, and lets them be after that. */
	if ((flags & sync & ~(uint32_t)fdflags_of(desc)) != 0)
		return P1_NOTSUP;
	wanted |= flags & P1_FD_APPEND ? DESC_APPEND : 0;
	wanted |= flags & P1_FD_NONBLOCK ? DESC_NONBLOCK : 0;
	return p1_error(file_set_flags(desc, wanted));
}

uint32_t p1_fd_fdstat_set_rights(struct p1 *p, uint32_t fd, uint64_t rights, uint64_t inheriting)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, 0, &desc);

	if (error != P1_SUCCESS)
		return error;
	if ((rights & ~desc->rights) != 0 || (inheriting & ~desc->inheriting) != 0)
		return P1_NOTCAPABLE;
	desc->rights = rights;
	desc->inheriting = inheriting;
	return P1_SUCCESS;
}

uint32_t p1_fd_filestat_get(struct p1 *p, uint32_t fd, uint32_t ret)
{
	AUTO_DESC struct desc *desc = NULL;
	struct stat st;
	uint32_t error = p1_desc(p, fd, P1_R_FD_FILESTAT_GET, &desc);
	int failed;

	if (error != P1_SUCCESS)
		return error;
	failed = file_stat(desc, &st);
	return failed != 0 ? p1_error(failed) : p1_put_stat(p, &st, desc->socktype, ret);
}

uint32_t p1_fd_filestat_set_times(struct p1 *p, uint32_t fd, uint64_t atim, uint64_t mtim,
				  uint32_t flags)
{
	AUTO_DESC struct desc *desc = NULL;
	struct timespec times[2];
	uint32_t error = p1_desc(p, fd, P1_R_FD_FILESTAT_SET_TIMES, &desc);

	if (error == P1_SUCCESS)
		error = p1_times_of(atim, mtim, flags, times);
	if (error != P1_SUCCESS)
		return error;
	return p1_error(file_set_times(desc, times));
}

/* -- Numbers --------------------------------------------------------------------------------------------------- */

uint32_t p1_fd_close(struct p1 *p, uint32_t fd)
{
	return p1_error(descs_close(&p->system->descs, fd));
}

uint32_t p1_fd_renumber(struct p1 *p, uint32_t from, uint32_t to)
{
	return p1_error(descs_renumber(&p->system->descs, from, to));
}

/* -- Preopens ---------------------------------------------------------------------------------------------------- */

/* Sockets handed in come before the directories; a libc that looks for these goes past what is of another kind, but
 * would stop at EBADF. */
uint32_t p1_fd_prestat_get(struct p1 *p, uint32_t fd, uint32_t ret)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, 0, &desc);

	if (error != P1_SUCCESS || (desc->flags & DESC_PREOPEN) == 0)
		return P1_BADF;
	if (p1_at(p, ret, 8) == NULL)
		return P1_FAULT;
	p1_put32(p, ret, desc->name != NULL ? P1_PRESTAT_DIR : P1_PRESTAT_OTHER);
	p1_put32(p, ret + 4, desc->name != NULL ? (uint32_t)strlen(desc->name) : 0);
	return P1_SUCCESS;
}

uint32_t p1_fd_prestat_dir_name(struct p1 *p, uint32_t fd, uint32_t name, uint32_t size)
{
	AUTO_DESC struct desc *desc = NULL;
	uint32_t error = p1_desc(p, fd, 0, &desc);
	size_t needed;
	char *to;

	if (error != P1_SUCCESS || (desc->flags & DESC_PREOPEN) == 0)
		return P1_BADF;
	if (desc->name == NULL)
		return P1_NOTDIR;
	needed = strlen(desc->name);
	to = p1_at(p, name, size);
	if (to == NULL)
		return P1_FAULT;
	if (size < needed)
		return P1_NAMETOOLONG;
	memcpy(to, desc->name, needed);
	return P1_SUCCESS;
}

/* -- Directories -------------------------------------------------------------------------------------------------- */

struct listing {
	uint8_t *to;
	uint32_t room;
	uint32_t used;
};

/* As much of the bytes as has room; a guest sees by a full buffer that there is more. */
static void append(struct listing *list, const void *bytes, size_t size)
{
	size_t fits = MIN(size, (size_t)(list->room - list->used));

	memcpy(list->to + list->used, bytes, fits);
	list->used += (uint32_t)fits;
}

static bool put_entry(void *env, const struct entry *entry)
{
	struct listing *list = env;
	struct p1_dirent dirent = {
		.next = entry->next,
		.ino = entry->inode,
		.name_size = entry->name_size,
		.type = p1_filetype(entry->type, 0),
	};

	append(list, &dirent, sizeof(dirent));
	append(list, entry->name, entry->name_size);
	return list->used < list->room;
}

uint32_t p1_fd_readdir(struct p1 *p, uint32_t fd, uint32_t buffer, uint32_t size, uint64_t cookie,
		       uint32_t ret)
{
	AUTO_DESC struct desc *desc = NULL;
	struct listing list = {.to = p1_at(p, buffer, size), .room = size};
	uint32_t error = p1_desc(p, fd, 0, &desc);
	int failed;

	if (error != P1_SUCCESS)
		return error;
	if (desc->kind != DESC_DIR)
		return P1_NOTDIR;
	if ((desc->rights & P1_R_FD_READDIR) == 0)
		return P1_NOTCAPABLE;
	if (list.to == NULL || p1_at(p, ret, 4) == NULL)
		return P1_FAULT;
	failed = size != 0 ? file_list(desc, cookie, put_entry, &list) : 0;
	if (failed == 0)
		p1_put32(p, ret, list.used);
	return p1_error(failed);
}
