/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skiff.h: embed the Skiff WebAssembly engine.
 *
 *   engine  ── limits, features, interned types; shared by all threads
 *   module  ── a validated program; immutable, counted, shared by all threads
 *   linker  ── names to host functions and items: what a module may import
 *   store   ── owns instances and their items; entered by one thread at a time
 *   instance, func, memory, table, global ── live as long as their store
 *
 * Return codes. Functions that can fail return 0, or one of
 *   > 0  an outcome of enum skiff_outcome: the guest's or the module's fault
 *   < 0  a negative errno: the host's fault (no memory, file not readable)
 * and write one sentence for a person into *err (which may be NULL). Out-parameters are written
 * on success only, except where said.
 *
 * Threads. Engines and modules may be used from many threads at once. A store and everything
 * in it belongs to one thread at a time; skiff_store_interrupt() may be called from any
 * thread and from signal handlers.
 *
 * Every struct a caller fills begins with `size` (sizeof the struct as the caller knew it), so
 * that a later library reads an earlier caller's struct correctly.
 */
#ifndef SKIFF_H
#define SKIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SKIFF_API_VERSION 1
#define SKIFF_API __attribute__((visibility("default")))

/* The version of the library that is running, e.g. "0.1.0"; static. */
SKIFF_API const char *skiff_version(void);
/*
 * Which build of the engine it is, in 32 hexadecimal digits: those of the same ABI can share artifacts.
 * Static.
 */
SKIFF_API const char *skiff_engine_abi(void);

/* -- Outcomes and errors ----------------------------------------------------------------- */

enum skiff_outcome {
	SKIFF_MALFORMED = 1, /* not a WebAssembly binary as the format has it */
	SKIFF_INVALID,       /* decodes, but breaks a typing rule */
	SKIFF_UNLINKABLE,    /* an import is missing or has the wrong type */
	SKIFF_TRAP,          /* the guest trapped; see struct skiff_trap */
	SKIFF_EXCEPTION,     /* the guest threw and nobody caught; see skiff_store_exception() */
	SKIFF_EXIT,          /* a host function ended the guest with skiff_caller_exit() */
	SKIFF_MISUSE,        /* wrong argument count or type, no such export */
};

#define SKIFF_ERROR_MAX 768

/* One sentence, always terminated; no newline. Storage is the caller's. */
struct skiff_error {
	char text[SKIFF_ERROR_MAX];
};

/* -- Types and values -------------------------------------------------------------------- */

/*
 * A value type in 32 bits: the low 8 are the kind as the binary format writes it; for references
 * the upper 24 are the heap type: an index into the module's types, or 0xffff00 | code.
 */
enum {
	SKIFF_I32 = 0x7f,
	SKIFF_I64 = 0x7e,
	SKIFF_F32 = 0x7d,
	SKIFF_F64 = 0x7c,
	SKIFF_V128 = 0x7b,
	SKIFF_REF = 0x64,      /* with a heap type in the upper bits: (ref T) */
	SKIFF_REF_NULL = 0x63, /* (ref null T) */
};
#define SKIFF_ABSTRACT(kind, code) ((uint32_t)(kind) | (0xffff00u | (code)) << 8)
#define SKIFF_FUNCREF SKIFF_ABSTRACT(SKIFF_REF_NULL, 0x70)
#define SKIFF_EXTERNREF SKIFF_ABSTRACT(SKIFF_REF_NULL, 0x6f)
#define SKIFF_EXNREF SKIFF_ABSTRACT(SKIFF_REF_NULL, 0x69)
#define SKIFF_TYPE_KIND(type) ((type) & 0xffu)

struct skiff_func;
struct skiff_memory;
struct skiff_table;
struct skiff_global;
struct skiff_tag;

/*
 * A reference as guests hold it. `word` 0 is null in every hierarchy; otherwise it is opaque. Functions are valid as long
 * as their store, host objects and i31 for ever. A struct, an array or an exception is valid as long as the store once it
 * was handed out by skiff_call(), skiff_table_get() or skiff_global_get(): it is kept for you until as many
 * skiff_ref_release(). Of the arguments of a host function it is valid during that call; skiff_ref_keep() makes it
 * last. Make and take apart with the functions below.
 */
struct skiff_ref {
	uint64_t word;
};

