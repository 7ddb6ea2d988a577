/* SPDX-License-Identifier: Apache-2.0 */
#include "actions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "values.h"

/* An array of at least one value, all zero. NULL: no memory. */
static struct skiff_val *new_values(size_t count)
{
	return calloc(count > 0 ? count : 1, sizeof(struct skiff_val));
}

static bool parse_args(struct json_value list, struct skiff_val *args, struct verdict *verdict)
{
	size_t i = 0;

	for (struct json_value v = json_first(list); json_exists(v); v = json_next(v))
		if (!values_parse(v, &args[i++]))
			return verdict_fail(verdict, "argument %zu is no value", i);
	return true;
}

static bool invoke(struct action *action, struct script *script, struct skiff_func *func,
		   struct json_value list, struct verdict *verdict)
{
	struct skiff_extern item = {.kind = SKIFF_KIND_FUNC, .of.func = func};
	struct skiff_val *args = new_values(json_count(list));
	struct skiff_externtype type;
	int exit_code;

	skiff_extern_type(item, &type);
	action->count = type.func.result_count;
	action->results = new_values(action->count);
	if (args == NULL || action->results == NULL) {
		free(args);
		return verdict_fail(verdict, "no memory");
	}
	if (!parse_args(list, args, verdict)) {
		free(args);
		return false;
	}
	action->rc = skiff_call(script->store, func, args, json_count(list), action->results,
				action->count, &action->trap, &exit_code, &action->err);
	free(args);
	return true;
}

static bool get(struct action *action, struct skiff_global *global, struct verdict *verdict)
{
	action->results = new_values(1);
	if (action->results == NULL)
		return verdict_fail(verdict, "no memory");
	action->results[0] = skiff_global_get(global);
	action->count = 1;
	return true;
}

bool action_run(struct action *action, struct script *script, struct json_value text,
		struct verdict *verdict)
{
	const char *type = json_string(json_find(text, "type"), NULL);
	size_t size = 0;
	const char *field = json_string(json_find(text, "field"), &size);
	struct skiff_extern item;
	struct place *place;

	if (type == NULL || field == NULL)
		return verdict_fail(verdict, "an action without type or field");
	if (!script_find(script->instances, json_find(text, "module"), &place, verdict))
		return false;
	if (!skiff_instance_export(place->instance, field, size, &item))
		return verdict_fail(verdict, "there is no export '%s'", field);
	if (strcmp(type, "invoke") == 0 && item.kind == SKIFF_KIND_FUNC)
		return invoke(action, script, item.of.func, json_find(text, "args"), verdict);
	if (strcmp(type, "get") == 0 && item.kind == SKIFF_KIND_GLOBAL)
		return get(action, item.of.global, verdict);
	return verdict_fail(verdict, "export '%s' is of another kind than '%s' takes", field, type);
}

void action_deinit(struct action *action)
{
	free(action->results);
	skiff_trap_free(action->trap);
	memset(action, 0, sizeof(*action));
}

const char *action_trap(const struct action *action)
{
	return action->rc == SKIFF_TRAP && action->trap != NULL ? skiff_trap_code(action->trap)
								: "";
}

void action_text(const struct action *action, char *text, size_t size)
{
	if (action->rc == 0)
		values_found_text(action->results, action->count, text, size);
	else if (action->rc == SKIFF_TRAP && action->trap != NULL)
		snprintf(text, size, "trap: %s", skiff_trap_text(action->trap));
	else if (action->rc == SKIFF_TRAP)
		snprintf(text, size, "a trap without a reason: %s", action->err.text);
	else if (action->rc == SKIFF_EXCEPTION)
		snprintf(text, size, "exception: %s", action->err.text);
	else if (action->rc < 0)
		snprintf(text, size, "%s: %s", strerror(-action->rc), action->err.text);
	else
		snprintf(text, size, "outcome %d: %s", action->rc, action->err.text);
}
