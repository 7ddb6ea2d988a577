/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h: what whoever runs the node has decided for all containers on it: /etc/skiff/config.toml.
 *
 * Read by who starts containers, never in a cage. The keys stand in config.def. A key that is not known is a warning, with
 * the nearest one that is, so that a file can serve two versions; a value that makes no sense is an error.
 */
#ifndef RUNTIME_CONFIG_H
#define RUNTIME_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define CONFIG_FILE "/etc/skiff/config.toml"
#define CONFIG_NONE UINT64_MAX /* no limit */

/* CONFIG_LANDLOCK_WARN, ... */
enum config_word {
#define WORD(type, id, word, meaning) CONFIG_##type##_##id,
#define KEY(section, key, type, otherwise, least, most, meaning)
#include "runtime/config.def"
#undef WORD
#undef KEY
};

/* CONFIG_cache_dir, ... */
enum config_key {
#define WORD(type, id, word, meaning)
#define KEY(section, key, type, otherwise, least, most, meaning) CONFIG_##section##_##key,
#include "runtime/config.def"
#undef WORD
#undef KEY
	CONFIG_KEYS,
};

/* Where a value comes from. */
enum config_from { CONFIG_FROM_DEFAULT, CONFIG_FROM_FILE, CONFIG_FROM_ENVIRONMENT };

#define CONFIG_FIELD_BOOL bool
#define CONFIG_FIELD_PATH const char *
#define CONFIG_FIELD_COUNT uint64_t
#define CONFIG_FIELD_SIZE uint64_t
#define CONFIG_FIELD_TIME uint64_t
#define CONFIG_FIELD_LANDLOCK enum config_word
#define CONFIG_FIELD_NETWORK enum config_word
#define CONFIG_FIELD_LEVEL enum config_word

/* config.cache_dir, ...; strings are borrowed from `toml`. */
struct config {
#define WORD(type, id, word, meaning)
#define KEY(section, key, type, otherwise, least, most, meaning) \
	CONFIG_FIELD_##type section##_##key;
#include "runtime/config.def"
#undef WORD
#undef KEY
	struct {
		enum config_from from;
		uint32_t line; /* of the file */
	} source[CONFIG_KEYS];
	const char *file; /* what was read; borrowed; NULL: none */
	struct toml *toml; /* owned */
};

/* What is no mistake: a sentence that begins with file and line. */
typedef void config_warn_fn(void *env, const char *sentence);

/* As if there was no file. */
void config_init(struct config *config);
/*
 * `path` NULL: $SKIFF_CONFIG or, where that is not set, CONFIG_FILE, which may be missing; "": none. Then what the environment says.
 * Free it in any case. -EINVAL: what the file says makes no sense; -EPERM: it is not to be believed, since others than root and
 * us can write to it; or why it cannot be read. The sentence begins with the file's name and the line.
 */
int config_read(struct config *config, const char *path, config_warn_fn *warn, void *env,
		struct err *err);
void config_deinit(struct config *config);

/* -- Of one key ------------------------------------------------------------------------------------- */

/* "cache", "dir". */
const char *config_section(enum config_key key);
const char *config_name(enum config_key key);

enum { CONFIG_TEXT = 32 };
/* Its value as it would stand in the file; of a PATH NULL: config_path() has it. */
const char *config_text(const struct config *config, enum config_key key,
			char text[static CONFIG_TEXT]);
const char *config_path(const struct config *config, enum config_key key);
/* A COUNT, SIZE or TIME, of the config or of a text in the same form, bounds and all. */
uint64_t config_number(const struct config *config, enum config_key key);
int config_parse_number(uint64_t *ret, enum config_key key, const char *text, struct err *err);

#endif
