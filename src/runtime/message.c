/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/message.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Room for one descriptor; of what is sent beyond it the kernel closes what does not fit. */
union ancillary {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int message_send_with(int socket, enum message_kind kind, int fd)
{
	struct message message = {.kind = kind};
	struct iovec part = {&message, offsetof(struct message, text) + 1};
	union ancillary ancillary = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
						.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS}};
	const struct msghdr whole = {.msg_iov = &part,
				     .msg_iovlen = 1,
				     .msg_control = &ancillary,
				     .msg_controllen = sizeof(ancillary)};
	ssize_t n;

	memcpy(CMSG_DATA(&ancillary.header), &fd, sizeof(fd));
	do
		n = sendmsg(socket, &whole, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? message_send(socket, kind, 0, NULL) : 0;
}

static int check(const struct message *message, ssize_t n)
{
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	if ((size_t)n <= offsetof(struct message, text) || ((const char *)message)[n - 1] != '\0')
		return -EPROTO;
	return 0;
}

int message_receive(int socket, struct message *ret)
{
	ssize_t n;

	do
		n = recv(socket, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	return check(ret, n);
}

/* The first; room for one is, rounded up, room for two. */
static int descriptor_of(struct msghdr *whole)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(whole);
	int fds[2] = {-1, -1};

	if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(fds, CMSG_DATA(header), MIN(header->cmsg_len - CMSG_LEN(0), sizeof(fds)));
	if (fds[1] >= 0)
		close(fds[1]);
	return fds[0];
}

int message_receive_with(int socket, struct message *ret, int *ret_fd)
{
	struct iovec part = {ret, sizeof(*ret)};
	union ancillary ancillary = {.room = {0}};
	struct msghdr whole = {.msg_iov = &part,
			       .msg_iovlen = 1,
			       .msg_control = &ancillary,
			       .msg_controllen = sizeof(ancillary)};
	int fd, error;
	ssize_t n;

	do
		n = recvmsg(socket, &whole, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	error = check(ret, n);
	fd = n < 0 ? -1 : descriptor_of(&whole);
	if (fd >= 0 && error == 0)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return error;
}