struct skiff_val {
	uint32_t type; /* a value type; for references at least the kind */
	union {
		uint32_t i32;
		uint64_t i64;
		float f32;
		double f64;
		uint8_t v128[16];
		struct skiff_ref ref;
	} of;
};

SKIFF_API struct skiff_ref skiff_ref_from_func(struct skiff_func *func);
/* NULL where the reference is null or no function. */
SKIFF_API struct skiff_func *skiff_ref_to_func(struct skiff_ref ref);
/* A host object as an externref: any number below 2^62, a pointer for instance. Never null. */
SKIFF_API struct skiff_ref skiff_ref_from_host(uint64_t object);
/* False where the reference is no host object. */
SKIFF_API bool skiff_ref_to_host(struct skiff_ref ref, uint64_t *ret);

/* An i31: the low 31 bits of the number. */
SKIFF_API struct skiff_ref skiff_ref_from_i31(uint32_t value);
/* False where the reference is no i31; with the sign. */
SKIFF_API bool skiff_ref_to_i31(struct skiff_ref ref, int32_t *ret);

enum skiff_ref_kind {
	SKIFF_REF_IS_NULL,
	SKIFF_REF_IS_FUNC,
	SKIFF_REF_IS_HOST,
	SKIFF_REF_IS_I31,
	SKIFF_REF_IS_STRUCT,
	SKIFF_REF_IS_ARRAY,
	SKIFF_REF_IS_EXCEPTION,
};

struct skiff_store;

/* What a reference of this store is. */
SKIFF_API enum skiff_ref_kind skiff_ref_kind(const struct skiff_store *store, struct skiff_ref ref);
/* Keep the struct, array or exception until one more skiff_ref_release(); others need neither. */
SKIFF_API void skiff_ref_keep(struct skiff_store *store, struct skiff_ref ref);
SKIFF_API void skiff_ref_release(struct skiff_store *store, struct skiff_ref ref);

struct skiff_functype {
	const uint32_t *params;
	const uint32_t *results;
	uint32_t param_count;
	uint32_t result_count;
};

struct skiff_limits {
	uint64_t min;
	uint64_t max; /* UINT64_MAX: none declared */
	bool is64;
	bool shared;
};

/* Kinds of items, as the binary format numbers them. */
enum skiff_kind {
	SKIFF_KIND_FUNC,
	SKIFF_KIND_TABLE,
	SKIFF_KIND_MEMORY,
	SKIFF_KIND_GLOBAL,
	SKIFF_KIND_TAG,
};

struct skiff_externtype {
	enum skiff_kind kind;
	struct skiff_functype func; /* FUNC, TAG */
	struct skiff_limits limits; /* TABLE (elements), MEMORY (pages of 64 KiB) */
	uint32_t value;             /* TABLE: element type, GLOBAL: its type */
	bool is_mutable;            /* GLOBAL */
};

/* An item of a store, tagged. */
struct skiff_extern {
	enum skiff_kind kind;
	union {
		struct skiff_func *func;
		struct skiff_table *table;
		struct skiff_memory *memory;
		struct skiff_global *global;
		struct skiff_tag *tag;
	} of;
};

/* -- Engine ------------------------------------------------------------------------------ */

struct skiff_engine;

/*
 * Proposals, one bit each, in the order of skiff_feature_name(). skiff_features_default() is what an
 * engine has on when the configuration names none: all that are implemented.
 */
SKIFF_API uint64_t skiff_features_default(void);
SKIFF_API const char *skiff_feature_name(unsigned bit); /* NULL past the last */

/* A limiter is asked about one thing that is no item: what the store's objects take, in bytes. */
enum { SKIFF_KIND_HEAP = 16 };

/* Asked before a memory, a table or the objects of the store grow; `now` and `wanted` in bytes or
 * elements. Answering false makes the growth fail: memory.grow gives -1, instantiation fails, and a
 * guest whose objects do not fit after a collection traps with "out of memory". Called in the
 * middle of guest code: it must not call into the store. */
typedef bool skiff_limiter_fn(void *env, enum skiff_kind kind, uint64_t now, uint64_t wanted);

