/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c: the engine: what is allowed, and what all stores share. */
#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "artifact/artifact.h"
#include "interp/interp.h"
#include "wasm/feature.h"

enum { STACK_DEFAULT = 1 << 20, STACK_LEAST = 192 * 1024 };
#define GC_DEFAULT (UINT64_C(1) << 30)
#define STACK_MOST (UINT64_C(1) << 40)

const char *skiff_version(void)
{
	return SKIFF_VERSION;
}

const char *skiff_engine_abi(void)
{
	return artifact_engine_text;
}

uint64_t skiff_features_default(void)
{
	return feature_default();
}

const char *skiff_feature_name(unsigned bit)
{
	return bit < FEATURE_COUNT - 1 ? feature_name((enum feature)(bit + 1)) : NULL;
}

/* A caller's struct may be shorter than ours: what it does not know is zero. */
static void take_config(struct skiff_config *to, const struct skiff_config *from)
{
	*to = (struct skiff_config){0};
	if (from != NULL)
		memcpy(to, from, MIN(from->size, sizeof(*to)));
	if (to->features == 0)
		to->features = feature_default();
	if (to->stack_bytes == 0)
		to->stack_bytes = STACK_DEFAULT;
	if (to->gc_bytes == 0)
		to->gc_bytes = GC_DEFAULT;
}

int skiff_engine_new(struct skiff_engine **ret, const struct skiff_config *config,
		     struct skiff_error *err)
{
	struct skiff_engine *engine;
	struct skiff_config known;

	take_config(&known, config);
	if (known.stack_bytes < STACK_LEAST || known.stack_bytes > STACK_MOST)
		return err_set(err_in(err), -EINVAL,
			       "a guest stack of %llu bytes: at least %d, at most 1 TiB",
			       (unsigned long long)known.stack_bytes, STACK_LEAST);
	engine = calloc(1, sizeof(*engine));
	if (engine == NULL)
		return err_set(err_in(err), -ENOMEM, "out of memory for an engine");
	engine->refs = 1;
	engine->features = known.features;
	engine->common.tier.entry = interp_entry;
	engine->common.stack_bytes = known.stack_bytes;
	engine->common.fuel = known.fuel;
	engine->common.gc_always = known.gc_always;
	engine->common.gc_bytes = known.gc_bytes;
	registry_init(&engine->common.registry);
	memory_pool_init(&engine->common.pool, known.no_reservation);
	*ret = engine;
	return 0;
}

struct skiff_engine *engine_ref(struct skiff_engine *engine)
{
	__atomic_add_fetch(&engine->refs, 1, __ATOMIC_RELAXED);
	return engine;
}

void engine_unref(struct skiff_engine *engine)
{
	if (engine == NULL || __atomic_sub_fetch(&engine->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	memory_pool_deinit(&engine->common.pool);
	registry_deinit(&engine->common.registry);
	free(engine);
}

void skiff_engine_free(struct skiff_engine *engine)
{
	engine_unref(engine);
}
