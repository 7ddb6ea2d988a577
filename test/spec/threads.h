/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads.h: run lists of commands: the file's in its process, and a thread's in a thread of its own.
 *
 * A thread has a script of its own (store, names, host items) over the engine of the script that starts it, and knows
 * one instance of that one, whose shared memory its modules import. What it reports is kept until somebody waited for
 * it, so that lines of two threads never mix.
 */
#ifndef SPEC_THREADS_H
#define SPEC_THREADS_H

#include <stdio.h>

#include "script.h"

/* Judge the commands of a list and report each: "B place", then the verdict. Then wait for all threads. */
void threads_run(struct script *script, struct json_value list, FILE *out);

/* The commands "thread" and "wait". */
void threads_start(struct script *script, struct json_value command, struct verdict *verdict);
void threads_wait(struct script *script, struct json_value command, struct verdict *verdict);

#endif
