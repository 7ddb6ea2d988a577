/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log.h"

#include "base/base.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const streams[LOG_STREAMS] = {"stdout", "stderr"};

void log_time(char text[static LOG_TIME])
{
	struct timespec now;
	struct tm tm;
	size_t size;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size = strftime(text, LOG_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + size, LOG_TIME - size, ".%09ldZ", now.tv_nsec);
}

static int open_file(struct log *log)
{
	log->fd = openat(log->dir, "log",
			 O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	log->size = 0;
	log->torn = false;
	return log->fd < 0 ? -errno : 0;
}

int log_open(struct log *ret, int dir, uint64_t most, struct err *err)
{
	int error;

	*ret = (struct log){.dir = dir, .fd = -1, .most = most != 0 ? most : LOG_BYTES};
	error = open_file(ret);
	return error == 0 ? 0 : err_set(err, error, "make the log: %s", strerror(-error));
}

/* Who reads has it open, or finds it under its new name. */
static void turn(struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	renameat(log->dir, "log", log->dir, "log.1");
	log->lost |= open_file(log) != 0;
}

/* Where only a part of it had room, the next one begins a line of its own nevertheless. */
static bool write_bytes(struct log *log, const char *text, size_t size)
{
	if (log->fd < 0 || (log->torn && io_write(log->fd, "\n", 1) != 0))
		return false;
	log->torn = io_write(log->fd, text, size) != 0;
	if (!log->torn)
		log->size += size;
	return !log->torn;
}

/* A line, or a part of it: in one write, so that who reads meanwhile finds no half of one. */
static void put_entry(struct log *log, int stream, bool whole, const char *text, size_t size)
{
	char line[LOG_TIME + 16 + LOG_LINE];
	size_t front;

	log_time(line);
	front = strlen(line);
	front += (size_t)snprintf(line + front, sizeof(line) - front, " %s %c ", streams[stream],
				  whole ? 'F' : 'P');
	memcpy(line + front, text, size);
	line[front + size] = '\n';
	if (log->size > 0 && log->size + front + size + 1 > log->most)
		turn(log);
	if (!write_bytes(log, line, front + size + 1))
		log->lost = true;
}

/* As soon as there is room again. */
static void tell_lost(struct log *log)
{
	static const char text[] = "skiff: lines of this log were lost: it could not be written";

	if (!log->lost)
		return;
	log->lost = false;
	if (log->fd < 0)
		log->lost = open_file(log) != 0;
	put_entry(log, LOG_ERR, true, text, sizeof(text) - 1);
}

static void put_part(struct log *log, int stream, bool whole)
{
	struct log_part *part = &log->parts[stream];

	put_entry(log, stream, whole, part->text, part->size);
	part->size = 0;
}

void log_put(struct log *log, int stream, const char *text, size_t size)
{
	struct log_part *part = &log->parts[stream];

	tell_lost(log);
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t line = end != NULL ? (size_t)(end - text) : size;
		size_t n = MIN(line, sizeof(part->text) - part->size);

		memcpy(part->text + part->size, text, n);
		part->size += n;
		text += n;
		size -= n;
		if (n == line && end != NULL) {
			put_part(log, stream, true);
			text++;
			size--;
		} else if (part->size == sizeof(part->text)) {
			put_part(log, stream, false);
		}
	}
}

bool log_has_part(const struct log *log)
{
	return log->parts[LOG_OUT].size > 0 || log->parts[LOG_ERR].size > 0;
}

void log_flush(struct log *log)
{
	for (int i = 0; i < LOG_STREAMS; i++)
		if (log->parts[i].size > 0)
			put_part(log, i, false);
}

void log_close(struct log *log)
{
	if (log->dir < 0)
		return;
	log_flush(log);
	if (log->fd >= 0)
		close(log->fd);
	close(log->dir);
	*log = (struct log){.dir = -1, .fd = -1};
}
