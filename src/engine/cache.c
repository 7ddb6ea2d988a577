/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c: the cache's own affairs, under their public names; cache_modules.c has what modules have to do with it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

int skiff_cache_new(struct skiff_cache **ret, const char *dir, struct skiff_error *err)
{
	struct skiff_cache *cache = malloc(sizeof(*cache));
	int error = cache != NULL ? cache_init(&cache->cache, dir) : -ENOMEM;

	if (error != 0) {
		free(cache);
		return err_set(err_in(err), error, "out of memory for a cache");
	}
	*ret = cache;
	return 0;
}

void skiff_cache_free(struct skiff_cache *cache)
{
	if (cache == NULL)
		return;
	cache_deinit(&cache->cache);
	free(cache);
}

const char *skiff_cache_path(const struct skiff_cache *cache)
{
	return cache->cache.path;
}

const char *skiff_cache_complaint(const struct skiff_cache *cache)
{
	const char *text = cache->cache.complaint.text;

	return text[0] != '\0' ? text : NULL;
}

/* -- Entries ------------------------------------------------------------------------------- */

struct hand_on {
	skiff_cache_entry_fn *fn;
	void *env;
};

static int hand_on(void *env, const struct cache_entry *entry)
{
	const struct hand_on *to = env;
	const struct skiff_cache_entry out = {
		.engine = entry->engine,
		.name = entry->name,
		.is_ours = entry->is_ours,
		.bytes = entry->bytes,
		.module_bytes = entry->module_bytes,
		.used = entry->used,
	};

	return to->fn(to->env, &out);
}

int skiff_cache_list(struct skiff_cache *cache, skiff_cache_entry_fn *fn, void *env,
		     struct skiff_error *err)
{
	struct hand_on to = {fn, env};

	return cache_list(&cache->cache, hand_on, &to, err_in(err));
}

int skiff_cache_verify(struct skiff_cache *cache, const struct skiff_cache_entry *entry,
		       struct skiff_error *err)
{
	struct cache_entry inner = {.is_ours = entry->is_ours};
	int error;

	if (!entry->is_ours || strlen(entry->name) >= sizeof(inner.name))
		return err_set(err_in(err), SKIFF_MISUSE,
			       "an artifact of another build cannot be looked into");
	memcpy(inner.name, entry->name, strlen(entry->name) + 1);
	error = cache_verify(&cache->cache, &inner, err_in(err));
	return error > 0 ? SKIFF_MALFORMED : error;
}

/* -- Limits -------------------------------------------------------------------------------- */

void skiff_cache_limits_default(struct skiff_cache_limits *limits)
{
	const struct skiff_cache_limits full = {
		.size = limits->size,
		.bytes = CACHE_LIMIT_BYTES,
		.seconds = CACHE_LIMIT_SECONDS,
	};

	memcpy(limits, &full, MIN(limits->size, sizeof(full)));
}

void skiff_cache_keep(struct skiff_cache *cache, const struct skiff_cache_limits *limits)
{
	cache->cache.limits = (struct cache_limits){limits->bytes, limits->seconds};
}

int skiff_cache_prune(struct skiff_cache *cache, struct skiff_cache_limits *limits,
		      struct skiff_error *err)
{
	struct skiff_cache_limits full = {.bytes = UINT64_MAX, .seconds = UINT64_MAX};
	struct cache_limits inner;
	struct cache_pruned pruned;
	int error;

	memcpy(&full, limits, MIN(limits->size, sizeof(full)));
	inner = (struct cache_limits){full.bytes, full.seconds};
	error = cache_prune(&cache->cache, &inner, &pruned, err_in(err));
	if (error != 0)
		return error;
	full.removed_count = pruned.count;
	full.removed_bytes = pruned.bytes;
	full.kept_count = pruned.kept_count;
	full.kept_bytes = pruned.kept_bytes;
	memcpy(limits, &full, MIN(limits->size, sizeof(full)));
	return 0;
}
