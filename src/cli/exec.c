/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c: `skiff exec [OPTIONS] ID MODULE [ARGS...]`: one more module in a container that is there.
 *
 * What runs is described as the OCI specification describes a process. It comes from a file, or is put together here from
 * the container's own and what the options change.
 */
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/containers.h"
#include "cli/fill.h"
#include "cli/node.h"
#include "cli/wasi.h"
#include "cli/watch.h"
#include "command/compose.h"
#include "command/exit.h"
#include "command/options.h"
#include "command/say.h"
#include "runtime/known.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	TTY = 1,
	INTERACTIVE,
	DETACH,
	ENV,
	CWD,
	USER,
	PROCESS,
	CONSOLE_SOCKET,
	PID_FILE,
	CACHE,
	NO_CACHE,
};

enum { VARIABLES = 1024, PROCESS_BYTES = 8 << 20 };

const struct option exec_options[] = {
	{TTY, 't', "tty", NULL, "with a terminal"},
	{INTERACTIVE, 'i', "interactive", NULL, "it has our standard input in any case"},
	{DETACH, 'd', "detach", NULL, "do not wait for its end"},
	{ENV, 'e', "env", "NAME=VALUE",
	 "a variable, beside the container's; NAME alone: our value"},
	{CWD, 'w', "workdir", "DIR", "where relative paths begin, instead of the container's"},
	{CWD, '\0', "cwd", "DIR", "the same"},
	{USER, 'u', "user", "UID[:GID]", "numbers, instead of the container's"},
	{PROCESS, 'p', "process", "FILE", "an OCI process in JSON; then MODULE is not given"},
	{CONSOLE_SOCKET, '\0', "console-socket", "PATH", "hand its terminal to who listens there"},
	{PID_FILE, '\0', "pid-file", "FILE", "write the number of its process to FILE"},
	{CACHE, '\0', "cache", "DIR", "where modules seen before are kept"},
	{NO_CACHE, '\0', "no-cache", NULL, "do not look there"},
	{0},
};
const char exec_details[] =
	"MODULE is looked for in the container, in its PATH where the name has no slash. It is a\n"
	"WebAssembly module: a container of Skiff runs nothing else. The exit code is its own; it\n"
	"ends when the container does. With --detach, in a container without a pid namespace, that "
	"is\n"
	"when it is deleted.\n";

struct request {
	const char *id, *cwd, *process, *pid_file, *cache;
	const char *variables[VARIABLES]; /* of --env, borrowed */
	size_t variable_count;
	struct oci_user user; /* with has_user */
	bool has_user, has_gid, tty, detach;
	char **args; /* the module first */
};

/* -- The command line -------------------------------------------------------------------------------- */

static bool parse_id(const char *text, size_t size, uint32_t *ret)
{
	char number[16];
	uint64_t id;

	if (size == 0 || size >= sizeof(number))
		return false;
	memcpy(number, text, size);
	number[size] = '\0';
	if (!text_parse_u64(number, &id) || id >= UINT32_MAX)
		return false;
	*ret = (uint32_t)id;
	return true;
}

static bool take_user(struct options *o, struct request *q)
{
	size_t size = strcspn(o->value, ":");

	q->has_user = true;
	q->has_gid = o->value[size] == ':';
	if (parse_id(o->value, size, &q->user.uid) &&
	    (!q->has_gid ||
	     parse_id(o->value + size + 1, strlen(o->value + size + 1), &q->user.gid)))
		return true;
	o->code = say(EXIT_USAGE, NULL, "option '--user': '%s' is not UID or UID:GID, in numbers",
		      o->value);
	return false;
}

static bool take_variable(struct options *o, struct request *q)
{
	const char *variable = NULL;

	o->code = q->variable_count < VARIABLES
			  ? wasi_variable(o->value, &variable)
			  : say(EXIT_USAGE, NULL, "option '--env': more than %d", VARIABLES);
	if (o->code == EXIT_OK && variable != NULL)
		q->variables[q->variable_count++] = variable;
	return o->code == EXIT_OK;
}

