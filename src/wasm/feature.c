/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/feature.h"

uint64_t feature_default(void)
{
	return 0
#define FEATURE(ID, name, on) | ((on) ? FEATURE_BIT(FEATURE_##ID) : 0)
#include "wasm/feature.def"
#undef FEATURE
		;
}

const char *feature_name(enum feature feature)
{
	static const char *const names[] = {
		"",
#define FEATURE(ID, name, on) name,
#include "wasm/feature.def"
#undef FEATURE
	};

	return names[feature];
}
