/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h: the public API's structs, seen from inside.
 *
 * Most handles of skiff.h are structs of exec under a public name: a skiff_func is a struct func. The
 * conversions are here, in one place, and cost nothing. Only the engine, the linker and what comes of them
 * are structs of their own.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <sys/stat.h>

#include "artifact/cache.h"
#include "base/base.h"
#include "base/err.h"
#include "exec/exception.h"
#include "exec/module.h"
#include "exec/store.h"
#include "skiff.h"

struct skiff_engine {
	uint32_t refs;
	uint64_t features;
	struct common common;
};

struct skiff_engine *engine_ref(struct skiff_engine *engine);
void engine_unref(struct skiff_engine *engine);

/* The engine around what it shares. */
static inline struct skiff_engine *engine_of(struct common *common)
{
	return (struct skiff_engine *)(void *)((char *)common -
					       offsetof(struct skiff_engine, common));
}

#define HANDLE(inner)                                                              \
	static inline struct inner *inner##_in(const struct skiff_##inner *handle) \
	{                                                                          \
		return (struct inner *)(uintptr_t)handle;                          \
	}                                                                          \
	static inline struct skiff_##inner *inner##_out(const struct inner *inner) \
	{                                                                          \
		return (struct skiff_##inner *)(uintptr_t)inner;                   \
	}
HANDLE(module)
HANDLE(store)
HANDLE(instance)
HANDLE(func)
HANDLE(memory)
HANDLE(table)
HANDLE(global)
HANDLE(tag)
#undef HANDLE

_Static_assert(sizeof(struct skiff_error) == sizeof(struct err), "one is handed on as the other");

static inline struct err *err_in(struct skiff_error *err)
{
	return (struct err *)(void *)err;
}

/* -- hosts.c: functions of the embedder --------------------------------------------------- */

/* A function offered to a linker; each store that links it makes its own struct func of it. Counted. */
struct host_def {
	uint32_t refs;
	uint32_t type; /* the engine's number */
	struct skiff_functype sig;
	uint16_t param_slots, result_slots;
	skiff_host_fn *fn;
	void *env;
	void (*env_free)(void *env);
	uint32_t words[]; /* parameters, then results */
};

/* May a function or tag of the host's have these; how many slots they take. */
int host_types_check(const uint32_t *types, uint32_t count, uint16_t *ret_slots, struct err *err);
int host_def_new(struct host_def **ret, struct skiff_engine *engine,
		 const struct skiff_functype *type, skiff_host_fn *fn, void *env,
		 void (*env_free)(void *env), struct err *err);
struct host_def *host_def_ref(struct host_def *def);
void host_def_unref(struct host_def *def);
/* The store's function for it, the same each time; NULL: no memory. */
struct func *host_func(struct store *store, struct host_def *def);
/* NULL: not a host function. */
const struct host_def *host_def_of(const struct func *func);

/* -- values.c: values between C and slots -------------------------------------------------- */

/* Types of a function's parameters and results; references in its module's numbering (type_ids). */
struct signature {
	struct skiff_functype type;
	const uint32_t *ids; /* NULL: a host function's, no indices */
};
struct signature func_signature(const struct func *func);

/* Is this reference one of `type` (the engine's numbering). */
bool ref_fits(struct store *store, slot ref, uint32_t type);
/* Write values to slots, checked against the types; false with the sentence: value i does not fit. */
bool values_in(struct store *store, const struct signature *sig, const uint32_t *types,
	       uint32_t count, const struct skiff_val *values, slot *slots, struct err *err);
void values_out(const uint32_t *types, uint32_t count, const slot *slots, struct skiff_val *values);
/* Values that go out to stay: their objects are kept until the host lets go. */
void values_keep(struct store *store, const struct skiff_val *values, uint32_t count);

/* -- exceptions.c --------------------------------------------------------------------------- */

struct signature tag_signature(const struct tag *tag);
/* An exception as the host throws it; NULL with the sentence: its values are not the tag's, or no memory. */
struct exception *exception_of_values(struct store *store, struct tag *tag,
				      const struct skiff_val *values, size_t count,
				      struct err *err);
/* For a person: which tag, which values. */
void exception_text(const struct exception *exception, char *text, size_t size);

/* -- traps.c -------------------------------------------------------------------------------- */

/* Turn how a call ended into the API's outcome, with the sentence and, for a trap, the object. */
int outcome_of(struct store *store, enum status status, struct skiff_trap **trap, int *exit_code,
	       struct err *err);
/* A trap outside any call: a segment out of bounds while an instance was made. */
int outcome_trap(struct store *store, enum trap code, struct skiff_trap **trap, struct err *err);

/* -- modules.c ------------------------------------------------------------------------------ */

struct skiff_externtype externtype_of(const struct image *image, uint32_t kind, uint32_t index);

/* What decode() says, as an outcome. */
int outcome_of_decode(int decoded);
/* Decode and take in; takes the block, whatever happens. */
int module_of_image(struct skiff_module **ret, struct skiff_engine *engine, struct image *image,
		    struct err *err);
/* The same of a file, from its beginning; its position is not moved. */
int module_of_file(struct skiff_module **ret, struct skiff_engine *engine, int fd,
		   const struct stat *state, struct err *err);
/* It is a regular file, and in what state. */
int module_file_state(int fd, struct stat *ret, struct err *err);
/* The same, opened. */
int module_file_open(const char *path, int *ret_fd, struct stat *ret_state, struct err *err);
/* Its bytes, as a block for decode(). */
int module_file_read(struct image **ret, int fd, const struct stat *state, struct err *err);

/* -- cache.c, cache_modules.c ---------------------------------------------------------------- */

struct skiff_cache {
	struct cache cache;
};

/* What an artifact must be for this engine, but for the module. */
struct artifact_id artifact_wanted(const struct skiff_engine *engine);
/* A module file as the image and name of an artifact; as skiff_module_open(). */
int artifact_image(struct image **ret, struct artifact_id *ret_id,
		   const struct skiff_engine *engine, int fd, const struct stat *state,
		   struct err *err);
/* Takes the artifact. */
int module_of_artifact(struct skiff_module **ret, struct skiff_engine *engine,
		       struct artifact *artifact, struct err *err);

#endif
