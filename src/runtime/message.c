/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/message.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/base.h"

int message_send(int socket, enum message_kind kind, int value, const char *text)
{
	struct message message = {.kind = kind, .value = value};
	size_t size = text != NULL ? MIN(strlen(text), sizeof(message.text) - 1) : 0;
	ssize_t n;

	if (size != 0)
		memcpy(message.text, text, size);
	do
		n = send(socket, &message, offsetof(struct message, text) + size + 1, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int message_receive(int socket, struct message *ret)
{
	ssize_t n;

	do
		n = recv(socket, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	if ((size_t)n <= offsetof(struct message, text) || ((char *)ret)[n - 1] != '\0')
		return -EPROTO;
	return 0;
}
