/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c: skiff, but for one thing: its guest is this file.
 *
 * The program is linked from the objects of skiff with --wrap: where the command line is about to call the guest, the
 * cage closed, an attempt runs instead, with everything a guest has that took over its process. It is told which by a
 * line on standard input:
 *
 *	LAYERS NAME DIR PID
 *
 * LAYERS are the letters of those that are to be closed (f: filter, l: Landlock, i: identity), so that each can be shown to
 * hold alone; the others are always there. On standard output it says "came to N". `--attempts` lists the table.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attempts.h"
#include "sandbox/identity.h"
#include "sandbox/landlock.h"
#include "sandbox/seccomp.h"
#include "skiff.h"

int skiff_main(char **args);
int skiff_init_main(char **args);

int __real_seccomp_close(const struct seccomp_filter *profile, int *ret_listener, struct err *err);
int __real_identity_apply(const struct oci_process *process, uint64_t most, struct err *err);
int __real_landlock_close(struct landlock *landlock, enum landlock_result *ret, struct err *err);
int __wrap_seccomp_close(const struct seccomp_filter *profile, int *ret_listener, struct err *err);
int __wrap_identity_apply(const struct oci_process *process, uint64_t most, struct err *err);
int __wrap_landlock_close(struct landlock *landlock, enum landlock_result *ret, struct err *err);
int __wrap_skiff_call(void);

struct host host;
static char layers[8], name[64];

/* -- What we are told ---------------------------------------------------------------------------------- */

static bool word(char **at, char *ret, size_t size)
{
	size_t n = strcspn(*at, " \n");

	if (n == 0 || n >= size)
		return false;
	memcpy(ret, *at, n);
	ret[n] = '\0';
	*at += n + 1;
	return true;
}

static void read_orders(void)
{
	static bool done;
	char line[256] = "", pid[16] = "", *at = line;

	if (done)
		return;
	done = true;
	if (read(STDIN_FILENO, line, sizeof(line) - 1) <= 0 || !word(&at, layers, sizeof(layers)) ||
	    !word(&at, name, sizeof(name)) || !word(&at, host.dir, sizeof(host.dir)) ||
	    !word(&at, pid, sizeof(pid)))
		_exit(90);
	host.victim = atoi(pid);
}

static bool is_closed(char layer)
{
	read_orders();
	return strchr(layers, layer) != NULL;
}

/* -- Layers ---------------------------------------------------------------------------------------------- */

int __wrap_seccomp_close(const struct seccomp_filter *profile, int *ret_listener, struct err *err)
{
	*ret_listener = -1;
	return is_closed('f') ? __real_seccomp_close(profile, ret_listener, err) : 0;
}

int __wrap_identity_apply(const struct oci_process *process, uint64_t most, struct err *err)
{
	return is_closed('i') ? __real_identity_apply(process, most, err) : 0;
}

int __wrap_landlock_close(struct landlock *landlock, enum landlock_result *ret, struct err *err)
{
	*ret = LANDLOCK_MISSING;
	return is_closed('l') ? __real_landlock_close(landlock, ret, err) : 0;
}

/* -- The guest ------------------------------------------------------------------------------------------- */

/* Its parameters do not matter: nothing comes back from here. */
int __wrap_skiff_call(void)
{
	const struct attempt *attempt = attempt_find(name);
	char line[64];
	int size;

	if (attempt == NULL)
		_exit(91);
	size = snprintf(line, sizeof(line), "came to %ld\n", attempt->run());
	(void)!write(STDOUT_FILENO, line, (size_t)size);
	for (;;)
		syscall(SYS_exit_group, 0);
}

static int list(void)
{
	for (unsigned i = 0; i < attempt_count; i++)
		printf("%s %u %s\n", attempts[i].name, attempts[i].layers, attempts[i].words);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--attempts") == 0)
		return list();
	if (argc > 0 && strcmp(argv[0], "skiff-init") == 0)
		return skiff_init_main(argv + 1);
	return skiff_main(argv + 1);
}