struct skiff_config {
	size_t size;
	uint64_t features;       /* 0: the default */
	uint64_t stack_bytes;    /* of each store's guest stack; 0: 1 MiB */
	bool fuel;               /* stores count instructions; start with 0 */
	bool no_reservation;     /* do not reserve address space for memories ahead */
	bool gc_always;          /* collect before each object is made: to find mistakes */
	uint64_t gc_bytes;       /* most for the objects of a store; 0: 1 GiB; at least 1 MiB */
};

/* `config` may be NULL. */
SKIFF_API int skiff_engine_new(struct skiff_engine **ret, const struct skiff_config *config,
			       struct skiff_error *err);
/* Modules, linkers and stores keep their engine alive. Accepts NULL, like every _free below. */
SKIFF_API void skiff_engine_free(struct skiff_engine *engine);

/* -- Module ------------------------------------------------------------------------------ */

struct skiff_module;

/* Decode and validate. The bytes are copied. Outcomes: MALFORMED, INVALID. */
SKIFF_API int skiff_module_new(struct skiff_module **ret, struct skiff_engine *engine,
			       const void *bytes, size_t size, struct skiff_error *err);
/* The same of a file, read without a copy in between. */
SKIFF_API int skiff_module_open(struct skiff_module **ret, struct skiff_engine *engine,
				const char *path, struct skiff_error *err);
/* Of one that is open already, and stays so; it is read from its beginning, and its position is not moved. */
SKIFF_API int skiff_module_open_fd(struct skiff_module **ret, struct skiff_engine *engine, int fd,
				   struct skiff_error *err);
SKIFF_API void skiff_module_free(struct skiff_module *module);

/* Inspection. Strings and arrays are borrowed from the module. Names are UTF-8, not terminated. */
struct skiff_name {
	const char *bytes;
	size_t size;
};

struct skiff_import {
	struct skiff_name module;
	struct skiff_name name;
	struct skiff_externtype type;
};

struct skiff_export {
	struct skiff_name name;
	struct skiff_externtype type;
	uint32_t index; /* in the index space of its kind */
};

struct skiff_section {
	uint8_t id;
	struct skiff_name name; /* custom sections: theirs; others: "type", "import", ... */
	size_t offset; /* of the content in the file */
	size_t size;
	uint32_t count; /* entries; 0 for custom sections */
};

struct skiff_module_info {
	size_t size; /* sizeof, filled by the caller */
	size_t file_bytes;
	size_t image_bytes; /* what the module occupies in memory, all told */
	size_t code_bytes; /* of the code section */
	uint64_t features; /* proposals the module cannot do without */
	uint32_t types, imports, exports, functions /* defined here */, tables, memories, globals,
		tags;
	uint32_t elements, datas, sections;
	bool has_start;
	uint32_t start;
	struct skiff_name name; /* from the name section; size 0: none */
};

SKIFF_API void skiff_module_info(const struct skiff_module *module, struct skiff_module_info *info);
/* These take 0 .. count-1 and return false past the end. */
SKIFF_API bool skiff_module_import(const struct skiff_module *module, uint32_t i,
				   struct skiff_import *ret);
SKIFF_API bool skiff_module_export(const struct skiff_module *module, uint32_t i,
				   struct skiff_export *ret);
SKIFF_API bool skiff_module_section(const struct skiff_module *module, uint32_t i,
				    struct skiff_section *ret);
/* The content of section i as it stands in the file. */
SKIFF_API const uint8_t *skiff_module_section_bytes(const struct skiff_module *module, uint32_t i);
/* Look at the custom sections that speak of the code: 'metadata.code.branch_hint'. INVALID, with a
 * sentence that names the section and the place: the first wrong one. The module runs all the same. */
SKIFF_API int skiff_module_check_custom(const struct skiff_module *module, struct skiff_error *err);
/* Table, memory and global by index (imports first). */
SKIFF_API bool skiff_module_item(const struct skiff_module *module, enum skiff_kind kind,
				 uint32_t i, struct skiff_externtype *ret);
/* Type i of the module (function, struct, array, with its supertype) as text, e.g.
 * "(func (param i32) (result i32))"; snprintf's rule for size and result. */
SKIFF_API size_t skiff_module_type_text(const struct skiff_module *module, uint32_t i, char *text,
					size_t size);
/* A value type as text, e.g. "(ref null 3)"; snprintf's rule. */
SKIFF_API size_t skiff_valtype_text(uint32_t type, char *text, size_t size);
/* Function `index` (imports first) by the name section, or its first export; size 0: neither. */
SKIFF_API struct skiff_name skiff_module_func_name(const struct skiff_module *module,
						   uint32_t index);
