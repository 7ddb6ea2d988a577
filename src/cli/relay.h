/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h: beside a container's process until it ends; between the terminal we were started from, or what stands in its place,
 * and its own.
 */
#ifndef CLI_RELAY_H
#define CLI_RELAY_H

#include <signal.h>
#include <sys/types.h>

/*
 * Standard input goes to `master`, what comes from there to standard output, until the child has ended and all it wrote is
 * through: its wait status. Our terminal, if we have one, is raw meanwhile: what is typed is the container's business. Its size
 * is handed on. Signals in `set`, which are blocked, go to the child. Without a master (-1) there are only signals. `other`: a pidfd;
 * when that process ends the child is killed; -1: none.
 */
int relay_attend(pid_t pid, const sigset_t *set, int master, int other);

#endif
