/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c: the role `skiff-init`: the process of a container, from its birth to the guest's end.
 *
 * Started by runtime/launch.c and nobody else. Failures are told to whoever waits for it, who has a terminal.
 */
#include "base/err.h"
#include "base/self.h"
#include "cli/guest.h"
#include "command/exit.h"
#include "command/say.h"
#include "runtime/launch.h"
#include "runtime/stage.h"
#include "skiff.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int skiff_init_main(char **args);
int malloc_trim(size_t pad); /* of glibc, or of our own heap (base/heap_libc.c): musl has none */

/* Static so that a leak checker sees what it owns: it lives as long as the process. */
static struct stage stage;
static struct guest_plan plan;
static struct guest_cage cage;
static char module_path[PATH_MAX];
static int next_descriptor = LAUNCH_MORE_FD; /* of those that came along */

static int fail(int code, const struct err *err)
{
	stage_fail(&stage, code, err->text);
	return code;
}

/* A mistake in a bundle is none of the command line; and not all that is said is a mistake. */
static void tell(int code, const char *sentence)
{
	if (code == EXIT_OK)
		stage_note(&stage, MESSAGE_WARNING, sentence);
	else
		stage_fail(&stage, code == EXIT_USAGE ? EXIT_BAD : code, sentence);
}

/* -- Where the module is ---------------------------------------------------------------------------- */

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A name without a slash is looked for as a shell would. */
static bool find_in_path(const char *name, size_t size)
{
	const char *path = oci_env(&stage.spec->process, "PATH");

	while (path != NULL && *path != '\0') {
		size_t dir = strcspn(path, ":");

		if (dir + size + 2 <= sizeof(module_path)) {
			snprintf(module_path, sizeof(module_path), "%.*s/%.*s", (int)dir, path,
				 (int)size, name);
			if (dir != 0 && is_file(module_path))
				return true;
		}
		path += dir + (path[dir] == ':');
	}
	return false;
}

static int find_module(struct err *err)
{
	const char *name = stage.spec->process.args.items[0];
	size_t size = oci_entry_path(name, &plan.entry);

	if (size >= sizeof(module_path))
		return err_set(err, EXIT_NOT_FOUND, "process.args[0]: the path is too long");
	snprintf(module_path, sizeof(module_path), "%.*s", (int)size, name);
	if (strchr(module_path, '/') == NULL && !find_in_path(name, size) && !is_file(module_path))
		return err_set(
			err, EXIT_NOT_FOUND,
			stage.plan.beside != 0
				? "no '%.*s' in the PATH of a WebAssembly container, which runs "
				  "nothing but modules"
				: "process.args[0]: no '%.*s' in the container's PATH",
			(int)size, name);
	return 0;
}

static int no_module(struct err *err, const char *why)
{
	return stage.plan.beside != 0
		       ? err_set(err, EXIT_NOT_RUN,
				 "'%s' %s; '%s' is a WebAssembly container and runs nothing but "
				 "modules",
				 module_path, why, stage.plan.id)
		       : err_set(err, EXIT_NOT_RUN, "process.args[0] '%s' %s", module_path, why);
}

/* Not there, or not to be read: errno of opening it is told. */
static int not_opened(struct err *err)
{
	int error = errno;

	if (access(module_path, F_OK) == 0)
		return err_set(err, EXIT_NOT_RUN, "process.args[0] '%s': %s", module_path,
			       strerror(error));
	if (stage.plan.beside != 0)
		return err_set(
			err, EXIT_NOT_FOUND,
			"no '%s' in '%s', which is a WebAssembly container and runs nothing but "
			"modules",
			module_path, stage.plan.id);
	return err_set(err, EXIT_NOT_FOUND, "process.args[0] '%s': %s", module_path,
		       strerror(errno));
}

static int open_module(struct err *err)
{
	char magic[4];
	struct stat st;

	cage.module = open(module_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (cage.module < 0 || fstat(cage.module, &st) < 0)
		return not_opened(err);
	if (S_ISDIR(st.st_mode))
		return no_module(err, "is a directory, no WebAssembly module");
	if (!S_ISREG(st.st_mode))
		return no_module(err, "is no regular file, and so no WebAssembly module");
	if (pread(cage.module, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, "\0asm", sizeof(magic)) != 0)
		return no_module(err, "is no WebAssembly module");
	cage.module = stage_below(&stage, module_path, cage.module);
	return 0;
}

/* -- What the guest gets ------------------------------------------------------------------------------ */

/* In the node's own network, as an option outside of a cage is. */
static int give_sockets(struct err *err)
{
	const struct terms *terms = &stage.terms;
	struct skiff_error *say = (struct skiff_error *)(void *)err;
	struct skiff_wasi *wasi = plan.wasi.wasi;
	int r = 0;

	for (const char *t = terms_first(&terms->listen); r == 0 && t != NULL;
	     t = terms_next(&terms->listen, t))
		r = t[0] == '\0' ? skiff_wasi_listen_fd(wasi, next_descriptor++, say)
				 : skiff_wasi_listen(wasi, t, say);
	if (r != 0)
		return err_prefix(err, r, "a listening socket");
	for (const char *t = terms_first(&terms->allow); r == 0 && t != NULL;
	     t = terms_next(&terms->allow, t))
		r = skiff_wasi_allow_net(wasi, t, say);
	if (r != 0)
		return err_prefix(err, r, "option '--allow-net'");
	plan.wasi.network_chosen = terms->allow.size > 0;
	if (terms->has_threads)
		r = skiff_wasi_threads(wasi, terms->threads, say);
	return r;
}

static int give_root(struct err *err)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct skiff_error *say = (struct skiff_error *)(void *)err;
	int r = root < 0 ? err_set(err, -errno, "/: %s", strerror(errno))
			 : skiff_wasi_dir_fd(plan.wasi.wasi, "/", root, SKIFF_DIR_ROOT, say);

	return r == 0 ? skiff_wasi_workdir(plan.wasi.wasi, stage.spec->process.cwd, say) : r;
}