SKIFF_API bool skiff_module_func_type(const struct skiff_module *module, uint32_t index,
				      struct skiff_externtype *ret);
/* Write function `index` as text to `out`, an instruction a line with its module offset. MISUSE:
 * no such function, or it is imported. */
SKIFF_API int skiff_module_disasm(const struct skiff_module *module, uint32_t index, FILE *out,
				  struct skiff_error *err);

/* -- Cache ------------------------------------------------------------------------------- */

struct skiff_cache;

/*
 * Modules that were opened before, validated and laid out as files that are mapped: opening one takes the same
 * time whatever its size. `dir` NULL: the default, $SKIFF_CACHE or, where that is not set, /var/lib/skiff/cache of root, $XDG_CACHE_HOME/skiff or ~/.cache/skiff of
 * others. Makes no directory, and is no failure where none can be used: see skiff_cache_complaint(). A cache is used by
 * one thread at a time; many processes may share a directory.
 */
/* Modules of fewer bytes are opened as fast without: they are not looked for, nor worth adding. */
#define SKIFF_CACHE_LEAST 4096
SKIFF_API int skiff_cache_new(struct skiff_cache **ret, const char *dir, struct skiff_error *err);
SKIFF_API void skiff_cache_free(struct skiff_cache *cache);
/* The directory; NULL: there is no default. */
SKIFF_API const char *skiff_cache_path(const struct skiff_cache *cache);
/* Why the directory, or something in it, could not be used: the first reason, to be told once. NULL: none. */
SKIFF_API const char *skiff_cache_complaint(const struct skiff_cache *cache);

/* As skiff_module_open(), from the cache where it is in there. *ret_missing (may be NULL): it is not, and
 * skiff_cache_add() would change that. */
SKIFF_API int skiff_cache_module_open(struct skiff_cache *cache, struct skiff_module **ret,
				      struct skiff_engine *engine, const char *path,
				      bool *ret_missing, struct skiff_error *err);

/*
 * The same in two steps, for who gives up rights in between. The first finds the artifact of the module in `fd` and sees that its
 * parts lie in its file; nothing of the module is read but what names it. *ret is NULL where it is not in there. The second
 * takes what was found, also on failure. NULL may be freed.
 */
struct skiff_cached;
SKIFF_API int skiff_cache_find(struct skiff_cache *cache, struct skiff_cached **ret,
			       struct skiff_engine *engine, int fd, bool *ret_missing,
			       struct skiff_error *err);
SKIFF_API int skiff_cached_module(struct skiff_cached *cached, struct skiff_module **ret,
				  struct skiff_error *err);
SKIFF_API void skiff_cached_free(struct skiff_cached *cached);
/* Validate the module of this file and put it in. What skiff_module_open() can answer. */
SKIFF_API int skiff_cache_add(struct skiff_cache *cache, struct skiff_engine *engine,
			      const char *path, struct skiff_error *err);

/*
 * The same for modules that are not to be decoded by a process that may write to the cache. Here it is read and hashed, no
 * more; `apart` runs work(work_env) in a process that can do nothing but write to the descriptor `keep`, and returns what
 * that returned, with its sentence, or a negative errno with one of its own. When it returns that process is gone. What was
 * written is put in if it is an artifact of this very module.
 */
typedef int skiff_work_fn(void *env, struct skiff_error *err);
typedef int skiff_apart_fn(void *env, int keep, skiff_work_fn *work, void *work_env,
			   struct skiff_error *err);
SKIFF_API int skiff_cache_add_apart(struct skiff_cache *cache, struct skiff_engine *engine, int fd,
				    skiff_apart_fn *apart, void *env, struct skiff_error *err);

struct skiff_cache_entry {
	const char *engine; /* the build it is for, in hexadecimal */
	const char *name; /* the module's SHA-256, a '-', options, ".skiff" */
	bool is_ours; /* for this build */
	uint64_t bytes; /* on the disk */
	uint64_t module_bytes; /* of the .wasm; 0: not known */
	int64_t used; /* seconds since 1970: last read or written */
};
typedef int skiff_cache_entry_fn(void *env, const struct skiff_cache_entry *entry);

