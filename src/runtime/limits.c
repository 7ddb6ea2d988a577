/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char prefix[] = "skiff.";

/* The option is what says the same on the command line. */
static const struct row {
	const char *option;
	enum config_key otherwise, most; /* most CONFIG_KEYS: there is none */
} rows[LIMITS] = {
	[LIMIT_MEMORY] = {"memory-limit", CONFIG_limits_memory, CONFIG_limits_memory_max},
	[LIMIT_FUEL] = {"fuel", CONFIG_limits_fuel, CONFIG_limits_fuel_max},
	[LIMIT_TIME] = {"time-limit", CONFIG_limits_time, CONFIG_limits_time_max},
	[LIMIT_STACK] = {"stack-limit", CONFIG_limits_stack, CONFIG_limits_stack_max},
	[LIMIT_GRACE] = {"grace", CONFIG_limits_grace, CONFIG_KEYS},
};

static int check_most(const struct config *config, const struct row *row, uint64_t number,
		      const char *asked, struct err *err)
{
	char text[CONFIG_TEXT];

	if (row->most == CONFIG_KEYS || number <= config_number(config, row->most))
		return 0;
	return err_set(err, -EINVAL, "%s: is more than this node allows: %s has %s.%s = %s", asked,
		       config->file, config_section(row->most), config_name(row->most),
		       config_text(config, row->most, text));
}

static int resolve(struct limits *limits, enum limit limit, const struct oci_spec *spec,
		   const struct config *config, struct err *err)
{
	const struct row *row = &rows[limit];
	char key[48], asked[64];
	const char *text;
	int error = 0;

	snprintf(key, sizeof(key), "%s%s", prefix, config_name(row->otherwise));
	text = oci_annotation(spec, key);
	if (limits->asked[limit]) {
		snprintf(asked, sizeof(asked), "option '--%s'", row->option);
	} else {
		snprintf(asked, sizeof(asked), "annotation '%s'", key);
		limits->of[limit] = config_number(config, row->otherwise);
		if (text != NULL)
			error = config_parse_number(&limits->of[limit], row->otherwise, text, err);
		if (error != 0)
			return err_prefix(err, error, "%s", asked);
	}
	return check_most(config, row, limits->of[limit], asked, err);
}

/* What is no limit of the guest. */
static int check_root(const struct oci_spec *spec, struct err *err)
{
	const char *root = oci_annotation(spec, OCI_ROOT_ANNOTATION);

	if (root == NULL || strcmp(root, OCI_ROOT_SCRATCH) == 0)
		return 0;
	return err_set(err, -EINVAL, "annotation '%s': '%.64s' is not '%s'", OCI_ROOT_ANNOTATION,
		       root, OCI_ROOT_SCRATCH);
}

static void warn_unknown(const char *name, config_warn_fn *warn, void *env)
{
	const char *rest = name + sizeof(prefix) - 1;
	struct text_nearest nearest;
	struct err sentence;

	if (strcmp(name, OCI_ROOT_ANNOTATION) == 0)
		return;
	text_nearest_init(&nearest, rest, strlen(rest));
	for (size_t i = 0; i < LIMITS; i++) {
		const char *known = config_name(rows[i].otherwise);

		if (strcmp(known, rest) == 0)
			return;
		text_nearest_offer(&nearest, known, strlen(known));
	}
	if (nearest.best == NULL)
		err_set(&sentence, 0, "unknown annotation '%s'", name);
	else
		err_set(&sentence, 0, "unknown annotation '%s', did you mean '%s%s'?", name, prefix,
			nearest.best);
	warn(env, sentence.text);
}

int limits_resolve(struct limits *limits, const struct oci_spec *spec, const struct config *config,
		   config_warn_fn *warn, void *env, struct err *err)
{
	const struct oci_pairs *pairs = &spec->annotations;
	int error = check_root(spec, err);

	for (uint32_t i = 0; warn != NULL && i < pairs->count; i++)
		if (strncmp(pairs->items[i].key, prefix, sizeof(prefix) - 1) == 0)
			warn_unknown(pairs->items[i].key, warn, env);
	for (int i = 0; error == 0 && i < LIMITS; i++)
		error = resolve(limits, (enum limit)i, spec, config, err);
	return error;
}