static int make_wasi(struct err *err)
{
	const struct oci_strings *env = &stage.spec->process.env;
	struct skiff_error *say = (struct skiff_error *)(void *)err;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < env->count; i++)
		r = skiff_wasi_env(plan.wasi.wasi, env->items[i], say);
	return r == 0 ? give_root(err) : r;
}

/* Whoever made us waits for our end by signals it blocks, and we were born so. What came since then comes now. */
static void let_signals_in(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The module is open, and what we know of it is how it begins. */
static int shut_cage(bool missing)
{
	struct err err = {""};

	/* Whoever waits for us may put it in: we cannot, from here on. */
	if (missing)
		stage.module = fcntl(cage.module, F_DUPFD_CLOEXEC, 0);
	skiff_cache_free(cage.cache);
	cage.cache = NULL;
	self_seal();
	return stage_shut(&stage, &err) == 0 ? EXIT_OK : fail(EXIT_BAD, &err);
}

/* What memory was needed to begin is not needed again: by the stack when paths were looked up, by what was read. */
static void give_back(void)
{
	enum { PAGE = 4096, DEPTH = 128 * 1024 };
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) / PAGE * PAGE;

	stage_end(&stage);
	plan.argv0 = plan.invoke = plan.entry = NULL;
	plan.args = NULL;
	malloc_trim(0);
	madvise((void *)(here - DEPTH), DEPTH - PAGE, MADV_DONTNEED);
}

/* The guest is linked, its signals are handled, and it is about to run. */
static int await_start(void)
{
	struct err err = {""};

	let_signals_in();
	if (stage_await(&stage, &err) != 0)
		return fail(EXIT_BAD, &err);
	say_to(NULL);
	give_back();
	return EXIT_OK;
}

static void take_terms(const struct terms *terms)
{
	const uint64_t *limits = terms->limits;

	plan.features = skiff_features_default() ^ terms->features;
	plan.invoke = terms->invoke;
	plan.reactor = terms->reactor ? GUEST_REACTOR : GUEST_COMMAND;
	plan.has_memory = limits[LIMIT_MEMORY] != CONFIG_NONE;
	plan.memory_bytes = limits[LIMIT_MEMORY];
	plan.has_fuel = limits[LIMIT_FUEL] != CONFIG_NONE;
	plan.fuel = limits[LIMIT_FUEL];
	plan.has_time = limits[LIMIT_TIME] != CONFIG_NONE;
	plan.time_ms = limits[LIMIT_TIME];
	plan.stack_bytes = limits[LIMIT_STACK];
	plan.grace_ms = limits[LIMIT_GRACE];
	plan.dump = terms->dumps ? next_descriptor++ : 0;
}

static void make_plan(void)
{
	cage.before_reading = shut_cage;
	cage.before_run = await_start;
	plan.file = module_path;
	plan.argv0 =
		stage.terms.argv0 != NULL ? stage.terms.argv0 : stage.spec->process.args.items[0];
	plan.args = (char **)(uintptr_t)stage.spec->process.args.items + 1;
	plan.manner = (struct guest_manner){.mistake_code = EXIT_BAD,
					    .time_code = EXIT_TIME,
					    .fuel_code = EXIT_FUEL,
					    .fuel_option = "the container",
					    .time_option = "the container",
					    .memory_option = "the container"};
	plan.closing = &cage;
	take_terms(&stage.terms);
}

static int prepare(struct err *err)
{
	int r = stage_begin(&stage, err);

	/* Another user than the cache's would not be let in. */
	if (r == 0 && !stage.spec->namespaces[OCI_NS_USER].wanted &&
	    (stage.plan.cache == NULL || stage.plan.cache[0] != '\0'))
		r = skiff_cache_new(&cage.cache, stage.plan.cache,
				    (struct skiff_error *)(void *)err);
	if (r == 0)
		r = skiff_wasi_new(&plan.wasi.wasi, (struct skiff_error *)(void *)err);
	if (r == 0)
		r = give_sockets(err);
	if (r == 0)
		r = stage_enter(&stage, err);
	if (r == 0)
		r = find_module(err);
	if (r == 0)
		r = open_module(err);
	if (r == 0)
		r = make_wasi(err);
	return r;
}

int skiff_init_main(char **args)
{
	struct err err = {""};
	int r = prepare(&err);

	(void)args;
	if (r != 0)
		return fail(r > 0 ? r : EXIT_BAD, &err);
	make_plan();
	say_to(tell);
	return guest_run(&plan);
}
