/* SPDX-License-Identifier: Apache-2.0 */
#include "image/connection.h"

#include "base/buf.h"
#include "command/exit.h"
#include "command/say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PASSWORD_MAX = 64 << 10, JOBS_MAX = 32 };

static void take_text(struct connection *c, char **ret, const char *text, size_t size)
{
	free(*ret);
	*ret = strndup(text, size);
	if (*ret == NULL)
		c->code = say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
}

/* The words of a command line can be read by everybody on the machine: as long as this takes, no longer. */
static void take_pair(struct connection *c, char *pair)
{
	char *colon = strchr(pair, ':');

	if (colon == NULL || colon == pair) {
		c->code = say(EXIT_USAGE, NULL, "option '--creds' takes USER:PASSWORD");
		return;
	}
	take_text(c, &c->user, pair, (size_t)(colon - pair));
	take_text(c, &c->password, colon + 1, strlen(colon + 1));
	memset(colon + 1, '*', strlen(colon + 1));
}

bool connection_take(struct connection *c, const struct options *o, int id)
{
	switch (id) {
	case CONNECTION_CACERT:
		c->options.ca_file = o->value;
		return true;
	case CONNECTION_PLAIN:
		c->options.plain_http = true;
		return true;
	case CONNECTION_CREDS:
		/* Values are of argv, which is ours. */
		take_pair(c, (char *)o->value);
		return true;
	case CONNECTION_USER:
		take_text(c, &c->user, o->value, strlen(o->value));
		return true;
	case CONNECTION_STDIN:
		c->from_stdin = true;
		return true;
	default:
		return false;
	}
}

int connection_read_password(char **ret)
{
	struct buf text = {0};
	char bytes[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || text.size + (size_t)n > PASSWORD_MAX ||
		    buf_put(&text, bytes, (size_t)n) == NULL) {
			buf_deinit(&text);
			return say(EXIT_BAD, "standard input", "%s",
				   n < 0 ? strerror(errno) : "this is no password");
		}
	}
	explicit_bzero(bytes, sizeof(bytes));
	while (text.size > 0 && strchr("\r\n", text.data[text.size - 1]) != NULL)
		text.size--;
	if (buf_put(&text, "", 1) == NULL) {
		buf_deinit(&text);
		return say(EXIT_BAD, NULL, "%s", strerror(ENOMEM));
	}
	*ret = (char *)text.data;
	return EXIT_OK;
}

int connection_ready(struct connection *c)
{
	if (c->code != EXIT_OK)
		return c->code;
	if (c->from_stdin && (c->user == NULL || c->password != NULL))
		return say(EXIT_USAGE, NULL, "option '--password-stdin' goes with --username");
	if (c->from_stdin)
		c->code = connection_read_password(&c->password);
	else if (c->user != NULL && c->password == NULL)
		c->code = say(EXIT_USAGE, NULL,
			      "option '--username' goes with --password-stdin; or use skiff login");
	c->options.user = c->user;
	c->options.password = c->password;
	return c->code;
}

static void forget(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void connection_deinit(struct connection *c)
{
	forget(&c->user);
	forget(&c->password);
}

bool connection_jobs(struct options *o, unsigned *ret)
{
	uint64_t jobs;

	if (!options_u64(o, &jobs))
		return false;
	if (jobs == 0 || jobs > JOBS_MAX) {
		o->code = say(EXIT_USAGE, NULL, "option '--%s' is a number from 1 to %d", o->name,
			      JOBS_MAX);
		return false;
	}
	*ret = (unsigned)jobs;
	return true;
}
