/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h: one run of one module, from the file to the exit code.
 *
 * Without a name to call it is the export "_start", if there is one. A module without "_start"
 * runs by its start section; one that has neither but exports functions needs a name, and is told
 * so before anything of it runs. A module that imports WASI gets what plan.wasi says.
 */
#ifndef CLI_GUEST_H
#define CLI_GUEST_H

#include "cli/cage.h"
#include "cli/local.h"
#include "cli/wasi.h"

#include <stdbool.h>
#include <stdint.h>

/* Is the module a library, whose '_initialize' is called first and then the export that is named. */
enum guest_reactor {
	GUEST_COMMAND,
	GUEST_REACTOR,
	GUEST_EITHER, /* a reactor where it has no '_start' */
};

#define GUEST_GRACE_MS 10000 /* without --grace */

/* What the roles of the program do not have in common. */
struct guest_manner {
	int mistake_code; /* the command line makes no sense */
	int time_code; /* the time ran out */
	int fuel_code;
	const char *fuel_option; /* how these were limited, for sentences */
	const char *time_option;
	const char *memory_option;
};

/* What a process has been given that is about to shut itself in, and what it does on the way. */
struct guest_cage {
	int module; /* a descriptor, of the file */
	struct skiff_cache *cache; /* borrowed; NULL: none */
	/* Exit codes: */
	/* Nothing of the module was looked at. `missing`: would it have to be put into the cache. */
	int (*before_reading)(bool missing);
	int (*before_run)(void); /* everything is ready */
};

/* What the command line wants; all strings are borrowed from it. */
struct guest_plan {
	const char *file;
	const char *argv0; /* NULL: file */
	const char *invoke; /* NULL: none given */
	const char *entry; /* what a command begins with; NULL: "_start" */
	char **args; /* of the guest, ends with NULL */
	struct wasi_setup wasi;
	struct guest_manner manner;
	enum guest_reactor reactor;
	uint64_t grace_ms;
	uint64_t memory_pages; /* of each memory; with has_pages */
	const char *coredump; /* a path, or NULL */
	int dump; /* without a path: where the core dump goes; 0: nowhere */
	struct cage cage;
	bool is_image; /* file is a reference */
	struct local_wish wish; /* with is_image, but for its word */
	const char *bundle; /* a directory; NULL: none */
	const char *console_socket, *pid_file; /* with bundle; paths, or NULL */
	const char *config; /* a file; NULL: as the environment has it, or the default one */
	const char *cache; /* a directory; NULL: the default one */
	bool no_cache;
	const struct guest_cage
		*closing; /* the cage we are in, about to close; NULL: there is none */
	uint64_t features;
	uint64_t stack_bytes; /* 0: the engine's default */
	uint64_t fuel;
	uint64_t time_ms;
	uint64_t memory_bytes;
	bool has_fuel;
	bool has_grace; /* by an option */
	bool has_time;
	bool has_memory;
	bool has_pages;
};

/* Run it, print results and mistakes; the exit code. Once in a process. */
int guest_run(struct guest_plan *plan);

#endif