/* Stops when `fn` answers other than 0, and returns that. `fn` may verify the entry. */
SKIFF_API int skiff_cache_list(struct skiff_cache *cache, skiff_cache_entry_fn *fn, void *env,
			       struct skiff_error *err);
/* Read all of an entry that is_ours and compare: 0, or SKIFF_MALFORMED and it is removed. */
SKIFF_API int skiff_cache_verify(struct skiff_cache *cache, const struct skiff_cache_entry *entry,
				 struct skiff_error *err);

struct skiff_cache_limits {
	size_t size; /* sizeof, filled by the caller */
	uint64_t bytes; /* of all entries together; UINT64_MAX: any */
	uint64_t seconds; /* since an entry was used; UINT64_MAX: any */
	uint64_t removed_count, removed_bytes, kept_count, kept_bytes; /* results */
};
/* What is kept where nobody says otherwise: 2 GiB, 30 days. skiff_cache_add() sees to it. */
SKIFF_API void skiff_cache_limits_default(struct skiff_cache_limits *limits);
/* Other limits for that. */
SKIFF_API void skiff_cache_keep(struct skiff_cache *cache, const struct skiff_cache_limits *limits);
/* Remove what was not used for too long, then the longest unused until the rest fits. Bytes 0: everything. */
SKIFF_API int skiff_cache_prune(struct skiff_cache *cache, struct skiff_cache_limits *limits,
				struct skiff_error *err);

/* -- Store ------------------------------------------------------------------------------- */

struct skiff_store;

SKIFF_API int skiff_store_new(struct skiff_store **ret, struct skiff_engine *engine,
			      struct skiff_error *err);
/* Ends every instance and item in it. */
SKIFF_API void skiff_store_free(struct skiff_store *store);
SKIFF_API void skiff_store_limiter(struct skiff_store *store, skiff_limiter_fn *fn, void *env);
/* Free the objects that neither guests nor you hold, now; it happens by itself when there are many. */
SKIFF_API void skiff_store_collect(struct skiff_store *store);
/* Stop the guest that runs in the store, or else the next call into it: that call returns TRAP with
 * code "interrupted". Never lost: each interruption ends one call. Any thread, any time. */
SKIFF_API void skiff_store_interrupt(struct skiff_store *store);
/* End the threads that guests in the store have started (skiff_linker_wasi) and wait for them, as the end of a command does
 * whose call returned. Not while the store is being called. */
SKIFF_API void skiff_store_end_threads(struct skiff_store *store);
/* Instructions left to run; only with config.fuel. The call that runs out traps. */
SKIFF_API void skiff_store_set_fuel(struct skiff_store *store, uint64_t fuel);
SKIFF_API uint64_t skiff_store_fuel(const struct skiff_store *store);
/* When a guest traps, write a core dump (the tool-conventions format) to this descriptor; -1: do not. The
 * descriptor stays the caller's. */
SKIFF_API void skiff_store_coredump(struct skiff_store *store, int fd);

/* -- Traps ------------------------------------------------------------------------------- */

struct skiff_trap;

struct skiff_frame {
	struct skiff_name function; /* size 0: no name known */
	struct skiff_name module; /* the module's own name, may be empty */
	uint32_t index; /* of the function */
	size_t offset; /* of the instruction in the module's file; 0 for host functions */
};

/* The reason in the specification's words, e.g. "integer divide by zero"; borrowed. */
SKIFF_API const char *skiff_trap_text(const struct skiff_trap *trap);
/* The name of the code in trap.def, e.g. "integer_divide_by_zero"; "host" for host traps, "exception" for what was
 * thrown and not caught: the frames are where. */
SKIFF_API const char *skiff_trap_code(const struct skiff_trap *trap);
/* Innermost first; false past the end. At most 64 innermost frames are kept. */
SKIFF_API bool skiff_trap_frame(const struct skiff_trap *trap, uint32_t i, struct skiff_frame *ret);
SKIFF_API uint64_t skiff_trap_depth(const struct skiff_trap *trap); /* of the stack, all frames */
SKIFF_API void skiff_trap_free(struct skiff_trap *trap);

/* -- Host functions ---------------------------------------------------------------------- */

struct skiff_caller; /* valid during one call of a host function */

