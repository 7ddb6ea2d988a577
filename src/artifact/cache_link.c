/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_link.c: the links by which an artifact is found.
 *
 * A link that is missing costs time, no more: so nothing here fails, and nothing waits for the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "artifact/cache_parts.h"

static bool leads_to(int dir, const char *name, const char *target)
{
	char text[CACHE_ENTRY_TEXT];
	ssize_t size = readlinkat(dir, name, text, sizeof(text));

	return size == (ssize_t)strlen(target) && memcmp(text, target, (size_t)size) == 0;
}

/* There is always a link of that name, or never was one. */
static void put(int dir, const char *name, const char *target)
{
	char temporary[CACHE_LINK_TEXT];

	if (symlinkat(target, dir, name) == 0 || errno != EEXIST || leads_to(dir, name, target))
		return;
	cache_name_temporary(temporary);
	if (symlinkat(target, dir, temporary) < 0)
		return;
	if (renameat(dir, temporary, dir, name) < 0)
		unlinkat(dir, temporary, 0);
}

void cache_link_identity(struct cache *cache, int fd, const struct stat *st, bool rested,
			 const struct artifact_id *id)
{
	char name[CACHE_LINK_TEXT], entry[CACHE_ENTRY_TEXT];
	struct stat now;

	/* A change while it was read shows, as what had rested got another time by it. */
	if (!rested || fstat(fd, &now) < 0 || !cache_identity_same(st, &now) ||
	    !cache_identity(fd, st, id, name))
		return;
	cache_name_entry(entry, id);
	put(cache->dir, name, entry);
}

void cache_link_sample(struct cache *cache, int fd, const struct stat *st,
		       const struct artifact_id *id)
{
	char name[CACHE_LINK_TEXT], entry[CACHE_ENTRY_TEXT];

	if (!cache_sample(fd, st, id, name))
		return;
	cache_name_entry(entry, id);
	put(cache->dir, name, entry);
}
