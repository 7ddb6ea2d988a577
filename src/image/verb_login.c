/* SPDX-License-Identifier: Apache-2.0 */
/* verb_login.c: `skiff login`: try a name and a password, and keep them. */
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/connection.h"
#include "image/login.h"
#include "image/login_host.h"
#include "image/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

const struct option login_options[] = {CONNECTION_ROWS, {0}};
const char login_details[] =
	"Without --username and --password-stdin both are asked for on the terminal. They are "
	"tried first, and\n"
	"then kept where docker, podman and others look for them: in $REGISTRY_AUTH_FILE, or in\n"
	"~/.docker/config.json, by the credential helper that is named there, or as they are (mode "
	"0600).\n";

enum { CONTROL_C = 3, TYPED_MAX = 4096 };

/* A line as the terminal hands it over. The caller owns it; NULL: nothing, or ^C. */
static char *read_line(int fd)
{
	char line[TYPED_MAX];
	ssize_t n = read(fd, line, sizeof(line) - 1);
	char *copy;

	if (n <= 1 || line[n - 1] == CONTROL_C)
		return NULL;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	copy = strdup(line);
	explicit_bzero(line, sizeof(line));
	return copy;
}

/* What is typed at `prompt`. Hidden, ^C ends the line and not the program, which would leave the terminal without echo. */
static char *ask(int terminal, const char *prompt, bool hidden)
{
	struct termios shown, silent;
	char *line;

	hidden = hidden && tcgetattr(terminal, &shown) == 0;
	if (hidden) {
		silent = shown;
		silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
		silent.c_cc[VEOL] = CONTROL_C;
		tcsetattr(terminal, TCSAFLUSH, &silent);
	}
	/* Who sees it may begin to type. */
	(void)!write(terminal, prompt, strlen(prompt));
	line = read_line(terminal);
	if (!hidden)
		return line;
	tcsetattr(terminal, TCSAFLUSH, &shown);
	(void)!write(terminal, "\n", 1);
	return line;
}

static int ask_both(struct connection *c)
{
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (terminal < 0)
		return say(EXIT_USAGE, NULL,
			   "there is no terminal to ask on: use --username with --password-stdin");
	if (c->user == NULL)
		c->user = ask(terminal, "User: ", false);
	if (c->user != NULL)
		c->password = ask(terminal, "Password: ", true);
	close(terminal);
	return c->password != NULL ? EXIT_OK : say(EXIT_BAD, NULL, "nothing was typed");
}

static int try_and_keep(struct connection *c, const struct reference *host)
{
	struct login login = {.user = c->user, .password = c->password};
	struct registry *registry = NULL;
	char place[PATH_MAX];
	struct err err = {""};
	struct out out;
	int rc;

	c->options.user = c->user;
	c->options.password = c->password;
	if (strchr(c->user, ':') != NULL)
		return say(EXIT_USAGE, NULL, "a user's name has no colon");
	rc = registry_open(&registry, host, NULL, &c->options, &err);
	if (rc == 0)
		rc = registry_check(registry, &err);
	registry_close(registry);
	if (rc == 0)
		rc = login_save(host->host, &login, place, &err);
	if (rc < 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	out_init(&out, STDOUT_FILENO);
	out_format(&out, "%s: '%s' is logged in; kept by %s\n", host->host, c->user, place);
	return out_end(&out, EXIT_OK);
}

int login_verb(const struct verb *verb, char **args)
{
	struct connection c = {0};
	struct reference host = {.host = ""};
	const char *word = NULL;
	struct options o;
	int id, code = EXIT_OK;

	options_init(&o, verb, args);
	while (code == EXIT_OK && (id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP) {
			connection_deinit(&c);
			return o.code;
		}
		if (id == OPTIONS_WORD && word != NULL)
			code = options_extra(&o);
		else if (id == OPTIONS_WORD)
			word = o.value;
		else if (connection_take(&c, &o, id))
			code = c.code;
	}
	if (code == EXIT_OK)
		code = word != NULL ? login_host(word, &host) : options_missing(&o, "a host");
	if (code == EXIT_OK && !c.from_stdin && c.password == NULL)
		code = ask_both(&c);
	if (code == EXIT_OK)
		code = connection_ready(&c);
	if (code == EXIT_OK)
		code = try_and_keep(&c, &host);
	connection_deinit(&c);
	return code;
}
