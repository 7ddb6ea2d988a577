/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.h: the module "spectest" that the suite's modules import.
 *
 * Made of host items, through the functions of skiff.h that make them: the print functions with
 * skiff_linker_func(), the rest with skiff_global_new(), skiff_table_new(), skiff_memory_new(). Or, to
 * compare, an instance of the suite's own spectest.wasm.
 */
#ifndef SPEC_HOSTS_H
#define SPEC_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "skiff.h"

#define HOSTS_ITEM_MAX 8

struct hosts_item {
	const char *name; /* static */
	struct skiff_extern item;
};

/* Zero-initialised is empty. All in it belongs to the store. */
struct hosts {
	struct hosts_item items[HOSTS_ITEM_MAX];
	size_t item_count;
	struct skiff_instance *instance; /* of spectest.wasm, instead of items */
	bool no_table64;                 /* the engine cannot make one */
	bool no_shared_memory;
};

/* 0, or what the engine returned. */
int hosts_make(struct hosts *hosts, struct skiff_store *store, struct skiff_error *err);
int hosts_load(struct hosts *hosts, struct skiff_engine *engine, struct skiff_store *store,
	       const char *suite, struct skiff_error *err);
/* Offer them under "spectest". */
int hosts_define(const struct hosts *hosts, struct skiff_linker *linker, struct skiff_error *err);
/* Why this import cannot be had: the feature that the engine lacks; NULL: no such reason. */
const char *hosts_missing(const struct hosts *hosts, const struct skiff_import *import);

#endif
