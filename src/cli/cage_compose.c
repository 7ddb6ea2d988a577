/* SPDX-License-Identifier: Apache-2.0 */
/* cage_compose.c: a config.json of what an image says, and then of what the options do. */
#include "base/buf.h"
#include "cli/cage.h"
#include "cli/env_file.h"
#include "cli/wasi.h"
#include "command/compose.h"
#include "command/exit.h"
#include "command/say.h"
#include "skiff.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int bad_volume(const char *value)
{
	return say(
		EXIT_USAGE, NULL,
		"option '--volume': '%s' is not HOST:GUEST, HOST:GUEST:ro or HOST:GUEST:rw, both "
		"of them paths: HOST begins with / or ., GUEST with /",
		value);
}

/* The other way round than --dir has it, as other tools do; colons are none of a path's. */
static int emit_volume(struct emit *e, const char *value)
{
	char text[2 * PATH_MAX], *guest, *flags;
	bool read_only;

	if (strlen(value) >= sizeof(text))
		return say(EXIT_BAD, NULL, "option '--volume': %s", strerror(ENAMETOOLONG));
	strcpy(text, value);
	guest = strchr(text, ':');
	if (guest == NULL)
		return bad_volume(value);
	*guest++ = '\0';
	flags = strchr(guest, ':');
	if (flags != NULL)
		*flags++ = '\0';
	read_only = flags != NULL && strcmp(flags, "ro") == 0;
	if ((flags != NULL && !read_only && strcmp(flags, "rw") != 0) || guest[0] != '/' ||
	    (text[0] != '/' && text[0] != '.'))
		return bad_volume(value);
	return emit_bind(e, guest, text, read_only);
}

/* The module under its own name, at the top. */
static int emit_file(struct emit *e, const char *file, const char *name)
{
	char guest[PATH_MAX];

	if (strlen(name) + 2 > sizeof(guest))
		return say(EXIT_BAD, file, "%s", strerror(ENAMETOOLONG));
	guest[0] = '/';
	strcpy(guest + 1, name);
	return emit_bind(e, guest, file, true);
}

