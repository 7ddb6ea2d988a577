/* SPDX-License-Identifier: Apache-2.0 */
/* contained.c: make a container of a bundle, wait for its end, leave nothing; or leave it waiting to be started. */
#include "cli/contained.h"

#include "base/err.h"
#include "cli/containers.h"
#include "cli/dump.h"
#include "cli/fill.h"
#include "cli/keep.h"
#include "cli/node.h"
#include "cli/watch.h"
#include "command/exit.h"
#include "command/say.h"
#include "runtime/bundle.h"
#include "runtime/container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What an exit code of 137 alone does not say. */
static void say_why(const struct container *container)
{
	const struct oci_number *limit = &container->bundle->spec->resources.memory_limit;

	if (!container_ran_out(container))
		return;
	if (limit->given && limit->value != OCI_UNLIMITED)
		say(EXIT_OK, NULL,
		    "the container was killed: it needed more memory than its %lld bytes",
		    (long long)limit->value);
	else
		say(EXIT_OK, NULL, "the container was killed: there was no memory left for it");
}

static void tell_slow(const char *path)
{
	if (path != NULL)
		say(EXIT_OK, NULL, "the container is not ready: it waits for '%s'", path);
	else
		say(EXIT_OK, NULL, "the container is not ready, and goes on");
}

/* What an ordinary user asked for and does not get. */
static void say_notes(const struct container *container)
{
	const char *note = (const char *)container->notes.text.data;

	for (uint32_t i = 0; i < container->notes.count; i++, note += strlen(note) + 1)
		say_note(SAY_WARNING, NULL, "%s", note);
}

static int open_streams(struct watch *watch, const struct contained_plan *plan,
			const struct oci_spec *spec, struct err *err)
{
	int error = watch_terminal(watch, spec, &spec->process, err);

	if (error != 0 || spec->process.terminal)
		return error;
	if (plan->keep != NULL)
		return keep_streams(plan->keep, watch, err);
	if (plan->no_input)
		watch->stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return watch->stdio[0] >= 0 ? 0 : err_set(err, -errno, "/dev/null: %s", strerror(errno));
}

/* It is made, and waits for the word. */
static int is_made(struct container *container, const struct contained_plan *plan, struct err *err)
{
	int error = 0;

	say_notes(container);
	if (plan->lock >= 0)
		close(plan->lock);
	if (plan->pid_file != NULL)
		error = watch_write_pid(plan->pid_file, container->child.pid, err);
	return error == 0 && plan->keep != NULL ? keep_log(plan->keep, err) : error;
}

/* Up to the guest's first instruction. */
static int begin(struct container *container, struct watch *watch,
		 const struct contained_plan *plan, struct err *err)
{
	int error = open_streams(watch, plan, container->bundle->spec, err);

	if (error == 0 && plan->detached && watch->terminal.master >= 0 &&
	    plan->console_socket == NULL)
		error = err_set(err, -EINVAL,
				"process.terminal is true: it needs --console-socket, as nobody "
				"here looks after it");
	memcpy(container->stdio, watch->stdio, sizeof(container->stdio));
	container->stop = watch->stop;
	container->slow = tell_slow;
	if (error == 0)
		error = container_create(container, err);
	if (error == 0)
		error = is_made(container, plan, err);
	return error == 0 && !plan->detached ? container_start(container, err) : error;
}

static int end(struct container *container, struct watch *watch)
{
	struct err err = {""};
	int code;

	if (container_started(container, &err) != 0)
		say_note(SAY_WARNING, NULL, "%s", err.text);
	code = watch_end(watch, container->child.pid, -1);
	container->child.pid = 0;
	if (code == EXIT_SIGNAL + SIGKILL)
		say_why(container);
	if (container_delete(container, &err) != 0)
		say_note(SAY_WARNING, NULL, "%s", err.text);
	fill_now();
	return code;
}

/* The same in the background, where it is to be known afterwards. */
static int end_kept(struct container *container, struct watch *watch, struct keep *keep)
{
	struct err err = {""};
	int code, error;

	if (container_started(container, &err) != 0)
		say_note(SAY_WARNING, NULL, "%s", err.text);
	code = keep_attend(keep, watch, container->child.pid);
	container->child.pid = 0;
	if (code == EXIT_SIGNAL + SIGKILL)
		say_why(container);
	if (keep->removed)
		containers_forget_log(container->id);
	error = keep->removed ? container_delete(container, &err)
			      : container_ended(container, code, &err);
	if (error != 0)
		say_note(SAY_WARNING, NULL, "%s", err.text);
	fill_now();
	return code;
}

