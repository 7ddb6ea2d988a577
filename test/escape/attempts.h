/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempts.h: what an escaped guest tries, and what is to stop it.
 *
 * An attempt is a row of attempts.def: a name, the layers each of which is to refuse it *alone*, words, and the
 * expression that tries it. Its value is 0 or more where it came through, else a negative errno.
 */
#ifndef ESCAPE_ATTEMPTS_H
#define ESCAPE_ATTEMPTS_H

/* In the order in which they are named to a person. */
enum layer {
	VIEW = 1, /* the mount view: it is not there, or is read-only */
	DESCRIPTORS = 2, /* nothing was left open */
	DEVICES = 4, /* nodev, and the control group's rules */
	NAMESPACES = 8,
	IDENTITY = 16, /* user, capabilities, no_new_privs, not dumpable */
	LANDLOCK = 32,
	FILTER = 64,
};

struct attempt {
	const char *name;
	unsigned layers;
	const char *words;
	long (*run)(void);
};

/* What the host tells of itself, so that a guest knows what to look for. */
struct host {
	char dir[128]; /* where its secrets are */
	int victim; /* a process of it, by its number there */
};

extern struct host host;
extern const struct attempt attempts[];
extern const unsigned attempt_count;

const struct attempt *attempt_find(const char *name);

#endif
