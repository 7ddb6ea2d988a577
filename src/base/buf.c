/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

void buf_deinit(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

int buf_reserve(struct buf *buf, size_t more)
{
	size_t room = buf->room != 0 ? buf->room : FIRST_ROOM;
	void *data;

	if (more <= buf->room - buf->size)
		return 0;
	if (more > SIZE_MAX / 4 - buf->size)
		return -ENOMEM;
	while (room - buf->size < more)
		room *= 2;
	data = realloc(buf->data, room);
	if (data == NULL)
		return -ENOMEM;
	buf->data = data;
	buf->room = room;
	return 0;
}

void *buf_add(struct buf *buf, size_t size)
{
	void *place;

	if (buf_reserve(buf, size) < 0)
		return NULL;
	place = buf->data + buf->size;
	buf->size += size;
	return place;
}

void *buf_zero(struct buf *buf, size_t size)
{
	void *place = buf_add(buf, size);

	return place == NULL ? NULL : memset(place, 0, size);
}

void *buf_put(struct buf *buf, const void *bytes, size_t size)
{
	void *place = buf_add(buf, size);

	return place == NULL || size == 0 ? place : memcpy(place, bytes, size);
}
