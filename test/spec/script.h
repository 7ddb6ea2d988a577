/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h: what one file of the suite has made so far: instances, definitions, registered names.
 *
 * A module that could not be made leaves a place all the same, with the verdict that explains it: later
 * commands on it get that verdict, and a module that imports from it too.
 */
#ifndef SPEC_SCRIPT_H
#define SPEC_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "hosts.h"
#include "skiff.h"
#include "verdict.h"

struct place {
	struct skiff_name name;          /* borrowed from the JSON; bytes NULL: none */
	struct skiff_module *module;     /* owned; of definitions */
	struct skiff_instance *instance; /* owned by the store */
	struct verdict verdict;          /* of the command that was to make it */
	struct place *older;             /* owned */
};

/* A name under which an instance's exports can be imported. The newest counts. */
struct registered {
	struct skiff_name as;      /* borrowed from the JSON */
	const struct place *place; /* borrowed */
	struct registered *older;  /* owned */
};

struct script_options {
	const char *suite;   /* folder; borrowed */
	uint64_t features;   /* 0: the engine's default */
	bool spectest_wasm;  /* see hosts.h */
	bool gc_always;      /* collect before each object is made */
	bool artifacts;      /* each module is written as an artifact, and opened from there */
	bool second_half;    /* the group is about what the engine does not have yet */
};

/* Zero-initialised is empty. */
struct script {
	const char *folder;           /* of the group; borrowed */
	struct skiff_engine *engine;  /* owned, but of a thread's script */
	bool borrows_engine;
	struct skiff_store *store;    /* owned */
	struct skiff_linker *linker;  /* owned; NULL: to be made anew */
	struct hosts hosts;
	struct place *instances;       /* owned; newest first: the current one */
	struct place *definitions;     /* owned; newest first */
	struct registered *registered; /* owned; newest first */
	struct script_thread *threads; /* owned; newest first: threads.c */
	bool second_half;
	bool artifacts;
	char left_out
		[VERDICT_TEXT_MAX]; /* why the first open module was not made; empty: all were */
};

/* 0, or what the engine returned; deinit in any case. */
int script_init(struct script *script, const struct script_options *options, const char *folder,
		struct skiff_error *err);
/* For a thread that `of` starts: of the same engine and folder, else empty. */
int script_init_thread(struct script *script, const struct script *of, struct skiff_error *err);
void script_deinit(struct script *script);

/* Open the module that a command's key "filename" names: what the engine returned. */
int script_open(struct script *script, struct json_value command, struct skiff_module **ret,
		struct skiff_error *err);
/* Link with what is registered now and instantiate: what the engine returned. */
int script_instantiate(struct script *script, struct skiff_module *module,
		       struct skiff_instance **ret, struct skiff_error *err);
/* False, with the verdict: the module imports something of a module that is open or failed, or an
 * item of spectest that the engine cannot make. */
bool script_can_link(const struct script *script, const struct skiff_module *module,
		     struct verdict *verdict);

/* Put a new place in front of the list; `name` may not exist. NULL: no memory. */
struct place *script_add(struct place **list, struct json_value name);
/* By name, or the newest where there is no name. False with the verdict: there is none (*ret is NULL), or
 * what it names was not made. */
bool script_find(struct place *list, struct json_value name, struct place **ret,
		 struct verdict *verdict);
/* False: no memory. */
bool script_register(struct script *script, struct json_value as, const struct place *place);

#endif
