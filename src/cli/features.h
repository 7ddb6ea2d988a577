/* SPDX-License-Identifier: Apache-2.0 */
/* features.h: --enable and --disable, which every verb that reads a module has. */
#ifndef CLI_FEATURES_H
#define CLI_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options;
struct out;

enum { FEATURES_ENABLE = 1000, FEATURES_DISABLE };

#define FEATURES_OPTIONS                                                                      \
	{FEATURES_ENABLE, '\0', "enable", "NAME[,NAME...]", "switch proposals on, or 'all'"}, \
		{FEATURES_DISABLE, '\0', "disable", "NAME[,NAME...]",                         \
		 "switch proposals off, or 'all'"}

/* Apply the option just read to a set that started as skiff_features_default(). On false a sentence
 * was said and o->code is set. */
bool features_switch(struct options *o, int id, uint64_t *features);
/* The names, below a help text. */
void features_list(struct out *out);
/* The bits of a proposal's name, or of 'all', which has more than are known; 0: no such name. */
uint64_t features_find(const char *word, size_t size);
/* Without bits that no proposal has. */
uint64_t features_known(uint64_t features);
/* A set as a configuration wants it. */
uint64_t features_config(uint64_t features);

#endif