/*
 * args are as the type says; results come in typed and zero. Return 0, or what skiff_caller_trap(),
 * skiff_caller_exit(), skiff_caller_throw() or skiff_caller_rethrow() returned. Other values are reserved (a later version suspends the guest by
 * one) and trap. The callback may call back into the store.
 */
typedef int skiff_host_fn(void *env, struct skiff_caller *caller, const struct skiff_val *args,
			  struct skiff_val *results);

/* A function of the embedder's in a store, to be called, referred to, put into tables or offered by
 * skiff_linker_extern(). Types and env as for skiff_linker_func(); it lives as long as the store. */
SKIFF_API int skiff_func_new(struct skiff_func **ret, struct skiff_store *store,
			     const struct skiff_functype *type, skiff_host_fn *fn, void *env,
			     void (*env_free)(void *env), struct skiff_error *err);

SKIFF_API struct skiff_store *skiff_caller_store(struct skiff_caller *caller);
/* The memory the calling module exports as "memory", or its memory 0; NULL: none. */
SKIFF_API struct skiff_memory *skiff_caller_memory(struct skiff_caller *caller);
/* End the guest with a trap of the embedder's own; `text` is copied. */
SKIFF_API int skiff_caller_trap(struct skiff_caller *caller, const char *text);
/* End the guest in good order: the outermost call returns EXIT with this code. */
SKIFF_API int skiff_caller_exit(struct skiff_caller *caller, int code);
/* Throw an exception into the guest: one value a parameter of the tag, copied. What does not fit the tag traps. */
SKIFF_API int skiff_caller_throw(struct skiff_caller *caller, struct skiff_tag *tag,
				 const struct skiff_val *values, size_t count);
/* Throw on what the last call of this host function into the store returned EXCEPTION for. To return 0 instead is to
 * have caught it. */
SKIFF_API int skiff_caller_rethrow(struct skiff_caller *caller);

/* -- Linking ----------------------------------------------------------------------------- */

struct skiff_linker;
struct skiff_prelinked;

SKIFF_API int skiff_linker_new(struct skiff_linker **ret, struct skiff_engine *engine,
			       struct skiff_error *err);
SKIFF_API void skiff_linker_free(struct skiff_linker *linker);
/* Offer a host function; a later definition of a name replaces an earlier one. `module` and `name` are
 * copied; params and results may use numbers, v128 and abstract references. `env_free` (may be
 * NULL) is called on `env` when neither the linker nor anything linked from it needs it. */
SKIFF_API int skiff_linker_func(struct skiff_linker *linker, const char *module, const char *name,
				const struct skiff_functype *type, skiff_host_fn *fn, void *env,
				void (*env_free)(void *env), struct skiff_error *err);
/* Offer an item of a store; what is linked with it can only be instantiated in that store. */
SKIFF_API int skiff_linker_extern(struct skiff_linker *linker, const char *module,
				  size_t module_size, const char *name, size_t name_size,
				  struct skiff_extern item, struct skiff_error *err);

struct skiff_instance;

/* Offer all exports of an instance under `module`. */
SKIFF_API int skiff_linker_instance(struct skiff_linker *linker, const char *module,
				    size_t module_size, struct skiff_instance *instance,
				    struct skiff_error *err);

/* Resolve a module's imports once, to instantiate often. Outcome: UNLINKABLE, naming the import and what
 * was expected and found. Keeps module and host functions alive. */
SKIFF_API int skiff_prelink(struct skiff_prelinked **ret, struct skiff_linker *linker,
			    struct skiff_module *module, struct skiff_error *err);
SKIFF_API void skiff_prelinked_free(struct skiff_prelinked *pre);

/* -- Instances --------------------------------------------------------------------------- */

/*
 * Make an instance and run its start function. Outcomes: UNLINKABLE (an item of another store, a memory
 * now smaller than imported), TRAP (a segment out of bounds, the start function; *trap is set), EXCEPTION (the start
 * function; *trap is set), EXIT (*exit_code is set). trap and exit_code may be NULL.
 */
SKIFF_API int skiff_instance_new(struct skiff_instance **ret, struct skiff_store *store,
				 const struct skiff_prelinked *pre, struct skiff_trap **trap,
				 int *exit_code, struct skiff_error *err);
/* Ends the instance before its store; only when no other instance holds anything of it. */
SKIFF_API void skiff_instance_free(struct skiff_instance *instance);
/* Back to the state before the start function ran: memories, tables, globals; imported items are
 * not touched. Does not run the start function. Fails while the instance is being called. */