static bool take(struct options *o, int id, struct request *q, struct watch *watch)
{
	switch (id) {
	case TTY:
		return q->tty = true;
	case INTERACTIVE:
		return true;
	case DETACH:
		return q->detach = true;
	case ENV:
		return take_variable(o, q);
	case CWD:
		q->cwd = o->value;
		return true;
	case USER:
		return take_user(o, q);
	case PROCESS:
		q->process = o->value;
		return true;
	case CONSOLE_SOCKET:
		watch->console_socket = o->value;
		return true;
	case PID_FILE:
		q->pid_file = o->value;
		return true;
	case CACHE:
		q->cache = o->value;
		return true;
	default:
		q->cache = "";
		return true;
	}
}

/* -- The process, as JSON ----------------------------------------------------------------------------- */

static size_t name_size(const char *variable)
{
	return strcspn(variable, "=") + 1;
}

/* Is it set anew by an option. */
static bool is_replaced(const struct request *q, size_t from, const char *variable)
{
	for (size_t i = from; i < q->variable_count; i++)
		if (strncmp(q->variables[i], variable, name_size(variable)) == 0)
			return true;
	return false;
}

static void put_env(struct emit *e, const struct request *q, const struct oci_strings *env)
{
	emit_open(e, "env", '[');
	for (uint32_t i = 0; i < env->count; i++)
		if (!is_replaced(q, 0, env->items[i]))
			emit_string(e, NULL, env->items[i]);
	for (size_t i = 0; i < q->variable_count; i++)
		if (!is_replaced(q, i + 1, q->variables[i]))
			emit_string(e, NULL, q->variables[i]);
	emit_close(e, ']');
}

static void put_user(struct emit *e, const struct request *q, const struct oci_user *own)
{
	struct oci_user user = *own;

	if (q->has_user)
		user.uid = q->user.uid;
	if (q->has_gid)
		user.gid = q->user.gid;
	emit_open(e, "user", '{');
	emit_u64(e, "uid", user.uid);
	emit_u64(e, "gid", user.gid);
	if (user.has_umask)
		emit_u64(e, "umask", user.umask);
	emit_open(e, "additionalGids", '[');
	for (uint32_t i = 0; i < user.group_count; i++)
		emit_u64(e, NULL, user.groups[i]);
	emit_close(e, ']');
	emit_close(e, '}');
}

static int compose(const struct request *q, const struct oci_process *own, char **ret,
		   size_t *ret_size)
{
	struct compose c;
	int code = compose_begin(&c);

	if (code != EXIT_OK)
		return code;
	emit_open(&c.emit, NULL, '{');
	emit_open(&c.emit, "args", '[');
	for (size_t i = 0; q->args[i] != NULL; i++)
		emit_string(&c.emit, NULL, q->args[i]);
	emit_close(&c.emit, ']');
	put_env(&c.emit, q, &own->env);
	emit_string(&c.emit, "cwd", q->cwd != NULL ? q->cwd : own->cwd);
	put_user(&c.emit, q, &own->user);
	emit_bool(&c.emit, "terminal", q->tty);
	emit_close(&c.emit, '}');
	return compose_end(&c, EXIT_OK, ret, ret_size);
}

static int read_process(const char *path, char **ret, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int error = fd < 0 ? -errno : io_whole(fd, PROCESS_BYTES, ret, ret_size);

	if (fd >= 0)
		close(fd);
	return error == 0 ? EXIT_OK : say(EXIT_BAD, path, "%s", strerror(-error));
}

/* -- Running it ---------------------------------------------------------------------------------------- */

/* Of what is to be: the terminal is made before anything else. */
static int prepare(struct watch *watch, const struct known *known, const struct request *q,
		   struct known_exec *exec, struct err *err)
{
	struct oci_spec *spec = NULL;
	int error = oci_process_parse(&spec, exec->process, exec->process_size, err);

