/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_run.c: `skiff run IMAGE`, and `skiff run --cage FILE`: what is in it becomes a config.json, and that a container.
 *
 * What an image says is where it begins: its entrypoint and command, variables, directory, user, what stops it. Arguments take the place
 * of its command, options that of the rest.
 */
#include "cli/image_run.h"

#include "cli/containers.h"
#include "cli/keep.h"
#include "cli/local.h"
#include "command/exit.h"
#include "command/say.h"
#include "runtime/passwd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- Both ------------------------------------------------------------------------------------------------ */

/* An ordinary user has one id, in any container. */
static int be_user(struct cage_content *content, struct passwd *passwd, const struct cage *cage,
		   int root)
{
	const char *text = cage->user;
	struct err err = {""};

	if (text == NULL)
		text = content->image != NULL ? content->image->user : "";
	if (passwd_find(passwd, root, text, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	content->user = passwd->user;
	if (geteuid() == 0)
		return EXIT_OK;
	if (text[0] != '\0' && passwd->user.uid != geteuid())
		say_note(cage->user != NULL ? SAY_WARNING : SAY_INFO, NULL,
			 "user '%s' is not there for who is not root: the container runs as you",
			 text);
	content->user = (struct oci_user){.uid = geteuid(), .gid = getegid()};
	return EXIT_OK;
}

static int check(const struct cage *cage)
{
	const char *directory = cage_last(cage, WASI_WORKDIR, "/");
	struct err err = {""};

	if (directory[0] != '/')
		return say(EXIT_USAGE, NULL, "option '--workdir': '%s' does not begin with a slash",
			   directory);
	if (cage->name != NULL && state_check_id(cage->name, &err) != 0)
		return say(EXIT_USAGE, NULL, "option '--name': %s", err.text);
	if (cage->published && cage_last(cage, WASI_NO_NETWORK, "") == NULL)
		return say(EXIT_USAGE, NULL,
			   "option '--publish' does not go with --network none: nobody can come");
	return EXIT_OK;
}

static int run(struct guest_plan *plan, struct contained_plan *contained,
	       const struct cage_content *content, const char *id)
{
	const struct cage *cage = &plan->cage;
	int code;
	struct keep keep;

	cage_terms(cage, &contained->terms);
	contained->sockets = cage->sockets;
	contained->socket_count = cage->socket_count;
	contained->group = cage_has_group(cage);
	contained->id = id;
	code = cage_compose(cage, content, id, &contained->text, &contained->size);
	if (code != EXIT_OK || !cage->detach)
		return code == EXIT_OK ? contained_run(contained) : code;
	if (keep_leave(&keep, id, &code)) {
		free(contained->text);
		return code;
	}
	keep.removed = cage->removed;
	keep.log_bytes = cage->log_bytes;
	contained->keep = &keep;
	code = contained_run(contained);
	keep_close(&keep);
	return code;
}

/* -- A module --------------------------------------------------------------------------------------------- */

int image_run_file(struct guest_plan *plan, struct contained_plan *contained)
{
	const char *slash = strrchr(plan->file, '/');
	struct cage_content content = {
		.file = plan->file,
		.name = slash != NULL ? slash + 1 : plan->file,
		.args = plan->args,
		.directory = "/",
	};
	char id[CONTAINERS_MADE_UP + 1];
	struct passwd passwd;
	struct err err = {""};
	int code = check(&plan->cage);

	if (code == EXIT_OK)
		code = be_user(&content, &passwd, &plan->cage, -1);
	if (code != EXIT_OK)
		return code;
	if (plan->cage.detach)
		contained->image = plan->file;
	if (plan->cage.name != NULL || (!plan->cage.detach && plan->cage.parent == NULL))
		return run(plan, contained, &content, plan->cage.name);
	if (containers_make_id(id, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	return run(plan, contained, &content, id);
}

/* -- An image --------------------------------------------------------------------------------------------- */

/* Texts one behind the other, and an end; owned. */
struct words {
	const char **items;
	size_t count;
};

static int add(struct words *words, const char *text)
{
	const char **items = realloc(words->items, (words->count + 2) * sizeof(*items));

	if (items == NULL)
		return say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
	words->items = items;
	words->items[words->count++] = text;
	words->items[words->count] = NULL;
	return EXIT_OK;
}

static int add_all(struct words *words, const struct image_texts *texts, bool but_first)
{
	int code = EXIT_OK;

	for (uint32_t i = but_first ? 1 : 0; code == EXIT_OK && i < texts->count; i++)
		code = add(words, texts->items[i]);
	return code;
}

/*
 * As docker has it: an entrypoint of our own takes the command along, too. Where a layer is the module, it stands for the
 * entrypoint's first word, or for the command's where there is no entrypoint: whatever that says, there is no other file.
 */
static int choose_words(struct words *words, const struct local *local,
			const struct guest_plan *plan)
{
	const char *entrypoint = plan->cage.entrypoint;
	const bool is_module = local->ready.module.text[0] != '\0' && entrypoint == NULL;
	const bool has_entrypoint = local->config.entrypoint.count > 0;
	int code = EXIT_OK;

	if (entrypoint != NULL)
		code = add(words, entrypoint);
	else if (is_module)
		code = add(words, local->ready.path);
	if (code == EXIT_OK && entrypoint == NULL)
		code = add_all(words, &local->config.entrypoint, is_module);
	for (char **args = plan->args; code == EXIT_OK && *args != NULL; args++)
		code = add(words, *args);
	if (code == EXIT_OK && entrypoint == NULL && plan->args[0] == NULL)
		code = add_all(words, &local->config.command, is_module && !has_entrypoint);
	if (code == EXIT_OK && words->count == 0)
		code = say(EXIT_BAD, NULL,
			   "image '%s' does not say what is to be run: name a module of it behind "
			   "the image, or by --entrypoint",
			   plan->file);
	return code;
}

static int run_local(struct guest_plan *plan, struct contained_plan *contained, struct local *local,
		     const char *id)
{
	const bool has_config = local->config.user != NULL;
	struct cage_content content = {
		.root = local->path,
		.image = has_config ? &local->config : NULL,
		.directory = has_config && local->config.directory[0] == '/'
				     ? local->config.directory
				     : "/",
	};
	struct words words = {0};
	struct passwd passwd;
	int code = choose_words(&words, local, plan);

	if (code == EXIT_OK)
		code = be_user(&content, &passwd, &plan->cage, local->root);
	if (code == EXIT_OK) {
		content.name = words.items[0];
		content.args = (char *const *)(uintptr_t)(words.items + 1);
		contained->image = local->name;
		contained->root = local->root;
		contained->lock = local->lock;
		contained->no_input = !plan->cage.interactive;
		local->root = local->lock = -1;
		code = run(plan, contained, &content, id);
	}
	free(words.items);
	return code;
}

int image_run(struct guest_plan *plan, struct contained_plan *contained)
{
	char made_up[CONTAINERS_MADE_UP + 1];
	const char *id = plan->cage.name != NULL ? plan->cage.name : made_up;
	struct err err = {""};
	struct local local;
	int code = check(&plan->cage);

	plan->wish.word = plan->file;
	if (code == EXIT_OK && containers_make_id(made_up, &err) != 0)
		code = say(EXIT_BAD, NULL, "%s", err.text);
	if (code == EXIT_OK)
		code = local_find(&local, &plan->wish);
	if (code != EXIT_OK)
		return code;
	code = run_local(plan, contained, &local, id);
	local_close(&local);
	return code;
}
