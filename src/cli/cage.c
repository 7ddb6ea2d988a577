/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cage.h"

#include "base/base.h"
#include "cli/env_file.h"
#include "cli/wasi.h"
#include "command/compose.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"
#include "skiff.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cage_option {
	int id;
	const char *value; /* borrowed from the command line */
};

static int keep(struct cage *cage, int id, const char *value)
{
	struct cage_option *options = realloc(cage->options, (cage->count + 1) * sizeof(*options));

	if (options == NULL)
		return say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
	cage->options = options;
	cage->options[cage->count++] = (struct cage_option){id, value};
	return EXIT_OK;
}

static int add_text(struct buf *list, const char *text)
{
	return buf_put(list, text, strlen(text) + 1) != NULL
		       ? EXIT_OK
		       : say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
}

/* What it is, is found out where the guest gets it; that it is there, here. */
static int add_socket(struct cage *cage, struct options *o)
{
	uint64_t number;

	if (!options_u64(o, &number))
		return o->code;
	if (number > INT_MAX || fcntl((int)number, F_GETFD) < 0)
		return say(number > INT_MAX ? EXIT_USAGE : EXIT_BAD, NULL,
			   "option '--listen-fd': '%s' is no descriptor", o->value);
	if (cage->socket_count == ARRAY_SIZE(cage->sockets))
		return say(EXIT_USAGE, NULL,
			   "option '--listen-fd': more than %zu do not go into a cage",
			   ARRAY_SIZE(cage->sockets));
	cage->sockets[cage->socket_count++] = (int)number;
	return add_text(&cage->listen, "");
}

static int set_threads(struct cage *cage, struct options *o)
{
	uint64_t number;

	if (!options_u64(o, &number))
		return o->code;
	cage->threads = (uint32_t)MIN(number, (uint64_t)UINT32_MAX);
	cage->has_threads = true;
	return EXIT_OK;
}

bool cage_option(struct cage *cage, struct options *o, int id)
{
	switch (id) {
	case WASI_LISTEN_FD:
		o->code = add_socket(cage, o);
		break;
	case WASI_TCPLISTEN:
		o->code = o->value[0] != '\0'
				  ? add_text(&cage->listen, o->value)
				  : say(EXIT_USAGE, NULL, "option '--tcplisten': '' is no address");
		break;
	case WASI_ALLOW_NET:
		o->code = add_text(&cage->allow, o->value);
		break;
	case WASI_MAX_THREADS:
		o->code = set_threads(cage, o);
		break;
	default:
		o->code = keep(cage, id, o->value);
	}
	return o->code == EXIT_OK;
}

void cage_terms(const struct cage *cage, struct terms *ret)
{
	ret->allow =
		(struct terms_list){(const char *)cage->allow.data, (uint32_t)cage->allow.size};
	ret->listen =
		(struct terms_list){(const char *)cage->listen.data, (uint32_t)cage->listen.size};
	ret->threads = cage->threads;
	ret->has_threads = cage->has_threads;
}

static const char *last_value(const struct cage *cage, int id, const char *otherwise)
{
	for (size_t i = cage->count; i-- > 0;)
		if (cage->options[i].id == id)
			return cage->options[i].value;
	return otherwise;
}

/* -- Mounts ----------------------------------------------------------------------------------------- */

static int emit_bind(struct emit *e, const char *guest, const char *host, bool read_only)
{
	char real[PATH_MAX];

	if (realpath(host, real) == NULL)
		return say(EXIT_BAD, host, "%s", strerror(errno));
	emit_open(e, NULL, '{');
	emit_string(e, "destination", guest);
	emit_string(e, "source", real);
	emit_open(e, "options", '[');
	emit_string(e, NULL, "rbind");
	emit_string(e, NULL, read_only ? "rro" : "rrw");
	emit_close(e, ']');
	emit_close(e, '}');
	return EXIT_OK;
}

static int emit_dir(struct emit *e, const char *value)
{
	struct wasi_dir dir;
	char guest[PATH_MAX];
	int code = wasi_dir_parse(&dir, value);

	if (code == EXIT_OK && strlen(dir.guest) + 2 > sizeof(guest))
		code = say(EXIT_BAD, dir.guest, "%s", strerror(ENAMETOOLONG));
	if (code == EXIT_OK) {
		guest[0] = '/';
		strcpy(guest + (dir.guest[0] != '/'), dir.guest);
		code = emit_bind(e, guest, dir.host, (dir.flags & SKIFF_DIR_READ_ONLY) != 0);
	}
	wasi_dir_free(&dir);
	return code;
}

