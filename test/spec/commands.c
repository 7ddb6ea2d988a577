/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.c: what each command asks of the engine, and what it must answer.
 *
 * Two rules hold everywhere. A module of which the engine says "not yet implemented" is open, whatever the
 * command wants of it: a refusal for want of an implementation is no proof of a check. And the kinds
 * of refusal are told apart: malformed is not invalid, unlinkable is not a trap.
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "actions.h"
#include "threads.h"
#include "values.h"

/* Of a text about the engine's answer, and of one about what was expected. */
#define ANSWER_MAX (SKIFF_ERROR_MAX + 128)
#define EXPECTED_MAX 512

/* The engine's answer about a module, for a person. */
static void answer_text(int rc, const struct skiff_error *err, char *text, size_t size)
{
	static const char *const names[] = {
		[0] = "accepted",
		[SKIFF_MALFORMED] = "malformed",
		[SKIFF_INVALID] = "invalid",
		[SKIFF_UNLINKABLE] = "unlinkable",
		[SKIFF_TRAP] = "trap",
		[SKIFF_EXCEPTION] = "exception",
		[SKIFF_EXIT] = "exit",
		[SKIFF_MISUSE] = "misuse",
	};

	if (rc == 0)
		snprintf(text, size, "%s", names[0]);
	else if (rc < 0)
		snprintf(text, size, "%s: %s", strerror(-rc), err->text);
	else if ((size_t)rc < sizeof(names) / sizeof(names[0]))
		snprintf(text, size, "%s: %s", names[rc], err->text);
	else
		snprintf(text, size, "unknown outcome %d: %s", rc, err->text);
}

static bool fail_answer(struct verdict *verdict, const char *expected, int rc,
			const struct skiff_error *err)
{
	char text[ANSWER_MAX];

	answer_text(rc, err, text, sizeof(text));
	return verdict_fail(verdict, "expected %s, got %s", expected, text);
}

/* -- Modules ----------------------------------------------------------------------------- */

/* Decode and validate what must be good. The caller frees *ret. */
static bool open_module(struct script *script, struct json_value command, struct skiff_module **ret,
			struct verdict *verdict)
{
	struct skiff_error err = {""};
	int rc = script_open(script, command, ret, &err);

	if (rc == SKIFF_INVALID && verdict_not_yet(verdict, err.text))
		return false;
	return rc == 0 || fail_answer(verdict, "a module", rc, &err);
}

/* Fill the place with an instance of the module, or with the verdict that there is none. */
static void instantiate(struct script *script, struct skiff_module *module, struct place *place,
			struct verdict *verdict)
{
	struct skiff_error err = {""};
	int rc;

	if (!script_can_link(script, module, verdict))
		return;
	rc = script_instantiate(script, module, &place->instance, &err);
	if (rc != 0)
		fail_answer(verdict, "an instance", rc, &err);
}

static void judge_module(struct script *script, struct json_value command, struct verdict *verdict)
{
	struct place *place = script_add(&script->instances, json_find(command, "name"));
	struct skiff_module *module = NULL;

	if (place == NULL) {
		verdict_fail(verdict, "no memory");
		return;
	}
	if (open_module(script, command, &module, verdict))
		instantiate(script, module, place, verdict);
	place->verdict = *verdict;
	skiff_module_free(module);
}

static void judge_module_definition(struct script *script, struct json_value command,
				    struct verdict *verdict)
{
	struct place *place = script_add(&script->definitions, json_find(command, "name"));

	if (place == NULL) {
		verdict_fail(verdict, "no memory");
		return;
	}
	open_module(script, command, &place->module, verdict);
	place->verdict = *verdict;
}

static void judge_module_instance(struct script *script, struct json_value command,
				  struct verdict *verdict)
{
	struct place *place = script_add(&script->instances, json_find(command, "instance"));
	struct place *definition;

	if (place == NULL) {
		verdict_fail(verdict, "no memory");
		return;
	}
	if (script_find(script->definitions, json_find(command, "module"), &definition, verdict))
		instantiate(script, definition->module, place, verdict);
	place->verdict = *verdict;
}

