/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h: the options of all verbs that talk to registries. */
#ifndef IMAGE_CONNECTION_H
#define IMAGE_CONNECTION_H

#include "command/options.h"
#include "image/registry.h"

enum {
	CONNECTION_FIRST = 100,
	CONNECTION_CACERT = CONNECTION_FIRST,
	CONNECTION_PLAIN,
	CONNECTION_CREDS,
	CONNECTION_USER,
	CONNECTION_STDIN
};

/* Rows of a verb's table. */
#define CONNECTION_ROWS                                                                   \
	{CONNECTION_CACERT, 0, "cacert", "FILE",                                          \
	 "trust the authorities in it, beside the system's"},                             \
		{CONNECTION_PLAIN, 0, "plain-http", NULL,                                 \
		 "without TLS where there is none (this machine needs no option)"},       \
		{CONNECTION_CREDS, 0, "creds", "USER:PASSWORD",                           \
		 "both at once; other users of the machine see it"},                      \
		{CONNECTION_USER, 'u', "username", "USER", "who, with --password-stdin"}, \
		{CONNECTION_STDIN, 0, "password-stdin", NULL,                             \
		 "read the password from standard input"}

struct connection {
	struct registry_options options; /* borrowed texts */
	char *user, *password; /* owned */
	bool from_stdin;
	int code; /* what a wrong option came to; EXIT_OK: none was */
};

/* False: `id` is none of ours. */
bool connection_take(struct connection *connection, const struct options *o, int id);
/* After the last option: an exit code. */
int connection_ready(struct connection *connection);
void connection_deinit(struct connection *connection);
/* All of standard input but a newline at its end. An exit code. */
int connection_read_password(char **ret);
/* The number of things at once, of the option just read; false: said. */
bool connection_jobs(struct options *o, unsigned *ret);

#endif
