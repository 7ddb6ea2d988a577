/* SPDX-License-Identifier: Apache-2.0 */
/* cache_modules.c: modules out of the cache, and into it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "wasm/decode.h"

struct artifact_id artifact_wanted(const struct skiff_engine *engine)
{
	struct artifact_id id = {
		.features = engine->features,
		.options = engine->common.fuel ? 0 : ARTIFACT_FUSED,
	};

	memcpy(id.engine, artifact_engine, sizeof(id.engine));
	return id;
}

_Static_assert(SKIFF_CACHE_LEAST == CACHE_LEAST, "who embeds us is told");

int module_of_artifact(struct skiff_module **ret, struct skiff_engine *engine,
		       struct artifact *artifact, struct err *err)
{
	struct module_file file = {
		.map = artifact->map,
		.size = artifact->size,
		.image = (struct image *)(uintptr_t)artifact->image,
		.memory = artifact->memory,
	};
	struct module *module;
	int error = module_new_mapped(&module, &engine->common, &file, err);

	if (error != 0) {
		artifact_close(artifact);
		return error;
	}
	if (file.memory.fd < 0)
		close(artifact->fd);
	engine_ref(engine);
	*ret = module_out(module);
	return 0;
}

/* *ret is NULL where it is not there. */
static int find(struct skiff_module **ret, bool *ret_missing, struct skiff_cache *cache,
		struct skiff_engine *engine, int fd, const struct stat *state, struct err *err)
{
	struct artifact_id wanted = artifact_wanted(engine);
	struct artifact artifact;
	enum cache_found found = cache_find(&cache->cache, fd, state, &wanted, &artifact);

	*ret = NULL;
	if (ret_missing != NULL)
		*ret_missing = found == CACHE_UNKNOWN;
	return found == CACHE_HIT ? module_of_artifact(ret, engine, &artifact, err) : 0;
}

/* An artifact that was found, and not yet looked into. */
struct skiff_cached {
	struct skiff_engine *engine; /* counted */
	struct artifact artifact; /* owned */
};

int skiff_cache_find(struct skiff_cache *cache, struct skiff_cached **ret,
		     struct skiff_engine *engine, int fd, bool *ret_missing,
		     struct skiff_error *err)
{
	struct artifact_id wanted = artifact_wanted(engine);
	struct skiff_cached *cached;
	enum cache_found found;
	struct stat state;
	int error = module_file_state(fd, &state, err_in(err));

	if (error != 0)
		return error;
	cached = malloc(sizeof(*cached));
	if (cached == NULL)
		return err_set(err_in(err), -ENOMEM, "out of memory for a module");
	found = cache_find(&cache->cache, fd, &state, &wanted, &cached->artifact);
	if (ret_missing != NULL)
		*ret_missing = found == CACHE_UNKNOWN;
	if (found == CACHE_HIT) {
		cached->engine = engine_ref(engine);
	} else {
		free(cached);
		cached = NULL;
	}
	*ret = cached;
	return 0;
}

int skiff_cached_module(struct skiff_cached *cached, struct skiff_module **ret,
			struct skiff_error *err)
{
	int error = module_of_artifact(ret, cached->engine, &cached->artifact, err_in(err));

	engine_unref(cached->engine);
	free(cached);
	return error;
}

void skiff_cached_free(struct skiff_cached *cached)
{
	if (cached == NULL)
		return;
	artifact_close(&cached->artifact);
	engine_unref(cached->engine);
	free(cached);
}

int skiff_cache_module_open(struct skiff_cache *cache, struct skiff_module **ret,
			    struct skiff_engine *engine, const char *path, bool *ret_missing,
			    struct skiff_error *err)
{
	struct skiff_module *module;
	struct stat state;
	int fd, error;

	error = module_file_open(path, &fd, &state, err_in(err));
	if (error != 0)
		return error;
	error = find(&module, ret_missing, cache, engine, fd, &state, err_in(err));
	if (error == 0 && module == NULL)
		error = module_of_file(&module, engine, fd, &state, err_in(err));
	close(fd);
	if (error == 0)
		*ret = module;
	return error;
}

/* The digest is of the bytes as they came: decoding quickens them. */
int artifact_image(struct image **ret, struct artifact_id *ret_id,
		   const struct skiff_engine *engine, int fd, const struct stat *state,
		   struct err *err)
{
	struct image *image;
	int error = module_file_read(&image, fd, state, err);

	if (error != 0)
		return error;
	*ret_id = artifact_wanted(engine);
	sha256(image_input(image), image->bytes.count, ret_id->module);
	error = outcome_of_decode(decode(&image, engine->features, err));
	if (error != 0) {
		image_free(image);
		return error;
	}
	if ((ret_id->options & ARTIFACT_FUSED) != 0)
		artifact_fuse(image);
	*ret = image;
	return 0;
}

int skiff_cache_add(struct skiff_cache *cache, struct skiff_engine *engine, const char *path,
		    struct skiff_error *err)
{
	struct artifact_id id;
	struct image *image;
	struct stat state;
	int fd, error;

	error = module_file_open(path, &fd, &state, err_in(err));
	if (error != 0)
		return error;
	error = artifact_image(&image, &id, engine, fd, &state, err_in(err));
	if (error == 0) {
		error = cache_add(&cache->cache, image, &id, fd, &state, err_in(err));
		image_free(image);
	}
	close(fd);
	return error;
}

/* -- Apart ------------------------------------------------------------------------------------- */

struct making {
	struct image *image; /* owned; the bytes as they were read, until somebody decodes them */
	struct artifact_id id;
	int fd; /* where the artifact goes; borrowed */
	skiff_apart_fn *apart;
	void *env;
};

/* In another process, whose copy of the image is its own. */
static int make(void *env, struct skiff_error *err)
{
	struct making *m = env;
	int error = outcome_of_decode(decode(&m->image, m->id.features, err_in(err)));

	if (error != 0)
		return error;
	if ((m->id.options & ARTIFACT_FUSED) != 0)
		artifact_fuse(m->image);
	return artifact_write(m->fd, m->image, &m->id, err_in(err));
}

static int make_apart(void *env, int fd, struct err *err)
{
	struct making *m = env;

	m->fd = fd;
	return m->apart(m->env, fd, make, m, (struct skiff_error *)(void *)err);
}

int skiff_cache_add_apart(struct skiff_cache *cache, struct skiff_engine *engine, int fd,
			  skiff_apart_fn *apart, void *env, struct skiff_error *err)
{
	struct making making = {.id = artifact_wanted(engine), .apart = apart, .env = env};
	const struct cache_writer writer = {make_apart, &making};
	struct stat state;
	int error = module_file_state(fd, &state, err_in(err));

	if (error == 0)
		error = module_file_read(&making.image, fd, &state, err_in(err));
	if (error != 0)
		return error;
	/* Whoever decodes gets these bytes, whatever becomes of the file: what is written is of this digest, or not ours. */
	sha256(image_input(making.image), making.image->bytes.count, making.id.module);
	error = cache_add_written(&cache->cache, &writer, &making.id, fd, &state, err_in(err));
	image_free(making.image);
	return error;
}
