/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.c: the lists of script.h, and linking against them.
 *
 * To register a name again replaces all that was under it, while a linker would only replace the names that
 * both have: so the linker is thrown away at each registration and made anew at the next link.
 * Modules and prelinked modules are freed as soon as there is an instance: that the instance lives on
 * is part of what is tested.
 */
#include "script.h"

#include "artifacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int script_init(struct script *script, const struct script_options *options, const char *folder,
		struct skiff_error *err)
{
	struct skiff_config config = {.size = sizeof(config),
				      .features = options->features,
				      .gc_always = options->gc_always};
	int rc;

	script->second_half = options->second_half;
	script->artifacts = options->artifacts;
	script->folder = folder;
	rc = skiff_engine_new(&script->engine, &config, err);
	if (rc == 0)
		rc = skiff_store_new(&script->store, script->engine, err);
	if (rc != 0)
		return rc;
	if (options->spectest_wasm)
		return hosts_load(&script->hosts, script->engine, script->store, options->suite,
				  err);
	return hosts_make(&script->hosts, script->store, err);
}

int script_init_thread(struct script *script, const struct script *of, struct skiff_error *err)
{
	int rc;

	script->second_half = of->second_half;
	script->folder = of->folder;
	script->engine = of->engine;
	script->artifacts = of->artifacts;
	script->borrows_engine = true;
	rc = skiff_store_new(&script->store, script->engine, err);
	return rc != 0 ? rc : hosts_make(&script->hosts, script->store, err);
}

static void free_places(struct place *place)
{
	while (place != NULL) {
		struct place *older = place->older;

		skiff_module_free(place->module);
		free(place);
		place = older;
	}
}

void script_deinit(struct script *script)
{
	while (script->registered != NULL) {
		struct registered *older = script->registered->older;

		free(script->registered);
		script->registered = older;
	}
	free_places(script->instances);
	free_places(script->definitions);
	skiff_linker_free(script->linker);
	skiff_store_free(script->store);
	if (!script->borrows_engine)
		skiff_engine_free(script->engine);
	memset(script, 0, sizeof(*script));
}

/* -- Modules ----------------------------------------------------------------------------- */

int script_open(struct script *script, struct json_value command, struct skiff_module **ret,
		struct skiff_error *err)
{
	const char *name = json_string(json_find(command, "filename"), NULL);
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", script->folder, name != NULL ? name : "");
	return script->artifacts ? artifacts_open(ret, script->engine, path, err)
				 : skiff_module_open(ret, script->engine, path, err);
}

static bool same_name(struct skiff_name a, struct skiff_name b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

static const struct registered *find_registered(const struct script *script, struct skiff_name as)
{
	const struct registered *r = script->registered;

	while (r != NULL && !same_name(r->as, as))
		r = r->older;
	return r;
}

static int make_linker(struct script *script, struct skiff_error *err)
{
	int rc = skiff_linker_new(&script->linker, script->engine, err);

	if (rc == 0)
		rc = hosts_define(&script->hosts, script->linker, err);
	for (struct registered *r = script->registered; rc == 0 && r != NULL; r = r->older)
		if (r == find_registered(script, r->as) && r->place->instance != NULL)
			rc = skiff_linker_instance(script->linker, r->as.bytes, r->as.size,
						   r->place->instance, err);
	return rc;
}

int script_instantiate(struct script *script, struct skiff_module *module,
		       struct skiff_instance **ret, struct skiff_error *err)
{
	struct skiff_prelinked *pre = NULL;
	struct skiff_trap *trap = NULL;
	int rc = 0, exit_code;

	if (script->linker == NULL)
		rc = make_linker(script, err);
	if (rc == 0)
		rc = skiff_prelink(&pre, script->linker, module, err);
	if (rc == 0)
		rc = skiff_instance_new(ret, script->store, pre, &trap, &exit_code, err);
	skiff_trap_free(trap);
	skiff_prelinked_free(pre);
	return rc;
}

bool script_can_link(const struct script *script, const struct skiff_module *module,
		     struct verdict *verdict)
{
	struct skiff_import import;

	for (uint32_t i = 0; skiff_module_import(module, i, &import); i++) {
		const struct registered *r = find_registered(script, import.module);
		const char *missing = r == NULL ? hosts_missing(&script->hosts, &import) : NULL;

		if (missing != NULL)
			return verdict_open(verdict, "%s", missing);
		if (r != NULL && r->place->instance == NULL) {
			*verdict = r->place->verdict;
			return false;
		}
	}
	return true;
}

/* -- Places ------------------------------------------------------------------------------ */

static struct skiff_name name_of(struct json_value value)
{
	struct skiff_name name = {NULL, 0};

	name.bytes = json_string(value, &name.size);
	return name;
}

struct place *script_add(struct place **list, struct json_value name)
{
	struct place *place = calloc(1, sizeof(*place));

	if (place == NULL)
		return NULL;
	place->name = name_of(name);
	place->older = *list;
	*list = place;
	return place;
}

bool script_find(struct place *list, struct json_value name, struct place **ret,
		 struct verdict *verdict)
{
	struct skiff_name wanted = name_of(name);
	struct place *place = list;

	while (place != NULL && json_exists(name) &&
	       (place->name.bytes == NULL || !same_name(place->name, wanted)))
		place = place->older;
	*ret = place;
	if (place == NULL && wanted.bytes == NULL)
		return verdict_fail(verdict, "there is no module yet");
	if (place == NULL)
		return verdict_fail(verdict, "there is no '%s'", wanted.bytes);
	if (place->verdict.kind == VERDICT_OPEN)
		return verdict_open(verdict, "%s", place->verdict.text);
	if (place->verdict.kind == VERDICT_FAILED)
		return verdict_fail(verdict, "its module was not made");
	return true;
}

bool script_register(struct script *script, struct json_value as, const struct place *place)
{
	struct registered *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return false;
	*r = (struct registered){.as = name_of(as), .place = place, .older = script->registered};
	script->registered = r;
	skiff_linker_free(script->linker);
	script->linker = NULL;
	return true;
}
