/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cage.h"

#include "cli/compose.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/say.h"
#include "cli/wasi.h"
#include "skiff.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cage_option {
	int id;
	const char *value; /* borrowed from the command line */
};

bool cage_option(struct cage *cage, struct options *o, int id)
{
	struct cage_option *options;

	if (id != WASI_DIR && id != WASI_ENV && id != WASI_WORKDIR && id != WASI_NO_NETWORK) {
		o->code = say(EXIT_USAGE, NULL, "option '--%s' does not go with --cage", o->name);
		return false;
	}
	options = realloc(cage->options, (cage->count + 1) * sizeof(*options));
	if (options == NULL) {
		o->code = say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
		return false;
	}
	cage->options = options;
	cage->options[cage->count++] = (struct cage_option){id, o->value};
	return true;
}

static const char *last_value(const struct cage *cage, int id, const char *otherwise)
{
	for (size_t i = cage->count; i-- > 0;)
		if (cage->options[i].id == id)
			return cage->options[i].value;
	return otherwise;
}

static void emit_string(struct emit *e, const char *key, const char *text)
{
	emit_text(e, key, text, strlen(text));
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

static int emit_variable(struct emit *e, const char *text)
{
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
	for (size_t i = 0; code == EXIT_OK && i < cage->count; i++)
		if (cage->options[i].id == WASI_ENV)
			code = emit_variable(e, cage->options[i].value);
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
	size_t count = last_value(cage, WASI_NO_NETWORK, "") == NULL ? 6 : 5;

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
