/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desc.c: the table grows by doubling; a number is found by looking from the lowest on, as POSIX wants the lowest free
 * one. Closing takes the entry out under the lock and closes outside of it: a close may take long.
 */
#include "wasi/desc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "wasi/wait.h"

/* -- One ------------------------------------------------------------------------------------- */

static enum desc_kind kind_of(uint8_t type)
{
	switch (type) {
	case DT_REG:
	case DT_BLK:
		return DESC_FILE;
	case DT_DIR:
		return DESC_DIR;
	case DT_SOCK:
		return DESC_SOCKET;
	}
	return DESC_STREAM;
}

/* What kind of socket somebody else made. */
static void ask_socket(struct desc *desc)
{
	int value = 0;
	socklen_t size = sizeof(value);

	if (getsockopt(desc->fd, SOL_SOCKET, SO_DOMAIN, &value, &size) == 0)
		desc->family = (uint16_t)value;
	size = sizeof(value);
	if (getsockopt(desc->fd, SOL_SOCKET, SO_TYPE, &value, &size) == 0)
		desc->socktype = (uint16_t)value;
}

int desc_new(struct desc **ret, int fd, uint8_t type, uint16_t flags)
{
	struct desc *desc;
	struct stat st;

	if (type == 0) {
		int status = fcntl(fd, F_GETFL);

		if (status < 0 || fstat(fd, &st) < 0)
			return -errno;
		type = (uint8_t)((st.st_mode & S_IFMT) >> 12);
		if (status & O_APPEND)
			flags |= DESC_APPEND;
	}
	desc = calloc(1, sizeof(*desc));
	if (desc == NULL)
		return -ENOMEM;
	desc->refs = 1;
	pthread_mutex_init(&desc->listing, NULL);
	desc->fd = fd;
	desc->type = type;
	desc->kind = kind_of(type);
	desc->flags = flags;
	if (desc->kind == DESC_SOCKET)
		ask_socket(desc);
	*ret = desc;
	return 0;
}

struct desc *desc_ref(struct desc *desc)
{
	__atomic_add_fetch(&desc->refs, 1, __ATOMIC_RELAXED);
	return desc;
}

struct desc *desc_unref(struct desc *desc)
{
	if (desc == NULL || __atomic_sub_fetch(&desc->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return NULL;
	if (desc->of != NULL)
		desc_unref(desc->of);
	else if (desc->fd >= 0 && !(desc->flags & DESC_SHARED))
		close(desc->fd);
	if (desc->flags & DESC_CONNECTION)
		__atomic_sub_fetch(&desc->stop->connections, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_destroy(&desc->listing);
	free(desc->path);
	free(desc->name);
	free(desc);
	return NULL;
}

/* -- All --------------------------------------------------------------------------------------- */

void descs_init(struct descs *descs)
{
	*descs = (struct descs){.limit = DESCS_MAX};
	pthread_mutex_init(&descs->lock, NULL);
}

void descs_deinit(struct descs *descs)
{
	for (uint32_t i = 0; i < descs->room; i++)
		desc_unref(descs->items[i]);
	free(descs->items);
	pthread_mutex_destroy(&descs->lock);
}

/* Room for this number: 0, -EMFILE, -ENOMEM. */
static int make_room(struct descs *descs, uint32_t number)
{
	uint32_t room = MAX(descs->room, 8u);
	struct desc **items;

	if (number >= descs->limit)
		return -EMFILE;
	if (number < descs->room)
		return 0;
	while (room <= number)
		room *= 2;
	items = realloc(descs->items, room * sizeof(struct desc *));
	if (items == NULL)
		return -ENOMEM;
	memset(items + descs->room, 0, (room - descs->room) * sizeof(struct desc *));
	descs->items = items;
	descs->room = room;
	return 0;
}

int descs_add(struct descs *descs, struct desc *desc, uint32_t from)
{
	uint32_t number = from;
	int error;

	pthread_mutex_lock(&descs->lock);
	while (number < descs->room && descs->items[number] != NULL)
		number++;
	error = make_room(descs, number);
	if (error == 0)
		descs->items[number] = desc;
	pthread_mutex_unlock(&descs->lock);
	return error == 0 ? (int)number : error;
}

int descs_set(struct descs *descs, uint32_t number, struct desc *desc)
{
	struct desc *before = NULL;
	int error;

	pthread_mutex_lock(&descs->lock);
	error = make_room(descs, number);
	if (error == 0) {
		before = descs->items[number];
		descs->items[number] = desc;
	}
	pthread_mutex_unlock(&descs->lock);
	desc_unref(before);
	return error;
}

struct desc *descs_get(struct descs *descs, uint32_t number)
{
	struct desc *desc = NULL;

	pthread_mutex_lock(&descs->lock);
	if (number < descs->room && descs->items[number] != NULL)
		desc = desc_ref(descs->items[number]);
	pthread_mutex_unlock(&descs->lock);
	return desc;
}

int descs_close(struct descs *descs, uint32_t number)
{
	struct desc *desc = NULL;

	pthread_mutex_lock(&descs->lock);
	if (number < descs->room) {
		desc = descs->items[number];
		descs->items[number] = NULL;
	}
	pthread_mutex_unlock(&descs->lock);
	if (desc == NULL)
		return -EBADF;
	desc_unref(desc);
	return 0;
}

int descs_renumber(struct descs *descs, uint32_t from, uint32_t to)
{
	struct desc *before = NULL;
	bool open;

	pthread_mutex_lock(&descs->lock);
	open = from < descs->room && to < descs->room && descs->items[from] != NULL &&
	       descs->items[to] != NULL;
	if (open && from != to) {
		before = descs->items[to];
		descs->items[to] = descs->items[from];
		descs->items[from] = NULL;
	}
	pthread_mutex_unlock(&descs->lock);
	desc_unref(before);
	return open ? 0 : -EBADF;
}
