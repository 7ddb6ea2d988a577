/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h: what a container's process and whoever started it tell each other, over a socket that keeps messages whole.
 *
 *   child   WARNING, INFO text: something is not as it could be; any number, at any time until it closes its side
 *           NAMESPACES    they are there, where somebody waits for that (hooks.h); it waits for
 *   parent  ON
 *   child   READY         in the cage, the module is open: what can fail has not. Comes with the module's
 *                         descriptor, where the cache lacks it and would be the better for having it
 *           FAILED        value: the exit code; text: why
 *   parent  GO            run it; when the guest is about to begin the child closes its side
 *           ON            or: live on without me, and wait to be started; the child closes its side, and hears GO from
 *                         whoever comes to its gate (gate.h), where it tells again what is worth knowing, or FAILED
 *
 * The end of the child without a message is a failure too; the end of the parent before GO ends the child.
 */
#ifndef RUNTIME_MESSAGE_H
#define RUNTIME_MESSAGE_H

#include <stdint.h>

#include "base/err.h"

enum message_kind {
	MESSAGE_READY = 1,
	MESSAGE_FAILED,
	MESSAGE_GO,
	MESSAGE_NAMESPACES,
	MESSAGE_ON,
	MESSAGE_WARNING,
	MESSAGE_INFO
};

struct message {
	uint32_t kind;
	int32_t value;
	char text[ERR_MAX]; /* terminated */
};

/* Takes what is no mistake: MESSAGE_WARNING or MESSAGE_INFO. */
typedef void message_note_fn(void *env, enum message_kind kind, const char *sentence);

/* 0 or a negative errno. Only system calls: fit for a child that shares memory. */
int message_send(int socket, enum message_kind kind, int value, const char *text);
/* The same with a descriptor; without it, where a profile of system calls is against that. */
int message_send_with(int socket, enum message_kind kind, int fd);
/* Waits. -ECONNRESET: the other side is gone; -EPROTO: what came is no message. */
int message_receive(int socket, struct message *ret);
/* The same with a descriptor, where one came along: else *ret_fd stays as it is. */
int message_receive_with(int socket, struct message *ret, int *ret_fd);

#endif