SKIFF_API int skiff_instance_reset(struct skiff_instance *instance, struct skiff_error *err);
/* False: no such export. */
SKIFF_API bool skiff_instance_export(struct skiff_instance *instance, const char *name,
				     size_t name_size, struct skiff_extern *ret);
SKIFF_API struct skiff_module *skiff_instance_module(
	struct skiff_instance *instance); /* borrowed */

/*
 * Call. args and results are checked against the type (MISUSE). Outcomes: TRAP and EXCEPTION (*trap is set
 * unless trap is NULL; the caller frees it), EXIT (*exit_code), MISUSE.
 */
SKIFF_API int skiff_call(struct skiff_store *store, struct skiff_func *func,
			 const struct skiff_val *args, size_t arg_count, struct skiff_val *results,
			 size_t result_count, struct skiff_trap **trap, int *exit_code,
			 struct skiff_error *err);

/* -- Items ------------------------------------------------------------------------------- */

/* The type of any item; pointers inside are borrowed from the store. A heap type that is an index is one of the
 * module's that defined the function; of tables and globals it is the engine's own, good for comparing only. */
SKIFF_API void skiff_extern_type(struct skiff_extern item, struct skiff_externtype *ret);

SKIFF_API int skiff_memory_new(struct skiff_memory **ret, struct skiff_store *store,
			       const struct skiff_limits *limits, struct skiff_error *err);
/* Moves when the memory grows, if the engine could not reserve address space. */
SKIFF_API uint8_t *skiff_memory_data(struct skiff_memory *memory);
SKIFF_API uint64_t skiff_memory_size(const struct skiff_memory *memory); /* bytes */
SKIFF_API bool skiff_memory_grow(struct skiff_memory *memory, uint64_t pages, uint64_t *ret_old);

/*
 * A shared memory of no store: it can be offered (skiff_linker_extern) to modules in any number of stores of the engine, in
 * any threads; so can one that a module exports. Its data never moves, its size only grows; others may write to it at any
 * time. `limits` say shared and have a maximum. The reference is the caller's; linkers and instances hold their own.
 */
SKIFF_API int skiff_shared_memory_new(struct skiff_memory **ret, struct skiff_engine *engine,
				      const struct skiff_limits *limits, struct skiff_error *err);
SKIFF_API void skiff_shared_memory_free(struct skiff_memory *memory);

SKIFF_API int skiff_table_new(struct skiff_table **ret, struct skiff_store *store, uint32_t type,
			      const struct skiff_limits *limits, struct skiff_ref init,
			      struct skiff_error *err);
SKIFF_API uint64_t skiff_table_size(const struct skiff_table *table);
SKIFF_API bool skiff_table_get(struct skiff_table *table, uint64_t i, struct skiff_ref *ret);
/* False: out of bounds, or not of the table's type. */
SKIFF_API bool skiff_table_set(struct skiff_table *table, uint64_t i, struct skiff_ref ref);
SKIFF_API bool skiff_table_grow(struct skiff_table *table, uint64_t by, struct skiff_ref init,
				uint64_t *ret_old);

SKIFF_API int skiff_global_new(struct skiff_global **ret, struct skiff_store *store,
			       bool is_mutable, struct skiff_val value, struct skiff_error *err);
SKIFF_API struct skiff_val skiff_global_get(const struct skiff_global *global);
/* False: not mutable, or not of its type. */
SKIFF_API bool skiff_global_set(struct skiff_global *global, struct skiff_val value);

/* A tag of the embedder's, to throw with and to offer to modules. Its parameters are the values an exception of it
 * carries (numbers, v128, abstract references); results: none. */
SKIFF_API int skiff_tag_new(struct skiff_tag **ret, struct skiff_store *store,
			    const struct skiff_functype *type, struct skiff_error *err);
/* What the last call into the store threw, if it returned EXCEPTION; NULL: nothing. The tag, to compare with others, and
 * its values, as many as there is room for (skiff_extern_type() of the tag says how many there are). */
SKIFF_API struct skiff_tag *skiff_store_exception(const struct skiff_store *store,
						  struct skiff_val *values, size_t room);

/* -- WASI ---------------------------------------------------------------------------------- */

