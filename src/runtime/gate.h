/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h: where a container that was created waits to be started, by whoever comes: a socket in its state's directory.
 *
 * Who knocks and is let in has a socket for messages (message.h) with the container's process. Only the owner of the directory
 * gets so far as to knock.
 */
#ifndef RUNTIME_GATE_H
#define RUNTIME_GATE_H

#include <stdbool.h>

#include "base/err.h"

/* A descriptor, for the container's process. */
int gate_make(int state_dir, struct err *err);
/* A socket to that process, or a negative errno: -ECONNREFUSED, -ENOENT: nobody waits there. */
int gate_knock(int state_dir);
/* Does somebody wait there; nobody hears of the question. */
bool gate_is_open(int state_dir);
/* In the container's process: a socket to who knocked; or a negative errno. */
int gate_await(int gate);

#endif
