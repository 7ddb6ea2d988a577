/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: spec-test: run the specification's test suite through skiff.h.
 *
 *	manifest  which files there are ─▶ child  a process per file ─▶ script + commands  judge
 *	                                   │ verdicts through a pipe    (actions, values, hosts)
 *	                                   ▼
 *	                                summary  counts, lists, last line
 *
 * Exit status: 0 nothing failed, 1 something did, 2 not called right, 77 there is no suite.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "manifest.h"
#include "script.h"
#include "summary.h"

static const char usage[] =
	"usage: spec-test [OPTION]... SUITE_DIR [GROUP[/FILE]]...\n"
	"Run the WebAssembly test suite in SUITE_DIR (the folder with MANIFEST.tsv, or the one\n"
	"above it with wasm-spec in it), or only the groups and files named.\n"
	"\n"
	"  -v, --verbose        every failure, every reason, every file's counts\n"
	"  --features LIST      of the default features, with a name (+name) on or (-name) off,\n"
	"                       comma-separated; the group threads has multi-memory off anyway\n"
	"  --expect-open FILE   groups and files that may have open commands, and how many\n"
	"  --gc-always          collect garbage before each object is made\n"
	"  --artifacts          write each module as an artifact, and open it from there\n"
	"  --spectest-wasm      the host module from spectest.wasm, not from host items\n"
	"  --timeout SECONDS    for each file (60)\n"
	"  -h, --help           this\n";

struct options {
	struct script_options script;
	const char *expect;
	const char *const *wanted; /* groups and files; borrowed from argv */
	size_t wanted_count;
	unsigned seconds;
	bool verbose;
};

/* -- Features ---------------------------------------------------------------------------- */

static uint64_t feature_bit(const char *name, size_t size)
{
	const char *known;

	for (unsigned bit = 0; (known = skiff_feature_name(bit)) != NULL; bit++)
		if (strlen(known) == size && memcmp(known, name, size) == 0)
			return UINT64_C(1) << bit;
	return 0;
}

/* False: a word of the list is no feature. */
static bool parse_features(const char *list, uint64_t *ret)
{
	uint64_t features = *ret;

	while (*list != '\0') {
		size_t size = strcspn(list, ",");
		bool off = *list == '-', sign = off || *list == '+';
		uint64_t bit = size > sign ? feature_bit(list + sign, size - sign) : 0;

		if (bit == 0) {
			fprintf(stderr, "spec-test: unknown feature '%.*s'\n", (int)size, list);
			return false;
		}
		features = off ? features & ~bit : features | bit;
		list += size;
		list += *list == ',';
	}
	*ret = features;
	return true;
}

/* -- Options ----------------------------------------------------------------------------- */

static bool parse_seconds(const char *text, unsigned *ret)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || seconds == 0 || seconds > 86400)
		return false;
	*ret = (unsigned)seconds;
	return true;
}

enum {
	OPTION_FEATURES = 256,
	OPTION_EXPECT,
	OPTION_SPECTEST,
	OPTION_GC,
	OPTION_ARTIFACTS,
	OPTION_TIMEOUT
};

static bool parse_option(int c, struct options *options)
{
	switch (c) {
	case 'v':
		options->verbose = true;
		return true;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case OPTION_FEATURES:
		return parse_features(optarg, &options->script.features);
	case OPTION_EXPECT:
		options->expect = optarg;
		return true;
	case OPTION_SPECTEST:
		options->script.spectest_wasm = true;
		return true;
	case OPTION_ARTIFACTS:
		options->script.artifacts = true;
		return true;
	case OPTION_GC:
		options->script.gc_always = true;
		return true;
	case OPTION_TIMEOUT:
		return parse_seconds(optarg, &options->seconds);
	default:
		return false;
	}
}

