/* SPDX-License-Identifier: Apache-2.0 */
#include "artifact/cache.h"
#include "../../include/skiff.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <errno.h>
enum cache_found cache_find(struct cache *cache, int fd, const struct stat *st, const struct artifact_id *w, struct artifact *ret)
{
	char name[64];
	int f;
	(void)cache; (void)fd; (void)w;
	snprintf(name, sizeof(name), "/tmp/stubcache/%llx", (unsigned long long)st->st_ino);
	f = open(name, O_RDONLY | O_CLOEXEC);
	if (f < 0) return CACHE_UNKNOWN;
	return artifact_open(ret, f, NULL) == 0 ? CACHE_HIT : CACHE_UNKNOWN;
}
int cache_add(struct cache *cache, const struct image *image, const struct artifact_id *id, int fd, const struct stat *st, struct err *err)
{
	char name[64];
	int f, r;
	(void)cache; (void)fd;
	snprintf(name, sizeof(name), "/tmp/stubcache/%llx", (unsigned long long)st->st_ino);
	f = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	r = artifact_write(f, image, id, err);
	close(f);
	return r;
}
int skiff_cache_new(struct skiff_cache **ret, const char *dir, struct skiff_error *err){ (void)dir;(void)err;*ret=(void*)1; return 0;}
void skiff_cache_free(struct skiff_cache *c){(void)c;}
const char *skiff_cache_complaint(const struct skiff_cache *c){(void)c;return NULL;}
