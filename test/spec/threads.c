/* SPDX-License-Identifier: Apache-2.0 */
#include "threads.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

struct script_thread {
	struct json_value name;
	struct json_value commands;
	struct script script;
	pthread_t native;
	bool joined;
	FILE *out; /* owned: writes to `report` */
	char *report; /* owned */
	size_t size;
	struct script_thread *older; /* owned */
};

/* -- Reports ----------------------------------------------------------------------------- */

static void report_command(FILE *out, struct json_value command)
{
	const char *type = json_string(json_find(command, "type"), NULL);
	uint64_t line = 0;

	json_u64(json_find(command, "line"), &line);
	fprintf(out, "B :%" PRIu64 " %s\n", line, type != NULL ? type : "?");
	fflush(out);
}

static void report_verdict(FILE *out, const struct verdict *verdict)
{
	static const char letters[] = {
		[VERDICT_PASSED] = 'P', [VERDICT_FAILED] = 'F', [VERDICT_OPEN] = 'O'};

	fprintf(out, "%c %s\n", letters[verdict->kind], verdict->text);
	fflush(out);
}

/* What threads said that were waited for. */
static void report_threads(struct script *script, FILE *out)
{
	for (struct script_thread **at = &script->threads; *at != NULL;) {
		struct script_thread *t = *at;

		if (!t->joined) {
			at = &t->older;
			continue;
		}
		fwrite(t->report, 1, t->size, out);
		fflush(out);
		*at = t->older;
		free(t->report);
		free(t);
	}
}

/*
 * In the groups of the second half, a module that could not be made may have been to write into
 * another instance's memory or table: what fails behind it is open for the same reason. In all other
 * groups a failure is one.
 */
static void note_left_out(struct script *script, struct verdict *verdict)
{
	if (verdict->kind == VERDICT_OPEN && script->left_out[0] == '\0')
		snprintf(script->left_out, sizeof(script->left_out), "%s", verdict->text);
	if (verdict->kind == VERDICT_FAILED && script->second_half && script->left_out[0] != '\0')
		verdict_open(verdict, "%s", script->left_out);
}

/* -- Running ----------------------------------------------------------------------------- */

static void join(struct script_thread *t)
{
	if (t->joined)
		return;
	pthread_join(t->native, NULL);
	fclose(t->out);
	t->joined = true;
}

void threads_run(struct script *script, struct json_value list, FILE *out)
{
	struct verdict verdict;

	for (struct json_value c = json_first(list); json_exists(c); c = json_next(c)) {
		report_command(out, c);
		commands_judge(script, c, &verdict);
		note_left_out(script, &verdict);
		report_verdict(out, &verdict);
		report_threads(script, out);
	}
	for (struct script_thread *t = script->threads; t != NULL; t = t->older)
		join(t);
	report_threads(script, out);
}

/* Its store ends with it, in the thread that used it. */
static void *run(void *arg)
{
	struct script_thread *t = arg;

	threads_run(&t->script, t->commands, t->out);
	script_deinit(&t->script);
	return NULL;
}

/* The instance that is shared gets its name in the new script. */
static bool take_shared(struct script *script, struct script_thread *t, struct json_value name,
			struct verdict *verdict)
{
	struct place *from, *to;

	if (!json_exists(name))
		return true;
	if (!script_find(script->instances, name, &from, verdict))
		return false;
	to = script_add(&t->script.instances, name);
	if (to == NULL)
		return verdict_fail(verdict, "no memory");
	to->instance = from->instance;
	to->verdict = from->verdict;
	return true;
}

static bool prepare(struct script *script, struct script_thread *t, struct json_value command,
		    struct verdict *verdict)
{
	struct skiff_error err = {""};

	t->name = json_find(command, "name");
	t->commands = json_find(command, "commands");
	t->out = open_memstream(&t->report, &t->size);
	if (t->out == NULL)
		return verdict_fail(verdict, "no memory");
	if (script_init_thread(&t->script, script, &err) != 0)
		return verdict_fail(verdict, "no script for the thread: %s", err.text);
	return take_shared(script, t, json_find(command, "shared_module"), verdict);
}

void threads_start(struct script *script, struct json_value command, struct verdict *verdict)
{
	struct script_thread *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		verdict_fail(verdict, "no memory");
		return;
	}
	if (prepare(script, t, command, verdict)) {
		t->older = script->threads;
		script->threads = t;
		if (pthread_create(&t->native, NULL, run, t) == 0)
			return;
		script->threads = t->older;
		verdict_fail(verdict, "no thread");
	}
	script_deinit(&t->script);
	if (t->out != NULL)
		fclose(t->out);
	free(t->report);
	free(t);
}

static bool same_name(struct json_value a, struct json_value b)
{
	const char *x = json_string(a, NULL), *y = json_string(b, NULL);

	return x != NULL && y != NULL && strcmp(x, y) == 0;
}

void threads_wait(struct script *script, struct json_value command, struct verdict *verdict)
{
	struct json_value name = json_find(command, "thread");

	for (struct script_thread *t = script->threads; t != NULL; t = t->older) {
		if (!same_name(t->name, name))
			continue;
		join(t);
		return;
	}
	verdict_fail(verdict, "there is no such thread");
}