static void judge_register(struct script *script, struct json_value command,
			   struct verdict *verdict)
{
	struct json_value as = json_find(command, "as");
	struct place *place;

	/* What was not made is registered too: its importers share its verdict. */
	script_find(script->instances, json_find(command, "name"), &place, verdict);
	if (json_string(as, NULL) == NULL)
		verdict_fail(verdict, "there is no name to register");
	else if (place != NULL && !script_register(script, as, place))
		verdict_fail(verdict, "no memory");
}

/* -- Refusals ---------------------------------------------------------------------------- */

static void refuse(struct script *script, struct json_value command, int outcome,
		   const char *expected, struct verdict *verdict)
{
	struct skiff_module *module = NULL;
	struct skiff_error err = {""};
	int rc = script_open(script, command, &module, &err);

	skiff_module_free(module);
	if (rc == SKIFF_INVALID && verdict_not_yet(verdict, err.text))
		return;
	if (rc != outcome)
		fail_answer(verdict, expected, rc, &err);
	else if (err.text[0] == '\0')
		verdict_fail(verdict, "refused as %s, but without a sentence", expected);
}

static void judge_assert_invalid(struct script *script, struct json_value command,
				 struct verdict *verdict)
{
	refuse(script, command, SKIFF_INVALID, "invalid", verdict);
}

static void judge_assert_malformed(struct script *script, struct json_value command,
				   struct verdict *verdict)
{
	refuse(script, command, SKIFF_MALFORMED, "malformed", verdict);
}

/* The custom section is wrong, the module around it is not. The engine does not tell malformed sections
 * from invalid ones. */
static void judge_assert_invalid_custom(struct script *script, struct json_value command,
					struct verdict *verdict)
{
	struct skiff_module *module;
	struct skiff_error err = {""};
	int rc;

	if (!open_module(script, command, &module, verdict))
		return;
	rc = skiff_module_check_custom(module, &err);
	skiff_module_free(module);
	if (rc != SKIFF_INVALID)
		fail_answer(verdict, "an invalid custom section", rc, &err);
	else if (err.text[0] == '\0')
		verdict_fail(verdict, "the custom section is refused, but without a sentence");
}

/* Instantiate what must not be instantiated; the module is a file or a definition. True: *ret and
 * *err are the engine's answer. */
static bool try_instance(struct script *script, struct json_value command, int *ret,
			 struct skiff_error *err, struct verdict *verdict)
{
	struct skiff_module *opened = NULL, *module;
	struct skiff_instance *instance;
	struct place *definition;
	bool can;

	if (json_exists(json_find(command, "filename"))) {
		if (!open_module(script, command, &opened, verdict))
			return false;
		module = opened;
	} else {
		if (!script_find(script->definitions, json_find(command, "module"), &definition,
				 verdict))
			return false;
		module = definition->module;
	}
	can = script_can_link(script, module, verdict);
	if (can)
		*ret = script_instantiate(script, module, &instance, err);
	skiff_module_free(opened);
	return can;
}

static void judge_assert_unlinkable(struct script *script, struct json_value command,
				    struct verdict *verdict)
{
	struct skiff_error err = {""};
	int rc;

	if (try_instance(script, command, &rc, &err, verdict) && rc != SKIFF_UNLINKABLE)
		fail_answer(verdict, "unlinkable", rc, &err);
}

static void judge_assert_uninstantiable(struct script *script, struct json_value command,
					struct verdict *verdict)
{
	struct skiff_error err = {""};
	int rc;

	if (try_instance(script, command, &rc, &err, verdict) && rc != SKIFF_TRAP &&
	    rc != SKIFF_EXCEPTION)
		fail_answer(verdict, "a trap or an exception", rc, &err);
}

/* -- Actions ----------------------------------------------------------------------------- */

static bool fail_action(struct verdict *verdict, const char *expected, const struct action *action)
{
	char text[ANSWER_MAX];

	action_text(action, text, sizeof(text));
	return verdict_fail(verdict, "expected %s, got %s", expected, text);
}

