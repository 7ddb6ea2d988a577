/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/features.h"

#include "base/text.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "skiff.h"

#include <string.h>

static bool same(const char *name, const char *word, size_t size)
{
	return strlen(name) == size && memcmp(name, word, size) == 0;
}

uint64_t features_find(const char *word, size_t size)
{
	const char *name;

	if (same("all", word, size))
		return UINT64_MAX;
	for (unsigned bit = 0; (name = skiff_feature_name(bit)) != NULL; bit++)
		if (same(name, word, size))
			return UINT64_C(1) << bit;
	return 0;
}

static int unknown(const char *word, size_t size)
{
	struct text_nearest nearest;
	const char *name;

	text_nearest_init(&nearest, word, size);
	for (unsigned bit = 0; (name = skiff_feature_name(bit)) != NULL; bit++)
		text_nearest_offer(&nearest, name, strlen(name));
	text_nearest_offer(&nearest, "all", 3);
	return say_unknown("feature", "", &nearest);
}

uint64_t features_known(uint64_t features)
{
	uint64_t all = 0;

	for (unsigned bit = 0; skiff_feature_name(bit) != NULL; bit++)
		all |= UINT64_C(1) << bit;
	return features & all;
}

bool features_switch(struct options *o, int id, uint64_t *features)
{
	const char *word = o->value;

	for (;;) {
		size_t size = strcspn(word, ",");
		uint64_t bits = features_find(word, size);

		if (bits == 0) {
			o->code = unknown(word, size);
			return false;
		}
		if (id == FEATURES_ENABLE)
			*features |= features_known(bits);
		else
			*features &= ~bits;
		if (word[size] == '\0')
			return true;
		word += size + 1;
	}
}

void features_list(struct out *out)
{
	const char *name;
	size_t column = 0;

	out_text(out, "\nProposals:");
	for (unsigned bit = 0; (name = skiff_feature_name(bit)) != NULL; bit++) {
		if (column == 0 || column + strlen(name) + 1 > 78) {
			out_text(out, "\n ");
			column = 1;
		}
		out_format(out, " %s", name);
		column += strlen(name) + 1;
	}
	out_text(out, "\n");
}

/* 0 asks the engine for its default; so an empty set is a bit that no proposal has. */
uint64_t features_config(uint64_t features)
{
	return features != 0 ? features : UINT64_C(1) << 63;
}