/* The module under its own name, at the top. */
static int emit_mounts(struct emit *e, const struct cage *cage, const char *file, const char *name)
{
	char guest[PATH_MAX];
	int code;

	if (strlen(name) + 2 > sizeof(guest))
		return say(EXIT_BAD, file, "%s", strerror(ENAMETOOLONG));
	emit_open(e, "mounts", '[');
	code = EXIT_OK;
	for (size_t i = 0; code == EXIT_OK && i < cage->count; i++)
		if (cage->options[i].id == WASI_DIR)
			code = emit_dir(e, cage->options[i].value);
	guest[0] = '/';
	strcpy(guest + 1, name);
	if (code == EXIT_OK)
		code = emit_bind(e, guest, file, true);
	emit_close(e, ']');
	return code;
}

/* -- The process ------------------------------------------------------------------------------------ */

static int emit_variable(void *env, const char *text)
{
	struct emit *e = env;
	const char *variable;
	int code = wasi_variable(text, &variable);

	if (code == EXIT_OK && variable != NULL)
		emit_string(e, NULL, variable);
	return code;
}

static int emit_process(struct emit *e, const struct cage *cage, const char *name, char **args,
			uid_t user)
{
	int code = EXIT_OK;

	emit_open(e, "process", '{');
	emit_open(e, "args", '[');
	emit_string(e, NULL, name);
	for (size_t i = 0; args[i] != NULL; i++)
		emit_string(e, NULL, args[i]);
	emit_close(e, ']');
	emit_open(e, "env", '[');
	for (size_t i = 0; code == EXIT_OK && i < cage->count; i++) {
		const struct cage_option *option = &cage->options[i];

		if (option->id == WASI_ENV)
			code = emit_variable(e, option->value);
		else if (option->id == WASI_ENV_FILE)
			code = env_file_read(option->value, emit_variable, e);
	}
	emit_close(e, ']');
	emit_string(e, "cwd", last_value(cage, WASI_WORKDIR, "/"));
	emit_open(e, "user", '{');
	emit_u64(e, "uid", user);
	emit_u64(e, "gid", getegid());
	emit_close(e, '}');
	emit_close(e, '}');
	return code;
}

/* One id, which is the same inside. */
static void emit_map(struct emit *e, const char *key, uint64_t id)
{
	emit_open(e, key, '[');
	emit_row(e, NULL, '{');
	emit_u64(e, "containerID", id);
	emit_u64(e, "hostID", id);
	emit_u64(e, "size", 1);
	emit_close(e, '}');
	emit_close(e, ']');
}

/*
 * Whoever is not root makes it all in a user namespace, in which he is who he is: no module sees a user, and one that has
 * escaped is not even root of what it finds.
 */
static void emit_users(struct emit *e, uid_t user)
{
	emit_map(e, "uidMappings", user);
	emit_map(e, "gidMappings", getegid());
}

static void emit_namespaces(struct emit *e, const struct cage *cage, uid_t user)
{
	static const char *const kinds[] = {"user", "mount", "pid", "ipc", "uts", "network"};
	/* The host's network, unless none is wanted: without somebody to connect it, a new one leads nowhere. */
	bool none = last_value(cage, WASI_NO_NETWORK, "") == NULL ||
		    (cage->no_network && cage->allow.size == 0);
	size_t count = none ? 6 : 5;

	emit_open(e, "linux", '{');
	if (user != 0)
		emit_users(e, user);
	emit_open(e, "namespaces", '[');
	for (size_t i = user == 0; i < count; i++) {
		emit_row(e, NULL, '{');
		emit_string(e, "type", kinds[i]);
		emit_close(e, '}');
	}
	emit_close(e, ']');
	emit_close(e, '}');
}

/* -- All of it ---------------------------------------------------------------------------------------- */

static int emit_all(struct emit *e, const struct cage *cage, const char *file, char **args)
{
	const uid_t user = geteuid();
	const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
	int code;

	emit_open(e, NULL, '{');
	emit_string(e, "ociVersion", "1.2.0");
	emit_open(e, "root", '{');
	emit_string(e, "path", "none");
	emit_bool(e, "readonly", true);
	emit_close(e, '}');
	code = emit_process(e, cage, name, args, user);
	if (code == EXIT_OK)
		code = emit_mounts(e, cage, file, name);
	emit_namespaces(e, cage, user);
	emit_close(e, '}');
	return code;
}

int cage_compose(const struct cage *cage, const char *file, char **args, char **ret,
		 size_t *ret_size)
{
	struct compose c;
	int code = compose_begin(&c);

	if (code != EXIT_OK)
		return code;
	return compose_end(&c, emit_all(&c.emit, cage, file, args), ret, ret_size);
}