	if (error != 0)
		return err_prefix(err, error, "%s", q->process != NULL ? q->process : "exec");
	if (q->detach && spec->process.terminal && watch->console_socket == NULL)
		error = err_set(err, -EINVAL,
				"a terminal that nobody looks after needs --console-socket");
	else
		error = watch_terminal(watch, known->bundle.spec, &spec->process, err);
	memcpy(exec->stdio, watch->stdio, sizeof(exec->stdio));
	oci_spec_free(spec);
	return error;
}

static int run(struct known *known, const struct request *q, struct watch *watch,
	       struct known_exec *exec)
{
	struct child child = CHILD_NONE;
	struct err err = {""};
	int init = (int)syscall(SYS_pidfd_open, known->state.init.pid, 0);
	int r = prepare(watch, known, q, exec, &err), code = EXIT_OK;

	exec->stop = watch->stop;
	if (r == 0)
		r = known_exec(known, exec, &child, &err);
	r = watch_born(watch, r);
	if (r == 0 && q->pid_file != NULL && watch_write_pid(q->pid_file, child.pid, &err) != 0)
		say_note(SAY_WARNING, NULL, "%s", err.text);
	if (r != 0)
		code = say(r > 0 ? r : EXIT_BAD, NULL, "%s", err.text);
	else
		fill_wanted_of(exec->cache, child.module,
			       exec->terms->limits[LIMIT_FUEL] != CONFIG_NONE);
	if (r == 0 && !q->detach)
		code = watch_end(watch, child.pid, init);
	watch_leave(watch);
	if (r == 0 && q->detach)
		fill_behind();
	else
		fill_now();
	if (init >= 0)
		close(init);
	return code;
}

static int agree(struct terms *terms, const struct known *known, const struct config *config)
{
	struct limits limits = {0};
	struct err err = {""};

	terms_init(terms);
	return watch_agree(terms, &limits, known->bundle.spec, config, &err) == 0
		       ? EXIT_OK
		       : say(EXIT_BAD, NULL, "%s", err.text);
}

static int carry_out(const struct request *q, struct watch *watch, const struct config *config)
{
	struct terms terms;
	struct known_exec exec = {.cache = q->cache != NULL ? q->cache : fill_cache(),
				  .inherits = q->process == NULL,
				  .terms = &terms,
				  .note = watch_note};
	char whole[STATE_ID_MAX + 1];
	struct err err = {""};
	struct known known;
	char *text = NULL;
	int code;

	if (containers_open(&known, q->id, whole, &err) != 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	if (known.bundle.spec == NULL)
		code = say(EXIT_BAD, NULL, "%s", known.damage.text);
	else if (q->process != NULL)
		code = read_process(q->process, &text, &exec.process_size);
	else
		code = compose(q, &known.bundle.spec->process, &text, &exec.process_size);
	exec.process = text;
	if (code == EXIT_OK)
		code = agree(&terms, &known, config);
	if (code == EXIT_OK)
		code = run(&known, q, watch, &exec);
	free(text);
	known_close(&known);
	return code;
}

int exec_verb(const struct verb *verb, char **args)
{
	static struct request q; /* static for its size */
	const struct config *config;
	bool no_cache = false;
	struct watch watch;
	struct options o;
	int id;

	watch_begin(&watch, NULL);
	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_WORD) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (id == OPTIONS_END)
			return options_missing(&o, "ID");
		if (!take(&o, id, &q, &watch))
			return o.code;
	}
	q.id = o.value;
	q.args = o.next;
	if (q.args[0] == NULL && q.process == NULL)
		return options_missing(&o, "MODULE");
	if (q.args[0] != NULL && q.process != NULL)
		return say(EXIT_USAGE, NULL, "with --process there is no MODULE, not '%s'",
			   q.args[0]);
	if (node_read(&config, NULL) != EXIT_OK)
		return EXIT_BAD;
	node_cache(config, &q.cache, &no_cache);
	if (no_cache)
		q.cache = "";
	return carry_out(&q, &watch, config);
}
