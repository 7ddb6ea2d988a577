/* SPDX-License-Identifier: Apache-2.0 */
/* verb_logout.c: `skiff logout`: forget what `skiff login` kept. */
#include "command/exit.h"
#include "command/options.h"
#include "command/out.h"
#include "command/say.h"
#include "image/login.h"
#include "image/login_file.h"
#include "image/login_host.h"
#include "image/verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct option logout_options[] = {{0}};
const char logout_details[] = "";

int login_host(const char *word, struct reference *ret)
{
	char meaning[512], text[600];
	struct reference whole;
	struct err err;

	login_file_meaning(word, meaning);
	/* What is a host in a reference is one here; "localhost" alone is, too. */
	snprintf(text, sizeof(text), "%s/x", meaning);
	if (strchr(meaning, '/') != NULL || reference_parse(&whole, text, &err) < 0 ||
	    strcmp(whole.host, meaning) != 0)
		return say(EXIT_USAGE, NULL,
			   "'%s' is no host of a registry: HOST[:PORT], with a dot, a port, or "
			   "localhost",
			   word);
	strcpy(ret->host, whole.host);
	return EXIT_OK;
}

static int forget(const struct reference *host)
{
	struct err err = {""};
	struct out out;
	int rc = login_forget(host->host, &err);

	if (rc < 0)
		return say(EXIT_BAD, NULL, "%s", err.text);
	out_init(&out, STDOUT_FILENO);
	out_format(&out, rc == LOGIN_NONE ? "%s: nobody was logged in\n" : "%s: logged out\n",
		   host->host);
	return out_end(&out, EXIT_OK);
}

int logout_verb(const struct verb *verb, char **args)
{
	struct reference host = {.host = ""};
	const char *word = NULL;
	struct options o;
	int id, code;

	options_init(&o, verb, args);
	while ((id = options_next(&o)) != OPTIONS_END) {
		if (id == OPTIONS_STOP)
			return o.code;
		if (word != NULL)
			return options_extra(&o);
		word = o.value;
	}
	if (word == NULL)
		return options_missing(&o, "a host");
	code = login_host(word, &host);
	return code == EXIT_OK ? forget(&host) : code;
}
