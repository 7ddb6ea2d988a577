/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/wasi.h"

#include "base/base.h"
#include "base/err.h"
#include "cli/env_file.h"
#include "cli/say_error.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"
#include "skiff.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int need(struct wasi_setup *setup)
{
	struct skiff_error err = {.text = ""};
	int r = setup->wasi != NULL ? 0 : skiff_wasi_new(&setup->wasi, &err);

	return r == 0 ? EXIT_OK : say_error(NULL, r, &err);
}

/* What the library refused: a value that makes no sense, or the host's word. */
static int refused(const char *option, int r, const struct skiff_error *err, const char *remedy)
{
	return say(r == -EINVAL || r == -EEXIST ? EXIT_USAGE : EXIT_BAD, NULL,
		   "option '--%s': %s%s", option, err->text[0] != '\0' ? err->text : strerror(-r),
		   remedy);
}

/* -- Directories ---------------------------------------------------------------------------- */

static bool dir_flag(const char *word, size_t size, unsigned *flags)
{
	static const struct {
		const char *name;
		unsigned flag;
	} known[] = {
		{"readonly", SKIFF_DIR_READ_ONLY},
		{"ro", SKIFF_DIR_READ_ONLY},
		{"root", SKIFF_DIR_ROOT},
		{"rw", 0},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) == size && memcmp(known[i].name, word, size) == 0) {
			*flags |= known[i].flag;
			return true;
		}
	}
	return false;
}

static int dir_flags(const char *value, const char *words, unsigned *flags)
{
	for (;;) {
		size_t size = strcspn(words, ",:");

		if (!dir_flag(words, size, flags))
			return say(EXIT_USAGE, NULL,
				   "option '--dir': '%.*s' of '%s' is none of: readonly, ro, rw, "
				   "root",
				   (int)size, words, value);
		if (words[size] == '\0')
			return EXIT_OK;
		words += size + 1;
	}
}

/* "/a/../b" is "/b", and above the top is the top: a guest path is no more than a name. */
static void leave_out_dots(char *path)
{
	char *end = path + (path[0] == '/'), *top = end;

	for (char *next = end, *part; *next != '\0';) {
		size_t size = strcspn(next, "/");

		part = next;
		next += size + (next[size] == '/');
		if (size == 0 || (size == 1 && part[0] == '.'))
			continue;
		if (size == 2 && part[0] == '.' && part[1] == '.') {
			while (end > top && end[-1] != '/')
				end--;
			end -= end > top; /* the slash, too */
			continue;
		}
		if (end > top)
			*end++ = '/';
		memmove(end, part, size);
		end += size;
	}
	if (end == path)
		*end++ = '/';
	*end = '\0';
}

int wasi_dir_parse(struct wasi_dir *ret, const char *value)
{
	size_t size = strlen(value) + 1;
	size_t guest = strcspn(value, ":");
	const char *host = value[guest] == ':' ? value + guest + 1 : value;
	size_t host_size = strcspn(host, ":");
	int code = EXIT_OK;

	*ret = (struct wasi_dir){.text = malloc(2 * size), .named = host != value};
	if (ret->text == NULL) {
		say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
		return EXIT_BAD;
	}
	ret->guest = ret->text;
	ret->host = ret->text + size;
	memcpy(ret->guest, value, guest);
	memcpy(ret->host, host, host_size);
	ret->guest[guest] = ret->host[host_size] = '\0';
	if (host[host_size] == ':')
		code = dir_flags(value, host + host_size + 1, &ret->flags);
	if (code == EXIT_OK && (ret->guest[0] == '\0' || ret->host[0] == '\0'))
		code = say(EXIT_USAGE, NULL,
			   "option '--dir': '%s' is not HOST, GUEST:HOST or GUEST:HOST:readonly",
			   value);
	if (strstr(ret->guest, "..") != NULL)
		leave_out_dots(ret->guest);
	return code;
}

void wasi_dir_free(struct wasi_dir *dir)
{
	free(dir->text);
	dir->text = NULL;
}

/* What to do about a directory that cannot be had. */
static const char *remedy(const struct wasi_dir *dir, int r)
{
	unsigned none = 0;

	if (r == -ENOENT && dir_flag(dir->host, strlen(dir->host), &none))
		return "; a flag goes behind both paths, as in GUEST:HOST:readonly";
	switch (r) {
	case -ENOENT:
		return "; create it, or name another";
	case -EACCES:
	case -EPERM:
		return "; it needs permission to read and to search for this user";
	case -ENOTDIR:
		return "; name the directory that holds it";
	case -EINVAL:
		return dir->named ? "" : "; name both, as in GUEST:HOST";
	default:
		return "";
	}
}

static int take_dir(struct wasi_setup *setup, const char *value)
{
	struct skiff_error err = {.text = ""};
	struct wasi_dir dir;
	int code = wasi_dir_parse(&dir, value);

	if (code == EXIT_OK)
		code = need(setup);
	if (code == EXIT_OK) {
		int r = skiff_wasi_dir(setup->wasi, dir.guest, dir.host, dir.flags, &err);

		if (r < 0)
			code = refused("dir", r, &err, remedy(&dir, r));
		if (r < 0 && r != -EINVAL && setup->forgiving)
			code = EXIT_OK;
	}
	wasi_dir_free(&dir);
	return code;
}

/* -- Environment ---------------------------------------------------------------------------- */

