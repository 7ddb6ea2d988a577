/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cage.h: a bundle that is only in memory: `skiff run --cage FILE`, and `skiff run IMAGE`.
 *
 * The module lies alone in an empty read-only root, with the directories of --dir beside it; or in the root of its image, whose
 * changes are the container's own. Options are kept as they are read, and become a config.json and terms when all are known.
 */
#ifndef CLI_CAGE_H
#define CLI_CAGE_H

#include "base/buf.h"
#include "command/emit.h"
#include "oci/image.h"
#include "oci/spec.h"
#include "runtime/launch.h"
#include "runtime/terms.h"

#include <stdbool.h>
#include <stddef.h>

struct options;

/* Options of a container, beside those of wasi.h. */
enum {
	CAGE_DETACH = 3000,
	CAGE_INTERACTIVE,
	CAGE_TTY,
	CAGE_NAME,
	CAGE_RM,
	CAGE_VOLUME,
	CAGE_PUBLISH,
	CAGE_USER,
	CAGE_MEMORY,
	CAGE_CPUS,
	CAGE_PIDS,
	CAGE_READ_ONLY,
	CAGE_NETWORK,
	CAGE_ENTRYPOINT,
	CAGE_HOSTNAME,
	CAGE_LABEL,
	CAGE_STOP_SIGNAL,
	CAGE_PARENT,
	CAGE_LOG_SIZE,
};

#define CAGE_OPTIONS                                                                           \
	{CAGE_DETACH, 'd', "detach", NULL, "leave it running, and print its ID"},              \
		{CAGE_INTERACTIVE, 'i', "interactive", NULL, "give it our standard input"},    \
		{CAGE_TTY, 't', "tty", NULL, "with a terminal"},                               \
		{CAGE_NAME, '\0', "name", "NAME", "its ID (without: one is made up)"},         \
		{CAGE_RM, '\0', "rm", NULL, "with --detach: nothing stays when it has ended"}, \
		{CAGE_VOLUME, 'v', "volume", "HOST:GUEST[:ro]", "give it this directory"},     \
		{CAGE_PUBLISH, 'p', "publish", "PORT[:PORT]",                                  \
		 "both the same: it has the host's network"},                                  \
		{CAGE_USER, 'u', "user", "USER[:GROUP]", "numbers, or names of the image"},    \
		{CAGE_MEMORY, 'm', "memory", "SIZE", "of its control group"},                  \
		{CAGE_CPUS, '\0', "cpus", "N", "so many CPUs, as in 1.5"},                     \
		{CAGE_PIDS, '\0', "pids-limit", "N", "processes and threads"},                 \
		{CAGE_READ_ONLY, '\0', "read-only", NULL, "nobody can write to its root"},     \
		{CAGE_NETWORK, '\0', "network", "host|none", "the host's (default), or none"}, \
		{CAGE_ENTRYPOINT, '\0', "entrypoint", "MODULE", "run this instead"},           \
		{CAGE_HOSTNAME, '\0', "hostname", "NAME", "of its uts namespace"},             \
		{CAGE_LABEL, '\0', "label", "KEY[=VALUE]", "an annotation, shown by state"},   \
		{CAGE_STOP_SIGNAL, '\0', "stop-signal", "SIGNAL", "what `skiff stop` sends"},  \
		{CAGE_PARENT, '\0', "cgroup-parent", "PATH", "where its control group lies"},  \
		{CAGE_LOG_SIZE, '\0', "log-size", "SIZE", "of a log, of which two are kept (10M)"}

/* Annotations that say what an image says; the names are those of the image specification. */
#define CAGE_STOP_SIGNAL_NOTE "org.opencontainers.image.stopSignal"
#define CAGE_PORTS_NOTE "org.opencontainers.image.exposedPorts"

struct cage {
	bool wanted; /* by --cage; or an image is */
	struct cage_option *options; /* owned, until the process ends */
	size_t count;
	struct buf allow, listen; /* owned; lists of terms.h */
	int sockets[LAUNCH_MORE_MOST - 1]; /* of --listen-fd; borrowed */
	uint32_t socket_count;
	uint32_t threads; /* as in struct terms; with has_threads */
	bool has_threads;
	bool no_network; /* unless an option says otherwise */

	bool detach, interactive, tty, removed, read_only, published;
	const char *first; /* the name of the first option that only a container has; NULL: none */
	const char *name, *user, *entrypoint, *hostname, *stop_signal, *parent; /* NULL: none */
	uint64_t memory, cpu_quota, pids, log_bytes; /* 0: none */
};

enum { CAGE_CPU_PERIOD = 100000 }; /* microseconds, of which cpu_quota is a share */

/* What is in it, and what of that is to run. All is borrowed. */
struct cage_content {
	const char *file; /* the module, which lies alone in an empty root; NULL: */
	const char *root; /* the root's absolute path */
	const char *name; /* what is run, and how it is called */
	char *const *args; /* behind the name; ends with NULL */
	const struct image_config *image; /* variables, ports, and what stops it; NULL: nothing */
	const char *directory;
	struct oci_user user;
};

/* Keep the option just read, one of wasi.h or above. On false a sentence was said and o->code is set. */
bool cage_option(struct cage *cage, struct options *o, int id);
/* Does it take a control group of its own. */
bool cage_has_group(const struct cage *cage);

/* What of them is not in a config.json; it borrows from the cage. */
void cage_terms(const struct cage *cage, struct terms *ret);

/* The text of a config.json; an exit code. The caller owns the text. `id`: of the container. */
int cage_compose(const struct cage *cage, const struct cage_content *content, const char *id,
		 char **ret, size_t *ret_size);

/* -- What its files know of each other ----------------------------------------------------------------- */

struct cage_option {
	int id;
	const char *value; /* borrowed from the command line */
};
/* NULL where the option has no value. */
const char *cage_last(const struct cage *cage, int id, const char *otherwise);

#endif