static int emit_mounts(struct emit *e, const struct cage *cage, const struct cage_content *content)
{
	int code = EXIT_OK;

	emit_open(e, "mounts", '[');
	for (size_t i = 0; code == EXIT_OK && i < cage->count; i++) {
		const struct cage_option *option = &cage->options[i];

		if (option->id == WASI_DIR)
			code = emit_dir(e, option->value);
		else if (option->id == CAGE_VOLUME)
			code = emit_volume(e, option->value);
	}
	if (code == EXIT_OK && content->file != NULL)
		code = emit_file(e, content->file, content->name);
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

/* Those of the image first: of two of one name the last one holds. */
static int emit_env(struct emit *e, const struct cage *cage, const struct image_config *image)
{
	int code = EXIT_OK;

	emit_open(e, "env", '[');
	for (uint32_t i = 0; image != NULL && i < image->variables.count; i++)
		if (strchr(image->variables.items[i], '=') != NULL)
			emit_string(e, NULL, image->variables.items[i]);
	for (size_t i = 0; code == EXIT_OK && i < cage->count; i++) {
		const struct cage_option *option = &cage->options[i];

		if (option->id == WASI_ENV)
			code = emit_variable(e, option->value);
		else if (option->id == WASI_ENV_FILE)
			code = env_file_read(option->value, emit_variable, e);
	}
	emit_close(e, ']');
	return code;
}

static void emit_user(struct emit *e, const struct oci_user *user)
{
	emit_open(e, "user", '{');
	emit_u64(e, "uid", user->uid);
	emit_u64(e, "gid", user->gid);
	if (user->group_count > 0) {
		emit_open(e, "additionalGids", '[');
		for (uint32_t i = 0; i < user->group_count; i++)
			emit_u64(e, NULL, user->groups[i]);
		emit_close(e, ']');
	}
	emit_close(e, '}');
}

static int emit_process(struct emit *e, const struct cage *cage, const struct cage_content *content)
{
	int code;

	emit_open(e, "process", '{');
	emit_bool(e, "terminal", cage->tty);
	emit_open(e, "args", '[');
	emit_string(e, NULL, content->name);
	for (size_t i = 0; content->args[i] != NULL; i++)
		emit_string(e, NULL, content->args[i]);
	emit_close(e, ']');
	code = emit_env(e, cage, content->image);
	emit_string(e, "cwd", cage_last(cage, WASI_WORKDIR, content->directory));
	emit_user(e, &content->user);
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
	bool none = cage_last(cage, WASI_NO_NETWORK, "") == NULL ||
		    (cage->no_network && cage->allow.size == 0);
	size_t count = none ? 6 : 5;

	if (user != 0)
		emit_users(e, user);
	emit_open(e, "namespaces", '[');
	for (size_t i = user == 0; i < count; i++) {
		emit_row(e, NULL, '{');
		emit_string(e, "type", kinds[i]);
		emit_close(e, '}');
	}
	emit_close(e, ']');
}

static void emit_limit(struct emit *e, const char *group, const char *name, uint64_t value)
{
	if (value == 0)
		return;
	emit_row(e, group, '{');
	emit_u64(e, name, value);
	if (strcmp(group, "cpu") == 0)
		emit_u64(e, "period", CAGE_CPU_PERIOD);
	emit_close(e, '}');
}

static void emit_linux(struct emit *e, const struct cage *cage, const char *id, uid_t user)
{
	char path[PATH_MAX];

	emit_open(e, "linux", '{');
	emit_namespaces(e, cage, user);
	emit_open(e, "resources", '{');
	emit_limit(e, "memory", "limit", cage->memory);
	emit_limit(e, "cpu", "quota", cage->cpu_quota);
	emit_limit(e, "pids", "limit", cage->pids);
	emit_close(e, '}');
	if (cage->parent != NULL &&
	    snprintf(path, sizeof(path), "%s/%s", cage->parent, id) < (int)sizeof(path))
		emit_string(e, "cgroupsPath", path);
	emit_close(e, '}');
}

/* KEY=VALUE; KEY alone is worth nothing. */
static int emit_label(struct emit *e, const char *text)
{
	size_t size = strcspn(text, "=");
	char key[256];

	if (size == 0 || size >= sizeof(key))
		return say(EXIT_USAGE, NULL, "option '--label': '%s' is not KEY or KEY=VALUE",
			   text);
	memcpy(key, text, size);
	key[size] = '\0';
	emit_string(e, key, text[size] == '=' ? text + size + 1 : "");
	return EXIT_OK;
}

static void emit_ports(struct emit *e, const struct image_texts *ports)
{
	struct buf text = {0};

	for (uint32_t i = 0; i < ports->count; i++)
		if ((i > 0 && buf_put(&text, ",", 1) == NULL) ||
		    buf_put(&text, ports->items[i], strlen(ports->items[i])) == NULL)
			break;
	if (text.size > 0)
		emit_text(e, CAGE_PORTS_NOTE, (const char *)text.data, text.size);
	buf_deinit(&text);
}

static int emit_annotations(struct emit *e, const struct cage *cage,
			    const struct cage_content *content)
{
	const struct image_config *image = content->image;
	const char *stop = cage->stop_signal;
	int code = EXIT_OK;

	if (stop == NULL && image != NULL && image->stop_signal[0] != '\0')
		stop = image->stop_signal;
	emit_open(e, "annotations", '{');
	for (size_t i = 0; code == EXIT_OK && i < cage->count; i++)
		if (cage->options[i].id == CAGE_LABEL)
			code = emit_label(e, cage->options[i].value);
	if (stop != NULL)
		emit_string(e, CAGE_STOP_SIGNAL_NOTE, stop);
	if (image != NULL && image->ports.count > 0)
		emit_ports(e, &image->ports);
	if (content->root != NULL)
		emit_string(e, OCI_ROOT_ANNOTATION, OCI_ROOT_SCRATCH);
	emit_close(e, '}');
	return code;
}

/* -- All of it ---------------------------------------------------------------------------------------- */

static int emit_all(struct emit *e, const struct cage *cage, const struct cage_content *content,
		    const char *id)
{
	int code;

	emit_open(e, NULL, '{');
	emit_string(e, "ociVersion", "1.2.0");
	emit_open(e, "root", '{');
	emit_string(e, "path", content->root != NULL ? content->root : "none");
	emit_bool(e, "readonly", content->root == NULL || cage->read_only);
	emit_close(e, '}');
	if (cage->hostname != NULL)
		emit_string(e, "hostname", cage->hostname);
	code = emit_process(e, cage, content);
	if (code == EXIT_OK)
		code = emit_mounts(e, cage, content);
	if (code == EXIT_OK)
		code = emit_annotations(e, cage, content);
	emit_linux(e, cage, id, geteuid());
	emit_close(e, '}');
	return code;
}

int cage_compose(const struct cage *cage, const struct cage_content *content, const char *id,
		 char **ret, size_t *ret_size)
{
	struct compose c;
	int code = compose_begin(&c);

	if (code != EXIT_OK)
		return code;
	return compose_end(&c, emit_all(&c.emit, cage, content, id), ret, ret_size);
}