/*
 * What a guest sees of the world: arguments, environment, directories, descriptors, network. Set up first, then
 * linked; what is linked shares it, and it cannot be set up further. Functions return 0 or -errno with the sentence.
 * A guest that writes to a pipe nobody reads gets an error only in a process that ignores SIGPIPE: the command does, an
 * embedder's program must. Without any of them a guest has no arguments, no environment, no directory, the process's 0, 1 and 2, and no network.
 */
struct skiff_wasi;

SKIFF_API int skiff_wasi_new(struct skiff_wasi **ret, struct skiff_error *err);
SKIFF_API void skiff_wasi_free(struct skiff_wasi *wasi);

/* Append an argument; the first is the program's name. */
SKIFF_API int skiff_wasi_arg(struct skiff_wasi *wasi, const char *arg, struct skiff_error *err);
/* "NAME=VALUE"; a later one of the same name replaces an earlier. */
SKIFF_API int skiff_wasi_env(struct skiff_wasi *wasi, const char *variable,
			     struct skiff_error *err);

enum skiff_wasi_dir_flags {
	SKIFF_DIR_READ_ONLY = 1,
	/* Absolute links inside begin again at its top, and ".." ends there, as in a container's root. Without it
	 * nothing that leads out by its text is followed. */
	SKIFF_DIR_ROOT = 2,
};
/* The guest finds the host's directory under the path `guest`. */
SKIFF_API int skiff_wasi_dir(struct skiff_wasi *wasi, const char *guest, const char *host,
			     unsigned flags, struct skiff_error *err);
/* The same of an open directory, which is taken on success. */
SKIFF_API int skiff_wasi_dir_fd(struct skiff_wasi *wasi, const char *guest, int fd, unsigned flags,
				struct skiff_error *err);
/* Where the guest begins: relative paths, getcwd(). A directory it has. */
SKIFF_API int skiff_wasi_workdir(struct skiff_wasi *wasi, const char *guest,
				 struct skiff_error *err);

/* The guest's 0, 1 or 2; the descriptor stays the caller's. -1: closed. */
SKIFF_API int skiff_wasi_stdio(struct skiff_wasi *wasi, unsigned number, int fd,
			       struct skiff_error *err);

/* A listening socket, which is taken on success: descriptor 3 and on of the guest, in the order given. */
SKIFF_API int skiff_wasi_listen_fd(struct skiff_wasi *wasi, int fd, struct skiff_error *err);
/* The same, made here for "HOST:PORT". */
SKIFF_API int skiff_wasi_listen(struct skiff_wasi *wasi, const char *address,
				struct skiff_error *err);

/* Whom the guest may talk to: everyone, or (again and again) also "HOST:PORT", where HOST is an address,
 * ADDRESS/BITS, a name or "*", and PORT a number, FIRST-LAST or "*". */
SKIFF_API void skiff_wasi_network(struct skiff_wasi *wasi, bool everyone);
SKIFF_API int skiff_wasi_allow_net(struct skiff_wasi *wasi, const char *rule,
				   struct skiff_error *err);

/* How many threads the guest may have beside its first; 1024 if nobody says. */
SKIFF_API int skiff_wasi_threads(struct skiff_wasi *wasi, uint32_t most, struct skiff_error *err);

/*
 * Ask a guest that serves connections to end: it gets no new ones, and when those it has are closed, its call returns
 * EXIT with this code. False: it has no listening socket, and nothing was done. May be called from a signal
 * handler.
 */
SKIFF_API bool skiff_wasi_stop(struct skiff_wasi *wasi, int code);

/*
 * Offer wasi_snapshot_preview1 and wasi_unstable. Definitions of the linker with the same names come first.
 *
 * Also offered is "wasi" "thread-spawn" (wasi-threads): each call makes a native thread with a store and an instance of its own,
 * whose "wasi_thread_start" it calls; and a shared memory that nobody defined is supplied. The threads of a guest
 * end with the first that traps or exits, which is then the outcome of the embedder's call into the store; when
 * that call ends by anything but a return, an interruption for instance; and with skiff_store_free(). While there are any, host
 * functions and limiters are called from them, limiters one at a time.
 */
SKIFF_API int skiff_linker_wasi(struct skiff_linker *linker, struct skiff_wasi *wasi,
				struct skiff_error *err);

#ifdef __cplusplus
}
#endif
#endif
