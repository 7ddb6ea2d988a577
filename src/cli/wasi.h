/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi.h: what the command line gives a guest of the world, and the options that say it.
 *
 * Each option is carried out where it is read, so a wrong path is a mistake whatever the module turns
 * out to be. Without one nothing is made until a module asks for WASI.
 */
#ifndef CLI_WASI_H
#define CLI_WASI_H

#include <stdbool.h>

struct options;
struct skiff_linker;
struct skiff_module;
struct skiff_wasi;

enum {
	WASI_DIR = 2000,
	WASI_ENV,
	WASI_ENV_FILE,
	WASI_WORKDIR,
	WASI_LISTEN_FD,
	WASI_TCPLISTEN,
	WASI_NO_NETWORK,
	WASI_ALLOW_NET,
	WASI_MAX_THREADS,
};

#define WASI_OPTIONS                                                                             \
	{WASI_DIR, '\0', "dir", "[GUEST:]HOST[:ro]", "give the guest this directory"},           \
		{WASI_ENV, 'e', "env", "NAME[=VALUE]", "set a variable, or pass ours on"},       \
		{WASI_ENV_FILE, '\0', "env-file", "FILE", "set the variables of a file"},        \
		{WASI_WORKDIR, 'w', "workdir", "PATH", "where the guest begins, as it sees it"}, \
		{WASI_LISTEN_FD, '\0', "listen-fd", "N", "hand over our listening socket N"},    \
		{WASI_TCPLISTEN, '\0', "tcplisten", "HOST:PORT",                                 \
		 "make a listening socket and hand it over"},                                    \
		{WASI_NO_NETWORK, '\0', "no-network", NULL,                                      \
		 "the guest gets no sockets of its own"},                                        \
		{WASI_ALLOW_NET, '\0', "allow-net", "HOST:PORT",                                 \
		 "whom the guest may talk to; without: everyone"},                               \
		{WASI_MAX_THREADS, '\0', "max-threads", "N",                                     \
		 "threads the guest may start (default 1024)"}

struct wasi_setup {
	struct skiff_wasi *wasi; /* owned until the process ends; NULL: nothing is set up yet */
	bool network_chosen; /* by an option */
	bool forgiving; /* a directory that cannot be had is told, and no mistake: as with WasmEdge */
};

/* The value of a --dir, taken apart. */
struct wasi_dir {
	char *text; /* owned: the two below */
	char *guest;
	char *host;
	unsigned flags; /* enum skiff_wasi_dir_flags */
	bool named; /* guest is not host's own name */
};
/* An exit code; free it in any case. */
int wasi_dir_parse(struct wasi_dir *ret, const char *value);
void wasi_dir_free(struct wasi_dir *dir);

/* What --env says, as NAME=VALUE, borrowed: from there, or from our own environment; NULL in *ret: not set there. An exit code. */
int wasi_variable(const char *text, const char **ret);

/* Carry out the option just read. On false a sentence was said and o->code is set. */
bool wasi_option(struct wasi_setup *setup, struct options *o, int id);
/* "NAME=VALUE", or "NAME" for our own value; an exit code. */
int wasi_env(struct wasi_setup *setup, const char *variable);

/* Does the module import anything of WASI. */
bool wasi_wanted(const struct skiff_module *module);
/* Offer WASI to the linker, for a guest called `name` with these arguments; an exit code. */
int wasi_link(struct wasi_setup *setup, struct skiff_linker *linker, const char *name, char **args);

#endif