static void judge_action(struct script *script, struct json_value command, struct verdict *verdict)
{
	struct action action = {0};

	if (action_run(&action, script, json_find(command, "action"), verdict) && action.rc != 0)
		fail_action(verdict, "a return", &action);
	action_deinit(&action);
}

static bool results_match(struct json_value expected, const struct action *action)
{
	struct json_value v = json_first(expected);

	if (action->rc != 0 || json_count(expected) != action->count)
		return false;
	for (size_t i = 0; i < action->count; i++, v = json_next(v))
		if (!values_match(v, &action->results[i]))
			return false;
	return true;
}

static void judge_assert_return(struct script *script, struct json_value command,
				struct verdict *verdict)
{
	struct json_value expected = json_find(command, "expected");
	char text[EXPECTED_MAX];
	struct action action = {0};

	if (json_kind(expected) != JSON_ARRAY)
		verdict_fail(verdict, "the command expects nothing");
	else if (action_run(&action, script, json_find(command, "action"), verdict) &&
		 !results_match(expected, &action)) {
		values_expected_text(expected, text, sizeof(text));
		fail_action(verdict, text, &action);
	}
	action_deinit(&action);
}

/* Traps of ours that no text of the specification asks for; exhaustion has an assertion of its own. */
static bool is_own_trap(const char *code)
{
	static const char *const own[] = {
		"stack_exhausted",
		"out_of_memory",
		"interrupted",
		"out_of_fuel",
		"host",
		"none",
		"",
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(code, own[i]) == 0)
			return true;
	return false;
}

static void judge_assert_trap(struct script *script, struct json_value command,
			      struct verdict *verdict)
{
	struct action action = {0};

	if (action_run(&action, script, json_find(command, "action"), verdict) &&
	    is_own_trap(action_trap(&action)))
		fail_action(verdict, "a trap", &action);
	action_deinit(&action);
}

static void judge_assert_exhaustion(struct script *script, struct json_value command,
				    struct verdict *verdict)
{
	struct action action = {0};

	if (action_run(&action, script, json_find(command, "action"), verdict) &&
	    strcmp(action_trap(&action), "stack_exhausted") != 0)
		fail_action(verdict, "an exhausted stack", &action);
	action_deinit(&action);
}

static void judge_assert_exception(struct script *script, struct json_value command,
				   struct verdict *verdict)
{
	struct action action = {0};

	if (action_run(&action, script, json_find(command, "action"), verdict) &&
	    action.rc != SKIFF_EXCEPTION)
		fail_action(verdict, "an exception", &action);
	action_deinit(&action);
}

/* -- All of them ------------------------------------------------------------------------- */

static const struct {
	const char *type;
	void (*judge)(struct script *script, struct json_value command, struct verdict *verdict);
} commands[] = {
	{"module", judge_module},
	{"module_definition", judge_module_definition},
	{"module_instance", judge_module_instance},
	{"register", judge_register},
	{"action", judge_action},
	{"assert_return", judge_assert_return},
	{"assert_trap", judge_assert_trap},
	{"assert_exhaustion", judge_assert_exhaustion},
	{"assert_exception", judge_assert_exception},
	{"assert_invalid", judge_assert_invalid},
	{"assert_malformed", judge_assert_malformed},
	{"assert_unlinkable", judge_assert_unlinkable},
	{"assert_uninstantiable", judge_assert_uninstantiable},
	{"assert_invalid_custom", judge_assert_invalid_custom},
	{"assert_malformed_custom", judge_assert_invalid_custom},
	{"thread", threads_start},
	{"wait", threads_wait},
};

void commands_judge(struct script *script, struct json_value command, struct verdict *verdict)
{
	const char *type = json_string(json_find(command, "type"), NULL);

	verdict->kind = VERDICT_PASSED;
	verdict->text[0] = '\0';
	for (size_t i = 0; type != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(type, commands[i].type) != 0)
			continue;
		commands[i].judge(script, command, verdict);
		return;
	}
	verdict_fail(verdict, "unknown type of command");
}
