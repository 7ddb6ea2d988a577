/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h: how far several things at once have come: a line each on a terminal, nothing in a pipe but what is worth a line at the end.
 *
 * Items may be moved on by any thread; one draws.
 */
#ifndef IMAGE_PROGRESS_H
#define IMAGE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress;
struct progress_item;

/* NULL where there is no memory, or nothing is to be seen: all functions accept it. Drawn on standard error. */
struct progress *progress_begin(bool quiet);
/* `what`: "pulling 3f2a..." ; copied. `size` 0: not known. */
struct progress_item *progress_add(struct progress *progress, const char *what, uint64_t size);
void progress_to(struct progress_item *item, uint64_t bytes);
/* "done", "there already", "mounted". */
void progress_done(struct progress_item *item, const char *how);
/* A sentence above the lines, or on standard error where there are none; NULL: nowhere. */
void progress_tell(struct progress *progress, const char *sentence);
struct progress *progress_end(struct progress *progress);

/* "12.3 MB" */
const char *progress_amount(uint64_t bytes, char room[static 24]);

#endif
