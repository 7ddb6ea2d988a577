/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h: what a container said, kept in files: written by whoever looks after it, read by `skiff logs`.
 *
 * Each line has the form that Kubernetes' engines write: TIME STREAM TAG TEXT, as in
 *
 *   2026-11-22T10:00:00.123456789Z stdout F listening on port 8080
 *
 * TIME is in UTC, STREAM stdout or stderr, TAG F for a whole line, and P for a part of one, which what follows of the same stream goes
 * on with. A file that would become larger than it may takes the name log.1, and what had that name is gone.
 */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LOG_BYTES (UINT64_C(10) << 20) /* of one file, where nothing else is said */

enum { LOG_OUT, LOG_ERR, LOG_STREAMS };
enum { LOG_LINE = 4096, LOG_TIME = sizeof("2026-11-22T10:00:00.123456789Z") };

struct log {
	int dir; /* owned; -1: it is not open */
	int fd; /* owned */
	uint64_t size, most;
	struct log_part {
		char text[LOG_LINE]; /* of a line that has not ended */
		size_t size;
	} parts[LOG_STREAMS];
	bool torn; /* what was written last may have no end */
	bool lost; /* it could not be written, and nobody was told */
};

/* `dir` is taken. */
int log_open(struct log *ret, int dir, uint64_t most, struct err *err);
void log_put(struct log *log, int stream, const char *text, size_t size);
/* What was said of lines that have not ended; it is a part. */
void log_flush(struct log *log);
bool log_has_part(const struct log *log);
/* And flush. */
void log_close(struct log *log);

/* The time as lines have it. */
void log_time(char text[static LOG_TIME]);

#endif