/* The reason, and what is left for it. */
static int give_up(struct container *container, int result, const struct err *err)
{
	struct err left = {""};
	int code = say(result > 0 ? result : EXIT_BAD, NULL, "%s", err->text);

	if (container_delete(container, &left) != 0)
		say_note(SAY_WARNING, NULL, "%s", left.text);
	return code;
}

static int take_module(struct container *container)
{
	int module = container->child.module;

	container->child.module = -1;
	return module;
}

static int run(struct container *container, const struct contained_plan *plan)
{
	struct watch watch;
	struct err err = {""};
	int r;

	watch_begin(&watch, plan->console_socket);
	r = watch_born(&watch, begin(container, &watch, plan, &err));
	if (plan->keep != NULL)
		keep_born(plan->keep);
	if (r == 0)
		fill_wanted_of(container->cache, take_module(container),
			       plan->terms.limits[LIMIT_FUEL] != CONFIG_NONE);
	if (r == 0 && plan->keep != NULL) {
		keep_running(plan->keep);
		return end_kept(container, &watch, plan->keep);
	}
	if (r == 0 && !plan->detached)
		return end(container, &watch);
	if (r == 0) {
		container_leave(container);
		fill_behind(); /* nobody stays to do it later */
	} else {
		r = give_up(container, r, &err);
	}
	watch_leave(&watch);
	return r;
}

/* What the guest gets beside its config.json; `more` has room for all descriptors. */
static int agree(struct contained_plan *plan, struct container *container, int *more)
{
	const struct oci_spec *spec = container->bundle->spec;
	struct terms *terms = &plan->terms;
	struct err err = {""};
	uint32_t count = plan->socket_count;
	int dump;

	for (uint32_t i = 0; i < spec->unknown.count; i++)
		say_note(SAY_INFO, NULL, "config.json has a field that nobody knows: %s",
			 spec->unknown.items[i]);
	if (watch_agree(terms, &plan->limits, spec, plan->config, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	if (count > 0)
		memcpy(more, plan->sockets, count * sizeof(*more));
	if (plan->coredump != NULL) {
		dump = dump_open(plan->coredump);
		if (dump < 0)
			return say(EXIT_BAD, plan->coredump, "%s", strerror(-dump));
		more[count++] = dump;
		terms->dumps = true;
	}
	container->terms = terms;
	container->more = more;
	container->more_count = count;
	return EXIT_OK;
}

int contained_run(struct contained_plan *plan)
{
	int more[LAUNCH_MORE_MOST];
	char made_up[32];
	struct container container = {.child = CHILD_NONE};
	struct bundle bundle;
	struct err err = {""};
	int code;

	if (plan->config == NULL) {
		if (node_read(&plan->config, NULL) != EXIT_OK)
			return EXIT_BAD;
		node_cache(plan->config, &plan->cache, &plan->no_cache);
	}
	snprintf(made_up, sizeof(made_up), "run-%d", (int)getpid());
	if (plan->bundle != NULL ? bundle_open(&bundle, plan->bundle, &err) != 0
				 : bundle_of_text(&bundle, plan->text, plan->size, &err) != 0)
		return say(EXIT_BAD, plan->bundle, "%s", err.text);
	if (plan->bundle == NULL)
		bundle.dir = plan->root;
	container.id = plan->id != NULL ? plan->id : made_up;
	container.bundle = &bundle;
	container.cache = plan->no_cache ? "" : plan->cache != NULL ? plan->cache : fill_cache();
	container.template = -1;
	container.detached = plan->detached;
	container.no_cgroup = plan->bundle == NULL && !plan->group;
	container.image = plan->image;
	container.kept = plan->keep != NULL && !plan->keep->removed;
	container.note = watch_note;
	code = agree(plan, &container, more);
	if (code == EXIT_OK)
		code = run(&container, plan);
	if (plan->terms.dumps)
		dump_close(more[container.more_count - 1], plan->coredump);
	bundle_close(&bundle);
	return code;
}