int wasi_variable(const char *text, const char **ret)
{
	const char *value;

	if (text[0] == '=' || text[0] == '\0')
		return say(EXIT_USAGE, NULL, "option '--env': '%s' is not NAME=VALUE or NAME",
			   text);
	*ret = text;
	if (strchr(text, '=') != NULL)
		return EXIT_OK;
	/* An environment is made of whole texts, NAME=VALUE. */
	value = getenv(text);
	*ret = value != NULL ? value - strlen(text) - 1 : NULL;
	return EXIT_OK;
}

int wasi_env(struct wasi_setup *setup, const char *text)
{
	struct skiff_error err = {.text = ""};
	const char *variable;
	int code = wasi_variable(text, &variable);
	int r = 0;

	if (code == EXIT_OK)
		code = need(setup);
	if (code != EXIT_OK)
		return code;
	if (variable != NULL)
		r = skiff_wasi_env(setup->wasi, variable, &err);
	return r == 0 ? EXIT_OK : refused("env", r, &err, "");
}

static int take_variable(void *env, const char *variable)
{
	return wasi_env(env, variable);
}

/* Whether the guest has it is known when all its directories are: linking tells. */
static int take_workdir(struct wasi_setup *setup, const char *path)
{
	struct skiff_error err = {.text = ""};
	int code = need(setup);
	int r;

	if (code != EXIT_OK)
		return code;
	r = skiff_wasi_workdir(setup->wasi, path, &err);
	return r == 0 ? EXIT_OK : refused("workdir", r, &err, "");
}

/* -- Sockets and network -------------------------------------------------------------------- */

static int take_listen_fd(struct wasi_setup *setup, struct options *o)
{
	struct skiff_error err = {.text = ""};
	uint64_t number;
	int code = need(setup);
	int r;

	if (code != EXIT_OK)
		return code;
	if (!options_u64(o, &number))
		return o->code;
	if (number > INT_MAX)
		return say(EXIT_USAGE, NULL, "option '--listen-fd': '%s' is no descriptor",
			   o->value);
	r = skiff_wasi_listen_fd(setup->wasi, (int)number, &err);
	if (r == 0)
		return EXIT_OK;
	refused("listen-fd", r, &err, "");
	return EXIT_BAD; /* what a descriptor is, the host knows */
}

static int take_network(struct wasi_setup *setup, int id, const char *value)
{
	struct skiff_error err = {.text = ""};
	int code = need(setup);
	int r;

	if (code != EXIT_OK)
		return code;
	if (id == WASI_TCPLISTEN) {
		r = skiff_wasi_listen(setup->wasi, value, &err);
		return r == 0 ? EXIT_OK : refused("tcplisten", r, &err, "");
	}
	setup->network_chosen = true;
	if (id == WASI_NO_NETWORK)
		return EXIT_OK;
	r = skiff_wasi_allow_net(setup->wasi, value, &err);
	return r == 0 ? EXIT_OK : refused("allow-net", r, &err, "");
}

static int take_max_threads(struct wasi_setup *setup, struct options *o)
{
	struct skiff_error err = {.text = ""};
	int code = need(setup);
	uint64_t most;
	int r;

	if (code != EXIT_OK)
		return code;
	if (!options_u64(o, &most))
		return o->code;
	r = skiff_wasi_threads(setup->wasi, (uint32_t)MIN(most, (uint64_t)UINT32_MAX), &err);
	return r == 0 ? EXIT_OK : refused("max-threads", r, &err, "");
}

/* -- All of them ---------------------------------------------------------------------------- */

bool wasi_option(struct wasi_setup *setup, struct options *o, int id)
{
	switch (id) {
	case WASI_DIR:
		o->code = take_dir(setup, o->value);
		break;
	case WASI_ENV:
		o->code = wasi_env(setup, o->value);
		break;
	case WASI_ENV_FILE:
		o->code = env_file_read(o->value, take_variable, setup);
		break;
	case WASI_WORKDIR:
		o->code = take_workdir(setup, o->value);
		break;
	case WASI_LISTEN_FD:
		o->code = take_listen_fd(setup, o);
		break;
	case WASI_MAX_THREADS:
		o->code = take_max_threads(setup, o);
		break;
	default:
		o->code = take_network(setup, id, o->value);
	}
	return o->code == EXIT_OK;
}

/* A name of WASI's: "wasi_...", or "wasi" of threads; and what is shared with threads. */
static bool is_wasi(const struct skiff_import *import)
{
	static const char prefix[] = "wasi_";
	size_t size = MIN(import->module.size, sizeof(prefix) - 1);

	return (size >= 4 && memcmp(import->module.bytes, prefix, size) == 0) ||
	       (import->type.kind == SKIFF_KIND_MEMORY && import->type.limits.shared);
}

bool wasi_wanted(const struct skiff_module *module)
{
	struct skiff_import import;

	for (uint32_t i = 0; skiff_module_import(module, i, &import); i++)
		if (is_wasi(&import))
			return true;
	return false;
}

int wasi_link(struct wasi_setup *setup, struct skiff_linker *linker, const char *name, char **args)
{
	struct skiff_error err = {.text = ""};
	int code = need(setup);
	int r;

	if (code != EXIT_OK)
		return code;
	if (!setup->network_chosen)
		skiff_wasi_network(setup->wasi, true);
	r = skiff_wasi_arg(setup->wasi, name, &err);
	for (size_t i = 0; r == 0 && args[i] != NULL; i++)
		r = skiff_wasi_arg(setup->wasi, args[i], &err);
	if (r == 0)
		r = skiff_linker_wasi(linker, setup->wasi, &err);
	return r == 0 ? EXIT_OK : say_error(NULL, r, &err);
}
