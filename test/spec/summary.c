/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c: see summary.h. */
#include "summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTED_MAX 20
#define REASONS_MAX 8

void summary_init(struct summary *summary, bool verbose)
{
	memset(summary, 0, sizeof(*summary));
	summary->verbose = verbose;
}

void summary_deinit(struct summary *summary)
{
	for (size_t i = 0; i < summary->group_count; i++)
		free(summary->groups[i].reasons);
	free(summary->groups);
	free(summary->allowances);
	memset(summary, 0, sizeof(*summary));
}

/* -- What may be open -------------------------------------------------------------------- */

static int add_allowance(struct summary *summary, const char *line)
{
	struct allowance allowance, *all;
	int fields = sscanf(line, "%127s %" SCNu64, allowance.name, &allowance.count);

	if (fields < 1 || allowance.name[0] == '#')
		return 0;
	if (fields == 1)
		allowance.count = UINT64_MAX;
	all = realloc(summary->allowances, (summary->allowance_count + 1) * sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	summary->allowances = all;
	all[summary->allowance_count++] = allowance;
	return 0;
}

int summary_expect(struct summary *summary, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (file == NULL)
		return -errno;
	while (rc == 0 && getline(&line, &room, file) > 0)
		rc = add_allowance(summary, line);
	summary->expects = true;
	free(line);
	fclose(file);
	return rc;
}

/* A row for the file counts before one for its group. */
static uint64_t allowed(const struct summary *summary)
{
	uint64_t count = 0;

	if (!summary->expects)
		return UINT64_MAX;
	for (size_t i = 0; i < summary->allowance_count; i++) {
		if (strcmp(summary->allowances[i].name, summary->row->name) == 0)
			return summary->allowances[i].count;
		if (strcmp(summary->allowances[i].name, summary->row->group) == 0)
			count = summary->allowances[i].count;
	}
	return count;
}

/* -- Counting ---------------------------------------------------------------------------- */

static struct group *last_group(const struct summary *summary)
{
	return &summary->groups[summary->group_count - 1];
}

static bool find_group(struct summary *summary, const char *name)
{
	struct group *groups, found;

	/* The group in use stands last. */
	for (size_t i = 0; i < summary->group_count; i++) {
		if (strcmp(summary->groups[i].name, name) != 0)
			continue;
		found = summary->groups[i];
		summary->groups[i] = *last_group(summary);
		*last_group(summary) = found;
		return true;
	}
	groups = realloc(summary->groups, (summary->group_count + 1) * sizeof(*groups));
	if (groups == NULL)
		return false;
	summary->groups = groups;
	memset(&groups[summary->group_count], 0, sizeof(*groups));
	snprintf(groups[summary->group_count++].name, MANIFEST_NAME_MAX, "%s", name);
	return true;
}

bool summary_begin(struct summary *summary, const struct manifest_row *row)
{
	summary->row = row;
	summary->file = (struct tally){0};
	if (!find_group(summary, row->group))
		return false;
	last_group(summary)->commands += row->commands;
	return true;
}

static void list(struct summary *summary, const char *place, const char *text)
{
	if (summary->listed++ < LISTED_MAX || summary->verbose)
		printf("%s.json%s: %s\n", summary->row->name, place, text);
}

/* Without memory the reason is lost, the count is not. */
static void count_reason(struct group *group, const char *text, uint64_t by)
{
	struct reason *reasons;
	size_t i = 0;

	while (i < group->reason_count && strcmp(group->reasons[i].text, text) != 0)
		i++;
	if (i == group->reason_count) {
		reasons = realloc(group->reasons, (i + 1) * sizeof(*reasons));
		if (reasons == NULL)
			return;
		group->reasons = reasons;
		memset(&reasons[i], 0, sizeof(*reasons));
		snprintf(reasons[i].text, sizeof(reasons[i].text), "%s", text);
		group->reason_count++;
	}
	group->reasons[i].count += by;
}

void summary_add(struct summary *summary, const char *place, const struct verdict *verdict)
{
	switch (verdict->kind) {
	case VERDICT_PASSED:
		summary->file.passed++;
		break;
	case VERDICT_FAILED:
		summary->file.failed++;
		list(summary, place, verdict->text);
		break;
	case VERDICT_OPEN:
		summary->file.open++;
		count_reason(last_group(summary), verdict->text, 1);
		break;
	}
}

/* Make one command failed that was something else, if there is one. */
static void fail_one(struct tally *tally)
{
	if (tally->passed > 0)
		tally->passed--;
	else if (tally->open > 0)
		tally->open--;
	else
		return;
	tally->failed++;
}

/* Hold the counts against the manifest. */
static void check_count(struct summary *summary, const char *place, const char *trouble)
{
	struct tally *file = &summary->file;
	uint64_t seen = file->passed + file->failed + file->open, all = summary->row->commands;
	char text[512];

	if (seen < all) {
		snprintf(text, sizeof(text), "%s; %" PRIu64 " of %" PRIu64 " commands not run",
			 trouble != NULL ? trouble : "fewer commands than the manifest has",
			 all - seen, all);
		file->failed += all - seen;
		list(summary, place, text);
	} else if (seen > all) {
		snprintf(text, sizeof(text), "%" PRIu64 " commands, the manifest has %" PRIu64,
			 seen, all);
		*file = (struct tally){.failed = all > 0 ? all : 1};
		list(summary, place, text);
	} else if (trouble != NULL) {
		fail_one(file);
		list(summary, place, trouble);
	}
}

static void check_open(struct summary *summary)
{
	uint64_t most = allowed(summary), open = summary->file.open;
	char text[128];

	if (open <= most)
		return;
	snprintf(text, sizeof(text), "%" PRIu64 " commands are open, expected were %" PRIu64, open,
		 most);
	list(summary, "", text);
	summary->file.failed += open - most;
	summary->file.open = most;
}

void summary_end(struct summary *summary, const char *place, const char *trouble)
{
	struct tally *group = &last_group(summary)->tally;

	check_count(summary, place, trouble);
	check_open(summary);
	group->passed += summary->file.passed;
	group->failed += summary->file.failed;
	group->open += summary->file.open;
	if (summary->verbose)
		printf("%s: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " open\n",
		       summary->row->name, summary->file.passed, summary->file.failed,
		       summary->file.open);
}

/* -- Printing ---------------------------------------------------------------------------- */

static int compare_reasons(const void *a, const void *b)
{
	const struct reason *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return strcmp(left->text, right->text);
}

static void print_group(const struct summary *summary, const struct group *group)
{
	size_t shown = group->reason_count;
	uint64_t rest = 0;

	printf("%-18s %6" PRIu64 " passed %6" PRIu64 " failed %6" PRIu64 " open of %6" PRIu64 "\n",
	       group->name, group->tally.passed, group->tally.failed, group->tally.open,
	       group->commands);
	if (shown > 0)
		qsort(group->reasons, shown, sizeof(*group->reasons), compare_reasons);
	if (!summary->verbose && shown > REASONS_MAX)
		shown = REASONS_MAX;
	for (size_t i = 0; i < group->reason_count; i++) {
		if (i < shown)
			printf("%25" PRIu64 " open: %s\n", group->reasons[i].count,
			       group->reasons[i].text);
		else
			rest += group->reasons[i].count;
	}
	if (rest > 0)
		printf("%25" PRIu64 " open: %zu more reasons (-v lists them)\n", rest,
		       group->reason_count - shown);
}

bool summary_print(const struct summary *summary)
{
	struct tally all = {0};
	uint64_t commands = 0;

	if (!summary->verbose && summary->listed > LISTED_MAX)
		printf("... and %" PRIu64 " more (-v lists them)\n", summary->listed - LISTED_MAX);
	for (size_t i = 0; i < summary->group_count; i++) {
		const struct group *group = &summary->groups[i];

		print_group(summary, group);
		all.passed += group->tally.passed;
		all.failed += group->tally.failed;
		all.open += group->tally.open;
		commands += group->commands;
	}
	if (all.passed + all.failed + all.open != commands) {
		printf("the counts do not add up\n");
		all.failed++;
	}
	printf("spec: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " open of %" PRIu64 "\n",
	       all.passed, all.failed, all.open, commands);
	return all.failed == 0;
}
