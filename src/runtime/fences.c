/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/fences.h"

#include <errno.h>
#include <sys/resource.h>

#include "exec/memory.h"
#include "sandbox/landlock.h"

/* From this version on it has all that landlock.c knows. */
enum { LANDLOCK_WHOLE = 6 };

static int check_landlock(enum config_word policy, message_note_fn *note, void *env,
			  struct err *err)
{
	int version = landlock_version();
	struct err sentence;

	if (version == 0 && policy == CONFIG_LANDLOCK_REQUIRE)
		return err_set(err, -EPERM,
			       "this kernel has no Landlock, and policy.landlock requires it");
	if (version == 0 && policy == CONFIG_LANDLOCK_WARN)
		note(env, MESSAGE_WARNING,
		     "this kernel has no Landlock: the mount view and the system call filter stand "
		     "without it");
	if (version > 0 && version < LANDLOCK_WHOLE) {
		err_set(&sentence, 0,
			"this kernel's Landlock is version %d: abstract sockets and signals are "
			"kept in by namespaces alone",
			version);
		note(env, MESSAGE_INFO, sentence.text);
	}
	return 0;
}

/* What the limit will be when the cage is shut. */
static uint64_t address_space(const struct oci_process *process)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY};

	for (uint32_t i = 0; i < process->rlimit_count; i++)
		if (process->rlimits[i].resource == RLIMIT_AS)
			return process->rlimits[i].soft;
	getrlimit(RLIMIT_AS, &limit);
	return limit.rlim_cur;
}

/*
 * A refused reservation is no failure: the engine checks each access instead (memory.h). Overcommit 2 refuses none: what has no
 * access is not counted there.
 */
static void check_address_space(const struct oci_process *process, message_note_fn *note, void *env)
{
	uint64_t limit = address_space(process);
	struct err sentence;

	if (limit > MEMORY_RESERVATION)
		return;
	err_set(&sentence, 0,
		"RLIMIT_AS is %llu bytes, and a memory wants 8 GiB of addresses: its accesses are "
		"checked one by one, which takes time",
		(unsigned long long)limit);
	note(env, MESSAGE_WARNING, sentence.text);
}

int fences_check(const struct oci_spec *spec, enum config_word landlock, message_note_fn *note,
		 void *env, struct err *err)
{
	check_address_space(&spec->process, note, env);
	return check_landlock(landlock, note, env, err);
}