static bool parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{"features", required_argument, NULL, OPTION_FEATURES},
		{"expect-open", required_argument, NULL, OPTION_EXPECT},
		{"spectest-wasm", no_argument, NULL, OPTION_SPECTEST},
		{"artifacts", no_argument, NULL, OPTION_ARTIFACTS},
		{"gc-always", no_argument, NULL, OPTION_GC},
		{"timeout", required_argument, NULL, OPTION_TIMEOUT},
		{NULL, 0, NULL, 0},
	};
	int c;

	options->script.features = skiff_features_default();
	options->seconds = 60;
	while ((c = getopt_long(argc, argv, "vh", known, NULL)) != -1)
		if (!parse_option(c, options))
			return false;
	if (optind == argc)
		return false;
	options->script.suite = argv[optind];
	options->wanted = (const char *const *)argv + optind + 1;
	options->wanted_count = (size_t)(argc - optind - 1);
	return true;
}

/* -- Running ----------------------------------------------------------------------------- */

static bool is_wanted(const struct options *options, const struct manifest_row *row)
{
	for (size_t i = 0; i < options->wanted_count; i++) {
		const char *wanted = options->wanted[i];
		size_t size = strlen(row->name);

		if (strcmp(wanted, row->group) == 0 || strcmp(wanted, row->name) == 0)
			return true;
		if (strncmp(wanted, row->name, size) == 0 && strcmp(wanted + size, ".json") == 0)
			return true;
	}
	return options->wanted_count == 0;
}

/* Groups that need nothing but the engine's first half. */
static bool is_first_half(const char *group)
{
	static const char *const groups[] = {"core", "bulk-memory", "simd", "relaxed-simd",
					     "custom"};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strcmp(groups[i], group) == 0)
			return true;
	return false;
}

/*
 * The group threads is from before multiple memories and multiple tables: eight of its assertions call
 * several of them invalid. So it runs with those proposals off, as the suite's README says.
 */
static void set_features(struct script_options *script, const struct options *options,
			 const char *group)
{
	*script = options->script;
	script->second_half = !is_first_half(group);
	if (strcmp(group, "threads") != 0)
		return;
	script->features &= ~feature_bit("multi-memory", strlen("multi-memory"));
	script->features &= ~feature_bit("reference-types", strlen("reference-types"));
}

static int run(const struct options *options, const struct manifest *manifest,
	       struct summary *summary)
{
	struct script_options script;
	size_t count = 0;

	for (size_t i = 0; i < manifest->count; i++) {
		int rc;

		if (!is_wanted(options, &manifest->rows[i]))
			continue;
		set_features(&script, options, manifest->rows[i].group);
		rc = child_run(&script, &manifest->rows[i], options->seconds, summary);
		if (rc != 0) {
			fprintf(stderr, "spec-test: no process: %s\n", strerror(-rc));
			return 1;
		}
		count++;
	}
	if (count == 0) {
		fprintf(stderr, "spec-test: nothing in the suite has such a name\n");
		return 2;
	}
	return summary_print(summary) ? 0 : 1;
}

static int run_suite(const struct options *options, const struct manifest *manifest)
{
	struct summary summary;
	int rc = 0;

	summary_init(&summary, options->verbose);
	if (options->expect != NULL)
		rc = summary_expect(&summary, options->expect);
	if (rc != 0) {
		fprintf(stderr, "spec-test: read '%s': %s\n", options->expect, strerror(-rc));
		rc = 2;
	} else {
		rc = run(options, manifest, &summary);
	}
	summary_deinit(&summary);
	return rc;
}

/* The folder itself, or wasm-spec in it. */
static int find_suite(struct options *options, struct manifest *manifest, char *path, size_t size)
{
	int rc;

	snprintf(path, size, "%s/wasm-spec", options->script.suite);
	rc = manifest_read(manifest, path);
	if (rc == -ENOENT || rc == -ENOTDIR)
		return manifest_read(manifest, options->script.suite);
	options->script.suite = path;
	return rc;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct manifest manifest = {0};
	char path[4096];
	int rc;

	if (!parse_options(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	rc = find_suite(&options, &manifest, path, sizeof(path));
	if (rc == -ENOENT || rc == -ENOTDIR) {
		printf("spec: skipped: there is no suite in '%s'\n", options.script.suite);
		rc = 77;
	} else if (rc != 0) {
		fprintf(stderr, "spec-test: MANIFEST.tsv: %s\n", strerror(-rc));
		rc = 2;
	} else {
		rc = run_suite(&options, &manifest);
	}
	manifest_deinit(&manifest);
	return rc;
}
